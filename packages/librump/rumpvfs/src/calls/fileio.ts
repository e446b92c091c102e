/** Calls on open files beyond read and write: positions, transfers elsewhere, and writing to stable storage. */
import { ERR, IOV_MAX, OFF_MAX, SEEK_CUR, SEEK_END, SEEK_SET } from '@anykernel/lib-sys';
import { FREAD, FWRITE, type File, type Lwp } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import { VFIFO, VSOCK, type Vnode } from '../vnode.js';
import { type VfsCalls, checkOffset, vnodeFile } from './common.js';

/** An open file with positions. ESPIPE: it has none. */
export function seekable(l: Lwp, fd: number, mode: number): File {
  const f = vnodeFile(l, fd, mode, ERR.ESPIPE);
  const { type } = f.data as Vnode;
  if (type === VFIFO || type === VSOCK) throw ERR.ESPIPE;
  return f;
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

function checkVector(bufs: readonly Uint8Array[]): void {
  if (!Array.isArray(bufs)) throw ERR.EFAULT;
  if (bufs.length === 0 || bufs.length > IOV_MAX) throw ERR.EINVAL;
}

/** EBADF: not open for writing. EINVAL: not a file. EIO. */
export function fsync(l: Lwp, fd: number, dataOnly: boolean, off: number, len: number): void {
  const f = vnodeFile(l, fd, 0);
  const vp = f.data as Vnode;
  vp.ops.fsync(vp, dataOnly, off, len, l);
}

export const fileioCalls: Pick<VfsCalls, 'lseek' | 'pread' | 'pwrite' | 'preadv' | 'pwritev' | 'fsync' | 'fdatasync' | 'sync'> = {
  lseek,

  pread(l, fd, buf, off) {
    const f = seekable(l, fd, FREAD);
    checkOffset(off);
    const uio = l.uioOf(buf, off, 'read');
    f.ops.read(f, uio, l);
    return uio.moved;
  },
  pwrite(l, fd, buf, off) {
    const f = seekable(l, fd, FWRITE);
    checkOffset(off);
    const uio = l.uioOf(buf, off, 'write');
    f.ops.write(f, uio, l);
    return uio.moved;
  },
  preadv(l, fd, bufs, off) {
    const f = seekable(l, fd, FREAD);
    checkOffset(off);
    checkVector(bufs);
    const uio = l.uioOfv(bufs, off, 'read');
    f.ops.read(f, uio, l);
    return uio.moved;
  },
  pwritev(l, fd, bufs, off) {
    const f = seekable(l, fd, FWRITE);
    checkOffset(off);
    checkVector(bufs);
    const uio = l.uioOfv(bufs, off, 'write');
    f.ops.write(f, uio, l);
    return uio.moved;
  },

  fsync: (l, fd) => fsync(l, fd, false, 0, 0),
  fdatasync(l, fd) {
    vnodeFile(l, fd, FWRITE);
    fsync(l, fd, true, 0, 0);
  },
  sync: (l) => vfsOf(l).sync(true),
};
