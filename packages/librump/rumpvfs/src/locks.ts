/** Advisory locks as the rest of the layer sees them: lockf.ts and reclock.ts are in a kernel that has them. */
import { ERR, type Flock } from '@anykernel/lib-sys';
import type { File, Kernel, Lwp } from '@anykernel/rumpkern';
import type { Vfs } from './vfs.js';
import type { Vnode } from './vnode.js';

export interface Locks {
  /** See lockf.ts. */
  advlock(vp: Vnode, owner: object, op: number, fl: Flock, wait: boolean, l: Lwp): void;
  /** Locks a file as it is opened: O_SHLOCK, O_EXLOCK; without O_NONBLOCK it waits. */
  open(f: File, vp: Vnode, oflags: number, l: Lwp): void;
  /** All locks of `owner` go. */
  release(vp: Vnode, owner: object, k: Kernel): void;
  /** The file is gone: who waits looks again. */
  abandon(vp: Vnode, k: Kernel): void;
  /** fcntl(2)'s commands; see reclock.ts. */
  fcntl(f: File, vp: Vnode, cmd: number, fl: Flock, l: Lwp): void;
}

/** EOPNOTSUPP: a bare vfs has none. */
export function locksOf(vfs: Vfs): Locks {
  if (vfs.locks === undefined) throw ERR.EOPNOTSUPP;
  return vfs.locks;
}
