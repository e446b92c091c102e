/**
 * The way of dirty buffers to the disk: sorted, neighbours in one transfer, errors kept until somebody asks.
 *
 * On a synchronous device the buffers themselves are written. Elsewhere a private copy is, so that a buffer may change (and is dirty
 * again) while its last contents are on their way; only where memory is too short for that, the buffer is lent to the host meanwhile.
 */
import { ERR, Errno, major, minor, strerror } from '@anykernel/lib-sys';
import { CHUNK_MAX, type Kernel } from '@anykernel/rumpkern';
import type { Bcache } from './bcache.js';
import type { Buf } from './buf.js';
import { chunkLength } from './cluster.js';
import type { Disk } from './disk.js';
import { FileCache, type Writes } from './filecache.js';
import type { Logged } from './journal.js';

/** The longest transfer, in bytes. */
const RUN_MAX = 256 << 10;
/** The private copy of neighbours. */
interface Copy {
  readonly data: readonly Uint8Array[];
  readonly chunks: readonly Uint8Array[];
}

/** Which transaction of a journal each of the buffers stood for; undefined without a journal. */
type Marks = readonly (Logged | undefined)[] | undefined;

export class BufWriter implements Writes {
  readonly dirty = new Set<Buf>();
  /** Blocks written. */
  written = 0;
  readonly #k: Kernel;
  readonly #disk: Disk;
  readonly #bsize: number;
  seal: ((bufs: readonly Buf[]) => void) | undefined = undefined;
  readonly #bcache: Bcache;
  readonly #cache: FileCache;
  /** Transfers on their way. */
  #outgoing = 0;
  #error: Errno | undefined;

  constructor(k: Kernel, disk: Disk, bsize: number, bcache: Bcache) {
    this.#k = k;
    this.#disk = disk;
    this.#bsize = bsize;
    this.#bcache = bcache;
    this.#cache = FileCache.of(k);
  }

  add(bp: Buf): void {
    if (bp.dirty) return;
    bp.dirty = true;
    this.dirty.add(bp);
  }

  remove(bp: Buf): void {
    if (!bp.dirty) return;
    bp.dirty = false;
    this.dirty.delete(bp);
  }

