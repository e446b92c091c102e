/**
 * One mounted ext2: its device, its geometry, its superblock and group descriptors in their buffers, and the way into a transaction.
 *
 * Counts and feature bits are read and changed where they lie, in held buffers, so that a transaction that fails takes them back. The places of
 * bitmaps and inode tables are checked once, at mount: a group whose descriptor makes no sense has none, and whoever needs it gets EIO.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import type { Cred, Kernel } from '@anykernel/rumpkern';
import { type Bcache, type Buf, type Disk, type Mount, Run, Txn, type Vnode, type VnodeOps, type Vtype } from '@anykernel/rumpvfs';
import {
  GD_BBMAP, GD_FREE_BLOCKS, GD_FREE_INODES, GD_IBMAP, GD_ITABLE, GD_LEN, GD_USED_DIRS, INCOMPAT_FILETYPE, INCOMPAT_META_BG, NDADDR, NIADDR, ROOT_INO,
  SB_FREE_BLOCKS, SB_FREE_INODES, SB_RBLOCKS, SB_RESUID, SB_STATE, SB_WTIME, STATE_VALID, SUPER_OFF, type SuperInfo, groupHasSuper,
} from './ondisk.js';
import { Place } from './bmap.js';
import { Indexes } from './dirindex.js';

/** The operations for a type of vnode. */
export type OpsOf = (type: Vtype) => VnodeOps;

/** Messages about what is wrong on disk, until the next second. */
const COMPLAINTS_PER_SECOND = 10;

export class Ext2fs {
  readonly k: Kernel;
  readonly mp: Mount;
  readonly disk: Disk;
  readonly bcache: Bcache;
  readonly txn: Txn;
  readonly info: SuperInfo;
  readonly opsOf: OpsOf;
  readonly bsize: number;
  readonly bshift: number;
  readonly groups: number;
  /** Blocks of each group's inode table. */
  readonly itableLen: number;
  /** log2 of the pointers in an indirect block. */
  readonly ashift: number;
  /** Sectors of 512 bytes in a block. */
  readonly spb: number;
  /** Directory entries have a type byte. */
  readonly typed: boolean;
  /** The largest file: what the pointers reach, and what a count of 2^32 sectors holds. */
  readonly maxSize: number;
  /** Blocks that the pointers reach. */
  readonly maxLbn: number;
  /** The superblock's buffer, and where in it the superblock starts. */
  readonly sbuf: Buf;
  readonly soff: number;
  /** Each group's block bitmap, inode bitmap and inode table; 0: its descriptor makes no sense. */
  readonly bbmap: Uint32Array;
  readonly ibmap: Uint32Array;
  readonly itable: Uint32Array;
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
  /** The inode number of the entry that dirFind() found last. */
  foundIno = 0;
  readonly #gdbufs: Buf[] = [];
  readonly indexes: Indexes;
  /** Unlinked files that are still there, in the order of the list on disk. See orphan.ts. */
  readonly orphans: number[] = [];
  /** Those of them that nobody holds any more. */
  readonly zombies = new Set<number>();
  /** Files whose access times are to be brought up to date. */
  readonly lazyTimes = new Set<Vnode>();
  /** May be written. */
  writable = false;
  /** Was clean when it was mounted, and so will be again. */
  wasClean = false;
  /** The superblock on disk says that all is clean. */
  clean = true;
  /** Number of the transaction, by which an inode knows whether it has joined it. */
  seq = 0;
  /** The outermost transaction is open. */
  #inTxn = false;
  readonly #time: WallTime = { sec: 0, nsec: 0 };
  readonly #run = new Run();
  #generation = 0;
  #complaints = 0;
  #complaintSecond = -1;

  /** Takes over the open device. `sbuf` is held by the caller. */
  constructor(k: Kernel, mp: Mount, disk: Disk, bcache: Bcache, sbuf: Buf, info: SuperInfo, opsOf: OpsOf) {
    this.k = k;
    this.mp = mp;
    this.disk = disk;
    this.bcache = bcache;
    this.txn = new Txn(bcache);
    this.info = info;
    this.opsOf = opsOf;
    this.bshift = info.bshift;
    this.bsize = 1 << info.bshift;
    this.groups = Math.ceil((info.blocks - info.firstData) / info.blocksPerGroup);
    this.itableLen = (info.inodesPerGroup * info.inodeSize) / this.bsize;
    this.ashift = info.bshift - 2;
    this.spb = this.bsize >> 9;
    this.typed = (info.incompat & INCOMPAT_FILETYPE) !== 0;
    this.maxLbn = NDADDR + (1 << this.ashift) + 2 ** (2 * this.ashift) + 2 ** (NIADDR * this.ashift);
    this.maxSize = info.rev === 0 ? 0x7fffffff : largestFile(this.bsize, this.ashift, this.maxLbn);
    this.sbuf = sbuf;
    this.soff = SUPER_OFF & (this.bsize - 1);
    this.bbmap = new Uint32Array(this.groups);
    this.ibmap = new Uint32Array(this.groups);
    this.itable = new Uint32Array(this.groups);
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
    let sum = this.info.firstData;
    for (let g = 0; g < this.groups; g++) sum += this.head[g] + 2 + this.itableLen;
    return sum;
  }

