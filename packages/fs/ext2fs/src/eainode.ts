/**
 * Values of extended attributes in inodes of their own (`ea_inode`): too large for the inode and the block, and perhaps shared by several files.
 *
 * Such an inode has no name. Its access time is the checksum of the value; version and change time are the count of those who use it.
 * Source: the documentation of the ext4 disk format, "Extended Attributes".
 */
import { crc32cUpdate } from '@anykernel/lib-bytes';
import type { Buf } from '@anykernel/rumpvfs';
import { balloc } from './balloc.js';
import { blockAt } from './bmap.js';
import { freeRange } from './freerange.js';
import type { Ext2fs } from './fs.js';
import { allocInode, freeInode } from './ialloc.js';
import { emptyMap } from './inline.js';
import { Inode, inodeBlock, inodeFault, inodeOffset } from './inode.js';
import { DI_ATIME, DI_CTIME, DI_MTIME, DI_VERSION, FL_EA_INODE, ROOT_INO } from './ondisk.js';

/** Bytes of the longest value: what Linux's calls can carry. */
export const EA_VALUE_MAX = 65536;

/** Runs `fn` with the inode `ino`, which holds a value. EIO: it does not. */
function withValue<T>(fs: Ext2fs, ino: number, fn: (ip: Inode) => T): T {
  if (ino === ROOT_INO || ino < fs.info.firstIno || ino > fs.info.inodes) fs.corrupt(`an attribute is said to be in inode ${ino}`);
  const ip = new Inode(fs, ino, fs.bcache.bread(inodeBlock(fs, ino)), inodeOffset(fs, ino));
  try {
    const fault = (ip.flags & FL_EA_INODE) === 0 || ip.nlink === 0 ? 'it holds no attribute' : inodeFault(ip);
    if (fault !== undefined) fs.corrupt(`inode ${ino}, of an attribute: ${fault}`);
    return fn(ip);
  } finally {
    ip.release();
  }
}

function block(ip: Inode, lbn: number): Buf {
  const blkno = blockAt(ip, lbn);
  if (blkno === 0) ip.fs.corrupt(`inode ${ip.ino}, of an attribute, has a hole`);
  return ip.fs.bcache.bread(blkno);
}

/** The value of `len` bytes in inode `ino`. EIO. */
export function readValue(fs: Ext2fs, ino: number, len: number): Uint8Array {
  return withValue(fs, ino, (ip) => {
    if (ip.size !== len || len > EA_VALUE_MAX) fs.corrupt(`inode ${ino}, of an attribute, has ${ip.size} bytes, and not ${len}`);
    const value = new Uint8Array(len);
    for (let at = 0, lbn = 0; at < len; at += fs.bsize, lbn++) value.set(block(ip, lbn).data.subarray(0, Math.min(fs.bsize, len - at)), at);
    return value;
  });
}

/** The hash of an entry with a value elsewhere: its name, and the checksum of the value as one word. */
export function valueSum(fs: Ext2fs, value: Uint8Array): number {
  return crc32cUpdate(fs.sums.seed, value);
}

/** A new inode with `value`, for the file `owner`. Within a transaction. ENOSPC, EIO. */
export function makeValue(owner: Inode, value: Uint8Array): number {
  const { fs } = owner;
  const ip = allocInode(fs, owner, false);
  try {
    ip.mode = 0o100600;
    ip.uid = owner.uid;
    ip.gid = owner.gid;
    ip.nlink = 1;
    ip.flags = FL_EA_INODE;
    emptyMap(ip);
    const blocks = Math.ceil(value.length / fs.bsize);
    balloc(ip, 0, blocks);
    for (let lbn = 0; lbn < blocks; lbn++) {
      const bp = fs.bcache.getblk(blockAt(ip, lbn));
      fs.txn.dirty(bp);
      bp.data.set(value.subarray(lbn * fs.bsize, (lbn + 1) * fs.bsize));
    }
    ip.size = value.length;
    const { view } = ip.bp;
    view.setUint32(ip.off + DI_ATIME, valueSum(fs, value), true);
    view.setUint32(ip.off + DI_MTIME, owner.ino, true);
    view.setUint32(ip.off + DI_CTIME, 0, true);
    view.setUint32(ip.off + DI_VERSION, 1, true);
    return ip.ino;
  } finally {
    ip.release();
  }
}

/** One user more of the value in inode `ino`. Within a transaction. EIO. */
export function shareValue(fs: Ext2fs, ino: number): void {
  withValue(fs, ino, (ip) => {
    const { view } = ip.bp;
    ip.dirty();
    view.setUint32(ip.off + DI_VERSION, (view.getUint32(ip.off + DI_VERSION, true) + 1) >>> 0, true);
  });
}

/** One user less of the value in inode `ino`; with the last one it goes. Within a transaction. EIO. */
export function dropValue(fs: Ext2fs, ino: number): void {
  withValue(fs, ino, (ip) => {
    const { view } = ip.bp;
    const count = view.getUint32(ip.off + DI_VERSION, true);
    ip.dirty();
    if (count > 1 || view.getUint32(ip.off + DI_CTIME, true) !== 0) {
      view.setUint32(ip.off + DI_VERSION, (count - 1) >>> 0, true);
      if (count === 0) view.setUint32(ip.off + DI_CTIME, view.getUint32(ip.off + DI_CTIME, true) - 1, true);
      return;
    }
    if (!freeRange(ip, 0, Infinity)) fs.corrupt(`inode ${ino}, of an attribute, has too many blocks`);
    ip.nlink = 0;
    ip.size = 0;
    ip.dtime = Math.max(fs.now().sec, fs.info.inodes);
    freeInode(fs, ino, false);
  });
}

/** The hash of an entry's name and a word that stands for its value. */
export function entryHashOf(name: string, word: number): number {
  let hash = 0;
  for (let i = 0; i < name.length; i++) hash = (hash << 5) ^ (hash >>> 27) ^ name.charCodeAt(i);
  return ((hash << 16) ^ (hash >>> 16) ^ word) >>> 0;
}
