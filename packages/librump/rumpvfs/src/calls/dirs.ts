/** Where a process is, and what is in a directory. */
import { ERR, emitDirent } from '@anykernel/lib-sys';
import { FREAD, type Lwp } from '@anykernel/rumpkern';
import { emitBytestr } from '@anykernel/lib-bytes';
import { cwdiOf } from '../cwdi.js';
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

/** EPERM: not the superuser. Whoever is outside of the new root is moved into it. */
function chroot(l: Lwp, vp: Vnode): void {
  const cwdi = cwdiOf(l);
  cwdi.chroot(vp);
  try {
    pathOf(cwdi.vfs, cwdi.cdir, vp);
  } catch (e) {
    if (e !== ERR.ENOENT) throw e;
    cwdi.chdir(vp);
  }
}

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
  fchdir: (l, fd) => cwdiOf(l).chdir(fdDir(l, fd)),
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

