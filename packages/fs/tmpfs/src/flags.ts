/** chflags(2) on tmpfs: a bare kernel has no such call. */
import type { Cred } from '@anykernel/rumpkern';
import { VNOVAL, type Vattr, type Vnode, genfsCanChflags } from '@anykernel/rumpvfs';
import { setattr } from './attr.js';
import { nodeOf } from './of.js';

/** EPERM. */
export function setattrWithFlags(vp: Vnode, va: Vattr, cred: Cred): void {
  const node = nodeOf(vp);
  if (va.flags !== VNOVAL) genfsCanChflags(cred, node.uid, node.type, node.flags, va.flags);
  setattr(vp, va, cred);
}
