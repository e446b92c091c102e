/** foofs as a file system type: mounting, and what statvfs says. */
import { ERR, MNT_LOCAL, NAME_MAX, type Statvfs } from '@anykernel/lib-sys';
import { type Mount, type Vfsops, Vnode } from '@anykernel/rumpvfs';
import { PAGE, Volume } from './node.js';
import { vnops } from './vnops.js';

/** What mount(2) takes. */
export interface MountOptions {
  /** Bytes that the files may have together. */
  readonly size?: number;
}

const UNLIMITED = 2 ** 40;

export const vfsops: Vfsops = {
  name: 'foofs',

  /** EINVAL: a size that is none. */
  mount(mp: Mount, args: object, _l: unknown, update: boolean): void {
    if (update) return;
    const { size = UNLIMITED } = args as MountOptions;
    if (!Number.isSafeInteger(size) || size < PAGE) throw ERR.EINVAL;
    mp.data = new Volume(mp, vnops, Math.floor(size / PAGE));
    mp.flags |= MNT_LOCAL;
    mp.fromName = 'foofs';
  },

  unmount(mp: Mount): void {
    mp.data = undefined;
  },

  root(mp: Mount): Vnode {
    const volume = mp.data as Volume;
    const vp = volume.vnode(volume.root);
    vp.isRoot = true;
    return vp;
  },

  /** ENOENT: no file has this number. */
  loadvnode(mp: Mount, key: number): Vnode {
    const volume = mp.data as Volume;
    const node = volume.nodes.get(key);
    if (node === undefined) throw ERR.ENOENT;
    return new Vnode(node.type, volume.ops, mp, node, key);
  },

  statvfs(mp: Mount, sb: Statvfs): void {
    const { maxPages, usedPages } = mp.data as Volume;
    sb.bsize = sb.frsize = sb.iosize = PAGE;
    sb.blocks = maxPages;
    sb.bfree = sb.bavail = maxPages - usedPages;
    sb.namemax = NAME_MAX;
  },

  /** Memory has nowhere to be written to. */
  sync(): void {},
};
