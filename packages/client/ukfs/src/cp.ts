/** cp: copies of files, links and trees, with Node's options and errors. */
import { fromBytestr } from '@anykernel/lib-bytes';
import type { ErrnoCode } from '@anykernel/lib-sys';
import { type PathLike, toBits, toFlag, toFunction, toInteger, toObject, toPath } from './args.js';
import { coded, operationError } from './errors.js';
import { utimes } from './files.js';
import { dirname, resolve } from './pathnames.js';
import { chmod, cwd, lstat, readlinkBytes, stat, statIfThere, symlink, unlink } from './paths.js';
import { type Op, wait } from './run.js';
import type { Stats } from './stats.js';
import { bytePath, entriesOf, join, kernelPath, mkdir } from './tree.js';
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
  if (o['mode'] !== undefined && o['mode'] !== null) toBits(toInteger(o['mode'], 'mode', 0, 7));
  if (o['dereference'] === true && o['verbatimSymlinks'] === true) {
    const words = 'Option "dereference" cannot be used in combination with option "verbatimSymlinks"';
    throw coded(new TypeError(words), 'ERR_INCOMPATIBLE_OPTION_PAIR');
  }
  if (o['filter'] !== undefined) toFunction(o['filter'], 'options.filter');
  return { ...(o as CpOptions), waits };
}

function cpError(code: string, summary: string, errno: ErrnoCode, detail: string, path: string): Error {
  return operationError(code, summary, { errno, syscall: 'cp', detail, path });
}

/** Copies a file, a link, or with `recursive` a tree. */
export function cp(from: PathLike, to: PathLike, options?: CpOptions): Op<void> {
  return cpAs(from, to, options, false);
}

/** The same with a filter that may be asynchronous. */
export function cpPromised(from: PathLike, to: PathLike, options?: CpOptions): Op<void> {
  return cpAs(from, to, options, true);
}

function* cpAs(from: PathLike, to: PathLike, options: CpOptions | undefined, waits: boolean): Op<void> {
  const o = checked(options, waits);
  const source = bytePath(toPath(from, 'src'));
  const dest = bytePath(toPath(to, 'dest'));
  if (o.filter !== undefined && !(yield* allowed(fromBytestr(source), fromBytestr(dest), o))) return;
  yield* checkParents(source, dest, o);
  // Trees may be deeper than a stack.
  const tasks: Task[] = [];
  yield* cpNode(source, dest, o, tasks);
  for (let t = tasks.pop(); t !== undefined; t = tasks.pop()) {
    if (t.mode !== undefined) yield* chmod(kernelPath(t.to), t.mode);
    else if (o.filter === undefined || (yield* allowed(fromBytestr(t.from), fromBytestr(t.to), o))) yield* cpNode(t.from, t.to, o, tasks);
  }
}

/** What is still to be copied, the first last; with `mode`: a directory that is whole by then. */
interface Task {
  readonly from: string;
  readonly to: string;
  readonly mode?: number;
}

interface Both {
  /** As the kernel gets them. */
  readonly source: string | Uint8Array;
  readonly dest: string | Uint8Array;
  /** As messages and filters get them. */
  readonly sourceText: string;
  readonly destText: string;
}

/** A tree is not copied into itself, whatever name leads there. */
function* checkParents(from: string, to: string, o: Cp): Op<void> {
  const st = (yield* o.dereference === true ? stat(kernelPath(from)) : lstat(kernelPath(from))) as Stats;
  if (!st.isDirectory()) return;
  const here = yield* cwd();
  const sourceParent = dirname(resolve(here, from));
  for (let dir = dirname(resolve(here, to)); dir !== '' && dir !== '/' && dir !== sourceParent; dir = dirname(dir)) {
    const above = yield* statIfThere('stat', kernelPath(dir));
    if (above === undefined || above.ino !== st.ino || above.dev !== st.dev) continue;
    throw intoItself(fromBytestr(from), fromBytestr(to), fromBytestr(to));
  }
}

function intoItself(source: string, dest: string, path: string): Error {
  return cpError('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', `cannot copy ${source} to a subdirectory of self ${dest}`, path);
}

/** Paths are byte strings. */
function* cpNode(from: string, to: string, o: Cp, tasks: Task[]): Op<void> {
  const b: Both = { source: kernelPath(from), dest: kernelPath(to), sourceText: fromBytestr(from), destText: fromBytestr(to) };
  const look = o.dereference === true ? 'stat' : 'lstat';
  const st = (yield* o.dereference === true ? stat(b.source) : lstat(b.source)) as Stats;
  const there = (yield* statIfThere(look, b.dest)) as Stats | undefined;
  check(b, st, there, from, to, o);
  if (there === undefined) yield* makeParent(to);
  if (st.isDirectory()) yield* cpDirectory(b, from, to, there === undefined ? st.mode & 0o7777 : undefined, tasks);
  else if (st.isSymbolicLink()) yield* cpLink(b, from, to, there, o);
  else yield* cpFile(b, st, there !== undefined, o);
}

function* makeParent(to: string): Op<void> {
  const parent = dirname(to);
  if (parent !== '' && parent !== '/') yield* mkdir(kernelPath(parent), { recursive: true });
}

