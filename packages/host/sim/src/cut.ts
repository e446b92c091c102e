/**
 * Power cuts: what a disk holds when the current fails after a write.
 *
 * A disk may keep writes in a cache until it is flushed. What a flush covered is there after a cut, always. Of the writes since then a plain cut
 * keeps all, as a disk without a cache would; with `reorder` any set of them is lost, as if the disk had written them in another order than it
 * got them; with `torn` the last write was under way and reached some of its sectors only.
 */
import type { DiskImage } from './image.js';
import { type Journal, type JournalWrite, apply } from './journal.js';
import { Rng } from './rng.js';

export interface CutOptions {
  /** The number of the write after which the current fails; 0: before the first. The last one otherwise. */
  readonly after?: number;
  /** Some sectors only of that write. */
  readonly torn?: boolean;
  /** Some only of the writes that no flush covered. */
  readonly reorder?: boolean;
  /** Which of the possible outcomes; 0 otherwise. */
  readonly variant?: number;
  /** The current fails before a flush that followed the write has ended. */
  readonly beforeFlush?: boolean;
}

/** The image after a cut behind write `n`; `seed` chooses. */
export function cutImage(journal: Journal, n: number, sector: number, seed: number, options: CutOptions): DiskImage {
  const rng = new Rng(seed);
  const { image, pending } = journal.after(n, options.beforeFlush !== true);
  for (const write of pending) {
    if (write.n === n && options.torn === true) for (const part of torn(write, sector, rng)) apply(image, part);
    else if (options.reorder !== true || rng.below(2) === 1) apply(image, write);
  }
  return image;
}

/** The part of a write that was done: a run of sectors from its beginning, or any set of them. Never all, perhaps none. */
function torn(write: JournalWrite, sector: number, rng: Rng): Pick<JournalWrite, 'off' | 'bytes'>[] {
  const all = sectors(write, sector);
  if (rng.below(2) === 0) return all.slice(0, rng.below(all.length));
  const missing = rng.below(all.length);
  return all.filter((_one, index) => index !== missing && rng.below(2) === 1);
}

/** A write in pieces, cut where the disk's sectors begin. */
function sectors(write: JournalWrite, sector: number): Pick<JournalWrite, 'off' | 'bytes'>[] {
  const parts = [];
  for (let done = 0; done < write.bytes.length; ) {
    const off = write.off + done;
    const len = Math.min(sector - (off % sector), write.bytes.length - done);
    parts.push({ off, bytes: write.bytes.subarray(done, done + len) });
    done += len;
  }
  return parts;
}
