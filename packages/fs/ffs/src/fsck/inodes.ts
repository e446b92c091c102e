/** The first pass: each inode by itself, and which fragments are in use. Pointers that no file may have, or that another file has already, become holes. */
import { SF_LOG, SF_SNAPSHOT } from '@anykernel/lib-sys';
import { IFDIR, IFLNK, IFMT, IFREG, NDADDR, NIADDR, get64, parseExtattrs, set64 } from '@anykernel/ufs';
import { CG_INITEDIBLK, CG_MAGIC, CG_MAGIC_NUMBER, cgStart, pointersReach } from '../ondisk.js';
import { type Context, DIR, type Dinode, FILE, SYSTEM } from './context.js';

const TYPES = new Set([0o010000, 0o020000, IFDIR, 0o060000, IFREG, IFLNK, 0o140000]);
/** Wrong pointers after which a file is none. */
const BAD_MAX = 10;

/** How many inodes of group `g` have been written once. */
export function initedOf(c: Context, g: number): number {
  const { info } = c;
  if (info.version === 1) return info.ipg;
  const b = c.store.bytes((cgStart(info, g) + info.cblkno) * c.fsize, 256);
  const view = new DataView(b.buffer);
  const count = view.getInt32(CG_INITEDIBLK, info.le);
  return view.getInt32(CG_MAGIC, info.le) === CG_MAGIC_NUMBER && count > 0 && count <= info.ipg && count % (c.bsize / c.lay.len) === 0 ? count : info.ipg;
}

export function checkInodes(c: Context): void {
  for (let g = 0; g < c.info.ncg; g++) {
    const end = initedOf(c, g);
    for (let i = g === 0 ? 2 : 0; i < end; i++) checkInode(c, g * c.info.ipg + i);
  }
}

function checkInode(c: Context, ino: number): void {
  const ip = c.inode(ino);
  const { mode } = ip;
  const type = mode & IFMT;
  if (mode === 0) {
    if (isStained(ip)) clear(c, ino, 'is free, and not empty');
    return;
  }
  if (!TYPES.has(type)) {
    clear(c, ino, `has the type 0${type.toString(8)}`);
    return;
  }
  const why = sizeFault(c, ip, type);
  if (why !== undefined) {
    clear(c, ino, why);
    return;
  }
  new Walk(c, ino).run(type);
}

/** A free inode has no pointers and no size. */
function isStained(ip: Dinode): boolean {
  if (ip.size !== 0) return true;
  for (let i = 0; i < NDADDR + NIADDR; i++) if (ip.ptr(i) !== 0) return true;
  return false;
}

function sizeFault(c: Context, ip: Dinode, type: number): string | undefined {
  const { size } = ip;
  const most = pointersReach(c.info.bshift, c.lay.wide).blocks * c.bsize;
  if (!(size <= most) && !isSnapshot(ip)) return `has ${size} bytes`;
  if (type === IFDIR && (size === 0 || size % 512 !== 0 || size > c.info.size * c.fsize || size > 0x7fff_ffff)) return `is a directory of ${size} bytes`;
  if (type === IFLNK && (size === 0 || size >= Math.max(c.bsize, c.info.maxSymlinkLen))) return `is a symbolic link of ${size} bytes`;
  return undefined;
}

function isSnapshot(ip: Dinode): boolean {
  return (ip.u32(ip.c.lay.flags) & SF_SNAPSHOT) !== 0;
}

function clear(c: Context, ino: number, why: string): void {
  c.say(`inode ${ino} ${why}: cleared`);
  c.inode(ino, true).clear();
}

/** The blocks of one inode. */
class Walk {
  readonly #c: Context;
  readonly #ino: number;
  #ip: Dinode;
  readonly #size: number;
  /** Fragments that are the file's: [address, count]. */
  readonly #owned: [number, number][] = [];
  #frags = 0;
  #bad = 0;
  /** The first hole that a wrong pointer left. */
  #cut = Infinity;

