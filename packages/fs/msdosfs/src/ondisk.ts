/**
 * What FAT looks like on disk: the boot sector, the FSInfo sector, directory entries. Pure; all numbers are little-endian.
 *
 * parseBoot() takes a boot sector apart and checks all in it that later arithmetic relies upon. Directory entries are used where they lie, in
 * their buffers: this file gives the offsets.
 *
 * Source: Microsoft, "FAT: General Overview of On-Disk Format" 1.03; ECMA-107.
 */
import { bytestrOf, getU16le, getU32le } from '@anykernel/lib-bytes';

export const BOOT_LEN = 512;

// Offsets in the boot sector.
export const BS_JUMP = 0;
export const BS_OEM = 3;
export const BPB_BYTES_PER_SEC = 11;
export const BPB_SEC_PER_CLUSTER = 13;
export const BPB_RESERVED = 14;
export const BPB_FATS = 16;
export const BPB_ROOT_ENTRIES = 17;
export const BPB_SECTORS16 = 19;
export const BPB_MEDIA = 21;
export const BPB_FAT_SECS16 = 22;
export const BPB_SEC_PER_TRACK = 24;
export const BPB_HEADS = 26;
export const BPB_HIDDEN = 28;
export const BPB_SECTORS32 = 32;
// FAT12 and FAT16: drive, state, signature, serial number, label, type, from byte 36 on; FAT32 has them at 64.
export const BPB_FAT_SECS32 = 36;
export const BPB_EXT_FLAGS = 40;
export const BPB_VERSION = 42;
export const BPB_ROOT_CLUSTER = 44;
export const BPB_FSINFO = 48;
export const BPB_BACKUP = 50;
export const BS_EXT16 = 36;
export const BS_EXT32 = 64;
export const EXT_DRIVE = 0;
export const EXT_STATE = 1;
export const EXT_SIG = 2;
export const EXT_SERIAL = 3;
export const EXT_LABEL = 7;
export const EXT_TYPE = 18;
export const BS_END_SIG = 510;
export const END_SIG = 0xaa55;

/** Bits of EXT_STATE: not unmounted; a surface check is due. */
export const STATE_DIRTY = 1;

// Offsets in the FSInfo sector.
export const FSI_LEAD_SIG = 0;
export const FSI_STRUCT_SIG = 484;
export const FSI_FREE = 488;
export const FSI_NEXT = 492;
export const FSI_TRAIL_SIG = 508;
export const LEAD_SIG = 0x41615252;
export const STRUCT_SIG = 0x61417272;
export const TRAIL_SIG = 0xaa550000;
export const FSI_UNKNOWN = 0xffffffff;

/** The flag of FAT entry 1 that says that the volume was unmounted, where there is one. */
export const CLEAN16 = 0x8000;
export const CLEAN32 = 0x0800_0000;

// A directory entry.
export const DIRENT_LEN = 32;
export const DE_NAME = 0;
export const DE_ATTR = 11;
/** NT's bits for names in lower case. */
export const DE_CASE = 12;
export const DE_CTIME_FINE = 13;
export const DE_CTIME = 14;
export const DE_CDATE = 16;
export const DE_ADATE = 18;
export const DE_START_HIGH = 20;
export const DE_MTIME = 22;
export const DE_MDATE = 24;
export const DE_START = 26;
export const DE_SIZE = 28;

export const ATTR_READONLY = 0x01;
export const ATTR_HIDDEN = 0x02;
export const ATTR_SYSTEM = 0x04;
export const ATTR_VOLUME = 0x08;
export const ATTR_DIRECTORY = 0x10;
export const ATTR_ARCHIVE = 0x20;
/** All of these together: part of a long name. */
export const ATTR_LONG = 0x0f;
export const ATTR_MASK = 0x3f;

/** First bytes of a name: an entry that is free; so are all after this one; 0xe5 as a character. */
export const SLOT_FREE = 0xe5;
export const SLOT_END = 0x00;
export const SLOT_KANJI = 0x05;

export const CASE_BASE = 0x08;
export const CASE_EXT = 0x10;

/** Entries of a directory, at most: 2 MiB. */
export const DIR_SLOTS_MAX = 65536;
/** Bytes of a file, at most. */
export const FILE_MAX = 0xffff_ffff;
/** UTF-16 units of a name, at most. */
export const NAME_MAX = 255;
/** The first cluster that there is. */
export const FIRST_CLUSTER = 2;

export type FatBits = 12 | 16 | 32;

/** A volume's geometry. Offsets and lengths are bytes. */
export interface FatInfo {
  readonly bits: FatBits;
  readonly secsize: number;
  readonly clusterSize: number;
  readonly fats: number;
  /** Where the first FAT is, and how long each is. */
  readonly fatOff: number;
  readonly fatLen: number;
  /** Whether all FATs are kept the same; otherwise `activeFat` alone counts. */
  readonly mirrored: boolean;
  readonly activeFat: number;
  /** The root directory of FAT12 and FAT16; of FAT32 0, and `rootCluster` is where it starts. */
  readonly rootOff: number;
  readonly rootLen: number;
  readonly rootCluster: number;
  /** Where cluster 2 is. */
  readonly dataOff: number;
  /** Clusters that there are: their numbers are 2 to clusters + 1. */
  readonly clusters: number;
  /** Bytes that the volume says it has. */
  readonly size: number;
  /** FSInfo; 0: there is none. */
  readonly fsinfoOff: number;
  /** Where the state byte is in the boot sector; 0: there is none. */
  readonly stateOff: number;
  readonly serial: number;
  /** As the boot sector has it, without the blanks: a byte string in the OEM character set. */
  readonly label: string;
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && (n & (n - 1)) === 0;
}

