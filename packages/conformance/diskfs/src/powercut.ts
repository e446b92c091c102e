/**
 * A power cut after any write, on a file system without a journal: after a repair, what was synced and not touched since is there.
 */
import type { DiskImage } from '@anykernel/host-sim';
import type { Sys } from '@anykernel/rumpkern';
import type { Listing } from './listing.js';
import type { World, Worlds } from './world.js';

/** Random work, and what it must have come to. */
export interface Work {
  /** Does one thing. */
  step(): void;
  /** Paths that the last step touched. */
  readonly touched: readonly string[];
  listing(): Listing;
}

export interface CutOptions {
  readonly worlds: Worlds<unknown>;
  readonly image: Uint8Array;
  readonly seed: number;
  work(sys: Sys, seed: number): Work;
  /** The image as a checker has repaired it. Throws where it cannot. */
  repaired(image: DiskImage): Uint8Array;
  /** What a kernel sees below its current directory. */
  list(sys: Sys): Listing;
  /** Phases, each of which begins with a sync, and the steps in each. */
  readonly phases: number;
  readonly steps: number;
  /** About how many cuts. */
  readonly cuts: number;
  /** Writes that were not flushed are lost at random. */
  readonly reorder?: boolean;
}

interface Phase {
  /** Writes of the disk when it began, and when it ended. */
  readonly from: number;
  to: number;
  /** What was there then, synced. */
  readonly synced: Listing;
  /** Paths touched since. */
  readonly touched: Set<string>;
}

/** Works, cuts, repairs, and compares. Gives the machine, still mounted; throws where something is lost. */
export function powerCuts(o: CutOptions): World<unknown> {
  const w = o.worlds.mounted(o.image, { seed: o.seed, disk: { record: 'all' } });
  const phases = record(w, o);
  const step = Math.max(1, Math.floor((phases[phases.length - 1].to - phases[0].from) / o.cuts));
  for (const phase of phases) {
    for (let n = phase.from; n <= phase.to; n += step) {
      const after = o.worlds.mounted(o.repaired(w.disk.cut({ after: n, reorder: o.reorder })), { seed: o.seed }, 1);
      const lost = losses(phase, o.list(after.sys));
      after.k.halt();
      if (lost.length > 0) throw new Error(`cut after write ${n} of ${phase.from}..${phase.to}, seed ${o.seed}:\n${lost.slice(0, 5).join('\n')}`);
    }
  }
  return w;
}

function record(w: World<unknown>, o: CutOptions): Phase[] {
  const work = o.work(w.sys, o.seed);
  const done: Phase[] = [];
  for (let p = 0; p < o.phases; p++) {
    w.sys.sync();
    const phase: Phase = { from: w.disk.writes, to: 0, synced: work.listing(), touched: new Set() };
    for (let i = 0; i < o.steps; i++) {
      work.step();
      for (const path of work.touched) phase.touched.add(path);
      // Dirty blocks reach the disk at times of their own choosing.
      if (i % 7 === 3) w.vfs.sync(false);
    }
    phase.to = w.disk.writes;
    done.push(phase);
  }
  return done;
}

/** A directory above it that was moved or changed its mode takes it along. */
function untouched(phase: Phase, path: string): boolean {
  if (phase.touched.has(path)) return false;
  for (let i = path.lastIndexOf('/'); i > 0; i = path.lastIndexOf('/', i - 1)) if (phase.touched.has(path.slice(0, i))) return false;
  return true;
}

function losses(phase: Phase, found: Listing): string[] {
  const out: string[] = [];
  for (const [path, line] of phase.synced) {
    if (untouched(phase, path) && withoutLinks(found.get(path)) !== withoutLinks(line)) out.push(`${path}: ${line} is ${found.get(path) ?? 'missing'}`);
  }
  return out;
}

/** Links are the checker's to count. */
function withoutLinks(line: string | undefined): string | undefined {
  return line?.replace(/ links \d+/, '');
}
