/**
 * Names in directories: look up, make, link, remove, rename, list; how a file system holds them is its own (Naming).
 *
 * What can be refused is refused before anything changes; the rest is one transaction. A directory is reached by one name only: a second one, or one
 * whose `..` says otherwise, is a fault of the disk, so that there is no way round in circles.
 */
import { APPEND, ERR, IMMUTABLE, PATH_MAX } from '@anykernel/lib-sys';
import { type Componentname, type EmitDirent, VDIR, type Vattr, type Vnode, type VnodeOps, typeToMode } from '@anykernel/rumpvfs';
import { makeVnode, markAccess } from './incore.js';
import { type InodeView, T_ACCESS, T_CHANGE, T_UPDATE, corrupt } from './inodefs.js';
import { NAME_MAX, ROOTINO } from './ondisk.js';

function inodeOf(vp: Vnode): InodeView {
  return vp.data as InodeView;
}

// -- looking up

function lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
  const dp = inodeOf(dvp);
  const { name } = cnp;
  const { namecache } = dp.fs.mp.vfs;
  const known = namecache.lookup(dvp, name);
  if (known !== undefined) return known ?? undefined;
  if (name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  if (dp.nlink === 0) return undefined;
  const vp = name === '..' ? dp.fs.mp.vget(dp.fs.naming.parentOf(dp)) : find(dp, name);
  namecache.enter(dvp, name, vp);
  return vp;
}

function find(dp: InodeView, name: string): Vnode | undefined {
  if (dp.fs.naming.find(dp, name) < 0) return undefined;
  const { fs } = dp;
  const ino = fs.foundIno;
  if (ino === ROOTINO || ino === dp.ino || !fs.naming.isUsable(fs, ino)) corrupt(fs, `directory ${dp.ino}: an entry names inode ${ino}, which none may`);
  const vp = childOf(dp, ino);
  const ip = inodeOf(vp);
  if (ip.nlink === 0) corrupt(fs, `directory ${dp.ino}: an entry names inode ${ino}, which has no name`);
  if (vp.type === VDIR && ip.fs.naming.parentOf(ip) !== dp.ino) corrupt(fs, `directory ${ino} is in directory ${dp.ino}, and says it is in ${ip.fs.naming.parentOf(ip)}`);
  return vp;
}

function childOf(dp: InodeView, ino: number): Vnode {
  try {
    return dp.fs.mp.vget(ino);
  } catch (e) {
    if (e !== ERR.ESTALE) throw e;
    return corrupt(dp.fs, `directory ${dp.ino}: an entry names inode ${ino}, which is free`);
  }
}

function readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
  const ip = inodeOf(vp);
  if (ip.nlink === 0) return;
  ip.fs.naming.read(ip, cookie, emit);
  markAccess(vp, ip);
}

// -- making

