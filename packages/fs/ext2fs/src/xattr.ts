/**
 * Extended attributes of ext2 files: in the inode where it is large enough, and in a block, which several files may share.
 *
 * Linux keeps what a name begins with as a number. Name space USER has those of `user.`, without that; SYSTEM has the others under their
 * full names: `trusted.x`, `security.x`, `system.x`, and the access lists `system.posix_acl_access` and `_default`, as Linux's system calls have them (acl.ts).
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import { ERR, EXTATTR_NAMESPACE_USER, S_IFDIR, S_IFLNK, S_IFMT } from '@anykernel/lib-sys';
import { type Buf, Run, type Vnode } from '@anykernel/rumpvfs';
import { T_CHANGE } from '@anykernel/ufs';
import { allocBlocks, freeBlocks } from './alloc.js';
import type { Ext2fs } from './fs.js';
import { type Inode, VTOI } from './inode.js';
import { type AclEntry, aclOfXattr, emitAcl, inherit, isMinimal, modeOf, parseAcl, withMode, xattrOfAcl } from './acl.js';
import { T_XATTR, Tag, tagOf } from './csum.js';
import { EA_VALUE_MAX, dropValue, entryHashOf, makeValue, readValue, shareValue, valueSum } from './eainode.js';
import { COMPAT_EXT_ATTR, DI_OLD_LEN, FL_APPEND, FL_IMMUTABLE, INCOMPAT_EA_INODE, SB_COMPAT } from './ondisk.js';
import { XATTR_HEADER_LEN, XATTR_MAGIC, XH_REFCOUNT, type Xattr, emitXattrBlock, emitXattrs, parseXattrBlock, parseXattrs, valueBlocks, xattrsSize } from './xattrdisk.js';

const USER = 1;
/** Beginnings of names in SYSTEM; those of the access lists are whole names. */
const PREFIXES: readonly (readonly [string, number])[] = [
  ['trusted.', 4],
  ['security.', 6],
  ['system.', 7],
];
const ACL_ACCESS = 2;
const ACL_DEFAULT = 3;

interface Key {
  readonly index: number;
  readonly name: string;
}

/** How a name is kept. EOPNOTSUPP: not at all. ENAMETOOLONG, EINVAL: it is empty. */
function keyOf(ns: number, name: string): Key {
  const key = findKey(ns, name);
  if (key === undefined) throw ERR.EOPNOTSUPP;
  if (key.name.length > 255) throw ERR.ENAMETOOLONG;
  if (key.name === '' && key.index !== ACL_ACCESS && key.index !== ACL_DEFAULT) throw ERR.EINVAL;
  return key;
}

function findKey(ns: number, name: string): Key | undefined {
  if (ns === EXTATTR_NAMESPACE_USER) return { index: USER, name };
  if (name === 'system.posix_acl_access') return { index: ACL_ACCESS, name: '' };
  if (name === 'system.posix_acl_default') return { index: ACL_DEFAULT, name: '' };
  // The bytes of a file in its inode: inline.ts.
  if (name === 'system.data') return undefined;
  for (const [prefix, index] of PREFIXES) if (name.startsWith(prefix)) return { index, name: name.slice(prefix.length) };
  return undefined;
}

/** The name in `ns`; undefined: it belongs to another name space, or to nobody. */
function nameIn(ns: number, x: Xattr): string | undefined {
  if (ns === EXTATTR_NAMESPACE_USER) return x.index === USER ? x.name : undefined;
  if (x.index === ACL_ACCESS) return 'system.posix_acl_access';
  if (x.index === ACL_DEFAULT) return 'system.posix_acl_default';
  if (isInline(x)) return undefined;
  const prefix = PREFIXES.find(([, index]) => index === x.index);
  return prefix === undefined ? undefined : prefix[0] + x.name;
}

// -- where they lie

/** The first byte behind the inode's fields, where its attributes begin with a magic number. */
function bodyStart(ip: Inode): number {
  return ip.off + DI_OLD_LEN + ip.extra;
}
function bodyEnd(ip: Inode): number {
  return ip.off + ip.fs.info.inodeSize;
}
/** Bytes for entries and values in the inode; 0: none. */
function bodyRoom(ip: Inode): number {
  if (ip.extra === 0) return 0;
  return Math.max(0, bodyEnd(ip) - bodyStart(ip) - 4);
}

function readBody(ip: Inode): Xattr[] {
  const start = bodyStart(ip);
  if (!hasBody(ip)) return [];
  const list = parseXattrs(ip.bp.data, start + 4, start + 4, bodyEnd(ip));
  return list ?? ip.fs.corrupt(`inode ${ip.ino}: the extended attributes in it make no sense`);
}

