/**
 * One mounted FFS: its device, its geometry, its superblock, summary and cylinder groups in their buffers, and the way into a transaction.
 *
 * Counts are read and changed where they lie, in held buffers, so that a transaction that fails takes them back. Cylinder groups are read when they are
 * needed, and checked then: one that makes no sense gives nothing away, and whoever needs it gets EIO.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import type { Cred, Kernel } from '@anykernel/rumpkern';
import { type Bcache, Complaints, type Disk, type Journal, type Mount, type Txn, type Vnode } from '@anykernel/rumpvfs';
import { DINODE1, DINODE2, type DinodeLayout, type DirFormat, Indexes, type OpsOf, Place, type UfsMount, type UfsOps, corrupt, ufsNaming } from '@anykernel/ufs';
import { Cg } from './cg.js';
import { Starting } from './log.js';
import {
  CS_LEN, CS_NBFREE, CS_NFFREE, FS_CLEAN, FS_CSTOTAL, FS_FMOD, FS_ISCLEAN, FS_OLD_CSTOTAL, FS_OLD_TIME, FS_TIME, FS_WASCLEAN, INODEFMT_44, type SuperInfo, cgStart, pointersReach,
} from './ondisk.js';
import { Span } from './span.js';
import { ffsOps } from './ufsops.js';

/** Cylinder groups in memory, besides those in use. */
const CG_MAX = 256;

export class Ffs implements UfsMount {
  readonly k: Kernel;
  readonly mp: Mount;
  readonly disk: Disk;
  readonly bcache: Bcache;
  readonly txn: Txn;
  readonly info: SuperInfo;
  readonly ops: UfsOps;
  readonly opsOf: OpsOf;
  readonly naming = ufsNaming;
  readonly typeName = 'ffs';
  readonly le: boolean;
  readonly dinode: DinodeLayout;
  readonly dir: DirFormat;
  readonly bsize: number;
  readonly bshift: number;
  readonly fsize: number;
  readonly fshift: number;
  readonly frag: number;
  readonly fragshift: number;
  readonly ashift: number;
  readonly maxLbn: number;
  readonly maxSize: number;
  readonly maxSymlinkLen: number;
  readonly size: number;
  readonly inodes: number;
  readonly oldIds: boolean;
  readonly hasExtattrs: boolean;
  readonly indexes: Indexes;
  readonly place = new Place();
  readonly sb: Span;
  /** The table of groups: four counts for each. */
  readonly cs: Span;
  readonly #cgs = new Map<number, Cg>();
  readonly suspectGroups = new Set<number>();
  /** Blocks with fragments that were freed by what the journal does not have yet: nobody else gets them before. */
  readonly limbo = new Set<number>();
  journal: Journal | undefined = undefined;
  readonly starting = new Starting();
  /** What the journal had is where it belongs. */
  replayed = false;
  /** Unlinked files that are still there, for the journal: their modes. */
  readonly unlinked = new Map<number, number>();
  readonly lazyTimes = new Set<Vnode>();
  readonly zombies = new Set<number>();
  foundIno = 0;
  writable = false;
  /** Was clean when it was mounted, and so will be again. */
  wasClean = false;
  /** The superblock on disk says that all is clean. */
  clean = true;
  seq = 0;
  #inTxn = false;
  /** The transactions that the totals, and the time, were last looked at in. */
  #totalsSeq = -1;
  #timeSeq = -1;
  readonly #csEnd: number;
  readonly #time: WallTime = { sec: 0, nsec: 0 };
  readonly #unregister: () => void;
  #generation = 0;
  readonly #complaints: Complaints;

