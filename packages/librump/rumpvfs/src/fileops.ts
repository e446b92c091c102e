/** What open files do in a kernel that is not bare: within the limits of their process, with record locks (reclock.ts), holes (holes.ts), and with the path of a directory. */
import { emitBytestr, getU64le, putU64le } from '@anykernel/lib-bytes';
import { ERR, FIONREAD, FIOSEEKDATA, FIOSEEKHOLE, F_GETLK, F_GETPATH, F_SETLK, F_SETLKW, type Flock, OFF_MAX, O_APPEND, RLIM_INFINITY } from '@anykernel/lib-sys';
import { type File, type Fileops, type Lwp, type Uio, fsizeAllows, putInt } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from './cwdi.js';
import { seekData } from './holes.js';
import { locksOf } from './locks.js';
import type { Mount } from './mount.js';
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

  ioctl(f: File, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    const vp = f.data as Vnode;
    if (vp.type === VREG && (cmd === FIONREAD || cmd === FIOSEEKDATA || cmd === FIOSEEKHOLE)) return regularIoctl(f, vp, cmd, data);
    return vnops.ioctl(f, cmd, data, l);
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

/** Bytes left to read; where the next data is, and the next hole (holes.ts). EFAULT. */
function regularIoctl(f: File, vp: Vnode, cmd: number, data: Uint8Array | undefined): number {
  const st = (vp.mp as Mount).vfs.scratch;
  vp.ops.getattr(vp, st);
  const { size } = st;
  if (cmd === FIONREAD) return putInt(data, Math.max(0, Math.min(size - f.offset, 0x7fff_ffff)));
  if (data === undefined || data.length < 8) throw ERR.EFAULT;
  putU64le(data, 0, seekData(vp, size, getU64le(data, 0), cmd === FIOSEEKHOLE));
  return 0;
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
