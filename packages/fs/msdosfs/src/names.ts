/**
 * Names in FAT directories: look up, make, remove, rename, list.
 *
 * What can be refused is refused before anything changes; the rest is one transaction. A file has one name, and a directory one place: a second one, or
 * one below itself, is a fault of the disk.
 */
import { putU16le, utf16Of } from '@anykernel/lib-bytes';
import { ERR, MAXNAMLEN } from '@anykernel/lib-sys';
import { type Componentname, type EmitDirent, VDIR, VREG, type Vattr, type Vnode } from '@anykernel/rumpvfs';
import { allocClusters } from './alloc.js';
import { type Entered, dirEnter, dirFind, dirNameAt, dirRead, dirRemove, indexOf, isDots, slotOff, zeroCluster } from './dir.js';
import { longsOf, slotOf } from './dirindex.js';
import { markAccess } from './file.js';
import type { MsdosFs } from './fs.js';
import { keptName } from './longname.js';
import { Node, VTON, enroll, movePlace, placeOf, startOf, vnodeOf } from './node.js';
import { ATTR_ARCHIVE, ATTR_DIRECTORY, ATTR_READONLY, DE_ATTR, DE_START, DE_START_HIGH, DIRENT_LEN, NAME_MAX } from './ondisk.js';
import { lostName } from './remove.js';

export function lookup(dvp: Vnode, cnp: Componentname): Vnode | undefined {
  const dp = VTON(dvp);
  const { name } = cnp;
  if (name === '..') return vnodeOf(dp.parent ?? dp);
  if (dp.removed) return undefined;
  const packed = dirFind(dp, name);
  if (packed >= 0) return vnodeOf(nodeAt(dp, slotOf(packed), longsOf(packed)));
  if (name.length > NAME_MAX && (utf16Of(name)?.length ?? name.length) > NAME_MAX) throw ERR.ENAMETOOLONG;
  return undefined;
}

/** The file with the short entry at `slot`. EIO: it makes no sense. */
function nodeAt(dp: Node, slot: number, longs: number): Node {
  const { fs } = dp;
  const place = slotOff(fs, indexOf(dp), slot);
  const bp = fs.blockAt(place);
  const off = place & (fs.bsize - 1);
  const isDir = (bp.data[off + DE_ATTR] & ATTR_DIRECTORY) !== 0;
  const key = isDir ? startOf(fs, bp.data, off) : placeOf(place);
  const there = (isDir ? fs.dirs : fs.files).get(key);
  if (there !== undefined) {
    if (there.parent !== dp || there.slot !== slot) fs.corrupt(`directory ${dp.ino}: the directory in cluster ${key} is also in another place`);
    return there;
  }
  if (isDir && !fs.isCluster(key)) fs.corrupt(`directory ${dp.ino}: a directory begins with cluster ${key}`);
  const node = new Node(fs, fs.inoFor(numberOf(fs, isDir, key)), dp, bp, off);
  node.slot = slot;
  node.longs = longs;
  enroll(node, key);
  return node;
}

/** The number of a file: the place of its entry, or of the first entry in a directory. */
function numberOf(fs: MsdosFs, isDir: boolean, key: number): number {
  return isDir ? placeOf(fs.clusterOff(key)) : key;
}

// -- making

/** A regular file. EOPNOTSUPP: nothing else. */
export function create(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  if (va.type !== VREG) throw ERR.EOPNOTSUPP;
  return makeFile(dvp, cnp, va);
}

export function mkdir(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return makeFile(dvp, cnp, va);
}

/** The name as it is kept, in UTF-16. ENAMETOOLONG; EINVAL: there can be none like it. */
function newName(dp: Node, name: string): string {
  if (dp.removed) throw ERR.ENOENT;
  const text = utf16Of(name);
  if (text === undefined) throw ERR.EINVAL;
  if (text.length > NAME_MAX || name.length > MAXNAMLEN) throw ERR.ENAMETOOLONG;
  const kept = keptName(text);
  if (kept === undefined) throw ERR.EINVAL;
  return kept;
}

