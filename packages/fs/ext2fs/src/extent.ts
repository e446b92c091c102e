/**
 * Extents as they lie on disk: a node is a header and entries of 12 bytes, in an inode (four of them) or a block. Pure.
 *
 * Header: magic u16, entries u16, most entries u16, depth u16 (0: a leaf), generation u32. A leaf's entry: first block of the file u32, blocks u16 (more
 * than 32768: so many less 32768, and they read as zeros), where they are on the device: upper 16 bits, lower 32. An index's entry: first block u32,
 * the node below: lower 32 bits, upper 16, unused u16. Blocks end with a checksum behind the last possible entry.
 */
const EXT_MAGIC = 0xf30a;
export const EXT_HEADER = 12;
export const EXT_ENTRY = 12;
/** Entries in an inode. */
export const EXT_ROOT_MAX = 4;
/** The deepest tree: five levels of blocks. */
export const EXT_DEPTH_MAX = 5;
/** Blocks of an extent at most, and of one that was never written. */
export const EXT_LEN_MAX = 32768;
export const EXT_UNWRITTEN_MAX = 32767;

const TWO32 = 0x1_0000_0000;

function extMagic(v: DataView, off: number): number {
  return v.getUint16(off, true);
}
export function extCount(v: DataView, off: number): number {
  return v.getUint16(off + 2, true);
}
export function extMax(v: DataView, off: number): number {
  return v.getUint16(off + 4, true);
}
export function extDepth(v: DataView, off: number): number {
  return v.getUint16(off + 6, true);
}
export function setExtCount(v: DataView, off: number, count: number): void {
  v.setUint16(off + 2, count, true);
}

export function putExtHeader(v: DataView, off: number, count: number, max: number, depth: number): void {
  v.setUint16(off, EXT_MAGIC, true);
  v.setUint16(off + 2, count, true);
  v.setUint16(off + 4, max, true);
  v.setUint16(off + 6, depth, true);
  v.setUint32(off + 8, 0, true);
}

/** Where entry `i` of the node at `off` is. */
export function extEntry(off: number, i: number): number {
  return off + EXT_HEADER + EXT_ENTRY * i;
}

/** First block of an entry, of either kind. */
export function extBlock(v: DataView, at: number): number {
  return v.getUint32(at, true);
}
export function setExtBlock(v: DataView, at: number, lbn: number): void {
  v.setUint32(at, lbn, true);
}
/** Blocks of a leaf's entry. */
export function extLen(v: DataView, at: number): number {
  const len = v.getUint16(at + 4, true);
  return len > EXT_LEN_MAX ? len - EXT_LEN_MAX : len;
}
export function extUnwritten(v: DataView, at: number): boolean {
  return v.getUint16(at + 4, true) > EXT_LEN_MAX;
}
export function extStart(v: DataView, at: number): number {
  return v.getUint16(at + 6, true) * TWO32 + v.getUint32(at + 8, true);
}
export function putExtent(v: DataView, at: number, lbn: number, len: number, start: number, unwritten: boolean): void {
  v.setUint32(at, lbn, true);
  v.setUint16(at + 4, unwritten ? len + EXT_LEN_MAX : len, true);
  v.setUint16(at + 6, Math.floor(start / TWO32), true);
  v.setUint32(at + 8, start % TWO32, true);
}
/** The node below an index's entry. */
export function extChild(v: DataView, at: number): number {
  return v.getUint32(at + 4, true) + v.getUint16(at + 8, true) * TWO32;
}
export function putExtIndex(v: DataView, at: number, lbn: number, child: number): void {
  v.setUint32(at, lbn, true);
  v.setUint32(at + 4, child % TWO32, true);
  v.setUint16(at + 8, Math.floor(child / TWO32), true);
  v.setUint16(at + 10, 0, true);
}

/** The last entry that begins at `lbn` or before; -1: none does. */
export function extSearch(v: DataView, off: number, count: number, lbn: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const mid = (low + high) >> 1;
    if (v.getUint32(off + EXT_HEADER + EXT_ENTRY * mid, true) <= lbn) low = mid + 1;
    else high = mid;
  }
  return low - 1;
}

/** What is wrong with a node of `depth` that has room for `room` entries; undefined: nothing. Where the blocks are is not judged. */
export function extFault(v: DataView, off: number, depth: number, room: number): string | undefined {
  if (extMagic(v, off) !== EXT_MAGIC) return 'it is no node of extents';
  if (extDepth(v, off) !== depth) return `it is a node of depth ${extDepth(v, off)}, where ${depth} is due`;
  const count = extCount(v, off);
  const max = extMax(v, off);
  if (max > room || count > max) return `it has ${count} of ${max} entries`;
  let end = 0;
  for (let i = 0; i < count; i++) {
    const at = extEntry(off, i);
    const lbn = extBlock(v, at);
    if (lbn < end) return `its entry ${i} begins at block ${lbn}, before the end of the one before`;
    const len = depth === 0 ? extLen(v, at) : 1;
    if (len === 0 || lbn + len > TWO32) return `its entry ${i} has ${len} blocks`;
    end = lbn + len;
  }
  return undefined;
}
