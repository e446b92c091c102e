/**
 * Which blocks are free: the bitmap of each group, and the counts that go with it. All within a transaction.
 *
 * A block is looked for at its goal, then in a free byte of the goal's group (eight blocks together), then anywhere in it, then in the
 * groups that follow. Several blocks are given at once when they lie together, so that what is written together lies together.
 */
import { bitClearRange, bitSetRange, bitTest, findOne, findZero, findZeroByte, zeroRun } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { Buf, Run } from '@anykernel/rumpvfs';
import { T_BBMAP, Tag } from './csum.js';
import type { Ext2fs } from './fs.js';
import { BG_BLOCK_UNINIT } from './ondisk.js';

/**
 * Takes up to `want` blocks that follow each other, as near behind `goal` as may be; fills in `run`, in place. ENOSPC: there are none for
 * this caller. EIO.
 */
export function allocBlocks(fs: Ext2fs, goal: number, want: number, run: Run): void {
  const free = fs.freeBlocks(fs.k.curlwp.proc.cred);
  if (free === 0) throw ERR.ENOSPC;
  const most = want < free ? want : free;
  const start = goal > fs.info.firstData && goal < fs.info.blocks ? goal : fs.info.firstData;
  const first = fs.groupOf(start);
  for (let i = 0; i < fs.groups; i++) {
    const g = (first + i) % fs.groups;
    if (fs.suspect[g] === 0 && fs.gd.freeBlocks(g) > 0 && allocInGroup(fs, g, i === 0 ? start - fs.groupStart(g) : 0, most, run)) return;
  }
  throw ERR.ENOSPC;
}

function allocInGroup(fs: Ext2fs, g: number, near: number, want: number, run: Run): boolean {
  const bp = blockMap(fs, g);
  if (bp === undefined) return false;
  const end = fs.groupLen(g);
  const map = fs.pending.with(g, bp.data);
  const bit = findBit(map, near, end);
  if (bit < 0) {
    if (map !== bp.data) return false;
    fs.complain(`group ${g} has ${fs.gd.freeBlocks(g)} free blocks by its descriptor, and none by its bitmap`);
    fs.suspect[g] = 1;
    return false;
  }
  const most = Math.min(want, fs.gd.freeBlocks(g));
  const len = zeroRun(map, bit, Math.min(end, bit + most));
  const blkno = fs.groupStart(g) + bit;
  if (!fs.mayOwnAll(blkno, len)) {
    fs.complain(`the bitmap of group ${g} calls one of blocks ${blkno} to ${blkno + len - 1} free, which holds metadata`);
    fs.suspect[g] = 1;
    return false;
  }
  dirtyBits(fs, bp, bit, len);
  bitSetRange(bp.data, bit, bit + len);
  fs.gd.countBlocks(g, -len);
  run.blkno = blkno;
  run.count = len;
  return true;
}

/** The bitmap of group `g`, made where it was never written. undefined: its checksum is wrong, and nothing more is done there. */
function blockMap(fs: Ext2fs, g: number): Buf | undefined {
  if (fs.gd.flag(g, BG_BLOCK_UNINIT)) return makeBlockMap(fs, g);
  const bp = fs.bcache.bread(fs.bbmap[g]);
  return fs.gd.bitmapSound(g, bp, T_BBMAP) ? bp : undefined;
}

function makeBlockMap(fs: Ext2fs, g: number): Buf {
  const bp = fs.bcache.getblk(fs.bbmap[g]);
  fs.txn.dirty(bp);
  bp.data.fill(0);
  const start = fs.groupStart(g);
  fs.reserved.each(g, (from, to) => bitSetRange(bp.data, from - start, to - start));
  bitSetRange(bp.data, fs.groupLen(g), 8 * fs.bsize);
  bp.tag = new Tag(T_BBMAP, g, 0);
  fs.gd.clearFlag(g, BG_BLOCK_UNINIT);
  return bp;
}

/** The goal itself, eight together behind it, any behind it, any before it. */
function findBit(map: Uint8Array, near: number, end: number): number {
  if (!bitTest(map, near)) return near;
  const together = findZeroByte(map, near, end);
  if (together >= 0) return backToRunStart(map, together, near);
  const behind = findZero(map, near, end);
  return behind >= 0 ? behind : findZero(map, 0, near);
}

/** The free byte may belong to a run that starts a few bits earlier. */
function backToRunStart(map: Uint8Array, bit: number, lowest: number): number {
  let b = bit;
  while (b > lowest && !bitTest(map, b - 1)) b--;
  return b;
}

