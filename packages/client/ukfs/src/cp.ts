/** cp: copies of files, links and trees, with Node's options and errors. */
import { fromBytestr } from '@anykernel/lib-bytes';
import type { ErrnoCode } from '@anykernel/lib-sys';
import { type PathLike, toFlag, toFunction, toInteger, toObject, toPath } from './args.js';
import { coded } from './coded.js';
import { operationError } from './errors.js';
import type { AnyStats } from './files.js';
import { isNone } from './kinds.js';
import { type Path, bytePath, dirname, join, kernelPath, resolve } from './pathnames.js';
import { chmod, cwd, lstat, readlinkBytes, stat, statIfThere, symlink, unlink, utimes } from './paths.js';
import { type Op, wait } from './run.js';
import type { Stats } from './stats.js';
import { entriesOf, mkdir } from './tree.js';
import { copyFile } from './whole.js';

export interface CpOptions {
  readonly dereference?: boolean;
  readonly errorOnExist?: boolean;
  /** false, or a promise of it where waiting is possible: the name is left out, with all below it. */
  readonly filter?: (source: string, destination: string) => unknown;
  readonly force?: boolean;
  readonly mode?: number;
  readonly preserveTimestamps?: boolean;
  readonly recursive?: boolean;
  /** Targets of symbolic links stay as they are; otherwise they become absolute. */
  readonly verbatimSymlinks?: boolean;
}

/** Options that were checked, and how a filter is asked. */
interface Cp extends CpOptions {
  readonly waits: boolean;
}

const FLAGS = ['dereference', 'errorOnExist', 'force', 'preserveTimestamps', 'recursive', 'verbatimSymlinks'] as const;

function checked(options: unknown, waits: boolean): Cp {
  if (options === undefined) return { waits };
  const o = toObject(options);
  for (const name of FLAGS) toFlag(o, name);
  if (!isNone(o['mode'])) toInteger(o['mode'], 'mode', 0, 7);
  if (o['dereference'] === true && o['verbatimSymlinks'] === true) {
    throw coded('ERR_INCOMPATIBLE_OPTION_PAIR', 'Option "dereference" cannot be used in combination with option "verbatimSymlinks"');
  }
  if (o['filter'] !== undefined) toFunction(o['filter'], 'options.filter');
  return { ...(o as CpOptions), waits };
}

/** What cannot be copied. `detail` and `path` are byte strings, as all paths here are. */
function cpError(code: string, summary: string, errno: ErrnoCode, detail: string, path: string): Error {
  return operationError(`ERR_FS_${code}`, summary, 'cp', errno, fromBytestr(detail), fromBytestr(path));
}

function invalid(detail: string, path: string): Error {
  return cpError('CP_EINVAL', 'Invalid src or dest', 'EINVAL', detail, path);
}

function intoItself(source: string, dest: string, path = dest): Error {
  return invalid(`cannot copy ${source} to a subdirectory of self ${dest}`, path);
}

function occupied(path: string): Error {
  return cpError('CP_EEXIST', 'Target already exists', 'EEXIST', `${path} already exists`, path);
}

/** Copies a file, a link, or with `recursive` a tree. */
export const cp = /* @__PURE__ */ copying(false);

/** The same with a filter that may be asynchronous. */
export const cpPromised = /* @__PURE__ */ copying(true);

function copying(waits: boolean) {
  return function* (from: PathLike, to: PathLike, options?: CpOptions): Op<void> {
    const o = checked(options, waits);
    const source = bytePath(toPath(from, 'src'));
    const dest = bytePath(toPath(to, 'dest'));
    if (!(yield* allowed(source, dest, o))) return;
    yield* checkParents(source, dest, o);
    // Trees may be deeper than a stack.
    const tasks: Task[] = [];
    yield* cpNode(source, dest, o, tasks);
    for (let t = tasks.pop(); t !== undefined; t = tasks.pop()) {
      if (t.mode !== undefined) yield* chmod(kernelPath(t.to), t.mode);
      else if (yield* allowed(t.from, t.to, o)) yield* cpNode(t.from, t.to, o, tasks);
    }
  };
}

/** What is still to be copied, the first last; with `mode`: a directory that is whole by then. */
interface Task {
  readonly from: string;
  readonly to: string;
  readonly mode?: number;
}

function isSame(a: AnyStats, b: AnyStats): boolean {
  return a.ino === b.ino && a.dev === b.dev;
}

/** A link itself, or what it leads to. */
function look(path: Path, o: Cp): Op<Stats> {
  return (o.dereference === true ? stat(path) : lstat(path)) as Op<Stats>;
}

/** A tree is not copied into itself, whatever name leads there. */
function* checkParents(from: string, to: string, o: Cp): Op<void> {
  const st = yield* look(kernelPath(from), o);
  if (!st.isDirectory()) return;
  const here = yield* cwd();
  const sourceParent = dirname(resolve(here, from));
  for (let dir = dirname(resolve(here, to)); dir !== '' && dir !== '/' && dir !== sourceParent; dir = dirname(dir)) {
    const above = yield* statIfThere('stat', kernelPath(dir));
    if (above !== undefined && isSame(above, st)) throw intoItself(from, to);
  }
}

