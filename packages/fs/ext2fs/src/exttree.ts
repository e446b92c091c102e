/**
 * Changing a file's extents: put one in, take a range out, call a range written. All within a transaction.
 *
 * An extent that follows its neighbour on file and device becomes part of it. A full node is split, and the new one gets one entry where the file grows at
 * its end, so that nodes are full behind it; nodes that become empty go. A root that is full becomes a block with a new root above.
 */
import { ERR } from '@anykernel/lib-sys';
import { type Buf, Run } from '@anykernel/rumpvfs';
import { type Freer, allocBlocks } from './alloc.js';
import { T_EXTENTS, Tag } from './csum.js';
import {
  EXT_DEPTH_MAX, EXT_ENTRY, EXT_HEADER, EXT_LEN_MAX, EXT_ROOT_MAX, EXT_UNWRITTEN_MAX, extBlock, extChild, extCount, extEntry, extLen, extMax, extSearch,
  extStart, extUnwritten, putExtHeader, putExtIndex, putExtent, setExtBlock, setExtCount,
} from './extent.js';
import { extNode, extRoom, extRoot } from './extmap.js';
import type { Inode } from './inode.js';

/** A node on the way from the root to a leaf, and the entry that the way takes there. */
interface Step {
  readonly bp: Buf;
  readonly off: number;
  /** The last entry at or before the block that was looked for; in a leaf -1 where there is none. */
  index: number;
}

/** The way to the leaf that block `lbn` belongs to. */
function wayTo(ip: Inode, lbn: number): Step[] {
  const way: Step[] = [];
  let { bp } = ip;
  let off = ip.ptrOff;
  for (let depth = extRoot(ip); ; depth--) {
    const count = extCount(bp.view, off);
    const index = extSearch(bp.view, off, count, lbn);
    if (depth === 0) {
      way.push({ bp, off, index });
      return way;
    }
    if (count === 0) ip.fs.corrupt(`inode ${ip.ino}: its extents have a node without entries`);
    way.push({ bp, off, index: Math.max(0, index) });
    bp = extNode(ip, extChild(bp.view, extEntry(off, Math.max(0, index))), depth - 1);
    off = 0;
  }
}

/** The header and entries from..to - 1 of a node will change. */
function dirty(ip: Inode, s: Step, from: number, to: number): void {
  if (s.bp === ip.bp) {
    ip.dirty();
    return;
  }
  ip.fs.txn.dirty(s.bp, s.off, EXT_HEADER);
  if (to > from) ip.fs.txn.dirty(s.bp, extEntry(s.off, from), EXT_ENTRY * (to - from));
}

/** Makes room for an entry at `index` of a node that has some. */
function open(ip: Inode, s: Step, index: number): number {
  const { view } = s.bp;
  const count = extCount(view, s.off);
  dirty(ip, s, index, count + 1);
  const at = extEntry(s.off, index);
  s.bp.data.copyWithin(at + EXT_ENTRY, at, extEntry(s.off, count));
  setExtCount(view, s.off, count + 1);
  return at;
}

function close(ip: Inode, s: Step, index: number): void {
  const { view } = s.bp;
  const count = extCount(view, s.off);
  dirty(ip, s, index, count);
  s.bp.data.copyWithin(extEntry(s.off, index), extEntry(s.off, index + 1), extEntry(s.off, count));
  s.bp.data.fill(0, extEntry(s.off, count - 1), extEntry(s.off, count));
  setExtCount(view, s.off, count - 1);
}

/** The first block of the node at `level` has changed: those above say so. */
function fixKeys(ip: Inode, way: readonly Step[], level: number, lbn: number): void {
  for (let l = level - 1; l >= 0; l--) {
    const s = way[l];
    dirty(ip, s, s.index, s.index + 1);
    setExtBlock(s.bp.view, extEntry(s.off, s.index), lbn);
    if (s.index > 0) return;
  }
}

// -- putting in

/** Blocks `lbn` to `lbn + len - 1`, a hole until now, are at `start` on the device. ENOSPC, EIO. */
export function extInsert(ip: Inode, lbn: number, len: number, start: number, unwritten: boolean): void {
  const most = unwritten ? EXT_UNWRITTEN_MAX : EXT_LEN_MAX;
  for (let done = 0; done < len; ) {
    const n = Math.min(len - done, most);
    insertOne(ip, lbn + done, n, start + done, unwritten);
    done += n;
  }
}

function insertOne(ip: Inode, lbn: number, len: number, start: number, unwritten: boolean): void {
  let way = wayTo(ip, lbn);
  let leaf = way[way.length - 1];
  if (joinLeft(ip, leaf, lbn, len, start, unwritten) || joinRight(ip, way, lbn, len, start, unwritten)) return;
  while (extCount(leaf.bp.view, leaf.off) >= extMax(leaf.bp.view, leaf.off)) {
    makeRoom(ip, way);
    way = wayTo(ip, lbn);
    leaf = way[way.length - 1];
  }
  const index = leaf.index + 1;
  putExtent(leaf.bp.view, open(ip, leaf, index), lbn, len, start, unwritten);
  if (index === 0) fixKeys(ip, way, way.length - 1, lbn);
}

