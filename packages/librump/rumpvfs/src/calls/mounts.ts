/** Calls that mount and unmount, and the one that takes a device from those who have it open. */
import { ERR } from '@anykernel/lib-sys';
import { vfsOf } from '../cwdi.js';
import type { Mount } from '../mount.js';
import { mountsOf } from '../mounts.js';
import { openNodes } from '../specfs.js';
import { VBLK, VCHR } from '../vnode.js';
import { type VfsCalls, lookup } from './common.js';

export const mountCalls: Pick<VfsCalls, 'mount' | 'unmount' | 'revoke'> = {
  mount(l, type, path, flags, args) {
    mountsOf(vfsOf(l)).mount(l, type, path, flags, args);
  },
  unmount: (l, path, flags) => mountsOf(vfsOf(l)).unmount(l, path, flags),

  /** EINVAL: not a device. EPERM: neither the owner nor the superuser. */
  revoke(l, path) {
    const vfs = vfsOf(l);
    const vp = lookup(l, path);
    if (vp.type !== VCHR && vp.type !== VBLK) throw ERR.EINVAL;
    vp.ops.getattr(vp, vfs.scratch);
    if (l.proc.cred.euid !== 0 && l.proc.cred.euid !== vfs.scratch.uid) throw ERR.EPERM;
    for (const node of openNodes(vp)) (node.mp as Mount).forget(node);
  },
};
