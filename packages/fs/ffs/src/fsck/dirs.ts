/**
 * The second and third pass: directories, from the root down; and what is not reached from there is taken into lost+found.
 *
 * What makes no sense in a chunk of a directory is given up: the entry before it takes the rest. Names of inodes that are free, and second names of
 * directories, go.
 */
import {
  DE_HEADER, DIRBLKSIZ, DT_WHT, IFDIR, IFMT, ROOTINO, direntCheck, direntIno, direntLen, direntNamlen, direntReclen, direntType, emitDirent, get64, putDirentIno,
  putDirentReclen,
} from '@anykernel/ufs';
import { type Context, DIR, FILE, FOUND, FREE, SYSTEM } from './context.js';
import { LostFound, makeDirectory } from './lostfound.js';

/** Told of each chunk of a directory: the fragment it is in, and where. */
type OnChunk = (addr: number, off: number) => void;

/** The chunks of a directory, in order. Its pointers have been checked. */
export function eachChunk(c: Context, ino: number, fn: OnChunk): void {
  const { size } = c.inode(ino);
  for (let off = 0; off < size; off += DIRBLKSIZ) {
    const addr = fragAt(c, ino, Math.floor(off / c.fsize));
    if (addr > 0) fn(addr, off % c.fsize);
  }
}

/** The address of fragment `f` of a file; 0: a hole. */
function fragAt(c: Context, ino: number, f: number): number {
  const lbn = Math.floor(f / c.frag);
  const rest = f - lbn * c.frag;
  const ip = c.inode(ino);
  if (lbn < 12) return ip.ptr(lbn) === 0 ? 0 : ip.ptr(lbn) + rest;
  const len = c.lay.wide ? 8 : 4;
  const per = c.bsize / len;
  let index = lbn - 12;
  let level = 1;
  let reach = per;
  while (index >= reach) {
    index -= reach;
    reach *= per;
    level++;
  }
  let addr = ip.ptr(11 + level);
  while (addr !== 0 && level-- > 0) {
    reach /= per;
    const at = Math.floor(index / reach) * len;
    index %= reach;
    const b = c.store.frag(addr + Math.floor(at / c.fsize));
    const view = new DataView(b.buffer, b.byteOffset, b.length);
    addr = c.lay.wide ? get64(view, at % c.fsize, c.le) : view.getUint32(at % c.fsize, c.le);
  }
  return addr === 0 ? 0 : addr + rest;
}

export function checkDirectories(c: Context): void {
  if (c.state[ROOTINO] !== DIR) {
    c.say('there is no root: made');
    if (c.state[ROOTINO] === FILE) c.say('the file in its place is lost');
    if (!makeDirectory(c, ROOTINO, ROOTINO, 0o755)) return;
  }
  const queue: [number, number][] = [[ROOTINO, ROOTINO]];
  c.state[ROOTINO] = FOUND;
  drain(c, queue);
  adopt(c, queue);
}

/** Visits directories that were made meanwhile. */
export function visitAll(c: Context, queue: [number, number][]): void {
  drain(c, queue);
}

function drain(c: Context, queue: [number, number][]): void {
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) visit(c, next[0], next[1], queue);
}

/** One directory: its entries are put right, counted, and the directories in it come next. */
function visit(c: Context, ino: number, parent: number, queue: [number, number][]): void {
  let first = true;
  eachChunk(c, ino, (addr, start) => {
    mendChunk(c, ino, addr, start);
    if (first) mendDots(c, ino, parent, addr, start);
    const from = first ? 2 : 0;
    first = false;
    let index = 0;
    for (let off = start; off < start + DIRBLKSIZ; off += direntReclen(c.store.frag(addr), off, c.le)) {
      if (index++ < from) continue;
      checkEntry(c, ino, addr, off, queue);
    }
  });
  c.links[ino]++;
  c.links[parent]++;
}

/** Entries of a chunk that can be walked. */
function mendChunk(c: Context, ino: number, addr: number, start: number): void {
  let prev = -1;
  for (let off = start; off < start + DIRBLKSIZ; ) {
    const len = direntCheck(c.store.frag(addr), off, c.dir, c.inodes);
    if (len > 0) {
      prev = off;
      off += len;
      continue;
    }
    c.say(`directory ${ino}: the entry at byte ${off} of fragment ${addr} makes no sense: dropped`);
    const b = c.store.change(addr);
    const reclen = direntReclen(b, off, c.le);
    // One that is whole but for its inode number or its name goes alone.
    if (reclen >= 12 && (reclen & 3) === 0 && off + reclen <= start + DIRBLKSIZ) {
      putDirentIno(b, off, 0, c.le);
      continue;
    }
    if (prev >= 0) putDirentReclen(b, prev, start + DIRBLKSIZ - prev, c.le);
    else {
      b.fill(0, start, start + DIRBLKSIZ);
      putDirentReclen(b, start, DIRBLKSIZ, c.le);
    }
    return;
  }
}

