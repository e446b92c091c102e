/**
 * newfs: an empty FAT volume on an image. Pure but for the writer that it is given; two runs with the same options make the same bytes.
 *
 * Sizes are chosen as Windows and mkfs.fat choose them, unless the options say otherwise: the classic floppies to the byte, FAT12 and FAT16 for what is
 * small, FAT32 from half a gigabyte on. The first cluster of larger volumes is aligned.
 */
import { putU16le, putU32le, utf16Of } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { dosDate, dosTime } from './dostime.js';
import {
  ATTR_VOLUME, BPB_BACKUP, BPB_BYTES_PER_SEC, BPB_FATS, BPB_FAT_SECS16, BPB_FAT_SECS32, BPB_FSINFO, BPB_HEADS, BPB_HIDDEN, BPB_MEDIA, BPB_RESERVED,
  BPB_ROOT_CLUSTER, BPB_ROOT_ENTRIES, BPB_SECTORS16, BPB_SECTORS32, BPB_SEC_PER_CLUSTER, BPB_SEC_PER_TRACK, BS_END_SIG, BS_EXT16, BS_EXT32, BS_OEM, DE_ATTR,
  DE_MDATE, DE_MTIME, DIRENT_LEN, END_SIG, EXT_DRIVE, EXT_LABEL, EXT_SERIAL, EXT_SIG, EXT_TYPE, type FatBits, FSI_FREE, FSI_LEAD_SIG, FSI_NEXT,
  FSI_STRUCT_SIG, FSI_TRAIL_SIG, LEAD_SIG, STRUCT_SIG, TRAIL_SIG,
} from './ondisk.js';
import { oemByte } from './charset.js';

/** Where the image goes. */
export interface ImageWriter {
  /** Bytes. */
  readonly size: number;
  write(off: number, data: Uint8Array): void;
}

export interface NewfsOptions {
  /** Seconds since 1970: the time of making. */
  readonly time: number;
  /** The volume's serial number, 32 bits, a random one. */
  readonly serial: number;
  /** 12, 16 or 32; otherwise by the size. */
  readonly fatBits?: FatBits;
  /** Bytes: a power of two, a sector to 128 of them. */
  readonly clusterSize?: number;
  /** 512, 1024, 2048 or 4096: 512. */
  readonly sectorSize?: number;
  /** Entries of the root directory of FAT12 and FAT16. */
  readonly rootEntries?: number;
  /** Up to eleven characters, a byte string; written in capitals. */
  readonly label?: string;
  /** 1 or 2: 2. */
  readonly fats?: number;
  /** Sectors before the volume on its disk, for boot loaders: 0. */
  readonly hidden?: number;
  /** What is not written reads as zeros already. */
  readonly zeroed?: boolean;
}

export interface NewfsSummary {
  readonly fatBits: FatBits;
  readonly clusterSize: number;
  readonly clusters: number;
  /** Bytes of the volume. */
  readonly bytes: number;
}

/** What was decided. Sectors, but for the sector itself. */
interface Plan {
  readonly secsize: number;
  readonly sectors: number;
  readonly bits: FatBits;
  readonly spc: number;
  readonly reserved: number;
  readonly fats: number;
  readonly fatSecs: number;
  readonly rootEntries: number;
  readonly rootSecs: number;
  readonly clusters: number;
  readonly media: number;
  readonly track: number;
  readonly heads: number;
}

/** Disks as they were sold: bytes, sectors of a cluster, entries of the root, media byte, sectors of a track, heads. */
const FLOPPIES: readonly (readonly [number, number, number, number, number, number])[] = [
  [163_840, 1, 64, 0xfe, 8, 1],
  [184_320, 1, 64, 0xfc, 9, 1],
  [327_680, 2, 112, 0xff, 8, 2],
  [368_640, 2, 112, 0xfd, 9, 2],
  [737_280, 2, 112, 0xf9, 9, 2],
  [1_228_800, 1, 224, 0xf9, 15, 2],
  [1_474_560, 1, 224, 0xf0, 18, 2],
  [2_949_120, 2, 240, 0xf0, 36, 2],
];

