/** Operations on directories, and on whole trees. */
import { DT_DIR, type Dirent as KernelDirent, O_CLOEXEC, O_DIRECTORY, parseDirents } from '@anykernel/lib-sys';
import { bytesOf, bytestrOf, fromBytestr, isAscii, toBytestr } from '@anykernel/lib-bytes';
import type { Proc } from '@anykernel/rumpkern';
import { type PathLike, pathText, toBool, toMode, toPath } from './args.js';
import { nameOut } from './bytes.js';
import { makeError } from './errors.js';
import type { AnyStats } from './files.js';
import { isAbsent, lstat, stat, unlink } from './paths.js';
import { type Op, call } from './run.js';
import { Dirent, type Stats } from './stats.js';

/** Bytes asked of a directory at a time. */
const DIRENTS_LEN = 32768;

/** All entries of a directory but `.` and `..`, in its own order. */
export function* entriesOf(path: PathLike): Op<KernelDirent[]> {
  const p = toPath(path);
  const text = pathText(p);
  const fd = yield* call('open', [p, O_DIRECTORY | O_CLOEXEC, 0], 'scandir', text);
  const entries: KernelDirent[] = [];
  try {
    const buf = new Uint8Array(DIRENTS_LEN);
    for (;;) {
      const n = yield* call('getdents', [fd, buf], 'scandir', text);
      if (n === 0) break;
      for (const e of parseDirents(buf, n)) if (e.name !== '.' && e.name !== '..') entries.push(e);
    }
  } finally {
    yield* call('close', [fd], 'close');
  }
  return entries;
}

export interface ReaddirOptions {
  readonly encoding?: string | null;
  readonly withFileTypes?: boolean;
  readonly recursive?: boolean;
}

export function* readdir(
  path: PathLike,
  options?: ReaddirOptions | string | null,
): Op<(string | Uint8Array | Dirent<string | Uint8Array>)[]> {
  const o = typeof options === 'object' && options !== null ? options : undefined;
  const top = bytePath(toPath(path));
  const out: (string | Uint8Array | Dirent<string | Uint8Array>)[] = [];
  const queue = [''];
  for (let below = queue.shift(); below !== undefined; below = queue.shift()) {
    const dir = below === '' ? top : join(top, below);
    for (const e of yield* entriesOf(kernelPath(dir))) {
      const within = below === '' ? e.name : `${below}/${e.name}`;
      if (o?.recursive && e.type === DT_DIR) queue.push(within);
      out.push(o?.withFileTypes ? new Dirent(nameOut(e.name, options), fromBytestr(dir), e.type) : nameOut(within, options));
    }
  }
  return out;
}

/** A path as a byte string, so that names from a directory can follow it. */
export function bytePath(path: string | Uint8Array): string {
  return typeof path === 'string' ? toBytestr(path) : bytestrOf(path);
}

/** A byte string for the kernel, which takes text as UTF-8, and bytes as they are. */
export function kernelPath(path: string): string | Uint8Array {
  return isAscii(path) ? path : bytesOf(path);
}

/** Names and the directories they are in: one slash between them. */
export function join(dir: string, name: string): string {
  return dir.endsWith('/') ? `${dir}${name}` : `${dir}/${name}`;
}

export interface MkdirOptions {
  readonly recursive?: boolean;
  readonly mode?: number | string;
}

/** With `recursive`: the first directory that was made, or undefined if all were there. */
export function* mkdir(path: PathLike, options?: MkdirOptions | number | string | null): Op<string | undefined> {
  const o = typeof options === 'object' && options !== null ? options : { mode: options ?? undefined };
  const p = toPath(path);
  const mode = toMode(o.mode, 0o777);
  if (!toBool(o.recursive, 'recursive')) {
    yield* call('mkdir', [p, mode], 'mkdir', pathText(p));
    return undefined;
  }
  return yield* mkdirs(bytePath(p).replace(/(?!^)\/+$/, ''), mode, pathText(p));
}

/** `path` is a byte string. */
function* mkdirs(path: string, mode: number, asked: string): Op<string | undefined> {
  try {
    yield* call('mkdir', [kernelPath(path), mode], 'mkdir', asked);
    return fromBytestr(path);
  } catch (e) {
    const code = (e as { code?: string }).code;
    if (code === 'ENOENT') {
      const parent = path.slice(0, path.lastIndexOf('/'));
      if (parent === '' || parent === path) throw e;
      const first = yield* mkdirs(parent, mode, asked);
      const own = yield* mkdirs(path, mode, asked);
      return first ?? own;
    }
    if (code !== 'EEXIST' && code !== 'EISDIR') throw e;
    const st = (yield* stat(kernelPath(path))) as Stats;
    if (st.isDirectory()) return undefined;
    throw fromBytestr(path) === asked ? e : makeError('ENOTDIR', 'mkdir', asked);
  }
}

export interface RmOptions {
  /** A name that is not there is no error. */
  readonly force?: boolean;
  readonly recursive?: boolean;
}

export function* rmdir(path: PathLike, options?: { readonly recursive?: boolean }): Op<void> {
  const p = toPath(path);
  if (options?.recursive === true) return yield* rm(path, { recursive: true });
  yield* call('rmdir', [p], 'rmdir', pathText(p));
}

export function* rm(path: PathLike, options?: RmOptions): Op<void> {
  const p = toPath(path);
  const force = toBool(options?.force, 'force');
  const recursive = toBool(options?.recursive, 'recursive');
  let st: AnyStats | undefined;
  try {
    st = yield* lstat(p);
  } catch (e) {
    if (force && isAbsent(e)) return;
    throw e;
  }
  if (st?.isDirectory() !== true) return yield* unlink(p);
  if (!recursive) {
    const text = pathText(p);
    throw Object.assign(new Error(`Path is a directory: rm returned EISDIR (is a directory) ${text}`), {
      code: 'ERR_FS_EISDIR',
      name: 'SystemError',
      errno: 21,
      syscall: 'rm',
      path: text,
    });
  }
  yield* rmTree(bytePath(p));
}

/** `path` is a byte string. What somebody else takes away meanwhile is gone, and that is what was wanted. */
function* rmTree(path: string): Op<void> {
  yield* gone(emptied(path));
  yield* gone(call('rmdir', [kernelPath(path)], 'rmdir', fromBytestr(path)));
}

function* emptied(path: string): Op<void> {
  for (const e of yield* entriesOf(kernelPath(path))) {
    const child = join(path, e.name);
    if (e.type === DT_DIR) yield* rmTree(child);
    else yield* gone(unlink(kernelPath(child)));
  }
}

function* gone(removal: Op<unknown>): Op<void> {
  try {
    yield* removal;
  } catch (e) {
    if (!isAbsent(e)) throw e;
  }
}

const NAME_CHARS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** A new directory with six random letters behind `prefix`. */
export function* mkdtemp(p: Proc, prefix: PathLike, options?: unknown): Op<string | Uint8Array> {
  const base = bytePath(toPath(prefix, 'prefix'));
  for (let tries = 0; ; tries++) {
    const random = new Uint8Array(6);
    p.k.host.getrandom(random);
    const path = base + Array.from(random, (b) => NAME_CHARS[b % NAME_CHARS.length]).join('');
    try {
      yield* call('mkdir', [kernelPath(path), 0o700], 'mkdtemp', `${fromBytestr(base)}XXXXXX`);
      return nameOut(path, options);
    } catch (e) {
      if ((e as { code?: string }).code !== 'EEXIST' || tries >= 100) throw e;
    }
  }
}
