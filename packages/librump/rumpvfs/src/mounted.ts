/** What is mounted: the root, how a mount begins, and its figures. mount(2) and unmount(2) are mounts.ts. */
import { MNT_LOCAL, MNT_ROOTFS, type Statvfs } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { cwdiOf } from './cwdi.js';
import type { Mount, RootVfsops, Vfsops } from './mount.js';
import type { Vfs } from './vfs.js';
import type { Vnode } from './vnode.js';

/** The root file system: the first one, on nothing. */
export function mountRoot(vfs: Vfs, ops: RootVfsops, l: Lwp): Mount {
  const mp = vfs.newMount(ops as Vfsops);
  mp.flags = MNT_LOCAL | MNT_ROOTFS;
  mp.onName = '/';
  mp.fromName = ops.name;
  ops.mount(mp, {}, l, false);
  beginMount(mp);
  vfs.rootvp = mp.rootvp as Vnode;
  return mp;
}

export function beginMount(mp: Mount): void {
  mp.rootvp ??= mp.ops.root(mp);
  mp.rootvp.isRoot = true;
  mp.rootvp.hold();
  mp.vfs.mounts.push(mp);
}

/** The figures of a file system, as a process with root directory of `l` sees them. */
export function statvfs(l: Lwp, mp: Mount, sb: Statvfs): Statvfs {
  mp.ops.statvfs(mp, sb);
  sb.flag = mp.flags >>> 0;
  sb.fsid = mp.fsid;
  sb.fstypename = mp.ops.name;
  sb.mntfromname = mp.fromName;
  sb.mntonname = mp.nameFor(cwdiOf(l).rdir);
  return sb;
}
