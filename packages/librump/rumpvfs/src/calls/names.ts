/** Calls that make and take names: mkdir, rmdir, unlink, rename, link, symlink, mknod and their *at forms. */
import {
  AT_REMOVEDIR, AT_SYMLINK_FOLLOW, ERR, PATH_MAX, S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG,
} from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from '../cwdi.js';
import type { Mount } from '../mount.js';
import { NAMEI_MAKEDIR, type Nameidata, namei, parentOf } from '../namei.js';
import { checkMayTake } from '../permission.js';
import { VBLK, VCHR, VDIR, VFIFO, VLNK, VREG, VWRITE, type Vnode, type Vtype } from '../vnode.js';
import { attrOfNew, vopCreate, vopLink, vopMkdir, vopMknod, vopRemove, vopRename, vopRmdir, vopSymlink } from '../vops.js';
import { type VfsCalls, checkAtFlags, lookupAt, nameiCreate, startOf } from './common.js';

/** EEXIST. */
function mkdir(l: Lwp, start: Vnode | undefined, path: string, mode: number): void {
  const nd = nameiCreate(l, start, path, NAMEI_MAKEDIR);
  if (nd.vp !== undefined) throw ERR.EEXIST;
  const dvp = nd.dvp as Vnode;
  vopMkdir(dvp, nd.cnp, attrOfNew(dvp, VDIR, mode & 0o1777 & ~cwdiOf(l).umask, l.proc.cred));
}

/** EINVAL: kinds of node that are not made. EPERM: only the superuser makes devices. EEXIST. */
function mknod(l: Lwp, start: Vnode | undefined, path: string, mode: number, dev: number): void {
  const type = nodeType(mode);
  if (type !== VFIFO && l.proc.cred.euid !== 0) throw ERR.EPERM;
  const nd = nameiCreate(l, start, path, 0);
  if (nd.vp !== undefined) throw ERR.EEXIST;
  const dvp = nd.dvp as Vnode;
  const va = attrOfNew(dvp, type, mode & 0o7777 & ~cwdiOf(l).umask, l.proc.cred);
  if (type === VREG) {
    vopCreate(dvp, nd.cnp, va);
    return;
  }
  if (type !== VFIFO) va.rdev = dev >>> 0;
  vopMknod(dvp, nd.cnp, va);
}

function nodeType(mode: number): Vtype {
  switch (mode & S_IFMT) {
    case S_IFCHR:
      return VCHR;
    case S_IFBLK:
      return VBLK;
    case S_IFIFO:
      return VFIFO;
    case S_IFREG:
      return VREG;
    default:
      throw ERR.EINVAL;
  }
}

/** EPERM: a directory. EBUSY: something is mounted there. */
function unlink(l: Lwp, start: Vnode | undefined, path: string): void {
  const nd = namei(l, vfsOf(l).nd, 'delete', 0, path, start);
  const vp = nd.vp as Vnode;
  if (vp.isRoot) throw ERR.EBUSY;
  if (vp.type === VDIR) throw ERR.EPERM;
  checkMayTake(nd.dvp as Vnode, vp, nd.cnp.cred);
  vopRemove(nd.dvp as Vnode, vp, nd.cnp);
}

/** EBUSY: a root, or something is mounted there. EINVAL: the name is `.`. ENOTEMPTY; ENOTDIR. */
function rmdir(l: Lwp, start: Vnode | undefined, path: string): void {
  const nd = namei(l, vfsOf(l).nd, 'delete', 0, path, start);
  const vp = nd.vp as Vnode;
  if (vp.type !== VDIR) throw ERR.ENOTDIR;
  if (nd.last === 'root' || vp.isRoot) throw ERR.EBUSY;
  if (nd.last === 'dot') throw ERR.EINVAL;
  if (nd.last === 'dotdot') throw ERR.ENOTEMPTY;
  checkMayTake(nd.dvp as Vnode, vp, nd.cnp.cred);
  vopRmdir(nd.dvp as Vnode, vp, nd.cnp);
}

