/** open(2), and the ends of an open file's life. */
import {
  ERR, NOTE_OPEN, O_ACCMODE, O_ALT_IO, O_APPEND, O_ASYNC, O_CLOEXEC,
  O_CREAT, O_DIRECT, O_DIRECTORY, O_DSYNC, O_EXCL, O_EXLOCK, O_NOFOLLOW, O_NONBLOCK, O_NOSIGPIPE, O_REGULAR, O_RSYNC, O_SEARCH, O_SHLOCK, O_SYNC, O_TRUNC,
  S_ISVTX, fflags,
} from '@anykernel/lib-sys';
import { FREAD, FWRITE, File, type Lwp, ROOT, SLEEP } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import { locksOf } from '../locks.js';
import type { Mount } from '../mount.js';
import { NAMEI_FOLLOW, namei } from '../namei.js';
import { checkWritable } from '../permission.js';
import { VBAD, VCHR, VDIR, VEXEC, VLNK, VREAD, VREG, VSOCK, VWRITE, type Vnode } from '../vnode.js';
import { vopCreate } from '../vops.js';
import { type VfsCalls, attrOf } from './common.js';

/** What of the flags of open(2) an open file keeps. */
const KEPT = FREAD | FWRITE | O_APPEND | O_NONBLOCK | O_ASYNC | O_SYNC | O_DSYNC | O_RSYNC | O_ALT_IO | O_DIRECT | O_NOSIGPIPE;

/**
 * Opens `path`. EINVAL: flags that do not go together. EMFILE. The errors of the path. EEXIST: it is there, and should not (O_EXCL).
 * ELOOP: a symbolic link (O_NOFOLLOW). ENOTDIR, EISDIR, EFTYPE: not the kind of file that was asked for. EOPNOTSUPP: a socket. EROFS, EACCES,
 * EPERM; what the file's own open says: ENXIO, EBUSY; EAGAIN: it is locked (O_NONBLOCK). EOPNOTSUPP: it cannot be. EFBIG, EIO.
 */
export function open(l: Lwp, path: string, oflags: number, mode: number, start?: Vnode): number {
  const { proc } = l;
  if ((oflags & O_ACCMODE) === O_ACCMODE) throw ERR.EINVAL;
  if ((oflags & (O_CREAT | O_DIRECTORY)) === (O_CREAT | O_DIRECTORY)) throw ERR.EINVAL;
  if ((oflags & (O_SHLOCK | O_EXLOCK)) === (O_SHLOCK | O_EXLOCK)) throw ERR.EINVAL;
  if (proc.fd.count >= proc.limits.nofile) throw ERR.EMFILE;
  if (l.memo instanceof Made) return openMade(l, l.memo, oflags);
  const creates = (oflags & O_CREAT) !== 0;
  const follows = (oflags & (creates ? O_NOFOLLOW | O_EXCL : O_NOFOLLOW)) === 0;
  const nd = namei(l, vfsOf(l).nd, creates ? 'create' : 'lookup', follows ? NAMEI_FOLLOW : 0, path, start);
  const { vp } = nd;
  if (vp === undefined) return openMade(l, new Made(vopCreate(nd.dvp as Vnode, nd.cnp, attrOf(l, nd, VREG, mode & ~S_ISVTX))), oflags);
  if ((oflags & (O_CREAT | O_EXCL)) === (O_CREAT | O_EXCL)) throw ERR.EEXIST;
  if (creates && vp.type === VDIR) throw ERR.EISDIR;
  return openVnode(l, vp, oflags, true);
}

/** A file that this call has made: executed again after a sleep, it must not find it and say that it is there. Held. */
class Made {
  readonly vp: Vnode;

  constructor(vp: Vnode) {
    this.vp = vp.hold();
  }
}

function openMade(l: Lwp, made: Made, oflags: number): number {
  const { vp } = made;
  let sleeps = false;
  try {
    return openVnode(l, vp, oflags, false);
  } catch (e) {
    sleeps = e === SLEEP && l !== l.proc.lwp;
    if (sleeps) {
      l.memo = made;
      l.abandon = () => vp.rele();
    }
    throw e;
  } finally {
    if (!sleeps) vp.rele();
  }
}

/** A descriptor for a vnode. `check`: the permissions of the file count, since it was there before. */
export function openVnode(l: Lwp, vp: Vnode, oflags: number, check: boolean): number {
  const { proc } = l;
  const flag = fflags(oflags);
  if (check) checkOpen(l, vp, flag);
  const own = vp.type === VCHR ? vp.ops.clone?.(vp, flag & KEPT, l) : undefined;
  if (own !== undefined) return install(l, own, oflags);
  vp.ops.open(vp, flag, l);
  const f = new File('vnode', vfsOf(l).fileops, vp, flag & KEPT, proc.cred);
  vp.hold();
  if ((flag & FWRITE) !== 0) vp.writecount++;
  if ((oflags & (O_SHLOCK | O_EXLOCK | O_TRUNC)) !== 0) finish(l, f, vp, oflags, check);
  vp.knotes?.note(NOTE_OPEN);
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
    if ((oflags & (O_SHLOCK | O_EXLOCK)) !== 0) locksOf(vfsOf(l)).open(f, vp, oflags, l);
    if ((oflags & O_TRUNC) === 0 || !existed || vp.type !== VREG) return;
    const va = (vp.mp as Mount).vfs.va.clear();
    va.size = 0;
    vp.ops.setattr(vp, va, ROOT);
  } catch (e) {
    f.ops.close(f, l);
    throw e;
  }
}

export const openCalls: Pick<VfsCalls, 'open'> = { open: (l, path, oflags, mode = 0) => open(l, path, oflags, mode) };
