/** Calls that make and take names: mkdir, rmdir, unlink, rename, link, symlink, mknod. Their forms with descriptors are at.ts. */
import { emitBytestr } from '@anykernel/lib-bytes';
import { AT_SYMLINK_FOLLOW, ERR, PATH_MAX, S_IFBLK, S_IFCHR, S_IFIFO, S_IFMT, S_IFREG } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import type { Mount } from '../mount.js';
import { NAMEI_MAKEDIR, type Nameidata, namei, parentOf } from '../namei.js';
import { checkMayTake } from '../permission.js';
import { VBLK, VCHR, VDIR, VFIFO, VLNK, VREG, VWRITE, type Vnode, type Vtype } from '../vnode.js';
import { vopCreate, vopLink, vopMkdir, vopMknod, vopRemove, vopRename, vopRmdir, vopSymlink } from '../vops.js';
import { type VfsCalls, attrOf, checkAtFlags, lookup, nameiCreate, startOf } from './common.js';

/** EEXIST. */
export function mkdir(l: Lwp, path: string, mode: number, start?: Vnode): void {
  const nd = nameiCreate(l, path, NAMEI_MAKEDIR, start);
  vopMkdir(nd.dvp as Vnode, nd.cnp, attrOf(l, nd, VDIR, mode & 0o1777));
}

/** EINVAL: kinds of node that are not made. EPERM: only the superuser makes devices. EEXIST. */
export function mknod(l: Lwp, path: string, mode: number, dev: number, start?: Vnode): void {
  const type = nodeType(mode);
  if (type !== VFIFO && l.proc.cred.euid !== 0) throw ERR.EPERM;
  const nd = nameiCreate(l, path, 0, start);
  const va = attrOf(l, nd, type, mode);
  if (type === VBLK || type === VCHR) va.rdev = dev >>> 0;
  (type === VREG ? vopCreate : vopMknod)(nd.dvp as Vnode, nd.cnp, va);
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
export function unlink(l: Lwp, path: string, start?: Vnode): void {
  const nd = namei(l, vfsOf(l).nd, 'delete', 0, path, start);
  const vp = nd.vp as Vnode;
  if (vp.isRoot) throw ERR.EBUSY;
  if (vp.type === VDIR) throw ERR.EPERM;
  take(nd, vopRemove);
}

/** EBUSY: a root, or something is mounted there. EINVAL: the name is `.`. ENOTEMPTY; ENOTDIR. */
export function rmdir(l: Lwp, path: string, start?: Vnode): void {
  const nd = namei(l, vfsOf(l).nd, 'delete', 0, path, start);
  const vp = nd.vp as Vnode;
  if (vp.type !== VDIR) throw ERR.ENOTDIR;
  if (nd.last === 'root' || vp.isRoot) throw ERR.EBUSY;
  if (nd.last === 'dot') throw ERR.EINVAL;
  if (nd.last === 'dotdot') throw ERR.ENOTEMPTY;
  take(nd, vopRmdir);
}

function take({ dvp, vp, cnp }: Nameidata, vop: typeof vopRemove): void {
  checkMayTake(dvp as Vnode, vp as Vnode, cnp.cred);
  vop(dvp as Vnode, vp as Vnode, cnp);
}

/** EPERM: a directory. EEXIST, EXDEV, EMLINK. */
export function link(l: Lwp, vp: Vnode, path: string, start?: Vnode): void {
  if (vp.type === VDIR) throw ERR.EPERM;
  const nd = nameiCreate(l, path, 0, start);
  const dvp = nd.dvp as Vnode;
  if (dvp.mp !== vp.mp) throw ERR.EXDEV;
  vopLink(dvp, vp, nd.cnp);
}

/** ENAMETOOLONG: also of the target. EEXIST. */
export function symlink(l: Lwp, target: string, path: string, start?: Vnode): void {
  if (target.length >= PATH_MAX) throw ERR.ENAMETOOLONG;
  if (target.includes('\0')) throw ERR.EINVAL;
  const nd = nameiCreate(l, path, 0, start);
  vopSymlink(nd.dvp as Vnode, nd.cnp, attrOf(l, nd, VLNK, 0o777), target);
}

/**
 * EINVAL: `.` or `..`, or a directory into itself. EISDIR: onto `.`, or a file onto a directory. ENOTDIR: a directory onto a file, or a
 * file to a name with a slash. EBUSY: something is mounted there. EXDEV. EACCES, EPERM. ENOTEMPTY.
 * Of two names of one file, the old one goes; `posix`: nothing happens.
 */
export function rename(l: Lwp, from: string, to: string, posix: boolean, fromStart?: Vnode, toStart?: Vnode): void {
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

export function readlink(l: Lwp, path: string, buf: Uint8Array, start?: Vnode): number {
  if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
  const vp = lookup(l, path, false, start);
  if (vp.type !== VLNK) throw ERR.EINVAL;
  return emitBytestr(buf, 0, vp.ops.readlink(vp, l).slice(0, buf.length));
}

export const nameCalls: Pick<VfsCalls, 'mkdir' | 'mknod' | 'unlink' | 'rmdir' | 'linkat' | 'symlink' | 'posix_rename' | 'readlink'> = {
  mkdir: (l, path, mode) => mkdir(l, path, mode),
  mknod: (l, path, mode, dev) => mknod(l, path, mode, dev),
  unlink: (l, path) => unlink(l, path),
  rmdir: (l, path) => rmdir(l, path),
  linkat(l, fromFd, from, toFd, to, flags = 0) {
    checkAtFlags(flags, AT_SYMLINK_FOLLOW);
    link(l, lookup(l, from, flags !== 0, startOf(l, fromFd, from)), to, startOf(l, toFd, to));
  },
  symlink: (l, target, path) => symlink(l, target, path),
  posix_rename: (l, from, to) => rename(l, from, to, true),
  readlink: (l, path, buf) => readlink(l, path, buf),
};
