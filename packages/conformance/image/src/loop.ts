/**
 * The loop: damage an image, see what the file system makes of it, keep what led to new code.
 *
 * Every run can be repeated: its damage follows from the seed and the number of the run, and from what was kept before, which follows from them too.
 */
import { writeFileSync } from 'node:fs';
import { Coverage } from './coverage.js';
import { type Patch, type Span, damage, patched } from './damage.js';
import { type ExerciseOptions, exercise } from './exercise.js';
import type { Machine } from './machine.js';
import { Random } from './random.js';

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
  const seed = setting('FUZZ_SEED') ?? o.seed ?? 1;
  const runs = setting('FUZZ_RUNS') ?? o.runs ?? 150;
  const corpus: Found[] = o.images.map((image) => ({ image, spans: o.ranges?.(image) ?? [], patches: [] }));
  const coverage = new Coverage(o.sources);
  let mounted = 0;
  let kept = 0;
  try {
    for (const { image } of corpus) if (!attempt(o, image, seed, 'a sound image')) throw new Error(`${o.name}: a sound image cannot be mounted`);
    coverage.news();
    for (let run = 1; run <= runs; run++) {
      const random = new Random(seed * 1_000_003 + run);
      const next = worse(random, random.pick(corpus));
      if (attempt(o, patched(next.image, next.patches), seed + run, `seed ${seed}, run ${run}`)) mounted++;
      if (coverage.news() === 0 || next.patches.length > PATCHES_MAX) continue;
      corpus.push(next);
      kept++;
    }
  } finally {
    coverage.close();
  }
  return { runs, mounted, kept };
}

function setting(name: string): number | undefined {
  const value = process.env[name];
  return value === undefined ? undefined : Number(value);
}

function worse(random: Random, found: Found): Found {
  const count = 1 + random.below(random.below(4) === 0 ? 20 : 4);
  const patches = [...found.patches];
  for (let i = 0; i < count; i++) patches.push(damage(random, found.image, found.spans));
  return { ...found, patches };
}

function attempt(o: DamageOptions, image: Uint8Array, seed: number, what: string): boolean {
  const m = o.start(image);
  try {
    return exercise(m, seed, o.exercise);
  } catch (e) {
    const keep = process.env['FUZZ_KEEP'];
    if (keep !== undefined) writeFileSync(keep, image);
    const said = m.k.msgbuf.text().slice(-600);
    throw new Error(`${o.name}, ${what}: ${String(e)} ${m.k.stopped ?? ''}\n${said}`, { cause: e });
  } finally {
    if (m.k.stopped === undefined) m.k.halt({ nosync: true });
  }
}
