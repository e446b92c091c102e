/**
 * System calls of the file system faction: paths, and descriptors as far as they are files.
 *
 * Numbers are those of the current ABI (NetBSD's syscalls.master); earlier ABIs of the same call are in syscalls.ts, compatCalls.
 * The first descriptor of an *at call is where a relative path starts: AT_FDCWD is the working directory.
 */
import { bareVfsCalls } from './syscalls-bare.js';

export const rumpvfsCalls = {
  ...bareVfsCalls,

  openat: '468 fd fd path int mode?',
  lseek: '199 off fd off int',
  truncate: '200 void path off',
  sync: '36 void',

  fstatat: '466 stat fd path stat? int?',
  faccessat: '462 void fd path int int?',
  /** pathconf(path, _PC_*): -1 when there is no limit. */
  pathconf: '191 int path int',
  fpathconf: '192 int fd int',
  fchmodat: '463 void fd path mode int?',
  chown: '16 void path uid gid',
  lchown: '275 void path uid gid',
  fchownat: '464 void fd path uid gid int?',
  posix_fchown: '284 void fd uid gid',
  chflags: '34 void path uint',
  lchflags: '304 void path uint',
  fchflags: '35 void fd uint',
  utimes: '420 void path times?',
  lutimes: '424 void path times?',
  futimes: '423 void fd times?',

  link: '9 void path path',
  /** unlinkat(fd, path, AT_REMOVEDIR) */
  unlinkat: '471 void fd path int?',
  rename: '128 void path path',
  renameat: '458 void fd path fd path',
  symlinkat: '470 void path fd path',
  readlinkat: '469 len fd path out',
  mkdirat: '461 void fd path mode',
  mkfifo: '132 void path mode',
  mkfifoat: '459 void fd path mode',
  mknodat: '460 void fd path mode dev',

  fchdir: '13 void fd',
  chroot: '61 void path',
  fchroot: '297 void fd',

  /** getvfsstat(MNT_WAIT or MNT_NOWAIT): every mounted file system. */
  getvfsstat: '356 statvfss int',
  fstatvfs1: '358 statvfs fd int',

  /** posix_fallocate(fd, off, len), fdiscard(fd, off, len), posix_fadvise(fd, off, len, POSIX_FADV_*) */
  posix_fallocate: '479 void fd off off',
  fdiscard: '480 void fd off off',
  posix_fadvise: '416 void fd off off int',
  flock: '131 void fd int',
  /** fsync_range(fd, FDATASYNC | FFILESYNC | FDISKSYNC, start, len): `len` 0 is all. */
  fsync_range: '354 void fd int off off',
  revoke: '56 void path',

  /** mount(type, dir, MNT_*, args) */
  mount: '410 void str path int mountargs',
  unmount: '22 void path int',
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
