/** Extended attributes: those in inodes, those in blocks that several files may share, and values in inodes of their own. */
import { crc32cUpdate, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { COMPAT_EXT_ATTR, DI_ACL, DI_ACL_HIGH, DI_CTIME, DI_EXTRA, DI_FLAGS, DI_GEN, DI_MODE, DI_MTIME, DI_NLINK, DI_OLD_LEN, DI_VERSION, FL_EA_INODE, SB_COMPAT } from '../ondisk.js';
import { type Xattr, XATTR_HEADER_LEN, XATTR_MAGIC, XH_REFCOUNT, emitXattrBlock, emitXattrs, entryHash, parseXattrBlock, parseXattrs, xattrsCollide } from '../xattrdisk.js';
import { entryHashOf } from '../eainode.js';
import type { Check } from './check.js';
import { runsOf } from './runs.js';
import { claim } from './walk.js';

const ENTRY_LEN = 16;
/** Bytes of a value that is looked at. */
const VALUE_MAX = 1 << 20;

function aclOf(b: Uint8Array): number {
  return getU32le(b, DI_ACL) + getU16le(b, DI_ACL_HIGH) * 0x1_0000_0000;
}

/** The block of attributes: claimed by the first who has it. Gives those in it; undefined: the file has none. */
export function claimAcl(c: Check, ino: number, b: Uint8Array): readonly Xattr[] | undefined {
  const acl = aclOf(b);
  if (acl === 0) return undefined;
  const users = c.xattrBlocks.get(acl);
  if (users !== undefined) {
    c.xattrBlocks.set(acl, users + 1);
    return parseXattrBlock(c.block(acl)) ?? [];
  }
  const gone = (): void => {
    putU32le(b, DI_ACL, 0);
    putU16le(b, DI_ACL_HIGH, 0);
  };
  if (claim(c, acl, 1) === 0) {
    c.problem(`inode ${ino}: its attributes are said to be in block ${acl}, which is not there, or another's`, gone);
    return undefined;
  }
  const data = c.block(acl);
  const list = parseXattrBlock(data);
  if (list === undefined || xattrsCollide(data, XATTR_HEADER_LEN, 0, data.length)) {
    c.problem(`inode ${ino}: block ${acl} of attributes makes no sense`, gone);
    return undefined;
  }
  c.need(SB_COMPAT, COMPAT_EXT_ATTR, `inode ${ino} has attributes`);
  c.xattrBlocks.set(acl, 1);
  const right = rightOnes(c, ino, b, data, XATTR_HEADER_LEN, list, `block ${acl}`);
  if (right !== list) {
    emitXattrBlock(data, right);
    c.changed(acl, data);
  }
  countValues(c, ino, b, right);
  return right;
}

/** The attributes in an inode; undefined: they make no sense. */
export function extraOf(c: Check, b: Uint8Array): readonly Xattr[] | undefined {
  const start = bodyOf(c, b);
  if (start === 0) return [];
  const list = parseXattrs(b, start, start, b.length);
  return list === undefined || xattrsCollide(b, start, start, b.length) ? undefined : list;
}

/** Where the entries in an inode begin; 0: it has none. */
function bodyOf(c: Check, b: Uint8Array): number {
  if (c.info.inodeSize === DI_OLD_LEN) return 0;
  const start = DI_OLD_LEN + getU16le(b, DI_EXTRA);
  return start === DI_OLD_LEN || start + 8 > b.length || getU32le(b, start) !== XATTR_MAGIC ? 0 : start + 4;
}

/** What is behind the first 128 bytes: the attributes there. */
export function checkExtra(c: Check, ino: number, b: Uint8Array): readonly Xattr[] {
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
  if (list.length === 0) return list;
  const start = bodyOf(c, b);
  const right = rightOnes(c, ino, b, b, start, list, 'it');
  if (right !== list) emitXattrs(b, start, start, b.length, right);
  countValues(c, ino, b, right);
  return right;
}

/** The attributes whose values are there, with hashes that are right: `list` itself where nothing is wrong. */
function rightOnes(c: Check, ino: number, inode: Uint8Array, b: Uint8Array, start: number, list: readonly Xattr[], where: string): readonly Xattr[] {
  let at = start;
  let wrong = false;
  const right: Xattr[] = [];
  for (const x of list) {
    const said = getU32le(b, at + 12);
    at += ENTRY_LEN + ((b[at]! + 3) & ~3);
    const mended = x.elsewhere === undefined ? x : rightValue(c, ino, inode, x);
    const holds = x.elsewhere === undefined ? said === entryHash(x) || said === signedHash(x) || (said === 0 && where === 'it') : mended === x;
    if (!holds) {
      wrong = true;
      c.problem(`inode ${ino}: an attribute in ${where} ${mended === undefined ? 'has its value nowhere' : 'has a wrong hash'}`, () => undefined);
    }
    if (mended !== undefined) right.push(mended);
  }
  return wrong ? right : list;
}

/** As entryHash(), by those who took characters as signed; `word` stands for a value that is elsewhere. */
function signedHash(x: Xattr, word?: number): number {
  let hash = 0;
  const mix = (w: number): void => void (hash = (hash << 16) ^ (hash >>> 16) ^ w);
  for (let i = 0; i < x.name.length; i++) hash = (hash << 5) ^ (hash >>> 27) ^ ((x.name.charCodeAt(i) << 24) >> 24);
  const v = x.value;
  for (let i = 0; i < v.length; i += 4) mix(v[i]! | ((v[i + 1] ?? 0) << 8) | ((v[i + 2] ?? 0) << 16) | ((v[i + 3] ?? 0) << 24));
  if (word !== undefined) mix(word);
  return hash >>> 0;
}

/** An attribute with its value in an inode, with the right hash; undefined: it is not there. */
function rightValue(c: Check, owner: number, inode: Uint8Array, x: Xattr): Xattr | undefined {
  const { ino, len, hash } = x.elsewhere!;
  const b = ino >= c.info.firstIno && ino <= c.info.inodes && ino !== owner ? c.inode(ino) : undefined;
  const sound = b !== undefined && getU16le(b, DI_NLINK) > 0 && getU16le(b, DI_MODE) >> 12 === 8 && (getU32le(b, DI_FLAGS) & FL_EA_INODE) !== 0 && c.sizeOf(b) === len && len <= VALUE_MAX;
  if (b === undefined || !sound) return undefined;
  if (isOwned(b, owner, inode)) return x;
  const runs = runsOf(c, b);
  if (runs === undefined) return undefined;
  const value = new Uint8Array(len);
  let at = 0;
  for (const [blkno, count] of runs) for (let i = 0; i < count && at < len; i++, at += c.bsize) value.set(c.block(blkno + i).subarray(0, Math.min(c.bsize, len - at)), at);
  const word = crc32cUpdate(c.sums.seed, value);
  const right = entryHashOf(x.name, word);
  return hash === right || hash === signedHash(x, word) ? x : { ...x, elsewhere: { ino, len, hash: right } };
}

/** A value of the older kind, which belongs to one file and names it; it is not counted among the blocks of that. */
function isOwned(value: Uint8Array, owner: number, inode: Uint8Array): boolean {
  return getU32le(value, DI_MTIME) === owner && getU32le(value, DI_GEN) === getU32le(inode, DI_GEN);
}

/** Blocks of values that count as the file's. */
export function countedBlocks(c: Check, owner: number, inode: Uint8Array, list: readonly Xattr[]): number {
  let blocks = 0;
  for (const x of list) {
    const b = x.elsewhere === undefined ? undefined : c.inode(x.elsewhere.ino);
    if (x.elsewhere !== undefined && b !== undefined && !isOwned(b, owner, inode)) blocks += Math.ceil(x.elsewhere.len / c.bsize);
  }
  return blocks;
}

function countValues(c: Check, ino: number, inode: Uint8Array, list: readonly Xattr[]): void {
  for (const { elsewhere } of list) {
    if (elsewhere === undefined) continue;
    c.values.set(elsewhere.ino, (c.values.get(elsewhere.ino) ?? 0) + 1);
    const b = c.inode(elsewhere.ino);
    if (b !== undefined && isOwned(b, ino, inode)) c.owned.add(elsewhere.ino);
  }
}

export function checkXattrBlocks(c: Check): void {
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

export function checkValues(c: Check): void {
  for (const [ino, users] of c.values) {
    const b = c.inode(ino);
    if (b === undefined || getU16le(b, DI_NLINK) === 0 || (getU32le(b, DI_FLAGS) & FL_EA_INODE) === 0) continue;
    if (users === 0) c.problem(`inode ${ino} holds an attribute that nobody has`, () => c.clearInode(ino));
    else if (!c.owned.has(ino) && (getU32le(b, DI_VERSION) !== users || getU32le(b, DI_CTIME) !== 0)) {
      c.problem(`inode ${ino}, of an attribute, has another count of users than ${users}`, () => {
        putU32le(b, DI_VERSION, users);
        putU32le(b, DI_CTIME, 0);
        c.putInode(ino, b);
      });
    }
  }
}
