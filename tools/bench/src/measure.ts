/**
 * Measuring: every subject of a case does the same work, turn by turn, several times; what counts is the median of each, and the ratios
 * within one run. Machines are noisy; turns in sequence see the same noise.
 */

/** One subject's work: a function which does it once and says how much it was, in the case's unit. */
export interface Subject {
  readonly name: string;
  /** The work; returns its amount (calls, bytes). The time it takes is what is measured. */
  run(): number | Promise<number>;
  /** What run() returns is the figure itself, in the unit: it has measured. */
  readonly figure?: boolean;
  /** Before each run, not measured. */
  before?(): void | Promise<void>;
  /** After the last run: gives everything back, and throws if the result is not right. */
  done?(): void | Promise<void>;
}

export interface Case {
  readonly name: string;
  /** What a second's worth of work is called: 'calls/s', 'GB/s', or 'ms' where the time itself counts. */
  readonly unit: 'calls/s' | 'GB/s' | 'ms' | 'KiB';
  /** What is to be reached, in the unit. */
  readonly reach?: number;
  /** Figures of NetBSD's rump kernel in C on such a machine, for the eye; they are not from this run. */
  readonly c?: number;
  subjects(): Subject[] | Promise<Subject[]>;
}

export interface Result {
  readonly case: string;
  readonly unit: Case['unit'];
  readonly reach: number | undefined;
  readonly c: number | undefined;
  readonly subjects: readonly { readonly name: string; readonly median: number; readonly min: number; readonly max: number }[];
}

const clock = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Runs a case: a warm-up each, then `repetitions` turns. */
export async function measure(c: Case, repetitions: number): Promise<Result> {
  const subjects = await c.subjects();
  const samples = new Map<string, number[]>(subjects.map((s) => [s.name, []]));
  for (let turn = -1; turn < repetitions; turn++) {
    for (const s of subjects) {
      await s.before?.();
      const from = clock();
      const work = await s.run();
      const ms = clock() - from;
      if (turn >= 0) samples.get(s.name)?.push(s.figure === true ? work : inUnit(c.unit, work, ms));
    }
  }
  for (const s of subjects) await s.done?.();
  return {
    case: c.name,
    unit: c.unit,
    reach: c.reach,
    c: c.c,
    subjects: subjects.map((s) => {
      const sorted = (samples.get(s.name) ?? []).sort((a, b) => a - b);
      return { name: s.name, median: sorted[sorted.length >> 1], min: sorted[0], max: sorted[sorted.length - 1] };
    }),
  };
}

function inUnit(unit: Case['unit'], work: number, ms: number): number {
  if (unit === 'ms') return ms / work;
  if (unit === 'KiB') return work / 1024;
  if (unit === 'GB/s') return work / ms / 1e6;
  return (work / ms) * 1000;
}
