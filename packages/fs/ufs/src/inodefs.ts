/**
 * The seam to file systems whose files are inodes and whose directories hold names and inode numbers: UFS, and those that follow it, such as ext2.
 *
 * What such inodes have in memory is in incore.ts and dirtable.ts, and the operations on names are in names.ts; how names are held is the file system's own.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import type { EmitDirent, Mount, Txn, Vattr, Vnode, VnodeOps, Vtype } from '@anykernel/rumpvfs';
import type { DirIndex, Indexes } from './dirindex.js';

/** The operations for a type of vnode. */
export type OpsOf = (type: Vtype) => VnodeOps;

/** A mounted file system. */
export interface InodeFs {
  readonly mp: Mount;
  readonly txn: Txn;
  readonly opsOf: OpsOf;
  readonly naming: Naming;
  /** Bytes of a block. */
  readonly bsize: number;
  readonly indexes: Indexes;
  /** May be written. */
  writable: boolean;
  /** The inode number of the entry that find() found last. */
  foundIno: number;
  /** Files whose access times are to be brought up to date. */
  readonly lazyTimes: Set<Vnode>;
  /** Files without a name that could not be ended yet. */
  readonly zombies: Set<number>;

  /** Runs a change of metadata: it happens whole, or not at all. */
  run<T>(fn: () => T): T;
  /** The time, in an object that the next call fills again. */
  now(): Readonly<WallTime>;
  /** A line about what is wrong on the disk. */
  complain(message: string): void;
}

/** Which times an operation sets: touch(). */
export const T_ACCESS = 1;
export const T_CHANGE = 2;
export const T_UPDATE = 4;

/** An inode in memory: a view of its bytes, and what they do not say. Whoever changes it calls dirty() before, within a transaction. */
export interface InodeView {
  readonly fs: InodeFs;
  readonly ino: number;
  mode: number;
  uid: number;
  gid: number;
  nlink: number;
  readonly isDir: boolean;
  /** The number of a device. */
  readonly rdev: number;
  /** Its access time stays as it is. */
  readonly noAtime: boolean;
  readonly atime: number;
  readonly mtime: number;
  readonly ctime: number;
  /** It was read at this time, which its bytes do not say yet. */
  accessed: boolean;
  accessSec: number;
  accessNsec: number;
  /** A directory's names, when there are many of them; their table does not fit into memory. */
  index: DirIndex | undefined;
  noIndex: boolean;
  /** It has been freed; its vnode goes next. */
  destroyed: boolean;
  /** It cannot be freed: its pointers make no sense. */
  hopeless: boolean;
  dirty(): void;
  touch(times: number): void;
  setAtime(sec: number, nsec: number): void;
  release(): void;
}

/** How a file system holds names, and makes and ends files. What changes something is called within a transaction. All of it: EIO; sleeps. */
export interface Naming {
  /** Where the entry called `name` is, whose inode is fs.foundIno then; -1: there is none. */
  find(dp: InodeView, name: string): number;
  /** Adds a name that is not there. ENOSPC. */
  enter(dp: InodeView, name: string, ino: number, mode: number): void;
  /** Takes the name whose entry find() has found at `off`. */
  remove(dp: InodeView, name: string, off: number): void;
  /** The entry at `off` stands for another file. */
  rewrite(dp: InodeView, off: number, ino: number, mode: number): void;
  /** Gives the entries from `cookie` on. EINVAL: it is none. */
  read(dp: InodeView, cookie: number, emit: EmitDirent): void;
  /** Whether there is nothing but `.` and `..`. */
  isEmpty(dp: InodeView): boolean;
  parentOf(dp: InodeView): number;
  setParent(dp: InodeView, parent: number): void;
  /** Whether a name may stand for inode `ino`. */
  isUsable(fs: InodeFs, ino: number): boolean;
  /** Flags as chflags(2) knows them. */
  flagsOf(ip: InodeView): number;
  /** Names that a file may have. */
  linkMax(ip: InodeView): number;
  mayHaveSubdir(dp: InodeView): boolean;
  gainSubdir(dp: InodeView): void;
  /** A free inode for a file in `dp`. The caller releases it. ENOSPC. */
  alloc(dp: InodeView, isDir: boolean): InodeView;
  /** What a new file in `dp` has from the beginning: a directory its dots, a symbolic link its target, a device its number. ENOSPC. */
  begin(dp: InodeView, ip: InodeView, va: Vattr, target: string): void;
  /** It has lost its last name. */
  lostLastName(vp: Vnode, ip: InodeView): void;
}

/** EIO, with a message that says why. */
export function corrupt(fs: Pick<InodeFs, 'complain'>, message: string): never {
  fs.complain(message);
  throw ERR.EIO;
}
