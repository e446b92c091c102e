/**
 * newfs: an empty ext2 on an image. Pure but for the writer that it is given; two runs with the same options make the same bytes.
 *
 * The layout is mke2fs's: in each group copies of superblock and descriptors (where there are some), the bitmaps, the inode table, then data; a root
 * directory, and `lost+found` with room for a checker. Sizes are chosen as mke2fs chooses them, unless the options say otherwise.
 */
import { bitSetRange, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import {
  COMPAT_DIR_INDEX, COMPAT_EXT_ATTR, DI_ATIME, DI_BLOCK, DI_BLOCKS, DI_CRTIME, DI_CTIME, DI_EXTRA, DI_MODE, DI_MTIME, DI_NLINK, DI_OLD_LEN, DI_SIZE,
  EXTRA_LEN, FIRST_INO_REV0, GD_BBMAP, GD_FREE_BLOCKS, GD_FREE_INODES, GD_IBMAP, GD_ITABLE, GD_LEN, GD_USED_DIRS, INCOMPAT_FILETYPE, MAGIC,
  ROCOMPAT_LARGE_FILE, ROCOMPAT_SPARSE_SUPER, ROOT_INO, SB_BLOCKS, SB_BPG, SB_COMPAT, SB_DEFAULT_OPTS, SB_ERRORS, SB_FIRST_DATA, SB_FIRST_INO,
  SB_FLAGS, SB_FPG, SB_FREE_BLOCKS, SB_FREE_INODES, SB_GROUP_NR, SB_HASH_SEED, SB_HASH_VERSION, SB_INCOMPAT, SB_INODES, SB_INODE_SIZE, SB_IPG, SB_LABEL,
  SB_LASTCHECK, SB_LOG_BSIZE, SB_LOG_FSIZE, SB_MAGIC, SB_MAX_MNT_COUNT, SB_MIN_EXTRA, SB_MKFS_TIME, SB_RBLOCKS, SB_REV, SB_ROCOMPAT, SB_STATE, SB_UUID,
  SB_WANT_EXTRA, SB_WTIME, STATE_VALID, SUPER_LEN, SUPER_OFF, emitDirent, groupHasSuper,
} from './ondisk.js';

/** Where the image goes. */
export interface ImageWriter {
  /** Bytes. */
  readonly size: number;
  write(off: number, data: Uint8Array): void;
}

export interface NewfsOptions {
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
interface Plan {
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
  readonly rev: 0 | 1;
  readonly compat: number;
  readonly incompat: number;
  readonly rocompat: number;
  readonly lostBlocks: number;
  /** Filled in as groups are made. */
  freeBlocks: number;
}

/** Blocks that the last group has at least beside its structure; a shorter one is left out. */
const LAST_GROUP_MIN = 50;

/** Makes the file system. EINVAL: an option makes no sense; ENOSPC: the image is too small. */
export function newfs(writer: ImageWriter, options: NewfsOptions): NewfsSummary {
  const p = plan(writer.size, options);
  const gdt = new Uint8Array(p.gdtLen * p.bsize);
  for (let g = 0; g < p.groups; g++) makeGroup(writer, options, p, g, gdt);
  makeRoot(writer, options, p);
  const sb = makeSuper(options, p);
  for (let g = 0; g < p.groups; g++) {
    if (!hasSuper(p, g)) continue;
    putU16le(sb, SB_GROUP_NR, p.rev === 0 ? 0 : g);
    const start = (p.firstData + g * p.bpg) * p.bsize;
    writer.write(g === 0 ? SUPER_OFF : start, sb);
    writer.write(start + p.bsize, gdt);
  }
  return { blockSize: p.bsize, blocks: p.blocks, inodes: p.ipg * p.groups, groups: p.groups, freeBlocks: p.freeBlocks };
}

function hasSuper(p: Plan, g: number): boolean {
  return groupHasSuper({ compat: p.compat, rocompat: p.rocompat, backupBgs: [0, 0] }, g);
}

// -- sizes

function plan(size: number, o: NewfsOptions): Plan {
  const rev = o.revision ?? 1;
  const bsize = o.blockSize ?? (size < 512 << 20 ? 1024 : 4096);
  const isize = rev === 0 ? DI_OLD_LEN : (o.inodeSize ?? 256);
  if (![1024, 2048, 4096].includes(bsize) || isize < DI_OLD_LEN || isize > bsize || (isize & (isize - 1)) !== 0) throw ERR.EINVAL;
  if (o.uuid.length !== 16 || o.hashSeed.length !== 16 || (o.label ?? '').length > 16) throw ERR.EINVAL;
  const percent = o.reservedPercent ?? 5;
  if (!(percent >= 0 && percent <= 50)) throw ERR.EINVAL;
  const firstData = bsize === 1024 ? 1 : 0;
  const bpg = 8 * bsize;
  const features = rev === 0
    ? { compat: 0, incompat: 0, rocompat: 0 }
    : {
        compat: COMPAT_EXT_ATTR | (o.dirIndex === true ? COMPAT_DIR_INDEX : 0),
        incompat: INCOMPAT_FILETYPE,
        rocompat: ROCOMPAT_LARGE_FILE | (o.sparseSuper === false ? 0 : ROCOMPAT_SPARSE_SUPER),
      };
  const base = { bsize, bshift: Math.log2(bsize), firstData, bpg, isize, rev, ...features, lostBlocks: Math.min(12, Math.max(2, 16384 / bsize)), freeBlocks: 0 };
  for (let blocks = Math.min(Math.floor(size / bsize), 0xffff_fffe); ; ) {
    const p = { ...base, ...geometry(base, blocks, o, size) };
    const lastLen = p.blocks - firstData - (p.groups - 1) * bpg;
    const need = structureLen(p, p.groups - 1) + (p.groups === 1 ? 1 + p.lostBlocks : LAST_GROUP_MIN);
    if (lastLen >= need) return p;
    if (p.groups === 1) throw ERR.ENOSPC;
    blocks = firstData + (p.groups - 1) * bpg;
  }
}

type Geometry = Pick<Plan, 'blocks' | 'groups' | 'ipg' | 'itableLen' | 'gdtLen'>;

function geometry(p: Pick<Plan, 'bsize' | 'firstData' | 'bpg' | 'isize'>, blocks: number, o: NewfsOptions, size: number): Geometry {
  const groups = Math.ceil((blocks - p.firstData) / p.bpg);
  if (!(groups >= 1)) throw ERR.ENOSPC;
  const perInode = o.bytesPerInode ?? (size < 3 << 20 ? 8192 : size < 512 << 20 ? 4096 : 16384);
  const wanted = o.inodes ?? Math.floor((blocks * p.bsize) / perInode);
  if (!(wanted >= 1) || !Number.isFinite(wanted)) throw ERR.EINVAL;
  const perBlock = p.bsize / p.isize;
  const unit = Math.max(8, perBlock);
  const ipg = Math.min(8 * p.bsize, Math.ceil(Math.max(wanted, 16) / groups / unit) * unit);
  return { blocks, groups, ipg, itableLen: ipg / perBlock, gdtLen: Math.ceil((groups * GD_LEN) / p.bsize) };
}

/** Blocks of group `g` before its data. */
function structureLen(p: Plan, g: number): number {
  return (hasSuper(p, g) ? 1 + p.gdtLen : 0) + 2 + p.itableLen;
}

// -- groups

function makeGroup(w: ImageWriter, o: NewfsOptions, p: Plan, g: number, gdt: Uint8Array): void {
  const start = p.firstData + g * p.bpg;
  const len = Math.min(p.bpg, p.blocks - start);
  const bbmap = start + (hasSuper(p, g) ? 1 + p.gdtLen : 0);
  const used = structureLen(p, g) + (g === 0 ? 1 + p.lostBlocks : 0);
  if (used > len) throw ERR.ENOSPC;
  const usedInodes = g === 0 ? FIRST_INO_REV0 : 0;
  const map = new Uint8Array(p.bsize);
  bitSetRange(map, 0, used);
  bitSetRange(map, len, 8 * p.bsize);
  w.write(bbmap * p.bsize, map);
  map.fill(0);
  bitSetRange(map, 0, usedInodes);
  bitSetRange(map, p.ipg, 8 * p.bsize);
  w.write((bbmap + 1) * p.bsize, map);
  if (o.zeroed !== true) writeZeros(w, (bbmap + 2) * p.bsize, p.itableLen * p.bsize);
  const off = g * GD_LEN;
  putU32le(gdt, off + GD_BBMAP, bbmap);
  putU32le(gdt, off + GD_IBMAP, bbmap + 1);
  putU32le(gdt, off + GD_ITABLE, bbmap + 2);
  putU16le(gdt, off + GD_FREE_BLOCKS, len - used);
  putU16le(gdt, off + GD_FREE_INODES, p.ipg - usedInodes);
  putU16le(gdt, off + GD_USED_DIRS, g === 0 ? 2 : 0);
  p.freeBlocks += len - used;
}

function writeZeros(w: ImageWriter, off: number, len: number): void {
  const zeros = new Uint8Array(Math.min(len, 1 << 20));
  for (let at = 0; at < len; at += zeros.length) w.write(off + at, zeros.subarray(0, Math.min(zeros.length, len - at)));
}

// -- root and lost+found

function makeRoot(w: ImageWriter, o: NewfsOptions, p: Plan): void {
  const itable = p.firstData + structureLen(p, 0) - p.itableLen;
  const data = itable + p.itableLen;
  const lost = FIRST_INO_REV0;
  const type = p.rev === 0 ? 0 : 2;
  const block = new Uint8Array(p.bsize);
  emitDirent(block, 0, ROOT_INO, 12, type, '.');
  emitDirent(block, 12, ROOT_INO, 12, type, '..');
  emitDirent(block, 24, lost, p.bsize - 24, type, 'lost+found');
  w.write(data * p.bsize, block);
  for (let i = 0; i < p.lostBlocks; i++) {
    block.fill(0);
    if (i === 0) {
      emitDirent(block, 0, lost, 12, type, '.');
      emitDirent(block, 12, ROOT_INO, p.bsize - 12, type, '..');
    } else putU16le(block, 4, p.bsize);
    w.write((data + 1 + i) * p.bsize, block);
  }
  const table = new Uint8Array(lost * p.isize);
  emitDir(table, (ROOT_INO - 1) * p.isize, o, p, 0o755, 3, data, 1);
  emitDir(table, (lost - 1) * p.isize, o, p, 0o700, 2, data + 1, p.lostBlocks);
  w.write(itable * p.bsize, table);
}

function emitDir(table: Uint8Array, off: number, o: NewfsOptions, p: Plan, mode: number, nlink: number, blkno: number, count: number): void {
  putU16le(table, off + DI_MODE, 0o040000 | mode);
  putU16le(table, off + DI_NLINK, nlink);
  putU32le(table, off + DI_SIZE, count * p.bsize);
  putU32le(table, off + DI_BLOCKS, count * (p.bsize >> 9));
  for (const field of [DI_ATIME, DI_CTIME, DI_MTIME]) putU32le(table, off + field, o.time);
  for (let i = 0; i < count; i++) putU32le(table, off + DI_BLOCK + 4 * i, blkno + i);
  if (p.isize === DI_OLD_LEN) return;
  putU16le(table, off + DI_EXTRA, EXTRA_LEN);
  putU32le(table, off + DI_CRTIME, o.time);
}

// -- the superblock

function makeSuper(o: NewfsOptions, p: Plan): Uint8Array {
  const sb = new Uint8Array(SUPER_LEN);
  const put32 = (off: number, value: number): void => putU32le(sb, off, value);
  put32(SB_INODES, p.ipg * p.groups);
  put32(SB_BLOCKS, p.blocks);
  put32(SB_RBLOCKS, Math.floor((p.blocks * (o.reservedPercent ?? 5)) / 100));
  put32(SB_FREE_BLOCKS, p.freeBlocks);
  put32(SB_FREE_INODES, p.ipg * p.groups - FIRST_INO_REV0);
  put32(SB_FIRST_DATA, p.firstData);
  put32(SB_LOG_BSIZE, p.bshift - 10);
  put32(SB_LOG_FSIZE, p.bshift - 10);
  put32(SB_BPG, p.bpg);
  put32(SB_FPG, p.bpg);
  put32(SB_IPG, p.ipg);
  put32(SB_WTIME, o.time);
  put32(SB_LASTCHECK, o.time);
  putU16le(sb, SB_MAX_MNT_COUNT, 0xffff);
  putU16le(sb, SB_MAGIC, MAGIC);
  putU16le(sb, SB_STATE, STATE_VALID);
  putU16le(sb, SB_ERRORS, 1);
  put32(SB_REV, p.rev);
  sb.set(o.uuid, SB_UUID);
  for (let i = 0; i < (o.label ?? '').length; i++) sb[SB_LABEL + i] = (o.label ?? '').charCodeAt(i);
  if (p.rev === 0) return sb;
  put32(SB_FIRST_INO, FIRST_INO_REV0);
  putU16le(sb, SB_INODE_SIZE, p.isize);
  put32(SB_COMPAT, p.compat);
  put32(SB_INCOMPAT, p.incompat);
  put32(SB_ROCOMPAT, p.rocompat);
  sb.set(o.hashSeed, SB_HASH_SEED);
  sb[SB_HASH_VERSION] = 1;
  // user_xattr and acl, as mke2fs has them.
  put32(SB_DEFAULT_OPTS, 0x0c);
  put32(SB_MKFS_TIME, o.time);
  // Hashes of directories take characters as signed.
  put32(SB_FLAGS, 1);
  if (p.isize > DI_OLD_LEN) {
    putU16le(sb, SB_MIN_EXTRA, EXTRA_LEN);
    putU16le(sb, SB_WANT_EXTRA, EXTRA_LEN);
  }
  return sb;
}
