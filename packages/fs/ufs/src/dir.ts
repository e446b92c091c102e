/**
 * Directories: chunks of 512 bytes full of entries, each of which says how far away the next one is.
 *
 * An entry stays where it is for as long as it lives, so that its offset serves as readdir's cookie. A name that goes leaves its room to the entry before it,
 * or, in a large directory, stays as an empty entry. Every entry is checked before it is used; a chunk that makes no sense gives EIO.
 */
import { bytestrOf } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { type EmitDirent, hashName } from '@anykernel/rumpvfs';
import { badEntry, checkedLen, dirEnd, dirFrag, dirFrags, entryIno, isNamed, nameLen, newDirChunk, stepLen, usedLen } from './dirblock.js';
import type { DirIndex } from './dirindex.js';
import { hashBytes, indexAdd, indexRemove, makeIndex } from './dirtable.js';
import type { Inode } from './inode.js';
import { T_CHANGE, T_UPDATE } from './inodefs.js';
import { DE_HEADER, DIRBLKSIZ, DT_WHT, IFMT, direntLen, direntType, emitDirent, putDirentIno, putDirentReclen } from './ondisk.js';

/** Entries that went away in a large directory, for each of its fragments, before gaps are joined rather than the directory grows. */
const LOOSE_MAX = 8;
/** Entries walked over in one directory before it gets a table, and the bytes from which on it does at once. */
const WALKS_BEFORE_INDEX = 256;
const LARGE = 4096;

// -- the table of its names

/** The directory's table, made if it pays. */
function indexOf(ip: Inode): DirIndex | undefined {
  const { index } = ip;
  if (index !== undefined) {
    ip.fs.indexes.renew(index);
    return index;
  }
  if (ip.noIndex || (ip.walked < WALKS_BEFORE_INDEX && ip.size <= LARGE)) return undefined;
  return makeIndex(ip, fillIndex);
}

function fillIndex(ip: Inode, index: DirIndex): void {
  for (let f = 0; f < dirFrags(ip); f++) {
    const { data } = dirFrag(ip, f);
    const end = dirEnd(ip, f);
    let gap = 0;
    for (let off = 0; off < end; ) {
      const len = checkedLen(ip, data, f, off);
      const used = usedLen(ip, data, f, off, len);
      if (used > 0) index.insert(hashBytes(index, data, off + DE_HEADER, nameLen(ip, data, off)), f * ip.fs.fsize + off);
      if (len - used > gap) gap = len - used;
      off += len;
    }
    index.setGap(f, gap);
  }
}

// -- searching

/** The offset of the entry called `name`, whose inode is fs.foundIno then; or -1. EIO. */
export function dirFind(ip: Inode, name: string): number {
  const index = indexOf(ip);
  if (index === undefined) return findLinear(ip, name);
  const hash = hashName(name, index.seed);
  const { fs } = ip;
  for (let off = index.find(hash, -1); off >= 0; ) {
    const { slot } = index;
    const { data } = dirFrag(ip, off >> fs.fshift);
    const at = off & (fs.fsize - 1);
    if (isNamed(ip, data, at, name)) {
      fs.foundIno = entryIno(ip, data, at);
      return off;
    }
    off = index.find(hash, slot);
  }
  return -1;
}

function findLinear(ip: Inode, name: string): number {
  const { fs } = ip;
  const frags = dirFrags(ip);
  for (let f = 0; f < frags; f++) {
    const { data } = dirFrag(ip, f);
    const end = dirEnd(ip, f);
    for (let off = 0; off < end; off += checkedLen(ip, data, f, off)) {
      ip.walked++;
      if (!isNamed(ip, data, off, name)) continue;
      checkedLen(ip, data, f, off);
      fs.foundIno = entryIno(ip, data, off);
      return f * fs.fsize + off;
    }
  }
  return -1;
}

// -- changing; all within a transaction

