/** The vnode operations of ext2: one table for files, and those for devices and fifos over it. */
import { _PC_FILESIZEBITS, _PC_LINK_MAX, _PC_NAME_MAX, _PC_SYMLINK_MAX } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import {
  VBLK, VCHR, VFIFO, type Vnode, type VnodeOps, type Vtype, fifofs, genfs, genfsCheckOpen, genfsPathconf, specfs,
} from '@anykernel/rumpvfs';
import { endIfUnnamed, forgetInode, nameOps } from '@anykernel/ufs';
import { access, flagsOf, getattr, setattr } from './attr.js';
import { bmapOf, fallocate, fdiscard, fsync, read, write } from './file.js';
import { VTOI } from './inode.js';
import { readlink } from './naming.js';
import { LINK_MAX, LINK_MAX_DIR_NLINK, NAME_MAX } from './ondisk.js';
import { end, isOrphan } from './orphan.js';
import { deleteextattr, getextattr, listextattr, setextattr } from './xattr.js';

function pathconf(vp: Vnode, name: number): number {
  switch (name) {
    case _PC_LINK_MAX:
      return VTOI(vp).fs.manyLinks ? LINK_MAX_DIR_NLINK : LINK_MAX;
    case _PC_NAME_MAX:
      return NAME_MAX;
    case _PC_SYMLINK_MAX:
      return VTOI(vp).fs.bsize - 1;
    case _PC_FILESIZEBITS:
      return 42;
    default:
      return genfsPathconf(vp, name);
  }
}

const ext2Ops: VnodeOps = {
  ...genfs,
  ...nameOps,
  name: 'ext2fs',
  readlink, access, getattr, setattr, read, write, fsync, fallocate,
  fdiscard, pathconf, getextattr, setextattr, deleteextattr, listextattr,
  bmap: bmapOf,
  open(vp: Vnode, flag: number, _l: Lwp): void {
    genfsCheckOpen(flagsOf(VTOI(vp)), flag);
  },
  inactive: (vp: Vnode): boolean => endIfUnnamed(vp, VTOI(vp), end),
  reclaim: (vp: Vnode): void => forgetInode(vp, VTOI(vp), isOrphan(VTOI(vp))),
};
const ext2SpecOps: VnodeOps = { ...ext2Ops, ...specfs, name: 'ext2fs' };
const ext2FifoOps: VnodeOps = { ...ext2Ops, ...fifofs, name: 'ext2fs' };

export function opsOf(type: Vtype): VnodeOps {
  if (type === VBLK || type === VCHR) return ext2SpecOps;
  return type === VFIFO ? ext2FifoOps : ext2Ops;
}
