/**
 * How the journal looks on disk. Pure; all numbers are big-endian.
 *
 * Every block of the journal's own begins with a magic number, its kind and the number of its transaction. A transaction is descriptor blocks, each followed by
 * the blocks that its tags name, revoke blocks, and a commit block. A block that begins with the magic number itself is written with zeros there, and its
 * tag says so.
 *
 * Source: the kernel's documentation of the ext4 disk format, "Journal (jbd2)".
 */
import { crc32cUpdate, getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';

export const JBD2_MAGIC = 0xc03b3998;
export const B_DESCRIPTOR = 1;
export const B_COMMIT = 2;
export const B_SUPER_V1 = 3;
export const B_SUPER_V2 = 4;
export const B_REVOKE = 5;
export const HEADER_LEN = 12;

export const COMPAT_CHECKSUM = 0x1;
export const INCOMPAT_REVOKE = 0x1;
export const INCOMPAT_64BIT = 0x2;
export const INCOMPAT_ASYNC_COMMIT = 0x4;
export const INCOMPAT_CSUM_V2 = 0x8;
export const INCOMPAT_CSUM_V3 = 0x10;
export const INCOMPAT_FAST_COMMIT = 0x20;
export const INCOMPAT_KNOWN: number =
  INCOMPAT_REVOKE | INCOMPAT_64BIT | INCOMPAT_ASYNC_COMMIT | INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3 | INCOMPAT_FAST_COMMIT;

// Offsets in the superblock.
export const JS_BSIZE = 12;
export const JS_MAXLEN = 16;
export const JS_FIRST = 20;
export const JS_SEQUENCE = 24;
export const JS_START = 28;
export const JS_ERRNO = 32;
export const JS_COMPAT = 36;
export const JS_INCOMPAT = 40;
export const JS_UUID = 48;
export const JS_NR_USERS = 64;
export const JS_CSUM_TYPE = 80;
export const JS_FC_BLOCKS = 84;
export const JS_HEAD = 88;
export const JS_CSUM = 252;
export const JS_LEN = 1024;
/** JS_CSUM_TYPE. */
export const CSUM_CRC32C = 4;
/** Fast commit blocks where the superblock does not say how many. */
const FC_BLOCKS_DEFAULT = 256;

/** What a journal's superblock says, checked. */
export interface JournalSuper {
  readonly version: 1 | 2;
  readonly bsize: number;
  /** Blocks, the superblock among them. */
  readonly maxlen: number;
  /** The first block of the log, and how many the ring has. */
  readonly first: number;
  readonly length: number;
  /** Blocks behind the ring that are for fast commits. */
  readonly fastBlocks: number;
  /** The transaction that recovery expects first, and where; 0: there is nothing to recover. */
  readonly sequence: number;
  readonly start: number;
  readonly errno: number;
  readonly compat: number;
  readonly incompat: number;
  /** Seed of checksums; only with those of version 2 or 3. */
  readonly seed: number;
}

/** Takes a superblock apart; a string says what is wrong with it. `blocks`: the blocks that the journal has. */
export function parseJournalSuper(b: Uint8Array, blocks: number): JournalSuper | string {
  if (b.length < JS_LEN || getU32be(b, 0) !== JBD2_MAGIC) return 'there is no journal';
  const kind = getU32be(b, 4);
  if (kind !== B_SUPER_V1 && kind !== B_SUPER_V2) return `its first block is of kind ${kind}`;
  const v2 = kind === B_SUPER_V2;
  const incompat = v2 ? getU32be(b, JS_INCOMPAT) : 0;
  if ((incompat & ~INCOMPAT_KNOWN) !== 0) return `it needs features that are not supported: 0x${(incompat & ~INCOMPAT_KNOWN).toString(16)}`;
  const sums = (incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3)) !== 0;
  if (sums && b[JS_CSUM_TYPE] !== CSUM_CRC32C) return `its checksums are of type ${b[JS_CSUM_TYPE]}`;
  if (sums && getU32be(b, JS_CSUM) !== superSum(b)) return 'its superblock has a wrong checksum';
  const maxlen = getU32be(b, JS_MAXLEN);
  const first = getU32be(b, JS_FIRST);
  const fastBlocks = (incompat & INCOMPAT_FAST_COMMIT) === 0 ? 0 : getU32be(b, JS_FC_BLOCKS) || FC_BLOCKS_DEFAULT;
  const length = maxlen - first - fastBlocks;
  const start = getU32be(b, JS_START);
  if (maxlen > blocks) return `it has ${maxlen} blocks, and its file ${blocks}`;
  if (first < 1 || length < 8) return `its log has ${length} blocks from ${first} on`;
  if (start !== 0 && (start < first || start >= first + length)) return `its log begins at block ${start}`;
  return {
    version: v2 ? 2 : 1,
    bsize: getU32be(b, JS_BSIZE),
    maxlen, first, length, fastBlocks,
    sequence: getU32be(b, JS_SEQUENCE),
    start,
    errno: getU32be(b, JS_ERRNO),
    compat: v2 ? getU32be(b, JS_COMPAT) : 0,
    incompat,
    seed: crc32cUpdate(0xffffffff, b, JS_UUID, JS_UUID + 16),
  };
}

