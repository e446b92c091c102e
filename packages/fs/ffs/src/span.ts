/**
 * Structures that lie in several fragments, each with a buffer of its own: the superblock, the summary, a cylinder group.
 *
 * No field crosses from one fragment to the next, for fields lie at multiples of their length.
 */
import type { Bcache, Buf, Txn } from '@anykernel/rumpvfs';
import { get64, set64 } from '@anykernel/ufs';

export class Span {
  readonly bufs: readonly Buf[];
  readonly le: boolean;
  readonly #bcache: Bcache;
  readonly #txn: Txn;
  readonly #shift: number;
  readonly #mask: number;
  /** Where the structure begins in the first buffer. */
  readonly #start: number;

  /** Holds the buffers. */
  private constructor(bcache: Bcache, txn: Txn, bufs: readonly Buf[], start: number, le: boolean) {
    this.bufs = bufs;
    this.le = le;
    this.#bcache = bcache;
    this.#txn = txn;
    this.#shift = 31 - Math.clz32(bcache.bsize);
    this.#mask = bcache.bsize - 1;
    this.#start = start;
    for (const bp of bufs) bcache.hold(bp);
  }

  /** The `len` bytes at byte `off` of the device. EIO; sleeps, and finds what was read when it comes again. */
  static read(bcache: Bcache, txn: Txn, off: number, len: number, le: boolean): Span {
    const first = Math.floor(off / bcache.bsize);
    const count = Math.ceil((off + len) / bcache.bsize) - first;
    if (count > 1) bcache.readahead(first, count);
    const bufs: Buf[] = [];
    for (let i = 0; i < count; i++) bufs.push(bcache.bread(first + i));
    return new Span(bcache, txn, bufs, off - first * bcache.bsize, le);
  }

  release(): void {
    for (const bp of this.bufs) this.#bcache.rele(bp);
  }

  u8(off: number): number {
    const at = off + this.#start;
    return this.bufs[at >> this.#shift].data[at & this.#mask];
  }
  u16(off: number): number {
    const at = off + this.#start;
    return this.bufs[at >> this.#shift].view.getUint16(at & this.#mask, this.le);
  }
  i32(off: number): number {
    const at = off + this.#start;
    return this.bufs[at >> this.#shift].view.getInt32(at & this.#mask, this.le);
  }
  u64(off: number): number {
    const at = off + this.#start;
    return get64(this.bufs[at >> this.#shift].view, at & this.#mask, this.le);
  }

  /** Say it before bytes [off, off+len) change. */
  dirty(off: number, len: number): void {
    for (let at = off + this.#start, end = at + len; at < end; ) {
      const from = at & this.#mask;
      const n = Math.min(end - at, this.#mask + 1 - from);
      this.#txn.dirty(this.bufs[at >> this.#shift], from, n);
      at += n;
    }
  }

  /** After dirty(). */
  put8(off: number, value: number): void {
    const at = off + this.#start;
    this.bufs[at >> this.#shift].data[at & this.#mask] = value;
  }
  put32(off: number, value: number): void {
    const at = off + this.#start;
    this.bufs[at >> this.#shift].view.setInt32(at & this.#mask, value, this.le);
  }
  put64(off: number, value: number): void {
    const at = off + this.#start;
    set64(this.bufs[at >> this.#shift].view, at & this.#mask, value, this.le);
  }

  set8(off: number, value: number): void {
    this.dirty(off, 1);
    this.put8(off, value);
  }
  set32(off: number, value: number): void {
    this.dirty(off, 4);
    this.put32(off, value);
  }
  set64(off: number, value: number): void {
    this.dirty(off, 8);
    this.put64(off, value);
  }

  /** Adds to a count, which does not go below zero, whatever the disk says. */
  add32(off: number, change: number): void {
    this.set32(off, Math.max(0, this.i32(off) + change));
  }
  /** The first byte of [off, end) that is not `skip`, or `end`. */
  skip(off: number, end: number, skip: number): number {
    let at = off;
    while (at < end) {
      const pos = at + this.#start;
      const { data } = this.bufs[pos >> this.#shift];
      let i = pos & this.#mask;
      const last = Math.min(this.#mask + 1, i + end - at);
      while (i < last && data[i] === skip) i++;
      at += i - (pos & this.#mask);
      if (i < last) return at;
    }
    return end;
  }

  /** The first byte of [off, end) that is `wanted`, or -1. */
  find(off: number, end: number, wanted: number): number {
    for (let at = off; at < end; ) {
      const pos = at + this.#start;
      const from = pos & this.#mask;
      const last = Math.min(this.#mask + 1, from + end - at);
      const i = this.bufs[pos >> this.#shift].data.subarray(0, last).indexOf(wanted, from);
      if (i >= 0) return at + i - from;
      at += last - from;
    }
    return -1;
  }
}
