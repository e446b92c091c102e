/** The second pass: every inode that is in use, and every block that it has. */
import { bitClear, getU16le, getU32le, isZero, putU32le } from '@anykernel/lib-bytes';
import {
  BAD_INO, COMPAT_RESIZE_INODE, DI_ACL, DI_BLOCK, DI_DTIME, DI_FLAGS, DI_MODE, DI_NLINK, FAST_LINK_MAX, FL_EA_INODE, FL_EXTENTS,
  FL_INLINE_DATA, FL_VERITY, INCOMPAT_EA_INODE, RESIZE_INO, ROCOMPAT_ORPHAN_PRESENT, ROCOMPAT_QUOTA, ROOT_INO, SB_JOURNAL_INO, SB_LAST_ORPHAN, strangeFlags,
} from '../ondisk.js';
import type { Xattr } from '../xattrdisk.js';
import { checkExtra, checkValues, checkXattrBlocks, claimAcl, countedBlocks, extraOf } from './attrs.js';
import type { Check } from './check.js';
import { checkBadBlocks, checkFields, checkLarge, checkLink, sizeMax } from './fields.js';
import { checkResize } from './resize.js';
import { runsOf } from './runs.js';
import { claimOrCopy, walkBlocks } from './walk.js';

const TYPES: readonly number[] = [0o010000, 0o020000, 0o040000, 0o060000, 0o100000, 0o120000, 0o140000];
/** Fifos, devices, sockets. */
const SIZELESS: readonly number[] = [0o010000, 0o020000, 0o060000, 0o140000];
const S_IFDIR = 0o040000;
/** What names that begin with `system.` are filed under. */
const INDEX_SYSTEM = 7;
const S_IFREG = 0o100000;
const S_IFLNK = 0o120000;

export function checkInodes(c: Check): void {
  readOrphans(c);
  for (let g = 0; g < c.groups; g++) {
    if (c.itable[g] === 0) continue;
    for (let i = 0, n = c.inodesIn(g); i < n; i++) checkInode(c, g * c.info.inodesPerGroup + i + 1);
  }
  checkXattrBlocks(c);
  checkValues(c);
}

/** Files that had no name, or were being shortened, when the current failed: they are ended. */
function readOrphans(c: Check): void {
  for (let ino = getU32le(c.sb, SB_LAST_ORPHAN); ino !== 0; ) {
    const b = c.inode(ino);
    if (b === undefined || c.dying.has(ino) || ino < c.info.firstIno || ino > c.info.inodes) {
      c.problem(`the list of orphans names inode ${ino}`, () => undefined);
      break;
    }
    c.dying.add(ino);
    ino = getU32le(b, DI_DTIME);
  }
  readOrphanFile(c);
  if (c.dying.size > 0) c.notes.push(`${c.dying.size} files were open without a name, or being shortened`);
  if (c.options.repair) putU32le(c.sb, SB_LAST_ORPHAN, 0);
}

/** The same of the hidden file in which Linux notes them. */
function readOrphanFile(c: Check): void {
  const ino = c.info.orphanIno;
  const b = ino === 0 || (c.info.rocompat & ROCOMPAT_ORPHAN_PRESENT) === 0 ? undefined : c.inode(ino);
  const runs = b === undefined ? undefined : runsOf(c, b);
  if (runs === undefined) return;
  const seed = c.seedOf(ino);
  for (const [first, count] of runs) for (let blkno = first; blkno < first + count; blkno++) readOrphanBlock(c, blkno, seed);
}

function readOrphanBlock(c: Check, blkno: number, seed: number): void {
  const data = c.block(blkno);
  for (let at = 0; at < c.bsize - 8; at += 4) {
    const orphan = getU32le(data, at);
    if (orphan >= c.info.firstIno && orphan <= c.info.inodes) c.dying.add(orphan);
  }
  data.fill(0, 0, c.bsize - 8);
  if (c.sums.on) putU32le(data, c.bsize - 4, c.sums.orphans(data, blkno, seed));
  if (c.options.repair) c.changed(blkno, data);
}

