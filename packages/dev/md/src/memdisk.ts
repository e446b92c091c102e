/** The medium of a memory disk: chunks of 64 KiB of the kernel's memory; what was never written takes none, and is zeros. */
import { CHUNK_MAX, type Mem } from '@anykernel/rumpkern';

export class MemDisk {
  readonly size: number;
  readonly #mem: Mem;
  readonly #chunks: (Uint8Array | undefined)[] = [];

  constructor(mem: Mem, size: number) {
    this.#mem = mem;
    this.size = size;
  }

  /** Fills the buffers from `off`; all of it lies inside. Returns the bytes moved. */
  read(data: readonly Uint8Array[], off: number): number {
    return this.#each(data, off, (chunk, from, part) => {
      if (chunk === undefined) part.fill(0);
      else part.set(chunk.subarray(from, from + part.length));
    });
  }

  /** ENOMEM: the kernel has none for what was not written before; nothing is written then. */
  write(data: readonly Uint8Array[], off: number): number {
    this.#reserve(data, off);
    return this.#each(data, off, (chunk, from, part) => chunk!.set(part, from));
  }

  /** Gives the memory back. */
  free(): void {
    for (const chunk of this.#chunks) if (chunk !== undefined) this.#mem.free(chunk);
    this.#chunks.length = 0;
  }

  /** Chunks for [off, off+len); of a new one, what will not be written is zeroed. */
  #reserve(data: readonly Uint8Array[], off: number): void {
    let len = 0;
    for (const b of data) len += b.length;
    const fresh = new Map<number, Uint8Array>();
    try {
      for (let index = Math.floor(off / CHUNK_MAX); index * CHUNK_MAX < off + len; index++) {
        if (this.#chunks[index] === undefined) fresh.set(index, this.#mem.alloc(CHUNK_MAX));
      }
    } catch (e) {
      for (const chunk of fresh.values()) this.#mem.free(chunk);
      throw e;
    }
    for (const [index, chunk] of fresh) {
      chunk.fill(0, 0, Math.max(off - index * CHUNK_MAX, 0));
      chunk.fill(0, Math.min(off + len - index * CHUNK_MAX, CHUNK_MAX));
      this.#chunks[index] = chunk;
    }
  }

  /** Calls `fn` for each part of a buffer that lies in one chunk. */
  #each(data: readonly Uint8Array[], off: number, fn: (chunk: Uint8Array | undefined, from: number, part: Uint8Array) => void): number {
    let at = off;
    for (const b of data) {
      for (let done = 0; done < b.length; ) {
        const index = Math.floor(at / CHUNK_MAX);
        const from = at - index * CHUNK_MAX;
        const len = Math.min(CHUNK_MAX - from, b.length - done);
        fn(this.#chunks[index], from, len === b.length ? b : b.subarray(done, done + len));
        done += len;
        at += len;
      }
    }
    return at - off;
  }
}
