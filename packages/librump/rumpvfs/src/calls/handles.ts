/** Files by handle, as servers of files name them. */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR, O_CREAT, Stat } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import type { Mount } from '../mount.js';
import type { Vnode } from '../vnode.js';
import { type VfsCalls, lookup } from './common.js';
import { openVnode } from './open.js';
import { figures } from './statvfs.js';

/** Bytes of a handle before the file system's own: fsid u32, zero u32, length u16. */
const FH_HEADER = 10;
/** The most that a file system's part may have. */
const FID_MAX = 64;

function superuser(l: Lwp): void {
  if (l.proc.cred.euid !== 0) throw ERR.EPERM;
}

function toHandle(vp: Vnode): Uint8Array {
  const mp = vp.mp as Mount;
  if (mp.ops.vptofh === undefined) throw ERR.EOPNOTSUPP;
  const fid = mp.ops.vptofh(vp);
  const fh = new Uint8Array(FH_HEADER + fid.length);
  putU32le(fh, 0, mp.fsid);
  putU16le(fh, 8, fid.length);
  fh.set(fid, FH_HEADER);
  return fh;
}

/** EPERM: not the superuser. EINVAL: not a handle. ESTALE: what it named is gone. EOPNOTSUPP. */
function fromHandle(l: Lwp, fh: Uint8Array): Vnode {
  superuser(l);
  if (!(fh instanceof Uint8Array)) throw ERR.EFAULT;
  if (fh.length < FH_HEADER || fh.length > FH_HEADER + FID_MAX || getU16le(fh, 8) !== fh.length - FH_HEADER) throw ERR.EINVAL;
  const mp = vfsOf(l).mounts.find((m) => m.fsid === getU32le(fh, 0));
  if (mp === undefined || getU32le(fh, 4) !== 0) throw ERR.ESTALE;
  if (mp.ops.fhtovp === undefined) throw ERR.EOPNOTSUPP;
  return mp.ops.fhtovp(mp, fh.slice(FH_HEADER));
}

export const handleCalls: Pick<VfsCalls, 'getfh' | 'fhopen' | 'fhstat' | 'fhstatvfs1'> = {
  getfh(l, path) {
    superuser(l);
    return toHandle(lookup(l, path));
  },
  /** EINVAL: O_CREAT. */
  fhopen(l, fh, oflags) {
    const vp = fromHandle(l, fh);
    if ((oflags & O_CREAT) !== 0) throw ERR.EINVAL;
    return openVnode(l, vp, oflags, true);
  },
  fhstat(l, fh, st = new Stat()) {
    const vp = fromHandle(l, fh);
    vp.ops.getattr(vp, st);
    return st;
  },
  fhstatvfs1: (l, fh, flags) => figures(l, fromHandle(l, fh), flags),
};
