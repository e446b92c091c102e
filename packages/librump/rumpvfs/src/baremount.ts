/** What of a mount every kernel has. */
import type { Vfsops } from './mount.js';
import type { Vfs } from './vfs.js';
import { type Vnode, VBAD } from './vnode.js';

/** One mounted file system. */
export class BareMount {
  /** MNT_RDONLY, MNT_NOSUID ... */
  flags = 0;
  /** The file system's own. */
  data: unknown = undefined;
  /** Where it is mounted; undefined for the root. */
  covered: Vnode | undefined = undefined;
  /** The root of the file system, held; the layer's. */
  rootvp: Vnode | undefined = undefined;
  /** Path it was mounted on, as it was then (NetBSD, too, keeps it when a directory above gets another name); device it came from. */
  onName = '';
  fromName = '';
  /** Is being unmounted, or gone. */
  dead = false;

  constructor(
    readonly vfs: Vfs,
    readonly ops: Vfsops,
    /** That of stat's st_dev and of file handles. */
    readonly fsid: number,
  ) {}

  /** Where it is mounted, as a process sees it whose root directory is `rdir`. */
  nameFor(_rdir: Vnode | undefined): string {
    return this.onName;
  }

  /** Takes a vnode from the file system: cached data go, `reclaim` is called, what is left is dead. */
  forget(vp: Vnode): void {
    if (vp.type === VBAD) return;
    vp.ops.reclaim(vp);
    vp.uobj?.drop();
    this.vfs.bury(vp);
  }
}
