/** The second pass: every inode that is in use, and every block that it has. */
import { getU16le, getU32le, isZero, putU16le, putU32le } from '@anykernel/lib-bytes';
import {
  BAD_INO, BG_INODE_UNINIT, DI_ACL, DI_ACL_HIGH, DI_BLOCK, DI_CTIME, DI_DTIME, DI_EXTRA, DI_FLAGS, DI_MODE, DI_NLINK, DI_OLD_LEN, DI_VERSION, FAST_LINK_MAX, FL_EA_INODE, FL_EXTENTS,
  FL_INLINE_DATA, FL_VERITY, GD_FLAGS, GD_ITABLE_UNUSED, GD_ITABLE_UNUSED_HIGH, GD_LEN64, INCOMPAT_EA_INODE, RESIZE_INO, ROCOMPAT_ORPHAN_PRESENT, ROCOMPAT_QUOTA, ROOT_INO, SB_LAST_ORPHAN, strangeFlags,
} from '../ondisk.js';
import { type Xattr, XATTR_HEADER_LEN, XATTR_MAGIC, XH_REFCOUNT, parseXattrBlock, parseXattrs, valueBlocks, xattrsCollide } from '../xattrdisk.js';
import type { Check } from './check.js';
import { claim, runsOf, walkBlocks } from './walk.js';

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
    for (let i = 0, n = inodesIn(c, g); i < n; i++) checkInode(c, g * c.info.inodesPerGroup + i + 1);
  }
  checkXattrBlocks(c);
  checkValues(c);
}

/** Inodes of a group that were ever used. */
function inodesIn(c: Check, g: number): number {
  const ipg = c.info.inodesPerGroup;
  if (!c.sums.groups) return ipg;
  const at = c.gd(g);
  if ((getU16le(c.gdt, at + GD_FLAGS) & BG_INODE_UNINIT) !== 0) return 0;
  const unused = getU16le(c.gdt, at + GD_ITABLE_UNUSED) + (c.info.descSize >= GD_LEN64 ? getU16le(c.gdt, at + GD_ITABLE_UNUSED_HIGH) * 65536 : 0);
  return Math.max(0, ipg - unused);
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
  const runs = b === undefined ? undefined : runsOf(c, ino, b);
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
  if (special && ino !== RESIZE_INO && !isKept(c, ino)) {
    const empty = nlink === 0 && getU16le(b, DI_MODE) === 0 && getU32le(b, DI_FLAGS) === 0 && c.sectorsOf(b) === 0 && (isZero(b) || c.sums.inodeHolds(b, 0, ino));
    if (!empty) c.problem(`inode ${ino}, which is reserved, has something in it`, () => c.putInode(ino, b.fill(0)));
    return;
  }
  if (ino === RESIZE_INO) claimResize(c, b);
  // Bad blocks have an inode without a name, and without links.
  const unlinked = nlink === 0 && ino !== ROOT_INO && (ino !== BAD_INO || isZero(b) || getU32le(b, DI_DTIME) !== 0);
  if (nlink === 0 && c.dying.has(ino) && !c.options.repair) keepDying(c, ino, b);
  else if (unlinked) checkFree(c, ino, b);
  if (ino === RESIZE_INO || unlinked) return;
  const before = b.slice();
  if (!c.sums.inodeHolds(b, 0, ino)) c.problem(`inode ${ino} has a wrong checksum`, () => (before[0] = (before[0] ?? 0) ^ 1));
  const mode = getU16le(b, DI_MODE);
  const type = mode & 0o170000;
  if (!special && !TYPES.includes(type)) {
    c.problem(`inode ${ino} is of type 0${type.toString(8)}`, () => c.clearInode(ino));
    return;
  }
  if ((getU32le(b, DI_FLAGS) & strangeFlags(c.info)) !== 0) {
    c.problem(`inode ${ino} has flags 0x${getU32le(b, DI_FLAGS).toString(16)}, which the file system does not know`, () => c.clearInode(ino));
    return;
  }
  if (getU32le(b, DI_DTIME) !== 0) {
    if (!c.dying.has(ino)) c.problem(`inode ${ino} is in use, and has a time of deletion`, () => undefined);
    putU32le(b, DI_DTIME, 0);
  }
  const extra = checkExtra(c, ino, b);
  if ((getU32le(b, DI_FLAGS) & FL_INLINE_DATA) !== 0 && !extra.some((x) => x.index === INDEX_SYSTEM && x.name === 'data')) {
    const file = type === S_IFREG;
    c.problem(`inode ${ino} should have its data in it, and has not`, () => (file ? makeEmpty(c, b) : c.clearInode(ino)));
    if (!file) return;
  }
  const blocks = checkBlocks(c, ino, b, type, extra);
  if (!same(b, before)) c.putInode(ino, b);
  if ((getU32le(b, DI_FLAGS) & FL_EA_INODE) !== 0) {
    if (!c.values.has(ino)) c.values.set(ino, 0);
    return;
  }
  c.found.set(ino, { ino, mode, blocks });
}

