/**
 * newfs: an empty ext2, ext3 or ext4 on an image. Pure but for the writer that it is given; two runs with the same options make the same bytes.
 *
 * The layout is mke2fs's: in each group copies of superblock and descriptors (where there are some), the bitmaps, the inode table, then data; a root
 * directory, and `lost+found` with room for a checker. Sizes are chosen as mke2fs chooses them, unless the options say otherwise.
 */
import { bitSetRange, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { Checksums, DIR_TAIL_LEN, T_BBMAP, T_IBMAP, putDirTail } from './csum.js';
import { type BlockRun, journalLength, journalSuper, mapByExtents, mapByPointers, pointerBlocks } from './newfsjournal.js';
import {
  BG_BLOCK_UNINIT, BG_INODE_UNINIT, BG_INODE_ZEROED, COMPAT_DIR_INDEX, COMPAT_EXT_ATTR, COMPAT_HAS_JOURNAL, DI_ATIME, DI_BLOCK, DI_BLOCKS, DI_CRTIME, DI_CTIME, DI_EXTRA, DI_FLAGS, DI_MODE, DI_MTIME, DI_NLINK,
  DI_OLD_LEN, DI_SIZE, DI_SIZE_HIGH, EXTRA_LEN, FIRST_INO_REV0, FL_EXTENTS, GD_BBMAP, GD_BBMAP_HIGH, GD_FLAGS, GD_FREE_BLOCKS, GD_FREE_INODES, GD_IBMAP, GD_IBMAP_HIGH, GD_ITABLE, GD_ITABLE_HIGH, GD_ITABLE_UNUSED, GD_LEN,
  GD_LEN64, GD_USED_DIRS, INCOMPAT_64BIT, INCOMPAT_EXTENTS, INCOMPAT_FILETYPE, INCOMPAT_FLEX_BG, JOURNAL_INO, ROCOMPAT_DIR_NLINK,
  ROCOMPAT_EXTRA_ISIZE, ROCOMPAT_HUGE_FILE, ROCOMPAT_LARGE_FILE, ROCOMPAT_METADATA_CSUM, ROCOMPAT_SPARSE_SUPER, ROOT_INO, SB_GROUP_NR, SB_JOURNAL_BACKUP, SB_JOURNAL_BLOCKS, SUPER_OFF, emitDirent,
  groupHasSuper, parseSuper,
} from './ondisk.js';
import { makeSuper } from './newfssuper.js';

/** What kind of file system: without a journal, with one, with extents and checksums too. */
export type Ext2fsType = 'ext2' | 'ext3' | 'ext4';

/** Where the image goes. */
export interface ImageWriter {
  /** Bytes. */
  readonly size: number;
  write(off: number, data: Uint8Array): void;
}

export interface NewfsOptions {
  /** ext2. */
  readonly type?: Ext2fsType;
  /** Seconds since 1970: the time of making. */
  readonly time: number;
  /** 16 bytes each, random ones. */
  readonly uuid: Uint8Array;
  readonly hashSeed: Uint8Array;
  /** 1024, 2048 or 4096. */
  readonly blockSize?: number;
  /** 128 to the block size, a power of two: 256. */
  readonly inodeSize?: number;
  readonly bytesPerInode?: number;
  /** Instead of bytesPerInode. */
  readonly inodes?: number;
  /** Up to 16 bytes, a byte string. */
  readonly label?: string;
  /** Of the blocks, for the superuser: 5. */
  readonly reservedPercent?: number;
  /** 0: no features, inodes of 128 bytes. */
  readonly revision?: 0 | 1;
  readonly sparseSuper?: boolean;
  /** Allow hash trees: other kernels may make them. */
  readonly dirIndex?: boolean;
  /** Blocks of the journal, of ext3 and ext4: by the size of the image. 0: none. */
  readonly journalBlocks?: number;
  /** What is not written reads as zeros already. */
  readonly zeroed?: boolean;
}

export interface NewfsSummary {
  readonly blockSize: number;
  readonly blocks: number;
  readonly inodes: number;
  readonly groups: number;
  readonly freeBlocks: number;
}

/** What was decided. */
export interface Plan {
  readonly bsize: number;
  readonly bshift: number;
  readonly blocks: number;
  readonly firstData: number;
  readonly bpg: number;
  readonly groups: number;
  readonly ipg: number;
  readonly isize: number;
  readonly itableLen: number;
  readonly gdtLen: number;
  readonly descSize: number;
  readonly rev: 0 | 1;
  readonly compat: number;
  readonly incompat: number;
  readonly rocompat: number;
  readonly lostBlocks: number;
  /** Blocks of the journal, its pointers not counted; 0: none. */
  readonly journal: number;
  /** Filled in as groups are made. */
  freeBlocks: number;
}

/** The image as it is being made. */
interface Making {
  readonly w: ImageWriter;
  readonly o: NewfsOptions;
  readonly p: Plan;
  readonly gdt: Uint8Array;
  readonly sums: Checksums;
  /** Blocks of each group that are in use behind its structure. */
  readonly taken: number[];
}

/** Blocks that the last group has at least beside its structure; a shorter one is left out. */
const LAST_GROUP_MIN = 50;

/** Makes the file system. EINVAL: an option makes no sense; ENOSPC: the image is too small. */
export function newfs(writer: ImageWriter, options: NewfsOptions): NewfsSummary {
  const p = plan(writer.size, options);
  const sb = makeSuper(options, p);
  const info = parseSuper(sb);
  if (typeof info === 'string') throw ERR.EINVAL;
  const m: Making = { w: writer, o: options, p, gdt: new Uint8Array(p.gdtLen * p.bsize), sums: new Checksums(info, sb), taken: new Array<number>(p.groups).fill(0) };
  makeFiles(m, sb);
  for (let g = 0; g < p.groups; g++) makeGroup(m, g);
  const final = makeSuper(options, p, sb);
  for (let g = 0; g < p.groups; g++) {
    if (!hasSuper(p, g)) continue;
    putU16le(final, SB_GROUP_NR, p.rev === 0 ? 0 : g);
    if (m.sums.on) m.sums.sealSuper(final, 0);
    const start = (p.firstData + g * p.bpg) * p.bsize;
    writer.write(g === 0 ? SUPER_OFF : start, final);
    writer.write(start + p.bsize, m.gdt);
  }
  return { blockSize: p.bsize, blocks: p.blocks, inodes: p.ipg * p.groups, groups: p.groups, freeBlocks: p.freeBlocks };
}

function hasSuper(p: Plan, g: number): boolean {
  return groupHasSuper({ compat: p.compat, rocompat: p.rocompat, backupBgs: [0, 0] }, g);
}

// -- sizes

function plan(size: number, o: NewfsOptions): Plan {
  const rev = o.revision ?? 1;
  const type = o.type ?? 'ext2';
  if (type !== 'ext2' && rev === 0) throw ERR.EINVAL;
  const bsize = o.blockSize ?? (size < 512 << 20 ? 1024 : 4096);
  const isize = rev === 0 ? DI_OLD_LEN : (o.inodeSize ?? 256);
  if (![1024, 2048, 4096].includes(bsize) || isize < DI_OLD_LEN || isize > bsize || (isize & (isize - 1)) !== 0) throw ERR.EINVAL;
  if (o.uuid.length !== 16 || o.hashSeed.length !== 16 || (o.label ?? '').length > 16) throw ERR.EINVAL;
  const percent = o.reservedPercent ?? 5;
  if (!(percent >= 0 && percent <= 50)) throw ERR.EINVAL;
  const firstData = bsize === 1024 ? 1 : 0;
  const bpg = 8 * bsize;
  const features = rev === 0 ? { compat: 0, incompat: 0, rocompat: 0 } : featuresOf(type, o, isize);
  const descSize = (features.incompat & INCOMPAT_64BIT) !== 0 ? GD_LEN64 : GD_LEN;
  const base = { bsize, bshift: Math.log2(bsize), firstData, bpg, isize, rev, descSize, ...features, lostBlocks: Math.min(12, Math.max(2, 16384 / bsize)), freeBlocks: 0 };
  for (let blocks = Math.min(Math.floor(size / bsize), type === 'ext4' ? 2 ** 40 : 0xffff_fffe); ; ) {
    const shape = geometry(base, blocks, o, size);
    const journal = type === 'ext2' ? 0 : (o.journalBlocks ?? journalLength(shape.blocks));
    if (journal !== 0 && (!(journal >= 1024) || journal > 65536 || !Number.isInteger(journal))) throw ERR.EINVAL;
    const p = { ...base, ...shape, journal, compat: base.compat | (journal > 0 ? COMPAT_HAS_JOURNAL : 0) };
    const lastLen = p.blocks - firstData - (p.groups - 1) * bpg;
    const need = structureLen(p, p.groups - 1) + (p.groups === 1 ? 1 + p.lostBlocks : LAST_GROUP_MIN);
    if (lastLen >= need) return p;
    if (p.groups === 1) throw ERR.ENOSPC;
    blocks = firstData + (p.groups - 1) * bpg;
  }
}

function featuresOf(type: Ext2fsType, o: NewfsOptions, isize: number): Pick<Plan, 'compat' | 'incompat' | 'rocompat'> {
  const four = type === 'ext4';
  return {
    compat: COMPAT_EXT_ATTR | ((o.dirIndex ?? type !== 'ext2') ? COMPAT_DIR_INDEX : 0),
    incompat: INCOMPAT_FILETYPE | (four ? INCOMPAT_EXTENTS | INCOMPAT_64BIT | INCOMPAT_FLEX_BG : 0),
    rocompat:
      ROCOMPAT_LARGE_FILE | (o.sparseSuper === false ? 0 : ROCOMPAT_SPARSE_SUPER) |
      (four ? ROCOMPAT_HUGE_FILE | ROCOMPAT_DIR_NLINK | ROCOMPAT_METADATA_CSUM | (isize > DI_OLD_LEN ? ROCOMPAT_EXTRA_ISIZE : 0) : 0),
  };
}

type Geometry = Pick<Plan, 'blocks' | 'groups' | 'ipg' | 'itableLen' | 'gdtLen'>;

function geometry(p: Pick<Plan, 'bsize' | 'firstData' | 'bpg' | 'isize' | 'descSize'>, blocks: number, o: NewfsOptions, size: number): Geometry {
  const groups = Math.ceil((blocks - p.firstData) / p.bpg);
  if (!(groups >= 1)) throw ERR.ENOSPC;
  const perInode = o.bytesPerInode ?? (size < 3 << 20 ? 8192 : size < 512 << 20 ? 4096 : 16384);
  const wanted = o.inodes ?? Math.floor((blocks * p.bsize) / perInode);
  if (!(wanted >= 1) || !Number.isFinite(wanted)) throw ERR.EINVAL;
  const perBlock = p.bsize / p.isize;
  const unit = Math.max(8, perBlock);
  const ipg = Math.min(8 * p.bsize, Math.ceil(Math.max(wanted, 16) / groups / unit) * unit);
  return { blocks, groups, ipg, itableLen: ipg / perBlock, gdtLen: Math.ceil((groups * p.descSize) / p.bsize) };
}

/** Blocks of group `g` before its data. */
function structureLen(p: Plan, g: number): number {
  return (hasSuper(p, g) ? 1 + p.gdtLen : 0) + 2 + p.itableLen;
}

// -- groups

function makeGroup(m: Making, g: number): void {
  const { w, o, p, gdt, sums } = m;
  const start = p.firstData + g * p.bpg;
  const len = Math.min(p.bpg, p.blocks - start);
  const bbmap = start + (hasSuper(p, g) ? 1 + p.gdtLen : 0);
  const used = structureLen(p, g) + m.taken[g]!;
  if (used > len) throw ERR.ENOSPC;
  const usedInodes = g === 0 ? FIRST_INO_REV0 : 0;
  const off = g * p.descSize;
  const never = neverUsed(m, g, usedInodes);
  const map = (flag: number, blkno: number, kind: number, taken: number, there: number): void => {
    if ((never & flag) !== 0) return;
    const b = new Uint8Array(p.bsize);
    bitSetRange(b, 0, taken);
    bitSetRange(b, there, 8 * p.bsize);
    w.write(blkno * p.bsize, b);
    if (sums.on) sums.sealBitmap(b, kind, gdt, off);
  };
  map(BG_BLOCK_UNINIT, bbmap, T_BBMAP, used, len);
  map(BG_INODE_UNINIT, bbmap + 1, T_IBMAP, usedInodes, p.ipg);
  if (o.zeroed !== true) {
    const there = g === 0 ? Math.ceil((FIRST_INO_REV0 * p.isize) / p.bsize) : 0;
    writeZeros(w, (bbmap + 2 + there) * p.bsize, (p.itableLen - there) * p.bsize);
  }
  putU32le(gdt, off + GD_BBMAP, bbmap);
  putU32le(gdt, off + GD_IBMAP, bbmap + 1);
  putU32le(gdt, off + GD_ITABLE, bbmap + 2);
  putHigh(gdt, off, p, bbmap);
  putU16le(gdt, off + GD_FREE_BLOCKS, len - used);
  putU16le(gdt, off + GD_FREE_INODES, p.ipg - usedInodes);
  putU16le(gdt, off + GD_USED_DIRS, g === 0 ? 2 : 0);
  if (sums.on) {
    putU16le(gdt, off + GD_FLAGS, BG_INODE_ZEROED | never);
    putU16le(gdt, off + GD_ITABLE_UNUSED, p.ipg - usedInodes);
    sums.sealGroup(gdt, off, g);
  }
  p.freeBlocks += len - used;
}

/** Of which bitmaps the group is said not to have any yet, BG_*: they are not written, and whoever needs them makes them. The last group may be short, and has its own. */
function neverUsed({ p, sums, taken }: Making, g: number, usedInodes: number): number {
  if (!sums.on) return 0;
  return (usedInodes === 0 ? BG_INODE_UNINIT : 0) | (taken[g] === 0 && g < p.groups - 1 ? BG_BLOCK_UNINIT : 0);
}

/** The upper halves of the places of bitmaps and inode table. */
function putHigh(gdt: Uint8Array, off: number, p: Plan, bbmap: number): void {
  if (p.descSize < GD_LEN64) return;
  for (const [i, high] of [GD_BBMAP_HIGH, GD_IBMAP_HIGH, GD_ITABLE_HIGH].entries()) putU32le(gdt, off + high, Math.floor((bbmap + i) / 0x1_0000_0000));
}

function writeZeros(w: ImageWriter, off: number, len: number): void {
  const zeros = new Uint8Array(Math.min(len, 1 << 20));
  for (let at = 0; at < len; at += zeros.length) w.write(off + at, zeros.subarray(0, Math.min(zeros.length, len - at)));
}

// -- files

/** The root, `lost+found`, the journal: the first blocks behind the structure of the groups. `sb` gets a copy of the journal's map. */
function makeFiles(m: Making, sb: Uint8Array): void {
  const { w, p, sums } = m;
  const lost = FIRST_INO_REV0;
  const root = take(m, 1)[0]![0];
  const lostRun = take(m, p.lostBlocks);
  if (lostRun.length !== 1) throw ERR.ENOSPC;
  makeDirs(m, root, lostRun[0]![0]);
  const table = new Uint8Array(Math.ceil((lost * p.isize) / p.bsize) * p.bsize);
  emitInode(m, table, ROOT_INO, 0o040755, 3, [[root, 1]], []);
  emitInode(m, table, lost, 0o040700, 2, lostRun, []);
  if (p.journal > 0) {
    const extents = (p.incompat & INCOMPAT_EXTENTS) !== 0;
    const pointers = extents ? [] : take(m, pointerBlocks(p.journal, p.bsize)).flatMap(([blkno, count]) => Array.from({ length: count }, (_, i) => blkno + i));
    const runs = take(m, p.journal);
    emitInode(m, table, JOURNAL_INO, 0o100600, 1, runs, pointers);
    for (const [i, [blkno, count]] of runs.entries()) {
      const first = i === 0 ? 1 : 0;
      if (first === 1) w.write(blkno * p.bsize, journalSuper(p.bsize, p.journal, m.o.uuid, sums.on));
      if (m.o.zeroed !== true) writeZeros(w, (blkno + first) * p.bsize, (count - first) * p.bsize);
    }
    const off = (JOURNAL_INO - 1) * p.isize;
    sb.set(table.subarray(off + DI_BLOCK, off + DI_BLOCK + 60), SB_JOURNAL_BLOCKS);
    putU32le(sb, SB_JOURNAL_BLOCKS + 64, p.journal * p.bsize);
    sb[SB_JOURNAL_BACKUP] = 1;
  }
  if (sums.on) for (let ino = 1; ino <= lost; ino++) sums.sealInode(table, (ino - 1) * p.isize, ino);
  w.write((p.firstData + structureLen(p, 0) - p.itableLen) * p.bsize, table);
}

/** The next `count` blocks that are free. ENOSPC. */
function take(m: Making, count: number): BlockRun[] {
  const { p, taken } = m;
  const runs: BlockRun[] = [];
  for (let g = 0; g < p.groups && count > 0; g++) {
    const start = p.firstData + g * p.bpg;
    const first = structureLen(p, g) + taken[g]!;
    const n = Math.min(count, Math.min(p.bpg, p.blocks - start) - first);
    if (n <= 0) continue;
    runs.push([start + first, n]);
    taken[g]! += n;
    count -= n;
  }
  if (count > 0) throw ERR.ENOSPC;
  return runs;
}

function makeDirs(m: Making, root: number, lost: number): void {
  const { w, p, sums } = m;
  const type = p.rev === 0 ? 0 : 2;
  const end = sums.on ? p.bsize - DIR_TAIL_LEN : p.bsize;
  const block = new Uint8Array(p.bsize);
  const put = (blkno: number, ino: number): void => {
    if (sums.on) {
      putDirTail(block);
      putU32le(block, p.bsize - 4, sums.dir(block, sums.inodeSeed(ino, 0)));
    }
    w.write(blkno * p.bsize, block);
    block.fill(0);
  };
  emitDirent(block, 0, ROOT_INO, 12, type, '.');
  emitDirent(block, 12, ROOT_INO, 12, type, '..');
  emitDirent(block, 24, FIRST_INO_REV0, end - 24, type, 'lost+found');
  put(root, ROOT_INO);
  for (let i = 0; i < p.lostBlocks; i++) {
    if (i === 0) {
      emitDirent(block, 0, FIRST_INO_REV0, 12, type, '.');
      emitDirent(block, 12, ROOT_INO, end - 12, type, '..');
    } else putU16le(block, 4, end);
    put(lost + i, FIRST_INO_REV0);
  }
}

function emitInode(m: Making, table: Uint8Array, ino: number, mode: number, nlink: number, runs: readonly BlockRun[], pointers: readonly number[]): void {
  const { o, p } = m;
  const off = (ino - 1) * p.isize;
  const count = runs.reduce((sum, [, n]) => sum + n, 0);
  const size = count * p.bsize;
  putU16le(table, off + DI_MODE, mode);
  putU16le(table, off + DI_NLINK, nlink);
  putU32le(table, off + DI_SIZE, size % 0x1_0000_0000);
  if (size >= 0x1_0000_0000) putU32le(table, off + DI_SIZE_HIGH, Math.floor(size / 0x1_0000_0000));
  putU32le(table, off + DI_BLOCKS, (count + pointers.length) * (p.bsize >> 9));
  for (const field of [DI_ATIME, DI_CTIME, DI_MTIME]) putU32le(table, off + field, o.time);
  if ((p.incompat & INCOMPAT_EXTENTS) !== 0) {
    putU32le(table, off + DI_FLAGS, FL_EXTENTS);
    mapByExtents(table, off, runs);
  } else mapByPointers(table, off, runs, pointers, p.bsize, (blkno, b) => m.w.write(blkno * p.bsize, b));
  if (p.isize === DI_OLD_LEN) return;
  putU16le(table, off + DI_EXTRA, EXTRA_LEN);
  putU32le(table, off + DI_CRTIME, o.time);
}
