/**
 * The state of the vfs faction in one kernel: the mounts, the file system types, the caches, and what makes and takes vnodes.
 */
import type { AnyComponent } from '@anykernel/lib-component';
import { ERR, Errno, MNT_RDONLY } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import { BareVfs } from './barevfs.js';
import { deadfs } from './deadfs.js';
import type { Disk } from './disk.js';
import type { Etfs } from './etfs.js';
import { Mount, type Vfsops } from './mount.js';
import type { Namecache } from './namecache.js';
import type { Reclaimer } from './reclaim.js';
import type { Vcache } from './vcache.js';
import { fileops } from './fileops.js';
import type { Vnode } from './vnode.js';

/** A file system type, and what it belongs to. */
export interface VfsType {
  readonly ops: Vfsops;
  readonly component: AnyComponent | undefined;
}

/** Vnodes kept in memory, unless RUMP_NVNODES says another number. */
export const NVNODES_DEFAULT = 16384;

export class Vfs extends BareVfs {
  /** Names, and vnodes by number, of file systems that make vnodes when they are asked for (caches.ts). */
  namecache!: Namecache;
  vcache!: Vcache;
  readonly types = new Map<string, VfsType>();
  /** Vnodes in memory, and how many there may be before unused ones are taken back. */
  nvnodes = 0;
  maxvnodes: number;
  reclaimer: Reclaimer | undefined = undefined;
  /** Called when the kernel has ended. */
  readonly onRelease: (() => void)[] = [];
  /** Files of the host that have names in the root, if there are any: etfs.ts. */
  etfs: Etfs | undefined = undefined;
  /** Block devices that file systems have open, and the whole disks of these: opendisk.ts. */
  readonly disks = new Map<number, Disk>();
  readonly wholeDisks = new Set<number>();
  override readonly fileops = fileops;

  constructor(k: Kernel) {
    super(k);
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

  override newMount(ops: Vfsops): Mount {
    return new Mount(this, ops, ++this.lastFsid);
  }

  /** Makes a vnode dead, for all who still hold it. The file system has let go of it. */
  override bury(vp: Vnode): void {
    super.bury(vp);
    vp.ops = deadfs;
    if (vp.lockf !== undefined) this.locks?.abandon(vp, this.k);
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
}
