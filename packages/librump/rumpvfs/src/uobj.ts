/**
 * The bytes of one file in memory, in clusters of 64 KiB: they are the file itself (tmpfs), and what is absent is zero. Those of a file on a device are a
 * cache of what is there: pageduobj.ts.
 *
 * truncate(), discard() and drop() never sleep.
 */
import { PAGE_SHIFT, PAGE_SIZE, type Kernel, type Uio } from '@anykernel/rumpkern';
import { ALL_PAGES, CLUSTER_SIZE, Cluster, chunkLength, countPages, pagesOf } from './cluster.js';
import type { Disk } from './disk.js';
import type { Run } from './vnode.js';

/** How a file's bytes come from and go to its device. */
export interface Pager {
  readonly disk: Disk;
  /** log2 of the block size: 512 bytes to 64 KiB. */
  readonly bshift: number;
  /** Where block `lbn` is. Beyond the end of the file: a hole. EIO. */
  bmap(lbn: number, run: Run): void;
  readonly writable: boolean;
}

/** Clusters from this one on are whole from the start, if they follow another: a file that long does not notice. */
const WHOLE_FROM = 4;
/** Clusters past the end of the dense list that still extend it. */
const LIST_GAP = 64;
/** Clusters in the dense list at most: 4 GiB of a file. */
const LIST_MAX = 65536;

const NONE: readonly (Cluster | undefined)[] = Object.freeze([]);

export class Uobj {
  /** 4 KiB pages that are there. */
  pages = 0;
  list: (Cluster | undefined)[] = NONE as (Cluster | undefined)[];
  /** Clusters beyond the list, of sparse files. */
  far: Map<number, Cluster> | undefined;

  constructor(
    readonly k: Kernel,
    /** Of a file on a device. */
    readonly pager?: Pager,
  ) {}

  /** Whether there is something to write to a device. */
  get dirty(): boolean {
    return false;
  }

  /** Writes it. */
  flush(_off: number, _len: number, _wait: boolean): void {
    // There is no device.
  }

  /**
   * Moves bytes from uio.offset on, as far as the file's `size`. On a device: reads ahead on sequential access; EIO, ENOMEM; sleeps if it is asynchronous. What
   * was moved before that stands in the uio.
   */
  read(uio: Uio, size: number): void {
    const end = Math.min(uio.offset + uio.resid, size);
    while (uio.offset < end) {
      const off = uio.offset;
      const index = Math.floor(off / CLUSTER_SIZE);
      const from = off - index * CLUSTER_SIZE;
      const to = Math.min(from + (end - off), CLUSTER_SIZE);
      const c = this.find(index);
      if (c !== undefined && (c.valid === ALL_PAGES || (pagesOf(from, to) & ~c.valid) === 0)) {
        c.recent = true;
        uio.move(c.chunk, from, to - from);
      } else this.absent(uio, c, from, to, end, size);
    }
  }

  /** Moves bytes of which some are absent, [from, to) of a cluster, or the first of them. The file is read up to `end`, and ends at `size`. */
  protected absent(uio: Uio, c: Cluster | undefined, from: number, to: number, _end: number, _size: number): void {
    const valid = c === undefined ? 0 : c.valid;
    for (let at = from; at < to; ) {
      const there = (valid >> (at >> PAGE_SHIFT)) & 1;
      let end = at;
      while (end < to && ((valid >> (end >> PAGE_SHIFT)) & 1) === there) end = (end & -PAGE_SIZE) + PAGE_SIZE;
      end = Math.min(end, to);
      if (there === 1) uio.move(c!.chunk, at, end - at);
      else uio.moveZeros(end - at);
      at = end;
    }
  }

  /**
   * Takes `len` bytes from the uio to uio.offset on; with a pager they are dirty, and the caller has blocks for them. `size`: the file's
   * size before, beyond which nothing needs to be read. EIO, ENOMEM; sleeps.
   */
  write(uio: Uio, len: number, size: number): void {
    let left = Math.min(len, uio.resid);
    while (left > 0) {
      const off = uio.offset;
      const index = Math.floor(off / CLUSTER_SIZE);
      const from = off - index * CLUSTER_SIZE;
      const to = Math.min(from + left, CLUSTER_SIZE);
      const c = this.ready(index, from, to, size);
      uio.move(c.chunk, from, to - from);
      this.wrote(c, pagesOf(from, to));
      left -= to - from;
    }
  }

  /** A cluster whose bytes [from, to) can be overwritten: its chunk is long enough, pages of which a part will stay are there. */
  protected ready(index: number, from: number, to: number, size: number): Cluster {
    let c = this.find(index);
    if (c === undefined) c = this.add(index, index >= WHOLE_FROM && this.find(index - 1) !== undefined ? CLUSTER_SIZE : chunkLength(to));
    else if (c.chunk.length < to) this.grow(c, chunkLength(to));
    if ((pagesOf(from, to) & ~c.valid) !== 0) this.#edges(c, from, to, size);
    return c;
  }