const MIB = 1 << 20;
/** Volumes of fewer bytes than this get clusters of so many. Source: the tables of "FAT: General Overview of On-Disk Format". */
const CLUSTERS16: readonly (readonly [number, number])[] = [
  [16 * MIB, 1024], [128 * MIB, 2048], [256 * MIB, 4096], [512 * MIB, 8192], [1024 * MIB, 16_384], [2048 * MIB, 32_768], [Infinity, 65_536],
];
const CLUSTERS32: readonly (readonly [number, number])[] = [
  [260 * MIB, 512], [8192 * MIB, 4096], [16_384 * MIB, 8192], [32_768 * MIB, 16_384], [Infinity, 32_768],
];
/** The most and the fewest clusters of each kind; as to FAT32, of what other systems take for one. */
const MOST: Readonly<Record<FatBits, number>> = { 12: 4084, 16: 65_524, 32: 0x0fff_fff5 };
const FEWEST: Readonly<Record<FatBits, number>> = { 12: 1, 16: 4085, 32: 65_525 };
/** Where volumes from this size on are aligned to, in bytes. */
const ALIGN_FROM = 8 * MIB;
const ALIGN = 4096;

/** Makes the file system. EINVAL: an option makes no sense, or some do not go together; ENOSPC: the image is too small. */
export function newfs(writer: ImageWriter, options: NewfsOptions): NewfsSummary {
  const label = labelOf(options.label ?? '');
  const p = plan(writer.size, options);
  const w = (sector: number, data: Uint8Array): void => writer.write(sector * p.secsize, data);
  const boot = makeBoot(p, options, label);
  if (options.zeroed !== true) clear(writer, (p.reserved + p.fats * p.fatSecs + p.rootSecs + (p.bits === 32 ? p.spc : 0)) * p.secsize);
  w(0, boot);
  if (p.bits === 32) {
    const info = makeFsinfo(p);
    w(1, info);
    w(BACKUP, boot);
    w(BACKUP + 1, info);
  }
  for (let i = 0; i < p.fats; i++) w(p.reserved + i * p.fatSecs, makeFat(p));
  if (label !== undefined) w(p.reserved + p.fats * p.fatSecs, labelEntry(label, options.time, p.secsize));
  return { fatBits: p.bits, clusterSize: p.spc * p.secsize, clusters: p.clusters, bytes: p.sectors * p.secsize };
}

/** The sector with the copy of a FAT32's boot sector. */
const BACKUP = 6;

function clear(w: ImageWriter, len: number): void {
  const zeros = new Uint8Array(Math.min(len, MIB));
  for (let at = 0; at < len; at += zeros.length) w.write(at, zeros.subarray(0, Math.min(zeros.length, len - at)));
}

// -- sizes

function powerOfTwo(n: number, min: number, max: number): boolean {
  return n >= min && n <= max && (n & (n - 1)) === 0;
}

function plan(size: number, o: NewfsOptions): Plan {
  const secsize = o.sectorSize ?? 512;
  const fats = o.fats ?? 2;
  if (!powerOfTwo(secsize, 512, 4096) || (fats !== 1 && fats !== 2)) throw ERR.EINVAL;
  if (!(o.serial >= 0 && o.serial <= 0xffff_ffff) || !Number.isFinite(o.time)) throw ERR.EINVAL;
  if (o.clusterSize !== undefined && !powerOfTwo(o.clusterSize, secsize, 128 * secsize)) throw ERR.EINVAL;
  if (o.rootEntries !== undefined && !(Number.isInteger(o.rootEntries) && o.rootEntries >= 1 && o.rootEntries <= 65_535)) throw ERR.EINVAL;
  const floppy = secsize === 512 && o.clusterSize === undefined && o.fatBits !== 16 && o.fatBits !== 32 ? FLOPPIES.find(([bytes]) => bytes === size) : undefined;
  const [, spc, entries, media, track, heads] = floppy ?? [size, 0, 512, 0xf8, 32, size < 504 * MIB ? 16 : 64];
  const sectors = Math.min(Math.floor(size / secsize), 0xffff_ffff);
  const base = { secsize, sectors, fats, media, track, heads, rootEntries: o.rootEntries ?? entries };
  const kinds: readonly FatBits[] = o.fatBits !== undefined ? [o.fatBits] : kindsFor(size);
  for (const bits of kinds) {
    for (const bytes of clusterSizes(bits, size, spc * secsize, o)) {
      const p = fitted({ ...base, bits, spc: bytes / secsize }, size);
      if (p !== undefined) return p;
    }
  }
  // As small as it is, there is no room; or it is too large for what was asked.
  throw sectors < 64 || o.fatBits === undefined ? ERR.ENOSPC : ERR.EINVAL;
}

