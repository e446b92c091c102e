/**
 * Directories: blocks full of entries, each of which says how far away the next one is.
 *
 * An entry stays where it is for as long as it lives, so that its offset serves as readdir's cookie. A name that goes leaves its room to the entry before it.
 * Directories with a hash tree are read like any other (the tree hides in empty entries); the first name that is added here takes the
 * flag away, and with it the tree, as kernels do which know no hash trees.
 * Every entry is checked before it is used; a block that makes no sense gives EIO.
 */
import { bytestrOf, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { EmitDirent } from '@anykernel/rumpvfs';
import { badEntry, checkedLen, dirBlock, dirBlocks, dirData, dirOut, isNamed, nameLen, newDirBlock, stepLen, usedLen } from './dirblock.js';
import { type DirIndex, hashName } from './dirindex.js';
import { indexAdd, indexOf, indexRemove } from './dirtable.js';
import { type Inode, T_CHANGE, T_UPDATE } from './inode.js';
import { DE_HEADER, FL_INDEX, direntLen, dtypeOf, emitDirent, filetypeOf } from './ondisk.js';

/** Entries that went away in a large directory, for each of its blocks, before gaps are joined rather than the directory grows. */
const LOOSE_MAX = 8;

// -- searching

/** The offset of the entry called `name`, whose inode is fs.foundIno then; or -1. EIO. */
export function dirFind(ip: Inode, name: string): number {
  const index = indexOf(ip);
  if (index === undefined) return findLinear(ip, name);
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

function findLinear(ip: Inode, name: string): number {
  const { bsize, dirEnd } = ip.fs;
  const blocks = dirBlocks(ip);
  for (let b = 0; b < blocks; b++) {
    const data = dirData(ip, b);
    for (let off = 0; off < dirEnd; off += checkedLen(ip, data, b, off)) {
      ip.walked++;
      if (isNamed(ip, data, off, name)) {
        checkedLen(ip, data, b, off);
        ip.fs.foundIno = getU32le(data, off);
        return b * bsize + off;
      }
    }
  }
  return -1;
}

// -- changing; all within a transaction

/** Adds a name that is not there. ENOSPC, EIO. */
export function dirEnter(ip: Inode, name: string, ino: number, mode: number): void {
  const need = direntLen(name.length);
  dirOut(ip);
  const blocks = dirBlocks(ip);
  const index = indexOf(ip);
  if (index === undefined) {
    let b = 0;
    while (b < blocks && !enterInBlock(ip, b, need, name, ino, mode)) b++;
    if (b === blocks) enterInNewBlock(ip, blocks, need, name, ino, mode);
  } else if (!enterInHole(ip, index, need, name, ino, mode) && !enterByIndex(ip, index, need, name, ino, mode)) {
    if (index.loose > LOOSE_MAX * blocks) joinGaps(ip, index);
    if (!enterByIndex(ip, index, need, name, ino, mode)) enterInNewBlock(ip, blocks, need, name, ino, mode);
  }
  ip.touch(T_CHANGE | T_UPDATE);
  if ((ip.flags & FL_INDEX) !== 0) ip.flags &= ~FL_INDEX;
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
  indexAdd(ip, name, off, index.gap(b));
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
  indexAdd(ip, name, b * fs.bsize + where, Math.max(gap, atLen - atUsed - need));
  return true;
}

function enterInNewBlock(ip: Inode, b: number, need: number, name: string, ino: number, mode: number): void {
  const { fs } = ip;
  if (b >= fs.info.blocks || (b + 1) * fs.bsize > 0x7fffffff) throw ERR.ENOSPC;
  const bp = newDirBlock(ip, b);
  emitDirent(bp.data, 0, ino, fs.dirEnd, fs.typed ? filetypeOf(mode) : 0, name);
  const { index } = ip;
  if (index !== undefined) fs.txn.undo(() => index.cutTo(b));
  indexAdd(ip, name, b * fs.bsize, fs.dirEnd - need);
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
  indexRemove(ip, name, off, gap);
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
  const name = bytestrOf(data, off + DE_HEADER, off + DE_HEADER + nameLen(ip, data, off));
  return emit(getU32le(data, off), type, name, next);
}
