/** Operations on directories, and on whole trees. */
import { fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import {
  DT_DIR, DT_UNKNOWN, ERR, Errno, IFTODT, type Dirent as KernelDirent, O_CLOEXEC, O_DIRECTORY, S_ISDIR, parseDirents,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { type PathLike, toBool, toBoolOrNull, toFlag, toInteger, toMode, toObject, toPath, toUint32 } from './args.js';
import { encodingOf, nameOut } from './bytes.js';
import { invalidArgValue, operationError, systemError } from './errors.js';
import { warn } from './host.js';
import { fieldsOf, isNone, isObject } from './kinds.js';
import { type Path, bytePath, join, kernelPath, pathText } from './pathnames.js';
import { isAbsent, lstat, statIfThere } from './paths.js';
import { namesIn } from './quick.js';
import { type Op, type Runner, Wait, attempt, call } from './run.js';
import { Dirent } from './stats.js';

/** Bytes asked of a directory at a time. */
const DIRENTS_LEN = 32768;

/** By name, as bytes: what libuv does on Linux, and programs have come to expect. Most directories are in that order already, or nearly. */
function byName(a: KernelDirent, b: KernelDirent): number {
  return a.name < b.name ? -1 : 1;
}

/** All entries of a directory but `.` and `..`, by name. What the file system does not tell of an entry's type is looked up. */
export function* entriesOf(p: Path, syscall = 'scandir'): Op<KernelDirent[]> {
  const fd = yield* call('open', [p, O_DIRECTORY | O_CLOEXEC, 0], syscall);
  const entries: KernelDirent[] = [];
  try {
    const buf = new Uint8Array(DIRENTS_LEN);
    for (;;) {
      const n = yield* call('getdents', [fd, buf], syscall, p);
      if (n === 0) break;
      for (const e of parseDirents(buf, n)) if (e.name !== '.' && e.name !== '..') entries.push(e);
    }
  } finally {
    yield* attempt('close', [fd]);
  }
  entries.sort(byName);
  for (const e of entries) if (e.type === DT_UNKNOWN) e.type = yield* typeOf(join(bytePath(p), e.name));
  return entries;
}

export function* typeOf(path: string): Op<number> {
  const st = yield* attempt('lstat', [kernelPath(path)]);
  return st instanceof Errno ? DT_UNKNOWN : IFTODT(st.mode);
}

export interface ReaddirOptions {
  readonly encoding?: string | null;
  readonly withFileTypes?: boolean;
  readonly recursive?: boolean;
}

type Name = string | Uint8Array;

export function* readdir(path: PathLike, options?: ReaddirOptions | string | null): Op<(Name | Dirent<Name>)[]> {
  encodingOf(options);
  const o = fieldsOf<ReaddirOptions>(options);
  const top = bytePath(toPath(path));
  const recursive = toBoolOrNull(o.recursive, 'recursive');
  const out: (Name | Dirent<Name>)[] = [];
  const queue = [''];
  for (let at = 0; at < queue.length; at++) {
    const below = queue[at];
    const dir = below === '' ? top : join(top, below);
    const parent = o.withFileTypes ? parentName(path, dir) : '';
    for (const e of yield* entriesOf(kernelPath(dir))) {
      const within = join(below, e.name);
      if (recursive && e.type === DT_DIR) queue.push(within);
      out.push(o.withFileTypes ? new Dirent(nameOut(e.name, options), parent, e.type) : nameOut(within, options));
    }
  }
  return out;
}

/** The same at once, in the usual case: names as text, of one directory, whose path is text. */
export function readdirQuickly({ p, scratch }: Runner, path: unknown, options?: ReaddirOptions | string | null): string[] | undefined {
  if (typeof path !== 'string' || !isNone(options)) return undefined;
  return namesIn(p, toPath(path), scratch);
}

/** What a Dirent says of where it is: the path as it was asked for. */
function parentName(asked: PathLike, dir: string): string {
  return typeof asked === 'string' && toBytestr(asked) === dir ? asked : fromBytestr(dir);
}

export interface MkdirOptions {
  readonly recursive?: boolean;
  readonly mode?: number | string;
}

/** With `recursive`: the first directory that was made, or undefined if all were there. */
export function* mkdir(path: PathLike, options?: MkdirOptions | number | string | null): Op<string | undefined> {
  const o = isObject(options) ? options : { mode: options ?? undefined };
  const p = toPath(path);
  const recursive = toBool(o.recursive, 'recursive');
  const mode = toMode(o.mode, 0o777);
  if (!recursive) {
    yield* call('mkdir', [p, mode]);
    return undefined;
  }
  return yield* mkdirs(bytePath(p).replace(/(?!^)\/+$/, ''), mode, pathText(p));
}

/** `path` is a byte string. */
export function* mkdirs(path: string, mode: number, asked: string): Op<string | undefined> {
  let first: string | undefined;
  // What is still to be made, the last first; paths may be deeper than a stack.
  const missing = [path];
  for (let dir = missing.at(-1); dir !== undefined; dir = missing.at(-1)) {
    const e = yield* attempt('mkdir', [kernelPath(dir), mode]);
    if (e === ERR.ENOENT) {
      const parent = dir.slice(0, dir.lastIndexOf('/'));
      if (parent === '') throw systemError(e, 'mkdir', asked);
      missing.push(parent);
      continue;
    }
    missing.pop();
    if (e instanceof Errno) yield* checkDirectory(dir, e, asked);
    else first ??= fromBytestr(dir);
  }
  return first;
}

/** What stands where a directory could not be made has to be one. */
function* checkDirectory(path: string, e: Errno, asked: string): Op<void> {
  if (e !== ERR.EEXIST && e !== ERR.EISDIR) throw systemError(e, 'mkdir', asked);
  const st = yield* call('stat', [kernelPath(path)], 'mkdir', asked);
  if (!S_ISDIR(st.mode)) throw systemError(fromBytestr(path) === asked ? e : ERR.ENOTDIR, 'mkdir', asked);
}

export interface RmOptions {
  /** A name that is not there is no error. */
  readonly force?: boolean;
  readonly recursive?: boolean;
  /** How often a name that is busy is tried again (EBUSY, EMFILE, ENFILE, ENOTEMPTY, EPERM), with `recursive`. */
  readonly maxRetries?: number;
  /** Milliseconds; each time longer by as much. */
  readonly retryDelay?: number;
}

type Rm = Required<RmOptions>;

function rmOptions(options: unknown): Rm {
  const o = options === undefined ? {} : toObject(options);
  const recursive = toFlag(o, 'recursive');
  const retryDelay = Object.hasOwn(o, 'retryDelay') ? toInteger(o['retryDelay'], 'options.retryDelay', 0, 0x7fff_ffff) : 100;
  const maxRetries = Object.hasOwn(o, 'maxRetries') ? toUint32(o['maxRetries'], 'options.maxRetries') : 0;
  return { force: toFlag(o, 'force'), recursive, maxRetries, retryDelay };
}

const NO_LONGER: boolean = Number(/^v(\d+)/.exec((globalThis as { process?: { version?: string } }).process?.version ?? 'v99')?.[1]) >= 25;

/**
 * `recursive` was once an option: it is refused where Node refuses it, and else does as rm() with a warning. `last` takes away the directory
 * itself, once it is empty.
 */
export function* rmdir(path: PathLike, options?: { readonly recursive?: boolean }, last?: (path: PathLike) => void): Op<void> {
  const p = toPath(path);
  if (options?.recursive !== undefined && NO_LONGER) throw invalidArgValue('options.recursive', options.recursive, 'is no longer supported');
  const o = rmOptions(options === undefined ? undefined : { ...options, force: false });
  if (o.recursive) {
    const words = 'In future versions of Node.js, fs.rmdir(path, { recursive: true }) will be removed. Use fs.rm(path, { recursive: true }) instead';
    warn('DEP0147', words, true);
    const st = yield* lstat(p);
    if (st?.isDirectory() === true) {
      if (last === undefined || o.maxRetries > 0) return yield* rmTree(bytePath(p), o);
      yield* emptied(bytePath(p), o);
      return last(path);
    }
  }
  yield* call('rmdir', [p]);
}

export function* rm(path: PathLike, options?: RmOptions): Op<void> {
  const p = toPath(path);
  const o = rmOptions(options);
  const st = o.force ? yield* statIfThere('lstat', p) : yield* lstat(p);
  if (st === undefined) return;
  if (!st.isDirectory()) return yield* removed('unlink', bytePath(p), o);
  if (o.recursive) return yield* rmTree(bytePath(p), o);
  throw operationError('ERR_FS_EISDIR', 'Path is a directory', 'rm', 'EISDIR', 'is a directory', pathText(p));
}

/** `path` is a byte string. What somebody else takes away meanwhile is gone, and that is what was wanted. */
function* rmTree(path: string, o: Rm): Op<void> {
  yield* emptied(path, o);
  yield* removed('rmdir', path, o);
}

/** What is in a directory goes, the deepest first; trees may be deeper than a stack. */
function* emptied(top: string, o: Rm): Op<void> {
  const levels = [{ path: top, entries: yield* leftIn(top) }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const e = level.entries.pop();
    if (e === undefined) {
      levels.pop();
      if (levels.length > 0) yield* removed('rmdir', level.path, o);
      continue;
    }
    const path = join(level.path, e.name);
    if (e.type === DT_DIR) levels.push({ path, entries: yield* leftIn(path) });
    else yield* removed('unlink', path, o);
  }
}

/** The entries of a directory, the last first; of one that has gone meanwhile none. */
function* leftIn(path: string): Op<KernelDirent[]> {
  try {
    return (yield* entriesOf(kernelPath(path))).reverse();
  } catch (e) {
    if (!isAbsent(e)) throw e;
    return [];
  }
}

const BUSY: readonly unknown[] = [ERR.EBUSY, ERR.EMFILE, ERR.ENFILE, ERR.ENOTEMPTY, ERR.EPERM];

function* removed(how: 'unlink' | 'rmdir', path: string, o: Rm): Op<void> {
  for (let tries = 0; ; tries++) {
    const e = yield* attempt(how, [kernelPath(path)]);
    if (!(e instanceof Errno) || e === ERR.ENOENT) return;
    if (tries >= o.maxRetries || !o.recursive || !BUSY.includes(e)) throw systemError(e, how, fromBytestr(path));
    yield new Wait(o.retryDelay * (tries + 1));
    if (how === 'rmdir' && e === ERR.ENOTEMPTY) yield* emptied(path, o);
  }
}

/** A new directory with six random letters and digits behind `prefix`. */
export function* mkdtemp(p: Proc, prefix: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  const base = bytePath(toPath(prefix, 'prefix'));
  if (base.endsWith('X')) {
    warn('mkdtemp', 'mkdtemp() templates ending with X are not portable. For details see: https://nodejs.org/api/fs.html', false);
  }
  for (let tries = 0; ; tries++) {
    const random = new Uint8Array(6);
    p.k.host.getrandom(random);
    const path = base + Array.from(random, (b) => (b % 36).toString(36)).join('');
    const e = yield* attempt('mkdir', [kernelPath(path), 0o700]);
    if (!(e instanceof Errno)) return nameOut(path, options);
    if (e !== ERR.EEXIST || tries >= 100) throw systemError(e, 'mkdtemp', `${fromBytestr(base)}XXXXXX`);
  }
}
