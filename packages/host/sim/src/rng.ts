/**
 * Random numbers from a seed: xoshiro128** 1.1, its state filled by splitmix32.
 *
 * Sources: D. Blackman, S. Vigna, "Scrambled Linear Pseudorandom Number Generators" (ACM TOMS 47, 2021) for xoshiro128**; the 32-bit
 * splitmix is a Weyl sequence through the finalizer of MurmurHash3.
 */
const imul = Math.imul;
const GOLDEN = 0x9e3779b9;

export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** A seed, or the four words of the state, not all zero. */
  constructor(seed: number | readonly [number, number, number, number]) {
    const [a, b, c, d] = typeof seed === 'number' ? words(seed) : seed;
    this.#a = a;
    this.#b = b;
    this.#c = c;
    this.#d = d;
  }

  /** 0 .. 2^32-1. */
  next(): number {
    const result = imul(rotl(imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotl(this.#d, 11);
    return result;
  }

  /** 0 .. n-1, for n up to 2^53. */
  below(n: number): number {
    return Math.floor(this.float() * n);
  }

  /** 0 <= x < 1, of 53 bits. */
  float(): number {
    return ((this.next() >>> 5) * 0x4000000 + (this.next() >>> 6)) / 2 ** 53;
  }

  /** Fills `buf` in place. */
  fill(buf: Uint8Array): void {
    for (let index = 0; index < buf.length; index += 4) {
      const word = this.next();
      const end = Math.min(4, buf.length - index);
      for (let k = 0; k < end; k++) buf[index + k] = word >>> (8 * k);
    }
  }
}

const rotl = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

function words(seed: number): [number, number, number, number] {
  const start = fold(seed);
  const word = (place: number): number => finalize((start + imul(place, GOLDEN)) | 0);
  // The last is odd, as the state must not be zero.
  return [word(1), word(2), word(3), word(4) | 1];
}

/** Seeds beyond 32 bits count too. */
function fold(seed: number): number {
  const high = Math.floor(seed / 2 ** 32);
  return finalize(finalize((seed + GOLDEN) | 0) ^ high) | 0;
}

function finalize(x: number): number {
  let z = x;
  z = imul(z ^ (z >>> 16), 0x85ebca6b);
  z = imul(z ^ (z >>> 13), 0xc2b2ae35);
  return (z ^ (z >>> 16)) >>> 0;
}

/** A seed of its own for one part of a simulation, so that parts do not take each other's numbers. */
export function deriveSeed(seed: number, ...parts: readonly (string | number)[]): number {
  let hash = finalize(fold(seed));
  for (const char of parts.join('\0')) hash = finalize(imul(hash ^ char.charCodeAt(0), 0x01000193) + GOLDEN);
  return hash;
}