/** EPERM: a directory. EEXIST, EXDEV, EMLINK. */
function link(l: Lwp, fromStart: Vnode | undefined, from: string, toStart: Vnode | undefined, to: string, follow: boolean): void {
  const vp = lookupAt(l, fromStart, from, follow);
  if (vp.type === VDIR) throw ERR.EPERM;
  const nd = nameiCreate(l, toStart, to, 0);
  if (nd.vp !== undefined) throw ERR.EEXIST;
  const dvp = nd.dvp as Vnode;
  if (dvp.mp !== vp.mp) throw ERR.EXDEV;
  vopLink(dvp, vp, nd.cnp);
}

/** ENAMETOOLONG: also of the target. EEXIST. */
function symlink(l: Lwp, target: string, start: Vnode | undefined, path: string): void {
  if (target.length >= PATH_MAX) throw ERR.ENAMETOOLONG;
  if (target.includes('\0')) throw ERR.EINVAL;
  const nd = nameiCreate(l, start, path, 0);
  if (nd.vp !== undefined) throw ERR.EEXIST;
  const dvp = nd.dvp as Vnode;
  vopSymlink(dvp, nd.cnp, attrOfNew(dvp, VLNK, 0o777 & ~cwdiOf(l).umask, l.proc.cred), target);
}

/**
 * EINVAL: `.` or `..`, or a directory into itself. EISDIR: onto `.`, or a file onto a directory. ENOTDIR: a directory onto a file, or a
 * file to a name with a slash. EBUSY: something is mounted there. EXDEV. EACCES, EPERM. ENOTEMPTY.
 * Of two names of one file, the old one goes; `posix`: nothing happens.
 */
function rename(l: Lwp, fromStart: Vnode | undefined, from: string, toStart: Vnode | undefined, to: string, posix: boolean): void {
  const vfs = vfsOf(l);
  const fnd = namei(l, vfs.nd, 'delete', 0, from, fromStart);
  const fvp = fnd.vp as Vnode;
  if (fnd.last === 'root') throw ERR.EBUSY;
  if (fnd.last !== 'name') throw ERR.EINVAL;
  if (fvp.isRoot) throw ERR.EBUSY;
  const fdvp = fnd.dvp as Vnode;
  const tnd = namei(l, vfs.nd2, 'rename', fvp.type === VDIR ? NAMEI_MAKEDIR : 0, to, toStart);
  const tvp = tnd.vp;
  checkTarget(fvp, tnd);
  const tdvp = tnd.dvp as Vnode;
  if (fdvp.mp !== tdvp.mp || fvp.mp !== fdvp.mp) throw ERR.EXDEV;
  if (tvp?.isRoot === true) throw ERR.EBUSY;
  const { cred } = fnd.cnp;
  checkMayTake(fdvp, fvp, cred);
  if (tvp !== undefined) checkMayTake(tdvp, tvp, cred);
  if (fvp === tvp) {
    if (fdvp === tdvp && fnd.cnp.name === tnd.cnp.name) return;
    if (fdvp === tdvp && fdvp.mp?.ops.foldsCase === true) {
      vopRename(fdvp, fvp, fnd.cnp, tdvp, undefined, tnd.cnp);
      return;
    }
    if (posix || fvp.type === VDIR) return;
    vopRemove(fdvp, fvp, fnd.cnp);
    return;
  }
  if (fvp.type === VDIR && fdvp !== tdvp) {
    checkNotInside(fvp, tdvp, tnd);
    if (cred.euid !== 0) fvp.ops.access(fvp, VWRITE, cred);
  }
  vopRename(fdvp, fvp, fnd.cnp, tdvp, tvp, tnd.cnp);
}

