/**
 * The group descriptors of a mounted file system, in their buffers: where bitmaps and inode tables are, and the counts of each group.
 *
 * What they say of places is checked once, at mount: a group whose descriptor makes no sense has none.
 */
import type { Buf } from '@anykernel/rumpvfs';
import { T_BBMAP, T_GD, Tag } from './csum.js';
import type { Ext2fs } from './fs.js';
import {
  GD_BBMAP, GD_BBMAP_HIGH, GD_COUNT_HIGH, GD_FLAGS, GD_FREE_BLOCKS, GD_FREE_INODES, GD_IBMAP, GD_IBMAP_HIGH, GD_ITABLE, GD_ITABLE_HIGH, GD_ITABLE_UNUSED,
  GD_ITABLE_UNUSED_HIGH, GD_LEN64, GD_USED_DIRS, INCOMPAT_FLEX_BG, INCOMPAT_META_BG, SB_FREE_BLOCKS, SB_FREE_BLOCKS_HIGH, SB_FREE_INODES, groupHasSuper,
} from './ondisk.js';

const TWO32 = 0x1_0000_0000;

export class Groups {
  readonly #fs: Ext2fs;
  readonly #bufs: Buf[] = [];
  readonly #wide: boolean;
  /** log2 of a descriptor's length. */
  readonly shift: number;
  /** Groups whose descriptors have changed since they were sealed. */
  readonly touched: Uint8Array;

  constructor(fs: Ext2fs) {
    this.#fs = fs;
    this.touched = new Uint8Array(fs.groups);
    this.#wide = fs.info.descSize >= GD_LEN64;
    this.shift = 31 - Math.clz32(fs.info.descSize);
  }

