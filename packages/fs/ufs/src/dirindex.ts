/**
 * dirhash: the names of a large directory in memory: where on disk the entry of each name is, and how much room each block has. A block is what the
 * file system counts room by; in UFS, a fragment.
 *
 * The table holds hashes and places, no names: whoever looks one up compares it with the bytes on disk. It is built in one pass over the directory, kept
 * right through changes, and may be forgotten at any time between operations. Memory is charged to the kernel and has a limit; a directory whose
 * table does not fit is searched from start to end.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';

/** A slot whose entry went away. */
const TOMBSTONE = 0xffffffff;
const CAPACITY_MIN = 256;
/** Slots of the largest table: half as many names. */
const CAPACITY_MAX = 1 << 22;
/** Names with one hash: more of them are one name again and again, which no directory has. */
const SAME_MAX = 16;
/** Bytes of all tables of one mount. */
const LIMIT = 48 << 20;
/** Entry lengths come in steps of four bytes, from 12 to 264. */
const CLASSES = 67;

export class DirIndex {
  /** Names, `.` and `..` among them. */
  count = 0;
  #used = 0;
  #hashes = new Int32Array(CAPACITY_MIN);
  /** Byte offset / 4, plus 1; 0: empty. */
  #places = new Uint32Array(CAPACITY_MIN);
  /** The largest entry that each block has room for, in bytes. */
  #gaps = new Uint16Array(64);
  #blocks = 0;
  /** No block before low[c] has room for an entry of 4 * c bytes. */
  readonly #low = new Uint32Array(CLASSES);
  readonly #owner: Indexes;
  readonly seed: number;

  constructor(owner: Indexes, seed: number) {
    this.#owner = owner;
    this.seed = seed;
  }

  /** Bytes that it takes. */
  get bytes(): number {
    return this.#hashes.byteLength * 2 + this.#gaps.byteLength;
  }

  /** The next place, from slot `from` on (the first time: -1), of a name with this hash; `slot` is where it was. -1: no more. */
  find(hash: number, from: number): number {
    const mask = this.#hashes.length - 1;
    for (let i = from < 0 ? hash & mask : (from + 1) & mask; ; i = (i + 1) & mask) {
      const place = this.#places[i];
      if (place === 0) return -1;
      if (place !== TOMBSTONE && this.#hashes[i] === hash) {
        this.slot = i;
        return (place - 1) * 4;
      }
    }
  }
  slot = -1;
  /** Where an entry went away last, or -1. A hint. */
  hole = -1;
  /** Entries that went away since gaps were last joined. */
  loose = 0;

