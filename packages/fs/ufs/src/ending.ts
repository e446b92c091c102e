/**
 * The end of files: what has lost its last name goes at once if nobody holds it, and stays until the last one lets go otherwise.
 *
 * Those that stay are known to the journal where there is one; without, a checker finds them after a power cut. Where the end itself has to wait
 * for a device, the inode is a zombie, and sync ends it.
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import { SLEEP } from '@anykernel/rumpkern';
import { VDIR, type Vnode, modeToType } from '@anykernel/rumpvfs';
import { dropIndex } from './dirtable.js';
import { applyTimes } from './file.js';
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
  fs.txn.commit(() => {
    vp.uobj?.drop();
    fs.lazyTimes.delete(vp);
    ip.destroyed = true;
  });
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

/** inactive(): nobody holds the file any more. Returns whether it is gone. */
export function endIfUnnamed(vp: Vnode, ip: Inode): boolean {
  if (ip.destroyed) return true;
  if (ip.nlink > 0) return false;
  const { fs } = ip;
  if (!fs.writable) return true;
  try {
    fs.run(() => {
      fs.ops.unorphaned(ip);
      destroy(ip);
    });
    ip.destroyed = true;
  } catch (e) {
    if (e !== SLEEP && !(e instanceof Errno)) throw e;
    // The reclaim that follows makes it a zombie, unless trying again is useless.
    ip.hopeless = e === ERR.EIO;
  }
  vp.uobj?.drop();
  fs.lazyTimes.delete(vp);
  return true;
}

/** reclaim(): the vnode goes. */
export function forgetInode(vp: Vnode, ip: Inode): void {
  const { fs } = ip;
  if (!ip.destroyed && !ip.hopeless && ip.nlink <= 0 && fs.writable) fs.zombies.add(ip.ino);
  if (fs.lazyTimes.delete(vp) && fs.writable && !ip.destroyed) keepTimes(ip);
  dropIndex(ip);
  ip.release();
}

/** The last chance for an access time; it may be lost. */
function keepTimes(ip: Inode): void {
  try {
    ip.fs.run(() => applyTimes(ip));
  } catch (e) {
    if (e !== SLEEP && !(e instanceof Errno)) throw e;
  }
}

/** Ends the zombies. Sleeps; what cannot be ended is left to a checker. */
export function reap(fs: UfsMount): void {
  for (const ino of [...fs.zombies]) {
    const ip = readInode(fs, ino);
    try {
      if (ip.mode !== 0 && ip.nlink <= 0) end(fs, ip);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    } finally {
      ip.release();
    }
    fs.zombies.delete(ino);
  }
}

/** In pieces, where it is more than one operation may change. */
function end(fs: UfsMount, ip: Inode): void {
  for (;;) {
    try {
      fs.run(() => {
        fs.ops.unorphaned(ip);
        destroy(ip);
      });
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
