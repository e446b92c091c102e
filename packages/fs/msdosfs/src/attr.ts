/**
 * Attributes: FAT keeps neither owner nor mode. All files belong to whom the mount says, with the modes that it says; a file that is read-only lacks the
 * bits for writing. SF_ARCHIVED is the archive bit, turned round: what has changed since it was archived has not the one and has the other.
 */
import { ERR, SF_ARCHIVED, type Stat } from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import { VDIR, VNOVAL, VREG, type Vattr, type Vnode, genfsCanChflags, genfsCanChmod, genfsCanChtimes } from '@anykernel/rumpvfs';
import { dosDate } from './dostime.js';
import { truncate } from './file.js';
import { type Node, VTON } from './node.js';
import { ATTR_ARCHIVE, ATTR_READONLY } from './ondisk.js';

/** The preferred size of I/O. */
export const IOSIZE = 65536;
const WRITE_BITS = 0o222;

function modeOf(node: Node): number {
  const { looks } = node.fs;
  if (node.isDir) return 0o040000 | looks.dirmask;
  return 0o100000 | (looks.mask & ((node.attr & ATTR_READONLY) !== 0 ? ~WRITE_BITS : ~0));
}

function flagsOf(node: Node): number {
  return node.isDir || (node.attr & ATTR_ARCHIVE) !== 0 ? 0 : SF_ARCHIVED;
}

/** Bytes that the clusters of a directory have together; of the root of FAT12 and FAT16, its place. EIO. */
function dirBytes(node: Node): number {
  const { info } = node.fs;
  if (node.isRoot && info.bits !== 32) return info.rootLen;
  if (node.destroyed) return 0;
  return Math.min(node.chain.length(node.start), info.clusters) * info.clusterSize;
}

export function getattr(vp: Vnode, st: Stat): void {
  const node = VTON(vp);
  const { fs } = node;
  const { clusterSize } = fs.info;
  st.dev = fs.mp.fsid;
  st.ino = node.ino;
  st.mode = modeOf(node);
  st.nlink = node.removed ? 0 : 1;
  st.uid = fs.looks.uid;
  st.gid = fs.looks.gid;
  st.rdev = 0;
  st.size = node.isDir ? dirBytes(node) : node.size;
  st.blocks = (Math.ceil(st.size / clusterSize) * clusterSize) / 512;
  st.blksize = IOSIZE;
  st.flags = flagsOf(node);
  st.gen = 0;
  // There is no time of change: it is that of modification.
  st.mtime = st.ctime = node.mtime;
  st.mtimeNsec = st.ctimeNsec = 0;
  st.atime = node.atime;
  st.atimeNsec = 0;
  st.birthtime = node.birthtime;
  st.birthtimeNsec = node.birthtimeNsec;
}

/** Everything is checked before anything changes. EPERM: another owner, or what only the owner may. EOPNOTSUPP: flags that FAT has not. */
export function setattr(vp: Vnode, va: Vattr, cred: Cred): void {
  const node = VTON(vp);
  check(vp, node, va, cred);
  const rest = (): void => apply(node, va);
  if (va.size !== VNOVAL && vp.type === VREG) truncate(vp, node, va.size, rest);
  else node.fs.run(rest);
}

function check(vp: Vnode, node: Node, va: Vattr, cred: Cred): void {
  const { uid, gid } = node.fs.looks;
  if (va.flags !== VNOVAL) {
    if ((va.flags & ~SF_ARCHIVED) !== 0 || (node.isDir && va.flags !== 0)) throw ERR.EOPNOTSUPP;
    genfsCanChflags(cred, uid, vp.type, flagsOf(node), va.flags);
  }
  if (va.size !== VNOVAL) {
    if (vp.type === VDIR) throw ERR.EISDIR;
    if (va.size < 0) throw ERR.EINVAL;
  }
  if ((va.uid !== VNOVAL && va.uid !== uid) || (va.gid !== VNOVAL && va.gid !== gid)) throw ERR.EPERM;
  if (va.mode !== VNOVAL) genfsCanChmod(cred, uid, gid, vp.type, va.mode);
  if (va.timesSet !== 0) genfsCanChtimes(vp, cred, uid, va.utimesNull);
}

/** Within a transaction. Of a mode, FAT keeps whether anybody may write a file. */
function apply(node: Node, va: Vattr): void {
  if (node.isRoot) return;
  node.dirty();
  if (va.mode !== VNOVAL && !node.isDir) setBit(node, ATTR_READONLY, (va.mode & WRITE_BITS) === 0);
  if (va.flags !== VNOVAL && !node.isDir) setBit(node, ATTR_ARCHIVE, (va.flags & SF_ARCHIVED) === 0);
  if ((va.timesSet & 1) !== 0) setAccess(node, dosDate(va.atime, node.fs.looks.gmtoff));
  if ((va.timesSet & 2) !== 0) node.setMtime(va.mtime);
  if ((va.timesSet & 4) !== 0) node.setBirthtime(va.birthtime, va.birthtimeNsec);
}

function setAccess(node: Node, date: number): void {
  const { accessed } = node;
  node.setAccessDate(date);
  node.fs.lazyTimes.delete(node);
  if (accessed < 0) return;
  node.fs.txn.undo(() => {
    node.accessed = accessed;
    node.fs.lazyTimes.add(node);
  });
}

function setBit(node: Node, bit: number, on: boolean): void {
  node.attr = on ? node.attr | bit : node.attr & ~bit;
}
