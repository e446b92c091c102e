/** The vnode operations of ISO 9660. */
import { ERR, type Stat, _PC_LINK_MAX, _PC_NAME_MAX, _PC_FILESIZEBITS, NAME_MAX } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import {
  type Componentname, type EmitDirent, VBLK, VCHR, VFIFO, VLNK, VREG, type Vnode, type VnodeOps, fifofs, genfs, genfsPathconf, modeToType, specfs,
} from '@anykernel/rumpvfs';
import { type Entry, dirFind, dirRead, foundDir, parentBlock } from './dir.js';
import { bmapOf, read, sizeOf } from './file.js';
import type { CdFs } from './fs.js';
import { type Found, Node, VTON, forgetNode, targetOf, vnodeOf } from './node.js';
import { DR_DIRECTORY } from './ondisk.js';

/** The preferred size of I/O. */
export const IOSIZE = 65_536;

function lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
  const dp = VTON(dvp);
  const { fs } = dp;
  const { name } = cnp;
  if (name === '..') return vnodeOf(parentOf(dp));
  const plain = fs.info.encoding === 'iso' && fs.suspSkip === undefined;
  const { namecache } = fs.mp.vfs;
  // Where case does not count, the cache would not know.
  const known = plain ? undefined : namecache.lookup(dvp, name);
  if (known !== undefined) return known ?? undefined;
  if (name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  const entry = dirFind(dp, name);
  const vp = entry === undefined ? undefined : vnodeOf(nodeOf(dp, entry));
  if (!plain) namecache.enter(dvp, name, vp);
  return vp;
}

/** The directory above; a directory that was reached by its number finds it on the disk. EIO. */
function parentOf(dp: Node): Node {
  if (dp.parent !== undefined || dp === dp.fs.root) return dp.parent ?? dp;
  const { fs } = dp;
  const block = parentBlock(dp);
  const parent = fs.nodes.get(block * fs.bsize) ?? loadDir(fs, block);
  for (let up: Node | undefined = parent; up !== undefined; up = up.parent) if (up === dp) fs.corrupt(`the directory at block ${dp.block} is below itself`);
  dp.parent = parent;
  parent.children++;
  return parent;
}

/** A directory by its block alone. EIO: there is none. */
function loadDir(fs: CdFs, block: number): Node {
  return addDir(fs, block, foundDir(fs, block) ?? fs.corrupt(`there is no directory at block ${block}`));
}

/** A directory that was found by its block alone comes into memory. */
export function addDir(fs: CdFs, block: number, found: Found): Node {
  const node = new Node(fs, block * fs.bsize, undefined, found);
  fs.nodes.set(node.ino, node);
  return node;
}

/** The number of the file of an entry. */
function inoOf(fs: CdFs, e: Entry): number {
  if ((e.first.flags & DR_DIRECTORY) !== 0) return e.sections[0].block * fs.bsize;
  // Names of one file share its data; records begin at even bytes, and so no record has this number.
  if (e.rock.nlink > 1 && e.sections[0].size > 0 && modeToType(e.rock.mode ?? 0) === VREG) return e.sections[0].block * fs.bsize + 1;
  return e.place;
}

/** The file of an entry. EIO: a directory that is in two places, or below itself. */
function nodeOf(dp: Node, e: Entry): Node {
  const { fs } = dp;
  const ino = inoOf(fs, e);
  const there = fs.nodes.get(ino);
  if (there === undefined) {
    if ((e.first.flags & DR_DIRECTORY) !== 0 && e.first.size === 0) fs.corrupt(`the directory at block ${e.first.extent} is empty`);
    const node = new Node(fs, ino, dp, e, e.name);
    fs.nodes.set(ino, node);
    return node;
  }
  if (there.isDir && (there === fs.root || isAbove(there, dp) || (there.parent ?? dp) !== dp)) fs.corrupt(`the directory at block ${there.block} is also in another place`);
  if (there.isDir && there.parent === undefined) {
    there.parent = dp;
    dp.children++;
  }
  return there;
}

function isAbove(node: Node, dp: Node): boolean {
  for (let up: Node | undefined = dp; up !== undefined; up = up.parent) if (up === node) return true;
  return false;
}

function readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
  const dp = VTON(vp);
  const { fs } = dp;
  dirRead(dp, cookie, () => parentOf(dp).ino, (e) => inoOf(fs, e), emit);
}

function getattr(vp: Vnode, st: Stat): void {
  const node = VTON(vp);
  const { fs, rock } = node;
  const size = node.type === VLNK ? (rock.target ?? '').length : sizeOf(node);
  st.dev = fs.mp.fsid;
  st.ino = node.ino;
  st.mode = node.mode;
  st.nlink = rock.nlink;
  st.uid = rock.uid;
  st.gid = rock.gid;
  st.rdev = vp.rdev;
  st.size = size;
  st.blocks = (Math.ceil(node.size / fs.bsize) * fs.bsize) / 512;
  st.blksize = IOSIZE;
  st.flags = 0;
  st.gen = 1;
  st.mtime = rock.mtime ?? node.time;
  st.atime = rock.atime ?? st.mtime;
  st.ctime = rock.ctime ?? st.mtime;
  st.birthtime = rock.birthtime ?? st.mtime;
  st.atimeNsec = st.mtimeNsec = st.ctimeNsec = st.birthtimeNsec = 0;
}

function pathconf(vp: Vnode, name: number): number {
  if (name === _PC_LINK_MAX) return 1;
  if (name === _PC_NAME_MAX) return NAME_MAX;
  return name === _PC_FILESIZEBITS ? 44 : genfsPathconf(vp, name);
}

const cdOps: VnodeOps = {
  ...genfs,
  name: 'cd9660',
  lookup, readdir, getattr, read, pathconf,
  readlink: (vp: Vnode, _l: Lwp): string => targetOf(VTON(vp)),
  bmap: bmapOf,
  reclaim: (vp: Vnode): void => forgetNode(VTON(vp)),
};
const cdSpecOps: VnodeOps = { ...cdOps, ...specfs, name: 'cd9660' };
const cdFifoOps: VnodeOps = { ...cdOps, ...fifofs, name: 'cd9660' };

export function opsOf(node: Node): VnodeOps {
  if (node.type === VBLK || node.type === VCHR) return cdSpecOps;
  return node.type === VFIFO ? cdFifoOps : cdOps;
}
