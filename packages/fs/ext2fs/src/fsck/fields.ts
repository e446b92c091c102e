/** The fields of an inode: what its type cannot have is put right, in a copy of it. */
import { getU16le, getU32le, isZero, putU16le, putU32le } from '@anykernel/lib-bytes';
import { EXT_DEPTH_MAX, EXT_ROOT_MAX, extBlock, extCount, extDepth, extEntry, extFault, extStart } from '../extent.js';
import {
  DI_ACL, DI_ACL_HIGH, DI_BLOCK, DI_FLAGS, DI_GID, DI_MODE, DI_NLINK, DI_SIZE, DI_SIZE_HIGH, DI_UID, FAST_LINK_MAX, FL_APPEND, FL_ENCRYPT, FL_EXTENTS, FL_IMMUTABLE, FL_INLINE_DATA, INCOMPAT_LARGE_DIR,
  NDADDR, NIADDR, ROCOMPAT_LARGE_FILE, SB_CREATOR_OS, SB_ROCOMPAT, direntCheck,
} from '../ondisk.js';
import type { Check } from './check.js';
import { isTyped, nameOf } from './parts.js';

const S_IFDIR = 0o040000;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;
/** Of the inode: the address of a fragment, which nobody ever had. */
const DI_FADDR = 112;
/** AFS's, of a Linux that had it in the kernel; COMPAT_IMAGIC says that they may be there. */
const FL_IMAGIC = 0x2000;
const COMPAT_IMAGIC = 0x2;
const HURD = 1;

/** It was made for the Hurd, which has a field of its own there, and no types in entries. */
export function isHurds(c: Check): boolean {
  return getU32le(c.sb, SB_CREATOR_OS) === HURD;
}

/** The type of the inode, and what goes with it, in place: S_IF* as it is afterwards. */
export function checkFields(c: Check, ino: number, b: Uint8Array): number {
  checkFlags(c, ino, b);
  const type = checkType(c, ino, b);
  if (getU32le(b, DI_FADDR) !== 0 && !isHurds(c)) c.problem(`inode ${ino} has a fragment at ${getU32le(b, DI_FADDR)}, and there are none`, () => putU32le(b, DI_FADDR, 0));
  if (type === S_IFLNK) checkShortLink(c, ino, b);
  const long = type === S_IFREG || (type === S_IFDIR && (c.info.incompat & INCOMPAT_LARGE_DIR) !== 0);
  if (!long && getU32le(b, DI_SIZE_HIGH) !== 0) c.problem(`inode ${ino} has more bytes than its kind can have`, () => putU32le(b, DI_SIZE_HIGH, 0));
  return type;
}

function checkFlags(c: Check, ino: number, b: Uint8Array): void {
  const type = getU16le(b, DI_MODE) & 0o170000;
  const without = (flags: number, what: string): void => {
    if ((getU32le(b, DI_FLAGS) & flags) !== 0) c.problem(`inode ${ino} ${what}`, () => putU32le(b, DI_FLAGS, (getU32le(b, DI_FLAGS) & ~flags) >>> 0));
  };
  if ((c.info.compat & COMPAT_IMAGIC) === 0) without(FL_IMAGIC, 'has the flag of AFS, which the file system does not know');
  if (type !== S_IFREG && type !== S_IFDIR) without(FL_IMMUTABLE | FL_APPEND, 'has flags that only files and directories have');
  if ((getU32le(b, DI_FLAGS) & (FL_EXTENTS | FL_INLINE_DATA)) >>> 0 === ((FL_EXTENTS | FL_INLINE_DATA) >>> 0)) {
    without(hasExtents(b) ? FL_INLINE_DATA : FL_EXTENTS, 'has its data in it, and elsewhere');
  }
}

function hasExtents(b: Uint8Array): boolean {
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const depth = extDepth(view, DI_BLOCK);
  return depth <= EXT_DEPTH_MAX && extFault(view, DI_BLOCK, depth, EXT_ROOT_MAX) === undefined;
}

/** A device, fifo or socket has no data; one that has those of a directory is one. */
function checkType(c: Check, ino: number, b: Uint8Array): number {
  const type = getU16le(b, DI_MODE) & 0o170000;
  if (type === S_IFREG || type === S_IFDIR || type === S_IFLNK) return type;
  if (looksLikeDir(c, ino, b)) {
    c.problem(`inode ${ino} is of another kind by its mode, and has what a directory has: it is one`, () => putU16le(b, DI_MODE, S_IFDIR | (getU16le(b, DI_MODE) & 0o7777)));
    return S_IFDIR;
  }
  const none = (FL_EXTENTS | FL_INLINE_DATA) >>> 0;
  if ((getU32le(b, DI_FLAGS) & none) !== 0) c.problem(`inode ${ino}, a device, socket or fifo, has flags of data`, () => putU32le(b, DI_FLAGS, (getU32le(b, DI_FLAGS) & ~none) >>> 0));
  return type;
}

