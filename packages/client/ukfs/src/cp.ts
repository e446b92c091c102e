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

/** What cannot be copied, and where to. */
function cpError(code: string, summary: string, errno: ErrnoCode, detail: string, path: string): Error {
  return operationError(code, summary, 'cp', errno, detail, path);
}

function invalid(detail: string, path: string): Error {
  return cpError('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', detail, path);
}

function intoItself(source: string, dest: string, path = dest): Error {
  return invalid(`cannot copy ${source} to a subdirectory of self ${dest}`, path);
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

/** Both ends of a copy: byte strings, as the kernel gets them, and as messages show them. */
interface Both {
  readonly from: string;
  readonly to: string;
  readonly source: Path;
  readonly dest: Path;
  readonly sourceText: string;
  readonly destText: string;
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
    if (above !== undefined && isSame(above, st)) throw intoItself(fromBytestr(from), fromBytestr(to));
  }
}

/** Paths are byte strings. */
function* cpNode(from: string, to: string, o: Cp, tasks: Task[]): Op<void> {
  const b: Both = { from, to, source: kernelPath(from), dest: kernelPath(to), sourceText: fromBytestr(from), destText: fromBytestr(to) };
  const st = yield* look(b.source, o);
  const there = (yield* statIfThere(o.dereference === true ? 'stat' : 'lstat', b.dest)) as Stats | undefined;
  check(b, st, there, o);
  if (there === undefined) yield* makeParent(to);
  if (st.isDirectory()) yield* cpDirectory(b, there === undefined ? st.mode & 0o7777 : undefined, tasks);
  else if (st.isSymbolicLink()) yield* cpLink(b, there, o);
  else yield* cpFile(b, st, there !== undefined, o);
}

function* makeParent(to: string): Op<void> {
  const parent = dirname(to);
  if (parent !== '' && parent !== '/') yield* mkdir(kernelPath(parent), { recursive: true });
}

/** What cannot be copied to what. */
function check({ from, to, sourceText, destText }: Both, st: Stats, there: Stats | undefined, o: Cp): void {
  if (there !== undefined && isSame(there, st)) throw invalid('src and dest cannot be the same', destText);
  const isDirectory = st.isDirectory();
  if (there !== undefined && isDirectory !== there.isDirectory()) {
    const [code, errno, what, by]: [string, ErrnoCode, string, string] = isDirectory
      ? ['DIR_TO_NON_DIR', 'EISDIR', 'non-directory', 'directory']
      : ['NON_DIR_TO_DIR', 'ENOTDIR', 'directory', 'non-directory'];
    const detail = `cannot overwrite ${what} ${destText} with ${by} ${sourceText}`;
    throw cpError(`ERR_FS_CP_${code}`, `Cannot overwrite ${what} with ${by}`, errno, detail, destText);
  }
  if (!isDirectory) return;
  if (isWithin(from, to)) throw intoItself(sourceText, destText);
  if (o.recursive !== true) throw cpError('ERR_FS_EISDIR', 'Path is a directory', 'EISDIR', `${sourceText} is a directory (not copied)`, sourceText);
}

/** Whether `to` is `from` or below it, by name. */
function isWithin(from: string, to: string): boolean {
  return `${resolve('', to)}/`.startsWith(`${resolve('', from).replace(/\/+$/, '')}/`);
}

/** `mode`: of a directory that has to be made. */
function* cpDirectory({ from, to, source, dest }: Both, mode: number | undefined, tasks: Task[]): Op<void> {
  if (mode !== undefined) {
    yield* mkdir(dest);
    tasks.push({ from, to, mode });
  }
  for (const { name } of (yield* entriesOf(source, 'opendir')).reverse()) tasks.push({ from: join(from, name), to: join(to, name) });
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

function* cpLink({ from, to, source, dest, destText }: Both, there: Stats | undefined, o: Cp): Op<void> {
  const here = yield* cwd();
  const meaning = (link: string, target: string): string => (target.startsWith('/') ? target : resolve(here, join(dirname(link) || '.', target)));
  const target = yield* readlinkBytes(source);
  const meant = o.verbatimSymlinks === true ? target : meaning(from, target);
  if (there?.isSymbolicLink() === true) {
    const was = meaning(to, yield* readlinkBytes(dest));
    if (isWithin(meant, was)) throw intoItself(fromBytestr(meant), fromBytestr(was), destText);
    if (((yield* stat(source)) as Stats).isDirectory() && isWithin(was, meant)) {
      const detail = `cannot overwrite ${fromBytestr(was)} with ${fromBytestr(meant)}`;
      throw cpError('ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY', 'Cannot overwrite symlink in subdirectory of self', 'EINVAL', detail, destText);
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
