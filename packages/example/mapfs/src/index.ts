/**
 * mapfs: a file system in a hundred lines. A directory is a Map from names to files; a file's bytes are in the kernel's own memory object.
 *
 * It is what somebody else's driver looks like: a component that requires `rumpvfs`, a file system type, a table of vnode operations in which
 * genfs answers for what is not there. Mount it with `sys.mount('mapfs', dir, 0, {})`.
 */
import { type Component, component } from '@anykernel/lib-component';
import type { Statvfs } from '@anykernel/lib-sys';
import { type Mount, type Vfsops, type Vnode, rumpvfs } from '@anykernel/rumpvfs';
import { Volume } from './vnops.js';

const vfsops: Vfsops = {
  name: 'mapfs',
  mount(mp: Mount, _args: object, _l: unknown, update: boolean): void {
    if (!update) mp.data = new Volume(mp);
  },
  unmount(): void {},
  root: (mp: Mount): Vnode => (mp.data as Volume).root,
  vnodes: (mp: Mount): Iterable<Vnode> => (mp.data as Volume).vnodes,
  statvfs(_mp: Mount, sb: Statvfs): void {
    sb.bsize = sb.frsize = sb.iosize = 4096;
    sb.namemax = 255;
  },
  sync(): void {},
};

export const mapfs: Component<void, readonly [typeof rumpvfs]> = component({
  name: 'mapfs',
  class: 'vfs',
  requires: [rumpvfs],
  attach(k): void {
    k.use(rumpvfs).vfsAttach(vfsops, mapfs);
  },
  detach(k): void {
    k.use(rumpvfs).vfsDetach(vfsops);
  },
});
