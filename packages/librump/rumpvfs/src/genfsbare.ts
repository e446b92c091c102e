/**
 * What is common to file systems, as far as a bare vfs calls it: answers to vnode operations, and the rules of who may do what. The rest is genfs.ts.
 *
 * The can* helpers are for setattr(), where only the file system knows the owner.
 */
import {
  APPEND, ERR, FWRITE, IMMUTABLE, O_APPEND, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, S_IFMT, S_ISGID, S_ISVTX,
} from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import { vnodeKqfilter } from './knotes.js';
import type { Mount } from './mount.js';
import { VDIR, VEXEC, VWRITE, type Vnode, type VnodeOps, type Vtype } from './vnode.js';

/** Operations that no call of a bare vfs asks for. */
type Unasked = 'fallocate' | 'fdiscard' | 'pathconf' | 'advlock' | 'getextattr' | 'setextattr' | 'deleteextattr' | 'listextattr' | 'bmap';

/** All others but those without which there is no file system. */
export const genfsBare: Omit<VnodeOps, 'name' | 'lookup' | 'getattr' | Unasked> = {
  create: refuse,
  mknod: refuse,
  mkdir: refuse,
  symlink: refuse,
  link: refuse,
  remove: refuse,
  rmdir: refuse,
  rename: refuse,
  readlink: invalid,
  readdir(): void {
    throw ERR.ENOTDIR;
  },
  open: nothing,
  close: nothing,
  access(vp: Vnode, mode: number, cred: Cred): void {
    const st = (vp.mp as Mount).vfs.accessStat;
    vp.ops.getattr(vp, st);
    if ((st.flags & IMMUTABLE) !== 0 && (mode & VWRITE) !== 0) throw ERR.EPERM;
    genfsAccess(st.mode, st.uid, st.gid, mode, cred, vp.type);
  },
  setattr: refuse,
  read: refuse,
  write: refuse,
  ioctl(): number {
    throw ERR.ENOTTY;
  },
  poll: (_vp: Vnode, events: number) => events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM),
  kqfilter: vnodeKqfilter,
  fsync: nothing,
  inactive: () => false,
  reclaim: nothing,
  abandon: nothing,
};

function nothing(): void {}
export function refuse(): never {
  throw ERR.EOPNOTSUPP;
}
function invalid(): never {
  throw ERR.EINVAL;
}

/**
 * Whether `cred` may use a file with this mode and owner for `wanted` (VREAD, VWRITE, VEXEC). The superuser may all, except to execute
 * a file that nobody may. EACCES.
 */
export function genfsAccess(mode: number, uid: number, gid: number, wanted: number, cred: Cred, type: Vtype): void {
  if (cred.euid === 0) {
    if ((wanted & VEXEC) !== 0 && type !== VDIR && (mode & 0o111) === 0) throw ERR.EACCES;
    return;
  }
  const granted = cred.euid === uid ? mode >> 6 : cred.inGroup(gid) ? mode >> 3 : mode;
  if ((granted & wanted) !== wanted) throw ERR.EACCES;
}

/** Whether the flags allow what is asked: nothing changes an immutable file, nothing but appending one that is append-only. EPERM. */
export function genfsCheckFlags(flags: number, appendIsFine: boolean): void {
  if ((flags & IMMUTABLE) !== 0 || (!appendIsFine && (flags & APPEND) !== 0)) throw ERR.EPERM;
}

/** For open(): EPERM, an append-only file is opened for writing elsewhere than at its end. */
export function genfsCheckOpen(flags: number, flag: number): void {
  if ((flags & APPEND) !== 0 && (flag & (FWRITE | O_APPEND)) === FWRITE) throw ERR.EPERM;
}

/** EPERM: not the owner, or a group id bit for a group that is not the caller's. EFTYPE: only the superuser makes a file sticky. */
export function genfsCanChmod(cred: Cred, uid: number, gid: number, type: Vtype, mode: number): void {
  if (cred.euid === 0) return;
  if (cred.euid !== uid) throw ERR.EPERM;
  if (type !== VDIR && (mode & S_ISVTX) !== 0) throw ERR.EFTYPE;
  if ((mode & S_ISGID) !== 0 && !cred.inGroup(gid)) throw ERR.EPERM;
}

/** EPERM: only the superuser gives a file away; its owner gives it to a group of his. */
export function genfsCanChown(cred: Cred, uid: number, gid: number, newUid: number, newGid: number): void {
  if (cred.euid === 0) return;
  if (cred.euid !== uid || newUid !== uid || (newGid !== gid && !cred.inGroup(newGid))) throw ERR.EPERM;
}

/** The owner sets any times, who may write the file the present one. EPERM; EACCES for the present one. */
export function genfsCanChtimes(vp: Vnode, cred: Cred, uid: number, utimesNull: boolean): void {
  if (cred.euid === 0 || cred.euid === uid) return;
  if (!utimesNull) throw ERR.EPERM;
  vp.ops.access(vp, VWRITE, cred);
}

/** The type bits of a mode for a vnode type, and back. */
const MODE_OF: readonly number[] = [0, 0o100000, 0o040000, 0o060000, 0o020000, 0o120000, 0o140000, 0o010000, 0];
export function typeToMode(type: Vtype): number {
  return MODE_OF[type];
}
/** VNON: there is no such type; a mode without type bits is of none, either. */
export function modeToType(mode: number): Vtype {
  const bits = mode & S_IFMT;
  return bits === 0 ? 0 : (Math.max(0, MODE_OF.indexOf(bits, 1)) as Vtype);
}
