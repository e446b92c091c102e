/**
 * What an inode has in memory: its vnode; when it was read last, which its bytes do not say yet; and that it has come to its end.
 *
 * An access time goes to disk with the next sync, or when the vnode goes. A file that has lost its last name ends when nobody holds it; where that
 * fails, or has to wait for a device, it is a zombie, and sync ends it.
 */
import { ERR, Errno, MNT_NOATIME, MNT_RELATIME } from '@anykernel/lib-sys';
import { SLEEP } from '@anykernel/rumpkern';
import { VBLK, VCHR, Vnode, modeToType } from '@anykernel/rumpvfs';
import { dropIndex } from './dirtable.js';
import type { InodeFs, InodeView } from './inodefs.js';

/** A vnode for an inode that is in order. */
export function makeVnode(ip: InodeView): Vnode {
  const type = modeToType(ip.mode);
  const vp = new Vnode(type, ip.fs.opsOf(type), ip.fs.mp, ip, ip.ino);
  if (type === VBLK || type === VCHR) vp.rdev = ip.rdev;
  return vp;
}

const DAY = 86_400;

/** Notes the access time. */
export function markAccess(vp: Vnode, ip: InodeView): void {
  const { fs } = ip;
  const { flags } = fs.mp;
  if (!fs.writable || (flags & MNT_NOATIME) !== 0 || ip.noAtime) return;
  const { sec, nsec } = fs.now();
  if ((flags & MNT_RELATIME) !== 0) {
    const last = ip.accessed ? ip.accessSec : ip.atime;
    if (last > ip.mtime && last > ip.ctime && sec - last < DAY) return;
  }
  if (!ip.accessed) {
    ip.accessed = true;
    fs.lazyTimes.add(vp);
  }
  ip.accessSec = sec;
  ip.accessNsec = nsec;
}

/** Brings access times into their inodes. EIO; sleeps. */
export function flushTimes(fs: InodeFs): void {
  if (fs.lazyTimes.size === 0) return;
  fs.run(() => {
    for (const vp of fs.lazyTimes) applyTime(vp.data as InodeView);
  });
  for (const vp of fs.lazyTimes) (vp.data as InodeView).accessed = false;
  fs.lazyTimes.clear();
}

function applyTime(ip: InodeView): void {
  ip.dirty();
  ip.setAtime(ip.accessSec, ip.accessNsec);
}

/** The inode has been freed, and that stands. */
export function markEnded(vp: Vnode, ip: InodeView): void {
  ip.destroyed = true;
  vp.uobj?.drop();
  ip.fs.lazyTimes.delete(vp);
}

/** inactive(): nobody holds the file any more; `end` frees all that it has, within a transaction. Returns whether it is gone. */
export function endIfUnnamed<I extends InodeView>(vp: Vnode, ip: I, end: (ip: I) => void): boolean {
  if (ip.destroyed) return true;
  if (ip.nlink > 0) return false;
  const { fs } = ip;
  if (!fs.writable) return true;
  try {
    fs.run(() => end(ip));
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

/** reclaim(): the vnode goes. `unended`: the file is one that is to be ended. */
export function forgetInode(vp: Vnode, ip: InodeView, unended: boolean): void {
  const { fs } = ip;
  if (unended && !ip.destroyed && !ip.hopeless && ip.nlink <= 0) fs.zombies.add(ip.ino);
  if (fs.lazyTimes.delete(vp) && fs.writable && !ip.destroyed) keepTime(ip);
  dropIndex(ip);
  ip.release();
}

/** The last chance for an access time; it may be lost. */
function keepTime(ip: InodeView): void {
  try {
    ip.fs.run(() => applyTime(ip));
  } catch (e) {
    if (e !== SLEEP && !(e instanceof Errno)) throw e;
  }
}
