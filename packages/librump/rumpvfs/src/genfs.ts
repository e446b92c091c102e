/**
 * What is common to file systems: an answer for every vnode operation.
 *
 * A file system spreads `...genfs` into its table and puts its own operations over it. What it leaves out refuses, with the errno that
 * says so.
 */
import {
  ERR, type Flock, LINK_MAX, NAME_MAX, PATH_MAX, PIPE_BUF, _PC_2_SYMLINKS, _PC_CHOWN_RESTRICTED, _PC_FILESIZEBITS, _PC_LINK_MAX, _PC_NAME_MAX, _PC_NO_TRUNC,
  _PC_PATH_MAX, _PC_PIPE_BUF, _PC_SYMLINK_MAX, _PC_SYNC_IO, SF_APPEND, SF_IMMUTABLE, SF_SETTABLE,
} from '@anykernel/lib-sys';
import type { Cred, Lwp } from '@anykernel/rumpkern';
import { fileKqfilter } from './fileknotes.js';
import { genfsBare, refuse } from './genfsbare.js';
import { locksOf } from './locks.js';
import type { Mount } from './mount.js';
import { VBLK, VCHR, type Vnode, type VnodeOps, type Vtype } from './vnode.js';

/** All operations but those without which there is no file system. */
export const genfs: Omit<VnodeOps, 'name' | 'lookup' | 'getattr'> = {
  ...genfsBare,
  kqfilter: fileKqfilter,
  fallocate: refuse,
  fdiscard: refuse,
  pathconf: genfsPathconf,
  advlock(vp: Vnode, owner: object, op: number, fl: Flock, wait: boolean, l: Lwp): void {
    locksOf((vp.mp as Mount).vfs).advlock(vp, owner, op, fl, wait, l);
  },
  getextattr: refuse,
  setextattr: refuse,
  deleteextattr: refuse,
  listextattr: refuse,
  bmap: refuse,
};

/** pathconf() of a file system with the usual limits. EINVAL: there is no such limit. */
export function genfsPathconf(_vp: Vnode, name: number): number {
  switch (name) {
    case _PC_LINK_MAX:
      return LINK_MAX;
    case _PC_NAME_MAX:
      return NAME_MAX;
    case _PC_PATH_MAX:
      return PATH_MAX;
    case _PC_SYMLINK_MAX:
      return PATH_MAX - 1;
    case _PC_PIPE_BUF:
      return PIPE_BUF;
    case _PC_FILESIZEBITS:
      return 54;
    case _PC_2_SYMLINKS:
    case _PC_CHOWN_RESTRICTED:
    case _PC_NO_TRUNC:
    case _PC_SYNC_IO:
      return 1;
    default:
      throw ERR.EINVAL;
  }
}

/** The owner changes his flags, the superuser all; nobody else touches a file with the superuser's immutable or append flags. EPERM. */
export function genfsCanChflags(cred: Cred, uid: number, type: Vtype, old: number, flags: number): void {
  if (cred.euid === 0) return;
  if (cred.euid !== uid || type === VBLK || type === VCHR) throw ERR.EPERM;
  if ((old & (SF_IMMUTABLE | SF_APPEND)) !== 0 || ((old ^ flags) & SF_SETTABLE) !== 0) throw ERR.EPERM;
}
