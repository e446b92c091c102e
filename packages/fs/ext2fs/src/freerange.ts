/**
 * Taking blocks from a file: a hole, or all behind an end. Within a transaction.
 *
 * Indirect blocks that become empty go too. A tree that names one block twice (or itself) meets a block that is free already, and that ends it:
 * every step frees a block, so that the work is bounded by what the device has.
 */
import { isZero } from '@anykernel/lib-bytes';
import { S_IFMT, S_IFREG } from '@anykernel/lib-sys';
import type { Buf } from '@anykernel/rumpvfs';
import { Freer } from './alloc.js';
import { checkPtr } from './bmap.js';
import { extRemove } from './exttree.js';
import type { Inode } from './inode.js';
import { FL_EA_INODE, NDADDR, NIADDR } from './ondisk.js';

/**
 * Frees the file's blocks from `from` up to, and not including, `to`. Returns whether all are free: a file with extents that is large for the journal
 * loses them in several transactions, from its end on. EIO.
 */
export function freeRange(ip: Inode, from: number, to: number): boolean {
  ip.dirty();
  const freer = new Freer(ip.fs, (ip.mode & S_IFMT) !== S_IFREG || (ip.flags & FL_EA_INODE) !== 0);
  if (ip.hasExtents) return freeExtents(ip, freer, from, Math.min(to, 0x1_0000_0000));
  for (let i = from; i < NDADDR && i < to; i++) {
    const blkno = ip.ptr(i);
    if (blkno === 0) continue;
    checkPtr(ip, blkno, 'block', i);
    freer.add(blkno);
    ip.setPtr(i, 0);
  }
  let base = NDADDR;
  let reach = 1;
  for (let level = 1; level <= NIADDR; level++) {
    reach *= 2 ** ip.fs.ashift;
    const blkno = ip.ptr(NDADDR + level - 1);
    if (blkno !== 0 && from < base + reach && to > base && freeTree(ip, freer, blkno, level, from - base, to - base)) ip.setPtr(NDADDR + level - 1, 0);
    base += reach;
  }
  freer.flush();
  ip.addBlocks(-freer.total);
  ip.lastBlkno = 0;
  return true;
}

function freeExtents(ip: Inode, freer: Freer, from: number, to: number): boolean {
  const { fs } = ip;
  const { journal } = fs.bcache;
  // Each extent changes a leaf, and a bitmap with its descriptor for each group that it touches.
  const most = journal === undefined ? Infinity : Math.max(1, journal.capacity >> 3);
  let steps = 0;
  const done = from >= to || extRemove(ip, freer, from, to, () => steps++ >= most);
  freer.flush();
  ip.addBlocks(-freer.total);
  ip.lastBlkno = 0;
  return done;
}

/** Frees blocks from..to - 1 of the tree under `blkno` (a part of it counts from its own start), and the block itself if it is empty then. */
function freeTree(ip: Inode, freer: Freer, blkno: number, level: number, from: number, to: number): boolean {
  const { fs } = ip;
  checkPtr(ip, blkno, 'an indirect block of level', level);
  if (!freer.alive(blkno)) fs.corrupt(`inode ${ip.ino}: indirect block ${blkno} is free, or is used twice`);
  const bp = fs.bcache.bread(blkno);
  const per = 2 ** fs.ashift;
  const span = 2 ** (fs.ashift * (level - 1));
  const whole = from <= 0 && to >= per * span;
  const first = Math.max(0, Math.floor(from / span));
  const last = Math.min(per, Math.ceil(to / span));
  if (level === 1) freeLeaves(ip, freer, bp, blkno, first, last, whole);
  else freeSubtrees(ip, freer, bp, level, from, to, whole);
  if (!whole && !isZero(bp.data)) return false;
  freer.addIndirect(blkno);
  return true;
}

/** Frees the data blocks that pointers first..last - 1 name. A block that goes whole keeps its pointers: nobody reads them again. */
function freeLeaves(ip: Inode, freer: Freer, bp: Buf, blkno: number, first: number, last: number, whole: boolean): void {
  for (let i = first; i < last; i++) {
    const child = bp.view.getUint32(4 * i, true);
    if (child === 0) continue;
    checkPtr(ip, child, 'a block below indirect block', blkno);
    freer.add(child);
  }
  if (whole || first >= last) return;
  ip.fs.txn.dirty(bp, 4 * first, 4 * (last - first));
  bp.data.fill(0, 4 * first, 4 * last);
}

function freeSubtrees(ip: Inode, freer: Freer, bp: Buf, level: number, from: number, to: number, whole: boolean): void {
  const per = 2 ** ip.fs.ashift;
  const span = 2 ** (ip.fs.ashift * (level - 1));
  const last = Math.min(per, Math.ceil(to / span));
  for (let i = Math.max(0, Math.floor(from / span)); i < last; i++) {
    const child = bp.view.getUint32(4 * i, true);
    if (child === 0 || !freeTree(ip, freer, child, level - 1, from - i * span, to - i * span) || whole) continue;
    ip.fs.txn.dirty(bp, 4 * i, 4);
    bp.view.setUint32(4 * i, 0, true);
  }
}
