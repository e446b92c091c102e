/**
 * The table of a large directory's names (dirindex.ts), as it is made from the blocks, kept right through changes, and given up.
 *
 * It joins the transaction: what is undone on disk is undone in the table. Where memory is short there is none, and searches go through the blocks.
 */
import { bytestrOf } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { hashName } from '@anykernel/rumpvfs';
import type { DirIndex } from '@anykernel/ufs';
import { checkedLen, dirBlock, isSealed, nameLen, usedLen } from './dirblock.js';
import type { Inode } from './inode.js';
import { DE_HEADER, FL_INDEX } from './ondisk.js';

/** Entries walked over in one directory before it gets a table. */
const WALKS_BEFORE_INDEX = 256;
/** Bytes of an entry, about. */
const ENTRY_LEN = 32;

/** The directory's table, made if it pays. */
export function indexOf(ip: Inode): DirIndex | undefined {
  const { index } = ip;
  if (index !== undefined) {
    ip.fs.indexes.renew(index);
    return index;
  }
  if (ip.noIndex || ip.isInline || isSealed(ip) || ip.walked < walksBefore(ip)) return undefined;
  return buildIndex(ip);
}

/** Entries that are walked over before a table pays: of a large directory without a tree none, of one with a tree about as many as it has. */
function walksBefore(ip: Inode): number {
  if ((ip.flags & FL_INDEX) !== 0) return Math.max(WALKS_BEFORE_INDEX, ip.size / ENTRY_LEN);
  return ip.size <= 4 * ip.fs.bsize && ip.size <= 4096 ? WALKS_BEFORE_INDEX : 0;
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
    for (let off = 0; off < fs.dirEnd; ) {
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
export function indexAdd(ip: Inode, name: string, off: number, gap: number): void {
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

/** As indexAdd(), for a name that goes. */
export function indexRemove(ip: Inode, name: string, off: number, gap: number): void {
  const { index } = ip;
  if (index === undefined) return;
  const hash = hashName(name, index.seed);
  const b = off >> ip.fs.bshift;
  const before = index.gap(b);
  index.remove(hash, off);
  if (gap > before) index.setGap(b, gap);
  ip.fs.txn.undo(() => {
    index.putBack(hash, off);
    index.setGap(b, before);
  });
}

/** An entry has moved: the one at `at` of `data` was at offset `from`, and is at `to`. */
export function indexMove(ip: Inode, data: Uint8Array, at: number, from: number, to: number): void {
  const { index } = ip;
  if (index === undefined || from === to) return;
  const hash = hashBytes(data, at + DE_HEADER, nameLen(ip, data, at), index.seed);
  try {
    index.insert(hash, to);
    index.remove(hash, from);
    ip.fs.txn.undo(() => {
      index.remove(hash, to);
      index.putBack(hash, from);
    });
  } catch (e) {
    if (e !== ERR.ENOMEM) throw e;
    dropIndex(ip);
    ip.noIndex = true;
  }
}