function makeFile(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  const dp = VTON(dvp);
  const { fs } = dp;
  const name = newName(dp, cnp.name);
  const node = fs.run(() => {
    const entry = newEntry(fs, va);
    if (va.type === VDIR) {
      const { first } = allocClusters(fs, fs.nextFree, 1);
      setStart(entry, 0, fs, first);
      initDir(dp, first, entry);
    }
    const at = dirEnter(dp, name, entry);
    if (!dp.isRoot) dp.touch();
    return newNode(dp, at, va.type === VDIR);
  });
  return vnodeOf(node);
}

/** The 32 bytes of a new file, without a name. */
function newEntry(fs: MsdosFs, va: Vattr): Uint8Array {
  const scratch = new Node(fs, 0, undefined, undefined, 0);
  const { sec, nsec } = fs.now();
  const isDir = va.type === VDIR;
  scratch.attr = (isDir ? ATTR_DIRECTORY : ATTR_ARCHIVE) | (!isDir && (va.mode & 0o222) === 0 ? ATTR_READONLY : 0);
  scratch.setMtime(sec);
  scratch.setBirthtime(sec, nsec);
  scratch.setAccessDate(fs.today());
  return scratch.bytes();
}

function setStart(b: Uint8Array, off: number, fs: MsdosFs, start: number): void {
  putU16le(b, off + DE_START, start & 0xffff);
  if (fs.info.bits === 32) putU16le(b, off + DE_START_HIGH, start >>> 16);
}

function newNode(dp: Node, at: Entered, isDir: boolean): Node {
  const { fs } = dp;
  const key = isDir ? startOf(fs, at.bp.data, at.off) : placeOf(at.place);
  const node = new Node(fs, fs.inoFor(numberOf(fs, isDir, key)), dp, at.bp, at.off);
  node.slot = at.slot;
  node.longs = at.longs;
  enroll(node, key);
  fs.txn.undo(() => {
    movePlaceless(node);
    dp.children--;
    node.release();
  });
  return node;
}

/** As if it had never been there. */
function movePlaceless(node: Node): void {
  const { fs } = node;
  fs.byIno.delete(node.ino);
  const places = node.isDir ? fs.dirs : fs.files;
  if (places.get(node.place) === node) places.delete(node.place);
}

/** The first cluster of a directory: itself and its parent, then nothing. */
function initDir(dp: Node, first: number, entry: Uint8Array): void {
  const { fs } = dp;
  zeroCluster(fs, first);
  const { data } = fs.bcache.bread(fs.clusterBlock(first));
  for (const [off, dots] of [[0, '.'], [DIRENT_LEN, '..']] as const) {
    data.set(entry, off);
    data.fill(0x20, off, off + 11);
    for (let i = 0; i < dots.length; i++) data[off + i] = 0x2e;
  }
  setStart(data, DIRENT_LEN, fs, parentStart(dp));
}

/** What `..` says of a directory: the root has 0, whatever its cluster is. */
function parentStart(dp: Node): number {
  return dp.isRoot ? 0 : dp.start;
}

// -- taking

export function remove(dvp: Vnode, vp: Vnode, _cnp: Componentname): void {
  const dp = VTON(dvp);
  const node = VTON(vp);
  checkPlace(dp, node);
  dp.fs.run(() => takeName(dp, vp, node));
}

/** ENOENT: it is not there any more. */
function checkPlace(dp: Node, node: Node): void {
  if (node.removed || node.parent !== dp) throw ERR.ENOENT;
}

/** Within a transaction. */
function takeName(dp: Node, vp: Vnode, node: Node): void {
  dirRemove(dp, node.slot, node.longs);
  if (!dp.isRoot) dp.touch();
  lostName(vp, node);
}

export function rmdir(dvp: Vnode, vp: Vnode, _cnp: Componentname): void {
  const dp = VTON(dvp);
  const node = VTON(vp);
  checkPlace(dp, node);
  if (indexOf(node).count > 0) throw ERR.ENOTEMPTY;
  dp.fs.run(() => takeName(dp, vp, node));
}

