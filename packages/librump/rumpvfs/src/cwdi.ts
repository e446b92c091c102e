/** Where a process is: current directory, root directory, umask. Proc.cwdi holds one for every process of a kernel with files. */
import type { Lwp } from '@anykernel/rumpkern';
import type { Vfs } from './vfs.js';
import type { Vnode } from './vnode.js';

export class Cwdi {
  umask = 0o022;
  /** Has had a record lock: closing a file must look for more. */
  locked = false;

  constructor(
    readonly vfs: Vfs,
    /** Held. */
    public cdir: Vnode,
    /** The process's `/`, held; undefined: the kernel's. */
    public rdir: Vnode | undefined,
  ) {
    cdir.hold();
    rdir?.hold();
  }

  /** A child's. */
  copy(): Cwdi {
    const c = new Cwdi(this.vfs, this.cdir, this.rdir);
    c.umask = this.umask;
    return c;
  }

  /** Where absolute paths start. */
  get root(): Vnode {
    return this.rdir ?? this.vfs.rootvp;
  }

  chdir(vp: Vnode): void {
    vp.hold();
    this.cdir.rele();
    this.cdir = vp;
  }

  chroot(vp: Vnode): void {
    vp.hold();
    this.rdir?.rele();
    this.rdir = vp;
  }

  release(): void {
    this.cdir.rele();
    this.rdir?.rele();
    this.rdir = undefined;
  }
}

export function cwdiOf(l: Lwp): Cwdi {
  return l.proc.cwdi as Cwdi;
}

/** The vfs of the kernel that `l` is in. */
export function vfsOf(l: Lwp): Vfs {
  return (l.proc.cwdi as Cwdi).vfs;
}