function checkInode(c: Check, ino: number): void {
  const b = c.inode(ino);
  if (b === undefined) return;
  const nlink = getU16le(b, DI_NLINK);
  const special = isHidden(c, ino);
  if (special && !isKept(c, ino)) {
    const empty = nlink === 0 && getU16le(b, DI_MODE) === 0 && getU32le(b, DI_FLAGS) === 0 && c.sectorsOf(b) === 0 && (isZero(b) || c.sums.inodeHolds(b, 0, ino));
    if (!empty) c.problem(`inode ${ino}, which is reserved, has something in it`, () => c.putInode(ino, b.fill(0)));
    return;
  }
  const resizes = ino === RESIZE_INO && (c.info.compat & COMPAT_RESIZE_INODE) !== 0;
  if (c.mine.size > 0) c.mine.clear();
  if (resizes) {
    checkResize(c, b);
    return;
  }
  // Bad blocks have an inode without a name, and without links.
  const unlinked = nlink === 0 && ino !== ROOT_INO && (ino !== BAD_INO || isZero(b) || getU32le(b, DI_DTIME) !== 0);
  if (nlink === 0 && c.dying.has(ino) && !c.options.repair) keepDying(c, ino, b);
  else if (unlinked) checkFree(c, ino, b);
  if (unlinked) return;
  checkUsed(c, ino, b);
}

/** An inode that is in use. */
function checkUsed(c: Check, ino: number, b: Uint8Array): void {
  const before = b.slice();
  if (!c.sums.inodeHolds(b, 0, ino)) c.problem(`inode ${ino} has a wrong checksum`, () => (before[0] = (before[0] ?? 0) ^ 1));
  if (ino === BAD_INO) checkBadBlocks(c, ino, b);
  else if (!isSound(c, ino, b)) return;
  const type = isHidden(c, ino) ? getU16le(b, DI_MODE) & 0o170000 : checkFields(c, ino, b);
  const extra = checkExtra(c, ino, b);
  if ((getU32le(b, DI_FLAGS) & FL_INLINE_DATA) !== 0 && !checkInlined(c, ino, b, type, extra)) return;
  const blocks = checkBlocks(c, ino, b, type, extra);
  if (blocks === undefined) return;
  if (!same(b, before)) c.putInode(ino, b);
  if ((getU32le(b, DI_FLAGS) & FL_EA_INODE) !== 0) {
    if (!c.values.has(ino)) c.values.set(ino, 0);
    return;
  }
  c.found.set(ino, { ino, mode: getU16le(b, DI_MODE), blocks });
}

/** Whether it is one at all; where not, it is free from now on. */
function isSound(c: Check, ino: number, b: Uint8Array): boolean {
  const type = getU16le(b, DI_MODE) & 0o170000;
  if (!isHidden(c, ino) && !TYPES.includes(type)) {
    c.problem(`inode ${ino} is of type 0${type.toString(8)}`, () => c.clearInode(ino));
    return false;
  }
  if ((getU32le(b, DI_FLAGS) & strangeFlags(c.info)) !== 0) {
    c.problem(`inode ${ino} has flags 0x${getU32le(b, DI_FLAGS).toString(16)}, which the file system does not know`, () => c.clearInode(ino));
    return false;
  }
  if (getU32le(b, DI_DTIME) === 0) return true;
  if (!c.dying.has(ino)) c.problem(`inode ${ino} is in use, and has a time of deletion`, () => undefined);
  putU32le(b, DI_DTIME, 0);
  return true;
}

