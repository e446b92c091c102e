/**
 * Where the blocks of a file with extents are.
 *
 * Nodes in blocks are checked when they are read for the first time: what they are, that their entries are in order, their checksum. Depth goes down by one
 * from a node to the next, so that a loop in the tree ends.
 */
import type { Buf, Run } from '@anykernel/rumpvfs';
import { T_EXTENTS, Tag, tagOf } from './csum.js';
import {
  EXT_DEPTH_MAX, EXT_ENTRY, EXT_HEADER, EXT_ROOT_MAX, extBlock, extChild, extCount, extDepth, extEntry, extFault, extLen, extSearch, extStart, extUnwritten,
} from './extent.js';
import type { Inode } from './inode.js';

const FOREVER = 0x1_0000_0000;
/** Blocks of one run at most. */
const RUN_MAX = 32768;

/** Depth of the tree, once its root was found to be one. EIO. */
export function extRoot(ip: Inode): number {
  const { view } = ip.bp;
  const off = ip.ptrOff;
  const depth = extDepth(view, off);
  const fault = depth > EXT_DEPTH_MAX ? `it is ${depth} deep` : extFault(view, off, depth, EXT_ROOT_MAX);
  return fault === undefined ? depth : ip.fs.corrupt(`inode ${ip.ino}: its extents make no sense: ${fault}`);
}

/** Entries that a block has room for. */
export function extRoom(bsize: number): number {
  return Math.floor((bsize - EXT_HEADER) / EXT_ENTRY);
}

/** The node of `depth` in block `blkno`. EIO. */
export function extNode(ip: Inode, blkno: number, depth: number): Buf {
  const { fs } = ip;
  if (!fs.mayOwn(blkno)) fs.corrupt(`inode ${ip.ino}: extents are said to be at ${blkno}, where a file has none`);
  const bp = fs.bcache.bread(blkno);
  if (tagOf(bp, T_EXTENTS, ip.ino) === undefined) {
    const tag = new Tag(T_EXTENTS, ip.ino, ip.seed);
    const sound = bp.tag === undefined && fs.sums.holds(bp, tag);
    const fault = sound ? extFault(bp.view, 0, depth, extRoom(fs.bsize)) : 'its checksum is wrong, or it is in use twice';
    if (fault !== undefined) fs.corrupt(`inode ${ip.ino}: extents in block ${blkno}: ${fault}`);
    bp.tag = tag;
  } else if (extDepth(bp.view, 0) !== depth) fs.corrupt(`inode ${ip.ino}: block ${blkno} is twice in its extents`);
  return bp;
}

/** What is at block `lbn`: an extent from there on, or a hole. */
export class ExtHit {
  /** Device block, or -1: a hole. */
  blkno = -1;
  count = 0;
  unwritten = false;
}

/** Fills `hit` in, in place; of a hole, as far as is known at once. EIO. */
export function extFind(ip: Inode, lbn: number, hit: ExtHit): void {
  let { view } = ip.bp;
  let off = ip.ptrOff;
  let limit = FOREVER;
  hit.unwritten = false;
  hit.blkno = -1;
  for (let depth = extRoot(ip); depth > 0; depth--) {
    const count = extCount(view, off);
    const i = extSearch(view, off, count, lbn);
    if (i + 1 < count) limit = Math.min(limit, extBlock(view, extEntry(off, i + 1)));
    if (i < 0) {
      hit.count = limit - lbn;
      return;
    }
    view = extNode(ip, extChild(view, extEntry(off, i)), depth - 1).view;
    off = 0;
  }
  const count = extCount(view, off);
  const i = extSearch(view, off, count, lbn);
  if (i >= 0) {
    const at = extEntry(off, i);
    const skip = lbn - extBlock(view, at);
    const len = extLen(view, at);
    if (skip < len) {
      const start = extStart(view, at);
      if (!ip.fs.mayOwnAll(start, len)) ip.fs.corrupt(`inode ${ip.ino}: blocks ${start} to ${start + len - 1} are said to be its, where a file has none`);
      hit.blkno = start + skip;
      hit.count = len - skip;
      hit.unwritten = extUnwritten(view, at);
      return;
    }
  }
  const next = i + 1 < count ? extBlock(view, extEntry(off, i + 1)) : limit;
  hit.count = Math.max(1, Math.min(next, limit) - lbn);
}

/** As bmap(): what was never written reads as a hole. */
export function extBmap(ip: Inode, lbn: number, run: Run): void {
  const hit = ip.fs.extHit;
  extFind(ip, lbn, hit);
  run.blkno = hit.unwritten ? -1 : hit.blkno;
  run.count = Math.min(RUN_MAX, hit.count);
}
