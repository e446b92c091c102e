/**
 * The bytes of one file in memory, in clusters of 64 KiB.
 *
 * Without a pager (tmpfs) they are the file itself: what is absent is zero. With one they are a cache of what is on the device: what is
 * absent is read, what is dirty is written.
 *
 * What a file system owes: prepare() comes before it allocates blocks for a write, so that what a page has of a hole is seen as zeros; of a
 * new block larger than a page, it zeroes all (zero()). A page that is there is zero beyond the end of the file, but the rest of the last
 * block on the device is not looked at: when the file is shortened, zero() comes first for what remains of its last block.
 *
 * Whatever may sleep does so before it changes anything but the uio. truncate(), discard() and drop() never sleep.
 */
import type { Errno } from '@anykernel/lib-sys';
import { PAGE_SHIFT, PAGE_SIZE, SLEEP, type Kernel, type Uio } from '@anykernel/rumpkern';
import { ALL_PAGES, CLUSTER_SIZE, Cluster, chunkLength, countPages, pagesOf } from './cluster.js';
import type { Disk } from './disk.js';
import type { FileCache } from './filecache.js';
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

/** What a file with a pager needs besides: see paging.ts, which brings it. */
export interface Paging {
  cacheOf(k: Kernel): FileCache;
  readAbsent(u: Uobj, uio: Uio, c: Cluster | undefined, from: number, end: number, size: number): void;
  readMore(u: Uobj, size: number): void;
  loadPage(u: Uobj, c: Cluster, off: number, size: number): void;
  pageout(u: Uobj, from: number, to: number, must: boolean): boolean;
}

/** Clusters from this one on are whole from the start, if they follow another: a file that long does not notice. */
const WHOLE_FROM = 4;
/** Clusters past the end of the dense list that still extend it. */
const LIST_GAP = 64;
/** Clusters in the dense list at most: 4 GiB of a file. */
const LIST_MAX = 65536;

const NONE: readonly (Cluster | undefined)[] = Object.freeze([]);

export class Uobj {
  readonly k: Kernel;
  readonly pager: Pager | undefined;
  /** The cache that the clusters live in; undefined without a pager. */
  readonly cache: FileCache | undefined;
  readonly #io: Paging | undefined;
  /** 4 KiB pages that are there. */
  pages = 0;
  /** Reading: where a sequential reader will go on, how far ahead it is read, and up to where that was done. */
  next = 0;
  window = 0;
  aheadEnd = 0;
  /** A transfer of several pages has failed: they are read one by one, until one is there. */
  single = false;
  /** Writing: clusters with dirty pages, transfers on their way, a failure that fsync has not heard of. */
  dirtyClusters: Set<Cluster> | undefined = undefined;
  outgoing = 0;
  writeError: Errno | undefined = undefined;
  #list: (Cluster | undefined)[] = NONE as (Cluster | undefined)[];
  /** Clusters beyond the list, of sparse files. */
  #far: Map<number, Cluster> | undefined;

  /** Without a pager; pagedUobj() makes one that has one. */
  constructor(k: Kernel, pager?: Pager, io?: Paging) {
    this.k = k;
    this.pager = pager;
    this.cache = io?.cacheOf(k);
    this.#io = io;
  }

  get dirty(): boolean {
    return this.dirtyClusters !== undefined && this.dirtyClusters.size > 0;
  }

  /** Whether the page at `off` is there. */
  has(off: number): boolean {
    const c = this.find(Math.floor(off / CLUSTER_SIZE));
    return c !== undefined && ((c.valid >> ((off % CLUSTER_SIZE) >> PAGE_SHIFT)) & 1) === 1;
  }

  /** The first byte of [off, size) that lies in a page which is there (or is not, where `there` is false); `size` where there is none. */
  seek(off: number, size: number, there: boolean): number {
    for (let at = off; at < size; ) {
      if (this.has(at) === there) return at;
      const index = Math.floor(at / CLUSTER_SIZE);
      const page = at - (at % PAGE_SIZE) + PAGE_SIZE;
      at = this.find(index) === undefined ? this.#indexAfter(index) * CLUSTER_SIZE : page;
    }
    return size;
  }

