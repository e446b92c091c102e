/**
 * The bus: a ring of packets in shared memory, NetBSD's layout (if_shmem, version 3), numbers in little-endian order.
 *
 * Header, 32 bytes: magic 0, version 4 (also the word that is written to wake others), generation 8 (64 bits: grows when the ring wraps), first 16 (the
 * oldest packet), last 20 (the newest), lock 24 (0 free, 1 held), spare 28. Then the ring. Offsets are into the ring, and everything in it may wrap.
 * A packet, 24 bytes before the frame: length 0, seconds 4, microseconds 8, spare 12, sender 16 (64 bits). In a new bus `first` is the length of the
 * ring: nothing has been overwritten, and the oldest packet is an empty one at 0, which stands for none.
 *
 * In a bus of our kernels alone (native), the spare word of a packet says what its checksum needs (offloadword.ts). Packets begin at multiples of eight
 * there, and the frame 0 to 7 bytes behind its header, so that most of it is as far from a multiple as where it came from: shared memory is copied eight
 * times as fast then. The length counts all bytes up to the next packet, and in place of the microseconds is the frame's length, times eight, and the gap.
 *
 * What is in the memory comes from others: a packet that cannot be makes the reader start again after the newest one.
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';

export const BUS_MAGIC = 0xca11_d054;
export const BUS_VERSION = 3;
export const BUS_HDR_LEN = 32;
export const PKT_HDR_LEN = 24;
/** A bus file. */
export const BUS_LEN = 1_048_576;

const VERSION = 4;
const GENERATION = 8;
const FIRST = 16;
const LAST = 20;
const LOCK = 24;
const HEADER_WORDS = 6;
const GAP_MAX = 7;
const TWO32 = 0x1_0000_0000;
/** Tries before a lock counts as lost. */
const SPINS = 100_000;
const { ceil, floor, log2, min } = Math;
const { compareExchange, store, add } = Atomics;

/** Makes a bus of memory whose header is all zero, in place. false: it is not, or there is too little. */
export function initBus(memory: Uint8Array): boolean {
  if (memory.length < BUS_HDR_LEN + 2 * PKT_HDR_LEN) return false;
  for (let i = 0; i < BUS_HDR_LEN; i++) if (memory[i] !== 0) return false;
  putU32le(memory, FIRST, memory.length - BUS_HDR_LEN);
  putU32le(memory, VERSION, BUS_VERSION);
  putU32le(memory, 0, BUS_MAGIC);
  return true;
}

/** Whether these bytes begin as a bus does. */
export function isBus(memory: Uint8Array): boolean {
  return memory.length > BUS_HDR_LEN + PKT_HDR_LEN && getU32le(memory, 0) === BUS_MAGIC && getU32le(memory, VERSION) >= BUS_VERSION;
}

/** Who wrote a packet. */
export interface Sender {
  readonly lo: number;
  readonly hi: number;
}

/** One participant's view of a bus. */
export class Bus {
  readonly #m: Uint8Array;
  readonly #view: DataView;
  readonly #words: Int32Array;
  /** Bytes of the ring. */
  readonly #size: number;
  /** Generations are told apart up to this: so that bytes since the bus was made are whole numbers, whatever the header says. */
  readonly #turns: number;
  /** The next packet to read: its offset, and the generation that it is of. */
  #pos = 0;
  #gen = 0;
  /** Packets that were overwritten before they were read, counted as one for each time that it happened. */
  overruns = 0;
  /** Of the packet that next() found. */
  len = 0;
  senderLo = 0;
  senderHi = 0;
  flags = 0;
  /** Where its first byte lies, modulo 8, in a native bus. */
  gap = 0;
  #data = 0;
  /** A header on its way, in words and in bytes. */
  readonly #header = new Uint32Array(HEADER_WORDS);
  readonly #headerBytes = new Uint8Array(this.#header.buffer);