function aclBuf(ip: Inode): Buf {
  const { fs, acl } = ip;
  if (!fs.mayOwn(acl)) fs.corrupt(`inode ${ip.ino}: its extended attributes are said to be in block ${acl}`);
  const bp = fs.bcache.bread(acl);
  if (tagOf(bp, T_XATTR, 0) === undefined) {
    const tag = new Tag(T_XATTR, 0, 0);
    if (bp.tag !== undefined || !fs.sums.holds(bp, tag)) fs.corrupt(`inode ${ip.ino}: block ${acl} of extended attributes has a wrong checksum, or another use`);
    bp.tag = tag;
  }
  return bp;
}

function readBlock(ip: Inode): Xattr[] {
  if (ip.acl === 0) return [];
  const list = parseXattrBlock(aclBuf(ip).data);
  return list ?? ip.fs.corrupt(`inode ${ip.ino}: the extended attributes in block ${ip.acl} make no sense`);
}

/** The bytes of a file in its inode, behind the first 60. */
const INLINE: Key = { index: 7, name: 'data' };

function isInline(x: Xattr): boolean {
  return matches(x, INLINE);
}

/** What `system.data` holds; undefined: there is none. EIO. */
export function valueOfInline(ip: Inode): Uint8Array | undefined {
  return readBody(ip).find(isInline)?.value;
}

/** `system.data` goes. Within a transaction. */
export function takeInlineXattr(ip: Inode): void {
  const body = readBody(ip);
  const rest = body.filter((x) => !isInline(x));
  if (rest.length < body.length) writeBody(ip, rest);
}

function bytesOfXattr(fs: Ext2fs, x: Xattr | undefined): Uint8Array | undefined {
  return x?.elsewhere === undefined ? x?.value : readValue(fs, x.elsewhere.ino, x.elsewhere.len);
}

function matches(x: Xattr, key: Key): boolean {
  return x.index === key.index && x.name === key.name;
}

// -- the operations

export function getextattr(vp: Vnode, ns: number, name: string): Uint8Array | undefined {
  const ip = VTOI(vp);
  const key = findKey(ns, name);
  if (key === undefined) return undefined;
  if (key.index !== ACL_ACCESS && key.index !== ACL_DEFAULT) return bytesOfXattr(ip.fs, findXattr(ip, key));
  const list = aclOf(ip, key);
  return list === undefined ? undefined : xattrOfAcl(list);
}

const ACCESS: Key = { index: ACL_ACCESS, name: '' };
const DEFAULT: Key = { index: ACL_DEFAULT, name: '' };

/** An access list of a file; undefined: there is none. EIO: it makes no sense. */
function aclOf(ip: Inode, key: Key): AclEntry[] | undefined {
  if (ip.acl === 0 && !hasBody(ip)) return undefined;
  const value = bytesOfXattr(ip.fs, findXattr(ip, key));
  if (value === undefined) return undefined;
  return parseAcl(value) ?? ip.fs.corrupt(`inode ${ip.ino}: an access list makes no sense`);
}

/** The list that says who may; undefined: the mode does. EIO. */
export function accessAcl(ip: Inode): AclEntry[] | undefined {
  return aclOf(ip, ACCESS);
}

/** There are attributes in the inode. */
function hasBody(ip: Inode): boolean {
  return bodyRoom(ip) >= 4 && getU32le(ip.bp.data, bodyStart(ip)) === XATTR_MAGIC;
}

function findXattr(ip: Inode, key: Key): Xattr | undefined {
  return readBody(ip).find((x) => matches(x, key)) ?? readBlock(ip).find((x) => matches(x, key));
}

export function listextattr(vp: Vnode, ns: number): string[] {
  const ip = VTOI(vp);
  const names: string[] = [];
  for (const x of [...readBody(ip), ...readBlock(ip)]) {
    const name = nameIn(ns, x);
    if (name !== undefined) names.push(name);
  }
  return names;
}

function setKey(ip: Inode, key: Key, value: Uint8Array | undefined): void {
  replaceXattr(ip, key, value === undefined ? undefined : { index: key.index, name: key.name, value });
}

/** A new file takes its directory's default list, which gives no more than the mode asks for. Within a transaction. ENOSPC, EIO. */
export function inheritAcl(dp: Inode, ip: Inode): void {
  if ((dp.fs.info.compat & COMPAT_EXT_ATTR) === 0 || (ip.mode & S_IFMT) === S_IFLNK) return;
  const list = aclOf(dp, DEFAULT);
  if (list === undefined) return;
  if ((ip.mode & S_IFMT) === S_IFDIR) setKey(ip, DEFAULT, emitAcl(list));
  const own = inherit(list, ip.mode);
  ip.mode = own.mode;
  if (!isMinimal(own.list)) setKey(ip, ACCESS, emitAcl(own.list));
}