function kindsFor(size: number): readonly FatBits[] {
  if (size < 4 * MIB) return [12, 16];
  return size < 512 * MIB ? [16, 12, 32] : [32, 16];
}

/** Bytes of a cluster to try: what was asked for, or the usual ones and then the nearest. */
function clusterSizes(bits: FatBits, size: number, floppy: number, o: NewfsOptions): readonly number[] {
  if (o.clusterSize !== undefined) return [o.clusterSize];
  if (floppy > 0) return [floppy];
  const secsize = o.sectorSize ?? 512;
  const table = bits === 32 ? CLUSTERS32 : CLUSTERS16;
  const usual = Math.max(secsize, bits === 12 ? secsize : (table.find(([less]) => size < less) as readonly [number, number])[1]);
  const all: number[] = [];
  for (let bytes = usual; bytes <= 128 * secsize && bytes <= 65_536; bytes *= 2) all.push(bytes);
  for (let bytes = usual / 2; bytes >= secsize; bytes /= 2) all.push(bytes);
  return all;
}

/** The plan, if the number of clusters fits the kind. */
function fitted(b: Omit<Plan, 'reserved' | 'fatSecs' | 'rootSecs' | 'clusters'>, size: number): Plan | undefined {
  const { bits, secsize, sectors, fats, spc } = b;
  const rootEntries = bits === 32 ? 0 : b.rootEntries;
  const rootSecs = Math.ceil((rootEntries * DIRENT_LEN) / secsize);
  let reserved = bits === 32 ? 32 : 1;
  let fatSecs = 1;
  const count = (): number => Math.floor((sectors - reserved - fats * fatSecs - rootSecs) / spc);
  const needed = (): number => Math.ceil(((count() + 2) * bits) / 8 / secsize);
  // The FAT grows by what it has to describe, and leaves less to be described.
  while (fatSecs < needed()) fatSecs += Math.max(1, Math.floor((needed() - fatSecs) / 2));
  if (size >= ALIGN_FROM) {
    const unit = Math.max(1, Math.max(ALIGN, Math.min(spc * secsize, 65_536)) / secsize);
    fatSecs = Math.ceil(fatSecs / Math.max(1, ALIGN / secsize)) * Math.max(1, ALIGN / secsize);
    const align = ALIGN / secsize;
    if (bits !== 32) reserved = Math.max(1, align);
    reserved += (unit - ((reserved + fats * fatSecs + rootSecs) % unit)) % unit;
  }
  const clusters = count();
  if (!(clusters >= FEWEST[bits]) || clusters > MOST[bits] || (bits !== 32 && fatSecs > 0xffff)) return smallFat32(b, reserved, fatSecs, clusters);
  return { ...b, rootEntries, rootSecs, reserved, fatSecs, clusters };
}

/** A FAT32 that is asked for by name may be smaller than others would make it: it is told by its boot sector. */
function smallFat32(b: Omit<Plan, 'reserved' | 'fatSecs' | 'rootSecs' | 'clusters'>, reserved: number, fatSecs: number, clusters: number): Plan | undefined {
  if (b.bits !== 32 || clusters < 1 || clusters > MOST[32]) return undefined;
  return { ...b, rootEntries: 0, rootSecs: 0, reserved, fatSecs, clusters };
}

// -- parts

