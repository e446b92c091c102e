/**
 * Blocks for a file that grows, or whose holes are filled. Within a transaction: what was given is taken back with it.
 *
 * Blocks are asked for in runs and near the one before, and an indirect block is taken where its first data block would have been, so that a file
 * written from start to end lies on the device in that order.
 */
import { ERR } from '@anykernel/lib-sys';
import { type Buf, Run } from '@anykernel/rumpvfs';
import { allocBlocks } from './alloc.js';
import { checkPtr } from './bmap.js';
import { ExtHit, extFind } from './extmap.js';
import { extInsert, extWritten } from './exttree.js';
import type { Inode } from './inode.js';
import { NDADDR } from './ondisk.js';

/** Sees to it that blocks `lbn` to `lbn + count - 1` of the file have a place. The new ones hold whatever was there before. ENOSPC, EFBIG, EIO. */
export function balloc(ip: Inode, lbn: number, count: number): void {
  const end = lbn + count;
  if (end > ip.maxLbn) throw ERR.EFBIG;
  ip.dirty();
  if (ip.hasExtents) {
    fillExtents(ip, lbn, end);
    return;
  }
  while (lbn < end) {
    const leaf = leafOf(ip, lbn);
    const n = Math.min(end - lbn, leaf.count - leaf.index);
    fillLeaf(ip, leaf, lbn, n);
    lbn += n;
  }
}

function fillExtents(ip: Inode, lbn: number, end: number): void {
  const hit = new ExtHit();
  const run = new Run();
  for (let at = lbn; at < end; ) {
    extFind(ip, at, hit);
    let n = Math.min(hit.count, end - at);
    if (hit.blkno < 0) {
      const before = at > 0 && ip.lastLbn !== at - 1 ? blockBefore(ip, at) : 0;
      allocBlocks(ip.fs, goalFor(ip, at, before), n, run);
      n = run.count;
      extInsert(ip, at, n, run.blkno, false);
      ip.addBlocks(n);
      remember(ip, at + n - 1, run.blkno + n - 1);
    } else if (hit.unwritten) extWritten(ip, at, n);
    at += n;
  }
}

/** Where the block before `lbn` is, or 0. */
function blockBefore(ip: Inode, lbn: number): number {
  const hit = new ExtHit();
  extFind(ip, lbn - 1, hit);
  return hit.blkno < 0 ? 0 : hit.blkno;
}

/** A place with pointers to data blocks: the inode, or an indirect block. */
interface Leaf {
  readonly bp: Buf;
  readonly off: number;
  readonly index: number;
  readonly count: number;
  /** The block itself, or 0 for the inode. */
  readonly blkno: number;
}

function leafOf(ip: Inode, lbn: number): Leaf {
  if (lbn < NDADDR) return { bp: ip.bp, off: ip.ptrOff, index: lbn, count: NDADDR, blkno: 0 };
  const per = 2 ** ip.fs.ashift;
  let rest = lbn - NDADDR;
  let level = 1;
  let reach = per;
  while (rest >= reach) {
    rest -= reach;
    reach *= per;
    level++;
  }
  let blkno = ensureIndirect(ip, ip.bp, ip.ptrOff + 4 * (NDADDR + level - 1), lbn);
  for (; level > 1; level--) {
    reach /= per;
    const i = Math.floor(rest / reach);
    rest -= i * reach;
    blkno = ensureIndirect(ip, ip.fs.bcache.bread(blkno), 4 * i, lbn);
  }
  return { bp: ip.fs.bcache.bread(blkno), off: 0, index: rest, count: per, blkno };
}

/** The indirect block that the pointer at `off` of `bp` names, made if there is none. */
function ensureIndirect(ip: Inode, bp: Buf, off: number, lbn: number): number {
  const { fs } = ip;
  const there = bp.view.getUint32(off, true);
  if (there !== 0) {
    checkPtr(ip, there, 'an indirect block above block', lbn);
    return there;
  }
  const run = new Run();
  allocBlocks(fs, goalFor(ip, lbn, 0), 1, run);
  const fresh = fs.bcache.getblk(run.blkno);
  fs.txn.dirty(fresh);
  fresh.data.fill(0);
  if (bp === ip.bp) ip.dirty();
  else fs.txn.dirty(bp, off, 4);
  bp.view.setUint32(off, run.blkno, true);
  ip.addBlocks(1);
  remember(ip, lbn - 1, run.blkno);
  return run.blkno;
}

function fillLeaf(ip: Inode, leaf: Leaf, lbn: number, count: number): void {
  const { fs } = ip;
  const { bp, off, index } = leaf;
  const { view } = bp;
  for (let i = 0; i < count; ) {
    const at = off + 4 * (index + i);
    const there = view.getUint32(at, true);
    if (there !== 0) {
      checkPtr(ip, there, 'block', lbn + i);
      i++;
      continue;
    }
    let holes = 1;
    while (i + holes < count && view.getUint32(at + 4 * holes, true) === 0) holes++;
    const before = index + i > 0 ? view.getUint32(at - 4, true) : leaf.blkno;
    const run = new Run();
    allocBlocks(fs, goalFor(ip, lbn + i, before), holes, run);
    if (bp !== ip.bp) fs.txn.dirty(bp, at, 4 * run.count);
    for (let n = 0; n < run.count; n++) view.setUint32(at + 4 * n, run.blkno + n, true);
    ip.addBlocks(run.count);
    remember(ip, lbn + i + run.count - 1, run.blkno + run.count - 1);
    i += run.count;
  }
}

/** Behind the last block that was given, if that was the one before; else behind `before`; else in the inode's own group. */
function goalFor(ip: Inode, lbn: number, before: number): number {
  if (ip.lastBlkno !== 0 && ip.lastLbn === lbn - 1) return ip.lastBlkno + 1;
  if (before !== 0) return before + 1;
  const { fs } = ip;
  const g = Math.floor((ip.ino - 1) / fs.info.inodesPerGroup);
  // Files of one group start at different places in it, so that those which grow together do not meet at once.
  const spread = ((ip.ino - 1) % fs.info.inodesPerGroup) / fs.info.inodesPerGroup;
  return lbn === 0 ? fs.groupStart(g) + fs.head[g] : fs.groupStart(g) + Math.floor((fs.groupLen(g) - 1) * spread);
}

/** A hint only: it may stay when the transaction fails. */
function remember(ip: Inode, lbn: number, blkno: number): void {
  ip.lastLbn = lbn;
  ip.lastBlkno = blkno;
}
