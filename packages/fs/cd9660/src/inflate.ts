/**
 * Unpacks a zlib stream (RFC 1950, RFC 1951) into memory of a known length. Pure.
 *
 * A stream that makes no sense, is cut off, or would give more than there is room for, gives -1; nothing is written outside, and no more is done than
 * its own bytes and the room allow.
 */

const BITS_MAX = 15;

/** A Huffman code: how many codes there are of each length, and the symbols in their order. */
interface Code {
  readonly count: Uint16Array;
  readonly symbol: Uint16Array;
  /** By the next FAST bits: the symbol and its length; 0: the code is longer. */
  readonly fast: Uint16Array;
}

const FAST = 9;

// RFC 1951, 3.2.5: lengths and distances, their base and their extra bits.
const LENGTH_BASE = Uint16Array.of(3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258);
const LENGTH_EXTRA = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0);
const DIST_BASE = Uint16Array.of(1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12_289, 16_385, 24_577);
const DIST_EXTRA = Uint8Array.of(0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13);
const ORDER = Uint8Array.of(16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15);

/** The code with these lengths; undefined: there is none. One that is not complete is allowed, as zlib writes it for few symbols. */
function codeOf(lengths: Uint8Array): Code | undefined {
  const count = new Uint16Array(BITS_MAX + 1);
  for (const len of lengths) count[len]++;
  let left = 1;
  for (let len = 1; len <= BITS_MAX; len++) {
    left = left * 2 - count[len];
    if (left < 0) return undefined;
  }
  const offs = new Uint16Array(BITS_MAX + 2);
  for (let len = 1; len <= BITS_MAX; len++) offs[len + 1] = offs[len] + count[len];
  const symbol = new Uint16Array(lengths.length);
  for (let i = 0; i < lengths.length; i++) if (lengths[i] !== 0) symbol[offs[lengths[i]]++] = i;
  count[0] = 0;
  return { count, symbol, fast: fastOf(count, symbol) };
}

/** Codes of up to FAST bits, by the bits as they come: the first one is the lowest. */
function fastOf(count: Uint16Array, symbol: Uint16Array): Uint16Array {
  const fast = new Uint16Array(1 << FAST);
  let code = 0;
  let index = 0;
  for (let len = 1; len <= FAST; len++) {
    for (let i = 0; i < count[len]; i++, code++, index++) {
      let turned = 0;
      for (let bit = 0; bit < len; bit++) turned |= ((code >> bit) & 1) << (len - 1 - bit);
      for (let at = turned; at < 1 << FAST; at += 1 << len) fast[at] = (symbol[index] << 4) | len;
    }
    code <<= 1;
  }
  return fast;
}

function fixedLengths(): Uint8Array {
  return Uint8Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8));
}

const FIXED_LENGTHS = codeOf(fixedLengths()) as Code;
const FIXED_DISTS = codeOf(new Uint8Array(30).fill(5)) as Code;

class Inflater {
  readonly #in: Uint8Array;
  readonly #out: Uint8Array;
  #pos: number;
  #at = 0;
  #bits = 0;
  #have = 0;

  constructor(input: Uint8Array, pos: number, out: Uint8Array) {
    this.#in = input;
    this.#out = out;
    this.#pos = pos;
  }

  /** Bytes that came out; -1: it makes no sense. */
  run(): number {
    for (;;) {
      const last = this.#take(1);
      const kind = this.#take(2);
      const fine = kind === 0 ? this.#stored() : kind === 1 ? this.#packed(FIXED_LENGTHS, FIXED_DISTS) : kind === 2 ? this.#dynamic() : false;
      if (!fine || last < 0) return -1;
      if (last === 1) return this.#at;
    }
  }

  /** `n` bits; -1: there are no more. */
  #take(n: number): number {
    while (this.#have < n) {
      if (this.#pos >= this.#in.length) return -1;
      this.#bits |= this.#in[this.#pos++] << this.#have;
      this.#have += 8;
    }
    const value = this.#bits & ((1 << n) - 1);
    this.#bits >>>= n;
    this.#have -= n;
    return value;
  }

  #stored(): boolean {
    // Whole bytes that were taken ahead are not used up.
    const pos = this.#pos - (this.#have >> 3);
    this.#bits = this.#have = 0;
    const b = this.#in;
    if (pos + 4 > b.length) return false;
    const len = b[pos] | (b[pos + 1] << 8);
    if ((b[pos + 2] | (b[pos + 3] << 8)) !== (len ^ 0xffff) || pos + 4 + len > b.length || this.#at + len > this.#out.length) return false;
    this.#out.set(b.subarray(pos + 4, pos + 4 + len), this.#at);
    this.#pos = pos + 4 + len;
    this.#at += len;
    return true;
  }

