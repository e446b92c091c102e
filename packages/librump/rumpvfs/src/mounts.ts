/**
 * mount(2) and unmount(2): what is mounted where, and that nothing is taken away under somebody's feet.
 *
 * A mount holds its root, the directory that it covers, and the component of its type. An unmount that fails, or sleeps, leaves the
 * file system mounted and whole.
 */
import {
  ERR, Errno, MNT_ASYNC, MNT_DISCARD, MNT_EXTATTR, MNT_FORCE, MNT_GETARGS, MNT_IGNORE, MNT_LOCAL, MNT_LOG, MNT_NOATIME, MNT_NOCOREDUMP, MNT_NODEV,
  MNT_NODEVMTIME, MNT_NOEXEC, MNT_NOSUID, MNT_RDONLY, MNT_RELATIME, MNT_RELOAD, MNT_ROOTFS, MNT_SYMPERM, MNT_SYNCHRONOUS, MNT_UNION, MNT_UPDATE, strerror,
} from '@anykernel/lib-sys';
import { type Lwp, SLEEP } from '@anykernel/rumpkern';
import type { Cwdi } from './cwdi.js';
import type { Mount } from './mount.js';
import { beginMount } from './mounted.js';
import { pathOf } from './path.js';
import type { Vfs, VfsType } from './vfs.js';
import { VBAD, VDIR, type Vnode } from './vnode.js';

/** Flags that mount(2) takes and a mount keeps. */
const KEPT =
  MNT_RDONLY | MNT_SYNCHRONOUS | MNT_NOEXEC | MNT_NOSUID | MNT_NODEV | MNT_UNION | MNT_ASYNC | MNT_NOCOREDUMP | MNT_RELATIME | MNT_IGNORE |
  MNT_DISCARD | MNT_EXTATTR | MNT_LOG | MNT_NOATIME | MNT_SYMPERM | MNT_NODEVMTIME;
/** Flags that an update does not take away. */
const LASTING = MNT_ROOTFS | MNT_LOCAL;

/** A mount(2) that sleeps: what it goes on with. */
interface Starting {
  mp: Mount | undefined;
  /** What was read of the device to find its type, by position. */
  readonly peeked: Map<number, Uint8Array>;
}

/** The mounts of a kernel that can mount. */
export function mountsOf(vfs: Vfs): Mounts {
  return vfs.k.specific(Mounts, () => new Mounts(vfs));
}

export class Mounts {
  readonly #vfs: Vfs;
  readonly #starting = new Map<Lwp, Starting>();

  constructor(vfs: Vfs) {
    this.#vfs = vfs;
  }

  /**
   * EPERM: not the superuser. The errors of the path; ENOTDIR. ENODEV: there is no such file system type, here or at the host's (the call
   * sleeps while the host looks). What the type says: EINVAL, ENOTBLK, EBUSY, EROFS ...
   * With MNT_UPDATE: EINVAL, nothing is mounted there; EBUSY, files are open for writing in what is to become read-only.
   */
  mount(l: Lwp, type: string, path: string, flags: number, args: object): Mount {
    const vfs = this.#vfs;
    if (l.proc.cred.euid !== 0) throw ERR.EPERM;
    if ((flags & MNT_GETARGS) !== 0) throw ERR.EOPNOTSUPP;
    if (typeof args !== 'object' || args === null) throw ERR.EFAULT;
    const vp = vfs.lookup(l, path);
    if ((flags & (MNT_UPDATE | MNT_RELOAD)) !== 0) return this.#update(l, vp, flags, args);
    if (vp.type !== VDIR) throw ERR.ENOTDIR;
    const { t, mp } = this.#start(l, type, vp, flags, args);
    if (t.component !== undefined) vfs.k.modules.hold(t.component);
    vp.hold();
    vp.mountedHere = mp;
    beginMount(mp);
    this.#moveIn(vp, mp.rootvp as Vnode);
    return mp;
  }

