/**
 * The component `barevfs`: the faction for one file system, which is its root (startVfs) and keeps its vnodes as long as its files live. There is no mounting in it, no devices and
 * fifos, no advisory locks, no file handles, no sysctl values, no ranges of files (fallocate), no extended attributes, no tracing, and one form of each call on names.
 * A bundle is smaller by these.
 */
import { type Component, component } from '@anykernel/lib-component';
import { ERR, bareVfsCalls } from '@anykernel/lib-sys';
import { type Kernel, rumpkern } from '@anykernel/rumpkern';
import { bareCalls } from './calls/bare.js';
import { BareVfs } from './barevfs.js';
import { Cwdi } from './cwdi.js';
import type { RootVfsops } from './mount.js';
import { mountRoot } from './mounted.js';
import type { Vfs } from './vfs.js';

export const bareVfs: Component<Vfs, readonly [typeof rumpkern]> = /* @__PURE__ */ component({
  name: 'barevfs',
  class: 'faction',
  requires: [rumpkern],
  provides: ['vfs'],
  attach(kernel) {
    const k = kernel.use(rumpkern);
    k.syscalls.establish(bareVfsCalls, bareCalls);
    // All that a bare kernel runs makes do with this much of it.
    return new BareVfs(k) as Vfs;
  },
  detach(kernel) {
    endVfs(kernel.use(rumpkern));
  },
});

/** The root of `vfs` is a file system of type `ops`, and the processes are in it. */
export function startVfs(vfs: Vfs, ops: RootVfsops): void {
  const { k } = vfs;
  const mp = mountRoot(vfs, ops, k.proc0.lwp);
  followProcesses(k, vfs);
  k.onHalt.push(() => ops.sync(mp, true));
}

/** EBUSY: the kernel runs. */
export function endVfs(k: Kernel): void {
  if (k.procs.find(1) !== undefined) throw ERR.EBUSY;
}

/** Every process has directories. */
function followProcesses(k: Kernel, vfs: Vfs): void {
  for (const p of k.procs) p.cwdi = new Cwdi(vfs, vfs.rootvp, undefined);
  k.procs.onFork.push((child, parent) => {
    child.cwdi = (parent.cwdi as Cwdi).copy();
  });
  k.procs.onExit.push((p) => (p.cwdi as Cwdi).release());
}
