/** FAT. */
import { type NewfsOptions, looksLikeFat, newfs } from '@anykernel/msdosfs';
import { toBytestr } from '@anykernel/lib-bytes';
import { UsageError } from '../errors.js';
import { humanSize } from '../format.js';
import { type ImageToMake, type Made, type Maker, type NewfsWords, type Peek, now, numberOf, only, powerOfTwo, random16 } from './maker.js';

type Layout = Partial<Pick<NewfsOptions, 'clusterSize' | 'fatBits' | 'label'>>;

function layoutOf(o: NewfsWords): Layout {
  only(o, ['blockSize', 'label', 'fat']);
  const clusterSize = numberOf('block size', o.blockSize, (n) => powerOfTwo(n, 512, 65_536), "a cluster's: a power of two from 512 to 64k");
  const fatBits = numberOf('FAT', o.fat, (n) => [12, 16, 32].includes(n), '12, 16 or 32') as 12 | 16 | 32 | undefined;
  const label = o.label === undefined ? undefined : toBytestr(o.label);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
  if (label !== undefined && (label.length > 11 || /[\x00-\x1f"*+,./:;<=>?[\\\]|]/.test(label))) {
    throw new UsageError(`label ${o.label}: is up to 11 characters, without dots and punctuation`);
  }
  const all = { clusterSize, fatBits, label };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function make(image: ImageToMake, layout: Layout): Made {
  const serial = new DataView(random16().buffer).getUint32(0);
  const made = newfs(image, { time: now(), serial, zeroed: image.zeroed, ...layout });
  return { bytes: made.bytes, row: made, text: `FAT${made.fatBits}, ${humanSize(made.bytes)}B with ${made.clusters} clusters of ${made.clusterSize}` };
}

export const msdosMaker: Maker = {
  types: ['msdosfs'],
  name: 'a FAT',
  plan(words) {
    const layout = layoutOf(words);
    return (image) => make(image, layout);
  },
  isThere: (peek: Peek): boolean => looksLikeFat(peek(0, 512)),
};
