/** The blocks that hold the structure of the file system: by group, ranges in order. No two owners have the same one. */
import type { Ext2fs } from './fs.js';

export class Reserved {
  readonly #fs: Ext2fs;
  /** Where a range begins, where it ends, and so on. */
  readonly #ranges: number[][];

  constructor(fs: Ext2fs) {
    this.#fs = fs;
    this.#ranges = Array.from({ length: fs.groups }, () => []);
  }

  clear(): void {
    for (const ranges of this.#ranges) ranges.length = 0;
  }

  /** Blocks from `blkno` on are taken. False: one of them is already. */
  claim(blkno: number, len: number): boolean {
    const fs = this.#fs;
    for (let at = blkno; at < blkno + len; ) {
      const g = fs.groupOf(at);
      const to = Math.min(blkno + len, fs.groupStart(g) + fs.groupLen(g));
      if (!insert(this.#ranges[g], at, to)) return false;
      at = to;
    }
    return true;
  }

  /** Ranges that touch become one. */
  merge(): void {
    for (const ranges of this.#ranges) {
      for (let i = 2; i < ranges.length; ) {
        if (ranges[i] === ranges[i - 1]) ranges.splice(i - 1, 2);
        else i += 2;
      }
    }
  }

  has(blkno: number): boolean {
    const ranges = this.#ranges[this.#fs.groupOf(blkno)];
    for (let i = 0; i < ranges.length && ranges[i] <= blkno; i += 2) if (blkno < ranges[i + 1]) return true;
    return false;
  }

  hasAny(from: number, to: number): boolean {
    const fs = this.#fs;
    for (let g = fs.groupOf(from), last = fs.groupOf(to - 1); g <= last; g++) {
      const ranges = this.#ranges[g];
      for (let i = 0; i < ranges.length; i += 2) if (ranges[i] < to && ranges[i + 1] > from) return true;
    }
    return false;
  }

  /** Calls `fn` for each range in group `g`. */
  each(g: number, fn: (from: number, to: number) => void): void {
    const ranges = this.#ranges[g];
    for (let i = 0; i < ranges.length; i += 2) fn(ranges[i], ranges[i + 1]);
  }
}

function insert(ranges: number[], from: number, to: number): boolean {
  let i = 0;
  while (i < ranges.length && ranges[i] < from) i += 2;
  if ((i > 0 && ranges[i - 1] > from) || (i < ranges.length && ranges[i] < to)) return false;
  ranges.splice(i, 0, from, to);
  return true;
}
