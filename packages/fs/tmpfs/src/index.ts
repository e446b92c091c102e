/**
 * tmpfs: the memory file system.
 *
 * Mount it with `sys.mount('tmpfs', dir, 0, { size, nodes, mode, uid, gid })`; see TmpfsArgs.
 */
import { type Component, component } from '@anykernel/lib-component';
import { type Vfsops, fifofs, rumpvfs, specfs } from '@anykernel/rumpvfs';
import { handles } from './handles.js';
import { fallocate, fdiscard } from './ranges.js';
import { tmpfsVfsops } from './vfsops.js';
import { opsWith } from './vnops.js';
import { xattrs } from './xattr.js';

export { rootTmpfs } from './root.js';
export type { TmpfsArgs } from './vfsops.js';

const opsOf = /* @__PURE__ */ opsWith({ all: xattrs, regular: { fallocate, fdiscard }, device: specfs, fifo: fifofs });

/** The memory file system. */
export const tmpfs: Component<Vfsops, readonly [typeof rumpvfs]> = /* @__PURE__ */ component({
  name: 'tmpfs',
  class: 'vfs',
  requires: [rumpvfs],
  attach(k): Vfsops {
    const ops = tmpfsVfsops(opsOf, handles);
    k.use(rumpvfs).vfsAttach(ops, tmpfs);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
