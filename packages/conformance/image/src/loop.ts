/** The loop: damage an image, see what the file system makes of it, keep what led to new code. */
import { writeFileSync } from 'node:fs';
import { type GuidedReport, type Patch, type Random, type Span, damage, guided, patched } from '@anykernel/conformance-fuzz';
import { type ExerciseOptions, exercise } from './exercise.js';
import type { Machine } from './machine.js';

export interface DamageOptions {
  readonly name: string;
  /** Sound images. */
  readonly images: readonly Uint8Array[];
  /** Where in one of them damage is worth most. */
  ranges?(image: Uint8Array): readonly Span[];
  /** Part of the addresses of the sources whose coverage guides: '/packages/fs/foofs/'. */
  readonly sources: string;
  /** A machine with this disk. It is halted, whatever happens. */
  start(image: Uint8Array): Machine;
  /** 1 and 150, where neither FUZZ_SEED nor FUZZ_RUNS are set. */
  readonly seed?: number;
  readonly runs?: number;
  readonly exercise?: ExerciseOptions;
}

export interface DamageReport {
  readonly runs: number;
  /** Images that could be mounted. */
  readonly mounted: number;
  /** Images that were kept, for new code. */
  readonly kept: number;
}

/** A sound image, and what has been done to it. */
interface Found {
  readonly image: Uint8Array;
  readonly spans: readonly Span[];
  readonly patches: readonly Patch[];
}

/** Patches of one image, at most. */
const PATCHES_MAX = 24;

/** Throws what went wrong, with the seed and the number of the run. */
export function damagedImages(o: DamageOptions): DamageReport {
  const report: GuidedReport = guided<Found>({
    name: o.name,
    seeds: o.images.map((image) => ({ image, spans: o.ranges?.(image) ?? [], patches: [] })),
    sources: o.sources,
    change: worse,
    run: (found, seed) => attempt(o, patched(found.image, found.patches), seed),
    keeps: ({ patches }) => patches.length <= PATCHES_MAX,
    seed: o.seed,
    runs: o.runs,
  });
  return { runs: report.runs, mounted: report.taken, kept: report.kept };
}

function worse(random: Random, found: Found): Found {
  const count = 1 + random.below(random.below(4) === 0 ? 20 : 4);
  const patches = [...found.patches];
  for (let i = 0; i < count; i++) patches.push(damage(random, found.image, found.spans));
  return { ...found, patches };
}

function attempt(o: DamageOptions, image: Uint8Array, seed: number): boolean {
  const m = o.start(image);
  try {
    return exercise(m, seed, o.exercise);
  } catch (e) {
    const keep = process.env['FUZZ_KEEP'];
    if (keep !== undefined) writeFileSync(keep, image);
    const said = m.k.msgbuf.text().slice(-600);
    throw new Error(`${String(e)} ${m.k.stopped ?? ''}\n${said}`, { cause: e });
  } finally {
    if (m.k.stopped === undefined) m.k.halt({ nosync: true });
  }
}
