/**
 * newfs: an empty FFS on an image. Pure but for the writer that it is given; two runs with the same options make the same bytes.
 *
 * The layout is that of NetBSD's newfs: in each group a copy of the superblock, the group's own block, the inode table, then data; groups as large as their
 * block can describe. A root directory, and nothing in it. Sizes are chosen as NetBSD chooses them, unless the options say otherwise.
 */
import { ERR } from '@anykernel/lib-sys';
import { DINODE1, DINODE2, DIRBLKSIZ, IFDIR, ROOTINO, direntLen, emitDirent, set64 } from '@anykernel/ufs';
import {
  BSIZE_MAX, BSIZE_MIN, CG_CGX, CG_CLUSTEROFF, CG_CLUSTERSUMOFF, CG_CS, CG_FREEOFF, CG_FRSUM, CG_INITEDIBLK, CG_IUSEDOFF, CG_MAGIC, CG_MAGIC_NUMBER, CG_NCLUSTERBLKS,
  CG_NDBLK, CG_NEXTFREEOFF, CG_NIBLK, CG_OLD_BOFF, CG_OLD_BTOTOFF, CG_OLD_NCYL, CG_OLD_NIBLK, CG_OLD_TIME, CG_SPACE, CG_TIME, CS_LEN, FSIZE_MIN, FS_AVGFILESIZE,
  FS_AVGFPDIR, FS_BMASK, FS_BSHIFT, FS_BSIZE, FS_CBLKNO, FS_CGSIZE, FS_CLEAN, FS_CONTIGSUMSIZE, FS_CSADDR, FS_CSSIZE, FS_CSTOTAL, FS_DBLKNO, FS_DSIZE,
  FS_FLAGS_UPDATED, FS_FMASK, FS_FPG, FS_FRAG, FS_FRAGSHIFT, FS_FSBTODB, FS_FSHIFT, FS_FSIZE, FS_IBLKNO, FS_ID, FS_INOPB, FS_IPG, FS_ISCLEAN, FS_MAGIC, FS_MAXBPG,
  FS_MAXBSIZE, FS_MAXCONTIG, FS_MAXFILESIZE, FS_MAXSYMLINKLEN, FS_MINFREE, FS_NCG, FS_NINDIR, FS_OLD_CGMASK, FS_OLD_CPG, FS_OLD_CSADDR, FS_OLD_CSTOTAL, FS_OLD_DSIZE,
  FS_OLD_FLAGS, FS_OLD_INODEFMT, FS_OLD_INTERLEAVE, FS_OLD_NCYL, FS_OLD_NPSECT, FS_OLD_NRPOS, FS_OLD_NSECT, FS_OLD_NSPF, FS_OLD_POSTBLFORMAT, FS_OLD_RPS, FS_OLD_SIZE,
  FS_OLD_SPC, FS_OLD_TIME, FS_QBMASK, FS_QFMASK, FS_SBLKNO, FS_SBLOCKLOC, FS_SBSIZE, FS_SIZE, FS_TIME, FS_VOLNAME, INODEFMT_44, MAGIC_UFS1, MAGIC_UFS2, MAGIC_UFS2EA,
  MAXFRAG, SB_LEN, SB_ROOM, VOLNAME_LEN, pointersReach,
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
  /** 32 random bits, half of the file system's id. */
  readonly id: number;
  /** UFS1 or UFS2: 2. */
  readonly version?: 1 | 2;
  /** UFS2 with the magic number which says that there may be extended attributes. */
  readonly extattrs?: boolean;
  /** Little. */
  readonly byteOrder?: 'little' | 'big';
  /** 4096 to 65536: by the size of the image. */
  readonly blockSize?: number;
  /** An eighth of the block size. */
  readonly fragSize?: number;
  /** Four fragments. */
  readonly bytesPerInode?: number;
  /** Instead of bytesPerInode. */
  readonly inodes?: number;
  /** Of the fragments, for the superuser: 5. */
  readonly minfree?: number;
  /** Up to 31 bytes, a byte string. */
  readonly label?: string;
  /** What is not written reads as zeros already. */
  readonly zeroed?: boolean;
}

export interface NewfsSummary {
  readonly blockSize: number;
  /** Blocks, and how many of them are free. */
  readonly blocks: number;
  readonly inodes: number;
  readonly groups: number;
  readonly freeBlocks: number;
}

