/**
 * Hash trees of directories: which block a name is in, and room for a new one.
 *
 * The root is in block 0, behind the dots; nodes are blocks that look like one empty entry. An entry is a hash and a block, in order; the first of a node has no
 * hash, and stands for all that are below the second. Where one hash fills more than a block, the next entry has its lowest bit set. A full leaf is
 * split by hash, full nodes in the middle, and a full root gets a level below it. Entries of a leaf may move within it: readdir goes by hash here.
 *
 * Source: the documentation of the ext4 disk format, "Hash Tree Directories".
 */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { ERR } from '@anykernel/lib-sys';
import type { Buf } from '@anykernel/rumpvfs';
import { dropIndex, hashBytes, indexMove } from '@anykernel/ufs';
import { T_DIR, T_HTREE, Tag } from './csum.js';
import { dirBlock, nameLen, newDirBlock, stepLen, usedLen } from './dirblock.js';
import { type DirHash, HASH_MAX } from './dirhash.js';
import { afterDots } from './dots.js';
import type { Inode } from './inode.js';
import { DE_HEADER, FL_CASEFOLD, FL_INDEX, INCOMPAT_LARGE_DIR, emitDirent } from './ondisk.js';

const ROOT_INFO = 24;
const ROOT_COUNTS = 32;
const NODE_COUNTS = 8;
const ENTRY = 8;

/** A node on the way to a leaf, and which of its entries the way takes. */
interface Step {
  readonly bp: Buf;
  /** Where limit and count stand, which are the first entry's hash. */
  readonly at: number;
  index: number;
}

/** The hash that the tree goes by; undefined: it is none that is known. EIO: there is no tree. */
export function treeHash(ip: Inode): DirHash | undefined {
  const { data } = dirBlock(ip, 0);
  const version = data[ROOT_INFO + 4];
  if (data[ROOT_INFO + 5] !== 8 || data[ROOT_INFO + 6] > 3) ip.fs.corrupt(`directory ${ip.ino}: the root of its hash tree makes no sense`);
  return version > HASH_MAX || (ip.flags & FL_CASEFOLD) !== 0 ? undefined : ip.fs.dirHash(version);
}

function levels(ip: Inode): number {
  return dirBlock(ip, 0).data[ROOT_INFO + 6];
}

function count(s: Step): number {
  return getU16le(s.bp.data, s.at + 2);
}
function limit(s: Step): number {
  return getU16le(s.bp.data, s.at);
}
function hashAt(s: Step, i: number): number {
  return i === 0 ? 0 : getU32le(s.bp.data, s.at + ENTRY * i);
}
function blockAt(s: Step, i: number): number {
  return getU32le(s.bp.data, s.at + ENTRY * i + 4) & 0x0fffffff;
}

/** The node in block `b` of the directory. EIO. */
function nodeOf(ip: Inode, b: number): Step {
  const { fs } = ip;
  if (b >= ip.size / fs.bsize) fs.corrupt(`directory ${ip.ino}: its hash tree names block ${b}`);
  const bp = dirBlock(ip, b);
  const at = b === 0 ? ROOT_COUNTS : NODE_COUNTS;
  const room = roomAt(ip, at);
  const s = { bp, at, index: 0 };
  const tree = (bp.tag as Tag).kind === T_HTREE;
  if (!tree || limit(s) !== room || count(s) < 1 || count(s) > room) fs.corrupt(`directory ${ip.ino}: block ${b} of its hash tree makes no sense`);
  return s;
}

/** The way to the leaf of `hash`. EIO. */
function wayTo(ip: Inode, hash: number): Step[] {
  const way: Step[] = [];
  const depth = levels(ip);
  for (let level = 0, b = 0; level <= depth; level++) {
    const s = nodeOf(ip, b);
    let [low, high] = [1, count(s)];
    while (low < high) {
      const mid = (low + high) >> 1;
      if (hashAt(s, mid) <= hash) low = mid + 1;
      else high = mid;
    }
    s.index = low - 1;
    way.push(s);
    b = blockAt(s, s.index);
  }
  return way;
}

