/** Operations on names. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, ERR, Errno } from '@anykernel/lib-sys';
import { bytesOf, bytestrOf, fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import { type PathLike, pathText, toBits, toId, toMode, toPath, toTime } from './args.js';
import { encodingOf, nameOut } from './bytes.js';
import { constants } from './constants.js';
import { coded, makeError, renamed, systemError } from './errors.js';
import { type AnyStats, type BigIntOption, statsOf } from './files.js';
import { resolve } from './pathnames.js';
import { type Op, attempt, call } from './run.js';
import { StatFs } from './stats.js';

export interface StatOptions extends BigIntOption {
  /** false: a name that is not there gives undefined. Synchronous forms only. */
  readonly throwIfNoEntry?: boolean;
}

/** Whether an error says that there is no such name. */
export function isAbsent(e: unknown): boolean {
  return (e as { code?: string }).code === 'ENOENT';
}

export function* stat(path: PathLike, options?: StatOptions): Op<AnyStats | undefined> {
  const p = toPath(path);
  if (options?.throwIfNoEntry === false) return yield* statIfThere('stat', p, options);
  return statsOf(yield* call('stat', [p], 'stat', pathText(p)), options);
}

export function* lstat(path: PathLike, options?: StatOptions): Op<AnyStats | undefined> {
  const p = toPath(path);
  if (options?.throwIfNoEntry === false) return yield* statIfThere('lstat', p, options);
  return statsOf(yield* call('lstat', [p], 'lstat', pathText(p)), options);
}

/** undefined: there is no such name. */
export function* statIfThere(name: 'stat' | 'lstat', p: string | Uint8Array, options?: BigIntOption): Op<AnyStats | undefined> {
  const st = yield* attempt(name, [p]);
  if (st === ERR.ENOENT) return undefined;
  if (st instanceof Errno) throw systemError(st, name, pathText(p));
  return statsOf(st, options);
}

export function* statfs(path: PathLike, options?: BigIntOption): Op<StatFs<number> | StatFs<bigint>> {
  const p = toPath(path);
  const sb = yield* call('statvfs1', [p, 0], 'statfs', pathText(p));
  return options?.bigint ? new StatFs(sb, BigInt) : new StatFs(sb, Number);
}

/** Whatever is wrong, also with the argument: false. */
export function* exists(path: unknown): Op<boolean> {
  let p: string | Uint8Array;
  try {
    p = toPath(path);
  } catch {
    return false;
  }
  return !((yield* attempt('access', [p, 0])) instanceof Errno);
}

export function* access(path: PathLike, mode?: unknown): Op<void> {
  const p = toPath(path);
  yield* call('access', [p, toBits(mode)], 'access', pathText(p));
}

/** A directory is EISDIR, as on Linux; the kernel says EPERM, as POSIX does. */
export function* unlink(path: PathLike): Op<void> {
  const p = toPath(path);
  const e = yield* attempt('unlink', [p]);
  if (!(e instanceof Errno)) return;
  const st = e === ERR.EPERM ? yield* attempt('lstat', [p]) : e;
  const isDirectory = !(st instanceof Errno) && (st.mode & constants.S_IFMT) === constants.S_IFDIR;
  throw systemError(isDirectory ? ERR.EISDIR : e, 'unlink', pathText(p));
}

export function* rename(from: PathLike, to: PathLike): Op<void> {
  const [a, b] = [toPath(from, 'oldPath'), toPath(to, 'newPath')];
  yield* call('posix_rename', [a, b], 'rename', pathText(a), pathText(b));
}

export function* link(from: PathLike, to: PathLike): Op<void> {
  const [a, b] = [toPath(from, 'existingPath'), toPath(to, 'newPath')];
  yield* call('linkat', [AT_FDCWD, a, AT_FDCWD, b, 0], 'link', pathText(a), pathText(b));
}

const SYMLINK_TYPES: readonly unknown[] = ['dir', 'file', 'junction', undefined, null];

