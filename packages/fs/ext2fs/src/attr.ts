/** Attributes of ext2 files: stat, chmod and the like, flags, who may, and which times follow. */
import { APPEND, ERR, IMMUTABLE, SF_APPEND, SF_IMMUTABLE, type Stat, UF_NODUMP } from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import {
  VDIR, VNOVAL, VREG, VWRITE, type Vattr, type Vnode, genfsAccess, genfsCanChflags, genfsCanChmod, genfsCanChown, genfsCanChtimes,
} from '@anykernel/rumpvfs';
import { T_CHANGE, T_UPDATE } from '@anykernel/ufs';
import { truncate } from './file.js';
import { type Inode, VTOI } from './inode.js';
import { FL_APPEND, FL_IMMUTABLE, FL_NODUMP } from './ondisk.js';
import { allows } from './acl.js';
import { accessAcl, chmodAcl } from './xattr.js';

/** The preferred size of I/O. */
export const IOSIZE = 65536;

/** Flags of chflags(2) that an inode keeps. */
const KEPT_FLAGS = SF_APPEND | SF_IMMUTABLE | UF_NODUMP;

/** An inode's flags as chflags(2) knows them. */
export function flagsOf(ip: Inode): number {
  const { flags } = ip;
  return ((flags & FL_IMMUTABLE) !== 0 ? SF_IMMUTABLE : 0) | ((flags & FL_APPEND) !== 0 ? SF_APPEND : 0) | ((flags & FL_NODUMP) !== 0 ? UF_NODUMP : 0);
}

function setFlags(ip: Inode, flags: number): void {
  const rest = ip.flags & ~(FL_IMMUTABLE | FL_APPEND | FL_NODUMP);
  ip.flags = rest | ((flags & SF_IMMUTABLE) !== 0 ? FL_IMMUTABLE : 0) | ((flags & SF_APPEND) !== 0 ? FL_APPEND : 0) | ((flags & UF_NODUMP) !== 0 ? FL_NODUMP : 0);
}

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
  // As Linux has it: bytes in the inode count as if they had sectors.
  st.blocks = vp.type === VREG && ip.isInline ? ip.blocks + Math.ceil(ip.size / 512) : ip.blocks;
  st.blksize = IOSIZE;
  st.flags = flagsOf(ip);
  st.gen = ip.generation;
  st.atime = ip.accessed ? ip.accessSec : ip.atime;
  st.atimeNsec = ip.hasNanoseconds ? (ip.accessed ? ip.accessNsec : ip.atimeNsec) : 0;
  st.mtime = ip.mtime;
  st.mtimeNsec = ip.mtimeNsec;
  st.ctime = ip.ctime;
  st.ctimeNsec = ip.ctimeNsec;
  st.birthtime = ip.birthtime;
  st.birthtimeNsec = ip.birthtimeNsec;
}

export function access(vp: Vnode, mode: number, cred: Cred): void {
  const ip = VTOI(vp);
  if ((mode & VWRITE) !== 0 && (ip.flags & FL_IMMUTABLE) !== 0) throw ERR.EPERM;
  // As Linux has it: where the mask gives nothing, the mode decides.
  const list = cred.euid === 0 || (ip.mode & 0o070) === 0 ? undefined : accessAcl(ip);
  if (list !== undefined) {
    if (!allows(list, ip.uid, ip.gid, cred, mode)) throw ERR.EACCES;
    return;
  }
  genfsAccess(ip.mode, ip.uid, ip.gid, mode, cred, vp.type);
}

/** Everything is checked before anything changes. EOPNOTSUPP: flags that an inode does not keep. */
export function setattr(vp: Vnode, va: Vattr, cred: Cred): void {
  const ip = VTOI(vp);
  check(vp, ip, va, cred);
  const rest = (): void => apply(ip, va, cred);
  if (va.size !== VNOVAL && vp.type === VREG) truncate(vp, ip, va.size, rest);
  else ip.fs.run(rest);
}

function check(vp: Vnode, ip: Inode, va: Vattr, cred: Cred): void {
  const flags = flagsOf(ip);
  if (va.flags !== VNOVAL) {
    genfsCanChflags(cred, ip.uid, vp.type, flags, va.flags);
    if ((va.flags & ~KEPT_FLAGS) !== 0) throw ERR.EOPNOTSUPP;
  } else if ((flags & (IMMUTABLE | APPEND)) !== 0) throw ERR.EPERM;
  if (va.size !== VNOVAL) {
    if (vp.type === VDIR) throw ERR.EISDIR;
    if (va.size < 0) throw ERR.EINVAL;
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
  if (va.flags !== VNOVAL) setFlags(ip, va.flags);
  if (va.uid !== VNOVAL || va.gid !== VNOVAL) {
    if (va.uid !== VNOVAL) ip.uid = va.uid;
    if (va.gid !== VNOVAL) ip.gid = va.gid;
    // POSIX chown(): whoever is not privileged loses the set-id bits of a file.
    if (!cred.isRoot && !ip.isDir) ip.mode &= ~0o6000;
  }
  if (va.mode !== VNOVAL) {
    ip.mode = (ip.mode & 0o170000) | va.mode;
    chmodAcl(ip);
  }
  ip.touch(va.size !== VNOVAL ? T_CHANGE | T_UPDATE : T_CHANGE);
  if ((va.timesSet & 1) !== 0) {
    ip.setAtime(va.atime, va.atimeNsec);
    ip.accessed = false;
  }
  if ((va.timesSet & 2) !== 0) ip.setMtime(va.mtime, va.mtimeNsec);
  if ((va.timesSet & 4) !== 0) ip.setBirthtime(va.birthtime, va.birthtimeNsec);
}