function leafOf(ip: Inode, way: readonly Step[]): number {
  const s = way[way.length - 1];
  const b = blockAt(s, s.index);
  const { fs } = ip;
  if (b === 0 || b >= ip.size / fs.bsize) fs.corrupt(`directory ${ip.ino}: its hash tree names block ${b}`);
  if ((dirBlock(ip, b).tag as Tag).kind !== T_DIR) fs.corrupt(`directory ${ip.ino}: its hash tree has node ${b} for a leaf`);
  return b;
}

/** The leaf that a name with `hash` belongs to. EIO. */
export function leafFor(ip: Inode, hash: number): number {
  return leafOf(ip, wayTo(ip, hash));
}

/** Moves the way to the next leaf; undefined: there is none. Gives the hash from which that one begins. */
function next(ip: Inode, way: Step[]): number | undefined {
  let level = way.length - 1;
  while (level >= 0 && way[level].index + 1 >= count(way[level])) level--;
  if (level < 0) return undefined;
  const hash = hashAt(way[level], ++way[level].index);
  for (let l = level + 1; l < way.length; l++) way[l] = nodeOf(ip, blockAt(way[l - 1], way[l - 1].index));
  return hash;
}

/** Calls `fn` with each block that may hold a name of `hash`, until it says true. EIO. */
export function eachLeafOf(ip: Inode, hash: number, fn: (b: number) => boolean): void {
  const way = wayTo(ip, hash);
  while (!fn(leafOf(ip, way))) {
    const more = next(ip, way);
    if (more === undefined || (more & 1) === 0 || ((more & ~1) >>> 0) !== hash) return;
  }
}

/** Calls `fn` with each leaf in order, from that of `hash` on, until it says true. EIO. */
export function eachLeafFrom(ip: Inode, hash: number, fn: (b: number) => boolean): void {
  const way = wayTo(ip, hash);
  // A way through all blocks has at most so many leaves.
  for (let left = ip.size / ip.fs.bsize; left > 0 && !fn(leafOf(ip, way)); left--) if (next(ip, way) === undefined) return;
}

// -- a new one

/** A directory of one block gets a tree, which goes by hash `version`: its names move to a leaf, and the root takes their place. Within a transaction. ENOSPC, EIO. */
export function plantTree(ip: Inode, version: number): void {
  const { fs } = ip;
  const root = dirBlock(ip, 0);
  const { data, tag } = root;
  const first = afterDots(ip, data);
  const names = entriesOf(ip, 0, undefined).filter((e) => e.off >= first);
  const old = data.slice();
  dropIndex(ip);
  ip.dirty();
  fill(ip, grow(ip), 1, names, old, 0);
  fs.txn.dirty(root);
  fs.txn.undo(() => void (root.tag = tag));
  root.tag = new Tag(T_HTREE, ip.ino, ip.seed);
  data.fill(0);
  const parent = getU16le(old, 4);
  emitDirent(data, 0, ip.ino, 12, fs.typed ? old[7] : 0, '.');
  emitDirent(data, 12, getU32le(old, parent), fs.bsize - 12, fs.typed ? old[parent + 7] : 0, '..');
  data[ROOT_INFO + 4] = version;
  data[ROOT_INFO + 5] = ROOT_COUNTS - ROOT_INFO;
  putU16le(data, ROOT_COUNTS, roomAt(ip, ROOT_COUNTS));
  putU16le(data, ROOT_COUNTS + 2, 1);
  putU32le(data, ROOT_COUNTS + 4, 1);
  ip.flags |= FL_INDEX;
}

/** Entries that a node has room for behind byte `at`. */
function roomAt(ip: Inode, at: number): number {
  return Math.floor((ip.fs.bsize - at - (ip.fs.sums.on ? ENTRY : 0)) / ENTRY);
}

