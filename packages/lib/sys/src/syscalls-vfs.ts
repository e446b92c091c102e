/**
 * System calls of the file system faction: paths, and descriptors as far as they are files.
 *
 * Numbers are those of the current ABI (NetBSD's syscalls.master); earlier ABIs of the same call are in syscalls.ts, compatCalls.
 * The first descriptor of an *at call is where a relative path starts: AT_FDCWD is the working directory.
 */

export const rumpvfsCalls = {
  open: { number: 5, args: ['path', 'int', 'mode?'], ret: 'fd' },
  openat: { number: 468, args: ['fd', 'path', 'int', 'mode?'], ret: 'fd' },
  lseek: { number: 199, args: ['fd', 'off', 'int'], ret: 'off' },
  pread: { number: 173, args: ['fd', 'out', 'off'], ret: 'len' },
  pwrite: { number: 174, args: ['fd', 'in', 'off'], ret: 'len' },
  preadv: { number: 289, args: ['fd', 'iovout', 'off'], ret: 'len' },
  pwritev: { number: 290, args: ['fd', 'iovin', 'off'], ret: 'len' },
  truncate: { number: 200, args: ['path', 'off'], ret: 'void' },
  ftruncate: { number: 201, args: ['fd', 'off'], ret: 'void' },
  /** posix_fallocate(fd, off, len), fdiscard(fd, off, len), posix_fadvise(fd, off, len, POSIX_FADV_*) */
  posix_fallocate: { number: 479, args: ['fd', 'off', 'off'], ret: 'void' },
  fdiscard: { number: 480, args: ['fd', 'off', 'off'], ret: 'void' },
  posix_fadvise: { number: 416, args: ['fd', 'off', 'off', 'int'], ret: 'void' },
  flock: { number: 131, args: ['fd', 'int'], ret: 'void' },
  fsync: { number: 95, args: ['fd'], ret: 'void' },
  fdatasync: { number: 241, args: ['fd'], ret: 'void' },
  /** fsync_range(fd, FDATASYNC | FFILESYNC | FDISKSYNC, start, len): `len` 0 is all. */
  fsync_range: { number: 354, args: ['fd', 'int', 'off', 'off'], ret: 'void' },
  sync: { number: 36, args: [], ret: 'void' },

  stat: { number: 439, args: ['path', 'stat?'], ret: 'stat' },
  lstat: { number: 441, args: ['path', 'stat?'], ret: 'stat' },
  fstatat: { number: 466, args: ['fd', 'path', 'stat?', 'int?'], ret: 'stat' },
  access: { number: 33, args: ['path', 'int'], ret: 'void' },
  faccessat: { number: 462, args: ['fd', 'path', 'int', 'int?'], ret: 'void' },
  /** pathconf(path, _PC_*): -1 when there is no limit. */
  pathconf: { number: 191, args: ['path', 'int'], ret: 'int' },
  fpathconf: { number: 192, args: ['fd', 'int'], ret: 'int' },
  chmod: { number: 15, args: ['path', 'mode'], ret: 'void' },
  lchmod: { number: 274, args: ['path', 'mode'], ret: 'void' },
  fchmod: { number: 124, args: ['fd', 'mode'], ret: 'void' },
  fchmodat: { number: 463, args: ['fd', 'path', 'mode', 'int?'], ret: 'void' },
  /** An owner or group of -1 stays as it is. The posix_ calls clear the set-id bits also for the superuser. */
  chown: { number: 16, args: ['path', 'uid', 'gid'], ret: 'void' },
  lchown: { number: 275, args: ['path', 'uid', 'gid'], ret: 'void' },
  fchown: { number: 123, args: ['fd', 'uid', 'gid'], ret: 'void' },
  fchownat: { number: 464, args: ['fd', 'path', 'uid', 'gid', 'int?'], ret: 'void' },
  posix_chown: { number: 283, args: ['path', 'uid', 'gid'], ret: 'void' },
  posix_fchown: { number: 284, args: ['fd', 'uid', 'gid'], ret: 'void' },
  posix_lchown: { number: 285, args: ['path', 'uid', 'gid'], ret: 'void' },
  chflags: { number: 34, args: ['path', 'uint'], ret: 'void' },
  lchflags: { number: 304, args: ['path', 'uint'], ret: 'void' },
  fchflags: { number: 35, args: ['fd', 'uint'], ret: 'void' },
  utimes: { number: 420, args: ['path', 'times?'], ret: 'void' },
  lutimes: { number: 424, args: ['path', 'times?'], ret: 'void' },
  futimes: { number: 423, args: ['fd', 'times?'], ret: 'void' },
  /** Nanoseconds may be UTIME_NOW or UTIME_OMIT. */
  utimensat: { number: 467, args: ['fd', 'path', 'times?', 'int?'], ret: 'void' },
  futimens: { number: 472, args: ['fd', 'times?'], ret: 'void' },
  umask: { number: 60, args: ['mode'], ret: 'mode' },

  link: { number: 9, args: ['path', 'path'], ret: 'void' },
  /** linkat(fromfd, from, tofd, to, AT_SYMLINK_FOLLOW) */
  linkat: { number: 457, args: ['fd', 'path', 'fd', 'path', 'int?'], ret: 'void' },
  unlink: { number: 10, args: ['path'], ret: 'void' },
  /** unlinkat(fd, path, AT_REMOVEDIR) */
  unlinkat: { number: 471, args: ['fd', 'path', 'int?'], ret: 'void' },
  rename: { number: 128, args: ['path', 'path'], ret: 'void' },
  renameat: { number: 458, args: ['fd', 'path', 'fd', 'path'], ret: 'void' },
  /** As rename, but when both names are one file, nothing happens (IEEE Std 1003.1). */
  posix_rename: { number: 270, args: ['path', 'path'], ret: 'void' },
  /** symlink(target, path) */
  symlink: { number: 57, args: ['path', 'path'], ret: 'void' },
  symlinkat: { number: 470, args: ['path', 'fd', 'path'], ret: 'void' },
  /** The target's bytes without a NUL, cut to the buffer. */
  readlink: { number: 58, args: ['path', 'out'], ret: 'len' },
  readlinkat: { number: 469, args: ['fd', 'path', 'out'], ret: 'len' },
  mkdir: { number: 136, args: ['path', 'mode'], ret: 'void' },
  mkdirat: { number: 461, args: ['fd', 'path', 'mode'], ret: 'void' },
  rmdir: { number: 137, args: ['path'], ret: 'void' },
  mkfifo: { number: 132, args: ['path', 'mode'], ret: 'void' },
  mkfifoat: { number: 459, args: ['fd', 'path', 'mode'], ret: 'void' },
  mknod: { number: 450, args: ['path', 'mode', 'dev'], ret: 'void' },
  mknodat: { number: 460, args: ['fd', 'path', 'mode', 'dev'], ret: 'void' },
  revoke: { number: 56, args: ['path'], ret: 'void' },
  /** Records as dirent.ts says; 0 at the end. */
  getdents: { number: 390, args: ['fd', 'out'], ret: 'len' },

  chdir: { number: 12, args: ['path'], ret: 'void' },
  fchdir: { number: 13, args: ['fd'], ret: 'void' },
  chroot: { number: 61, args: ['path'], ret: 'void' },
  fchroot: { number: 297, args: ['fd'], ret: 'void' },
  /** The path and a NUL; the length includes the NUL. */
  getcwd: { number: 296, args: ['out'], ret: 'len' },

  /** mount(type, dir, MNT_*, args) */
  mount: { number: 410, args: ['str', 'path', 'int', 'mountargs'], ret: 'void' },
  unmount: { number: 22, args: ['path', 'int'], ret: 'void' },
  /** getvfsstat(MNT_WAIT or MNT_NOWAIT): every mounted file system. */
  getvfsstat: { number: 356, args: ['int'], ret: 'statvfss' },
  statvfs1: { number: 357, args: ['path', 'int'], ret: 'statvfs' },
  fstatvfs1: { number: 358, args: ['fd', 'int'], ret: 'statvfs' },
  quotactl: { number: 473, args: ['path', 'any?'], ret: 'any' },
  getfh: { number: 395, args: ['path'], ret: 'bytes' },
  fhopen: { number: 396, args: ['in', 'int'], ret: 'fd' },
  fhstat: { number: 451, args: ['in', 'stat?'], ret: 'stat' },
  fhstatvfs1: { number: 397, args: ['in', 'int'], ret: 'statvfs' },

  /** extattrctl(path, command, file, namespace, name) */
  extattrctl: { number: 360, args: ['path', 'int', 'path?', 'int?', 'str?'], ret: 'void' },
  /**
   * extattr_set_*(file, namespace, name, value), extattr_get_*(file, namespace, name, buf), extattr_list_*(file, namespace, buf).
   * Without a buffer, get and list give the length that there is. A list is of records: length u8, name.
   */
  extattr_set_file: { number: 361, args: ['path', 'int', 'str', 'in'], ret: 'len' },
  extattr_get_file: { number: 362, args: ['path', 'int', 'str', 'out?'], ret: 'len' },
  extattr_delete_file: { number: 363, args: ['path', 'int', 'str'], ret: 'void' },
  extattr_set_fd: { number: 364, args: ['fd', 'int', 'str', 'in'], ret: 'len' },
  extattr_get_fd: { number: 365, args: ['fd', 'int', 'str', 'out?'], ret: 'len' },
  extattr_delete_fd: { number: 366, args: ['fd', 'int', 'str'], ret: 'void' },
  extattr_set_link: { number: 367, args: ['path', 'int', 'str', 'in'], ret: 'len' },
  extattr_get_link: { number: 368, args: ['path', 'int', 'str', 'out?'], ret: 'len' },
  extattr_delete_link: { number: 369, args: ['path', 'int', 'str'], ret: 'void' },
  extattr_list_fd: { number: 370, args: ['fd', 'int', 'out?'], ret: 'len' },
  extattr_list_file: { number: 371, args: ['path', 'int', 'out?'], ret: 'len' },
  extattr_list_link: { number: 372, args: ['path', 'int', 'out?'], ret: 'len' },
  /** setxattr(path, name, value, XATTR_*): names say their namespace, `user.mime`. A list is of names, each with a NUL. */
  setxattr: { number: 375, args: ['path', 'str', 'in', 'int?'], ret: 'void' },
  lsetxattr: { number: 376, args: ['path', 'str', 'in', 'int?'], ret: 'void' },
  fsetxattr: { number: 377, args: ['fd', 'str', 'in', 'int?'], ret: 'void' },
  getxattr: { number: 378, args: ['path', 'str', 'out?'], ret: 'len' },
  lgetxattr: { number: 379, args: ['path', 'str', 'out?'], ret: 'len' },
  fgetxattr: { number: 380, args: ['fd', 'str', 'out?'], ret: 'len' },
  listxattr: { number: 381, args: ['path', 'out?'], ret: 'len' },
  llistxattr: { number: 382, args: ['path', 'out?'], ret: 'len' },
  flistxattr: { number: 383, args: ['fd', 'out?'], ret: 'len' },
  removexattr: { number: 384, args: ['path', 'str'], ret: 'void' },
  lremovexattr: { number: 385, args: ['path', 'str'], ret: 'void' },
  fremovexattr: { number: 386, args: ['fd', 'str'], ret: 'void' },

  /** ktrace(path, KTROP_*, KTRFAC_*, pid) */
  ktrace: { number: 45, args: ['path?', 'int', 'int', 'pid'], ret: 'void' },
} as const;
