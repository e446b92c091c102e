/**
 * The formats of UFS: inodes of UFS1 and UFS2, and directory entries, in either byte order. Pure.
 *
 * Sources: M. K. McKusick, "A Fast File System for UNIX" (1984); NetBSD's manual page fs(5); the headers dinode.h and dir.h, whose field offsets these are.
 */
import { putU16be, putU16le, putU32be, putU32le } from '@anykernel/lib-bytes';

const TWO32 = 0x1_0000_0000;

/** Direct pointers, levels of indirect ones, pointers to extended attributes. */
export const NDADDR = 12;
export const NIADDR = 3;
export const NXADDR = 2;

export const ROOTINO = 2;
/** What a whiteout names. */
export const WINO = 1;

export const NAME_MAX = 255;
/** The most names that a file may have: the count has a sign. */
export const LINK_MAX = 32767;

/** A directory is written in chunks of so many bytes; no entry crosses from one to the next. */
export const DIRBLKSIZ = 512;

/** Where the fields of an inode are. Mode (u16) is at 0, the count of links (i16) at 2, in both. */
export interface DinodeLayout {
  /** Bytes of an inode, and log2 of it. */
  readonly len: number;
  readonly shift: number;
  /** Pointers, times and counts have 64 bits. */
  readonly wide: boolean;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Sectors of 512 bytes: u32, or u64 where wide. */
  readonly blocks: number;
  readonly atime: number;
  readonly atimensec: number;
  readonly mtime: number;
  readonly mtimensec: number;
  readonly ctime: number;
  readonly ctimensec: number;
  /** 0: there is none. */
  readonly birthtime: number;
  readonly birthnsec: number;
  readonly gen: number;
  readonly flags: number;
  /** Of extended attributes; 0: there are none. */
  readonly extsize: number;
  readonly extb: number;
  /** The direct pointers; the indirect ones follow. */
  readonly db: number;
}

export const DINODE1: DinodeLayout = {
  len: 128, shift: 7, wide: false, uid: 112, gid: 116, size: 8, blocks: 104, atime: 16, atimensec: 20, mtime: 24, mtimensec: 28, ctime: 32, ctimensec: 36,
  birthtime: 0, birthnsec: 0, gen: 108, flags: 100, extsize: 0, extb: 0, db: 40,
};

export const DINODE2: DinodeLayout = {
  len: 256, shift: 8, wide: true, uid: 4, gid: 8, size: 16, blocks: 24, atime: 32, atimensec: 68, mtime: 40, mtimensec: 64, ctime: 48, ctimensec: 72,
  birthtime: 56, birthnsec: 76, gen: 80, flags: 88, extsize: 92, extb: 96, db: 112,
};

/** The old owner and group of UFS1, 16 bits each: those of an image whose inodes are of the 4.2BSD kind. */
export const DI1_OLD_UID = 4;
export const DI1_OLD_GID = 6;
/** UFS2's block size, which nobody reads. */
export const DI2_BLKSIZE = 12;

export const IFMT = 0o170000;
export const IFREG = 0o100000;
export const IFDIR = 0o040000;
export const IFLNK = 0o120000;

/** Pointers of a snapshot which name no block: it was free, or belongs to another snapshot. */
export const BLK_NOCOPY = 1;
export const BLK_SNAP = 2;

/** A 64-bit number of the disk: exact up to 2^53; what is negative or above is above 2^53 here, too. */
export function get64(view: DataView, off: number, le: boolean): number {
  return le ? view.getUint32(off + 4, true) * TWO32 + view.getUint32(off, true) : view.getUint32(off) * TWO32 + view.getUint32(off + 4);
}

/** The same with a sign. */
export function getI64(view: DataView, off: number, le: boolean): number {
  return le ? view.getInt32(off + 4, true) * TWO32 + view.getUint32(off, true) : view.getInt32(off) * TWO32 + view.getUint32(off + 4);
}

/** Also of negative numbers. */
export function set64(view: DataView, off: number, value: number, le: boolean): void {
  const high = Math.floor(value / TWO32);
  const low = value - high * TWO32;
  view.setUint32(le ? off : off + 4, low, le);
  view.setInt32(le ? off + 4 : off, high, le);
}

// -- directory entries: ino u32, reclen u16, type u8, namlen u8, name with a NUL behind it

export const DE_HEADER = 8;
/** The smallest entry. */
export const DE_MIN = 12;
/** The type of a whiteout. */
export const DT_WHT = 14;

/** Length of an entry with a name of `namlen` bytes. */
export function direntLen(namlen: number): number {
  return (DE_HEADER + namlen + 4) & ~3;
}

/** How entries are written: the byte order, and whether they have a type (4.2BSD's have not: the length of the name has 16 bits). */
export interface DirFormat {
  readonly le: boolean;
  readonly typed: boolean;
}

