/** Damage to an image, as a list of patches: what is kept of an image is small, and can be damaged further. */
import type { Random } from './random.js';

/** Where it hurts: from, to, in bytes. */
export type Span = readonly [from: number, to: number];

/** Bytes that are put at an offset. */
export interface Patch {
  readonly off: number;
  readonly data: Uint8Array;
}

export function patched(image: Uint8Array, patches: readonly Patch[]): Uint8Array {
  const copy = image.slice();
  for (const { off, data } of patches) if (off < copy.length) copy.set(data.subarray(0, copy.length - off), off);
  return copy;
}

/** Numbers that lie at an edge of something. */
const EDGES: readonly number[] = [0, 1, 2, 3, 4, 7, 8, 15, 16, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];

/** One more patch, drawn for `image`; mostly in one of `spans`. */
export function damage(random: Random, image: Uint8Array, spans: readonly Span[]): Patch {
  const [from, to] = spans.length === 0 || random.below(12) === 0 ? [0, image.length] : random.pick(spans);
  const off = from + random.below(to - from);
  switch (random.below(7)) {
    case 0:
      return { off, data: Uint8Array.of(random.below(256)) };
    case 1:
      return { off, data: Uint8Array.of((image[off] ?? 0) ^ (1 << random.below(8))) };
    case 2:
      return { off, data: new Uint8Array(1 + random.below(16)).fill(random.below(2) * 255) };
    case 3:
      return { off: off & ~3, data: numberOf(random, 4, random.below(2) === 0 ? random.pick(EDGES) : random.below(image.length)) };
    case 4:
      return { off: off & ~1, data: numberOf(random, 2, random.below(2) === 0 ? random.pick(EDGES) : random.below(4096)) };
    case 5: {
      // A number that is there, a little more or less.
      const at = off & ~3;
      const view = new DataView(image.buffer, image.byteOffset, image.length);
      return { off: at, data: numberOf(random, 4, at + 4 <= image.length ? view.getUint32(at, true) + random.below(9) - 4 : 0, true) };
    }
    default: {
      // Something else from the image in its place.
      const [start, end] = spans.length === 0 ? [0, image.length] : random.pick(spans);
      const source = start + random.below(end - start);
      return { off, data: image.slice(source, source + 4 + random.below(60)) };
    }
  }
}

function numberOf(random: Random, len: number, value: number, little = random.below(5) > 0): Uint8Array {
  const data = new Uint8Array(len);
  for (let i = 0; i < len; i++) data[little ? i : len - 1 - i] = Math.floor(value / 2 ** (8 * i)) & 0xff;
  return data;
}
