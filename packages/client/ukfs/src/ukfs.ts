/**
 * `fs` on a kernel: the shape of `node:fs`, synchronous, callback and promise forms, for one process of a kernel.
 *
 * The process is the caller's: its credentials, umask, current directory and descriptors hold. An operation that would have to wait
 * (a named pipe, a device that is slow) fails with EAGAIN in its synchronous form, and waits in the others.
 */
import type { Proc } from '@anykernel/rumpkern';
import { constants } from './constants.js';
import { invalidArgType } from './errors.js';
import { open } from './files.js';
import type { PromiseChoices, SyncChoices } from './forms.js';
import { FileHandle } from './handle.js';
import { common, mkdtempOf, onDescriptors } from './ops.js';
import type { PathLike } from './args.js';
import { newBytes } from './bytes.js';
import { exists, realpathNative } from './paths.js';
import { type Op, resume, runAsync, runSync } from './run.js';
import { BigIntStats, Dirent, StatFs, Stats } from './stats.js';

type AnyOp = (...args: never[]) => Op<unknown>;
type ResultOf<F extends AnyOp> = ReturnType<F> extends Op<infer T> ? T : never;

export type SyncForm<T> = {
  readonly [K in keyof T & string as `${K}Sync`]: T[K] extends AnyOp ? (...args: Parameters<T[K]>) => ResultOf<T[K]> : never;
};
export type PromiseForm<T> = {
  readonly [K in keyof T]: T[K] extends AnyOp ? (...args: Parameters<T[K]>) => Promise<ResultOf<T[K]>> : never;
};
/** The last argument is called with an error, or null and the result. */
export type CallbackForm<T> = { readonly [K in keyof T]: (...args: unknown[]) => void };

type Common = typeof common & { mkdtemp: ReturnType<typeof mkdtempOf> };
type All = Common & typeof onDescriptors;

export type UkfsPromises = Omit<PromiseForm<Common>, keyof PromiseChoices<FileHandle>> &
  PromiseChoices<FileHandle> & {
    open(path: PathLike, flags?: unknown, mode?: unknown): Promise<FileHandle>;
    readonly constants: typeof constants;
  };

export type Ukfs = Omit<SyncForm<All>, keyof SyncChoices> &
  SyncChoices &
  CallbackForm<All> & {
    existsSync(path: unknown): boolean;
    exists(path: unknown, callback: (there: boolean) => void): void;
    readonly promises: UkfsPromises;
    readonly constants: typeof constants;
    readonly Stats: typeof Stats;
    readonly BigIntStats: typeof BigIntStats;
    readonly Dirent: typeof Dirent;
    readonly StatFs: typeof StatFs;
    readonly F_OK: number;
    readonly R_OK: number;
    readonly W_OK: number;
    readonly X_OK: number;
  };

/** The `fs` of process `p`. */
export function ukfs(p: Proc): Ukfs {
  const all = { ...common, ...onDescriptors, mkdtemp: mkdtempOf(p) };
  const out: Record<string, unknown> = {};
  for (const [name, op] of Object.entries(all) as [string, AnyOp][]) {
    out[`${name}Sync`] = (...args: never[]) => runSync(p, op(...args));
    out[name] = callbackForm(p, name, op);
  }
  const native = (...args: never[]): unknown => runSync(p, (realpathNative as AnyOp)(...args));
  out['realpathSync'] = Object.assign(out['realpathSync'] as object, { native });
  out['realpath'] = Object.assign(out['realpath'] as object, { native: callbackForm(p, 'realpath', realpathNative as AnyOp) });
  out['existsSync'] = (path: unknown) => runSync(p, exists(path));
  const existing = (path: unknown): Promise<boolean> => runAsync(p, exists(path));
  const existsForm = (path: unknown, callback: (there: boolean) => void): void => {
    checkCallback(callback);
    void existing(path).then(callback);
  };
  out['exists'] = Object.assign(existsForm, { [PROMISIFY]: existing });
  const modes = { F_OK: constants.F_OK, R_OK: constants.R_OK, W_OK: constants.W_OK, X_OK: constants.X_OK };
  return { ...out, ...modes, promises: promisesOf(p), constants, Stats, BigIntStats, Dirent, StatFs } as unknown as Ukfs;
}