function checkTarget(fvp: Vnode, tnd: Nameidata): void {
  if (tnd.last === 'root') throw ERR.EBUSY;
  if (tnd.last === 'dotdot') throw ERR.EINVAL;
  if (tnd.last === 'dot') throw ERR.EISDIR;
  const tvp = tnd.vp;
  if (tvp === undefined) return;
  if (fvp.type === VDIR && tvp.type !== VDIR) throw ERR.ENOTDIR;
  if (fvp.type !== VDIR && tvp.type === VDIR) throw ERR.EISDIR;
}

/** EINVAL: `tdvp` is `fvp`, or below it. */
function checkNotInside(fvp: Vnode, tdvp: Vnode, tnd: Nameidata): void {
  const { cnp } = tnd;
  const { name, hint, hint2 } = cnp;
  for (let dvp = tdvp; ; dvp = parentOf(dvp, cnp)) {
    if (dvp === fvp) throw ERR.EINVAL;
    if (dvp.isRoot || dvp === (dvp.mp as Mount).rootvp) break;
  }
  cnp.name = name;
  cnp.hint = hint;
  cnp.hint2 = hint2;
  cnp.isLast = true;
  cnp.nameiop = 'rename';
}

function readlink(l: Lwp, start: Vnode | undefined, path: string, buf: Uint8Array): number {
  if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
  const vp = lookupAt(l, start, path, false);
  if (vp.type !== VLNK) throw ERR.EINVAL;
  const target = vp.ops.readlink(vp, l);
  const len = Math.min(target.length, buf.length);
  for (let i = 0; i < len; i++) buf[i] = target.charCodeAt(i);
  return len;
}

export const nameCalls: Pick<
  VfsCalls,
  | 'mkdir' | 'mkdirat' | 'mkfifo' | 'mkfifoat' | 'mknod' | 'mknodat' | 'unlink' | 'unlinkat' | 'rmdir' | 'link' | 'linkat' | 'symlink' | 'symlinkat'
  | 'rename' | 'renameat' | 'posix_rename' | 'readlink' | 'readlinkat'
> = {
  mkdir: (l, path, mode) => mkdir(l, undefined, path, mode),
  mkdirat: (l, fd, path, mode) => mkdir(l, startOf(l, fd, path), path, mode),
  mkfifo: (l, path, mode) => mknod(l, undefined, path, S_IFIFO | (mode & 0o7777), 0),
  mkfifoat: (l, fd, path, mode) => mknod(l, startOf(l, fd, path), path, S_IFIFO | (mode & 0o7777), 0),
  mknod: (l, path, mode, dev) => mknod(l, undefined, path, mode, dev),
  mknodat: (l, fd, path, mode, dev) => mknod(l, startOf(l, fd, path), path, mode, dev),
  unlink: (l, path) => unlink(l, undefined, path),
  unlinkat(l, fd, path, flags = 0) {
    checkAtFlags(flags, AT_REMOVEDIR);
    if (flags === AT_REMOVEDIR) rmdir(l, startOf(l, fd, path), path);
    else unlink(l, startOf(l, fd, path), path);
  },
  rmdir: (l, path) => rmdir(l, undefined, path),
  link: (l, from, to) => link(l, undefined, from, undefined, to, true),
  linkat(l, fromFd, from, toFd, to, flags = 0) {
    checkAtFlags(flags, AT_SYMLINK_FOLLOW);
    link(l, startOf(l, fromFd, from), from, startOf(l, toFd, to), to, flags === AT_SYMLINK_FOLLOW);
  },
  symlink: (l, target, path) => symlink(l, target, undefined, path),
  symlinkat: (l, target, fd, path) => symlink(l, target, startOf(l, fd, path), path),
  rename: (l, from, to) => rename(l, undefined, from, undefined, to, false),
  renameat: (l, fromFd, from, toFd, to) => rename(l, startOf(l, fromFd, from), from, startOf(l, toFd, to), to, false),
  posix_rename: (l, from, to) => rename(l, undefined, from, undefined, to, true),
  readlink: (l, path, buf) => readlink(l, undefined, path, buf),
  readlinkat: (l, fd, path, buf) => readlink(l, startOf(l, fd, path), path, buf),
};
