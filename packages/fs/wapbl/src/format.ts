/**
 * How transactions look in the log: records with the blocks that changed, with those that are revoked, with the inodes that have lost their name; then, when all of
 * that is on stable storage, the header with the new head.
 */
import type { LogFormat, LogPlace, LogTransaction, LogWrite } from '@anykernel/rumpvfs';
import {
  BLOCKS_PER_RECORD, type BlockEntry, HEADER_BLOCKS, INODES_PER_RECORD, LOG_BSIZE, type LogHeader, type UnlinkedInode, WC_BLOCKS, WC_REVOCATIONS, emitBlockList, emitHeader,
  emitInodeList,
} from './ondisk.js';

/** What the log belongs to. */
export interface WapblOptions {
  readonly le: boolean;
  /** Where the log is on the device, and its length: bytes. */
  readonly off: number;
  readonly len: number;
  /** Bytes of a buffer. */
  readonly bsize: number;
  readonly fsid: readonly [number, number];
  /** The generation that the log has on disk. */
  readonly generation: number;
  /** Seconds and nanoseconds. */
  now(): { readonly sec: number; readonly nsec: number };
  /** Inodes that have no name and are still there. */
  unlinked(): Iterable<UnlinkedInode>;
  readonly unlinkedCount: () => number;
}

const CIRC_OFF = HEADER_BLOCKS * LOG_BSIZE;

export class WapblFormat implements LogFormat {
  readonly length: number;
  readonly #o: WapblOptions;
  readonly #sectors: number;
  #generation: number;

  constructor(options: WapblOptions) {
    this.#o = options;
    this.length = Math.floor(options.len / LOG_BSIZE) - HEADER_BLOCKS;
    this.#sectors = options.bsize / LOG_BSIZE;
    this.#generation = options.generation;
  }

  need(count: number, freed: number): number {
    const records = Math.ceil(count / BLOCKS_PER_RECORD) + Math.ceil(freed / BLOCKS_PER_RECORD);
    return records + count * this.#sectors + Math.max(1, Math.ceil(this.#o.unlinkedCount() / INODES_PER_RECORD));
  }

  emit(t: LogTransaction): { readonly phases: readonly (readonly LogWrite[])[]; readonly next: number } {
    const pieces: Uint8Array[] = [];
    this.#blocks(t, pieces);
    this.#revocations(t, pieces);
    this.#inodes(pieces);
    let blocks = 0;
    for (const piece of pieces) blocks += piece.length / LOG_BSIZE;
    const next = (t.pos + blocks) % this.length;
    return { phases: [this.#place(t.pos, pieces), [this.#header(t.oldest.pos, next)]], next };
  }

  tail(oldest: LogPlace | undefined, next: LogPlace): readonly LogWrite[] {
    return [oldest === undefined || oldest.pos === next.pos ? this.#write(0, 0) : this.#header(oldest.pos, next.pos)];
  }

  #blocks(t: LogTransaction, pieces: Uint8Array[]): void {
    const { le } = this.#o;
    for (let i = 0; i < t.bufs.length; i += BLOCKS_PER_RECORD) {
      const bufs = t.bufs.slice(i, i + BLOCKS_PER_RECORD);
      pieces.push(emitBlockList(WC_BLOCKS, bufs.map((bp) => this.#entry(bp.blkno)), le));
      for (const bp of bufs) pieces.push(bp.data);
    }
  }

  #revocations(t: LogTransaction, pieces: Uint8Array[]): void {
    for (let i = 0; i < t.freed.length; i += BLOCKS_PER_RECORD) {
      pieces.push(emitBlockList(WC_REVOCATIONS, t.freed.slice(i, i + BLOCKS_PER_RECORD).map((blkno) => this.#entry(blkno)), this.#o.le));
    }
  }

  #inodes(pieces: Uint8Array[]): void {
    const all = [...this.#o.unlinked()];
    for (let i = 0; i === 0 || i < all.length; i += INODES_PER_RECORD) {
      pieces.push(emitInodeList({ clear: i === 0, inodes: all.slice(i, i + INODES_PER_RECORD) }, this.#o.le));
    }
  }

  #entry(blkno: number): BlockEntry {
    return { daddr: blkno * this.#sectors, len: this.#o.bsize };
  }

  /** The writes that put pieces at block `pos` of the ring and round its end. */
  #place(pos: number, pieces: readonly Uint8Array[]): LogWrite[] {
    const start = this.#o.off + CIRC_OFF;
    const room = (this.length - pos) * LOG_BSIZE;
    const before: Uint8Array[] = [];
    const behind: Uint8Array[] = [];
    let done = 0;
    for (const piece of pieces) {
      const n = Math.max(0, Math.min(piece.length, room - done));
      if (n > 0) before.push(piece.subarray(0, n));
      if (n < piece.length) behind.push(piece.subarray(n));
      done += piece.length;
    }
    const writes = [{ off: start + pos * LOG_BSIZE, data: before }];
    if (behind.length > 0) writes.push({ off: start, data: behind });
    return writes;
  }

  #header(tail: number, head: number): LogWrite {
    return this.#write(CIRC_OFF + tail * LOG_BSIZE, CIRC_OFF + head * LOG_BSIZE);
  }

  #write(tail: number, head: number): LogWrite {
    const { off, le, fsid } = this.#o;
    this.#generation = (this.#generation + 1) >>> 0;
    const { sec, nsec } = this.#o.now();
    const h: LogHeader = { le, generation: this.#generation, fsid, time: sec, timeNsec: nsec, head, tail, circOff: CIRC_OFF, circSize: this.length * LOG_BSIZE };
    return { off: off + (this.#generation % 2) * LOG_BSIZE, data: [emitHeader(h)] };
  }
}
