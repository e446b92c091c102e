/**
 * Blocks for a file that grows, or whose holes are filled. Within a transaction: what was given is taken back with it.
 *
 * Blocks are asked for in runs and near the one before, and an indirect block is taken where its first data block would have been. Only the last
 * block of a file that its direct pointers reach may be less than a whole one; it gets more fragments where it is, or moves.
 */
import { ERR, S_IFMT, S_IFREG } from '@anykernel/lib-sys';
import { copy } from '@anykernel/rumpkern';
import { type Buf, Run } from '@anykernel/rumpvfs';
import { type Inode, NDADDR, checkPtr, fragsOf, getPtr, levelOf, ptrLen, setPtr } from '@anykernel/ufs';
import { allocBlocks, allocFrags, extendFrags, freeFrags } from './alloc.js';
import type { Ffs } from './fs.js';

/** Blocks for bytes [off, off+len), and a size that covers them. The new ones hold whatever was there before. ENOSPC, EFBIG, EIO. */
export function balloc(fs: Ffs, ip: Inode, off: number, len: number): void {
  const end = off + len;
  if (end > fs.maxSize) throw ERR.EFBIG;
  ip.dirty();
  let { size } = ip;
  const last = Math.floor((end - 1) / fs.bsize);
  const short = Math.floor(size / fs.bsize);
  if (short < last && short < NDADDR && size % fs.bsize !== 0) {
    lengthenBlock(fs, ip, short, size, (short + 1) * fs.bsize);
    size = (short + 1) * fs.bsize;
  }
  const first = Math.floor(off / fs.bsize);
  // The last block may be a short one; all before it are whole.
  const whole = last < NDADDR && fragsOf(fs, Math.max(size, end), last) < fs.frag ? last : last + 1;
  if (first < whole) fillWhole(fs, ip, first, whole, size);
  if (whole === last) lastBlock(fs, ip, last, size, Math.max(size, end));
  if (end > size) ip.size = end;
}

/** The last block, which is a short one: made, or made longer. */
function lastBlock(fs: Ffs, ip: Inode, lbn: number, size: number, newSize: number): void {
  if (ip.ptr(lbn) !== 0) {
    lengthenBlock(fs, ip, lbn, size, newSize);
    return;
  }
  const n = fragsOf(fs, newSize, lbn);
  const addr = allocFrags(fs, goalFor(fs, ip, lbn, lbn > 0 ? ip.ptr(lbn - 1) : 0), n, false);
  ip.setPtr(lbn, addr);
  ip.addFrags(n);
  remember(ip, lbn, addr);
}

/** Block `lbn`, the last of a file of `size` bytes, gets the fragments that it has in one of `newSize` bytes. */
function lengthenBlock(fs: Ffs, ip: Inode, lbn: number, size: number, newSize: number): void {
  const addr = ip.ptr(lbn);
  const have = fragsOf(fs, size, lbn);
  const want = fragsOf(fs, newSize, lbn);
  if (addr === 0 || have === 0 || have >= want) return;
  checkPtr(ip, addr, have, 'block', lbn);
  if (extendFrags(fs, addr, have, want)) {
    ip.addFrags(want - have);
    return;
  }
  const fresh = want === fs.frag ? wholeBlock(fs, addr) : allocFrags(fs, addr, want, true);
  move(fs, ip, addr, have, fresh);
  ip.setPtr(lbn, fresh);
  ip.addFrags(want - have);
  remember(ip, lbn, fresh);
  freeFrags(fs, addr, have);
}

function wholeBlock(fs: Ffs, goal: number): number {
  const run = new Run();
  allocBlocks(fs, goal, 1, run);
  return run.blkno;
}

/** What is in the buffer cache goes along: bytes of directories and links. A regular file's are its own cache's to write. */
function move(fs: Ffs, ip: Inode, from: number, count: number, to: number): void {
  if ((ip.mode & S_IFMT) === S_IFREG) return;
  for (let i = 0; i < count; i++) {
    const old = fs.bcache.bread(from + i);
    const fresh = fs.bcache.getblk(to + i);
    fs.txn.dirty(fresh);
    copy(fresh.data, 0, old.data, 0, fs.fsize);
    fs.bcache.invalidate(from + i);
  }
}

// -- whole blocks

/** A place with pointers to data blocks: the inode, or one fragment of an indirect block. */
interface Leaf {
  readonly bp: Buf;
  readonly off: number;
  /** Pointers from there on. */
  readonly count: number;
  /** Where the block before is likely to be; 0: not known. */
  readonly before: number;
}

