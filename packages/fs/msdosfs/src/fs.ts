/**
 * One mounted FAT volume: its device, its geometry, what is known of its free clusters, its files in memory, and the way into a transaction.
 *
 * All that is not file data goes through one cache of blocks as large as the volume's parts are aligned to: 512 bytes to 4 KiB.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import { type Bcache, type Buf, Complaints, type Disk, type Mount, Txn, type VnodeOps } from '@anykernel/rumpvfs';
import { FreeCount } from './alloc.js';
import { Indexes } from './dirindex.js';
import { dosDate } from './dostime.js';
import type { Node } from './node.js';
import {
  CLEAN16, CLEAN32, type FatInfo, FIRST_CLUSTER, FSI_FREE, FSI_LEAD_SIG, FSI_NEXT, FSI_STRUCT_SIG, FSI_UNKNOWN, LEAD_SIG, STATE_DIRTY, STRUCT_SIG,
} from './ondisk.js';

/** How files look that have neither owner nor mode of their own. */
export interface Looks {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits that files and directories may have. */
  readonly mask: number;
  readonly dirmask: number;
  /** Seconds by which the volume's times are ahead of UTC. */
  readonly gmtoff: number;
  /** Long names are neither shown nor made. */
  readonly shortnames: boolean;
}

/** The largest block of the cache. */
const BSIZE_MAX = 4096;
/** Numbers of files that would have one of a living file's are moved on by so much. */
const INO_STEP = 2 ** 45;

export class MsdosFs {
  readonly k: Kernel;
  readonly mp: Mount;
  readonly disk: Disk;
  readonly bcache: Bcache;
  readonly txn: Txn;
  readonly info: FatInfo;
  readonly looks: Looks;
  readonly ops: VnodeOps;
  /** Bytes of a block of the cache, and their logarithm. */
  readonly bsize: number;
  readonly bshift: number;
  /** Blocks of a cluster. */
  readonly bpc: number;
  readonly maxCluster: number;
  /** The root; set by the mount. */
  root!: Node;
  /** Files by where their entries are; directories by their first cluster; all by their numbers. */
  readonly files = new Map<number, Node>();
  readonly dirs = new Map<number, Node>();
  readonly byIno = new Map<number, Node>();
  readonly indexes: Indexes;
  /** First clusters of files that are gone, and could not be freed at once. */
  readonly zombies: number[] = [];
  /** Files that were read on another day than their entries say. */
  readonly lazyTimes = new Set<Node>();
  /** Free clusters; -1: not known. */
  free = -1;
  readonly freeCount = new FreeCount();
  /** Where the search for a free cluster begins. */
  nextFree = FIRST_CLUSTER;
  /** Blocks of the FAT in which nothing is free. */
  readonly fullBlocks: Uint8Array;
  /** May be written. */
  writable = false;
  wasClean = false;
  /** The volume on disk says that all is clean. */
  clean = true;
  /** Number of the transaction, by which what is in memory knows whether it has joined it. */
  seq = 0;
  #joined = -1;
  #inTxn = false;
  readonly #time: WallTime = { sec: 0, nsec: 0 };
  readonly #complaints: Complaints;

  /** Takes over the open device and the cache, whose blocks are as blockSize() says. */
  constructor(k: Kernel, mp: Mount, disk: Disk, bcache: Bcache, info: FatInfo, looks: Looks, ops: VnodeOps) {
    this.k = k;
    this.mp = mp;
    this.#complaints = new Complaints(mp);
    this.disk = disk;
    this.bcache = bcache;
    this.txn = new Txn(bcache);
    this.info = info;
    this.looks = looks;
    this.ops = ops;
    this.bsize = bcache.bsize;
    this.bshift = 31 - Math.clz32(bcache.bsize);
    this.bpc = info.clusterSize / bcache.bsize;
    this.maxCluster = info.clusters + 1;
    this.indexes = new Indexes(k);
    this.fullBlocks = new Uint8Array(info.fatLen / bcache.bsize);
  }

  /** The largest block to which all parts of a volume are aligned. */
  static blockSize(info: FatInfo): number {
    let bsize = BSIZE_MAX;
    const parts = [info.fatOff, info.fatLen, info.dataOff, info.clusterSize, info.rootOff, info.secsize * Math.ceil(info.rootLen / info.secsize)];
    while (parts.some((n) => n % bsize !== 0)) bsize /= 2;
    return bsize;
  }

  // -- places

  /** Where cluster `c` is, in bytes; and the block of the cache that it begins with. */
  clusterOff(c: number): number {
    return this.info.dataOff + (c - FIRST_CLUSTER) * this.info.clusterSize;
  }
  clusterBlock(c: number): number {
    return this.clusterOff(c) / this.bsize;
  }

  isCluster(c: number): boolean {
    return c >= FIRST_CLUSTER && c <= this.maxCluster;
  }

  /** The block with byte `off` of the device. */
  blockAt(off: number): Buf {
    return this.bcache.bread(Math.floor(off / this.bsize));
  }

