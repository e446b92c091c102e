/** Operations on names. */
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, Errno, type Stat } from '@anykernel/lib-sys';
import { type PathLike, pathText, toBits, toId, toLength, toMode, toPath, toTime } from './args.js';
import { encodingOf, nameOut } from './bytes.js';
import { constants } from './constants.js';
import { bytesOf, bytestrOf, fromBytestr, toBytestr } from '@anykernel/lib-bytes';
import { resolve } from './pathnames.js';
import { type AnyStats, type BigIntOption, statsOf, withFile, writeAll } from './files.js';
import { makeError } from './errors.js';
import { type Op, call } from './run.js';
import { StatFs } from './stats.js';

export interface StatOptions extends BigIntOption {
  /** false: a name that is not there gives undefined. Synchronous forms only. */
  readonly throwIfNoEntry?: boolean;
}

/** Whether an error says that there is no such name. */
export function isAbsent(e: unknown): boolean {
  return (e as { code?: string }).code === 'ENOENT';
}

function* statBy(name: 'stat' | 'lstat', path: PathLike, options: StatOptions | undefined): Op<AnyStats | undefined> {
  const p = toPath(path);
  let st: Stat;
  try {
    st = yield* call(name, [p], name, pathText(p));
  } catch (e) {
    if (options?.throwIfNoEntry === false && isAbsent(e)) return undefined;
    throw e;
  }
  return statsOf(st, options);
}

export function stat(path: PathLike, options?: StatOptions): Op<AnyStats | undefined> {
  return statBy('stat', path, options);
}
export function lstat(path: PathLike, options?: StatOptions): Op<AnyStats | undefined> {
  return statBy('lstat', path, options);
}

export function* statfs(path: PathLike, options?: BigIntOption): Op<StatFs<number> | StatFs<bigint>> {
  const p = toPath(path);
  const sb = yield* call('statvfs1', [p, 0], 'statfs', pathText(p));
  return options?.bigint === true ? new StatFs(sb, BigInt) : new StatFs(sb, Number);
}

export function* exists(path: unknown): Op<boolean> {
  try {
    const p = toPath(path);
    yield* call('access', [p, 0], 'access', pathText(p));
    return true;
  } catch {
    return false;
  }
}

export function* access(path: PathLike, mode: unknown = constants.F_OK): Op<void> {
  const p = toPath(path);
  yield* call('access', [p, toBits(mode)], 'access', pathText(p));
}

/** A directory is EISDIR, as on Linux; the kernel says EPERM, as POSIX does. */
export function* unlink(path: PathLike): Op<void> {
  const p = toPath(path);
  try {
    yield* call('unlink', [p], 'unlink', pathText(p));
  } catch (e) {
    if ((e as { code?: string }).code !== 'EPERM') throw e;
    const st = yield* call('lstat', [p], 'unlink', pathText(p));
    throw (st.mode & constants.S_IFMT) === constants.S_IFDIR ? makeError('EISDIR', 'unlink', pathText(p)) : e;
  }
}

export function* rename(from: PathLike, to: PathLike): Op<void> {
  const [a, b] = [toPath(from, 'oldPath'), toPath(to, 'newPath')];
  yield* call('posix_rename', [a, b], 'rename', pathText(a), pathText(b));
}

export function* link(from: PathLike, to: PathLike): Op<void> {
  const [a, b] = [toPath(from, 'existingPath'), toPath(to, 'newPath')];
  yield* call('linkat', [AT_FDCWD, a, AT_FDCWD, b, 0], 'link', pathText(a), pathText(b));
}

/** `type` (file, dir, junction) means something on Windows only, and is passed over. */
export function* symlink(target: PathLike, path: PathLike, _type?: unknown): Op<void> {
  const [a, b] = [toPath(target, 'target'), toPath(path)];
  if (a.length === 0) throw makeError('ENOENT', 'symlink', '', pathText(b));
  yield* call('symlink', [a, b], 'symlink', pathText(a), pathText(b));
}

/** The longest target that a file system here keeps. */
const TARGET_MAX = 65536;

export function* readlinkBytes(path: PathLike): Op<string> {
  const p = toPath(path);
  for (let size = 1024; ; size *= 8) {
    const buf = new Uint8Array(size);
    const n = yield* call('readlink', [p, buf], 'readlink', pathText(p));
    if (n < size || size >= TARGET_MAX) return bytestrOf(buf, 0, n);
  }
}

export function* readlink(path: PathLike, options?: unknown): Op<string | Uint8Array> {
  encodingOf(options);
  return nameOut(yield* readlinkBytes(path), options);
}

export function* chmod(path: PathLike, mode: unknown): Op<void> {
  const p = toPath(path);
  yield* call('chmod', [p, toMode(mode)], 'chmod', pathText(p));
}

export function* lchmod(path: PathLike, mode: unknown): Op<void> {
  const p = toPath(path);
  yield* call('lchmod', [p, toMode(mode)], 'lchmod', pathText(p));
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

export function* truncate(path: PathLike, len?: unknown): Op<void> {
  const size = toLength(len);
  yield* withFile(path, 'r+', undefined, function* (fd) {
    yield* call('ftruncate', [fd, size], 'ftruncate');
  });
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
    const code = (e as { syscall?: string }).syscall === undefined ? undefined : (e as { code?: string }).code;
    throw code === undefined ? e : makeError(code as 'EIO', 'realpath', pathText(p));
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

/** Bytes copied at a time. */
const COPY_CHUNK = 1 << 18;

/** Copies a file's bytes and permission bits. COPYFILE_EXCL: EEXIST if the copy is there. */
export function* copyFile(from: PathLike, to: PathLike, mode: unknown = 0): Op<void> {
  const [a, b] = [toPath(from, 'src'), toPath(to, 'dest')];
  const excl = (toBits(mode) & constants.COPYFILE_EXCL) !== 0;
  const fail = (e: unknown): unknown => copyError(e, pathText(a), pathText(b));
  try {
    yield* withFile(a, 'r', undefined, function* (source) {
      const st = yield* call('fstat', [source], 'fstat');
      if ((st.mode & constants.S_IFMT) === constants.S_IFDIR) throw makeError('EISDIR', 'copyfile');
      yield* withFile(b, excl ? 'wx' : 'w', st.mode & 0o777, function* (dest) {
        const buf = new Uint8Array(Math.min(COPY_CHUNK, Math.max(4096, st.size)));
        for (;;) {
          const n = yield* call('read', [source, buf], 'read');
          if (n === 0) return;
          yield* writeAll(dest, n === buf.length ? buf : buf.subarray(0, n));
        }
      });
    });
  } catch (e) {
    throw fail(e);
  }
}

function copyError(e: unknown, from: string, to: string): unknown {
  const code = (e as { code?: string }).code;
  return code === undefined || e instanceof Errno ? e : makeError(code as 'EIO', 'copyfile', from, to);
}
