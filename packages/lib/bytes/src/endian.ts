/**
 * Numbers in bytes: unsigned unless the name says `i`, little-endian (`le`) or big-endian (`be`), at any offset.
 *
 * Offsets are not checked: outside the array a get gives 0 and a put writes nothing of what does not fit, as typed arrays do it. Whoever takes an
 * offset from a disk or a peer checks it first. 64-bit numbers are exact up to 2^53; above that the lowest bits are lost.
 */

const TWO32 = 0x1_0000_0000;

export function getU16le(b: Uint8Array, off: number): number {
  return b[off]! | (b[off + 1]! << 8);
}
export function getU32le(b: Uint8Array, off: number): number {
  return (b[off]! | (b[off + 1]! << 8) | (b[off + 2]! << 16) | (b[off + 3]! << 24)) >>> 0;
}
export function getI32le(b: Uint8Array, off: number): number {
  return b[off]! | (b[off + 1]! << 8) | (b[off + 2]! << 16) | (b[off + 3]! << 24);
}
export function getU64le(b: Uint8Array, off: number): number {
  return getU32le(b, off + 4) * TWO32 + getU32le(b, off);
}
export function getI64le(b: Uint8Array, off: number): number {
  return getI32le(b, off + 4) * TWO32 + getU32le(b, off);
}
export function getU16be(b: Uint8Array, off: number): number {
  return (b[off]! << 8) | b[off + 1]!;
}
export function getU32be(b: Uint8Array, off: number): number {
  return ((b[off]! << 24) | (b[off + 1]! << 16) | (b[off + 2]! << 8) | b[off + 3]!) >>> 0;
}
export function getI32be(b: Uint8Array, off: number): number {
  return (b[off]! << 24) | (b[off + 1]! << 16) | (b[off + 2]! << 8) | b[off + 3]!;
}
export function getU64be(b: Uint8Array, off: number): number {
  return getU32be(b, off) * TWO32 + getU32be(b, off + 4);
}
export function getI64be(b: Uint8Array, off: number): number {
  return getI32be(b, off) * TWO32 + getU32be(b, off + 4);
}

export function putU16le(b: Uint8Array, off: number, value: number): void {
  b[off] = value;
  b[off + 1] = value >>> 8;
}
export function putU32le(b: Uint8Array, off: number, value: number): void {
  b[off] = value;
  b[off + 1] = value >>> 8;
  b[off + 2] = value >>> 16;
  b[off + 3] = value >>> 24;
}
/** Also for negative numbers: two's complement. */
export function putU64le(b: Uint8Array, off: number, value: number): void {
  putU32le(b, off, value >>> 0);
  putU32le(b, off + 4, Math.floor(value / TWO32));
}
export function putU16be(b: Uint8Array, off: number, value: number): void {
  b[off] = value >>> 8;
  b[off + 1] = value;
}
export function putU32be(b: Uint8Array, off: number, value: number): void {
  b[off] = value >>> 24;
  b[off + 1] = value >>> 16;
  b[off + 2] = value >>> 8;
  b[off + 3] = value;
}
/** Also for negative numbers: two's complement. */
export function putU64be(b: Uint8Array, off: number, value: number): void {
  putU32be(b, off, Math.floor(value / TWO32));
  putU32be(b, off + 4, value >>> 0);
}
