/** From a directory back to its path, for getcwd(2) and the names of mounts. */
import { ERR } from '@anykernel/lib-sys';
import type { Mount } from './mount.js';
import { parentOf } from './namei.js';
import type { Vfs } from './vfs.js';
import type { Vnode } from './vnode.js';

/** The path of directory `vp` as seen from `root`. ENOENT: it has none (it was removed, or lies outside of `root`). */
export function pathOf(vfs: Vfs, vp: Vnode, root: Vnode): string {
  const cnp = vfs.nd.cnp;
  let path = '';
  while (vp !== root) {
    if (vp === vfs.rootvp) throw ERR.ENOENT;
    if (vp.isRoot) {
      const covered = (vp.mp as Mount).covered;
      if (covered === undefined) throw ERR.ENOENT;
      vp = covered;
      continue;
    }
    cnp.path = '';
    const dvp = parentOf(vp, cnp);
    const cached = dvp.names >= 0 ? vfs.namecache.nameOf(dvp, vp) : undefined;
    path = `/${cached ?? nameIn(vfs, dvp, vp)}${path}`;
    vp = dvp;
  }
  return path === '' ? '/' : path;
}

/** Reads the directory until the entry of `vp` comes. */
function nameIn(vfs: Vfs, dvp: Vnode, vp: Vnode): string {
  vp.ops.getattr(vp, vfs.scratch);
  const want = vfs.scratch.ino;
  let found = '';
  dvp.ops.readdir(dvp, 0, (ino, _dtype, name) => {
    if (ino !== want || name === '.' || name === '..') return true;
    found = name;
    return false;
  });
  if (found === '') throw ERR.ENOENT;
  return found;
}
