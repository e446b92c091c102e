/** The vnode operations of FAT. */
import { _PC_FILESIZEBITS, _PC_LINK_MAX, _PC_NAME_MAX } from '@anykernel/lib-sys';
import { type Vnode, type VnodeOps, genfs, genfsPathconf } from '@anykernel/rumpvfs';
import { getattr, setattr } from './attr.js';
import { bmapOf, fallocate, fsync, read, write } from './file.js';
import { create, lookup, mkdir, readdir, remove, rename, rmdir } from './names.js';
import { VTON } from './node.js';
import { NAME_MAX } from './ondisk.js';
import { endIfUnnamed, reclaim } from './remove.js';

function pathconf(vp: Vnode, name: number): number {
  switch (name) {
    case _PC_LINK_MAX:
      return 1;
    case _PC_NAME_MAX:
      return NAME_MAX;
    case _PC_FILESIZEBITS:
      return 33;
    default:
      return genfsPathconf(vp, name);
  }
}

export const msdosOps: VnodeOps = {
  ...genfs,
  name: 'msdosfs',
  lookup, create, mkdir, remove, rmdir, rename, readdir, getattr, setattr, read, write, fsync, fallocate, pathconf,
  bmap: bmapOf,
  inactive: (vp: Vnode): boolean => endIfUnnamed(vp, VTON(vp)),
  reclaim: (vp: Vnode): void => reclaim(VTON(vp)),
};