  /** Takes over the open device, and both spans. */
  constructor(k: Kernel, mp: Mount, disk: Disk, bcache: Bcache, txn: Txn, sb: Span, cs: Span, info: SuperInfo, opsOf: OpsOf) {
    this.k = k;
    this.mp = mp;
    this.#complaints = new Complaints(mp);
    this.disk = disk;
    this.bcache = bcache;
    this.txn = txn;
    this.sb = sb;
    this.cs = cs;
    this.info = info;
    this.opsOf = opsOf;
    this.ops = ffsOps(this);
    this.le = info.le;
    this.dinode = info.version === 2 ? DINODE2 : DINODE1;
    const old = info.version === 1 && info.inodefmt < INODEFMT_44;
    this.dir = { le: info.le, typed: !old };
    this.oldIds = old;
    this.hasExtattrs = info.version === 2;
    this.bshift = info.bshift;
    this.bsize = 2 ** info.bshift;
    this.fshift = info.fshift;
    this.fsize = 2 ** info.fshift;
    this.fragshift = info.bshift - info.fshift;
    this.frag = 2 ** this.fragshift;
    const reach = pointersReach(info.bshift, this.dinode.wide);
    this.ashift = reach.ashift;
    this.maxLbn = reach.blocks;
    this.maxSize = Math.min(info.maxFileSize > 0 ? info.maxFileSize : 0x7fff_ffff, reach.blocks * this.bsize, Number.MAX_SAFE_INTEGER);
    this.maxSymlinkLen = Math.max(0, info.maxSymlinkLen);
    this.size = info.size;
    this.inodes = info.ncg * info.ipg;
    this.indexes = new Indexes(k);
    this.#csEnd = info.csaddr + Math.ceil(info.cssize / this.fsize);
    this.#unregister = k.mem.onPressure(() => this.#dropGroups(0));
  }

  // -- places

