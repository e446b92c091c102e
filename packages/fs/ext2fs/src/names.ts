/**
 * Names in ext2 directories: look up, make, link, remove, rename, list; symbolic links.
 *
 * What can be refused is refused before anything changes; the rest is one transaction. A directory is reached by one name only: a second one, or one
 * whose `..` says otherwise, is a fault of the disk, so that there is no way round in circles.
 */
import { bytestrOf } from '@anykernel/lib-bytes';
import { APPEND, ERR, IMMUTABLE, major, minor } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { type Componentname, type EmitDirent, VBLK, VCHR, VDIR, VLNK, VREG, type Vattr, type Vnode, typeToMode } from '@anykernel/rumpvfs';
import { flagsOf } from './attr.js';
import { balloc } from './balloc.js';
import { blockAt, bmap } from './bmap.js';
import { dirEnter, dirFind, dirRead, dirRemove, dirRewrite } from './dir.js';
import { dirInit, dirIsEmpty, parentOf, setParent } from './dots.js';
import { markAccess } from './file.js';
import type { Ext2fs } from './fs.js';
import { allocInode } from './ialloc.js';
import { emptyMap, inlineBytes } from './inline.js';
import { type Inode, T_ACCESS, T_CHANGE, T_UPDATE, VTOI, isUsableIno } from './inode.js';
import {
  DI_BLOCK, FAST_LINK_MAX, FL_DIRSYNC, FL_ENCRYPT, FL_INHERITED, FL_PROJINHERIT, LINK_MAX, LINK_MAX_DIR_NLINK, NAME_MAX, ROOT_INO, emitRdev,
} from './ondisk.js';
import { lostLastName } from './orphan.js';
import { makeVnode } from './vnodes.js';
import { inheritAcl } from './xattr.js';

export function lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
  const dp = VTOI(dvp);
  const { name } = cnp;
  const { namecache } = dp.fs.mp.vfs;
  const known = namecache.lookup(dvp, name);
  if (known !== undefined) return known ?? undefined;
  if (name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  if (dp.nlink === 0) return undefined;
  const vp = name === '..' ? dp.fs.mp.vget(parentOf(dp)) : find(dp, name);
  namecache.enter(dvp, name, vp);
  return vp;
}

function find(dp: Inode, name: string): Vnode | undefined {
  if (dirFind(dp, name) < 0) return undefined;
  const { fs } = dp;
  const ino = fs.foundIno;
  if (ino === ROOT_INO || ino === dp.ino || !isUsableIno(fs, ino)) fs.corrupt(`directory ${dp.ino}: an entry names inode ${ino}, which none may`);
  const vp = childOf(fs, dp, ino);
  const ip = VTOI(vp);
  if (ip.nlink === 0) fs.corrupt(`directory ${dp.ino}: an entry names inode ${ino}, which has no name`);
  if (vp.type === VDIR && parentOf(ip) !== dp.ino) fs.corrupt(`directory ${ino} is in directory ${dp.ino}, and says it is in ${parentOf(ip)}`);
  return vp;
}

function childOf(fs: Ext2fs, dp: Inode, ino: number): Vnode {
  try {
    return fs.mp.vget(ino);
  } catch (e) {
    if (e !== ERR.ESTALE) throw e;
    return fs.corrupt(`directory ${dp.ino}: an entry names inode ${ino}, which is free`);
  }
}

// -- making

/** A regular file, a socket. */
export function create(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return makeFile(dvp, cnp, va, '');
}

/** A device, a fifo. */
export function mknod(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return makeFile(dvp, cnp, va, '');
}

export function mkdir(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return makeFile(dvp, cnp, va, '');
}

/** ENAMETOOLONG: the target does not fit into a block. */
export function symlink(dvp: Vnode, cnp: Componentname, va: Vattr, target: string): Vnode {
  if (target.length >= VTOI(dvp).fs.bsize) throw ERR.ENAMETOOLONG;
  return makeFile(dvp, cnp, va, target);
}

