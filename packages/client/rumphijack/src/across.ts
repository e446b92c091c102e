/**
 * Functions with two paths, one in the kernel and one on the host. Names cannot be moved or linked from one to the other (EXDEV, as between any two
 * file systems); files and trees can be copied.
 */
import type * as nodeFs from 'node:fs';
import type { Fn } from './functions.js';
import type { Across, Form } from './router.js';
import { systemError, textOf } from './systemerror.js';

type Fs = typeof nodeFs;

/** One call of `fs`, by its name without `Sync`, or of a function of the program's own. What it gives comes back from the yield. */
interface Step {
  readonly call: string | CpFilter;
  readonly args: readonly unknown[];
}
type CpFilter = (source: string, destination: string) => unknown;
type Copy = Generator<Step, void, never>;

/** rename and link. */
export function refuseAcross(name: string): Across {
  return (args, form) =>
    answer(
      args,
      form,
      () => Promise.reject(exdev(name, args)),
      () => throwing(exdev(name, args)),
    );
}

function exdev(name: string, args: readonly unknown[]): Error {
  return systemError('EXDEV', name, textOf(args[0]), textOf(args[1]));
}

function throwing(error: Error): never {
  throw error;
}

/** copyFile and cp, by the functions of `fs`, which is routed. */
export function copyAcross(name: 'copyFile' | 'cp', fs: Fs): Across {
  const copy = (args: readonly unknown[]): Copy =>
    name === 'copyFile'
      ? copyFile(textOrBytes(args[0]), textOrBytes(args[1]), typeof args[2] === 'number' ? args[2] : 0, fs)
      : cp(textOf(args[0]), textOf(args[1]), (typeof args[2] === 'object' && args[2]) || {}, fs);
  return (args, form) => {
    const wrong = name === 'cp' ? wrongOptions(args[2], fs) : undefined;
    if (wrong !== undefined) return form === 'promise' ? Promise.reject(wrong) : throwing(wrong);
    return answer(
      args,
      form,
      () => later(fs, copy(args)),
      () => atOnce(fs, copy(args)),
    );
  };
}

/** What Node says of options of cp(): it looks at them before it finds that a folder cannot be copied to itself. */
function wrongOptions(options: unknown, fs: Fs): Error | undefined {
  if (options === undefined || typeof options === 'function') return undefined;
  const { filter, ...rest } = Object(options) as CpOptions;
  const looked = typeof options !== 'object' || typeof filter !== 'function' ? options : rest;
  try {
    fs.cpSync('/', '/', looked as nodeFs.CopySyncOptions);
  } catch (e) {
    if (/^ERR_(INVALID_ARG|OUT_OF)/.test((e as { code: string }).code)) return e as Error;
  }
  return undefined;
}

function textOrBytes(path: unknown): unknown {
  return path instanceof Uint8Array ? path : textOf(path);
}

function answer(args: readonly unknown[], form: Form, promised: () => Promise<unknown>, now: () => unknown): unknown {
  if (form === 'sync') return now();
  if (form === 'promise') return promised();
  const callback = args.at(-1) as Fn;
  promised().then(
    () => process.nextTick(callback, null),
    (error) => process.nextTick(callback, error),
  );
  return undefined;
}

function atOnce(fs: Fs, copy: Copy): void {
  const table = fs as unknown as Record<string, Fn>;
  let step = copy.next();
  while (step.done !== true) {
    try {
      const { call, args } = step.value;
      const value = typeof call === 'string' ? (table[`${call}Sync`] as Fn)(...args) : decided((call as Fn)(...args));
      step = copy.next(value as never);
    } catch (e) {
      step = copy.throw(e);
    }
  }
}

/** As in Node, a filter of cpSync() has to say at once. */
function decided(value: unknown): unknown {
  if (!(value instanceof Promise)) return value;
  const message = 'Expected boolean to be returned from the "filter" function but got an instance of Promise.';
  throw Object.assign(new TypeError(message), { code: 'ERR_INVALID_RETURN_VALUE' });
}

async function later(fs: Fs, copy: Copy): Promise<void> {
  const table = fs as unknown as Record<string, Fn>;
  let step = copy.next();
  while (step.done !== true) {
    const { call, args } = step.value;
    try {
      const value = await (typeof call === 'string' ? called(table[call] as Fn, args) : (call as Fn)(...args));
      step = copy.next(value as never);
    } catch (e) {
      step = copy.throw(e);
    }
  }
}

function called(fn: Fn, args: readonly unknown[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    fn(...args, (error: unknown, result: unknown) => (error ? reject(error) : resolve(result)));
  });
}

const CHUNK_LEN = 1 << 18;

