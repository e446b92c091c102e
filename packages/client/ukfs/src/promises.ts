/** `fs.promises`: each operation as a promise, FileHandles in the place of descriptors, and iterators. */
import { constants } from '#host';
import type { PathLike } from './args.js';
import { addForm } from './callbacks.js';
import { notImplemented } from './errors.js';
import { open } from './files.js';
import { glob } from './glob.js';
import { FileHandle, type Streams } from './handle.js';
import { asyncDispose } from './host.js';
import type { Knotes } from './knotes.js';
import { QUICK, promiseTable } from './ops.js';
import { bytePath, kernelPath, resolve } from './pathnames.js';
import { cwd } from './paths.js';
import type { Op, Runner } from './run.js';
import { mkdtemp, rm } from './tree.js';
import { watched } from './watch.js';

/** What an `fs` is made of. */
export interface Parts {
  readonly runner: Runner;
  readonly streams: Streams;
  readonly knotes: Knotes;
}

/** System calls that it takes to read a file or a directory. */
const QUICK_CALLS = 4;

/** Operations on whole files, which take a FileHandle too. */
const ON_HANDLES: readonly string[] = ['readFile', 'writeFile', 'appendFile'] satisfies readonly OnHandle[];
type OnHandle = 'readFile' | 'writeFile' | 'appendFile';

type Form = (...args: unknown[]) => Promise<unknown>;

export function promisesOf({ runner, streams, knotes }: Parts): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, op] of Object.entries(promiseTable(runner))) {
    const run: Form = (...args) => runner.run(op(...(args as never[])));
    const file: Form = async (path, ...args) => (path instanceof FileHandle ? (path[name as OnHandle] as Form)(...args) : run(path, ...args));
    const usual = ON_HANDLES.includes(name) ? file : run;
    const quick = QUICK[name];
    const quickly: Form = async (path, options) => (runner.spend(QUICK_CALLS) ? quick?.(runner, path, options as never) : undefined) ?? usual(path, options);
    addForm(out, name, quick === undefined ? usual : quickly);
  }
  return Object.assign(out, {
    open: async (path: PathLike, flags?: unknown, mode?: unknown) => new FileHandle(runner, await runner.run(open(path, flags, mode)), streams),
    lchmod: async () => Promise.reject(notImplemented('lchmod()')),
    glob: (pattern: unknown, options?: never) => globbed(runner, pattern, options),
    watch: (name: PathLike, options?: never) => watched(runner, knotes, name, options),
    async mkdtempDisposable(prefix: PathLike, options?: unknown) {
      const { path, remove } = await runner.run(disposable(runner, prefix, options));
      const removed = (): Promise<void> => runner.run(remove());
      return { path, remove: removed, [asyncDispose]: removed };
    },
    constants,
  });
}

async function* globbed(runner: Runner, pattern: unknown, options?: never): AsyncGenerator<unknown, void, undefined> {
  yield* await runner.run(glob(pattern, options));
}

/** mkdtemp(), and what removes the directory again, wherever the process is by then. */
export function* disposable(
  runner: Runner,
  prefix: PathLike,
  options?: unknown,
): Op<{ readonly path: string | Uint8Array; readonly remove: () => Op<void> }> {
  const path = yield* mkdtemp(runner.p, prefix, options);
  const whole = kernelPath(resolve(yield* cwd(), bytePath(path)));
  return { path, remove: () => rm(whole, { recursive: true, force: true }) };
}