  /** Blocks that anybody, or with `cred` this somebody, may still take. */
  freeBlocks(cred?: Cred): number {
    const free = this.sb32(SB_FREE_BLOCKS);
    if (cred !== undefined && this.#mayUseReserve(cred)) return free;
    const reserved = this.sb32(SB_RBLOCKS);
    return free > reserved ? free - reserved : 0;
  }

  #mayUseReserve(cred: Cred): boolean {
    if (cred.euid === 0 || cred.euid === this.sb16(SB_RESUID)) return true;
    return this.info.resgid !== 0 && cred.inGroup(this.info.resgid);
  }

  // -- group descriptors

  /** Reads all descriptors and checks what they say. EIO: a read failed. Sleeps; asked again it finds what it read. */
  loadGroups(): void {
    const perBlock = this.bsize / GD_LEN;
    const blocks = Math.ceil(this.groups / perBlock);
    const meta = (this.info.incompat & INCOMPAT_META_BG) !== 0;
    const old = meta ? Math.min(this.info.firstMetaBg, blocks) : blocks;
    this.bcache.readahead(this.info.firstData + 1, Math.min(old, 64));
    for (let i = this.#gdbufs.length; i < blocks; i++) {
      const bp = this.bcache.bread(this.#gdBlock(i, old));
      this.bcache.hold(bp);
      this.#gdbufs.push(bp);
    }
    for (let g = 0; g < this.groups; g++) this.#loadGroup(g, old);
  }

  #gdBlock(i: number, old: number): number {
    if (i < old) return this.info.firstData + 1 + i;
    const group = (i * this.bsize) / GD_LEN;
    return this.groupStart(group) + (groupHasSuper(this.info, group) ? 1 : 0);
  }

