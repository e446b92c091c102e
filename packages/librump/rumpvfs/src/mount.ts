/**
 * Mounts and the operations of file system types.
 *
 * A Mount keeps the vnodes of its file system by number. vget() gives the one for a number and asks the file system to fill a new one in;
 * unused ones are reclaimed by age, between system calls.
 */
import type { Lwp } from '@anykernel/rumpkern';
import type { Statvfs } from '@anykernel/lib-sys';
import { BareMount } from './baremount.js';
import { pathOf } from './path.js';
import type { VnodeList } from './vcache.js';
import { type Vnode, VBAD } from './vnode.js';
import type { Vfs, VfsType } from './vfs.js';

/** Reads `len` bytes at `off` of an image; fewer at its end. */
export type Peek = (off: number, len: number) => Uint8Array;

/** How images are known. */
export interface Probe {
  /** Whether an image looks like this type, from its magic numbers. */
  looks(peek: Peek): boolean;
  /** The type, of all that are attached, of what is on a device: probe.ts. */
  typeOn(vfs: Vfs, l: Lwp, args: object, peeked: Map<number, Uint8Array>): VfsType;
}

/** What a file system type does. `args` is the type's own structure, from mount(2). */
export interface Vfsops {
  /** The type's name: ext2fs. */
  readonly name: string;
  /** Names that differ by case only may be one: a rename from one to the other writes the name anew (rename() without a target). */
  readonly foldsCase?: boolean;
  /** How images of this type are known, for mounts of type `auto`: probeBy(). */
  readonly probe?: Probe;
  /**
   * Makes ready: checks arguments, opens the device, reads the superblock; sets mp.data. With MNT_UPDATE in mp.flags' place, changes a
   * mount (read-only to read-write and back). After a sleep it is called again with the same `mp`, and goes on with what it has put into
   * mp.data; if the call does not wait, or fails with mp.data set, unmount() follows, forced. ENOTBLK, EINVAL (not such a file system: a message says what is wrong), EROFS, EBUSY.
   */
  mount(mp: Mount, args: object, l: Lwp, update: boolean): void;
  /** Writes all, closes the device. The layer has flushed or forgotten the vnodes. `force`: errors do not stop it. */
  unmount(mp: Mount, force: boolean): void;
  root(mp: Mount): Vnode;
  statvfs(mp: Mount, sb: Statvfs): void;
  /** Everything that is dirty goes to the device; with `wait` it is there on return (sleeps on an asynchronous device). */
  sync(mp: Mount, wait: boolean): void;
  /** Makes the vnode for `key` (an inode number). ENOENT: there is none; ESTALE; EIO: it makes no sense. */
  loadvnode?(mp: Mount, key: number): Vnode;
  /**
   * Vnodes in memory, where the file system keeps them itself because they live as long as its files do: they are not given to insert(), do
   * not count against the limit on vnodes, and none is taken back for it.
   */
  vnodes?(mp: Mount): Iterable<Vnode>;
  /** File handles: bytes that name a file for ever, and back. ESTALE, EINVAL. */
  vptofh?(vp: Vnode): Uint8Array;
  fhtovp?(mp: Mount, fh: Uint8Array): Vnode;
}

/** What the root of a bare vfs is asked for. */
export type RootVfsops = Pick<Vfsops, 'name' | 'mount' | 'root' | 'statvfs' | 'sync'>;

/** One mounted file system. */
export class Mount extends BareMount {
  #vnodes: VnodeList | undefined;

  /** The vnode with number `key`, made by the file system if it is not there. */
  vget(key: number): Vnode {
    const vp = this.vfs.vcache.find(this, key);
    if (vp !== undefined) {
      vp.recent = true;
      return vp;
    }
    if (this.ops.loadvnode === undefined) this.vfs.k.panic(`${this.ops.name} has no loadvnode`);
    const fresh = this.ops.loadvnode(this, key);
    this.insert(fresh);
    return fresh;
  }

  /** The vnode with number `key` if it is in memory. */
  peekVnode(key: number): Vnode | undefined {
    return this.vfs.vcache.find(this, key);
  }

  /** Keeps a vnode that the file system made itself (a new file's). */
  insert(vp: Vnode): void {
    const { vcache } = this.vfs;
    vcache.add(vp);
    this.#vnodes ??= vcache.newList();
    this.#vnodes.add(vp);
    this.vfs.vnodeMade();
  }

  /** All vnodes in memory, the oldest first. */
  vnodes(): Iterable<Vnode> {
    return this.ops.vnodes?.(this) ?? this.#vnodes ?? [];
  }

  /** Moves a vnode to the young end. */
  renew(vp: Vnode): void {
    this.#vnodes?.remove(vp);
    this.#vnodes?.add(vp);
  }

  override nameFor(rdir: Vnode | undefined): string {
    const { vfs, onName } = this;
    if (rdir === undefined || rdir === vfs.rootvp) return onName;
    const root = pathOf(vfs, rdir, vfs.rootvp);
    return onName.startsWith(`${root}/`) ? onName.slice(root.length) : '/';
  }

  /** Cached names go, too. */
  override forget(vp: Vnode): void {
    if (vp.type === VBAD) return;
    if (vp.key !== -1 && this.vfs.vcache.remove(vp)) {
      this.#vnodes?.remove(vp);
      this.vfs.vnodeGone();
    }
    if (vp.names >= 0) this.vfs.namecache.purge(vp);
    super.forget(vp);
  }
}
