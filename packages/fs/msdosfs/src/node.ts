/**
 * A file in memory: a view of its directory entry in the buffer that it holds. Nothing is copied, so a transaction that fails takes changes back by
 * itself. The root, and a file that has lost its name, have an entry of their own, which is on no disk.
 *
 * A directory is known by its first cluster, and other files by where their entries are. Each holds the one above it: that is how `..` is found,
 * and why a directory that is below itself is noticed.
 */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { type Buf, VDIR, VREG, Vnode } from '@anykernel/rumpvfs';
import { Chain } from './chain.js';
import type { DirIndex } from './dirindex.js';
import { dosDate, dosFine, dosTime, secondsOfDos } from './dostime.js';
import type { MsdosFs } from './fs.js';
import {
  ATTR_ARCHIVE, ATTR_DIRECTORY, DE_ADATE, DE_ATTR, DE_CDATE, DE_CTIME, DE_CTIME_FINE, DE_MDATE, DE_MTIME, DE_SIZE, DE_START, DE_START_HIGH, DIRENT_LEN,
} from './ondisk.js';

/** The number of the root. No entry is at that place: it is in the boot sector. */
export const ROOT_INO = 1;

export class Node {
  readonly fs: MsdosFs;
  readonly ino: number;
  /** The directory that it is in; undefined: the root. */
  parent: Node | undefined;
  /** Where its short entry is in that directory, and how many entries of a long name stand before it. */
  slot = -1;
  longs = 0;
  /** What it is found by; -1: it is not to be found. */
  place = -1;
  /** Files in memory that have it for their parent. */
  children = 0;
  vp: Vnode | undefined = undefined;
  readonly chain: Chain;
  /** A directory's names and free entries, when they are in memory. */
  index: DirIndex | undefined = undefined;
  /** It has lost its name. */
  removed = false;
  /** Its clusters are free. */
  destroyed = false;
  /** The day of its last use, which its entry does not say yet; -1: it does. */
  accessed = -1;
  #bp: Buf | undefined;
  #data: Uint8Array;
  #off: number;
  #seq = -1;

  /** Its entry is at `off` of the block, which it holds; without one it gets an empty one of its own. */
  constructor(fs: MsdosFs, ino: number, parent: Node | undefined, bp: Buf | undefined, off: number) {
    this.fs = fs;
    this.ino = ino;
    this.parent = parent;
    this.chain = new Chain(fs);
    this.#bp = bp;
    this.#data = bp?.data ?? new Uint8Array(DIRENT_LEN);
    this.#off = bp === undefined ? 0 : off;
    if (bp !== undefined) fs.bcache.hold(bp);
    if (parent !== undefined) parent.children++;
  }

  get isRoot(): boolean {
    return this.parent === undefined;
  }

