/**
 * A host file in memory: the application's own bytes, read and changed in place.
 *
 * Its length is fixed unless it may grow; then its bytes move to larger arrays, and `bytes` is what they are at the moment.
 */
import { ERR } from '@anykernel/lib-sys';
import { type FileMode, OpenFile, type Store } from './open-file.js';

export interface MemoryFileOptions {
  /** EROFS for whoever opens it for writing. */
  readonly readonly?: boolean;
  /** Bytes up to which writes make it longer; otherwise it keeps its length. */
  readonly growTo?: number;
  /** What it says that it is; a regular file otherwise. */
  readonly type?: 'reg' | 'blk' | 'chr' | 'other';
}

/** A host file of `bytes`, which it keeps. */
export function memoryFile(bytes: Uint8Array, options: MemoryFileOptions = {}): MemoryFile {
  return new MemoryFile(bytes, options);
}

export class MemoryFile implements Store {
  readonly #options: MemoryFileOptions;
  /** Its contents, and room to grow. */
  #room: Uint8Array;
  #len: number;

  constructor(bytes: Uint8Array, options: MemoryFileOptions) {
    this.#room = bytes;
    this.#len = bytes.length;
    this.#options = options;
  }

  /** The contents; writes show in them until it grows. */
  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#len);
  }

  get size(): number {
    return this.#len;
  }

  info(): { size: number; type: 'reg' | 'blk' | 'chr' | 'other' } {
    return { size: this.#len, type: this.#options.type ?? 'reg' };
  }

  /** EROFS. */
  open(mode: FileMode): OpenFile {
    if (mode.write === true && this.#options.readonly === true) throw ERR.EROFS;
    return new OpenFile(this, mode);
  }

  /** Copies into `data`; fewer bytes at the end. EIO: the application has taken its bytes away. */
  copyOut(data: Uint8Array, off: number): number {
    this.#check();
    const len = Math.max(0, Math.min(data.length, this.#len - off));
    if (len > 0) data.set(this.#room.subarray(off, off + len));
    return len;
  }

  /** Copies from `data`; fewer bytes where it cannot grow. ENOSPC: none at all, and it is as it was. EIO. */
  copyIn(data: Uint8Array, off: number): number {
    this.#check();
    const end = Math.min(off + data.length, Math.max(this.#len, this.#options.growTo ?? 0));
    const len = end - off;
    if (len <= 0) throw ERR.ENOSPC;
    if (end > this.#len) this.#grow(end);
    this.#room.set(len === data.length ? data : data.subarray(0, len), off);
    return len;
  }

  flush(): void {
    // Memory is where it is.
  }

  /** An array loses its bytes when it is sent to another thread, or when its buffer is made shorter. */
  #check(): void {
    if (this.#room.length < this.#len) throw ERR.EIO;
  }

  /** ENOSPC: there is not so much memory. */
  #grow(len: number): void {
    if (len > this.#room.length) {
      const room = allocate(Math.min(Math.max(len, this.#room.length * 2), this.#options.growTo ?? 0)) ?? allocate(len);
      if (room === undefined) throw ERR.ENOSPC;
      room.set(this.bytes);
      this.#room = room;
    }
    this.#len = len;
  }
}

function allocate(len: number): Uint8Array | undefined {
  try {
    return new Uint8Array(len);
  } catch {
    return undefined;
  }
}