function checkNewName(dp: Inode, name: string): void {
  if (name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  if (dp.nlink === 0) throw ERR.ENOENT;
}

function makeFile(dvp: Vnode, cnp: Componentname, va: Vattr, target: string): Vnode {
  const dp = VTOI(dvp);
  const { fs } = dp;
  checkNewName(dp, cnp.name);
  if (va.type === VDIR && !mayHaveSubdir(dp)) throw ERR.EMLINK;
  const ip = fs.run(() => {
    const fresh = allocInode(fs, dp, va.type === VDIR);
    fs.txn.undo(() => fresh.release());
    initInode(dp, fresh, va, target);
    dirEnter(dp, cnp.name, fresh.ino, fresh.mode);
    if (va.type === VDIR) gainSubdir(dp);
    return fresh;
  });
  const vp = makeVnode(fs, ip);
  fs.mp.insert(vp);
  return vp;
}

/** Directories with more links than a count holds say 1, with `dir_nlink`. */
function mayHaveSubdir(dp: Inode): boolean {
  return dp.fs.manyLinks || dp.nlink < LINK_MAX;
}

function gainSubdir(dp: Inode): void {
  dp.dirty();
  if (dp.nlink === 1) return;
  dp.nlink = dp.fs.manyLinks && dp.nlink + 1 >= LINK_MAX_DIR_NLINK ? 1 : dp.nlink + 1;
}

function initInode(dp: Inode, ip: Inode, va: Vattr, target: string): void {
  ip.mode = typeToMode(va.type) | (va.mode & 0o7777);
  ip.uid = va.uid;
  ip.gid = va.gid;
  ip.nlink = va.type === VDIR ? 2 : 1;
  if ((dp.flags & FL_PROJINHERIT) !== 0) ip.projid = dp.projid;
  if (va.type === VREG || va.type === VDIR || va.type === VLNK) emptyMapFor(ip, va.type, target);
  ip.flags |= dp.flags & (va.type === VDIR ? FL_INHERITED : FL_INHERITED & ~FL_DIRSYNC);
  ip.touch(T_ACCESS | T_CHANGE | T_UPDATE);
  if (va.type === VDIR) dirInit(ip, dp.ino);
  else if (va.type === VLNK) putTarget(ip, target);
  else if (va.type === VBLK || va.type === VCHR) {
    const [word0, word1] = emitRdev(major(va.rdev), minor(va.rdev));
    ip.setPtr(0, word0);
    ip.setPtr(1, word1);
  }
  inheritAcl(dp, ip);
}

/** Files with blocks have extents, where the image has them. */
function emptyMapFor(ip: Inode, type: number, target: string): void {
  if (type !== VLNK || target.length >= FAST_LINK_MAX) emptyMap(ip);
}

function putTarget(ip: Inode, target: string): void {
  const { fs } = ip;
  ip.size = target.length;
  let { bp } = ip;
  let off = ip.off + DI_BLOCK;
  if (target.length >= FAST_LINK_MAX) {
    balloc(ip, 0, 1);
    bp = fs.bcache.getblk(blockAt(ip, 0));
    off = 0;
    fs.txn.dirty(bp);
    bp.data.fill(0);
  }
  for (let i = 0; i < target.length; i++) bp.data[off + i] = target.charCodeAt(i);
}

/** The target as a byte string. EIO. */
export function readlink(vp: Vnode, _l: Lwp): string {
  const ip = VTOI(vp);
  const { fs } = ip;
  const { size } = ip;
  if ((ip.flags & FL_ENCRYPT) !== 0) throw ERR.EOPNOTSUPP;
  markAccess(vp, ip);
  if (ip.isInline) return bytestrOf(inlineBytes(ip), 0, size);
  if (ip.isFastLink) return bytestrOf(ip.bp.data, ip.off + DI_BLOCK, ip.off + DI_BLOCK + size);
  const run = fs.scratchRun;
  bmap(ip, 0, run);
  if (run.blkno < 0) fs.corrupt(`symbolic link ${ip.ino} has no target`);
  return bytestrOf(fs.bcache.bread(run.blkno).data, 0, size);
}

export function link(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dp = VTOI(dvp);
  const ip = VTOI(vp);
  checkNewName(dp, cnp.name);
  if ((flagsOf(ip) & (IMMUTABLE | APPEND)) !== 0) throw ERR.EPERM;
  if (ip.nlink === 0) throw ERR.ENOENT;
  if (ip.nlink >= (dp.fs.manyLinks ? LINK_MAX_DIR_NLINK : LINK_MAX)) throw ERR.EMLINK;
  dp.fs.run(() => {
    dirEnter(dp, cnp.name, ip.ino, ip.mode);
    ip.touch(T_CHANGE);
    ip.nlink++;
  });
}

// -- taking

/** EPERM: the file may not lose a name, or the directory none of its. */
function checkRemoval(dp: Inode, ip: Inode): void {
  if (((flagsOf(ip) & (IMMUTABLE | APPEND)) | (flagsOf(dp) & APPEND)) !== 0) throw ERR.EPERM;
}

/** Where the entry of `ip` called `name` is. ENOENT: it is not there any more. */
function entryOf(dp: Inode, name: string, ip: Inode): number {
  const off = dirFind(dp, name);
  if (off < 0 || dp.fs.foundIno !== ip.ino) throw ERR.ENOENT;
  return off;
}

export function remove(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dp = VTOI(dvp);
  const ip = VTOI(vp);
  checkRemoval(dp, ip);
  dp.fs.run(() => {
    dirRemove(dp, cnp.name, entryOf(dp, cnp.name, ip));
    loseName(vp, ip);
  });
}

/** One name less; a directory loses its `.` with its only one. Within a transaction. */
function loseName(vp: Vnode, ip: Inode): void {
  ip.touch(T_CHANGE);
  ip.nlink = vp.type === VDIR ? 0 : Math.max(0, ip.nlink - 1);
  if (ip.nlink === 0) lostLastName(vp, ip);
}

export function rmdir(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dp = VTOI(dvp);
  const ip = VTOI(vp);
  checkRemoval(dp, ip);
  if (!dirIsEmpty(ip)) throw ERR.ENOTEMPTY;
  dp.fs.run(() => {
    dirRemove(dp, cnp.name, entryOf(dp, cnp.name, ip));
    loseSubdir(dp);
    loseName(vp, ip);
  });
}

function loseSubdir(dp: Inode): void {
  dp.dirty();
  if (dp.nlink > 2) dp.nlink--;
}

export function rename(fdvp: Vnode, fvp: Vnode, fcnp: Componentname, tdvp: Vnode, tvp: Vnode | undefined, tcnp: Componentname): void {
  const fdp = VTOI(fdvp);
  const fip = VTOI(fvp);
  const tdp = VTOI(tdvp);
  if (tvp === fvp) {
    if (fdp !== tdp || fcnp.name !== tcnp.name) remove(fdvp, fvp, fcnp);
    return;
  }
  const tip = tvp === undefined ? undefined : VTOI(tvp);
  checkNewName(tdp, tcnp.name);
  checkRemoval(fdp, fip);
  if (tip !== undefined) checkRemoval(tdp, tip);
  if (tip !== undefined && tip.isDir && !dirIsEmpty(tip)) throw ERR.ENOTEMPTY;
  const moves = fip.isDir && fdp !== tdp;
  if (moves && tip === undefined && !mayHaveSubdir(tdp)) throw ERR.EMLINK;
  fdp.fs.run(() => {
    if (tvp === undefined || tip === undefined) dirEnter(tdp, tcnp.name, fip.ino, fip.mode);
    else replace(tdp, tcnp.name, tvp, tip, fip);
    dirRemove(fdp, fcnp.name, entryOf(fdp, fcnp.name, fip));
    if (moves) {
      setParent(fip, tdp.ino);
      loseSubdir(fdp);
      gainSubdir(tdp);
    }
    fip.touch(T_CHANGE);
  });
}

/** The name of `tip` stands for `fip` from now on. */
function replace(tdp: Inode, name: string, tvp: Vnode, tip: Inode, fip: Inode): void {
  dirRewrite(tdp, entryOf(tdp, name, tip), fip.ino, fip.mode);
  if (tip.isDir) loseSubdir(tdp);
  loseName(tvp, tip);
}

// -- listing

export function readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
  const ip = VTOI(vp);
  if (ip.nlink === 0) return;
  dirRead(ip, cookie, emit);
  markAccess(vp, ip);
}