  /** Writes all; `wait`: it is written on return, or the failure is thrown, once. */
  flush(wait: boolean): void {
    if (wait && this.#disk.asyncWrite === true) this.#report();
    else if (wait) this.#error = undefined;
    const all = this.start();
    if (!wait) return;
    if (this.#outgoing > 0) this.#k.sleep(this);
    if (!all) this.#k.sleep(this.#cache);
    this.#report();
  }

  #report(): void {
    const error = this.#error;
    if (error === undefined || this.#outgoing > 0) return;
    this.#error = undefined;
    throw error;
  }

  /** Writes for the cache; not where that has failed and nobody was told yet. */
  writeback(): void {
    if (this.#error === undefined) this.start();
  }

  /** The cache is closed. */
  close(): void {
    this.#cache.never(this);
  }

  /**
   * Starts to write all that is dirty and no part of a transaction, open or not yet in the journal. Returns whether that was all; if not, more is when something has
   * arrived. Never sleeps or throws.
   */
  start(): boolean {
    if (this.dirty.size === 0) return true;
    const list: Buf[] = [];
    for (const bp of this.dirty) if (!bp.intxn && !bp.lent && !bp.pinned) list.push(bp);
    if (list.length === 0) return true;
    this.seal?.(list);
    // After a power cut in between, what names a new block must not find there what was in it before.
    list.sort((a, b) => Number(b.early) - Number(a.early) || a.blkno - b.blkno);
    const max = Math.max(1, RUN_MAX / this.#bsize);
    for (let i = 0, end = 0; i < list.length; i = end) {
      if (this.#cache.full) {
        this.#cache.later(this);
        return false;
      }
      for (end = i + 1; end < list.length && end - i < max && list[end].blkno === list[end - 1].blkno + 1 && list[end].early === list[i].early; ) end++;
      this.#write(list.slice(i, end));
    }
    return true;
  }

  /** Writes neighbours. They are clean from here on, unless the write fails. */
  #write(bufs: readonly Buf[]): void {
    const copy = this.#disk.asyncWrite === false ? undefined : this.#copy(bufs);
    const data = copy?.data ?? bufs.map((bp) => bp.data);
    const marks = this.#bcache.journal === undefined ? undefined : bufs.map((bp) => bp.mark);
    for (const bp of bufs) {
      this.remove(bp);
      bp.early = false;
      bp.writes++;
    }
    let error: Errno | undefined;
    try {
      const moved = this.#disk.write(data, bufs[0].blkno * this.#bsize, (e) => this.#ended(bufs, copy, marks, e));
      if (moved === -1) {
        this.#outgoing++;
        this.#cache.inflight += this.#memory(bufs, copy);
        if (copy === undefined) for (const bp of bufs) bp.lent = true;
        return;
      }
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      error = e;
    }
    this.#settle(bufs, copy, marks, error);
  }

  /** The bytes of neighbours, in memory of their own; undefined where there is none. */
  #copy(bufs: readonly Buf[]): Copy | undefined {
    const bsize = this.#bsize;
    const per = Math.max(1, CHUNK_MAX / bsize);
    const chunks: Uint8Array[] = [];
    const data: Uint8Array[] = [];
    try {
      for (let i = 0; i < bufs.length; i += per) {
        const n = Math.min(per, bufs.length - i);
        const chunk = this.#k.mem.alloc(chunkLength(n * bsize));
        chunks.push(chunk);
        for (let j = 0; j < n; j++) chunk.set(bufs[i + j].data, j * bsize);
        data.push(chunk.subarray(0, n * bsize));
      }
    } catch (e) {
      if (e !== ERR.ENOMEM) throw e;
      for (const chunk of chunks) this.#k.mem.free(chunk);
      return undefined;
    }
    return { data, chunks };
  }

  #ended(bufs: readonly Buf[], copy: Copy | undefined, marks: Marks, error: Errno | undefined): void {
    const bytes = this.#memory(bufs, copy);
    this.#outgoing--;
    this.#settle(bufs, copy, marks, error);
    this.#cache.written(bytes);
    if (this.#outgoing === 0) this.#k.wakeup(this);
  }

  #settle(bufs: readonly Buf[], copy: Copy | undefined, marks: Marks, error: Errno | undefined): void {
    if (copy !== undefined) for (const chunk of copy.chunks) this.#k.mem.free(chunk);
    if (error !== undefined) this.#failed(bufs[0].blkno, error);
    else this.written += bufs.length;
    // What had failed has been written by now: there is nothing to report.
    if (error === undefined && this.dirty.size === 0 && this.#outgoing === 0) this.#error = undefined;
    for (const bp of bufs) {
      bp.writes--;
      const lent = bp.lent;
      bp.lent = false;
      if (bp.gone && lent) this.#bcache.release(bp);
      else if (error !== undefined && !bp.gone && bp.valid) this.add(bp);
      if (lent) this.#k.wakeup(bp);
    }
    if (marks !== undefined && error === undefined) this.#home(bufs, marks);
  }

  #home(bufs: readonly Buf[], marks: readonly (Logged | undefined)[]): void {
    for (const [i, mark] of marks.entries()) if (mark !== undefined) this.#bcache.journal?.home(bufs[i], mark);
  }

  /** Bytes of the kernel's memory that can be had again after a transfer. */
  #memory(bufs: readonly Buf[], copy: Copy | undefined): number {
    let bytes = 0;
    if (copy === undefined) return bufs.length * this.#bsize;
    for (const chunk of copy.chunks) bytes += chunk.length;
    return bytes;
  }

  #failed(blkno: number, error: Errno): void {
    const dev = this.#disk.dev;
    if (this.#error === undefined) this.#k.printf(`device ${major(dev)},${minor(dev)}: block ${blkno} cannot be written: ${strerror(error.code)}`);
    this.#error = error;
  }
}
