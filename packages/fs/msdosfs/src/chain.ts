/**
 * Which clusters a file has: its chain in the FAT, as far as it was followed, kept in memory as extents.
 *
 * A file in so many pieces that they would take much memory keeps some of them, and the way from one to the next is followed again.
 */
import { END, fatGet, fatMeaning, fatNext } from './fat.js';
import type { MsdosFs } from './fs.js';

/** Extents that are kept. */
const EXTENTS_MAX = 256;
/** Clusters looked at beyond the one that is wanted, to tell how many follow it on the device. */
const LOOK_AHEAD = 4096;

export class Chain {
  /** Of the cluster that find() found: its number, and how many follow it, itself among them. */
  cluster = 0;
  count = 0;
  readonly #fs: MsdosFs;
  /** Three numbers for each extent: index of its first cluster in the file, number of that cluster, length. */
  readonly #extents: number[] = [];
  /** Clusters of the chain; -1: its end was not reached yet. */
  #length = -1;

  constructor(fs: MsdosFs) {
    this.#fs = fs;
  }

  /** Forgets what it knows: the chain changes in another way than by append(). */
  reset(): void {
    this.#extents.length = 0;
    this.#length = -1;
  }

  /** Finds cluster `index` of the chain that begins with `start`. False: the chain ends before. EIO; sleeps. */
  find(start: number, index: number): boolean {
    if (this.#length >= 0 && index >= this.#length) return false;
    if (start === 0) return this.#ended(0, index);
    const e = this.#extents;
    if (e.length === 0) this.#begin(start);
    let i = this.#before(index);
    if (i === e.length - 3 && index >= e[i] + e[i + 2]) {
      if (!this.#walkTo(index)) return false;
      i = this.#before(index);
    }
    const skip = index - e[i];
    if (skip < e[i + 2]) {
      if (i === e.length - 3 && this.#length < 0) this.#lookAhead(index);
      this.cluster = e[i + 1] + skip;
      this.count = e[i + 2] - skip;
    } else this.#follow(i, index);
    return true;
  }

  /** Clusters of the chain, and find()'s `cluster` is the last one. EIO: it is broken, or runs in a circle. Sleeps. */
  length(start: number): number {
    if (start === 0) return 0;
    if (this.#length < 0) while (this.find(start, this.#known())) if (this.#known() > this.#fs.info.clusters) this.#circle(start);
    const e = this.#extents;
    const i = e.length - 3;
    this.cluster = e[i + 1] + e[i + 2] - 1;
    return this.#length;
  }

  /** Clusters that were added at the end, which length() has found. Within a transaction. */
  append(first: number, count: number): void {
    for (let n = 0; n < count; n++) this.#push(first + n);
    this.#length = this.#known();
    this.#fs.txn.undo(() => this.reset());
  }

  #circle(start: number): never {
    this.reset();
    return this.#fs.corrupt(`the chain that begins with cluster ${start} runs in a circle`);
  }

  #ended(length: number, index: number): boolean {
    this.#length = length;
    return index < length;
  }

  #begin(start: number): void {
    if (!this.#fs.isCluster(start)) this.#fs.corrupt(`a file begins with cluster ${start}`);
    this.#extents.push(0, start, 1);
  }

  /** Clusters that the extents reach. */
  #known(): number {
    const e = this.#extents;
    const i = e.length - 3;
    return i < 0 ? 0 : e[i] + e[i + 2];
  }

  /** Where the last extent is that begins at `index` or before. */
  #before(index: number): number {
    const e = this.#extents;
    let low = 0;
    let high = e.length / 3 - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (e[middle * 3] <= index) low = middle;
      else high = middle - 1;
    }
    return low * 3;
  }

  /** From the end of what is known to cluster `index`. False: the chain ends before. */
  #walkTo(index: number): boolean {
    const e = this.#extents;
    let c = e[e.length - 2] + e[e.length - 1] - 1;
    for (let known = this.#known(); known <= index; known++) {
      c = fatNext(this.#fs, c);
      if (c === END) return this.#ended(known, index);
      this.#push(c);
    }
    return true;
  }

  /** Makes the last extent longer, as far as the chain goes straight on. */
  #lookAhead(index: number): void {
    const e = this.#extents;
    const i = e.length - 3;
    for (let left = index + LOOK_AHEAD - e[i] - e[i + 2]; left > 0; left--) {
      const last = e[i + 1] + e[i + 2] - 1;
      const next = fatMeaning(this.#fs, fatGet(this.#fs, last));
      if (next === END) this.#length = e[i] + e[i + 2];
      if (next !== last + 1) return;
      e[i + 2]++;
    }
  }

  #push(c: number): void {
    const e = this.#extents;
    const i = e.length - 3;
    if (i >= 0 && e[i + 1] + e[i + 2] === c) {
      e[i + 2]++;
      return;
    }
    const index = this.#known();
    if (e.length >= 3 * EXTENTS_MAX) this.#thin();
    e.push(index, c, 1);
  }

  /** Every other extent goes; the last one stays. */
  #thin(): void {
    const e = this.#extents;
    const last = e.slice(-3);
    let n = 0;
    for (let i = 0; i < e.length - 3; i += 6) for (let j = 0; j < 3; j++) e[n++] = e[i + j];
    e.length = n;
    e.push(...last);
  }

  /** From the end of the extent at `i`, over some that were not kept, to cluster `index`. */
  #follow(i: number, index: number): void {
    const e = this.#extents;
    let c = e[i + 1] + e[i + 2] - 1;
    for (let at = e[i] + e[i + 2] - 1; at < index; at++) {
      c = fatNext(this.#fs, c);
      if (c === END) this.#fs.corrupt('a chain has become shorter');
    }
    this.cluster = c;
    this.count = 1;
  }
}
