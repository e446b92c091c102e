/** Runs Node's tests of networks, each in a process of its own, on the machine's network or on that of a kernel (preload.ts). */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePackage } from '@anykernel/tools-nodesuite';
import { suiteFolder } from '../fetch.mjs';

/** plain: the machine's network; uknet: a kernel's. */
export type Side = 'plain' | 'uknet';

export interface Outcome {
  readonly test: string;
  readonly passed: boolean;
  /** What it said, if it failed. */
  readonly said: string;
}

/** What is loaded before a test. */
export type Preload = typeof import('./preload.js');

const PRELOAD = fileURLToPath(new URL('./preload.ts', import.meta.url));
const TIMEOUT_MS = 60_000;
const SAID_MAX = 20_000;

/** The names of the tests. */
export function testsOf(pattern = /./): string[] {
  return readdirSync(join(suiteFolder(), 'test/parallel')).filter((name) => /\.m?js$/.test(name) && pattern.test(name));
}

/** Runs `tests` on one side. The tree that they lie in is a copy, which is gone afterwards. */
export async function runTests(side: Side, tests: readonly string[]): Promise<Outcome[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'anykernel-netsuite-')));
  try {
    for (const name of ['common', 'parallel']) cpSync(join(suiteFolder(), 'test', name), join(folder, 'test', name), { recursive: true });
    symlinkSync(join(suiteFolder(), 'test/fixtures'), join(folder, 'test/fixtures'));
    const words = side === 'plain' ? [] : ['--import', await bundlePackage('tools/netsuite', join(folder, 'preload'), [{ name: 'index', path: PRELOAD }])];
    const queue = [...tests];
    const outcomes: Outcome[] = [];
    const work = async (slot: number): Promise<void> => {
      for (let test = queue.shift(); test !== undefined; test = queue.shift()) outcomes.push(await runTest(folder, words, test, slot));
    };
    await Promise.all(Array.from({ length: availableParallelism() }, (_, i) => work(i)));
    return outcomes.sort((a, b) => (a.test < b.test ? -1 : 1));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function runTest(folder: string, words: readonly string[], test: string, slot: number): Promise<Outcome> {
  const path = join(folder, 'test/parallel', test);
  const flags = /^\/\/ Flags: (.*)$/m.exec(readFileSync(path, 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
  // Kept apart from others that run at the same time.
  mkdirSync(join(folder, `test/.tmp.${slot}`), { recursive: true });
  const env = { ...process.env, NODE_OPTIONS: '', TEST_THREAD_ID: String(slot), NODE_TEST_KNOWN_GLOBALS: '0' };
  return await new Promise((resolve) => {
    const child = spawn(process.execPath, [...flags, ...words, path], { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-SAID_MAX)));
    // The test and whatever it started are one group of processes.
    const end = (): void => {
      try {
        process.kill(-(child.pid as number), 'SIGKILL');
      } catch {
        // All of them are gone.
      }
    };
    const timer = setTimeout(() => {
      said += '\ntimed out';
      end();
    }, TIMEOUT_MS);
    child.on('exit', (code) => {
      clearTimeout(timer);
      end();
      child.stdout.destroy();
      child.stderr.destroy();
      resolve({ test, passed: code === 0, said });
    });
  });
}