  constructor(c: Context, ino: number) {
    this.#c = c;
    this.#ino = ino;
    this.#ip = c.inode(ino);
    this.#size = this.#ip.size;
  }

  run(type: number): void {
    const c = this.#c;
    if (type === IFREG || type === IFDIR || (type === IFLNK && this.#size >= c.info.maxSymlinkLen)) this.#pointers(type);
    if (c.lay.extsize !== 0) this.#extattrs();
    if (this.#bad > BAD_MAX) {
      for (const [addr, count] of this.#owned) c.give(addr, addr + count);
      clear(c, this.#ino, `has ${this.#bad} pointers to blocks that it cannot have`);
      return;
    }
    if (!this.#shorten(type)) return;
    const sectors = this.#frags * (c.fsize / 512);
    if (this.#ip.blocks !== sectors) {
      c.say(`inode ${this.#ino} counts ${this.#ip.blocks} sectors, and has ${sectors}: corrected`);
      this.#change().blocks = sectors;
    }
    const system = (this.#ip.u32(c.lay.flags) & SF_LOG) !== 0 && type === IFREG;
    c.state[this.#ino] = type === IFDIR ? DIR : system ? SYSTEM : FILE;
  }

  #change(): Dinode {
    this.#ip = this.#c.inode(this.#ino, true);
    return this.#ip;
  }

  #pointers(type: number): void {
    const c = this.#c;
    for (let i = 0; i < NDADDR; i++) {
      const addr = this.#ip.ptr(i);
      if (addr === 0) {
        // A directory has no holes, and the short last block of a file is there.
        if (i * c.bsize < this.#size && (type !== IFREG || c.fragsOf(this.#size, i) < c.frag)) this.#hole(i);
        continue;
      }
      const count = c.fragsOf(this.#size, i);
      if (count === 0) {
        this.#drop(`pointer ${i} is beyond its ${this.#size} bytes`, () => this.#change().setPtr(i, 0));
      } else if (!this.#claim(addr, count, i)) {
        this.#change().setPtr(i, 0);
        if (type !== IFREG || count < c.frag) this.#hole(i);
      }
    }
    let base = NDADDR;
    let reach = 1;
    const per = c.bsize / (c.lay.wide ? 8 : 4);
    for (let level = 1; level <= NIADDR; level++) {
      reach *= per;
      const slot = NDADDR + level - 1;
      const addr = this.#ip.ptr(slot);
      if (addr !== 0) {
        if (base * c.bsize >= this.#size) this.#drop(`indirect pointer ${level} is beyond its ${this.#size} bytes`, () => this.#change().setPtr(slot, 0));
        else if (!this.#claim(addr, c.frag, base)) this.#change().setPtr(slot, 0);
        else this.#tree(addr, level, base, reach / per);
      }
      if (type !== IFREG && this.#ip.ptr(slot) === 0 && base * c.bsize < this.#size) this.#hole(base);
      base += reach;
    }
  }

  /** The indirect block at `addr`, whose first pointer is for block `base`; each covers `span` blocks. */
  #tree(addr: number, level: number, base: number, span: number): void {
    const c = this.#c;
    const len = c.lay.wide ? 8 : 4;
    const inFrag = c.fsize / len;
    for (let f = 0; f < c.frag; f++) {
      for (let i = 0; i < inFrag; i++) {
        const b = c.store.frag(addr + f);
        const view = new DataView(b.buffer, b.byteOffset, b.length);
        const child = c.lay.wide ? get64(view, i * len, c.le) : view.getUint32(i * len, c.le);
        if (child === 0) continue;
        const lbn = base + (f * inFrag + i) * span;
        const zero = (): void => this.#zero(addr + f, i * len);
        if (lbn * c.bsize >= this.#size) this.#drop(`a pointer for block ${lbn} is beyond its ${this.#size} bytes`, zero);
        else if (!this.#claim(child, c.frag, lbn)) zero();
        else if (level > 1) this.#tree(child, level - 1, lbn, span / (c.bsize / len));
        if (this.#bad > BAD_MAX) return;
      }
    }
  }

  #zero(addr: number, off: number): void {
    const b = this.#c.store.change(addr);
    const view = new DataView(b.buffer, b.byteOffset, b.length);
    if (this.#c.lay.wide) set64(view, off, 0, this.#c.le);
    else view.setUint32(off, 0, this.#c.le);
  }

  #claim(addr: number, count: number, lbn: number): boolean {
    const why = this.#c.claim(addr, count);
    if (why === undefined) {
      this.#owned.push([addr, count]);
      this.#frags += count;
      return true;
    }
    this.#bad++;
    const what = why === 'dup' ? 'is in use already' : 'is none that a file may have';
    if (this.#bad <= BAD_MAX) this.#c.say(`inode ${this.#ino}: ${addr}, for block ${lbn}, ${what}: a hole now`);
    return false;
  }

  #drop(what: string, fix: () => void): void {
    this.#c.say(`inode ${this.#ino}: ${what}: dropped`);
    fix();
  }

  #hole(lbn: number): void {
    this.#cut = Math.min(this.#cut, lbn);
  }

  /** A file that has a hole where it may not have one ends before it. False: nothing is left of it. */
  #shorten(type: number): boolean {
    const c = this.#c;
    if (this.#cut === Infinity) return true;
    const size = this.#cut * c.bsize;
    if (type === IFREG && this.#cut * c.bsize + c.bsize < this.#size) return true;
    for (const [addr, count] of this.#owned) c.give(addr, addr + count);
    if (size === 0 && type !== IFREG) {
      clear(c, this.#ino, 'has lost its first block');
      return false;
    }
    c.say(`inode ${this.#ino} has a hole at block ${this.#cut}: it ends there now`);
    this.#change().size = size;
    const again = new Walk(c, this.#ino);
    again.run(type);
    return false;
  }

  #extattrs(): void {
    const c = this.#c;
    const extsize = this.#ip.u32(c.lay.extsize);
    if (extsize > 2 * c.bsize) {
      this.#drop(`its extended attributes have ${extsize} bytes`, () => this.#change().set32(c.lay.extsize, 0));
      for (const i of [0, 1]) if (this.#ip.extPtr(i) !== 0) this.#change().setExtPtr(i, 0);
      return;
    }
    let lost = false;
    for (const i of [0, 1]) {
      const count = Math.max(0, Math.min(c.frag, Math.ceil((extsize - i * c.bsize) / c.fsize)));
      const addr = this.#ip.extPtr(i);
      if (count === 0 && addr !== 0) this.#drop('a pointer to extended attributes is beyond them', () => this.#change().setExtPtr(i, 0));
      else if (count > 0 && (lost || !this.#claim(addr, count, -1 - i))) lost = true;
    }
    if (!lost && extsize > 0 && parseExtattrs(this.#area(extsize), c.le) === undefined) {
      c.say(`inode ${this.#ino}: its extended attributes make no sense: dropped`);
      lost = true;
    }
    if (!lost) return;
    // Half of an area is none.
    for (const i of [0, 1]) {
      const addr = this.#ip.extPtr(i);
      const own = this.#owned.findIndex(([a]) => a === addr);
      if (own < 0) continue;
      const [[, count]] = this.#owned.splice(own, 1);
      c.give(addr, addr + count);
      this.#frags -= count;
    }
    const ip = this.#change();
    ip.set32(c.lay.extsize, 0);
    ip.setExtPtr(0, 0);
    ip.setExtPtr(1, 0);
  }
  #area(extsize: number): Uint8Array {
    const c = this.#c;
    const area = new Uint8Array(extsize);
    for (let off = 0; off < extsize; off += c.bsize) {
      const addr = this.#ip.extPtr(off / c.bsize);
      area.set(c.store.bytes(addr * c.fsize, Math.min(c.bsize, extsize - off)), off);
    }
    return area;
  }
}
