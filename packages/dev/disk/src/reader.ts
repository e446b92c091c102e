/** Reading a disk's table through its driver: what was read is kept, so that a reader that slept and begins anew goes on where it was. */
import { Errno } from '@anykernel/lib-sys';
import { type Bdevsw, type Lwp, transfer } from '@anykernel/rumpkern';
import type { Medium } from './table.js';

const NOTHING = new Uint8Array(0);

export class Reader implements Medium {
  readonly size: number;
  readonly secsize: number;
  /** A sector could not be read: it counts as not there. */
  failed = false;
  readonly #sw: Bdevsw;
  readonly #dev: number;
  /** By first byte and length. */
  readonly #kept = new Map<string, Uint8Array>();
  #l: Lwp | undefined;

  constructor(sw: Bdevsw, dev: number) {
    this.#sw = sw;
    this.#dev = dev;
    this.size = sw.psize(dev);
    this.secsize = sw.secsize(dev);
  }

  /** Runs `fn` for `l`, which may sleep in it. */
  within<T>(l: Lwp, fn: () => T): T {
    this.#l = l;
    try {
      return fn();
    } finally {
      this.#l = undefined;
    }
  }

  peek(off: number, len: number): Uint8Array {
    const start = off - (off % this.secsize);
    const end = Math.min(Math.ceil((off + len) / this.secsize) * this.secsize, this.size);
    if (!(off >= 0) || end <= off) return NOTHING;
    const data = this.#read(start, end - start);
    return data.subarray(off - start, Math.min(off - start + len, data.length));
  }

  #read(start: number, len: number): Uint8Array {
    const key = `${start}+${len}`;
    let data = this.#kept.get(key);
    if (data === undefined) {
      data = this.#transfer(start, len);
      this.#kept.set(key, data);
    }
    return data;
  }

  #transfer(start: number, len: number): Uint8Array {
    try {
      return transfer(this.#l as Lwp, len, start, undefined, (buf, done) => this.#sw.readv(this.#dev, [buf], start, done));
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      this.failed = true;
      return NOTHING;
    }
  }
}
