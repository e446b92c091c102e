/**
 * Extended attributes as they lie on disk: a table of entries that grows up, and values that grow down from the end. Pure.
 *
 * They are in a block of their own (header of 32 bytes, entries sorted, values from the start of the block), or behind the fields of a large inode
 * (a magic number, values from the first entry). An entry: name_len u8, index u8, value_off u16, value_inum u32, value_size u32, hash u32, name; all padded
 * to 4 bytes. Four zero bytes end the table.
 */
import { bytestrOf, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';

export const XATTR_MAGIC = 0xea020000;
/** In a block: magic, refcount, blocks, hash, checksum, reserved. */
export const XATTR_HEADER_LEN = 32;
export const XH_REFCOUNT = 4;
const XH_BLOCKS = 8;
const XH_HASH = 12;
const ENTRY_LEN = 16;

export interface Xattr {
  /** What the name begins with: see xattr.ts. */
  readonly index: number;
  /** The rest of the name, a byte string. */
  readonly name: string;
  readonly value: Uint8Array;
  /** The inode that has the value, its length, and the hash of the entry: `value` is empty then. */
  readonly elsewhere?: Elsewhere;
}

export interface Elsewhere {
  readonly ino: number;
  readonly len: number;
  readonly hash: number;
}

function pad(len: number): number {
  return (len + 3) & ~3;
}

/** Bytes that an attribute takes. */
function xattrSize(x: Xattr): number {
  return ENTRY_LEN + pad(x.name.length) + pad(x.value.length);
}

/** Bytes that a list of them takes, with the end of the table. */
export function xattrsSize(list: readonly Xattr[]): number {
  return list.reduce((sum, x) => sum + xattrSize(x), 4);
}

/** The entries from `start` on; values count from `base`, and nothing is beyond `end`. The values are copies. undefined: it makes no sense. */
export function parseXattrs(b: Uint8Array, start: number, base: number, end: number): Xattr[] | undefined {
  const list: Xattr[] = [];
  for (let at = start; ; ) {
    if (at + 4 > end) return undefined;
    if (getU32le(b, at) === 0) return list;
    if (at + ENTRY_LEN > end) return undefined;
    const namlen = b[at];
    const valueOff = base + getU16le(b, at + 2);
    const valueLen = getU32le(b, at + 8);
    if (at + ENTRY_LEN + namlen > end) return undefined;
    const ino = getU32le(b, at + 4);
    if (ino !== 0) {
      const elsewhere = { ino, len: valueLen, hash: getU32le(b, at + 12) };
      list.push({ index: b[at + 1], name: bytestrOf(b, at + ENTRY_LEN, at + ENTRY_LEN + namlen), value: new Uint8Array(0), elsewhere });
      at += ENTRY_LEN + pad(namlen);
      continue;
    }
    if (valueLen > 0 && (valueOff < start || valueOff + valueLen > end)) return undefined;
    const value = valueLen === 0 ? new Uint8Array(0) : b.slice(valueOff, valueOff + valueLen);
    list.push({ index: b[at + 1], name: bytestrOf(b, at + ENTRY_LEN, at + ENTRY_LEN + namlen), value });
    at += ENTRY_LEN + pad(namlen);
  }
}

/** Blocks of values that have inodes of their own: they count as the file's, of each that has the attribute. */
export function valueBlocks(list: readonly Xattr[], bsize: number): number {
  return list.reduce((sum, x) => sum + (x.elsewhere === undefined ? 0 : Math.ceil(x.elsewhere.len / bsize)), 0);
}

/** Whether entries and values of a table that can be parsed have bytes in common, padding and all. */
export function xattrsCollide(b: Uint8Array, start: number, base: number, end: number): boolean {
  const taken = new Uint8Array(end - start);
  const take = (from: number, len: number): boolean => {
    if (from < start || from + len > end || taken.subarray(from - start, from - start + len).includes(1)) return false;
    taken.fill(1, from - start, from - start + len);
    return true;
  };
  for (let at = start; getU32le(b, at) !== 0; at += ENTRY_LEN + pad(b[at])) {
    if (!take(at, ENTRY_LEN + pad(b[at]))) return true;
    const len = getU32le(b, at + 4) === 0 ? pad(getU32le(b, at + 8)) : 0;
    if (len > 0 && !take(base + getU16le(b, at + 2), len)) return true;
  }
  return false;
}

/** Writes the entries at `start` and the values below `end`, in place; what is between them is zero. The caller has seen to the room. */
export function emitXattrs(b: Uint8Array, start: number, base: number, end: number, list: readonly Xattr[]): void {
  b.fill(0, start, end);
  let at = start;
  let top = end;
  for (const x of list) {
    top -= pad(x.value.length);
    b.set(x.value, top);
    b[at] = x.name.length;
    b[at + 1] = x.index;
    putU16le(b, at + 2, x.value.length === 0 ? 0 : top - base);
    putU32le(b, at + 4, x.elsewhere?.ino ?? 0);
    putU32le(b, at + 8, x.elsewhere?.len ?? x.value.length);
    putU32le(b, at + 12, entryHash(x));
    for (let i = 0; i < x.name.length; i++) b[at + ENTRY_LEN + i] = x.name.charCodeAt(i);
    at += ENTRY_LEN + pad(x.name.length);
  }
}

/** The attributes of a block, and undefined when it is none. */
export function parseXattrBlock(b: Uint8Array): Xattr[] | undefined {
  if (getU32le(b, 0) !== XATTR_MAGIC || getU32le(b, XH_BLOCKS) !== 1 || getU32le(b, XH_REFCOUNT) === 0) return undefined;
  return parseXattrs(b, XATTR_HEADER_LEN, 0, b.length);
}

/** A whole block with one owner, in place. */
export function emitXattrBlock(b: Uint8Array, list: readonly Xattr[]): void {
  const sorted = [...list].sort(compareXattrs);
  b.fill(0, 0, XATTR_HEADER_LEN);
  putU32le(b, 0, XATTR_MAGIC);
  putU32le(b, XH_REFCOUNT, 1);
  putU32le(b, XH_BLOCKS, 1);
  putU32le(b, XH_HASH, blockHash(sorted));
  emitXattrs(b, XATTR_HEADER_LEN, 0, b.length, sorted);
}

function compareXattrs(a: Xattr, b: Xattr): number {
  return a.index - b.index || a.name.length - b.name.length || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
}

/** The hash of name and value: rotations by 5 for each byte of the name, by 16 for each word of the value. */
export function entryHash(x: Xattr): number {
  if (x.elsewhere !== undefined) return x.elsewhere.hash;
  let hash = 0;
  for (let i = 0; i < x.name.length; i++) hash = (hash << 5) ^ (hash >>> 27) ^ x.name.charCodeAt(i);
  const v = x.value;
  for (let i = 0; i < v.length; i += 4) {
    const word = v[i] | ((v[i + 1] ?? 0) << 8) | ((v[i + 2] ?? 0) << 16) | ((v[i + 3] ?? 0) << 24);
    hash = (hash << 16) ^ (hash >>> 16) ^ word;
  }
  return hash >>> 0;
}

/** The hash of a block, by which equal ones may be found and shared; 0: not to be shared. */
function blockHash(list: readonly Xattr[]): number {
  let hash = 0;
  for (const x of list) {
    const h = entryHash(x);
    if (h === 0) return 0;
    hash = (hash << 16) ^ (hash >>> 16) ^ h;
  }
  return hash >>> 0;
}