/** Eleven OEM bytes; undefined: there is no label. EINVAL. */
function labelOf(label: string): Uint8Array | undefined {
  const text = utf16Of(label);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (text === undefined || text.length > 11 || /[\x00-\x1f"*+,./:;<=>?[\\\]|]/.test(text)) throw ERR.EINVAL;
  if (text.trim() === '') return undefined;
  const bytes = new Uint8Array(11).fill(0x20);
  for (let i = 0; i < text.length; i++) {
    const byte = oemByte(text[i].toUpperCase()) ?? oemByte(text[i]);
    if (byte === undefined) throw ERR.EINVAL;
    bytes[i] = byte;
  }
  return bytes;
}

function text(b: Uint8Array, off: number, len: number, s: string): void {
  for (let i = 0; i < len; i++) b[off + i] = i < s.length ? s.charCodeAt(i) : 0x20;
}

function makeBoot(p: Plan, o: NewfsOptions, label: Uint8Array | undefined): Uint8Array {
  const b = new Uint8Array(p.secsize);
  const wide = p.bits === 32;
  const ext = wide ? BS_EXT32 : BS_EXT16;
  // A jump over the parameters to what says that there is nothing to boot.
  b.set([0xeb, ext + 26 - 2, 0x90]);
  text(b, BS_OEM, 8, 'MSWIN4.1');
  putU16le(b, BPB_BYTES_PER_SEC, p.secsize);
  b[BPB_SEC_PER_CLUSTER] = p.spc;
  putU16le(b, BPB_RESERVED, p.reserved);
  b[BPB_FATS] = p.fats;
  putU16le(b, BPB_ROOT_ENTRIES, p.rootEntries);
  const short = p.sectors < 65_536 && !wide;
  putU16le(b, BPB_SECTORS16, short ? p.sectors : 0);
  putU32le(b, BPB_SECTORS32, short ? 0 : p.sectors);
  b[BPB_MEDIA] = p.media;
  putU16le(b, BPB_FAT_SECS16, wide ? 0 : p.fatSecs);
  putU16le(b, BPB_SEC_PER_TRACK, p.track);
  putU16le(b, BPB_HEADS, p.heads);
  putU32le(b, BPB_HIDDEN, o.hidden ?? 0);
  if (wide) {
    putU32le(b, BPB_FAT_SECS32, p.fatSecs);
    putU32le(b, BPB_ROOT_CLUSTER, 2);
    putU16le(b, BPB_FSINFO, 1);
    putU16le(b, BPB_BACKUP, BACKUP);
  }
  b[ext + EXT_DRIVE] = p.media === 0xf8 ? 0x80 : 0;
  b[ext + EXT_SIG] = 0x29;
  putU32le(b, ext + EXT_SERIAL, o.serial);
  text(b, ext + EXT_LABEL, 11, 'NO NAME');
  if (label !== undefined) b.set(label, ext + EXT_LABEL);
  text(b, ext + EXT_TYPE, 8, `FAT${p.bits}`);
  // int 18h: this disk has no boot loader; then wait for ever.
  b.set([0xcd, 0x18, 0xeb, 0xfe], ext + 26);
  putU16le(b, BS_END_SIG, END_SIG);
  return b;
}

function makeFsinfo(p: Plan): Uint8Array {
  const b = new Uint8Array(p.secsize);
  putU32le(b, FSI_LEAD_SIG, LEAD_SIG);
  putU32le(b, FSI_STRUCT_SIG, STRUCT_SIG);
  putU32le(b, FSI_FREE, p.clusters - 1);
  putU32le(b, FSI_NEXT, 3);
  putU32le(b, FSI_TRAIL_SIG, TRAIL_SIG);
  return b;
}

/** The first sector of a FAT: the media byte, the flags of a clean volume, and FAT32's root directory. */
function makeFat(p: Plan): Uint8Array {
  const b = new Uint8Array(p.secsize);
  if (p.bits === 12) b.set([p.media, 0xff, 0xff]);
  else if (p.bits === 16) b.set([p.media, 0xff, 0xff, 0xff]);
  else b.set([p.media, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f]);
  return b;
}

/** The first sector of the root directory, with the label. */
function labelEntry(label: Uint8Array, time: number, secsize: number): Uint8Array {
  const b = new Uint8Array(secsize);
  b.set(label, 0);
  b[DE_ATTR] = ATTR_VOLUME;
  putU16le(b, DE_MTIME, dosTime(time, 0));
  putU16le(b, DE_MDATE, dosDate(time, 0));
  return b;
}
