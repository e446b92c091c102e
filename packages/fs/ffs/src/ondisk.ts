/**
 * The formats of FFS: the superblock and the cylinder group, of UFS1 and UFS2 in either byte order. Pure. Inodes and directories are ufs's.
 *
 * Sources: M. K. McKusick et al., "A Fast File System for UNIX" (1984); fs(5) of NetBSD and FreeBSD; the header fs.h, whose offsets these are.
 */
import { NDADDR, get64 } from '@anykernel/ufs';

export const MAGIC_UFS1 = 0x0001_1954;
export const MAGIC_UFS2 = 0x1954_0119;
/** UFS2 of NetBSD with extended attributes. */
export const MAGIC_UFS2EA = 0x1901_2038;

/** Where a superblock may be, in bytes, in the order of the search, and its room there. */
export const SB_PLACES: readonly number[] = [65536, 8192, 0, 262144];
export const SB_ROOM = 8192;
/** Bytes of a superblock that mean something. */
export const SB_LEN = 1376;

export const MAXFRAG = 8;
export const BSIZE_MIN = 4096;
export const BSIZE_MAX = 65536;
export const FSIZE_MIN = 512;

// Superblock: offsets. Numbers are i32 where nothing else is said.
export const FS_SBLKNO = 8;
export const FS_CBLKNO = 12;
export const FS_IBLKNO = 16;
export const FS_DBLKNO = 20;
export const FS_OLD_CGOFFSET = 24;
export const FS_OLD_CGMASK = 28;
export const FS_OLD_TIME = 32;
export const FS_OLD_SIZE = 36;
export const FS_OLD_DSIZE = 40;
export const FS_NCG = 44;
export const FS_BSIZE = 48;
export const FS_FSIZE = 52;
export const FS_FRAG = 56;
export const FS_MINFREE = 60;
export const FS_OLD_ROTDELAY = 64;
export const FS_OLD_RPS = 68;
export const FS_BMASK = 72;
export const FS_FMASK = 76;
export const FS_BSHIFT = 80;
export const FS_FSHIFT = 84;
export const FS_MAXCONTIG = 88;
export const FS_MAXBPG = 92;
export const FS_FRAGSHIFT = 96;
export const FS_FSBTODB = 100;
export const FS_SBSIZE = 104;
export const FS_NINDIR = 116;
export const FS_INOPB = 120;
export const FS_OLD_NSPF = 124;
export const FS_OPTIM = 128;
export const FS_OLD_NPSECT = 132;
export const FS_OLD_INTERLEAVE = 136;
export const FS_ID = 144;
export const FS_OLD_CSADDR = 152;
export const FS_CSSIZE = 156;
export const FS_CGSIZE = 160;
export const FS_OLD_NSECT = 168;
export const FS_OLD_SPC = 172;
export const FS_OLD_NCYL = 176;
export const FS_OLD_CPG = 180;
export const FS_IPG = 184;
export const FS_FPG = 188;
/** Four numbers: directories, free blocks, free inodes, free fragments. */
export const FS_OLD_CSTOTAL = 192;
export const FS_FMOD = 208;
export const FS_CLEAN = 209;
export const FS_RONLY = 210;
export const FS_OLD_FLAGS = 211;
export const FS_FSMNT = 212;
export const FSMNT_LEN = 468;
export const FS_VOLNAME = 680;
export const VOLNAME_LEN = 32;
export const FS_CGROTOR = 724;
export const FS_OLD_CPC = 856;
export const FS_MAXBSIZE = 860;
/** u8: the journal's format, and the kind of its place; u32 flags; four u64 of the place. */
export const FS_JOURNAL_VERSION = 864;
export const FS_JOURNAL_LOCATION = 865;
export const FS_JOURNAL_FLAGS = 868;
export const FS_JOURNALLOCS = 872;
/** u32 magic, u8 flags, two u64 inode numbers. */
export const FS_QUOTA_MAGIC = 904;
/** i64. */
export const FS_SBLOCKLOC = 1000;
/** i64 each: directories, free blocks, free inodes, free fragments. */
export const FS_CSTOTAL = 1008;
export const FS_TIME = 1072;
export const FS_SIZE = 1080;
export const FS_DSIZE = 1088;
export const FS_CSADDR = 1096;
export const FS_PENDINGBLOCKS = 1104;
export const FS_PENDINGINODES = 1112;
/** u32, twenty of them. */
export const FS_SNAPINUM = 1116;
export const SNAP_MAX = 20;
export const FS_AVGFILESIZE = 1196;
export const FS_AVGFPDIR = 1200;
/** u32: which of FreeBSD's check hashes are kept. */
export const FS_CKHASHES = 1308;
/** u32. */
export const FS_FLAGS = 1312;
export const FS_CONTIGSUMSIZE = 1316;
export const FS_MAXSYMLINKLEN = 1320;
export const FS_OLD_INODEFMT = 1324;
/** u64. */
export const FS_MAXFILESIZE = 1328;
export const FS_QBMASK = 1336;
export const FS_QFMASK = 1344;
export const FS_STATE = 1352;
export const FS_OLD_POSTBLFORMAT = 1356;
export const FS_OLD_NRPOS = 1360;
export const FS_MAGIC = 1372;

