/** The second extended file system, and those that grew out of it. */
import { type Ext2fsType, type NewfsOptions, newfs } from '@anykernel/ext2fs';
import { toBytestr } from '@anykernel/lib-bytes';
import { UsageError } from '../errors.js';
import { humanSize } from '../format.js';
import { type ImageToMake, type Made, type Maker, type NewfsWords, type Peek, now, numberOf, only, powerOfTwo, random16, uuid4 } from './maker.js';

const MAGIC_OFF = 1024 + 56;

type Layout = Partial<Pick<NewfsOptions, 'type' | 'blockSize' | 'inodeSize' | 'inodes' | 'label'>>;

function layoutOf(o: NewfsWords): Layout {
  only(o, ['blockSize', 'inodeSize', 'inodes', 'label']);
  const blockSize = numberOf('block size', o.blockSize, (n) => [1024, 2048, 4096].includes(n), '1024, 2048 or 4096');
  const inodeSize = numberOf('inode size', o.inodeSize, (n) => powerOfTwo(n, 128, 4096), 'a power of two from 128 up to the block size');
  const inodes = numberOf('inodes', o.inodes, (n) => n >= 1 && n < 2 ** 32, 'how many files there can be');
  const label = o.label === undefined ? undefined : toBytestr(o.label);
  if (label !== undefined && label.length > 16) throw new UsageError(`label ${o.label}: is up to 16 bytes`);
  const type: Ext2fsType = o.type === 'ext3' || o.type === 'ext4' ? o.type : 'ext2';
  const all = { type, blockSize, inodeSize, inodes, label };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

function make(image: ImageToMake, layout: Layout): Made {
  const made = newfs(image, { time: now(), uuid: uuid4(), hashSeed: random16(), dirIndex: true, zeroed: image.zeroed, ...layout });
  const bytes = made.blocks * made.blockSize;
  const text = `${humanSize(bytes)}B in ${made.blocks} blocks of ${made.blockSize}, ${made.inodes} inodes, ${made.groups} group${made.groups === 1 ? '' : 's'}`;
  return { bytes, row: made, text };
}

export const ext2Maker: Maker = {
  types: ['ext2fs', 'ext2', 'ext3', 'ext4'],
  name: 'an ext2',
  plan(words) {
    const layout = layoutOf(words);
    return (image) => make(image, layout);
  },
  isThere(peek: Peek): boolean {
    const magic = peek(MAGIC_OFF, 2);
    return magic[0] === 0x53 && magic[1] === 0xef;
  },
};