/** Data in the inode: there must be an attribute for the rest of it, and a directory or link is as long as both. False: it is free from now on. */
function checkInlined(c: Check, ino: number, b: Uint8Array, type: number, extra: readonly Xattr[]): boolean {
  const rest = extra.find((x) => x.index === INDEX_SYSTEM && x.name === 'data');
  if (rest === undefined) {
    const file = type === S_IFREG;
    c.problem(`inode ${ino} should have its data in it, and has not`, () => (file ? makeEmpty(c, b) : c.clearInode(ino)));
    return file;
  }
  const room = FAST_LINK_MAX + rest.value.length;
  const size = c.sizeOf(b);
  if (size > room || (size !== room && (type === S_IFDIR || (type === S_IFLNK && room > FAST_LINK_MAX)))) c.problem(`inode ${ino} has ${size} bytes, and room for ${room} in it`, () => c.setSize(b, room));
  return true;
}

/** Without names of their own: those that are reserved, and the file of orphans. */
export function isHidden(c: Check, ino: number): boolean {
  return (ino < c.info.firstIno && ino !== ROOT_INO) || (ino === c.info.orphanIno && ino !== 0);
}

/** Reserved inodes that have blocks: those of bad blocks, quotas, resizing, journal, and orphans. */
function isKept(c: Check, ino: number): boolean {
  const quotas = (c.info.rocompat & ROCOMPAT_QUOTA) !== 0 && (ino === 3 || ino === 4);
  return ino === BAD_INO || quotas || (ino === RESIZE_INO && (c.info.compat & COMPAT_RESIZE_INODE) !== 0) || (ino === getU32le(c.sb, SB_JOURNAL_INO) && c.info.rev > 0) || ino === c.info.orphanIno;
}

/** An inode that is not in use; one that ends now becomes so. */
function checkFree(c: Check, ino: number, b: Uint8Array): void {
  if (c.dying.has(ino)) c.clearInode(ino);
  else if (getU16le(b, DI_MODE) !== 0 && getU32le(b, DI_DTIME) === 0) c.problem(`inode ${ino} is free, and has no time of deletion`, () => c.clearInode(ino));
  else if (getU32le(b, DI_DTIME) !== 0 && getU32le(b, DI_DTIME) < c.info.inodes) c.problem(`inode ${ino}, which is free, was in a list of orphans`, () => c.clearInode(ino));
  else if (!isZero(b) && !c.sums.inodeHolds(b, 0, ino)) c.problem(`inode ${ino}, which is free, has a wrong checksum`, () => c.putInode(ino, b.fill(0)));
}

/** A file without a name has its blocks until it is ended. */
function keepDying(c: Check, ino: number, b: Uint8Array): void {
  const mode = getU16le(b, DI_MODE);
  c.found.set(ino, { ino, mode: mode & 0o7777, blocks: checkBlocks(c, ino, b.slice(), mode & 0o170000, extraOf(c, b) ?? []) ?? [] });
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((x, i) => x === b[i]);
}

function hasBlocks(c: Check, b: Uint8Array, type: number, size: number, sectors: number, acl: number): boolean {
  if ((getU32le(b, DI_FLAGS) & FL_INLINE_DATA) !== 0) return false;
  if (type === S_IFREG || type === S_IFDIR || type === 0) return true;
  return type === S_IFLNK && ((getU32le(b, DI_FLAGS) & FL_EXTENTS) !== 0 || size >= FAST_LINK_MAX || (sectors > acl && (c.info.incompat & INCOMPAT_EA_INODE) === 0));
}

/** Claims the blocks of a file; size and count follow from them. Gives a directory's blocks; undefined: the inode is free from now on. */
function checkBlocks(c: Check, ino: number, b: Uint8Array, type: number, extra: readonly Xattr[]): number[] | undefined {
  const claimed = claimBlocks(c, ino, b, type);
  const { list } = claimed;
  if (type === S_IFLNK && !checkLink(c, ino, b, list[0])) return undefined;
  const none = type === S_IFLNK && list.length > 0 && c.sizeOf(b) < FAST_LINK_MAX;
  if (none) for (const blkno of list) bitClear(c.used, blkno);
  checkSize(c, ino, b, type, claimed.last, list.length);
  const acl = claimAcl(c, ino, b);
  const values = countedBlocks(c, ino, b, [...extra, ...(acl ?? [])]);
  const sectors = ((none ? 0 : claimed.count) + (acl === undefined ? 0 : 1) + values) * (c.bsize >> 9);
  if (c.sectorsOf(b) !== sectors) c.problem(`inode ${ino} has ${c.sectorsOf(b)} sectors by its count, and ${sectors} in fact`, () => c.setSectors(b, sectors));
  return type === S_IFDIR ? list : [];
}

