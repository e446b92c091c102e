/** The figures of mounted file systems. */
import { ERR, MNT_LAZY, MNT_NOWAIT, MNT_WAIT, Statvfs } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import { statvfs } from '../mounted.js';
import type { Vnode } from '../vnode.js';
import { type VfsCalls, fdVnode, lookupAt } from './common.js';

export function figures(l: Lwp, vp: Vnode, flags: number): Statvfs {
  checkWait(flags);
  if (vp.mp === undefined) throw ERR.EBADF;
  return statvfs(l, vp.mp, new Statvfs());
}

function checkWait(flags: number): void {
  if (flags !== MNT_WAIT && flags !== MNT_NOWAIT && flags !== MNT_LAZY && flags !== 0) throw ERR.EINVAL;
}

export const statvfsCalls: Pick<VfsCalls, 'getvfsstat' | 'statvfs1' | 'fstatvfs1'> = {
  getvfsstat(l, flags) {
    checkWait(flags);
    return vfsOf(l).mounts.map((mp) => statvfs(l, mp, new Statvfs()));
  },
  statvfs1: (l, path, flags) => figures(l, lookupAt(l, undefined, path, true), flags),
  fstatvfs1: (l, fd, flags) => figures(l, fdVnode(l, fd), flags),
};
