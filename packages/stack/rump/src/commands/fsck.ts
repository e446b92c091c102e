/** `rump fsck`: checks file systems on images, and repairs them where that is wanted. */
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { toBytestr } from '@anykernel/lib-bytes';
import { Errno, strerror } from '@anykernel/lib-sys';
import { HEAD_LEN, foreignFormat } from '@anykernel/stack-boot';
import { CHECKERS, CHECKER_TYPES } from '../checkers/index.js';
import type { Checked, Checker, ImageToCheck } from '../checkers/checker.js';
import type { Context } from '../context.js';
import { PlaceError, UsageError } from '../errors.js';
import { whileOwn } from '../inuse.js';
import { deviceSize } from '../newfs.js';
import { sourceOf } from '../place.js';
import { placeOfPart } from './disks.js';

export interface FsckOptions {
  readonly type?: string;
  /** Writes the repairs. */
  readonly repair?: boolean;
}

/** Each image by itself; one that is not in order, or cannot be checked, is a failure. UsageError: an unknown type. */
export function fsck(ctx: Context, images: readonly string[], o: FsckOptions): void {
  if (o.type !== undefined && !CHECKER_TYPES.includes(o.type)) throw new UsageError(`type ${o.type}: fsck checks ${CHECKER_TYPES.join(', ')}`);
  for (const image of images) {
    try {
      report(ctx, image, one(image, o), o.repair === true);
    } catch (e) {
      ctx.complain(toBytestr(image), e);
    }
  }
}

function report(ctx: Context, image: string, done: { type: string; checked: Checked }, repair: boolean): void {
  const { type, checked } = done;
  const name = toBytestr(image);
  for (const line of checked.problems) ctx.say(`${name}: ${line}`);
  const state = checked.clean ? (checked.problems.length > 0 ? 'repaired' : 'in order') : repair ? 'could not be repaired' : 'is not in order (--repair mends it)';
  ctx.put({ file: name, type, clean: checked.clean, problems: checked.problems, ...checked.row }, `${name}: ${type}, ${state}: ${checked.text}`);
  if (!checked.clean) ctx.failed = true;
}

/** PlaceError: it cannot be opened, is of no type that can be checked, or of a kind that cannot. */
function one(image: string, o: FsckOptions): { type: string; checked: Checked } {
  const { file, part } = sourceOf(image);
  const place = part === undefined ? undefined : placeOfPart(file, part);
  const fd = open(file, o.repair === true);
  try {
    const st = fstatSync(fd);
    if (!st.isFile() && !st.isBlockDevice()) throw new PlaceError(`${image}: is neither a file nor a block device`);
    const size = place?.size ?? (st.isBlockDevice() ? deviceSize(fd) : st.size);
    const io = ioOf(fd, place?.off ?? 0, size);
    const checker = o.type === undefined ? checkerOf(io) : CHECKERS.find((c) => c.types.includes(o.type ?? ''));
    if (checker === undefined) throw new PlaceError(`${image}: ${foreignOn(io) ?? `has no file system that is known here (${CHECKER_TYPES.join(', ')})`}`);
    const checked = o.repair === true ? whileOwn(file, place?.off ?? 0, size, () => run(image, checker, io, true)) : run(image, checker, io, false);
    if (o.repair === true) fsyncSync(fd);
    return { type: checker.types[0] ?? '', checked };
  } finally {
    closeSync(fd);
  }
}

function foreignOn(io: ImageToCheck): string | undefined {
  return foreignFormat(io.read(0, Math.min(HEAD_LEN, io.size)));
}

/** What it is; failing that, what it was before its first superblock was spoiled. */
function checkerOf(io: ImageToCheck): Checker | undefined {
  return CHECKERS.find((c) => c.isThere(io)) ?? CHECKERS.find((c) => c.wasThere?.(io) === true);
}

const REASONS: Readonly<Record<string, string>> = {
  EINVAL: 'has no such file system',
  EOPNOTSUPP: 'is of a kind that cannot be checked here',
  ENOMEM: 'is too large to be checked here',
};

function run(image: string, checker: Checker, io: ImageToCheck, repair: boolean): Checked {
  try {
    return checker.check(io, { repair, time: Math.floor(Date.now() / 1000) });
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    throw new PlaceError(`${image}: ${REASONS[e.code] ?? strerror(e.code)}`);
  }
}

function open(file: string, write: boolean): number {
  try {
    return openSync(file, write ? 'r+' : 'r');
  } catch (e) {
    throw new PlaceError(`${file}: ${(e as Error).message.replace(/^E[A-Z]+: /, '').replace(/, \w+.*$/s, '')}`);
  }
}

/** The bytes from `base` on. PlaceError: one cannot be read. */
function ioOf(fd: number, base: number, size: number): ImageToCheck {
  return {
    size,
    read(off, len) {
      const b = new Uint8Array(len);
      for (let done = 0; done < len; ) {
        const n = readSync(fd, b, done, len - done, base + off + done);
        if (n === 0) throw new PlaceError(`the image ends at byte ${base + off + done}`);
        done += n;
      }
      return b;
    },
    write(off, data) {
      for (let done = 0; done < data.length; ) done += writeSync(fd, data, done, data.length - done, base + off + done);
    },
  };
}
