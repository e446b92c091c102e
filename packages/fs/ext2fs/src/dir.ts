/**
 * Directories: blocks full of entries, each of which says how far away the next one is.
 *
 * An entry stays where it is for as long as it lives, so that its offset serves as readdir's cookie. A name that goes leaves its room to the entry before it.
 * Directories with a hash tree are read like any other (the tree hides in empty entries); the first name that is added here takes the
 * flag away, and with it the tree, as kernels do which know no hash trees.
 * Every entry is checked before it is used; a block that makes no sense gives EIO.
 */
import { bytestrOf, equalsBytestr, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { Buf, EmitDirent } from '@anykernel/rumpvfs';
import { balloc } from './balloc.js';
import { bmap } from './bmap.js';
import { type DirIndex, hashName } from './dirindex.js';
import { type Inode, T_CHANGE, T_UPDATE } from './inode.js';
import { DE_HEADER, FL_INDEX, direntCheck, direntLen, dtypeOf, emitDirent, filetypeOf } from './ondisk.js';

/** Entries walked over in one directory before it gets a table. */
const WALKS_BEFORE_INDEX = 256;

/** Block number `b` of a directory. EIO: a hole, or anything that bmap() does not like. */
export function dirBlock(ip: Inode, b: number): Buf {
  const run = ip.fs.scratchRun;
  bmap(ip, b, run);
  if (run.blkno < 0) ip.fs.corrupt(`directory ${ip.ino} has a hole at block ${b}`);
  return ip.fs.bcache.bread(run.blkno);
}

function badEntry(ip: Inode, b: number, off: number): never {
  ip.fs.corrupt(`directory ${ip.ino}: the entry at byte ${off} of block ${b} makes no sense`);
}

/** The length of the entry at `off`, all of it checked. EIO. */
function checkedLen(ip: Inode, data: Uint8Array, b: number, off: number): number {
  const len = direntCheck(data, off, data.length, ip.fs.typed, ip.fs.info.inodes);
  return len === 0 ? badEntry(ip, b, off) : len;
}

/** The length of an entry in a block that was checked before: enough for every access to stay inside. EIO. */
function stepLen(ip: Inode, data: Uint8Array, b: number, off: number): number {
  const len = data[off + 4] | (data[off + 5] << 8);
  if (len < 12 || (len & 3) !== 0 || off + len > data.length) badEntry(ip, b, off);
  return len;
}

function nameLen(ip: Inode, data: Uint8Array, off: number): number {
  return ip.fs.typed ? data[off + 6] : data[off + 6] | (data[off + 7] << 8);
}

/** Bytes of the entry at `off` that are in use. */
function usedLen(ip: Inode, data: Uint8Array, b: number, off: number, reclen: number): number {
  if (getU32le(data, off) === 0) return 0;
  const used = direntLen(nameLen(ip, data, off));
  return used <= reclen ? used : badEntry(ip, b, off);
}

function isNamed(ip: Inode, data: Uint8Array, off: number, name: string): boolean {
  return getU32le(data, off) !== 0 && off + DE_HEADER + name.length <= data.length && equalsBytestr(data, off + DE_HEADER, nameLen(ip, data, off), name);
}

// -- searching

/** The offset of the entry called `name`, or -1. EIO. */
export function dirFind(ip: Inode, name: string): number {
  const index = indexOf(ip);
  if (index === undefined) return findLinear(ip, name);
  const hash = hashName(name, index.seed);
  for (let off = index.find(hash, -1); off >= 0; ) {
    const slot = index.slot;
    const bp = dirBlock(ip, off >> ip.fs.bshift);
    if (isNamed(ip, bp.data, off & (ip.fs.bsize - 1), name)) return off;
    off = index.find(hash, slot);
  }
  return -1;
}

function findLinear(ip: Inode, name: string): number {
  const { bsize } = ip.fs;
  const blocks = ip.size / bsize;
  for (let b = 0; b < blocks; b++) {
    const { data } = dirBlock(ip, b);
    for (let off = 0; off < bsize; off += checkedLen(ip, data, b, off)) {
      ip.walked++;
      if (isNamed(ip, data, off, name)) {
        checkedLen(ip, data, b, off);
        return b * bsize + off;
      }
    }
  }
  return -1;
}

/** The inode number of the entry at `off`. */
export function inoAt(ip: Inode, off: number): number {
  return getU32le(dirBlock(ip, off >> ip.fs.bshift).data, off & (ip.fs.bsize - 1));
}

// -- the table in memory

/** The directory's table, made if it pays. */
function indexOf(ip: Inode): DirIndex | undefined {
  const { index } = ip;
  if (index !== undefined) {
    ip.fs.indexes.renew(index);
    return index;
  }
  if (ip.noIndex || (ip.walked < WALKS_BEFORE_INDEX && ip.size <= 4 * ip.fs.bsize && ip.size <= 4096)) return undefined;
  return buildIndex(ip);
}

function buildIndex(ip: Inode): DirIndex | undefined {
  const { fs } = ip;
  try {
    const index = fs.indexes.make(() => forgetIndex(ip));
    try {
      fillIndex(ip, index);
    } catch (e) {
      fs.indexes.drop(index);
      throw e;
    }
    ip.index = index;
    // Made of bytes that may be taken back.
    if (fs.txn.active) fs.txn.undo(() => dropIndex(ip));
    return index;
  } catch (e) {
    if (e !== ERR.ENOMEM) throw e;
    ip.noIndex = true;
    return undefined;
  }
}

function fillIndex(ip: Inode, index: DirIndex): void {
  const { fs } = ip;
  const blocks = ip.size / fs.bsize;
  for (let b = 0; b < blocks; b++) {
    const { data } = dirBlock(ip, b);
    let gap = 0;
    for (let off = 0; off < fs.bsize; ) {
      const len = checkedLen(ip, data, b, off);
      const used = usedLen(ip, data, b, off, len);
      if (used > 0) index.insert(hashBytes(data, off + DE_HEADER, nameLen(ip, data, off), index.seed), b * fs.bsize + off);
      if (len - used > gap) gap = len - used;
      off += len;
    }
    index.setGap(b, gap);
  }
}

function hashBytes(data: Uint8Array, off: number, len: number, seed: number): number {
  return hashName(bytestrOf(data, off, off + len), seed);
}

function forgetIndex(ip: Inode): void {
  ip.index = undefined;
}

/** The directory's table goes: it is reclaimed, or the table cannot be kept right. */
export function dropIndex(ip: Inode): void {
  if (ip.index !== undefined) ip.fs.indexes.drop(ip.index);
  ip.index = undefined;
}

/** Keeps the table right; one that does not fit any more goes. */
function indexAdd(ip: Inode, name: string, off: number, gap: number): void {
  const { index } = ip;
  if (index === undefined) return;
  const { fs } = ip;
  const hash = hashName(name, index.seed);
  const b = off >> fs.bshift;
  try {
    const before = index.gap(b) ?? 0;
    index.insert(hash, off);
    index.setGap(b, gap);
    fs.txn.undo(() => {
      index.remove(hash, off);
      index.setGap(b, before);
    });
  } catch (e) {
    if (e !== ERR.ENOMEM) throw e;
    dropIndex(ip);
    ip.noIndex = true;
  }
}

function indexRemove(ip: Inode, name: string, off: number, gap: number): void {
  const { index } = ip;
  if (index === undefined) return;
  const hash = hashName(name, index.seed);
  const b = off >> ip.fs.bshift;
  const before = index.gap(b);
  index.remove(hash, off);
  if (gap > before) index.setGap(b, gap);
  ip.fs.txn.undo(() => {
    index.insert(hash, off);
    index.setGap(b, before);
  });
}

// -- changing; all within a transaction

/** Adds a name that is not there. ENOSPC, EIO. */
export function dirEnter(ip: Inode, name: string, ino: number, mode: number): void {
  const { fs } = ip;
  const need = direntLen(name.length);
  const blocks = ip.size / fs.bsize;
  const index = indexOf(ip);
  let done = false;
  for (let b = index === undefined ? 0 : index.blockFor(need); b >= 0 && b < blocks && !done; ) {
    done = enterInBlock(ip, b, need, name, ino, mode);
    if (!done) b = index === undefined ? b + 1 : nextFor(index, b, need);
  }
  if (!done) enterInNewBlock(ip, blocks, need, name, ino, mode);
  ip.touch(T_CHANGE | T_UPDATE);
  if ((ip.flags & FL_INDEX) !== 0) ip.flags &= ~FL_INDEX;
}

/** The table thought that block `b` had room: it has not. */
function nextFor(index: DirIndex, b: number, need: number): number {
  index.setGap(b, 0);
  return index.blockFor(need);
}

function enterInBlock(ip: Inode, b: number, need: number, name: string, ino: number, mode: number): boolean {
  const { fs } = ip;
  const bp = dirBlock(ip, b);
  const { data } = bp;
  let at = -1;
  let atLen = 0;
  let atUsed = 0;
  let gap = 0;
  for (let off = 0; off < fs.bsize; ) {
    const len = stepLen(ip, data, b, off);
    const used = usedLen(ip, data, b, off, len);
    if (at < 0 && len - used >= need) {
      at = off;
      atLen = len;
      atUsed = used;
    } else if (len - used > gap) gap = len - used;
    off += len;
  }
  if (at < 0) return false;
  const where = at + atUsed;
  fs.txn.dirty(bp, at, atUsed + need);
  if (atUsed > 0) putU16le(data, at + 4, atUsed);
  emitDirent(data, where, ino, atLen - atUsed, fs.typed ? filetypeOf(mode) : 0, name);
  indexAdd(ip, name, b * fs.bsize + where, Math.max(gap, atLen - atUsed - need));
  return true;
}

function enterInNewBlock(ip: Inode, b: number, need: number, name: string, ino: number, mode: number): void {
  const { fs } = ip;
  if (b >= fs.info.blocks || (b + 1) * fs.bsize > 0x7fffffff) throw ERR.ENOSPC;
  const bp = newDirBlock(ip, b);
  emitDirent(bp.data, 0, ino, fs.bsize, fs.typed ? filetypeOf(mode) : 0, name);
  const { index } = ip;
  if (index !== undefined) fs.txn.undo(() => index.cutTo(b));
  indexAdd(ip, name, b * fs.bsize, fs.bsize - need);
}

/** Block `b` at the end of a directory: zeros, to be filled at once. */
export function newDirBlock(ip: Inode, b: number): Buf {
  const { fs } = ip;
  balloc(ip, b, 1);
  const run = fs.scratchRun;
  bmap(ip, b, run);
  const bp = fs.bcache.getblk(run.blkno);
  fs.txn.dirty(bp);
  bp.data.fill(0);
  ip.size = (b + 1) * fs.bsize;
  return bp;
}

/** Takes the name at `off`, which dirFind() has found. EIO. */
export function dirRemove(ip: Inode, name: string, off: number): void {
  const { fs } = ip;
  const b = off >> fs.bshift;
  const at = off & (fs.bsize - 1);
  const bp = dirBlock(ip, b);
  const { data } = bp;
  let prev = -1;
  for (let o = 0; o < at; ) {
    prev = o;
    o += stepLen(ip, data, b, o);
    if (o > at) badEntry(ip, b, prev);
  }
  const len = stepLen(ip, data, b, at);
  let gap = len;
  if (prev < 0) {
    fs.txn.dirty(bp, at, 4);
    putU32le(data, at, 0);
  } else {
    const whole = at - prev + len;
    gap = whole - usedLen(ip, data, b, prev, at - prev);
    fs.txn.dirty(bp, prev, at - prev + DE_HEADER);
    putU16le(data, prev + 4, whole);
    putU32le(data, at, 0);
  }
  indexRemove(ip, name, off, gap);
  ip.touch(T_CHANGE | T_UPDATE);
}

/** The entry at `off` stands for another file from now on. */
export function dirRewrite(ip: Inode, off: number, ino: number, mode: number): void {
  const { fs } = ip;
  const bp = dirBlock(ip, off >> fs.bshift);
  const at = off & (fs.bsize - 1);
  fs.txn.dirty(bp, at, DE_HEADER);
  putU32le(bp.data, at, ino);
  if (fs.typed) bp.data[at + 7] = filetypeOf(mode);
  ip.touch(T_CHANGE | T_UPDATE);
}

// -- `.` and `..`

/** The first block of a new directory. */
export function dirInit(ip: Inode, parent: number): void {
  const { fs } = ip;
  const type = fs.typed ? filetypeOf(0o040000) : 0;
  const bp = newDirBlock(ip, 0);
  emitDirent(bp.data, 0, ip.ino, 12, type, '.');
  emitDirent(bp.data, 12, parent, fs.bsize - 12, type, '..');
  ip.parent = parent;
}

/** Where `..` is in block 0: the second entry, behind `.`. EIO. */
function dotdotOff(ip: Inode, data: Uint8Array): number {
  const off = checkedLen(ip, data, 0, 0);
  if (!isNamed(ip, data, 0, '.') || getU32le(data, 0) !== ip.ino || off >= data.length) ip.fs.corrupt(`directory ${ip.ino} does not begin with itself`);
  checkedLen(ip, data, 0, off);
  if (!isNamed(ip, data, off, '..')) ip.fs.corrupt(`directory ${ip.ino} has no parent`);
  return off;
}

/** The inode number of the parent. EIO. */
export function parentOf(ip: Inode): number {
  if (ip.parent !== 0) return ip.parent;
  const { data } = dirBlock(ip, 0);
  ip.parent = getU32le(data, dotdotOff(ip, data));
  return ip.parent;
}

/** The directory was moved. */
export function setParent(ip: Inode, parent: number): void {
  const bp = dirBlock(ip, 0);
  const off = dotdotOff(ip, bp.data);
  ip.fs.txn.dirty(bp, off, 4);
  putU32le(bp.data, off, parent);
  const before = ip.parent;
  ip.parent = parent;
  ip.fs.txn.undo(() => {
    ip.parent = before;
  });
}

/** Whether there is nothing in it but `.` and `..`. EIO. */
export function dirIsEmpty(ip: Inode): boolean {
  const { bsize } = ip.fs;
  if (ip.index !== undefined) return ip.index.count <= 2;
  const blocks = ip.size / bsize;
  for (let b = 0; b < blocks; b++) {
    const { data } = dirBlock(ip, b);
    for (let off = b === 0 ? afterDots(ip, data) : 0; off < bsize; off += checkedLen(ip, data, b, off)) if (getU32le(data, off) !== 0) return false;
  }
  return true;
}

function afterDots(ip: Inode, data: Uint8Array): number {
  const off = dotdotOff(ip, data);
  return off + checkedLen(ip, data, 0, off);
}

// -- reading

/** Gives the entries from offset `cookie` on. EINVAL: it is no offset. EIO. */
export function dirRead(ip: Inode, cookie: number, emit: EmitDirent): void {
  const { fs } = ip;
  if (!Number.isSafeInteger(cookie) || cookie < 0) throw ERR.EINVAL;
  const { size } = ip;
  for (let b = Math.floor(cookie / fs.bsize); b * fs.bsize < size; b++) {
    const { data } = dirBlock(ip, b);
    for (let off = 0; off < fs.bsize; ) {
      const len = checkedLen(ip, data, b, off);
      const next = b * fs.bsize + off + len;
      if (b * fs.bsize + off >= cookie && getU32le(data, off) !== 0 && !emitEntry(ip, data, off, next, emit)) return;
      off += len;
    }
  }
}

function emitEntry(ip: Inode, data: Uint8Array, off: number, next: number, emit: EmitDirent): boolean {
  const type = ip.fs.typed ? dtypeOf(data[off + 7]) : 0;
  const name = bytestrOf(data, off + DE_HEADER, off + DE_HEADER + nameLen(ip, data, off));
  return emit(getU32le(data, off), type, name, next);
}
