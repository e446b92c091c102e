/**
 * Copying and comparing of byte ranges. The caller has checked the ranges: they lie within their arrays.
 */

/** Up to here a loop is faster than TypedArray.set, which needs a subarray (measured: README). */
const SHORT = 24;

/** Copies `len` bytes from `src` to `dst`, in place. Ranges of one array may overlap; two views of the same memory may not. */
export function copyBytes(dst: Uint8Array, dstOff: number, src: Uint8Array, srcOff: number, len: number): void {
  if (len > SHORT) dst.set(src.subarray(srcOff, srcOff + len), dstOff);
  else if (dst === src) dst.copyWithin(dstOff, srcOff, srcOff + len);
  else for (let i = 0; i < len; i++) dst[dstOff + i] = src[srcOff + i]!;
}

/** Whether the two arrays hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && equalRange(a, 0, b, 0, a.length);
}

/** Whether `len` bytes are the same in both. */
export function equalRange(a: Uint8Array, aOff: number, b: Uint8Array, bOff: number, len: number): boolean {
  for (let i = 0; i < len; i++) if (a[aOff + i] !== b[bOff + i]) return false;
  return true;
}

/** Below, equal to or above zero: the order by bytes, a shorter array before a longer one that begins with it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const len = Math.min(a.length, b.length);
  for (let i = 0; i < len; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether bytes start..end are all zero. */
export function isZero(bytes: Uint8Array, start: number = 0, end: number = bytes.length): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}
