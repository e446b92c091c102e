/**
 * The bytes of a file on a device: a cache of what is there. What is absent is read, what is dirty is written.
 *
 * What a file system owes: prepare() comes before it allocates blocks for a write, so that what a page has of a hole is seen as zeros; of a
 * new block larger than a page, it zeroes all (zero()). A page that is there is zero beyond the end of the file, but the rest of the last
 * block on the device is not looked at: when the file is shortened, zero() comes first for what remains of its last block.
 *
 * Whatever may sleep does so before it changes anything but the uio.
 */
import type { Errno } from '@anykernel/lib-sys';
import { type Kernel, PAGE_SIZE, SLEEP, type Uio } from '@anykernel/rumpkern';
import { CLUSTER_SIZE, type Cluster, chunkLength, countPages, pagesOf } from './cluster.js';
import { FileCache } from './filecache.js';
import { loadPage, readAbsent, readMore } from './pagein.js';
import { pageout } from './pageout.js';
import { type Pager, Uobj } from './uobj.js';

/** The bytes of a file that `pager` brings in and writes. */
export function pagedUobj(k: Kernel, pager: Pager): PagedUobj {
  return new PagedUobj(k, pager);
}

export class PagedUobj extends Uobj {
  declare readonly pager: Pager;
  /** The cache that the clusters live in. */
  readonly cache: FileCache;
  /** Reading: where a sequential reader will go on, how far ahead it is read, and up to where that was done. */
  next = 0;
  window = 0;
  aheadEnd = 0;
  /** A transfer of several pages has failed: they are read one by one, until one is there. */
  single = false;
  /** Transfers on their way whose bytes are for this file's readers. */
  incoming = 0;
  /** Writing: clusters with dirty pages, transfers on their way, a failure that fsync has not heard of. */
  dirtyClusters: Set<Cluster> | undefined = undefined;
  outgoing = 0;
  writeError: Errno | undefined = undefined;

  constructor(k: Kernel, pager: Pager) {
    super(k, pager);
    this.cache = FileCache.of(k);
  }

  override get dirty(): boolean {
    return this.dirtyClusters !== undefined && this.dirtyClusters.size > 0;
  }

  override read(uio: Uio, size: number): void {
    super.read(uio, size);
    this.next = uio.offset;
    if (this.window > 0 && this.pager.disk.asyncRead === true && this.next + (this.window >> 1) > this.aheadEnd) readMore(this, size);
  }

  protected override absent(uio: Uio, c: Cluster | undefined, from: number, _to: number, end: number, size: number): void {
    readAbsent(this, uio, c, from, end, size);
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
      this.ready(index, from, to, size).epoch = this.k.epoch;
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

  /** Bytes [off, off+len) become zero, and dirty (the caller has blocks for them). `size` as in write(). EIO, ENOMEM; sleeps. */
  zero(off: number, len: number, size: number): void {
    for (let at = off; at < off + len; ) {
      const index = Math.floor(at / CLUSTER_SIZE);
      const from = at - index * CLUSTER_SIZE;
      const to = Math.min(from + (off + len - at), CLUSTER_SIZE);
      const c = this.ready(index, from, to, size);
      c.chunk.fill(0, from, to);
      this.wrote(c, pagesOf(from, to));
      at += to - from;
    }
  }

  protected override ready(index: number, from: number, to: number, size: number): Cluster {
    const c = this.find(index);
    if (c === undefined) this.#throttle();
    else if ((c.busy & pagesOf(from, to)) !== 0) this.k.sleep(c);
    return super.ready(index, from, to, size);
  }

  /** Writers wait where an asynchronous device cannot keep up. A device that fails does not hold them for ever. EIO. */
  #throttle(): void {
    const { cache } = this;
    if (!cache.tooDirty || this.pager.disk.openTxns > 0) return;
    cache.writeback();
    if (!cache.tooDirty) return;
    if (this.writeError !== undefined) throw this.writeError;
    if (cache.inflight > 0) this.k.sleep(cache);
  }

  protected override edge(c: Cluster, page: number, from: number, to: number, size: number): void {
    if (c.index * CLUSTER_SIZE + page < size) loadPage(this, c, page, size);
    else super.edge(c, page, from, to, size);
  }

  protected override wrote(c: Cluster, mask: number): void {
    super.wrote(c, mask);
    c.failed &= ~mask;
    c.recent = true;
    c.epoch = -1;
    if ((mask & ~c.dirty) === 0) return;
    this.markDirty(c, mask);
    if (this.cache.tooDirty) this.cache.balance();
  }