function dirtyBits(fs: Ext2fs, bp: Buf, bit: number, len: number): void {
  const from = bit >> 3;
  fs.txn.dirty(bp, from, ((bit + len - 1) >> 3) - from + 1);
}

/** Gives back `count` blocks from `blkno` on. EIO: one of them is none that a file may have, or is free already. */
export function freeBlocks(fs: Ext2fs, blkno: number, count: number): void {
  for (let left = count; left > 0; ) {
    const g = fs.groupOf(blkno);
    if (!fs.mayOwn(blkno)) fs.corrupt(`block ${blkno} is to be freed, and is not a file's`);
    const n = Math.min(left, fs.groupStart(g) + fs.groupLen(g) - blkno);
    freeInGroup(fs, g, blkno, n);
    blkno += n;
    left -= n;
  }
}

function freeInGroup(fs: Ext2fs, g: number, blkno: number, count: number): void {
  if (fs.bbmap[g] === 0) fs.corrupt(`block ${blkno} is to be freed in group ${g}, whose bitmap is not known`);
  const bp = blockMap(fs, g);
  if (bp === undefined) fs.corrupt(`block ${blkno} is to be freed in group ${g}, whose bitmap has a wrong checksum`);
  const bit = blkno - fs.groupStart(g);
  const free = findZero(bp.data, bit, bit + count);
  if (free >= 0) fs.corrupt(`block ${fs.groupStart(g) + free} is to be freed, and is free already`);
  if (!fs.mayOwnAll(blkno, count)) fs.corrupt(`one of blocks ${blkno} to ${blkno + count - 1} is to be freed, and is not a file's`);
  dirtyBits(fs, bp, bit, count);
  bitClearRange(bp.data, bit, bit + count);
  fs.gd.countBlocks(g, count);
  if (fs.bcache.journal !== undefined) fs.pending.add(g, bit, count);
}

/** Whether the bitmap says that block `blkno`, which a file may own, is in use. Within a transaction. EIO. */
function blockInUse(fs: Ext2fs, blkno: number): boolean {
  const g = fs.groupOf(blkno);
  if (fs.bbmap[g] === 0) return false;
  const bit = blkno - fs.groupStart(g);
  const bp = blockMap(fs, g);
  return bp !== undefined && findOne(bp.data, bit, bit + 1) >= 0;
}

/** Collects blocks to be freed, so that neighbours go together. */
export class Freer {
  /** Blocks that were given back, or will be by flush(). */
  total = 0;
  #blkno = 0;
  #count = 0;
  readonly #fs: Ext2fs;
  readonly #cached: boolean;

  /** `cached`: the file's own blocks are in the buffer cache, too (a directory's, a symbolic link's). */
  constructor(fs: Ext2fs, cached: boolean) {
    this.#fs = fs;
    this.#cached = cached;
  }

  /** A block of the file. */
  add(blkno: number): void {
    if (this.#cached) this.#fs.bcache.invalidate(blkno);
    this.#add(blkno);
  }

  #add(blkno: number): void {
    this.total++;
    if (this.#count > 0 && blkno === this.#blkno + this.#count) {
      this.#count++;
      return;
    }
    this.flush();
    this.#blkno = blkno;
    this.#count = 1;
  }

  /** Several blocks of the file, one after another. */
  addRun(blkno: number, count: number): void {
    if (this.#cached) for (let i = 0; i < count; i++) this.#fs.bcache.invalidate(blkno + i);
    this.total += count;
    if (this.#count > 0 && blkno === this.#blkno + this.#count) this.#count += count;
    else if (this.#count > 0 && blkno + count === this.#blkno) {
      this.#blkno = blkno;
      this.#count += count;
    } else {
      this.flush();
      this.#blkno = blkno;
      this.#count = count;
    }
  }

  /** An indirect block, a node. */
  addIndirect(blkno: number): void {
    this.#fs.bcache.invalidate(blkno);
    this.#add(blkno);
  }

  /** Whether `blkno` is in use and not on its way out. */
  alive(blkno: number): boolean {
    if (blkno >= this.#blkno && blkno < this.#blkno + this.#count) return false;
    return blockInUse(this.#fs, blkno);
  }

  flush(): void {
    if (this.#count > 0) freeBlocks(this.#fs, this.#blkno, this.#count);
    this.#count = 0;
  }
}
