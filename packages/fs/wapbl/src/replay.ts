/**
 * Replay: what a log says that is not yet where it belongs. It is read from tail to head; of several copies of a sector the last one counts, and one that was
 * revoked after its last copy is left alone.
 */
import {
  HEADER_BLOCKS, LOG_BSIZE, type LogHeader, type UnlinkedInode, WC_BLOCKS, WC_INODES, WC_REVOCATIONS, parseBlockList, parseHeader, parseInodeList,
} from './ondisk.js';

/** The longest log that is read. */
export const LOG_MAX = 1 << 30;

/** What is to be done. */
export interface Replay {
  /** The header that counts. */
  readonly header: LogHeader;
  /** Sectors of 512 bytes by their number on the device. */
  readonly sectors: ReadonlyMap<number, Uint8Array>;
  /** Inodes without a name, to be ended if they still have none. */
  readonly unlinked: readonly UnlinkedInode[];
}

/** Reads `len` bytes at `off` of the log. May throw, and is then asked for the same again. */
export type ReadLog = (off: number, len: number) => Uint8Array;

/** The header of a log of `len` bytes that counts; undefined: there is none. */
export function readHeader(read: ReadLog, len: number): LogHeader | undefined {
  const b = read(0, HEADER_BLOCKS * LOG_BSIZE);
  const [a, z] = [parseHeader(b.subarray(0, LOG_BSIZE), len), parseHeader(b.subarray(LOG_BSIZE), len)];
  if (a === undefined || z === undefined) return a ?? z;
  return ((z.generation - a.generation) | 0) > 0 ? z : a;
}

/** Reads the log; a string: what is wrong with it. */
export function readReplay(read: ReadLog, len: number): Replay | string {
  if (len > LOG_MAX || len < (HEADER_BLOCKS + 1) * LOG_BSIZE) return `a log of ${len} bytes`;
  const header = readHeader(read, len);
  if (header === undefined) return 'the log has no header';
  return new Reader(read, header).run();
}

class Reader {
  readonly #read: ReadLog;
  readonly #header: LogHeader;
  readonly #sectors = new Map<number, Uint8Array>();
  #unlinked = new Map<number, number>();
  /** Where in the ring, and bytes that are left to the head. */
  #at: number;
  #left: number;

  constructor(read: ReadLog, header: LogHeader) {
    this.#read = read;
    this.#header = header;
    this.#at = header.tail;
    const { head, tail, circSize } = header;
    this.#left = tail === 0 ? 0 : head > tail ? head - tail : head - tail + circSize;
  }

  run(): Replay | string {
    while (this.#left > 0) {
      const b = this.#take(LOG_BSIZE);
      if (!this.#record(b)) return 'a record of the log makes no sense';
    }
    return { header: this.#header, sectors: this.#sectors, unlinked: [...this.#unlinked] };
  }

  /** The next bytes of the ring, which must not be beyond the head. */
  #take(len: number): Uint8Array {
    const { circOff, circSize } = this.#header;
    const end = circOff + circSize;
    const first = Math.min(len, end - this.#at);
    let b = this.#read(this.#at, first);
    if (first < len) {
      const whole = new Uint8Array(len);
      whole.set(b);
      whole.set(this.#read(circOff, len - first), first);
      b = whole;
    }
    this.#at = this.#at + len < end ? this.#at + len : this.#at + len - circSize;
    this.#left -= len;
    return b;
  }

  #record(b: Uint8Array): boolean {
    const { le } = this.#header;
    const type = new DataView(b.buffer, b.byteOffset, b.length).getUint32(0, le);
    if (type === WC_BLOCKS) return this.#blocks(b);
    if (type === WC_REVOCATIONS) return this.#revocations(b);
    if (type !== WC_INODES) return false;
    const list = parseInodeList(b, le);
    if (list === undefined) return false;
    if (list.clear) this.#unlinked = new Map();
    for (const [ino, mode] of list.inodes) this.#unlinked.set(ino, mode);
    return true;
  }

  #blocks(b: Uint8Array): boolean {
    const list = parseBlockList(b, this.#header.le);
    if (list === undefined) return false;
    let sum = 0;
    for (const { len } of list) sum += len;
    if (sum > this.#left) return false;
    for (const { daddr, len } of list) {
      const data = this.#take(len);
      for (let i = 0; i * LOG_BSIZE < len; i++) this.#sectors.set(daddr + i, data.subarray(i * LOG_BSIZE, (i + 1) * LOG_BSIZE));
    }
    return true;
  }

  #revocations(b: Uint8Array): boolean {
    const list = parseBlockList(b, this.#header.le);
    if (list === undefined) return false;
    for (const { daddr, len } of list) for (let i = 0; i * LOG_BSIZE < len; i++) this.#sectors.delete(daddr + i);
    return true;
  }
}
