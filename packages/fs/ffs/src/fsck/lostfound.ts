/** Directories that the checker makes, and `lost+found`, where it puts what has no name. */
import { DIRBLKSIZ, IFDIR, ROOTINO, direntCheck, direntIno, direntLen, direntNamlen, direntReclen, emitDirent, putDirentReclen } from '@anykernel/ufs';
import { type Context, DIR, FOUND, FREE } from './context.js';
import { eachChunk } from './dirs.js';
import { initedOf } from './inodes.js';

const NAME = 'lost+found';
const DIRECT = 12;

/** A directory of one block in inode `ino`, whose links are counted when it is visited. False: there is no room. */
export function makeDirectory(c: Context, ino: number, parent: number, mode: number): boolean {
  const addr = c.freeBlock();
  if (addr === 0) {
    c.say(`there is no room for directory ${ino}`);
    return false;
  }
  emptyBlock(c, addr);
  const b = c.store.change(addr);
  const first = direntLen(1);
  emitDirent(b, 0, c.dir, ino, first, IFDIR, '.');
  emitDirent(b, first, c.dir, parent, DIRBLKSIZ - first, IFDIR, '..');
  const ip = c.inode(ino, true);
  ip.clear();
  ip.mode = IFDIR | mode;
  ip.nlink = 2;
  ip.size = c.bsize;
  ip.blocks = c.bsize / 512;
  ip.setPtr(0, addr);
  ip.setTime(c.time);
  c.state[ino] = DIR;
  return true;
}

/** A block of empty chunks. */
function emptyBlock(c: Context, addr: number): void {
  for (let f = 0; f < c.frag; f++) {
    const b = c.store.change(addr + f);
    b.fill(0);
    for (let off = 0; off < c.fsize; off += DIRBLKSIZ) putDirentReclen(b, off, DIRBLKSIZ, c.le);
  }
}

function freeInode(c: Context): number {
  for (let g = 0; g < c.info.ncg; g++) {
    const end = initedOf(c, g);
    for (let i = g === 0 ? ROOTINO + 1 : 0; i < end; i++) if (c.state[g * c.info.ipg + i] === FREE) return g * c.info.ipg + i;
  }
  return 0;
}

export class LostFound {
  readonly ino: number;
  readonly #c: Context;

  private constructor(c: Context, ino: number) {
    this.#c = c;
    this.ino = ino;
  }

  /** The one in the root, made if there is none; `queue` gets it if it has to be visited. undefined: there is no room. */
  static of(c: Context, queue: [number, number][]): LostFound | undefined {
    const there = findIn(c, ROOTINO, NAME);
    if (there > 0) return c.state[there] === FOUND ? new LostFound(c, there) : undefined;
    const ino = freeInode(c);
    if (ino === 0 || !makeDirectory(c, ino, ROOTINO, 0o700)) return undefined;
    if (!enter(c, ROOTINO, NAME, ino, IFDIR)) return undefined;
    c.say('lost+found is not there: made');
    c.state[ino] = FOUND;
    c.links[ino]++;
    queue.push([ino, ROOTINO]);
    return new LostFound(c, ino);
  }

  /** Gives inode `ino` a name. False: there is no room. */
  add(ino: number, mode: number): boolean {
    return enter(this.#c, this.ino, `#${String(ino).padStart(8, '0')}`, ino, mode);
  }
}

/** The inode called `name` in a directory that was put right; 0: there is none. */
function findIn(c: Context, dir: number, name: string): number {
  let found = 0;
  eachChunk(c, dir, (addr, start) => {
    const b = c.store.frag(addr);
    for (let off = start; off < start + DIRBLKSIZ; ) {
      const len = direntCheck(b, off, c.dir, c.inodes);
      if (len === 0) return;
      if (direntIno(b, off, c.le) !== 0 && direntNamlen(b, off, c.dir) === name.length) {
        let same = true;
        for (let i = 0; i < name.length; i++) same &&= b[off + 8 + i] === name.charCodeAt(i);
        if (same) found = direntIno(b, off, c.le);
      }
      off += len;
    }
  });
  return found;
}

/** Adds a name to a directory, which grows by a block if need be. */
function enter(c: Context, dir: number, name: string, ino: number, mode: number): boolean {
  const need = direntLen(name.length);
  let done = false;
  const attempt = (): void =>
    eachChunk(c, dir, (addr, start) => {
      if (done) return;
      for (let off = start; off < start + DIRBLKSIZ; ) {
        const b = c.store.frag(addr);
        const len = direntReclen(b, off, c.le);
        if (direntCheck(b, off, c.dir, c.inodes) === 0) return;
        const own = direntIno(b, off, c.le) === 0 ? 0 : direntLen(direntNamlen(b, off, c.dir));
        if (len - own >= need) {
          const w = c.store.change(addr);
          if (own > 0) putDirentReclen(w, off, own, c.le);
          emitDirent(w, off + own, c.dir, ino, len - own, mode, name);
          done = true;
          return;
        }
        off += len;
      }
    });
  attempt();
  if (!done && growByBlock(c, dir)) attempt();
  return done;
}

/** The directory ends in a whole block of its own, and has one more if it did before. */
function growByBlock(c: Context, dir: number): boolean {
  const { size } = c.inode(dir);
  const lbn = Math.floor(size / c.bsize);
  if (lbn >= DIRECT) return false;
  const addr = c.freeBlock();
  if (addr === 0) return false;
  emptyBlock(c, addr);
  const rest = size - lbn * c.bsize;
  const old = c.inode(dir).ptr(lbn);
  const had = c.fragsOf(size, lbn);
  if (rest > 0) {
    for (let off = 0; off < rest; off += c.fsize) {
      const from = c.store.frag(old + off / c.fsize);
      c.store.change(addr + off / c.fsize).set(from.subarray(0, Math.min(c.fsize, rest - off)));
    }
    c.give(old, old + had);
  }
  const ip = c.inode(dir, true);
  ip.setPtr(lbn, addr);
  ip.size = (lbn + 1) * c.bsize;
  ip.blocks += ((c.frag - (rest > 0 ? had : 0)) * c.fsize) / 512;
  return true;
}
