/** Which file system is on a device: each type that is attached looks at its magic numbers. */
import { ERR } from '@anykernel/lib-sys';
import { type Lwp, transfer } from '@anykernel/rumpkern';
import type { Disk } from './disk.js';
import type { Peek, Probe } from './mount.js';
import { openDisk } from './opendisk.js';
import type { Vfs, VfsType } from './vfs.js';

/** For a type's Vfsops: how it knows its images. */
export function probeBy(looks: (peek: Peek) => boolean): Probe {
  return { looks, typeOn: probeType };
}

/**
 * The type of what is on the device `args.fspec`. `peeked` keeps what was read, for a call that sleeps and comes back.
 *
 * EINVAL: there is no fspec. The errors of openDisk(). ENODEV: no type knows it.
 */
export function probeType(vfs: Vfs, l: Lwp, args: object, peeked: Map<number, Uint8Array>): VfsType {
  const { fspec } = args as { fspec?: unknown };
  if (typeof fspec !== 'string') throw ERR.EINVAL;
  const disk = openDisk(vfs, l, fspec, false);
  try {
    for (const t of vfs.types.values()) if (t.ops.probe?.looks((off, len) => peek(disk, l, peeked, off, len)) === true) return t;
  } finally {
    disk.close(l);
  }
  throw ERR.ENODEV;
}

/** Bytes of a disk, from whole sectors. */
function peek(disk: Disk, l: Lwp, peeked: Map<number, Uint8Array>, off: number, len: number): Uint8Array {
  const start = off - (off % disk.secsize);
  const end = Math.min(Math.ceil((off + len) / disk.secsize) * disk.secsize, disk.size - (disk.size % disk.secsize));
  if (!(off >= 0) || end <= start) return new Uint8Array(0);
  let data = peeked.get(start);
  if (data === undefined || data.length < end - start) {
    data = transfer(l, end - start, start, undefined, (buf, done) => disk.read([buf], start, done));
    peeked.set(start, data);
  }
  return data.subarray(off - start, Math.min(off - start + len, data.length));
}
