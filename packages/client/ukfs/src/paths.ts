/** Operations on names. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, ERR, Errno, S_ISDIR, S_ISLNK } from '@anykernel/lib-sys';
import { bytestrOf } from '@anykernel/lib-bytes';
import { type PathLike, checkAborted, toBits, toGid, toMode, toPath, toSignal, toTimes, toUid } from './args.js';
import { encodingOf, nameOut } from './bytes.js';
import { coded } from './coded.js';
import { renamed, systemError } from './errors.js';
import { type AnyStats, type BigIntOption, statsOf } from './files.js';
import type { Signal } from './host.js';
import { type Path, bytePath, kernelPath, resolve } from './pathnames.js';
import { type Op, attempt, call, one } from './run.js';
import { StatFs } from './stats.js';

export interface StatOptions extends BigIntOption {
  /** false: a name that is not there, or below what is no directory, gives undefined. */
  readonly throwIfNoEntry?: boolean;
  /** AbortError, where it has been given before. */
  readonly signal?: Signal;
}

/** Whether an error says that there is no such name. */
export function isAbsent(e: unknown): boolean {
  return (e as { code?: string }).code === 'ENOENT';
}

type Stat = (path: PathLike, options?: StatOptions) => Op<AnyStats | undefined>;

function statting(name: 'stat' | 'lstat'): Stat {
  return function* (path, options) {
    const p = toPath(path);
    const st = yield* attempt(name, [p]);
    if (options?.signal !== undefined) checkAborted(toSignal(options.signal));
    if (!(st instanceof Errno)) return statsOf(st, options);
    if (options?.throwIfNoEntry !== false) throw systemError(st, name, p);
    if (st === ERR.ENOENT || st === ERR.ENOTDIR) return undefined;
    throw systemError(st, name, p);
  };
}

export const stat: Stat = /* @__PURE__ */ statting('stat');
export const lstat: Stat = /* @__PURE__ */ statting('lstat');

/** undefined: there is no such name. */
export function* statIfThere(name: 'stat' | 'lstat', p: Path, options?: BigIntOption): Op<AnyStats | undefined> {
  const st = yield* attempt(name, [p]);
  if (st === ERR.ENOENT) return undefined;
  if (st instanceof Errno) throw systemError(st, name, p);
  return statsOf(st, options);
}

export function* statfs(path: PathLike, options?: BigIntOption): Op<StatFs<number> | StatFs<bigint>> {
  const p = toPath(path);
  const sb = yield* call('statvfs1', [p, 0], 'statfs');
  return options?.bigint ? new StatFs(sb, BigInt) : new StatFs(sb, Number);
}

/** Whatever is wrong, also with the argument: false. */
export function* exists(path: unknown): Op<boolean> {
  try {
    return !((yield* attempt('access', [toPath(path), 0])) instanceof Errno);
  } catch {
    return false;
  }
}

export const access = /* @__PURE__ */ one('access', [toPath, toBits]);
export const chmod = /* @__PURE__ */ one('chmod', [toPath, toMode]);
export const chown = /* @__PURE__ */ one('posix_chown', [toPath, toUid, toGid], 'chown');
export const lchown = /* @__PURE__ */ one('posix_lchown', [toPath, toUid, toGid], 'lchown');

/** A directory is EISDIR, as on Linux; the kernel says EPERM, as POSIX does. */
export function* unlink(path: PathLike): Op<void> {
  const p = toPath(path);
  const e = yield* attempt('unlink', [p]);
  if (!(e instanceof Errno)) return;
  const st = e === ERR.EPERM ? yield* attempt('lstat', [p]) : e;
  const isDirectory = !(st instanceof Errno) && S_ISDIR(st.mode);
  throw systemError(isDirectory ? ERR.EISDIR : e, 'unlink', p);
}

export function* rename(from: PathLike, to: PathLike): Op<void> {
  const [a, b] = [toPath(from, 'oldPath'), toPath(to, 'newPath')];
  yield* call('posix_rename', [a, b], 'rename', a, b);
}

