/** The vnode operations of tmpfs: its own, and for devices and fifos the layer's on top. */
import { APPEND, ERR, O_APPEND, _PC_LINK_MAX, _PC_MIN_HOLE_SIZE } from '@anykernel/lib-sys';
import { FWRITE, PAGE_SIZE } from '@anykernel/rumpkern';
import {
  VBLK,
  VCHR,
  VDIR,
  VFIFO,
  VLNK,
  VREG,
  type Vnode,
  type VnodeOps,
  type Vtype,
  fifofs,
  genfs,
  genfsPathconf,
  specfs,
} from '@anykernel/rumpvfs';
import { access, getattr, setattr } from './attr.js';
import { fallocate, fdiscard, read, write } from './file.js';
import { create, link, lookup, mkdir, mknod, readdir, readlink, remove, rename, rmdir, symlink } from './names.js';
import { nodeOf, tmountOf } from './of.js';
import { LINKS_MAX } from './tmount.js';
import { deleteextattr, getextattr, listextattr, setextattr } from './xattr.js';

/** What all files have. */
const common: Omit<VnodeOps, 'name'> = {
  ...genfs,
  lookup() {
    throw ERR.ENOTDIR;
  },
  access,
  getattr,
  setattr,
  pathconf,
  getextattr,
  setextattr,
  deleteextattr,
  listextattr,
  inactive: (vp) => nodeOf(vp).nlink === 0,
  reclaim,
};

const directory: VnodeOps = {
  ...common,
  name: 'tmpfs directory',
  lookup,
  create,
  mknod,
  mkdir,
  symlink,
  link,
  remove,
  rmdir,
  rename,
  readdir,
};

const regular: VnodeOps = { ...common, name: 'tmpfs', open, read, write, fallocate, fdiscard };
const symbolic: VnodeOps = { ...common, name: 'tmpfs link', readlink };
const device: VnodeOps = { ...common, ...specfs, name: 'tmpfs device' };
const fifo: VnodeOps = { ...common, ...fifofs, name: 'tmpfs fifo' };
const other: VnodeOps = { ...common, name: 'tmpfs socket' };

export function opsOf(type: Vtype): VnodeOps {
  switch (type) {
    case VREG:
      return regular;
    case VDIR:
      return directory;
    case VLNK:
      return symbolic;
    case VBLK:
    case VCHR:
      return device;
    case VFIFO:
      return fifo;
    default:
      return other;
  }
}

/** EPERM: an append-only file is opened for writing elsewhere than at its end. */
function open(vp: Vnode, flag: number): void {
  if ((flag & (FWRITE | O_APPEND)) === FWRITE && (nodeOf(vp).flags & APPEND) !== 0) throw ERR.EPERM;
}

function pathconf(vp: Vnode, name: number): number {
  if (name === _PC_LINK_MAX) return LINKS_MAX;
  if (name === _PC_MIN_HOLE_SIZE) return PAGE_SIZE;
  return genfsPathconf(vp, name);
}

/** The layer takes a vnode back. The file stays if it has a name. */
function reclaim(vp: Vnode): void {
  const node = nodeOf(vp);
  node.vp = undefined;
  vp.uobj = undefined;
  if (node.nlink === 0) tmountOf(vp).destroy(node);
}
