/**
 * Blocks that were freed by operations which the journal does not have yet. After a power cut they are their file's again, so nobody else may write to them.
 */
import { bitClearRange, bitSetRange } from '@anykernel/lib-bytes';
import type { Ext2fs } from './fs.js';

export class Pending {
  readonly #fs: Ext2fs;
  /** By group, as in its bitmap. */
  readonly #maps = new Map<number, Uint8Array>();
  #both: Uint8Array | undefined;

  constructor(fs: Ext2fs) {
    this.#fs = fs;
  }

  get any(): boolean {
    return this.#maps.size > 0;
  }

  /** Blocks of group `g` were freed. Within a transaction. */
  add(g: number, bit: number, count: number): void {
    const { bcache, bsize, txn } = this.#fs;
    if (this.#maps.size === 0) bcache.journal?.after(() => this.#maps.clear());
    let map = this.#maps.get(g);
    if (map === undefined) this.#maps.set(g, (map = new Uint8Array(bsize)));
    bitSetRange(map, bit, bit + count);
    const set = map;
    txn.undo(() => bitClearRange(set, bit, bit + count));
  }

  /** The bitmap `map` of group `g` with those that are not free yet. The next call overwrites it. */
  with(g: number, map: Uint8Array): Uint8Array {
    const pending = this.#maps.get(g);
    if (pending === undefined) return map;
    const both = (this.#both ??= new Uint8Array(map.length));
    for (let i = 0; i < both.length; i++) both[i] = map[i] | pending[i];
    return both;
  }
}