const ZERO4 = new Uint8Array(4);

/** The register of CRC-32C over a block in which the four bytes at `hole` count as zero. */
function sumWithout(register: number, b: Uint8Array, hole: number, end: number): number {
  return crc32cUpdate(crc32cUpdate(crc32cUpdate(register, b, 0, hole), ZERO4), b, hole + 4, end);
}

function superSum(b: Uint8Array): number {
  return sumWithout(0xffffffff, b, JS_CSUM, JS_LEN);
}

/** Seals the superblock, in place. */
export function sealSuper(b: Uint8Array, s: JournalSuper): void {
  if (hasSums(s)) putU32be(b, JS_CSUM, superSum(b));
}

/** Blocks have checksums of version 2 or 3. */
export function hasSums(s: JournalSuper): boolean {
  return (s.incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3)) !== 0;
}

/** Kind of a block that belongs to transaction `tid`; 0: it does not, or is none of the journal's. */
export function kindOf(b: Uint8Array, tid: number): number {
  return getU32be(b, 0) === JBD2_MAGIC && getU32be(b, 8) === tid ? getU32be(b, 4) : 0;
}

export function putHeader(b: Uint8Array, kind: number, tid: number): void {
  putU32be(b, 0, JBD2_MAGIC);
  putU32be(b, 4, kind);
  putU32be(b, 8, tid);
}

/** Descriptors and revoke blocks have their sum in the last four bytes. */
export function tailHolds(b: Uint8Array, s: JournalSuper): boolean {
  return !hasSums(s) || getU32be(b, b.length - 4) === sumWithout(s.seed, b, b.length - 4, b.length);
}
export function sealTail(b: Uint8Array, s: JournalSuper): void {
  if (hasSums(s)) putU32be(b, b.length - 4, sumWithout(s.seed, b, b.length - 4, b.length));
}

/** In a commit block: type of the sum of all blocks (version 1), its length; the sum; the time. */
export const CB_TYPE = 12;
export const CB_SIZE = 13;
export const CB_SUM = 16;

export function commitHolds(b: Uint8Array, s: JournalSuper): boolean {
  return !hasSums(s) || getU32be(b, CB_SUM) === sumWithout(s.seed, b, CB_SUM, b.length);
}
export function sealCommit(b: Uint8Array, s: JournalSuper): void {
  if (hasSums(s)) putU32be(b, CB_SUM, sumWithout(s.seed, b, CB_SUM, b.length));
}

/** The sum of a block in the log, as its tag has it. */
export function blockSum(b: Uint8Array, tid: number, s: JournalSuper): number {
  const seq = new Uint8Array(4);
  putU32be(seq, 0, tid);
  return crc32cUpdate(crc32cUpdate(s.seed, seq), b);
}

// -- tags

export const TAG_ESCAPED = 1;
export const TAG_SAME_UUID = 2;
export const TAG_DELETED = 4;
export const TAG_LAST = 8;
const UUID_LEN = 16;

/** A block that a descriptor names. */
export interface JournalTag {
  readonly blkno: number;
  readonly flags: number;
  /** What there is of its checksum: 32 bits, the lower 16, or 0. */
  readonly sum: number;
}

/** Bytes of a tag. */
export function tagLen(s: JournalSuper): number {
  if ((s.incompat & INCOMPAT_CSUM_V3) !== 0) return 16;
  return 8 + ((s.incompat & INCOMPAT_CSUM_V2) !== 0 ? 2 : 0) + ((s.incompat & INCOMPAT_64BIT) !== 0 ? 4 : 0);
}

function wide(s: JournalSuper): boolean {
  return (s.incompat & INCOMPAT_64BIT) !== 0;
}

/** The tags of a descriptor block. */
export function parseTags(b: Uint8Array, s: JournalSuper): JournalTag[] {
  const tags: JournalTag[] = [];
  const len = tagLen(s);
  const end = b.length - (hasSums(s) ? 4 : 0);
  const v3 = (s.incompat & INCOMPAT_CSUM_V3) !== 0;
  for (let at = HEADER_LEN; at + len <= end; ) {
    const flags = v3 ? getU32be(b, at + 4) : getU16be(b, at + 6);
    const high = wide(s) ? getU32be(b, at + 8) : 0;
    tags.push({ blkno: getU32be(b, at) + high * 0x1_0000_0000, flags, sum: v3 ? getU32be(b, at + 12) : getU16be(b, at + 4) });
    if ((flags & TAG_LAST) !== 0) break;
    at += len + ((flags & TAG_SAME_UUID) === 0 ? UUID_LEN : 0);
  }
  return tags;
}