/** Adds a name that is not there. ENOSPC, EIO. */
export function dirEnter(ip: Inode, name: string, ino: number, mode: number): void {
  const need = direntLen(name.length);
  const frags = dirFrags(ip);
  const index = indexOf(ip);
  if (index === undefined) {
    let f = 0;
    while (f < frags && !enterInFrag(ip, f, need, name, ino, mode)) f++;
    if (f === frags) enterInNewChunk(ip, need, name, ino, mode);
  } else if (!enterInHole(ip, index, need, name, ino, mode) && !enterByIndex(ip, index, need, name, ino, mode)) {
    if (index.loose > LOOSE_MAX * frags) joinGaps(ip, index);
    if (!enterByIndex(ip, index, need, name, ino, mode)) enterInNewChunk(ip, need, name, ino, mode);
  }
  ip.touch(T_CHANGE | T_UPDATE);
}

/** In the first fragment that has room by the table. */
function enterByIndex(ip: Inode, index: DirIndex, need: number, name: string, ino: number, mode: number): boolean {
  for (let f = index.blockFor(need); f >= 0; f = index.blockFor(need)) if (enterInFrag(ip, f, need, name, ino, mode)) return true;
  return false;
}

/** Empty entries that stand behind each other in a chunk become one, all over the directory. */
function joinGaps(ip: Inode, index: DirIndex): void {
  const { fs } = ip;
  index.hole = -1;
  index.loose = 0;
  for (let f = 0; f < dirFrags(ip); f++) {
    const bp = dirFrag(ip, f);
    const { data } = bp;
    const end = dirEnd(ip, f);
    let gap = 0;
    for (let off = 0; off < end; ) {
      let len = stepLen(ip, data, f, off);
      const own = len;
      const chunkEnd = (off & -DIRBLKSIZ) + DIRBLKSIZ;
      while (off + len < chunkEnd && entryIno(ip, data, off + len) === 0) len += stepLen(ip, data, f, off + len);
      if (len !== own) {
        fs.txn.dirty(bp, off, DE_HEADER);
        putDirentReclen(data, off, len, fs.le);
      }
      gap = Math.max(gap, len - usedLen(ip, data, f, off, len));
      off += len;
    }
    index.setGap(f, gap);
  }
}

/** In the place of the entry that went last, if that is still free. */
function enterInHole(ip: Inode, index: DirIndex, need: number, name: string, ino: number, mode: number): boolean {
  const off = index.hole;
  if (off < 0 || off >= ip.size) return false;
  const { fs } = ip;
  const f = off >> fs.fshift;
  const at = off & (fs.fsize - 1);
  const bp = dirFrag(ip, f);
  if (entryIno(ip, bp.data, at) !== 0) return false;
  const len = stepLen(ip, bp.data, f, at);
  if (len < need) return false;
  index.hole = -1;
  fs.txn.dirty(bp, at, need);
  emitDirent(bp.data, at, fs.dir, ino, len, mode, name);
  indexAdd(ip, name, off, f, index.gap(f));
  return true;
}

/** In the first gap of fragment `f` that is large enough; false: there is none, and the table knows then. */
function enterInFrag(ip: Inode, f: number, need: number, name: string, ino: number, mode: number): boolean {
  const { fs } = ip;
  const bp = dirFrag(ip, f);
  const { data } = bp;
  const end = dirEnd(ip, f);
  let at = -1;
  let atLen = 0;
  let atUsed = 0;
  let gap = 0;
  for (let off = 0; off < end; ) {
    const len = stepLen(ip, data, f, off);
    const used = usedLen(ip, data, f, off, len);
    if (at < 0 && len - used >= need) {
      at = off;
      atLen = len;
      atUsed = used;
    } else if (len - used > gap) gap = len - used;
    off += len;
  }
  if (at < 0) {
    ip.index?.setGap(f, gap);
    return false;
  }
  const where = at + atUsed;
  fs.txn.dirty(bp, at, atUsed + need);
  if (atUsed > 0) putDirentReclen(data, at, atUsed, fs.le);
  emitDirent(data, where, fs.dir, ino, atLen - atUsed, mode, name);
  indexAdd(ip, name, f * fs.fsize + where, f, Math.max(gap, atLen - atUsed - need));
  return true;
}

