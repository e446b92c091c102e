/**
 * A cylinder group: which of its fragments and inodes are free, and the summaries of that: counts, runs of fragments, runs of blocks.
 *
 * Each change goes through setPattern() or setBlocks(), which keep every summary right: those in the group, in the table of groups, and in the superblock.
 * All within a transaction. What the group says about itself is checked when it is read.
 */
import { popcount32 } from '@anykernel/lib-bytes';
import type { Ffs } from './fs.js';
import {
  CG_CGX, CG_CLUSTEROFF, CG_CLUSTERSUMOFF, CG_CS, CG_FREEOFF, CG_FRSUM, CG_INITEDIBLK, CG_IROTOR, CG_IUSEDOFF, CG_MAGIC, CG_MAGIC_NUMBER, CG_NDBLK,
  CG_NIBLK, CG_OLD_NIBLK, CG_OLD_TIME, CG_SPACE, CG_TIME, CS_LEN, CS_NBFREE, CS_NDIR, CS_NFFREE, CS_NIFREE, FS_CSTOTAL, MAXFRAG,
} from './ondisk.js';
import type { Span } from './span.js';

export class Cg {
  readonly fs: Ffs;
  readonly cgx: number;
  readonly span: Span;
  /** Fragments of the group, and its first one. */
  readonly ndblk: number;
  readonly base: number;
  /** Whole blocks of it. */
  readonly nblocks: number;
  readonly iusedoff: number;
  readonly freeoff: number;
  readonly clustersumoff: number;
  readonly clusteroff: number;
  /** It was found wrong: nothing more is allocated here. */
  suspect = false;
  /** In use by the call of this epoch. */
  epoch = 0;
  readonly #frag: number;
  readonly #full: number;
  #seq = -1;

  /** The group in `span`, which it takes over. */
  constructor(fs: Ffs, cgx: number, span: Span) {
    this.fs = fs;
    this.cgx = cgx;
    this.span = span;
    this.base = cgx * fs.info.fpg;
    this.ndblk = Math.min(fs.info.fpg, fs.info.size - this.base);
    this.nblocks = this.ndblk >> fs.fragshift;
    this.iusedoff = span.i32(CG_IUSEDOFF);
    this.freeoff = span.i32(CG_FREEOFF);
    this.clustersumoff = span.i32(CG_CLUSTERSUMOFF);
    this.clusteroff = span.i32(CG_CLUSTEROFF);
    this.#frag = fs.frag;
    this.#full = (1 << fs.frag) - 1;
  }

  /** What is wrong with what the group says of itself; undefined: nothing. */
  get fault(): string | undefined {
    const { span, fs } = this;
    const { info } = fs;
    if (span.i32(CG_MAGIC) !== CG_MAGIC_NUMBER) return 'there is no magic number';
    if (span.i32(CG_CGX) !== this.cgx) return `it says it is ${span.i32(CG_CGX)}`;
    if (span.i32(CG_NDBLK) !== this.ndblk) return `it says it has ${span.i32(CG_NDBLK)} fragments`;
    const niblk = info.version === 2 ? span.i32(CG_NIBLK) : span.u16(CG_OLD_NIBLK);
    if (niblk !== (info.ipg & (info.version === 2 ? -1 : 0xffff))) return `it says it has ${niblk} inodes`;
    const end = Math.min(info.cgsize, fs.bsize);
    const fits = (off: number, len: number): boolean => off >= CG_SPACE && off + len <= end;
    const [imap, bmap] = [Math.ceil(info.ipg / 8), Math.ceil(this.ndblk / 8)];
    if (!fits(this.iusedoff, imap) || !fits(this.freeoff, bmap)) return `its maps are at ${this.iusedoff} and ${this.freeoff}`;
    if (this.iusedoff < this.freeoff + bmap && this.freeoff < this.iusedoff + imap) return 'its maps overlap';
    if (info.contigsumsize > 0) {
      // There are no runs of length 0: their number is not there, and the maps may reach into its place.
      const sums = 4 * info.contigsumsize;
      const map = Math.ceil(this.nblocks / 8);
      if (!fits(this.clustersumoff + 4, sums) || !fits(this.clusteroff, map) || (this.clustersumoff & 3) !== 0) return 'its summaries of clusters are outside';
      const apart = (a: number, alen: number, b: number, blen: number): boolean => a + alen <= b || b + blen <= a;
      const others = [[this.iusedoff, imap], [this.freeoff, bmap]] as const;
      if (!others.every(([off, len]) => apart(off, len, this.clustersumoff + 4, sums) && apart(off, len, this.clusteroff, map))) return 'its summaries of clusters overlap its maps';
    }
    if (info.version === 2 && (span.i32(CG_INITEDIBLK) < 0 || span.i32(CG_INITEDIBLK) > info.ipg)) return `it says that ${span.i32(CG_INITEDIBLK)} inodes were made`;
    return undefined;
  }

