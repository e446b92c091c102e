/**
 * ffs: the fast file system, UFS1 and UFS2.
 *
 * Mount it with `sys.mount('ffs', dir, flags, { fspec: '/dev/...' })`.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';
import { type Vfsops, rumpvfs } from '@anykernel/rumpvfs';
import { ufs, ufsOpsOf } from '@anykernel/ufs';
import { wapbl } from '@anykernel/wapbl';
import { ffsVfsops } from './vfsops.js';
import { deleteextattr, getextattr, listextattr, setextattr } from './xattr.js';

export type { FfsArgs } from './vfsops.js';
export { hasFfs, looksLikeFfs } from './findsuper.js';
export { type FsckOptions, type FsckReport, type ImageIo, type Problem, fsck } from './fsck/index.js';
export * from './newfs.js';

/** The fast file system. */
export const ffs: Component<Vfsops, readonly [typeof rumpkern, typeof rumpvfs, typeof ufs, typeof wapbl]> = component({
  name: 'ffs',
  class: 'vfs',
  requires: [rumpkern, rumpvfs, ufs, wapbl],
  attach(k): Vfsops {
    const ops = ffsVfsops(ufsOpsOf('ffs', { deleteextattr, getextattr, listextattr, setextattr }));
    k.use(rumpvfs).vfsAttach(ops, ffs);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
