/** Which file system is on a device: each type that is attached looks at its magic numbers. */
import { ERR } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import type { Disk } from './disk.js';
import type { Vfs, VfsType } from './vfs.js';
import { readNow } from './rawio.js';

/** The type of what is on the device `args.fspec`. EINVAL: there is no fspec; ENODEV: no type knows it. The errors of openDisk(). */
export function probeType(vfs: Vfs, l: Lwp, args: object): VfsType {
  const { fspec } = args as { fspec?: unknown };
  if (typeof fspec !== 'string') throw ERR.EINVAL;
  const disk = vfs.openDisk(l, fspec, false);
  try {
    for (const t of vfs.types.values()) if (t.ops.probe?.((off, len) => peek(disk, off, len)) === true) return t;
  } finally {
    disk.close(l);
  }
  throw ERR.ENODEV;
}

/** Bytes of a disk, from whole sectors. */
function peek(disk: Disk, off: number, len: number): Uint8Array {
  const start = off - (off % disk.secsize);
  const end = Math.min(Math.ceil((off + len) / disk.secsize) * disk.secsize, disk.size - (disk.size % disk.secsize));
  if (!(off >= 0) || end <= start) return new Uint8Array(0);
  const data = readNow(disk.k, end - start, (buf, done) => disk.read([buf], start, done));
  return data.subarray(off - start, Math.max(off - start, Math.min(off - start + len, data.length)));
}
