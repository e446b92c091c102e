/**
 * tmpfs: the memory file system.
 *
 * Mount it with `sys.mount('tmpfs', dir, 0, { size, nodes, mode, uid, gid })`; see TmpfsArgs.
 */
import { type Component, component } from '@anykernel/lib-component';
import { _PC_LINK_MAX, _PC_MIN_HOLE_SIZE } from '@anykernel/lib-sys';
import { PAGE_SIZE } from '@anykernel/rumpkern';
import { type Vfsops, type Vnode, fifofs, genfs, genfsPathconf, rumpvfs, specfs } from '@anykernel/rumpvfs';
import { setattrWithFlags } from './flags.js';
import { handles } from './handles.js';
import { mountsWith } from './limits.js';
import { fallocate, fdiscard } from './ranges.js';
import { LINKS_MAX, type OpsOf } from './tmount.js';
import { tmpfsVfsops } from './vfsops.js';
import { opsWith } from './vnops.js';
import { xattrs } from './xattr.js';

export { rootTmpfs } from './root.js';
export type { TmpfsArgs } from './limits.js';

function pathconf(vp: Vnode, name: number): number {
  if (name === _PC_LINK_MAX) return LINKS_MAX;
  if (name === _PC_MIN_HOLE_SIZE) return PAGE_SIZE;
  return genfsPathconf(vp, name);
}

function wholeOps(): OpsOf {
  return opsWith(genfs, { all: { ...xattrs, pathconf, setattr: setattrWithFlags }, regular: { fallocate, fdiscard }, device: specfs, fifo: fifofs });
}

const opsOf = /* @__PURE__ */ wholeOps();

/** The memory file system. */
export const tmpfs: Component<Vfsops, readonly [typeof rumpvfs]> = /* @__PURE__ */ component({
  name: 'tmpfs',
  class: 'vfs',
  requires: [rumpvfs],
  attach(k): Vfsops {
    const ops = { ...tmpfsVfsops, ...mountsWith(opsOf), ...handles };
    k.use(rumpvfs).vfsAttach(ops, tmpfs);
    return ops;
  },
  detach(k, ops): void {
    k.use(rumpvfs).vfsDetach(ops);
  },
});
