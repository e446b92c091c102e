/** Between Linux's numbers and records and NetBSD's. */
import { type BigIntStats, constants } from 'node:fs';
import {
  O_ACCMODE,
  O_APPEND,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_NOFOLLOW,
  O_NONBLOCK,
  O_SYNC,
  O_TRUNC,
  Stat,
  Statvfs,
  emitDirent,
  major,
  makedev,
  minor,
} from '@anykernel/lib-sys';

const FLAGS: readonly (readonly [netbsd: number, linux: number])[] = [
  [O_APPEND, constants.O_APPEND],
  [O_CREAT, constants.O_CREAT],
  [O_DIRECTORY, constants.O_DIRECTORY],
  [O_EXCL, constants.O_EXCL],
  [O_NOFOLLOW, constants.O_NOFOLLOW],
  [O_NONBLOCK, constants.O_NONBLOCK],
  [O_SYNC, constants.O_SYNC],
  [O_TRUNC, constants.O_TRUNC],
];

export function openFlags(flags: number): number {
  let linux = flags & O_ACCMODE;
  for (const [n, l] of FLAGS) if ((flags & n) !== 0) linux |= l;
  return linux;
}

export function hostPath(path: string | Uint8Array): string | Buffer {
  return typeof path === 'string' ? path : Buffer.from(path);
}

export function pathBytes(path: string | Uint8Array): Uint8Array {
  return typeof path === 'string' ? new TextEncoder().encode(path) : path;
}

/** NetBSD's device number of Linux's. */
function fromHostDev(dev: bigint): number {
  const maj = Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n));
  const min = Number((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n));
  return makedev(maj, min);
}

/** Linux's device number, as mknod(2) takes it, of NetBSD's. */
export function toHostDev(dev: number): number {
  const maj = major(dev);
  const min = minor(dev);
  return ((min & 0xff) | ((maj & 0xfff) << 8) | ((min & ~0xff) << 12)) >>> 0;
}

export function statOf(s: BigIntStats, into: Stat = new Stat()): Stat {
  into.dev = Number(s.dev);
  into.ino = Number(s.ino);
  into.mode = Number(s.mode);
  into.nlink = Number(s.nlink);
  into.uid = Number(s.uid);
  into.gid = Number(s.gid);
  into.rdev = s.rdev === 0n ? 0 : fromHostDev(s.rdev);
  into.size = Number(s.size);
  into.blocks = Number(s.blocks);
  into.blksize = Number(s.blksize);
  [into.atime, into.atimeNsec] = timeOf(s.atimeNs);
  [into.mtime, into.mtimeNsec] = timeOf(s.mtimeNs);
  [into.ctime, into.ctimeNsec] = timeOf(s.ctimeNs);
  [into.birthtime, into.birthtimeNsec] = timeOf(s.birthtimeNs);
  return into;
}

function timeOf(ns: bigint): [number, number] {
  const nsec = ((ns % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return [Number((ns - nsec) / 1_000_000_000n), Number(nsec)];
}

/** From a struct statfs of a 64-bit Linux. */
export function statvfsOf(raw: Uint8Array): Statvfs {
  const view = new DataView(raw.buffer, raw.byteOffset);
  const field = (index: number): number => Number(view.getBigUint64(index * 8, true));
  const sb = new Statvfs();
  sb.bsize = sb.iosize = field(1);
  sb.blocks = field(2);
  sb.bfree = field(3);
  sb.bavail = field(4);
  sb.files = field(5);
  sb.ffree = sb.favail = field(6);
  sb.namemax = field(8);
  sb.frsize = field(9);
  sb.flag = field(10) & 1;
  return sb;
}

/** Writes NetBSD's records of the entries that are in Linux's; returns their length. Linux's are never shorter. */
export function emitHostDirents(raw: Uint8Array, len: number, buf: Uint8Array): number {
  const view = new DataView(raw.buffer, raw.byteOffset);
  let at = 0;
  for (let off = 0; off < len; ) {
    const reclen = view.getUint16(off + 16, true);
    let name = '';
    for (let i = off + 19; raw[i] !== 0; i++) name += String.fromCharCode(raw[i] as number);
    at += emitDirent(buf, at, Number(view.getBigUint64(off, true)), raw[off + 18] as number, name);
    off += reclen;
  }
  return at;
}