  /** Its bytes will change: once for each transaction they are kept as they were. */
  dirty(): void {
    const { fs } = this;
    if (this.#seq === fs.seq) return;
    if (this.#bp !== undefined) fs.txn.dirty(this.#bp, this.#off, DIRENT_LEN);
    else {
      const [data, off] = [this.#data, this.#off];
      const before = data.slice(off, off + DIRENT_LEN);
      fs.txn.undo(() => data.set(before, off));
    }
    this.#seq = fs.seq;
  }

  /** A copy of the entry's 32 bytes. */
  bytes(): Uint8Array {
    return this.#data.slice(this.#off, this.#off + DIRENT_LEN);
  }

  /** Whether its entry is in this block. */
  isIn(bp: Buf): boolean {
    return this.#bp === bp;
  }

  /** Its entry is another one from here on; without a buffer, one of its own with what the old one says. Within a transaction. */
  moveTo(bp: Buf | undefined, off: number): void {
    const { fs } = this;
    const [oldBp, oldData, oldOff] = [this.#bp, this.#data, this.#off];
    const data = bp?.data ?? this.bytes();
    if (bp !== undefined) fs.bcache.hold(bp);
    this.#bp = bp;
    this.#data = data;
    this.#off = bp === undefined ? 0 : off;
    this.#seq = -1;
    fs.txn.undo(() => {
      if (bp !== undefined) fs.bcache.rele(bp);
      this.#bp = oldBp;
      this.#data = oldData;
      this.#off = oldOff;
      this.#seq = -1;
    });
    if (oldBp !== undefined) fs.txn.commit(() => fs.bcache.rele(oldBp));
  }

  /** Lets go of its buffer. */
  release(): void {
    if (this.#bp !== undefined) this.fs.bcache.rele(this.#bp);
    this.#bp = undefined;
    this.#data = this.bytes();
    this.#off = 0;
  }

  #u16(field: number): number {
    return getU16le(this.#data, this.#off + field);
  }
  #set16(field: number, value: number): void {
    putU16le(this.#data, this.#off + field, value);
  }

  get attr(): number {
    return this.#data[this.#off + DE_ATTR];
  }
  set attr(value: number) {
    this.#data[this.#off + DE_ATTR] = value;
  }
  get isDir(): boolean {
    return this.isRoot || (this.attr & ATTR_DIRECTORY) !== 0;
  }
  /** The first cluster; 0: there is none. */
  get start(): number {
    return startOf(this.fs, this.#data, this.#off);
  }
  set start(value: number) {
    this.#set16(DE_START, value & 0xffff);
    if (this.fs.info.bits === 32) this.#set16(DE_START_HIGH, value >>> 16);
  }
  /** Bytes of a regular file. */
  get size(): number {
    return getU32le(this.#data, this.#off + DE_SIZE);
  }
  set size(value: number) {
    putU32le(this.#data, this.#off + DE_SIZE, value);
  }

  // -- times, in seconds

  get mtime(): number {
    return secondsOfDos(this.#u16(DE_MDATE), this.#u16(DE_MTIME), this.fs.looks.gmtoff);
  }
  /** The start of the day; where no day was kept, the time of modification. */
  get atime(): number {
    const date = this.accessed >= 0 ? this.accessed : this.#u16(DE_ADATE);
    return date === 0 ? this.mtime : secondsOfDos(date, 0, this.fs.looks.gmtoff);
  }
  get birthtime(): number {
    if (this.#u16(DE_CDATE) === 0) return this.mtime;
    return secondsOfDos(this.#u16(DE_CDATE), this.#u16(DE_CTIME), this.fs.looks.gmtoff) + (this.#fine >= 100 ? 1 : 0);
  }
  get birthtimeNsec(): number {
    return this.#u16(DE_CDATE) === 0 ? 0 : (this.#fine % 100) * 10_000_000;
  }
  get #fine(): number {
    return Math.min(199, this.#data[this.#off + DE_CTIME_FINE]);
  }
  get accessDate(): number {
    return this.accessed >= 0 ? this.accessed : this.#u16(DE_ADATE);
  }

  /** The setters are for within a transaction, after dirty(). */
  setMtime(sec: number): void {
    this.#set16(DE_MDATE, dosDate(sec, this.fs.looks.gmtoff));
    this.#set16(DE_MTIME, dosTime(sec, this.fs.looks.gmtoff));
  }
  setAccessDate(date: number): void {
    this.accessed = -1;
    this.#set16(DE_ADATE, date);
  }
  setBirthtime(sec: number, nsec: number): void {
    const { gmtoff } = this.fs.looks;
    this.#set16(DE_CDATE, dosDate(sec, gmtoff));
    this.#set16(DE_CTIME, dosTime(sec, gmtoff));
    this.#data[this.#off + DE_CTIME_FINE] = dosFine(sec, nsec, gmtoff);
  }

  /** Its contents have changed. Within a transaction. */
  touch(): void {
    this.dirty();
    this.setMtime(this.fs.now().sec);
    if (!this.isDir) this.attr |= ATTR_ARCHIVE;
  }
}

/** The first cluster that a directory entry names. */
export function startOf(fs: MsdosFs, b: Uint8Array, off: number): number {
  const low = getU16le(b, off + DE_START);
  return fs.info.bits === 32 ? (low | (getU16le(b, off + DE_START_HIGH) << 16)) >>> 0 : low;
}

/** The file of a vnode. ESTALE: the vnode is dead. */
export function VTON(vp: Vnode): Node {
  const node = vp.data as Node | undefined;
  if (node === undefined) throw ERR.ESTALE;
  return node;
}

/** Where a file's entry is, as a number: in a volume there is one entry at each. */
export function placeOf(off: number): number {
  return off / DIRENT_LEN;
}

/** The vnode of a file in memory. */
export function vnodeOf(node: Node): Vnode {
  if (node.vp !== undefined) node.vp.recent = true;
  return node.vp ?? node.fs.mp.vget(node.ino);
}

/** vget()'s: the vnode of a file that is in memory. ESTALE: there is no such one. */
export function loadVnode(fs: MsdosFs, ino: number): Vnode {
  const node = fs.byIno.get(ino);
  if (node === undefined) throw ERR.ESTALE;
  const vp = new Vnode(node.isDir ? VDIR : VREG, fs.ops, fs.mp, node, ino);
  node.vp = vp;
  return vp;
}

/** A file that has come into memory can be found: a directory by its first cluster, another file by the place of its entry. */
export function enroll(node: Node, place: number): void {
  const { fs } = node;
  node.place = place;
  fs.byIno.set(node.ino, node);
  placesOf(node).set(place, node);
}

function placesOf(node: Node): Map<number, Node> {
  return node.isDir ? node.fs.dirs : node.fs.files;
}

/** It is found by another place from here on, or by none (-1). Within a transaction. */
export function movePlace(node: Node, place: number): void {
  const places = placesOf(node);
  const before = node.place;
  const move = (from: number, to: number): void => {
    if (places.get(from) === node) places.delete(from);
    if (to >= 0) places.set(to, node);
    node.place = to;
  };
  move(before, place);
  node.fs.txn.undo(() => move(place, before));
}

/** reclaim(): the vnode goes, and with it the file, unless one below needs it. Its parent may be the next. */
export function forgetNode(node: Node, drop: (dir: Node) => void): void {
  const { fs } = node;
  for (let n: Node | undefined = node; n !== undefined && n.vp === undefined && n.children === 0; ) {
    const { parent }: Node = n;
    const places = placesOf(n);
    fs.byIno.delete(n.ino);
    if (places.get(n.place) === n) places.delete(n.place);
    fs.lazyTimes.delete(n);
    drop(n);
    n.release();
    if (parent !== undefined) parent.children--;
    n = parent;
  }
}
