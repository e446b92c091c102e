/**
 * What every kernel with files has of the vfs faction: where its tree begins, what its calls use again and again, and what becomes of a vnode whose file is gone.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import { NOTE_REVOKE, Stat } from '@anykernel/lib-sys';
import type { Fileops, Kernel, Lwp } from '@anykernel/rumpkern';
import { BareMount } from './baremount.js';
import type { Locks } from './locks.js';
import type { Mount, Vfsops } from './mount.js';
import { NAMEI_FOLLOW, Nameidata, namei } from './namei.js';
import type { Vfs } from './vfs.js';
import { vnops } from './vnfile.js';
import { VBAD, Vattr, type Vnode } from './vnode.js';

export class BareVfs {
  readonly k: Kernel;
  /** Mounted file systems, in the order in which they were mounted: the root first. */
  readonly mounts: Mount[] = [];
  /** The root of the whole tree; set when the root file system is mounted. */
  rootvp!: Vnode;
  /** The results of namei() in calls that take one path, and the second path of those that take two. */
  readonly nd = new Nameidata();
  readonly nd2 = new Nameidata();
  /** For attributes that are looked at and forgotten. `accessStat` is genfs's. */
  readonly scratch = new Stat();
  readonly accessStat = new Stat();
  readonly va = new Vattr();
  /** The number of the newest mount. */
  lastFsid = 0;
  /** What open files do. */
  readonly fileops: Fileops = vnops;
  /** Advisory locks: not in a bare vfs. */
  locks: Locks | undefined = undefined;
  readonly #now: WallTime = { sec: 0, nsec: 0 };

  constructor(k: Kernel) {
    this.k = k;
  }

  newMount(ops: Vfsops): Mount {
    return new BareMount(this as BareVfs as Vfs, ops, ++this.lastFsid) as Mount;
  }

  /** The file of a vnode is gone, and the file system has let go of it. */
  bury(vp: Vnode): void {
    vp.ops.abandon(vp);
    vp.mp = undefined;
    vp.type = VBAD;
    vp.uobj = undefined;
    vp.data = undefined;
    vp.mountedHere = undefined;
    vp.isRoot = false;
    vp.knotes?.note(NOTE_REVOKE);
  }

  /** The vnode that `path` stands for; a symbolic link at its end is followed, or is itself what is wanted. */
  lookup(l: Lwp, path: string, follow = true): Vnode {
    return namei(l, this.nd, 'lookup', follow ? NAMEI_FOLLOW : 0, path).vp as Vnode;
  }

  /** The present time; the same object each time. */
  now(): Readonly<WallTime> {
    this.k.wall(this.#now);
    return this.#now;
  }
}
