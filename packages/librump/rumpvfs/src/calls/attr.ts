/** Calls that look at and change attributes: stat, access, chmod, chown, utimensat, ftruncate and their forms for links and descriptors. */
import {
  ERR, NOTE_ATTRIB, NOTE_EXTEND, NOTE_WRITE, R_OK, S_ISGID, S_ISUID, S_ISVTX, SIGXFSZ, Stat, type Timespec, UTIME_NOW, UTIME_OMIT, W_OK, X_OK,
} from '@anykernel/lib-sys';
import { type Cred, FWRITE, type Lwp, ROOT } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from '../cwdi.js';
import { NAMEI_FOLLOW, namei } from '../namei.js';
import { checkWritable } from '../permission.js';
import { VDIR, VLNK, VREG, VWRITE, type Vattr, type Vnode } from '../vnode.js';
import { type VfsCalls, checkOffset, fdVnode, lookup, lookupAt } from './common.js';

export function stat(vp: Vnode, st: Stat): Stat {
  vp.ops.getattr(vp, st);
  return st;
}

export function setattr(l: Lwp, vp: Vnode, va: Vattr): void {
  checkWritable(vp);
  vp.ops.setattr(vp, va, l.proc.cred);
  vp.knotes?.note(NOTE_ATTRIB);
}

export function chmod(l: Lwp, vp: Vnode, mode: number): void {
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
export function chown(l: Lwp, vp: Vnode, uid: number, gid: number, posix: boolean): void {
  const vfs = vfsOf(l);
  const va = vfs.va.clear();
  va.uid = idOf(uid);
  va.gid = idOf(gid);
  const isRoot = l.proc.cred.euid === 0;
  if (vp.type !== VDIR && (posix || !isRoot)) {
    const { mode } = stat(vp, vfs.scratch);
    if ((mode & (S_ISUID | S_ISGID)) !== 0) va.mode = mode & 0o7777 & ~(S_ISUID | S_ISGID | (isRoot ? 0 : S_ISVTX));
  }
  setattr(l, vp, va);
}

export type Times = readonly [Timespec, Timespec] | undefined;

/** What a time becomes; undefined: it stays. EINVAL: out of range. */
function timeOf(t: Timespec | undefined, now: Timespec): Timespec | undefined {
  if (t === undefined || t.nsec === UTIME_NOW) return now;
  if (t.nsec === UTIME_OMIT) return undefined;
  if (!(Number.isSafeInteger(t.sec) && t.nsec >= 0 && t.nsec < 1e9)) throw ERR.EINVAL;
  return t;
}

export function utimens(l: Lwp, vp: Vnode, times: Times): void {
  const vfs = vfsOf(l);
  const va = vfs.va.clear();
  const now = vfs.now();
  const atime = timeOf(times?.[0], now);
  const mtime = timeOf(times?.[1], now);
  if (atime !== undefined) {
    va.timesSet = 1;
    va.atime = atime.sec;
    va.atimeNsec = atime.nsec;
  }
  if (mtime !== undefined) {
    va.timesSet |= 2;
    va.mtime = mtime.sec;
    va.mtimeNsec = mtime.nsec;
  }
  va.utimesNull = atime === now && mtime === now;
  if (va.timesSet !== 0) setattr(l, vp, va);
}

/** EINVAL: below zero, or not a regular file. EISDIR. EFBIG, and SIGXFSZ: beyond the process's limit. */
export function truncate(l: Lwp, vp: Vnode, size: number, opened: boolean): void {
  checkOffset(size);
  if (vp.type === VDIR) throw ERR.EISDIR;
  if (vp.type !== VREG) throw ERR.EINVAL;
  checkWritable(vp);
  if (!opened) vp.ops.access(vp, VWRITE, l.proc.cred);
  const vfs = vfsOf(l);
  const before = stat(vp, vfs.scratch).size;
  if (size > l.proc.limits.fsize && size > before) {
    l.k.raise(l, SIGXFSZ);
    throw ERR.EFBIG;
  }
  const va = vfs.va.clear();
  va.size = size;
  vp.ops.setattr(vp, va, ROOT);
  vp.knotes?.note(NOTE_ATTRIB | NOTE_WRITE | (size > before ? NOTE_EXTEND : 0));
}

/** Whether `cred` may. EINVAL: no such mode. EROFS, EACCES. */
export function access(l: Lwp, path: string, mode: number, cred: Cred, flags = NAMEI_FOLLOW, start?: Vnode): void {
  if ((mode & ~(R_OK | W_OK | X_OK)) !== 0) throw ERR.EINVAL;
  const vp = namei(l, vfsOf(l).nd, 'lookup', flags, path, start, cred).vp as Vnode;
  if (mode === 0) return;
  if ((mode & W_OK) !== 0 && (vp.type === VREG || vp.type === VDIR || vp.type === VLNK)) checkWritable(vp);
  vp.ops.access(vp, mode, cred);
}

/** The credentials of a process with its real ids. */
export function realCred({ proc: { cred } }: Lwp): Cred {
  const { ruid, rgid } = cred;
  return cred.euid === ruid && cred.egid === rgid ? cred : cred.with({ euid: ruid, egid: rgid });
}

export const attrCalls: Pick<
  VfsCalls,
  | 'stat' | 'lstat' | 'access' | 'chmod' | 'lchmod' | 'fchmod' | 'fchown' | 'posix_chown' | 'posix_lchown' | 'utimensat' | 'futimens' | 'umask' | 'ftruncate'
> = {
  stat: (l, path, st = new Stat()) => stat(lookup(l, path), st),
  lstat: (l, path, st = new Stat()) => stat(lookup(l, path, false), st),
  access: (l, path, mode) => access(l, path, mode, realCred(l)),

  chmod: (l, path, mode) => chmod(l, lookup(l, path), mode),
  lchmod: (l, path, mode) => chmod(l, lookup(l, path, false), mode),
  fchmod: (l, fd, mode) => chmod(l, fdVnode(l, fd), mode),
  fchown: (l, fd, uid, gid) => chown(l, fdVnode(l, fd), uid, gid, false),
  posix_chown: (l, path, uid, gid) => chown(l, lookup(l, path), uid, gid, true),
  posix_lchown: (l, path, uid, gid) => chown(l, lookup(l, path, false), uid, gid, true),
  utimensat: (l, fd, path, times, flags = 0) => utimens(l, lookupAt(l, fd, path, flags), times),
  futimens: (l, fd, times) => utimens(l, fdVnode(l, fd), times),

  umask(l, mask) {
    const cwdi = cwdiOf(l);
    const before = cwdi.umask;
    cwdi.umask = mask & 0o777;
    return before;
  },

  /** EINVAL: not open for writing, or not a file. */
  ftruncate(l, fd, size) {
    const vp = fdVnode(l, fd);
    if ((l.proc.fd.get(fd).flag & FWRITE) === 0) throw ERR.EINVAL;
    truncate(l, vp, size, true);
  },
};
