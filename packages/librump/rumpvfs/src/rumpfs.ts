/**
 * The root file system: a small one in memory, which holds the mount points and /dev, and gives host files names (etfs.ts).
 *
 * A node keeps its vnode once it has one; vnodes are reclaimed like any, nodes live as long as they have a name or are in use.
 * It has what a file system needs, renames and hard links included; tmpfs is the one with limits and accounts.
 */
import { APPEND, ERR, SF_SETTABLE, type Stat, type Statvfs, UF_SETTABLE } from '@anykernel/lib-sys';
import type { Cred, Lwp, Uio } from '@anykernel/rumpkern';
import { fifofs } from './fifofs.js';
import { genfs, genfsCanChflags } from './genfs.js';
import {
  genfsCanChmod, genfsCanChown, genfsCanChtimes, genfsCheckFlags, genfsCheckOpen, typeToMode,
} from './genfsbare.js';
import type { Mount, Vfsops } from './mount.js';
import {
  ATIME, CTIME, type Entry, MTIME, NODE_COST, Node, RumpfsMount, attrCost, enter, entryCost, leave, memOf, newNode, touch,
} from './rumpfsnode.js';
import { specfs } from './specfs.js';
import { Uobj } from './uobj.js';
import { uobjDiscard } from './uobjholes.js';
import {
  type Componentname,
  type EmitDirent,
  IO_APPEND,
  type Vattr,
  VBLK,
  VCHR,
  VDIR,
  VFIFO,
  VNOVAL,
  Vnode,
  type VnodeOps,
  VREG,
  type Vtype,
} from './vnode.js';

function nodeOf(vp: Vnode): Node {
  return vp.data as Node;
}

function vnodeOf(node: Node): Vnode {
  const vp = node.vp;
  if (vp === undefined) return node.fs.mp.vget(node.ino);
  vp.recent = true;
  return vp;
}

const NAMEMAX = 255;

function checkName(cnp: Componentname): void {
  if (cnp.name.length > NAMEMAX) throw ERR.ENAMETOOLONG;
}

/** EBUSY: a file of the host under a name in the root is not renamed or removed here. */
function checkOwn(vp: Vnode): void {
  if (!(vp.data instanceof Node)) throw ERR.EBUSY;
}

function make(dvp: Vnode, cnp: Componentname, va: Vattr, target = ''): Vnode {
  checkName(cnp);
  const dir = nodeOf(dvp);
  genfsCheckFlags(dir.flags, true);
  memOf(dir).charge(NODE_COST + target.length + entryCost(cnp.name));
  const node = newNode(dir.fs, va);
  node.target = target;
  node.size = target.length;
  if (va.type === VDIR) {
    node.nlink = 2;
    node.parent = dir;
    dir.nlink++;
  }
  enter(dir, cnp.name, node);
  return vnodeOf(node);
}

/** The name goes, and the node with it when it was the last one and nobody uses it. */
function unname(dir: Node, name: string, node: Node): void {
  leave(dir, name);
  node.nlink--;
  touch(node, CTIME);
}

