/**
 * jbd2: the journal of ext3 and ext4, which brings home what a power cut has left in it, and takes what rumpvfs's journal writes ahead.
 *
 * It knows blocks and transactions, and nothing of files: a file system says where the journal's blocks are.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpvfs } from '@anykernel/rumpvfs';

export type { ReplayDevice } from './io.js';
export { Jbd2Log } from './log.js';
export { JournalPlace } from './place.js';
export { Replay, type ReplayResult } from './replay.js';
export * from './ondisk.js';

/** The journal of ext3 and ext4. */
export const jbd2: Component<void, readonly [typeof rumpvfs]> = component({
  name: 'jbd2',
  class: 'vfs',
  requires: [rumpvfs],
  attach(): void {
    // It is what file systems import of it.
  },
});