  /** Starts after the newest packet. `memory` begins at a multiple of four of its buffer; keeps it. */
  constructor(
    memory: Uint8Array,
    readonly native: boolean = false,
  ) {
    this.#m = memory;
    this.#view = new DataView(memory.buffer, memory.byteOffset + BUS_HDR_LEN, memory.length - BUS_HDR_LEN);
    this.#words = new Int32Array(memory.buffer, memory.byteOffset, memory.length >>> 2);
    this.#size = (memory.length - BUS_HDR_LEN) & (native ? ~7 : ~0);
    this.#turns = min(TWO32, 2 ** (51 - ceil(log2(this.#size))));
    this.#toEnd();
  }

  /** The longest frame that fits. */
  get maxLen(): number {
    return floor(this.#size / 2) - PKT_HDR_LEN - GAP_MAX;
  }

  /** false: whoever has the lock does not give it back. */
  lock(): boolean {
    for (let i = 0; i < SPINS; i++) if (compareExchange(this.#words, LOCK >> 2, 0, 1) === 0) return true;
    return false;
  }

  unlock(): void {
    store(this.#words, LOCK >> 2, 0);
  }

  /** The word that others watch. */
  get bell(): number {
    return this.#words[VERSION >> 2];
  }

  // -- writing, with the lock held

  /**
   * Makes room for a frame of at most maxLen bytes, and writes its header. The frame's bytes follow by put(). In a native bus its first byte has the
   * address `gap`, 0..7, modulo 8, and there is no time.
   */
  begin(len: number, sec: number, usec: number, sender: Sender, flags: number, gap = 0): void {
    const end = this.#end();
    const at = end % this.#size;
    const room = this.native ? (gap + len + 7) & ~7 : len;
    this.#makeRoom(end, PKT_HDR_LEN + room);
    const header = this.#header;
    header[0] = room;
    header[1] = sec;
    header[2] = this.native ? (len << 3) | gap : usec;
    header[3] = flags;
    header[4] = sender.lo;
    header[5] = sender.hi;
    this.#putHeader(at);
    this.#data = (at + PKT_HDR_LEN + (this.native ? gap : 0)) % this.#size;
    if (at + PKT_HDR_LEN + room >= this.#size) this.#addGeneration();
    this.#words[LAST >> 2] = at;
  }

  put(bytes: Uint8Array, off: number, len: number): void {
    this.#data = this.#copyIn(this.#data, bytes, off, len);
  }

  /** Packets that the new one, of `len` bytes at `end`, overwrites are no longer there. */
  #makeRoom(end: number, len: number): void {
    const size = this.#size;
    let start = this.#start(end);
    while (start < end && end + len - start > size) start += PKT_HDR_LEN + this.#lengthAt(start % size);
    if (start > end) start = end;
    this.#words[FIRST >> 2] = start === 0 ? size : start % size;
  }

  // -- reading, with the lock held

  /** Finds the next packet (len, senderLo, senderHi, flags). false: there is none. */
  next(): boolean {
    const end = this.#end();
    const size = this.#size;
    const here = this.#gen * size + this.#pos;
    if (here === end) return false;
    const start = this.#start(end);
    if (here < start || here > end) {
      this.overruns++;
      this.#gen = floor(start / size);
      this.#pos = start - this.#gen * size;
      if (start >= end) return false;
    }
    this.#getHeader(this.#pos);
    const header = this.#header;
    const room = header[0];
    const gap = this.native ? header[2] & GAP_MAX : 0;
    const len = this.native ? header[2] >>> 3 : room;
    if (this.#gen * size + this.#pos + PKT_HDR_LEN + room > end || gap + len > room) {
      // No writer of ours has left that.
      this.overruns++;
      this.#toEnd();
      return false;
    }
    this.len = len;
    this.gap = gap;
    this.#data = (this.#pos + PKT_HDR_LEN + gap) % size;
    this.flags = header[3];
    this.senderLo = header[4];
    this.senderHi = header[5];
    this.#pos += PKT_HDR_LEN + room;
    if (this.#pos >= size) {
      this.#pos -= size;
      this.#gen++;
    }
    return true;
  }

  /** The byte at `off` of the packet that next() found. */
  byteAt(off: number): number {
    const at = this.#data + off;
    return this.#m[BUS_HDR_LEN + (at < this.#size ? at : at - this.#size)];
  }

  /** Copies `len` of its bytes from `from` on to `into` at `off`. */
  take(from: number, into: Uint8Array, off: number, len: number): void {
    this.#copyOut((this.#data + from) % this.#size, into, off, len);
  }

  // -- the ring

  #toEnd(): void {
    const end = this.#end();
    this.#gen = floor(end / this.#size);
    this.#pos = end - this.#gen * this.#size;
  }

  /** Where the next packet will begin, counted in bytes since the bus was made. */
  #end(): number {
    const at = this.#after(this.#last());
    return this.#generation() * this.#size + at;
  }

  /** Where the oldest packet begins, counted alike. */
  #start(end: number): number {
    const gen = this.#generation();
    const first = this.#first();
    const start = gen * this.#size + first;
    return start >= end && gen > 0 ? start - this.#size : start;
  }

  /** An offset from the header, inside the ring whatever it says. */
  #first(): number {
    const first = this.#words[FIRST >> 2] >>> 0;
    return first >= this.#size ? 0 : first;
  }

