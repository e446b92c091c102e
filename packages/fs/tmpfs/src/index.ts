/**
 * tmpfs: the memory file system.
 *
 * Mount it with `sys.mount('tmpfs', dir, 0, { size, nodes, mode, uid, gid })`; see TmpfsArgs.
 */
import { type Component, component } from '@anykernel/lib-component';
import { type Vfsops, rumpvfs } from '@anykernel/rumpvfs';
import { tmpfsVfsops } from './vfsops.js';
import { opsOf } from './vnops.js';

export { rootTmpfs } from './root.js';
export type { TmpfsArgs } from './vfsops.js';

/** The memory file system. */
export const tmpfs: Component<Vfsops, readonly [typeof rumpvfs]> = /* @__PURE__ */ component({
  name: 'tmpfs',
  class: 'vfs',
  requires: [rumpvfs],
  attach(k): Vfsops {
    const ops = tmpfsVfsops(opsOf);
    k.use(rumpvfs).vfsAttach(ops, tmpfs);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
