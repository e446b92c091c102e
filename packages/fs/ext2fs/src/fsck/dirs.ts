/** The third pass: what directories say, and whether every file can be reached from the root. */
import { bytestrOf, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { DIR_TAIL_LEN, hasDirTail, htreeCountOff, putDirTail } from '../csum.js';
import { DirHash, HASH_MAX, HASH_UNSIGNED } from '../dirhash.js';
import {
  DE_HEADER, DI_BLOCK, DI_FLAGS, DI_NLINK, FLAGS_UNSIGNED_HASH, FL_INDEX, FL_INLINE_DATA, INCOMPAT_FILETYPE, ROCOMPAT_DIR_NLINK, ROOT_INO, SB_FLAGS, SB_HASH_SEED, direntCheck,
  direntLen, emitDirent, filetypeOf,
} from '../ondisk.js';
import type { Check, Found } from './check.js';
import { isHidden } from './inodes.js';
import { checkTree } from './tree.js';

const isDir = (f: Found | undefined): boolean => f !== undefined && (f.mode & 0o170000) === 0o040000;

/** What directories say of each other. */
class Names {
  /** The directory that each directory is in. */
  readonly parent = new Map<number, number>();
  /** The one that it says it is in. */
  readonly dotdot = new Map<number, number>();
}

export function checkDirs(c: Check): void {
  const names = new Names();
  if (!isDir(c.found.get(ROOT_INO))) {
    c.problem('the root is no directory: nothing can be reached');
    return;
  }
  for (const f of [...c.found.values()]) if (isDir(f)) checkDir(c, f, names);
  for (const f of [...c.found.values()]) if (isDir(f)) reach(c, f, names);
  for (const f of [...c.found.values()]) if (!isHidden(c, f.ino) && !c.dying.has(f.ino) && !isDir(f) && !c.links.has(f.ino)) toLostFound(c, f);
  for (const f of c.found.values()) if (isDir(f)) checkDotdot(c, f, names);
  for (const f of c.found.values()) checkLinks(c, f);
}

export function dirEnd(c: Check): number {
  return c.sums.on ? c.bsize - DIR_TAIL_LEN : c.bsize;
}

function count(c: Check, ino: number): void {
  c.links.set(ino, (c.links.get(ino) ?? 0) + 1);
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

/** Whether block `i` of a directory with a hash tree is a part of that. */
export function isTreeBlock(c: Check, tree: boolean, i: number, b: Uint8Array): boolean {
  return tree && (i === 0 || (getU32le(b, 0) === 0 && getU16le(b, 4) === c.bsize));
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
  const typed = (c.info.incompat & INCOMPAT_FILETYPE) !== 0;
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
  if (i === 0 && firstAreWrong(b, typed)) {
    c.problem(`directory ${f.ino} does not begin with itself and its parent`, () => {
      b.fill(0, 0, end);
      const type = typed ? filetypeOf(0o040000) : 0;
      emitDirent(b, 0, f.ino, 12, type, '.');
      emitDirent(b, 12, names.dotdot.get(f.ino) ?? ROOT_INO, end - 12, type, '..');
      names.dotdot.set(f.ino, names.dotdot.get(f.ino) ?? ROOT_INO);
      count(c, f.ino);
      changed = true;
    });
  }
  if (!changed) return;
  sealDir(c, b, seed, inTree);
  c.changed(blkno, b);
}

export function sealDir(c: Check, b: Uint8Array, seed: number, inTree: boolean): void {
  if (!c.sums.on) return;
  if (inTree) {
    const at = htreeCountOff(b) + 8 * getU16le(b, htreeCountOff(b)) + 4;
    if (at + 4 <= b.length) putU32le(b, at, Math.max(0, c.sums.htree(b, seed)));
    return;
  }
  putDirTail(b);
  putU32le(b, b.length - 4, c.sums.dir(b, seed));
}

function nameOf(b: Uint8Array, off: number, typed: boolean): string {
  const len = typed ? b[off + 6]! : getU16le(b, off + 6);
  return bytestrOf(b, off + DE_HEADER, off + DE_HEADER + len);
}

function firstAreWrong(b: Uint8Array, typed: boolean): boolean {
  const second = getU16le(b, 4);
  return getU32le(b, 0) === 0 || nameOf(b, 0, typed) !== '.' || second > b.length - 12 || getU32le(b, second) === 0 || nameOf(b, second, typed) !== '..';
}

/** One entry that is well-formed; returns whether it has changed. */
function checkEntry(c: Check, f: Found, i: number, n: number, b: Uint8Array, off: number, typed: boolean, seen: Set<string>, names: Names): boolean {
  const ino = getU32le(b, off);
  const name = nameOf(b, off, typed);
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
    count(c, f.ino);
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
    count(c, ino);
    if (typed && b[off + 7] !== filetypeOf(target.mode)) {
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
  count(c, f.ino);
  names.dotdot.set(f.ino, getU32le(b, DI_BLOCK));
  const seen = new Set<string>();
  let changed = false;
  const part = (from: number, to: number): void => {
    for (let off = from, n = 2; off < to; n++) {
      const len = direntCheck(b.subarray(0, to), off, to, true, c.info.inodes);
      if (len === 0) {
        c.problem(`directory ${f.ino}: the entry at byte ${off - from} of its inode makes no sense`);
        return;
      }
      if (getU32le(b, off) !== 0 && checkEntry(c, f, 1, n, b, off, true, seen, names)) changed = true;
      off += len;
    }
  };
  part(DI_BLOCK + 4, DI_BLOCK + 60);
  const rest = c.sizeOf(b) - 60;
  const value = rest > 0 ? inlineValueOff(c, b, rest) : undefined;
  if (value !== undefined) part(value, value + rest);
  else if (rest > 0) c.problem(`directory ${f.ino}: ${rest} bytes of its entries are not in its inode`);
  if (changed) c.putInode(f.ino, b);
}

/** Where the value of `system.data`, of `len` bytes, is in an inode. */
function inlineValueOff(c: Check, b: Uint8Array, len: number): number | undefined {
  const start = 128 + getU16le(b, 128) + 4;
  for (let at = start; at + 16 < b.length && getU32le(b, at) !== 0; at += 16 + ((b[at]! + 3) & ~3)) {
    if (b[at + 1] !== 7 || nameAt(b, at) !== 'data') continue;
    const off = start + getU16le(b, at + 2);
    return off + len <= c.info.inodeSize ? off : undefined;
  }
  return undefined;
}

function nameAt(b: Uint8Array, at: number): string {
  return bytestrOf(b, at + 16, at + 16 + b[at]!);
}

// -- from the root

/** A directory that no way from the root leads to goes to `lost+found`. */
function reach(c: Check, f: Found, names: Names): void {
  const way = new Set<number>();
  let at = f.ino;
  while (at !== ROOT_INO && !way.has(at)) {
    way.add(at);
    const up = names.parent.get(at);
    if (up === undefined) break;
    at = up;
  }
  if (at === ROOT_INO) return;
  const lost = c.found.get(at);
  // In a circle, one of its directories is lost; the others hang on it.
  if (names.parent.has(at)) removeName(c, names.parent.get(at)!, at);
  names.parent.delete(at);
  if (lost === undefined) return;
  const home = toLostFound(c, lost);
  if (home !== undefined) names.parent.set(at, home);
}

/** Takes the name of `ino` out of directory `dir`. */
function removeName(c: Check, dir: number, ino: number): void {
  const f = c.found.get(dir);
  if (f === undefined) return;
  for (const [i, blkno] of f.blocks.entries()) {
    const b = c.block(blkno);
    for (let off = 0; off < dirEnd(c); off += Math.max(12, getU16le(b, off + 4))) {
      if (getU32le(b, off) !== ino || (i === 0 && off < 24)) continue;
      putU32le(b, off, 0);
      sealDir(c, b, c.seedOf(dir), false);
      c.changed(blkno, b);
      c.links.set(ino, (c.links.get(ino) ?? 1) - 1);
      return;
    }
  }
}

/** Gives the file a name in `lost+found`, if that is there and has room; undefined: it has not. */
function toLostFound(c: Check, f: Found): number | undefined {
  const home = lostFound(c);
  const name = `#${f.ino}`;
  const what = `${isDir(f) ? 'directory' : 'inode'} ${f.ino} has no name`;
  const room = home === undefined ? undefined : roomFor(c, home, direntLen(name.length));
  if (home === undefined || room === undefined) {
    c.problem(`${what}, and lost+found has no room for it`);
    return undefined;
  }
  c.problem(`${what}: it is in lost+found now`, () => {
    const b = c.block(room.blkno);
    const typed = (c.info.incompat & INCOMPAT_FILETYPE) !== 0;
    const len = getU16le(b, room.off + 4);
    const used = getU32le(b, room.off) === 0 ? 0 : direntLen(typed ? b[room.off + 6]! : getU16le(b, room.off + 6));
    if (used > 0) putU16le(b, room.off + 4, used);
    emitDirent(b, room.off + used, f.ino, len - used, typed ? filetypeOf(f.mode) : 0, name);
    sealDir(c, b, c.seedOf(home.ino), false);
    c.changed(room.blkno, b);
    count(c, f.ino);
  });
  return home.ino;
}

function lostFound(c: Check): Found | undefined {
  const root = c.found.get(ROOT_INO);
  if (root === undefined) return undefined;
  const typed = (c.info.incompat & INCOMPAT_FILETYPE) !== 0;
  for (const blkno of root.blocks) {
    const b = c.block(blkno);
    for (let off = 0; off < dirEnd(c); off += Math.max(12, getU16le(b, off + 4))) {
      if (getU32le(b, off) === 0 || nameOf(b, off, typed) !== 'lost+found') continue;
      const f = c.found.get(getU32le(b, off));
      return isDir(f) ? f : undefined;
    }
  }
  return undefined;
}

function roomFor(c: Check, f: Found, need: number): { readonly blkno: number; readonly off: number } | undefined {
  const typed = (c.info.incompat & INCOMPAT_FILETYPE) !== 0;
  const b0 = c.inode(f.ino);
  const tree = b0 !== undefined && (getU32le(b0, DI_FLAGS) & FL_INDEX) !== 0;
  if (tree) return undefined;
  for (const blkno of f.blocks) {
    const b = c.block(blkno);
    for (let off = 0; off < dirEnd(c); ) {
      const len = Math.max(12, getU16le(b, off + 4));
      const used = getU32le(b, off) === 0 ? 0 : direntLen(typed ? b[off + 6]! : getU16le(b, off + 6));
      if (len - used >= need) return { blkno, off };
      off += len;
    }
  }
  return undefined;
}

function checkDotdot(c: Check, f: Found, names: Names): void {
  const right = f.ino === ROOT_INO ? ROOT_INO : names.parent.get(f.ino);
  if (right === undefined) return;
  count(c, right);
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
  const many = isDir(f) && (c.info.rocompat & ROCOMPAT_DIR_NLINK) !== 0;
  if (nlink === names || names === 0 || (many && nlink === 1)) return;
  c.problem(`inode ${f.ino} has ${nlink} links by its count, and ${names} names`, () => {
    putU16le(b, DI_NLINK, names > 65000 ? (many ? 1 : 65000) : names);
    c.putInode(f.ino, b);
  });
}
