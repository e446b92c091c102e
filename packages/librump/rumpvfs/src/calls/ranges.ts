/** Calls on ranges of open files: blocks for them, holes, advice, and writing them to stable storage. */
import {
  ERR, FDATASYNC, FDISKSYNC, FFILESYNC, NOTE_EXTEND, NOTE_WRITE, OFF_MAX, POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE, POSIX_FADV_NORMAL,
} from '@anykernel/lib-sys';
import { FWRITE, type Lwp, fsizeAllows } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import { checkWritable } from '../permission.js';
import { VDIR, VREG, type Vnode } from '../vnode.js';
import { type VfsCalls, checkOffset, vnodeFile } from './common.js';
import { fsync, seekable } from './fileio.js';

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

export const rangeCalls: Pick<VfsCalls, 'posix_fallocate' | 'fdiscard' | 'posix_fadvise' | 'fsync_range'> = {
  posix_fallocate(l, fd, off, len) {
    const vp = rangeOf(l, fd, off, len);
    const st = vfsOf(l).scratch;
    vp.ops.getattr(vp, st);
    if (off + len > st.size && fsizeAllows(l, off, len) < len) throw ERR.EFBIG;
    vp.ops.fallocate(vp, off, len);
    vp.knotes?.note(NOTE_WRITE | NOTE_EXTEND);
  },
  fdiscard(l, fd, off, len) {
    const vp = rangeOf(l, fd, off, len);
    vp.ops.fdiscard(vp, off, len);
    vp.knotes?.note(NOTE_WRITE);
  },
  /** Advice is heard and not needed: reading ahead looks at what is read. */
  posix_fadvise(l, fd, off, len, advice) {
    seekable(l, fd, 0);
    checkOffset(off);
    checkOffset(len);
    if (!Number.isInteger(advice) || advice < POSIX_FADV_NORMAL || advice > POSIX_FADV_NOREUSE) throw ERR.EINVAL;
    if (advice === POSIX_FADV_DONTNEED && len !== 0 && off + len > OFF_MAX) throw ERR.EINVAL;
  },

  fsync_range(l, fd, how, off, len) {
    vnodeFile(l, fd, FWRITE);
    const kind = how & (FDATASYNC | FFILESYNC);
    if ((how & ~(FDATASYNC | FFILESYNC | FDISKSYNC)) !== 0 || (kind !== FDATASYNC && kind !== FFILESYNC)) throw ERR.EINVAL;
    checkOffset(off);
    checkOffset(len);
    fsync(l, fd, FWRITE, kind === FDATASYNC, off, len);
  },
};
