/**
 * Storage for mbufs: small pieces of 256 bytes and clusters of 2 KiB, cut from 4 KiB chunks of the kernel's memory; larger ones are chunks of 4 to 64 KiB.
 *
 * What is in use is limited (kern.mbuf.nmbclusters, in clusters). Free pieces are kept for the next packet, and given back to the kernel's
 * memory, chunk by chunk, when that runs short. Contents are whatever they were.
 */
import { CHUNK_MAX, type Kernel, PAGE_SIZE } from '@anykernel/rumpkern';
import { Ext } from './mbuf.js';

/** Bytes of a small piece, and of a cluster. */
export const MSMALL = 256;
export const MCLBYTES = 2048;

/** A chunk that is cut into pieces of one size. */
export class Slab {
  /** Pieces that are not in use. */
  free = 0;
  constructor(
    readonly chunk: Uint8Array,
    readonly pool: Pool,
  ) {}
}

/** Pieces of one size. */
export class Pool {
  free: Ext | undefined = undefined;
  slabs = 0;
  constructor(readonly size: number) {}

  get perSlab(): number {
    return PAGE_SIZE / this.size;
  }
}

export class MbufStore {
  readonly #k: Kernel;
  readonly small: Pool = new Pool(MSMALL);
  readonly clusters: Pool = new Pool(MCLBYTES);
  /** Ext objects without a storage. */
  #bare: Ext | undefined;
  /** Most bytes in use. */
  limit: number;
  /** Bytes in use, and the most that there ever were. */
  used = 0;
  peak = 0;

  constructor(k: Kernel, limit: number) {
    this.#k = k;
    this.limit = limit;
  }

  /** A storage of at least `len` bytes, with one reference; undefined: there is none, or `len` is beyond 64 KiB. */
  alloc(len: number): Ext | undefined {
    if (len <= MSMALL) return this.#piece(this.small);
    if (len <= MCLBYTES) return this.#piece(this.clusters);
    return this.#chunk(len);
  }

  /** Drops a reference; the last one frees the storage. */
  release(ext: Ext): void {
    if (--ext.refs > 0) return;
    this.used -= ext.buf.length;
    const slab = ext.slab;
    if (slab === undefined) {
      this.#k.mem.free(ext.buf);
      ext.next = this.#bare;
      this.#bare = ext;
      return;
    }
    slab.free++;
    ext.next = slab.pool.free;
    slab.pool.free = ext;
  }

  /** Gives chunks without a piece in use back to the kernel's memory. */
  reclaim(): void {
    this.#bare = undefined;
    this.#sweep(this.small);
    this.#sweep(this.clusters);
  }

  #piece(pool: Pool): Ext | undefined {
    if (this.used + pool.size > this.limit) return undefined;
    let ext = pool.free;
    if (ext === undefined) {
      if (!this.#carve(pool)) return undefined;
      ext = pool.free as Ext;
    }
    pool.free = ext.next;
    ext.next = undefined;
    (ext.slab as Slab).free--;
    return this.#taken(ext);
  }

  #chunk(len: number): Ext | undefined {
    if (len > CHUNK_MAX) return undefined;
    let size = PAGE_SIZE;
    while (size < len) size *= 2;
    if (this.used + size > this.limit) return undefined;
    const chunk = this.#memory(size);
    if (chunk === undefined) return undefined;
    const ext = this.#bare ?? new Ext();
    this.#bare = ext.next;
    ext.next = undefined;
    ext.buf = chunk;
    return this.#taken(ext);
  }

  #taken(ext: Ext): Ext {
    ext.refs = 1;
    this.used += ext.buf.length;
    if (this.used > this.peak) this.peak = this.used;
    return ext;
  }

  /** One more chunk of pieces. */
  #carve(pool: Pool): boolean {
    const chunk = this.#memory(PAGE_SIZE);
    if (chunk === undefined) return false;
    const slab = new Slab(chunk, pool);
    for (let off = PAGE_SIZE - pool.size; off >= 0; off -= pool.size) {
      const ext = new Ext();
      ext.buf = chunk.subarray(off, off + pool.size);
      ext.slab = slab;
      ext.next = pool.free;
      pool.free = ext;
    }
    slab.free = pool.perSlab;
    pool.slabs++;
    return true;
  }

  #memory(size: number): Uint8Array | undefined {
    try {
      return this.#k.mem.alloc(size);
    } catch (e) {
      this.#k.ignoreErrno(e);
      return undefined;
    }
  }

  /** The free list without the pieces of chunks that are wholly free, and those given back. */
  #sweep(pool: Pool): void {
    const whole = new Set<Slab>();
    let kept: Ext | undefined;
    for (let ext = pool.free; ext !== undefined; ) {
      const { next } = ext;
      const slab = ext.slab as Slab;
      if (slab.free === pool.perSlab) whole.add(slab);
      else {
        ext.next = kept;
        kept = ext;
      }
      ext = next;
    }
    pool.free = kept;
    for (const slab of whole) this.#k.mem.free(slab.chunk);
    pool.slabs -= whole.size;
  }
}
