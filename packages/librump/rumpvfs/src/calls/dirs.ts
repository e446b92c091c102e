/** Where a process is, and what is in a directory. */
import { emitBytestr } from '@anykernel/lib-bytes';
import { ERR, emitDirent } from '@anykernel/lib-sys';
import { FREAD, type Lwp } from '@anykernel/rumpkern';
import { cwdiOf } from '../cwdi.js';
import { pathOf } from '../path.js';
import { VDIR, VEXEC, type Vnode } from '../vnode.js';
import { type VfsCalls, lookup, vnodeFile } from './common.js';

/** ENOTDIR, EACCES: not a directory that the process may be in. */
export function checkDir(l: Lwp, vp: Vnode): Vnode {
  if (vp.type !== VDIR) throw ERR.ENOTDIR;
  vp.ops.access(vp, VEXEC, l.proc.cred);
  return vp;
}

/**
 * Fills `buf` with whole records, from the file's position on, which becomes that of the entry after the last one. EINVAL: not a directory, or
 * not room for the next record.
 */
function getdents(l: Lwp, fd: number, buf: Uint8Array): number {
  const f = vnodeFile(l, fd, FREAD);
  const vp = f.data as Vnode;
  if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
  if (vp.type !== VDIR) throw ERR.EINVAL;
  if (vp.removed) return 0;
  let at = 0;
  let full = false;
  let next = f.offset;
  vp.ops.readdir(vp, f.offset, (ino, dtype, name, cookie) => {
    const len = emitDirent(buf, at, ino, dtype, name);
    if (len === 0) {
      full = true;
      return false;
    }
    at += len;
    next = cookie;
    return true;
  });
  if (full && at === 0) throw ERR.EINVAL;
  f.offset = next;
  return at;
}

export const dirCalls: Pick<VfsCalls, 'chdir' | 'getcwd' | 'getdents'> = {
  chdir: (l, path) => cwdiOf(l).chdir(checkDir(l, lookup(l, path))),
  /** EINVAL: no room at all. ERANGE: not enough. ENOENT: the directory has no path. */
  getcwd(l, buf) {
    if (!(buf instanceof Uint8Array)) throw ERR.EFAULT;
    if (buf.length === 0) throw ERR.EINVAL;
    const cwdi = cwdiOf(l);
    const path = pathOf(cwdi.vfs, cwdi.cdir, cwdi.root);
    if (path.length + 1 > buf.length) throw ERR.ERANGE;
    return emitBytestr(buf, 0, `${path}\0`);
  },
  getdents,
};