function joinLeft(ip: Inode, leaf: Step, lbn: number, len: number, start: number, unwritten: boolean): boolean {
  if (leaf.index < 0) return false;
  const { view } = leaf.bp;
  const at = extEntry(leaf.off, leaf.index);
  const have = extLen(view, at);
  if (extBlock(view, at) + have !== lbn || extStart(view, at) + have !== start || extUnwritten(view, at) !== unwritten) return false;
  if (have + len > (unwritten ? EXT_UNWRITTEN_MAX : EXT_LEN_MAX)) return false;
  dirty(ip, leaf, leaf.index, leaf.index + 1);
  putExtent(view, at, extBlock(view, at), have + len, extStart(view, at), unwritten);
  return true;
}

function joinRight(ip: Inode, way: readonly Step[], lbn: number, len: number, start: number, unwritten: boolean): boolean {
  const leaf = way[way.length - 1];
  const { view } = leaf.bp;
  const i = leaf.index + 1;
  if (i >= extCount(view, leaf.off)) return false;
  const at = extEntry(leaf.off, i);
  const have = extLen(view, at);
  if (lbn + len !== extBlock(view, at) || start + len !== extStart(view, at) || extUnwritten(view, at) !== unwritten) return false;
  if (have + len > (unwritten ? EXT_UNWRITTEN_MAX : EXT_LEN_MAX)) return false;
  dirty(ip, leaf, i, i + 1);
  putExtent(view, at, lbn, have + len, start, unwritten);
  if (i === 0) fixKeys(ip, way, way.length - 1, lbn);
  return true;
}

/** The leaf is full: splits the lowest node on the way whose parent has room, or puts a new root above all. */
function makeRoom(ip: Inode, way: readonly Step[]): void {
  for (let level = way.length - 1; level > 0; level--) {
    const above = way[level - 1];
    if (extCount(above.bp.view, above.off) < extMax(above.bp.view, above.off)) {
      split(ip, way, level);
      return;
    }
  }
  deepen(ip, way);
}

/** A block for a node, near the data. */
function newNode(ip: Inode, near: number): Buf {
  const { fs } = ip;
  const run = new Run();
  allocBlocks(fs, near, 1, run);
  const bp = fs.bcache.getblk(run.blkno);
  fs.txn.dirty(bp);
  bp.tag = new Tag(T_EXTENTS, ip.ino, ip.seed);
  ip.dirty();
  ip.addBlocks(1);
  return bp;
}

function split(ip: Inode, way: readonly Step[], level: number): void {
  const s = way[level];
  const { view } = s.bp;
  const count = extCount(view, s.off);
  const from = s.index >= count - 1 ? count - 1 : count >> 1;
  const bp = newNode(ip, s.bp.blkno + 1);
  putExtHeader(bp.view, 0, count - from, extRoom(ip.fs.bsize), way.length - 1 - level);
  bp.data.set(s.bp.data.subarray(extEntry(s.off, from), extEntry(s.off, count)), EXT_HEADER);
  dirty(ip, s, from, count);
  s.bp.data.fill(0, extEntry(s.off, from), extEntry(s.off, count));
  setExtCount(view, s.off, from);
  const above = way[level - 1];
  putExtIndex(above.bp.view, open(ip, above, above.index + 1), extBlock(bp.view, EXT_HEADER), bp.blkno);
}

function deepen(ip: Inode, way: readonly Step[]): void {
  const depth = way.length - 1;
  if (depth >= EXT_DEPTH_MAX) throw ERR.EFBIG;
  const { view, data } = ip.bp;
  const off = ip.ptrOff;
  const count = extCount(view, off);
  const first = depth === 0 ? extStart(view, extEntry(off, 0)) : extChild(view, extEntry(off, 0));
  const bp = newNode(ip, first);
  putExtHeader(bp.view, 0, count, extRoom(ip.fs.bsize), depth);
  bp.data.set(data.subarray(extEntry(off, 0), extEntry(off, count)), EXT_HEADER);
  ip.dirty();
  data.fill(0, extEntry(off, 0), extEntry(off, EXT_ROOT_MAX));
  putExtHeader(view, off, 1, EXT_ROOT_MAX, depth + 1);
  putExtIndex(view, extEntry(off, 0), extBlock(bp.view, EXT_HEADER), bp.blkno);
}

// -- taking out

/**
 * Takes blocks `from` to `to - 1` of the file out, from the end on, until `enough()` says so. Returns whether all are out. EIO; ENOSPC where one extent
 * becomes two.
 */
