/** Calls that look at and change attributes: the stat, access, chmod, chown, chflags and utimes families, truncate, pathconf. */
import {
  AT_EACCESS, AT_SYMLINK_NOFOLLOW, ERR, NOTE_ATTRIB, NOTE_EXTEND, NOTE_WRITE, R_OK, S_ISGID, S_ISUID, S_ISVTX, SIGXFSZ, Stat, type Timespec, UTIME_NOW, UTIME_OMIT,
  W_OK, X_OK,
} from '@anykernel/lib-sys';
import { type Cred, FWRITE, type Lwp, ROOT } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from '../cwdi.js';
import { note } from '../knotes.js';
import { NAMEI_FOLLOW, namei } from '../namei.js';
import { checkWritable } from '../permission.js';
import { VDIR, VLNK, VREG, VWRITE, type Vattr, type Vnode } from '../vnode.js';
import { type VfsCalls, checkAtFlags, checkOffset, fdVnode, lookupAt, startOf } from './common.js';

type Times = readonly [Timespec, Timespec] | undefined;

function stat(l: Lwp, start: Vnode | undefined, path: string, st: Stat, flags: number): Stat {
  const vp = namei(l, vfsOf(l).nd, 'lookup', flags, path, start).vp as Vnode;
  vp.ops.getattr(vp, st);
  return st;
}

function setattr(l: Lwp, vp: Vnode, va: Vattr, cred: Cred = l.proc.cred): void {
  checkWritable(vp);
  vp.ops.setattr(vp, va, cred);
  if (vp.knotes !== undefined) note(vp, NOTE_ATTRIB);
}

function chmod(l: Lwp, vp: Vnode, mode: number): void {
  const va = vfsOf(l).va.clear();
  va.mode = mode & 0o7777;
  setattr(l, vp, va);
}

/** -1, or its unsigned form: stays. EINVAL: not an id. */
function idOf(id: number): number {
  if (id === -1 || id === 0xffff_ffff) return -1;
  if (!Number.isInteger(id) || id < 0 || id > 0xffff_ffff) throw ERR.EINVAL;
  return id;
}

/**
 * The set-id bits go; from the superuser they stay, unless the call is one of the posix_ ones. With them goes what only the superuser may set
 * on a file, the sticky bit.
 */
function chown(l: Lwp, vp: Vnode, uid: number, gid: number, posix: boolean): void {
  const vfs = vfsOf(l);
  const va = vfs.va.clear();
  va.uid = idOf(uid);
  va.gid = idOf(gid);
  if (vp.type !== VDIR && (posix || l.proc.cred.euid !== 0)) {
    vp.ops.getattr(vp, vfs.scratch);
    const mode = vfs.scratch.mode & 0o7777;
    const lost = S_ISUID | S_ISGID | (l.proc.cred.euid === 0 ? 0 : S_ISVTX);
    if ((mode & (S_ISUID | S_ISGID)) !== 0) va.mode = mode & ~lost;
  }
  setattr(l, vp, va);
}

function chflags(l: Lwp, vp: Vnode, flags: number): void {
  const va = vfsOf(l).va.clear();
  va.flags = flags >>> 0;
  setattr(l, vp, va);
}

/** EINVAL: nanoseconds out of range. `micro`: UTIME_NOW and UTIME_OMIT have no meaning. */
function utimes(l: Lwp, vp: Vnode, times: Times, micro: boolean): void {
  const vfs = vfsOf(l);
  const va = vfs.va.clear();
  const now = vfs.now();
  for (let i = 0; i < 2; i++) {
    const t = times?.[i];
    const special = !micro && t !== undefined && (t.nsec === UTIME_NOW || t.nsec === UTIME_OMIT);
    if (t !== undefined && !special && !(Number.isSafeInteger(t.sec) && t.nsec >= 0 && t.nsec < 1e9)) throw ERR.EINVAL;
    if (special && t.nsec === UTIME_OMIT) continue;
    const from = t === undefined || special ? now : t;
    va.timesSet |= 1 << i;
    if (i === 0) {
      va.atime = from.sec;
      va.atimeNsec = from.nsec;
    } else {
      va.mtime = from.sec;
      va.mtimeNsec = from.nsec;
    }
  }
  va.utimesNull = times === undefined || (!micro && times[0].nsec === UTIME_NOW && times[1].nsec === UTIME_NOW);
  if (va.timesSet !== 0) setattr(l, vp, va);
}

/** EINVAL: below zero, or not a regular file. EISDIR. EFBIG, and SIGXFSZ: beyond the process's limit. */
function truncate(l: Lwp, vp: Vnode, size: number, opened: boolean): void {
  checkOffset(size);
  if (vp.type === VDIR) throw ERR.EISDIR;
  if (vp.type !== VREG) throw ERR.EINVAL;
  checkWritable(vp);
  if (!opened) vp.ops.access(vp, VWRITE, l.proc.cred);
  const vfs = vfsOf(l);
  vp.ops.getattr(vp, vfs.scratch);
  const before = vfs.scratch.size;
  if (size > l.proc.limits.fsize && size > before) {
    l.k.raise(l, SIGXFSZ);
    throw ERR.EFBIG;
  }
  const va = vfs.va.clear();
  va.size = size;
  vp.ops.setattr(vp, va, ROOT);
  if (vp.knotes !== undefined) note(vp, NOTE_ATTRIB | NOTE_WRITE | (size > before ? NOTE_EXTEND : 0));
}