function* copyFile(from: unknown, to: unknown, mode: number, fs: Fs): Copy {
  const { COPYFILE_EXCL, COPYFILE_FICLONE_FORCE } = fs.constants;
  const fail = (e: unknown): Error => {
    const { code } = e as { code?: string };
    return systemError((code ?? 'EIO') as 'EIO', 'copyfile', textOf(from), textOf(to));
  };
  if ((mode & COPYFILE_FICLONE_FORCE) !== 0) throw fail({ code: 'EOPNOTSUPP' });
  try {
    const source = (yield { call: 'open', args: [from, 'r'] }) as number;
    try {
      const st = (yield { call: 'fstat', args: [source] }) as nodeFs.Stats;
      const dest = (yield { call: 'open', args: [to, (mode & COPYFILE_EXCL) !== 0 ? 'wx' : 'w', st.mode & 0o777] }) as number;
      try {
        yield* copyBytes(source, dest);
      } finally {
        yield { call: 'close', args: [dest] };
      }
    } finally {
      yield { call: 'close', args: [source] };
    }
  } catch (e) {
    throw fail(e);
  }
}

function* copyBytes(source: number, dest: number): Copy {
  const chunk = Buffer.allocUnsafe(CHUNK_LEN);
  for (;;) {
    const len = (yield { call: 'read', args: [source, chunk, 0, CHUNK_LEN, null] }) as number;
    if (len === 0) return;
    for (let at = 0; at < len; ) at += (yield { call: 'write', args: [dest, chunk, at, len - at, null] }) as number;
  }
}

interface CpOptions extends Omit<nodeFs.CopyOptions, 'filter'> {
  readonly filter?: CpFilter;
}

function cpError(code: string, path: string, what: string): Error {
  return Object.assign(new Error(`${what}: ${path}`), { code, syscall: 'cp', path });
}

function* cp(from: string, to: string, options: CpOptions, fs: Fs): Copy {
  if (options.filter !== undefined && !(yield { call: options.filter, args: [from, to] })) return;
  const st = (yield { call: options.dereference === true ? 'stat' : 'lstat', args: [from] }) as nodeFs.Stats;
  const there = yield* statOf(to);
  if (st.isDirectory()) {
    if (options.recursive !== true) throw cpError('ERR_FS_EISDIR', from, 'Recursive option not enabled, cannot copy a directory');
    if (there !== undefined && !there.isDirectory())
      throw cpError('ERR_FS_CP_DIR_TO_NON_DIR', to, 'Cannot overwrite non-directory with directory');
    yield* cpDirectory(from, to, st, there === undefined, options, fs);
    return;
  }
  if (there?.isDirectory() === true) throw cpError('ERR_FS_CP_NON_DIR_TO_DIR', to, 'Cannot overwrite directory with non-directory');
  if (there !== undefined && options.force === false) {
    if (options.errorOnExist === true) throw cpError('ERR_FS_CP_EEXIST', to, 'Target already exists');
    return;
  }
  if (there !== undefined) yield { call: 'unlink', args: [to] };
  else yield { call: 'mkdir', args: [parentOf(to), { recursive: true }] };
  yield* cpLeaf(from, to, st, options, fs);
}

function parentOf(path: string): string {
  const parent = path.replace(/\/+$/, '').replace(/[^/]*$/, '');
  return parent === '' ? '.' : parent;
}

function* statOf(path: string): Generator<Step, nodeFs.Stats | undefined, never> {
  try {
    return yield { call: 'lstat', args: [path] };
  } catch (e) {
    if ((e as { code?: string }).code === 'ENOENT') return undefined;
    throw e;
  }
}

function* cpDirectory(from: string, to: string, st: nodeFs.Stats, fresh: boolean, options: CpOptions, fs: Fs): Copy {
  if (fresh) yield { call: 'mkdir', args: [to, { recursive: true }] };
  const names = (yield { call: 'readdir', args: [from] }) as string[];
  for (const name of names) yield* cp(`${from}/${name}`, `${to}/${name}`, options, fs);
  if (fresh) yield { call: 'chmod', args: [to, st.mode & 0o7777] };
}

function* cpLeaf(from: string, to: string, st: nodeFs.Stats, options: CpOptions, fs: Fs): Copy {
  if (st.isSymbolicLink()) {
    const target = (yield { call: 'readlink', args: [from] }) as string;
    yield { call: 'symlink', args: [target, to] };
    return;
  }
  if (!st.isFile()) throw cpError('ERR_FS_CP_UNKNOWN', to, 'Cannot copy an unknown file type');
  yield* copyFile(from, to, options.mode ?? 0, fs);
  yield { call: 'chmod', args: [to, st.mode & 0o7777] };
  if (options.preserveTimestamps === true) yield { call: 'utimes', args: [to, st.atime, st.mtime] };
}