interface Claimed {
  /** The blocks of a directory or a symbolic link, in order. */
  readonly list: number[];
  /** Blocks in all, with those that name others. */
  readonly count: number;
  /** The number of the last block that was written; -1: there is none. */
  readonly last: number;
}

function claimBlocks(c: Check, ino: number, b: Uint8Array, type: number): Claimed {
  const list: number[] = [];
  const size = c.sizeOf(b);
  const end = Math.ceil(size / c.bsize);
  let data = 0;
  let last = -1;
  if (!hasBlocks(c, b, type, size, c.sectorsOf(b), (getU32le(b, DI_ACL) === 0 ? 0 : 1) * (c.bsize >> 9))) return { list, count: 0, last };
  const listed = type === S_IFDIR || type === S_IFLNK;
  const shortened = c.dying.has(ino);
  const nodes = walkBlocks(c, ino, b, (lbn, blkno, n, unwritten) => {
    if (listed && lbn !== list.length) {
      c.problem(`directory ${ino} has a hole at block ${list.length}: what is behind it goes`, () => undefined);
      return { count: 0, blkno };
    }
    const most = type === S_IFLNK ? 1 - lbn : shortened ? Math.max(0, Math.min(n, end - lbn)) : n;
    if (most <= 0) {
      if (!shortened) c.problem(`symbolic link ${ino} has more than one block`, () => undefined);
      return { count: 0, blkno };
    }
    const stay = claimOrCopy(c, ino, blkno, most, true);
    const { count } = stay;
    if (count < most) c.problem(`inode ${ino}: block ${lbn + count} is said to be at ${blkno + count}, which is not there, or another's`, () => undefined);
    data += count;
    if (count > 0 && !unwritten) last = Math.max(last, lbn + count - 1);
    if (listed) for (let i = 0; i < count; i++) list.push(stay.blkno + i);
    return stay;
  });
  return { list, count: nodes + data, last };
}

function checkSize(c: Check, ino: number, b: Uint8Array, type: number, last: number, dirBlocks: number): void {
  if ((getU32le(b, DI_FLAGS) & FL_INLINE_DATA) !== 0) return;
  const size = c.sizeOf(b);
  if (type === S_IFDIR) {
    const right = dirBlocks * c.bsize;
    if (size !== right) c.problem(`directory ${ino} has ${size} bytes by its inode, and ${dirBlocks} blocks`, () => c.setSize(b, right));
  } else if (SIZELESS.includes(type)) {
    if (size !== 0) c.problem(`inode ${ino}, a device, socket or fifo, has ${size} bytes`, () => c.setSize(b, 0));
  } else if (type === S_IFREG) {
    const tooShort = last * c.bsize > size && (getU32le(b, DI_FLAGS) & FL_VERITY) === 0;
    if (tooShort || size > sizeMax(c, b)) c.problem(`inode ${ino} has ${size} bytes, and blocks up to number ${last}`, () => c.setSize(b, (last + 1) * c.bsize));
    checkLarge(c, ino, b);
  }
}

/** A file without data, which has its own in blocks. */
function makeEmpty(c: Check, b: Uint8Array): void {
  putU32le(b, DI_FLAGS, (getU32le(b, DI_FLAGS) & ~(FL_INLINE_DATA | FL_EXTENTS)) >>> 0);
  b.fill(0, DI_BLOCK, DI_BLOCK + 60);
  c.setSize(b, 0);
}
