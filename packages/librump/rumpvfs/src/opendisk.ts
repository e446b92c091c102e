/** Block devices for file systems. */
import { toBytestr } from '@anykernel/lib-bytes';
import { ERR, MNT_NODEV } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { Disk } from './disk.js';
import { syncerOf } from './syncer.js';
import type { Vfs } from './vfs.js';
import { VBLK, type Vnode } from './vnode.js';

/**
 * Opens the block device that `path` names (`/dev/md0a`, `NAME=root`), for a file system. ENOENT and the other errors of a lookup, ENOTBLK, ENXIO, EBUSY (a file
 * system has it or a partition of it, or a part of it is open), EACCES, and what the driver says (EROFS).
 */
export function openDisk(vfs: Vfs, l: Lwp, path: string, forWrite: boolean): Disk {
  const dev = blockDevice(vfs, l, path);
  const whole = wholeOf(vfs, dev);
  if (vfs.wholeDisks.has(whole) || vfs.k.devsw.media.partsOpen(whole)) throw ERR.EBUSY;
  const disk = Disk.open(vfs.k, dev, forWrite, l);
  vfs.wholeDisks.add(whole);
  disk.onClose = () => {
    vfs.disks.delete(dev);
    vfs.wholeDisks.delete(whole);
    syncerOf(vfs).rele();
  };
  vfs.disks.set(dev, disk);
  syncerOf(vfs).hold();
  return disk;
}

/** Whether a file system has the disk that `dev` is, or is a partition of. */
export function diskBusy(vfs: Vfs, dev: number): boolean {
  return vfs.wholeDisks.has(wholeOf(vfs, dev));
}

function wholeOf(vfs: Vfs, dev: number): number {
  return vfs.k.devsw.bdev(dev).whole?.(dev) ?? dev;
}

/** A node by its path; `NAME=root`: the part of a disk that has this name. Devices are found also where another file system has been mounted on the root. */
function blockDevice(vfs: Vfs, l: Lwp, path: string): number {
  if (path.startsWith('NAME=')) {
    const named = vfs.k.devsw.media.named(toBytestr(path.slice(5)));
    if (named === undefined) throw ERR.ENOENT;
    return named;
  }
  const vp = vfs.etfs?.vnodeOf(path) ?? nodeAt(vfs, l, path);
  if (typeof vp === 'number') return vp;
  if (vp.type !== VBLK) throw ERR.ENOTBLK;
  if (((vp.mp?.flags ?? 0) & MNT_NODEV) !== 0) throw ERR.EACCES;
  return vp.rdev;
}

/** The file at `path`; where there is none, the number of the block device that was announced for this name. */
function nodeAt(vfs: Vfs, l: Lwp, path: string): Vnode | number {
  try {
    return vfs.lookup(l, path);
  } catch (e) {
    const node = e === ERR.ENOENT && path.startsWith('/dev/') ? vfs.k.devsw.node(path.slice(5)) : undefined;
    if (node?.kind !== 'blk') throw e;
    return node.dev;
  }
}
