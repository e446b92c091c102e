/**
 * The log of WAPBL: a header, twice, and a ring of records. Pure.
 *
 * The header says where in the ring the oldest record is (the tail) and where the next one goes (the head), in bytes from the start of the log; both are 0 where
 * there is nothing. It is written to its two places in turn, and the one with the higher generation counts. Records begin at blocks of the log and are in
 * the byte order of who wrote them. Source: NetBSD's wapbl_replay.h.
 */
import { get64, set64 } from './numbers.js';

export const WC_HEADER = 0x5741_424c;
export const WC_INODES = 0x5741_424d;
export const WC_REVOCATIONS = 0x5741_424e;
export const WC_BLOCKS = 0x5741_424f;

/** Blocks of the log, and units of addresses in it. */
export const LOG_BSHIFT = 9;
export const LOG_BSIZE = 512;
/** Blocks before the ring. */
export const HEADER_BLOCKS = 2;

/** Entries that fit into one block of a record. */
export const BLOCKS_PER_RECORD = 31;
export const INODES_PER_RECORD = 62;

export interface LogHeader {
  readonly le: boolean;
  readonly generation: number;
  /** 64 bits, as two numbers. */
  readonly fsid: readonly [number, number];
  /** Seconds and nanoseconds of the last commit. */
  readonly time: number;
  readonly timeNsec: number;
  readonly head: number;
  readonly tail: number;
  readonly circOff: number;
  readonly circSize: number;
}

/** The header in a block of the log; undefined: there is none, or one that makes no sense for a log of `logBytes`. */
export function parseHeader(b: Uint8Array, logBytes: number): LogHeader | undefined {
  if (b.length < LOG_BSIZE) return undefined;
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const le = view.getUint32(0, true) === WC_HEADER;
  if (!le && view.getUint32(0) !== WC_HEADER) return undefined;
  const n64 = (off: number): number => get64(view, off, le);
  const h: LogHeader = {
    le,
    generation: view.getUint32(12, le),
    fsid: [view.getInt32(16, le), view.getInt32(20, le)],
    time: n64(24),
    timeNsec: view.getUint32(32, le),
    head: n64(48),
    tail: n64(56),
    circOff: n64(64),
    circSize: n64(72),
  };
  const end = h.circOff + h.circSize;
  const within = (off: number): boolean => off === 0 || (off >= h.circOff && off < end && off % LOG_BSIZE === 0);
  // The unit of copies is the writer's own matter: their lengths and places are in bytes and sectors.
  const unit = view.getUint32(44, le);
  if (view.getUint32(40, le) !== LOG_BSHIFT || unit < LOG_BSHIFT || unit > 16) return undefined;
  if (h.circOff < HEADER_BLOCKS * LOG_BSIZE || h.circOff % LOG_BSIZE !== 0 || h.circSize <= 0 || h.circSize % LOG_BSIZE !== 0 || !(end <= logBytes)) return undefined;
  if (!within(h.head) || !within(h.tail) || (h.head === 0) !== (h.tail === 0)) return undefined;
  return h;
}

/** A block with a header. */
export function emitHeader(h: LogHeader): Uint8Array {
  const b = new Uint8Array(LOG_BSIZE);
  const view = new DataView(b.buffer);
  const { le } = h;
  view.setUint32(0, WC_HEADER, le);
  view.setInt32(4, LOG_BSIZE, le);
  view.setUint32(12, h.generation, le);
  view.setInt32(16, h.fsid[0], le);
  view.setInt32(20, h.fsid[1], le);
  set64(view, 24, h.time, le);
  view.setUint32(32, h.timeNsec, le);
  view.setUint32(40, LOG_BSHIFT, le);
  view.setUint32(44, LOG_BSHIFT, le);
  set64(view, 48, h.head, le);
  set64(view, 56, h.tail, le);
  set64(view, 64, h.circOff, le);
  set64(view, 72, h.circSize, le);
  return b;
}

/** The first two blocks of a log of `len` bytes in which there is nothing; their generations come after `generation`. */
export function emitEmptyLog(len: number, le: boolean, fsid: readonly [number, number], generation: number): Uint8Array {
  const b = new Uint8Array(HEADER_BLOCKS * LOG_BSIZE);
  const circSize = (Math.floor(len / LOG_BSIZE) - HEADER_BLOCKS) * LOG_BSIZE;
  for (const next of [generation + 1, generation + 2]) {
    const h: LogHeader = { le, generation: next >>> 0, fsid, time: 0, timeNsec: 0, head: 0, tail: 0, circOff: b.length, circSize };
    b.set(emitHeader(h), (next % 2) * LOG_BSIZE);
  }
  return b;
}

/** Of a record with blocks, or that revokes some: where each is on the device, in sectors of 512 bytes, and its bytes. */
export interface BlockEntry {
  readonly daddr: number;
  readonly len: number;
}

/** The entries of such a record; undefined: it makes no sense. */
export function parseBlockList(b: Uint8Array, le: boolean): BlockEntry[] | undefined {
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const count = view.getInt32(8, le);
  if (count < 0 || count > BLOCKS_PER_RECORD) return undefined;
  const list: BlockEntry[] = [];
  for (let i = 0; i < count; i++) {
    const daddr = get64(view, 16 + 16 * i, le);
    const len = view.getInt32(28 + 16 * i, le);
    if (!Number.isSafeInteger(daddr) || daddr < 0 || len <= 0 || len > 65536 || len % LOG_BSIZE !== 0) return undefined;
    list.push({ daddr, len });
  }
  return list;
}

/** The first block of a record of `type` with at most BLOCKS_PER_RECORD entries; their bytes follow it, if it has blocks. */
export function emitBlockList(type: number, list: readonly BlockEntry[], le: boolean): Uint8Array {
  const b = new Uint8Array(LOG_BSIZE);
  const view = new DataView(b.buffer);
  let len = LOG_BSIZE;
  for (const [i, e] of list.entries()) {
    set64(view, 16 + 16 * i, e.daddr, le);
    view.setInt32(28 + 16 * i, e.len, le);
    if (type === WC_BLOCKS) len += e.len;
  }
  view.setUint32(0, type, le);
  view.setInt32(4, len, le);
  view.setInt32(8, list.length, le);
  return b;
}

/** An inode without a name that is still there: its number and mode. */
export type UnlinkedInode = readonly [number, number];

export interface InodeList {
  /** What was listed before is void. */
  readonly clear: boolean;
  readonly inodes: readonly UnlinkedInode[];
}

export function parseInodeList(b: Uint8Array, le: boolean): InodeList | undefined {
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const count = view.getInt32(8, le);
  if (count < 0 || count > INODES_PER_RECORD) return undefined;
  const inodes: UnlinkedInode[] = [];
  for (let i = 0; i < count; i++) inodes.push([view.getUint32(16 + 8 * i, le), view.getUint32(20 + 8 * i, le)]);
  return { clear: view.getInt32(12, le) !== 0, inodes };
}

export function emitInodeList(list: InodeList, le: boolean): Uint8Array {
  const b = new Uint8Array(LOG_BSIZE);
  const view = new DataView(b.buffer);
  view.setUint32(0, WC_INODES, le);
  view.setInt32(4, LOG_BSIZE, le);
  view.setInt32(8, list.inodes.length, le);
  view.setInt32(12, list.clear ? 1 : 0, le);
  for (const [i, [ino, mode]] of list.inodes.entries()) {
    view.setUint32(16 + 8 * i, ino, le);
    view.setUint32(20 + 8 * i, mode, le);
  }
  return b;
}
