/** System calls that a bare kernel with files has, of the base and of the file system faction. */

/** Those of rumpkernCalls. */
export const bareKernCalls = {
  read: '3 len fd out',
  write: '4 len fd in',
  close: '6 void fd',
  ioctl: '54 int fd uint inout?',
  fcntl: '92 int fd int fcntl?',
  fstat: '440 stat fd stat?',

  kqueue: '344 fd',
  kqueue1: '455 fd int',
  /** kevent(kq, changes, events, timeout): how many of `events` are filled. */
  kevent: '435 int fd changes kevents timespec?',
} as const;

/** Those of rumpvfsCalls. The first descriptor of an *at call is where a relative path starts: AT_FDCWD is the working directory. */
export const bareVfsCalls = {
  open: '5 fd path int mode?',
  openat: '468 fd fd path int mode?',
  lseek: '199 off fd off int',
  pread: '173 len fd out off',
  pwrite: '174 len fd in off',
  preadv: '289 len fd iovout off',
  pwritev: '290 len fd iovin off',
  truncate: '200 void path off',
  ftruncate: '201 void fd off',
  fsync: '95 void fd',
  fdatasync: '241 void fd',
  sync: '36 void',

  stat: '439 stat path stat?',
  lstat: '441 stat path stat?',
  fstatat: '466 stat fd path stat? int?',
  access: '33 void path int',
  faccessat: '462 void fd path int int?',
  /** pathconf(path, _PC_*): -1 when there is no limit. */
  pathconf: '191 int path int',
  fpathconf: '192 int fd int',
  chmod: '15 void path mode',
  lchmod: '274 void path mode',
  fchmod: '124 void fd mode',
  fchmodat: '463 void fd path mode int?',
  /** An owner or group of -1 stays as it is. The posix_ calls clear the set-id bits also for the superuser. */
  chown: '16 void path uid gid',
  lchown: '275 void path uid gid',
  fchown: '123 void fd uid gid',
  fchownat: '464 void fd path uid gid int?',
  posix_chown: '283 void path uid gid',
  posix_fchown: '284 void fd uid gid',
  posix_lchown: '285 void path uid gid',
  chflags: '34 void path uint',
  lchflags: '304 void path uint',
  fchflags: '35 void fd uint',
  utimes: '420 void path times?',
  lutimes: '424 void path times?',
  futimes: '423 void fd times?',
  /** Nanoseconds may be UTIME_NOW or UTIME_OMIT. */
  utimensat: '467 void fd path times? int?',
  futimens: '472 void fd times?',
  umask: '60 mode mode',

  link: '9 void path path',
  /** linkat(fromfd, from, tofd, to, AT_SYMLINK_FOLLOW) */
  linkat: '457 void fd path fd path int?',
  unlink: '10 void path',
  /** unlinkat(fd, path, AT_REMOVEDIR) */
  unlinkat: '471 void fd path int?',
  rename: '128 void path path',
  renameat: '458 void fd path fd path',
  /** As rename, but when both names are one file, nothing happens (IEEE Std 1003.1). */
  posix_rename: '270 void path path',
  /** symlink(target, path) */
  symlink: '57 void path path',
  symlinkat: '470 void path fd path',
  /** The target's bytes without a NUL, cut to the buffer. */
  readlink: '58 len path out',
  readlinkat: '469 len fd path out',
  mkdir: '136 void path mode',
  mkdirat: '461 void fd path mode',
  rmdir: '137 void path',
  mkfifo: '132 void path mode',
  mkfifoat: '459 void fd path mode',
  mknod: '450 void path mode dev',
  mknodat: '460 void fd path mode dev',
  /** Records as dirent.ts says; 0 at the end. */
  getdents: '390 len fd out',

  chdir: '12 void path',
  fchdir: '13 void fd',
  chroot: '61 void path',
  fchroot: '297 void fd',
  /** The path and a NUL; the length includes the NUL. */
  getcwd: '296 len out',

  /** getvfsstat(MNT_WAIT or MNT_NOWAIT): every mounted file system. */
  getvfsstat: '356 statvfss int',
  statvfs1: '357 statvfs path int',
  fstatvfs1: '358 statvfs fd int',
} as const;
