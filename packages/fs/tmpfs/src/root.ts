/** The component `roottmpfs`: a memory file system as the root of a kernel that has no other, and a bundle with nothing else in it. */
import { type Component, component } from '@anykernel/lib-component';
import { type Vfsops, bareVfs, genfsBare, startVfs } from '@anykernel/rumpvfs';
import { tmpfsVfsops } from './vfsops.js';
import { opsWith } from './vnops.js';

const opsOf = /* @__PURE__ */ opsWith(genfsBare, {});

/** Without extended attributes, file handles and fallocate; devices and fifos can be made, and not opened. */
export const rootTmpfs: Component<Vfsops, readonly [typeof bareVfs]> = /* @__PURE__ */ component({
  name: 'roottmpfs',
  class: 'vfs',
  requires: [bareVfs],
  attach(k): Vfsops {
    const ops = tmpfsVfsops(opsOf);
    startVfs(k.use(bareVfs), ops);
    return ops;
  },
});
