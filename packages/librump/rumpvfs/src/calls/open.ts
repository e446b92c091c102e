/** open(2), and the ends of an open file's life. */
import {
  ERR, F_SETLK, F_RDLCK, F_WRLCK, type Flock, NOTE_OPEN, O_ACCMODE, O_ALT_IO, O_APPEND, O_ASYNC, O_CLOEXEC,
  O_CREAT, O_DIRECT, O_DIRECTORY, O_DSYNC, O_EXCL, O_EXLOCK, O_NOFOLLOW, O_NONBLOCK, O_NOSIGPIPE, O_REGULAR, O_RSYNC, O_SEARCH, O_SHLOCK, O_SYNC, O_TRUNC,
  SEEK_SET, S_ISVTX, fflags,
} from '@anykernel/lib-sys';
import { FREAD, FWRITE, File, type Lwp, ROOT, SLEEP } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from '../cwdi.js';
import { note } from '../knotes.js';
import type { Mount } from '../mount.js';
import { NAMEI_FOLLOW, namei } from '../namei.js';
import { checkWritable } from '../permission.js';
import { vnops } from '../vnfile.js';
import { VBAD, VCHR, VDIR, VEXEC, VLNK, VREAD, VREG, VSOCK, VWRITE, type Vnode } from '../vnode.js';
import { attrOfNew, vopCreate } from '../vops.js';
import { type VfsCalls, startOf } from './common.js';

/** What of the flags of open(2) an open file keeps. */
const KEPT = FREAD | FWRITE | O_APPEND | O_NONBLOCK | O_ASYNC | O_SYNC | O_DSYNC | O_RSYNC | O_ALT_IO | O_DIRECT | O_NOSIGPIPE;

/**
 * Opens `path`. EINVAL: flags that do not go together. EMFILE. The errors of the path. EEXIST: it is there, and should not (O_EXCL).
 * ELOOP: a symbolic link (O_NOFOLLOW). ENOTDIR, EISDIR, EFTYPE: not the kind of file that was asked for. EOPNOTSUPP: a socket. EROFS, EACCES,
 * EPERM; what the file's own open says: ENXIO, EBUSY; EAGAIN: it is locked (O_NONBLOCK). EOPNOTSUPP: it cannot be. EFBIG, EIO.
 */
export function open(l: Lwp, start: Vnode | undefined, path: string, oflags: number, mode: number): number {
  const { proc } = l;
  if ((oflags & O_ACCMODE) === O_ACCMODE) throw ERR.EINVAL;
  if ((oflags & (O_CREAT | O_DIRECTORY)) === (O_CREAT | O_DIRECTORY)) throw ERR.EINVAL;
  if ((oflags & (O_SHLOCK | O_EXLOCK)) === (O_SHLOCK | O_EXLOCK)) throw ERR.EINVAL;
  if (proc.fd.count >= proc.limits.nofile) throw ERR.EMFILE;
  if (l.memo instanceof Made) return openMade(l, l.memo, oflags);
  const vp = (oflags & O_CREAT) !== 0 ? openOrCreate(l, start, path, oflags, mode) : openExisting(l, start, path, oflags);
  if (vfsOf(l).nd.vp !== undefined) return openVnode(l, vp, oflags, true);
  try {
    return openVnode(l, vp, oflags, false);
  } catch (e) {
    if (e === SLEEP && l !== l.proc.lwp) {
      l.memo = new Made(vp.hold());
      l.abandon = () => vp.rele();
    }
    throw e;
  }
}

/** A file that this call has made before it slept: executed again, it must not find it and say that it is there. */
class Made {
  constructor(readonly vp: Vnode) {}
}

function openMade(l: Lwp, made: Made, oflags: number): number {
  let sleeps = false;
  try {
    return openVnode(l, made.vp, oflags, false);
  } catch (e) {
    sleeps = e === SLEEP;
    throw e;
  } finally {
    if (!sleeps) made.vp.rele();
  }
}

function openExisting(l: Lwp, start: Vnode | undefined, path: string, oflags: number): Vnode {
  return namei(l, vfsOf(l).nd, 'lookup', (oflags & O_NOFOLLOW) !== 0 ? 0 : NAMEI_FOLLOW, path, start).vp as Vnode;
}