/** What was decided. Addresses and lengths are in fragments. */
interface Plan {
  readonly o: NewfsOptions;
  readonly le: boolean;
  readonly ufs2: boolean;
  readonly bsize: number;
  readonly fsize: number;
  readonly frag: number;
  readonly dlen: number;
  readonly inopb: number;
  readonly sbloc: number;
  readonly sblkno: number;
  readonly cblkno: number;
  readonly iblkno: number;
  readonly contig: number;
  readonly size: number;
  readonly ncg: number;
  readonly fpg: number;
  readonly ipg: number;
  readonly dblkno: number;
  readonly csFrags: number;
}

/** Counts, as in a cylinder group: directories, free blocks, free inodes, free fragments. */
type Counts = [number, number, number, number];

/** Makes the file system. EINVAL: an option makes no sense; ENOSPC: the image is too small. */
export function newfs(writer: ImageWriter, options: NewfsOptions): NewfsSummary {
  const p = plan(writer.size, options);
  const summary = new DataView(new ArrayBuffer(p.csFrags * p.fsize));
  const total: Counts = [0, 0, 0, 0];
  for (let g = 0; g < p.ncg; g++) {
    const counts = makeGroup(writer, p, g);
    for (const [i, n] of counts.entries()) {
      summary.setInt32(g * CS_LEN + 4 * i, n, p.le);
      total[i] += n;
    }
  }
  writer.write(p.dblkno * p.fsize, new Uint8Array(summary.buffer));
  makeRoot(writer, p);
  const sb = makeSuper(p, total);
  writer.write(p.sbloc, sb);
  for (let g = 0; g < p.ncg; g++) writer.write((g * p.fpg + p.sblkno) * p.fsize, sb);
  return { blockSize: p.bsize, blocks: Math.floor(p.size / p.frag), inodes: p.ncg * p.ipg, groups: p.ncg, freeBlocks: total[1] };
}

// -- sizes

function roundUp(n: number, to: number): number {
  return Math.ceil(n / to) * to;
}
function isPower(n: number): boolean {
  return Number.isInteger(n) && n > 0 && (n & (n - 1)) === 0;
}

function defaultBlock(size: number): number {
  const mib = size / 2 ** 20;
  return mib < 20 ? 4096 : mib < 1000 ? 8192 : mib < 128 * 1024 ? 16384 : 32768;
}

type Base = Omit<Plan, 'size' | 'ncg' | 'fpg' | 'ipg' | 'dblkno' | 'csFrags'>;

function plan(size: number, o: NewfsOptions): Plan {
  const p = base(size, o);
  const frags = Math.floor(size / p.bsize) * p.frag;
  const perInode = o.inodes !== undefined ? size / o.inodes : (o.bytesPerInode ?? 4 * p.fsize);
  if (!(perInode > 0) || !Number.isFinite(perInode)) throw ERR.EINVAL;
  let fpg = largestGroup(p, frags, perInode);
  const groups = Math.ceil(frags / fpg);
  fpg = roundUp(Math.ceil(frags / groups), p.frag);
  const ipg = inodesOf(p, fpg, perInode);
  const dblkno = p.iblkno + (ipg / p.inopb) * p.frag;
  let ncg = Math.ceil(frags / fpg);
  // A last group without room for data is left out.
  const least = dblkno + p.frag;
  const end = frags - (ncg - 1) * fpg < least ? (--ncg * fpg) : frags;
  const csFrags = Math.ceil((Math.max(1, ncg) * CS_LEN) / p.fsize);
  if (ncg < 1 || dblkno + csFrags + p.frag > Math.min(fpg, end) || end > 2 ** 31 * (p.ufs2 ? 2 ** 20 : 1)) throw ERR.ENOSPC;
  return { ...p, size: end, ncg, fpg, ipg, dblkno, csFrags };
}

function base(size: number, o: NewfsOptions): Base {
  const ufs2 = (o.version ?? 2) === 2;
  const bsize = o.blockSize ?? (o.fragSize === undefined ? defaultBlock(size) : Math.max(BSIZE_MIN, 8 * o.fragSize));
  const fsize = o.fragSize ?? Math.max(FSIZE_MIN, bsize / 8);
  const fits = isPower(bsize) && isPower(fsize) && bsize >= BSIZE_MIN && bsize <= BSIZE_MAX && fsize >= FSIZE_MIN && fsize <= bsize && bsize <= MAXFRAG * fsize;
  const minfree = o.minfree ?? 5;
  if (!fits || !(minfree >= 0 && minfree < 100) || (o.label ?? '').length >= VOLNAME_LEN || (o.extattrs === true && !ufs2)) throw ERR.EINVAL;
  const frag = bsize / fsize;
  const dlen = ufs2 ? DINODE2.len : DINODE1.len;
  const sbloc = ufs2 ? 65536 : 8192;
  const sblkno = roundUp(Math.ceil((sbloc + SB_ROOM) / fsize), frag);
  const cblkno = sblkno + roundUp(Math.ceil(SB_ROOM / fsize), frag);
  const contig = Math.floor(65536 / bsize);
  return { o, le: o.byteOrder !== 'big', ufs2, bsize, fsize, frag, dlen, inopb: bsize / dlen, sbloc, sblkno, cblkno, iblkno: cblkno + frag, contig: contig > 1 ? Math.min(16, contig) : 0 };
}

