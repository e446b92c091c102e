/**
 * fsck: checks an image of ext2, ext3 or ext4, and puts right what can be.
 *
 * It shares formats with the driver, and no code: what the driver has written it reads again by itself. In five passes: superblock, descriptors and journal;
 * inodes and their blocks; directories; whether all can be reached; bitmaps and counts.
 */
import { getU16le } from '@anykernel/lib-bytes';
import { MAGIC, SB_MAGIC, SUPER_LEN, SUPER_OFF, parseSuper } from '../ondisk.js';
import { type Check, type FsckImage, type FsckOptions, type FsckResult, Hopeless, type Problem } from './check.js';
import { checkCounts, finish } from './counts.js';
import { checkDirs } from './dirs.js';
import { checkInodes } from './inodes.js';
import { checkJournal, remakeJournal, replayJournal } from './journal.js';
import { openCheck, placeTables, readGroups } from './super.js';

export type { FsckImage, FsckOptions, FsckResult, Problem };

/** Rounds of a repair: what one has put right may show what is wrong behind it. */
const ROUNDS_MAX = 6;

/** Checks the image; with `repair`, until nothing is left to put right. A string: it cannot be checked, and why. What reading throws. */
export function fsck(image: FsckImage, options: FsckOptions): FsckResult | string {
  let first: FsckResult | undefined;
  for (let round = 1; ; round++) {
    const c = once(image, options);
    if (typeof c === 'string') return c;
    const result = resultOf(c);
    if (first === undefined) first = result;
    else if (result.problems.length > 0) first = { ...first, problems: [...first.problems, ...result.problems] };
    const done = !options.repair || result.problems.length === 0 || round === ROUNDS_MAX;
    if (done) return { ...first, clean: result.problems.length === 0 };
  }
}

function once(image: FsckImage, options: FsckOptions): Check | string {
  try {
    let c = openCheck(image, options);
    readGroups(c);
    if (replayJournal(c)) {
      const again = openCheck(overlay(c), options);
      again.notes.push(...c.notes);
      again.recovered = true;
      c = again;
      readGroups(c);
    }
    checkJournal(c);
    checkInodes(c);
    if (c.conflicts > 0) c = unshared(c);
    if (!placeTables(c)) {
      remakeJournal(c);
      checkDirs(c);
      checkCounts(c);
    }
    if (options.repair) finish(c);
    return c;
  } catch (e) {
    if (e instanceof Hopeless) return e.why;
    throw e;
  }
}

/** The same, up to here, with what is claimed known: blocks that several files have are copied. */
function unshared(before: Check): Check {
  const c = openCheck(before.image, before.options, before.used);
  c.notes.push(...before.notes);
  c.recovered = before.recovered;
  readGroups(c);
  if (!c.recovered) replayJournal(c);
  checkJournal(c);
  checkInodes(c);
  return c;
}

/** The image with the changes of `c`, which are written first where it is to be repaired. */
function overlay(c: Check): FsckImage {
  if (c.options.repair) {
    c.flush();
    return c.image;
  }
  return {
    size: c.image.size,
    read(off, len) {
      const out = new Uint8Array(len);
      for (let i = 0; i < len; ) {
        const blkno = Math.floor((off + i) / c.bsize);
        const at = (off + i) % c.bsize;
        const n = Math.min(len - i, c.bsize - at);
        out.set(c.block(blkno).subarray(at, at + n), i);
        i += n;
      }
      return out;
    },
    write: () => undefined,
  };
}

function resultOf(c: Check): FsckResult {
  let [files, directories, usedBlocks] = [0, 0, 0];
  for (const f of c.found.values()) {
    if (f.ino < c.info.firstIno && f.ino !== 2) continue;
    if ((f.mode & 0o170000) === 0o040000) directories++;
    else files++;
  }
  for (let i = 0; i < c.used.length; i++) usedBlocks += BITS[c.used[i]! | c.structure[i]!]!;
  const { problems, notes } = c;
  return { problems, notes, clean: problems.length === 0, files, directories, blocks: c.info.blocks, usedBlocks };
}

const BITS: Uint8Array = /* @__PURE__ */ Uint8Array.from({ length: 256 }, (_, i) => (i.toString(2).match(/1/g) ?? []).length);

/** Whether there is something like an ext2, ext3 or ext4: a superblock, or where that is spoiled a copy of it. */
export function looksLikeExt2(image: Pick<FsckImage, 'size' | 'read'>): boolean {
  const magicAt = (off: number): boolean => off + SUPER_LEN <= image.size && getU16le(image.read(off + SB_MAGIC, 2), 0) === MAGIC;
  if (magicAt(SUPER_OFF)) return true;
  return [1024, 2048, 4096].some((bsize) => {
    const off = ((bsize === 1024 ? 1 : 0) + 8 * bsize) * bsize;
    return magicAt(off) && typeof parseSuper(image.read(off, SUPER_LEN)) !== 'string';
  });
}
