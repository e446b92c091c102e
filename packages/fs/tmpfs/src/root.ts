/** The component `roottmpfs`: a memory file system as the root of a kernel that has no other, and a bundle with nothing else in it. */
import { type Component, component } from '@anykernel/lib-component';
import { type Mount, bareVfs, genfsBare, startVfs } from '@anykernel/rumpvfs';
import { Tmount } from './tmount.js';
import { tmpfsVfsops } from './vfsops.js';
import { opsWith } from './vnops.js';

const opsOf = /* @__PURE__ */ opsWith(genfsBare, {});

/** The superuser's, for everybody; without limits. */
function mount(mp: Mount): void {
  mp.data = new Tmount(mp, opsOf, { mode: 0o777, uid: 0, gid: 0 });
}

/** Without extended attributes, file handles and fallocate; devices and fifos can be made, and not opened. */
export const rootTmpfs: Component<void, readonly [typeof bareVfs]> = /* @__PURE__ */ component({
  name: 'roottmpfs',
  class: 'vfs',
  requires: [bareVfs],
  attach(k): void {
    startVfs(k.use(bareVfs), { ...tmpfsVfsops, mount });
  },
});
