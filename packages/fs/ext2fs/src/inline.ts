/**
 * Files and directories whose bytes are in the inode (`inline_data`): 60 bytes where the pointers would be, the rest in the attribute `system.data`.
 *
 * They are read as they are. The first change moves them to blocks, and they stay there, which is what every ext4 does with those that grow. A
 * directory begins with the number of its parent (4 bytes) in the place of `.` and `..`, and its entries fill both parts.
 */
import { getU16le, getU32le, putU16le } from '@anykernel/lib-bytes';
import type { Uio } from '@anykernel/rumpkern';
import { putDirTail } from './csum.js';
import { EXT_ROOT_MAX, putExtHeader } from './extent.js';
import type { Inode } from './inode.js';
import { DIR_TAIL_LEN } from './csum.js';
import {
  DI_BLOCK, FAST_LINK_MAX, FL_EXTENTS, FL_INLINE_DATA, INCOMPAT_EXTENTS, direntCheck, direntLen, emitDirent, filetypeOf,
} from './ondisk.js';
import { takeInlineXattr, valueOfInline } from './xattr.js';

/** The inode's own part. */
const OWN = FAST_LINK_MAX;

/** All bytes, copied. EIO: the attribute does not hold as many as the size says. */
export function inlineBytes(ip: Inode): Uint8Array {
  const { size } = ip;
  const b = new Uint8Array(size);
  const at = ip.off + DI_BLOCK;
  b.set(ip.bp.data.subarray(at, at + Math.min(size, OWN)));
  if (size <= OWN) return b;
  const rest = valueOfInline(ip);
  if (rest === undefined || rest.length < size - OWN) ip.fs.corrupt(`inode ${ip.ino}: its bytes are in itself, and ${size} of them are not there`);
  b.set(rest.subarray(0, size - OWN), OWN);
  return b;
}

export function readInline(ip: Inode, uio: Uio): void {
  const bytes = inlineBytes(ip);
  const n = Math.min(uio.resid, bytes.length - uio.offset);
  if (n > 0) uio.move(bytes, uio.offset, n);
}

/** The inode's bytes are in blocks from now on, of which it has none yet; its size is 0. Within a transaction. */
export function leaveInline(ip: Inode): void {
  ip.dirty();
  takeInlineXattr(ip);
  ip.flags = (ip.flags & ~FL_INLINE_DATA) >>> 0;
  ip.size = 0;
  emptyMap(ip);
}

/** A file without blocks: with extents where the image has them. Within a transaction, after dirty(). */
export function emptyMap(ip: Inode): void {
  const at = ip.ptrOff;
  ip.bp.data.fill(0, at, at + OWN);
  if ((ip.fs.info.incompat & INCOMPAT_EXTENTS) === 0) return;
  putExtHeader(ip.bp.view, at, 0, EXT_ROOT_MAX, 0);
  ip.flags |= FL_EXTENTS;
}

/** An inline directory as the one block that it would be. EIO. */
export function inlineDirBlock(ip: Inode): Uint8Array {
  const { fs } = ip;
  const bytes = inlineBytes(ip);
  const out = new Uint8Array(fs.bsize);
  if (bytes.length < OWN) fs.corrupt(`directory ${ip.ino} is in its inode, and has ${bytes.length} bytes`);
  const end = fs.sums.on ? fs.bsize - DIR_TAIL_LEN : fs.bsize;
  const type = fs.typed ? filetypeOf(0o040000) : 0;
  emitDirent(out, 0, ip.ino, 12, type, '.');
  emitDirent(out, 12, getU32le(bytes, 0), 12, type, '..');
  let [last, to] = [12, 24];
  for (const [from, until] of [[4, OWN], [OWN, bytes.length]]) {
    for (let off = from; off < until; ) {
      const len = direntCheck(bytes.subarray(0, until), off, until, fs.typed, fs.info.inodes);
      if (len === 0) fs.corrupt(`directory ${ip.ino}: the entry at byte ${off} of its inode makes no sense`);
      if (getU32le(bytes, off) !== 0) {
        const need = direntLen(fs.typed ? bytes[off + 6] : getU16le(bytes, off + 6));
        out.set(bytes.subarray(off, off + need), to);
        putU16le(out, to + 4, need);
        last = to;
        to += need;
      }
      off += len;
    }
  }
  putU16le(out, last + 4, end - last);
  if (fs.sums.on) putDirTail(out);
  return out;
}
