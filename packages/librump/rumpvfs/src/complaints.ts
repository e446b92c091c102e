/** Lines about what is wrong on a disk. Some of them only: a disk may be wrong everywhere. */
import type { Mount } from './mount.js';

/** Lines until the next second. */
const PER_SECOND = 10;

export class Complaints {
  readonly #mp: Mount;
  #second = -1;
  #count = 0;

  constructor(mp: Mount) {
    this.#mp = mp;
  }

  say(message: string): void {
    const { vfs, ops, fromName } = this.#mp;
    const second = Math.floor(vfs.k.mono() / 1e9);
    if (second !== this.#second) this.#count = 0;
    this.#second = second;
    if (this.#count++ < PER_SECOND) vfs.k.printf(`${ops.name}: ${fromName}: ${message}`);
  }
}
