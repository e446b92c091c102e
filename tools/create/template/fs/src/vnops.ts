/** What foofs does with files. What is not in the table, genfs refuses. */
import { ERR, NAME_MAX, S_IFDIR, S_IFREG, type Stat } from '@anykernel/lib-sys';
import type { Cred, Uio } from '@anykernel/rumpkern';
import {
  type Componentname,
  type EmitDirent,
  genfs,
  genfsCanChmod,
  genfsCanChown,
  genfsCanChtimes,
  IO_APPEND,
  type Mount,
  VDIR,
  VNOVAL,
  type Vattr,
  type Vnode,
  type VnodeOps,
} from '@anykernel/rumpvfs';
import { type Node, PAGE, type Volume } from './node.js';

/** The largest file. */
const MAX_BYTES = 2 ** 30;
const DT_DIR = 4;
const DT_REG = 8;

const nodeOf = (vp: Vnode): Node => vp.data as Node;
const volumeOf = (vp: Vnode): Volume => (vp.mp as Mount).data as Volume;

export const vnops: VnodeOps = {
  ...genfs,
  name: 'foofs',
  lookup,
  create: make,
  mkdir: make,
  remove,
  rmdir,
  readdir,
  getattr,
  setattr,
  read,
  write,
  fsync(): void {},
  inactive: (vp: Vnode): boolean => nodeOf(vp).nlink === 0,
  reclaim(vp: Vnode): void {
    if (nodeOf(vp).nlink === 0) volumeOf(vp).forget(nodeOf(vp));
  },
};

/** ENAMETOOLONG. */
function lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
  const dir = nodeOf(dvp);
  if (cnp.name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  const found = cnp.name === '..' ? dir.parent : dir.entries.get(cnp.name)?.node;
  return found === undefined ? undefined : volumeOf(dvp).vnode(found);
}

/** ENAMETOOLONG, ENOSPC. */
function make(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  if (cnp.name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  const volume = volumeOf(dvp);
  return volume.vnode(volume.make(nodeOf(dvp), cnp.name, va));
}

function remove(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  volumeOf(dvp).unlink(nodeOf(dvp), cnp.name, nodeOf(vp));
}

/** ENOTEMPTY. */
function rmdir(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  if (nodeOf(vp).entries.size > 0) throw ERR.ENOTEMPTY;
  remove(dvp, vp, cnp);
}

/** The cookie of an entry is its place. EINVAL: no place. */
function readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
  if (cookie < 0) throw ERR.EINVAL;
  const dir = nodeOf(vp);
  dir.atime = volumeOf(vp).now();
  if (dir.nlink === 0) return;
  if (cookie < 1 && !emit(dir.ino, DT_DIR, '.', 1)) return;
  if (cookie < 2 && !emit((dir.parent ?? dir).ino, DT_DIR, '..', 2)) return;
  for (const [name, { node, place }] of dir.entries) {
    if (place >= cookie && !emit(node.ino, node.type === VDIR ? DT_DIR : DT_REG, name, place + 1)) return;
  }
}

function getattr(vp: Vnode, st: Stat): void {
  const node = nodeOf(vp);
  st.dev = (vp.mp as Mount).fsid;
  st.ino = node.ino;
  st.mode = (node.type === VDIR ? S_IFDIR : S_IFREG) | node.mode;
  st.nlink = node.nlink;
  st.uid = node.uid;
  st.gid = node.gid;
  st.rdev = 0;
  st.size = node.type === VDIR ? node.entries.size : node.size;
  st.blocks = Math.ceil(node.size / PAGE) * (PAGE / 512);
  st.blksize = PAGE;
  st.flags = 0;
  st.gen = 1;
  st.atime = node.atime.sec;
  st.atimeNsec = node.atime.nsec;
  st.mtime = node.mtime.sec;
  st.mtimeNsec = node.mtime.nsec;
  st.ctime = st.birthtime = node.ctime.sec;
  st.ctimeNsec = st.birthtimeNsec = node.ctime.nsec;
}

/** Refusals first: EOPNOTSUPP (flags), EPERM, EACCES, EFBIG. */
function setattr(vp: Vnode, va: Vattr, cred: Cred): void {
  const node = nodeOf(vp);
  if (va.flags !== VNOVAL) throw ERR.EOPNOTSUPP;
  if (va.uid !== VNOVAL || va.gid !== VNOVAL) genfsCanChown(cred, node.uid, node.gid, orElse(va.uid, node.uid), orElse(va.gid, node.gid));
  if (va.mode !== VNOVAL) genfsCanChmod(cred, node.uid, node.gid, node.type, va.mode);
  if (va.timesSet !== 0) genfsCanChtimes(vp, cred, node.uid, va.utimesNull);
  const now = volumeOf(vp).now();
  if (va.size !== VNOVAL) {
    if (va.size > MAX_BYTES) throw ERR.EFBIG;
    volumeOf(vp).resize(node, va.size);
    node.mtime = now;
  }
  node.uid = orElse(va.uid, node.uid);
  node.gid = orElse(va.gid, node.gid);
  node.mode = orElse(va.mode, node.mode);
  if ((va.timesSet & 1) !== 0) node.atime = { sec: va.atime, nsec: va.atimeNsec };
  if ((va.timesSet & 2) !== 0) node.mtime = { sec: va.mtime, nsec: va.mtimeNsec };
  node.ctime = now;
}

function orElse(value: number, otherwise: number): number {
  return value === VNOVAL ? otherwise : value;
}

function read(vp: Vnode, uio: Uio): void {
  const node = nodeOf(vp);
  if (uio.offset < node.size) uio.move(node.bytes, uio.offset, node.size - uio.offset);
  node.atime = volumeOf(vp).now();
}

/** As far as there is room. EFBIG, ENOSPC. */
function write(vp: Vnode, uio: Uio, ioflag: number): void {
  const node = nodeOf(vp);
  const volume = volumeOf(vp);
  if (uio.resid === 0) return;
  if ((ioflag & IO_APPEND) !== 0) uio.offset = node.size;
  if (uio.offset >= MAX_BYTES) throw ERR.EFBIG;
  const end = Math.min(uio.offset + uio.resid, MAX_BYTES, volume.longest(node));
  if (end <= uio.offset) throw ERR.ENOSPC;
  if (end > node.size) volume.resize(node, end);
  uio.move(node.bytes, uio.offset, end - uio.offset);
  node.mtime = node.ctime = volume.now();
}