  /** Gives the held buffers back. */
  release(): void {
    for (const bp of this.#bufs) this.#fs.bcache.rele(bp);
    this.#bufs.length = 0;
  }

  /** Reads all descriptors and checks what they say. EIO: a read failed. Sleeps; asked again it finds what it read. */
  load(): void {
    const perBlock = this.#fs.bsize >> this.shift;
    const blocks = Math.ceil(this.#fs.groups / perBlock);
    const meta = (this.#fs.info.incompat & INCOMPAT_META_BG) !== 0;
    const old = meta ? Math.min(this.#fs.info.firstMetaBg, blocks) : blocks;
    this.#fs.bcache.readahead(this.#fs.info.firstData + 1, Math.min(old, 64));
    for (let i = this.#bufs.length; i < blocks; i++) {
      const bp = this.#fs.bcache.bread(this.#gdBlock(i, old));
      this.#fs.bcache.hold(bp);
      bp.tag = new Tag(T_GD, i * perBlock, 0);
      this.#bufs.push(bp);
    }
    this.#fs.reserved.clear();
    for (let g = 0; g < this.#fs.groups; g++) this.#loadHead(g, old);
    for (let g = 0; g < this.#fs.groups; g++) this.#loadGroup(g);
    this.#fs.reserved.merge();
  }

  #gdBlock(i: number, old: number): number {
    if (i < old) return this.#fs.info.firstData + 1 + i;
    const group = i * (this.#fs.bsize >> this.shift);
    return this.#fs.groupStart(group) + (groupHasSuper(this.#fs.info, group) ? 1 : 0);
  }

  #loadHead(g: number, old: number): void {
    const hasSuper = groupHasSuper(this.#fs.info, g);
    this.#fs.head[g] = (hasSuper ? 1 : 0) + this.#gdtLen(g, hasSuper, old);
    this.#fs.reserved.claim(this.#fs.groupStart(g), this.#fs.head[g]);
  }

  #loadGroup(g: number): void {
    const [bb, ib, it] = [this.#gdPlace(g, GD_BBMAP, GD_BBMAP_HIGH), this.#gdPlace(g, GD_IBMAP, GD_IBMAP_HIGH), this.#gdPlace(g, GD_ITABLE, GD_ITABLE_HIGH)];
    const sound = this.#fs.sums.groupHolds(this.buf(g).data, this.off(g), g);
    // Each takes its place, so that none can have that of another.
    if (!sound || !this.#claim(g, bb, 1) || !this.#claim(g, ib, 1) || !this.#claim(g, it, this.#fs.itableLen)) {
      this.#fs.complain(`the descriptor of group ${g} ${sound ? `makes no sense (bitmaps at ${bb} and ${ib}, inodes at ${it})` : 'has a wrong checksum'}`);
      this.#fs.suspect[g] = 1;
      return;
    }
    this.#fs.bbmap[g] = bb;
    this.#fs.ibmap[g] = ib;
    this.#fs.itable[g] = it;
  }

  #gdPlace(g: number, low: number, high: number): number {
    const { view } = this.buf(g);
    const off = this.off(g);
    return view.getUint32(off + low, true) + (this.#wide ? view.getUint32(off + high, true) * TWO32 : 0);
  }

  /** Blocks from `blkno` on belong to group `g`. False: they cannot, or are another's. */
  #claim(g: number, blkno: number, len: number): boolean {
    const flex = (this.#fs.info.incompat & INCOMPAT_FLEX_BG) !== 0;
    const low = flex ? this.#fs.info.firstData + 1 : this.#fs.groupStart(g);
    const high = flex ? this.#fs.info.blocks : this.#fs.groupStart(g) + this.#fs.groupLen(g);
    return blkno >= low && blkno + len <= high && this.#fs.reserved.claim(blkno, len);
  }

  /** Blocks of descriptors, with room for more, in group `g`. */
  #gdtLen(g: number, hasSuper: boolean, old: number): number {
    const perBlock = this.#fs.bsize >> this.shift;
    const metaGroup = Math.floor(g / perBlock);
    if ((this.#fs.info.incompat & INCOMPAT_META_BG) === 0 || metaGroup < old) return hasSuper ? old + this.#fs.info.reservedGdt : 0;
    const within = g % perBlock;
    return within < 2 || within === perBlock - 1 ? 1 : 0;
  }

  buf(g: number): Buf {
    return this.#bufs[Math.floor(g / (this.#fs.bsize >> this.shift))];
  }
  off(g: number): number {
    return (g << this.shift) & (this.#fs.bsize - 1);
  }
  #gdCount(g: number, low: number, high: number): number {
    const { view } = this.buf(g);
    const off = this.off(g);
    return view.getUint16(off + low, true) + (this.#wide ? view.getUint16(off + high, true) * 65536 : 0);
  }
  #setGdCount(g: number, low: number, high: number, value: number): void {
    const bp = this.buf(g);
    const off = this.off(g);
    const max = this.#wide ? 0xffff_ffff : 0xffff;
    const cut = value < 0 ? 0 : value > max ? max : value;
    this.#fs.txn.dirty(bp, off + low, 2);
    bp.view.setUint16(off + low, cut & 0xffff, true);
    this.touched[g] = 1;
    if (!this.#wide) return;
    this.#fs.txn.dirty(bp, off + high, 2);
    bp.view.setUint16(off + high, cut >>> 16, true);
  }
  freeBlocks(g: number): number {
    return this.#gdCount(g, GD_FREE_BLOCKS, GD_FREE_BLOCKS + GD_COUNT_HIGH);
  }
  freeInodes(g: number): number {
    return this.#gdCount(g, GD_FREE_INODES, GD_FREE_INODES + GD_COUNT_HIGH);
  }
  dirs(g: number): number {
    return this.#gdCount(g, GD_USED_DIRS, GD_USED_DIRS + GD_COUNT_HIGH);
  }
  /** Inodes at the end of the table that were never used. */
  unusedInodes(g: number): number {
    if (!this.#fs.sums.groups) return 0;
    return Math.min(this.#fs.info.inodesPerGroup, this.#gdCount(g, GD_ITABLE_UNUSED, GD_ITABLE_UNUSED_HIGH));
  }
  setUnusedInodes(g: number, count: number): void {
    this.#setGdCount(g, GD_ITABLE_UNUSED, GD_ITABLE_UNUSED_HIGH, count);
  }
  /** Whether group `g` has flag BG_*; only where descriptors have sums. */
  flag(g: number, flag: number): boolean {
    return this.#fs.sums.groups && (this.buf(g).view.getUint16(this.off(g) + GD_FLAGS, true) & flag) !== 0;
  }
  clearFlag(g: number, flag: number): void {
    const bp = this.buf(g);
    const off = this.off(g) + GD_FLAGS;
    this.#fs.txn.dirty(bp, off, 2);
    bp.view.setUint16(off, bp.view.getUint16(off, true) & ~flag, true);
    this.touched[g] = 1;
  }

  /** Whether the bitmap of group `g` has the right checksum; where not, nothing more is done there. */
  bitmapSound(g: number, bp: Buf, kind: number): boolean {
    if (bp.tag !== undefined) return (bp.tag as Tag).kind === kind;
    if (!this.#fs.sums.bitmapHolds(bp.data, kind, this.buf(g).data, this.off(g))) {
      this.#fs.complain(`the ${kind === T_BBMAP ? 'block' : 'inode'} bitmap of group ${g} has a wrong checksum`);
      this.#fs.suspect[g] = 1;
      return false;
    }
    bp.tag = new Tag(kind, g, 0);
    return true;
  }

  /** Adds to the free counts of group `g` and of the whole, within a transaction. They do not go below zero, whatever the disk says. */
  countBlocks(g: number, change: number): void {
    this.#setGdCount(g, GD_FREE_BLOCKS, GD_FREE_BLOCKS + GD_COUNT_HIGH, this.freeBlocks(g) + change);
    const total = Math.max(0, this.#fs.freeBlocksLeft + change);
    this.#fs.setSb32(SB_FREE_BLOCKS, total % TWO32);
    if (this.#wide) this.#fs.setSb32(SB_FREE_BLOCKS_HIGH, Math.floor(total / TWO32));
  }
  countInodes(g: number, change: number): void {
    this.#setGdCount(g, GD_FREE_INODES, GD_FREE_INODES + GD_COUNT_HIGH, this.freeInodes(g) + change);
    this.#fs.setSb32(SB_FREE_INODES, Math.max(0, this.#fs.sb32(SB_FREE_INODES) + change));
  }
  countDirs(g: number, change: number): void {
    this.#setGdCount(g, GD_USED_DIRS, GD_USED_DIRS + GD_COUNT_HIGH, this.dirs(g) + change);
  }
}
