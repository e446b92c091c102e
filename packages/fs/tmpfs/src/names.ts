/**
 * Names in tmpfs directories: look up, make, link, remove, rename, list.
 *
 * Charges come first, since only they can fail; then everything changes at once. A directory that was removed takes no more names.
 */
import { APPEND, ERR, IMMUTABLE, NAME_MAX } from '@anykernel/lib-sys';
import { type Componentname, type EmitDirent, VBLK, VCHR, VDIR, VLNK, type Vattr, type Vnode } from '@anykernel/rumpvfs';
import { type Directory, entryBytes } from './directory.js';
import { accessed } from './file.js';
import { CTIME, MTIME, type Node } from './node.js';
import { nodeOf, tmountOf } from './of.js';

/** The entries of a directory node. */
function dirOf(node: Node): Directory {
  return node.dir as Directory;
}

export function lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
  const dnode = nodeOf(dvp);
  const name = cnp.name;
  if (name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  const node = name === '..' ? dnode.parent : dirOf(dnode).lookup(name);
  if (node === undefined) return undefined;
  return node.vp ?? tmountOf(dvp).vnode(node);
}

/** A regular file, a socket. */
export function create(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return makeNode(dvp, cnp, va, '');
}

/** A device, a fifo. */
export function mknod(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return makeNode(dvp, cnp, va, '');
}

export function mkdir(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return makeNode(dvp, cnp, va, '');
}

export function symlink(dvp: Vnode, cnp: Componentname, va: Vattr, target: string): Vnode {
  return makeNode(dvp, cnp, va, target);
}

function makeNode(dvp: Vnode, cnp: Componentname, va: Vattr, target: string): Vnode {
  const dnode = nodeOf(dvp);
  const tm = tmountOf(dvp);
  const name = cnp.name;
  checkNewName(dnode, name);
  const node = tm.create(va, entryBytes(name) + target.length);
  node.nlink = 1;
  if (va.type === VDIR) {
    node.nlink = 2;
    node.parent = dnode;
    dnode.nlink++;
  }
  if (va.type === VLNK) {
    node.target = target;
    node.extra = target.length;
  }
  if (va.type === VBLK || va.type === VCHR) node.rdev = va.rdev;
  dirOf(dnode).add(name, node);
  dnode.touch(MTIME | CTIME, tm.time);
  return tm.vnode(node);
}

function checkNewName(dnode: Node, name: string): void {
  if (name.length > NAME_MAX) throw ERR.ENAMETOOLONG;
  if (dnode.nlink === 0) throw ERR.ENOENT;
}

export function link(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dnode = nodeOf(dvp);
  const node = nodeOf(vp);
  const tm = tmountOf(dvp);
  checkNewName(dnode, cnp.name);
  if ((node.flags & (IMMUTABLE | APPEND)) !== 0) throw ERR.EPERM;
  if (node.nlink === 0) throw ERR.ENOENT;
  tm.charge(entryBytes(cnp.name));
  dirOf(dnode).add(cnp.name, node);
  node.nlink++;
  node.touch(CTIME, tm.now());
  dnode.touch(MTIME | CTIME, tm.time);
}

/** EPERM: the file may not lose a name, or the directory none of its. */
function checkRemoval(dnode: Node, node: Node): void {
  if (((node.flags & (IMMUTABLE | APPEND)) | (dnode.flags & APPEND)) !== 0) throw ERR.EPERM;
}

export function remove(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const dnode = nodeOf(dvp);
  const node = nodeOf(vp);
  const tm = tmountOf(dvp);
  checkRemoval(dnode, node);
  dirOf(dnode).remove(cnp.name);
  tm.uncharge(entryBytes(cnp.name));
  node.nlink--;
  node.touch(CTIME, tm.now());
  dnode.touch(MTIME | CTIME, tm.time);
}

export function rmdir(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  const node = nodeOf(vp);
  if (dirOf(node).count > 0) throw ERR.ENOTEMPTY;
  remove(dvp, vp, cnp);
  orphan(node, nodeOf(dvp));
}

/** A directory has lost its name: its `.` goes, and its `..`. */
function orphan(node: Node, parent: Node): void {
  node.nlink = 0;
  node.parent = undefined;
  parent.nlink--;
}

export function rename(fdvp: Vnode, fvp: Vnode, fcnp: Componentname, tdvp: Vnode, tvp: Vnode | undefined, tcnp: Componentname): void {
  const fdnode = nodeOf(fdvp);
  const fnode = nodeOf(fvp);
  const tdnode = nodeOf(tdvp);
  const tm = tmountOf(fdvp);
  if (tvp === fvp) {
    if (fdnode !== tdnode || fcnp.name !== tcnp.name) remove(fdvp, fvp, fcnp);
    return;
  }
  const tnode = tvp === undefined ? undefined : nodeOf(tvp);
  checkNewName(tdnode, tcnp.name);
  checkRemoval(fdnode, fnode);
  if (tnode === undefined) {
    tm.charge(entryBytes(tcnp.name));
    dirOf(tdnode).add(tcnp.name, fnode);
  } else {
    checkRemoval(tdnode, tnode);
    if (tnode.dir !== undefined && tnode.dir.count > 0) throw ERR.ENOTEMPTY;
    dirOf(tdnode).replace(tcnp.name, fnode);
    tnode.nlink--;
    if (tnode.dir !== undefined) orphan(tnode, tdnode);
    tnode.touch(CTIME, tm.now());
  }
  dirOf(fdnode).remove(fcnp.name);
  tm.uncharge(entryBytes(fcnp.name));
  if (fnode.dir !== undefined && fdnode !== tdnode) {
    fnode.parent = tdnode;
    fdnode.nlink--;
    tdnode.nlink++;
  }
  fnode.touch(CTIME, tm.now());
  fdnode.touch(MTIME | CTIME, tm.time);
  tdnode.touch(MTIME | CTIME, tm.time);
}

export function readlink(vp: Vnode): string {
  const node = nodeOf(vp);
  accessed(vp, node);
  return node.target;
}

/** EINVAL: a cookie that is no number of an entry. */
export function readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
  if (!Number.isSafeInteger(cookie) || cookie < 0) throw ERR.EINVAL;
  const node = nodeOf(vp);
  accessed(vp, node);
  if (node.nlink > 0) dirOf(node).list(node, cookie, emit);
}