/** How many tags a descriptor has room for. */
export function tagsPerBlock(s: JournalSuper, bsize: number): number {
  return Math.floor((bsize - HEADER_LEN - UUID_LEN - (hasSums(s) ? 4 : 0)) / tagLen(s));
}

/** A descriptor block, in place; `b` is zero. */
export function emitTags(b: Uint8Array, s: JournalSuper, tid: number, tags: readonly JournalTag[]): void {
  putHeader(b, B_DESCRIPTOR, tid);
  const v3 = (s.incompat & INCOMPAT_CSUM_V3) !== 0;
  let at = HEADER_LEN;
  for (const [i, tag] of tags.entries()) {
    const flags = tag.flags | (i > 0 ? TAG_SAME_UUID : 0) | (i === tags.length - 1 ? TAG_LAST : 0);
    putU32be(b, at, tag.blkno % 0x1_0000_0000);
    if (v3) {
      putU32be(b, at + 4, flags);
      putU32be(b, at + 12, tag.sum);
    } else {
      putU16be(b, at + 4, (s.incompat & INCOMPAT_CSUM_V2) !== 0 ? tag.sum & 0xffff : 0);
      putU16be(b, at + 6, flags);
    }
    if (wide(s)) putU32be(b, at + 8, Math.floor(tag.blkno / 0x1_0000_0000));
    at += tagLen(s) + (i === 0 ? UUID_LEN : 0);
  }
  sealTail(b, s);
}

/** Whether what the tag says of the block's checksum is right. */
export function tagHolds(tag: JournalTag, b: Uint8Array, tid: number, s: JournalSuper): boolean {
  if ((s.incompat & INCOMPAT_CSUM_V3) !== 0) return tag.sum === blockSum(b, tid, s);
  return (s.incompat & INCOMPAT_CSUM_V2) === 0 || tag.sum === (blockSum(b, tid, s) & 0xffff);
}

// -- revoked blocks

const REVOKE_HEADER = 16;

/** The blocks of a revoke block; undefined: its length makes no sense. */
export function parseRevoked(b: Uint8Array, s: JournalSuper): number[] | undefined {
  const end = getU32be(b, HEADER_LEN);
  const len = wide(s) ? 8 : 4;
  if (end < REVOKE_HEADER || end > b.length - (hasSums(s) ? 4 : 0)) return undefined;
  const list: number[] = [];
  for (let at = REVOKE_HEADER; at + len <= end; at += len) list.push(len === 8 ? getU32be(b, at) * 0x1_0000_0000 + getU32be(b, at + 4) : getU32be(b, at));
  return list;
}

export function revokedPerBlock(s: JournalSuper, bsize: number): number {
  return Math.floor((bsize - REVOKE_HEADER - (hasSums(s) ? 4 : 0)) / (wide(s) ? 8 : 4));
}

/** A revoke block, in place; `b` is zero. */
export function emitRevoked(b: Uint8Array, s: JournalSuper, tid: number, list: readonly number[]): void {
  putHeader(b, B_REVOKE, tid);
  const len = wide(s) ? 8 : 4;
  putU32be(b, HEADER_LEN, REVOKE_HEADER + len * list.length);
  for (const [i, blkno] of list.entries()) {
    const at = REVOKE_HEADER + len * i;
    if (len === 8) putU32be(b, at, Math.floor(blkno / 0x1_0000_0000));
    putU32be(b, at + len - 4, blkno % 0x1_0000_0000);
  }
  sealTail(b, s);
}

// -- version 1 of the checksums: one for all blocks of a transaction

const CRC32_BE: Int32Array = /* @__PURE__ */ tableBe();

function tableBe(): Int32Array {
  const t = new Int32Array(256);
  for (let i = 0; i < 256; i++) {
    let crc = i << 24;
    for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ 0x04c11db7 : crc << 1;
    t[i] = crc;
  }
  return t;
}

/** The register of CRC-32, the most significant bit first, after these bytes. */
export function crc32be(register: number, b: Uint8Array): number {
  let crc = register | 0;
  for (let i = 0; i < b.length; i++) crc = (crc << 8) ^ CRC32_BE[((crc >>> 24) ^ b[i]!) & 0xff]!;
  return crc >>> 0;
}