/** Inodes of a group: whole blocks of them. */
function inodesOf(p: Base, fpg: number, perInode: number): number {
  const wanted = Math.ceil((fpg * p.fsize) / perInode);
  const most = Math.floor((fpg - p.iblkno - p.frag) / p.frag) * p.inopb;
  return Math.max(p.inopb, Math.min(roundUp(wanted, p.inopb), most, p.ufs2 ? Infinity : 0x7fff - (0x7fff % p.inopb)));
}

/** The fragments of a group whose block is full, but no more than there are. */
function largestGroup(p: Base, frags: number, perInode: number): number {
  let low = p.frag;
  let high = roundUp(Math.min(frags, 8 * p.bsize), p.frag);
  while (low < high) {
    const middle = roundUp(Math.ceil((low + high) / 2), p.frag);
    if (cgSize(p, middle, inodesOf(p, middle, perInode)) <= p.bsize) low = middle;
    else high = middle - p.frag;
  }
  return low;
}

/** Bytes that a group's block is said to have: as NetBSD counts them, a few more than there are. */
function cgSize(p: Base, fpg: number, ipg: number): number {
  return cgEnd(p, fpg, ipg).end + 12;
}

/** Where the parts of a group's block are. */
function cgEnd(p: Base, fpg: number, ipg: number): { iused: number; free: number; sums: number; clusters: number; end: number } {
  const iused = CG_SPACE + (p.ufs2 ? 0 : 6);
  const free = iused + Math.ceil(ipg / 8);
  const behind = free + Math.ceil(fpg / 8);
  if (p.contig === 0) return { iused, free, sums: 0, clusters: 0, end: behind };
  // There are no runs of length 0: the place of their number is not the sums' own.
  const sums = roundUp(behind, 4) - 4;
  const clusters = sums + 4 * (p.contig + 1);
  return { iused, free, sums, clusters, end: clusters + Math.ceil(fpg / p.frag / 8) };
}

// -- groups

function makeGroup(w: ImageWriter, p: Plan, g: number): Counts {
  const b = new Uint8Array(p.bsize);
  const view = new DataView(b.buffer);
  const put = (off: number, value: number): void => view.setInt32(off, value, p.le);
  const len = Math.min(p.fpg, p.size - g * p.fpg);
  const at = cgEnd(p, p.fpg, p.ipg);
  put(CG_MAGIC, CG_MAGIC_NUMBER);
  put(CG_CGX, g);
  put(CG_NDBLK, len);
  put(CG_IUSEDOFF, at.iused);
  put(CG_FREEOFF, at.free);
  put(CG_NEXTFREEOFF, at.end);
  put(CG_CLUSTERSUMOFF, at.sums);
  put(CG_CLUSTEROFF, at.clusters);
  if (p.contig > 0) put(CG_NCLUSTERBLKS, Math.floor(len / p.frag));
  const inited = p.ufs2 ? Math.min(p.ipg, 2 * p.inopb) : p.ipg;
  if (p.ufs2) {
    set64(view, CG_TIME, p.o.time, p.le);
    put(CG_NIBLK, p.ipg);
    put(CG_INITEDIBLK, inited);
  } else {
    put(CG_OLD_TIME, p.o.time);
    view.setInt16(CG_OLD_NCYL, 1, p.le);
    view.setInt16(CG_OLD_NIBLK, p.ipg, p.le);
    put(CG_OLD_BTOTOFF, CG_SPACE);
    put(CG_OLD_BOFF, CG_SPACE + 4);
  }
  const counts = fillMaps(b, view, p, g, len, at);
  for (const [i, n] of counts.entries()) put(CG_CS + 4 * i, n);
  w.write((g * p.fpg + p.cblkno) * p.fsize, b);
  if (p.o.zeroed !== true) writeZeros(w, (g * p.fpg + p.iblkno) * p.fsize, inited * p.dlen);
  return counts;
}

