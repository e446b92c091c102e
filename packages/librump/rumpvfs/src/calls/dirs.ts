/** Where a process is, and what is in a directory. */
import { ERR, emitDirent } from '@anykernel/lib-sys';
import { FREAD, type Lwp } from '@anykernel/rumpkern';
import { emitBytestr } from '@anykernel/lib-bytes';
import { cwdiOf } from '../cwdi.js';
import { isUnder } from '../namei.js';
import { pathOf } from '../path.js';
import { VDIR, VEXEC, type Vnode } from '../vnode.js';
import { type VfsCalls, lookupAt, vnodeFile } from './common.js';

/** ENOTDIR, EACCES: not a directory that the process may be in. */
function checkDir(l: Lwp, vp: Vnode): Vnode {
  if (vp.type !== VDIR) throw ERR.ENOTDIR;
  vp.ops.access(vp, VEXEC, l.proc.cred);
  return vp;
}

function fdDir(l: Lwp, fd: number): Vnode {
  return checkDir(l, vnodeFile(l, fd, 0, ERR.ENOTDIR).data as Vnode);
}

function isBelow(l: Lwp, vp: Vnode, root: Vnode): boolean {
  const { vfs } = cwdiOf(l);
  return isUnder(vp, root, vfs.rootvp, vfs.nd.cnp);
}

/** Whoever is outside of the new root is moved into it. */
function chroot(l: Lwp, vp: Vnode): void {
  const cwdi = cwdiOf(l);
  const inside = isBelow(l, cwdi.cdir, vp);
  cwdi.chroot(vp);
  if (!inside) cwdi.chdir(vp);
}

/** EPERM: the directory is outside of the process's root. */
function fchdir(l: Lwp, fd: number): void {
  const cwdi = cwdiOf(l);
  const vp = fdDir(l, fd);
  if (cwdi.rdir !== undefined && !isBelow(l, vp, cwdi.rdir)) throw ERR.EPERM;
  cwdi.chdir(vp);
}

/** EPERM: not the superuser. */
function checkRoot(l: Lwp): void {
  if (l.proc.cred.euid !== 0) throw ERR.EPERM;
}

/**
 * Fills `buf` with whole records, from the file's position on, which becomes that of the entry after the last one. EINVAL: not a directory, or
 * not room for the next record.
 */
function getdents(l: Lwp, fd: number, buf: Uint8Array): number {
  const f = vnodeFile(l, fd, FREAD);
  const vp = f.data as Vnode;
  if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
  if (vp.type !== VDIR) throw ERR.EINVAL;
  if (vp.removed) return 0;
  let at = 0;
  let full = false;
  let next = f.offset;
  vp.ops.readdir(vp, f.offset, (ino, dtype, name, cookie) => {
    const len = emitDirent(buf, at, ino, dtype, name);
    if (len === 0) {
      full = true;
      return false;
    }
    at += len;
    next = cookie;
    return true;
  });
  if (full && at === 0) throw ERR.EINVAL;
  f.offset = next;
  return at;
}

export const dirCalls: Pick<VfsCalls, 'chdir' | 'fchdir' | 'chroot' | 'fchroot' | 'getcwd' | 'getdents'> = {
  chdir: (l, path) => cwdiOf(l).chdir(checkDir(l, lookupAt(l, undefined, path, true))),
  fchdir,
  chroot(l, path) {
    checkRoot(l);
    chroot(l, checkDir(l, lookupAt(l, undefined, path, true)));
  },
  fchroot(l, fd) {
    checkRoot(l);
    chroot(l, fdDir(l, fd));
  },
  /** EINVAL: no room at all. ERANGE: not enough. ENOENT: the directory has no path. */
  getcwd(l, buf) {
    if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
    if (buf.length === 0) throw ERR.EINVAL;
    const cwdi = cwdiOf(l);
    const path = pathOf(cwdi.vfs, cwdi.cdir, cwdi.root);
    if (path.length + 1 > buf.length) throw ERR.ERANGE;
    buf[emitBytestr(buf, 0, path)] = 0;
    return path.length + 1;
  },
  getdents,
};

