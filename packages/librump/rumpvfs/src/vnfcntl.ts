/** fcntl(2) on files: record locks (reclock.ts), and the path of a directory. */
import { emitBytestr } from '@anykernel/lib-bytes';
import { ERR, F_GETLK, F_GETPATH, F_SETLK, F_SETLKW, type Flock } from '@anykernel/lib-sys';
import type { File, Fileops, Lwp } from '@anykernel/rumpkern';
import { cwdiOf, vfsOf } from './cwdi.js';
import { locksOf } from './locks.js';
import { pathOf } from './path.js';
import { vnops } from './vnfile.js';
import { VDIR, type Vnode } from './vnode.js';

export const fileops: Fileops = {
  ...vnops,
  fcntl(f: File, cmd: number, arg: number | Flock | Uint8Array | undefined, l: Lwp): number {
    const vp = f.data as Vnode;
    if (cmd === F_GETPATH) return getPath(vp, arg, l);
    if (cmd !== F_GETLK && cmd !== F_SETLK && cmd !== F_SETLKW) throw ERR.EINVAL;
    if (typeof arg !== 'object' || arg instanceof Uint8Array) throw ERR.EFAULT;
    locksOf(vfsOf(l)).fcntl(f, vp, cmd, arg, l);
    return 0;
  },
};

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
