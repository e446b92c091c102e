/**
 * msdosfs: FAT12, FAT16 and FAT32 with long names.
 *
 * Mount it with `sys.mount('msdosfs', dir, flags, { fspec: '/dev/...' })`.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';
import { type Vfsops, rumpvfs } from '@anykernel/rumpvfs';
import { msdosVfsops } from './vfsops.js';

export type { MsdosfsArgs } from './vfsops.js';
export * from './newfs.js';
export { type FsckImage, type FsckReport, fsck, hasFat } from './fsck.js';
export { type FatBits, looksLikeBoot as looksLikeFat } from './ondisk.js';

/** FAT. */
export const msdosfs: Component<Vfsops, readonly [typeof rumpkern, typeof rumpvfs]> = component({
  name: 'msdosfs',
  class: 'vfs',
  requires: [rumpkern, rumpvfs],
  attach(k): Vfsops {
    const ops = msdosVfsops();
    k.use(rumpvfs).vfsAttach(ops, msdosfs);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