function* cpNode(from: string, to: string, o: Cp, tasks: Task[]): Op<void> {
  const [source, dest] = [kernelPath(from), kernelPath(to)];
  const st = yield* look(source, o);
  const there = (yield* statIfThere(o.dereference === true ? 'stat' : 'lstat', dest)) as Stats | undefined;
  check(from, to, st, there, o);
  const parent = dirname(to);
  if (there === undefined && parent !== '' && parent !== '/') yield* mkdir(kernelPath(parent), { recursive: true });
  if (st.isSymbolicLink()) return yield* cpLink(from, to, there?.isSymbolicLink() === true, o);
  if (!st.isDirectory()) return yield* cpFile(source, dest, to, st, there !== undefined, o);
  if (there === undefined) {
    yield* mkdir(dest);
    tasks.push({ from, to, mode: st.mode & 0o7777 });
  }
  for (const { name } of (yield* entriesOf(source, 'opendir')).reverse()) tasks.push({ from: join(from, name), to: join(to, name) });
}

/** What cannot be copied to what. */
function check(from: string, to: string, st: Stats, there: Stats | undefined, o: Cp): void {
  if (there !== undefined && isSame(there, st)) throw invalid('src and dest cannot be the same', to);
  const isDirectory = st.isDirectory();
  if (there !== undefined && isDirectory !== there.isDirectory()) {
    const kinds = ['directory', 'non-directory'];
    const [by, what] = isDirectory ? kinds : kinds.reverse();
    const [code, errno]: [string, ErrnoCode] = isDirectory ? ['DIR_TO_NON_DIR', 'EISDIR'] : ['NON_DIR_TO_DIR', 'ENOTDIR'];
    throw cpError(`CP_${code}`, `Cannot overwrite ${what} with ${by}`, errno, `cannot overwrite ${what} ${to} with ${by} ${from}`, to);
  }
  if (!isDirectory) return;
  if (isWithin(from, to)) throw intoItself(from, to);
  if (there !== undefined && o.errorOnExist === true && o.force === false) throw occupied(to);
  if (o.recursive !== true) throw cpError('EISDIR', 'Path is a directory', 'EISDIR', `${from} is a directory (not copied)`, from);
}

/** Whether `to` is `from` or below it, by name. */
function isWithin(from: string, to: string): boolean {
  return `${resolve('', to)}/`.startsWith(`${resolve('', from).replace(/\/+$/, '')}/`);
}

function* cpFile(source: Path, dest: Path, to: string, st: Stats, replaces: boolean, o: Cp): Op<void> {
  if (!st.isFile() && !st.isCharacterDevice() && !st.isBlockDevice()) {
    const [code, kind] = st.isFIFO() ? ['FIFO_PIPE', 'a FIFO pipe'] : st.isSocket() ? ['SOCKET', 'a socket file'] : ['UNKNOWN', 'an unknown file type'];
    throw cpError(`CP_${code}`, `Cannot copy ${kind}`, 'EINVAL', `cannot copy ${kind}: ${to}`, to);
  }
  if (replaces && o.force === false) {
    if (o.errorOnExist !== true) return;
    throw occupied(to);
  }
  if (replaces) yield* unlink(dest);
  yield* copyFile(source, dest, o.mode ?? 0);
  if (o.preserveTimestamps === true) {
    const now = (yield* stat(source)) as Stats;
    yield* utimes(dest, now.atime, now.mtime);
  }
  yield* chmod(dest, st.mode & 0o7777);
}

/** `replaces`: a link that is there. */
function* cpLink(from: string, to: string, replaces: boolean, o: Cp): Op<void> {
  const here = yield* cwd();
  const [source, dest] = [kernelPath(from), kernelPath(to)];
  const meaning = (link: string, target: string): string => (target.startsWith('/') ? target : resolve(here, join(dirname(link) || '.', target)));
  const target = yield* readlinkBytes(source);
  const meant = o.verbatimSymlinks === true ? target : meaning(from, target);
  if (replaces) {
    const was = meaning(to, yield* readlinkBytes(dest));
    const isDirectory = ((yield* statIfThere('stat', source)) as Stats | undefined)?.isDirectory() === true;
    if (isDirectory && isWithin(meant, was)) throw intoItself(meant, was, to);
    if (isDirectory && isWithin(was, meant)) {
      throw cpError('CP_SYMLINK_TO_SUBDIRECTORY', 'Cannot overwrite symlink in subdirectory of self', 'EINVAL', `cannot overwrite ${was} with ${meant}`, to);
    }
    yield* unlink(dest);
  }
  yield* symlink(kernelPath(meant), dest);
}

/** What a filter says of two byte strings. ERR_INVALID_RETURN_VALUE: a promise, where nobody can wait for it. */
function* allowed(source: string, dest: string, { filter, waits }: Cp): Op<boolean> {
  if (filter === undefined) return true;
  const said = filter(fromBytestr(source), fromBytestr(dest));
  if (typeof (said as { then?: unknown } | null | undefined)?.then !== 'function') return Boolean(said);
  if (waits) return Boolean(yield* wait(said as PromiseLike<unknown>));
  throw coded('ERR_INVALID_RETURN_VALUE', 'Expected boolean to be returned from the "filter" function but got an instance of Promise.');
}