function fillWhole(fs: Ffs, ip: Inode, first: number, end: number, size: number): void {
  for (let lbn = first; lbn < end; ) {
    const leaf = leafOf(fs, ip, lbn);
    const n = Math.min(end - lbn, leaf.count);
    fillLeaf(fs, ip, leaf, lbn, n, size);
    lbn += n;
  }
}

function leafOf(fs: Ffs, ip: Inode, lbn: number): Leaf {
  const len = ptrLen(fs);
  if (lbn < NDADDR) return { bp: ip.bp, off: ip.ptrOff + len * lbn, count: NDADDR - lbn, before: lbn > 0 ? ip.ptr(lbn - 1) : 0 };
  const [levels, index, whole] = levelOf(fs, lbn);
  let rest = index;
  let reach = whole;
  let addr = indirect(fs, ip, ip.bp, ip.ptrOff + len * (NDADDR + levels - 1), lbn);
  for (let level = levels; ; level--) {
    reach /= 2 ** fs.ashift;
    const i = Math.floor(rest / reach);
    rest -= i * reach;
    const bp = fs.bcache.bread(addr + ((i * len) >> fs.fshift));
    const off = (i * len) & (fs.fsize - 1);
    if (level === 1) return { bp, off, count: (fs.fsize - off) / len, before: off > 0 ? getPtr(fs, bp.view, off - len) : addr };
    addr = indirect(fs, ip, bp, off, lbn);
  }
}

/** The indirect block that the pointer at `off` of `bp` names, made if there is none. */
function indirect(fs: Ffs, ip: Inode, bp: Buf, off: number, lbn: number): number {
  const there = getPtr(fs, bp.view, off);
  if (there !== 0) {
    checkPtr(ip, there, fs.frag, 'an indirect block above block', lbn);
    return there;
  }
  const addr = wholeBlock(fs, goalFor(fs, ip, lbn, 0));
  for (let i = 0; i < fs.frag; i++) {
    const fresh = fs.bcache.getblk(addr + i);
    fs.txn.dirty(fresh);
    fresh.data.fill(0);
  }
  if (bp === ip.bp) ip.dirty();
  else fs.txn.dirty(bp, off, ptrLen(fs));
  setPtr(fs, bp.view, off, addr);
  ip.addFrags(fs.frag);
  remember(ip, lbn - 1, addr);
  return addr;
}

function fillLeaf(fs: Ffs, ip: Inode, leaf: Leaf, lbn: number, count: number, size: number): void {
  const { bp, off } = leaf;
  const { view } = bp;
  const len = ptrLen(fs);
  for (let i = 0; i < count; ) {
    const at = off + len * i;
    const there = getPtr(fs, view, at);
    if (there !== 0) {
      // A block that is there is whole, unless it is the last.
      if (lbn + i < NDADDR && fragsOf(fs, size, lbn + i) < fs.frag) lengthenBlock(fs, ip, lbn + i, size, (lbn + i + 1) * fs.bsize);
      else checkPtr(ip, there, fs.frag, 'block', lbn + i);
      i++;
      continue;
    }
    let holes = 1;
    while (i + holes < count && getPtr(fs, view, at + len * holes) === 0) holes++;
    const run = new Run();
    allocBlocks(fs, goalFor(fs, ip, lbn + i, i > 0 ? getPtr(fs, view, at - len) : leaf.before), holes, run);
    if (bp !== ip.bp) fs.txn.dirty(bp, at, len * run.count);
    for (let n = 0; n < run.count; n++) setPtr(fs, view, at + len * n, run.blkno + n * fs.frag);
    ip.addFrags(run.count * fs.frag);
    remember(ip, lbn + i + run.count - 1, run.blkno + (run.count - 1) * fs.frag);
    i += run.count;
  }
}

/** Behind the last block that was given, if that was the one before; else behind `before`; else in the inode's own group. */
export function goalFor(fs: Ffs, ip: Inode, lbn: number, before: number): number {
  if (ip.lastAddr !== 0 && ip.lastLbn === lbn - 1) return ip.lastAddr + fs.frag;
  if (before !== 0) return before + fs.frag;
  const g = Math.floor(ip.ino / fs.info.ipg);
  if (lbn === 0) return fs.dataStart(g);
  // Files of one group start at different places in it, so that those which grow together do not meet at once.
  const spread = (ip.ino % fs.info.ipg) / fs.info.ipg;
  const start = fs.dataStart(g);
  return start + Math.floor((Math.min((g + 1) * fs.info.fpg, fs.info.size) - 1 - start) * spread);
}

/** A hint only: it may stay when the transaction fails. */
function remember(ip: Inode, lbn: number, addr: number): void {
  ip.lastLbn = lbn;
  ip.lastAddr = addr;
}