  #edges(c: Cluster, from: number, to: number, size: number): void {
    const head = from & -PAGE_SIZE;
    const tail = (to + PAGE_SIZE - 1) & -PAGE_SIZE;
    if (head < from && (c.valid & pagesOf(head, head + 1)) === 0) this.edge(c, head, head, from, size);
    const last = tail - PAGE_SIZE;
    if (to < tail && (c.valid & pagesOf(last, last + 1)) === 0) this.edge(c, last, to, tail, size);
  }

  /** Bytes [from, to) of the absent page at `page` of a cluster will stay as they are. */
  protected edge(c: Cluster, _page: number, from: number, to: number, _size: number): void {
    c.chunk.fill(0, from, to);
  }

  /** These pages hold the file's bytes. */
  protected wrote(c: Cluster, mask: number): void {
    const fresh = mask & ~c.valid;
    if (fresh === 0) return;
    c.valid |= fresh;
    this.pages += countPages(fresh);
  }

  /** The file ends at `size`: what lies beyond is forgotten, the rest of the last page and of the last block, up to `end`, is zero. Never sleeps. */
  truncate(size: number, end = size): void {
    for (const c of this.from(Math.floor(size / CLUSTER_SIZE))) {
      const base = c.index * CLUSTER_SIZE;
      if (base < end) this.clear(c, Math.max(size - base, 0), Math.min(end - base, CLUSTER_SIZE));
      if (base >= end) this.forget(c);
      else if (base + CLUSTER_SIZE > end) this.cut(c, end - base, CLUSTER_SIZE);
    }
  }

  /** Whole pages of bytes [from, to) are given up; the pages at the edges are zeroed there. */
  cut(c: Cluster, from: number, to: number): void {
    const first = (from + PAGE_SIZE - 1) & -PAGE_SIZE;
    const last = to === CLUSTER_SIZE ? to : to & -PAGE_SIZE;
    if (first > last) {
      this.clear(c, from, to);
      return;
    }
    if (from < first) this.clear(c, from, first);
    if (last < to) this.clear(c, last, to);
    if (first < last) this.giveUp(c, pagesOf(first, last));
    if (c.valid === 0 && c.transfers === 0) this.forget(c);
  }

  /** Zeroes bytes [from, to) as far as their pages are there. */
  protected clear(c: Cluster, from: number, to: number): void {
    if (from >= to) return;
    const there = c.valid & pagesOf(from, to);
    if (there === 0) return;
    for (let at = from; at < to; at = (at & -PAGE_SIZE) + PAGE_SIZE) {
      if ((there & pagesOf(at, at + 1)) !== 0) c.chunk.fill(0, at, Math.min(to, (at & -PAGE_SIZE) + PAGE_SIZE));
    }
  }

  protected giveUp(c: Cluster, mask: number): void {
    this.pages -= countPages(c.valid & mask);
    c.valid &= ~mask;
  }

  /** Forgets everything, dirty or not; the memory goes back. Never sleeps. */
  drop(): void {
    for (const c of this.from(0)) this.forget(c);
    this.list = NONE as (Cluster | undefined)[];
    this.far = undefined;
  }

  // -- clusters

  find(index: number): Cluster | undefined {
    return index < this.list.length ? this.list[index] : this.far?.get(index);
  }

  /** A new cluster without pages. ENOMEM. */
  add(index: number, len: number): Cluster {
    const c = new Cluster(this, index, this.alloc(len));
    this.#put(index, c);
    return c;
  }

  protected alloc(len: number): Uint8Array {
    return this.k.mem.take(len);
  }

  protected free(chunk: Uint8Array): void {
    this.k.mem.free(chunk);
  }

  #put(index: number, c: Cluster): void {
    if (index >= Math.min(this.list.length + LIST_GAP, LIST_MAX)) {
      (this.far ??= new Map()).set(index, c);
      return;
    }
    if (index >= this.list.length) {
      if (this.list === NONE) this.list = [];
      for (let i = this.list.length; i <= index; i++) {
        this.list.push(this.far?.get(i));
        this.far?.delete(i);
      }
    }
    this.list[index] = c;
  }

  /** Clusters from `index` on, in no particular order. */
  from(index: number): Cluster[] {
    const found: Cluster[] = [];
    for (let i = index; i < this.list.length; i++) {
      const c = this.list[i];
      if (c !== undefined) found.push(c);
    }
    if (this.far !== undefined) for (const c of this.far.values()) if (c.index >= index) found.push(c);
    return found;
  }

  /** Gives a cluster a longer chunk. ENOMEM. */
  protected grow(c: Cluster, len: number): void {
    const chunk = this.alloc(len);
    if (c.valid !== 0) chunk.set(c.chunk);
    this.free(c.chunk);
    c.chunk = chunk;
  }

  /** Takes a cluster out, dirty or not. */
  forget(c: Cluster): void {
    this.giveUp(c, ALL_PAGES);
    if (c.index < this.list.length) this.list[c.index] = undefined;
    else this.far?.delete(c.index);
    this.gone(c);
  }

  /** The memory of a cluster that was taken out goes back. */
  protected gone(c: Cluster): void {
    this.free(c.chunk);
  }
}