  override truncate(size: number): void {
    const bsize = 2 ** this.pager.bshift;
    super.truncate(size, Math.ceil(size / bsize) * bsize);
    this.next = Math.min(this.next, size);
    this.aheadEnd = Math.min(this.aheadEnd, size);
  }

  protected override clear(c: Cluster, from: number, to: number): void {
    if (from >= to) return;
    const mask = pagesOf(from, to);
    if ((c.reading & mask) !== 0) this.giveUp(c, c.reading & mask);
    super.clear(c, from, to);
    if (this.pager.writable) this.markDirty(c, c.valid & mask);
  }

  protected override giveUp(c: Cluster, mask: number): void {
    this.markClean(c, mask);
    super.giveUp(c, mask);
    c.failed &= ~mask;
    c.writing &= ~mask;
    c.cancelled |= (c.reading | c.lent) & mask;
    c.reading &= ~mask;
    c.lent &= ~mask;
  }

  /** Writes dirty pages of [off, off+len), all for len 0. `wait`: they are written on return. EIO, reported once: what could not be stays dirty. */
  override flush(off: number, len: number, wait: boolean): void {
    const end = len === 0 ? Infinity : off + len;
    if (wait && this.pager.disk.asyncWrite === true) this.#report();
    else if (wait) this.writeError = undefined;
    const all = pageout(this, off, end, wait);
    if (!wait) return;
    if (!all) this.k.sleep(this.cache);
    this.written();
  }

  /** Puts all that is dirty on its way, for written(). Sleeps while some of it cannot be; EIO as flush(). */
  putOut(): void {
    if (this.pager.disk.asyncWrite === true) this.#report();
    else this.writeError = undefined;
    if (!pageout(this, 0, Infinity, true)) this.k.sleep(this.cache);
  }

  /** What was put on its way is written. EIO, reported once; sleeps. */
  written(): void {
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
    if (this.pager.disk.openTxns > 0 || this.writeError !== undefined) return;
    try {
      pageout(this, 0, Infinity, false);
    } catch (e) {
      // A block map that is not in memory yet is on its way; the next attempt finds it.
      if (e !== SLEEP) throw e;
    }
  }

  override drop(): void {
    super.drop();
    this.cache.never(this);
    this.next = this.window = this.aheadEnd = 0;
    this.writeError = undefined;
  }

  // -- clusters; pagein, pageout and the cache use these too

  override add(index: number, len: number): Cluster {
    const c = super.add(index, len);
    this.cache.insert(c);
    return c;
  }

  protected override alloc(len: number): Uint8Array {
    return this.cache.alloc(len);
  }

  protected override free(chunk: Uint8Array): void {
    this.cache.free(chunk);
  }

  /** Sleeps while the host uses the chunk that there is. */
  protected override grow(c: Cluster, len: number): void {
    if (c.transfers > 0) this.k.sleep(c);
    const keep = c.epoch;
    c.epoch = this.k.epoch;
    super.grow(c, len);
    c.epoch = keep;
  }

  /** Sees that a cluster can hold `end` bytes. Sleeps, ENOMEM. */
  extend(c: Cluster, end: number): void {
    if (c.chunk.length < end) this.grow(c, chunkLength(end));
  }

  /** The memory goes back when the host is done with it. */
  protected override gone(c: Cluster): void {
    this.cache.remove(c);
    c.gone = true;
    if (c.transfers === 0) this.free(c.chunk);
  }

  /** A transfer of the host in the cluster's chunk has ended. */
  settled(c: Cluster): void {
    if (--c.transfers > 0) return;
    c.cancelled = 0;
    if (c.gone) this.free(c.chunk);
  }

  markDirty(c: Cluster, mask: number): void {
    const fresh = mask & ~c.dirty;
    if (fresh === 0) return;
    if (c.dirty === 0) {
      this.dirtyClusters ??= new Set();
      if (this.dirtyClusters.size === 0) this.cache.fileDirty(this, true);
      this.dirtyClusters.add(c);
    }
    c.dirty |= fresh;
    this.cache.dirty += countPages(fresh) * PAGE_SIZE;
  }

  markClean(c: Cluster, mask: number): void {
    const gone = mask & c.dirty;
    if (gone === 0) return;
    c.dirty &= ~gone;
    this.cache.dirty -= countPages(gone) * PAGE_SIZE;
    if (c.dirty !== 0) return;
    this.dirtyClusters?.delete(c);
    if (this.dirtyClusters?.size === 0) this.cache.fileDirty(this, false);
  }
}