  #dynamic(): boolean {
    const nlen = this.#take(5) + 257;
    const ndist = this.#take(5) + 1;
    const ncode = this.#take(4) + 4;
    if (nlen < 257 || nlen > 286 || ndist < 1 || ndist > 30 || ncode < 4) return false;
    const lengths = new Uint8Array(19);
    for (let i = 0; i < ncode; i++) {
      const len = this.#take(3);
      if (len < 0) return false;
      lengths[ORDER[i]] = len;
    }
    const code = codeOf(lengths);
    const all = code === undefined ? undefined : this.#lengths(code, nlen + ndist);
    if (all === undefined || all[256] === 0) return false;
    const lengthCode = codeOf(all.subarray(0, nlen));
    const distCode = codeOf(all.subarray(nlen));
    return lengthCode !== undefined && distCode !== undefined && this.#packed(lengthCode, distCode);
  }

  /** The lengths of two codes, which are packed themselves. */
  #lengths(code: Code, count: number): Uint8Array | undefined {
    const all = new Uint8Array(count);
    for (let i = 0; i < count; ) {
      const symbol = this.#symbol(code);
      if (symbol < 0) return undefined;
      if (symbol < 16) {
        all[i++] = symbol;
        continue;
      }
      const before = symbol === 16 ? (i === 0 ? -1 : all[i - 1]) : 0;
      const times = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (before < 0 || times < 3 || i + times > count) return undefined;
      all.fill(before, i, i + times);
      i += times;
    }
    return all;
  }

  #symbol(code: Code): number {
    while (this.#have < BITS_MAX && this.#pos < this.#in.length) {
      this.#bits |= this.#in[this.#pos++] << this.#have;
      this.#have += 8;
    }
    const entry = code.fast[this.#bits & ((1 << FAST) - 1)];
    const len = entry & 15;
    if (len === 0) return this.#slowSymbol(code);
    if (len > this.#have) return -1;
    this.#bits >>>= len;
    this.#have -= len;
    return entry >> 4;
  }

  /** Bit by bit: a code of more than FAST bits, or none. */
  #slowSymbol(code: Code): number {
    let value = 0;
    let first = 0;
    let index = 0;
    for (let len = 1; len <= BITS_MAX && len <= this.#have; len++) {
      value |= (this.#bits >> (len - 1)) & 1;
      const count = code.count[len];
      if (value - count < first) {
        this.#bits >>>= len;
        this.#have -= len;
        return code.symbol[index + (value - first)];
      }
      index += count;
      first = (first + count) << 1;
      value <<= 1;
    }
    return -1;
  }

  #packed(lengths: Code, dists: Code): boolean {
    const out = this.#out;
    for (;;) {
      const symbol = this.#symbol(lengths);
      if (symbol < 0) return false;
      if (symbol < 256) {
        if (this.#at >= out.length) return false;
        out[this.#at++] = symbol;
        continue;
      }
      if (symbol === 256) return true;
      if (symbol > 285) return false;
      const len = LENGTH_BASE[symbol - 257] + this.#take(LENGTH_EXTRA[symbol - 257]);
      const d = this.#symbol(dists);
      if (d < 0 || d > 29 || len < 3) return false;
      const extra = this.#take(DIST_EXTRA[d]);
      const from = this.#at - DIST_BASE[d] - extra;
      if (extra < 0 || from < 0 || this.#at + len > out.length) return false;
      for (let i = 0; i < len; i++) out[this.#at + i] = out[from + i];
      this.#at += len;
    }
  }
}

/** Unpacks the zlib stream in `input` into `out`, in place. Returns the bytes that came out; -1: it makes no sense. The checksum is looked at. */
export function inflate(input: Uint8Array, out: Uint8Array): number {
  if (input.length < 6 || (input[0] & 15) !== 8 || (input[0] * 256 + input[1]) % 31 !== 0 || (input[1] & 0x20) !== 0) return -1;
  const len = new Inflater(input, 2, out).run();
  return len >= 0 && adler32(out, len) === sumOf(input) ? len : -1;
}

/** The checksum at the end of the stream, which is all of `input`. */
function sumOf(input: Uint8Array): number {
  const at = input.length - 4;
  return ((input[at] << 24) | (input[at + 1] << 16) | (input[at + 2] << 8) | input[at + 3]) >>> 0;
}

/** RFC 1950: two sums modulo 65521. */
function adler32(b: Uint8Array, len: number): number {
  let a = 1;
  let c = 0;
  for (let i = 0; i < len; ) {
    const end = Math.min(len, i + 3800);
    for (; i < end; i++) {
      a += b[i];
      c += a;
    }
    a %= 65_521;
    c %= 65_521;
  }
  return ((c << 16) | a) >>> 0;
}