  // -- counts

  get nbfree(): number {
    return this.span.i32(CG_CS + CS_NBFREE);
  }
  get nffree(): number {
    return this.span.i32(CG_CS + CS_NFFREE);
  }
  get nifree(): number {
    return this.span.i32(CG_CS + CS_NIFREE);
  }
  /** Runs of `n` free fragments. */
  frsum(n: number): number {
    return this.span.i32(CG_FRSUM + 4 * n);
  }
  /** Inodes that have been written once: those beyond are whatever was on the disk. */
  get inited(): number {
    return this.fs.info.version === 2 ? this.span.i32(CG_INITEDIBLK) : this.fs.info.ipg;
  }

  /** Adds to one of CS_*, here, in the table of groups, and in all. They do not go below zero, whatever the disk says. */
  count(which: number, change: number): void {
    if (change === 0) return;
    const { fs, span } = this;
    this.touch();
    span.put32(CG_CS + which, Math.max(0, span.i32(CG_CS + which) + change));
    const off = this.cgx * CS_LEN + which;
    fs.cs.put32(off, Math.max(0, fs.cs.i32(off) + change));
    fs.sb.put64(FS_CSTOTAL + 2 * which, Math.max(0, fs.total(which) + change));
  }

  /** It is changed now: once for each transaction, its numbers and those that go with them are kept as they were. */
  touch(): void {
    const { fs } = this;
    if (this.#seq === fs.seq) return;
    this.#seq = fs.seq;
    const { sec } = fs.now();
    this.span.dirty(CG_OLD_TIME, CG_FRSUM + 4 * MAXFRAG - CG_OLD_TIME);
    this.span.put32(CG_OLD_TIME, sec | 0);
    if (fs.info.version === 2) this.span.set64(CG_TIME, sec);
    fs.cs.dirty(this.cgx * CS_LEN, CS_LEN);
    fs.dirtyTotals();
  }

  // -- fragments

  /** The free fragments of block `b`, a bit for each. */
  pattern(b: number): number {
    const bit = b * this.#frag;
    return (this.span.u8(this.freeoff + (bit >> 3)) >> (bit & 7)) & this.#full;
  }

  isFull(b: number): boolean {
    return this.pattern(b) === this.#full;
  }

  /** The free fragments of block `b` are these from now on. */
  setPattern(b: number, after: number): void {
    const before = this.pattern(b);
    if (before === after) return;
    const bit = b * this.#frag;
    const at = this.freeoff + (bit >> 3);
    this.span.set8(at, (this.span.u8(at) & ~(this.#full << (bit & 7))) | (after << (bit & 7)));
    this.#countRuns(before, -1);
    this.#countRuns(after, 1);
    const was = before === this.#full;
    const is = after === this.#full;
    this.count(CS_NFFREE, (is ? 0 : popcount32(after)) - (was ? 0 : popcount32(before)));
    this.count(CS_NBFREE, Number(is) - Number(was));
    if (was !== is && b < this.nblocks) this.#cluster(b, 1, is);
  }

  #countRuns(pattern: number, change: number): void {
    if (pattern === this.#full || pattern === 0) return;
    for (let i = 0; i < this.#frag; ) {
      let n = 0;
      while (((pattern >> (i + n)) & 1) === 1) n++;
      if (n > 0) {
        this.touch();
        this.span.put32(CG_FRSUM + 4 * n, Math.max(0, this.frsum(n) + change));
      }
      i += n + 1;
    }
  }

  /** Blocks b..b+n - 1, which are all free or all in use, are the opposite from now on. */
  setBlocks(b: number, n: number, free: boolean): void {
    if (n === 1 || this.#frag !== 8) {
      for (let i = 0; i < n; i++) this.setPattern(b + i, free ? this.#full : 0);
      return;
    }
    this.span.dirty(this.freeoff + b, n);
    for (let i = 0; i < n; i++) this.span.put8(this.freeoff + b + i, free ? 0xff : 0);
    this.count(CS_NBFREE, free ? n : -n);
    this.#cluster(b, n, free);
  }

  // -- clusters: a map of free blocks, and how many runs of them there are of each length

  #cluster(b: number, n: number, free: boolean): void {
    const most = this.fs.info.contigsumsize;
    if (most === 0) return;
    const first = this.clusteroff + (b >> 3);
    this.span.dirty(first, this.clusteroff + ((b + n - 1) >> 3) - first + 1);
    for (let i = b; i < b + n; i++) {
      const at = this.clusteroff + (i >> 3);
      const byte = this.span.u8(at);
      this.span.put8(at, free ? byte | (1 << (i & 7)) : byte & ~(1 << (i & 7)));
    }
    let before = 0;
    while (before < most && b - before > 0 && this.isCluster(b - before - 1)) before++;
    let after = 0;
    while (after < most && b + n + after < this.nblocks && this.isCluster(b + n + after)) after++;
    const change = free ? 1 : -1;
    this.#clusterSum(before + n + after, change);
    this.#clusterSum(before, -change);
    this.#clusterSum(after, -change);
  }

  isCluster(b: number): boolean {
    return ((this.span.u8(this.clusteroff + (b >> 3)) >> (b & 7)) & 1) === 1;
  }

  #clusterSum(len: number, change: number): void {
    if (len > 0) this.span.add32(this.clustersumoff + 4 * Math.min(len, this.fs.info.contigsumsize), change);
  }

  // -- inodes

  inodeUsed(index: number): boolean {
    return ((this.span.u8(this.iusedoff + (index >> 3)) >> (index & 7)) & 1) === 1;
  }

  setInode(index: number, used: boolean, isDir: boolean): void {
    const at = this.iusedoff + (index >> 3);
    const byte = this.span.u8(at);
    this.span.set8(at, used ? byte | (1 << (index & 7)) : byte & ~(1 << (index & 7)));
    this.count(CS_NIFREE, used ? -1 : 1);
    if (isDir) this.count(CS_NDIR, used ? 1 : -1);
  }

  /** A free inode at or after `from`, going round; -1: none. */
  findInode(from: number): number {
    const found = this.#findInode(from, this.fs.info.ipg);
    return found >= 0 ? found : this.#findInode(0, from);
  }

  #findInode(from: number, to: number): number {
    for (let i = from; i < to; ) {
      if ((i & 7) === 0) {
        i = (this.span.skip(this.iusedoff + (i >> 3), this.iusedoff + (to >> 3), 0xff) - this.iusedoff) * 8;
        if (i >= to) return -1;
      }
      if (!this.inodeUsed(i)) return i;
      i++;
    }
    return -1;
  }

  get irotor(): number {
    const r = this.span.i32(CG_IROTOR);
    return r >= 0 && r < this.fs.info.ipg ? r : 0;
  }
  setIrotor(index: number): void {
    this.touch();
    this.span.put32(CG_IROTOR, index);
  }
  setInited(count: number): void {
    this.span.set32(CG_INITEDIBLK, count);
  }
}
