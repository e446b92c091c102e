/** The vnode operations of tmpfs: its own, and what a kernel has beside them. */
import { APPEND, ERR, O_APPEND } from '@anykernel/lib-sys';
import { FWRITE } from '@anykernel/rumpkern';
import { VBLK, VCHR, VDIR, VFIFO, VLNK, VREG, type Vnode, type VnodeOps, type Vtype, type genfs, type genfsBare } from '@anykernel/rumpvfs';
import { access, getattr, setattr } from './attr.js';
import { read, write } from './file.js';
import { create, link, lookup, mkdir, mknod, readdir, readlink, remove, rename, rmdir, symlink } from './names.js';
import { nodeOf, tmountOf } from './of.js';
import type { OpsOf } from './tmount.js';

/** What comes on top: for all files, for regular ones, for devices and for fifos. */
export interface MoreOps {
  readonly all?: Partial<VnodeOps>;
  readonly regular?: Partial<VnodeOps>;
  readonly device?: Partial<VnodeOps>;
  readonly fifo?: Partial<VnodeOps>;
}

/** The tables, by type, on what all file systems have in common. Devices and fifos that nothing comes for can be made, and not opened. */
export function opsWith(base: typeof genfsBare, more: MoreOps): OpsOf {
  // A bare vfs calls nothing that is neither in its part of genfs nor here.
  const common: Omit<VnodeOps, 'name'> = {
    ...(base as typeof genfs),
    lookup() {
      throw ERR.ENOTDIR;
    },
    access,
    getattr,
    setattr,
    inactive: (vp) => nodeOf(vp).nlink === 0,
    reclaim,
    ...more.all,
  };
  const names = { lookup, create, mknod, mkdir, symlink, link, remove, rmdir, rename, readdir };
  const directory: VnodeOps = { ...common, name: 'tmpfs directory', ...names };
  const regular: VnodeOps = { ...common, name: 'tmpfs', open, read, write, ...more.regular };
  const symbolic: VnodeOps = { ...common, name: 'tmpfs link', readlink };
  const device: VnodeOps = { ...common, name: 'tmpfs device', open: noDevice, ...more.device };
  const fifo: VnodeOps = { ...common, name: 'tmpfs fifo', open: noFifo, ...more.fifo };
  const other: VnodeOps = { ...common, name: 'tmpfs socket' };
  return (type: Vtype): VnodeOps => {
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
  };
}

function noDevice(): never {
  throw ERR.ENXIO;
}

function noFifo(): never {
  throw ERR.EOPNOTSUPP;
}

/** EPERM: an append-only file is opened for writing elsewhere than at its end. */
function open(vp: Vnode, flag: number): void {
  if ((flag & (FWRITE | O_APPEND)) === FWRITE && (nodeOf(vp).flags & APPEND) !== 0) throw ERR.EPERM;
}

/** The layer takes a vnode back. The file stays if it has a name. */
function reclaim(vp: Vnode): void {
  const node = nodeOf(vp);
  node.vp = undefined;
  vp.uobj = undefined;
  if (node.nlink === 0) tmountOf(vp).destroy(node);
}