/** The names of a file differ by case only where `tvp` is left out although there is such a name: then it is written anew. */
export function rename(fdvp: Vnode, fvp: Vnode, _fcnp: Componentname, tdvp: Vnode, tvp: Vnode | undefined, tcnp: Componentname): void {
  const fdp = VTON(fdvp);
  const tdp = VTON(tdvp);
  const node = VTON(fvp);
  const target = tvp === undefined ? undefined : VTON(tvp);
  const { fs } = node;
  const name = newName(tdp, tcnp.name);
  checkPlace(fdp, node);
  if (target !== undefined) checkPlace(tdp, target);
  if (target?.isDir === true && indexOf(target).count > 0) throw ERR.ENOTEMPTY;
  fs.run(() => {
    if (tvp !== undefined && target !== undefined && dirNameAt(tdp, target.slot, target.longs) === name) replace(tdp, tvp, target, node);
    else moveEntry(tdp, tvp, target, node, name);
    if (node.isDir && fdp !== tdp) setParent(node, tdp);
    if (!fdp.isRoot) fdp.touch();
    if (!tdp.isRoot) tdp.touch();
    if (!node.isDir) {
      node.dirty();
      node.attr |= ATTR_ARCHIVE;
    }
  });
}

/** The entry of `target` says what the one of `node` does, in one step, and keeps its name. */
function replace(tdp: Node, tvp: Vnode, target: Node, node: Node): void {
  const { fs } = node;
  const { slot, longs } = target;
  const place = slotOff(fs, indexOf(tdp), slot);
  const bp = fs.blockAt(place);
  const off = place & (fs.bsize - 1);
  const entry = node.bytes();
  const fdp = node.parent as Node;
  lostName(tvp, target);
  fs.txn.dirty(bp, off, DIRENT_LEN);
  // The name, and NT's bits for its case, stay.
  bp.data.set(entry.subarray(DE_ATTR, DE_ATTR + 1), off + DE_ATTR);
  bp.data.set(entry.subarray(DE_ATTR + 2), off + DE_ATTR + 2);
  dirRemove(fdp, node.slot, node.longs);
  settle(node, tdp, { bp, off, slot, longs, place });
}

/** A new entry, and the old ones go. */
function moveEntry(tdp: Node, tvp: Vnode | undefined, target: Node | undefined, node: Node, name: string): void {
  const fdp = node.parent as Node;
  const entry = node.bytes();
  if (tvp !== undefined && target !== undefined) {
    dirRemove(tdp, target.slot, target.longs);
    lostName(tvp, target);
  }
  dirRemove(fdp, node.slot, node.longs);
  settle(node, tdp, dirEnter(tdp, name, entry));
}

/** The file has this entry from here on. It is written before the block in which the old one goes: a power cut leaves one of them, or both. */
function settle(node: Node, tdp: Node, at: Entered): void {
  const { fs } = node;
  const { parent, slot, longs } = node;
  if (!node.isIn(at.bp)) at.bp.early = true;
  node.moveTo(at.bp, at.off);
  if (!node.isDir) movePlace(node, placeOf(at.place));
  node.parent = tdp;
  node.slot = at.slot;
  node.longs = at.longs;
  tdp.children++;
  if (parent !== undefined) parent.children--;
  fs.txn.undo(() => {
    node.parent = parent;
    node.slot = slot;
    node.longs = longs;
    tdp.children--;
    if (parent !== undefined) parent.children++;
  });
}

/** A directory was moved: its `..` says so, if it has one. */
function setParent(node: Node, tdp: Node): void {
  const { fs } = node;
  const off = fs.clusterOff(node.start) + DIRENT_LEN;
  const bp = fs.blockAt(off);
  const at = off & (fs.bsize - 1);
  if (!isDots(bp.data, at)) return;
  fs.txn.dirty(bp, at, DIRENT_LEN);
  setStart(bp.data, at, fs, parentStart(tdp));
}

// -- listing

export function readdir(vp: Vnode, cookie: number, emit: EmitDirent): void {
  const dp = VTON(vp);
  if (dp.removed) return;
  const { fs } = dp;
  const inoOf = (b: Uint8Array, off: number, place: number): number => {
    const isDir = (b[off + DE_ATTR] & ATTR_DIRECTORY) !== 0;
    const key = isDir ? startOf(fs, b, off) : placeOf(place);
    return (isDir ? fs.dirs : fs.files).get(key)?.ino ?? fs.inoFor(numberOf(fs, isDir, key));
  };
  dirRead(dp, cookie, inoOf, emit);
  markAccess(dp);
}
