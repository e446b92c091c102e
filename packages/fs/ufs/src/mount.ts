/**
 * What inodes and directories need of the file system that they belong to: the seam between ufs and what allocates for it.
 *
 * Blocks are counted in fragments: a block address names its first fragment, and the buffer cache has one buffer to a fragment. Everything that changes
 * metadata runs within run().
 */
import type { Cred, Kernel } from '@anykernel/rumpkern';
import type { Bcache, Disk, PagedUobj, Run } from '@anykernel/rumpvfs';
import type { Place } from './bmap.js';
import type { Inode } from './inode.js';
import type { InodeFs } from './inodefs.js';
import type { DinodeLayout, DirFormat } from './ondisk.js';

/** What the file system decides. */
export interface UfsOps {
  /** Blocks for bytes [off, off+len) of a file, and a size that covers them. Within a transaction. ENOSPC, EFBIG, EIO. */
  balloc(ip: Inode, off: number, len: number): void;
  /** The file's blocks go from byte `size` on, and its size is that. Within a transaction. EIO. */
  truncate(ip: Inode, size: number): void;
  /** Frees whole blocks from..to - 1 of a file, and leaves holes. Within a transaction. EIO. */
  punch(ip: Inode, from: number, to: number): void;
  /** A free inode for a file in directory `dp`, zeroed but for its generation and birth time. The caller releases it. ENOSPC, EIO. */
  valloc(dp: Inode, isDir: boolean): Inode;
  /** Gives an inode back; the caller has emptied it. EIO. */
  vfree(ip: Inode, isDir: boolean): void;
  /** Frees the blocks of extended attributes. Within a transaction. EIO. */
  freeExtattrs(ip: Inode): void;
  /** Where the file's fragment `lfn` is, for a snapshot. EIO. */
  snapshotBmap(ip: Inode, lfn: number, run: Run): void;
  /** The last name of a file that somebody holds is gone: it has to be ended after a power cut. Within a transaction. */
  orphaned(ip: Inode): void;
  /** Whether to end the file is more than one operation should be. */
  isLarge(ip: Inode): boolean;
  /** It has been ended. Within a transaction. */
  unorphaned(ip: Inode): void;
  /** Blocks were given to this file: its bytes are written before they are named. Within a transaction. */
  ordered(u: PagedUobj): void;
  /** Everything of metadata is on the device on return. EIO; sleeps. */
  flushMetadata(): void;
  /** Fragments that `cred` may still take. */
  freeFrags(cred: Cred): number;
}

/** The figures of a mounted file system, and its state. */
export interface UfsMount extends InodeFs {
  readonly k: Kernel;
  readonly disk: Disk;
  readonly bcache: Bcache;
  readonly ops: UfsOps;
  /** The name of the type, for messages. */
  readonly typeName: string;
  /** Little-endian. */
  readonly le: boolean;
  readonly dinode: DinodeLayout;
  readonly dir: DirFormat;
  readonly bshift: number;
  readonly fsize: number;
  readonly fshift: number;
  /** Fragments of a block, and log2 of it. */
  readonly frag: number;
  readonly fragshift: number;
  /** log2 of the pointers in an indirect block. */
  readonly ashift: number;
  /** Blocks that the pointers reach, and the largest file. */
  readonly maxLbn: number;
  readonly maxSize: number;
  /** A symbolic link shorter than this stands in its inode. */
  readonly maxSymlinkLen: number;
  /** Fragments of the whole. */
  readonly size: number;
  readonly inodes: number;
  /** Owners have 16 bits: inodes of 4.2BSD. */
  readonly oldIds: boolean;
  readonly hasExtattrs: boolean;
  /** bmap()'s. */
  readonly place: Place;
  /** Number of the transaction, by which an inode knows whether it has joined it. */
  seq: number;

  /** The fragment that inode `ino` is in. EIO: there is none, or it was never made. */
  inodeFrag(ino: number): number;
  /** Whether a file may own `count` fragments from `addr` on. */
  mayOwn(addr: number, count: number): boolean;
}
