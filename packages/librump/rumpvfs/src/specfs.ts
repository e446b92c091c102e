/**
 * Device nodes: what is done to them goes to the driver of their device number.
 *
 * A file system spreads `...specfs` over its own table for block and character nodes. A driver's open() is called for every open, and so is a
 * block driver's close(); a character driver's close() when the last open file of the device is closed, whatever node it came by, unless it tracks closes. Block nodes take any offset and length: what is not whole
 * sectors is read, changed and written. There is no cache between: a node sees what a file system on the device has written.
 */
import {
  ERR, EVFILT_VNODE, MNT_NODEV, O_NONBLOCK, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM,
} from '@anykernel/lib-sys';
import { type File, type Knote, type Lwp, type Uio, readBlocks, transfer, writeBlocks } from '@anykernel/rumpkern';
import { fileKqfilter } from './fileknotes.js';
import type { Mount } from './mount.js';
import { IO_NDELAY, VBLK, VCHR, type Vnode, type VnodeOps } from './vnode.js';

/** Who has a device open. */
class SpecDev {
  opens = 0;
  /** The flags of each open, by node. */
  readonly byVnode = new Map<Vnode, number[]>();
}

/** The open devices of a kernel: block and character devices apart. */
class SpecDevs {
  readonly blk: Map<number, SpecDev> = new Map();
  readonly chr: Map<number, SpecDev> = new Map();
}

/** Those of the kind of `vp`, by device number. */
function devsLike(vp: Vnode): Map<number, SpecDev> {
  const devs = (vp.mp as Mount).vfs.k.specific(SpecDevs, () => new SpecDevs());
  return vp.type === VBLK ? devs.blk : devs.chr;
}

/** Nodes of the same device as `vp` which are open. */
export function openNodes(vp: Vnode): Vnode[] {
  return [...(devsLike(vp).get(vp.rdev)?.byVnode.keys() ?? [])];
}

export const specfs: Pick<VnodeOps, 'clone' | 'open' | 'close' | 'read' | 'write' | 'ioctl' | 'poll' | 'kqfilter' | 'fsync' | 'abandon'> = {
  clone(vp: Vnode, flag: number, l: Lwp): File | undefined {
    if (vp.mp === undefined || (vp.mp.flags & MNT_NODEV) !== 0) return undefined;
    return l.k.devsw.cdev(vp.rdev).clone?.(vp.rdev, flag, l);
  },

  /** ENXIO: no such device, or the mount has none. EBUSY: a file system is mounted from it. */
  open(vp: Vnode, flag: number, l: Lwp): void {
    const mp = vp.mp as Mount;
    if ((mp.flags & MNT_NODEV) !== 0) throw ERR.ENXIO;
    const { vfs } = mp;
    if (vp.type === VBLK) {
      if (vfs.disks.has(vp.rdev)) throw ERR.EBUSY;
      l.k.devsw.bdev(vp.rdev).open(vp.rdev, flag, l);
    } else l.k.devsw.cdev(vp.rdev).open(vp.rdev, flag, l);
    const devs = devsLike(vp);
    let sd = devs.get(vp.rdev);
    if (sd === undefined) devs.set(vp.rdev, (sd = new SpecDev()));
    sd.opens++;
    const mine = sd.byVnode.get(vp);
    if (mine === undefined) sd.byVnode.set(vp, [flag]);
    else mine.push(flag);
  },

  close(vp: Vnode, flag: number, l: Lwp): void {
    const devs = devsLike(vp);
    const sd = devs.get(vp.rdev);
    const mine = sd?.byVnode.get(vp);
    if (sd === undefined || mine === undefined) return;
    mine.splice(Math.max(mine.indexOf(flag), 0), 1);
    if (mine.length === 0) sd.byVnode.delete(vp);
    if (--sd.opens === 0) devs.delete(vp.rdev);
    driverClose(vp, flag, sd.opens === 0, l);
  },

  read(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void {
    if (vp.type === VCHR) l.k.devsw.cdev(vp.rdev).read(vp.rdev, uio, l, (ioflag & IO_NDELAY) !== 0 ? O_NONBLOCK : 0);
    else readBlocks(l.k.devsw.bdev(vp.rdev), vp.rdev, uio, l);
  },

  /** ENOSPC: at the end of the device. */
  write(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void {
    if (vp.type === VCHR) l.k.devsw.cdev(vp.rdev).write(vp.rdev, uio, l, (ioflag & IO_NDELAY) !== 0 ? O_NONBLOCK : 0);
    else writeBlocks(l.k.devsw.bdev(vp.rdev), vp.rdev, uio, l);
  },

  ioctl(vp: Vnode, cmd: number, data: Uint8Array | undefined, _flag: number, l: Lwp): number {
    const sw = vp.type === VBLK ? l.k.devsw.bdev(vp.rdev) : l.k.devsw.cdev(vp.rdev);
    return sw.ioctl(vp.rdev, cmd, data, l);
  },

  poll(vp: Vnode, events: number, l: Lwp): number {
    if (vp.type === VBLK) return events & (POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
    return l.k.devsw.cdev(vp.rdev).poll(vp.rdev, events, l);
  },

  kqfilter(vp: Vnode, kn: Knote): void {
    if (vp.type === VBLK || kn.filter === EVFILT_VNODE) fileKqfilter(vp, kn);
    else (vp.mp as Mount).vfs.k.devsw.cdev(vp.rdev).kqfilter(vp.rdev, kn);
  },

  fsync(vp: Vnode, _dataOnly: boolean, _off: number, _len: number, l: Lwp): void {
    if (vp.type !== VBLK) return;
    const sw = l.k.devsw.bdev(vp.rdev);
    transfer(l, 0, 0, undefined, (_buf, done) => sw.flush(vp.rdev, done));
  },

  /** The device is closed as far as it was opened by this node. */
  abandon(vp: Vnode): void {
    const { k } = (vp.mp as Mount).vfs;
    const devs = devsLike(vp);
    const sd = devs.get(vp.rdev);
    const mine = sd?.byVnode.get(vp);
    if (sd === undefined || mine === undefined) return;
    sd.byVnode.delete(vp);
    sd.opens -= mine.length;
    if (sd.opens === 0) devs.delete(vp.rdev);
    for (const [i, flag] of mine.entries()) {
      try {
        driverClose(vp, flag, sd.opens === 0 && i === mine.length - 1, k.curlwp);
      } catch (e) {
        k.ignoreErrno(e);
      }
    }
  },
};

/** `last`: nobody has the device open any more. */
function driverClose(vp: Vnode, flag: number, last: boolean, l: Lwp): void {
  if (vp.type === VBLK) {
    l.k.devsw.bdev(vp.rdev).close(vp.rdev, flag, l);
    return;
  }
  const sw = l.k.devsw.cdev(vp.rdev);
  if (last || sw.trackClose === true) sw.close(vp.rdev, flag, l);
}
