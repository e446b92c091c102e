/**
 * Bitmaps in bytes: bit n is bit n & 7 of byte n >> 3, as every Berkeley and Linux file system keeps them.
 *
 * Searches look at bits start..end - 1 and give -1 when there is none; they pass over whole bytes at once. `off` of a map within a
 * block is taken by a subarray.
 */

export function bitTest(map: Uint8Array, bit: number): boolean {
  return (map[bit >>> 3]! & (1 << (bit & 7))) !== 0;
}

/** In place. */
export function bitSet(map: Uint8Array, bit: number): void {
  map[bit >>> 3]! |= 1 << (bit & 7);
}

/** In place. */
export function bitClear(map: Uint8Array, bit: number): void {
  map[bit >>> 3]! &= ~(1 << (bit & 7));
}

/** Sets bits start..end - 1, in place. */
export function bitSetRange(map: Uint8Array, start: number, end: number): void {
  let bit = start;
  for (; bit < end && (bit & 7) !== 0; bit++) bitSet(map, bit);
  const whole = end & ~7;
  if (bit < whole) map.fill(0xff, bit >>> 3, whole >>> 3);
  for (bit = Math.max(bit, whole); bit < end; bit++) bitSet(map, bit);
}

/** Clears bits start..end - 1, in place. */
export function bitClearRange(map: Uint8Array, start: number, end: number): void {
  let bit = start;
  for (; bit < end && (bit & 7) !== 0; bit++) bitClear(map, bit);
  const whole = end & ~7;
  if (bit < whole) map.fill(0, bit >>> 3, whole >>> 3);
  for (bit = Math.max(bit, whole); bit < end; bit++) bitClear(map, bit);
}

/** The first bit at or after `start` which is 0. */
export function findZero(map: Uint8Array, start: number, end: number): number {
  return find(map, start, end, 0xff);
}

/** The first bit at or after `start` which is 1. */
export function findOne(map: Uint8Array, start: number, end: number): number {
  return find(map, start, end, 0);
}

/** How many bits from `start` on are 0, up to `end`. */
export function zeroRun(map: Uint8Array, start: number, end: number): number {
  const one = findOne(map, start, end);
  return (one < 0 ? Math.max(end, start) : one) - start;
}

/** The start of the first run of at least `len` zero bits. */
export function findZeroRun(map: Uint8Array, start: number, end: number, len: number): number {
  for (let at = findZero(map, start, end); at >= 0; ) {
    const next = findOne(map, at, Math.min(at + len, end));
    if (next < 0) return at + len <= end ? at : -1;
    at = findZero(map, next, end);
  }
  return -1;
}

/** The start of the first byte, whole within start..end, which is all zero: eight free blocks together. */
export function findZeroByte(map: Uint8Array, start: number, end: number): number {
  const last = end >>> 3;
  for (let i = (start + 7) >>> 3; i < last; i++) if (map[i] === 0) return i << 3;
  return -1;
}

/** How many of bits start..end - 1 are 1. */
export function popcount(map: Uint8Array, start: number, end: number): number {
  let count = 0;
  let bit = start;
  for (; bit < end && (bit & 7) !== 0; bit++) if (bitTest(map, bit)) count++;
  for (; bit + 32 <= end; bit += 32) {
    const i = bit >>> 3;
    count += popcount32(map[i]! | (map[i + 1]! << 8) | (map[i + 2]! << 16) | (map[i + 3]! << 24));
  }
  for (; bit < end; bit++) if (bitTest(map, bit)) count++;
  return count;
}

/** How many bits of a 32-bit number are 1. */
export function popcount32(word: number): number {
  let w = word - ((word >>> 1) & 0x5555_5555);
  w = (w & 0x3333_3333) + ((w >>> 2) & 0x3333_3333);
  return imul((w + (w >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

const imul = Math.imul;
const clz32 = Math.clz32;

/** The first bit which is not as in `skip`: 0xff looks for a 0, 0 for a 1. */
function find(map: Uint8Array, start: number, end: number, skip: number): number {
  if (start >= end) return -1;
  const last = (end - 1) >>> 3;
  let i = start >>> 3;
  let odd = (map[i]! ^ skip) & (0xff << (start & 7));
  if (odd === 0) {
    i = skipBytes(map, i + 1, last, skip);
    if (i > last) return -1;
    odd = map[i]! ^ skip;
  }
  const bit = (i << 3) + 31 - clz32(odd & -odd);
  return bit < end ? bit : -1;
}

/** So many bytes are looked at one by one before a view by words, which has to be made, pays (measured: README). */
const NEAR = 256;

/** The first of bytes i..last which is not `skip`; last + 1 when there is none. */
function skipBytes(map: Uint8Array, i: number, last: number, skip: number): number {
  const near = Math.min(last, (i + NEAR) | 3);
  while (i <= near && map[i] === skip) i++;
  if (i <= near || i > last) return i;
  i = skipWords(map, i, last, skip);
  while (i <= last && map[i] === skip) i++;
  return i;
}

/** Passes over whole words; a map which does not lie on a word in memory is left to the bytes. */
function skipWords(map: Uint8Array, i: number, last: number, skip: number): number {
  if (((map.byteOffset + i) & 3) !== 0) return i;
  const words = new Int32Array(map.buffer, map.byteOffset + i, (last + 1 - i) >>> 2);
  const word = skip === 0 ? 0 : -1;
  let n = 0;
  while (n < words.length && words[n] === word) n++;
  return i + 4 * n;
}
