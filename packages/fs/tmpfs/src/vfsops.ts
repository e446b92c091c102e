/** tmpfs as a file system type: its root and its figures. What mount(2) is told is limits.ts. */
import { NAME_MAX, type Statvfs } from '@anykernel/lib-sys';
import { PAGE_SIZE } from '@anykernel/rumpkern';
import type { Mount, Vfsops, Vnode } from '@anykernel/rumpvfs';
import { IOSIZE } from './attr.js';
import { tmountOfMount } from './of.js';

/** Its operations but for how it is mounted and unmounted. */
export const tmpfsVfsops: Pick<Vfsops, 'name' | 'root' | 'statvfs' | 'sync'> = { name: 'tmpfs', root, statvfs, sync };

function root(mp: Mount): Vnode {
  const tm = tmountOfMount(mp);
  return tm.vnode(tm.root);
}

function statvfs(mp: Mount, sb: Statvfs): void {
  const tm = tmountOfMount(mp);
  sb.bsize = sb.frsize = PAGE_SIZE;
  sb.iosize = IOSIZE;
  sb.blocks = tm.maxPages;
  sb.bfree = sb.bavail = tm.maxPages - tm.pages;
  sb.bresvd = 0;
  sb.files = tm.maxNodes;
  sb.ffree = sb.favail = tm.maxNodes - tm.nodes;
  sb.fresvd = 0;
  sb.namemax = NAME_MAX;
}

/** There is nowhere to write to. */
function sync(): void {}