// -- room

/** The leaf for a name with `hash`, in which an entry of `need` bytes has room. Within a transaction. ENOSPC, EIO. */
export function leafWithRoom(ip: Inode, h: DirHash, hash: number, need: number): number {
  for (;;) {
    const way = wayTo(ip, hash);
    const b = leafOf(ip, way);
    if (roomIn(ip, b) >= need) {
      compact(ip, b);
      return b;
    }
    if (!makeRoom(ip, way)) splitLeaf(ip, h, way, b);
  }
}

interface Entry {
  readonly off: number;
  readonly len: number;
  readonly hash: number;
}

/** Bytes of a leaf that no entry uses. */
function roomIn(ip: Inode, b: number): number {
  const { data } = dirBlock(ip, b);
  const end = ip.fs.dirEnd;
  let used = 0;
  for (let off = 0, step = 0; off < end; off += step) {
    step = stepLen(ip, data, b, off);
    used += usedLen(ip, data, b, off, step);
  }
  return end - used;
}

function entriesOf(ip: Inode, b: number, h: DirHash | undefined): Entry[] {
  const { data } = dirBlock(ip, b);
  const list: Entry[] = [];
  for (let off = 0, step = 0; off < ip.fs.dirEnd; off += step) {
    step = stepLen(ip, data, b, off);
    const len = usedLen(ip, data, b, off, step);
    if (len === 0) continue;
    const to = off + DE_HEADER + nameLen(ip, data, off);
    list.push({ off, len, hash: h === undefined ? 0 : h.hash(data, off + DE_HEADER, to) });
  }
  return list;
}

/** Puts `list`, entries of block `from` whose bytes were `old`, one after another into `bp`, which is block `to`. The last one has the rest. */
function fill(ip: Inode, bp: Buf, to: number, list: readonly Entry[], old: Uint8Array, from: number): void {
  const { fs } = ip;
  const { data } = bp;
  data.fill(0, 0, fs.dirEnd);
  let at = 0;
  for (const [i, e] of list.entries()) {
    data.set(old.subarray(e.off, e.off + e.len), at);
    putU16le(data, at + 4, i === list.length - 1 ? fs.dirEnd - at : e.len);
    const { index } = ip;
    if (index !== undefined) indexMove(ip, hashBytes(index, data, at + DE_HEADER, nameLen(ip, data, at)), from * fs.bsize + e.off, to * fs.bsize + at);
    at += e.len;
  }
  if (list.length === 0) putU16le(data, 4, fs.dirEnd);
}

/** All that is free of a leaf is behind its last entry. */
function compact(ip: Inode, b: number): void {
  const bp = dirBlock(ip, b);
  const list = entriesOf(ip, b, undefined);
  const last = list.at(-1)?.off ?? 0;
  const dense = list.every((e, i) => e.off === (i === 0 ? 0 : list[i - 1].off + list[i - 1].len));
  if (dense && last + stepLen(ip, bp.data, b, last) === ip.fs.dirEnd) return;
  const old = bp.data.slice();
  ip.fs.txn.dirty(bp);
  fill(ip, bp, b, list, old, b);
}

/** A leaf becomes two: the upper half of its hashes moves to a new block. The node above has room for it. */
function splitLeaf(ip: Inode, h: DirHash, way: readonly Step[], b: number): void {
  const { fs } = ip;
  const list = entriesOf(ip, b, h).sort((x, y) => x.hash - y.hash);
  const half = list.reduce((sum, e) => sum + e.len, 0) / 2;
  let cut = 0;
  for (let sum = 0; cut < list.length && sum + list[cut].len <= half; cut++) sum += list[cut].len;
  cut = Math.max(1, Math.min(cut, list.length - 1));
  if (list.length < 2) throw ERR.ENOSPC;
  const bp = dirBlock(ip, b);
  const old = bp.data.slice();
  const fresh = grow(ip);
  const freshBlock = ip.size / fs.bsize - 1;
  fill(ip, fresh, freshBlock, list.slice(cut), old, b);
  fs.txn.dirty(bp);
  fill(ip, bp, b, list.slice(0, cut), old, b);
  const goesOn = list[cut].hash === list[cut - 1].hash ? 1 : 0;
  insert(ip, way[way.length - 1], (list[cut].hash | goesOn) >>> 0, freshBlock);
}