/** fs_clean. */
export const FS_ISCLEAN = 1;
export const FS_WASCLEAN = 2;

// fs_flags.
export const FS_DOSOFTDEP = 0x002;
export const FS_SUJ = 0x008;
export const FS_ACLS = 0x010;
export const FS_GJOURNAL = 0x040;
/** In fs_old_flags: the fields from 860 on are what they are here. */
export const FS_FLAGS_UPDATED = 0x80;
export const FS_DOWAPBL = 0x100;
export const FS_DOQUOTA2 = 0x200;
export const QUOTA2_MAGIC = 0xb746_915e;
/** FreeBSD's, in the same place: whoever wrote last kept the check hashes. */
export const FS_METACKHASH = 0x200;
export const FS_NFS4ACLS = 0x800;

export const INODEFMT_44 = 2;

/** Where a journal is: its kind, and what the four numbers of the place are. */
export const JOURNAL_VERSION = 1;
export const JLOC_NONE = 0;
export const JLOC_END = 1;
export const JLOC_INFS = 2;
export const JLOC_ADDR = 0;
export const JLOC_COUNT = 1;
export const JLOC_BLKSZ = 2;
export const JLOC_INO = 3;
export const JFLAG_CREATE = 1;
export const JFLAG_CLEAR = 2;

// The cylinder group. Numbers are i32 where nothing else is said.
export const CG_MAGIC_NUMBER = 0x0009_0255;
export const CG_MAGIC = 4;
export const CG_OLD_TIME = 8;
export const CG_CGX = 12;
export const CG_OLD_NCYL = 16;
export const CG_OLD_NIBLK = 18;
export const CG_NDBLK = 20;
/** Four numbers: directories, free blocks, free inodes, free fragments. */
export const CG_CS = 24;
export const CS_NDIR = 0;
export const CS_NBFREE = 4;
export const CS_NIFREE = 8;
export const CS_NFFREE = 12;
export const CS_LEN = 16;
export const CG_ROTOR = 40;
export const CG_FROTOR = 44;
export const CG_IROTOR = 48;
/** Eight numbers: runs of so many free fragments in blocks that are not free. */
export const CG_FRSUM = 52;
export const CG_OLD_BTOTOFF = 84;
export const CG_OLD_BOFF = 88;
export const CG_IUSEDOFF = 92;
export const CG_FREEOFF = 96;
export const CG_NEXTFREEOFF = 100;
export const CG_CLUSTERSUMOFF = 104;
export const CG_CLUSTEROFF = 108;
export const CG_NCLUSTERBLKS = 112;
export const CG_NIBLK = 116;
export const CG_INITEDIBLK = 120;
/** i64. */
export const CG_TIME = 136;
export const CG_SPACE = 168;

