/** Vnodes of files that are looked up. */
import { ERR } from '@anykernel/lib-sys';
import type { Mount, Vnode } from '@anykernel/rumpvfs';
import { makeVnode } from '@anykernel/ufs';
import { FL_EA_INODE } from './ondisk.js';
import type { Ext2fs } from './fs.js';
import { Inode, inodeBlock, inodeFault, inodeOffset, isUsableIno } from './inode.js';

/** Blocks of an inode table that are read at once by those who go through it. */
const AHEAD = 16;

/** Another block of inodes than the last time: the one behind it is followed by those that come next, as far as there are files. */
function readAhead(fs: Ext2fs, ino: number, blkno: number): void {
  const inOrder = blkno === fs.inodeBlk + 1;
  fs.inodeBlk = blkno;
  if (!inOrder || (blkno < fs.inodeAhead && blkno >= fs.inodeAhead - AHEAD)) return;
  const g = Math.floor((ino - 1) / fs.info.inodesPerGroup);
  const used = Math.ceil(((fs.info.inodesPerGroup - fs.gd.unusedInodes(g)) * fs.info.inodeSize) / fs.bsize);
  fs.inodeAhead = blkno + AHEAD;
  fs.bcache.readahead(blkno, Math.min(AHEAD, fs.itable[g] + used - blkno));
}

/** vget()'s. ESTALE: no file has this inode. EIO: it makes no sense. */
export function loadVnode(mp: Mount, ino: number): Vnode {
  const fs = mp.data as Ext2fs;
  if (!isUsableIno(fs, ino)) throw ERR.ESTALE;
  const blkno = inodeBlock(fs, ino);
  if (blkno !== fs.inodeBlk) readAhead(fs, ino, blkno);
  const bp = fs.bcache.bread(blkno);
  const ip = new Inode(fs, ino, bp, inodeOffset(fs, ino));
  try {
    if (ip.nlink === 0) throw ERR.ESTALE;
    const fault = inodeFault(ip);
    if ((ip.flags & FL_EA_INODE) !== 0) fs.corrupt(`inode ${ino} holds an attribute, and is no file`);
    if (fault !== undefined) fs.corrupt(`inode ${ino}: ${fault}`);
    return makeVnode(ip);
  } catch (e) {
    ip.release();
    throw e;
  }
}
