/**
 * Runs tests of Node's in processes, several at once, each within a time: each test in one of its own, or several in one where they do not notice.
 *
 * Starting Node and a kernel takes far longer than most tests. So tests that keep to themselves may share a process, one after another; what they
 * do not all pass together is run again one by one, and only then has anything failed.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { known } from './known.js';
import type { Side, Stage } from './stage.js';

export interface Outcome {
  readonly test: string;
  readonly passed: boolean;
  /** What it said, if it failed. */
  readonly said: string;
  readonly ms: number;
}

const BATCH = fileURLToPath(new URL('../batch.cjs', import.meta.url));
const TIMEOUT_MS = 20_000;
/** More for each other test in a process. */
const MORE_MS = 5_000;
/** How many times as long a test may take by itself that is not known to fail, when the time was up: the machine may be busy. */
const PATIENCE = 8;
const TIMED_OUT = '\ntimed out';
const SAID_MAX = 20_000;

/** The names of the tests. */
export function testsOf(suite: string, pattern = /./): string[] {
  const names = ['parallel', 'sequential'].flatMap((kind) =>
    existsSync(join(suite, 'test', kind)) ? readdirSync(join(suite, 'test', kind)) : [],
  );
  return names.filter((name) => /^test-.*\.m?js$/.test(name) && pattern.test(name));
}

/** Runs `tests` on one side; `together`: several to a process. */
export async function runTests(stage: Stage, side: Side, tests: readonly string[], together = false): Promise<Outcome[]> {
  const queue = together ? groupsOf(stage, side, tests) : tests.map((test) => [test]);
  const outcomes: Outcome[] = [];
  const work = async (slot: number): Promise<void> => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift()) {
      let outcome = await runGroup(stage, side, group, slot);
      if (isLate(stage, side, group, outcome)) outcome = await runGroup(stage, side, group, slot, PATIENCE);
      if (outcome.passed || group.length === 1) outcomes.push(...group.map((test) => ({ ...outcome, test })));
      else queue.push(...group.map((test) => [test]));
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, (_, i) => work(i)));
  return outcomes.sort((a, b) => (a.test < b.test ? -1 : 1));
}

function isLate(stage: Stage, side: Side, group: readonly string[], { passed, said }: Omit<Outcome, 'test'>): boolean {
  return !passed && said.includes(TIMED_OUT) && group.length === 1 && !((group[0] as string) in known(side, stage.version));
}

async function runGroup(stage: Stage, side: Side, group: readonly string[], slot: number, patience = 1): Promise<Omit<Outcome, 'test'>> {
  const [first] = group as [string];
  const { words, env, done } = stage.command(side, first, slot);
  const paths = group.map((test) => pathOf(stage, test));
  const program = group.length === 1 ? paths : [BATCH, ...paths];
  const started = performance.now();
  const args = [...flagsOf(textOf(stage, first)), ...words, ...program];
  const { status, said } = await execute(
    stage.program,
    args,
    { ...process.env, NODE_OPTIONS: '', ...env },
    stage.root,
    patience * TIMEOUT_MS + (group.length - 1) * MORE_MS,
  );
  const fault = done();
  const ms = (performance.now() - started) / group.length;
  return { passed: status === 0 && fault === undefined, said: `${said}${fault ?? ''}`, ms };
}

function pathOf(stage: Stage, test: string): string {
  return join(stage.root, 'test/parallel', test);
}

function textOf(stage: Stage, test: string): string {
  return readFileSync(pathOf(stage, test), 'utf8');
}

/** Flags that a test asks for in a comment. */
function flagsOf(text: string): string[] {
  const m = /^\/\/ Flags: (.*)$/m.exec(text);
  return m === null ? [] : (m[1] as string).trim().split(/\s+/);
}

/** What others in its process would notice of a test, or it of them. */
const NOTICED =
  /child_process|process\.(argv|exit\(|umask|chdir|on\('(beforeExit|uncaught))|expectWarning|Worker|\bfs\.\w+ = |common\.skip/;
const GROUP_MAX = 12;

/** Those with the same flags share processes. Those of which a failure is known, and ES modules, have one to themselves. */
function groupsOf(stage: Stage, side: Side, tests: readonly string[]): string[][] {
  const groups: string[][] = [];
  const open = new Map<string, string[]>();
  for (const test of tests) {
    const text = textOf(stage, test);
    const flags = flagsOf(text).join(' ');
    const alone = test.endsWith('.mjs') || test in known(side, stage.version) || NOTICED.test(text);
    let group = alone ? undefined : open.get(flags);
    if (group === undefined || group.length === GROUP_MAX) {
      groups.push((group = []));
      if (!alone) open.set(flags, group);
    }
    group.push(test);
  }
  return groups;
}

function execute(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd: string,
  timeoutMs: number,
): Promise<{ status: number; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-SAID_MAX)));
    const timer = setTimeout(() => {
      said += TIMED_OUT;
      end();
    }, timeoutMs);
    // The test and whatever it started are one group of processes.
    const end = (): void => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // All of them are gone.
      }
    };
    child.on('exit', (code) => {
      clearTimeout(timer);
      end();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ status: code ?? 1, said });
    });
  });
}