/** The mode of the file has changed: its access list follows. Within a transaction. ENOSPC, EIO. */
export function chmodAcl(ip: Inode): void {
  const list = aclOf(ip, ACCESS);
  if (list !== undefined) setKey(ip, ACCESS, emitAcl(withMode(list, ip.mode)));
}

/** A list is set: that of the file gives its mode, and goes where it says no more than that; that of what is made in a directory. EINVAL, EACCES, EOPNOTSUPP, EPERM. */
function setAcl(ip: Inode, key: Key, b: Uint8Array): void {
  const list = aclOfXattr(b);
  if (list === undefined) throw ERR.EINVAL;
  const type = ip.mode & S_IFMT;
  if (type === S_IFLNK) throw ERR.EOPNOTSUPP;
  const isAccess = key.index === ACL_ACCESS;
  if (!isAccess && type !== S_IFDIR && list.length > 0) throw ERR.EACCES;
  if ((ip.flags & (FL_IMMUTABLE | FL_APPEND)) !== 0) throw ERR.EPERM;
  ip.fs.run(() => {
    ip.touch(T_CHANGE);
    if (isAccess && list.length > 0) ip.mode = (ip.mode & ~0o777) | modeOf(list);
    const goes = list.length === 0 || (isAccess && isMinimal(list));
    if (!goes) setKey(ip, key, emitAcl(list));
    else if (findXattr(ip, key) !== undefined) setKey(ip, key, undefined);
  });
}

/** EINVAL: an access list that is none. EOPNOTSUPP: the image is of revision 0, or the name is of a kind that is not kept. ENAMETOOLONG, EINVAL. ENOSPC: no room in inode and block. EPERM: it only grows, or does not change. */
export function setextattr(vp: Vnode, ns: number, name: string, value: Uint8Array): void {
  const ip = VTOI(vp);
  if (ip.fs.info.rev === 0) throw ERR.EOPNOTSUPP;
  const key = keyOf(ns, name);
  if (key.index === ACL_ACCESS || key.index === ACL_DEFAULT) setAcl(ip, key, value);
  else change(ip, key, { index: key.index, name: key.name, value: value.slice() });
}

/** ENOATTR. */
export function deleteextattr(vp: Vnode, ns: number, name: string): void {
  const ip = VTOI(vp);
  const key = findKey(ns, name);
  if (key === undefined) throw ERR.ENOATTR;
  change(ip, key, undefined);
}

function change(ip: Inode, key: Key, fresh: Xattr | undefined): void {
  if ((ip.flags & (FL_IMMUTABLE | FL_APPEND)) !== 0) throw ERR.EPERM;
  ip.fs.run(() => replaceXattr(ip, key, fresh));
}

/** Within a transaction. ENOATTR: it is to go, and is not there. */
function replaceXattr(ip: Inode, key: Key, fresh: Xattr | undefined): void {
  const { fs } = ip;
  const body = readBody(ip);
  const block = readBlock(ip);
  const body1 = body.filter((x) => !matches(x, key));
  const block1 = block.filter((x) => !matches(x, key));
  // A block that others have keeps its values.
  const shared = ip.acl !== 0 && getU32le(aclBuf(ip).data, XH_REFCOUNT) > 1;
  for (const x of shared ? body : [...body, ...block]) if (matches(x, key) && x.elsewhere !== undefined) dropValue(fs, x.elsewhere.ino);
  if (fresh === undefined && body1.length === body.length && block1.length === block.length) throw ERR.ENOATTR;
  const [body2, block2] = fresh === undefined ? [body1, block1] : place(ip, body1, block1, fresh);
  if (!sameList(body, body2)) writeBody(ip, body2);
  if (!sameList(block, block2)) {
    if (shared) for (const x of block2) if (x.elsewhere !== undefined && block1.includes(x)) shareValue(fs, x.elsewhere.ino);
    writeBlock(ip, block2);
  }
  const more = valueBlocks([...body2, ...block2], fs.bsize) - valueBlocks([...body, ...block], fs.bsize);
  if (more !== 0) {
    ip.dirty();
    ip.addBlocks(more);
  }
  ip.touch(T_CHANGE);
}

