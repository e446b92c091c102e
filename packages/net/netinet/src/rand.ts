/** Random numbers of the host, fetched some hundred at a time. */
import type { Rumpuser } from '@anykernel/host-rumpuser';

const LEN = 1024;

export class Rand {
  readonly #bytes = new Uint8Array(LEN);
  #at = LEN;

  constructor(readonly host: Rumpuser) {}

  /** 32 random bits, signed. */
  word(): number {
    if (this.#at === LEN) {
      this.host.getrandom(this.#bytes);
      this.#at = 0;
    }
    const b = this.#bytes;
    const at = this.#at;
    this.#at = at + 4;
    return b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24);
  }

  /** 0 .. n-1; the bias of the remainder is below n / 2^32. */
  below(n: number): number {
    return (this.word() >>> 0) % n;
  }

  /** Random bytes, in a new array. */
  bytes(len: number): Uint8Array {
    const b = new Uint8Array(len);
    this.host.getrandom(b);
    return b;
  }
}