/** Free from here to there, in group `g`: before the superblock's copy (not in the first group, where the boot blocks are) and behind the inodes. */
function fillMaps(b: Uint8Array, view: DataView, p: Plan, g: number, len: number, at: ReturnType<typeof cgEnd>): Counts {
  const counts: Counts = [g === 0 ? 1 : 0, 0, p.ipg - (g === 0 ? ROOTINO + 1 : 0), 0];
  if (g === 0) b[at.iused] = (1 << (ROOTINO + 1)) - 1;
  const first = p.dblkno + (g === 0 ? p.csFrags + 1 : 0);
  const isFree = (f: number): boolean => f < len && (f >= first || (g > 0 && f < p.sblkno));
  let run = 0;
  for (let blk = 0; blk * p.frag < len; blk++) {
    let free = 0;
    for (let f = blk * p.frag; f < (blk + 1) * p.frag; f++) {
      if (!isFree(f)) continue;
      b[at.free + (f >> 3)] |= 1 << (f & 7);
      free++;
    }
    if (free === p.frag) {
      counts[1]++;
      run++;
      if (p.contig > 0) b[at.clusters + (blk >> 3)] |= 1 << (blk & 7);
      continue;
    }
    addRun(view, p, at.sums, run);
    run = 0;
    // What is free of a block that is not free is its end: one run.
    counts[3] += free;
    if (free > 0) view.setInt32(CG_FRSUM + 4 * free, view.getInt32(CG_FRSUM + 4 * free, p.le) + 1, p.le);
  }
  addRun(view, p, at.sums, run);
  return counts;
}

function addRun(view: DataView, p: Plan, sums: number, run: number): void {
  if (p.contig === 0 || run === 0) return;
  const off = sums + 4 * Math.min(run, p.contig);
  view.setInt32(off, view.getInt32(off, p.le) + 1, p.le);
}

function writeZeros(w: ImageWriter, off: number, len: number): void {
  const zeros = new Uint8Array(Math.min(len, 1 << 20));
  for (let done = 0; done < len; done += zeros.length) w.write(off + done, zeros.subarray(0, Math.min(zeros.length, len - done)));
}

// -- the root

function makeRoot(w: ImageWriter, p: Plan): void {
  const addr = p.dblkno + p.csFrags;
  const dir = new Uint8Array(p.fsize);
  const format = { le: p.le, typed: true };
  const first = direntLen(1);
  emitDirent(dir, 0, format, ROOTINO, first, IFDIR, '.');
  emitDirent(dir, first, format, ROOTINO, DIRBLKSIZ - first, IFDIR, '..');
  w.write(addr * p.fsize, dir);
  const lay = p.ufs2 ? DINODE2 : DINODE1;
  const inode = new DataView(new ArrayBuffer(lay.len));
  inode.setUint16(0, IFDIR | 0o755, p.le);
  inode.setInt16(2, 2, p.le);
  set64(inode, lay.size, DIRBLKSIZ, p.le);
  const wide = (off: number, value: number): void => (lay.wide ? set64(inode, off, value, p.le) : inode.setInt32(off, value, p.le));
  for (const off of [lay.atime, lay.mtime, lay.ctime]) wide(off, p.o.time);
  if (lay.birthtime !== 0) wide(lay.birthtime, p.o.time);
  wide(lay.blocks, p.fsize / 512);
  wide(lay.db, addr);
  w.write(p.iblkno * p.fsize + ROOTINO * lay.len, new Uint8Array(inode.buffer));
}

// -- the superblock

