/** Calls on whole file systems: mount, unmount, their figures, and files by handle. */
import { getU32le, putU16le, putU32le, getU16le } from '@anykernel/lib-bytes';
import { ERR, MNT_NOWAIT, MNT_WAIT, MNT_LAZY, O_CREAT, Stat, Statvfs } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import { vfsOf } from '../cwdi.js';
import type { Mount } from '../mount.js';
import { VBLK, VCHR, type Vnode } from '../vnode.js';
import { type VfsCalls, fdVnode, lookupAt } from './common.js';
import { openVnode } from './open.js';

function figures(l: Lwp, vp: Vnode, flags: number): Statvfs {
  checkWait(flags);
  if (vp.mp === undefined) throw ERR.EBADF;
  return vfsOf(l).mountTable.statvfs(l, vp.mp, new Statvfs());
}

function checkWait(flags: number): void {
  if (flags !== MNT_WAIT && flags !== MNT_NOWAIT && flags !== MNT_LAZY && flags !== 0) throw ERR.EINVAL;
}

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
  const mp = vfsOf(l).mountTable.byFsid(getU32le(fh, 0));
  if (mp === undefined || getU32le(fh, 4) !== 0) throw ERR.ESTALE;
  if (mp.ops.fhtovp === undefined) throw ERR.EOPNOTSUPP;
  return mp.ops.fhtovp(mp, fh.slice(FH_HEADER));
}

export const mountCalls: Pick<
  VfsCalls,
  'mount' | 'unmount' | 'getvfsstat' | 'statvfs1' | 'fstatvfs1' | 'getfh' | 'fhopen' | 'fhstat' | 'fhstatvfs1' | 'revoke'
> = {
  mount(l, type, path, flags, args) {
    vfsOf(l).mount(l, type, path, flags, args);
  },
  unmount: (l, path, flags) => vfsOf(l).unmount(l, path, flags),

  getvfsstat(l, flags) {
    checkWait(flags);
    const vfs = vfsOf(l);
    return vfs.mounts.map((mp) => vfs.mountTable.statvfs(l, mp, new Statvfs()));
  },
  statvfs1: (l, path, flags) => figures(l, lookupAt(l, undefined, path, true), flags),
  fstatvfs1: (l, fd, flags) => figures(l, fdVnode(l, fd), flags),

  getfh(l, path) {
    superuser(l);
    return toHandle(lookupAt(l, undefined, path, true));
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

  /** EINVAL: not a device. EPERM: neither the owner nor the superuser. */
  revoke(l, path) {
    const vfs = vfsOf(l);
    const vp = lookupAt(l, undefined, path, true);
    if (vp.type !== VCHR && vp.type !== VBLK) throw ERR.EINVAL;
    vp.ops.getattr(vp, vfs.scratch);
    if (l.proc.cred.euid !== 0 && l.proc.cred.euid !== vfs.scratch.uid) throw ERR.EPERM;
    for (const node of vfs.specdevs.nodes(vp)) (node.mp as Mount).forget(node);
  },
};
