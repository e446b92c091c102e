/** The file system of vnodes that lost theirs: revoked devices, files of a file system that was taken away. Everything fails, closing does not. */
import { ERR, POLLERR, POLLHUP, type Stat } from '@anykernel/lib-sys';
import { genfs } from './genfs.js';
import type { Vnode, VnodeOps } from './vnode.js';

function gone(): never {
  throw ERR.EIO;
}

export const deadfs: VnodeOps = {
  ...genfs,
  name: 'deadfs',
  lookup(): undefined {
    throw ERR.ENOENT;
  },
  getattr(_vp: Vnode, _st: Stat): void {
    throw ERR.EBADF;
  },
  access(): void {
    throw ERR.EBADF;
  },
  setattr(): void {
    throw ERR.EBADF;
  },
  open(): void {
    throw ERR.ENXIO;
  },
  /** As at the end of a file. */
  read(): void {},
  write: gone,
  readdir(): void {},
  ioctl(): number {
    throw ERR.ENXIO;
  },
  poll(_vp: Vnode, _events: number): number {
    return POLLERR | POLLHUP;
  },
  fsync: gone,
  advlock(): void {
    throw ERR.EBADF;
  },
  pathconf: gone,
};
