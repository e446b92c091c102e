/**
 * An inode in memory: a view of its bytes in the buffer of the inode table, which it holds. Nothing is copied, so a transaction that fails takes
 * changes back by itself. Whoever changes a field calls dirty() before, within a transaction.
 */
import { ERR, makedev } from '@anykernel/lib-sys';
import { type Buf, VDIR, VLNK, VREG, type Vnode, modeToType } from '@anykernel/rumpvfs';
import { type DirIndex, type InodeView, T_ACCESS, T_CHANGE, T_UPDATE } from '@anykernel/ufs';
import { T_INODES, Tag } from './csum.js';
import type { Ext2fs } from './fs.js';
import {
  DI_ACL, DI_ACL_HIGH, DI_ATIME, DI_ATIME_EXTRA, DI_BLOCK, DI_BLOCKS, DI_BLOCKS_HIGH, DI_CRTIME, DI_CRTIME_EXTRA, DI_CTIME, DI_CTIME_EXTRA, DI_DTIME, DI_EXTRA, DI_FLAGS, DI_GEN, DI_GID,
  DI_GID_HIGH, DI_MODE, DI_MTIME, DI_MTIME_EXTRA, DI_NLINK, DI_OLD_LEN, DI_PROJID, DI_SIZE, DI_SIZE_HIGH, DI_UID, DI_UID_HIGH, FAST_LINK_MAX, FL_EXTENTS,
  FL_HUGE_FILE, FL_INLINE_DATA, FL_NOATIME, INCOMPAT_EA_INODE, INCOMPAT_LARGE_DIR, ROOT_INO, clampSeconds, extraOf, nanosecondsOf, parseRdev, secondsOf,
} from './ondisk.js';

const TWO32 = 0x1_0000_0000;

export class Inode implements InodeView {
  readonly fs: Ext2fs;
  readonly ino: number;
  readonly bp: Buf;
  readonly off: number;
  /** Bytes behind the first 128 that are fields (i_extra_isize); 0 where there are none. */
  extra: number;
  /** The transaction that it joined last. */
  #seq = -1;
  /** A directory's names, when there are many of them. */
  index: DirIndex | undefined = undefined;
  /** Entries of a directory that were walked over in searches; its table does not fit into memory. */
  walked = 0;
  noIndex = false;
  /** A directory's parent by its own entry `..`; 0: not read yet. */
  parent = 0;
  /** Where the last block went, and which one of the file it was: the next one goes behind. */
  lastLbn = -1;
  lastBlkno = 0;
  /** It has been freed; its vnode goes next. */
  destroyed = false;
  /** It cannot be freed: its pointers make no sense. */
  hopeless = false;
  /** It was read at this time, which its bytes do not say yet. */
  accessed = false;
  accessSec = 0;
  accessNsec = 0;

  /** Holds `bp`. */
  constructor(fs: Ext2fs, ino: number, bp: Buf, off: number) {
    this.fs = fs;
    this.ino = ino;
    this.bp = bp;
    this.off = off;
    this.extra = fs.info.inodeSize > DI_OLD_LEN ? bp.view.getUint16(off + DI_EXTRA, true) : 0;
    fs.bcache.hold(bp);
  }

  release(): void {
    this.fs.bcache.rele(this.bp);
  }

