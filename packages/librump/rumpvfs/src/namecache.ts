/**
 * The name cache: what names in directories mean, and which are not there.
 *
 * For file systems whose own lookup is slow: they ask it first thing in lookup(), and enter what they found. The layer keeps it right: after
 * an operation that makes or takes a name it enters the new meaning, and a reclaimed vnode's entries are misses. A file system that never enters anything
 * (one in memory) pays nothing; one whose names are not just bytes (that folds case) must not.
 */
import { type Vnode, VBAD } from './vnode.js';

/** Entries that one eviction takes from a directory. */
const BATCH = 32;

export class Namecache {
  hits = 0;
  misses = 0;
  /** Directories with entries, the least recently filled first. */
  readonly #dirs = new Set<Vnode>();
  #count = 0;

  constructor(
    /** The most entries. */
    public limit: number,
  ) {}

  get count(): number {
    return this.#count;
  }

  /** The vnode `name` stands for in `dvp`; null: it is known not to be there; undefined: not known. */
  lookup(dvp: Vnode, name: string): Vnode | null | undefined {
    const vp = dvp.names?.get(name);
    if (vp === undefined) {
      if (dvp.names?.has(name) !== true) {
        this.misses++;
        return undefined;
      }
      this.hits++;
      return null;
    }
    if (vp.type === VBAD) {
      this.remove(dvp, name);
      this.misses++;
      return undefined;
    }
    this.hits++;
    vp.recent = true;
    return vp;
  }

  /** `name` in `dvp` stands for `vp`; undefined: it is not there. */
  enter(dvp: Vnode, name: string, vp: Vnode | undefined): void {
    let names = dvp.names;
    if (names === undefined) {
      names = dvp.names = new Map();
      this.#dirs.add(dvp);
    }
    const before = names.size;
    names.set(name, vp);
    this.#count += names.size - before;
    if (this.#count > this.limit) this.#evict();
  }

  /** The layer's: a name was made or taken in a directory whose names are cached. */
  changed(dvp: Vnode, name: string, vp: Vnode | undefined): void {
    if (dvp.names !== undefined) this.enter(dvp, name, vp);
  }

  /** Forgets one name. */
  remove(dvp: Vnode, name: string): void {
    if (dvp.names?.delete(name) === true) this.#count--;
  }

  /** Forgets the names in `vp`, which is being reclaimed or is no directory any more. */
  purge(vp: Vnode): void {
    if (vp.names === undefined) return;
    this.#count -= vp.names.size;
    vp.names = undefined;
    this.#dirs.delete(vp);
  }

  /** A name of `vp` in `dvp`, if it is cached. */
  nameOf(dvp: Vnode, vp: Vnode): string | undefined {
    if (dvp.names === undefined) return undefined;
    for (const [name, found] of dvp.names) if (found === vp && name !== '..') return name;
    return undefined;
  }

  /** The oldest entries of the directory that has waited longest go. */
  #evict(): void {
    for (const dvp of this.#dirs) {
      const names = dvp.names as Map<string, Vnode | undefined>;
      let left = BATCH;
      for (const name of names.keys()) {
        if (left-- === 0) break;
        names.delete(name);
        this.#count--;
      }
      if (names.size === 0) this.purge(dvp);
      else {
        this.#dirs.delete(dvp);
        this.#dirs.add(dvp);
      }
      return;
    }
  }
}
