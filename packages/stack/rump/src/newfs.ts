/** `rump newfs`: makes a file system in a file, on a device, or in a partition of either. */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import { toBytestr } from '@anykernel/lib-bytes';
import { Errno } from '@anykernel/lib-sys';
import type { Context } from './context.js';
import type { Options } from './filecommands.js';
import { humanSize, parseSize } from './format.js';
import { PlaceError, UsageError } from './errors.js';
import { whileOwn } from './inuse.js';
import { hasPartitions, placeOfPart } from './commands/disks.js';
import { MAKERS, MAKER_TYPES } from './makers/index.js';
import type { ImageToMake, Made, NewfsWords } from './makers/maker.js';
import { sourceOf } from './place.js';

/** Sizes beyond this are a slip of the finger: ext2 ends at 16 TiB. */
const SIZE_MAX = 2 ** 44;

/** Makes the file system, once it is known which. */
type Make = (image: ImageToMake) => Made;

/** PlaceError: the file cannot be used, or has a file system already; UsageError. */
export function newfs(ctx: Context, image: string, options: Options): void {
  const o = options as unknown as NewfsWords;
  const maker = MAKERS.find((m) => m.types.includes(o.type));
  if (maker === undefined) throw new UsageError(`type ${o.type}: newfs makes ${MAKER_TYPES.join(', ')}`);
  const size = o.size === undefined ? undefined : sizeOf(o.size);
  const make = maker.plan(o);
  const { file, part } = sourceOf(image);
  const made = part === undefined ? newInFile(file, size, make, o.force === true) : newInPart(image, file, part, size, make, o.force === true);
  const name = toBytestr(image);
  ctx.put({ file: name, type: o.type, bytes: made.bytes, ...made.row }, `${name}: ${o.type}, ${made.text}`);
}

/** What cannot be is found before anything is touched. */
function newInFile(file: string, size: number | undefined, make: Make, force: boolean): Made {
  made(make, file, { size: size ?? sizeOfThere(file), write: () => undefined, zeroed: true });
  if (!force && hasPartitions(file)) throw new PlaceError(`${file}: has partitions (-f makes a file system over them all)`);
  return withImage(file, size !== undefined, 0, undefined, (fd) => {
    const len = prepare(fd, file, size, force);
    return made(make, file, { size: len, write: (off, data) => writeAll(fd, off, data), zeroed: fstatSync(fd).isFile() });
  });
}

/** Nothing outside of the partition is touched; what was in it may shine through where nothing is. */
function newInPart(image: string, file: string, part: string, size: number | undefined, make: Make, force: boolean): Made {
  const place = placeOfPart(file, part);
  if (size !== undefined && size > place.size) throw new PlaceError(`${image}: has only ${humanSize(place.size)}B`);
  const len = size ?? place.size;
  made(make, image, { size: len, write: () => undefined, zeroed: true });
  return withImage(file, false, place.off, place.size, (fd) => {
    if (!force) refuseTaken(image, fd, place.off);
    return made(make, image, { size: len, write: (off, data) => writeAll(fd, place.off + off, data), zeroed: false });
  });
}

function withImage(file: string, mayCreate: boolean, off: number, size: number | undefined, body: (fd: number) => Made): Made {
  const fd = openImage(file, mayCreate);
  try {
    const result = whileOwn(file, off, size, () => body(fd));
    fsyncSync(fd);
    return result;
  } finally {
    closeSync(fd);
  }
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
  if (!force) refuseTaken(file, fd, 0);
  if (st.isBlockDevice()) return size ?? deviceSize(fd);
  const len = size ?? st.size;
  // Cut to nothing and grown again, the file reads as zeros: nothing of what was there shines through.
  ftruncateSync(fd, 0);
  ftruncateSync(fd, len);
  return len;
}

/** PlaceError: there is a file system already. `base`: where the partition begins. */
function refuseTaken(image: string, fd: number, base: number): void {
  const peek = (off: number, len: number): Uint8Array => {
    const b = new Uint8Array(len);
    return b.subarray(0, readSync(fd, b, 0, len, base + off));
  };
  for (const m of MAKERS) if (m.isThere(peek)) throw new PlaceError(`${image}: has ${m.name} file system already (-f makes a new one over it)`);
}

/** A device's end is where a byte can be read for the last time. */
export function deviceSize(fd: number): number {
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
function made(make: Make, file: string, image: ImageToMake): Made {
  try {
    return make(image);
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    const why = e.code === 'ENOSPC' ? `${humanSize(image.size)}B are too few for a file system` : 'these options do not go together';
    throw new PlaceError(`${file}: ${why}`);
  }
}
