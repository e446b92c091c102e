/**
 * An inode in memory: a view of its bytes in the buffer of the inode table, which it holds. Nothing is copied, so a transaction that fails takes
 * changes back by itself. Whoever changes a field calls dirty() before, within a transaction.
 */
import { ERR, SF_SNAPSHOT } from '@anykernel/lib-sys';
import { type Buf, VDIR, VLNK, VREG, type Vnode, modeToType } from '@anykernel/rumpvfs';
import type { DirIndex } from './dirindex.js';
import { T_ACCESS, T_CHANGE, T_UPDATE } from './inodefs.js';
import type { UfsMount } from './mount.js';
import { DI1_OLD_GID, DI1_OLD_UID, type DinodeLayout, IFDIR, IFMT, NDADDR, NIADDR, get64, getI64, set64 } from './ondisk.js';

export class Inode {
  readonly fs: UfsMount;
  readonly ino: number;
  readonly bp: Buf;
  readonly off: number;
  readonly lay: DinodeLayout;
  readonly le: boolean;
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
  lastAddr = 0;
  /** It has been freed; its vnode goes next. */
  destroyed = false;
  /** It cannot be freed: its pointers make no sense. */
  hopeless = false;
  /** It was read at this time, which its bytes do not say yet. */
  accessed = false;
  accessSec = 0;
  accessNsec = 0;

  /** Holds `bp`. */
  constructor(fs: UfsMount, ino: number, bp: Buf, off: number) {
    this.fs = fs;
    this.ino = ino;
    this.bp = bp;
    this.off = off;
    this.lay = fs.dinode;
    this.le = fs.le;
    fs.bcache.hold(bp);
  }

  release(): void {
    this.fs.bcache.rele(this.bp);
  }

  /** Its bytes will change: once for each transaction they are kept as they were. */
  dirty(): void {
    if (this.#seq === this.fs.seq) return;
    this.fs.txn.dirty(this.bp, this.off, this.lay.len);
    this.#seq = this.fs.seq;
  }

  #u32(field: number): number {
    return this.bp.view.getUint32(this.off + field, this.le);
  }
  #set32(field: number, value: number): void {
    this.bp.view.setUint32(this.off + field, value, this.le);
  }

  /** Type and permission bits. */
  get mode(): number {
    return this.bp.view.getUint16(this.off, this.le);
  }
  set mode(value: number) {
    this.bp.view.setUint16(this.off, value, this.le);
  }
  get isDir(): boolean {
    return (this.mode & IFMT) === IFDIR;
  }
  /** Negative only where the disk lies. */
  get nlink(): number {
    return this.bp.view.getInt16(this.off + 2, this.le);
  }
  set nlink(value: number) {
    this.bp.view.setInt16(this.off + 2, value, this.le);
  }
  get uid(): number {
    return this.fs.oldIds ? this.bp.view.getUint16(this.off + DI1_OLD_UID, this.le) : this.#u32(this.lay.uid);
  }
  set uid(value: number) {
    this.#set32(this.lay.uid, value);
  }
  get gid(): number {
    return this.fs.oldIds ? this.bp.view.getUint16(this.off + DI1_OLD_GID, this.le) : this.#u32(this.lay.gid);
  }
  set gid(value: number) {
    this.#set32(this.lay.gid, value);
  }
  get size(): number {
    return get64(this.bp.view, this.off + this.lay.size, this.le);
  }
  set size(value: number) {
    set64(this.bp.view, this.off + this.lay.size, value, this.le);
  }
  /** Sectors of 512 bytes: data, indirect blocks, attributes. */
  get blocks(): number {
    return this.lay.wide ? get64(this.bp.view, this.off + this.lay.blocks, this.le) : this.#u32(this.lay.blocks);
  }
  /** Counts `count` fragments more, or less. What the disk said was perhaps wrong: it does not go below zero. */
  addFrags(count: number): void {
    const value = Math.max(0, this.blocks + count * (this.fs.fsize / 512));
    if (this.lay.wide) set64(this.bp.view, this.off + this.lay.blocks, value, this.le);
    else this.#set32(this.lay.blocks, value);
  }
  get flags(): number {
    return this.#u32(this.lay.flags);
  }
  set flags(value: number) {
    this.#set32(this.lay.flags, value);
  }
  get isSnapshot(): boolean {
    return (this.#u32(this.lay.flags) & SF_SNAPSHOT) !== 0;
  }
  get generation(): number {
    return this.#u32(this.lay.gen);
  }
  set generation(value: number) {
    this.#set32(this.lay.gen, value);
  }

  // -- pointers: fragment addresses, 0 where there is no block. The first NDADDR are direct.

  ptr(i: number): number {
    const { view } = this.bp;
    return this.lay.wide ? get64(view, this.ptrOff + 8 * i, this.le) : view.getUint32(this.ptrOff + 4 * i, this.le);
  }
  setPtr(i: number, addr: number): void {
    const { view } = this.bp;
    if (this.lay.wide) set64(view, this.ptrOff + 8 * i, addr, this.le);
    else view.setUint32(this.ptrOff + 4 * i, addr, this.le);
  }
  get noAtime(): boolean {
    return false;
  }
  /** The number of a device. */
  get rdev(): number {
    return this.ptr(0) >>> 0;
  }
  /** Where in the buffer they begin. */
  get ptrOff(): number {
    return this.off + this.lay.db;
  }

  // -- extended attributes

  /** Bytes. */
  get extsize(): number {
    return this.fs.hasExtattrs ? this.#u32(this.lay.extsize) : 0;
  }
  set extsize(value: number) {
    this.#set32(this.lay.extsize, value);
  }
  extPtr(i: number): number {
    return get64(this.bp.view, this.off + this.lay.extb + 8 * i, this.le);
  }
  setExtPtr(i: number, addr: number): void {
    set64(this.bp.view, this.off + this.lay.extb + 8 * i, addr, this.le);
  }

  // -- times

  #seconds(field: number): number {
    const { view } = this.bp;
    return this.lay.wide ? getI64(view, this.off + field, this.le) : view.getInt32(this.off + field, this.le);
  }
  #nanoseconds(field: number): number {
    const ns = this.#u32(field);
    return ns < 1_000_000_000 ? ns : 0;
  }
  #setTime(field: number, nsecField: number, sec: number, nsec: number): void {
    const { view } = this.bp;
    if (this.lay.wide) set64(view, this.off + field, sec, this.le);
    else view.setInt32(this.off + field, sec > 0x7fff_ffff ? 0x7fff_ffff : sec < -0x8000_0000 ? -0x8000_0000 : sec, this.le);
    this.#set32(nsecField, nsec);
  }
  get atime(): number {
    return this.#seconds(this.lay.atime);
  }
  get atimeNsec(): number {
    return this.#nanoseconds(this.lay.atimensec);
  }
  setAtime(sec: number, nsec: number): void {
    this.#setTime(this.lay.atime, this.lay.atimensec, sec, nsec);
  }
  get mtime(): number {
    return this.#seconds(this.lay.mtime);
  }
  get mtimeNsec(): number {
    return this.#nanoseconds(this.lay.mtimensec);
  }
  setMtime(sec: number, nsec: number): void {
    this.#setTime(this.lay.mtime, this.lay.mtimensec, sec, nsec);
  }
  get ctime(): number {
    return this.#seconds(this.lay.ctime);
  }
  get ctimeNsec(): number {
    return this.#nanoseconds(this.lay.ctimensec);
  }
  setCtime(sec: number, nsec: number): void {
    this.#setTime(this.lay.ctime, this.lay.ctimensec, sec, nsec);
  }
  get birthtime(): number {
    return this.lay.birthtime === 0 ? 0 : this.#seconds(this.lay.birthtime);
  }
  get birthtimeNsec(): number {
    return this.lay.birthtime === 0 ? 0 : this.#nanoseconds(this.lay.birthnsec);
  }
  setBirthtime(sec: number, nsec: number): void {
    if (this.lay.birthtime !== 0) this.#setTime(this.lay.birthtime, this.lay.birthnsec, sec, nsec);
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
    return this.size < this.fs.maxSymlinkLen;
  }
}