/** The geometry, or what is wrong with it. `b` has 512 bytes. */
export function parseBoot(b: Uint8Array): FatInfo | string {
  const secsize = getU16le(b, BPB_BYTES_PER_SEC);
  const spc = b[BPB_SEC_PER_CLUSTER];
  const reserved = getU16le(b, BPB_RESERVED);
  const fats = b[BPB_FATS];
  const rootEntries = getU16le(b, BPB_ROOT_ENTRIES);
  if (secsize < 512 || secsize > 4096 || !isPowerOfTwo(secsize)) return `sectors of ${secsize} bytes`;
  if (!isPowerOfTwo(spc)) return `clusters of ${spc} sectors`;
  if (reserved === 0) return 'no room for the boot sector';
  if (fats === 0) return 'no FAT';
  const isFat32 = getU16le(b, BPB_FAT_SECS16) === 0;
  const fatSecs = isFat32 ? getU32le(b, BPB_FAT_SECS32) : getU16le(b, BPB_FAT_SECS16);
  if (fatSecs === 0) return 'a FAT without a sector';
  const sectors = getU16le(b, BPB_SECTORS16) !== 0 ? getU16le(b, BPB_SECTORS16) : getU32le(b, BPB_SECTORS32);
  if (!isFat32 && rootEntries === 0) return 'no root directory';
  if (isFat32 && getU16le(b, BPB_VERSION) !== 0) return `version ${getU16le(b, BPB_VERSION)} of FAT32`;
  const rootSecs = isFat32 ? 0 : Math.ceil((rootEntries * DIRENT_LEN) / secsize);
  const before = reserved + fats * fatSecs + rootSecs;
  if (before >= sectors) return `${sectors} sectors, and ${before} of them before the first file`;
  const count = Math.floor((sectors - before) / spc);
  if (count === 0) return 'no cluster';
  const bits = isFat32 ? 32 : count < 4085 ? 12 : 16;
  return checkedInfo(b, bits, secsize, spc, reserved, fats, fatSecs, before, count, sectors, rootSecs > 0 ? rootEntries : 0);
}

/** The most clusters of each kind: numbers from there on mean something else. */
const CLUSTERS_MAX: Readonly<Record<FatBits, number>> = { 12: 4084, 16: 65524, 32: 0x0fff_fff5 };

function checkedInfo(
  b: Uint8Array, bits: FatBits, secsize: number, spc: number, reserved: number, fats: number, fatSecs: number, before: number, count: number, sectors: number,
  rootEntries: number,
): FatInfo | string {
  // Clusters that the FAT has no entry for do not count.
  const entries = Math.floor((fatSecs * secsize * 8) / bits) - FIRST_CLUSTER;
  const clusters = Math.min(count, entries, CLUSTERS_MAX[bits]);
  if (clusters <= 0) return 'a FAT without room for a cluster';
  const ext = bits === 32 ? BS_EXT32 : BS_EXT16;
  const signed = b[ext + EXT_SIG] === 0x29 || b[ext + EXT_SIG] === 0x28;
  const flags = bits === 32 ? getU16le(b, BPB_EXT_FLAGS) : 0;
  const mirrored = (flags & 0x80) === 0;
  const activeFat = mirrored ? 0 : flags & 0x0f;
  if (activeFat >= fats) return `FAT ${activeFat} is the active one, of ${fats}`;
  const rootCluster = bits === 32 ? getU32le(b, BPB_ROOT_CLUSTER) & 0x0fff_ffff : 0;
  if (bits === 32 && (rootCluster < FIRST_CLUSTER || rootCluster > clusters + 1)) return `a root directory in cluster ${rootCluster}`;
  const fsinfo = bits === 32 ? getU16le(b, BPB_FSINFO) : 0;
  return {
    bits, secsize, fats, mirrored, activeFat, rootCluster, clusters,
    clusterSize: spc * secsize,
    fatOff: reserved * secsize,
    fatLen: fatSecs * secsize,
    rootOff: bits === 32 ? 0 : (reserved + fats * fatSecs) * secsize,
    rootLen: rootEntries * DIRENT_LEN,
    dataOff: before * secsize,
    size: sectors * secsize,
    fsinfoOff: fsinfo > 0 && fsinfo < reserved ? fsinfo * secsize : 0,
    stateOff: signed ? ext + EXT_STATE : 0,
    serial: signed ? getU32le(b, ext + EXT_SERIAL) : 0,
    label: b[ext + EXT_SIG] === 0x29 ? bytestrOf(b, ext + EXT_LABEL, ext + EXT_LABEL + 11).replace(/[ \0]+$/, '') : '',
  };
}

/** Whether a sector looks like the boot sector of a FAT volume, and not like one of something else. */
export function looksLikeBoot(b: Uint8Array): boolean {
  if (b.length < BOOT_LEN || typeof parseBoot(b) === 'string') return false;
  const jumps = (b[0] === 0xeb && b[2] === 0x90) || b[0] === 0xe9;
  const media = b[BPB_MEDIA];
  return (jumps || getU16le(b, BS_END_SIG) === END_SIG) && (media === 0xf0 || media >= 0xf8);
}
