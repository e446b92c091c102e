/**
 * Path names: from a byte string to vnodes, one component after another.
 *
 * Only this knows paths; a file system sees one component at a time. Mount points, `.`, `..`, symbolic links, trailing slashes and the
 * process's root are dealt with here. Nothing is referenced on the way: within a call vnodes stay (vnode.ts).
 *
 * IEEE Std 1003.1, 4.16 Pathname Resolution.
 */
import { ERR, LOOKUP_PATH_MAX, MAXSYMLINKS } from '@anykernel/lib-sys';
import { type Cred, type Lwp, ROOT } from '@anykernel/rumpkern';
import type { Cwdi } from './cwdi.js';
import type { Mount } from './mount.js';
import { checkMayAdd } from './permission.js';
import { Componentname, type Nameiop, VBAD, VDIR, VEXEC, VLNK, type Vnode } from './vnode.js';

/** A symbolic link at the end is followed. */
export const NAMEI_FOLLOW = 1;
/** A name that is not there may end in a slash: a directory will be made. */
export const NAMEI_MAKEDIR = 2;

/** What the last component is. `root`: there is none, the path is of slashes. */
export type LastKind = 'name' | 'dot' | 'dotdot' | 'root';

/** What a path led to. The layer's, and used again by the next namei(). */
export class Nameidata {
  /** undefined: it is not there, and may be made (operations create and rename). */
  vp: Vnode | undefined = undefined;
  /** The directory of the last component. */
  dvp: Vnode | undefined = undefined;
  /** The last component, with the file system's hints. */
  readonly cnp = new Componentname(ROOT);
  last: LastKind = 'root';
  /** The path ended in a slash. */
  slash = false;
}

const SLASH = 47;
const DOT = 46;

/**
 * Walks `path` from `start` (the current directory if undefined; absolute paths start at the process's root). For `create` and `rename`
 * the last component may be missing, and then may be made by `cred`.
 *
 * ENOENT, ENAMETOOLONG, ENOTDIR, EACCES, ELOOP, EIO; for a name that may be made EROFS and EACCES.
 */
export function namei(l: Lwp, nd: Nameidata, op: Nameiop, flags: number, path: string, start?: Vnode, cred: Cred = l.proc.cred): Nameidata {
  const cwdi = l.proc.cwdi as Cwdi;
  const root = cwdi.rdir ?? cwdi.vfs.rootvp;
  const { cnp } = nd;
  let len = path.length;
  if (len === 0) throw ERR.ENOENT;
  if (len >= LOOKUP_PATH_MAX) throw ERR.ENAMETOOLONG;
  let dvp = path.charCodeAt(0) === SLASH ? root : (start ?? cwdi.cdir);
  let pos = 0;
  let links = 0;
  cnp.cred = cred;
  cnp.path = path;
  for (;;) {
    pos = skipSlashes(path, pos);
    if (pos === len) return onlySlashes(nd, dvp);
    let end = path.indexOf('/', pos);
    if (end < 0) end = len;
    let next = skipSlashes(path, end);
    if (dvp.type !== VDIR) throw dvp.type === VBAD ? ERR.ENOENT : ERR.ENOTDIR;
    if (cred.euid !== 0) dvp.ops.access(dvp, VEXEC, cred);

    const dots = dotsAt(path, pos, end);
    let vp: Vnode | undefined;
    if (dots === 1) vp = dvp;
    else if (dots === 2) vp = cross(dotdot(dvp, root, cwdi.vfs.rootvp, cnp));
    else {
      if (dvp.removed) throw ERR.ENOENT;
      cnp.name = pos === 0 && end === len ? path : path.slice(pos, end);
      cnp.isLast = next === len;
      cnp.nameiop = next === len ? op : 'lookup';
      cnp.restAt = end < len ? end + 1 : len;
      cnp.consume = 0;
      vp = dvp.ops.lookup(dvp, cnp);
      if (cnp.consume > 0) {
        end = Math.min(len, end + 1 + cnp.consume);
        next = skipSlashes(path, end);
      }
      if (vp === undefined) {
        if (next !== len || op === 'lookup' || op === 'delete') throw ERR.ENOENT;
        return missing(nd, dvp, flags, next > end);
      }
      if (vp.mountedHere !== undefined) vp = cross(vp);
      if (vp.type === VLNK && (next !== len || (flags & NAMEI_FOLLOW) !== 0 || next > end)) {
        if (++links > MAXSYMLINKS) throw ERR.ELOOP;
        path = cnp.path = throughLink(vp, path, end, l);
        len = path.length;
        pos = 0;
        if (path.charCodeAt(0) === SLASH) dvp = root;
        continue;
      }
    }
    if (next === len) {
      if (next > end && vp.type !== VDIR) throw ERR.ENOTDIR;
      vp.recent = true;
      return found(nd, vp, dvp, LAST_KIND[dots], next > end);
    }
    dvp = vp;
    pos = next;
  }
}

