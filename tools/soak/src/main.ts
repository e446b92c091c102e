/**
 * `pnpm soak [--seeds A..B] [--jobs N] [--repeat N] [--keep-going] [--out DIR] [--verbose]`: a run for each seed, 1..10000.
 * `pnpm soak --crowd 1000`: so many hosts in this process; `pnpm soak --idle 100000`: so many connections in one kernel. Both print what they found.
 *
 * Each `repeat`-th run (of ten, if not given) is made twice and must have the same digest. A run that fails is made again with a capture: its seed, what was
 * wrong, its plan, and the name of the capture are told, and the status is 1.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type Outcome, SoakFailure, capture, crowd, idle, run } from './index.js';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1..10000' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    repeat: { type: 'string', default: '10' },
    out: { type: 'string', default: join(tmpdir(), 'soak') },
    'keep-going': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    crowd: { type: 'string' },
    idle: { type: 'string' },
    /** A part of another one's work: seeds come a line each, and so do answers. */
    child: { type: 'boolean', default: false },
  },
});
const repeat = Number(values.repeat);
/** What one seed may take, on a slow machine. */
const RUN_MAX_MS = 600_000;

/** What was wrong with a seed; undefined: nothing. */
function check(seed: number): { outcome?: Outcome; wrong?: string } {
  try {
    const outcome = run(seed);
    if (repeat > 0 && seed % repeat === 0) {
      const again = run(seed);
      if (again.digest !== outcome.digest) return { wrong: `seed ${seed}: the digest of a run was ${outcome.digest}, and of the same again ${again.digest}` };
    }
    return { outcome };
  } catch (e) {
    return { wrong: `${e instanceof SoakFailure ? `${e.message}\n  plan ${JSON.stringify(e.plan)}` : `seed ${seed}: ${(e as Error).stack}`}\n  capture ${captured(seed)}` };
  }
}

/** The capture of a run that fails. */
function captured(seed: number): string {
  mkdirSync(values.out, { recursive: true });
  const name = join(values.out, `seed-${seed}.pcapng`);
  const fd = openSync(name, 'w');
  try {
    run(seed, { begin: (nodes) => capture(nodes, (bytes) => void writeSync(fd, bytes)) });
  } catch {
    // It fails again: that is what is looked at.
  } finally {
    closeSync(fd);
  }
  return name;
}

interface Answer {
  readonly seed: number;
  readonly outcome?: Outcome;
  readonly wrong?: string;
}

/** Hands out seeds to processes, as they ask. */
class Soak {
  done = 0;
  packets = 0;
  bytes = 0;
  kernels = 0;
  readonly failed: number[] = [];
  readonly #last: number;
  #next: number;
  #told = Date.now();

  constructor(first: number, last: number) {
    this.#next = first;
    this.#last = last;
  }

  /** Nothing more is begun. */
  get over(): boolean {
    return this.#next > this.#last || (this.failed.length > 0 && !values['keep-going']);
  }

  take(): number | undefined {
    return this.over ? undefined : this.#next++;
  }

  note(answer: Answer): void {
    this.done++;
    const { seed, outcome, wrong } = answer;
    if (wrong !== undefined) {
      this.failed.push(seed);
      process.stdout.write(`${wrong}\n`);
    }
    if (outcome !== undefined) {
      this.packets += outcome.packets;
      this.bytes += outcome.bytes;
      this.kernels += outcome.kernels;
      if (values.verbose) process.stdout.write(`${JSON.stringify(outcome)}\n`);
    }
    if (Date.now() - this.#told < 60_000) return;
    this.#told = Date.now();
    process.stderr.write(`${this.done} runs, up to seed ${this.#next - 1}\n`);
  }

  /** One process after another, until there are no more seeds: one that dies, or does not come to an end, is a failure of its seed. */
  async work(): Promise<void> {
    while (await this.#child());
  }

  /** One process. Whether it died with seeds left. */
  #child(): Promise<boolean> {
    const args = [...process.execArgv, fileURLToPath(import.meta.url), '--child', '--repeat', values.repeat, '--out', values.out];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    let text = '';
    let current: number | undefined;
    let timer: NodeJS.Timeout | undefined;
    const next = (): void => {
      clearTimeout(timer);
      current = this.take();
      if (current === undefined) {
        child.stdin.end();
        return;
      }
      timer = setTimeout(() => child.kill('SIGKILL'), RUN_MAX_MS);
      child.stdin.write(`${current}\n`);
    };
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
        this.note(JSON.parse(text.slice(0, end)) as Answer);
        text = text.slice(end + 1);
        next();
      }
    });
    next();
    return new Promise((resolve) => {
      child.on('close', (status, signal) => {
        clearTimeout(timer);
        if (current !== undefined) this.note({ seed: current, wrong: `seed ${current}: the process ended with ${signal ?? status}` });
        resolve(current !== undefined && !this.over);
      });
    });
  }
}

function answerLines(): void {
  let text = '';
  process.stdin.setEncoding('utf8').on('data', (part: string) => {
    text += part;
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n')) {
      const seed = Number(text.slice(0, end));
      text = text.slice(end + 1);
      process.stdout.write(`${JSON.stringify({ seed, ...check(seed) })}\n`);
    }
  });
}

async function main(): Promise<void> {
  const [first, last = first] = values.seeds.split('..').map(Number);
  if (!(first >= 0 && last >= first && Number(values.jobs) >= 1 && repeat >= 0)) {
    process.stderr.write('usage: soak [--seeds A..B] [--jobs N] [--repeat N] [--keep-going] [--out DIR] [--verbose]\n');
    process.exitCode = 2;
    return;
  }
  const soak = new Soak(first, last);
  const jobs = Math.min(Number(values.jobs), last - first + 1);
  await Promise.all(Array.from({ length: jobs }, () => soak.work()));
  process.stdout.write(
    `${soak.done} runs, ${soak.kernels} kernels, ${soak.packets} packets, ${(soak.bytes / 1e6).toFixed(1)} MB: ${soak.failed.length === 0 ? 'all as it must be' : `FAILED: seeds ${soak.failed.join(' ')}`}\n`,
  );
  process.exitCode = soak.failed.length === 0 ? 0 : 1;
}

if (values.child) answerLines();
else if (values.crowd !== undefined) process.stdout.write(`${JSON.stringify(crowd(Number(values.crowd)))}\n`);
else if (values.idle !== undefined) process.stdout.write(`${JSON.stringify(idle(Number(values.idle)))}\n`);
else await main();
