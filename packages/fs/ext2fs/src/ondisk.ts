/**
 * What ext2 looks like on disk: superblock, group descriptors, inodes, directory entries. Pure; all numbers are little-endian.
 *
 * Inside the file system the superblock, the descriptors and the inodes are used where they lie, in their buffers: this file gives the
 * offsets. parseSuper() takes a superblock apart and checks all in it that later arithmetic relies upon.
 *
 * Source: "The Second Extended File System: Internal Layout" (D. Poirier, 2001-2019) and the documentation of the ext4 disk format.
 */
import { cstringOf, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';

/** The superblock is at this byte of the device, whatever the block size. */
export const SUPER_OFF = 1024;
export const SUPER_LEN = 1024;
export const MAGIC = 0xef53;

// Offsets in the superblock.
export const SB_INODES = 0;
export const SB_BLOCKS = 4;
export const SB_RBLOCKS = 8;
export const SB_FREE_BLOCKS = 12;
export const SB_FREE_INODES = 16;
export const SB_FIRST_DATA = 20;
export const SB_LOG_BSIZE = 24;
export const SB_LOG_FSIZE = 28;
export const SB_BPG = 32;
export const SB_FPG = 36;
export const SB_IPG = 40;
export const SB_MTIME = 44;
export const SB_WTIME = 48;
export const SB_MNT_COUNT = 52;
export const SB_MAX_MNT_COUNT = 54;
export const SB_MAGIC = 56;
export const SB_STATE = 58;
export const SB_ERRORS = 60;
export const SB_LASTCHECK = 64;
export const SB_CREATOR_OS = 72;
export const SB_REV = 76;
export const SB_RESUID = 80;
export const SB_RESGID = 82;
export const SB_FIRST_INO = 84;
export const SB_INODE_SIZE = 88;
export const SB_GROUP_NR = 90;
export const SB_COMPAT = 92;
export const SB_INCOMPAT = 96;
export const SB_ROCOMPAT = 100;
export const SB_UUID = 104;
export const SB_LABEL = 120;
export const SB_LAST_MOUNTED = 136;
export const SB_RESERVED_GDT = 206;
export const SB_LAST_ORPHAN = 232;
export const SB_HASH_SEED = 236;
export const SB_HASH_VERSION = 252;
/** 1: SB_JOURNAL_BLOCKS has a copy of the journal's block map and size. */
export const SB_JOURNAL_BACKUP = 253;
export const SB_DESC_SIZE = 254;
export const SB_DEFAULT_OPTS = 256;
export const SB_FIRST_META_BG = 260;
export const SB_MKFS_TIME = 264;
export const SB_JOURNAL_BLOCKS = 268;
export const SB_MIN_EXTRA = 348;
export const SB_WANT_EXTRA = 350;
export const SB_FLAGS = 352;
export const SB_JOURNAL_INO = 224;
export const SB_JOURNAL_DEV = 228;
export const SB_BLOCKS_HIGH = 336;
export const SB_RBLOCKS_HIGH = 340;
export const SB_FREE_BLOCKS_HIGH = 344;
export const SB_LOG_FLEX = 372;
export const SB_CSUM_TYPE = 373;
export const SB_BACKUP_BGS = 588;
export const SB_CSUM_SEED = 624;
export const SB_ORPHAN_INO = 640;
export const SB_CSUM = 1020;

/** SB_FLAGS: hashes of directories take characters as unsigned. */
export const FLAGS_UNSIGNED_HASH = 2;

/** SB_STATE: unmounted cleanly; errors were seen. */
export const STATE_VALID = 1;
export const STATE_ERROR = 2;

export const COMPAT_HAS_JOURNAL = 0x4;
export const COMPAT_EXT_ATTR = 0x8;
export const COMPAT_RESIZE_INODE = 0x10;
export const COMPAT_DIR_INDEX = 0x20;
export const COMPAT_SPARSE_SUPER2 = 0x200;
export const COMPAT_ORPHAN_FILE = 0x1000;
export const INCOMPAT_FILETYPE = 0x2;
export const INCOMPAT_RECOVER = 0x4;
export const INCOMPAT_JOURNAL_DEV = 0x8;
export const INCOMPAT_META_BG = 0x10;
export const INCOMPAT_EXTENTS = 0x40;
export const INCOMPAT_64BIT = 0x80;
export const INCOMPAT_MMP = 0x100;
export const INCOMPAT_FLEX_BG = 0x200;
export const INCOMPAT_EA_INODE = 0x400;
export const INCOMPAT_CSUM_SEED = 0x2000;
export const INCOMPAT_LARGE_DIR = 0x4000;
export const INCOMPAT_INLINE_DATA = 0x8000;
export const INCOMPAT_ENCRYPT = 0x10000;
export const INCOMPAT_CASEFOLD = 0x20000;
export const ROCOMPAT_SPARSE_SUPER = 0x1;
export const ROCOMPAT_LARGE_FILE = 0x2;
export const ROCOMPAT_BTREE_DIR = 0x4;
export const ROCOMPAT_HUGE_FILE = 0x8;
export const ROCOMPAT_GDT_CSUM = 0x10;
export const ROCOMPAT_DIR_NLINK = 0x20;
export const ROCOMPAT_EXTRA_ISIZE = 0x40;
export const ROCOMPAT_QUOTA = 0x100;
export const ROCOMPAT_BIGALLOC = 0x200;
export const ROCOMPAT_METADATA_CSUM = 0x400;
export const ROCOMPAT_PROJECT = 0x2000;
export const ROCOMPAT_VERITY = 0x8000;
export const ROCOMPAT_ORPHAN_PRESENT = 0x10000;

/** What can be read, and what can be written. */
export const INCOMPAT_WRITABLE: number =
  INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG | INCOMPAT_EXTENTS | INCOMPAT_64BIT | INCOMPAT_FLEX_BG | INCOMPAT_EA_INODE | INCOMPAT_CSUM_SEED |
  INCOMPAT_LARGE_DIR | INCOMPAT_INLINE_DATA;
export const INCOMPAT_READABLE: number = INCOMPAT_WRITABLE | INCOMPAT_MMP | INCOMPAT_ENCRYPT | INCOMPAT_CASEFOLD;
export const ROCOMPAT_WRITABLE: number =
  ROCOMPAT_SPARSE_SUPER | ROCOMPAT_LARGE_FILE | ROCOMPAT_BTREE_DIR | ROCOMPAT_HUGE_FILE | ROCOMPAT_GDT_CSUM | ROCOMPAT_DIR_NLINK | ROCOMPAT_EXTRA_ISIZE |
  ROCOMPAT_METADATA_CSUM | ROCOMPAT_PROJECT | ROCOMPAT_ORPHAN_PRESENT;

/** By number of the bit. */
const INCOMPAT_NAMES: readonly (string | undefined)[] = [
  'compression', 'filetype', 'needs_recovery', 'journal_dev', 'meta_bg', undefined, 'extent', '64bit', 'mmp', 'flex_bg', 'ea_inode', undefined, 'dirdata',
  'metadata_csum_seed', 'large_dir', 'inline_data', 'encrypt', 'casefold',
];
const ROCOMPAT_NAMES: readonly (string | undefined)[] = [
  'sparse_super', 'large_file', 'btree_dir', 'huge_file', 'uninit_bg', 'dir_nlink', 'extra_isize', 'snapshot', 'quota', 'bigalloc', 'metadata_csum', 'replica',
  'read-only', 'project', 'shared_blocks', 'verity', 'orphan_present',
];

/** The names of feature bits, for messages: "extent (0x40), flex_bg (0x200)". */
export function featureNames(bits: number, kind: 'incompat' | 'rocompat'): string {
  const table = kind === 'incompat' ? INCOMPAT_NAMES : ROCOMPAT_NAMES;
  const names: string[] = [];
  for (let i = 0; i < 32; i++) {
    const bit = (1 << i) >>> 0;
    if ((bits & bit) !== 0) names.push(`${table[i] ?? 'unknown'} (0x${bit.toString(16)})`);
  }
  return names.join(', ');
}

/** The names of what keeps an image from being written; '' where nothing does. */
export function unwritable(s: Pick<SuperInfo, 'incompat' | 'rocompat'>): string {
  const [incompat, rocompat] = [s.incompat & ~INCOMPAT_WRITABLE, s.rocompat & ~ROCOMPAT_WRITABLE];
  return [featureNames(incompat, 'incompat'), featureNames(rocompat, 'rocompat')].filter((names) => names !== '').join(', ');
}

/** Group descriptors: 32 bytes each, or 64 (and perhaps more) with `64bit`, where the upper halves stand behind. */
export const GD_LEN = 32;
export const GD_LEN64 = 64;
export const GD_BBMAP = 0;
export const GD_IBMAP = 4;
export const GD_ITABLE = 8;
export const GD_FREE_BLOCKS = 12;
export const GD_FREE_INODES = 14;
export const GD_USED_DIRS = 16;
export const GD_FLAGS = 18;
export const GD_BBMAP_CSUM = 24;
export const GD_IBMAP_CSUM = 26;
export const GD_ITABLE_UNUSED = 28;
export const GD_CSUM = 30;
export const GD_BBMAP_HIGH = 32;
export const GD_IBMAP_HIGH = 36;
export const GD_ITABLE_HIGH = 40;
/** From a count's lower half to its upper one: free blocks, free inodes, directories. */
export const GD_COUNT_HIGH = 32;
export const GD_ITABLE_UNUSED_HIGH = 50;
export const GD_BBMAP_CSUM_HIGH = 56;
export const GD_IBMAP_CSUM_HIGH = 58;
/** GD_FLAGS: the bitmap on disk was never written; the inode table is zero where it is unused. */
export const BG_INODE_UNINIT = 1;
export const BG_BLOCK_UNINIT = 2;
export const BG_INODE_ZEROED = 4;

// Offsets in an inode.
export const DI_MODE = 0;
export const DI_UID = 2;
export const DI_SIZE = 4;
export const DI_ATIME = 8;
export const DI_CTIME = 12;
export const DI_MTIME = 16;
export const DI_DTIME = 20;
export const DI_GID = 24;
export const DI_NLINK = 26;
export const DI_BLOCKS = 28;
export const DI_FLAGS = 32;
export const DI_VERSION = 36;
export const DI_BLOCK = 40;
export const DI_GEN = 100;
export const DI_ACL = 104;
export const DI_SIZE_HIGH = 108;
export const DI_BLOCKS_HIGH = 116;
export const DI_ACL_HIGH = 118;
export const DI_CSUM = 124;
export const DI_UID_HIGH = 120;
export const DI_GID_HIGH = 122;
/** Inodes of 128 bytes end here. */
export const DI_OLD_LEN = 128;
export const DI_EXTRA = 128;
export const DI_CSUM_HIGH = 130;
export const DI_CTIME_EXTRA = 132;
export const DI_MTIME_EXTRA = 136;
export const DI_ATIME_EXTRA = 140;
export const DI_CRTIME = 144;
export const DI_CRTIME_EXTRA = 148;
export const DI_PROJID = 156;
/** The extra bytes that we know: up to i_projid. */
export const EXTRA_LEN = 32;

export const BAD_INO = 1;
export const ROOT_INO = 2;
export const RESIZE_INO = 7;
export const JOURNAL_INO = 8;
/** The first inode that is not reserved, of revision 0. */
export const FIRST_INO_REV0 = 11;

/** Direct block pointers of an inode, and where the indirect ones stand. */
export const NDADDR = 12;
export const NIADDR = 3;
/** Bytes of a symbolic link that fit into the pointers' place. */
export const FAST_LINK_MAX = 60;
/** The most names that a file may have. */
export const LINK_MAX = 32000;
/** The same with `dir_nlink`; a directory may have more then, and its count is 1 when it does not fit. */
export const LINK_MAX_DIR_NLINK = 65000;
export const NAME_MAX = 255;

// Inode flags.
export const FL_COMPRESSED = 0x4;
export const FL_IMMUTABLE = 0x10;
export const FL_APPEND = 0x20;
export const FL_NODUMP = 0x40;
export const FL_NOATIME = 0x80;
export const FL_ENCRYPT = 0x800;
/** The directory has a hash tree. */
export const FL_INDEX = 0x1000;
/** Names that differ by case only are one; the hash is of the folded name. */
export const FL_CASEFOLD = 0x40000000;
/** DI_BLOCKS counts blocks of the file system. */
export const FL_HUGE_FILE = 0x40000;
export const FL_EXTENTS = 0x80000;
export const FL_VERITY = 0x100000;
export const FL_EA_INODE = 0x200000;
export const FL_INLINE_DATA = 0x10000000;
/** New files take the directory's project. */
export const FL_PROJINHERIT = 0x20000000;
export const FL_SYNC = 0x8;
/** A directory's only. */
export const FL_DIRSYNC = 0x10000;
/** What a new file takes over from its directory. */
export const FL_INHERITED: number = FL_SYNC | FL_NODUMP | FL_NOATIME | FL_DIRSYNC | FL_PROJINHERIT;
/** Flags of files that the image has no feature for, or nobody here can read. */
export function strangeFlags(s: Pick<SuperInfo, 'incompat'>): number {
  const without = (feature: number, flag: number): number => ((s.incompat & feature) === 0 ? flag : 0);
  return FL_COMPRESSED | without(INCOMPAT_EXTENTS, FL_EXTENTS) | without(INCOMPAT_INLINE_DATA, FL_INLINE_DATA) | without(INCOMPAT_EA_INODE, FL_EA_INODE);
}

/** A directory entry: ino u32, rec_len u16, name_len u8 (u16 without `filetype`), type u8, name. */
export const DE_HEADER = 8;
export const DE_MIN = 12;

/** Length of an entry with a name of `namlen` bytes. */
export function direntLen(namlen: number): number {
  return (DE_HEADER + namlen + 3) & ~3;
}

/** S_IFMT >> 12 to an entry's type byte and back. */
const FT_OF_MODE: readonly number[] = [0, 5, 3, 0, 2, 0, 4, 0, 1, 0, 7, 0, 6, 0, 0, 0];
const DT_OF_FT: readonly number[] = [0, 8, 4, 2, 6, 1, 12, 10];

export function filetypeOf(mode: number): number {
  return FT_OF_MODE[(mode >> 12) & 15];
}

/** DT_* of an entry's type byte; DT_UNKNOWN for one that is none. */
export function dtypeOf(filetype: number): number {
  return filetype < DT_OF_FT.length ? DT_OF_FT[filetype] : 0;
}

/**
 * The length of the entry at `off` of a directory block, or 0 when the bytes there are not a whole and valid entry. `end` is the length of
 * the block, `typed` whether entries have a type byte, `inodes` the highest inode number; `sealed`: names are encrypted, and any bytes.
 */
export function direntCheck(block: Uint8Array, off: number, end: number, typed: boolean, inodes: number, sealed = false): number {
  if (off + DE_MIN > end) return 0;
  const reclen = block[off + 4] | (block[off + 5] << 8);
  const namlen = typed ? block[off + 6] : block[off + 6] | (block[off + 7] << 8);
  if (reclen < DE_MIN || (reclen & 3) !== 0 || off + reclen > end) return 0;
  const ino = getU32le(block, off);
  if (ino === 0) return reclen;
  if (namlen === 0 || namlen > NAME_MAX || DE_HEADER + namlen > reclen || ino > inodes) return 0;
  if (sealed) return reclen;
  for (let i = off + DE_HEADER; i < off + DE_HEADER + namlen; i++) if (block[i] === 0 || block[i] === 0x2f) return 0;
  return reclen;
}

/** What a superblock says, checked. */
export interface SuperInfo {
  readonly inodes: number;
  readonly blocks: number;
  /** The block that holds the superblock: 1 for blocks of 1 KiB, 0 otherwise. */
  readonly firstData: number;
  /** log2 of the block size. */
  readonly bshift: number;
  readonly blocksPerGroup: number;
  /** log2 of the blocks that a bit of a bitmap stands for: 0 but with bigalloc. */
  readonly clusterShift: number;
  readonly inodesPerGroup: number;
  readonly rev: number;
  readonly firstIno: number;
  readonly inodeSize: number;
  readonly compat: number;
  readonly incompat: number;
  readonly rocompat: number;
  readonly resuid: number;
  readonly resgid: number;
  readonly state: number;
  readonly reservedGdt: number;
  readonly firstMetaBg: number;
  /** Groups with a backup, with sparse_super2. */
  readonly backupBgs: readonly [number, number];
  /** Bytes of a group descriptor. */
  readonly descSize: number;
  readonly journalIno: number;
  readonly orphanIno: number;
  /** Extra bytes that new inodes shall have. */
  readonly wantExtra: number;
  readonly label: string;
}

/** Clusters have 512 MiB at most. */
const CLUSTER_SHIFT_MAX = 17;

/** The most groups: 2^32 blocks in groups of 8192. */
const GROUPS_MAX = 1 << 19;

/** The features that decide who may read and write, of what may be a superblock: none where it is not one that has them. */
export function superFeatures(b: Uint8Array): Pick<SuperInfo, 'incompat' | 'rocompat'> {
  if (b.length < SUPER_LEN || getU16le(b, SB_MAGIC) !== MAGIC || getU32le(b, SB_REV) !== 1) return { incompat: 0, rocompat: 0 };
  return { incompat: getU32le(b, SB_INCOMPAT), rocompat: getU32le(b, SB_ROCOMPAT) };
}

/** Takes a superblock apart; a string says what is wrong with it. Feature bits are not judged. */
export function parseSuper(b: Uint8Array): SuperInfo | string {
  if (b.length < SUPER_LEN) return 'the superblock is cut short';
  if (getU16le(b, SB_MAGIC) !== MAGIC) return 'there is no ext2 superblock';
  const rev = getU32le(b, SB_REV);
  const dynamic = rev > 0;
  const wide = dynamic && (getU32le(b, SB_INCOMPAT) & INCOMPAT_64BIT) !== 0;
  const logBsize = getU32le(b, SB_LOG_BSIZE);
  const s: SuperInfo = {
    inodes: getU32le(b, SB_INODES),
    blocks: getU32le(b, SB_BLOCKS) + (wide ? getU32le(b, SB_BLOCKS_HIGH) * 0x1_0000_0000 : 0),
    firstData: getU32le(b, SB_FIRST_DATA),
    bshift: 10 + (logBsize > 6 ? 6 : logBsize),
    blocksPerGroup: getU32le(b, SB_BPG),
    clusterShift: dynamic && (getU32le(b, SB_ROCOMPAT) & ROCOMPAT_BIGALLOC) !== 0 ? getU32le(b, SB_LOG_FSIZE) - logBsize : 0,
    inodesPerGroup: getU32le(b, SB_IPG),
    rev,
    firstIno: dynamic ? getU32le(b, SB_FIRST_INO) : FIRST_INO_REV0,
    inodeSize: dynamic ? getU16le(b, SB_INODE_SIZE) : DI_OLD_LEN,
    compat: dynamic ? getU32le(b, SB_COMPAT) : 0,
    incompat: dynamic ? getU32le(b, SB_INCOMPAT) : 0,
    rocompat: dynamic ? getU32le(b, SB_ROCOMPAT) : 0,
    resuid: getU16le(b, SB_RESUID),
    resgid: getU16le(b, SB_RESGID),
    state: getU16le(b, SB_STATE),
    reservedGdt: dynamic && (getU32le(b, SB_COMPAT) & COMPAT_RESIZE_INODE) !== 0 ? getU16le(b, SB_RESERVED_GDT) : 0,
    firstMetaBg: dynamic ? getU32le(b, SB_FIRST_META_BG) : 0,
    backupBgs: [getU32le(b, SB_BACKUP_BGS), getU32le(b, SB_BACKUP_BGS + 4)],
    descSize: wide ? getU16le(b, SB_DESC_SIZE) : GD_LEN,
    journalIno: dynamic && (getU32le(b, SB_COMPAT) & COMPAT_HAS_JOURNAL) !== 0 ? getU32le(b, SB_JOURNAL_INO) : 0,
    orphanIno: dynamic && (getU32le(b, SB_COMPAT) & COMPAT_ORPHAN_FILE) !== 0 ? getU32le(b, SB_ORPHAN_INO) : 0,
    wantExtra: dynamic ? Math.max(getU16le(b, SB_WANT_EXTRA), getU16le(b, SB_MIN_EXTRA)) : 0,
    label: cstringOf(b, SB_LABEL, 16),
  };
  if (rev > 1) return `revision ${rev} is not known`;
  if (logBsize > 2) return `blocks of 2^${10 + logBsize} bytes are not supported`;
  return geometryFault(s) ?? s;
}

function geometryFault(s: SuperInfo): string | undefined {
  const bsize = 1 << s.bshift;
  const isize = s.inodeSize;
  if (s.firstData !== (s.bshift === 10 ? 1 : 0)) return `the first data block is ${s.firstData}`;
  if (isize < DI_OLD_LEN || isize > bsize || (isize & (isize - 1)) !== 0) return `inodes of ${isize} bytes`;
  const { blocksPerGroup: bpg, inodesPerGroup: ipg, clusterShift } = s;
  if (clusterShift < 0 || clusterShift > CLUSTER_SHIFT_MAX) return `clusters of 2^${clusterShift} blocks`;
  if (bpg < 64 || bpg > 8 * bsize * 2 ** clusterShift || (bpg & 7) !== 0) return `${bpg} blocks in a group`;
  if (ipg === 0 || ipg > 8 * bsize || (ipg * isize) % bsize !== 0) return `${ipg} inodes in a group`;
  const flex = (s.incompat & INCOMPAT_FLEX_BG) !== 0;
  if (!flex && (ipg * isize) / bsize + 2 >= bpg) return `the inode table of a group fills it`;
  const { descSize } = s;
  if (descSize < ((s.incompat & INCOMPAT_64BIT) !== 0 ? GD_LEN64 : GD_LEN) || descSize > bsize || (descSize & (descSize - 1)) !== 0) return `group descriptors of ${descSize} bytes`;
  if (s.blocks >= 2 ** 48) return `${s.blocks} blocks in all`;
  if (s.blocks <= s.firstData + 4) return `${s.blocks} blocks in all`;
  const groups = Math.ceil((s.blocks - s.firstData) / bpg);
  if (groups > GROUPS_MAX) return `${groups} groups`;
  if (groups * ipg !== s.inodes) return `${s.inodes} inodes in ${groups} groups of ${ipg}`;
  if (s.firstIno < FIRST_INO_REV0 || s.firstIno > s.inodes) return `the first inode is ${s.firstIno}`;
  return undefined;
}

/** Whether group `g` begins with a copy of the superblock and the descriptors. */
export function groupHasSuper(s: Pick<SuperInfo, 'compat' | 'rocompat' | 'backupBgs'>, g: number): boolean {
  if (g === 0) return true;
  if ((s.compat & COMPAT_SPARSE_SUPER2) !== 0) return g === s.backupBgs[0] || g === s.backupBgs[1];
  if (g === 1 || (s.rocompat & ROCOMPAT_SPARSE_SUPER) === 0) return true;
  return isPower(g, 3) || isPower(g, 5) || isPower(g, 7);
}

function isPower(n: number, base: number): boolean {
  let p = base;
  while (p < n) p *= base;
  return p === n;
}

/** A time as an inode has it: seconds with sign, and with the extra word two more bits of seconds and nanoseconds. */
export function secondsOf(low: number, extra: number): number {
  return (low | 0) + (extra & 3) * 0x1_0000_0000;
}
export function nanosecondsOf(extra: number): number {
  const ns = extra >>> 2;
  return ns < 1_000_000_000 ? ns : 0;
}

/** The extra word for a time; secondsOf(seconds, it) gives the seconds back, for those from 1901 to 2446. */
export function extraOf(seconds: number, nanoseconds: number): number {
  const epoch = Math.floor((seconds + 0x8000_0000) / 0x1_0000_0000) & 3;
  return ((nanoseconds << 2) | epoch) >>> 0;
}

/** Seconds cut to what fits: from 1901 to 2446 with the extra word, to 2038 without it. */
export function clampSeconds(seconds: number, hasExtra: boolean): number {
  const max = hasExtra ? 0x3_7fff_ffff : 0x7fff_ffff;
  return seconds < -0x8000_0000 ? -0x8000_0000 : seconds > max ? max : seconds;
}

/** Device numbers, Linux's: 8 bits of major and of minor in the first word, or 12 and 20 in the second. Gives [major, minor]. */
export function parseRdev(word0: number, word1: number): readonly [number, number] {
  if (word0 !== 0) return [(word0 >>> 8) & 0xff, word0 & 0xff];
  return [(word1 & 0xfff00) >>> 8, ((word1 & 0xff) | ((word1 >>> 12) & 0xfff00)) >>> 0];
}

export function emitRdev(major: number, minor: number): readonly [number, number] {
  if (major < 256 && minor < 256) return [(major << 8) | minor, 0];
  return [0, ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0];
}

/** A directory entry, in place. The caller has seen to the room. */
export function emitDirent(block: Uint8Array, off: number, ino: number, reclen: number, filetype: number, name: string): void {
  putU32le(block, off, ino);
  putU16le(block, off + 4, reclen);
  block[off + 6] = name.length;
  block[off + 7] = filetype;
  for (let i = 0; i < name.length; i++) block[off + DE_HEADER + i] = name.charCodeAt(i);
}