function checkNewName(dp: InodeView, name: string): void {
  if (name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  if (dp.nlink === 0) throw ERR.ENOENT;
}

/** Of any type. */
function make(dvp: Vnode, cnp: Componentname, va: Vattr, target = ''): Vnode {
  const dp = inodeOf(dvp);
  const { fs } = dp;
  const isDir = va.type === VDIR;
  checkNewName(dp, cnp.name);
  if (isDir && !dp.fs.naming.mayHaveSubdir(dp)) throw ERR.EMLINK;
  const ip = fs.run(() => {
    const fresh = dp.fs.naming.alloc(dp, isDir);
    fs.txn.undo(() => fresh.release());
    fresh.mode = typeToMode(va.type) | (va.mode & 0o7777);
    fresh.uid = va.uid;
    fresh.gid = va.gid;
    fresh.nlink = isDir ? 2 : 1;
    fresh.touch(T_ACCESS | T_CHANGE | T_UPDATE);
    dp.fs.naming.begin(dp, fresh, va, target);
    dp.fs.naming.enter(dp, cnp.name, fresh.ino, fresh.mode);
    if (isDir) dp.fs.naming.gainSubdir(dp);
    return fresh;
  });
  const vp = makeVnode(ip);
  fs.mp.insert(vp);
  return vp;
}

/** ENAMETOOLONG: the target is no path, or does not fit into a block. */
function symlink(dvp: Vnode, cnp: Componentname, va: Vattr, target: string): Vnode {
  if (target.length >= Math.min(PATH_MAX, inodeOf(dvp).fs.bsize)) throw ERR.ENAMETOOLONG;
  return make(dvp, cnp, va, target);
}

function link(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dp = inodeOf(dvp);
  const ip = inodeOf(vp);
  checkNewName(dp, cnp.name);
  if ((ip.fs.naming.flagsOf(ip) & (IMMUTABLE | APPEND)) !== 0) throw ERR.EPERM;
  if (ip.nlink === 0) throw ERR.ENOENT;
  if (ip.nlink >= ip.fs.naming.linkMax(ip)) throw ERR.EMLINK;
  dp.fs.run(() => {
    dp.fs.naming.enter(dp, cnp.name, ip.ino, ip.mode);
    ip.touch(T_CHANGE);
    ip.nlink++;
  });
}

// -- taking

/** EPERM: the file may not lose a name, or the directory none of its. */
function checkRemoval(dp: InodeView, ip: InodeView): void {
  if (((ip.fs.naming.flagsOf(ip) & (IMMUTABLE | APPEND)) | (dp.fs.naming.flagsOf(dp) & APPEND)) !== 0) throw ERR.EPERM;
}

/** Where the entry of `ip` called `name` is. ENOENT: it is not there any more. */
function entryOf(dp: InodeView, name: string, ip: InodeView): number {
  const off = dp.fs.naming.find(dp, name);
  if (off < 0 || dp.fs.foundIno !== ip.ino) throw ERR.ENOENT;
  return off;
}

function remove(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dp = inodeOf(dvp);
  const ip = inodeOf(vp);
  checkRemoval(dp, ip);
  dp.fs.run(() => {
    dp.fs.naming.remove(dp, cnp.name, entryOf(dp, cnp.name, ip));
    loseName(vp, ip);
  });
}

/** One name less; a directory loses its `.` with its only one. Within a transaction. */
function loseName(vp: Vnode, ip: InodeView): void {
  ip.touch(T_CHANGE);
  ip.nlink = vp.type === VDIR ? 0 : Math.max(0, ip.nlink - 1);
  if (ip.nlink === 0) ip.fs.naming.lostLastName(vp, ip);
}

function rmdir(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dp = inodeOf(dvp);
  const ip = inodeOf(vp);
  checkRemoval(dp, ip);
  if (!ip.fs.naming.isEmpty(ip)) throw ERR.ENOTEMPTY;
  dp.fs.run(() => {
    dp.fs.naming.remove(dp, cnp.name, entryOf(dp, cnp.name, ip));
    loseSubdir(dp);
    loseName(vp, ip);
  });
}

function loseSubdir(dp: InodeView): void {
  dp.dirty();
  if (dp.nlink > 2) dp.nlink--;
}

function rename(fdvp: Vnode, fvp: Vnode, fcnp: Componentname, tdvp: Vnode, tvp: Vnode | undefined, tcnp: Componentname): void {
  const fdp = inodeOf(fdvp);
  const fip = inodeOf(fvp);
  const tdp = inodeOf(tdvp);
  if (tvp === fvp) {
    if (fdp !== tdp || fcnp.name !== tcnp.name) remove(fdvp, fvp, fcnp);
    return;
  }
  const tip = tvp === undefined ? undefined : inodeOf(tvp);
  checkNewName(tdp, tcnp.name);
  checkRemoval(fdp, fip);
  if (tip !== undefined) checkRemoval(tdp, tip);
  if (tip?.isDir === true && !tip.fs.naming.isEmpty(tip)) throw ERR.ENOTEMPTY;
  const moves = fip.isDir && fdp !== tdp;
  if (moves && tip === undefined && !tdp.fs.naming.mayHaveSubdir(tdp)) throw ERR.EMLINK;
  fdp.fs.run(() => {
    if (tvp === undefined || tip === undefined) tdp.fs.naming.enter(tdp, tcnp.name, fip.ino, fip.mode);
    else replace(tdp, tcnp.name, tvp, tip, fip);
    fdp.fs.naming.remove(fdp, fcnp.name, entryOf(fdp, fcnp.name, fip));
    if (moves) {
      fip.fs.naming.setParent(fip, tdp.ino);
      loseSubdir(fdp);
      tdp.fs.naming.gainSubdir(tdp);
    }
    fip.touch(T_CHANGE);
  });
}

/** The name of `tip` stands for `fip` from now on. */
function replace(tdp: InodeView, name: string, tvp: Vnode, tip: InodeView, fip: InodeView): void {
  tdp.fs.naming.rewrite(tdp, entryOf(tdp, name, tip), fip.ino, fip.mode);
  if (tip.isDir) loseSubdir(tdp);
  loseName(tvp, tip);
}

/** The operations on names. */
export const nameOps: Pick<VnodeOps, 'lookup' | 'create' | 'mknod' | 'mkdir' | 'symlink' | 'link' | 'remove' | 'rmdir' | 'rename' | 'readdir'> = {
  lookup,
  create: make,
  mknod: make,
  mkdir: make,
  symlink,
  link,
  remove,
  rmdir,
  rename,
  readdir,
};
