/** The vnode operations of UFS: one table for files, and those for devices and fifos over it. */
import { _PC_FILESIZEBITS, _PC_LINK_MAX, _PC_NAME_MAX, _PC_SYMLINK_MAX, PATH_MAX } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import {
  VBLK, VCHR, VFIFO, type Vnode, type VnodeOps, type Vtype, fifofs, genfs, genfsCheckOpen, genfsPathconf, specfs,
} from '@anykernel/rumpvfs';
import { access, getattr, setattr } from './attr.js';
import { end } from './ending.js';
import { bmapOf, fallocate, fdiscard, fsync, read, write } from './file.js';
import { VTOI } from './inode.js';
import type { OpsOf } from './inodefs.js';
import { endIfUnnamed, forgetInode } from './incore.js';
import { nameOps } from './names.js';
import { readlink } from './naming.js';
import { LINK_MAX, NAME_MAX } from './ondisk.js';

function pathconf(vp: Vnode, name: number): number {
  switch (name) {
    case _PC_LINK_MAX:
      return LINK_MAX;
    case _PC_NAME_MAX:
      return NAME_MAX;
    case _PC_SYMLINK_MAX:
      return Math.min(PATH_MAX, VTOI(vp).fs.bsize) - 1;
    case _PC_FILESIZEBITS:
      return 64;
    default:
      return genfsPathconf(vp, name);
  }
}

const ufsOps: Omit<VnodeOps, 'name'> = {
  ...genfs,
  ...nameOps,
  readlink, access, getattr, setattr, read, write, fsync, fallocate,
  fdiscard, pathconf,
  bmap: bmapOf,
  open(vp: Vnode, flag: number, _l: Lwp): void {
    genfsCheckOpen(VTOI(vp).flags, flag);
  },
  inactive: (vp: Vnode): boolean => endIfUnnamed(vp, VTOI(vp), end),
  reclaim: (vp: Vnode): void => forgetInode(vp, VTOI(vp), VTOI(vp).fs.writable),
};

/** The tables of a file system type called `name`, which adds some operations of its own. */
export function ufsOpsOf(name: string, own: Partial<VnodeOps>): OpsOf {
  const files: VnodeOps = { ...ufsOps, ...own, name };
  const devices: VnodeOps = { ...files, ...specfs, name };
  const fifos: VnodeOps = { ...files, ...fifofs, name };
  return (type: Vtype) => (type === VBLK || type === VCHR ? devices : type === VFIFO ? fifos : files);
}
