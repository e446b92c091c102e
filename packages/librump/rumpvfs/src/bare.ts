/**
 * The component `barevfs`: the faction for one file system, which is its root (startVfs) and keeps its vnodes as long as its files live. There is no mounting in it, no devices and
 * fifos, no advisory locks, no file handles, no sysctl values, no ranges of files (fallocate), no extended attributes and no tracing. A bundle is smaller by these.
 */
import { type Component, component } from '@anykernel/lib-component';
import { ERR, bareVfsCalls } from '@anykernel/lib-sys';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { bareCalls } from './calls/bare.js';
import { Cwdi } from './cwdi.js';
import type { Vfsops } from './mount.js';
import { mountRoot } from './mounted.js';
import { Vfs } from './vfs.js';

export const bareVfs: Component<Vfs, readonly [typeof rumpkern]> = /* @__PURE__ */ component({
  name: 'barevfs',
  class: 'faction',
  requires: [rumpkern],
  provides: ['vfs'],
  attach(kernel) {
    const k = kernel.use(rumpkern);
    k.syscalls.establish(bareVfsCalls, bareCalls);
    return new Vfs(k);
  },
  detach(kernel, vfs) {
    endVfs(kernel.use(rumpkern), vfs);
  },
});

/** The root of `vfs` is a file system of type `ops`, and the processes are in it. */
export function startVfs(vfs: Vfs, ops: Vfsops): void {
  const { k } = vfs;
  mountRoot(vfs, ops, k.proc0.lwp);
  followProcesses(k, vfs);
  k.onHalt.push(() => vfs.sync(true));
}

/** EBUSY: the kernel runs. */
export function endVfs(k: Kernel, vfs: Vfs): void {
  if (k.procs.find(1) !== undefined) throw ERR.EBUSY;
  vfs.release();
}

/** Every process has directories. */
function followProcesses(k: Kernel, vfs: Vfs): void {
  for (const p of k.procs) p.cwdi = new Cwdi(vfs, vfs.rootvp, undefined);
  k.procs.onFork.push((child, parent) => {
    child.cwdi = (parent.cwdi as Cwdi).copy();
  });
  k.procs.onExit.push((p) => (p.cwdi as Cwdi).release());
}
