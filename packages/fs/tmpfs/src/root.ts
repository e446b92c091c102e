/** The component `roottmpfs`: a memory file system as the root of a kernel that has no other, and a bundle with nothing else in it. */
import { type Component, component } from '@anykernel/lib-component';
import { type Vfsops, bareVfs, startVfs } from '@anykernel/rumpvfs';
import { tmpfsVfsops } from './vfsops.js';
import { opsOf } from './vnops.js';

/** More of them may be mounted in it, by the type `tmpfs`. */
export const rootTmpfs: Component<Vfsops, readonly [typeof bareVfs]> = /* @__PURE__ */ component({
  name: 'roottmpfs',
  class: 'vfs',
  requires: [bareVfs],
  attach(k): Vfsops {
    const ops = tmpfsVfsops(opsOf);
    const vfs = k.use(bareVfs);
    vfs.vfsAttach(ops, rootTmpfs);
    startVfs(vfs, ops);
    return ops;
  },
});