const ops: VnodeOps = {
  ...genfs,
  name: 'rumpfs',

  lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
    const dir = nodeOf(dvp);
    if (cnp.name === '..') return vnodeOf(dir.parent ?? dir);
    if (dir === dir.fs.root) {
      const { etfs } = dir.fs.mp.vfs;
      if (etfs !== undefined && etfs.count > 0) {
        const vp = etfs.lookup(dvp, cnp);
        if (vp !== undefined) return vp;
      }
    }
    const entry = (dir.entries as Map<string, Entry>).get(cnp.name);
    if (entry === undefined) {
      checkName(cnp);
      return undefined;
    }
    return vnodeOf(entry.node);
  },

  create: make,
  mknod: make,
  mkdir: make,
  symlink: make,

  link(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
    checkName(cnp);
    checkOwn(vp);
    const node = nodeOf(vp);
    genfsCheckFlags(node.flags, false);
    memOf(node).charge(entryCost(cnp.name));
    node.nlink++;
    enter(nodeOf(dvp), cnp.name, node);
    touch(node, CTIME);
  },

  remove(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
    checkOwn(vp);
    genfsCheckFlags(nodeOf(vp).flags, false);
    genfsCheckFlags(nodeOf(dvp).flags, false);
    unname(nodeOf(dvp), cnp.name, nodeOf(vp));
  },

  rmdir(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
    checkOwn(vp);
    const node = nodeOf(vp);
    if ((node.entries as Map<string, Entry>).size > 0) throw ERR.ENOTEMPTY;
    genfsCheckFlags(node.flags, false);
    genfsCheckFlags(nodeOf(dvp).flags, false);
    unname(nodeOf(dvp), cnp.name, node);
    nodeOf(dvp).nlink--;
    node.nlink--;
  },

  rename(fdvp: Vnode, fvp: Vnode, fcnp: Componentname, tdvp: Vnode, tvp: Vnode | undefined, tcnp: Componentname): void {
    checkName(tcnp);
    checkOwn(fvp);
    if (tvp !== undefined) checkOwn(tvp);
    const node = nodeOf(fvp);
    const from = nodeOf(fdvp);
    const to = nodeOf(tdvp);
    const old = tvp === undefined ? undefined : nodeOf(tvp);
    genfsCheckFlags(node.flags, false);
    genfsCheckFlags(from.flags, false);
    if (old !== undefined) {
      genfsCheckFlags(old.flags, false);
      if (old.entries !== undefined && old.entries.size > 0) throw ERR.ENOTEMPTY;
    }
    memOf(node).charge(entryCost(tcnp.name));
    if (old !== undefined) {
      if (old.entries !== undefined) {
        old.nlink--;
        to.nlink--;
      }
      unname(to, tcnp.name, old);
    }
    leave(from, fcnp.name);
    enter(to, tcnp.name, node);
    touch(node, CTIME);
    if (node.type === VDIR && from !== to) {
      node.parent = to;
      from.nlink--;
      to.nlink++;
    }
  },

  readlink(vp: Vnode): string {
    const node = nodeOf(vp);
    touch(node, ATIME);
    return node.target;
  },

  readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
    const dir = nodeOf(vp);
    const entries = [...(dir.entries as Map<string, Entry>).values()];
    touch(dir, ATIME);
    if (cookie < 1 && !emit(dir.ino, VTTODT[VDIR], '.', 1)) return;
    if (cookie < 2 && !emit((dir.parent ?? dir).ino, VTTODT[VDIR], '..', 2)) return;
    for (const e of entries.reverse()) {
      if ((cookie <= 2 || e.cookie <= cookie) && !emit(e.node.ino, VTTODT[e.node.type], e.name, e.cookie - 1)) return;
    }
  },

  open(vp: Vnode, flag: number): void {
    genfsCheckOpen(nodeOf(vp).flags, flag);
  },

  getattr(vp: Vnode, st: Stat): void {
    const node = nodeOf(vp);
    st.dev = node.fs.mp.fsid;
    st.ino = node.ino;
    st.mode = typeToMode(node.type) | node.mode;
    st.nlink = node.nlink;
    st.uid = node.uid;
    st.gid = node.gid;
    st.rdev = node.rdev;
    st.size = node.entries === undefined ? node.size : node.entries.size * ENTRY_LEN;
    st.blocks = node.bytes === undefined ? 0 : node.bytes.pages * 8;
    st.blksize = BLKSIZE;
    st.flags = node.flags;
    st.gen = 0;
    st.atime = node.atime;
    st.atimeNsec = node.atimeNsec;
    st.mtime = node.mtime;
    st.mtimeNsec = node.mtimeNsec;
    st.ctime = node.ctime;
    st.ctimeNsec = node.ctimeNsec;
    st.birthtime = node.birthtime;
    st.birthtimeNsec = node.birthtimeNsec;
  },

  setattr(vp: Vnode, va: Vattr, cred: Cred): void {
    const node = nodeOf(vp);
    if (va.flags !== VNOVAL) setFlags(node, va.flags, cred);
    else genfsCheckFlags(node.flags, false);
    if (va.mode !== VNOVAL) genfsCanChmod(cred, node.uid, node.gid, node.type, va.mode);
    const uid = va.uid === VNOVAL ? node.uid : va.uid;
    const gid = va.gid === VNOVAL ? node.gid : va.gid;
    if (va.uid !== VNOVAL || va.gid !== VNOVAL) genfsCanChown(cred, node.uid, node.gid, uid, gid);
    if (va.timesSet !== 0) genfsCanChtimes(vp, cred, node.uid, va.utimesNull);
    if (va.size !== VNOVAL && node.type === VREG) truncate(node, va.size);
    if (va.mode !== VNOVAL) node.mode = va.mode & 0o7777;
    node.uid = uid;
    node.gid = gid;
    touch(node, CTIME);
    setTimes(node, va);
  },

  read(vp: Vnode, uio: Uio): void {
    const node = nodeOf(vp);
    node.bytes?.read(uio, node.size);
    if (node.bytes === undefined && uio.offset < node.size) uio.moveZeros(Math.min(uio.resid, node.size - uio.offset));
    touch(node, ATIME);
  },

  write(vp: Vnode, uio: Uio, ioflag: number): void {
    const node = nodeOf(vp);
    if (uio.resid === 0) return;
    if ((ioflag & IO_APPEND) !== 0) uio.offset = node.size;
    // fcntl(2) may have taken O_APPEND away.
    else if ((node.flags & APPEND) !== 0 && uio.offset !== node.size) throw ERR.EPERM;
    const bytes = (node.bytes ??= new Uobj(node.fs.mp.vfs.k));
    try {
      bytes.write(uio, uio.resid, node.size);
    } finally {
      if (uio.offset > node.size) node.size = uio.offset;
      touch(node, MTIME | CTIME);
    }
  },

  fdiscard(vp: Vnode, off: number, len: number): void {
    const node = nodeOf(vp);
    genfsCheckFlags(node.flags, false);
    const end = Math.min(off + len, node.size);
    if (end > off && node.bytes !== undefined) uobjDiscard(node.bytes, off, end - off);
    touch(node, MTIME | CTIME);
  },

  getextattr(vp: Vnode, ns: number, name: string): Uint8Array | undefined {
    return nodeOf(vp).xattrs?.get(`${ns}${name}`)?.slice();
  },
  setextattr(vp: Vnode, ns: number, name: string, value: Uint8Array): void {
    const node = nodeOf(vp);
    genfsCheckFlags(node.flags, false);
    const key = `${ns}${name}`;
    memOf(node).charge(attrCost(key, value) - attrCost(key, node.xattrs?.get(key)));
    (node.xattrs ??= new Map()).set(key, value.slice());
    touch(node, CTIME);
  },
  deleteextattr(vp: Vnode, ns: number, name: string): void {
    const node = nodeOf(vp);
    genfsCheckFlags(node.flags, false);
    const key = `${ns}${name}`;
    const value = node.xattrs?.get(key);
    if (value === undefined) throw ERR.ENOATTR;
    memOf(node).uncharge(attrCost(key, value));
    node.xattrs?.delete(key);
    touch(node, CTIME);
  },
  listextattr(vp: Vnode, ns: number): string[] {
    const all = [...(nodeOf(vp).xattrs?.keys() ?? [])];
    return all.filter((key) => key.startsWith(String(ns))).map((key) => key.slice(String(ns).length));
  },

  inactive(vp: Vnode): boolean {
    return nodeOf(vp).nlink <= 0;
  },

  reclaim(vp: Vnode): void {
    const node = nodeOf(vp);
    node.vp = undefined;
    if (node.nlink > 0) return;
    node.bytes?.drop();
    for (const [key, value] of node.xattrs ?? []) memOf(node).uncharge(attrCost(key, value));
    memOf(node).uncharge(NODE_COST + node.target.length);
    node.fs.nodes.delete(node.ino);
  },
};