  /** A number for a file, from its place: the same one as long as it is there, unless a file that was moved away still has it. */
  inoFor(place: number): number {
    let ino = place;
    while (this.byIno.has(ino)) ino += INO_STEP;
    return ino;
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

  /** What is known of free clusters will change: it joins the transaction. */
  joinFree(): void {
    if (this.#joined === this.seq) return;
    this.#joined = this.seq;
    const { free, nextFree } = this;
    this.txn.undo(() => {
      this.free = free;
      this.nextFree = nextFree;
      this.#joined = -1;
    });
  }

  // -- clean or not

  /** From here on the volume is not clean, until the next sync. */
  #soil(): void {
    this.txn.run(() => this.#setState(false));
    this.clean = false;
    this.bcache.flush(false);
  }

  /** All has been written: says so on disk, if it was so at mount. Returns whether there was something to say. */
  cleanse(): boolean {
    if (this.clean || !this.writable) return false;
    this.txn.run(() => {
      this.#writeFsinfo();
      if (this.wasClean) this.#setState(true);
    });
    this.clean = true;
    return true;
  }

  /** Whether the volume was unmounted, by all that it says. Sleeps, EIO. */
  readState(): boolean {
    const { stateOff } = this.info;
    const dirty = stateOff > 0 && (this.blockAt(stateOff).data[stateOff % this.bsize] & STATE_DIRTY) !== 0;
    if (this.info.bits === 12) return !dirty;
    const bp = this.blockAt(this.#fatOf(this.info.activeFat));
    const off = this.#fatOf(this.info.activeFat) % this.bsize;
    const word = this.info.bits === 16 ? bp.view.getUint16(off + 2, true) : bp.view.getUint32(off + 4, true);
    return !dirty && (word & this.#cleanBit) !== 0;
  }

  get #cleanBit(): number {
    return this.info.bits === 16 ? CLEAN16 : CLEAN32;
  }

  #fatOf(index: number): number {
    return this.info.fatOff + index * this.info.fatLen;
  }

  /** Within a transaction. */
  #setState(clean: boolean): void {
    const { stateOff, bits } = this.info;
    if (stateOff > 0) {
      const bp = this.blockAt(stateOff);
      const at = stateOff % this.bsize;
      this.txn.dirty(bp, at, 1);
      bp.data[at] = clean ? bp.data[at] & ~STATE_DIRTY : bp.data[at] | STATE_DIRTY;
    }
    if (bits !== 12) for (let i = 0; i < this.info.fats; i++) if (this.info.mirrored || i === this.info.activeFat) this.#setCleanBit(i, clean);
  }

  #setCleanBit(fat: number, clean: boolean): void {
    const off = this.#fatOf(fat);
    const bp = this.blockAt(off);
    const wide = this.info.bits === 32;
    const at = (off % this.bsize) + (wide ? 4 : 2);
    this.txn.dirty(bp, at, wide ? 4 : 2);
    const word = wide ? bp.view.getUint32(at, true) : bp.view.getUint16(at, true);
    const value = clean ? word | this.#cleanBit : word & ~this.#cleanBit;
    if (wide) bp.view.setUint32(at, value >>> 0, true);
    else bp.view.setUint16(at, value, true);
  }

  // -- FSInfo

  /** The buffer of FSInfo; undefined: there is none. Sleeps, EIO. */
  #fsinfo(): Buf | undefined {
    const { fsinfoOff } = this.info;
    if (fsinfoOff === 0) return undefined;
    const bp = this.blockAt(fsinfoOff);
    const at = fsinfoOff % this.bsize;
    return bp.view.getUint32(at + FSI_LEAD_SIG, true) === LEAD_SIG && bp.view.getUint32(at + FSI_STRUCT_SIG, true) === STRUCT_SIG ? bp : undefined;
  }

  /** Takes over what FSInfo says, as far as it can be true. Counts are those of the last clean unmount. Sleeps, EIO. */
  readFsinfo(): void {
    const bp = this.#fsinfo();
    if (bp === undefined) return;
    const at = this.info.fsinfoOff % this.bsize;
    const free = bp.view.getUint32(at + FSI_FREE, true);
    const next = bp.view.getUint32(at + FSI_NEXT, true);
    if (this.wasClean && free <= this.info.clusters) this.free = free;
    if (this.isCluster(next)) this.nextFree = next;
  }

  #writeFsinfo(): void {
    const bp = this.#fsinfo();
    if (bp === undefined) return;
    const at = this.info.fsinfoOff % this.bsize;
    this.txn.dirty(bp, at + FSI_FREE, 8);
    bp.view.setUint32(at + FSI_FREE, this.free < 0 ? FSI_UNKNOWN : this.free, true);
    bp.view.setUint32(at + FSI_NEXT, this.nextFree, true);
  }

  // -- odds and ends

  /** The time, in an object that the next call fills again. */
  now(): Readonly<WallTime> {
    this.k.wall(this.#time);
    return this.#time;
  }

  /** The day, as entries have it. */
  today(): number {
    return dosDate(this.now().sec, this.looks.gmtoff);
  }

  /** A line about what is wrong on the disk; some of them only, when there are many. */
  complain(message: string): void {
    this.#complaints.say(message);
  }

  /** EIO, with a message that says why. */
  corrupt(message: string): never {
    this.complain(message);
    throw ERR.EIO;
  }
}