function makeSuper(p: Plan, total: Counts): Uint8Array {
  const sb = new Uint8Array(SB_ROOM);
  const view = new DataView(sb.buffer);
  const put = (off: number, value: number): void => view.setInt32(off, value, p.le);
  const wide = (off: number, value: number): void => set64(view, off, value, p.le);
  const log2 = (n: number): number => 31 - Math.clz32(n);
  const fields: readonly (readonly [number, number])[] = [
    [FS_SBLKNO, p.sblkno], [FS_CBLKNO, p.cblkno], [FS_IBLKNO, p.iblkno], [FS_DBLKNO, p.dblkno], [FS_NCG, p.ncg], [FS_BSIZE, p.bsize], [FS_FSIZE, p.fsize],
    [FS_FRAG, p.frag], [FS_MINFREE, p.o.minfree ?? 5], [FS_BMASK, -p.bsize], [FS_FMASK, -p.fsize], [FS_BSHIFT, log2(p.bsize)], [FS_FSHIFT, log2(p.fsize)],
    [FS_MAXCONTIG, Math.max(1, Math.floor(65536 / p.bsize))], [FS_MAXBPG, p.bsize / 4], [FS_FRAGSHIFT, log2(p.frag)], [FS_FSBTODB, log2(p.fsize / 512)],
    [FS_SBSIZE, Math.min(SB_ROOM, roundUp(SB_LEN, p.fsize))], [FS_NINDIR, p.bsize / (p.ufs2 ? 8 : 4)], [FS_INOPB, p.inopb], [FS_ID, p.o.time], [FS_ID + 4, p.o.id],
    [FS_CSSIZE, roundUp(p.ncg * CS_LEN, p.fsize)], [FS_CGSIZE, roundUp(cgSize(p, p.fpg, p.ipg), p.fsize)], [FS_IPG, p.ipg], [FS_FPG, p.fpg], [FS_MAXBSIZE, p.bsize],
    [FS_AVGFILESIZE, 16384], [FS_AVGFPDIR, 64], [FS_CONTIGSUMSIZE, p.contig], [FS_MAXSYMLINKLEN, p.ufs2 ? 120 : 60], [FS_OLD_INODEFMT, INODEFMT_44],
    [FS_MAGIC, p.ufs2 ? (p.o.extattrs === true ? MAGIC_UFS2EA : MAGIC_UFS2) : MAGIC_UFS1],
  ];
  for (const [off, value] of fields) put(off, value);
  for (const [i, n] of total.entries()) {
    wide(FS_CSTOTAL + 8 * i, n);
    put(FS_OLD_CSTOTAL + 4 * i, n);
  }
  sb[FS_CLEAN] = FS_ISCLEAN;
  sb[FS_OLD_FLAGS] = FS_FLAGS_UPDATED;
  const label = p.o.label ?? '';
  for (let i = 0; i < label.length; i++) sb[FS_VOLNAME + i] = label.charCodeAt(i);
  wide(FS_SBLOCKLOC, p.sbloc);
  wide(FS_TIME, p.o.time);
  wide(FS_SIZE, p.size);
  wide(FS_DSIZE, dataFrags(p));
  wide(FS_CSADDR, p.dblkno);
  putLargestFile(p, view);
  wide(FS_QBMASK, p.bsize - 1);
  wide(FS_QFMASK, p.fsize - 1);
  if (!p.ufs2) putOldFields(p, put);
  return sb;
}

/** Everything but boot blocks, superblocks, groups, inodes and the summary. */
function dataFrags(p: Plan): number {
  return p.size - p.sblkno - p.ncg * (p.dblkno - p.sblkno) - p.csFrags;
}

/** All that the pointers reach, less a byte: exact, as fsck_ffs wants it, though it may be above 2^53. */
function putLargestFile(p: Plan, view: DataView): void {
  const last = pointersReach(31 - Math.clz32(p.bsize), p.ufs2).blocks - 1;
  const perHigh = 2 ** 32 / p.bsize;
  view.setUint32(FS_MAXFILESIZE + (p.le ? 4 : 0), Math.floor(last / perHigh), p.le);
  view.setUint32(FS_MAXFILESIZE + (p.le ? 0 : 4), (last % perHigh) * p.bsize + p.bsize - 1, p.le);
}

/** What UFS1 has of the days of cylinders: a group is one of them, and a track too. */
function putOldFields(p: Plan, put: (off: number, value: number) => void): void {
  const sectors = (p.fpg * p.fsize) / 512;
  const fields: readonly (readonly [number, number])[] = [
    [FS_OLD_CGMASK, -1], [FS_OLD_TIME, p.o.time], [FS_OLD_SIZE, p.size], [FS_OLD_DSIZE, dataFrags(p)], [FS_OLD_RPS, 60], [FS_OLD_NSPF, p.fsize / 512],
    [FS_OLD_NPSECT, sectors], [FS_OLD_INTERLEAVE, 1], [FS_OLD_CSADDR, p.dblkno], [FS_OLD_NSECT, sectors], [FS_OLD_SPC, sectors], [FS_OLD_NCYL, p.ncg],
    [FS_OLD_CPG, 1], [FS_OLD_POSTBLFORMAT, 1], [FS_OLD_NRPOS, 1],
  ];
  for (const [off, value] of fields) put(off, value);
}
