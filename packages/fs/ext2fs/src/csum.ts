/**
 * Checksums of metadata: of what the features `metadata_csum` and `uninit_bg` protect.
 *
 * Buffers carry a tag that says what is in them. They are sealed just before they are written, to the log or home, and verified when they are read for the
 * first time. Bitmaps have their sums in the group descriptors, which are sealed after them, and the superblock comes last.
 *
 * Source: the documentation of the ext4 disk format, "Checksums": CRC-32C without inversions, chained from the seed of the file system, that of an inode
 * (seed, number, generation), and so on; CRC-16 of the UUID for the descriptors of `uninit_bg`.
 */
import { crc16, crc32cUpdate, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import type { Buf } from '@anykernel/rumpvfs';
import {
  DI_CSUM, DI_CSUM_HIGH, DI_EXTRA, DI_GEN, DI_OLD_LEN, GD_BBMAP_CSUM, GD_BBMAP_CSUM_HIGH, GD_CSUM, GD_IBMAP_CSUM, GD_IBMAP_CSUM_HIGH, INCOMPAT_CSUM_SEED,
  ROCOMPAT_GDT_CSUM, ROCOMPAT_METADATA_CSUM, SB_CSUM, SB_CSUM_SEED, SB_UUID, SUPER_LEN, type SuperInfo,
} from './ondisk.js';

/** What a block holds. */
export const T_INODES = 1;
export const T_BBMAP = 2;
export const T_IBMAP = 3;
export const T_GD = 4;
export const T_SUPER = 5;
export const T_DIR = 6;
export const T_HTREE = 7;
export const T_EXTENTS = 8;
export const T_XATTR = 9;
export const T_ORPHANS = 10;

/** The tag of a buffer. */
export class Tag {
  /** Of T_INODES and T_GD: which of the records in the block have changed. */
  mask = 0;
  constructor(
    readonly kind: number,
    /** The inode whose block it is, or the first one in it; the group of a bitmap; the first group of descriptors. */
    readonly owner: number,
    /** The seed of that inode. */
    readonly seed: number,
  ) {}
}

/** The tag of `bp`, if it says that it is this. */
export function tagOf(bp: Buf, kind: number, owner: number): Tag | undefined {
  const tag = bp.tag as Tag | undefined;
  return tag !== undefined && tag.kind === kind && tag.owner === owner ? tag : undefined;
}

const WORD = new Uint8Array(8);

/** The register after a number of 32 bits, little-endian. */
function crcWord(register: number, value: number): number {
  putU32le(WORD, 0, value);
  return crc32cUpdate(register, WORD, 0, 4);
}

/** The register after bytes from..to - 1, of which those of [hole, hole + len) count as zero. */
function crcWithout(register: number, b: Uint8Array, from: number, to: number, hole: number, len: number): number {
  putU32le(WORD, 0, 0);
  const mid = crc32cUpdate(crc32cUpdate(register, b, from, hole), WORD, 0, len);
  return crc32cUpdate(mid, b, hole + len, to);
}

/** The tail of a directory block: an entry without a name of type 0xde, and the sum. */
export const DIR_TAIL_LEN = 12;
const DIR_TAIL_TYPE = 0xde;

/** Where the counts of a block of a hash tree stand: behind the dots and the information of the root, or behind the empty entry of a node. */
export function htreeCountOff(b: Uint8Array): number {
  return getU16le(b, 4) === b.length ? 8 : 32;
}

export class Checksums {
  /** Everything has one. */
  readonly on: boolean;
  /** Only group descriptors have. */
  readonly #gdtOnly: boolean;
  readonly seed: number;
  readonly #uuidCrc16: number;
  readonly #info: SuperInfo;

  constructor(info: SuperInfo, sb: Uint8Array) {
    this.#info = info;
    this.on = (info.rocompat & ROCOMPAT_METADATA_CSUM) !== 0;
    this.#gdtOnly = !this.on && (info.rocompat & ROCOMPAT_GDT_CSUM) !== 0;
    this.seed = (info.incompat & INCOMPAT_CSUM_SEED) !== 0 ? getU32le(sb, SB_CSUM_SEED) : crc32cUpdate(0xffffffff, sb, SB_UUID, SB_UUID + 16);
    this.#uuidCrc16 = crc16(0xffff, sb, SB_UUID, SB_UUID + 16);
  }

  /** Group descriptors have sums, and say which groups were never used. */
  get groups(): boolean {
    return this.on || this.#gdtOnly;
  }

  inodeSeed(ino: number, generation: number): number {
    return crcWord(crcWord(this.seed, ino), generation);
  }

  // -- one by one; each gives what the sum should be

  super(b: Uint8Array, off: number): number {
    return crc32cUpdate(0xffffffff, b, off, off + SB_CSUM);
  }

  group(b: Uint8Array, off: number, g: number): number {
    const end = off + this.#info.descSize;
    if (this.on) return crcWithout(crcWord(this.seed, g), b, off, end, off + GD_CSUM, 2) & 0xffff;
    putU32le(WORD, 0, g);
    const first = crc16(crc16(this.#uuidCrc16, WORD, 0, 4), b, off, off + GD_CSUM);
    return crc16(first, b, off + GD_CSUM + 2, end);
  }

  inode(b: Uint8Array, off: number, ino: number): number {
    const seed = this.inodeSeed(ino, getU32le(b, off + DI_GEN));
    const end = off + this.#info.inodeSize;
    const first = crcWithout(seed, b, off, off + DI_OLD_LEN, off + DI_CSUM, 2);
    if (this.#info.inodeSize === DI_OLD_LEN) return first;
    if (!hasHighSum(b, off)) return crc32cUpdate(first, b, off + DI_OLD_LEN, end);
    return crcWithout(first, b, off + DI_OLD_LEN, end, off + DI_CSUM_HIGH, 2);
  }

  dir(b: Uint8Array, seed: number): number {
    return crc32cUpdate(seed, b, 0, b.length - DIR_TAIL_LEN);
  }

  htree(b: Uint8Array, seed: number): number {
    const at = htreeCountOff(b);
    const limit = getU16le(b, at);
    const count = getU16le(b, at + 2);
    const tail = at + 8 * limit;
    if (count > limit || tail + 8 > b.length) return -1;
    return crcWord(crc32cUpdate(crc32cUpdate(seed, b, 0, at + 8 * count), b, tail, tail + 4), 0);
  }

  extents(b: Uint8Array, seed: number): number {
    return crc32cUpdate(seed, b, 0, 12 + 12 * getU16le(b, 4));
  }

  xattr(b: Uint8Array, blkno: number): number {
    const seed = crcWord(crcWord(this.seed, blkno % 0x1_0000_0000), Math.floor(blkno / 0x1_0000_0000));
    return crcWithout(seed, b, 0, b.length, 16, 4);
  }

  orphans(b: Uint8Array, blkno: number, seed: number): number {
    const first = crcWord(crcWord(seed, blkno % 0x1_0000_0000), Math.floor(blkno / 0x1_0000_0000));
    return crc32cUpdate(first, b, 0, b.length - 8);
  }

  // -- in blocks

  /** Whether the inode at `off` has the right sum. */
  inodeHolds(b: Uint8Array, off: number, ino: number): boolean {
    if (!this.on) return true;
    const want = this.inode(b, off, ino);
    const high = this.#info.inodeSize > DI_OLD_LEN && hasHighSum(b, off);
    return getU16le(b, off + DI_CSUM) === (want & 0xffff) && (!high || getU16le(b, off + DI_CSUM_HIGH) === want >>> 16);
  }

  sealInode(b: Uint8Array, off: number, ino: number): void {
    const sum = this.inode(b, off, ino);
    putU16le(b, off + DI_CSUM, sum & 0xffff);
    if (this.#info.inodeSize > DI_OLD_LEN && hasHighSum(b, off)) putU16le(b, off + DI_CSUM_HIGH, sum >>> 16);
  }

  groupHolds(b: Uint8Array, off: number, g: number): boolean {
    return !this.groups || getU16le(b, off + GD_CSUM) === this.group(b, off, g);
  }

  /** Where a block has its sum, and what that should be; undefined: it has none. */
  #sumOf(b: Uint8Array, tag: Tag, blkno: number): readonly [number, number] | undefined {
    switch (tag.kind) {
      case T_DIR:
        return [b.length - 4, this.dir(b, tag.seed)];
      case T_HTREE: {
        const at = htreeCountOff(b);
        return [at + 8 * getU16le(b, at) + 4, this.htree(b, tag.seed)];
      }
      case T_EXTENTS:
        return [12 + 12 * getU16le(b, 4), this.extents(b, tag.seed)];
      case T_XATTR:
        return [16, this.xattr(b, blkno)];
      case T_ORPHANS:
        return [b.length - 4, this.orphans(b, blkno, tag.seed)];
      default:
        return undefined;
    }
  }

  /** Whether a block of a file has the right sum. Without checksums, always. */
  holds(bp: Buf, tag: Tag): boolean {
    if (!this.on) return true;
    const b = bp.data;
    if (tag.kind === T_DIR && !hasDirTail(b)) return false;
    if (tag.kind === T_EXTENTS && 16 + 12 * getU16le(b, 4) > b.length) return false;
    const sum = this.#sumOf(b, tag, bp.blkno);
    return sum === undefined || (sum[1] >= 0 && sum[0] + 4 <= b.length && getU32le(b, sum[0]) === sum[1]);
  }

  sealBlock(bp: Buf, tag: Tag): void {
    const b = bp.data;
    const sum = this.#sumOf(b, tag, bp.blkno);
    if (sum !== undefined && sum[1] >= 0) putU32le(b, sum[0], sum[1]);
  }

  /** Puts the sum of a bitmap into the descriptor at `off` of `gd`. */
  sealBitmap(map: Uint8Array, kind: number, gd: Uint8Array, off: number): void {
    const len = (kind === T_BBMAP ? this.#info.blocksPerGroup : this.#info.inodesPerGroup) >> 3;
    const sum = crc32cUpdate(this.seed, map, 0, len);
    putU16le(gd, off + (kind === T_BBMAP ? GD_BBMAP_CSUM : GD_IBMAP_CSUM), sum & 0xffff);
    if (this.#info.descSize >= 64) putU16le(gd, off + (kind === T_BBMAP ? GD_BBMAP_CSUM_HIGH : GD_IBMAP_CSUM_HIGH), sum >>> 16);
  }

  bitmapHolds(map: Uint8Array, kind: number, gd: Uint8Array, off: number): boolean {
    if (!this.on) return true;
    const len = (kind === T_BBMAP ? this.#info.blocksPerGroup : this.#info.inodesPerGroup) >> 3;
    const sum = crc32cUpdate(this.seed, map, 0, len);
    if (getU16le(gd, off + (kind === T_BBMAP ? GD_BBMAP_CSUM : GD_IBMAP_CSUM)) !== (sum & 0xffff)) return false;
    return this.#info.descSize < 64 || getU16le(gd, off + (kind === T_BBMAP ? GD_BBMAP_CSUM_HIGH : GD_IBMAP_CSUM_HIGH)) === sum >>> 16;
  }

  sealGroup(b: Uint8Array, off: number, g: number): void {
    putU16le(b, off + GD_CSUM, this.group(b, off, g));
  }

  sealSuper(b: Uint8Array, off: number): void {
    putU32le(b, off + SB_CSUM, this.super(b, off));
  }

  superHolds(b: Uint8Array, off: number): boolean {
    return !this.on || (off + SUPER_LEN <= b.length && getU32le(b, off + SB_CSUM) === this.super(b, off));
  }
}

/** Whether the inode has the upper half of its sum. */
function hasHighSum(b: Uint8Array, off: number): boolean {
  return getU16le(b, off + DI_EXTRA) >= DI_CSUM_HIGH + 2 - DI_OLD_LEN;
}

/** Whether a directory block ends as one with a sum does. */
export function hasDirTail(b: Uint8Array): boolean {
  const at = b.length - DIR_TAIL_LEN;
  return getU32le(b, at) === 0 && getU16le(b, at + 4) === DIR_TAIL_LEN && b[at + 6] === 0 && b[at + 7] === DIR_TAIL_TYPE;
}

/** The end of a new directory block; the sum comes when it is written. */
export function putDirTail(b: Uint8Array): void {
  const at = b.length - DIR_TAIL_LEN;
  putU32le(b, at, 0);
  putU16le(b, at + 4, DIR_TAIL_LEN);
  b[at + 6] = 0;
  b[at + 7] = DIR_TAIL_TYPE;
  putU32le(b, at + 8, 0);
}
