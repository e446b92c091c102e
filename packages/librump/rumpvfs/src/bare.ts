/**
 * The component `barevfs`: the faction without a file system of its own. The first file system that asks for it is its root (startVfs), and there are no
 * device nodes in it, no sysctl values, and no system calls for extended attributes and tracing. A bundle is smaller by these.
 */
import { type Component, component } from '@anykernel/lib-component';
import { ERR, rumpvfsCalls } from '@anykernel/lib-sys';
import { type File, type Kernel, type Lwp, type Proc, rumpkern } from '@anykernel/rumpkern';
import { bareCalls } from './calls/bare.js';
import { Cwdi } from './cwdi.js';
import { releaseLocks } from './lockf.js';
import type { Vfsops } from './mount.js';
import { Vfs } from './vfs.js';
import type { Vnode } from './vnode.js';

export const bareVfs: Component<Vfs, readonly [typeof rumpkern]> = /* @__PURE__ */ component({
  name: 'barevfs',
  class: 'faction',
  requires: [rumpkern],
  provides: ['vfs'],
  attach(kernel) {
    const k = kernel.use(rumpkern);
    k.syscalls.establish(rumpvfsCalls, bareCalls);
    return new Vfs(k);
  },
  detach(kernel, vfs) {
    endVfs(kernel.use(rumpkern), vfs);
  },
});

/** The root of `vfs` is a file system of type `ops`, and the processes are in it. */
export function startVfs(vfs: Vfs, ops: Vfsops): void {
  const { k } = vfs;
  vfs.mountTable.mountRoot(ops, k.proc0.lwp);
  followProcesses(k, vfs);
  // The last one registered runs first.
  k.onHalt.push(() => vfs.forceAll());
  k.onHalt.push(() => vfs.unmountAll());
}

/** EBUSY: the kernel runs. */
export function endVfs(k: Kernel, vfs: Vfs): void {
  if (k.procs.find(1) !== undefined) throw ERR.EBUSY;
  vfs.release();
}

/** Every process has directories; closing a file ends the record locks that its process has on it. */
function followProcesses(k: Kernel, vfs: Vfs): void {
  for (const p of k.procs) p.cwdi = new Cwdi(vfs, vfs.rootvp, undefined);
  k.procs.onFork.push((child, parent) => {
    child.cwdi = (parent.cwdi as Cwdi).copy();
  });
  k.procs.onExit.push((p) => {
    if ((p.cwdi as Cwdi).locked) releaseAll(p);
    (p.cwdi as Cwdi).release();
  });
  k.onFdClose.push((_fd: number, f: File, l: Lwp) => {
    if (f.type !== 'vnode' || (f.data as Vnode).lockf === undefined) return;
    releaseLocks(f.data as Vnode, l.proc, k);
  });
}

/** The locks of a process whose descriptor table lives on with others. */
function releaseAll(p: Proc): void {
  for (let fd = p.fd.base; fd < p.fd.end; fd++) {
    const f = p.fd.peek(fd);
    if (f?.type === 'vnode') releaseLocks(f.data as Vnode, p, p.k);
  }
}