/** Without names of their own: those that are reserved, and the file of orphans. */
export function isHidden(c: Check, ino: number): boolean {
  return (ino < c.info.firstIno && ino !== ROOT_INO) || (ino === c.info.orphanIno && ino !== 0);
}

/** Reserved inodes that have blocks: those of bad blocks, quotas, journal, and orphans. */
function isKept(c: Check, ino: number): boolean {
  const quotas = (c.info.rocompat & ROCOMPAT_QUOTA) !== 0 && (ino === 3 || ino === 4);
  return ino === BAD_INO || quotas || (ino === c.info.journalIno && ino !== 0) || ino === c.info.orphanIno;
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
  c.found.set(ino, { ino, mode: mode & 0o7777, blocks: checkBlocks(c, ino, b.slice(), mode & 0o170000, extraOf(c, b) ?? []) });
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((x, i) => x === b[i]);
}

/** The inode that keeps room for more descriptors: that is part of the structure, but for the block that names it. */
function claimResize(c: Check, b: Uint8Array): void {
  const dind = getU32le(b, 40 + 4 * 13);
  if (dind !== 0) claim(c, dind, 1);
}

function hasBlocks(c: Check, b: Uint8Array, type: number, size: number, sectors: number, acl: number): boolean {
  if ((getU32le(b, DI_FLAGS) & FL_INLINE_DATA) !== 0) return false;
  if (type === S_IFREG || type === S_IFDIR || type === 0) return true;
  return type === S_IFLNK && ((getU32le(b, DI_FLAGS) & FL_EXTENTS) !== 0 || size >= FAST_LINK_MAX || (sectors > acl && (c.info.incompat & INCOMPAT_EA_INODE) === 0));
}

/** Claims the blocks of a file; size and count follow from them. Gives a directory's blocks. */
function checkBlocks(c: Check, ino: number, b: Uint8Array, type: number, extra: readonly Xattr[]): number[] {
  const list: number[] = [];
  const size = c.sizeOf(b);
  const end = Math.ceil(size / c.bsize);
  const ownAcl = getU32le(b, DI_ACL) === 0 ? 0 : 1;
  let nodes = 0;
  let data = 0;
  let last = -1;
  if (hasBlocks(c, b, type, size, c.sectorsOf(b), ownAcl * (c.bsize >> 9))) {
    const shortened = c.dying.has(ino);
    nodes = walkBlocks(c, ino, b, (lbn, blkno, n, unwritten) => {
      if (type === S_IFDIR && lbn !== list.length) {
        c.problem(`directory ${ino} has a hole at block ${list.length}: what is behind it goes`, () => undefined);
        return 0;
      }
      const most = shortened ? Math.max(0, Math.min(n, end - lbn)) : n;
      const keep = claim(c, blkno, most);
      if (keep < most) c.problem(`inode ${ino}: block ${lbn + keep} is said to be at ${blkno + keep}, which is not there, or another's`, () => undefined);
      data += keep;
      if (keep > 0 && !unwritten) last = Math.max(last, lbn + keep - 1);
      if (type === S_IFDIR) for (let i = 0; i < keep; i++) list.push(blkno + i);
      return keep;
    });
  }
  checkSize(c, ino, b, type, size, last, list.length);
  const acl = claimAcl(c, ino, b);
  const values = valueBlocks(acl === 0 ? extra : [...extra, ...(parseXattrBlock(c.block(aclOf(b))) ?? [])], c.bsize);
  const sectors = (nodes + data + acl + values) * (c.bsize >> 9);
  if (c.sectorsOf(b) !== sectors) c.problem(`inode ${ino} has ${c.sectorsOf(b)} sectors by its count, and ${sectors} in fact`, () => c.setSectors(b, sectors));
  return list;
}

function checkSize(c: Check, ino: number, b: Uint8Array, type: number, size: number, last: number, dirBlocks: number): void {
  if ((getU32le(b, DI_FLAGS) & FL_INLINE_DATA) !== 0) return;
  if (type === S_IFDIR) {
    const right = dirBlocks * c.bsize;
    if (size !== right) c.problem(`directory ${ino} has ${size} bytes by its inode, and ${dirBlocks} blocks`, () => c.setSize(b, right));
  } else if (SIZELESS.includes(type)) {
    if (size !== 0) c.problem(`inode ${ino}, a device, socket or fifo, has ${size} bytes`, () => c.setSize(b, 0));
  } else if (type === S_IFREG && last * c.bsize > size && (getU32le(b, DI_FLAGS) & FL_VERITY) === 0) {
    c.problem(`inode ${ino} has ${size} bytes, and blocks up to number ${last}`, () => c.setSize(b, (last + 1) * c.bsize));
  } else if (type === S_IFLNK && size === 0) c.problem(`symbolic link ${ino} has no target`, () => c.setSize(b, 1));
}

