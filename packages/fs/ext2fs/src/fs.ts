/**
 * One mounted ext2, ext3 or ext4: its device, its geometry, its superblock in its buffer, and the way into a transaction.
 *
 * Counts and feature bits are read and changed where they lie, in held buffers, so that a transaction that fails takes them back.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { ERR, Errno } from '@anykernel/lib-sys';
import { type Cred, type Kernel, SLEEP } from '@anykernel/rumpkern';
import { type Bcache, type Buf, Complaints, type Disk, type Journal, type Mount, Run, Txn, type Vnode } from '@anykernel/rumpvfs';
import { type InodeFs, Indexes, type Naming, type OpsOf, corrupt } from '@anykernel/ufs';
import {
  COMPAT_DIR_INDEX, COMPAT_HAS_JOURNAL, FLAGS_UNSIGNED_HASH, GD_LEN64, INCOMPAT_FILETYPE, INCOMPAT_RECOVER, NDADDR, NIADDR, ROCOMPAT_DIR_NLINK, ROCOMPAT_HUGE_FILE, ROOT_INO, SB_FREE_BLOCKS, SB_FLAGS, SB_FREE_BLOCKS_HIGH, SB_HASH_SEED, SB_HASH_VERSION, SB_INCOMPAT,
  SB_RBLOCKS, SB_RBLOCKS_HIGH, SB_RESUID, SB_STATE, SB_WTIME, STATE_VALID, SUPER_OFF, type SuperInfo, strangeFlags,
} from './ondisk.js';
import { Place } from './bmap.js';
import { Checksums, DIR_TAIL_LEN, T_SUPER, Tag } from './csum.js';
import { ExtHit } from './extmap.js';
import { Groups } from './groups.js';
import type { OpenJournal } from './journal.js';
import { DirHash, HASH_TEA, HASH_UNSIGNED } from './dirhash.js';
import { Pending } from './pending.js';
import { Reserved } from './reserved.js';
import { sealBufs } from './seal.js';

const TWO32 = 0x1_0000_0000;

export class Ext2fs implements InodeFs {
  readonly k: Kernel;
  readonly mp: Mount;
  readonly disk: Disk;
  readonly bcache: Bcache;
  readonly txn: Txn;
  readonly info: SuperInfo;
  readonly opsOf: OpsOf;
  readonly naming: Naming;
  readonly bsize: number;
  readonly bshift: number;
  readonly groups: number;
  /** Blocks of each group's inode table. */
  readonly itableLen: number;
  /** log2 of the pointers in an indirect block. */
  readonly ashift: number;
  /** Sectors of 512 bytes in a block. */
  readonly spb: number;
  /** Flags that no file here may have. */
  readonly strangeFlags: number;
  /** The hash of the trees that directories get; -1: they get none. */
  readonly treeVersion: number;
  /** Where the entries of a directory block end. */
  readonly dirEnd: number;
  /** Directory entries have a type byte. */
  readonly typed: boolean;
  /** The largest file: what the pointers reach, and what a count of 2^32 sectors holds. */
  readonly maxSize: number;
  /** The same for files with extents. */
  readonly extMaxSize: number;
  /** `dir_nlink`. */
  readonly manyLinks: boolean;
  /** A file may have more than 2^32 sectors. */
  readonly hugeFiles: boolean;
  /** Blocks that the pointers reach. */
  readonly maxLbn: number;
  /** The superblock's buffer, and where in it the superblock starts. */
  readonly sbuf: Buf;
  readonly soff: number;
  /** Each group's block bitmap, inode bitmap and inode table; 0: its descriptor makes no sense. */
  readonly bbmap: Float64Array;
  readonly ibmap: Float64Array;
  readonly itable: Float64Array;
  /** Blocks at the start of each group that hold copies of the superblock and descriptors. */
  readonly head: Uint32Array;
  /** Groups whose bitmaps were found wrong: nothing more is allocated there. */
  readonly suspect: Uint8Array;
  /** Where the search for a free inode of each group starts. */
  readonly inodeHint: Uint32Array;
  /** log2 of the blocks in a group; -1: they are no power of two. */
  readonly #gshift: number;
  /** bmap()'s. */
  readonly place: Place;
  /** The block of inodes that was used last, and up to where they were read ahead. */
  inodeBlk = -1;
  inodeAhead = 0;
  foundIno = 0;
  /** extBmap()'s. */
  readonly extHit = new ExtHit();
  readonly sums: Checksums;
  readonly #wide: boolean;
  /** The group descriptors. */
  readonly gd: Groups;
  /** The blocks that hold metadata. */
  readonly reserved: Reserved;
  /** Blocks that were freed and may not be used again yet. */
  readonly pending: Pending;
  /** Blocks of the journal and other hidden files. */
  hidden = 0;
  readonly indexes: Indexes;
  readonly #hashes: DirHash[] = [];
  /** Unlinked files that are still there, in the order of the list on disk. See orphan.ts. */
  readonly orphans: number[] = [];
  /** Those of them that nobody holds any more. */
  readonly zombies = new Set<number>();
  readonly lazyTimes = new Set<Vnode>();
  writable = false;
  /** Was clean when it was mounted, and so will be again. */
  wasClean = false;
  /** The superblock on disk says that all is clean. */
  clean = true;
  /** Number of the transaction, by which an inode knows whether it has joined it. */
  seq = 0;
  /** There are zombies that need not wait for the next sync. */
  overdue = false;
  reap: (() => void) | undefined = undefined;
  /** What gives the memory of a recovery back that was not written. */
  overlay: (() => void)[] = [];
  /** What mount found; a string says why it cannot be used. */
  openJournal: OpenJournal | string | undefined = undefined;
  /** The journal, for as long as the image may be written. */
  journal: Journal | undefined = undefined;
  /** The outermost transaction is open. */
  #inTxn = false;
  /** The transaction that `#time` is the time of; -1: of none. */
  #timeSeq = -1;
  readonly #time: WallTime = { sec: 0, nsec: 0 };
  readonly #run = new Run();
  #generation = 0;
  readonly #complaints: Complaints;

  /** Takes over the open device. `sbuf` is held by the caller. */
  constructor(k: Kernel, mp: Mount, disk: Disk, bcache: Bcache, sbuf: Buf, info: SuperInfo, ops: Pick<InodeFs, 'opsOf' | 'naming'>) {
    this.k = k;
    this.mp = mp;
    this.#complaints = new Complaints(mp);
    this.disk = disk;
    this.bcache = bcache;
    this.txn = new Txn(bcache);
    this.info = info;
    this.opsOf = ops.opsOf;
    this.naming = ops.naming;
    this.bshift = info.bshift;
    this.bsize = 1 << info.bshift;
    this.groups = Math.ceil((info.blocks - info.firstData) / info.blocksPerGroup);
    this.itableLen = (info.inodesPerGroup * info.inodeSize) / this.bsize;
    this.ashift = info.bshift - 2;
    this.spb = this.bsize >> 9;
    this.typed = (info.incompat & INCOMPAT_FILETYPE) !== 0;
    this.maxLbn = NDADDR + (1 << this.ashift) + 2 ** (2 * this.ashift) + 2 ** (NIADDR * this.ashift);
    this.manyLinks = (info.rocompat & ROCOMPAT_DIR_NLINK) !== 0;
    this.hugeFiles = (info.rocompat & ROCOMPAT_HUGE_FILE) !== 0;
    this.maxSize = info.rev === 0 ? 0x7fffffff : this.hugeFiles ? this.maxLbn * this.bsize : largestFile(this.bsize, this.ashift, this.maxLbn);
    this.extMaxSize = this.hugeFiles ? 0xffff_ffff * this.bsize : Math.min(0xffff_ffff * this.bsize, 0xffff_0000 * 512);
    this.sbuf = sbuf;
    this.soff = SUPER_OFF & (this.bsize - 1);
    this.bbmap = new Float64Array(this.groups);
    this.ibmap = new Float64Array(this.groups);
    this.itable = new Float64Array(this.groups);
    this.pending = new Pending(this);
    this.reserved = new Reserved(this);
    this.gd = new Groups(this);
    this.strangeFlags = strangeFlags(info);
    this.sums = new Checksums(info, sbuf.data.subarray(SUPER_OFF & (this.bsize - 1)));
    this.dirEnd = this.sums.on ? this.bsize - DIR_TAIL_LEN : this.bsize;
    this.#wide = info.descSize >= GD_LEN64;
    const version = sbuf.data[this.soff + SB_HASH_VERSION];
    // Names move when a tree is made; without a journal a power cut could lose them.
    const trees = (info.compat & COMPAT_DIR_INDEX) !== 0 && (info.compat & COMPAT_HAS_JOURNAL) !== 0;
    this.treeVersion = trees && version <= HASH_TEA ? version : -1;
    sbuf.tag = new Tag(T_SUPER, 0, 0);
    if (this.sums.groups) bcache.seal = (bufs) => sealBufs(this, bufs);
    this.head = new Uint32Array(this.groups);
    this.suspect = new Uint8Array(this.groups);
    this.inodeHint = new Uint32Array(this.groups);
    this.indexes = new Indexes(k);
    this.place = new Place(sbuf.view);
    const bpg = info.blocksPerGroup;
    this.#gshift = (bpg & (bpg - 1)) === 0 ? 31 - Math.clz32(bpg) : -1;
  }

  // -- the superblock

  sb32(off: number): number {
    return this.sbuf.view.getUint32(this.soff + off, true);
  }
  sb16(off: number): number {
    return this.sbuf.view.getUint16(this.soff + off, true);
  }
  /** Within a transaction. */
  setSb32(off: number, value: number): void {
    this.txn.dirty(this.sbuf, this.soff + off, 4);
    this.sbuf.view.setUint32(this.soff + off, value, true);
  }
  setSb16(off: number, value: number): void {
    this.txn.dirty(this.sbuf, this.soff + off, 2);
    this.sbuf.view.setUint16(this.soff + off, value, true);
  }

  /** A field of text, NULs behind it. */
  setSbText(off: number, len: number, text: string): void {
    this.txn.dirty(this.sbuf, this.soff + off, len);
    for (let i = 0; i < len; i++) this.sbuf.data[this.soff + off + i] = i < len - 1 && i < text.length ? text.charCodeAt(i) : 0;
  }

  /** Blocks of the structure of the file system: superblocks, descriptors, bitmaps, inode tables. */
  get overhead(): number {
    let sum = this.info.firstData + this.hidden;
    for (let g = 0; g < this.groups; g++) sum += this.head[g] + 2 + this.itableLen;
    return sum;
  }

  /** Blocks that anybody, or with `cred` this somebody, may still take. */
  freeBlocks(cred?: Cred): number {
    const free = this.freeBlocksLeft;
    if (cred !== undefined && this.#mayUseReserve(cred)) return free;
    const reserved = this.reservedBlocks;
    return free > reserved ? free - reserved : 0;
  }

  get freeBlocksLeft(): number {
    return this.sb32(SB_FREE_BLOCKS) + (this.#wide ? this.sb32(SB_FREE_BLOCKS_HIGH) * TWO32 : 0);
  }

  get reservedBlocks(): number {
    return this.sb32(SB_RBLOCKS) + (this.#wide ? this.sb32(SB_RBLOCKS_HIGH) * TWO32 : 0);
  }

  #mayUseReserve(cred: Cred): boolean {
    if (cred.euid === 0 || cred.euid === this.sb16(SB_RESUID)) return true;
    return this.info.resgid !== 0 && cred.inGroup(this.info.resgid);
  }

  // -- groups

  groupStart(g: number): number {
    return this.info.firstData + g * this.info.blocksPerGroup;
  }
  /** Blocks of group `g`; the last one may be shorter. */
  groupLen(g: number): number {
    return Math.min(this.info.blocksPerGroup, this.info.blocks - this.groupStart(g));
  }
  groupOf(blkno: number): number {
    const index = blkno - this.info.firstData;
    return this.#gshift >= 0 && index < TWO32 ? index >>> this.#gshift : Math.floor(index / this.info.blocksPerGroup);
  }

  // -- which blocks a file may have

  /** Whether a file may own block `blkno`: it is on the device, and neither bitmap, inode table, nor descriptors. */
  mayOwn(blkno: number): boolean {
    return blkno > this.info.firstData && blkno < this.info.blocks && !this.reserved.has(blkno);
  }

  /** Whether a file may own `len` blocks from `blkno` on. */
  mayOwnAll(blkno: number, len: number): boolean {
    return blkno > this.info.firstData && blkno + len <= this.info.blocks && !this.reserved.hasAny(blkno, blkno + len);
  }

  // -- transactions

  /** Runs a change of metadata: it happens whole, or not at all. The first one since all was clean says so on disk before. */
  run<T>(fn: () => T): T {
    if (this.#inTxn) return fn();
    if (this.clean) this.#soil();
    try {
      return this.#attempt(fn);
    } catch (e) {
      // What was freed a moment ago is free when the journal has it, and there is room in the log for what did not fit beside the rest.
      const { journal } = this.bcache;
      if (e !== ERR.ENOSPC || journal === undefined || (!this.pending.any && !journal.pending)) throw e;
      journal.commit();
      return this.#attempt(fn);
    } finally {
      if (this.overdue) this.#catchUp();
    }
  }

  #attempt<T>(fn: () => T): T {
    this.seq++;
    this.#inTxn = true;
    try {
      return this.txn.run(fn);
    } finally {
      this.#inTxn = false;
    }
  }

  /** Ends what the last transaction has left: see orphan.ts. What sleeps or fails is for the next sync. */
  #catchUp(): void {
    this.overdue = false;
    try {
      this.reap?.();
    } catch (e) {
      if (e !== SLEEP && !(e instanceof Errno)) throw e;
    }
  }

  /** From here on the device is not clean, until the next sync; with a journal, until it is unmounted. Sleeps. */
  #soil(): void {
    const { journal } = this;
    // Asked again after a sleep, it is there already.
    if (journal === undefined) {
      if ((this.sb16(SB_STATE) & STATE_VALID) !== 0) this.txn.run(() => this.setSb16(SB_STATE, this.sb16(SB_STATE) & ~STATE_VALID));
    } else if ((this.sb32(SB_INCOMPAT) & INCOMPAT_RECOVER) === 0) {
      this.txn.run(() => this.setSb32(SB_INCOMPAT, (this.sb32(SB_INCOMPAT) | INCOMPAT_RECOVER) >>> 0));
    }
    this.bcache.flush(journal !== undefined);
    this.clean = false;
    this.bcache.journal = journal;
  }

  /** All has been written: says so on disk, if it was so at mount. Returns whether there was something to say. Sleeps with a journal. */
  cleanse(): boolean {
    if (this.clean || !this.writable) return false;
    this.journal?.empty();
    this.bcache.journal = undefined;
    this.txn.run(() => {
      if (this.wasClean) this.setSb16(SB_STATE, this.sb16(SB_STATE) | STATE_VALID);
      if (this.journal !== undefined) this.setSb32(SB_INCOMPAT, (this.sb32(SB_INCOMPAT) & ~INCOMPAT_RECOVER) >>> 0);
      this.setSb32(SB_WTIME, this.now().sec);
    });
    this.clean = true;
    return true;
  }

  /** All metadata is on stable storage on return. Sleeps, EIO. */
  commit(): void {
    if (this.bcache.journal !== undefined) {
      this.bcache.journal.commit();
      return;
    }
    this.bcache.flush(true);
    this.disk.flush();
  }

  /** Gives the held buffers back. */
  release(): void {
    this.gd.release();
    this.bcache.rele(this.sbuf);
    this.indexes.clear();
  }

  // -- odds and ends

  /** The time, in an object that a later call fills again. A transaction has one time. */
  now(): Readonly<WallTime> {
    if (this.#inTxn && this.#timeSeq === this.seq) return this.#time;
    this.k.wall(this.#time);
    this.#timeSeq = this.#inTxn ? this.seq : -1;
    return this.#time;
  }

  /** A generation for a new inode: never 0. */
  nextGeneration(): number {
    if (this.#generation === 0) {
      const seed = new Uint8Array(4);
      this.k.host.getrandom(seed);
      this.#generation = seed[0] | (seed[1] << 8) | (seed[2] << 16) | (seed[3] << 24);
    }
    this.#generation = (this.#generation + 1) | 0;
    if (this.#generation === 0) this.#generation = 1;
    return this.#generation >>> 0;
  }

  /** The hash of directories of `version`, with the seed and the sign of this file system. */
  dirHash(version: number): DirHash {
    const unsigned = (this.sb32(SB_FLAGS) & FLAGS_UNSIGNED_HASH) !== 0 && version < HASH_UNSIGNED;
    const v = unsigned ? version + HASH_UNSIGNED : version;
    return (this.#hashes[v] ??= new DirHash(v, [0, 4, 8, 12].map((i) => this.sb32(SB_HASH_SEED + i))));
  }

  /** A Run to use at once. */
  get scratchRun(): Run {
    return this.#run;
  }

  get rootIno(): number {
    return ROOT_INO;
  }

  /** A line about what is wrong on the disk; some of them only, when there are many. */
  complain(message: string): void {
    this.#complaints.say(message);
  }

  /** EIO, with a message that says why. */
  corrupt(message: string): never {
    return corrupt(this, message);
  }
}

/** Bytes: what the pointers reach, but no more than 2^32 - 1 sectors, those of the indirect blocks among them. */
function largestFile(bsize: number, ashift: number, maxLbn: number): number {
  const sectors = 0xffff_ffff;
  const total = Math.floor(sectors / (bsize >> 9));
  const per = 2 ** ashift;
  const leaves = Math.ceil(total / per);
  const indirect = leaves + Math.ceil(leaves / per) + 1;
  return Math.min(maxLbn, total - indirect) * bsize;
}