  /** ENOMEM: it would grow beyond its limit, or the name is there too often. */
  insert(hash: number, off: number): void {
    if ((this.#used + 1) * 4 > this.#hashes.length * 3) this.#rehash();
    this.#put(hash, off / 4 + 1);
    this.count++;
  }

  /** Undoes remove(). Never fails: the slot is still there. */
  putBack(hash: number, off: number): void {
    this.#put(hash, off / 4 + 1);
    this.count++;
  }

  #put(hash: number, place: number): void {
    const mask = this.#hashes.length - 1;
    let i = hash & mask;
    let same = 0;
    for (; this.#places[i] !== 0 && this.#places[i] !== TOMBSTONE; i = (i + 1) & mask) {
      if (this.#hashes[i] === hash && ++same === SAME_MAX) throw ERR.ENOMEM;
    }
    if (this.#places[i] === 0) this.#used++;
    this.#hashes[i] = hash;
    this.#places[i] = place;
  }

  remove(hash: number, off: number): void {
    for (let at = this.find(hash, -1); at >= 0; at = this.find(hash, this.slot)) {
      if (at !== off) continue;
      this.#places[this.slot] = TOMBSTONE;
      this.count--;
      return;
    }
  }

  #rehash(): void {
    const size = this.count * 4 > this.#hashes.length ? this.#hashes.length * 2 : this.#hashes.length;
    if (size > CAPACITY_MAX) throw ERR.ENOMEM;
    const [hashes, places] = [this.#hashes, this.#places];
    this.#owner.charge(this, (size - hashes.length) * 8);
    this.#hashes = new Int32Array(size);
    this.#places = new Uint32Array(size);
    this.#used = 0;
    for (let i = 0; i < hashes.length; i++) if (places[i] !== 0 && places[i] !== TOMBSTONE) this.#put(hashes[i], places[i]);
  }

  /** The room in block `b`; blocks are added one after another. ENOMEM. */
  setGap(b: number, gap: number): void {
    if (b >= this.#gaps.length) this.#growGaps();
    if (b >= this.#blocks) this.#blocks = b + 1;
    const before = this.#gaps[b];
    this.#gaps[b] = gap;
    if (gap <= before) return;
    const top = Math.min(CLASSES - 1, gap >> 2);
    for (let c = before >> 2; c <= top; c++) if (this.#low[c] > b) this.#low[c] = b;
  }

  #growGaps(): void {
    this.#owner.charge(this, this.#gaps.byteLength);
    const gaps = new Uint16Array(this.#gaps.length * 2);
    gaps.set(this.#gaps);
    this.#gaps = gaps;
  }

  gap(b: number): number {
    return this.#gaps[b];
  }

  /** The first block with room for `len` bytes, or -1. */
  blockFor(len: number): number {
    const c = len >> 2;
    let b = this.#low[c];
    while (b < this.#blocks && this.#gaps[b] < len) b++;
    this.#low[c] = b;
    return b < this.#blocks ? b : -1;
  }

  /** The directory has `count` blocks again. */
  cutTo(count: number): void {
    for (let b = count; b < this.#blocks; b++) this.#gaps[b] = 0;
    this.#blocks = count;
  }
}

/** The tables of one mount. */
export class Indexes {
  readonly #k: Kernel;
  readonly #seed: number;
  readonly #unregister: () => void;
  /** What forgets each of them, the least recently used first. */
  readonly #all = new Map<DirIndex, () => void>();
  /** Bytes in use. */
  bytes = 0;

  constructor(k: Kernel) {
    this.#k = k;
    const seed = new Uint8Array(4);
    k.host.getrandom(seed);
    this.#seed = seed[0] | (seed[1] << 8) | (seed[2] << 16) | (seed[3] << 24);
    this.#unregister = k.mem.onPressure(() => this.shrink(0));
  }

  /** A new table. `forget` is called when it has to go; what is being built or used must survive that. ENOMEM. */
  make(forget: () => void): DirIndex {
    const index = new DirIndex(this, this.#seed);
    this.#all.set(index, forget);
    try {
      this.charge(index, index.bytes);
    } catch (e) {
      this.#all.delete(index);
      throw e;
    }
    return index;
  }

  /** Counts `bytes` more for `index`; others go if that is too much. ENOMEM. */
  charge(index: DirIndex, bytes: number): void {
    if (!this.#all.has(index)) return;
    if (this.bytes + bytes > LIMIT) this.shrink(LIMIT - bytes, index);
    if (this.bytes + bytes > LIMIT) throw ERR.ENOMEM;
    this.#k.mem.charge(bytes);
    this.bytes += bytes;
  }

  /** It was used. */
  renew(index: DirIndex): void {
    const forget = this.#all.get(index);
    if (forget === undefined || this.#all.size === 1) return;
    this.#all.delete(index);
    this.#all.set(index, forget);
  }

  drop(index: DirIndex): void {
    if (!this.#all.delete(index)) return;
    this.bytes -= index.bytes;
    this.#k.mem.uncharge(index.bytes);
  }

  /** Forgets tables until no more than `goal` bytes are in use, but never the youngest, nor `except`. */
  shrink(goal: number, except?: DirIndex): void {
    for (const [index, forget] of this.#all) {
      if (this.bytes <= goal || this.#all.size === 1) return;
      if (index === except) continue;
      forget();
      this.drop(index);
    }
  }

  /** Forgets all, for good. */
  clear(): void {
    this.#unregister();
    for (const [index, forget] of [...this.#all]) {
      forget();
      this.drop(index);
    }
  }
}
