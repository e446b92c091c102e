/** Blocks and inodes for what a repair makes anew. Only when all that are in use are known, or those to be avoided. */
import { bitClear, bitSet, bitTest, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { EXT_ENTRY, EXT_HEADER, EXT_LEN_MAX, EXT_ROOT_MAX, extBlock, extChild, extCount, extDepth, extEntry, extLen, extMax, extStart, extUnwritten, putExtHeader, putExtIndex, putExtent, setExtCount } from '../extent.js';
import {
  DI_ATIME, DI_BLOCK, DI_CRTIME, DI_CTIME, DI_EXTRA, DI_FLAGS, DI_MODE, DI_MTIME, DI_NLINK, DI_OLD_LEN, EXTRA_LEN, FL_EXTENTS, INCOMPAT_EXTENTS, NDADDR, NIADDR,
} from '../ondisk.js';
import type { Check, Found } from './check.js';

const S_IFDIR = 0o040000;

function isFree(c: Check, blkno: number): boolean {
  return !bitTest(c.structure, blkno) && !bitTest(c.used, blkno) && (c.avoid === undefined || !bitTest(c.avoid, blkno));
}

/** A block that nobody has; 0: there is none. */
export function takeBlock(c: Check): number {
  for (let b = c.info.firstData + 1; b < c.info.blocks; b++) {
    if (b % 8 === 0 && (c.used[b / 8]! | c.structure[b / 8]!) === 0xff) {
      b += 7;
      continue;
    }
    if (!isFree(c, b)) continue;
    bitSet(c.used, b);
    return b;
  }
  return 0;
}

/** Blocks from..end - 1 of which `count` follow each other and are free: the first; 0: there are none. */
export function freeRun(c: Check, from: number, end: number, count: number): number {
  for (let b = from, run = 0; b < end; b++) {
    run = isFree(c, b) ? run + 1 : 0;
    if (run === count) return b - count + 1;
  }
  return 0;
}

/** An inode that nobody has; 0: there is none. Those that were never used come last. */
export function takeInode(c: Check): number {
  const { inodesPerGroup: ipg, firstIno } = c.info;
  const isTaken = (ino: number): boolean => ino < firstIno || c.found.has(ino) || c.values.has(ino) || c.dying.has(ino);
  for (let g = 0; g < c.groups; g++) {
    for (let i = 0, n = c.itable[g] === 0 ? 0 : c.inodesIn(g); i < n; i++) if (!isTaken(g * ipg + i + 1)) return g * ipg + i + 1;
  }
  for (let g = 0; g < c.groups; g++) {
    const i = c.inodesIn(g);
    if (c.itable[g] === 0 || i >= ipg || isTaken(g * ipg + i + 1)) continue;
    c.setInodesIn(g, i + 1);
    return g * ipg + i + 1;
  }
  return 0;
}

/** Writes inode `ino` anew: the superuser's, with one block. */
export function makeInode(c: Check, ino: number, mode: number, nlink: number, blkno: number): void {
  const b = new Uint8Array(c.info.inodeSize);
  putU16le(b, DI_MODE, mode);
  putU16le(b, DI_NLINK, nlink);
  for (const field of [DI_ATIME, DI_CTIME, DI_MTIME]) putU32le(b, field, c.options.time);
  c.setSize(b, c.bsize);
  if (b.length > DI_OLD_LEN) {
    putU16le(b, DI_EXTRA, Math.min(EXTRA_LEN, b.length - DI_OLD_LEN));
    putU32le(b, DI_CRTIME, c.options.time);
  }
  if ((c.info.incompat & INCOMPAT_EXTENTS) !== 0) {
    const view = new DataView(b.buffer);
    putU32le(b, DI_FLAGS, FL_EXTENTS);
    putExtHeader(view, DI_BLOCK, 1, EXT_ROOT_MAX, 0);
    putExtent(view, extEntry(DI_BLOCK, 0), 0, 1, blkno, false);
  } else putU32le(b, DI_BLOCK, blkno);
  c.setSectors(b, c.bsize >> 9);
  c.putInode(ino, b);
  c.found.set(ino, { ino, mode, blocks: (mode & 0o170000) === S_IFDIR ? [blkno] : [] });
}

/** One more block for a directory, at its end; the caller writes it. 0: there is none, or no room for its place. */
export function appendBlock(c: Check, f: Found): number {
  const b = c.inode(f.ino);
  const blkno = b === undefined ? 0 : takeBlock(c);
  if (b === undefined || blkno === 0) return 0;
  const nodes = (getU32le(b, DI_FLAGS) & FL_EXTENTS) !== 0 ? appendExtent(c, f, b, blkno) : appendPointer(c, b, f.blocks.length, blkno);
  if (nodes < 0) {
    bitClear(c.used, blkno);
    return 0;
  }
  f.blocks.push(blkno);
  c.setSize(b, f.blocks.length * c.bsize);
  c.setSectors(b, c.sectorsOf(b) + (1 + nodes) * (c.bsize >> 9));
  c.putInode(f.ino, b);
  return blkno;
}

/** Nodes that were made for it; -1: it does not fit. */
function appendExtent(c: Check, f: Found, inode: Uint8Array, blkno: number): number {
  const root = new DataView(inode.buffer, inode.byteOffset, inode.length);
  const depth = extDepth(root, DI_BLOCK);
  const lbn = f.blocks.length;
  if (depth === 0) {
    if (addExtent(root, DI_BLOCK, EXT_ROOT_MAX, lbn, blkno)) return 0;
    return pushDown(c, f, root, lbn, blkno);
  }
  let at = extChild(root, extEntry(DI_BLOCK, extCount(root, DI_BLOCK) - 1));
  for (let level = depth - 1; level > 0; level--) {
    const b = c.block(at);
    const node = new DataView(b.buffer, b.byteOffset, b.length);
    at = extChild(node, extEntry(0, extCount(node, 0) - 1));
  }
  const b = c.block(at);
  const leaf = new DataView(b.buffer, b.byteOffset, b.length);
  if (!addExtent(leaf, 0, extMax(leaf, 0), lbn, blkno)) return -1;
  seal(c, f, b, leaf);
  c.changed(at, b);
  return 0;
}

/** A block behind the last one of a leaf. False: it is full. */
function addExtent(v: DataView, off: number, max: number, lbn: number, blkno: number): boolean {
  const count = extCount(v, off);
  const last = extEntry(off, count - 1);
  if (count > 0 && !extUnwritten(v, last) && extLen(v, last) < EXT_LEN_MAX && extStart(v, last) + extLen(v, last) === blkno && extBlock(v, last) + extLen(v, last) === lbn) {
    putExtent(v, last, extBlock(v, last), extLen(v, last) + 1, extStart(v, last), false);
    return true;
  }
  if (count >= max) return false;
  putExtent(v, extEntry(off, count), lbn, 1, blkno, false);
  setExtCount(v, off, count + 1);
  return true;
}

/** The extents of a full root move to a node of their own. */
function pushDown(c: Check, f: Found, root: DataView, lbn: number, blkno: number): number {
  const node = takeBlock(c);
  if (node === 0) return -1;
  const b = new Uint8Array(c.bsize);
  const view = new DataView(b.buffer);
  const max = Math.floor((c.bsize - EXT_HEADER) / EXT_ENTRY);
  putExtHeader(view, 0, EXT_ROOT_MAX, max, 0);
  b.set(new Uint8Array(root.buffer, root.byteOffset + DI_BLOCK + EXT_HEADER, EXT_ROOT_MAX * EXT_ENTRY), EXT_HEADER);
  addExtent(view, 0, max, lbn, blkno);
  seal(c, f, b, view);
  c.changed(node, b);
  new Uint8Array(root.buffer, root.byteOffset + DI_BLOCK, 60).fill(0);
  putExtHeader(root, DI_BLOCK, 1, EXT_ROOT_MAX, 1);
  putExtIndex(root, extEntry(DI_BLOCK, 0), 0, node);
  return 1;
}

function seal(c: Check, f: Found, b: Uint8Array, v: DataView): void {
  if (c.sums.on) putU32le(b, EXT_HEADER + EXT_ENTRY * extMax(v, 0), c.sums.extents(b, c.seedOf(f.ino)));
}

/** Indirect blocks that were made for it; -1: it does not fit. */
function appendPointer(c: Check, inode: Uint8Array, lbn: number, blkno: number): number {
  if (lbn < NDADDR) {
    putU32le(inode, DI_BLOCK + 4 * lbn, blkno);
    return 0;
  }
  const per = c.bsize / 4;
  let made = 0;
  /** The block of pointers that is named at `at` of `from`; 0: none is free. */
  const below = (from: Uint8Array, at: number): number => {
    const there = getU32le(from, at);
    if (there !== 0) return there;
    const fresh = takeBlock(c);
    if (fresh === 0) return 0;
    made++;
    putU32le(from, at, fresh);
    c.changed(fresh, new Uint8Array(c.bsize));
    return fresh;
  };
  for (let level = 1, first = NDADDR; level <= NIADDR; first += per ** level, level++) {
    if (lbn >= first + per ** level) continue;
    let from = inode;
    let at = DI_BLOCK + 4 * (NDADDR + level - 1);
    for (let rest = lbn - first, l = level; l > 0; l--) {
      const child = below(from, at);
      if (child === 0) return -1;
      from = c.block(child);
      c.changed(child, from);
      at = 4 * Math.floor(rest / per ** (l - 1));
      rest %= per ** (l - 1);
    }
    putU32le(from, at, blkno);
    return made;
  }
  return -1;
}
