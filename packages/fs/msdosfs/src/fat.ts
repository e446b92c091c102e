/**
 * The file allocation table: for each cluster the one that follows it in its file, the end, or that it is free. Read and changed in the buffers.
 *
 * What stands in it is not believed: next() gives a cluster that there is, or END, or EIO.
 */
import type { Buf } from '@anykernel/rumpvfs';
import type { MsdosFs } from './fs.js';

/** What next() gives at the end of a chain. */
export const END = 0;
export const FREE = 0;
/** What is written at the end of a chain; cut to the width of an entry. */
const EOC = 0x0fff_ffff;
/** From this one on a value means the end. */
const EOC_MIN: Readonly<Record<number, number>> = { 12: 0xff8, 16: 0xfff8, 32: 0x0fff_fff8 };

/** The value of cluster `c`'s entry in the active FAT: 12, 16 or 28 bits. EIO; sleeps. */
export function fatGet(fs: MsdosFs, c: number): number {
  const { bits, fatOff, fatLen, activeFat } = fs.info;
  const base = fatOff + activeFat * fatLen;
  if (bits === 12) return get12(fs, base, c);
  const off = base + (bits === 16 ? 2 * c : 4 * c);
  const bp = fs.bcache.bread(Math.floor(off / fs.bsize));
  const at = off & (fs.bsize - 1);
  return bits === 16 ? bp.view.getUint16(at, true) : bp.view.getUint32(at, true) & 0x0fff_ffff;
}

/** An entry may lie in two blocks. */
function get12(fs: MsdosFs, base: number, c: number): number {
  const off = base + c + (c >> 1);
  const at = off & (fs.bsize - 1);
  const low = fs.blockAt(off).data[at];
  const high = at + 1 < fs.bsize ? fs.blockAt(off).data[at + 1] : fs.blockAt(off + 1).data[0];
  const word = low | (high << 8);
  return (c & 1) === 0 ? word & 0xfff : word >> 4;
}

/** What an entry says: the next cluster, or END, or -1: neither. */
export function fatMeaning(fs: MsdosFs, value: number): number {
  if (value >= 2 && value <= fs.maxCluster) return value;
  return value >= EOC_MIN[fs.info.bits] ? END : -1;
}

/** The cluster behind `c`, or END. EIO: the chain is broken there. */
export function fatNext(fs: MsdosFs, c: number): number {
  const value = fatGet(fs, c);
  const next = fatMeaning(fs, value);
  return next >= 0 ? next : fs.corrupt(`cluster ${c} is followed by 0x${value.toString(16)}`);
}

/** How many of the clusters from `first` to `last` are free; it stops at the first one where `one`, and gives that. All in one block of a FAT16 or FAT32. */
export function fatFreeIn(fs: MsdosFs, first: number, last: number, one: boolean): number {
  const { bits, fatOff, fatLen, activeFat } = fs.info;
  const width = bits === 16 ? 2 : 4;
  const off = fatOff + activeFat * fatLen + first * width;
  const { view } = fs.bcache.bread(Math.floor(off / fs.bsize));
  let at = off & (fs.bsize - 1);
  let count = 0;
  for (let c = first; c <= last; c++, at += width) {
    if ((width === 2 ? view.getUint16(at, true) : view.getUint32(at, true) & 0x0fff_ffff) !== FREE) continue;
    if (one) return c;
    count++;
  }
  return count;
}

/** Cluster `c` is followed by `next` from now on, in all FATs that are kept. Within a transaction, as what follows here. */
export function fatSet(fs: MsdosFs, c: number, next: number): void {
  fatFill(fs, c, 1, () => next);
}

/** Cluster `c` is the last of its chain. */
export function fatEnd(fs: MsdosFs, c: number): void {
  fatSet(fs, c, EOC);
}

/** Clusters `first` to `first + count - 1` follow each other, and the last is the end of the chain. */
export function fatLink(fs: MsdosFs, first: number, count: number): void {
  const last = first + count - 1;
  fatFill(fs, first, count, (c) => (c === last ? EOC : c + 1));
}

/** They are free. */
export function fatFree(fs: MsdosFs, first: number, count: number): void {
  fatFill(fs, first, count, () => FREE);
}

function fatFill(fs: MsdosFs, first: number, count: number, value: (c: number) => number): void {
  const { fats, mirrored, activeFat, fatOff, fatLen, bits } = fs.info;
  for (let i = 0; i < fats; i++) {
    if (!mirrored && i !== activeFat) continue;
    const base = fatOff + i * fatLen;
    if (bits === 12) for (let c = first; c < first + count; c++) set12(fs, base, c, value(c) & 0xfff);
    else fill(fs, base, bits === 16 ? 2 : 4, first, count, value);
  }
}

function fill(fs: MsdosFs, base: number, width: number, first: number, count: number, value: (c: number) => number): void {
  for (let c = first; c < first + count; ) {
    const off = base + c * width;
    const at = off & (fs.bsize - 1);
    const n = Math.min(first + count - c, (fs.bsize - at) / width);
    const bp = fs.bcache.bread(Math.floor(off / fs.bsize));
    fs.txn.dirty(bp, at, n * width);
    for (let i = 0; i < n; i++) put(bp, at + i * width, width, value(c + i));
    c += n;
  }
}

/** The upper four bits of FAT32's entries are kept as they are. */
function put(bp: Buf, at: number, width: number, value: number): void {
  if (width === 2) bp.view.setUint16(at, value & 0xffff, true);
  else bp.view.setUint32(at, ((bp.view.getUint32(at, true) & 0xf000_0000) | value) >>> 0, true);
}

function set12(fs: MsdosFs, base: number, c: number, value: number): void {
  const off = base + c + (c >> 1);
  const odd = (c & 1) !== 0;
  putByte(fs, off, odd ? 0x0f : 0, odd ? (value << 4) & 0xf0 : value & 0xff);
  putByte(fs, off + 1, odd ? 0 : 0xf0, odd ? value >> 4 : value >> 8);
}

/** One byte, of which the bits of `keep` stay. */
function putByte(fs: MsdosFs, off: number, keep: number, value: number): void {
  const bp = fs.blockAt(off);
  const at = off & (fs.bsize - 1);
  fs.txn.dirty(bp, at, 1);
  bp.data[at] = (bp.data[at] & keep) | value;
}
