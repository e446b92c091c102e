/**
 * A host file in memory: the application's own bytes, read and changed in place.
 *
 * Its length is fixed unless it may grow; then its bytes move to larger arrays, and `bytes` is what they are at the moment.
 */
import type { Completion, HostFile, HostFileInfo, HostFileType, OpenMode } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';

export interface MemoryFileOptions {
  /** EROFS for whoever opens it for writing. */
  readonly readonly?: boolean;
  /** Bytes up to which writes make it longer; otherwise it keeps its length. */
  readonly growTo?: number;
  /** What it says that it is; a regular file otherwise. */
  readonly type?: HostFileType;
}

/** A host file of `bytes`, which it keeps. */
export function memoryFile(bytes: Uint8Array, options: MemoryFileOptions = {}): MemoryFile {
  return new MemoryFile(bytes, options);
}

export class MemoryFile {
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

  info(): HostFileInfo {
    return { size: this.#len, type: this.#options.type ?? 'reg' };
  }

  /** EROFS. */
  open(mode: OpenMode): HostFile {
    const write = mode.write === true;
    if (write && this.#options.readonly === true) throw ERR.EROFS;
    return new OpenMemoryFile(this, this.#len, mode.read === true || !write, write);
  }

  /** Copies into `data`; fewer bytes at the end. */
  copyOut(data: Uint8Array, off: number): number {
    const len = Math.max(0, Math.min(data.length, this.#len - off));
    if (len > 0) data.set(this.#room.subarray(off, off + len));
    return len;
  }

  /** Copies from `data`; fewer bytes where it cannot grow. ENOSPC: none at all. */
  copyIn(data: Uint8Array, off: number): number {
    const end = off + data.length;
    if (end > this.#len) this.#grow(end);
    const len = Math.min(data.length, this.#len - off);
    if (len <= 0 && data.length > 0) throw ERR.ENOSPC;
    if (len > 0) this.#room.set(len === data.length ? data : data.subarray(0, len), off);
    return len;
  }

  #grow(end: number): void {
    const len = Math.min(end, this.#options.growTo ?? 0);
    if (len <= this.#len) return;
    if (len > this.#room.length) {
      const room = new Uint8Array(Math.min(Math.max(len, this.#room.length * 2), this.#options.growTo ?? 0));
      room.set(this.bytes);
      this.#room = room;
    }
    this.#len = len;
  }
}

class OpenMemoryFile implements HostFile {
  readonly size: number;
  readonly writable: boolean;
  readonly #readable: boolean;
  #file: MemoryFile | undefined;
  /** For transfers without an offset. */
  #position = 0;

  constructor(file: MemoryFile, size: number, readable: boolean, writable: boolean) {
    this.#file = file;
    this.size = size;
    this.#readable = readable;
    this.writable = writable;
  }

  read(data: Uint8Array, off: number, _done: Completion): number {
    const file = this.#check(this.#readable, off);
    const moved = file.copyOut(data, off === -1 ? this.#position : off);
    if (off === -1) this.#position += moved;
    return moved;
  }

  write(data: Uint8Array, off: number, _done: Completion): number {
    const file = this.#check(this.writable, off);
    const moved = file.copyIn(data, off === -1 ? this.#position : off);
    if (off === -1) this.#position += moved;
    return moved;
  }

  readv(data: readonly Uint8Array[], off: number, done: Completion): number {
    return each(data, off, (one, at) => this.read(one, at, done));
  }

  writev(data: readonly Uint8Array[], off: number, done: Completion): number {
    return each(data, off, (one, at) => this.write(one, at, done));
  }

  flush(_done: Completion): number {
    this.#check(true, 0);
    return 0;
  }

  close(): void {
    this.#file = undefined;
  }

  /** EBADF: closed, or not open for this. EINVAL: no offset. */
  #check(allowed: boolean, off: number): MemoryFile {
    if (this.#file === undefined || !allowed) throw ERR.EBADF;
    if (!Number.isSafeInteger(off) || off < -1) throw ERR.EINVAL;
    return this.#file;
  }
}

/** One after another, until one moves less than it could. */
function each(data: readonly Uint8Array[], off: number, move: (one: Uint8Array, at: number) => number): number {
  let moved = 0;
  for (const one of data) {
    let n = 0;
    try {
      n = move(one, off === -1 ? -1 : off + moved);
    } catch (e) {
      if (moved === 0) throw e;
    }
    moved += n;
    if (n < one.length) break;
  }
  return moved;
}
