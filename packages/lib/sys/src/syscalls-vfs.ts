/**
 * System calls of the file system faction: paths, and descriptors as far as they are files.
 *
 * Numbers are those of the current ABI (NetBSD's syscalls.master); earlier ABIs of the same call are in syscalls.ts, compatCalls.
 * The first descriptor of an *at call is where a relative path starts: AT_FDCWD is the working directory.
 */

export const rumpvfsCalls = {
  open: '5 fd path int mode?',
  openat: '468 fd fd path int mode?',
  lseek: '199 off fd off int',
  pread: '173 len fd out off',
  pwrite: '174 len fd in off',
  preadv: '289 len fd iovout off',
  pwritev: '290 len fd iovin off',
  truncate: '200 void path off',
  ftruncate: '201 void fd off',
  /** posix_fallocate(fd, off, len), fdiscard(fd, off, len), posix_fadvise(fd, off, len, POSIX_FADV_*) */
  posix_fallocate: '479 void fd off off',
  fdiscard: '480 void fd off off',
  posix_fadvise: '416 void fd off off int',
  flock: '131 void fd int',
  fsync: '95 void fd',
  fdatasync: '241 void fd',
  /** fsync_range(fd, FDATASYNC | FFILESYNC | FDISKSYNC, start, len): `len` 0 is all. */
  fsync_range: '354 void fd int off off',
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
  revoke: '56 void path',
  /** Records as dirent.ts says; 0 at the end. */
  getdents: '390 len fd out',

  chdir: '12 void path',
  fchdir: '13 void fd',
  chroot: '61 void path',
  fchroot: '297 void fd',
  /** The path and a NUL; the length includes the NUL. */
  getcwd: '296 len out',

  /** mount(type, dir, MNT_*, args) */
  mount: '410 void str path int mountargs',
  unmount: '22 void path int',
  /** getvfsstat(MNT_WAIT or MNT_NOWAIT): every mounted file system. */
  getvfsstat: '356 statvfss int',
  statvfs1: '357 statvfs path int',
  fstatvfs1: '358 statvfs fd int',
  quotactl: '473 any path any?',
  getfh: '395 bytes path',
  fhopen: '396 fd in int',
  fhstat: '451 stat in stat?',
  fhstatvfs1: '397 statvfs in int',

  /** extattrctl(path, command, file, namespace, name) */
  extattrctl: '360 void path int path? int? str?',
  /**
   * extattr_set_*(file, namespace, name, value), extattr_get_*(file, namespace, name, buf), extattr_list_*(file, namespace, buf).
   * Without a buffer, get and list give the length that there is. A list is of records: length u8, name.
   */
  extattr_set_file: '361 len path int str in',
  extattr_get_file: '362 len path int str out?',
  extattr_delete_file: '363 void path int str',
  extattr_set_fd: '364 len fd int str in',
  extattr_get_fd: '365 len fd int str out?',
  extattr_delete_fd: '366 void fd int str',
  extattr_set_link: '367 len path int str in',
  extattr_get_link: '368 len path int str out?',
  extattr_delete_link: '369 void path int str',
  extattr_list_fd: '370 len fd int out?',
  extattr_list_file: '371 len path int out?',
  extattr_list_link: '372 len path int out?',
  /** setxattr(path, name, value, XATTR_*): names say their namespace, `user.mime`. A list is of names, each with a NUL. */
  setxattr: '375 void path str in int?',
  lsetxattr: '376 void path str in int?',
  fsetxattr: '377 void fd str in int?',
  getxattr: '378 len path str out?',
  lgetxattr: '379 len path str out?',
  fgetxattr: '380 len fd str out?',
  listxattr: '381 len path out?',
  llistxattr: '382 len path out?',
  flistxattr: '383 len fd out?',
  removexattr: '384 void path str',
  lremovexattr: '385 void path str',
  fremovexattr: '386 void fd str',

  /** ktrace(path, KTROP_*, KTRFAC_*, pid) */
  ktrace: '45 void path? int int pid',
} as const;