function aclOf(b: Uint8Array): number {
  return getU32le(b, DI_ACL) + getU16le(b, DI_ACL_HIGH) * 0x1_0000_0000;
}

/** The block of attributes: claimed by the first who has it. Gives how many the file has. */
function claimAcl(c: Check, ino: number, b: Uint8Array): number {
  const acl = aclOf(b);
  if (acl === 0) return 0;
  const users = c.xattrBlocks.get(acl);
  if (users !== undefined) {
    c.xattrBlocks.set(acl, users + 1);
    return 1;
  }
  const gone = (): void => {
    putU32le(b, DI_ACL, 0);
    putU16le(b, DI_ACL_HIGH, 0);
  };
  if (claim(c, acl, 1) === 0) {
    c.problem(`inode ${ino}: its attributes are said to be in block ${acl}, which is not there, or another's`, gone);
    return 0;
  }
  const data = c.block(acl);
  const list = parseXattrBlock(data);
  if (list === undefined || xattrsCollide(data, XATTR_HEADER_LEN, 0, data.length)) {
    c.problem(`inode ${ino}: block ${acl} of attributes makes no sense`, gone);
    return 0;
  }
  c.xattrBlocks.set(acl, 1);
  countValues(c, list);
  return 1;
}

function countValues(c: Check, list: readonly Xattr[]): void {
  for (const x of list) if (x.elsewhere !== undefined) c.values.set(x.elsewhere.ino, (c.values.get(x.elsewhere.ino) ?? 0) + 1);
}

/** A file without data, which has its own in blocks. */
function makeEmpty(c: Check, b: Uint8Array): void {
  putU32le(b, DI_FLAGS, (getU32le(b, DI_FLAGS) & ~(FL_INLINE_DATA | FL_EXTENTS)) >>> 0);
  b.fill(0, DI_BLOCK, DI_BLOCK + 60);
  c.setSize(b, 0);
}

/** The attributes in an inode; undefined: they make no sense. */
function extraOf(c: Check, b: Uint8Array): readonly Xattr[] | undefined {
  if (c.info.inodeSize === DI_OLD_LEN) return [];
  const start = DI_OLD_LEN + getU16le(b, DI_EXTRA);
  if (start === DI_OLD_LEN || start + 8 > b.length || getU32le(b, start) !== XATTR_MAGIC) return [];
  const list = parseXattrs(b, start + 4, start + 4, b.length);
  return list === undefined || xattrsCollide(b, start + 4, start + 4, b.length) ? undefined : list;
}

/** What is behind the first 128 bytes: the attributes there. */
function checkExtra(c: Check, ino: number, b: Uint8Array): readonly Xattr[] {
  if (c.info.inodeSize === DI_OLD_LEN) return [];
  const extra = getU16le(b, DI_EXTRA);
  if (extra > c.info.inodeSize - DI_OLD_LEN || (extra & 3) !== 0) {
    c.problem(`inode ${ino} has ${extra} extra bytes`, () => putU16le(b, DI_EXTRA, Math.min(32, c.info.inodeSize - DI_OLD_LEN)));
    return [];
  }
  const list = extraOf(c, b);
  if (list === undefined) {
    c.problem(`inode ${ino}: the attributes in it make no sense`, () => b.fill(0, DI_OLD_LEN + extra));
    return [];
  }
  countValues(c, list);
  return list;
}

function checkXattrBlocks(c: Check): void {
  for (const [blkno, users] of c.xattrBlocks) {
    const b = c.block(blkno);
    const put = (): void => {
      putU32le(b, XH_REFCOUNT, users);
      if (c.sums.on) putU32le(b, 16, c.sums.xattr(b, blkno));
      c.changed(blkno, b);
    };
    if (getU32le(b, XH_REFCOUNT) !== users) c.problem(`block ${blkno} of attributes has ${getU32le(b, XH_REFCOUNT)} users by its count, and ${users}`, put);
    else if (c.sums.on && getU32le(b, 16) !== c.sums.xattr(b, blkno)) c.problem(`block ${blkno} of attributes has a wrong checksum`, put);
  }
}

function checkValues(c: Check): void {
  for (const [ino, users] of c.values) {
    const b = c.inode(ino);
    if (b === undefined || getU16le(b, DI_NLINK) === 0 || (getU32le(b, DI_FLAGS) & FL_EA_INODE) === 0) {
      c.problem(`inode ${ino} should hold an attribute, and does not`);
      continue;
    }
    if (users === 0) c.problem(`inode ${ino} holds an attribute that nobody has`, () => c.clearInode(ino));
    else if (getU32le(b, DI_VERSION) !== users || getU32le(b, DI_CTIME) !== 0) {
      c.problem(`inode ${ino}, of an attribute, has another count of users than ${users}`, () => {
        putU32le(b, DI_VERSION, users);
        putU32le(b, DI_CTIME, 0);
        c.putInode(ino, b);
      });
    }
  }
}
