/**
 * A transfer between a caller's buffers and the kernel: which bytes, how many are left, where in the file.
 *
 * A system call's uio lives in its lwp and keeps its progress when the call is restarted.
 */
import { ERR } from '@anykernel/lib-sys';

export type Rw = 'read' | 'write';

const NONE: readonly Uint8Array[] = [];

export class Uio {
  /** 'read': from the kernel into the buffers; 'write': out of them. */
  rw: Rw = 'read';
  /** Position in the file of the next byte. */
  offset = 0;
  /** Bytes left to move. */
  resid = 0;
  /** Bytes moved so far. */
  moved = 0;
  #buf: Uint8Array | undefined;
  #pos = 0;
  #rest: readonly Uint8Array[] = NONE;
  #next = 0;

  /** For one buffer. EFAULT: it is none. */
  init(buf: Uint8Array, offset: number, rw: Rw): this {
    if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
    this.#buf = buf;
    this.#rest = NONE;
    this.#next = 0;
    return this.#start(offset, buf.length, rw);
  }

  /** For a list of buffers, in order. EFAULT: one of them is none. */
  initv(bufs: readonly Uint8Array[], offset: number, rw: Rw): this {
    let len = 0;
    for (const b of bufs) {
      if (!(b instanceof Uint8Array)) throw ERR.EFAULT;
      len += b.length;
    }
    this.#buf = bufs[0];
    this.#rest = bufs;
    this.#next = 1;
    return this.#start(offset, len, rw);
  }

  /** EFAULT: there is none. Buffers can shrink and go while a call sleeps. */
  #nextBuffer(): Uint8Array {
    const buf = this.#rest[this.#next++];
    if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
    this.#pos = 0;
    return (this.#buf = buf);
  }

  #start(offset: number, len: number, rw: Rw): this {
    this.rw = rw;
    this.offset = offset;
    this.resid = len;
    this.moved = 0;
    this.#pos = 0;
    return this;
  }

  /** Back to where the transfer began: what was moved does not count. */
  rewind(): void {
    this.resid += this.moved;
    this.offset -= this.moved;
    this.moved = 0;
    this.#pos = 0;
    if (this.#next === 0) return;
    this.#buf = this.#rest[0];
    this.#next = 1;
  }

  /** Lets go of the caller's buffers. */
  clear(): void {
    this.#buf = undefined;
    this.#rest = NONE;
    this.resid = 0;
  }

  /** Moves `len` bytes between `data` at `off` and the caller, in the uio's direction; no more than `resid`. Returns the bytes moved. */
  move(data: Uint8Array, off: number, len: number): number {
    let left = len < this.resid ? len : this.resid;
    const total = left;
    while (left > 0) {
      let buf = this.#buf as Uint8Array;
      while (this.#pos >= buf.length) buf = this.#nextBuffer();
      const room = buf.length - this.#pos;
      const n = left < room ? left : room;
      if (this.rw === 'read') copy(buf, this.#pos, data, off, n);
      else copy(data, off, buf, this.#pos, n);
      this.#pos += n;
      off += n;
      left -= n;
    }
    this.resid -= total;
    this.offset += total;
    this.moved += total;
    return total;
  }

  /** Gives the caller `len` zero bytes ('read' only). */
  moveZeros(len: number): number {
    let left = len < this.resid ? len : this.resid;
    const total = left;
    while (left > 0) {
      let buf = this.#buf as Uint8Array;
      while (this.#pos >= buf.length) buf = this.#nextBuffer();
      const n = Math.min(left, buf.length - this.#pos);
      buf.fill(0, this.#pos, this.#pos + n);
      this.#pos += n;
      left -= n;
    }
    this.resid -= total;
    this.offset += total;
    this.moved += total;
    return total;
  }

  /**
   * The caller's next bytes themselves, for a transfer without a copy: what is left of the current buffer, at most `len`. Follow it with
   * skip() of what was transferred. undefined: nothing is left.
   */
  peek(len: number): Uint8Array | undefined {
    if (this.resid === 0) return undefined;
    let buf = this.#buf as Uint8Array;
    while (this.#pos >= buf.length) buf = this.#nextBuffer();
    return buf.subarray(this.#pos, Math.min(buf.length, this.#pos + len));
  }

  /** Counts `len` bytes of what peek() gave as moved. */
  skip(len: number): void {
    this.#pos += len;
    this.resid -= len;
    this.offset += len;
    this.moved += len;
  }
}

/** Copies `len` bytes. A short copy is a loop: a view costs more than 32 bytes do. */
export function copy(to: Uint8Array, toOff: number, from: Uint8Array, fromOff: number, len: number): void {
  if (len <= 32) {
    for (let i = 0; i < len; i++) to[toOff + i] = from[fromOff + i];
    return;
  }
  to.set(fromOff === 0 && len === from.length ? from : from.subarray(fromOff, fromOff + len), toOff);
}
