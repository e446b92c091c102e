/** The component `rumpvfs`: its state is the kernel's Vfs. */
import { type Component, component } from '@anykernel/lib-component';
import { ERR, rumpvfsCalls } from '@anykernel/lib-sys';
import { type File, type Kernel, type Lwp, type Proc, rumpkern } from '@anykernel/rumpkern';
import { attachCdevs } from './cdevs.js';
import { vfsCalls } from './calls/index.js';
import { Cwdi } from './cwdi.js';
import { listenForDevices, makeDir } from './devnodes.js';
import { releaseLocks } from './lockf.js';
import { rumpfsOps } from './rumpfs.js';
import { attachVfsSysctl } from './vfssysctl.js';
import { Vfs } from './vfs.js';
import type { Vnode } from './vnode.js';

/** Files: the root file system is mounted, with /dev and /tmp. */
export const rumpvfs: Component<Vfs, readonly [typeof rumpkern]> = component({
  name: 'rumpvfs',
  class: 'faction',
  requires: [rumpkern],
  attach(kernel) {
    const k = kernel.use(rumpkern);
    const vfs = new Vfs(k);
    vfs.vfsAttach(rumpfsOps);
    vfs.mountTable.mountRoot(rumpfsOps, k.proc0.lwp);
    followProcesses(k, vfs);
    k.syscalls.establish(rumpvfsCalls, vfsCalls);
    makeDir(vfs, vfs.nd, '/tmp', 0o1777);
    makeDir(vfs, vfs.nd, '/dev');
    attachCdevs(k);
    listenForDevices(vfs);
    attachVfsSysctl(vfs);
    // The last one registered runs first.
    k.onHalt.push(() => vfs.forceAll());
    k.onHalt.push(() => vfs.unmountAll());
    return vfs;
  },
  /** EBUSY: the kernel runs. */
  detach(kernel, vfs) {
    if (kernel.use(rumpkern).procs.find(1) !== undefined) throw ERR.EBUSY;
    vfs.release();
  },
});

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