/** What a superblock says, checked. Addresses and lengths are in fragments. */
export interface SuperInfo {
  readonly le: boolean;
  readonly version: 1 | 2;
  /** UFS2 that says it has extended attributes. */
  readonly ea: boolean;
  /** Where it is: bytes. */
  readonly loc: number;
  readonly sblkno: number;
  readonly cblkno: number;
  readonly iblkno: number;
  readonly dblkno: number;
  readonly cgoffset: number;
  readonly cgmask: number;
  readonly size: number;
  readonly dsize: number;
  readonly ncg: number;
  readonly bshift: number;
  readonly fshift: number;
  readonly minfree: number;
  readonly maxbpg: number;
  readonly ipg: number;
  readonly fpg: number;
  readonly cssize: number;
  readonly cgsize: number;
  readonly csaddr: number;
  readonly flags: number;
  readonly clean: number;
  readonly contigsumsize: number;
  readonly maxSymlinkLen: number;
  readonly inodefmt: number;
  readonly maxFileSize: number;
  /** The fields from 860 on are there; an image that was made before 2003 has not got them. */
  readonly updated: boolean;
  /** Inodes of snapshots. */
  readonly snapshots: readonly number[];
  readonly avgFileSize: number;
  readonly avgFilesPerDir: number;
  /** It says that there is a journal: FreeBSD's mark of its access lists is in the same place. */
  readonly logged: boolean;
  readonly journal: JournalPlace | undefined;
  /** NetBSD's quotas. */
  readonly quotas: boolean;
}

export interface JournalPlace {
  readonly kind: number;
  readonly flags: number;
  /** Sectors from the start, how many, and of how many bytes; the inode. */
  readonly addr: number;
  readonly count: number;
  readonly blksz: number;
  readonly ino: number;
}

/** Which superblock the bytes begin: byte order, version; undefined: none. */
export function superMagic(b: Uint8Array): { le: boolean; version: 1 | 2; ea: boolean } | undefined {
  if (b.length < SB_LEN) return undefined;
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  for (const le of [true, false]) {
    const magic = view.getUint32(FS_MAGIC, le);
    if (magic === MAGIC_UFS1) return { le, version: 1, ea: false };
    if (magic === MAGIC_UFS2) return { le, version: 2, ea: false };
    if (magic === MAGIC_UFS2EA) return { le, version: 2, ea: true };
  }
  return undefined;
}

/** The most cylinder groups. */
const NCG_MAX = 1 << 20;

/** Takes a superblock apart which was found at byte `loc`; a string says what is wrong with it. */
export function parseSuper(b: Uint8Array, loc: number): SuperInfo | string {
  const kind = superMagic(b);
  if (kind === undefined) return 'there is no superblock';
  const { le, version } = kind;
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const i32 = (off: number): number => view.getInt32(off, le);
  const updated = version === 2 || (b[FS_OLD_FLAGS] & FS_FLAGS_UPDATED) !== 0;
  const wide = (off: number, old: number): number => (updated ? get64(view, off, le) : i32(old));
  const s: SuperInfo = {
    ...kind,
    loc,
    sblkno: i32(FS_SBLKNO),
    cblkno: i32(FS_CBLKNO),
    iblkno: i32(FS_IBLKNO),
    dblkno: i32(FS_DBLKNO),
    cgoffset: version === 1 ? i32(FS_OLD_CGOFFSET) : 0,
    cgmask: version === 1 ? i32(FS_OLD_CGMASK) : -1,
    size: wide(FS_SIZE, FS_OLD_SIZE),
    dsize: wide(FS_DSIZE, FS_OLD_DSIZE),
    ncg: i32(FS_NCG),
    bshift: shiftOf(i32(FS_BSIZE)),
    fshift: shiftOf(i32(FS_FSIZE)),
    minfree: i32(FS_MINFREE),
    maxbpg: i32(FS_MAXBPG),
    ipg: i32(FS_IPG),
    fpg: i32(FS_FPG),
    cssize: i32(FS_CSSIZE),
    cgsize: i32(FS_CGSIZE),
    csaddr: wide(FS_CSADDR, FS_OLD_CSADDR),
    flags: version === 1 && !updated ? b[FS_OLD_FLAGS] : view.getUint32(FS_FLAGS, le),
    clean: b[FS_CLEAN],
    contigsumsize: i32(FS_CONTIGSUMSIZE),
    maxSymlinkLen: i32(FS_MAXSYMLINKLEN),
    inodefmt: version === 2 ? INODEFMT_44 : i32(FS_OLD_INODEFMT),
    maxFileSize: get64(view, FS_MAXFILESIZE, le),
    updated,
    snapshots: updated ? snapshotsOf(view, le) : [],
    avgFileSize: i32(FS_AVGFILESIZE),
    avgFilesPerDir: i32(FS_AVGFPDIR),
    logged: updated && (view.getUint32(FS_FLAGS, le) & FS_DOWAPBL) !== 0 && b[FS_JOURNAL_VERSION] !== 0,
    journal: updated ? journalOf(view, le) : undefined,
    quotas: updated && (view.getUint32(FS_FLAGS, le) & FS_DOQUOTA2) !== 0 && view.getUint32(FS_QUOTA_MAGIC, le) === QUOTA2_MAGIC,
  };
  return sizesFault(view, s) ?? geometryFault(s) ?? s;
}

