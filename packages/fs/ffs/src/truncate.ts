/**
 * Taking blocks from a file: a hole, or all behind an end. Within a transaction.
 *
 * Indirect blocks that become empty go too. A tree that names one block twice (or itself) meets a block that is free already, and that ends it:
 * every step frees a block, so that the work is bounded by what the device has.
 */
import { isZero } from '@anykernel/lib-bytes';
import { S_IFMT, S_IFREG } from '@anykernel/lib-sys';
import { type Inode, NDADDR, NIADDR, checkPtr, corrupt, fragsOf, getPtr, ptrLen, setPtr } from '@anykernel/ufs';
import { freeFrags, inUse } from './alloc.js';
import type { Ffs } from './fs.js';

/** Collects blocks to be freed, so that neighbours go together. */
class Freer {
  /** Fragments that were given back, or will be by flush(). */
  total = 0;
  #addr = 0;
  #count = 0;
  readonly #fs: Ffs;
  readonly #cached: boolean;

  /** `cached`: the file's own blocks are in the buffer cache, too (a directory's, a symbolic link's). */
  constructor(fs: Ffs, cached: boolean) {
    this.#fs = fs;
    this.#cached = cached;
  }

  add(addr: number, count: number): void {
    if (this.#cached) for (let i = 0; i < count; i++) this.#fs.bcache.invalidate(addr + i);
    this.#add(addr, count);
  }

  #add(addr: number, count: number): void {
    this.total += count;
    if (this.#count > 0 && addr === this.#addr + this.#count) {
      this.#count += count;
      return;
    }
    this.flush();
    this.#addr = addr;
    this.#count = count;
  }

  addIndirect(addr: number): void {
    for (let i = 0; i < this.#fs.frag; i++) this.#fs.bcache.invalidate(addr + i);
    this.#add(addr, this.#fs.frag);
  }

  /** Whether `addr` is in use and not on its way out. */
  alive(addr: number): boolean {
    if (addr >= this.#addr && addr < this.#addr + this.#count) return false;
    return inUse(this.#fs, addr);
  }

  flush(): void {
    if (this.#count > 0) freeFrags(this.#fs, this.#addr, this.#count);
    this.#count = 0;
  }
}

/** The file has `size` bytes, fewer than before, and no blocks beyond. EIO. */
export function truncate(fs: Ffs, ip: Inode, size: number): void {
  const before = ip.size;
  ip.dirty();
  const lbn = Math.floor(size / fs.bsize);
  if (lbn < NDADDR && size % fs.bsize !== 0) shortenBlock(fs, ip, lbn, before, size);
  freeRange(fs, ip, Math.ceil(size / fs.bsize), Infinity, before);
  ip.size = size;
}

/** The block that becomes the last one keeps as many fragments as it needs. */
function shortenBlock(fs: Ffs, ip: Inode, lbn: number, before: number, size: number): void {
  const addr = ip.ptr(lbn);
  const have = fragsOf(fs, before, lbn);
  const keep = fragsOf(fs, size, lbn);
  if (addr === 0 || keep >= have) return;
  checkPtr(ip, addr, have, 'block', lbn);
  if ((ip.mode & S_IFMT) !== S_IFREG) for (let i = keep; i < have; i++) fs.bcache.invalidate(addr + i);
  freeFrags(fs, addr + keep, have - keep);
  ip.addFrags(keep - have);
  ip.lastAddr = 0;
}

/** Frees blocks `from` up to, and not including, `to` of a file of `size` bytes. EIO. */
export function freeRange(fs: Ffs, ip: Inode, from: number, to: number, size: number): void {
  ip.dirty();
  const freer = new Freer(fs, (ip.mode & S_IFMT) !== S_IFREG);
  for (let i = from; i < NDADDR && i < to; i++) {
    const addr = ip.ptr(i);
    if (addr === 0) continue;
    // A pointer beyond the size is the disk's error: a fragment at least is what it names.
    const count = Math.max(1, fragsOf(fs, size, i));
    checkPtr(ip, addr, count, 'block', i);
    freer.add(addr, count);
    ip.setPtr(i, 0);
  }
  let base = NDADDR;
  let reach = 1;
  for (let level = 1; level <= NIADDR; level++) {
    reach *= 2 ** fs.ashift;
    const addr = ip.ptr(NDADDR + level - 1);
    if (addr !== 0 && from < base + reach && to > base && freeTree(fs, ip, freer, addr, level, from - base, to - base)) ip.setPtr(NDADDR + level - 1, 0);
    base += reach;
  }
  freer.flush();
  ip.addFrags(-freer.total);
  ip.lastAddr = 0;
}

/** Frees blocks from..to - 1 of the tree under `addr` (a part of it counts from its own start), and the block itself if it is empty then. */
function freeTree(fs: Ffs, ip: Inode, freer: Freer, addr: number, level: number, from: number, to: number): boolean {
  checkPtr(ip, addr, fs.frag, 'an indirect block of level', level);
  if (!freer.alive(addr)) corrupt(fs, `inode ${ip.ino}: indirect block ${addr} is free, or is used twice`);
  const per = 2 ** fs.ashift;
  const span = 2 ** (fs.ashift * (level - 1));
  const whole = from <= 0 && to >= per * span;
  const first = Math.max(0, Math.floor(from / span));
  const last = Math.min(per, Math.ceil(to / span));
  const inFrag = fs.fsize / ptrLen(fs);
  if (fs.frag > 1) fs.bcache.readahead(addr, fs.frag);
  for (let f = 0; f < fs.frag; f++) {
    const low = Math.max(first, f * inFrag);
    const high = Math.min(last, (f + 1) * inFrag);
    if (low < high) freePointers(fs, ip, freer, addr + f, level, low, high, f * inFrag, from, to, whole);
  }
  if (!whole && !isEmpty(fs, addr)) return false;
  freer.addIndirect(addr);
  return true;
}

/** Frees what pointers low..high - 1 name, which are in fragment `at` of an indirect block, whose first pointer is number `base`. */
function freePointers(
  fs: Ffs, ip: Inode, freer: Freer, at: number, level: number, low: number, high: number, base: number, from: number, to: number, whole: boolean,
): void {
  const bp = fs.bcache.bread(at);
  const len = ptrLen(fs);
  const span = 2 ** (fs.ashift * (level - 1));
  for (let i = low; i < high; i++) {
    const off = (i - base) * len;
    const child = getPtr(fs, bp.view, off);
    if (child === 0) continue;
    if (level > 1) {
      if (!freeTree(fs, ip, freer, child, level - 1, from - i * span, to - i * span)) continue;
    } else {
      checkPtr(ip, child, fs.frag, 'a block below indirect block', at);
      freer.add(child, fs.frag);
    }
    // A block that goes whole keeps its pointers: nobody reads them again.
    if (whole) continue;
    fs.txn.dirty(bp, off, len);
    setPtr(fs, bp.view, off, 0);
  }
}

function isEmpty(fs: Ffs, addr: number): boolean {
  for (let f = 0; f < fs.frag; f++) if (!isZero(fs.bcache.bread(addr + f).data)) return false;
  return true;
}
