/**
 * The table of a large directory's names (dirindex.ts), as it is made from the directory, kept right through changes, and given up.
 *
 * It joins the transaction: what is undone on disk is undone in the table. Where memory is short there is none, and searches go through the directory.
 */
import { bytestrOf } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { hashName } from '@anykernel/rumpvfs';
import { checkedLen, dirEnd, dirFrag, dirFrags, nameLen, usedLen } from './dirblock.js';
import type { DirIndex } from './dirindex.js';
import type { Inode } from './inode.js';
import { DE_HEADER } from './ondisk.js';

/** Entries walked over in one directory before it gets a table, and the bytes from which on it does at once. */
const WALKS_BEFORE_INDEX = 256;
const LARGE = 4096;

/** The directory's table, made if it pays. */
export function indexOf(ip: Inode): DirIndex | undefined {
  const { index } = ip;
  if (index !== undefined) {
    ip.fs.indexes.renew(index);
    return index;
  }
  if (ip.noIndex || (ip.walked < WALKS_BEFORE_INDEX && ip.size <= LARGE)) return undefined;
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
  for (let f = 0; f < dirFrags(ip); f++) {
    const { data } = dirFrag(ip, f);
    const end = dirEnd(ip, f);
    let gap = 0;
    for (let off = 0; off < end; ) {
      const len = checkedLen(ip, data, f, off);
      const used = usedLen(ip, data, f, off, len);
      if (used > 0) index.insert(hashBytes(data, off + DE_HEADER, nameLen(ip, data, off), index.seed), f * fs.fsize + off);
      if (len - used > gap) gap = len - used;
      off += len;
    }
    index.setGap(f, gap);
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
export function indexAdd(ip: Inode, name: string, off: number, gap: number): void {
  const { index } = ip;
  if (index === undefined) return;
  const { fs } = ip;
  const hash = hashName(name, index.seed);
  const f = off >> fs.fshift;
  try {
    const before = index.gap(f) ?? 0;
    index.insert(hash, off);
    index.setGap(f, gap);
    fs.txn.undo(() => {
      index.remove(hash, off);
      index.setGap(f, before);
    });
  } catch (e) {
    if (e !== ERR.ENOMEM) throw e;
    dropIndex(ip);
    ip.noIndex = true;
  }
}

/** As indexAdd(), for a name that goes. */
export function indexRemove(ip: Inode, name: string, off: number, gap: number): void {
  const { index } = ip;
  if (index === undefined) return;
  const hash = hashName(name, index.seed);
  const f = off >> ip.fs.fshift;
  const before = index.gap(f);
  index.remove(hash, off);
  if (gap > before) index.setGap(f, gap);
  ip.fs.txn.undo(() => {
    index.putBack(hash, off);
    index.setGap(f, before);
  });
}