function shiftOf(size: number): number {
  return size > 0 && (size & (size - 1)) === 0 ? 31 - Math.clz32(size) : 0;
}

function snapshotsOf(view: DataView, le: boolean): number[] {
  const list: number[] = [];
  for (let i = 0; i < SNAP_MAX; i++) {
    const ino = view.getUint32(FS_SNAPINUM + 4 * i, le);
    if (ino === 0) break;
    list.push(ino);
  }
  return list;
}

function journalOf(view: DataView, le: boolean): JournalPlace | undefined {
  if (view.getUint8(FS_JOURNAL_VERSION) !== JOURNAL_VERSION) return undefined;
  const loc = (i: number): number => get64(view, FS_JOURNALLOCS + 8 * i, le);
  const kind = view.getUint8(FS_JOURNAL_LOCATION);
  return { kind, flags: view.getUint32(FS_JOURNAL_FLAGS, le), addr: loc(JLOC_ADDR), count: loc(JLOC_COUNT), blksz: loc(JLOC_BLKSZ), ino: loc(JLOC_INO) };
}

function sizesFault(view: DataView, s: SuperInfo): string | undefined {
  const { le } = s;
  const bsize = view.getInt32(FS_BSIZE, le);
  const fsize = view.getInt32(FS_FSIZE, le);
  if (bsize !== 2 ** s.bshift || bsize < BSIZE_MIN || bsize > BSIZE_MAX) return `blocks of ${bsize} bytes`;
  if (fsize !== 2 ** s.fshift || fsize < FSIZE_MIN || fsize > bsize || bsize > MAXFRAG * fsize) return `fragments of ${fsize} bytes in blocks of ${bsize}`;
  if (view.getInt32(FS_FRAG, le) !== bsize / fsize) return `${view.getInt32(FS_FRAG, le)} fragments in a block`;
  const inopb = bsize / (s.version === 2 ? 256 : 128);
  if (view.getInt32(FS_INOPB, le) !== inopb) return `${view.getInt32(FS_INOPB, le)} inodes in a block`;
  const nindir = bsize / (s.version === 2 ? 8 : 4);
  if (view.getInt32(FS_NINDIR, le) !== nindir) return `${view.getInt32(FS_NINDIR, le)} pointers in a block`;
  const sbsize = view.getInt32(FS_SBSIZE, le);
  if (sbsize < SB_LEN || sbsize > SB_ROOM) return `a superblock of ${sbsize} bytes`;
  return undefined;
}

