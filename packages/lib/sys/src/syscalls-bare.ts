/** System calls that a bare kernel with files has, of the base and of the file system faction. */

/** Those of rumpkernCalls. */
export const bareKernCalls = {
  read: '3 len fd out',
  write: '4 len fd in',
  close: '6 void fd',
  readv: '120 len fd iovout',
  writev: '121 len fd iovin',
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
  pread: '173 len fd out off',
  pwrite: '174 len fd in off',
  preadv: '289 len fd iovout off',
  pwritev: '290 len fd iovin off',
  ftruncate: '201 void fd off',
  fsync: '95 void fd',
  fdatasync: '241 void fd',

  stat: '439 stat path stat?',
  lstat: '441 stat path stat?',
  access: '33 void path int',
  chmod: '15 void path mode',
  lchmod: '274 void path mode',
  fchmod: '124 void fd mode',
  /** An owner or group of -1 stays as it is. The posix_ calls clear the set-id bits also for the superuser. */
  fchown: '123 void fd uid gid',
  posix_chown: '283 void path uid gid',
  posix_lchown: '285 void path uid gid',
  /** Nanoseconds may be UTIME_NOW or UTIME_OMIT. */
  utimensat: '467 void fd path times? int?',
  futimens: '472 void fd times?',
  umask: '60 mode mode',

  /** linkat(fromfd, from, tofd, to, AT_SYMLINK_FOLLOW) */
  linkat: '457 void fd path fd path int?',
  unlink: '10 void path',
  /** As rename, but when both names are one file, nothing happens (IEEE Std 1003.1). */
  posix_rename: '270 void path path',
  /** symlink(target, path) */
  symlink: '57 void path path',
  /** The target's bytes without a NUL, cut to the buffer. */
  readlink: '58 len path out',
  mkdir: '136 void path mode',
  rmdir: '137 void path',
  mknod: '450 void path mode dev',
  /** Records as dirent.ts says; 0 at the end. */
  getdents: '390 len fd out',

  chdir: '12 void path',
  /** The path and a NUL; the length includes the NUL. */
  getcwd: '296 len out',

  statvfs1: '357 statvfs path int',
} as const;