function nameAt(c: Context, b: Uint8Array, off: number): string {
  let name = '';
  const len = direntNamlen(b, off, c.dir);
  for (let i = 0; i < len; i++) name += String.fromCharCode(b[off + DE_HEADER + i]);
  return name;
}

/** `.` and `..` at the start of the first chunk. */
function mendDots(c: Context, ino: number, parent: number, addr: number, start: number): void {
  const b = c.store.frag(addr);
  const first = direntLen(1);
  const second = start + direntReclen(b, start, c.le);
  const hasDot = direntIno(b, start, c.le) !== 0 && nameAt(c, b, start) === '.';
  const hasDotdot = hasDot && second < start + DIRBLKSIZ && direntIno(b, second, c.le) !== 0 && nameAt(c, b, second) === '..';
  if (!hasDotdot) {
    c.say(`directory ${ino} does not begin with itself and its parent: its first entries are made anew`);
    const w = c.store.change(addr);
    w.fill(0, start, start + DIRBLKSIZ);
    emitDirent(w, start, c.dir, ino, first, IFDIR, '.');
    emitDirent(w, start + first, c.dir, parent, DIRBLKSIZ - first, IFDIR, '..');
    return;
  }
  for (const [off, want, name] of [[start, ino, '.'], [second, parent, '..']] as const) {
    if (direntIno(b, off, c.le) !== want) {
      c.say(`directory ${ino}: its ${name} is ${direntIno(b, off, c.le)}: corrected to ${want}`);
      putDirentIno(c.store.change(addr), off, want, c.le);
    }
    mendType(c, ino, addr, off, IFDIR);
  }
}

function mendType(c: Context, dir: number, addr: number, off: number, mode: number): void {
  const type = (mode & IFMT) >> 12;
  if (direntType(c.store.frag(addr), off, c.dir) === type) return;
  c.say(`directory ${dir}: the entry at byte ${off} of fragment ${addr} has the type ${direntType(c.store.frag(addr), off, c.dir)}: corrected to ${type}`);
  c.store.change(addr)[off + 6] = type;
}

function checkEntry(c: Context, dir: number, addr: number, off: number, queue: [number, number][]): void {
  const b = c.store.frag(addr);
  const ino = direntIno(b, off, c.le);
  if (ino === 0 || (ino === 1 && direntType(b, off, c.dir) === DT_WHT)) return;
  const name = nameAt(c, b, off);
  const why = entryFault(c, ino, name);
  if (why !== undefined) {
    c.say(`directory ${dir}: ${JSON.stringify(name)} ${why}: removed`);
    putDirentIno(c.store.change(addr), off, 0, c.le);
    return;
  }
  mendType(c, dir, addr, off, c.inode(ino).mode);
  c.links[ino]++;
  if (c.state[ino] !== DIR) return;
  c.state[ino] = FOUND;
  queue.push([ino, dir]);
}

function entryFault(c: Context, ino: number, name: string): string | undefined {
  if (name === '.' || name === '..') return 'is not at the beginning';
  if (ino < ROOTINO) return `names inode ${ino}`;
  const state = c.state[ino];
  if (state === FREE) return `names inode ${ino}, which is free`;
  if (state === SYSTEM) return `names inode ${ino}, which is the file system's own`;
  return state === FOUND ? `is a second name of directory ${ino}` : undefined;
}

// -- the third pass

/** Directories that nobody names go to lost+found: first those that no other of them has, then what is left in circles. */
function adopt(c: Context, queue: [number, number][]): void {
  const lost: number[] = [];
  for (let ino = ROOTINO; ino < c.inodes; ino++) if (c.state[ino] === DIR) lost.push(ino);
  if (lost.length === 0) return;
  const named = new Set<number>();
  for (const dir of lost) for (const child of childrenOf(c, dir)) if (child !== dir) named.add(child);
  for (const ino of [...lost.filter((i) => !named.has(i)), ...lost]) {
    if (c.state[ino] !== DIR) continue;
    const home = LostFound.of(c, queue);
    drain(c, queue);
    if (c.state[ino] !== DIR) continue;
    if (home === undefined || !home.add(ino, IFDIR)) {
      c.say(`directory ${ino} is not in any other, and there is no room for it in lost+found`);
      continue;
    }
    c.say(`directory ${ino} is not in any other: it is in lost+found now`);
    c.state[ino] = FOUND;
    c.links[ino]++;
    queue.push([ino, home.ino]);
    drain(c, queue);
  }
}

function childrenOf(c: Context, dir: number): number[] {
  const found: number[] = [];
  eachChunk(c, dir, (addr, start) => {
    const b = c.store.frag(addr);
    for (let off = start; off < start + DIRBLKSIZ; ) {
      const len = direntCheck(b, off, c.dir, c.inodes);
      if (len === 0) return;
      const ino = direntIno(b, off, c.le);
      const name = nameAt(c, b, off);
      if (ino >= ROOTINO && name !== '.' && name !== '..' && c.state[ino] === DIR) found.push(ino);
      off += len;
    }
  });
  return found;
}
