/**
 * The log as rumpvfs's journal writes it: how a transaction becomes blocks, and what the superblock says.
 *
 * A transaction: descriptors with the blocks that they name, sorted by their place, then revoke blocks; on stable storage before the commit block is written.
 */
import { getU32be, putU32be } from '@anykernel/lib-bytes';
import type { Buf, LogFormat, LogPlace, LogTransaction, LogWrite } from '@anykernel/rumpvfs';
import {
  B_COMMIT, B_SUPER_V2, COMPAT_CHECKSUM, CSUM_CRC32C, INCOMPAT_64BIT, INCOMPAT_CSUM_V2, INCOMPAT_CSUM_V3, INCOMPAT_REVOKE, JBD2_MAGIC, JS_COMPAT, JS_CSUM_TYPE, JS_ERRNO, JS_HEAD, JS_INCOMPAT,
  JS_SEQUENCE, JS_START, type JournalSuper,
  type JournalTag, TAG_ESCAPED, blockSum, emitRevoked, emitTags, hasSums, putHeader, revokedPerBlock, sealCommit, sealSuper, tagsPerBlock,
} from './ondisk.js';
import type { JournalPlace } from './place.js';

/** The longest transfer, in bytes. */
const RUN_MAX = 512 << 10;

export class Jbd2Log implements LogFormat {
  readonly length: number;
  readonly #place: JournalPlace;
  readonly #super: JournalSuper;
  /** The superblock's bytes. */
  readonly #sb: Uint8Array;
  readonly #tags: number;
  readonly #revoked: number;

  /**
   * Keeps `sb`, the first block of an empty journal, and changes it in place. `wide`: block numbers have more than 32 bits; `sums`: blocks get checksums
   * of version 3.
   */
  constructor(place: JournalPlace, sb: Uint8Array, info: JournalSuper, wide: boolean, sums: boolean) {
    this.#place = place;
    this.#sb = sb;
    // Revoked blocks are written as soon as there are some; older kernels must know.
    const kept = sums ? info.incompat & ~INCOMPAT_CSUM_V2 : info.incompat;
    const incompat = kept | INCOMPAT_REVOKE | (wide ? INCOMPAT_64BIT : 0) | (sums ? INCOMPAT_CSUM_V3 : 0);
    this.#super = { ...info, version: 2, compat: info.compat & ~COMPAT_CHECKSUM, incompat };
    putU32be(sb, JS_COMPAT, info.compat & ~COMPAT_CHECKSUM);
    putU32be(sb, 4, B_SUPER_V2);
    putU32be(sb, JS_INCOMPAT, incompat);
    if (sums) sb[JS_CSUM_TYPE] = CSUM_CRC32C;
    this.length = info.length;
    this.#tags = tagsPerBlock(this.#super, place.bsize);
    this.#revoked = revokedPerBlock(this.#super, place.bsize);
  }

  need(count: number, freed: number): number {
    return count + Math.ceil(count / this.#tags) + Math.ceil(freed / this.#revoked) + 1;
  }

  emit(t: LogTransaction): { readonly phases: readonly (readonly LogWrite[])[]; readonly next: number } {
    const blocks: Uint8Array[] = [];
    const bufs = [...t.bufs].sort((a, b) => a.blkno - b.blkno);
    for (let i = 0; i < bufs.length; i += this.#tags) this.#describe(bufs.slice(i, i + this.#tags), t.tid, blocks);
    for (let i = 0; i < t.freed.length; i += this.#revoked) {
      const b = new Uint8Array(this.#place.bsize);
      emitRevoked(b, this.#super, t.tid, t.freed.slice(i, i + this.#revoked));
      blocks.push(b);
    }
    const body = this.#writes(blocks, t.pos);
    const at = (t.pos + blocks.length) % this.length;
    return { phases: [body, this.#writes([this.#commit(t.tid)], at)], next: (at + 1) % this.length };
  }

  #describe(bufs: readonly Buf[], tid: number, blocks: Uint8Array[]): void {
    const b = new Uint8Array(this.#place.bsize);
    blocks.push(b);
    const tags: JournalTag[] = [];
    for (const bp of bufs) {
      const escaped = getU32be(bp.data, 0) === JBD2_MAGIC;
      const data = escaped ? bp.data.slice() : bp.data;
      if (escaped) putU32be(data, 0, 0);
      blocks.push(data);
      tags.push({ blkno: bp.blkno, flags: escaped ? TAG_ESCAPED : 0, sum: hasSums(this.#super) ? blockSum(data, tid, this.#super) : 0 });
    }
    emitTags(b, this.#super, tid, tags);
  }

  #commit(tid: number): Uint8Array {
    const b = new Uint8Array(this.#place.bsize);
    putHeader(b, B_COMMIT, tid);
    sealCommit(b, this.#super);
    return b;
  }

  /** The transfers that put `blocks` into the ring from `pos` on: neighbours on the device together. */
  #writes(blocks: readonly Uint8Array[], pos: number): LogWrite[] {
    const { bsize } = this.#place;
    const writes: { off: number; data: Uint8Array[] }[] = [];
    let end = -1;
    for (const [i, b] of blocks.entries()) {
      const off = this.#place.off(this.#super.first + ((pos + i) % this.length));
      const last = writes[writes.length - 1];
      if (off === end && last.data.length * bsize < RUN_MAX) last.data.push(b);
      else writes.push({ off, data: [b] });
      end = off + bsize;
    }
    return writes;
  }

  tail(oldest: LogPlace | undefined, next: LogPlace): readonly LogWrite[] {
    const sb = this.#sb;
    putU32be(sb, JS_SEQUENCE, oldest?.tid ?? next.tid);
    putU32be(sb, JS_START, oldest === undefined ? 0 : this.#super.first + oldest.pos);
    putU32be(sb, JS_HEAD, oldest === undefined ? this.#super.first + next.pos : 0);
    putU32be(sb, JS_ERRNO, 0);
    sealSuper(sb, this.#super);
    return [{ off: this.#place.off(0), data: [sb.slice()] }];
  }
}
