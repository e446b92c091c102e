/**
 * The end of files: what has lost its last name goes at once if nobody holds it, and stays until the last one lets go otherwise.
 *
 * Those that stay are known to the journal where there is one; without, a checker finds them after a power cut. Where the end itself has to wait
 * for a device, the inode is a zombie, and sync ends it.
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import { VDIR, type Vnode, modeToType } from '@anykernel/rumpvfs';
import { markEnded } from './incore.js';
import { type Inode, POINTERS, pointsToBlocks, readInode } from './inode.js';
import type { UfsMount } from './mount.js';

/** The file has lost a name, and this was its last one. Within a transaction. */
export function lostLastName(vp: Vnode, ip: Inode): void {
  const { fs } = ip;
  if (vp.usecount > 0 || fs.ops.isLarge(ip)) {
    fs.ops.orphaned(ip);
    return;
  }
  destroy(ip);
  fs.txn.commit(() => markEnded(vp, ip));
}

/** Frees all that the inode has, and the inode. Within a transaction. EIO. */
function destroy(ip: Inode): void {
  const { fs } = ip;
  const type = modeToType(ip.mode);
  ip.dirty();
  if (pointsToBlocks(ip, type)) fs.ops.truncate(ip, 0);
  fs.ops.freeExtattrs(ip);
  for (let i = 0; i < POINTERS; i++) ip.setPtr(i, 0);
  ip.size = 0;
  ip.addFrags(-Infinity);
  ip.nlink = 0;
  ip.mode = 0;
  ip.flags = 0;
  fs.ops.vfree(ip, type === VDIR);
}

/** Nobody holds a file without a name any more. Within a transaction. EIO. */
export function end(ip: Inode): void {
  ip.fs.ops.unorphaned(ip);
  destroy(ip);
}

/** Ends the zombies. Sleeps; what cannot be ended is left to a checker. */
export function reap(fs: UfsMount): void {
  for (const ino of [...fs.zombies]) {
    const ip = readInode(fs, ino);
    try {
      if (ip.mode !== 0 && ip.nlink <= 0) endInPieces(fs, ip);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    } finally {
      ip.release();
    }
    fs.zombies.delete(ino);
  }
}

/** In pieces, where it is more than one operation may change. ENOSPC, EIO. */
function endInPieces(fs: UfsMount, ip: Inode): void {
  for (;;) {
    try {
      fs.run(() => end(ip));
      return;
    } catch (e) {
      if (e !== ERR.ENOSPC || !shrink(fs, ip)) throw e;
    }
  }
}

/** Takes as much from the end of a file as goes at once; false: nothing does. */
function shrink(fs: UfsMount, ip: Inode): boolean {
  const { size } = ip;
  for (let part = size / 2; part >= fs.bsize; part /= 2) {
    try {
      fs.run(() => fs.ops.truncate(ip, Math.floor((size - part) / fs.bsize) * fs.bsize));
      return true;
    } catch (e) {
      if (e !== ERR.ENOSPC) throw e;
    }
  }
  return false;
}
