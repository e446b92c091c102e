/** `rump newfs`: makes a file system in a file, on a device, or in a partition of either. */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { randomFillSync } from 'node:crypto';
import { type NewfsSummary, newfs as newExt2fs } from '@anykernel/ext2fs';
import { toBytestr } from '@anykernel/lib-bytes';
import { Errno } from '@anykernel/lib-sys';
import type { Context } from './context.js';
import type { Options } from './filecommands.js';
import { humanSize, parseSize } from './format.js';
import { PlaceError, UsageError } from './errors.js';
import { hasPartitions, placeOfPart } from './commands/disks.js';
import { sourceOf } from './place.js';

interface NewfsWords {
  readonly type: string;
  readonly size?: string;
  readonly blockSize?: string;
  readonly inodeSize?: string;
  readonly inodes?: string;
  readonly label?: string;
  readonly force?: boolean;
}

/** Sizes beyond this are a slip of the finger: ext2 ends at 16 TiB. */
const SIZE_MAX = 2 ** 44;

/** PlaceError: the file cannot be used, or has a file system already; UsageError. */
export function newfs(ctx: Context, image: string, options: Options): void {
  const o = options as unknown as NewfsWords;
  if (o.type !== 'ext2fs') throw new UsageError(`type ${o.type}: newfs makes ext2fs`);
  const size = o.size === undefined ? undefined : sizeOf(o.size);
  const layout = layoutOf(o);
  const { file, part } = sourceOf(image);
  const made = part === undefined ? newInFile(file, size, layout, o.force === true) : newInPart(image, file, part, size, layout, o.force === true);
  const bytes = made.blocks * made.blockSize;
  const name = toBytestr(image);
  const text = `${name}: ext2fs, ${humanSize(bytes)}B in ${made.blocks} blocks of ${made.blockSize}, ${made.inodes} inodes, ${made.groups} group${made.groups === 1 ? '' : 's'}`;
  ctx.put({ file: name, type: o.type, bytes, ...made }, text);
}

/** What cannot be is found before anything is touched. */
function newInFile(file: string, size: number | undefined, layout: Layout, force: boolean): NewfsSummary {
  make(file, size ?? sizeOfThere(file), layout, () => undefined);
  if (!force && hasPartitions(file)) throw new PlaceError(`${file}: has partitions (-f makes a file system over them all)`);
  return withImage(file, size !== undefined, (fd) => {
    const len = prepare(fd, file, size, force);
    return make(file, len, layout, (off, data) => writeAll(fd, off, data), fstatSync(fd).isFile());
  });
}

/** Nothing outside of the partition is touched; what was in it may shine through where nothing is. */
function newInPart(image: string, file: string, part: string, size: number | undefined, layout: Layout, force: boolean): NewfsSummary {
  const place = placeOfPart(file, part);
  if (size !== undefined && size > place.size) throw new PlaceError(`${image}: has only ${humanSize(place.size)}B`);
  const len = size ?? place.size;
  make(image, len, layout, () => undefined);
  return withImage(file, false, (fd) => {
    if (!force && hasExt2(fd, place.off)) throw new PlaceError(`${image}: ${HAS_EXT2}`);
    return make(image, len, layout, (off, data) => writeAll(fd, place.off + off, data), false);
  });
}

function withImage(file: string, mayCreate: boolean, body: (fd: number) => NewfsSummary): NewfsSummary {
  const fd = openImage(file, mayCreate);
  try {
    const made = body(fd);
    fsyncSync(fd);
    return made;
  } finally {
    closeSync(fd);
  }
}

interface Layout {
  readonly blockSize?: number;
  readonly inodeSize?: number;
  readonly inodes?: number;
  readonly label?: string;
}

function layoutOf(o: NewfsWords): Layout {
  const number = (name: string, word: string, fits: (n: number) => boolean, what: string): number => {
    const n = parseSize(word);
    if (n === undefined || !fits(n)) throw new UsageError(`${name} ${word}: is ${what}`);
    return n;
  };
  const powerOfTwo = (n: number): boolean => n >= 128 && n <= 4096 && (n & (n - 1)) === 0;
  const label = o.label === undefined ? undefined : toBytestr(o.label);
  if (label !== undefined && label.length > 16) throw new UsageError(`label ${o.label}: is up to 16 bytes`);
  return {
    ...(o.blockSize === undefined
      ? {}
      : { blockSize: number('block size', o.blockSize, (n) => [1024, 2048, 4096].includes(n), '1024, 2048 or 4096') }),
    ...(o.inodeSize === undefined
      ? {}
      : { inodeSize: number('inode size', o.inodeSize, powerOfTwo, 'a power of two from 128 up to the block size') }),
    ...(o.inodes === undefined ? {} : { inodes: number('inodes', o.inodes, (n) => n >= 1 && n < 2 ** 32, 'how many files there can be') }),
    ...(label === undefined ? {} : { label }),
  };
}

