/**
 * The state of the vfs faction in one kernel: the mounts, the file system types, the caches, and what makes and takes vnodes.
 */
import type { WallTime } from '@anykernel/host-rumpuser';
import type { AnyComponent } from '@anykernel/lib-component';
import { ERR, Errno, MNT_RDONLY, Stat } from '@anykernel/lib-sys';
import type { Kernel, Lwp } from '@anykernel/rumpkern';
import { deadfs } from './deadfs.js';
import type { Disk } from './disk.js';
import type { Etfs } from './etfs.js';
import { noteRevoke } from './knotes.js';
import type { Locks } from './locks.js';
import type { Mount, Vfsops } from './mount.js';
import { NAMEI_FOLLOW, Nameidata, namei } from './namei.js';
import type { Namecache } from './namecache.js';
import type { Reclaimer } from './reclaim.js';
import type { Vcache } from './vcache.js';
import { VBAD, Vattr, type Vnode } from './vnode.js';

/** A file system type, and what it belongs to. */
export interface VfsType {
  readonly ops: Vfsops;
  readonly component: AnyComponent | undefined;
}

/** Vnodes kept in memory, unless RUMP_NVNODES says another number. */
export const NVNODES_DEFAULT = 16384;

export class Vfs {
  readonly k: Kernel;
  /** Names, and vnodes by number, of file systems that make vnodes when they are asked for. Not in a bare vfs (caches.ts). */
  namecache!: Namecache;
  vcache!: Vcache;
  /** Mounted file systems, in the order in which they were mounted: the root first. */
  readonly mounts: Mount[] = [];
  readonly types = new Map<string, VfsType>();
  /** The root of the whole tree; set when the root file system is mounted. */
  rootvp!: Vnode;
  /** Vnodes in memory, and how many there may be before unused ones are taken back. */
  nvnodes = 0;
  maxvnodes: number;
  /** The results of namei() in calls that take one path, and the second path of those that take two. */
  readonly nd = new Nameidata();
  readonly nd2 = new Nameidata();
  /** For attributes that are looked at and forgotten. `accessStat` is genfs's. */
  readonly scratch = new Stat();
  readonly accessStat = new Stat();
  readonly va = new Vattr();
  /** The number of the newest mount. */
  lastFsid = 0;
  /** Advisory locks, and what takes back vnodes: not in a bare vfs. */
  locks: Locks | undefined = undefined;
  reclaimer: Reclaimer | undefined = undefined;
  /** Called when the kernel has ended. */
  readonly onRelease: (() => void)[] = [];
  /** Files of the host that have names in the root, if there are any: etfs.ts. */
  etfs: Etfs | undefined = undefined;
  /** Block devices that file systems have open, and the whole disks of these: opendisk.ts. */
  readonly disks = new Map<number, Disk>();
  readonly wholeDisks = new Set<number>();
  readonly #now: WallTime = { sec: 0, nsec: 0 };

  constructor(k: Kernel) {
    this.k = k;
    const n = Number(k.host.getparam('RUMP_NVNODES') ?? NVNODES_DEFAULT);
    this.maxvnodes = Number.isInteger(n) && n > 0 ? n : NVNODES_DEFAULT;
  }

  // -- file system types

  /** Makes a file system type known. A mount of it holds a reference on `c`, the component it belongs to. EEXIST. */
  vfsAttach(ops: Vfsops, c?: AnyComponent): void {
    if (this.types.has(ops.name)) throw ERR.EEXIST;
    this.types.set(ops.name, { ops, component: c });
  }

  /** EBUSY: mounted. */
  vfsDetach(ops: Vfsops): void {
    if (this.types.get(ops.name)?.ops !== ops) return;
    if (this.mounts.some((mp) => mp.ops === ops)) throw ERR.EBUSY;
    this.types.delete(ops.name);
  }

  // -- vnodes

  vnodeMade(): void {
    this.nvnodes++;
    this.reclaimer?.made();
  }

  vnodeGone(): void {
    this.nvnodes--;
  }

  /** Makes a vnode dead, for all who still hold it. The file system has let go of it. */
  bury(vp: Vnode): void {
    vp.ops.abandon(vp);
    vp.mp = undefined;
    vp.type = VBAD;
    vp.ops = deadfs;
    vp.uobj = undefined;
    vp.data = undefined;
    vp.mountedHere = undefined;
    vp.isRoot = false;
    if (vp.lockf !== undefined) this.locks?.abandon(vp, this.k);
    if (vp.knotes !== undefined) noteRevoke(vp);
  }

  // -- paths

  /** The vnode that `path` stands for; a symbolic link at its end is followed, or is itself what is wanted. */
  lookup(l: Lwp, path: string, follow = true): Vnode {
    return namei(l, this.nd, 'lookup', follow ? NAMEI_FOLLOW : 0, path).vp as Vnode;
  }

  // -- mounts

  /** Everything that is dirty goes to its device; with `wait` it is there on return. An error of one file system is kept in the message buffer. */
  sync(wait: boolean): void {
    for (const mp of this.mounts) {
      if ((mp.flags & MNT_RDONLY) !== 0) continue;
      try {
        mp.ops.sync(mp, wait);
      } catch (e) {
        if (!(e instanceof Errno)) throw e;
        this.k.printf(`sync of ${mp.onName}: ${e.code}`);
      }
    }
  }

  /** The kernel has ended: no timer, no file of the host is left. */
  release(): void {
    for (const fn of this.onRelease) fn();
  }

  // -- time

  /** The present time; the same object each time. */
  now(): Readonly<WallTime> {
    this.k.wall(this.#now);
    return this.#now;
  }
}
