/**
 * What the suite works on: a file system, seen through the system calls of processes.
 *
 * A subject is a mounted file system in a kernel, or a folder of the host's own. It says what it lacks, and the suite then demands that it
 * refuses cleanly: with the error that POSIX or NetBSD names for it, and without a trace.
 */
import type { SysOf, rumpkernCalls, rumpvfsCalls } from '@anykernel/lib-sys';

type AllCalls = typeof rumpkernCalls & typeof rumpvfsCalls;

/** The system calls that the suite makes. A process of a kernel has them as `p.sys`. */
export type SuiteSys = Pick<
  SysOf<AllCalls>,
  | 'open'
  | 'openat'
  | 'close'
  | 'read'
  | 'write'
  | 'readv'
  | 'writev'
  | 'pread'
  | 'pwrite'
  | 'lseek'
  | 'truncate'
  | 'ftruncate'
  | 'posix_fallocate'
  | 'fdiscard'
  | 'fsync'
  | 'fdatasync'
  | 'sync'
  | 'stat'
  | 'lstat'
  | 'fstat'
  | 'fstatat'
  | 'access'
  | 'faccessat'
  | 'pathconf'
  | 'chmod'
  | 'fchmod'
  | 'chown'
  | 'lchown'
  | 'fchown'
  | 'chflags'
  | 'utimensat'
  | 'futimens'
  | 'umask'
  | 'link'
  | 'linkat'
  | 'unlink'
  | 'unlinkat'
  | 'rename'
  | 'renameat'
  | 'symlink'
  | 'symlinkat'
  | 'readlink'
  | 'readlinkat'
  | 'mkdir'
  | 'mkdirat'
  | 'rmdir'
  | 'mkfifo'
  | 'mknod'
  | 'getdents'
  | 'chdir'
  | 'fchdir'
  | 'getcwd'
  | 'statvfs1'
  | 'fstatvfs1'
  | 'getfh'
  | 'fhopen'
  | 'fhstat'
  | 'setxattr'
  | 'getxattr'
  | 'listxattr'
  | 'removexattr'
  | 'fcntl'
  | 'flock'
>;

/** What a file system may be without. */
export type Lack =
  /** Refuses rename(2): EOPNOTSUPP. */
  | 'rename'
  /** Refuses link(2): EOPNOTSUPP, or EPERM as POSIX says. */
  | 'hardlinks'
  /** Refuses symlink(2): EOPNOTSUPP, or EPERM. */
  | 'symlinks'
  /** Refuses mknod(2) of devices: EOPNOTSUPP, EPERM. */
  | 'devices'
  /** Refuses mkfifo(2): EOPNOTSUPP, EPERM. */
  | 'fifos'
  /** Keeps no owners: every chown(2) to somebody else is refused: EOPNOTSUPP, EPERM, EINVAL. */
  | 'owners'
  /** Keeps no modes: chmod(2) to anything but what it has is refused or, as on FAT, has no effect beyond the write bit. */
  | 'modes'
  /** Refuses extended attributes: EOPNOTSUPP. */
  | 'xattr'
  /** Files have no holes: what was not written takes room. Nothing is refused. */
  | 'sparse'
  /** Refuses getfh(2): EOPNOTSUPP. */
  | 'handles'
  /** Refuses chflags(2): EOPNOTSUPP. */
  | 'flags'
  /** Stat's birthtime is not a time of birth. */
  | 'birthtime'
  /** Refuses posix_fallocate(2): EOPNOTSUPP. */
  | 'fallocate'
  /** Refuses fdiscard(2): EOPNOTSUPP. */
  | 'fdiscard'
  /** Directories list neither `.` nor `..`. */
  | 'dots'
  /** The link count of a directory does not count its subdirectories. */
  | 'dirlinks'
  /** statvfs(2) does not tell how much room there is, nor is there a limit on it. */
  | 'figures'
  /** Access times are not kept. */
  | 'atime'
  /** The time of change is that of modification. Nothing is refused. */
  | 'ctime'
  /** Names are text, without some characters, and those that differ by case only are one: a name that cannot be is refused: EINVAL. */
  | 'anynames'
  /** Cannot be mounted again, or what it held is gone then. */
  | 'remount';

export interface Limits {
  /** The longest name, in bytes. */
  readonly nameMax: number;
  /** The largest file, in bytes. */
  readonly maxFileSize: number;
  /** Times are kept to so many nanoseconds. */
  readonly timeGranularityNs: number;
  /** The most names of one file. */
  readonly linkMax: number;
  /** The longest target of a symbolic link, in bytes. */
  readonly symlinkMax: number;
}

/** The manners of a kernel, where systems differ and both are right. */
export type Manners = 'netbsd' | 'linux';

export interface Actor {
  readonly uid: number;
  readonly gid: number;
  readonly groups?: readonly number[];
}

export interface Subject {
  /** An absolute path: the suite works below it, and leaves it empty. */
  readonly dir: string;
  readonly manners: Manners;
  readonly limits: Limits;
  /** A new process; its working directory is `dir`. */
  process(actor: Actor): SuiteSys;
  /** The processes that were made are ended: what they have open is closed. */
  reap(): void;
  /** Time passes: at least one grain of the file system's times. */
  tick(): void;
  /** From here on as little as possible of what is not in use is kept in memory. */
  squeeze?(): void;
  /** Removes a tree in a faster way than by system calls, and without a look at what is free then. */
  erase?(path: string): void;
  /** Mounted anew, read-only or not; everything that was there still is. Absent where the subject lacks `remount`. */
  remount?(readonly: boolean): void;
  /** The end: whatever was made for the subject is undone. */
  dispose?(): void;
}

/** One run of the suite. */
export interface VnodeSuite {
  /** What jest calls it. */
  readonly name: string;
  /** A fresh, empty file system with room for 64 MiB and 20,000 files; or, `small`, of 1 to 16 MiB. */
  make(want: { readonly small: boolean }): Subject;
  readonly lacks?: readonly Lack[];
  /** Topics that are not run, each with the reason, which is printed. For oracles only: a file system has no such choice. */
  readonly without?: Readonly<Record<string, string>>;
}

/** A test needs something which the subject cannot express, such as a call that Node does not have. The suite lists those tests. */
export class NotExpressible extends Error {
  override name = 'NotExpressible';
}
