/**
 * The blocks of a directory, and the entries in them: each says how far away the next one is.
 *
 * checkedLen() looks at all of an entry, and is used where a block is read for the first time; stepLen() sees only that no access leaves the block. A block
 * that makes no sense gives EIO.
 */
import { bytestrOf, equalsBytestr, getU16le, getU32le } from '@anykernel/lib-bytes';
import type { Buf } from '@anykernel/rumpvfs';
import { balloc } from './balloc.js';
import { blockAt } from './bmap.js';
import { T_DIR, T_HTREE, Tag, putDirTail } from './csum.js';
import { inlineDirBlock, leaveInline } from './inline.js';
import type { Inode } from './inode.js';
import { DE_HEADER, FL_ENCRYPT, FL_INDEX, direntCheck, direntLen } from './ondisk.js';

/** Block number `b` of a directory. EIO: a hole, or anything that blockAt() does not like. */
export function dirBlock(ip: Inode, b: number): Buf {
  const blkno = blockAt(ip, b);
  if (blkno === 0) ip.fs.corrupt(`directory ${ip.ino} has a hole at block ${b}`);
  const bp = ip.fs.bcache.bread(blkno);
  const tag = bp.tag as Tag | undefined;
  if (tag === undefined || tag.owner !== ip.ino || (tag.kind !== T_DIR && tag.kind !== T_HTREE)) verify(ip, b, bp);
  return bp;
}

/** A block that is seen for the first time. EIO. */
function verify(ip: Inode, b: number, bp: Buf): void {
  const { fs } = ip;
  const tag = new Tag(isTreeBlock(ip, b, bp.data) ? T_HTREE : T_DIR, ip.ino, ip.seed);
  if (bp.tag !== undefined) fs.corrupt(`directory ${ip.ino}: block ${b} is in use twice`);
  if (!fs.sums.holds(bp, tag)) fs.corrupt(`directory ${ip.ino}: block ${b} has a wrong checksum`);
  bp.tag = tag;
}

/** Whether block `b` holds a part of the hash tree: the root does, and so does one that is a single empty entry. */
function isTreeBlock(ip: Inode, b: number, data: Uint8Array): boolean {
  if ((ip.flags & FL_INDEX) === 0) return false;
  if (b === 0) return true;
  return getU32le(data, 0) === 0 && getU16le(data, 4) === data.length && data[6] === 0 && data[7] === 0;
}

/** How many blocks a directory has; one that is in its inode would have one. */
export function dirBlocks(ip: Inode): number {
  return ip.isInline ? 1 : Math.floor(ip.size / ip.fs.bsize);
}

/** The bytes of block `b`, to be read only. EIO. */
export function dirData(ip: Inode, b: number): Uint8Array {
  return ip.isInline ? inlineDirBlock(ip) : dirBlock(ip, b).data;
}

/** A directory that is in its inode moves to a block. Within a transaction. ENOSPC, EIO. */
export function dirOut(ip: Inode): void {
  if (!ip.isInline) return;
  const data = inlineDirBlock(ip);
  leaveInline(ip);
  newDirBlock(ip, 0).data.set(data);
}

/** EIO, with the place. */
export function badEntry(ip: Inode, b: number, off: number): never {
  ip.fs.corrupt(`directory ${ip.ino}: the entry at byte ${off} of block ${b} makes no sense`);
}

/** The length of the entry at `off`, all of it checked. EIO. */
export function checkedLen(ip: Inode, data: Uint8Array, b: number, off: number): number {
  const len = direntCheck(data, off, data.length, ip.fs.typed, ip.fs.info.inodes, isSealed(ip));
  return len === 0 ? badEntry(ip, b, off) : len;
}

/** The length of an entry in a block that was checked before: enough for every access to stay inside. EIO. */
export function stepLen(ip: Inode, data: Uint8Array, b: number, off: number): number {
  const len = data[off + 4] | (data[off + 5] << 8);
  if (len < 12 || (len & 3) !== 0 || off + len > data.length) badEntry(ip, b, off);
  return len;
}

/** The length of the name of the entry at `off`. */
export function nameLen(ip: Inode, data: Uint8Array, off: number): number {
  return ip.fs.typed ? data[off + 6] : data[off + 6] | (data[off + 7] << 8);
}

/** Bytes of the entry at `off` that are in use. */
export function usedLen(ip: Inode, data: Uint8Array, b: number, off: number, reclen: number): number {
  if (getU32le(data, off) === 0) return 0;
  const used = direntLen(nameLen(ip, data, off));
  return used <= reclen ? used : badEntry(ip, b, off);
}

/** Whether the names in the directory are encrypted. */
export function isSealed(ip: Inode): boolean {
  return (ip.flags & FL_ENCRYPT) !== 0;
}

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Bytes of an encrypted name that are shown: so many digits fit into a name. */
const SEALED_MAX = 189;

/** The name of the entry at `off`. An encrypted one is shown in base 64 (RFC 4648 5, without padding), as far as names go. */
export function shownName(ip: Inode, data: Uint8Array, off: number): string {
  const name = bytestrOf(data, off + DE_HEADER, off + DE_HEADER + nameLen(ip, data, off));
  if (!isSealed(ip) || name === '.' || name === '..') return name;
  let out = '';
  for (let i = 0, bits = 0, held = 0; i < Math.min(name.length, SEALED_MAX) || held > 0; ) {
    if (held < 6 && i < Math.min(name.length, SEALED_MAX)) {
      bits = ((bits << 8) | name.charCodeAt(i++)) & 0xffff;
      held += 8;
      continue;
    }
    out += DIGITS[held >= 6 ? (bits >> (held - 6)) & 63 : (bits << (6 - held)) & 63];
    held = Math.max(0, held - 6);
  }
  return out;
}

/** Whether the entry at `off` is in use and called `name`. */
export function isNamed(ip: Inode, data: Uint8Array, off: number, name: string): boolean {
  if (isSealed(ip)) return getU32le(data, off) !== 0 && shownName(ip, data, off) === name;
  return getU32le(data, off) !== 0 && off + DE_HEADER + name.length <= data.length && equalsBytestr(data, off + DE_HEADER, nameLen(ip, data, off), name);
}

/** Block `b` at the end of a directory: zeros, to be filled at once. */
export function newDirBlock(ip: Inode, b: number): Buf {
  const { fs } = ip;
  balloc(ip, b, 1);
  const bp = fs.bcache.getblk(blockAt(ip, b));
  fs.txn.dirty(bp);
  bp.data.fill(0);
  bp.tag = new Tag(T_DIR, ip.ino, ip.seed);
  if (fs.sums.on) putDirTail(bp.data);
  ip.size = (b + 1) * fs.bsize;
  return bp;
}
