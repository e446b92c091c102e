/**
 * Open files that are vnodes: what read(2), write(2), fstat(2) and so on do with them. Limits, fcntl(2) and ioctl(2) of regular files are fileops.ts.
 *
 * A File of type 'vnode' holds its vnode in `data`. The position is in uio.offset; the callers keep it.
 */
import {
  ERR, NOTE_CLOSE, NOTE_CLOSE_WRITE, NOTE_EXTEND, NOTE_READ,
  NOTE_WRITE, S_ISGID, S_ISUID, type Stat,
} from '@anykernel/lib-sys';
import { FWRITE, type File, type Fileops, type Knote, type Lwp, ROOT, type Uio } from '@anykernel/rumpkern';
import { vfsOf } from './cwdi.js';
import { IO_APPEND, IO_DSYNC, IO_NDELAY, IO_NOSIGPIPE, IO_SYNC, VDIR, VREG, type Vnode } from './vnode.js';

function vnodeOf(f: File): Vnode {
  return f.data as Vnode;
}

/** Status flags that change how bytes are moved: IO_*. */
const IOFLAGS = IO_APPEND | IO_NDELAY | IO_SYNC | IO_DSYNC | IO_NOSIGPIPE;

export const vnops: Fileops = {
  name: 'vnode',

  /** EISDIR: directories are read by getdents(2). */
  read(f: File, uio: Uio, l: Lwp): void {
    const vp = vnodeOf(f);
    if (vp.type === VDIR) throw ERR.EISDIR;
    vp.ops.read(vp, uio, f.flag & IOFLAGS, l);
    vp.knotes?.note(NOTE_READ);
  },

  write(f: File, uio: Uio, l: Lwp): void {
    const vp = vnodeOf(f);
    const { resid } = uio;
    try {
      vp.ops.write(vp, uio, f.flag & IOFLAGS, l);
    } finally {
      if (vp.type === VREG && uio.resid !== resid) written(vp, l.proc.cred.euid);
    }
  },

  ioctl(f: File, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    const vp = vnodeOf(f);
    return vp.ops.ioctl(vp, cmd, data, f.flag, l);
  },

  poll(f: File, events: number, l: Lwp): number {
    const vp = vnodeOf(f);
    return vp.ops.poll(vp, events, l, f.flag);
  },

  stat(f: File, st: Stat): void {
    const vp = vnodeOf(f);
    vp.ops.getattr(vp, st);
  },

  close(f: File, l: Lwp): void {
    const vp = vnodeOf(f);
    if (vp.lockf !== undefined) vfsOf(l).locks?.release(vp, f, l.k);
    const writer = (f.flag & FWRITE) !== 0;
    if (writer) vp.writecount--;
    try {
      vp.ops.close(vp, f.flag, l);
    } finally {
      vp.knotes?.note(writer ? NOTE_CLOSE_WRITE : NOTE_CLOSE);
      vp.rele();
    }
  },

  kqfilter(f: File, kn: Knote): void {
    const vp = vnodeOf(f);
    vp.ops.kqfilter(vp, kn);
  },
};

/** Bytes have come into a file: who watches hears of it, and it is set-id no more, unless the superuser wrote them. */
function written(vp: Vnode, euid: number): void {
  vp.knotes?.note(NOTE_WRITE | NOTE_EXTEND);
  const { mp } = vp;
  if (euid === 0 || mp === undefined) return;
  const st = mp.vfs.scratch;
  vp.ops.getattr(vp, st);
  if ((st.mode & (S_ISUID | S_ISGID)) === 0) return;
  const va = mp.vfs.va.clear();
  va.mode = st.mode & 0o7777 & ~(S_ISUID | S_ISGID);
  vp.ops.setattr(vp, va, ROOT);
}
