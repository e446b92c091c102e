/** The component `rumpvfs`: its state is the kernel's Vfs. */
import { type Component, component } from '@anykernel/lib-component';
import { rumpvfsCalls } from '@anykernel/lib-sys';
import { rumpkern } from '@anykernel/rumpkern';
import { endVfs, startVfs } from './bare.js';
import { attachCaches } from './caches.js';
import { attachCdevs } from './cdevs.js';
import { vfsCalls } from './calls/index.js';
import { listenForDevices, makeDir } from './devnodes.js';
import { mountsOf } from './mounts.js';
import { attachLocks } from './reclock.js';
import { rumpfsOps } from './rumpfs.js';
import { attachVfsSysctl } from './vfssysctl.js';
import { Vfs } from './vfs.js';

/** Files: the root file system is mounted, with /dev and /tmp. */
export const rumpvfs: Component<Vfs, readonly [typeof rumpkern]> = /* @__PURE__ */ component({
  name: 'rumpvfs',
  class: 'faction',
  requires: [rumpkern],
  provides: ['vfs'],
  attach(kernel) {
    const k = kernel.use(rumpkern);
    const vfs = new Vfs(k);
    vfs.vfsAttach(rumpfsOps);
    attachCaches(vfs);
    startVfs(vfs, rumpfsOps);
    attachLocks(vfs);
    unmountAtHalt(vfs);
    k.syscalls.establish(rumpvfsCalls, vfsCalls);
    makeDir(vfs, vfs.nd, '/tmp', 0o1777);
    makeDir(vfs, vfs.nd, '/dev');
    attachCdevs(k);
    listenForDevices(vfs);
    attachVfsSysctl(vfs);
    return vfs;
  },
  detach(kernel, vfs) {
    endVfs(kernel.use(rumpkern));
    vfs.release();
  },
});

/** The last one registered runs first. */
function unmountAtHalt(vfs: Vfs): void {
  vfs.k.onHalt.push(() => mountsOf(vfs).forceAll());
  vfs.k.onHalt.push(() => mountsOf(vfs).unmountAll());
}
