/**
 * The vnodes in memory by number: one table for the whole kernel, and for each mount a list by age. Both go through the vnodes themselves, so that a vnode
 * that comes or goes makes nothing and moves nothing else.
 */
import type { Mount } from './mount.js';
import type { Vnode } from './vnode.js';

const imul = Math.imul;

/** Chains that the table begins with. */
const CHAINS_MIN = 16;

/** Vnodes by mount and number. */
export class Vcache {
  #heads: (Vnode | undefined)[] = new Array(CHAINS_MIN).fill(undefined);
  #count = 0;

  /** Neighbours in number are neighbours here: they are asked for one after another. Numbers that are multiples of some unit have chains of their own, too. */
  #chainOf(mp: Mount, key: number): number {
    return (key ^ (key >>> 5) ^ (key >>> 10) ^ imul(mp.fsid, 0x9e3779b1)) & (this.#heads.length - 1);
  }

  find(mp: Mount, key: number): Vnode | undefined {
    let vp = this.#heads[this.#chainOf(mp, key)];
    while (vp !== undefined && (vp.key !== key || vp.mp !== mp)) vp = vp.chain;
    return vp;
  }

  /** For the vnodes of one mount. */
  newList(): VnodeList {
    return new VnodeList();
  }

  /** Adds a vnode that is not there. */
  add(vp: Vnode): void {
    if (this.#count * 2 >= this.#heads.length) this.#grow();
    this.#count++;
    this.#link(vp);
  }

  #link(vp: Vnode): void {
    const at = this.#chainOf(vp.mp as Mount, vp.key);
    vp.chain = this.#heads[at];
    this.#heads[at] = vp;
  }

  /** Takes a vnode out; returns whether it was there. */
  remove(vp: Vnode): boolean {
    const at = this.#chainOf(vp.mp as Mount, vp.key);
    const first = this.#heads[at];
    if (first === vp) this.#heads[at] = vp.chain;
    else {
      let prev = first;
      while (prev !== undefined && prev.chain !== vp) prev = prev.chain;
      if (prev === undefined) return false;
      prev.chain = vp.chain;
    }
    vp.chain = undefined;
    this.#count--;
    return true;
  }

  /** Twice the chains. It never shrinks: the next mount wants as many. */
  #grow(): void {
    const old = this.#heads;
    this.#heads = new Array(old.length * 2).fill(undefined);
    for (const head of old) {
      for (let vp = head; vp !== undefined; ) {
        const next: Vnode | undefined = vp.chain;
        this.#link(vp);
        vp = next;
      }
    }
  }
}

/** The vnodes of a mount, the oldest first. None comes or goes while somebody goes through them. */
export class VnodeList implements Iterable<Vnode> {
  #oldest: Vnode | undefined = undefined;
  #youngest: Vnode | undefined = undefined;

  add(vp: Vnode): void {
    vp.older = this.#youngest;
    if (this.#youngest === undefined) this.#oldest = vp;
    else this.#youngest.younger = vp;
    this.#youngest = vp;
  }

  remove(vp: Vnode): void {
    const { older, younger } = vp;
    if (older === undefined) this.#oldest = younger;
    else older.younger = younger;
    if (younger === undefined) this.#youngest = older;
    else younger.older = older;
    vp.older = vp.younger = undefined;
  }

  [Symbol.iterator](): Iterator<Vnode> {
    let at = this.#oldest;
    return {
      next(): IteratorResult<Vnode> {
        const vp = at;
        if (vp === undefined) return { done: true, value: undefined };
        at = vp.younger;
        return { done: false, value: vp };
      },
    };
  }
}
