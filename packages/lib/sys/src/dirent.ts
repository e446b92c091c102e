/**
 * Directory entries, as getdents(2) gives them.
 *
 * A record, little-endian: d_fileno u64, d_reclen u16, d_namlen u16, d_type u8, d_name[namlen], NUL. A record is a multiple of 8 bytes
 * long, filled with NULs. Names are byte strings (one code unit 0..255 a byte).
 */

import { bytestrOf, emitBytestr, getU16le, getU64le, putU16le, putU64le } from '@anykernel/lib-bytes';

export const DT_UNKNOWN = 0;
export const DT_FIFO = 1;
export const DT_CHR = 2;
export const DT_DIR = 4;
export const DT_BLK = 6;
export const DT_REG = 8;
export const DT_LNK = 10;
export const DT_SOCK = 12;
export const DT_WHT = 14;

/** The longest name that a record holds, in bytes. */
export const MAXNAMLEN = 511;

/** Bytes of a record before the name. */
const HEADER_LEN = 13;

export class Dirent {
  ino: number;
  /** DT_* */
  type: number;
  /** A byte string. */
  name: string;

  constructor(ino: number, type: number, name: string) {
    this.ino = ino;
    this.type = type;
    this.name = name;
  }
}

/** The directory entry type of a mode: S_IFDIR gives DT_DIR. */
export function IFTODT(mode: number): number {
  return (mode & 0o170000) >> 12;
}

/** The file type bits of a directory entry type. */
export function DTTOIF(type: number): number {
  return type << 12;
}

/** Length in bytes of the record for a name of `namlen` bytes. */
export function direntSize(namlen: number): number {
  return (HEADER_LEN + namlen + 1 + 7) & ~7;
}

/**
 * Writes one record at `off` of `buf`, in place, and returns its length; 0 when it does not fit (nothing is written then),
 * or when the name is longer than MAXNAMLEN.
 */
export function emitDirent(buf: Uint8Array, off: number, ino: number, type: number, name: string): number {
  const namlen = name.length;
  const reclen = direntSize(namlen);
  if (off + reclen > buf.length || namlen > MAXNAMLEN) return 0;
  putU64le(buf, off, ino);
  putU16le(buf, off + 8, reclen);
  putU16le(buf, off + 10, namlen);
  buf[off + 12] = type;
  for (let i = emitBytestr(buf, off + HEADER_LEN, name); i < off + reclen; i++) buf[i] = 0;
  return reclen;
}

/** The record at `off`, or undefined when the bytes up to `end` are not a whole and valid record. `direntReclen` gives the way to the next. */
export function parseDirent(buf: Uint8Array, off: number, end: number = buf.length): Dirent | undefined {
  const reclen = direntReclen(buf, off, end);
  if (reclen === 0) return undefined;
  const start = off + HEADER_LEN;
  return new Dirent(getU64le(buf, off), buf[off + 12]!, bytestrOf(buf, start, start + getU16le(buf, off + 10)));
}

/** The length of the record at `off`; 0 when the bytes up to `end` are not a whole and valid record. */
export function direntReclen(buf: Uint8Array, off: number, end: number = buf.length): number {
  if (off < 0 || off + HEADER_LEN > end || end > buf.length) return 0;
  const reclen = getU16le(buf, off + 8);
  const namlen = getU16le(buf, off + 10);
  if (namlen > MAXNAMLEN || reclen < HEADER_LEN + namlen + 1 || (reclen & 7) !== 0 || off + reclen > end) return 0;
  return reclen;
}

/** All entries in the first `len` bytes, up to the first record that is not whole. Records with fileno 0 are empty and left out. */
export function parseDirents(buf: Uint8Array, len: number = buf.length): Dirent[] {
  const entries: Dirent[] = [];
  for (let off = 0; off < len; ) {
    const reclen = direntReclen(buf, off, len);
    if (reclen === 0) break;
    const entry = parseDirent(buf, off, len)!;
    if (entry.ino !== 0) entries.push(entry);
    off += reclen;
  }
  return entries;
}
