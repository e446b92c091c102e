/**
 * What every directory has: itself and its parent, in the first two entries of its first block; and whether it has anything else.
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import { checkedLen, dirBlock, dirBlocks, dirData, dirOut, isNamed, newDirBlock } from './dirblock.js';
import type { Inode } from './inode.js';
import { emitDirent, filetypeOf } from './ondisk.js';

/** The first block of a new directory. */
export function dirInit(ip: Inode, parent: number): void {
  const { fs } = ip;
  const type = fs.typed ? filetypeOf(0o040000) : 0;
  const bp = newDirBlock(ip, 0);
  emitDirent(bp.data, 0, ip.ino, 12, type, '.');
  emitDirent(bp.data, 12, parent, fs.dirEnd - 12, type, '..');
  ip.parent = parent;
}

/** Where `..` is in block 0: the second entry, behind `.`. EIO. */
function dotdotOff(ip: Inode, data: Uint8Array): number {
  const off = checkedLen(ip, data, 0, 0);
  if (!isNamed(ip, data, 0, '.') || getU32le(data, 0) !== ip.ino || off >= data.length) ip.fs.corrupt(`directory ${ip.ino} does not begin with itself`);
  checkedLen(ip, data, 0, off);
  if (!isNamed(ip, data, off, '..')) ip.fs.corrupt(`directory ${ip.ino} has no parent`);
  return off;
}

/** The inode number of the parent. EIO. */
export function parentOf(ip: Inode): number {
  if (ip.parent !== 0) return ip.parent;
  const data = dirData(ip, 0);
  ip.parent = getU32le(data, dotdotOff(ip, data));
  return ip.parent;
}

/** The directory was moved. */
export function setParent(ip: Inode, parent: number): void {
  dirOut(ip);
  const bp = dirBlock(ip, 0);
  const off = dotdotOff(ip, bp.data);
  ip.fs.txn.dirty(bp, off, 4);
  putU32le(bp.data, off, parent);
  const before = ip.parent;
  ip.parent = parent;
  ip.fs.txn.undo(() => {
    ip.parent = before;
  });
}

/** Whether there is nothing in it but `.` and `..`. EIO. */
export function dirIsEmpty(ip: Inode): boolean {
  const { dirEnd } = ip.fs;
  if (ip.index !== undefined) return ip.index.count <= 2;
  const blocks = dirBlocks(ip);
  for (let b = 0; b < blocks; b++) {
    const data = dirData(ip, b);
    for (let off = b === 0 ? afterDots(ip, data) : 0; off < dirEnd; off += checkedLen(ip, data, b, off)) if (getU32le(data, off) !== 0) return false;
  }
  return true;
}

/** Where in block 0 the entries behind the dots begin. EIO: the dots are not as they should be. */
export function afterDots(ip: Inode, data: Uint8Array): number {
  const off = dotdotOff(ip, data);
  return off + checkedLen(ip, data, 0, off);
}