function sizeOf(word: string): number {
  const size = parseSize(word);
  if (size === undefined || size <= 0 || size > SIZE_MAX) throw new UsageError(`size ${word}: is like 64m or 1g`);
  return size;
}

/** The file, open for writing; made only where its size is known. PlaceError. */
function openImage(file: string, mayCreate: boolean): number {
  try {
    return openSync(file, 'r+');
  } catch (e) {
    const code = (e as { code?: string }).code;
    if (code === 'ENOENT' && mayCreate) return createImage(file);
    throw new PlaceError(`${file}: ${reason(e)}`);
  }
}

function createImage(file: string): number {
  try {
    return openSync(file, 'wx+', 0o666);
  } catch (e) {
    throw new PlaceError(`${file}: ${reason(e)}`);
  }
}

function reason(e: unknown): string {
  return (e as Error).message.replace(/^E[A-Z]+: /, '').replace(/, \w+.*$/s, '');
}

/** Gives the file its size. Bytes; PlaceError: it is neither file nor device, has no size, or is in use already. */
function prepare(fd: number, file: string, size: number | undefined, force: boolean): number {
  const st = fstatSync(fd);
  if (!st.isFile() && !st.isBlockDevice()) throw new PlaceError(`${file}: is neither a file nor a block device`);
  if (!force && hasExt2(fd, 0)) throw new PlaceError(`${file}: ${HAS_EXT2}`);
  if (st.isBlockDevice()) return size ?? deviceSize(fd);
  const len = size ?? st.size;
  // Cut to nothing and grown again, the file reads as zeros: nothing of what was there shines through.
  ftruncateSync(fd, 0);
  ftruncateSync(fd, len);
  return len;
}

const MAGIC_OFF = 1024 + 56;
const HAS_EXT2 = 'has an ext2 file system already (-f makes a new one over it)';

/** `base`: where the partition begins. */
function hasExt2(fd: number, base: number): boolean {
  const magic = new Uint8Array(2);
  return readSync(fd, magic, 0, 2, base + MAGIC_OFF) === 2 && magic[0] === 0x53 && magic[1] === 0xef;
}

/** A device's end is where a byte can be read for the last time. */
function deviceSize(fd: number): number {
  const byte = new Uint8Array(1);
  const readable = (off: number): boolean => {
    try {
      return readSync(fd, byte, 0, 1, off) === 1;
    } catch {
      return false;
    }
  };
  let [low, high] = [0, 512];
  while (high < SIZE_MAX && readable(high - 1)) [low, high] = [high, high * 2];
  while (high - low > 512) {
    const middle = low + Math.floor((high - low) / 1024) * 512;
    if (readable(middle - 1)) low = middle;
    else high = middle;
  }
  return low;
}

/** Bytes of a file that is there; a device's are found when it is open, and until then it is large. PlaceError. */
function sizeOfThere(file: string): number {
  const st = statSync(file, { throwIfNoEntry: false });
  if (st === undefined) throw new PlaceError(`${file}: is not there (--size makes it)`);
  if (st.isFile() && st.size === 0) throw new PlaceError(`${file}: is empty (--size gives it a size)`);
  return st.isFile() ? st.size : 1 << 30;
}

function writeAll(fd: number, off: number, data: Uint8Array): void {
  for (let done = 0; done < data.length; ) done += writeSync(fd, data, done, data.length - done, off + done);
}

/** PlaceError: it cannot be made so. */
function make(file: string, len: number, layout: Layout, write: (off: number, data: Uint8Array) => void, zeroed = true): NewfsSummary {
  const random = (): Uint8Array => randomFillSync(new Uint8Array(16));
  const uuid = random();
  // RFC 9562: version 4, its variant.
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  try {
    const time = Math.floor(Date.now() / 1000);
    return newExt2fs({ size: len, write }, { time, uuid, hashSeed: random(), dirIndex: true, zeroed, ...layout });
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    const why = e.code === 'ENOSPC' ? `${humanSize(len)}B are too few for a file system` : 'these options do not go together';
    throw new PlaceError(`${file}: ${why}`);
  }
}
