/**
 * stat(2): file types, modes, flags, and the Stat record.
 */

export const S_ISUID = 0o4000;
export const S_ISGID = 0o2000;
export const S_ISTXT = 0o1000;
export const S_ISVTX = 0o1000;
export const S_IRWXU = 0o700;
export const S_IRUSR = 0o400;
export const S_IWUSR = 0o200;
export const S_IXUSR = 0o100;
export const S_IRWXG = 0o070;
export const S_IRGRP = 0o040;
export const S_IWGRP = 0o020;
export const S_IXGRP = 0o010;
export const S_IRWXO = 0o007;
export const S_IROTH = 0o004;
export const S_IWOTH = 0o002;
export const S_IXOTH = 0o001;

export const S_IFMT = 0o170000;
export const S_IFIFO = 0o010000;
export const S_IFCHR = 0o020000;
export const S_IFDIR = 0o040000;
export const S_IFBLK = 0o060000;
export const S_IFREG = 0o100000;
export const S_IFLNK = 0o120000;
export const S_IFSOCK = 0o140000;
/** A whiteout, as union mounts leave it. */
export const S_IFWHT = 0o160000;

/** rwxrwxrwx */
export const ACCESSPERMS = 0o777;
/** rw-rw-rw- */
export const DEFFILEMODE = 0o666;
/** All the bits that chmod(2) sets. */
export const ALLPERMS = 0o7777;

export function S_ISFIFO(mode: number): boolean {
  return (mode & S_IFMT) === S_IFIFO;
}
export function S_ISCHR(mode: number): boolean {
  return (mode & S_IFMT) === S_IFCHR;
}
export function S_ISDIR(mode: number): boolean {
  return (mode & S_IFMT) === S_IFDIR;
}
export function S_ISBLK(mode: number): boolean {
  return (mode & S_IFMT) === S_IFBLK;
}
export function S_ISREG(mode: number): boolean {
  return (mode & S_IFMT) === S_IFREG;
}
export function S_ISLNK(mode: number): boolean {
  return (mode & S_IFMT) === S_IFLNK;
}
export function S_ISSOCK(mode: number): boolean {
  return (mode & S_IFMT) === S_IFSOCK;
}
export function S_ISWHT(mode: number): boolean {
  return (mode & S_IFMT) === S_IFWHT;
}

/** File flags (chflags(2)): UF_ the owner sets, SF_ the superuser. */
export const UF_SETTABLE = 0x0000_ffff;
export const UF_NODUMP = 0x0000_0001;
export const UF_IMMUTABLE = 0x0000_0002;
export const UF_APPEND = 0x0000_0004;
export const UF_OPAQUE = 0x0000_0008;
export const SF_SETTABLE = 0xffff_0000;
export const SF_ARCHIVED = 0x0001_0000;
export const SF_IMMUTABLE = 0x0002_0000;
export const SF_APPEND = 0x0004_0000;
export const SF_SNAPSHOT = 0x0020_0000;
export const SF_LOG = 0x0040_0000;
export const SF_SNAPINVAL = 0x0080_0000;
/** Either of the two: no change, and no change but appending. */
export const IMMUTABLE: number = UF_IMMUTABLE | SF_IMMUTABLE;
export const APPEND: number = UF_APPEND | SF_APPEND;

/** Nanoseconds of utimensat(2) which mean: the present time, and: leave it. */
export const UTIME_NOW = 0x3fff_ffff;
export const UTIME_OMIT = 0x3fff_fffe;

/**
 * The attributes of a file, as stat(2) fills them. Every field is a number, and every object has this one shape.
 *
 * Times are whole seconds since 1970 (also negative) and nanoseconds 0..999999999. `blocks` are of 512 bytes, `blksize` is the
 * preferred size of I/O in bytes.
 */
export class Stat {
  dev: number = 0;
  ino: number = 0;
  mode: number = 0;
  nlink: number = 0;
  uid: number = 0;
  gid: number = 0;
  rdev: number = 0;
  size: number = 0;
  blocks: number = 0;
  blksize: number = 0;
  flags: number = 0;
  gen: number = 0;
  atime: number = 0;
  atimeNsec: number = 0;
  mtime: number = 0;
  mtimeNsec: number = 0;
  ctime: number = 0;
  ctimeNsec: number = 0;
  birthtime: number = 0;
  birthtimeNsec: number = 0;
}

/** NetBSD's packing of device numbers: 12 bits of major, 20 of minor. */
export function makedev(major: number, minor: number): number {
  return (((minor << 12) & 0xfff0_0000) | ((major << 8) & 0x000f_ff00) | (minor & 0xff)) >>> 0;
}
export function major(dev: number): number {
  return (dev & 0x000f_ff00) >>> 8;
}
export function minor(dev: number): number {
  return (((dev & 0xfff0_0000) >>> 12) | (dev & 0xff)) >>> 0;
}

/** No device. */
export const NODEV: number = 0xffff_ffff;
