/** What no name leads to gets one in `lost+found`; that, and the root, are made where they are missing. */
import { bitClear, getU16le, getU32le, putU16le, putU32le } from '@anykernel/lib-bytes';
import { DI_FLAGS, FL_ENCRYPT, FL_INDEX, ROOT_INO, direntLen, emitDirent, filetypeOf } from '../ondisk.js';
import type { Check, Found } from './check.js';
import { type Names, addName, isDir } from './names.js';
import { type Part, dirEnd, entryLen, isTyped, nameOf, nextEntry, partsOf, sealDir } from './parts.js';
import { appendBlock, makeInode, takeBlock, takeInode } from './take.js';
import { flatten } from './tree.js';

const LOST_FOUND = 'lost+found';
const S_IFDIR = 0o040000;

/** An empty root, in the place of one that is lost. False: there is no block for it. */
export function makeRoot(c: Check, names: Names): boolean {
  const blkno = takeBlock(c);
  if (blkno === 0) {
    c.problem('the root is no directory, and there is no block for a new one');
    return false;
  }
  c.problem('the root is no directory: it is made anew, and empty', () => undefined);
  makeDir(c, ROOT_INO, 0o755, ROOT_INO, blkno);
  names.dotdot.set(ROOT_INO, ROOT_INO);
  return true;
}

function makeDir(c: Check, ino: number, mode: number, parent: number, blkno: number): void {
  makeInode(c, ino, S_IFDIR | mode, 2, blkno);
  const b = new Uint8Array(c.bsize);
  const type = isTyped(c) ? filetypeOf(S_IFDIR) : 0;
  emitDirent(b, 0, ino, 12, type, '.');
  emitDirent(b, 12, parent, dirEnd(c) - 12, type, '..');
  sealDir(c, b, c.seedOf(ino), false);
  c.changed(blkno, b);
  addName(c, ino);
}

/** A directory that no way from the root leads to goes to `lost+found`. */
export function reach(c: Check, f: Found, names: Names): void {
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
  const home = toLostFound(c, lost, names);
  if (home !== undefined) names.parent.set(at, home);
}

/** Takes the name of `ino` out of directory `dir`. */
function removeName(c: Check, dir: number, ino: number): void {
  const f = c.found.get(dir);
  if (f === undefined) return;
  for (const part of partsOf(c, f)) {
    for (let off = part.from; off < part.to; off = nextEntry(part.b, off)) {
      const name = getU32le(part.b, off) === ino ? nameOf(c, part.b, off) : '.';
      if (name === '.' || name === '..') continue;
      putU32le(part.b, off, 0);
      part.save();
      c.links.set(ino, (c.links.get(ino) ?? 1) - 1);
      return;
    }
  }
}

/** Gives the file a name in `lost+found`; undefined: there is no room for one. */
export function toLostFound(c: Check, f: Found, names: Names): number | undefined {
  const home = lostFound(c, names);
  const what = `${isDir(f) ? 'directory' : 'inode'} ${f.ino} has no name`;
  if (home === undefined || !enter(c, home, f, `#${f.ino}`)) {
    c.problem(`${what}, and there is no room for one in lost+found`);
    return undefined;
  }
  c.problem(`${what}: it is in lost+found now`, () => undefined);
  return home.ino;
}

/** A name for `f` in a directory, which grows where it is full. False: it cannot. */
function enter(c: Check, dir: Found, f: Found, name: string): boolean {
  const room = roomFor(c, dir, direntLen(name.length)) ?? more(c, dir);
  if (room === undefined) return false;
  const { part, off } = room;
  const len = getU16le(part.b, off + 4);
  const used = entryLen(c, part.b, off);
  if (used > 0) putU16le(part.b, off + 4, used);
  emitDirent(part.b, off + used, f.ino, len - used, isTyped(c) ? filetypeOf(f.mode) : 0, name);
  part.save();
  addName(c, f.ino);
  return true;
}

interface Room {
  readonly part: Part;
  /** The entry that has room behind it. */
  readonly off: number;
}

function roomFor(c: Check, dir: Found, need: number): Room | undefined {
  const inode = c.inode(dir.ino);
  if (inode !== undefined && (getU32le(inode, DI_FLAGS) & FL_INDEX) !== 0) flatten(c, dir, c.seedOf(dir.ino));
  // Where there is room, it is at the end, most of the time.
  for (const part of [...partsOf(c, dir)].reverse()) {
    for (let off = part.from; off < part.to; off = nextEntry(part.b, off)) if (getU16le(part.b, off + 4) - entryLen(c, part.b, off) >= need) return { part, off };
  }
  return undefined;
}

/** One more block, with nothing in it. */
function more(c: Check, dir: Found): Room | undefined {
  const blkno = dir.blocks.length === 0 ? 0 : appendBlock(c, dir);
  if (blkno === 0) return undefined;
  const b = new Uint8Array(c.bsize);
  putU16le(b, 4, dirEnd(c));
  c.changed(blkno, b);
  const save = (): void => {
    sealDir(c, b, c.seedOf(dir.ino), false);
    c.changed(blkno, b);
  };
  return { part: { b, from: 0, to: dirEnd(c), save }, off: 0 };
}

/** The directory of that name; what else has the name loses it. undefined: there is no room for one. */
function lostFound(c: Check, names: Names): Found | undefined {
  const root = c.found.get(ROOT_INO);
  if (root === undefined) return undefined;
  for (const part of partsOf(c, root)) {
    for (let off = part.from; off < part.to; off = nextEntry(part.b, off)) {
      if (getU32le(part.b, off) === 0 || nameOf(c, part.b, off) !== LOST_FOUND) continue;
      const f = c.found.get(getU32le(part.b, off));
      if (isDir(f) && (getU32le(c.inode(f!.ino)!, DI_FLAGS) & FL_ENCRYPT) === 0) return f;
      c.problem('lost+found is no directory that others may look into: it loses its name', () => {
        putU32le(part.b, off, 0);
        part.save();
      });
      if (f === undefined) continue;
      c.links.set(f.ino, (c.links.get(f.ino) ?? 1) - 1);
      names.parent.delete(f.ino);
    }
  }
  return makeLostFound(c, root, names);
}

function makeLostFound(c: Check, root: Found, names: Names): Found | undefined {
  const ino = takeInode(c);
  const blkno = ino === 0 ? 0 : takeBlock(c);
  if (blkno === 0) return undefined;
  if (!enter(c, root, { ino, mode: S_IFDIR, blocks: [] }, LOST_FOUND)) {
    bitClear(c.used, blkno);
    return undefined;
  }
  c.problem('there is no lost+found: it is made', () => undefined);
  makeDir(c, ino, 0o700, ROOT_INO, blkno);
  names.parent.set(ino, ROOT_INO);
  names.dotdot.set(ino, ROOT_INO);
  return c.found.get(ino);
}