function openOrCreate(l: Lwp, start: Vnode | undefined, path: string, oflags: number, mode: number): Vnode {
  const cwdi = cwdiOf(l);
  const follow = (oflags & O_NOFOLLOW) === 0 && (oflags & O_EXCL) === 0;
  const nd = namei(l, cwdi.vfs.nd, 'create', follow ? NAMEI_FOLLOW : 0, path, start);
  if (nd.vp !== undefined) {
    if ((oflags & O_EXCL) !== 0) throw ERR.EEXIST;
    if (nd.vp.type === VDIR) throw ERR.EISDIR;
    return nd.vp;
  }
  const dvp = nd.dvp as Vnode;
  return vopCreate(dvp, nd.cnp, attrOfNew(dvp, VREG, mode & ~cwdi.umask & ~S_ISVTX, l.proc.cred));
}

/** A descriptor for a vnode. `check`: the permissions of the file count, since it was there before. */
export function openVnode(l: Lwp, vp: Vnode, oflags: number, check: boolean): number {
  const { proc } = l;
  const flag = fflags(oflags);
  if (check) checkOpen(l, vp, flag);
  const own = vp.type === VCHR ? vp.ops.clone?.(vp, flag & KEPT, l) : undefined;
  if (own !== undefined) return install(l, own, oflags);
  vp.ops.open(vp, flag, l);
  const f = new File('vnode', vnops, vp, flag & KEPT, proc.cred);
  vp.hold();
  if ((flag & FWRITE) !== 0) vp.writecount++;
  if ((oflags & (O_SHLOCK | O_EXLOCK | O_TRUNC)) !== 0) finish(l, f, vp, oflags, check);
  if (vp.knotes !== undefined) note(vp, NOTE_OPEN);
  return install(l, f, oflags);
}

/** Gives a new file a descriptor; without one it is closed. EMFILE. */
function install(l: Lwp, f: File, oflags: number): number {
  const { proc } = l;
  try {
    return proc.fd.alloc(f, proc.limits.nofile, 0, (oflags & O_CLOEXEC) !== 0);
  } catch (e) {
    f.ops.close(f, l);
    throw e;
  }
}

function checkOpen(l: Lwp, vp: Vnode, flag: number): void {
  const { type } = vp;
  if (type === VSOCK) throw ERR.EOPNOTSUPP;
  if (type === VLNK) throw ERR.ELOOP;
  if (type === VBAD) throw ERR.ENXIO;
  if ((flag & O_DIRECTORY) !== 0 && type !== VDIR) throw ERR.ENOTDIR;
  if ((flag & O_REGULAR) !== 0 && type !== VREG) throw ERR.EFTYPE;
  let wanted = 0;
  if ((flag & (FWRITE | O_TRUNC)) !== 0) {
    if (type === VDIR) throw ERR.EISDIR;
    if (type === VREG) checkWritable(vp);
    wanted = VWRITE;
  }
  if ((flag & FREAD) !== 0) wanted |= (flag & O_SEARCH) !== 0 ? VEXEC : VREAD;
  const { cred } = l.proc;
  if (cred.euid !== 0 || wanted !== VREAD) vp.ops.access(vp, wanted, cred);
}

/** Locks and truncates a file that was opened; what fails, or sleeps, closes it again. */
function finish(l: Lwp, f: File, vp: Vnode, oflags: number, existed: boolean): void {
  try {
    if ((oflags & (O_SHLOCK | O_EXLOCK)) !== 0) {
      const type = (oflags & O_EXLOCK) !== 0 ? F_WRLCK : F_RDLCK;
      vp.ops.advlock(vp, f, F_SETLK, wholeFile(type), (oflags & O_NONBLOCK) === 0, l);
    }
    if ((oflags & O_TRUNC) === 0 || !existed || vp.type !== VREG) return;
    const va = (vp.mp as Mount).vfs.va.clear();
    va.size = 0;
    vp.ops.setattr(vp, va, ROOT);
  } catch (e) {
    vnops.close(f, l);
    throw e;
  }
}

/** A lock on all of a file. */
export function wholeFile(type: number): Flock {
  return { start: 0, len: 0, pid: 0, type, whence: SEEK_SET };
}

export const openCalls: Pick<VfsCalls, 'open' | 'openat'> = {
  open: (l, path, oflags, mode = 0) => open(l, undefined, path, oflags, mode),
  openat: (l, fd, path, oflags, mode = 0) => open(l, startOf(l, fd, path), path, oflags, mode),
};