const specOps: VnodeOps = { ...ops, ...specfs };
const fifoOps: VnodeOps = { ...ops, ...fifofs };

const BLKSIZE = 65536;
/** What an entry counts for in the size of a directory. */
const ENTRY_LEN = 32;
/** Directory entry types by vnode type. */
const VTTODT: readonly number[] = [0, 8, 4, 6, 2, 10, 12, 1, 0];

function setFlags(node: Node, flags: number, cred: Cred): void {
  genfsCanChflags(cred, node.uid, node.type, node.flags, flags);
  node.flags = (flags & (UF_SETTABLE | SF_SETTABLE)) >>> 0;
}

function truncate(node: Node, size: number): void {
  genfsCheckFlags(node.flags, false);
  if (size < node.size) node.bytes?.truncate(size);
  node.size = size;
  touch(node, MTIME);
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

function opsFor(type: Vtype): VnodeOps {
  if (type === VBLK || type === VCHR) return specOps;
  return type === VFIFO ? fifoOps : ops;
}

export const rumpfsOps: Vfsops = {
  name: 'rumpfs',

  mount(mp: Mount, _args: object, _l: Lwp, update: boolean): void {
    if (update) return;
    const fs = new RumpfsMount(mp);
    const va = mp.vfs.va.clear();
    va.type = VDIR;
    va.mode = 0o755;
    va.uid = va.gid = 0;
    mp.data = fs;
    fs.root = newNode(fs, va);
    fs.root.nlink = 2;
  },

  unmount(): void {
    // What it held goes with it.
  },

  root(mp: Mount): Vnode {
    return vnodeOf((mp.data as RumpfsMount).root);
  },

  statvfs(mp: Mount, sb: Statvfs): void {
    sb.bsize = sb.frsize = 512;
    sb.iosize = BLKSIZE;
    sb.files = (mp.data as RumpfsMount).nodes.size;
    sb.namemax = NAMEMAX;
  },

  sync(): void {
    // It is in memory.
  },

  loadvnode(mp: Mount, key: number): Vnode {
    const node = (mp.data as RumpfsMount).nodes.get(key);
    if (node === undefined) throw ERR.ENOENT;
    const vp = new Vnode(node.type, opsFor(node.type), mp, node, node.ino);
    vp.rdev = node.rdev;
    node.vp = vp;
    return vp;
  },

  vptofh(vp: Vnode): Uint8Array {
    const fh = new Uint8Array(4);
    new DataView(fh.buffer).setUint32(0, nodeOf(vp).ino, true);
    return fh;
  },

  fhtovp(mp: Mount, fh: Uint8Array): Vnode {
    if (fh.length !== 4) throw ERR.EINVAL;
    const node = (mp.data as RumpfsMount).nodes.get(new DataView(fh.buffer, fh.byteOffset).getUint32(0, true));
    if (node === undefined || node.nlink <= 0) throw ERR.ESTALE;
    return vnodeOf(node);
  },
};
