/** What open files do in a kernel that is not bare: within the limits of their process, with record locks (reclock.ts), and with the path of a directory. */
import { emitBytestr } from '@anykernel/lib-bytes';
import { ERR, F_GETLK, F_GETPATH, F_SETLK, F_SETLKW, type Flock, OFF_MAX, O_APPEND, RLIM_INFINITY } from '@anykernel/lib-sys';
import { type File, type Fileops, type Lwp, type Uio, fsizeAllows } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from './cwdi.js';
import { locksOf } from './locks.js';
import { pathOf } from './path.js';
import { vnops } from './vnfile.js';
import { VDIR, VREG, type Vnode } from './vnode.js';

export const fileops: Fileops = {
  ...vnops,

  /** EFBIG, and SIGXFSZ: beyond the limit of the process (RLIMIT_FSIZE); what is below it is written. */
  write(f: File, uio: Uio, l: Lwp): void {
    const vp = f.data as Vnode;
    const { resid } = uio;
    if (vp.type !== VREG || (l.proc.limits.fsize === RLIM_INFINITY && uio.offset + resid <= OFF_MAX)) {
      vnops.write(f, uio, l);
      return;
    }
    const beyond = resid - allowed(f, vp, uio, l);
    uio.resid = resid - beyond;
    try {
      vnops.write(f, uio, l);
    } finally {
      uio.resid += beyond;
    }
  },

  fcntl(f: File, cmd: number, arg: number | Flock | Uint8Array | undefined, l: Lwp): number {
    const vp = f.data as Vnode;
    if (cmd === F_GETPATH) return getPath(vp, arg, l);
    if (cmd !== F_GETLK && cmd !== F_SETLK && cmd !== F_SETLKW) throw ERR.EINVAL;
    if (typeof arg !== 'object' || arg instanceof Uint8Array) throw ERR.EFAULT;
    locksOf(vfsOf(l)).fcntl(f, vp, cmd, arg, l);
    return 0;
  },
};

/** Bytes of a write that may be written. EFBIG. */
function allowed(f: File, vp: Vnode, uio: Uio, l: Lwp): number {
  let off = uio.offset;
  if ((f.flag & O_APPEND) !== 0) {
    const st = vfsOf(l).scratch;
    vp.ops.getattr(vp, st);
    off = st.size;
  }
  if (off + uio.resid > OFF_MAX) throw ERR.EFBIG;
  return fsizeAllows(l, off, uio.resid);
}

/** The path of a directory, with a NUL. EINVAL: not a directory. ERANGE: the buffer is too short. */
function getPath(vp: Vnode, arg: unknown, l: Lwp): number {
  if (!(arg instanceof Uint8Array)) throw ERR.EFAULT;
  if (vp.type !== VDIR) throw ERR.EINVAL;
  const cwdi = cwdiOf(l);
  const path = pathOf(cwdi.vfs, vp, cwdi.root);
  if (path.length + 1 > arg.length) throw ERR.ERANGE;
  emitBytestr(arg, 0, `${path}\0`);
  return 0;
}
