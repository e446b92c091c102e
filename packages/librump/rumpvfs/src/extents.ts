/** Where a file's bytes are on the device: what bmap() says, in bytes, asked for once in each run. */
import type { Pager } from './uobj.js';
import { Run } from './vnode.js';

export class Extents {
  /** On the device, of the byte that was asked for last; -1: a hole. */
  at = -1;
  /** Bytes that follow it there. */
  len = 0;
  readonly #pager: Pager;
  readonly #run = new Run();
  /** The extent that is known: where it begins in the file and on the device, and how long it is. */
  #start = 0;
  #disk = -1;
  #count = 0;

  constructor(pager: Pager) {
    this.#pager = pager;
  }

  /** Looks byte `off` of the file up. EIO; sleeps. */
  find(off: number): this {
    if (off < this.#start || off >= this.#start + this.#count) this.#map(off);
    const skip = off - this.#start;
    this.at = this.#disk === -1 ? -1 : this.#disk + skip;
    this.len = this.#count - skip;
    return this;
  }

  #map(off: number): void {
    const bsize = 2 ** this.#pager.bshift;
    const run = this.#run;
    const lbn = Math.floor(off / bsize);
    run.blkno = -1;
    run.count = 1;
    this.#count = 0;
    this.#pager.bmap(lbn, run);
    this.#start = lbn * bsize;
    this.#disk = run.blkno < 0 ? -1 : run.blkno * bsize;
    this.#count = Math.max(run.count, 1) * bsize;
  }
}
