/** foofs as a file system type: mounting, and what statvfs says. */
import { ERR, MNT_LOCAL, NAME_MAX, type Statvfs } from '@anykernel/lib-sys';
import { type Mount, type Vfsops, Vnode } from '@anykernel/rumpvfs';
import { Volume } from './node.js';
import { vnops } from './vnops.js';

export const vfsops: Vfsops = {
  name: 'foofs',

  mount(mp: Mount, _args: object, _l: unknown, update: boolean): void {
    if (update) return;
    mp.data = new Volume(mp, vnops);
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
    sb.bsize = sb.frsize = sb.iosize = 4096;
    sb.files = (mp.data as Volume).nodes.size;
    sb.namemax = NAME_MAX;
  },

  /** Memory has nowhere to be written to. */
  sync(): void {},
};
