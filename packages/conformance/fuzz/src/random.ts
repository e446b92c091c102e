/** Numbers by seed (xorshift32 on a multiplied seed). */
const imul = Math.imul;
const TWO32 = 0x1_0000_0000;

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = imul(seed, 0x9e3779b1) ^ 0x5bd1e995 || 1;
    for (let i = 0; i < 4; i++) this.next();
  }

  /** 0 .. 2^32 - 1. */
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }

  /** 0 .. n - 1. */
  below(n: number): number {
    return Math.floor((this.next() / TWO32) * n);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}