  /** The next cluster that is there; Infinity: none. */
  #indexAfter(index: number): number {
    for (let i = index + 1; i < this.#list.length; i++) if (this.#list[i] !== undefined) return i;
    let next = Infinity;
    if (this.#far !== undefined) for (const i of this.#far.keys()) if (i > index && i < next) next = i;
    return next;
  }

  /**
   * Moves bytes from uio.offset on, as far as the file's `size`. Reads ahead on sequential access. EIO, ENOMEM; sleeps on an asynchronous
   * device. What was moved before that stands in the uio.
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
      } else if (this.pager === undefined) this.#readSparse(uio, c, from, to);
      else this.#io!.readAbsent(this, uio, c, from, end, size);
    }
    if (this.pager === undefined) return;
    this.next = uio.offset;
    if (this.window > 0 && this.pager.disk.asyncRead === true && this.next + (this.window >> 1) > this.aheadEnd) this.#io!.readMore(this, size);
  }

  /** Bytes [from, to) of a cluster without a pager, some of which are absent. */
  #readSparse(uio: Uio, c: Cluster | undefined, from: number, to: number): void {
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
      const c = this.#ready(index, from, to, size);
      uio.move(c.chunk, from, to - from);
      this.#wrote(c, pagesOf(from, to));
      left -= to - from;
    }
  }

  /**
   * Makes memory for a write of `len` bytes at `off`, and brings in the pages of which it leaves a part: the write that follows in the same
   * call neither fails nor sleeps. EIO, ENOMEM; sleeps. A file system does this before it allocates blocks.
   */
  prepare(off: number, len: number, size: number): void {
    for (let at = off; at < off + len; ) {
      const index = Math.floor(at / CLUSTER_SIZE);
      const from = at - index * CLUSTER_SIZE;
      const to = Math.min(from + (off + len - at), CLUSTER_SIZE);
      this.#ready(index, from, to, size).epoch = this.k.epoch;
      at += to - from;
    }
  }

  /** Bytes [off, off+len) have other blocks now: their pages, which are there, will be written to them. */
  redirty(off: number, len: number): void {
    for (let at = off - (off % PAGE_SIZE); at < off + len; at += PAGE_SIZE) {
      const c = this.find(Math.floor(at / CLUSTER_SIZE));
      if (c !== undefined) this.markDirty(c, c.valid & pagesOf(at % CLUSTER_SIZE, (at % CLUSTER_SIZE) + 1));
    }
  }

  /** Bytes [off, off+len) become zero; with a pager, dirty (the caller has blocks for them). `size` as in write(). EIO, ENOMEM; sleeps. */
  zero(off: number, len: number, size: number): void {
    for (let at = off; at < off + len; ) {
      const index = Math.floor(at / CLUSTER_SIZE);
      const from = at - index * CLUSTER_SIZE;
      const to = Math.min(from + (off + len - at), CLUSTER_SIZE);
      if (this.pager !== undefined) {
        const c = this.#ready(index, from, to, size);
        c.chunk.fill(0, from, to);
        this.#wrote(c, pagesOf(from, to));
      } else this.find(index)?.chunk.fill(0, from, to);
      at += to - from;
    }
  }

  /** A cluster whose bytes [from, to) can be overwritten: its chunk is long enough, pages of which a part will stay are there. */
  #ready(index: number, from: number, to: number, size: number): Cluster {
    let c = this.find(index);
    if (c === undefined) {
      if (this.cache !== undefined) this.#throttle();
      c = this.add(index, index >= WHOLE_FROM && this.find(index - 1) !== undefined ? CLUSTER_SIZE : chunkLength(to));
    } else if (c.chunk.length < to) this.#grow(c, chunkLength(to));
    const mask = pagesOf(from, to);
    if ((c.busy & mask) !== 0) this.k.sleep(c);
    if ((mask & ~c.valid) !== 0) this.#edges(c, from, to, size);
    return c;
  }

  #edges(c: Cluster, from: number, to: number, size: number): void {
    const head = from & -PAGE_SIZE;
    const tail = (to + PAGE_SIZE - 1) & -PAGE_SIZE;
    const base = c.index * CLUSTER_SIZE;
    if (head < from && (c.valid & pagesOf(head, head + 1)) === 0) {
      if (this.pager !== undefined && base + head < size) this.#io!.loadPage(this, c, head, size);
      else c.chunk.fill(0, head, from);
    }
    const last = tail - PAGE_SIZE;
    if (to < tail && (c.valid & pagesOf(last, last + 1)) === 0) {
      if (this.pager !== undefined && base + last < size) this.#io!.loadPage(this, c, last, size);
      else c.chunk.fill(0, to, tail);
    }
  }

  #wrote(c: Cluster, mask: number): void {
    const fresh = mask & ~c.valid;
    if (fresh !== 0) {
      c.valid |= fresh;
      this.pages += countPages(fresh);
    }
    c.failed &= ~mask;
    c.recent = true;
    c.epoch = -1;
    if (this.cache !== undefined && (mask & ~c.dirty) !== 0) this.#soil(c, mask, this.cache);
  }

  #soil(c: Cluster, mask: number, cache: FileCache): void {
    this.markDirty(c, mask);
    if (cache.tooDirty) cache.balance();
  }

  /** Writers wait where an asynchronous device cannot keep up. A device that fails does not hold them for ever. EIO. */
  #throttle(): void {
    const cache = this.cache!;
    if (!cache.tooDirty || this.pager!.disk.openTxns > 0) return;
    cache.writeback();
    if (!cache.tooDirty) return;
    if (this.writeError !== undefined) throw this.writeError;
    if (cache.inflight > 0) this.k.sleep(cache);
  }

  /** The file ends at `size`: what lies beyond is forgotten, the rest of the last page and of the last block is zero. Never sleeps. */
  truncate(size: number): void {
    const bsize = this.pager === undefined ? 1 : 2 ** this.pager.bshift;
    const end = Math.ceil(size / bsize) * bsize;
    for (const c of this.#from(Math.floor(size / CLUSTER_SIZE))) {
      const base = c.index * CLUSTER_SIZE;
      if (base < end) this.#clear(c, Math.max(size - base, 0), Math.min(end - base, CLUSTER_SIZE));
      if (base >= end) this.forget(c);
      else if (base + CLUSTER_SIZE > end) this.#cut(c, end - base, CLUSTER_SIZE);
    }
    this.next = Math.min(this.next, size);
    this.aheadEnd = Math.min(this.aheadEnd, size);
  }

  /** Bytes [off, off+len) have no blocks any more: a hole. Never sleeps. */
  discard(off: number, len: number): void {
    const end = off + len;
    for (const c of this.#from(Math.floor(off / CLUSTER_SIZE))) {
      const base = c.index * CLUSTER_SIZE;
      if (base >= end) continue;
      if (off <= base && base + CLUSTER_SIZE <= end) this.forget(c);
      else this.#cut(c, Math.max(off - base, 0), Math.min(end - base, CLUSTER_SIZE));
    }
  }

  /** Whole pages of bytes [from, to) are given up; the pages at the edges are zeroed there. */
  #cut(c: Cluster, from: number, to: number): void {
    const first = (from + PAGE_SIZE - 1) & -PAGE_SIZE;
    const last = to === CLUSTER_SIZE ? to : to & -PAGE_SIZE;
    if (first > last) {
      this.#clear(c, from, to);
      return;
    }
    if (from < first) this.#clear(c, from, first);
    if (last < to) this.#clear(c, last, to);
    if (first < last) this.#giveUp(c, pagesOf(first, last));
    if (c.valid === 0 && c.transfers === 0) this.forget(c);
  }

  /** Zeroes bytes [from, to) as far as their pages are there. */
  #clear(c: Cluster, from: number, to: number): void {
    if (from >= to) return;
    const mask = pagesOf(from, to);
    if ((c.reading & mask) !== 0) this.#giveUp(c, c.reading & mask);
    const there = c.valid & mask;
    if (there === 0) return;
    for (let at = from; at < to; at = (at & -PAGE_SIZE) + PAGE_SIZE) {
      if ((there & pagesOf(at, at + 1)) !== 0) c.chunk.fill(0, at, Math.min(to, (at & -PAGE_SIZE) + PAGE_SIZE));
    }
    if (this.pager?.writable === true) this.markDirty(c, there);
  }

  #giveUp(c: Cluster, mask: number): void {
    this.markClean(c, mask);
    this.pages -= countPages(c.valid & mask);
    c.valid &= ~mask;
    c.failed &= ~mask;
    c.writing &= ~mask;
    c.cancelled |= (c.reading | c.lent) & mask;
    c.reading &= ~mask;
    c.lent &= ~mask;
  }

  /** Writes dirty pages of [off, off+len), all for len 0. `wait`: they are written on return. EIO, reported once: what could not be stays dirty. */
  flush(off: number, len: number, wait: boolean): void {
    if (this.pager === undefined) return;
    const end = len === 0 ? Infinity : off + len;
    if (wait && this.pager.disk.asyncWrite === true) this.#report();
    else if (wait) this.writeError = undefined;
    const all = this.#io!.pageout(this, off, end, wait);
    if (!wait) return;
    if (!all) this.k.sleep(this.cache!);
    if (this.outgoing > 0) this.k.sleep(this);
    this.#report();
  }

  #report(): void {
    const error = this.writeError;
    if (error === undefined || this.outgoing > 0) return;
    this.writeError = undefined;
    throw error;
  }

  /** Writes what it can of the dirty pages, for the cache. Never sleeps or throws. */
  writeback(): void {
    if (this.pager!.disk.openTxns > 0 || this.writeError !== undefined) return;
    try {
      this.#io!.pageout(this, 0, Infinity, false);
    } catch (e) {
      // A block map that is not in memory yet is on its way; the next attempt finds it.
      if (e !== SLEEP) throw e;
    }
  }

  /** Forgets everything, dirty or not; the memory goes back. Never sleeps. */
  drop(): void {
    for (const c of this.#from(0)) this.forget(c);
    this.cache?.never(this);
    this.#list = NONE as (Cluster | undefined)[];
    this.#far = undefined;
    this.next = this.window = this.aheadEnd = 0;
    this.writeError = undefined;
  }

  // -- clusters; pagein, pageout and the cache use these too

  find(index: number): Cluster | undefined {
    return index < this.#list.length ? this.#list[index] : this.#far?.get(index);
  }

  /** A new cluster without pages. ENOMEM. */
  add(index: number, len: number): Cluster {
    const c = new Cluster(this, index, this.#alloc(len));
    this.#put(index, c);
    this.cache?.insert(c);
    return c;
  }

  #alloc(len: number): Uint8Array {
    return this.cache === undefined ? this.k.mem.take(len) : this.cache.alloc(len);
  }

  #free(chunk: Uint8Array): void {
    if (this.cache === undefined) this.k.mem.free(chunk);
    else this.cache.free(chunk);
  }

  #put(index: number, c: Cluster): void {
    if (index >= Math.min(this.#list.length + LIST_GAP, LIST_MAX)) {
      (this.#far ??= new Map()).set(index, c);
      return;
    }
    if (index >= this.#list.length) {
      if (this.#list === NONE) this.#list = [];
      for (let i = this.#list.length; i <= index; i++) {
        this.#list.push(this.#far?.get(i));
        this.#far?.delete(i);
      }
    }
    this.#list[index] = c;
  }

  /** Clusters from `index` on, in no particular order. */
  #from(index: number): Cluster[] {
    const found: Cluster[] = [];
    for (let i = index; i < this.#list.length; i++) {
      const c = this.#list[i];
      if (c !== undefined) found.push(c);
    }
    if (this.#far !== undefined) for (const c of this.#far.values()) if (c.index >= index) found.push(c);
    return found;
  }

  /** Gives a cluster a longer chunk. Sleeps while the host uses the one it has. ENOMEM. */
  #grow(c: Cluster, len: number): void {
    if (c.transfers > 0) this.k.sleep(c);
    const keep = c.epoch;
    c.epoch = this.k.epoch;
    const chunk = this.#alloc(len);
    c.epoch = keep;
    if (c.valid !== 0) chunk.set(c.chunk);
    this.#free(c.chunk);
    c.chunk = chunk;
  }

  /** Sees that a cluster can hold `end` bytes. Sleeps, ENOMEM. */
  extend(c: Cluster, end: number): void {
    if (c.chunk.length < end) this.#grow(c, chunkLength(end));
  }

  /** Takes a cluster out, dirty or not. Its memory goes back, at the latest when the host is done with it. */
  forget(c: Cluster): void {
    this.#giveUp(c, ALL_PAGES);
    if (c.index < this.#list.length) this.#list[c.index] = undefined;
    else this.#far?.delete(c.index);
    this.cache?.remove(c);
    c.gone = true;
    if (c.transfers === 0) this.#free(c.chunk);
  }

  /** A transfer of the host in the cluster's chunk has ended. */
  settled(c: Cluster): void {
    if (--c.transfers > 0) return;
    c.cancelled = 0;
    if (c.gone) this.#free(c.chunk);
  }

  markDirty(c: Cluster, mask: number): void {
    const fresh = mask & ~c.dirty;
    if (fresh === 0) return;
    if (c.dirty === 0) {
      this.dirtyClusters ??= new Set();
      if (this.dirtyClusters.size === 0) this.cache!.fileDirty(this, true);
      this.dirtyClusters.add(c);
    }
    c.dirty |= fresh;
    this.cache!.dirty += countPages(fresh) * PAGE_SIZE;
  }

  markClean(c: Cluster, mask: number): void {
    const gone = mask & c.dirty;
    if (gone === 0) return;
    c.dirty &= ~gone;
    this.cache!.dirty -= countPages(gone) * PAGE_SIZE;
    if (c.dirty !== 0) return;
    this.dirtyClusters!.delete(c);
    if (this.dirtyClusters!.size === 0) this.cache!.fileDirty(this, false);
  }
}
