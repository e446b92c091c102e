/** The fast file system: UFS1, UFS2. */
import { type NewfsOptions, looksLikeFfs, newfs } from '@anykernel/ffs';
import { toBytestr } from '@anykernel/lib-bytes';
import { UsageError } from '../errors.js';
import { humanSize } from '../format.js';
import { type ImageToMake, type Made, type Maker, type NewfsWords, type Peek, now, numberOf, only, powerOfTwo, random16 } from './maker.js';

type Layout = Partial<Pick<NewfsOptions, 'version' | 'byteOrder' | 'blockSize' | 'fragSize' | 'inodes' | 'label'>>;

function layoutOf(o: NewfsWords): Layout {
  only(o, ['blockSize', 'fragSize', 'inodes', 'label', 'ufs', 'byteOrder']);
  const version = numberOf('UFS', o.ufs, (n) => n === 1 || n === 2, '1 or 2') as 1 | 2 | undefined;
  const blockSize = numberOf('block size', o.blockSize, (n) => powerOfTwo(n, 4096, 65_536), 'a power of two from 4k to 64k');
  const fragSize = numberOf('fragment size', o.fragSize, (n) => powerOfTwo(n, 512, 65_536), 'a power of two from 512 to the block size, and an eighth of that at least');
  const inodes = numberOf('inodes', o.inodes, (n) => n >= 1 && n < 2 ** 32, 'how many files there can be');
  const label = o.label === undefined ? undefined : toBytestr(o.label);
  if (label !== undefined && label.length > 31) throw new UsageError(`label ${o.label}: is up to 31 bytes`);
  if (o.byteOrder !== undefined && !['little', 'big'].includes(o.byteOrder)) throw new UsageError(`byte order ${o.byteOrder}: is little or big`);
  const all = { version, byteOrder: o.byteOrder, blockSize, fragSize, inodes, label };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function make(image: ImageToMake, layout: Layout): Made {
  const id = new DataView(random16().buffer).getInt32(0);
  const made = newfs(image, { time: now(), id, zeroed: image.zeroed, ...layout });
  const bytes = made.blocks * made.blockSize;
  const text = `UFS${layout.version ?? 2}, ${humanSize(bytes)}B in ${made.blocks} blocks of ${made.blockSize}, ${made.inodes} inodes, ${made.groups} group${made.groups === 1 ? '' : 's'}`;
  return { bytes, row: made, text };
}

export const ffsMaker: Maker = {
  types: ['ffs'],
  name: 'an FFS',
  plan(words) {
    const layout = layoutOf(words);
    return (image) => make(image, layout);
  },
  isThere: (peek: Peek): boolean => looksLikeFfs(peek),
};
