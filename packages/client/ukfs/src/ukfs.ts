/**
 * `fs` on a kernel: the shape of `node:fs`, synchronous, callback and promise forms, for one process of a kernel.
 *
 * The process is the caller's: its credentials, umask, current directory and descriptors hold. An operation that would have to wait
 * (a named pipe, a device that is slow) fails with EAGAIN in its synchronous form, and waits in the others.
 */
import { constants, later } from '#host';
import type { Proc } from '@anykernel/rumpkern';
import { type PathLike, toFunction, toTime } from './args.js';
import { openBlob } from './blob.js';
import { PROMISIFY, addForm, callbackForm } from './callbacks.js';
import { Dir } from './dir.js';
import type { Ukfs } from './forms.js';
import { FileHandle, type Streams } from './handle.js';
import { dispose, hasStream } from './host.js';
import { Knotes } from './knotes.js';
import { type AnyOp, QUICK, callbackTable, syncTable } from './ops.js';
import { exists, realpathNative } from './paths.js';
import { type Parts, disposable, promisesOf } from './promises.js';
import { Runner } from './run.js';
import { Dirent, StatFs, Stats, bigIntStatsClass } from './stats.js';
import { streamOf, streamOver, utf8StreamOver } from './streams.js';
import { rmdir } from './tree.js';
import { FSWatcher } from './watch.js';
import { StatWatchers } from './watchfile.js';

type Members = Record<string, unknown>;

/** The `fs` of process `p`. */
export function ukfs(p: Proc): Ukfs {
  const runner = new Runner(p);
  const fs: Members = {};
  const parts: Parts = { runner, streams: fs as unknown as Streams, knotes: new Knotes(runner) };
  for (const [name, op] of Object.entries(syncTable(runner))) addForm(fs, `${name}Sync`, syncForm(runner, name, op));
  for (const [name, op] of Object.entries(callbackTable(runner))) fs[name] = callbackForm(runner, name, op);
  addRealpath(fs, runner);
  addExists(fs, runner);
  addOthers(fs, parts);
  addStreams(fs);
  addLazily(fs, 'BigIntStats', bigIntStatsClass);
  addLazily(fs, 'promises', () => promisesOf(parts));
  const { F_OK, R_OK, W_OK, X_OK } = constants;
  // As in Node on Linux: the names are there, and nothing behind them.
  Object.assign(fs, CLASSES, { F_OK, R_OK, W_OK, X_OK, lchmod: undefined, lchmodSync: undefined, constants, _toUnixTimestamp: unixTimestamp });
  RUNNERS.set(fs, runner);
  return fs as unknown as Ukfs;
}

/** By what is quicker than the operation, where there is that, and it can be. */
function syncForm(runner: Runner, name: string, op: AnyOp): (...args: unknown[]) => unknown {
  const usual = (...args: unknown[]): unknown => runner.now(op(...(args as never[])));
  const quick = QUICK[name];
  return quick === undefined ? usual : (path, options) => quick(runner, path, options as never) ?? usual(path, options);
}

/** As whom each `fs` runs. */
const RUNNERS = new WeakMap<object, Runner>();

export function runnerOf(fs: object): Runner | undefined {
  return RUNNERS.get(fs);
}

const CLASSES = { Stats, Dirent, StatFs, Dir } as const;

function addRealpath(fs: Members, runner: Runner): void {
  Object.assign(fs['realpathSync'] as object, { native: (path: PathLike, options?: unknown) => runner.now(realpathNative(path, options)) });
  Object.assign(fs['realpath'] as object, { native: callbackForm(runner, 'realpath', realpathNative) });
}

function addExists(fs: Members, runner: Runner): void {
  const form = (path: unknown, callback: unknown): void => {
    const told = toFunction(callback, 'cb') as (there: boolean) => void;
    runner.run(exists(path)).then((there) => later(() => told(there)));
  };
  addForm(fs, 'existsSync', (path: unknown) => runner.now(exists(path)));
  addForm(fs, 'exists', Object.assign(form, { [PROMISIFY]: (path: unknown) => runner.run(exists(path)) }));
}

/** What differs from form to form. */
function addOthers(fs: Members, { runner, knotes }: Parts): void {
  const watchers = new StatWatchers(runner);
  // With `recursive` Node calls what `fs.rmdirSync` is by then; programs put functions of their own there.
  const last = (path: PathLike): void => (fs['rmdirSync'] as (path: PathLike) => void)(path);
  Object.assign(fs, {
    rmdirSync: (path: PathLike, options?: never) => runner.now(rmdir(path, options, last)),
    mkdtempDisposableSync(prefix: PathLike, options?: unknown) {
      const { path, remove } = runner.now(disposable(runner, prefix, options));
      const removed = (): void => runner.now(remove());
      return { path, remove: removed, [dispose]: removed };
    },
    openAsBlobSync: (path: PathLike, options?: never) => runner.now(openBlob(runner, path, options)),
    // What is wrong with the arguments is thrown, as Node does it.
    openAsBlob: (path: PathLike, options?: never) => Promise.resolve(runner.now(openBlob(runner, path, options))),
    watch(name: PathLike, options?: unknown, listener?: unknown) {
      const [o, fn] = typeof options === 'function' ? [undefined, options] : [options, listener];
      return new FSWatcher(runner, knotes, name, o, fn);
    },
    watchFile: (name: PathLike, options: unknown, listener?: unknown) => watchers.watch(name, options, listener),
    unwatchFile: (name: PathLike, listener?: unknown) => watchers.unwatch(name, listener),
  });
}

/** A member that is made when it is first asked for, and may be set. */
function addLazily(fs: Members, name: string, make: () => unknown): void {
  let made: unknown;
  const get = (): unknown => (made ??= make());
  const set = (other: unknown): void => {
    made = other;
  };
  Object.defineProperty(fs, name, { get, set, enumerable: true, configurable: true });
}

/** Stream classes are made when they are first asked for; whoever sets others has createReadStream() make those. */
function addStreams(fs: Members): void {
  const handleOf = (fd: unknown): FileHandle | undefined => (fd instanceof FileHandle ? fd : undefined);
  for (const name of ['ReadStream', 'WriteStream'] as const) {
    addLazily(fs, name, () => streamOver(name, fs, handleOf));
    addLazily(fs, `File${name}`, () => fs[name]);
    // Some call it with `new`.
    function create(path: unknown, options?: unknown): unknown {
      return streamOf(fs as never, name, path, options);
    }
    addForm(fs, `create${name}`, create);
  }
  if (hasStream('Utf8Stream')) addLazily(fs, 'Utf8Stream', () => utf8StreamOver(fs));
}

function unixTimestamp(time: unknown): number {
  const { sec, nsec } = toTime(time);
  return nsec >= 1e9 ? Date.now() / 1000 : sec + nsec / 1e9;
}
