/**
 * What a check of an image knows, and what it has found: the state that its passes share.
 *
 * Nothing of the driver is in it but the formats. Changes are collected in memory, also where nothing is to be repaired (a journal that is to be
 * replayed): what is looked at is the image as it would be. Only a repair writes them, at its end.
 */
import { bitSetRange, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { Checksums } from '../csum.js';
import {
  BG_INODE_UNINIT, DI_BLOCKS, DI_BLOCKS_HIGH, DI_DTIME, DI_FLAGS, DI_GEN, DI_NLINK, DI_MODE, DI_OLD_LEN, DI_SIZE, DI_SIZE_HIGH, FIRST_INO_REV0, FL_HUGE_FILE, GD_FLAGS,
  GD_ITABLE_UNUSED, GD_ITABLE_UNUSED_HIGH, GD_LEN64, INCOMPAT_LARGE_DIR, ROCOMPAT_HUGE_FILE, SB_FIRST_INO, SB_INODE_SIZE, SB_REV, type SuperInfo,
} from '../ondisk.js';

/** The image. */
export interface FsckImage {
  /** Bytes. */
  readonly size: number;
  /** Throws where the device fails. */
  read(off: number, len: number): Uint8Array;
  write(off: number, data: Uint8Array): void;
}

export interface FsckOptions {
  /** Put right what can be. */
  readonly repair: boolean;
  /** Seconds since 1970. */
  readonly time: number;
}

export interface Problem {
  /** `inode 12: it has 3 links by its count, and 2 names`. */
  readonly what: string;
  /** It has been put right, or would be. */
  readonly fixed: boolean;
}

export interface FsckResult {
  readonly problems: readonly Problem[];
  /** What is no fault: a journal that was replayed, files that had no name any more. */
  readonly notes: readonly string[];
  /** Nothing is wrong (any more). */
  readonly clean: boolean;
  readonly files: number;
  readonly directories: number;
  readonly blocks: number;
  readonly usedBlocks: number;
}

/** It cannot be checked at all. */
export class Hopeless {
  constructor(readonly why: string) {}
}

const TWO32 = 0x1_0000_0000;
export const ROCOMPAT_SHARED_BLOCKS = 0x4000;
/** More of them are one fault again and again. */
const PROBLEMS_MAX = 2000;

/** What passes learn of an inode that is in use. */
export interface Found {
  readonly ino: number;
  readonly mode: number;
  /** A directory's blocks, in order. */
  blocks: number[];
}

export class Check {
  readonly image: FsckImage;
  readonly options: FsckOptions;
  readonly info: SuperInfo;
  readonly sums: Checksums;
  readonly bsize: number;
  readonly groups: number;
  readonly problems: Problem[] = [];
  readonly notes: string[] = [];
  /** Where each group has its bitmaps and table; 0: nobody knows. */
  readonly bbmap: number[] = [];
  readonly ibmap: number[] = [];
  readonly itable: number[] = [];
  /** Group descriptors, one after another. */
  gdt: Uint8Array = new Uint8Array(0);
  /** Blocks that hold the structure, and that are in use at all. */
  readonly structure: Uint8Array;
  readonly used: Uint8Array;
  readonly found = new Map<number, Found>();
  /** Names of each inode that were seen. */
  readonly links = new Map<number, number>();
  /** Inodes that end with this check: orphans. */
  readonly dying = new Set<number>();
  /** Attribute blocks, and inodes with a value: how many use each. */
  readonly xattrBlocks = new Map<number, number>();
  readonly values = new Map<number, number>();
  /** Of those, the ones that belong to one file and name it. */
  readonly owned = new Set<number>();
  /** The superblock, SUPER_LEN bytes. */
  readonly sb: Uint8Array;
  /** The journal was replayed. */
  recovered = false;
  /** Blocks that somebody claims, once that is known: what is made anew lies elsewhere. */
  readonly avoid: Uint8Array | undefined;
  /** Files may have blocks in common: nothing will be written. */
  readonly shares: boolean;
  /** A block was claimed that another has already. */
  conflicts = 0;
  /** Where the last copy was put: those before it are not free, or too few. */
  cursor = 1;
  /** The blocks of the inode that is being looked at, as far as it matters. */
  readonly mine = new Set<number>();
  /** A table of inodes got another place, and with it all is to be looked at again. */
  again = false;
  readonly #changed = new Map<number, Uint8Array>();

  constructor(image: FsckImage, options: FsckOptions, info: SuperInfo, sb: Uint8Array, avoid?: Uint8Array) {
    this.avoid = avoid;
    this.image = image;
    this.options = options;
    this.info = info;
    this.sb = sb;
    this.sums = new Checksums(info, sb);
    this.shares = (info.rocompat & ROCOMPAT_SHARED_BLOCKS) !== 0;
    this.bsize = 1 << info.bshift;
    this.groups = Math.ceil((info.blocks - info.firstData) / info.blocksPerGroup);
    this.structure = new Uint8Array(Math.ceil(info.blocks / 8));
    this.used = new Uint8Array(Math.ceil(info.blocks / 8));
    bitSetRange(this.structure, 0, info.firstData + 1);
  }

  /** Something is wrong. `fix` puts it right; without it, nothing here can. */
  problem(what: string, fix?: () => void): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ what, fixed: fix !== undefined && this.options.repair });
    // Without a repair too, what follows looks at the image as it would be.
    fix?.();
  }

  /** The superblock shall have the feature that something needs: `at` is where, SB_COMPAT or the like. */
  need(at: number, bit: number, why: string): void {
    if ((getU32le(this.sb, at) & bit) !== 0) return;
    this.problem(`${why}, and the superblock has no feature for that: now it has`, () => {
      putU32le(this.sb, at, (getU32le(this.sb, at) | bit) >>> 0);
      this.makeDynamic();
    });
  }

  /** Revision 0 has no features; the next one has two more fields for what was fixed in it. */
  makeDynamic(): void {
    if (getU32le(this.sb, SB_REV) > 0) return;
    putU32le(this.sb, SB_REV, 1);
    putU32le(this.sb, SB_FIRST_INO, FIRST_INO_REV0);
    putU16le(this.sb, SB_INODE_SIZE, DI_OLD_LEN);
  }

  // -- blocks

  /** The bytes of a block; to be changed only before changed(). */
  block(blkno: number): Uint8Array {
    return this.#changed.get(blkno) ?? this.image.read(blkno * this.bsize, this.bsize);
  }

  changed(blkno: number, b: Uint8Array): void {
    this.#changed.set(blkno, b);
  }

  /** Writes what was changed. */
  flush(): void {
    for (const [blkno, b] of this.#changed) this.image.write(blkno * this.bsize, b);
    this.#changed.clear();
  }

  /** Whether a file may have this block. */
  inReach(blkno: number): boolean {
    return blkno > this.info.firstData && blkno < this.info.blocks;
  }

  // -- groups

  groupStart(g: number): number {
    return this.info.firstData + g * this.info.blocksPerGroup;
  }
  groupLen(g: number): number {
    return Math.min(this.info.blocksPerGroup, this.info.blocks - this.groupStart(g));
  }
  gd(g: number): number {
    return g * this.info.descSize;
  }

  /** Inodes of a group that were ever used; the others are not looked at. */
  inodesIn(g: number): number {
    const ipg = this.info.inodesPerGroup;
    if (!this.sums.groups) return ipg;
    const at = this.gd(g);
    if ((getU16le(this.gdt, at + GD_FLAGS) & BG_INODE_UNINIT) !== 0) return 0;
    const unused = getU16le(this.gdt, at + GD_ITABLE_UNUSED) + (this.info.descSize >= GD_LEN64 ? getU16le(this.gdt, at + GD_ITABLE_UNUSED_HIGH) * 65536 : 0);
    return Math.max(0, ipg - unused);
  }
  /** The first `count` inodes of the group are looked at from now on. */
  setInodesIn(g: number, count: number): void {
    if (!this.sums.groups) return;
    const at = this.gd(g);
    const unused = this.info.inodesPerGroup - count;
    putU16le(this.gdt, at + GD_FLAGS, getU16le(this.gdt, at + GD_FLAGS) & ~BG_INODE_UNINIT);
    putU16le(this.gdt, at + GD_ITABLE_UNUSED, unused & 0xffff);
    if (this.info.descSize >= GD_LEN64) putU16le(this.gdt, at + GD_ITABLE_UNUSED_HIGH, unused >>> 16);
  }

  // -- inodes

  /** Where inode `ino` is: block and offset; undefined: its table is lost. */
  placeOf(ino: number): { readonly blkno: number; readonly off: number } | undefined {
    const { inodesPerGroup, inodeSize } = this.info;
    const g = Math.floor((ino - 1) / inodesPerGroup);
    const table = this.itable[g];
    if (!(ino >= 1) || table === undefined || table === 0) return undefined;
    const at = ((ino - 1) % inodesPerGroup) * inodeSize;
    return { blkno: table + Math.floor(at / this.bsize), off: at % this.bsize };
  }

  /** A copy of inode `ino`. */
  inode(ino: number): Uint8Array | undefined {
    const place = this.placeOf(ino);
    return place === undefined ? undefined : this.block(place.blkno).slice(place.off, place.off + this.info.inodeSize);
  }

  putInode(ino: number, bytes: Uint8Array): void {
    const place = this.placeOf(ino);
    if (place === undefined) return;
    if (this.sums.on) this.sums.sealInode(bytes, 0, ino);
    const b = this.block(place.blkno);
    b.set(bytes, place.off);
    this.changed(place.blkno, b);
  }

  /** Changes a field or two of an inode. */
  editInode(ino: number, edit: (b: Uint8Array) => void): void {
    const b = this.inode(ino);
    if (b === undefined) return;
    edit(b);
    this.putInode(ino, b);
  }

  seedOf(ino: number): number {
    const b = this.inode(ino);
    return b === undefined ? 0 : this.sums.inodeSeed(ino, getU32le(b, DI_GEN));
  }

  /** The inode is free from now on. */
  clearInode(ino: number): void {
    this.found.delete(ino);
    this.editInode(ino, (b) => {
      putU16le(b, DI_NLINK, 0);
      putU32le(b, DI_DTIME, Math.max(1, this.options.time));
    });
  }

  sizeOf(b: Uint8Array): number {
    const type = getU16le(b, DI_MODE) & 0o170000;
    const long = type === 0o100000 || (type === 0o040000 && (this.info.incompat & INCOMPAT_LARGE_DIR) !== 0);
    return getU32le(b, DI_SIZE) + (long ? getU32le(b, DI_SIZE_HIGH) * TWO32 : 0);
  }
  setSize(b: Uint8Array, size: number): void {
    putU32le(b, DI_SIZE, size % TWO32);
    if ((getU16le(b, DI_MODE) & 0o170000) === 0o100000) putU32le(b, DI_SIZE_HIGH, Math.floor(size / TWO32));
  }

  /** Sectors. */
  sectorsOf(b: Uint8Array): number {
    const low = getU32le(b, DI_BLOCKS);
    // Without the feature the upper half is zero; what is there is a wrong count.
    if ((this.info.rocompat & ROCOMPAT_HUGE_FILE) === 0) return low + getU16le(b, DI_BLOCKS_HIGH) * TWO32;
    const units = low + getU16le(b, DI_BLOCKS_HIGH) * TWO32;
    return (getU32le(b, DI_FLAGS) & FL_HUGE_FILE) !== 0 ? units * (this.bsize >> 9) : units;
  }
  setSectors(b: Uint8Array, sectors: number): void {
    putU32le(b, DI_BLOCKS, sectors % TWO32);
    if ((this.info.rocompat & ROCOMPAT_HUGE_FILE) === 0) {
      putU16le(b, DI_BLOCKS_HIGH, 0);
      return;
    }
    putU16le(b, DI_BLOCKS_HIGH, Math.floor(sectors / TWO32));
    putU32le(b, DI_FLAGS, (getU32le(b, DI_FLAGS) & ~FL_HUGE_FILE) >>> 0);
  }
}
