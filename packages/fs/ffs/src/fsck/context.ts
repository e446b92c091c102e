/** What the passes of the checker share: geometry, the state of each inode, which fragments are in use, and what was found. */
import { ERR } from '@anykernel/lib-sys';
import { DINODE1, DINODE2, type DinodeLayout, type DirFormat, get64, set64 } from '@anykernel/ufs';
import { type SuperInfo, cgStart } from '../ondisk.js';
import type { Store } from './store.js';

/** States of an inode. */
export const FREE = 0;
export const FILE = 1;
export const DIR = 2;
/** A directory that is reached from the root. */
export const FOUND = 3;
/** The file system's own: no directory names it. */
export const SYSTEM = 4;

/** Something that is wrong, and what was done, or is to be. */
export interface Problem {
  readonly text: string;
}

/** Inodes, and fragments, that fit into the tables. */
const INODES_MAX = 1 << 27;
const FRAGS_MAX = 2 ** 33;
const PROBLEMS_MAX = 10_000;

export class Context {
  readonly info: SuperInfo;
  readonly store: Store;
  readonly le: boolean;
  readonly lay: DinodeLayout;
  readonly dir: DirFormat;
  readonly fsize: number;
  readonly bsize: number;
  readonly frag: number;
  /** Seconds: when it is checked. */
  readonly time: number;
  readonly inodes: number;
  readonly state: Uint8Array;
  /** How often directories name an inode, as they are found. */
  readonly links: Int32Array;
  /** A bit for each fragment that is in use. */
  readonly used: Uint8Array;
  readonly problems: Problem[] = [];
  more = 0;

  /** ENOMEM: it is too large for the tables. */
  constructor(info: SuperInfo, store: Store, time: number) {
    this.info = info;
    this.store = store;
    this.time = time;
    this.le = info.le;
    this.lay = info.version === 2 ? DINODE2 : DINODE1;
    this.dir = { le: info.le, typed: true };
    this.fsize = 2 ** info.fshift;
    this.bsize = 2 ** info.bshift;
    this.frag = 2 ** (info.bshift - info.fshift);
    this.inodes = info.ncg * info.ipg;
    if (this.inodes > INODES_MAX || info.size > FRAGS_MAX) throw ERR.ENOMEM;
    this.state = new Uint8Array(this.inodes);
    this.links = new Int32Array(this.inodes);
    this.used = new Uint8Array(Math.ceil(info.size / 8));
    for (let g = 0; g < info.ncg; g++) this.take(g === 0 ? 0 : cgStart(info, g) + info.sblkno, cgStart(info, g) + info.dblkno);
    this.take(info.csaddr, info.csaddr + Math.ceil(info.cssize / this.fsize));
  }

  say(text: string): void {
    if (this.problems.length < PROBLEMS_MAX) this.problems.push({ text });
    else this.more++;
  }

  // -- fragments

  isUsed(addr: number): boolean {
    return ((this.used[Math.floor(addr / 8)] >> (addr & 7)) & 1) === 1;
  }
  take(from: number, to: number): void {
    for (let a = from; a < to; a++) this.used[Math.floor(a / 8)] |= 1 << (a & 7);
  }
  give(from: number, to: number): void {
    for (let a = from; a < to; a++) this.used[Math.floor(a / 8)] &= ~(1 << (a & 7));
  }

  /** Why a file may not have these fragments; undefined: it may, and they are its from now on. */
  claim(addr: number, count: number): 'bad' | 'dup' | undefined {
    if (!(addr > 0 && addr + count <= this.info.size) || (addr & (this.frag - 1)) + count > this.frag) return 'bad';
    const g = Math.floor(addr / this.info.fpg);
    const start = cgStart(this.info, g);
    if (addr < start + this.info.dblkno && (g === 0 || addr + count > start + this.info.sblkno)) return 'bad';
    for (let a = addr; a < addr + count; a++) if (this.isUsed(a)) return 'dup';
    this.take(addr, addr + count);
    return undefined;
  }