/** One more block at the end. ENOSPC: the directory cannot be longer. */
function grow(ip: Inode): Buf {
  const { fs } = ip;
  const b = ip.size / fs.bsize;
  const large = (fs.info.incompat & INCOMPAT_LARGE_DIR) !== 0;
  if (b >= fs.info.blocks || (!large && (b + 1) * fs.bsize > 0x7fffffff)) throw ERR.ENOSPC;
  return newDirBlock(ip, b);
}

/** Puts an entry behind the one that the way takes. */
function insert(ip: Inode, s: Step, hash: number, b: number): void {
  const { data } = s.bp;
  const n = count(s);
  const at = s.at + ENTRY * (s.index + 1);
  ip.fs.txn.dirty(s.bp, s.at, ENTRY);
  ip.fs.txn.dirty(s.bp, at, ENTRY * (n - s.index));
  data.copyWithin(at + ENTRY, at, s.at + ENTRY * n);
  putU32le(data, at, hash);
  putU32le(data, at + 4, b);
  putU16le(data, s.at + 2, n + 1);
}

/** Sees that the node above the leaf has room for one more. Returns whether it changed the tree for that. ENOSPC: the tree is as deep as it may be. */
function makeRoom(ip: Inode, way: readonly Step[]): boolean {
  let level = way.length - 1;
  if (count(way[level]) < limit(way[level])) return false;
  while (level > 0 && count(way[level - 1]) >= limit(way[level - 1])) level--;
  if (level === 0) deepen(ip, way[0]);
  else splitNode(ip, way, level);
  return true;
}

/** A new node: an empty entry as long as the block, and behind its head entries `from` to `to - 1` of `s`. */
function newNode(ip: Inode, s: Step, from: number, to: number): number {
  const { fs } = ip;
  const bp = grow(ip);
  bp.tag = new Tag(T_HTREE, ip.ino, ip.seed);
  bp.data.fill(0);
  putU16le(bp.data, 4, fs.bsize);
  bp.data.set(s.bp.data.subarray(s.at + ENTRY * from, s.at + ENTRY * to), NODE_COUNTS);
  putU16le(bp.data, NODE_COUNTS, roomAt(ip, NODE_COUNTS));
  putU16le(bp.data, NODE_COUNTS + 2, to - from);
  return ip.size / fs.bsize - 1;
}

/** The root's entries go to a new node, the only one that it has then. */
function deepen(ip: Inode, root: Step): void {
  const { fs } = ip;
  const { data } = root.bp;
  if (data[ROOT_INFO + 6] >= ((fs.info.incompat & INCOMPAT_LARGE_DIR) !== 0 ? 2 : 1)) throw ERR.ENOSPC;
  const b = newNode(ip, root, 0, count(root));
  fs.txn.dirty(root.bp);
  data[ROOT_INFO + 6]++;
  putU16le(data, root.at + 2, 1);
  putU32le(data, root.at + 4, b);
}

function splitNode(ip: Inode, way: readonly Step[], level: number): void {
  const s = way[level];
  const n = count(s);
  const half = n >> 1;
  const hash = hashAt(s, half);
  const b = newNode(ip, s, half, n);
  ip.fs.txn.dirty(s.bp, s.at, ENTRY);
  putU16le(s.bp.data, s.at + 2, half);
  insert(ip, way[level - 1], hash, b);
}