  /** Its bytes will change: once for each transaction they are kept as they were. */
  dirty(): void {
    if (this.#seq === this.fs.seq) return;
    this.fs.txn.dirty(this.bp, this.off, this.fs.info.inodeSize);
    markInode(this.fs, this.bp, this.off, this.ino);
    this.#seq = this.fs.seq;
  }

  /** The seed of checksums of its blocks. */
  get seed(): number {
    const { sums } = this.fs;
    return sums.on ? sums.inodeSeed(this.ino, this.generation) : 0;
  }

  #u16(field: number): number {
    return this.bp.view.getUint16(this.off + field, true);
  }
  #u32(field: number): number {
    return this.bp.view.getUint32(this.off + field, true);
  }
  #set16(field: number, value: number): void {
    this.bp.view.setUint16(this.off + field, value, true);
  }
  #set32(field: number, value: number): void {
    this.bp.view.setUint32(this.off + field, value, true);
  }
  /** Whether the extra field that ends at `end` is there. */
  #has(end: number): boolean {
    return DI_OLD_LEN + this.extra >= end;
  }

  /** Type and permission bits. */
  get mode(): number {
    return this.#u16(DI_MODE);
  }
  set mode(value: number) {
    this.#set16(DI_MODE, value);
  }
  get isDir(): boolean {
    return (this.#u16(DI_MODE) & 0o170000) === 0o040000;
  }
  get uid(): number {
    return this.#u16(DI_UID) + this.#u16(DI_UID_HIGH) * 65536;
  }
  set uid(value: number) {
    this.#set16(DI_UID, value & 0xffff);
    this.#set16(DI_UID_HIGH, value >>> 16);
  }
  get gid(): number {
    return this.#u16(DI_GID) + this.#u16(DI_GID_HIGH) * 65536;
  }
  set gid(value: number) {
    this.#set16(DI_GID, value & 0xffff);
    this.#set16(DI_GID_HIGH, value >>> 16);
  }
  get nlink(): number {
    return this.#u16(DI_NLINK);
  }
  set nlink(value: number) {
    this.#set16(DI_NLINK, value);
  }
  /** The upper half is a regular file's, and a directory's with `large_dir`. */
  get #longSize(): boolean {
    const type = this.#u16(DI_MODE) & 0o170000;
    return type === 0o100000 || (type === 0o040000 && (this.fs.info.incompat & INCOMPAT_LARGE_DIR) !== 0);
  }
  get size(): number {
    const low = this.#u32(DI_SIZE);
    return this.#longSize ? low + this.#u32(DI_SIZE_HIGH) * TWO32 : low;
  }
  set size(value: number) {
    this.#set32(DI_SIZE, value % TWO32);
    if (this.#longSize) this.#set32(DI_SIZE_HIGH, Math.floor(value / TWO32));
  }
  /** Sectors of 512 bytes: data, indirect blocks, attributes. */
  get blocks(): number {
    const low = this.#u32(DI_BLOCKS);
    if (!this.fs.hugeFiles) return low;
    const count = low + this.#u16(DI_BLOCKS_HIGH) * TWO32;
    return (this.flags & FL_HUGE_FILE) !== 0 ? count * this.fs.spb : count;
  }
  /** Counts `count` file system blocks more, or less. What the disk said was perhaps wrong: it does not go below zero. */
  addBlocks(count: number): void {
    const value = Math.max(0, this.blocks + count * this.fs.spb);
    if (!this.fs.hugeFiles) {
      this.#set32(DI_BLOCKS, value);
      return;
    }
    // 48 bits of sectors; of blocks, where that is too little.
    const huge = value >= 2 ** 48;
    const units = huge ? Math.floor(value / this.fs.spb) : value;
    this.flags = huge ? this.flags | FL_HUGE_FILE : this.flags & ~FL_HUGE_FILE;
    this.#set32(DI_BLOCKS, units % TWO32);
    this.#set16(DI_BLOCKS_HIGH, Math.floor(units / TWO32));
  }
  /** Its blocks are found by extents. */
  get hasExtents(): boolean {
    return (this.#u32(DI_FLAGS) & FL_EXTENTS) !== 0;
  }
  /** Its bytes are in the inode. */
  get isInline(): boolean {
    return (this.#u32(DI_FLAGS) & FL_INLINE_DATA) !== 0;
  }
  /** Bytes that it may have. */
  get maxSize(): number {
    return this.hasExtents || this.isInline ? this.fs.extMaxSize : this.fs.maxSize;
  }
  /** Blocks that it may have. */
  get maxLbn(): number {
    return this.hasExtents || this.isInline ? 0xffff_ffff : this.fs.maxLbn;
  }
  get flags(): number {
    return this.#u32(DI_FLAGS);
  }
  set flags(value: number) {
    this.#set32(DI_FLAGS, value >>> 0);
  }
  get generation(): number {
    return this.#u32(DI_GEN);
  }
  set generation(value: number) {
    this.#set32(DI_GEN, value);
  }
  /** The block of extended attributes, or 0. */
  get acl(): number {
    return this.#u32(DI_ACL) + this.#u16(DI_ACL_HIGH) * TWO32;
  }
  set acl(value: number) {
    this.#set32(DI_ACL, value % TWO32);
    this.#set16(DI_ACL_HIGH, Math.floor(value / TWO32));
  }
  /** The project that it belongs to. */
  get projid(): number {
    return this.#has(DI_PROJID + 4) ? this.#u32(DI_PROJID) : 0;
  }
  set projid(value: number) {
    if (this.#has(DI_PROJID + 4)) this.#set32(DI_PROJID, value);
  }
  get dtime(): number {
    return this.#u32(DI_DTIME);
  }
  set dtime(value: number) {
    this.#set32(DI_DTIME, value);
  }
  /** Pointer 0..14. */
  ptr(i: number): number {
    return this.#u32(DI_BLOCK + 4 * i);
  }
  setPtr(i: number, value: number): void {
    this.#set32(DI_BLOCK + 4 * i, value);
  }
  get noAtime(): boolean {
    return (this.flags & FL_NOATIME) !== 0;
  }
  /** The number of a device. */
  get rdev(): number {
    const [major, minor] = parseRdev(this.ptr(0), this.ptr(1));
    return makedev(major, minor);
  }
  /** Where the pointers are in the buffer. */
  get ptrOff(): number {
    return this.off + DI_BLOCK;
  }

  // -- times

  get hasNanoseconds(): boolean {
    return this.#has(DI_ATIME_EXTRA + 4);
  }
  get hasBirthtime(): boolean {
    return this.#has(DI_CRTIME_EXTRA + 4);
  }
  #seconds(field: number, extraField: number): number {
    return secondsOf(this.#u32(field), this.#has(extraField + 4) ? this.#u32(extraField) : 0);
  }
  #nanoseconds(extraField: number): number {
    return this.#has(extraField + 4) ? nanosecondsOf(this.#u32(extraField)) : 0;
  }
  #setTime(field: number, extraField: number, sec: number, nsec: number): void {
    const extra = this.#has(extraField + 4);
    const cut = clampSeconds(sec, extra);
    this.#set32(field, cut);
    if (extra) this.#set32(extraField, extraOf(cut, nsec));
  }
  get atime(): number {
    return this.#seconds(DI_ATIME, DI_ATIME_EXTRA);
  }
  get atimeNsec(): number {
    return this.#nanoseconds(DI_ATIME_EXTRA);
  }
  setAtime(sec: number, nsec: number): void {
    this.#setTime(DI_ATIME, DI_ATIME_EXTRA, sec, nsec);
  }
  get mtime(): number {
    return this.#seconds(DI_MTIME, DI_MTIME_EXTRA);
  }
  get mtimeNsec(): number {
    return this.#nanoseconds(DI_MTIME_EXTRA);
  }
  setMtime(sec: number, nsec: number): void {
    this.#setTime(DI_MTIME, DI_MTIME_EXTRA, sec, nsec);
  }
  get ctime(): number {
    return this.#seconds(DI_CTIME, DI_CTIME_EXTRA);
  }
  get ctimeNsec(): number {
    return this.#nanoseconds(DI_CTIME_EXTRA);
  }
  setCtime(sec: number, nsec: number): void {
    this.#setTime(DI_CTIME, DI_CTIME_EXTRA, sec, nsec);
  }
  get birthtime(): number {
    return this.hasBirthtime ? this.#seconds(DI_CRTIME, DI_CRTIME_EXTRA) : 0;
  }
  get birthtimeNsec(): number {
    return this.#nanoseconds(DI_CRTIME_EXTRA);
  }
  setBirthtime(sec: number, nsec: number): void {
    if (this.hasBirthtime) this.#setTime(DI_CRTIME, DI_CRTIME_EXTRA, sec, nsec);
  }

  /** Sets T_* of the times to the present, within a transaction; dirties the inode. */
  touch(which: number): void {
    this.dirty();
    const { sec, nsec } = this.fs.now();
    if ((which & T_ACCESS) !== 0) this.setAtime(sec, nsec);
    if ((which & T_CHANGE) !== 0) this.setCtime(sec, nsec);
    if ((which & T_UPDATE) !== 0) this.setMtime(sec, nsec);
  }

  /** A symbolic link whose target stands in the inode. */
  get isFastLink(): boolean {
    // With ea_inode, blocks of attributes elsewhere are counted, too.
    const own = (this.fs.info.incompat & INCOMPAT_EA_INODE) !== 0 ? Infinity : this.acl === 0 ? 0 : this.fs.spb;
    return this.#u32(DI_SIZE) < FAST_LINK_MAX && this.#u32(DI_BLOCKS) <= own && (this.#u32(DI_FLAGS) & (FL_EXTENTS | FL_INLINE_DATA)) === 0;
  }
}

/** Where inode `ino` stands. EIO: there is no such inode, or its table is not known. */
export function inodeBlock(fs: Ext2fs, ino: number): number {
  const index = ino - 1;
  const g = Math.floor(index / fs.info.inodesPerGroup);
  if (!(ino >= 1) || g >= fs.groups) fs.corrupt(`there is no inode ${ino}`);
  if (fs.itable[g] === 0) fs.corrupt(`inode ${ino} is in group ${g}, whose inode table is not known`);
  return fs.itable[g] + Math.floor(((index % fs.info.inodesPerGroup) * fs.info.inodeSize) / fs.bsize);
}
export function inodeOffset(fs: Ext2fs, ino: number): number {
  return (((ino - 1) % fs.info.inodesPerGroup) * fs.info.inodeSize) & (fs.bsize - 1);
}

/** The inode at `off` of a block of an inode table changes: its checksum will. */
export function markInode(fs: Ext2fs, bp: Buf, off: number, ino: number): void {
  const slot = Math.floor(off / fs.info.inodeSize);
  let tag = bp.tag as Tag | undefined;
  if (tag === undefined) bp.tag = tag = new Tag(T_INODES, ino - slot, 0);
  tag.mask |= 1 << slot;
}

/** Whether a name may stand for inode `ino`: the root, or one that is not reserved. */
export function isUsableIno(fs: Ext2fs, ino: number): boolean {
  return ino === ROOT_INO || (ino >= fs.info.firstIno && ino <= fs.info.inodes);
}

/** What is wrong with an inode that is in use; undefined: nothing. */
export function inodeFault(ip: Inode): string | undefined {
  const { fs } = ip;
  // One that has changed since it was sealed has the sum of what it was.
  const tag = ip.bp.tag as Tag | undefined;
  const changed = tag !== undefined && ((tag.mask >> Math.floor(ip.off / fs.info.inodeSize)) & 1) === 1;
  if (!changed && !fs.sums.inodeHolds(ip.bp.data, ip.off, ip.ino)) return 'its checksum is wrong';
  const type = modeToType(ip.mode);
  if (type === 0) return `its type is 0${(ip.mode & 0o170000).toString(8)}`;
  if ((ip.flags & fs.strangeFlags) !== 0) return `its flags are 0x${ip.flags.toString(16)}: contents of that kind are not supported`;
  if (fs.info.inodeSize > DI_OLD_LEN && (ip.extra > fs.info.inodeSize - DI_OLD_LEN || (ip.extra & 3) !== 0)) return `its extra size is ${ip.extra}`;
  const size = ip.size;
  if (ip.isInline) return ip.hasExtents || size > fs.info.inodeSize ? `it has its bytes in itself, and its size is ${size}` : undefined;
  if (type === VREG && size > ip.maxLbn * fs.bsize) return `its size is ${size}`;
  if (type === VDIR && (size === 0 || (size & (fs.bsize - 1)) !== 0 || size / fs.bsize > fs.info.blocks)) return `its size is ${size}, for a directory`;
  if (type === VLNK && (size === 0 || size >= fs.bsize)) return `its size is ${size}, for a symbolic link`;
  return undefined;
}

/** Whether the file's bytes lie in blocks that its pointers name. */
export function pointsToBlocks(ip: Inode, type: number): boolean {
  if (ip.isInline) return false;
  if (type === VREG || type === VDIR) return true;
  return type === VLNK && !ip.isFastLink;
}

/** The inode of a vnode. ESTALE: the vnode is dead. */
export function VTOI(vp: Vnode): Inode {
  const ip = vp.data as Inode | undefined;
  if (ip === undefined) throw ERR.ESTALE;
  return ip;
}