function geometryFault(s: SuperInfo): string | undefined {
  const frag = 2 ** (s.bshift - s.fshift);
  const bsize = 2 ** s.bshift;
  const inopb = bsize >> (s.version === 2 ? 8 : 7);
  if (!(s.ncg > 0 && s.ncg <= NCG_MAX)) return `${s.ncg} cylinder groups`;
  if (!(s.ipg > 0) || s.ipg % inopb !== 0 || s.ipg > 8 * bsize || s.ncg * s.ipg > 0xffff_ffff) return `${s.ipg} inodes in a cylinder group`;
  if (!(s.fpg > 0) || s.fpg % frag !== 0 || s.fpg > 8 * bsize) return `${s.fpg} fragments in a cylinder group`;
  if (!Number.isSafeInteger(s.size) || !(s.size > (s.ncg - 1) * s.fpg && s.size <= s.ncg * s.fpg)) return `${s.size} fragments in ${s.ncg} cylinder groups of ${s.fpg}`;
  if (s.cgoffset < 0 || s.cgoffset % frag !== 0 || s.cgoffset > s.fpg) return `a cylinder group offset of ${s.cgoffset}`;
  const table = (s.ipg / inopb) * frag;
  const ordered = s.sblkno >= 0 && s.cblkno >= s.sblkno && s.iblkno >= s.cblkno + frag && s.dblkno >= s.iblkno + table;
  if (!ordered || ((s.cblkno | s.iblkno | s.dblkno) & (frag - 1)) !== 0) return `parts of a cylinder group at ${s.sblkno}, ${s.cblkno}, ${s.iblkno}, ${s.dblkno}`;
  if (s.dblkno + cgSkew(s) > s.fpg || (s.ncg - 1) * s.fpg + s.dblkno > s.size) return `the structure of a cylinder group fills it`;
  if (s.cgsize < cgNeed(s) || s.cgsize > bsize) return `cylinder group blocks of ${s.cgsize} bytes`;
  const csFrags = Math.ceil(s.cssize / 2 ** s.fshift);
  if (s.cssize < s.ncg * CS_LEN || s.cssize > s.ncg * CS_LEN + bsize) return `${s.cssize} bytes of summary`;
  if (!(s.csaddr >= s.dblkno && s.csaddr + csFrags <= s.size)) return `the summary is at ${s.csaddr}`;
  if (s.minfree < 0 || s.minfree > 99) return `${s.minfree} percent are kept free`;
  if (s.contigsumsize < 0 || s.contigsumsize > 64) return `summaries of ${s.contigsumsize} clusters`;
  if (s.maxSymlinkLen > (s.version === 2 ? 120 : 60)) return `symbolic links of ${s.maxSymlinkLen} bytes in the inode`;
  if (s.dsize < 0 || s.dsize > s.size) return `${s.dsize} fragments of data`;
  return undefined;
}

/** Bytes that a cylinder group has at least: its head, two maps, and the sums and map of clusters. */
function cgNeed(s: SuperInfo): number {
  const maps = CG_SPACE + Math.ceil(s.ipg / 8) + Math.ceil(s.fpg / 8);
  if (!(s.contigsumsize > 0 && s.contigsumsize <= 64)) return maps;
  return Math.ceil(maps / 4) * 4 + 4 * s.contigsumsize + Math.ceil(s.fpg / 2 ** (s.bshift - s.fshift) / 8);
}

/** The farthest that the parts of a cylinder group are moved. */
function cgSkew(s: SuperInfo): number {
  let most = 0;
  if (s.cgoffset > 0) for (let c = 0; c < Math.min(s.ncg, 4096); c++) most = Math.max(most, cgStart(s, c) - c * s.fpg);
  return most;
}

/** Where the parts of cylinder group `c` are counted from. */
export function cgStart(s: Pick<SuperInfo, 'fpg' | 'cgoffset' | 'cgmask'>, c: number): number {
  return c * s.fpg + s.cgoffset * (c & ~s.cgmask);
}

/** The largest file that the pointers reach. */
export function pointersReach(bshift: number, wide: boolean): { readonly ashift: number; readonly blocks: number } {
  const ashift = bshift - (wide ? 3 : 2);
  return { ashift, blocks: NDADDR + 2 ** ashift + 2 ** (2 * ashift) + 2 ** (3 * ashift) };
}
