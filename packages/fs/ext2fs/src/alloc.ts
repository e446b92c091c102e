/**
 * Which blocks are free: the bitmap of each group, and the counts that go with it. All within a transaction.
 *
 * A block is looked for at its goal, then in a free byte of the goal's group (eight blocks together), then anywhere in it, then in the
 * groups that follow. Several blocks are given at once when they lie together, so that what is written together lies together.
 */
import { bitClearRange, bitSetRange, bitTest, findOne, findZero, findZeroByte, zeroRun } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { Buf, Run } from '@anykernel/rumpvfs';
import type { Ext2fs } from './fs.js';

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
    if (fs.suspect[g] === 0 && fs.groupFreeBlocks(g) > 0 && allocInGroup(fs, g, i === 0 ? start - fs.groupStart(g) : 0, most, run)) return;
  }
  throw ERR.ENOSPC;
}

function allocInGroup(fs: Ext2fs, g: number, near: number, want: number, run: Run): boolean {
  const bp = fs.bcache.bread(fs.bbmap[g]);
  const end = fs.groupLen(g);
  const bit = findBit(bp.data, near, end);
  if (bit < 0) {
    fs.complain(`group ${g} has ${fs.groupFreeBlocks(g)} free blocks by its descriptor, and none by its bitmap`);
    fs.suspect[g] = 1;
    return false;
  }
  const most = Math.min(want, fs.groupFreeBlocks(g));
  const len = zeroRun(bp.data, bit, Math.min(end, bit + most));
  const blkno = fs.groupStart(g) + bit;
  for (let i = 0; i < len; i++) {
    if (fs.mayOwn(blkno + i)) continue;
    fs.complain(`the bitmap of group ${g} calls block ${blkno + i} free, which holds metadata`);
    fs.suspect[g] = 1;
    return false;
  }
  dirtyBits(fs, bp, bit, len);
  bitSetRange(bp.data, bit, bit + len);
  fs.countBlocks(g, -len);
  run.blkno = blkno;
  run.count = len;
  return true;
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
  const bp = fs.bcache.bread(fs.bbmap[g]);
  const bit = blkno - fs.groupStart(g);
  const free = findZero(bp.data, bit, bit + count);
  if (free >= 0) fs.corrupt(`block ${fs.groupStart(g) + free} is to be freed, and is free already`);
  for (let i = 1; i < count; i++) if (!fs.mayOwn(blkno + i)) fs.corrupt(`block ${blkno + i} is to be freed, and is not a file's`);
  dirtyBits(fs, bp, bit, count);
  bitClearRange(bp.data, bit, bit + count);
  fs.countBlocks(g, count);
}

/** Whether the bitmap says that block `blkno`, which a file may own, is in use. EIO. */
export function blockInUse(fs: Ext2fs, blkno: number): boolean {
  const g = fs.groupOf(blkno);
  if (fs.bbmap[g] === 0) return false;
  const bit = blkno - fs.groupStart(g);
  return findOne(fs.bcache.bread(fs.bbmap[g]).data, bit, bit + 1) >= 0;
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

  /** An indirect block. */
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
