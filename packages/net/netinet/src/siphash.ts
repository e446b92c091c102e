/**
 * SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", INDOCRYPT 2012) of 32-bit words: what initial sequence numbers, cookies and
 * ports are computed with, so that nobody without the key foresees them.
 *
 * The message are little-endian words. 64-bit numbers are kept as two signed halves.
 */

export class SipHash {
  readonly #k: Int32Array;
  readonly #v = new Int32Array(8);
  /** The result of the last hash: its lower and upper half. */
  low = 0;
  high = 0;

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    this.#k = new Int32Array(4);
    for (let i = 0; i < 16; i++) this.#k[i >> 2]! |= key[i]! << (8 * (i & 3));
  }

  /** Hashes `count` words; returns the lower half of the result as a signed integer. */
  hash(words: Int32Array, count: number): number {
    const v = this.#v;
    const k = this.#k;
    v[0] = k[0]! ^ 0x70736575;
    v[1] = k[1]! ^ 0x736f6d65;
    v[2] = k[2]! ^ 0x6e646f6d;
    v[3] = k[3]! ^ 0x646f7261;
    v[4] = k[0]! ^ 0x6e657261;
    v[5] = k[1]! ^ 0x6c796765;
    v[6] = k[2]! ^ 0x79746573;
    v[7] = k[3]! ^ 0x74656462;
    const even = count & ~1;
    for (let i = 0; i < even; i += 2) compress(v, words[i]!, words[i + 1]!);
    // The last block: what remains, and the length in bytes in its top byte.
    const rest = (count & 1) !== 0 ? words[even]! : 0;
    compress(v, rest, (count << 2) << 24);
    v[4]! ^= 0xff;
    for (let i = 0; i < 4; i++) round(v);
    this.low = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
    this.high = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
    return this.low;
  }
}

function compress(v: Int32Array, low: number, high: number): void {
  v[6]! ^= low;
  v[7]! ^= high;
  round(v);
  round(v);
  v[0]! ^= low;
  v[1]! ^= high;
}

function round(v: Int32Array): void {
  add(v, 0, 2);
  rotate(v, 2, 13);
  v[2]! ^= v[0]!;
  v[3]! ^= v[1]!;
  swap(v, 0);
  add(v, 4, 6);
  rotate(v, 6, 16);
  v[6]! ^= v[4]!;
  v[7]! ^= v[5]!;
  add(v, 0, 6);
  rotate(v, 6, 21);
  v[6]! ^= v[0]!;
  v[7]! ^= v[1]!;
  add(v, 4, 2);
  rotate(v, 2, 17);
  v[2]! ^= v[4]!;
  v[3]! ^= v[5]!;
  swap(v, 4);
}

/** v[a] += v[b], in 64 bits. */
function add(v: Int32Array, a: number, b: number): void {
  const low = (v[a]! >>> 0) + (v[b]! >>> 0);
  v[a] = low;
  v[a + 1] = v[a + 1]! + v[b + 1]! + (low > 0xffffffff ? 1 : 0);
}

function rotate(v: Int32Array, a: number, by: number): void {
  const low = v[a]!;
  const high = v[a + 1]!;
  v[a] = (low << by) | (high >>> (32 - by));
  v[a + 1] = (high << by) | (low >>> (32 - by));
}

/** Rotation by 32. */
function swap(v: Int32Array, a: number): void {
  const low = v[a]!;
  v[a] = v[a + 1]!;
  v[a + 1] = low;
}