  /** A free block, in use from now on; 0: there is none. */
  freeBlock(): number {
    for (let addr = 0; addr + this.frag <= this.info.size; addr += this.frag) {
      if (this.isUsed(addr)) continue;
      if (this.claim(addr, this.frag) === undefined) return addr;
    }
    return 0;
  }

  // -- inodes

  /** Where inode `ino` is, in bytes. */
  inodeAt(ino: number): number {
    const g = Math.floor(ino / this.info.ipg);
    return (cgStart(this.info, g) + this.info.iblkno) * this.fsize + (ino - g * this.info.ipg) * this.lay.len;
  }

  /** Inode `ino`, to look at, or to change. */
  inode(ino: number, change = false): Dinode {
    const at = this.inodeAt(ino);
    const addr = Math.floor(at / this.fsize);
    return new Dinode(this, ino, change ? this.store.change(addr) : this.store.frag(addr), at % this.fsize);
  }

  /** Fragments of block `lbn` of a file of `size` bytes. */
  fragsOf(size: number, lbn: number): number {
    const rest = size - lbn * this.bsize;
    if (lbn >= 12 || rest >= this.bsize) return this.frag;
    return rest <= 0 ? 0 : Math.ceil(rest / this.fsize);
  }
}

/** An inode's bytes in a fragment. */
export class Dinode {
  readonly c: Context;
  readonly ino: number;
  readonly data: Uint8Array;
  readonly off: number;
  readonly #view: DataView;

  constructor(c: Context, ino: number, data: Uint8Array, off: number) {
    this.c = c;
    this.ino = ino;
    this.data = data;
    this.off = off;
    this.#view = new DataView(data.buffer, data.byteOffset + off, c.lay.len);
  }

  u32(field: number): number {
    return this.#view.getUint32(field, this.c.le);
  }
  set32(field: number, value: number): void {
    this.#view.setUint32(field, value, this.c.le);
  }
  get mode(): number {
    return this.#view.getUint16(0, this.c.le);
  }
  set mode(value: number) {
    this.#view.setUint16(0, value, this.c.le);
  }
  get nlink(): number {
    return this.#view.getInt16(2, this.c.le);
  }
  set nlink(value: number) {
    this.#view.setInt16(2, value, this.c.le);
  }
  get size(): number {
    return get64(this.#view, this.c.lay.size, this.c.le);
  }
  set size(value: number) {
    set64(this.#view, this.c.lay.size, value, this.c.le);
  }
  get blocks(): number {
    return this.c.lay.wide ? get64(this.#view, this.c.lay.blocks, this.c.le) : this.u32(this.c.lay.blocks);
  }
  set blocks(value: number) {
    if (this.c.lay.wide) set64(this.#view, this.c.lay.blocks, value, this.c.le);
    else this.set32(this.c.lay.blocks, value);
  }
  ptr(i: number): number {
    return this.c.lay.wide ? get64(this.#view, this.c.lay.db + 8 * i, this.c.le) : this.u32(this.c.lay.db + 4 * i);
  }
  setPtr(i: number, addr: number): void {
    this.#put(this.c.lay.db, i, addr);
  }
  extPtr(i: number): number {
    return get64(this.#view, this.c.lay.extb + 8 * i, this.c.le);
  }
  setExtPtr(i: number, addr: number): void {
    set64(this.#view, this.c.lay.extb + 8 * i, addr, this.c.le);
  }
  #put(base: number, i: number, value: number): void {
    if (this.c.lay.wide) set64(this.#view, base + 8 * i, value, this.c.le);
    else this.set32(base + 4 * i, value);
  }
  setTime(sec: number): void {
    for (const field of [this.c.lay.atime, this.c.lay.mtime, this.c.lay.ctime]) {
      if (this.c.lay.wide) set64(this.#view, field, sec, this.c.le);
      else this.set32(field, sec >>> 0);
    }
  }
  clear(): void {
    this.data.fill(0, this.off, this.off + this.c.lay.len);
  }
}
