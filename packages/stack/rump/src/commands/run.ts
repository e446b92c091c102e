/**
 * `rump run`: a Node program whose files are on images, in a process of its own.
 *
 * That process loads bin/run-preload.js before the program, which redirects by startRun() what this one has put into the environment.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import type { AnyComponent } from '@anykernel/lib-component';
import { SettingError, parseMount, parseRedirection, preload } from '@anykernel/rumphijack';
import type { MountSpec } from '@anykernel/stack-boot';
import { type Stack, componentsOf, directoryOf, readStackFile } from '@anykernel/stack-compose';
import { UsageError } from '../errors.js';
import { DISKS, FILE_SYSTEMS } from '../filesystems.js';
import { type Io, processIo } from '../io.js';

export interface RunOptions {
  readonly mount?: readonly string[];
  readonly stack?: string;
  readonly redirect?: string;
}

/** What the program's process is to do first. */
interface Task {
  readonly mounts: readonly MountSpec[];
  readonly rumphijack?: string;
  /** Components besides those that the command brings: modules, and what they are called there. */
  readonly components: readonly (readonly [module: string, exportName: string])[];
}

const TASK = 'RUMP_RUN';
const PRELOAD = join(import.meta.dirname, '../../bin/run-preload.js');

/** Runs `words` (a program and its arguments; the stack's own program if there are none); its status. UsageError. */
export async function run(words: readonly string[], o: RunOptions, io: Io, preloaded: string = PRELOAD): Promise<number> {
  const stack: Stack | undefined = o.stack === undefined ? undefined : readStackFile(o.stack);
  const base = o.stack === undefined ? process.cwd() : directoryOf(o.stack);
  const own = stack?.app === undefined ? [] : [resolve(base, stack.app)];
  const [app, ...args] = words.length > 0 ? words : own;
  if (app === undefined) throw new UsageError('name a program');
  const task = await taskOf(stack, base, o);
  const nodes = ['--import', pathToFileURL(preloaded).href, app, ...args];
  return await started(nodes, { ...process.env, [TASK]: JSON.stringify(task) }, io);
}

async function taskOf(stack: Stack | undefined, base: string, o: RunOptions): Promise<Task> {
  const fromStack = (stack?.mounts ?? []).map((m) => (m.source === undefined ? m : { ...m, source: resolve(base, m.source) }));
  try {
    const mounts = [...fromStack, ...(o.mount ?? []).map(parseMount)];
    if (o.redirect !== undefined) parseRedirection(o.redirect);
    const brought = new Set([...FILE_SYSTEMS, ...DISKS].map((c) => c.name));
    const named = stack === undefined ? [] : await componentsOf(stack, [base, import.meta.dirname]);
    const components = named.filter((c) => !brought.has(c.component.name)).map((c) => [c.module, c.exportName] as const);
    return { mounts, components, ...(o.redirect === undefined ? {} : { rumphijack: o.redirect }) };
  } catch (e) {
    throw e instanceof SettingError ? new UsageError(e.message) : e;
  }
}

/** A process with the command's own streams, or in a test with pipes. Signals that a terminal sends to both are the program's. */
function started(words: readonly string[], env: NodeJS.ProcessEnv, io: Io): Promise<number> {
  const inherited = io === processIo;
  const child = spawn(process.execPath, words, {
    env,
    stdio: inherited ? 'inherit' : ['ignore', 'pipe', 'pipe'],
  });
  child.stdout?.on('data', (bytes: Uint8Array) => io.out(bytes));
  child.stderr?.on('data', (bytes: Uint8Array) => io.err(bytes));
  const ignore = (): void => undefined;
  process.on('SIGINT', ignore);
  return new Promise<number>((done, fail) => {
    child.on('error', fail);
    child.on('close', (code, signal) => done(code ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? 0)));
  }).finally(() => process.removeListener('SIGINT', ignore));
}

/** In the program's process, for the module at `url`: redirects. */
export async function startRun(url: string): Promise<void> {
  const text = process.env[TASK];
  if (!isMainThread || text === undefined) return;
  delete process.env[TASK];
  const { mounts, rumphijack, components } = JSON.parse(text) as Task;
  const more = await Promise.all(
    components.map(
      async ([module, name]) => ((await import(pathToFileURL(module).href)) as Record<string, AnyComponent>)[name] as AnyComponent,
    ),
  );
  const all = [...FILE_SYSTEMS, ...DISKS, ...more];
  const hijack = preload(url, () => ({ mounts, components: all, ...(rumphijack === undefined ? {} : { rumphijack }) }));
  const app = process.argv[1];
  if (hijack === undefined || app === undefined || isProgram(app)) return;
  process.stderr.write(`rump: ${app}: no such file or directory\n`);
  process.exit(1);
}

/** Whether there may be a program of that name, here or on an image: Node finds some without their extension. */
function isProgram(path: string): boolean {
  return ['', ...EXTENSIONS].some((extension) => existsSync(path + extension));
}

const EXTENSIONS = ['.js', '.json', '.node', '.cjs', '.mjs', '.ts'] as const;