function sameList(a: readonly Xattr[], b: readonly Xattr[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}

/** Where each goes when `fresh` comes in: the inode first, then the block; if need be all are placed anew, small ones in the inode. ENOSPC. */
function place(ip: Inode, body: readonly Xattr[], block: readonly Xattr[], fresh: Xattr): readonly [readonly Xattr[], readonly Xattr[]] {
  const bodyFits = (list: readonly Xattr[]): boolean => xattrsSize(list) <= bodyRoom(ip);
  const blockFits = (list: readonly Xattr[]): boolean => xattrsSize(list) <= ip.fs.bsize - XATTR_HEADER_LEN;
  if (bodyFits([...body, fresh])) return [[...body, fresh], block];
  if (blockFits([...block, fresh])) return [body, [...block, fresh]];
  const inside: Xattr[] = body.filter(isInline);
  const outside: Xattr[] = [];
  for (const x of [...body, ...block, fresh].filter((y) => !isInline(y)).sort((a, b) => a.value.length - b.value.length)) {
    if (bodyFits([...inside, x])) inside.push(x);
    else outside.push(x);
  }
  if (blockFits(outside)) return [inside, outside];
  if ((ip.fs.info.incompat & INCOMPAT_EA_INODE) === 0 || fresh.elsewhere !== undefined || fresh.value.length > EA_VALUE_MAX) throw ERR.ENOSPC;
  const { index, name, value } = fresh;
  const hash = entryHashOf(name, valueSum(ip.fs, value));
  return place(ip, body, block, { index, name, value: new Uint8Array(0), elsewhere: { ino: makeValue(ip, value), len: value.length, hash } });
}

function writeBody(ip: Inode, list: readonly Xattr[]): void {
  ip.dirty();
  const start = bodyStart(ip);
  const { data } = ip.bp;
  if (list.length === 0) {
    data.fill(0, start, bodyEnd(ip));
    return;
  }
  putU32le(data, start, XATTR_MAGIC);
  emitXattrs(data, start + 4, start + 4, bodyEnd(ip), list);
}

/** A block that others have, too, stays as it is; this file gets another. */
function writeBlock(ip: Inode, list: readonly Xattr[]): void {
  const { fs } = ip;
  if (list.length === 0) {
    freeXattrBlock(ip);
    return;
  }
  if (ip.acl !== 0) {
    const bp = aclBuf(ip);
    if (getU32le(bp.data, XH_REFCOUNT) === 1) {
      fs.txn.dirty(bp);
      emitXattrBlock(bp.data, list);
      return;
    }
  }
  const run = new Run();
  allocBlocks(fs, blockGoal(ip), 1, run);
  const bp = fs.bcache.getblk(run.blkno);
  fs.txn.dirty(bp);
  bp.tag = new Tag(T_XATTR, 0, 0);
  emitXattrBlock(bp.data, list);
  freeXattrBlock(ip);
  ip.dirty();
  ip.acl = run.blkno;
  ip.addBlocks(1);
  markFeature(fs);
}

function blockGoal(ip: Inode): number {
  const { fs } = ip;
  const g = Math.floor((ip.ino - 1) / fs.info.inodesPerGroup);
  return fs.groupStart(g) + fs.head[g];
}

function markFeature(fs: Ext2fs): void {
  const compat = fs.sb32(SB_COMPAT);
  if ((compat & COMPAT_EXT_ATTR) === 0) fs.setSb32(SB_COMPAT, (compat | COMPAT_EXT_ATTR) >>> 0);
}

/** All attributes go with the file. Within a transaction. EIO. */
export function dropXattrs(ip: Inode): void {
  const { fs } = ip;
  if ((fs.info.incompat & INCOMPAT_EA_INODE) !== 0) {
    const shared = ip.acl !== 0 && getU32le(aclBuf(ip).data, XH_REFCOUNT) > 1;
    for (const x of [...readBody(ip), ...(shared ? [] : readBlock(ip))]) if (x.elsewhere !== undefined) dropValue(fs, x.elsewhere.ino);
  }
  freeXattrBlock(ip);
}

/** The file has no attribute block any more. Within a transaction. EIO. */
function freeXattrBlock(ip: Inode): void {
  const { fs, acl } = ip;
  if (acl === 0) return;
  const bp = aclBuf(ip);
  const refs = getU32le(bp.data, XH_REFCOUNT);
  if (getU32le(bp.data, 0) !== XATTR_MAGIC || refs === 0) fs.corrupt(`inode ${ip.ino}: block ${acl} holds no extended attributes`);
  if (refs > 1) {
    fs.txn.dirty(bp, XH_REFCOUNT, 4);
    putU32le(bp.data, XH_REFCOUNT, refs - 1);
  } else {
    fs.bcache.invalidate(acl);
    freeBlocks(fs, acl, 1);
  }
  ip.dirty();
  ip.acl = 0;
  ip.addBlocks(-1);
}
