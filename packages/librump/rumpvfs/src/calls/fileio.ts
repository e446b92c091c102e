/** Calls on open files beyond read and write: positions, transfers elsewhere, allocation, and writing to stable storage. */
import {
  ERR, FDATASYNC, FDISKSYNC, FFILESYNC, IOV_MAX, NOTE_EXTEND, NOTE_WRITE, OFF_MAX, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE, POSIX_FADV_NORMAL, SEEK_CUR, SEEK_END, SEEK_SET,
} from '@anykernel/lib-sys';
import { FREAD, FWRITE, type File, type Lwp, fsizeAllows } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import { note } from '../knotes.js';
import { checkWritable } from '../permission.js';
import { VDIR, VFIFO, VREG, VSOCK, type Vnode } from '../vnode.js';
import { type VfsCalls, checkOffset, vnodeFile } from './common.js';

/** An open file with positions. ESPIPE: it has none. */
function seekable(l: Lwp, fd: number, mode: number): File {
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

/** A regular file that is open for writing, and a range in it. EBADF, ESPIPE, ENODEV; EINVAL: an empty range. EFBIG. */
function rangeOf(l: Lwp, fd: number, off: number, len: number): Vnode {
  const f = seekable(l, fd, FWRITE);
  const vp = f.data as Vnode;
  if (vp.type === VDIR) throw ERR.EISDIR;
  if (vp.type !== VREG) throw ERR.ENODEV;
  checkOffset(off);
  checkOffset(len);
  if (len === 0) throw ERR.EINVAL;
  if (off + len > OFF_MAX) throw ERR.EFBIG;
  checkWritable(vp);
  return vp;
}

/** EBADF: not open for writing. EINVAL: not a file. EIO. */
function fsync(l: Lwp, fd: number, dataOnly: boolean, off: number, len: number): void {
  const f = vnodeFile(l, fd, 0);
  const vp = f.data as Vnode;
  vp.ops.fsync(vp, dataOnly, off, len, l);
}

export const fileioCalls: Pick<
  VfsCalls,
  | 'lseek' | 'pread' | 'pwrite' | 'preadv' | 'pwritev' | 'posix_fallocate' | 'fdiscard' | 'posix_fadvise' | 'fsync' | 'fdatasync' | 'fsync_range' | 'sync'
> = {
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

  posix_fallocate(l, fd, off, len) {
    const vp = rangeOf(l, fd, off, len);
    const st = vfsOf(l).scratch;
    vp.ops.getattr(vp, st);
    if (off + len > st.size && fsizeAllows(l, off, len) < len) throw ERR.EFBIG;
    vp.ops.fallocate(vp, off, len);
    if (vp.knotes !== undefined) note(vp, NOTE_WRITE | NOTE_EXTEND);
  },
  fdiscard(l, fd, off, len) {
    const vp = rangeOf(l, fd, off, len);
    vp.ops.fdiscard(vp, off, len);
    if (vp.knotes !== undefined) note(vp, NOTE_WRITE);
  },
  /** Advice is heard and not needed: reading ahead looks at what is read. */
  posix_fadvise(l, fd, off, len, advice) {
    seekable(l, fd, 0);
    checkOffset(off);
    checkOffset(len);
    if (!Number.isInteger(advice) || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) throw ERR.EINVAL;
    if (advice === POSIX_FADV_DONTNEED && len !== 0 && off + len > OFF_MAX) throw ERR.EINVAL;
  },

  fsync: (l, fd) => fsync(l, fd, false, 0, 0),
  fdatasync(l, fd) {
    vnodeFile(l, fd, FWRITE);
    fsync(l, fd, true, 0, 0);
  },
  fsync_range(l, fd, how, off, len) {
    vnodeFile(l, fd, FWRITE);
    const kind = how & (FDATASYNC | FFILESYNC);
    if ((how & ~(FDATASYNC | FFILESYNC | FDISKSYNC)) !== 0 || (kind !== FDATASYNC && kind !== FFILESYNC)) throw ERR.EINVAL;
    checkOffset(off);
    checkOffset(len);
    fsync(l, fd, kind === FDATASYNC, off, len);
  },
  sync: (l) => vfsOf(l).sync(true),
};
