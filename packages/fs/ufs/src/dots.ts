/**
 * What every directory has: itself and its parent, in the first two entries of its first chunk; and whether it has anything else.
 */
import { checkedLen, dirEnd, dirFrag, dirFrags, entryIno, isNamed, newDirChunk } from './dirblock.js';
import type { Inode } from './inode.js';
import { corrupt } from './inodefs.js';
import { DIRBLKSIZ, IFDIR, direntLen, emitDirent, putDirentIno } from './ondisk.js';

/** The first chunk of a new directory. */
export function dirInit(ip: Inode, parent: number): void {
  const { fs } = ip;
  const bp = newDirChunk(ip);
  const first = direntLen(1);
  emitDirent(bp.data, 0, fs.dir, ip.ino, first, IFDIR, '.');
  emitDirent(bp.data, first, fs.dir, parent, DIRBLKSIZ - first, IFDIR, '..');
  ip.parent = parent;
}

/** Where `..` is in the first fragment: the second entry, behind `.`. EIO. */
function dotdotOff(ip: Inode, data: Uint8Array): number {
  const off = checkedLen(ip, data, 0, 0);
  if (!isNamed(ip, data, 0, '.') || entryIno(ip, data, 0) !== ip.ino || off >= DIRBLKSIZ) corrupt(ip.fs, `directory ${ip.ino} does not begin with itself`);
  checkedLen(ip, data, 0, off);
  if (!isNamed(ip, data, off, '..')) corrupt(ip.fs, `directory ${ip.ino} has no parent`);
  return off;
}

/** The inode number of the parent. EIO. */
export function parentOf(ip: Inode): number {
  if (ip.parent !== 0) return ip.parent;
  const { data } = dirFrag(ip, 0);
  ip.parent = entryIno(ip, data, dotdotOff(ip, data));
  return ip.parent;
}

/** The directory was moved. */
export function setParent(ip: Inode, parent: number): void {
  const bp = dirFrag(ip, 0);
  const off = dotdotOff(ip, bp.data);
  ip.fs.txn.dirty(bp, off, 4);
  putDirentIno(bp.data, off, parent, ip.fs.le);
  const before = ip.parent;
  ip.parent = parent;
  ip.fs.txn.undo(() => {
    ip.parent = before;
  });
}

/** Whether there is nothing in it but `.` and `..`. EIO. */
export function dirIsEmpty(ip: Inode): boolean {
  if (ip.index !== undefined) return ip.index.count <= 2;
  const frags = dirFrags(ip);
  for (let f = 0; f < frags; f++) {
    const { data } = dirFrag(ip, f);
    const end = dirEnd(ip, f);
    for (let off = f === 0 ? afterDots(ip, data) : 0; off < end; off += checkedLen(ip, data, f, off)) if (entryIno(ip, data, off) !== 0) return false;
  }
  return true;
}

function afterDots(ip: Inode, data: Uint8Array): number {
  const off = dotdotOff(ip, data);
  return off + checkedLen(ip, data, 0, off);
}