const LAST_KIND: readonly LastKind[] = ['name', 'dot', 'dotdot'];

function found(nd: Nameidata, vp: Vnode | undefined, dvp: Vnode | undefined, last: LastKind, slash: boolean): Nameidata {
  nd.vp = vp;
  nd.dvp = dvp;
  nd.last = last;
  nd.slash = slash;
  return nd;
}

/** The path has no component (left): it stands for where the walk is. */
function onlySlashes(nd: Nameidata, dvp: Vnode): Nameidata {
  if (dvp.type === VBAD) throw ERR.ENOENT;
  return found(nd, dvp, undefined, 'root', false);
}

/** The last component is not there, and is to be made. */
function missing(nd: Nameidata, dvp: Vnode, flags: number, slash: boolean): Nameidata {
  if (slash && (flags & NAMEI_MAKEDIR) === 0) throw ERR.ENOENT;
  checkMayAdd(dvp, nd.cnp);
  return found(nd, undefined, dvp, 'name', slash);
}

function skipSlashes(path: string, pos: number): number {
  while (path.charCodeAt(pos) === SLASH) pos++;
  return pos;
}

/** 1 for the component `.`, 2 for `..`, 0 for a name. */
function dotsAt(path: string, pos: number, end: number): 0 | 1 | 2 {
  if (path.charCodeAt(pos) !== DOT || end - pos > 2) return 0;
  if (end - pos === 1) return 1;
  return path.charCodeAt(pos + 1) === DOT ? 2 : 0;
}

/** The path with a symbolic link, which ends at `end`, replaced by where it leads. ENOENT: nowhere. ENAMETOOLONG. */
function throughLink(vp: Vnode, path: string, end: number, l: Lwp): string {
  const target = vp.ops.readlink(vp, l);
  if (target.length === 0) throw ERR.ENOENT;
  const whole = end === path.length ? target : target + path.slice(end);
  if (whole.length >= LOOKUP_PATH_MAX) throw ERR.ENAMETOOLONG;
  return whole;
}

/**
 * The directory above `dvp`. Above a mount's root is what it covers; above the roots of the process and the kernel they themselves. A
 * process that has come out of its root (the directory was renamed, or is another's descriptor) is led back to it.
 */
function dotdot(dvp: Vnode, root: Vnode, kernelRoot: Vnode, cnp: Componentname): Vnode {
  if (root !== kernelRoot && !isUnder(dvp, root, kernelRoot, cnp)) return root;
  for (;;) {
    if (dvp === root || dvp === kernelRoot) return dvp;
    if (!dvp.isRoot) break;
    const covered = (dvp.mp as Mount).covered;
    if (covered === undefined) throw ERR.ENOENT;
    dvp = covered;
  }
  return parentOf(dvp, cnp);
}

/** Whether directory `vp` is `root` or below it. One without a name is below nothing. EIO. */
export function isUnder(vp: Vnode, root: Vnode, kernelRoot: Vnode, cnp: Componentname): boolean {
  while (vp !== root) {
    if (vp === kernelRoot || vp.removed || vp.type !== VDIR) return false;
    const covered = vp.isRoot ? (vp.mp as Mount).covered : parentOf(vp, cnp);
    if (covered === undefined) return false;
    vp = covered;
  }
  return true;
}

/** What `..` is in a directory of a file system that is not its root. ENOENT. */
export function parentOf(dvp: Vnode, cnp: Componentname): Vnode {
  if (dvp.removed) throw ERR.ENOENT;
  cnp.name = '..';
  cnp.isLast = false;
  cnp.nameiop = 'lookup';
  cnp.consume = 0;
  cnp.restAt = cnp.path.length;
  const vp = dvp.ops.lookup(dvp, cnp);
  if (vp === undefined) throw ERR.ENOENT;
  return vp;
}

/** What is seen in a directory's place: the root of what is mounted on it, and on that. */
function cross(vp: Vnode): Vnode {
  let mp = vp.mountedHere;
  while (mp !== undefined) {
    vp = mp.rootvp as Vnode;
    mp = vp.mountedHere;
  }
  return vp;
}
