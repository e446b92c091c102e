/**
 * The loop: change something, see what comes of it, keep what led to new code.
 *
 * Every run can be repeated: what it changes follows from the seed and the number of the run, and from what was kept before, which follows from them too.
 */
import { Coverage } from './coverage.js';
import { Random } from './random.js';

export interface GuidedOptions<T> {
  readonly name: string;
  /** Sound ones. They are run first. */
  readonly seeds: readonly T[];
  /** Part of the addresses of the sources whose coverage guides: '/packages/fs/foofs/'. */
  readonly sources: string;
  /** One that differs from `from`, which stays as it is; `all`: what else there is. */
  change(random: Random, from: T, all: readonly T[]): T;
  /** Throws what must not be. Returns whether it was taken: a seed that is not is a mistake. `seed` is for what else is to be drawn. */
  run(item: T, seed: number): boolean;
  /** What is to be said of one that failed. */
  failed?(item: T): string;
  /** Whether one that led to new code may be kept. */
  keeps?(item: T): boolean;
  /** 1 and 150, where neither FUZZ_SEED nor FUZZ_RUNS are set. */
  readonly seed?: number | undefined;
  readonly runs?: number | undefined;
}

export interface GuidedReport {
  readonly runs: number;
  /** Those that were taken. */
  readonly taken: number;
  /** Those that were kept, for new code. */
  readonly kept: number;
}

/** Throws what went wrong, with the seed and the number of the run. */
export function guided<T>(o: GuidedOptions<T>): GuidedReport {
  const seed = setting('FUZZ_SEED') ?? o.seed ?? 1;
  const runs = fuzzRuns(o.runs ?? 150);
  const all = [...o.seeds];
  const coverage = new Coverage(o.sources);
  let taken = 0;
  let kept = 0;
  try {
    for (const item of all) if (!attempt(o, item, seed, 'a sound one')) throw new Error(`${o.name}: a sound one is not taken`);
    coverage.news();
    for (let run = 1; run <= runs; run++) {
      const random = new Random(seed * 1_000_003 + run);
      const next = o.change(random, random.pick(all), all);
      if (attempt(o, next, seed + run, `seed ${seed}, run ${run}`)) taken++;
      if (coverage.news() === 0 || o.keeps?.(next) === false) continue;
      all.push(next);
      kept++;
    }
  } finally {
    coverage.close();
  }
  return { runs, taken, kept };
}

/** How often to try, where FUZZ_RUNS does not say otherwise. */
export function fuzzRuns(runs: number): number {
  return setting('FUZZ_RUNS') ?? runs;
}

function setting(name: string): number | undefined {
  const value = process.env[name];
  return value === undefined ? undefined : Number(value);
}

function attempt<T>(o: GuidedOptions<T>, item: T, seed: number, what: string): boolean {
  try {
    return o.run(item, seed);
  } catch (e) {
    throw new Error(`${o.name}, ${what}: ${String(e)}\n${o.failed?.(item) ?? ''}`, { cause: e });
  }
}
