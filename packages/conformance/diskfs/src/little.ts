/** Small things that every test of a file system needs. */

/** The code of the error that `fn` throws; '' where it throws none. What has no code is thrown on. */
export function errnoOf(fn: () => unknown): string {
  try {
    fn();
    return '';
  } catch (e) {
    const { code } = e as { code?: string };
    if (code === undefined) throw e;
    return code;
  }
}

/** `len` bytes that can be told from those of another seed. */
export function pattern(len: number, seed: number): Uint8Array {
  const b = new Uint8Array(len);
  let x = (seed * 2654435761 + 1) >>> 0;
  for (let i = 0; i < len; i++) {
    x = (x ^ (x << 13)) >>> 0;
    x = (x ^ (x >>> 17)) >>> 0;
    x = (x ^ (x << 5)) >>> 0;
    b[i] = x;
  }
  return b;
}