/** `type` (file, dir, junction) means something on Windows only, and is checked and passed over. */
export function* symlink(target: PathLike, path: PathLike, type?: unknown): Op<void> {
  if (!SYMLINK_TYPES.includes(type)) {
    const words = `Symlink type must be one of "dir", "file", or "junction". Received "${String(type)}"`;
    throw coded(new Error(words), 'ERR_FS_INVALID_SYMLINK_TYPE');
  }
  const [a, b] = [toPath(target, 'target'), toPath(path)];
  if (a.length === 0) throw makeError('ENOENT', 'symlink', '', pathText(b));
  yield* call('symlink', [a, b], 'symlink', pathText(a), pathText(b));
}

/** The longest target that a file system here keeps. */
const TARGET_MAX = 65536;

export function* readlinkBytes(p: string | Uint8Array): Op<string> {
  for (let size = 1024; ; size *= 8) {
    const buf = new Uint8Array(size);
    const n = yield* call('readlink', [p, buf], 'readlink', pathText(p));
    if (n < size || size >= TARGET_MAX) return bytestrOf(buf, 0, n);
  }
}

export function* readlink(path: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  return nameOut(yield* readlinkBytes(toPath(path, 'oldPath')), options);
}

export function* chmod(path: PathLike, mode: unknown): Op<void> {
  const p = toPath(path);
  yield* call('chmod', [p, toMode(mode)], 'chmod', pathText(p));
}

export function* chown(path: PathLike, uid: unknown, gid: unknown): Op<void> {
  const p = toPath(path);
  yield* call('posix_chown', [p, toId(uid, 'uid'), toId(gid, 'gid')], 'chown', pathText(p));
}

export function* lchown(path: PathLike, uid: unknown, gid: unknown): Op<void> {
  const p = toPath(path);
  yield* call('posix_lchown', [p, toId(uid, 'uid'), toId(gid, 'gid')], 'lchown', pathText(p));
}

export function* lutimes(path: PathLike, atime: unknown, mtime: unknown): Op<void> {
  const p = toPath(path);
  yield* call('utimensat', [AT_FDCWD, p, [toTime(atime), toTime(mtime)], AT_SYMLINK_NOFOLLOW], 'lutime', pathText(p));
}

/**
 * An absolute path without `.`, `..`, symbolic links. As in Node, `..` first takes away the name before it, whatever that is. Errors are those
 * of the lstat and stat that find it.
 */
export function* realpath(path: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  const p = byteStringOf(toPath(path));
  return nameOut(yield* follow(resolve(p.startsWith('/') ? '' : yield* cwd(), p), false), options);
}

/** The same, as the kernel walks the path, with errors of one operation; what the promise form and `realpath.native` are. */
export function* realpathNative(path: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  const p = toPath(path);
  if (p.length === 0) throw makeError('ENOENT', 'realpath', '');
  try {
    return nameOut(yield* follow(byteStringOf(p), true), options);
  } catch (e) {
    throw renamed(e, 'realpath', pathText(p));
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
    const [kernel, text] = [bytesOf(next), fromBytestr(next)];
    const st = yield* call('lstat', [kernel], 'lstat', text);
    const type = st.mode & constants.S_IFMT;
    if (type !== constants.S_IFLNK) {
      if (strict && rest.length > 0 && type !== constants.S_IFDIR) throw makeError('ENOTDIR', 'lstat', text);
      at = next;
      continue;
    }
    // A circle of links is found here: ELOOP.
    yield* call('stat', [kernel], 'stat', text);
    const target = yield* readlinkBytes(kernel);
    if (target.startsWith('/')) at = '';
    rest.push(...target.split('/').reverse());
  }
  return at === '' ? '/' : at;
}

function byteStringOf(path: string | Uint8Array): string {
  return typeof path === 'string' ? toBytestr(path) : bytestrOf(path);
}

/** The current directory as a byte string; '' for the root, so that a name can follow. */
export function* cwd(): Op<string> {
  const buf = new Uint8Array(4096);
  const n = yield* call('getcwd', [buf], 'getcwd');
  const path = bytestrOf(buf, 0, n - 1);
  return path === '/' ? '' : path;
}
