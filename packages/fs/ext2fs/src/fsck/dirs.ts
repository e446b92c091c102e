/** The third pass: what directories say, and whether every file can be reached from the root. */
import { getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { hasDirTail, htreeCountOff } from '../csum.js';
import { DirHash, HASH_MAX, HASH_UNSIGNED } from '../dirhash.js';
import {
  DE_HEADER, DI_BLOCK, DI_FLAGS, DI_NLINK, FLAGS_UNSIGNED_HASH, FL_INDEX, FL_INLINE_DATA, ROCOMPAT_DIR_NLINK, ROOT_INO, SB_FLAGS, SB_HASH_SEED, SB_ROCOMPAT, direntCheck, emitDirent, filetypeOf,
} from '../ondisk.js';
import type { Check, Found } from './check.js';
import { isHurds } from './fields.js';
import { isHidden } from './inodes.js';
import { makeRoot, reach, toLostFound } from './lost.js';
import { Names, addName, isDir } from './names.js';
import { dirEnd, entryLen, inlineParts, isTreeBlock, isTyped, nameOf, nextEntry, saveInline, sealDir } from './parts.js';
import { checkTree } from './tree.js';

/** The most that a directory counts. */
const LINKS_MAX = 65_000;

export function checkDirs(c: Check): void {
  const names = new Names();
  if (!isWhole(c, c.found.get(ROOT_INO)) && !makeRoot(c, names)) return;
  for (const f of [...c.found.values()]) if (isDir(f) && !names.dotdot.has(f.ino)) checkDir(c, f, names);
  for (const f of [...c.found.values()]) if (isDir(f)) reach(c, f, names);
  for (const f of [...c.found.values()]) if (!isHidden(c, f.ino) && !c.dying.has(f.ino) && !isDir(f) && (c.links.get(f.ino) ?? 0) === 0) toLostFound(c, f, names);
  for (const f of c.found.values()) if (isDir(f)) checkDotdot(c, f, names);
  for (const f of c.found.values()) checkLinks(c, f);
}

/** A directory that has anything. */
function isWhole(c: Check, f: Found | undefined): boolean {
  return f !== undefined && isDir(f) && (f.blocks.length > 0 || (getU32le(c.inode(f.ino) ?? new Uint8Array(128), DI_FLAGS) & FL_INLINE_DATA) !== 0);
}

function checkDir(c: Check, f: Found, names: Names): void {
  const b = c.inode(f.ino);
  if (b === undefined) return;
  if ((getU32le(b, DI_FLAGS) & FL_INLINE_DATA) !== 0) {
    checkInline(c, f, b, names);
    return;
  }
  if (f.blocks.length === 0) {
    c.problem(`directory ${f.ino} has no blocks`, () => c.clearInode(f.ino));
    return;
  }
  const seed = c.sums.on ? c.seedOf(f.ino) : 0;
  const tree = (getU32le(b, DI_FLAGS) & FL_INDEX) !== 0;
  const seen = new Set<string>();
  for (const [i, blkno] of f.blocks.entries()) checkBlock(c, f, i, blkno, seed, tree, seen, names);
  if (tree) {
    const flags = (getU32le(c.sb, SB_FLAGS) & FLAGS_UNSIGNED_HASH) !== 0;
    const hashOf = (version: number): DirHash | undefined => {
      const v = flags && version < HASH_UNSIGNED ? version + HASH_UNSIGNED : version;
      return v > HASH_MAX ? undefined : new DirHash(v, [0, 4, 8, 12].map((at) => getU32le(c.sb, SB_HASH_SEED + at)));
    };
    checkTree(c, f, seed, hashOf);
  }
}

function checkBlock(c: Check, f: Found, i: number, blkno: number, seed: number, tree: boolean, seen: Set<string>, names: Names): void {
  const b = c.block(blkno);
  const inTree = isTreeBlock(c, tree, i, b);
  let changed = false;
  if (c.sums.on && inTree) {
    const at = htreeCountOff(b) + 8 * getU16le(b, htreeCountOff(b)) + 4;
    if (at + 4 > b.length || c.sums.htree(b, seed) !== getU32le(b, at)) c.problem(`directory ${f.ino}: node ${i} of its hash tree has a wrong checksum`, () => (changed = true));
  } else if (c.sums.on && (!hasDirTail(b) || getU32le(b, b.length - 4) !== c.sums.dir(b, seed))) {
    c.problem(`directory ${f.ino}: block ${i} has a wrong checksum`, () => (changed = true));
  }
  const end = inTree ? c.bsize : dirEnd(c);
  const typed = isTyped(c);
  for (let off = 0, n = 0, before = 0; off < end; n++) {
    const len = direntCheck(b, off, end, typed, c.info.inodes);
    if (len === 0) {
      c.problem(`directory ${f.ino}: the entry at byte ${off} of block ${i} makes no sense`, () => {
        // What follows in the block is lost with it.
        b.fill(0, off, end);
        putU16le(b, before + 4, end - before);
        changed = true;
      });
      break;
    }
    if (getU32le(b, off) !== 0 && checkEntry(c, f, i, n, b, off, typed, seen, names)) changed = true;
    before = off;
    off += len;
  }
  if (i === 0 && firstAreWrong(c, b)) {
    c.problem(`directory ${f.ino} does not begin with itself and its parent`, () => {
      makeFirst(c, f, b, end, names);
      changed = true;
    });
  } else if (i === 0 && endFirst(c, f, b)) changed = true;
  if (!changed) return;
  sealDir(c, b, seed, inTree);
  c.changed(blkno, b);
}

function firstAreWrong(c: Check, b: Uint8Array): boolean {
  const second = getU16le(b, 4);
  return getU32le(b, 0) === 0 || nameOf(c, b, 0) !== '.' || second > b.length - 12 || getU32le(b, second) === 0 || nameOf(c, b, second) !== '..';
}

/** A first block with the two entries that it should begin with, and behind them the others, as far as there is room. */
function makeFirst(c: Check, f: Found, b: Uint8Array, end: number, names: Names): void {
  const old = b.slice(0, end);
  const typed = isTyped(c);
  const type = typed ? filetypeOf(0o040000) : 0;
  const hadSelf = getU32le(old, 0) === f.ino && nameOf(c, old, 0) === '.';
  const parent = names.dotdot.get(f.ino) ?? ROOT_INO;
  b.fill(0, 0, end);
  emitDirent(b, 0, f.ino, 12, type, '.');
  emitDirent(b, 12, parent, 12, type, '..');
  let [last, to] = [12, 24];
  for (let off = 0; off < end; off = nextEntry(old, off)) {
    const len = entryLen(c, old, off);
    const name = len === 0 ? '.' : nameOf(c, old, off);
    if (name === '.' || name === '..') continue;
    if (to + len > end) {
      dropName(c, getU32le(old, off), names);
      continue;
    }
    b.set(old.subarray(off, off + len), to);
    putU16le(b, to + 4, len);
    last = to;
    to += len;
  }
  putU16le(b, last + 4, end - last);
  names.dotdot.set(f.ino, parent);
  if (!hadSelf) addName(c, f.ino);
}

/** A name that was seen is gone. */
function dropName(c: Check, ino: number, names: Names): void {
  c.links.set(ino, (c.links.get(ino) ?? 1) - 1);
  names.parent.delete(ino);
}

/** Behind the names of the first two entries there is a NUL: so others find their end. Returns whether they have changed. */
function endFirst(c: Check, f: Found, b: Uint8Array): boolean {
  const ends = [DE_HEADER + 1, getU16le(b, 4) + DE_HEADER + 2].filter((at) => b[at] !== 0);
  for (const at of ends) c.problem(`directory ${f.ino}: ${at === DE_HEADER + 1 ? '"."' : '".."'} has no end`, () => (b[at] = 0));
  return ends.length > 0;
}

/** One entry that is well-formed; returns whether it has changed. */
function checkEntry(c: Check, f: Found, i: number, n: number, b: Uint8Array, off: number, typed: boolean, seen: Set<string>, names: Names): boolean {
  const ino = getU32le(b, off);
  const name = nameOf(c, b, off);
  const where = `directory ${f.ino}: entry ${JSON.stringify(name)}`;
  let changed = false;
  const gone = (): void => {
    putU32le(b, off, 0);
    changed = true;
  };
  if (i === 0 && n === 0 && name === '.') {
    if (ino !== f.ino) {
      c.problem(`${where} names inode ${ino}`, () => {
        putU32le(b, off, f.ino);
        changed = true;
      });
    }
    addName(c, f.ino);
    return changed;
  }
  if (i === 0 && n === 1 && name === '..') {
    names.dotdot.set(f.ino, ino);
    return false;
  }
  const target = c.found.get(ino);
  if (name === '.' || name === '..' || seen.has(name)) c.problem(`${where} is there twice`, gone);
  else if (target === undefined || (ino < c.info.firstIno && ino !== ROOT_INO) || ino === ROOT_INO) c.problem(`${where} names inode ${ino}, which is no file`, gone);
  else if (isDir(target) && names.parent.has(ino)) c.problem(`${where} is a second name of directory ${ino}`, gone);
  else {
    seen.add(name);
    if (isDir(target)) names.parent.set(ino, f.ino);
    addName(c, ino);
    if (typed && b[off + 7] !== filetypeOf(target.mode) && !(b[off + 7] === 0 && isHurds(c))) {
      c.problem(`${where} has the type of another kind of file`, () => {
        b[off + 7] = filetypeOf(target.mode);
        changed = true;
      });
    }
  }
  return changed;
}

/** A directory in its inode: the entries in both parts are looked at, where they are. */
function checkInline(c: Check, f: Found, b: Uint8Array, names: Names): void {
  addName(c, f.ino);
  names.dotdot.set(f.ino, getU32le(b, DI_BLOCK));
  const seen = new Set<string>();
  const typed = isTyped(c);
  let changed = false;
  for (const { from, to } of inlineParts(c, f.ino, b)) {
    for (let off = from, n = 2, before = from; off < to; n++) {
      const len = direntCheck(b.subarray(0, to), off, to, typed, c.info.inodes);
      if (len === 0) {
        c.problem(`directory ${f.ino}: the entry at byte ${off - from} of a part of its inode makes no sense`, () => {
          b.fill(0, off, to);
          putU16le(b, before + 4, to - before);
          changed = true;
        });
        break;
      }
      if (getU32le(b, off) !== 0 && checkEntry(c, f, 1, n, b, off, typed, seen, names)) changed = true;
      before = off;
      off += len;
    }
  }
  if (changed) saveInline(c, f.ino, b);
}

// -- what they say together

function checkDotdot(c: Check, f: Found, names: Names): void {
  const right = f.ino === ROOT_INO ? ROOT_INO : names.parent.get(f.ino);
  if (right === undefined) return;
  addName(c, right);
  if (names.dotdot.get(f.ino) === right) return;
  c.problem(`directory ${f.ino} says that it is in ${names.dotdot.get(f.ino) ?? 'nothing'}, and is in ${right}`, () => {
    const inode = c.inode(f.ino);
    if (inode !== undefined && (getU32le(inode, DI_FLAGS) & FL_INLINE_DATA) !== 0) {
      putU32le(inode, DI_BLOCK, right);
      c.putInode(f.ino, inode);
      return;
    }
    const blkno = f.blocks[0]!;
    const b = c.block(blkno);
    const tree = inode !== undefined && (getU32le(inode, DI_FLAGS) & FL_INDEX) !== 0;
    putU32le(b, getU16le(b, 4), right);
    sealDir(c, b, c.seedOf(f.ino), tree);
    c.changed(blkno, b);
  });
}

function checkLinks(c: Check, f: Found): void {
  if (isHidden(c, f.ino)) return;
  const b = c.inode(f.ino);
  if (b === undefined) return;
  const names = c.links.get(f.ino) ?? 0;
  const nlink = getU16le(b, DI_NLINK);
  if (isDir(f) && names > LINKS_MAX) c.need(SB_ROCOMPAT, ROCOMPAT_DIR_NLINK, `directory ${f.ino} has ${names} links`);
  const many = isDir(f) && (getU32le(c.sb, SB_ROCOMPAT) & ROCOMPAT_DIR_NLINK) !== 0;
  if (nlink === names || names === 0 || (many && nlink === 1)) return;
  c.problem(`inode ${f.ino} has ${nlink} links by its count, and ${names} names`, () => {
    putU16le(b, DI_NLINK, names > LINKS_MAX ? (many ? 1 : LINKS_MAX) : names);
    c.putInode(f.ino, b);
  });
}
