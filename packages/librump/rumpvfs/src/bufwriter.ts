/**
 * The way of dirty buffers to the disk: sorted, neighbours in one transfer, errors kept until somebody asks.
 *
 * On a synchronous device the buffers themselves are written. Elsewhere a private copy is, so that a buffer may change (and is dirty
 * again) while its last contents are on their way; only where memory is too short for that, the buffer is lent to the host meanwhile.
 */
import { ERR, Errno, major, minor } from '@anykernel/lib-sys';
import { CHUNK_MAX, type Kernel } from '@anykernel/rumpkern';
import type { Buf } from './buf.js';
import type { Disk } from './disk.js';

/** The longest transfer, in bytes. */
const RUN_MAX = 256 << 10;
/** Bytes that may be on their way at once. */
const INFLIGHT_MAX = 2 << 20;

export class BufWriter {
  readonly dirty = new Set<Buf>();
  /** Blocks written. */
  written = 0;
  readonly #k: Kernel;
  readonly #disk: Disk;
  readonly #bsize: number;
  /** Takes the memory of a buffer that has left the cache. */
  readonly #free: (bp: Buf) => void;
  #inflight = 0;
  /** More is to be written when there is room. */
  #more = false;
  #error: Errno | undefined;

  constructor(k: Kernel, disk: Disk, bsize: number, free: (bp: Buf) => void) {
    this.#k = k;
    this.#disk = disk;
    this.#bsize = bsize;
    this.#free = free;
  }

  /** Something is on its way; whoever sleeps on this object is woken when nothing is. */
  get busy(): boolean {
    return this.#inflight > 0;
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
    this.start();
    if (!wait) return;
    if (this.#inflight > 0) this.#k.sleep(this);
    this.#report();
  }

  #report(): void {
    const error = this.#error;
    if (error === undefined || this.#inflight > 0) return;
    this.#error = undefined;
    throw error;
  }

  /** Starts to write all that is dirty and no part of an open transaction. Never sleeps or throws. */
  start(): void {
    this.#more = false;
    if (this.dirty.size === 0) return;
    const list: Buf[] = [];
    for (const bp of this.dirty) if (!bp.intxn && !bp.lent) list.push(bp);
    // After a power cut in between, what names a new block must not find there what was in it before.
    list.sort((a, b) => Number(b.early) - Number(a.early) || a.blkno - b.blkno);
    const max = Math.max(1, RUN_MAX / this.#bsize);
    for (let i = 0, end = 0; i < list.length; i = end) {
      if (this.#inflight >= INFLIGHT_MAX) {
        this.#more = true;
        return;
      }
      for (end = i + 1; end < list.length && end - i < max && list[end].blkno === list[end - 1].blkno + 1 && list[end].early === list[i].early; ) end++;
      this.#write(list.slice(i, end));
    }
  }

  /** Writes neighbours. They are clean from here on, unless the write fails. */
  #write(bufs: readonly Buf[]): void {
    const copies = this.#disk.asyncWrite === false ? undefined : this.#copy(bufs);
    const data = copies?.data ?? bufs.map((bp) => bp.data);
    for (const bp of bufs) {
      this.remove(bp);
      bp.early = false;
      bp.writes++;
    }
    let error: Errno | undefined;
    try {
      const moved = this.#disk.write(data, bufs[0].blkno * this.#bsize, (e) => this.#ended(bufs, copies, e));
      if (moved === -1) {
        this.#inflight += bufs.length * this.#bsize;
        if (copies === undefined) for (const bp of bufs) bp.lent = true;
        return;
      }
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      error = e;
    }
    this.#settle(bufs, copies, error);
  }

  /** The bytes of neighbours, in memory of their own; undefined where there is none. */
  #copy(bufs: readonly Buf[]): { data: Uint8Array[]; chunks: Uint8Array[] } | undefined {
    const bsize = this.#bsize;
    const per = Math.max(1, CHUNK_MAX / bsize);
    const chunks: Uint8Array[] = [];
    const data: Uint8Array[] = [];
    try {
      for (let i = 0; i < bufs.length; i += per) {
        const chunk = this.#k.mem.alloc(CHUNK_MAX);
        chunks.push(chunk);
        const n = Math.min(per, bufs.length - i);
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

  #ended(bufs: readonly Buf[], copies: { chunks: Uint8Array[] } | undefined, error: Errno | undefined): void {
    this.#inflight -= bufs.length * this.#bsize;
    this.#settle(bufs, copies, error);
    if (this.#more) this.start();
    if (this.#inflight === 0) this.#k.wakeup(this);
  }

  #settle(bufs: readonly Buf[], copies: { chunks: Uint8Array[] } | undefined, error: Errno | undefined): void {
    if (copies !== undefined) for (const chunk of copies.chunks) this.#k.mem.free(chunk);
    if (error !== undefined) this.#failed(bufs[0].blkno, error);
    else this.written += bufs.length;
    for (const bp of bufs) {
      bp.writes--;
      const lent = bp.lent;
      bp.lent = false;
      if (bp.gone && lent) this.#free(bp);
      else if (error !== undefined && !bp.gone && bp.valid) this.add(bp);
      if (lent) this.#k.wakeup(bp);
    }
  }

  #failed(blkno: number, error: Errno): void {
    const dev = this.#disk.dev;
    if (this.#error === undefined) this.#k.printf(`device ${major(dev)},${minor(dev)}: block ${blkno} cannot be written: ${error.message}`);
    this.#error = error;
    this.#more = false;
  }
}
