/**
 * The hashes of names in hash trees: the legacy one, half of MD4, and TEA; each for characters with sign and without. Pure.
 *
 * Source: the documentation of the ext4 disk format, "Hash Tree Directories"; R. Rivest, RFC 1320 (the rounds of MD4, of which every second step is left out);
 * D. Wheeler and R. Needham, "TEA, a Tiny Encryption Algorithm".
 */
const imul = Math.imul;

const HASH_LEGACY = 0;
const HASH_HALF_MD4 = 1;
export const HASH_TEA = 2;
/** Added to a version: characters have no sign. */
export const HASH_UNSIGNED = 3;
export const HASH_MAX = 5;

const DEFAULT_SEED: readonly number[] = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476];
/** The largest hash, which means the end of a directory and stands for no name. */
const EOF_HASH = 0xfffffffe;

export class DirHash {
  /** Of the name that was hashed last: an even number of 32 bits, and what tells names with the same one apart. */
  major = 0;
  minor = 0;
  readonly #kind: number;
  readonly #signed: boolean;
  readonly #seed: readonly number[];
  readonly #in = new Int32Array(8);
  readonly #buf = new Int32Array(4);

  /** `version` up to HASH_MAX; `seed`: four words, all zero for the usual ones. */
  constructor(version: number, seed: readonly number[]) {
    this.#kind = version % 3;
    this.#signed = version < HASH_UNSIGNED;
    this.#seed = seed.some((w) => w !== 0) ? seed : DEFAULT_SEED;
  }

  /** Hashes bytes from..to - 1. */
  hash(b: Uint8Array, from: number, to: number): number {
    const buf = this.#buf;
    for (let i = 0; i < 4; i++) buf[i] = this.#seed[i];
    this.minor = 0;
    let hash: number;
    if (this.#kind === HASH_LEGACY) hash = this.#legacy(b, from, to);
    else if (this.#kind === HASH_HALF_MD4) {
      for (let at = from; at < to; at += 32) {
        this.#fill(b, at, to, 8);
        this.#halfMd4();
      }
      hash = buf[1] >>> 0;
      this.minor = buf[2] >>> 0;
    } else {
      for (let at = from; at < to; at += 16) {
        this.#fill(b, at, to, 4);
        this.#tea();
      }
      hash = buf[0] >>> 0;
      this.minor = buf[1] >>> 0;
    }
    hash = (hash & ~1) >>> 0;
    this.major = hash === EOF_HASH ? EOF_HASH - 2 : hash;
    return this.major;
  }

  #char(b: Uint8Array, i: number): number {
    return this.#signed ? (b[i] << 24) >> 24 : b[i];
  }

  #legacy(b: Uint8Array, from: number, to: number): number {
    let hash0 = 0x12a3fe2d;
    let hash1 = 0x37abe8f9;
    for (let i = from; i < to; i++) {
      let hash = (hash1 + (hash0 ^ imul(this.#char(b, i), 7152373))) >>> 0;
      if (hash >= 0x80000000) hash = (hash - 0x7fffffff) >>> 0;
      hash1 = hash0;
      hash0 = hash;
    }
    return (hash0 << 1) >>> 0;
  }

  /** The next words of the name, the rest filled with its length. */
  #fill(b: Uint8Array, from: number, to: number, words: number): void {
    const len = to - from;
    let pad = (len & 0xff) | ((len & 0xff) << 8);
    pad |= pad << 16;
    const end = Math.min(to, from + 4 * words);
    let at = from;
    for (let w = 0; w < words; w++) {
      let val = pad;
      for (let n = 0; n < 4 && at < end; n++, at++) val = (this.#char(b, at) + (val << 8)) | 0;
      this.#in[w] = val;
    }
  }

  #tea(): void {
    const [buf, a] = [this.#buf, this.#in];
    let b0 = buf[0];
    let b1 = buf[1];
    let sum = 0;
    for (let n = 0; n < 16; n++) {
      sum = (sum + 0x9e3779b9) | 0;
      b0 = (b0 + ((((b1 << 4) + a[0]) | 0) ^ ((b1 + sum) | 0) ^ (((b1 >>> 5) + a[1]) | 0))) | 0;
      b1 = (b1 + ((((b0 << 4) + a[2]) | 0) ^ ((b0 + sum) | 0) ^ (((b0 >>> 5) + a[3]) | 0))) | 0;
    }
    buf[0] = (buf[0] + b0) | 0;
    buf[1] = (buf[1] + b1) | 0;
  }

  #halfMd4(): void {
    const x = this.#in;
    const v = this.#buf;
    const [a0, b0, c0, d0] = v;
    for (const [i, word, shift, round] of STEPS) {
      // Each step changes one of the four words by the three that follow it in turn.
      const [p, q, r, s] = [(4 - (i & 3)) & 3, (5 - (i & 3)) & 3, (6 - (i & 3)) & 3, (7 - (i & 3)) & 3];
      const mix = round === 0 ? v[s] ^ (v[q] & (v[r] ^ v[s])) : round === 1 ? ((v[q] & v[r]) + ((v[q] ^ v[r]) & v[s])) | 0 : v[q] ^ v[r] ^ v[s];
      const sum = (v[p] + mix + x[word] + ROUND_CONSTANTS[round]) | 0;
      v[p] = (sum << shift) | (sum >>> (32 - shift));
    }
    v[0] = (v[0] + a0) | 0;
    v[1] = (v[1] + b0) | 0;
    v[2] = (v[2] + c0) | 0;
    v[3] = (v[3] + d0) | 0;
  }
}

const ROUND_CONSTANTS: readonly number[] = [0, 0x5a827999, 0x6ed9eba1];
const WORDS: readonly (readonly number[])[] = [
  [0, 1, 2, 3, 4, 5, 6, 7],
  [1, 3, 5, 7, 0, 2, 4, 6],
  [3, 7, 2, 6, 1, 5, 0, 4],
];
const SHIFTS: readonly (readonly number[])[] = [
  [3, 7, 11, 19],
  [3, 5, 9, 13],
  [3, 9, 11, 15],
];
/** Step, word, shift, round: all there are. */
const STEPS: readonly (readonly [number, number, number, number])[] = /* @__PURE__ */ WORDS.flatMap((words, round) =>
  words.map((word, i) => [i, word, SHIFTS[round]![i & 3]!, round] as const),
);