  /** What may sleep. A parked call comes back to what it had begun; one that does not wait leaves nothing behind. */
  #start(l: Lwp, type: string, covered: Vnode, flags: number, args: object): { t: VfsType; mp: Mount } {
    const starting: Starting = this.#starting.get(l) ?? { mp: undefined, peeked: new Map() };
    this.#starting.set(l, starting);
    let sleeps = false;
    try {
      const t = this.#type(l, type, args, starting);
      return { t, mp: this.#ready(l, t, covered, flags, args, starting) };
    } catch (e) {
      sleeps = e === SLEEP && l !== l.proc.lwp;
      if (sleeps) l.abandon = () => this.#abandon(l, starting);
      else if (starting.mp?.data !== undefined) this.#giveUp(starting.mp);
      throw e;
    } finally {
      if (!sleeps) this.#starting.delete(l);
    }
  }

  /** The process has ended, and does not come back. */
  #abandon(l: Lwp, { mp }: Starting): void {
    this.#starting.delete(l);
    if (mp?.data !== undefined) this.#giveUp(mp);
  }

  /** A type by its name, or by looking at the device, which the file system itself has open once it has begun. */
  #type(l: Lwp, name: string, args: object, starting: Starting): VfsType {
    const vfs = this.#vfs;
    const known = vfs.types.get(starting.mp?.ops.name ?? name);
    if (known !== undefined) return known;
    if (name === 'auto') return this.#probed(l, args, starting);
    if (!vfs.k.modctl.demand(name)) throw ERR.ENODEV;
    const loaded = vfs.types.get(name);
    if (loaded === undefined) throw ERR.ENODEV;
    return loaded;
  }

  /** ENODEV: no type knows what is there, or none is on devices at all. */
  #probed(l: Lwp, args: object, starting: Starting): VfsType {
    for (const { ops } of this.#vfs.types.values()) if (ops.probe !== undefined) return ops.probe.typeOn(this.#vfs, l, args, starting.peeked);
    throw ERR.ENODEV;
  }

  /** The file system's own part. */
  #ready(l: Lwp, t: VfsType, covered: Vnode, flags: number, args: object, starting: Starting): Mount {
    const mp = (starting.mp ??= this.#vfs.newMount(t.ops));
    mp.flags = (flags & KEPT) | MNT_LOCAL;
    mp.covered = covered;
    mp.onName = pathOf(this.#vfs, covered, this.#vfs.rootvp);
    const { fspec } = args as { fspec?: unknown };
    mp.fromName = typeof fspec === 'string' ? fspec : t.ops.name;
    t.ops.mount(mp, args, l, false);
    mp.rootvp = t.ops.root(mp);
    return mp;
  }

  #giveUp(mp: Mount): void {
    for (const vp of [...mp.vnodes()]) mp.forget(vp);
    try {
      mp.ops.unmount(mp, true);
    } catch (e) {
      if (e !== SLEEP) this.#vfs.k.ignoreErrno(e);
    }
  }

  /** Whoever is in the directory that was covered is in the root of what covers it. */
  #moveIn(from: Vnode, to: Vnode): void {
    const vfs = this.#vfs;
    for (const p of vfs.k.procs) {
      const cwdi = p.cwdi as Cwdi;
      if (cwdi.cdir === from) cwdi.chdir(to);
      if (cwdi.rdir === from) cwdi.chroot(to);
    }
    if (vfs.rootvp === from) vfs.rootvp = to;
  }

  #update(l: Lwp, vp: Vnode, flags: number, args: object): Mount {
    const mp = vp.mp;
    if (mp === undefined || mp.rootvp !== vp) throw ERR.EINVAL;
    const old = mp.flags;
    if ((flags & MNT_RDONLY) !== 0 && (old & MNT_RDONLY) === 0) {
      if ((flags & MNT_FORCE) === 0) for (const v of mp.vnodes()) if (v.writecount > 0) throw ERR.EBUSY;
      mp.ops.sync(mp, true);
    }
    mp.flags = (flags & KEPT) | (old & LASTING);
    try {
      mp.ops.mount(mp, args, l, true);
    } catch (e) {
      mp.flags = old;
      throw e;
    }
    return mp;
  }

  /** EPERM; the errors of the path; EINVAL: nothing is mounted there. EBUSY: in use, and not forced. EIO: what is dirty cannot be written. */
  unmount(l: Lwp, path: string, flags: number): void {
    if (l.proc.cred.euid !== 0) throw ERR.EPERM;
    if ((flags & ~MNT_FORCE) !== 0) throw ERR.EINVAL;
    const vp = this.#vfs.lookup(l, path);
    const mp = vp.mp;
    if (mp === undefined || mp.rootvp !== vp) throw ERR.EINVAL;
    if (mp.covered === undefined) throw ERR.EBUSY;
    for (const v of mp.vnodes()) if (v.mountedHere !== undefined) throw ERR.EBUSY;
    if (vp.mountedHere !== undefined) throw ERR.EBUSY;
    if ((flags & MNT_FORCE) !== 0) this.forceOut(mp);
    else this.#takeOut(mp);
  }

  #takeOut(mp: Mount): void {
    const root = mp.rootvp as Vnode;
    if (root.usecount > 1) throw ERR.EBUSY;
    for (const vp of mp.vnodes()) if (vp !== root && vp.usecount > 0) throw ERR.EBUSY;
    if ((mp.flags & MNT_RDONLY) === 0) mp.ops.sync(mp, true);
    for (const vp of [...mp.vnodes()]) mp.forget(vp);
    if (root.type !== VBAD) mp.forget(root);
    try {
      mp.ops.unmount(mp, false);
    } catch (e) {
      mp.rootvp = mp.ops.root(mp).hold();
      mp.rootvp.isRoot = true;
      throw e;
    }
    this.#end(mp);
  }

  /** The kernel halts: file systems are synced and unmounted, the youngest mount first. Sleeps on an asynchronous device; what is done stays done. */
  unmountAll(): void {
    this.#vfs.sync(true);
    for (const mp of this.#onTop()) this.tryOut(mp);
  }

  /** What is still mounted then goes without ceremony, whatever holds it. */
  forceAll(): void {
    for (const mp of this.#onTop()) this.forceOut(mp);
  }

  /** All but the root, the youngest first. */
  #onTop(): Mount[] {
    return this.#vfs.mounts.filter((mp) => mp.covered !== undefined).reverse();
  }

  /** Unmounts what nobody uses; an error is kept in the message buffer, and the mount stays. Sleeps as unmount(2) does. */
  tryOut(mp: Mount): void {
    try {
      this.#takeOut(mp);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      this.#vfs.k.printf(`unmount of ${mp.onName}: ${strerror(e.code)}`);
    }
  }

  /** Away with it, whatever it is used for: open files become dead ones. */
  forceOut(mp: Mount): void {
    const vfs = this.#vfs;
    const root = mp.rootvp as Vnode;
    this.#quietly(() => mp.ops.sync(mp, true));
    for (const p of vfs.k.procs) {
      const cwdi = p.cwdi as Cwdi;
      if (cwdi.cdir === root) cwdi.chdir(mp.covered as Vnode);
    }
    for (const vp of [...mp.vnodes()]) mp.forget(vp);
    if (root.type !== VBAD) mp.forget(root);
    this.#quietly(() => mp.ops.unmount(mp, true));
    if (vfs.rootvp === root) vfs.rootvp = mp.covered as Vnode;
    this.#end(mp);
  }

  #quietly(fn: () => void): void {
    try {
      fn();
    } catch (e) {
      if (e !== SLEEP && !(e instanceof Errno)) throw e;
    }
  }

  #end(mp: Mount): void {
    const vfs = this.#vfs;
    const covered = mp.covered as Vnode;
    mp.dead = true;
    vfs.mounts.splice(vfs.mounts.indexOf(mp), 1);
    covered.mountedHere = undefined;
    covered.rele();
    const t = vfs.types.get(mp.ops.name);
    if (t?.component !== undefined) vfs.k.modules.release(t.component);
  }
}