  #last(): number {
    const last = this.#words[LAST >> 2] >>> 0;
    return last >= this.#size ? 0 : last;
  }

  #generation(): number {
    return (this.#words[GENERATION >> 2] >>> 0) % this.#turns;
  }

  #addGeneration(): void {
    if (add(this.#words, GENERATION >> 2, 1) === -1) add(this.#words, (GENERATION >> 2) + 1, 1);
  }

  /** Where the packet behind the one at `at` begins. */
  #after(at: number): number {
    return (at + PKT_HDR_LEN + this.#lengthAt(at)) % this.#size;
  }

  /** The length of the packet at `at`. */
  #lengthAt(at: number): number {
    if (at + 4 <= this.#size) return this.#view.getUint32(at, true);
    this.#copyOut(at, this.#headerBytes, 0, 4);
    return this.#header[0];
  }

  #getHeader(at: number): void {
    if (at + PKT_HDR_LEN > this.#size) this.#copyOut(at, this.#headerBytes, 0, PKT_HDR_LEN);
    else for (let i = 0; i < HEADER_WORDS; i++) this.#header[i] = this.#view.getUint32(at + 4 * i, true);
  }

  #putHeader(at: number): void {
    if (at + PKT_HDR_LEN > this.#size) this.#copyIn(at, this.#headerBytes, 0, PKT_HDR_LEN);
    else for (let i = 0; i < HEADER_WORDS; i++) this.#view.setUint32(at + 4 * i, this.#header[i], true);
  }

  /** Copies `len` bytes from ring offset `at` on. Returns the offset behind them. */
  #copyOut(at: number, into: Uint8Array, off: number, len: number): number {
    const from = at < this.#size ? at : at - this.#size;
    const part = min(len, this.#size - from);
    into.set(this.#m.subarray(BUS_HDR_LEN + from, BUS_HDR_LEN + from + part), off);
    if (part < len) into.set(this.#m.subarray(BUS_HDR_LEN, BUS_HDR_LEN + len - part), off + part);
    return part < len ? len - part : from + len;
  }

  #copyIn(at: number, bytes: Uint8Array, off: number, len: number): number {
    const to = at < this.#size ? at : at - this.#size;
    const part = min(len, this.#size - to);
    this.#m.set(bytes.subarray(off, off + part), BUS_HDR_LEN + to);
    if (part < len) this.#m.set(bytes.subarray(off + part, off + len), BUS_HDR_LEN);
    return part < len ? len - part : to + len;
  }
}
