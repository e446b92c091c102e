/**
 * The name cache: what names in directories mean, and which are not there.
 *
 * For file systems whose own lookup is slow: they ask it first thing in lookup(), and enter what they found. The layer keeps it right: after
 * an operation that makes or takes a name it enters the new meaning, and a reclaimed vnode's entries are misses. A file system that never enters anything
 * (one in memory) pays nothing; one whose names are not just bytes (that folds case) must not.
 *
 * One table for the whole kernel, of slots that are used again: a name costs no object of its own, and a mount that fills what another has left finds the
 * table as large as it needs it.
 */
import { type Vnode, VBAD } from './vnode.js';

const imul = Math.imul;

/** Slots that the table begins with. */
const SLOTS_MIN = 16;

/** The hash of a byte string. Seeded, so that nobody can prepare names that meet. */
export function hashName(name: string, seed: number): number {
  let h = seed ^ name.length;
  for (let i = 0; i < name.length; i++) h = imul(h ^ name.charCodeAt(i), 0x01000193);
  h ^= h >>> 15;
  return imul(h, 0x2c1b3c6d);
}

export class Namecache {
  hits = 0;
  misses = 0;
  #count = 0;
  readonly #random: () => number;
  #seed = 0;
  /** What slot a name is in: the first one of each chain, and the next one of each slot; -1: none. The free slots are a chain, too. */
  #heads = new Int32Array(0);
  #next = new Int32Array(0);
  #free = -1;
  /** The other slots of a directory, of which its vnode knows the first; -1: none. */
  #after = new Int32Array(0);
  #before = new Int32Array(0);
  #hashes = new Int32Array(0);
  readonly #names: string[] = [];
  /** undefined: the slot is free. */
  readonly #dirs: (Vnode | undefined)[] = [];
  /** undefined: the name is not there. */
  readonly #vnodes: (Vnode | undefined)[] = [];
  /** The slot that is given up next. */
  #hand = 0;

  constructor(
    /** The most entries. */
    public limit: number,
    /** Gives a number of 32 bits, before the first entry. */
    random: () => number,
  ) {
    this.#random = random;
  }

  get count(): number {
    return this.#count;
  }

  /** The vnode `name` stands for in `dvp`; null: it is known not to be there; undefined: not known. */
  lookup(dvp: Vnode, name: string): Vnode | null | undefined {
    const slot = this.#find(dvp, name);
    if (slot < 0) {
      this.misses++;
      return undefined;
    }
    const vp = this.#vnodes[slot];
    if (vp !== undefined && vp.type === VBAD) {
      this.#giveUp(slot);
      this.misses++;
      return undefined;
    }
    this.hits++;
    if (vp === undefined) return null;
    vp.recent = true;
    return vp;
  }

  /** `name` in `dvp` stands for `vp`; undefined: it is not there. */
  enter(dvp: Vnode, name: string, vp: Vnode | undefined): void {
    const known = this.#find(dvp, name);
    if (known >= 0) {
      this.#vnodes[known] = vp;
      return;
    }
    while (this.#count >= this.limit && this.#count > 0) this.#evict();
    if (this.#free < 0) this.#grow();
    const slot = this.#free;
    this.#free = this.#next[slot];
    this.#hashes[slot] = this.#hash(dvp, name);
    this.#names[slot] = name;
    this.#dirs[slot] = dvp;
    this.#vnodes[slot] = vp;
    this.#chain(slot);
    this.#before[slot] = -1;
    this.#after[slot] = dvp.names;
    if (dvp.names >= 0) this.#before[dvp.names] = slot;
    dvp.names = slot;
    this.#count++;
  }

  /** Forgets one name. */
  remove(dvp: Vnode, name: string): void {
    const slot = this.#find(dvp, name);
    if (slot >= 0) this.#giveUp(slot);
  }

  /** Forgets the names in `vp`, which is being reclaimed or is no directory any more. */
  purge(vp: Vnode): void {
    while (vp.names >= 0) this.#giveUp(vp.names);
  }

  /** A name of `vp` in `dvp`, if it is cached. */
  nameOf(dvp: Vnode, vp: Vnode): string | undefined {
    for (let slot = dvp.names; slot >= 0; slot = this.#after[slot]) if (this.#vnodes[slot] === vp && this.#names[slot] !== '..') return this.#names[slot];
    return undefined;
  }

  #hash(dvp: Vnode, name: string): number {
    return hashName(name, this.#seed ^ imul(dvp.key, 0x9e3779b1));
  }

  /** The slot of a name, or -1. */
  #find(dvp: Vnode, name: string): number {
    if (dvp.names < 0) return -1;
    const hash = this.#hash(dvp, name);
    let slot = this.#heads[hash & (this.#heads.length - 1)];
    while (slot >= 0 && (this.#hashes[slot] !== hash || this.#dirs[slot] !== dvp || this.#names[slot] !== name)) slot = this.#next[slot];
    return slot;
  }

  #chain(slot: number): void {
    const head = this.#hashes[slot] & (this.#heads.length - 1);
    this.#next[slot] = this.#heads[head];
    this.#heads[head] = slot;
  }

  /** Makes a slot free. */
  #giveUp(slot: number): void {
    const head = this.#hashes[slot] & (this.#heads.length - 1);
    const [next, after, before] = [this.#next[slot], this.#after[slot], this.#before[slot]];
    if (this.#heads[head] === slot) this.#heads[head] = next;
    else {
      let prev = this.#heads[head];
      while (this.#next[prev] !== slot) prev = this.#next[prev];
      this.#next[prev] = next;
    }
    if (before < 0) (this.#dirs[slot] as Vnode).names = after;
    else this.#after[before] = after;
    if (after >= 0) this.#before[after] = before;
    this.#names[slot] = '';
    this.#dirs[slot] = this.#vnodes[slot] = undefined;
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.#count--;
  }

  /** The entry that has been there longest goes: its slot is the next one to be filled, so that the hand goes by age. */
  #evict(): void {
    const slot = this.#hand;
    this.#hand = (slot + 1) % this.#next.length;
    if (this.#dirs[slot] !== undefined) this.#giveUp(slot);
  }

  /** Twice the slots; all that there were are in use. */
  #grow(): void {
    const old = this.#next.length;
    const size = Math.max(SLOTS_MIN, old * 2);
    if (old === 0) this.#seed = this.#random();
    this.#hashes = grown(this.#hashes, size);
    this.#after = grown(this.#after, size);
    this.#before = grown(this.#before, size);
    this.#next = new Int32Array(size);
    this.#heads = new Int32Array(size).fill(-1);
    for (let slot = 0; slot < old; slot++) this.#chain(slot);
    for (let slot = size - 1; slot >= old; slot--) {
      this.#next[slot] = this.#free;
      this.#free = slot;
    }
    // From the first on, so that the arrays have no holes.
    for (let slot = old; slot < size; slot++) {
      this.#names.push('');
      this.#dirs.push(undefined);
      this.#vnodes.push(undefined);
    }
  }
}

function grown(old: Int32Array, size: number): Int32Array<ArrayBuffer> {
  const a = new Int32Array(size);
  a.set(old);
  return a;
}
