/** Attributes of tmpfs files: stat, chmod and the like, who may, and which times follow. */
import { APPEND, ERR, IMMUTABLE, type Stat } from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import {
  VDIR,
  VNOVAL,
  VREG,
  VWRITE,
  type Vattr,
  type Vnode,
  genfsAccess,
  genfsCanChmod,
  genfsCanChown,
  genfsCanChtimes,
  typeToMode,
} from '@anykernel/rumpvfs';
import { truncate } from './file.js';
import { CTIME, type Node } from './node.js';
import { nodeOf, tmountOf } from './of.js';

/** Bytes that stat gives a directory for each of its entries. */
const ENTRY_SIZE = 32;
/** The preferred size of I/O. */
export const IOSIZE = 65536;

function sizeOf(node: Node): number {
  if (node.dir !== undefined) return (node.dir.count + 2) * ENTRY_SIZE;
  return node.target.length + node.size;
}

export function getattr(vp: Vnode, st: Stat): void {
  const node = nodeOf(vp);
  st.dev = tmountOf(vp).mp.fsid;
  st.ino = node.ino;
  st.mode = typeToMode(node.type) | node.mode;
  st.nlink = node.nlink;
  st.uid = node.uid;
  st.gid = node.gid;
  st.rdev = node.rdev;
  st.size = sizeOf(node);
  st.blocks = node.uobj === undefined ? 0 : node.uobj.pages * 8;
  st.blksize = IOSIZE;
  st.flags = node.flags;
  st.gen = node.gen;
  st.atime = node.atime;
  st.atimeNsec = node.atimeNsec;
  st.mtime = node.mtime;
  st.mtimeNsec = node.mtimeNsec;
  st.ctime = node.ctime;
  st.ctimeNsec = node.ctimeNsec;
  st.birthtime = node.birthtime;
  st.birthtimeNsec = node.birthtimeNsec;
}

export function access(vp: Vnode, mode: number, cred: Cred): void {
  const node = nodeOf(vp);
  if ((mode & VWRITE) !== 0 && (node.flags & IMMUTABLE) !== 0) throw ERR.EPERM;
  genfsAccess(node.mode, node.uid, node.gid, mode, cred, node.type);
}

/** Everything is checked before anything changes; who may change flags, by flags.ts. */
export function setattr(vp: Vnode, va: Vattr, cred: Cred): void {
  const node = nodeOf(vp);
  check(vp, node, va, cred);
  const now = tmountOf(vp).now();
  if (va.size !== VNOVAL && node.type === VREG) truncate(vp, node, va.size);
  if (va.flags !== VNOVAL) node.flags = va.flags;
  if (va.uid !== VNOVAL) node.uid = va.uid;
  if (va.gid !== VNOVAL) node.gid = va.gid;
  if (va.mode !== VNOVAL) node.mode = va.mode;
  setTimes(node, va);
  node.touch(CTIME, now);
}

function check(vp: Vnode, node: Node, va: Vattr, cred: Cred): void {
  if (va.flags === VNOVAL && (node.flags & (IMMUTABLE | APPEND)) !== 0) throw ERR.EPERM;
  if (va.size !== VNOVAL) {
    if (node.type === VDIR) throw ERR.EISDIR;
    if (va.size < 0) throw ERR.EINVAL;
  }
  if (va.uid !== VNOVAL || va.gid !== VNOVAL) {
    genfsCanChown(cred, node.uid, node.gid, va.uid === VNOVAL ? node.uid : va.uid, va.gid === VNOVAL ? node.gid : va.gid);
  }
  if (va.mode !== VNOVAL) genfsCanChmod(cred, node.uid, node.gid, node.type, va.mode);
  if (va.timesSet !== 0) genfsCanChtimes(vp, cred, node.uid, va.utimesNull);
}

function setTimes(node: Node, va: Vattr): void {
  if ((va.timesSet & 1) !== 0) {
    node.atime = va.atime;
    node.atimeNsec = va.atimeNsec;
  }
  if ((va.timesSet & 2) !== 0) {
    node.mtime = va.mtime;
    node.mtimeNsec = va.mtimeNsec;
  }
  if ((va.timesSet & 4) !== 0) {
    node.birthtime = va.birthtime;
    node.birthtimeNsec = va.birthtimeNsec;
  }
}