function looksLikeDir(c: Check, ino: number, b: Uint8Array): boolean {
  const flags = getU32le(b, DI_FLAGS);
  if ((flags & FL_INLINE_DATA) !== 0) {
    const parent = getU32le(b, DI_BLOCK);
    return parent >= 1 && parent <= c.info.inodes && direntCheck(b.subarray(0, DI_BLOCK + FAST_LINK_MAX), DI_BLOCK + 4, DI_BLOCK + FAST_LINK_MAX, isTyped(c), c.info.inodes) > 0;
  }
  const blkno = firstBlock(b, (flags & FL_EXTENTS) !== 0);
  if (blkno === 0 || !c.inReach(blkno)) return false;
  const data = c.block(blkno);
  const first = direntCheck(data, 0, c.bsize, isTyped(c), c.info.inodes);
  if (first === 0 || getU32le(data, 0) !== ino || nameOf(c, data, 0) !== '.') return false;
  return direntCheck(data, first, c.bsize, isTyped(c), c.info.inodes) > 0 && getU32le(data, first) !== 0 && nameOf(c, data, first) === '..';
}

/** Where block 0 is, if that stands in the inode. */
function firstBlock(b: Uint8Array, extents: boolean): number {
  if (!extents) return getU32le(b, DI_BLOCK);
  const view = new DataView(b.buffer, b.byteOffset, b.length);
  const sound = hasExtents(b) && extDepth(view, DI_BLOCK) === 0 && extCount(view, DI_BLOCK) > 0;
  return sound && extBlock(view, extEntry(DI_BLOCK, 0)) === 0 ? extStart(view, extEntry(DI_BLOCK, 0)) : 0;
}

// -- symbolic links

/**
 * The target of a link: in its block, which is `first`, or in its inode. Its length is the size, a NUL is behind it, and a short one is in the inode. False: there is
 * no target, and the inode is free from now on.
 */
export function checkLink(c: Check, ino: number, b: Uint8Array, first: number | undefined): boolean {
  const flags = getU32le(b, DI_FLAGS);
  if ((flags & (FL_ENCRYPT | FL_INLINE_DATA)) !== 0) return true;
  const from = first === undefined ? b.subarray(DI_BLOCK, DI_BLOCK + FAST_LINK_MAX) : c.block(first);
  const end = from.indexOf(0);
  const len = end >= 0 ? end : from.length - 1;
  if (len === 0) {
    c.problem(`symbolic link ${ino} has no target`, () => c.clearInode(ino));
    return false;
  }
  if (len !== getU32le(b, DI_SIZE)) c.problem(`symbolic link ${ino} has ${getU32le(b, DI_SIZE)} bytes, and a target of ${len}`, () => putU32le(b, DI_SIZE, len));
  if (end < 0) {
    c.problem(`symbolic link ${ino} has no end`, () => {
      from[len] = 0;
      if (first !== undefined) c.changed(first, from);
    });
  }
  if (first !== undefined && len < FAST_LINK_MAX) {
    c.problem(`symbolic link ${ino} has a block for a target of ${len} bytes: it is in the inode now`, () => {
      b.fill(0, DI_BLOCK, DI_BLOCK + FAST_LINK_MAX);
      b.set(from.subarray(0, len), DI_BLOCK);
      putU32le(b, DI_FLAGS, (getU32le(b, DI_FLAGS) & ~FL_EXTENTS) >>> 0);
    });
  }
  return true;
}

/** A short link that says that it has extents, and has none. */
function checkShortLink(c: Check, ino: number, b: Uint8Array): void {
  const flags = getU32le(b, DI_FLAGS);
  if ((flags & FL_EXTENTS) === 0 || (flags & FL_INLINE_DATA) !== 0 || hasExtents(b)) return;
  c.problem(`symbolic link ${ino} has its target in its inode, and a flag of extents`, () => putU32le(b, DI_FLAGS, (flags & ~FL_EXTENTS) >>> 0));
}

// -- sizes

/** Bytes that a file can have, by the way its blocks are found. */
export function sizeMax(c: Check, b: Uint8Array): number {
  if ((getU32le(b, DI_FLAGS) & FL_EXTENTS) !== 0) return 2 ** 32 * c.bsize;
  const per = c.bsize / 4;
  let blocks = NDADDR;
  for (let level = 1; level <= NIADDR; level++) blocks += per ** level;
  return Math.min(blocks, 2 ** 32) * c.bsize;
}

/** Files of 2 GiB and more want a feature. */
export function checkLarge(c: Check, ino: number, b: Uint8Array): void {
  if (c.sizeOf(b) >= 2 ** 31) c.need(SB_ROCOMPAT, ROCOMPAT_LARGE_FILE, `inode ${ino} has ${c.sizeOf(b)} bytes`);
}

/** The inode of bad blocks has these, and nothing else. */
export function checkBadBlocks(c: Check, ino: number, b: Uint8Array): void {
  const flags = getU32le(b, DI_FLAGS);
  const rest = [DI_MODE, DI_UID, DI_GID, DI_NLINK].every((at) => getU16le(b, at) === 0) && getU32le(b, DI_ACL) === 0 && getU16le(b, DI_ACL_HIGH) === 0;
  if (flags === 0 && rest) return;
  if (isZero(b)) return;
  c.problem(`inode ${ino}, of bad blocks, makes no sense: it is empty now`, () => void b.fill(0));
}
