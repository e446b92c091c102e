/** What the system calls on files share: where paths start, which descriptors are files, checks of arguments. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, ERR, type Handlers, OFF_MAX, type rumpvfsCalls } from '@anykernel/lib-sys';
import type { File, Lwp } from '@anykernel/rumpkern';
import { NAMEI_FOLLOW, type Nameidata, namei } from '../namei.js';
import { cwdiOf, vfsOf } from '../cwdi.js';
import type { Vattr, Vnode, Vtype } from '../vnode.js';
import { attrOfNew } from '../vops.js';

export type VfsCalls = Handlers<typeof rumpvfsCalls, Lwp>;

const SLASH = 47;

/** Where a path of an *at call starts; undefined: in the current directory. EBADF, ENOTDIR: only when it matters, for a relative path. */
export function startOf(l: Lwp, fd: number, path: string): Vnode | undefined {
  if (fd === AT_FDCWD || path.charCodeAt(0) === SLASH) return undefined;
  const f = l.proc.fd.get(fd);
  if (f.type !== 'vnode') throw ERR.ENOTDIR;
  return f.data as Vnode;
}

/** The vnode of a path, which begins in `start` (undefined: in the current directory). */
export function lookup(l: Lwp, path: string, follow = true, start?: Vnode): Vnode {
  return namei(l, vfsOf(l).nd, 'lookup', follow ? NAMEI_FOLLOW : 0, path, start).vp as Vnode;
}

/** That of an *at call, which may be told not to follow a symbolic link. EINVAL: other flags. */
export function lookupAt(l: Lwp, fd: number, path: string, flags: number): Vnode {
  checkAtFlags(flags, AT_SYMLINK_NOFOLLOW);
  return lookup(l, path, flags === 0, startOf(l, fd, path));
}

/** Looks up a name that will be made. EEXIST. */
export function nameiCreate(l: Lwp, path: string, flags = 0, start?: Vnode): Nameidata {
  const nd = namei(l, vfsOf(l).nd, 'create', flags, path, start);
  if (nd.vp !== undefined) throw ERR.EEXIST;
  return nd;
}

/** The attributes of what will be made there, without the bits of the process's umask. */
export function attrOf(l: Lwp, nd: Nameidata, type: Vtype, mode: number): Vattr {
  return attrOfNew(nd.dvp as Vnode, type, mode & ~cwdiOf(l).umask, l.proc.cred);
}

/** The open file of a descriptor, which is a vnode. EBADF; `otherwise`: it is a pipe, a socket. */
export function vnodeFile(l: Lwp, fd: number, mode: number, otherwise: (typeof ERR)[keyof typeof ERR] = ERR.EINVAL): File {
  const f = l.file(fd, mode);
  if (f.type !== 'vnode') throw otherwise;
  return f;
}

/** The vnode behind a descriptor. EBADF, EINVAL. */
export function fdVnode(l: Lwp, fd: number, mode = 0): Vnode {
  return vnodeFile(l, fd, mode).data as Vnode;
}

/** EINVAL: flags of an *at call that it does not know. */
export function checkAtFlags(flags: number, known: number): void {
  if ((flags & ~known) !== 0) throw ERR.EINVAL;
}

/** EINVAL: not a position in a file. */
export function checkOffset(off: number): void {
  if (!Number.isSafeInteger(off) || off < 0 || off > OFF_MAX) throw ERR.EINVAL;
}