/** EINVAL: no such mode. EROFS, EACCES. Real ids count, effective ones with AT_EACCESS. */
function access(l: Lwp, start: Vnode | undefined, path: string, mode: number, flags: number): void {
  checkAtFlags(flags, AT_EACCESS | AT_SYMLINK_NOFOLLOW);
  if ((mode & ~(R_OK | W_OK | X_OK)) !== 0) throw ERR.EINVAL;
  const mine = l.proc.cred;
  const plain = (flags & AT_EACCESS) !== 0 || (mine.euid === mine.ruid && mine.egid === mine.rgid);
  const cred = plain ? mine : mine.with({ euid: mine.ruid, egid: mine.rgid });
  const follow = (flags & AT_SYMLINK_NOFOLLOW) !== 0 ? 0 : NAMEI_FOLLOW;
  const vp = namei(l, vfsOf(l).nd, 'lookup', follow, path, start, cred).vp as Vnode;
  if (mode === 0) return;
  if ((mode & W_OK) !== 0 && (vp.type === VREG || vp.type === VDIR || vp.type === VLNK)) checkWritable(vp);
  vp.ops.access(vp, mode, cred);
}

function follows(flags: number): boolean {
  checkAtFlags(flags, AT_SYMLINK_NOFOLLOW);
  return flags === 0;
}

export const attrCalls: Pick<
  VfsCalls,
  | 'stat' | 'lstat' | 'fstatat' | 'access' | 'faccessat' | 'pathconf' | 'fpathconf' | 'chmod' | 'lchmod' | 'fchmod' | 'fchmodat' | 'chown' | 'lchown'
  | 'fchown' | 'fchownat' | 'posix_chown' | 'posix_fchown' | 'posix_lchown' | 'chflags' | 'lchflags' | 'fchflags' | 'utimes' | 'lutimes' | 'futimes'
  | 'utimensat' | 'futimens' | 'umask' | 'truncate' | 'ftruncate'
> = {
  stat: (l, path, st = new Stat()) => stat(l, undefined, path, st, NAMEI_FOLLOW),
  lstat: (l, path, st = new Stat()) => stat(l, undefined, path, st, 0),
  fstatat: (l, fd, path, st = new Stat(), flags = 0) => stat(l, startOf(l, fd, path), path, st, follows(flags) ? NAMEI_FOLLOW : 0),

  access: (l, path, mode) => access(l, undefined, path, mode, 0),
  faccessat: (l, fd, path, mode, flags = 0) => access(l, startOf(l, fd, path), path, mode, flags),
  pathconf(l, path, name) {
    const vp = lookupAt(l, undefined, path, true);
    return vp.ops.pathconf(vp, name);
  },
  fpathconf(l, fd, name) {
    const vp = fdVnode(l, fd);
    return vp.ops.pathconf(vp, name);
  },

  chmod: (l, path, mode) => chmod(l, lookupAt(l, undefined, path, true), mode),
  lchmod: (l, path, mode) => chmod(l, lookupAt(l, undefined, path, false), mode),
  fchmod: (l, fd, mode) => chmod(l, fdVnode(l, fd), mode),
  fchmodat: (l, fd, path, mode, flags = 0) => chmod(l, lookupAt(l, startOf(l, fd, path), path, follows(flags)), mode),
  chown: (l, path, uid, gid) => chown(l, lookupAt(l, undefined, path, true), uid, gid, false),
  lchown: (l, path, uid, gid) => chown(l, lookupAt(l, undefined, path, false), uid, gid, false),
  fchown: (l, fd, uid, gid) => chown(l, fdVnode(l, fd), uid, gid, false),
  fchownat: (l, fd, path, uid, gid, flags = 0) => chown(l, lookupAt(l, startOf(l, fd, path), path, follows(flags)), uid, gid, false),
  posix_chown: (l, path, uid, gid) => chown(l, lookupAt(l, undefined, path, true), uid, gid, true),
  posix_lchown: (l, path, uid, gid) => chown(l, lookupAt(l, undefined, path, false), uid, gid, true),
  posix_fchown: (l, fd, uid, gid) => chown(l, fdVnode(l, fd), uid, gid, true),
  chflags: (l, path, flags) => chflags(l, lookupAt(l, undefined, path, true), flags),
  lchflags: (l, path, flags) => chflags(l, lookupAt(l, undefined, path, false), flags),
  fchflags: (l, fd, flags) => chflags(l, fdVnode(l, fd), flags),
  utimes: (l, path, times) => utimes(l, lookupAt(l, undefined, path, true), times, true),
  lutimes: (l, path, times) => utimes(l, lookupAt(l, undefined, path, false), times, true),
  futimes: (l, fd, times) => utimes(l, fdVnode(l, fd), times, true),
  utimensat: (l, fd, path, times, flags = 0) => utimes(l, lookupAt(l, startOf(l, fd, path), path, follows(flags)), times, false),
  futimens: (l, fd, times) => utimes(l, fdVnode(l, fd), times, false),

  umask(l, mask) {
    const cwdi = cwdiOf(l);
    const before = cwdi.umask;
    cwdi.umask = mask & 0o777;
    return before;
  },

  truncate: (l, path, size) => truncate(l, lookupAt(l, undefined, path, true), size, false),
  /** EINVAL: not open for writing, or not a file. */
  ftruncate(l, fd, size) {
    const vp = fdVnode(l, fd);
    if ((l.proc.fd.get(fd).flag & FWRITE) === 0) throw ERR.EINVAL;
    truncate(l, vp, size, true);
  },
};
