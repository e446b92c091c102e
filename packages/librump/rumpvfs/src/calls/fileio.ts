/** Calls on open files beyond read and write: transfers elsewhere, and writing to stable storage. */
import { ERR } from '@anykernel/lib-sys';
import { FREAD, FWRITE, type File, type Lwp, type Uio } from '@anykernel/rumpkern';
import { VFIFO, VSOCK, type Vnode } from '../vnode.js';
import { type VfsCalls, checkOffset, vnodeFile } from './common.js';

/** An open file with positions. ESPIPE: it has none. */
export function seekable(l: Lwp, fd: number, mode: number): File {
  const f = vnodeFile(l, fd, mode, ERR.ESPIPE);
  const { type } = f.data as Vnode;
  if (type === VFIFO || type === VSOCK) throw ERR.ESPIPE;
  return f;
}

/** The same, for a transfer at `off`. EINVAL: not a position, or a list without buffers. */
function fileAt(l: Lwp, fd: number, mode: number, off: number, bufs?: readonly Uint8Array[]): File {
  const f = seekable(l, fd, mode);
  checkOffset(off);
  if (bufs?.length === 0) throw ERR.EINVAL;
  return f;
}

function read(f: File, uio: Uio, l: Lwp): number {
  f.ops.read(f, uio, l);
  return uio.moved;
}

function write(f: File, uio: Uio, l: Lwp): number {
  f.ops.write(f, uio, l);
  return uio.moved;
}

/** EBADF: not open for writing. EINVAL: not a file. EIO. */
export function fsync(l: Lwp, fd: number, mode: number, dataOnly: boolean, off: number, len: number): void {
  const vp = vnodeFile(l, fd, mode).data as Vnode;
  vp.ops.fsync(vp, dataOnly, off, len, l);
}

export const fileioCalls: Pick<VfsCalls, 'pread' | 'pwrite' | 'preadv' | 'pwritev' | 'fsync' | 'fdatasync'> = {
  pread: (l, fd, buf, off) => read(fileAt(l, fd, FREAD, off), l.uioOf(buf, off, 'read'), l),
  pwrite: (l, fd, buf, off) => write(fileAt(l, fd, FWRITE, off), l.uioOf(buf, off, 'write'), l),
  preadv: (l, fd, bufs, off) => read(fileAt(l, fd, FREAD, off, bufs), l.uioOfv(bufs, off, 'read'), l),
  pwritev: (l, fd, bufs, off) => write(fileAt(l, fd, FWRITE, off, bufs), l.uioOfv(bufs, off, 'write'), l),
  fsync: (l, fd) => fsync(l, fd, 0, false, 0, 0),
  fdatasync: (l, fd) => fsync(l, fd, FWRITE, true, 0, 0),
};
