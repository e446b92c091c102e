/** The figures of a mounted file system. */
import { ERR, MNT_LAZY, Statvfs } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { statvfs } from '../mounted.js';
import type { Vnode } from '../vnode.js';
import { type VfsCalls, lookup } from './common.js';

export function figures(l: Lwp, vp: Vnode, flags: number): Statvfs {
  checkWait(flags);
  if (vp.mp === undefined) throw ERR.EBADF;
  return statvfs(l, vp.mp, new Statvfs());
}

/** EINVAL: none of 0, MNT_WAIT, MNT_NOWAIT, MNT_LAZY. */
export function checkWait(flags: number): void {
  if (flags < 0 || flags > MNT_LAZY) throw ERR.EINVAL;
}

export const statvfsCalls: Pick<VfsCalls, 'statvfs1'> = {
  statvfs1: (l, path, flags) => figures(l, lookup(l, path), flags),
};
