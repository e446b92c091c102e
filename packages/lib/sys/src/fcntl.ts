/**
 * open(2), fcntl(2), flock(2), the *at calls and posix_fadvise(2): NetBSD's values.
 */

export const O_RDONLY = 0x0000_0000;
export const O_WRONLY = 0x0000_0001;
export const O_RDWR = 0x0000_0002;
export const O_ACCMODE = 0x0000_0003;
export const O_NONBLOCK = 0x0000_0004;
export const O_APPEND = 0x0000_0008;
export const O_SHLOCK = 0x0000_0010;
export const O_EXLOCK = 0x0000_0020;
export const O_ASYNC = 0x0000_0040;
export const O_SYNC = 0x0000_0080;
export const O_NOFOLLOW = 0x0000_0100;
export const O_CREAT = 0x0000_0200;
export const O_TRUNC = 0x0000_0400;
export const O_EXCL = 0x0000_0800;
export const O_NOCTTY = 0x0000_8000;
export const O_DSYNC = 0x0001_0000;
export const O_RSYNC = 0x0002_0000;
export const O_ALT_IO = 0x0004_0000;
export const O_DIRECT = 0x0008_0000;
export const O_DIRECTORY = 0x0020_0000;
export const O_CLOEXEC = 0x0040_0000;
export const O_SEARCH = 0x0080_0000;
export const O_NOSIGPIPE = 0x0100_0000;
export const O_REGULAR = 0x0200_0000;

/** The kernel's own form of the access mode (`fflags`): O_RDONLY + 1 and so on, so that it is a mask. */
export const FREAD = 0x0000_0001;
export const FWRITE = 0x0000_0002;

/** From the flags of open(2) to the kernel's: O_RDONLY becomes FREAD, O_RDWR becomes FREAD | FWRITE. */
export function fflags(oflags: number): number {
  return oflags + 1;
}

/** From the kernel's flags back to those of open(2). */
export function oflags(fflags: number): number {
  return fflags - 1;
}

export const F_DUPFD = 0;
export const F_GETFD = 1;
export const F_SETFD = 2;
export const F_GETFL = 3;
export const F_SETFL = 4;
export const F_GETOWN = 5;
export const F_SETOWN = 6;
export const F_GETLK = 7;
export const F_SETLK = 8;
export const F_SETLKW = 9;
export const F_CLOSEM = 10;
export const F_MAXFD = 11;
export const F_DUPFD_CLOEXEC = 12;
export const F_GETNOSIGPIPE = 13;
export const F_SETNOSIGPIPE = 14;
export const F_GETPATH = 15;

export const FD_CLOEXEC = 1;

/** Types of a record lock. */
export const F_RDLCK = 1;
export const F_UNLCK = 2;
export const F_WRLCK = 3;

/** A record lock: F_GETLK fills it, F_SETLK and F_SETLKW look at it. `len` 0 reaches to the end of the file, however it grows. */
export interface Flock {
  start: number;
  len: number;
  pid: number;
  type: number;
  whence: number;
}

/** Operations of flock(2). */
export const LOCK_SH = 1;
export const LOCK_EX = 2;
export const LOCK_NB = 4;
export const LOCK_UN = 8;

export const SEEK_SET = 0;
export const SEEK_CUR = 1;
export const SEEK_END = 2;

/** The working directory, as a descriptor of the *at calls. */
export const AT_FDCWD: number = -100;
export const AT_EACCESS = 0x100;
export const AT_SYMLINK_NOFOLLOW = 0x200;
export const AT_SYMLINK_FOLLOW = 0x400;
export const AT_REMOVEDIR = 0x800;

export const POSIX_FADV_NORMAL = 0;
export const POSIX_FADV_RANDOM = 1;
export const POSIX_FADV_SEQUENTIAL = 2;
export const POSIX_FADV_WILLNEED = 3;
export const POSIX_FADV_DONTNEED = 4;
export const POSIX_FADV_NOREUSE = 5;

/** What fsync_range(2) writes: the data alone, the file with its attributes; and through the disk's cache. */
export const FDATASYNC = 0x0010;
export const FFILESYNC = 0x0020;
export const FDISKSYNC = 0x0040;