export function* link(from: PathLike, to: PathLike): Op<void> {
  const [a, b] = [toPath(from, 'existingPath'), toPath(to, 'newPath')];
  yield* call('linkat', [AT_FDCWD, a, AT_FDCWD, b, 0], 'link', a, b);
}

const SYMLINK_TYPES: readonly unknown[] = ['dir', 'file', 'junction', undefined, null];

/** `type` (file, dir, junction) means something on Windows only, and is checked and passed over. */
export function* symlink(target: PathLike, path: PathLike, type?: unknown): Op<void> {
  if (!SYMLINK_TYPES.includes(type)) {
    throw coded('ERR_FS_INVALID_SYMLINK_TYPE', `Symlink type must be one of "dir", "file", or "junction". Received "${String(type)}"`, Error);
  }
  const [a, b] = [toPath(target, 'target'), toPath(path)];
  if (a.length === 0) throw systemError(ERR.ENOENT, 'symlink', '', b);
  yield* call('symlink', [a, b], 'symlink', a, b);
}

/** The longest target that a file system here keeps. */
const TARGET_MAX = 65536;

export function* readlinkBytes(p: Path): Op<string> {
  for (let size = 1024; ; size *= 8) {
    const buf = new Uint8Array(size);
    const n = yield* call('readlink', [p, buf]);
    if (n < size || size >= TARGET_MAX) return bytestrOf(buf, 0, n);
  }
}

export function* readlink(path: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  return nameOut(yield* readlinkBytes(toPath(path, 'oldPath')), options);
}

export function* utimes(path: PathLike, atime: unknown, mtime: unknown): Op<void> {
  const p = toPath(path);
  yield* call('utimensat', [AT_FDCWD, p, toTimes(atime, mtime), 0], 'utime', p);
}

export function* lutimes(path: PathLike, atime: unknown, mtime: unknown): Op<void> {
  const p = toPath(path);
  yield* call('utimensat', [AT_FDCWD, p, toTimes(atime, mtime), AT_SYMLINK_NOFOLLOW], 'lutime', p);
}

/**
 * An absolute path without `.`, `..`, symbolic links. As in Node, `..` first takes away the name before it, whatever that is. Errors are those
 * of the lstat and stat that find it.
 */
export function* realpath(path: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  const p = bytePath(toPath(path));
  return nameOut(yield* follow(resolve(p.startsWith('/') ? '' : yield* cwd(), p), false), options);
}

/** The same, as the kernel walks the path, with errors of one operation; what the promise form and `realpath.native` are. */
export function* realpathNative(path: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  const p = toPath(path);
  if (p.length === 0) throw systemError(ERR.ENOENT, 'realpath', '');
  try {
    return nameOut(yield* follow(bytePath(p), true), options);
  } catch (e) {
    throw renamed(e, 'realpath', p);
  }
}

/** Byte strings. `strict`: what is followed by a slash is a directory. */
function* follow(path: string, strict: boolean): Op<string> {
  const rest = path.split('/').reverse();
  let at = path.startsWith('/') ? '' : yield* cwd();
  for (let name = rest.pop(); name !== undefined; name = rest.pop()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      at = at.slice(0, Math.max(0, at.lastIndexOf('/')));
      continue;
    }
    const next = `${at}/${name}`;
    const p = kernelPath(next);
    const st = yield* call('lstat', [p]);
    if (!S_ISLNK(st.mode)) {
      if (strict && rest.length > 0 && !S_ISDIR(st.mode)) throw systemError(ERR.ENOTDIR, 'lstat', p);
      at = next;
      continue;
    }
    // A circle of links is found here: ELOOP.
    yield* call('stat', [p]);
    const target = yield* readlinkBytes(p);
    if (target.startsWith('/')) at = '';
    rest.push(...target.split('/').reverse());
  }
  return at === '' ? '/' : at;
}

/** The current directory as a byte string; '' for the root, so that a name can follow. */
export function* cwd(): Op<string> {
  const buf = new Uint8Array(4096);
  const n = yield* attempt('getcwd', [buf]);
  if (n instanceof Errno) throw systemError(n, 'getcwd');
  const path = bytestrOf(buf, 0, n - 1);
  return path === '/' ? '' : path;
}
