/** Calls on files and names which a bare vfs is without: older forms, flags, limits, positions, roots, and all mounts at once. */
import { ERR, OFF_MAX, S_IFIFO, SEEK_CUR, SEEK_END, SEEK_SET, Statvfs } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from '../cwdi.js';
import { statvfs } from '../mounted.js';
import { isUnder } from '../namei.js';
import type { Vnode } from '../vnode.js';
import { type Times, chown, setattr, truncate, utimens } from './attr.js';
import { type VfsCalls, fdVnode, lookup, vnodeFile } from './common.js';
import { checkDir } from './dirs.js';
import { seekable } from './fileio.js';
import { link, mknod, rename } from './names.js';
import { checkWait, figures } from './statvfs.js';

function chflags(l: Lwp, vp: Vnode, flags: number): void {
  const va = vfsOf(l).va.clear();
  va.flags = flags >>> 0;
  setattr(l, vp, va);
}

/** Microseconds have neither UTIME_NOW nor UTIME_OMIT. EINVAL. */
function utimes(l: Lwp, vp: Vnode, times: Times): void {
  if (times?.some((t) => t.nsec >= 1e9) === true) throw ERR.EINVAL;
  utimens(l, vp, times);
}

function pathconf(vp: Vnode, name: number): number {
  return vp.ops.pathconf(vp, name);
}

/** EINVAL: no such `whence`, or a position before the file. EOVERFLOW. */
function lseek(l: Lwp, fd: number, off: number, whence: number): number {
  const f = seekable(l, fd, 0);
  if (!Number.isSafeInteger(off)) throw ERR.EINVAL;
  let base = 0;
  if (whence === SEEK_CUR) base = f.offset;
  else if (whence === SEEK_END) {
    const vp = f.data as Vnode;
    const st = vfsOf(l).scratch;
    vp.ops.getattr(vp, st);
    base = st.size;
  } else if (whence !== SEEK_SET) throw ERR.EINVAL;
  const to = base + off;
  if (to < 0) throw ERR.EINVAL;
  if (to > OFF_MAX) throw ERR.EOVERFLOW;
  f.offset = to;
  return to;
}

function fdDir(l: Lwp, fd: number): Vnode {
  return checkDir(l, vnodeFile(l, fd, 0, ERR.ENOTDIR).data as Vnode);
}

function isBelow(l: Lwp, vp: Vnode, root: Vnode): boolean {
  const { vfs } = cwdiOf(l);
  return isUnder(vp, root, vfs.rootvp, vfs.nd.cnp);
}

/** EPERM: the directory is outside of the process's root. */
function fchdir(l: Lwp, fd: number): void {
  const cwdi = cwdiOf(l);
  const vp = fdDir(l, fd);
  if (cwdi.rdir !== undefined && !isBelow(l, vp, cwdi.rdir)) throw ERR.EPERM;
  cwdi.chdir(vp);
}

/** Whoever is outside of the new root is moved into it. */
function chroot(l: Lwp, vp: Vnode): void {
  const cwdi = cwdiOf(l);
  const inside = isBelow(l, cwdi.cdir, vp);
  cwdi.chroot(vp);
  if (!inside) cwdi.chdir(vp);
}

/** EPERM: not the superuser. */
function checkRoot(l: Lwp): void {
  if (l.proc.cred.euid !== 0) throw ERR.EPERM;
}

export const moreCalls: Pick<
  VfsCalls,
  | 'lseek' | 'sync' | 'truncate' | 'chown' | 'lchown' | 'posix_fchown' | 'chflags' | 'lchflags' | 'fchflags' | 'utimes' | 'lutimes' | 'futimes' | 'pathconf'
  | 'fpathconf' | 'mkfifo' | 'link' | 'rename' | 'fchdir' | 'chroot' | 'fchroot' | 'getvfsstat' | 'fstatvfs1'
> = {
  lseek,
  sync: (l) => vfsOf(l).sync(true),
  truncate: (l, path, size) => truncate(l, lookup(l, path), size, false),

  chown: (l, path, uid, gid) => chown(l, lookup(l, path), uid, gid, false),
  lchown: (l, path, uid, gid) => chown(l, lookup(l, path, false), uid, gid, false),
  posix_fchown: (l, fd, uid, gid) => chown(l, fdVnode(l, fd), uid, gid, true),
  chflags: (l, path, flags) => chflags(l, lookup(l, path), flags),
  lchflags: (l, path, flags) => chflags(l, lookup(l, path, false), flags),
  fchflags: (l, fd, flags) => chflags(l, fdVnode(l, fd), flags),
  utimes: (l, path, times) => utimes(l, lookup(l, path), times),
  lutimes: (l, path, times) => utimes(l, lookup(l, path, false), times),
  futimes: (l, fd, times) => utimes(l, fdVnode(l, fd), times),
  pathconf: (l, path, name) => pathconf(lookup(l, path), name),
  fpathconf: (l, fd, name) => pathconf(fdVnode(l, fd), name),

  mkfifo: (l, path, mode) => mknod(l, path, S_IFIFO | (mode & 0o7777), 0),
  link: (l, from, to) => link(l, lookup(l, from), to),
  rename: (l, from, to) => rename(l, from, to, false),

  fchdir,
  chroot(l, path) {
    checkRoot(l);
    chroot(l, checkDir(l, lookup(l, path)));
  },
  fchroot(l, fd) {
    checkRoot(l);
    chroot(l, fdDir(l, fd));
  },

  getvfsstat(l, flags) {
    checkWait(flags);
    return vfsOf(l).mounts.map((mp) => statvfs(l, mp, new Statvfs()));
  },
  fstatvfs1: (l, fd, flags) => figures(l, fdVnode(l, fd), flags),
};