/** Where inode `ino` stands in its fragment. */
export function inodeOffset(fs: UfsMount, ino: number): number {
  return (ino * fs.dinode.len) & (fs.fsize - 1);
}

/** The inode `ino`, whatever is in it; release() gives its buffer back. EIO. */
export function readInode(fs: UfsMount, ino: number): Inode {
  return new Inode(fs, ino, fs.bcache.bread(fs.inodeFrag(ino)), inodeOffset(fs, ino));
}

/** Whether a name may stand for inode `ino`. */
export function isUsableIno(fs: UfsMount, ino: number): boolean {
  return ino >= 2 && ino < fs.inodes;
}

/** Fragments that block `lbn` of a file of `size` bytes has, if it has any: those at the end of a short file need not be all of a block. */
export function fragsOf(fs: UfsMount, size: number, lbn: number): number {
  if (lbn >= NDADDR || size >= (lbn + 1) * fs.bsize) return fs.frag;
  const rest = size - lbn * fs.bsize;
  return rest <= 0 ? 0 : Math.ceil(rest / fs.fsize);
}

/** What is wrong with an inode that is in use; undefined: nothing. */
export function inodeFault(ip: Inode): string | undefined {
  const { fs } = ip;
  const type = modeToType(ip.mode);
  if (type === 0) return `its type is 0${(ip.mode & IFMT).toString(8)}`;
  const { size } = ip;
  if (type === VREG && size > fs.maxLbn * fs.bsize && !ip.isSnapshot) return `its size is ${size}`;
  if (type === VREG && !Number.isSafeInteger(size)) return `its size is ${size}`;
  if (type === VDIR && (size === 0 || size % 512 !== 0 || size > fs.size * fs.fsize || size > 0x7fff_ffff)) return `its size is ${size}, for a directory`;
  if (type === VLNK && (size === 0 || size >= Math.max(fs.bsize, fs.maxSymlinkLen))) return `its size is ${size}, for a symbolic link`;
  if (fs.hasExtattrs && ip.extsize > 2 * fs.bsize) return `its extended attributes have ${ip.extsize} bytes`;
  return undefined;
}

/** Whether the file's bytes lie in blocks that its pointers name. */
export function pointsToBlocks(ip: Inode, type: number): boolean {
  if (type === VREG || type === VDIR) return true;
  return type === VLNK && !ip.isFastLink;
}

/** All pointers of an inode. */
export const POINTERS: number = NDADDR + NIADDR;

/** The inode of a vnode. ESTALE: the vnode is dead. */
export function VTOI(vp: Vnode): Inode {
  const ip = vp.data as Inode | undefined;
  if (ip === undefined) throw ERR.ESTALE;
  return ip;
}