function promisesOf(p: Proc): UkfsPromises {
  const out: Record<string, unknown> = { constants };
  for (const [name, op] of Object.entries({ ...common, realpath: realpathNative, mkdtemp: mkdtempOf(p) }) as [string, AnyOp][]) {
    out[name] = async (...args: (never | FileHandle)[]) =>
      runAsync(p, op(...(args.map((a) => ((a as unknown) instanceof FileHandle ? (a as FileHandle).fd : a)) as never[])));
  }
  out['open'] = async (path: PathLike, flags?: unknown, mode?: unknown) => new FileHandle(p, await runAsync(p, open(path, flags, mode)));
  return out as unknown as UkfsPromises;
}

/** Results that are more than one value come to the callback as Node gives them: bytes moved, and the buffer. */
const MOVES: readonly string[] = ['read', 'readv', 'write', 'writev'];

/** Bytes in the buffer of a read() that gives none. */
const READ_LEN = 16384;

/** What Node's util.promisify() asks a function for, where its promise is not of one value. */
const PROMISIFY = Symbol.for('nodejs.util.promisify.custom');

function checkCallback(callback: unknown): asserts callback is (...args: unknown[]) => void {
  if (typeof callback !== 'function') throw invalidArgType('cb', 'of type function', undefined);
}

function callbackForm(p: Proc, name: string, op: AnyOp): (...args: unknown[]) => void {
  const form = callingBack(p, name, op);
  if (!MOVES.includes(name)) return form;
  const keys = [name.startsWith('read') ? 'bytesRead' : 'bytesWritten', name.endsWith('v') ? 'buffers' : 'buffer'] as const;
  const promised = (...args: unknown[]): Promise<unknown> =>
    new Promise((resolve, reject) => {
      form(...args, (error: unknown, moved: unknown, buffer: unknown) =>
        error ? reject(error) : resolve({ [keys[0]]: moved, [keys[1]]: buffer }),
      );
    });
  return Object.assign(form, { [PROMISIFY]: promised });
}

function callingBack(p: Proc, name: string, op: AnyOp): (...args: unknown[]) => void {
  return (...given) => {
    const callback = name === 'close' && given.length < 2 ? () => undefined : given.pop();
    checkCallback(callback);
    const args = name === 'read' ? readArgs(given) : given;
    const made = op(...(args as never[]));
    // What is wrong with the arguments is thrown at once.
    const first = made.next();
    resume(p, made, first).then(
      (result) => (MOVES.includes(name) ? callback(null, result, args[1]) : result === undefined ? callback(null) : callback(null, result)),
      (error: unknown) => callback(error),
    );
  };
}

/** read(fd, { buffer, offset, length, position }, callback) and read(fd, callback): the arguments of the long form. */
function readArgs(args: unknown[]): unknown[] {
  if (args.length > 2 || ArrayBuffer.isView(args[1])) return args;
  const o = (args[1] ?? {}) as { readonly buffer?: unknown };
  return [args[0], o.buffer ?? newBytes(READ_LEN), o];
}

const CLASS_NAMES = ['Stats', 'BigIntStats', 'Dirent', 'StatFs'];
const NAMES = [...Object.keys(common), 'mkdtemp'];

/** The names that `import { ... } from 'node:fs'` may ask for. */
export const UKFS_NAMES: readonly string[] = [
  ...[...NAMES, ...Object.keys(onDescriptors), 'exists'].flatMap((n) => [n, `${n}Sync`]),
  ...CLASS_NAMES,
  'promises',
  'constants',
  'F_OK',
  'R_OK',
  'W_OK',
  'X_OK',
];

/** The same of `node:fs/promises`. */
export const UKFS_PROMISE_NAMES: readonly string[] = [...NAMES, 'open', 'constants'];
