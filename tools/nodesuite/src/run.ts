/** Runs tests of Node's, each in a process of its own, several at once, each within a time. */
import { spawn } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Side, Stage } from './stage.js';

export interface Outcome {
  readonly test: string;
  readonly passed: boolean;
  /** What it said, if it failed. */
  readonly said: string;
  readonly ms: number;
}

const TIMEOUT_MS = 20_000;
const SAID_MAX = 20_000;

/** The names of the tests. */
export function testsOf(suite: string, pattern = /./): string[] {
  return readdirSync(join(suite, 'test/parallel')).filter((name) => /^test-fs-.*\.m?js$/.test(name) && pattern.test(name));
}

/** Runs `tests` on one side. */
export async function runTests(
  stage: Stage,
  side: Side,
  tests: readonly string[],
  told: (o: Outcome) => void = () => {},
): Promise<Outcome[]> {
  const queue = [...tests];
  const outcomes: Outcome[] = [];
  const work = async (slot: number): Promise<void> => {
    for (let test = queue.shift(); test !== undefined; test = queue.shift()) {
      const outcome = await runTest(stage, side, test, slot);
      outcomes.push(outcome);
      told(outcome);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, (_, i) => work(i)));
  return outcomes.sort((a, b) => (a.test < b.test ? -1 : 1));
}

async function runTest(stage: Stage, side: Side, test: string, slot: number): Promise<Outcome> {
  const { words, env, done } = stage.command(side, test, slot);
  const path = join(stage.root, 'test/parallel', test);
  const started = performance.now();
  const { status, said } = await execute([...flagsOf(path), ...words, path], { ...process.env, NODE_OPTIONS: '', ...env }, stage.root);
  const fault = done();
  const ms = performance.now() - started;
  return { test, passed: status === 0 && fault === undefined, said: `${said}${fault ?? ''}`, ms };
}

/** Flags that a test asks for in a comment. */
function flagsOf(path: string): string[] {
  const m = /^\/\/ Flags: (.*)$/m.exec(readFileSync(path, 'utf8'));
  return m === null ? [] : (m[1] as string).trim().split(/\s+/);
}

function execute(args: readonly string[], env: NodeJS.ProcessEnv, cwd: string): Promise<{ status: number; said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-SAID_MAX)));
    const timer = setTimeout(() => {
      said += '\ntimed out';
      end();
    }, TIMEOUT_MS);
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
