/** Attributes of files: stat, chmod and the like, flags, who may, and which times follow. */
import { APPEND, ERR, IMMUTABLE, SF_LOG, SF_SNAPINVAL, SF_SNAPSHOT, type Stat } from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import {
  VDIR, VNOVAL, VREG, VWRITE, type Vattr, type Vnode, genfsAccess, genfsCanChflags, genfsCanChmod, genfsCanChown, genfsCanChtimes,
} from '@anykernel/rumpvfs';
import { truncate } from './file.js';
import { type Inode, VTOI } from './inode.js';
import { T_CHANGE, T_UPDATE } from './inodefs.js';

/** The preferred size of I/O. */
export const IOSIZE = 65536;

/** Flags that are the kernel's own: nobody sets or clears them. */
const KERNEL_FLAGS = SF_SNAPSHOT | SF_LOG | SF_SNAPINVAL;

export function getattr(vp: Vnode, st: Stat): void {
  const ip = VTOI(vp);
  st.dev = ip.fs.mp.fsid;
  st.ino = ip.ino;
  st.mode = ip.mode;
  st.nlink = ip.nlink;
  st.uid = ip.uid;
  st.gid = ip.gid;
  st.rdev = vp.rdev;
  st.size = ip.size;
  st.blocks = ip.blocks;
  st.blksize = IOSIZE;
  st.flags = ip.flags;
  st.gen = ip.generation;
  st.atime = ip.accessed ? ip.accessSec : ip.atime;
  st.atimeNsec = ip.accessed ? ip.accessNsec : ip.atimeNsec;
  st.mtime = ip.mtime;
  st.mtimeNsec = ip.mtimeNsec;
  st.ctime = ip.ctime;
  st.ctimeNsec = ip.ctimeNsec;
  st.birthtime = ip.birthtime;
  st.birthtimeNsec = ip.birthtimeNsec;
}

export function access(vp: Vnode, mode: number, cred: Cred): void {
  const ip = VTOI(vp);
  if ((mode & VWRITE) !== 0 && (ip.flags & (IMMUTABLE | SF_SNAPSHOT | SF_LOG)) !== 0) throw ERR.EPERM;
  genfsAccess(ip.mode, ip.uid, ip.gid, mode, cred, vp.type);
}

/** Everything is checked before anything changes. */
export function setattr(vp: Vnode, va: Vattr, cred: Cred): void {
  const ip = VTOI(vp);
  check(vp, ip, va, cred);
  const rest = (): void => apply(ip, va, cred);
  if (va.size !== VNOVAL && vp.type === VREG) truncate(vp, ip, va.size, rest);
  else ip.fs.run(rest);
}

function check(vp: Vnode, ip: Inode, va: Vattr, cred: Cred): void {
  const { flags } = ip;
  if (va.flags !== VNOVAL) {
    genfsCanChflags(cred, ip.uid, vp.type, flags, va.flags);
    if (((va.flags ^ flags) & KERNEL_FLAGS) !== 0) throw ERR.EPERM;
  } else if ((flags & (IMMUTABLE | APPEND)) !== 0) throw ERR.EPERM;
  if (va.size !== VNOVAL) {
    if (vp.type === VDIR) throw ERR.EISDIR;
    if (va.size < 0) throw ERR.EINVAL;
    if ((flags & SF_SNAPSHOT) !== 0) throw ERR.EPERM;
  }
  if (va.uid !== VNOVAL || va.gid !== VNOVAL) {
    genfsCanChown(cred, ip.uid, ip.gid, va.uid === VNOVAL ? ip.uid : va.uid, va.gid === VNOVAL ? ip.gid : va.gid);
  }
  if (va.mode !== VNOVAL) genfsCanChmod(cred, ip.uid, ip.gid, vp.type, va.mode);
  if (va.timesSet !== 0) genfsCanChtimes(vp, cred, ip.uid, va.utimesNull);
}

/** Within a transaction. */
function apply(ip: Inode, va: Vattr, cred: Cred): void {
  ip.dirty();
  if (va.flags !== VNOVAL) ip.flags = va.flags;
  if (va.uid !== VNOVAL || va.gid !== VNOVAL) {
    if (va.uid !== VNOVAL) ip.uid = va.uid;
    if (va.gid !== VNOVAL) ip.gid = va.gid;
    // POSIX chown(): whoever is not privileged loses the set-id bits of a file.
    if (!cred.isRoot && !ip.isDir) ip.mode &= ~0o6000;
  }
  if (va.mode !== VNOVAL) ip.mode = (ip.mode & 0o170000) | va.mode;
  ip.touch(va.size !== VNOVAL ? T_CHANGE | T_UPDATE : T_CHANGE);
  if ((va.timesSet & 1) !== 0) {
    ip.setAtime(va.atime, va.atimeNsec);
    ip.accessed = false;
  }
  if ((va.timesSet & 2) !== 0) ip.setMtime(va.mtime, va.mtimeNsec);
  if ((va.timesSet & 4) !== 0) ip.setBirthtime(va.birthtime, va.birthtimeNsec);
}
