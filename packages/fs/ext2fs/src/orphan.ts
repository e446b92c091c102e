/**
 * The end of files: what has lost its last name goes at once if nobody holds it, and stays until the last one lets go otherwise.
 *
 * Those that stay are on the orphan list, which begins in the superblock and goes on in their dtime fields, so that a checker, or the next mount,
 * frees them after a power cut. Where the end itself has to wait for a device, the inode stays on the list as a zombie, and sync ends it.
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import { Errno } from '@anykernel/lib-sys';
import { VDIR, VREG, type Vnode, modeToType } from '@anykernel/rumpvfs';
import { markEnded } from '@anykernel/ufs';
import { freeRange } from './freerange.js';
import type { Ext2fs } from './fs.js';
import { freeInode } from './ialloc.js';
import { emptyMap } from './inline.js';
import { Inode, inodeBlock, inodeFault, inodeOffset, isUsableIno, pointsToBlocks } from './inode.js';
import { DI_DTIME, NDADDR, NIADDR, SB_LAST_ORPHAN, SB_STATE, STATE_ERROR } from './ondisk.js';
import { addOrphan, shortenLater } from './unfinished.js';
import { dropXattrs } from './xattr.js';

/** The file has lost a name, and this was its last one. Within a transaction. */
export function lostLastName(vp: Vnode, ip: Inode): void {
  const { fs } = ip;
  if (vp.usecount > 0) {
    addOrphan(ip);
    return;
  }
  if (!destroy(ip)) shortenLater(ip);
  fs.txn.commit(() => markEnded(vp, ip));
}

/** Frees all that the inode has, and the inode; false: that is more than fits into one transaction. Within a transaction. EIO. */
function destroy(ip: Inode): boolean {
  const { fs } = ip;
  const type = modeToType(ip.mode);
  ip.dirty();
  if (pointsToBlocks(ip, type) && !freeRange(ip, 0, Infinity)) return false;
  dropXattrs(ip);
  if (ip.hasExtents) emptyMap(ip);
  else for (let i = 0; i < NDADDR + NIADDR; i++) ip.setPtr(i, 0);
  ip.size = 0;
  ip.addBlocks(-ip.blocks / fs.spb);
  ip.nlink = 0;
  // A dtime below the number of inodes would be taken for a link of the orphan list.
  ip.dtime = Math.max(fs.now().sec, fs.info.inodes);
  freeInode(fs, ip.ino, type === VDIR);
  return true;
}

/** Nobody holds a file without a name any more: it ends, or has the transactions that follow for it. Within a transaction. EIO. */
export function end(ip: Inode): void {
  const next = ip.dtime;
  if (destroy(ip)) removeOrphan(ip.fs, ip.ino, next);
  else shortenLater(ip);
}

/** Whether the file has no name any more, and is on the list. */
export function isOrphan(ip: Inode): boolean {
  return ip.nlink === 0 && ip.fs.orphans.includes(ip.ino);
}

/** The list's end is orphans[0], so that the one that comes next in it stands before. */
function removeOrphan(fs: Ext2fs, ino: number, next: number): void {
  const i = fs.orphans.lastIndexOf(ino);
  if (i < 0) return;
  if (i === fs.orphans.length - 1) fs.setSb32(SB_LAST_ORPHAN, next);
  else {
    const before = fs.orphans[i + 1];
    const bp = fs.bcache.bread(inodeBlock(fs, before));
    const off = inodeOffset(fs, before) + DI_DTIME;
    fs.txn.dirty(bp, off, 4);
    putU32le(bp.data, off, next);
  }
  fs.orphans.splice(i, 1);
  fs.txn.undo(() => fs.orphans.splice(i, 0, ino));
}

/** Ends the zombies. Sleeps; what cannot be ended is left to a checker. */
export function reap(fs: Ext2fs): void {
  // The one that came last is the first of the list, and the soonest found.
  for (const ino of [...fs.zombies].reverse()) {
    const vp = fs.mp.peekVnode(ino);
    const there = vp === undefined ? undefined : (vp.data as Inode | undefined);
    const ip = there ?? new Inode(fs, ino, fs.bcache.bread(inodeBlock(fs, ino)), inodeOffset(fs, ino));
    try {
      while (!fs.run(() => step(ip)));
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
    } finally {
      if (ip !== there) ip.release();
    }
    fs.zombies.delete(ino);
  }
}

/** One transaction's worth of a zombie's end: of the whole file, or of what lies behind its end. Returns whether that was all. */
function step(ip: Inode): boolean {
  const { fs } = ip;
  const next = ip.dtime;
  ip.dirty();
  if (ip.nlink === 0) {
    if (!destroy(ip)) return false;
  } else {
    if (pointsToBlocks(ip, modeToType(ip.mode)) && !freeRange(ip, Math.ceil(ip.size / fs.bsize), Infinity)) return false;
    ip.dtime = 0;
  }
  removeOrphan(fs, ip.ino, next);
  return true;
}

/** What a power cut has left: the list as it is on disk. Nonsense in it ends it. Sleeps, EIO. */
export function readOrphans(fs: Ext2fs): void {
  if ((fs.sb16(SB_STATE) & STATE_ERROR) !== 0) return;
  const found: number[] = [];
  const seen = new Set<number>();
  for (let ino = fs.sb32(SB_LAST_ORPHAN); ino !== 0 && !seen.has(ino); ) {
    if (!isUsableIno(fs, ino)) {
      fs.complain(`the orphan list names inode ${ino}`);
      break;
    }
    seen.add(ino);
    const bp = fs.bcache.bread(inodeBlock(fs, ino));
    const ip = new Inode(fs, ino, bp, inodeOffset(fs, ino));
    const sound = (ip.nlink === 0 || modeToType(ip.mode) === VREG) && inodeFault(ip) === undefined;
    ip.release();
    if (!sound) {
      fs.complain(`the orphan list names inode ${ino}, which is no orphan`);
      break;
    }
    found.push(ino);
    ino = getU32le(bp.data, inodeOffset(fs, ino) + DI_DTIME);
  }
  fs.orphans.length = 0;
  for (const ino of found.reverse()) fs.orphans.push(ino);
  for (const ino of found) if (fs.mp.peekVnode(ino) === undefined) fs.zombies.add(ino);
}
