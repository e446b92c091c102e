/** cp: copies of files, links and trees, with Node's options and errors. */
import { dirname, resolve } from './pathnames.js';
import { fromBytestr } from '@anykernel/lib-bytes';
import { type PathLike, toPath } from './args.js';
import { utimes } from './files.js';
import { chmod, copyFile, lstat, readlinkBytes, stat, symlink, unlink } from './paths.js';
import type { Op } from './run.js';
import type { Stats } from './stats.js';
import { bytePath, entriesOf, join, kernelPath, mkdir } from './tree.js';

export interface CpOptions {
  readonly dereference?: boolean;
  readonly errorOnExist?: boolean;
  /** false, or a promise of it where waiting is possible: the name is left out, with all below it. */
  readonly filter?: (source: string, destination: string) => boolean;
  readonly force?: boolean;
  readonly mode?: number;
  readonly preserveTimestamps?: boolean;
  readonly recursive?: boolean;
  /** Targets of symbolic links stay as they are; otherwise they become absolute. */
  readonly verbatimSymlinks?: boolean;
}

/** Linux's numbers, positive here as Node has them. */
const ERRNO = { EEXIST: 17, ENOTDIR: 20, EISDIR: 21, EINVAL: 22 } as const;

function cpError(code: string, summary: string, errno: keyof typeof ERRNO, detail: string, path: string): Error {
  const error = new Error(`${summary}: cp returned ${errno} (${detail}) ${path}`);
  return Object.assign(error, { name: 'SystemError', code, errno: ERRNO[errno], syscall: 'cp', path });
}

/** Copies a file, a link, or with `recursive` a tree. */
export function* cp(from: PathLike, to: PathLike, options: CpOptions = {}): Op<void> {
  yield* cpNode(bytePath(toPath(from, 'src')), bytePath(toPath(to, 'dest')), options);
}

interface Both {
  /** As the kernel gets them. */
  readonly source: string | Uint8Array;
  readonly dest: string | Uint8Array;
  /** As messages and filters get them. */
  readonly sourceText: string;
  readonly destText: string;
}

/** Paths are byte strings. */
function* cpNode(from: string, to: string, options: CpOptions): Op<void> {
  const b: Both = { source: kernelPath(from), dest: kernelPath(to), sourceText: fromBytestr(from), destText: fromBytestr(to) };
  if (options.filter !== undefined && !answer(options.filter(b.sourceText, b.destText))) return;
  const look = options.dereference === true ? stat : lstat;
  const st = (yield* look(b.source)) as Stats;
  const there = (yield* look(b.dest, { throwIfNoEntry: false })) as Stats | undefined;
  check(b, st, there, from, to, options);
  if (st.isDirectory()) yield* cpDirectory(b, from, to, st, there === undefined, options);
  else yield* cpLeaf(b, st, there !== undefined, options);
}

/** What cannot be copied to what. */
function check(b: Both, st: Stats, there: Stats | undefined, from: string, to: string, options: CpOptions): void {
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
  if (st.isDirectory() && `${to}/`.startsWith(`${from.replace(/\/+$/, '')}/`)) {
    const detail = `cannot copy ${sourceText} to a subdirectory of self ${destText}`;
    throw cpError('ERR_FS_CP_EINVAL', 'Invalid src or dest', 'EINVAL', detail, destText);
  }
  if (st.isDirectory() && options.recursive !== true) {
    throw cpError('ERR_FS_EISDIR', 'Path is a directory', 'EISDIR', `${sourceText} is a directory (not copied)`, sourceText);
  }
}

function* cpDirectory(b: Both, from: string, to: string, st: Stats, fresh: boolean, options: CpOptions): Op<void> {
  if (fresh) yield* mkdir(b.dest, { recursive: true });
  for (const e of yield* entriesOf(b.source)) yield* cpNode(join(from, e.name), join(to, e.name), options);
  if (fresh) yield* chmod(b.dest, st.mode & 0o7777);
}

function* cpLeaf(b: Both, st: Stats, replaces: boolean, options: CpOptions): Op<void> {
  if (replaces && options.force === false) {
    if (options.errorOnExist !== true) return;
    throw cpError('ERR_FS_CP_EEXIST', 'Target already exists', 'EEXIST', `${b.destText} already exists`, b.destText);
  }
  if (replaces) yield* unlink(b.dest);
  else {
    const parent = dirname(bytePath(b.dest));
    if (parent !== '' && parent !== '/') yield* mkdir(kernelPath(parent), { recursive: true });
  }
  if (st.isSymbolicLink()) return yield* cpLink(b, options);
  if (!st.isFile()) throw notCopied(b, st);
  yield* copyFile(b.source, b.dest, options.mode);
  if (options.preserveTimestamps === true) yield* utimes(b.dest, st.atime, st.mtime);
}

function notCopied({ destText }: Both, st: Stats): Error {
  const [code, kind] = st.isFIFO()
    ? ['FIFO_PIPE', 'a FIFO pipe']
    : st.isSocket()
      ? ['SOCKET', 'a socket file']
      : ['UNKNOWN', 'an unknown file type'];
  return cpError(`ERR_FS_CP_${code}`, `Cannot copy ${kind}`, 'EINVAL', `cannot copy ${kind}: ${destText}`, destText);
}

function* cpLink(b: Both, options: CpOptions): Op<void> {
  const target = yield* readlinkBytes(b.source);
  const whole = options.verbatimSymlinks === true ? target : resolve(dirname(bytePath(b.source)), target);
  yield* symlink(kernelPath(whole), b.dest);
}

/** What a filter said. ERR_INVALID_RETURN_VALUE: a promise, which would be true whatever it comes to. */
function answer(said: unknown): boolean {
  if (typeof (said as { then?: unknown } | null | undefined)?.then !== 'function') return Boolean(said);
  throw Object.assign(new TypeError('Expected boolean to be returned from the "filter" function but got an instance of Promise.'), {
    code: 'ERR_INVALID_RETURN_VALUE',
  });
}