  groupOf(addr: number): number {
    return Math.floor(addr / this.info.fpg);
  }
  /** The first fragment of group `g`'s inode table, and of its data. */
  inodeTable(g: number): number {
    return cgStart(this.info, g) + this.info.iblkno;
  }
  dataStart(g: number): number {
    const start = cgStart(this.info, g) + this.info.dblkno;
    return start === this.info.csaddr ? Math.min(this.#csEnd, this.size - 1) : start;
  }

  /** EIO: there is no such inode, or its place was never written. */
  inodeFrag(ino: number): number {
    const g = Math.floor(ino / this.info.ipg);
    const index = ino - g * this.info.ipg;
    if (!(ino >= 0) || g >= this.info.ncg) corrupt(this, `there is no inode ${ino}`);
    if (this.info.version === 2) {
      const cg = this.tryCg(g);
      if (cg !== undefined && index >= cg.inited) corrupt(this, `inode ${ino} was never written`);
    }
    return this.inodeTable(g) + ((index * this.dinode.len) >> this.fshift);
  }

  /** Fragments of one block, on the device, that are neither superblock, group, inode table nor summary. */
  mayOwn(addr: number, count: number): boolean {
    const { info } = this;
    if (!(addr > 0 && addr + count <= info.size) || (addr & (this.frag - 1)) + count > this.frag || addr !== Math.floor(addr)) return false;
    const g = this.groupOf(addr);
    const start = cgStart(info, g);
    if (addr < start + info.dblkno && (g === 0 || addr + count > start + info.sblkno)) return false;
    return addr >= this.#csEnd || addr + count <= info.csaddr;
  }

  // -- groups

  /** Group `g`. EIO: it makes no sense, or cannot be read. */
  cg(g: number): Cg {
    const cg = this.tryCg(g);
    if (cg === undefined) throw ERR.EIO;
    return cg;
  }

  /** Group `g`; undefined: it makes no sense. EIO: it cannot be read. Sleeps. */
  tryCg(g: number): Cg | undefined {
    const there = this.#cgs.get(g);
    if (there !== undefined) {
      there.epoch = this.k.epoch;
      return there;
    }
    const { info } = this;
    if (!(g >= 0 && g < info.ncg)) return undefined;
    const off = (cgStart(info, g) + info.cblkno) * this.fsize;
    const span = Span.read(this.bcache, this.txn, off, Math.min(info.cgsize, this.bsize), info.le);
    const cg = new Cg(this, g, span);
    const { fault } = cg;
    if (fault !== undefined) {
      span.release();
      this.complain(`cylinder group ${g} makes no sense: ${fault}`);
      this.suspectGroups.add(g);
      return undefined;
    }
    cg.epoch = this.k.epoch;
    this.#cgs.set(g, cg);
    return cg;
  }

  /** Gives up the oldest groups until there are no more than `goal`, but none that is in use. */
  #dropGroups(goal: number): void {
    if (this.#inTxn) return;
    for (const [g, cg] of this.#cgs) {
      if (this.#cgs.size <= goal) return;
      if (cg.epoch === this.k.epoch) continue;
      cg.span.release();
      this.#cgs.delete(g);
    }
  }

  /** What the table says of group `g`: one of CS_*. */
  csOf(g: number, which: number): number {
    return this.cs.i32(g * CS_LEN + which);
  }
  /** Blocks that are free in group `g`, or fragments. */
  csFree(g: number, whole: boolean): number {
    const blocks = this.csOf(g, CS_NBFREE);
    return whole ? blocks : blocks * this.frag + this.csOf(g, CS_NFFREE);
  }

  // -- totals

  total(which: number): number {
    return this.sb.u64(FS_CSTOTAL + 2 * which);
  }
  get totalFreeInodes(): number {
    return this.info.updated ? this.sb.u64(FS_CSTOTAL + 16) : this.sb.i32(FS_OLD_CSTOTAL + 8);
  }
  /** Fragments. */
  get totalFree(): number {
    if (!this.info.updated) return this.sb.i32(FS_OLD_CSTOTAL + CS_NBFREE) * this.frag + this.sb.i32(FS_OLD_CSTOTAL + CS_NFFREE);
    return this.total(CS_NBFREE) * this.frag + this.total(CS_NFFREE);
  }
  /** Fragments that are kept for the superuser. */
  get reserved(): number {
    return Math.floor((this.info.dsize * this.info.minfree) / 100);
  }
  freeFrags(cred: Cred): number {
    return cred.euid === 0 ? this.totalFree : this.totalFree - this.reserved;
  }

  // -- transactions

  /** Runs a change of metadata: it happens whole, or not at all. The first one since all was clean says so on disk before. */
  run<T>(fn: () => T): T {
    if (this.#inTxn) return fn();
    if (this.#cgs.size > CG_MAX) this.#dropGroups(CG_MAX);
    if (this.clean) this.#soil();
    try {
      return this.#run(fn);
    } catch (e) {
      // What the journal has is free for others.
      if (e !== ERR.ENOSPC || this.limbo.size === 0) throw e;
      this.journal?.commit();
      return this.#run(fn);
    }
  }

  #run<T>(fn: () => T): T {
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
    this.#run(() => this.sb.set8(FS_CLEAN, this.wasClean ? FS_WASCLEAN : 0));
    this.clean = false;
    if (this.journal === undefined) this.bcache.flush(false);
    else this.journal.commit();
  }

  /** All has been written: says so on disk, if it was so at mount. Returns whether there was something to say. */
  cleanse(): boolean {
    if (this.clean || !this.writable) return false;
    this.#run(() => {
      const { sec } = this.now();
      if (this.wasClean) this.sb.set8(FS_CLEAN, FS_ISCLEAN);
      this.sb.set8(FS_FMOD, 0);
      this.sb.set64(FS_TIME, sec);
      if (this.info.version === 2) return;
      this.sb.set32(FS_OLD_TIME, sec | 0);
      for (let i = 0; i < 4; i++) this.sb.set32(FS_OLD_CSTOTAL + 4 * i, this.sb.u64(FS_CSTOTAL + 8 * i));
    });
    this.clean = true;
    return true;
  }

  /** The block of fragment `addr` was freed: while there is a journal, it is nobody's until that has it. Within a transaction. */
  intoLimbo(addr: number): void {
    const { journal } = this;
    const b = Math.floor(addr / this.frag);
    if (journal === undefined || this.limbo.has(b)) return;
    this.limbo.add(b);
    this.txn.undo(() => this.limbo.delete(b));
    this.txn.commit(() => journal.after(() => this.limbo.delete(b)));
  }

  /** The totals will change: once for each transaction they are kept as they were. */
  dirtyTotals(): void {
    if (this.#totalsSeq === this.seq) return;
    this.#totalsSeq = this.seq;
    this.sb.dirty(FS_CSTOTAL, 32);
  }

  /** Gives the held buffers back. */
  release(): void {
    this.#unregister();
    for (const cg of this.#cgs.values()) cg.span.release();
    this.#cgs.clear();
    this.sb.release();
    this.cs.release();
    this.indexes.clear();
  }

  // -- odds and ends

  /** Within a transaction it stands still. */
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
    this.#generation = (this.#generation + 1) & 0x7fff_ffff;
    if (this.#generation === 0) this.#generation = 1;
    return this.#generation;
  }

  /** Some of them only, when there are many. */
  complain(message: string): void {
    this.#complaints.say(message);
  }
}
