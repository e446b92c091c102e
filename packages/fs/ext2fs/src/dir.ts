/**
 * Directories: blocks full of entries, each of which says how far away the next one is.
 *
 * An entry stays where it is for as long as it lives, so that its offset serves as readdir's cookie. A name that goes leaves its room to the entry before it.
 * In directories with a hash tree (htree.ts), and in those that will have one when their first block is full, entries move, and the cookie is the hash.
 * Every entry is checked before it is used; a block that makes no sense gives EIO.
 */
import { bytesOf, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { type EmitDirent, hashName } from '@anykernel/rumpvfs';
import { type DirIndex, T_CHANGE, T_UPDATE, indexAdd, indexRemove } from '@anykernel/ufs';
import { badEntry, checkedLen, dirBlock, dirBlocks, dirData, dirOut, isNamed, isSealed, nameLen, newDirBlock, shownName, stepLen, usedLen } from './dirblock.js';
import type { DirHash } from './dirhash.js';
import { indexOf } from './dirtable.js';
import { afterDots } from './dots.js';
import { eachLeafFrom, eachLeafOf, leafFor, leafWithRoom, plantTree, treeHash } from './htree.js';
import type { Inode } from './inode.js';
import { DE_HEADER, FL_CASEFOLD, FL_INDEX, direntLen, dtypeOf, emitDirent, filetypeOf } from './ondisk.js';

/** Entries that went away in a large directory, for each of its blocks, before gaps are joined rather than the directory grows. */
const LOOSE_MAX = 8;

// -- searching

/** The offset of the entry called `name`, whose inode is fs.foundIno then; or -1. EIO. */
export function dirFind(ip: Inode, name: string): number {
  const index = indexOf(ip);
  if (index === undefined) return hasTree(ip) && !isSealed(ip) ? findByTree(ip, name) : findLinear(ip, name);
  const hash = hashName(name, index.seed);
  for (let off = index.find(hash, -1); off >= 0; ) {
    const slot = index.slot;
    const { data } = dirBlock(ip, Math.floor(off / ip.fs.bsize));
    const at = off % ip.fs.bsize;
    if (isNamed(ip, data, at, name)) {
      ip.fs.foundIno = getU32le(data, at);
      return off;
    }
    off = index.find(hash, slot);
  }
  return -1;
}

/** Whether the directory has a hash tree. */
function hasTree(ip: Inode): boolean {
  return (ip.flags & FL_INDEX) !== 0 && !ip.isInline;
}

/** By the hash tree; one that makes no sense, or goes by a hash that is not known, is left aside. */
function findByTree(ip: Inode, name: string): number {
  let found = -1;
  try {
    const h = treeHash(ip);
    if (h === undefined || name === '.' || name === '..') return findLinear(ip, name);
    eachLeafOf(ip, hashOf(h, name), (b) => {
      found = findInBlock(ip, b, dirData(ip, b), name);
      return found >= 0;
    });
  } catch (e) {
    if (e !== ERR.EIO) throw e;
    return findLinear(ip, name);
  }
  return found;
}

function hashOf(h: DirHash, name: string): number {
  return h.hash(bytesOf(name), 0, name.length);
}

function findLinear(ip: Inode, name: string): number {
  const blocks = dirBlocks(ip);
  for (let b = 0; b < blocks; b++) {
    const found = findInBlock(ip, b, dirData(ip, b), name);
    if (found >= 0) return found;
  }
  return -1;
}

function findInBlock(ip: Inode, b: number, data: Uint8Array, name: string): number {
  const { bsize, dirEnd } = ip.fs;
  for (let off = 0; off < dirEnd; off += checkedLen(ip, data, b, off)) {
    ip.walked++;
    if (!isNamed(ip, data, off, name)) continue;
    checkedLen(ip, data, b, off);
    ip.fs.foundIno = getU32le(data, off);
    return b * bsize + off;
  }
  return -1;
}

// -- changing; all within a transaction

/** Adds a name that is not there. ENOSPC, EIO. */
export function dirEnter(ip: Inode, name: string, ino: number, mode: number): void {
  const need = direntLen(name.length);
  dirOut(ip);
  const index = indexOf(ip);
  if (hasTree(ip)) enterInTree(ip, need, name, ino, mode);
  else if (index === undefined) enterAnywhere(ip, need, name, ino, mode);
  else if (!enterInHole(ip, index, need, name, ino, mode) && !enterByIndex(ip, index, need, name, ino, mode)) {
    if (index.loose > LOOSE_MAX * dirBlocks(ip)) joinGaps(ip, index);
    if (!enterByIndex(ip, index, need, name, ino, mode)) enterBehind(ip, need, name, ino, mode);
  }
  ip.touch(T_CHANGE | T_UPDATE);
}

/** In the first block that has room. */
function enterAnywhere(ip: Inode, need: number, name: string, ino: number, mode: number): void {
  const blocks = dirBlocks(ip);
  let b = 0;
  while (b < blocks && !enterInBlock(ip, b, need, name, ino, mode)) b++;
  if (b === blocks) enterBehind(ip, need, name, ino, mode);
}

/** There is no room: a directory of one block gets a tree, another a block more. */
function enterBehind(ip: Inode, need: number, name: string, ino: number, mode: number): void {
  if (mayHaveTree(ip)) {
    plantTree(ip, ip.fs.treeVersion);
    enterInTree(ip, need, name, ino, mode);
  } else enterInNewBlock(ip, dirBlocks(ip), need, name, ino, mode);
}

/** Whether the directory gets a tree when it grows: it has one block, or is in its inode, and begins with the dots. */
function mayHaveTree(ip: Inode): boolean {
  if (ip.fs.treeVersion < 0 || dirBlocks(ip) !== 1 || hasTree(ip) || isSealed(ip) || (ip.flags & FL_CASEFOLD) !== 0) return false;
  const data = dirData(ip, 0);
  const len = checkedLen(ip, data, 0, 0);
  return isNamed(ip, data, 0, '.') && getU32le(data, 0) === ip.ino && len < ip.fs.dirEnd && isNamed(ip, data, len, '..');
}

/** In the leaf of its hash. */
function enterInTree(ip: Inode, need: number, name: string, ino: number, mode: number): void {
  const h = treeHash(ip);
  if (h === undefined) ip.fs.corrupt(`directory ${ip.ino}: its hash tree goes by a hash that is not known`);
  const hash = hashOf(h, name);
  if (enterInBlock(ip, leafFor(ip, hash), need, name, ino, mode)) return;
  const b = leafWithRoom(ip, h, hash, need);
  if (!enterInBlock(ip, b, need, name, ino, mode)) ip.fs.corrupt(`directory ${ip.ino}: block ${b} has no room where it should`);
}

/** In the first block that has room by the table. */
function enterByIndex(ip: Inode, index: DirIndex, need: number, name: string, ino: number, mode: number): boolean {
  for (let b = index.blockFor(need); b >= 0; b = index.blockFor(need)) if (enterInBlock(ip, b, need, name, ino, mode)) return true;
  return false;
}

/** Empty entries that stand behind each other become one, all over the directory. */
function joinGaps(ip: Inode, index: DirIndex): void {
  const { fs } = ip;
  index.hole = -1;
  index.loose = 0;
  for (let b = 0; b < ip.size / fs.bsize; b++) {
    const bp = dirBlock(ip, b);
    const { data } = bp;
    let gap = 0;
    for (let off = 0; off < fs.dirEnd; ) {
      let len = stepLen(ip, data, b, off);
      const own = len;
      while (off + len < fs.dirEnd && getU32le(data, off + len) === 0) len += stepLen(ip, data, b, off + len);
      if (len !== own) {
        fs.txn.dirty(bp, off, DE_HEADER);
        putU16le(data, off + 4, len);
      }
      gap = Math.max(gap, len - usedLen(ip, data, b, off, len));
      off += len;
    }
    index.setGap(b, gap);
  }
}

/** In the place of the entry that went last, if that is still free. */
function enterInHole(ip: Inode, index: DirIndex, need: number, name: string, ino: number, mode: number): boolean {
  const off = index.hole;
  if (off < 0 || off >= ip.size) return false;
  const { fs } = ip;
  const b = Math.floor(off / fs.bsize);
  const at = off % fs.bsize;
  const bp = dirBlock(ip, b);
  if (getU32le(bp.data, at) !== 0) return false;
  const len = stepLen(ip, bp.data, b, at);
  if (len < need) return false;
  index.hole = -1;
  fs.txn.dirty(bp, at, need);
  emitDirent(bp.data, at, ino, len, fs.typed ? filetypeOf(mode) : 0, name);
  indexAdd(ip, name, off, b, index.gap(b));
  return true;
}

/** In the first gap of block `b` that is large enough; false: there is none, and the table knows then. */
function enterInBlock(ip: Inode, b: number, need: number, name: string, ino: number, mode: number): boolean {
  const { fs } = ip;
  const bp = dirBlock(ip, b);
  const { data } = bp;
  let at = -1;
  let atLen = 0;
  let atUsed = 0;
  let gap = 0;
  for (let off = 0; off < fs.dirEnd; ) {
    const len = stepLen(ip, data, b, off);
    const used = usedLen(ip, data, b, off, len);
    if (at < 0 && len - used >= need) {
      at = off;
      atLen = len;
      atUsed = used;
    } else if (len - used > gap) gap = len - used;
    off += len;
  }
  if (at < 0) {
    ip.index?.setGap(b, gap);
    return false;
  }
  const where = at + atUsed;
  fs.txn.dirty(bp, at, atUsed + need);
  if (atUsed > 0) putU16le(data, at + 4, atUsed);
  emitDirent(data, where, ino, atLen - atUsed, fs.typed ? filetypeOf(mode) : 0, name);
  indexAdd(ip, name, b * fs.bsize + where, b, Math.max(gap, atLen - atUsed - need));
  return true;
}

function enterInNewBlock(ip: Inode, b: number, need: number, name: string, ino: number, mode: number): void {
  const { fs } = ip;
  if (b >= fs.info.blocks || (b + 1) * fs.bsize > 0x7fffffff) throw ERR.ENOSPC;
  const bp = newDirBlock(ip, b);
  emitDirent(bp.data, 0, ino, fs.dirEnd, fs.typed ? filetypeOf(mode) : 0, name);
  const { index } = ip;
  if (index !== undefined) fs.txn.undo(() => index.cutTo(b));
  indexAdd(ip, name, b * fs.bsize, b, fs.dirEnd - need);
}

/**
 * Takes the name at `off`, which dirFind() has found. In a large directory its entry stays, empty, and the next name may have it; in a small one its room
 * goes to the entry before. EIO.
 */
export function dirRemove(ip: Inode, name: string, off: number): void {
  const { fs } = ip;
  const b = Math.floor(off / fs.bsize);
  const at = off % fs.bsize;
  const bp = dirBlock(ip, b);
  const { data } = bp;
  const len = stepLen(ip, data, b, at);
  const prev = ip.index === undefined ? entryBefore(ip, data, b, at) : -1;
  let gap = len;
  if (prev < 0) {
    fs.txn.dirty(bp, at, 4);
    putU32le(data, at, 0);
    if (ip.index !== undefined) {
      ip.index.hole = off;
      ip.index.loose++;
    }
  } else {
    const whole = at - prev + len;
    gap = whole - usedLen(ip, data, b, prev, at - prev);
    fs.txn.dirty(bp, prev, at - prev + DE_HEADER);
    putU16le(data, prev + 4, whole);
    putU32le(data, at, 0);
  }
  indexRemove(ip, name, off, b, gap);
  ip.touch(T_CHANGE | T_UPDATE);
}

/** Where the entry before the one at `at` begins; -1: that is the first. */
function entryBefore(ip: Inode, data: Uint8Array, b: number, at: number): number {
  let prev = -1;
  for (let o = 0; o < at; ) {
    prev = o;
    o += stepLen(ip, data, b, o);
    if (o > at) badEntry(ip, b, prev);
  }
  return prev;
}

/** The entry at `off` stands for another file from now on. */
export function dirRewrite(ip: Inode, off: number, ino: number, mode: number): void {
  const { fs } = ip;
  const bp = dirBlock(ip, Math.floor(off / fs.bsize));
  const at = off % fs.bsize;
  fs.txn.dirty(bp, at, DE_HEADER);
  putU32le(bp.data, at, ino);
  if (fs.typed) bp.data[at + 7] = filetypeOf(mode);
  ip.touch(T_CHANGE | T_UPDATE);
}

// -- reading

/** Gives the entries from offset `cookie` on. EINVAL: it is no offset. EIO. */
export function dirRead(ip: Inode, cookie: number, emit: EmitDirent): void {
  const { fs } = ip;
  if (!Number.isSafeInteger(cookie) || cookie < 0) throw ERR.EINVAL;
  const h = orderOf(ip);
  if (h !== undefined) {
    readByHash(ip, h, cookie, emit);
    return;
  }
  const blocks = dirBlocks(ip);
  for (let b = Math.floor(cookie / fs.bsize); b < blocks; b++) {
    const data = dirData(ip, b);
    for (let off = 0; off < fs.dirEnd; ) {
      const len = checkedLen(ip, data, b, off);
      const next = b * fs.bsize + off + len;
      if (b * fs.bsize + off >= cookie && getU32le(data, off) !== 0 && !emitEntry(ip, data, off, next, emit)) return;
      off += len;
    }
  }
}

function emitEntry(ip: Inode, data: Uint8Array, off: number, next: number, emit: EmitDirent): boolean {
  const type = ip.fs.typed ? dtypeOf(data[off + 7]) : 0;
  return emit(getU32le(data, off), type, shownName(ip, data, off), next);
}

/** A cookie is hash and minor hash of a name behind those of the dots: 31 bits and 21. */
const MINOR_UNIT = 2 ** 21;
const FIRST_COOKIE = 2;

/** The hash whose order the cookies follow: that of the tree, or of the one that comes when there is a second block; undefined: cookies are offsets. */
function orderOf(ip: Inode): DirHash | undefined {
  if (hasTree(ip)) return treeHash(ip);
  return mayHaveTree(ip) ? ip.fs.dirHash(ip.fs.treeVersion) : undefined;
}

/** In the order of hashes, so that names which stay are seen once whatever moves meanwhile. */
function readByHash(ip: Inode, h: DirHash, cookie: number, emit: EmitDirent): void {
  const first = dirData(ip, 0);
  const behind = afterDots(ip, first);
  if (cookie < 1 && !emitEntry(ip, first, 0, 1, emit)) return;
  if (cookie < FIRST_COOKIE && !emitEntry(ip, first, stepLen(ip, first, 0, 0), FIRST_COOKIE, emit)) return;
  const leaf = (b: number, data: Uint8Array, start: number): boolean => {
    for (const { key, off } of keysOf(ip, h, b, data, start)) if (key >= cookie && !emitEntry(ip, data, off, key + 1, emit)) return true;
    return false;
  };
  const from = Math.max(0, Math.floor((cookie - FIRST_COOKIE) / MINOR_UNIT));
  if (hasTree(ip)) eachLeafFrom(ip, from * 2, (b) => leaf(b, dirData(ip, b), 0));
  else leaf(0, first, behind);
}

function keysOf(ip: Inode, h: DirHash, b: number, data: Uint8Array, start: number): { readonly key: number; readonly off: number }[] {
  const keys: { key: number; off: number }[] = [];
  for (let off = start; off < ip.fs.dirEnd; off += checkedLen(ip, data, b, off)) {
    if (getU32le(data, off) === 0) continue;
    checkedLen(ip, data, b, off);
    const major = h.hash(data, off + DE_HEADER, off + DE_HEADER + nameLen(ip, data, off));
    keys.push({ key: FIRST_COOKIE + (major / 2) * MINOR_UNIT + Math.floor(h.minor / 2 ** 11), off });
  }
  return keys.sort((x, y) => x.key - y.key);
}
