/**
 * System calls of the file system faction: paths, and descriptors as far as they are files.
 *
 * Numbers are those of the current ABI (NetBSD's syscalls.master); earlier ABIs of the same call are in syscalls.ts, compatCalls.
 * The first descriptor of an *at call is where a relative path starts: AT_FDCWD is the working directory.
 */

export const rumpvfsCalls = {
  open: { num: 5, args: ['path', 'int', 'mode?'], ret: 'fd' },
  openat: { num: 468, args: ['fd', 'path', 'int', 'mode?'], ret: 'fd' },
  lseek: { num: 199, args: ['fd', 'off', 'int'], ret: 'off' },
  pread: { num: 173, args: ['fd', 'out', 'off'], ret: 'len' },
  pwrite: { num: 174, args: ['fd', 'in', 'off'], ret: 'len' },
  preadv: { num: 289, args: ['fd', 'iovout', 'off'], ret: 'len' },
  pwritev: { num: 290, args: ['fd', 'iovin', 'off'], ret: 'len' },
  truncate: { num: 200, args: ['path', 'off'], ret: 'void' },
  ftruncate: { num: 201, args: ['fd', 'off'], ret: 'void' },
  /** posix_fallocate(fd, off, len), fdiscard(fd, off, len), posix_fadvise(fd, off, len, POSIX_FADV_*) */
  posix_fallocate: { num: 479, args: ['fd', 'off', 'off'], ret: 'void' },
  fdiscard: { num: 480, args: ['fd', 'off', 'off'], ret: 'void' },
  posix_fadvise: { num: 416, args: ['fd', 'off', 'off', 'int'], ret: 'void' },
  flock: { num: 131, args: ['fd', 'int'], ret: 'void' },
  fsync: { num: 95, args: ['fd'], ret: 'void' },
  fdatasync: { num: 241, args: ['fd'], ret: 'void' },
  /** fsync_range(fd, FDATASYNC | FFILESYNC | FDISKSYNC, start, len): `len` 0 is all. */
  fsync_range: { num: 354, args: ['fd', 'int', 'off', 'off'], ret: 'void' },
  sync: { num: 36, args: [], ret: 'void' },

  stat: { num: 439, args: ['path', 'stat?'], ret: 'stat' },
  lstat: { num: 441, args: ['path', 'stat?'], ret: 'stat' },
  fstatat: { num: 466, args: ['fd', 'path', 'stat?', 'int?'], ret: 'stat' },
  access: { num: 33, args: ['path', 'int'], ret: 'void' },
  faccessat: { num: 462, args: ['fd', 'path', 'int', 'int?'], ret: 'void' },
  /** pathconf(path, _PC_*): -1 when there is no limit. */
  pathconf: { num: 191, args: ['path', 'int'], ret: 'int' },
  fpathconf: { num: 192, args: ['fd', 'int'], ret: 'int' },
  chmod: { num: 15, args: ['path', 'mode'], ret: 'void' },
  lchmod: { num: 274, args: ['path', 'mode'], ret: 'void' },
  fchmod: { num: 124, args: ['fd', 'mode'], ret: 'void' },
  fchmodat: { num: 463, args: ['fd', 'path', 'mode', 'int?'], ret: 'void' },
  /** An owner or group of -1 stays as it is. The posix_ calls clear the set-id bits also for the superuser. */
  chown: { num: 16, args: ['path', 'uid', 'gid'], ret: 'void' },
  lchown: { num: 275, args: ['path', 'uid', 'gid'], ret: 'void' },
  fchown: { num: 123, args: ['fd', 'uid', 'gid'], ret: 'void' },
  fchownat: { num: 464, args: ['fd', 'path', 'uid', 'gid', 'int?'], ret: 'void' },
  posix_chown: { num: 283, args: ['path', 'uid', 'gid'], ret: 'void' },
  posix_fchown: { num: 284, args: ['fd', 'uid', 'gid'], ret: 'void' },
  posix_lchown: { num: 285, args: ['path', 'uid', 'gid'], ret: 'void' },
  chflags: { num: 34, args: ['path', 'uint'], ret: 'void' },
  lchflags: { num: 304, args: ['path', 'uint'], ret: 'void' },
  fchflags: { num: 35, args: ['fd', 'uint'], ret: 'void' },
  utimes: { num: 420, args: ['path', 'times?'], ret: 'void' },
  lutimes: { num: 424, args: ['path', 'times?'], ret: 'void' },
  futimes: { num: 423, args: ['fd', 'times?'], ret: 'void' },
  /** Nanoseconds may be UTIME_NOW or UTIME_OMIT. */
  utimensat: { num: 467, args: ['fd', 'path', 'times?', 'int?'], ret: 'void' },
  futimens: { num: 472, args: ['fd', 'times?'], ret: 'void' },
  umask: { num: 60, args: ['mode'], ret: 'mode' },

  link: { num: 9, args: ['path', 'path'], ret: 'void' },
  /** linkat(fromfd, from, tofd, to, AT_SYMLINK_FOLLOW) */
  linkat: { num: 457, args: ['fd', 'path', 'fd', 'path', 'int?'], ret: 'void' },
  unlink: { num: 10, args: ['path'], ret: 'void' },
  /** unlinkat(fd, path, AT_REMOVEDIR) */
  unlinkat: { num: 471, args: ['fd', 'path', 'int?'], ret: 'void' },
  rename: { num: 128, args: ['path', 'path'], ret: 'void' },
  renameat: { num: 458, args: ['fd', 'path', 'fd', 'path'], ret: 'void' },
  /** As rename, but when both names are one file, nothing happens (IEEE Std 1003.1). */
  posix_rename: { num: 270, args: ['path', 'path'], ret: 'void' },
  /** symlink(target, path) */
  symlink: { num: 57, args: ['path', 'path'], ret: 'void' },
  symlinkat: { num: 470, args: ['path', 'fd', 'path'], ret: 'void' },
  /** The target's bytes without a NUL, cut to the buffer. */
  readlink: { num: 58, args: ['path', 'out'], ret: 'len' },
  readlinkat: { num: 469, args: ['fd', 'path', 'out'], ret: 'len' },
  mkdir: { num: 136, args: ['path', 'mode'], ret: 'void' },
  mkdirat: { num: 461, args: ['fd', 'path', 'mode'], ret: 'void' },
  rmdir: { num: 137, args: ['path'], ret: 'void' },
  mkfifo: { num: 132, args: ['path', 'mode'], ret: 'void' },
  mkfifoat: { num: 459, args: ['fd', 'path', 'mode'], ret: 'void' },
  mknod: { num: 450, args: ['path', 'mode', 'dev'], ret: 'void' },
  mknodat: { num: 460, args: ['fd', 'path', 'mode', 'dev'], ret: 'void' },
  revoke: { num: 56, args: ['path'], ret: 'void' },
  /** Records as dirent.ts says; 0 at the end. */
  getdents: { num: 390, args: ['fd', 'out'], ret: 'len' },

  chdir: { num: 12, args: ['path'], ret: 'void' },
  fchdir: { num: 13, args: ['fd'], ret: 'void' },
  chroot: { num: 61, args: ['path'], ret: 'void' },
  fchroot: { num: 297, args: ['fd'], ret: 'void' },
  /** The path and a NUL; the length includes the NUL. */
  getcwd: { num: 296, args: ['out'], ret: 'len' },

  /** mount(type, dir, MNT_*, args) */
  mount: { num: 410, args: ['str', 'path', 'int', 'mountargs'], ret: 'void' },
  unmount: { num: 22, args: ['path', 'int'], ret: 'void' },
  /** getvfsstat(MNT_WAIT or MNT_NOWAIT): every mounted file system. */
  getvfsstat: { num: 356, args: ['int'], ret: 'statvfss' },
  statvfs1: { num: 357, args: ['path', 'int'], ret: 'statvfs' },
  fstatvfs1: { num: 358, args: ['fd', 'int'], ret: 'statvfs' },
  quotactl: { num: 473, args: ['path', 'any?'], ret: 'any' },
  getfh: { num: 395, args: ['path'], ret: 'bytes' },
  fhopen: { num: 396, args: ['in', 'int'], ret: 'fd' },
  fhstat: { num: 451, args: ['in', 'stat?'], ret: 'stat' },
  fhstatvfs1: { num: 397, args: ['in', 'int'], ret: 'statvfs' },

  /** extattrctl(path, command, file, namespace, name) */
  extattrctl: { num: 360, args: ['path', 'int', 'path?', 'int?', 'str?'], ret: 'void' },
  /**
   * extattr_set_*(file, namespace, name, value), extattr_get_*(file, namespace, name, buf), extattr_list_*(file, namespace, buf).
   * Without a buffer, get and list give the length that there is. A list is of records: length u8, name.
   */
  extattr_set_file: { num: 361, args: ['path', 'int', 'str', 'in'], ret: 'len' },
  extattr_get_file: { num: 362, args: ['path', 'int', 'str', 'out?'], ret: 'len' },
  extattr_delete_file: { num: 363, args: ['path', 'int', 'str'], ret: 'void' },
  extattr_set_fd: { num: 364, args: ['fd', 'int', 'str', 'in'], ret: 'len' },
  extattr_get_fd: { num: 365, args: ['fd', 'int', 'str', 'out?'], ret: 'len' },
  extattr_delete_fd: { num: 366, args: ['fd', 'int', 'str'], ret: 'void' },
  extattr_set_link: { num: 367, args: ['path', 'int', 'str', 'in'], ret: 'len' },
  extattr_get_link: { num: 368, args: ['path', 'int', 'str', 'out?'], ret: 'len' },
  extattr_delete_link: { num: 369, args: ['path', 'int', 'str'], ret: 'void' },
  extattr_list_fd: { num: 370, args: ['fd', 'int', 'out?'], ret: 'len' },
  extattr_list_file: { num: 371, args: ['path', 'int', 'out?'], ret: 'len' },
  extattr_list_link: { num: 372, args: ['path', 'int', 'out?'], ret: 'len' },
  /** setxattr(path, name, value, XATTR_*): names say their namespace, `user.mime`. A list is of names, each with a NUL. */
  setxattr: { num: 375, args: ['path', 'str', 'in', 'int?'], ret: 'void' },
  lsetxattr: { num: 376, args: ['path', 'str', 'in', 'int?'], ret: 'void' },
  fsetxattr: { num: 377, args: ['fd', 'str', 'in', 'int?'], ret: 'void' },
  getxattr: { num: 378, args: ['path', 'str', 'out?'], ret: 'len' },
  lgetxattr: { num: 379, args: ['path', 'str', 'out?'], ret: 'len' },
  fgetxattr: { num: 380, args: ['fd', 'str', 'out?'], ret: 'len' },
  listxattr: { num: 381, args: ['path', 'out?'], ret: 'len' },
  llistxattr: { num: 382, args: ['path', 'out?'], ret: 'len' },
  flistxattr: { num: 383, args: ['fd', 'out?'], ret: 'len' },
  removexattr: { num: 384, args: ['path', 'str'], ret: 'void' },
  lremovexattr: { num: 385, args: ['path', 'str'], ret: 'void' },
  fremovexattr: { num: 386, args: ['fd', 'str'], ret: 'void' },

  /** ktrace(path, KTROP_*, KTRFAC_*, pid) */
  ktrace: { num: 45, args: ['path?', 'int', 'int', 'pid'], ret: 'void' },
} as const;
