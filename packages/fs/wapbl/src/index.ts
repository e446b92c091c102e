/**
 * wapbl: write-ahead physical block logging, the journal of FFS: its format, its replay, and its side of the journal in rumpvfs.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';
import { rumpvfs } from '@anykernel/rumpvfs';

export * from './ondisk.js';
export * from './replay.js';
export * from './format.js';

/** The journal of FFS. */
export const wapbl: Component<void, readonly [typeof rumpkern, typeof rumpvfs]> = component({
  name: 'wapbl',
  class: 'vfs',
  requires: [rumpkern, rumpvfs],
  attach(): void {},
});