  #loadGroup(g: number, old: number): void {
    const bp = this.gdBuf(g);
    const off = this.gdOff(g);
    const [bb, ib, it] = [bp.view.getUint32(off + GD_BBMAP, true), bp.view.getUint32(off + GD_IBMAP, true), bp.view.getUint32(off + GD_ITABLE, true)];
    const hasSuper = groupHasSuper(this.info, g);
    const gdt = this.#gdtLen(g, hasSuper, old);
    this.head[g] = (hasSuper ? 1 : 0) + gdt;
    const low = this.groupStart(g) + this.head[g];
    const end = this.groupStart(g) + this.groupLen(g);
    const fits = (b: number, len: number): boolean => b >= low && b + len <= end;
    const apart = bb !== ib && (bb < it || bb >= it + this.itableLen) && (ib < it || ib >= it + this.itableLen);
    if (!fits(bb, 1) || !fits(ib, 1) || !fits(it, this.itableLen) || !apart) {
      this.complain(`the descriptor of group ${g} makes no sense (bitmaps at ${bb} and ${ib}, inodes at ${it})`);
      this.suspect[g] = 1;
      return;
    }
    this.bbmap[g] = bb;
    this.ibmap[g] = ib;
    this.itable[g] = it;
  }

  /** Blocks of descriptors, with room for more, in group `g`. */
  #gdtLen(g: number, hasSuper: boolean, old: number): number {
    const perBlock = this.bsize / GD_LEN;
    const metaGroup = Math.floor(g / perBlock);
    if ((this.info.incompat & INCOMPAT_META_BG) === 0 || metaGroup < old) return hasSuper ? old + this.info.reservedGdt : 0;
    const within = g % perBlock;
    return within < 2 || within === perBlock - 1 ? 1 : 0;
  }

  gdBuf(g: number): Buf {
    return this.#gdbufs[(g * GD_LEN) >> this.bshift];
  }
  gdOff(g: number): number {
    return (g * GD_LEN) & (this.bsize - 1);
  }
  groupFreeBlocks(g: number): number {
    return this.gdBuf(g).view.getUint16(this.gdOff(g) + GD_FREE_BLOCKS, true);
  }
  groupFreeInodes(g: number): number {
    return this.gdBuf(g).view.getUint16(this.gdOff(g) + GD_FREE_INODES, true);
  }
  groupDirs(g: number): number {
    return this.gdBuf(g).view.getUint16(this.gdOff(g) + GD_USED_DIRS, true);
  }

  groupStart(g: number): number {
    return this.info.firstData + g * this.info.blocksPerGroup;
  }
  /** Blocks of group `g`; the last one may be shorter. */
  groupLen(g: number): number {
    return Math.min(this.info.blocksPerGroup, this.info.blocks - this.groupStart(g));
  }
  groupOf(blkno: number): number {
    const index = blkno - this.info.firstData;
    return this.#gshift >= 0 ? index >>> this.#gshift : Math.floor(index / this.info.blocksPerGroup);
  }

  /** Adds to the free counts of group `g` and of the whole, within a transaction. They do not go below zero, whatever the disk says. */
  countBlocks(g: number, change: number): void {
    this.#count(g, GD_FREE_BLOCKS, SB_FREE_BLOCKS, change);
  }
  countInodes(g: number, change: number): void {
    this.#count(g, GD_FREE_INODES, SB_FREE_INODES, change);
  }
  countDirs(g: number, change: number): void {
    this.#addTo16(this.gdBuf(g), this.gdOff(g) + GD_USED_DIRS, change);
  }
  #count(g: number, gdField: number, sbField: number, change: number): void {
    this.#addTo16(this.gdBuf(g), this.gdOff(g) + gdField, change);
    const total = this.sb32(sbField) + change;
    this.setSb32(sbField, total < 0 ? 0 : total);
  }
  #addTo16(bp: Buf, off: number, change: number): void {
    const value = bp.view.getUint16(off, true) + change;
    this.txn.dirty(bp, off, 2);
    bp.view.setUint16(off, value < 0 ? 0 : value > 0xffff ? 0xffff : value, true);
  }

  // -- which blocks a file may have

  /** Whether a file may own block `blkno`: it is on the device, and neither bitmap, inode table, nor descriptors. */
  mayOwn(blkno: number): boolean {
    if (blkno <= this.info.firstData || blkno >= this.info.blocks) return false;
    const g = this.groupOf(blkno);
    if (blkno < this.groupStart(g) + this.head[g]) return false;
    const it = this.itable[g];
    return blkno !== this.bbmap[g] && blkno !== this.ibmap[g] && (blkno < it || blkno >= it + this.itableLen);
  }

  // -- transactions

  /** Runs a change of metadata: it happens whole, or not at all. The first one since all was clean says so on disk before. */
  run<T>(fn: () => T): T {
    if (this.#inTxn) return fn();
    if (this.clean) this.#soil();
    this.seq++;
    this.#inTxn = true;
    try {
      return this.txn.run(fn);
    } finally {
      this.#inTxn = false;
    }
  }

  /** From here on the device is not clean, until the next sync. */
  #soil(): void {
    this.txn.run(() => this.setSb16(SB_STATE, this.sb16(SB_STATE) & ~STATE_VALID));
    this.clean = false;
    this.bcache.flush(false);
  }

  /** All has been written: says so on disk, if it was so at mount. Returns whether there was something to say. */
  cleanse(): boolean {
    if (this.clean || !this.writable) return false;
    this.txn.run(() => {
      if (this.wasClean) this.setSb16(SB_STATE, this.sb16(SB_STATE) | STATE_VALID);
      this.setSb32(SB_WTIME, this.now().sec);
    });
    this.clean = true;
    return true;
  }

  /** Gives the held buffers back. */
  release(): void {
    for (const bp of this.#gdbufs) this.bcache.rele(bp);
    this.#gdbufs.length = 0;
    this.bcache.rele(this.sbuf);
    this.indexes.clear();
  }

  // -- odds and ends

  /** The time, in an object that the next call fills again. */
  now(): Readonly<WallTime> {
    this.k.wall(this.#time);
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

  /** A Run to use at once. */
  get scratchRun(): Run {
    return this.#run;
  }

  get rootIno(): number {
    return ROOT_INO;
  }

  /** A line about what is wrong on the disk; some of them only, when there are many. */
  complain(message: string): void {
    const second = Math.floor(this.k.mono() / 1e9);
    if (second !== this.#complaintSecond) {
      this.#complaintSecond = second;
      this.#complaints = 0;
    }
    if (this.#complaints++ < COMPLAINTS_PER_SECOND) this.k.printf(`ext2fs: ${this.mp.fromName}: ${message}`);
  }

  /** EIO, with a message that says why. */
  corrupt(message: string): never {
    this.complain(message);
    throw ERR.EIO;
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
