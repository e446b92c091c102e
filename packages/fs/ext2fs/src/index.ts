/**
 * ext2fs: the second extended file system, and those that grew out of it, ext3 and ext4.
 *
 * Mount it with `sys.mount('ext2fs', dir, flags, { fspec: '/dev/...' })`.
 */
import { type Component, component } from '@anykernel/lib-component';
import { jbd2 } from '@anykernel/jbd2';
import { rumpkern } from '@anykernel/rumpkern';
import { type Vfsops, rumpvfs } from '@anykernel/rumpvfs';
import { ufs } from '@anykernel/ufs';
import { ext2Vfsops } from './vfsops.js';

export type { Ext2fsArgs } from './vfsops.js';
export { type FsckImage, type FsckOptions, type FsckResult, type Problem, fsck, looksLikeExt2 } from './fsck/index.js';
export * from './newfs.js';

/** The second extended file system, ext3 and ext4. */
export const ext2fs: Component<Vfsops, readonly [typeof rumpkern, typeof rumpvfs, typeof ufs, typeof jbd2]> = component({
  name: 'ext2fs',
  class: 'vfs',
  requires: [rumpkern, rumpvfs, ufs, jbd2],
  attach(k): Vfsops {
    const ops = ext2Vfsops();
    k.use(rumpvfs).vfsAttach(ops, ext2fs);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
