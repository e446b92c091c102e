/**
 * ext2fs: the second extended file system.
 *
 * Mount it with `sys.mount('ext2fs', dir, flags, { fspec: '/dev/...' })`.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';
import { type Vfsops, rumpvfs } from '@anykernel/rumpvfs';
import { ext2Vfsops } from './vfsops.js';
import { opsOf } from './vnops.js';

export type { Ext2fsArgs } from './vfsops.js';
export * from './newfs.js';

/** The second extended file system. */
export const ext2fs: Component<Vfsops, readonly [typeof rumpkern, typeof rumpvfs]> = component({
  name: 'ext2fs',
  class: 'vfs',
  requires: [rumpkern, rumpvfs],
  attach(k): Vfsops {
    const ops = ext2Vfsops(opsOf);
    k.use(rumpvfs).vfsAttach(ops, ext2fs);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