/** What cannot be copied to what. */
function check(b: Both, st: Stats, there: Stats | undefined, from: string, to: string, o: Cp): void {
  const { sourceText, destText } = b;
  if (there !== undefined && there.ino === st.ino && there.dev === st.dev) {
    throw cpError('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', 'src and dest cannot be the same', destText);
  }
  if (there !== undefined && st.isDirectory() && !there.isDirectory()) {
    const detail = `cannot overwrite non-directory ${destText} with directory ${sourceText}`;
    throw cpError('ERR_FS_CP_DIR_TO_NON_DIR', 'Cannot overwrite non-directory with directory', 'EISDIR', detail, destText);
  }
  if (there?.isDirectory() === true && !st.isDirectory()) {
    const detail = `cannot overwrite directory ${destText} with non-directory ${sourceText}`;
    throw cpError('ERR_FS_CP_NON_DIR_TO_DIR', 'Cannot overwrite directory with non-directory', 'ENOTDIR', detail, destText);
  }
  if (st.isDirectory() && isWithin(from, to)) throw intoItself(sourceText, destText, destText);
  if (st.isDirectory() && o.recursive !== true) {
    throw cpError('ERR_FS_EISDIR', 'Path is a directory', 'EISDIR', `${sourceText} is a directory (not copied)`, sourceText);
  }
}

/** Whether `to` is `from` or below it, by name. */
function isWithin(from: string, to: string): boolean {
  return `${resolve('', to)}/`.startsWith(`${resolve('', from).replace(/\/+$/, '')}/`);
}

/** `mode`: of a directory that has to be made. */
function* cpDirectory(b: Both, from: string, to: string, mode: number | undefined, tasks: Task[]): Op<void> {
  if (mode !== undefined) {
    yield* mkdir(b.dest);
    tasks.push({ from, to, mode });
  }
  for (const e of (yield* entriesOf(b.source, 'opendir')).reverse()) tasks.push({ from: join(from, e.name), to: join(to, e.name) });
}

function* cpFile(b: Both, st: Stats, replaces: boolean, o: Cp): Op<void> {
  if (!st.isFile() && !st.isCharacterDevice() && !st.isBlockDevice()) throw notCopied(b, st);
  if (replaces && o.force === false) {
    if (o.errorOnExist !== true) return;
    throw cpError('ERR_FS_CP_EEXIST', 'Target already exists', 'EEXIST', `${b.destText} already exists`, b.destText);
  }
  if (replaces) yield* unlink(b.dest);
  yield* copyFile(b.source, b.dest, o.mode ?? 0);
  if (o.preserveTimestamps === true) {
    const now = (yield* stat(b.source)) as Stats;
    yield* utimes(b.dest, now.atime, now.mtime);
  }
  yield* chmod(b.dest, st.mode & 0o7777);
}

function notCopied({ destText }: Both, st: Stats): Error {
  const [code, kind] = st.isFIFO()
    ? ['FIFO_PIPE', 'a FIFO pipe']
    : st.isSocket()
      ? ['SOCKET', 'a socket file']
      : ['UNKNOWN', 'an unknown file type'];
  return cpError(`ERR_FS_CP_${code}`, `Cannot copy ${kind}`, 'EINVAL', `cannot copy ${kind}: ${destText}`, destText);
}

function* cpLink(b: Both, from: string, to: string, there: Stats | undefined, o: Cp): Op<void> {
  const target = yield* readlinkBytes(b.source);
  const here = yield* cwd();
  const meant = o.verbatimSymlinks === true || target.startsWith('/') ? target : resolve(here, join(dirname(from) || '.', target));
  if (there === undefined) return yield* symlink(kernelPath(meant), b.dest);
  if (!there.isSymbolicLink()) return yield* symlink(kernelPath(meant), b.dest);
  const old = yield* readlinkBytes(b.dest);
  const was = old.startsWith('/') ? old : resolve(here, join(dirname(to) || '.', old));
  if (isWithin(meant, was)) throw intoItself(fromBytestr(meant), fromBytestr(was), b.destText);
  const st = (yield* stat(b.source)) as Stats;
  if (st.isDirectory() && isWithin(was, meant)) {
    const detail = `cannot overwrite ${fromBytestr(was)} with ${fromBytestr(meant)}`;
    throw cpError('ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY', 'Cannot overwrite symlink in subdirectory of self', 'EINVAL', detail, b.destText);
  }
  yield* unlink(b.dest);
  yield* symlink(kernelPath(meant), b.dest);
}

/** What a filter says. ERR_INVALID_RETURN_VALUE: a promise, where nobody can wait for it. */
function* allowed(source: string, dest: string, o: Cp): Op<boolean> {
  const said = o.filter?.(source, dest);
  if (typeof (said as { then?: unknown } | null | undefined)?.then !== 'function') return Boolean(said);
  if (o.waits) return Boolean(yield* wait(said as PromiseLike<unknown>));
  const words = 'Expected boolean to be returned from the "filter" function but got an instance of Promise.';
  throw coded(new TypeError(words), 'ERR_INVALID_RETURN_VALUE');
}
