/** What the sync of a file system on a disk is made of. */
import { Errno } from '@anykernel/lib-sys';
import type { Bcache } from './bcache.js';
import type { Disk } from './disk.js';
import type { Mount } from './mount.js';

/** Data goes to the disk. A file that cannot be written keeps no other from it: gives the first error. Sleeps where `wait`. */
export function flushFiles(mp: Mount, wait: boolean): Errno | undefined {
  let failure: Errno | undefined;
  for (const vp of mp.vnodes()) {
    try {
      if (vp.uobj?.dirty === true) vp.uobj.flush(0, 0, wait);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      failure ??= e;
    }
  }
  return failure;
}

function hasDirtyFiles(mp: Mount): boolean {
  for (const vp of mp.vnodes()) if (vp.uobj?.dirty === true) return true;
  return false;
}

/** A file system whose superblock tells whether everything has been written. */
export interface Cleanable {
  readonly mp: Mount;
  readonly bcache: Bcache;
  readonly disk: Disk;
  /** Says on disk that everything has been written; returns whether there was something to say. */
  cleanse(): boolean;
}

/** The buffers have been flushed: where everything has been written, as far as is known, the disk says so. EIO; sleeps where `wait`. */
export function settle(fs: Cleanable, wait: boolean): void {
  const atOnce = fs.disk.asyncWrite === false;
  if ((wait || atOnce) && fs.bcache.stats.dirty === 0 && !hasDirtyFiles(fs.mp) && fs.cleanse()) fs.bcache.flush(wait);
  if (wait) fs.disk.flush();
}