export function direntIno(b: Uint8Array, off: number, le: boolean): number {
  return le
    ? (b[off] | (b[off + 1] << 8) | (b[off + 2] << 16) | (b[off + 3] << 24)) >>> 0
    : ((b[off] << 24) | (b[off + 1] << 16) | (b[off + 2] << 8) | b[off + 3]) >>> 0;
}
export function direntReclen(b: Uint8Array, off: number, le: boolean): number {
  return le ? b[off + 4] | (b[off + 5] << 8) : (b[off + 4] << 8) | b[off + 5];
}
export function direntNamlen(b: Uint8Array, off: number, f: DirFormat): number {
  return f.typed || !f.le ? b[off + 7] : b[off + 6];
}
export function direntType(b: Uint8Array, off: number, f: DirFormat): number {
  return f.typed ? b[off + 6] : 0;
}
/** In place. */
export function putDirentIno(b: Uint8Array, off: number, ino: number, le: boolean): void {
  if (le) putU32le(b, off, ino);
  else putU32be(b, off, ino);
}
export function putDirentReclen(b: Uint8Array, off: number, reclen: number, le: boolean): void {
  if (le) putU16le(b, off + 4, reclen);
  else putU16be(b, off + 4, reclen);
}

/** An entry, in place; the rest of its name's words is zero. The caller has seen to the room. */
export function emitDirent(b: Uint8Array, off: number, f: DirFormat, ino: number, reclen: number, mode: number, name: string): void {
  const end = off + direntLen(name.length);
  putDirentIno(b, off, ino, f.le);
  putDirentReclen(b, off, reclen, f.le);
  b[off + 6] = f.typed ? (mode & IFMT) >> 12 : 0;
  b[off + 7] = 0;
  b[f.typed || !f.le ? off + 7 : off + 6] = name.length;
  let at = off + DE_HEADER;
  for (let i = 0; i < name.length; i++) b[at++] = name.charCodeAt(i);
  while (at < end) b[at++] = 0;
}

/**
 * The length of the entry at `off`, or 0 when the bytes there are not a whole and valid entry of its chunk. `inodes`: how many there are; numbers of
 * inodes are below.
 */
export function direntCheck(b: Uint8Array, off: number, f: DirFormat, inodes: number): number {
  const end = (off & -DIRBLKSIZ) + DIRBLKSIZ;
  const reclen = direntReclen(b, off, f.le);
  if (reclen < DE_MIN || (reclen & 3) !== 0 || off + reclen > end) return 0;
  const ino = direntIno(b, off, f.le);
  if (ino === 0) return reclen;
  const namlen = direntNamlen(b, off, f);
  const last = off + DE_HEADER + namlen;
  if (namlen === 0 || direntLen(namlen) > reclen || ino >= inodes || b[last] !== 0) return 0;
  for (let i = off + DE_HEADER; i < last; i++) if (b[i] === 0 || b[i] === 0x2f) return 0;
  return reclen;
}

// -- extended attributes of UFS2: length u32, name space u8, padding of the contents u8, length of the name u8, name; contents at a multiple of 8

export interface Extattr {
  /** EXTATTR_NAMESPACE_USER (1) or _SYSTEM (2). */
  readonly ns: number;
  readonly name: string;
  readonly value: Uint8Array;
}

const EA_HEADER = 7;
export const EA_NAME_MAX = 255;

/** Bytes of an attribute. */
export function extattrLen(namlen: number, valueLen: number): number {
  return align8(EA_HEADER + namlen) + align8(valueLen);
}
function align8(n: number): number {
  return (n + 7) & ~7;
}

/** The attributes in an area, whole; undefined where it makes no sense. Values are views. */
export function parseExtattrs(b: Uint8Array, le: boolean): Extattr[] | undefined {
  const list: Extattr[] = [];
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  for (let off = 0; off < b.length; ) {
    if (off + 8 > b.length) return undefined;
    const len = view.getUint32(off, le);
    const namlen = b[off + 6];
    const start = align8(EA_HEADER + namlen);
    const pad = b[off + 5];
    if (len < 8 || (len & 7) !== 0 || off + len > b.length || start + pad > len || pad > 7) return undefined;
    if (b[off + 4] !== 0) {
      let name = '';
      for (let i = 0; i < namlen; i++) name += String.fromCharCode(b[off + EA_HEADER + i]);
      list.push({ ns: b[off + 4], name, value: b.subarray(off + start, off + len - pad) });
    }
    off += len;
  }
  return list;
}

/** Bytes of all of them. */
export function extattrsLen(list: readonly Extattr[]): number {
  let sum = 0;
  for (const x of list) sum += extattrLen(x.name.length, x.value.length);
  return sum;
}

/** An area that holds just these. */
export function emitExtattrs(list: readonly Extattr[], le: boolean): Uint8Array {
  const b = new Uint8Array(extattrsLen(list));
  const view = new DataView(b.buffer);
  let off = 0;
  for (const { ns, name, value } of list) {
    const len = extattrLen(name.length, value.length);
    view.setUint32(off, len, le);
    b[off + 4] = ns;
    b[off + 5] = align8(value.length) - value.length;
    b[off + 6] = name.length;
    for (let i = 0; i < name.length; i++) b[off + EA_HEADER + i] = name.charCodeAt(i);
    b.set(value, off + align8(EA_HEADER + name.length));
    off += len;
  }
  return b;
}
