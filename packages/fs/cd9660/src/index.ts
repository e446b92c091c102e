/**
 * cd9660: ISO 9660, with Rock Ridge, Joliet and zisofs.
 *
 * Mount it with `sys.mount('cd9660', dir, MNT_RDONLY, { fspec: '/dev/...' })`.
 */
import { type Component, component } from '@anykernel/lib-component';
import { rumpkern } from '@anykernel/rumpkern';
import { type Vfsops, rumpvfs } from '@anykernel/rumpvfs';
import { cdVfsops } from './vfsops.js';

export type { Cd9660Args } from './vfsops.js';
export { type BootEntry, type BootMedia, bootEntries } from './eltorito.js';
export { type VolumeInfo, descriptorType, parseVolume } from './ondisk.js';

/** ISO 9660. */
export const cd9660: Component<Vfsops, readonly [typeof rumpkern, typeof rumpvfs]> = component({
  name: 'cd9660',
  class: 'vfs',
  requires: [rumpkern, rumpvfs],
  attach(k): Vfsops {
    const ops = cdVfsops();
    k.use(rumpvfs).vfsAttach(ops, cd9660);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
