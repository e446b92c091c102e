/**
 * The table of a large directory's names (dirindex.ts), as it is kept right through changes, and given up.
 *
 * It joins the transaction: what is undone on disk is undone in the table. Where memory is short there is none, and searches go through the directory.
 */
import { bytestrOf } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import { hashName } from '@anykernel/rumpvfs';
import type { DirIndex } from './dirindex.js';
import type { InodeView } from './inodefs.js';

/** A new table for a directory, which `fill` makes of all that is in it; undefined: there is no memory for it. EIO; sleeps. */
export function makeIndex<D extends InodeView>(ip: D, fill: (ip: D, index: DirIndex) => void): DirIndex | undefined {
  const { fs } = ip;
  try {
    const index = fs.indexes.make(() => forgetIndex(ip));
    try {
      fill(ip, index);
    } catch (e) {
      fs.indexes.drop(index);
      throw e;
    }
    ip.index = index;
    // Made of bytes that may be taken back.
    if (fs.txn.active) fs.txn.undo(() => dropIndex(ip));
    return index;
  } catch (e) {
    giveUp(ip, e);
    return undefined;
  }
}

function forgetIndex(ip: InodeView): void {
  ip.index = undefined;
}

/** The directory's table goes: it is reclaimed, or the table cannot be kept right. */
export function dropIndex(ip: InodeView): void {
  if (ip.index !== undefined) ip.fs.indexes.drop(ip.index);
  ip.index = undefined;
}

/** A table that does not fit goes for good; any other error is thrown on. */
function giveUp(ip: InodeView, e: unknown): void {
  if (e !== ERR.ENOMEM) throw e;
  dropIndex(ip);
  ip.noIndex = true;
}

/** The hash of the `len` bytes of a name at `off`. */
export function hashBytes(index: DirIndex, data: Uint8Array, off: number, len: number): number {
  return hashName(bytestrOf(data, off, off + len), index.seed);
}

/** Keeps the table right: `name` has its entry at `off` of the directory, in block `b`, where the largest gap is `gap` now. Within a transaction. */
export function indexAdd(ip: InodeView, name: string, off: number, b: number, gap: number): void {
  const { index } = ip;
  if (index === undefined) return;
  const hash = hashName(name, index.seed);
  try {
    const before = index.gap(b) ?? 0;
    index.insert(hash, off);
    index.setGap(b, gap);
    ip.fs.txn.undo(() => {
      index.remove(hash, off);
      index.setGap(b, before);
    });
  } catch (e) {
    giveUp(ip, e);
  }
}

/** As indexAdd(), for a name that goes, and leaves a gap of `gap` bytes. */
export function indexRemove(ip: InodeView, name: string, off: number, b: number, gap: number): void {
  const { index } = ip;
  if (index === undefined) return;
  const hash = hashName(name, index.seed);
  const before = index.gap(b);
  index.remove(hash, off);
  if (gap > before) index.setGap(b, gap);
  ip.fs.txn.undo(() => {
    index.putBack(hash, off);
    index.setGap(b, before);
  });
}

/** The entry whose name has this hash has moved. Within a transaction. */
export function indexMove(ip: InodeView, hash: number, from: number, to: number): void {
  const { index } = ip;
  if (index === undefined || from === to) return;
  try {
    index.insert(hash, to);
    index.remove(hash, from);
    ip.fs.txn.undo(() => {
      index.remove(hash, to);
      index.putBack(hash, from);
    });
  } catch (e) {
    giveUp(ip, e);
  }
}