function enterInNewChunk(ip: Inode, need: number, name: string, ino: number, mode: number): void {
  const { fs } = ip;
  const off = ip.size;
  if (off + DIRBLKSIZ > 0x7fff_ffff) throw ERR.ENOSPC;
  const bp = newDirChunk(ip);
  emitDirent(bp.data, off & (fs.fsize - 1), fs.dir, ino, DIRBLKSIZ, mode, name);
  const { index } = ip;
  if (index === undefined) return;
  const f = off >> fs.fshift;
  const begun = (off & (fs.fsize - 1)) !== 0;
  if (!begun) fs.txn.undo(() => index.cutTo(f));
  indexAdd(ip, name, off, f, Math.max(begun ? index.gap(f) : 0, DIRBLKSIZ - need));
}

/**
 * Takes the name at `off`, which dirFind() has found. In a large directory its entry stays, empty, and the next name may have it; in a small one its room
 * goes to the entry before. EIO.
 */
export function dirRemove(ip: Inode, name: string, off: number): void {
  const { fs } = ip;
  const f = off >> fs.fshift;
  const at = off & (fs.fsize - 1);
  const bp = dirFrag(ip, f);
  const { data } = bp;
  const len = stepLen(ip, data, f, at);
  const prev = ip.index === undefined ? entryBefore(ip, data, f, at) : -1;
  let gap = len;
  if (prev < 0) {
    fs.txn.dirty(bp, at, 4);
    putDirentIno(data, at, 0, fs.le);
    if (ip.index !== undefined) {
      ip.index.hole = off;
      ip.index.loose++;
    }
  } else {
    const whole = at - prev + len;
    gap = whole - usedLen(ip, data, f, prev, at - prev);
    fs.txn.dirty(bp, prev, at - prev + DE_HEADER);
    putDirentReclen(data, prev, whole, fs.le);
    putDirentIno(data, at, 0, fs.le);
  }
  indexRemove(ip, name, off, f, gap);
  ip.touch(T_CHANGE | T_UPDATE);
}

/** Where the entry before the one at `at` begins; -1: that is the first of its chunk. */
function entryBefore(ip: Inode, data: Uint8Array, f: number, at: number): number {
  let prev = -1;
  for (let o = at & -DIRBLKSIZ; o < at; ) {
    prev = o;
    o += stepLen(ip, data, f, o);
    if (o > at) badEntry(ip, f, prev);
  }
  return prev;
}

/** The entry at `off` stands for another file from now on. */
export function dirRewrite(ip: Inode, off: number, ino: number, mode: number): void {
  const { fs } = ip;
  const bp = dirFrag(ip, off >> fs.fshift);
  const at = off & (fs.fsize - 1);
  fs.txn.dirty(bp, at, DE_HEADER);
  putDirentIno(bp.data, at, ino, fs.le);
  if (fs.dir.typed) bp.data[at + 6] = (mode & IFMT) >> 12;
  ip.touch(T_CHANGE | T_UPDATE);
}

// -- reading

/** Gives the entries from offset `cookie` on. EINVAL: it is no offset. EIO. */
export function dirRead(ip: Inode, cookie: number, emit: EmitDirent): void {
  const { fs } = ip;
  if (!Number.isSafeInteger(cookie) || cookie < 0) throw ERR.EINVAL;
  const frags = dirFrags(ip);
  for (let f = Math.floor(cookie / fs.fsize); f < frags; f++) {
    const { data } = dirFrag(ip, f);
    const end = dirEnd(ip, f);
    for (let off = 0; off < end; ) {
      const len = checkedLen(ip, data, f, off);
      const here = f * fs.fsize + off;
      if (here >= cookie && entryIno(ip, data, off) !== 0 && !emitEntry(ip, data, off, here + len, emit)) return;
      off += len;
    }
  }
}

function emitEntry(ip: Inode, data: Uint8Array, off: number, next: number, emit: EmitDirent): boolean {
  const type = direntType(data, off, ip.fs.dir);
  if (type === DT_WHT) return true;
  const name = bytestrOf(data, off + DE_HEADER, off + DE_HEADER + nameLen(ip, data, off));
  return emit(entryIno(ip, data, off), type, name, next);
}
