/**
 * Rounding and powers of two. Exact for whole numbers 0..2^53 - 1 unless a function says less.
 */

/** How many units of `unit` hold `value`: the quotient rounded up. */
export function howmany(value: number, unit: number): number {
  return Math.ceil(value / unit);
}

/** `value` rounded up to a multiple of `unit`. */
export function roundUp(value: number, unit: number): number {
  const rest = value % unit;
  return rest === 0 ? value : value - rest + unit;
}

/** `value` rounded down to a multiple of `unit`. */
export function roundDown(value: number, unit: number): number {
  return value - (value % unit);
}

/** `value` below 2^31 rounded up to a multiple of a power of two. */
export function align(value: number, powerOfTwo: number): number {
  return (value + powerOfTwo - 1) & -powerOfTwo;
}

/** Whether a number of 1..2^31 is a power of two. */
export function isPowerOfTwo(value: number): boolean {
  return value > 0 && value <= 0x8000_0000 && Number.isInteger(value) && (value & (value - 1)) === 0;
}

/** The largest n with 2^n <= value, for 1..2^32 - 1. */
export function log2(value: number): number {
  return 31 - Math.clz32(value);
}