export function extRemove(ip: Inode, freer: Freer, from: number, to: number, enough: () => boolean): boolean {
  for (;;) {
    const way = wayTo(ip, to - 1);
    const leaf = way[way.length - 1];
    const { view } = leaf.bp;
    if (leaf.index < 0) {
      // The keys above lie before the first extent here: what is before them is in another node.
      to = keyBefore(way);
      if (to <= from) return true;
      continue;
    }
    const at = extEntry(leaf.off, leaf.index);
    const [lbn, len, start, unwritten] = [extBlock(view, at), extLen(view, at), extStart(view, at), extUnwritten(view, at)];
    if (lbn + len <= from) return true;
    if (enough()) return false;
    const first = Math.max(lbn, from);
    const last = Math.min(lbn + len, to);
    freer.addRun(start + first - lbn, last - first);
    if (first === lbn && last === lbn + len) removeEntry(ip, freer, way);
    else if (first === lbn) {
      dirty(ip, leaf, leaf.index, leaf.index + 1);
      putExtent(view, at, last, lbn + len - last, start + last - lbn, unwritten);
      if (leaf.index === 0) fixKeys(ip, way, way.length - 1, last);
    } else {
      dirty(ip, leaf, leaf.index, leaf.index + 1);
      putExtent(view, at, lbn, first - lbn, start, unwritten);
      if (last < lbn + len) extInsert(ip, last, lbn + len - last, start + last - lbn, unwritten);
    }
    to = first;
    if (to <= from) return true;
  }
}

/** Where the node before the way's begins to matter; -1: there is none. */
function keyBefore(way: readonly Step[]): number {
  for (let l = way.length - 2; l >= 0; l--) if (way[l].index > 0) return extBlock(way[l].bp.view, extEntry(way[l].off, way[l].index));
  return -1;
}

/** The entry that the way ends at goes, and every node that has none left. */
function removeEntry(ip: Inode, freer: Freer, way: readonly Step[]): void {
  for (let l = way.length - 1; ; l--) {
    const s = way[l];
    const { view } = s.bp;
    close(ip, s, s.index);
    if (extCount(view, s.off) > 0 || l === 0) {
      if (l === 0 && extCount(view, s.off) === 0) putExtHeader(view, s.off, 0, EXT_ROOT_MAX, 0);
      else if (s.index === 0) fixKeys(ip, way, l, extBlock(view, extEntry(s.off, 0)));
      return;
    }
    freer.addIndirect(s.bp.blkno);
  }
}

// -- written

/** What of blocks `lbn` to `lbn + count - 1` has a place and was never written, is written from now on. ENOSPC, EIO. */
export function extWritten(ip: Inode, lbn: number, count: number): void {
  const end = lbn + count;
  for (let to = end; to > lbn; ) {
    const way = wayTo(ip, to - 1);
    const leaf = way[way.length - 1];
    if (leaf.index < 0) {
      to = keyBefore(way);
      continue;
    }
    const { view } = leaf.bp;
    const at = extEntry(leaf.off, leaf.index);
    const [first, len, start] = [extBlock(view, at), extLen(view, at), extStart(view, at)];
    if (first + len <= lbn) return;
    if (extUnwritten(view, at)) convert(ip, way, Math.max(first, lbn), Math.min(first + len, to), first, len, start);
    to = Math.max(first, lbn);
  }
}

/** Blocks from..to - 1 of the extent that the way ends at. */
function convert(ip: Inode, way: readonly Step[], from: number, to: number, first: number, len: number, start: number): void {
  const leaf = way[way.length - 1];
  const { view } = leaf.bp;
  const at = extEntry(leaf.off, leaf.index);
  dirty(ip, leaf, leaf.index, leaf.index + 1);
  if (from === first && to === first + len) {
    putExtent(view, at, first, len, start, false);
    joinWithLeft(ip, leaf);
    return;
  }
  if (from > first) {
    putExtent(view, at, first, from - first, start, true);
    if (to < first + len) extInsert(ip, to, first + len - to, start + to - first, true);
  } else {
    putExtent(view, at, to, first + len - to, start + to - first, true);
    if (leaf.index === 0) fixKeys(ip, way, way.length - 1, to);
  }
  extInsert(ip, from, to - from, start + from - first, false);
}

/** The entry becomes part of the one before in the same leaf, where it can. */
function joinWithLeft(ip: Inode, leaf: Step): void {
  if (leaf.index === 0) return;
  const { view } = leaf.bp;
  const [a, b] = [extEntry(leaf.off, leaf.index - 1), extEntry(leaf.off, leaf.index)];
  const [n, m] = [extLen(view, a), extLen(view, b)];
  if (extUnwritten(view, a) || extBlock(view, a) + n !== extBlock(view, b) || extStart(view, a) + n !== extStart(view, b) || n + m > EXT_LEN_MAX) return;
  dirty(ip, leaf, leaf.index - 1, leaf.index + 1);
  putExtent(view, a, extBlock(view, a), n + m, extStart(view, a), false);
  close(ip, leaf, leaf.index);
}
