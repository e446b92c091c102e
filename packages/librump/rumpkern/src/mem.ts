/**
 * Memory: chunks from slabs of the host, counted, limited (RUMP_MEMLIMIT) and given back.
 *
 * A chunk's length is a power of two from 4 KiB to 64 KiB. Chunks are not zeroed. Caches register what they can give up: when the limit
 * is near they are asked, and when nothing helps, the allocation fails with ENOMEM.
 */
import type { Rumpuser } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;
/** The largest chunk. */
export const CHUNK_MAX = 65536;
const SLAB_SIZE = 1 << 20;
const CLASSES = 5;

/** Gives up about `bytes` of memory if it can, by free(). Must not sleep. */
export type Reclaim = (bytes: number) => void;

export class Mem {
  readonly #host: Rumpuser;
  /** Bytes; Infinity: no limit. */
  readonly limit: number;
  /** Bytes in chunks and counted by charge(). */
  used = 0;
  #slabs: Uint8Array[] = [];
  readonly #free: Uint8Array[][] = Array.from({ length: CLASSES }, () => []);
  readonly #reclaim = new Set<Reclaim>();

  /** Sleeps if memory is on its way to be free: the cache's that gives memory back when a device is done with it. */
  await: (() => void) | undefined = undefined;

  constructor(host: Rumpuser, limit: number) {
    this.#host = host;
    this.limit = limit;
  }

  /** Registers a cache; the result takes it out again. */
  onPressure(fn: Reclaim): () => void {
    this.#reclaim.add(fn);
    return () => this.#reclaim.delete(fn);
  }

  /** A chunk of `len` bytes: 4096, 8192 ... 65536. Its contents are whatever they were. ENOMEM. */
  alloc(len: number): Uint8Array {
    const cls = classOf(len);
    this.charge(len);
    const chunk = this.#free[cls].pop();
    if (chunk !== undefined) return chunk;
    try {
      return this.#carve(cls);
    } catch (e) {
      this.used -= len;
      throw e;
    }
  }

  /** The same for whoever may sleep: where memory is on its way to be free it sleeps until it is. */
  take(len: number): Uint8Array {
    try {
      return this.alloc(len);
    } catch (e) {
      if (e === ERR.ENOMEM) this.await?.();
      throw e;
    }
  }

  /** Gives a chunk back. */
  free(chunk: Uint8Array): void {
    this.used -= chunk.length;
    this.#free[classOf(chunk.length)].push(chunk);
  }

  /** Counts `len` bytes that live elsewhere (object headers, names) against the limit. ENOMEM. */
  charge(len: number): void {
    if (this.used + len > this.limit) this.#press(len);
    this.used += len;
  }

  uncharge(len: number): void {
    this.used -= len;
  }

  /** Everything goes back to the host: the kernel has ended. */
  release(): void {
    for (const slab of this.#slabs) this.#host.free(slab);
    this.#slabs = [];
    for (const list of this.#free) list.length = 0;
    this.used = 0;
  }

  #press(len: number): void {
    const goal = this.used + len - this.limit;
    for (const fn of this.#reclaim) {
      fn(goal);
      if (this.used + len <= this.limit) return;
    }
    throw ERR.ENOMEM;
  }

  /** ENOMEM, whatever the host throws. */
  #malloc(len: number): Uint8Array {
    try {
      return this.#host.malloc(len);
    } catch {
      throw ERR.ENOMEM;
    }
  }

  /** The first slab of a kernel is small, so that a thousand idle kernels are; and all are where memory is limited. */
  #carve(cls: number): Uint8Array {
    const size = this.#slabs.length === 0 || this.limit < 16 * SLAB_SIZE ? CHUNK_MAX : SLAB_SIZE;
    const slab = this.#malloc(size);
    this.#slabs.push(slab);
    const len = PAGE_SIZE << cls;
    const list = this.#free[cls];
    for (let off = size - len; off > 0; off -= len) list.push(slab.subarray(off, off + len));
    return slab.subarray(0, len);
  }
}

function classOf(len: number): number {
  const cls = 31 - Math.clz32(len) - PAGE_SHIFT;
  if (cls < 0 || cls >= CLASSES || len !== PAGE_SIZE << cls) throw new Error(`no chunk of ${len} bytes`);
  return cls;
}

/** Bytes from a number with k, m or g behind it; unlimited where there is none. */
export function parseSize(text: string | undefined): number {
  const m = /^(\d+)([kmg]?)$/i.exec(text ?? '');
  if (m === null) return Infinity;
  return Number(m[1]) * { '': 1, k: 1024, m: 1048576, g: 1073741824 }[m[2].toLowerCase() as '' | 'k' | 'm' | 'g'];
}
