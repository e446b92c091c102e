/** `fs.promises`: each operation as a promise, FileHandles in the place of descriptors, and iterators. */
import type { PathLike } from './args.js';
import { named } from './callbacks.js';
import { constants } from './constants.js';
import { notImplemented } from './errors.js';
import { open } from './files.js';
import { glob } from './glob.js';
import { FileHandle, type Streams } from './handle.js';
import { asyncDispose } from './host.js';
import type { Knotes } from './knotes.js';
import { type AnyOp, QUICK, promiseTable } from './ops.js';
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
const ON_HANDLES = ['readFile', 'writeFile', 'appendFile'] as const;

export function promisesOf({ runner, streams, knotes }: Parts): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [name, op] of Object.entries(promiseTable(runner))) out[name] = promiseForm(runner, name, op);
  for (const name of ON_HANDLES) {
    const onNames = out[name] as (...args: unknown[]) => Promise<unknown>;
    const either = async (file: unknown, ...args: unknown[]): Promise<unknown> =>
      file instanceof FileHandle ? (file[name] as (...args: unknown[]) => Promise<unknown>).apply(file, args) : onNames(file, ...args);
    out[name] = named(either, name);
  }
  for (const [name, quick] of Object.entries(QUICK)) {
    const usual = out[name] as (path: unknown, options?: unknown) => Promise<unknown>;
    const form = async (path: unknown, options?: unknown): Promise<unknown> =>
      (runner.spend(QUICK_CALLS) ? quick(runner, path, options as never) : undefined) ?? usual(path, options);
    out[name] = named(form, name);
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

function promiseForm(runner: Runner, name: string, op: AnyOp): unknown {
  return named((...args: never[]) => runner.run(op(...args)), name);
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
