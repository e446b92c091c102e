/** Operations on open files, and on whole ones. */
import { AT_FDCWD, type Stat } from '@anykernel/lib-sys';
import { type PathLike, pathText, toFd, toFlags, toId, toLength, toMode, toPath, toPosition, toTime, toWritePosition } from './args.js';
import { type Encoding, asBuffer, decode, encodingOf, newBytes, toBytes, viewOf } from './bytes.js';
import { constants, kernelFlags } from './constants.js';
import { fileTooLarge, invalidArgType, invalidArgValue, outOfRange } from './errors.js';
import { type Op, call } from './run.js';
import { BigIntStats, Stats } from './stats.js';

export interface BigIntOption {
  readonly bigint?: boolean;
}
export type AnyStats = Stats | BigIntStats;

export function statsOf(st: Stat, options: BigIntOption | undefined): AnyStats {
  return options?.bigint === true ? new BigIntStats(st) : new Stats(st);
}

export function* open(path: PathLike, flags: unknown = 'r', mode?: unknown): Op<number> {
  const p = toPath(path);
  const f = kernelFlags(toFlags(flags, constants.O_RDONLY));
  return yield* call('open', [p, f, toMode(mode, 0o666)], 'open', pathText(p));
}

export function* close(fd: unknown): Op<void> {
  yield* call('close', [toFd(fd)], 'close');
}

export function* fstat(fd: unknown, options?: BigIntOption): Op<AnyStats> {
  return statsOf(yield* call('fstat', [toFd(fd)], 'fstat'), options);
}

export function* fsync(fd: unknown): Op<void> {
  yield* call('fsync', [toFd(fd)], 'fsync');
}

export function* fdatasync(fd: unknown): Op<void> {
  yield* call('fdatasync', [toFd(fd)], 'fdatasync');
}

export function* ftruncate(fd: unknown, len?: unknown): Op<void> {
  yield* call('ftruncate', [toFd(fd), toLength(len)], 'ftruncate');
}

export function* fchmod(fd: unknown, mode: unknown): Op<void> {
  yield* call('fchmod', [toFd(fd), toMode(mode)], 'fchmod');
}

export function* fchown(fd: unknown, uid: unknown, gid: unknown): Op<void> {
  yield* call('fchown', [toFd(fd), toId(uid, 'uid'), toId(gid, 'gid')], 'fchown');
}

export function* futimes(fd: unknown, atime: unknown, mtime: unknown): Op<void> {
  yield* call('futimens', [toFd(fd), [toTime(atime), toTime(mtime)]], 'futime');
}

interface Span {
  readonly offset?: number | null;
  readonly length?: number | null;
  readonly position?: number | bigint | null;
}

/** Offset, length and position, which may come as an object in place of the offset. */
function spanOf(offset: unknown, length: unknown, position: unknown): { offset: unknown; length: unknown; position: unknown } {
  if (typeof offset !== 'object' || offset === null) return { offset, length, position };
  const o = offset as Span;
  return { offset: o.offset, length: o.length, position: o.position };
}

function toOffset(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number') throw invalidArgType('offset', 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange('offset', 'an integer', value);
  if (value < 0) throw outOfRange('offset', `>= 0 && <= ${Number.MAX_SAFE_INTEGER}`, value);
  return value;
}

/** read(fd, buffer, offset, length, position), or read(fd, buffer, { offset, length, position }). */
export function* read(fd: unknown, buffer: unknown, offset?: unknown, length?: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  const bytes = viewOf(buffer, 'buffer');
  const o = spanOf(offset, length, position);
  const off = toOffset(o.offset);
  const len = o.length === undefined || o.length === null ? bytes.length - off : (o.length as number) | 0;
  if (len === 0) return 0;
  if (bytes.length === 0) throw invalidArgValue('buffer', buffer, 'is empty and cannot be written');
  if (len < 0) throw outOfRange('length', '>= 0', len);
  if (len > bytes.length - off) throw outOfRange('length', `<= ${bytes.length - off}`, len);
  const at = toPosition(o.position);
  const into = off === 0 && len === bytes.length ? bytes : bytes.subarray(off, off + len);
  if (at === undefined) return yield* call('read', [d, into], 'read');
  return yield* call('pread', [d, into, at], 'read');
}

/** write(fd, buffer, offset, length, position), the same with an object, or write(fd, string, position, encoding). */
export function* write(fd: unknown, data: unknown, offset?: unknown, length?: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  if (typeof data === 'string')
    return yield* writeAt(d, toBytes(data, encodingOf(length as string) ?? 'utf8', 'buffer'), toWritePosition(offset));
  const bytes = toBytes(data, 'utf8', 'buffer');
  const o = spanOf(offset, length, position);
  const off = toOffset(o.offset);
  const len = typeof o.length === 'number' ? o.length : bytes.length - off;
  if (off > bytes.length) throw outOfRange('offset', `<= ${bytes.length}`, off);
  if (len > bytes.length - off) throw outOfRange('length', `<= ${bytes.length - off}`, len);
  if (len < 0) throw outOfRange('length', '>= 0', len);
  if (!Number.isInteger(len)) throw outOfRange('length', 'an integer', len);
  return yield* writeAt(d, off === 0 && len === bytes.length ? bytes : bytes.subarray(off, off + len), toWritePosition(o.position));
}

function* writeAt(fd: number, bytes: Uint8Array, at: number | undefined): Op<number> {
  if (at === undefined) return yield* call('write', [fd, bytes], 'write');
  return yield* call('pwrite', [fd, bytes, at], 'write');
}

function views(buffers: unknown): Uint8Array[] {
  if (!Array.isArray(buffers)) throw invalidArgType('buffers', 'an ArrayBufferView[]', buffers);
  return buffers.map((b) => viewOf(b, 'buffers', 'an ArrayBufferView[]'));
}

export function* readv(fd: unknown, buffers: unknown, position?: unknown): Op<number> {
  const at = toWritePosition(position);
  if (at === undefined) return yield* call('readv', [toFd(fd), views(buffers)], 'read');
  return yield* call('preadv', [toFd(fd), views(buffers), at], 'read');
}

export function* writev(fd: unknown, buffers: unknown, position?: unknown): Op<number> {
  const at = toWritePosition(position);
  if (at === undefined) return yield* call('writev', [toFd(fd), views(buffers)], 'write');
  return yield* call('pwritev', [toFd(fd), views(buffers), at], 'write');
}

export interface FileOptions {
  readonly encoding?: Encoding | 'buffer' | null;
  readonly flag?: string | number;
  readonly mode?: number | string;
  /** fsync before the file is closed. */
  readonly flush?: boolean;
}

/** Bytes read at a time when the length of a file is not known. */
const CHUNK = 65536;

/** The longest file that is read whole, as in Node. */
const WHOLE_MAX = 2 ** 31 - 1;

/** A whole file, by path or descriptor: bytes, or text where an encoding is given. */
export function* readFile(file: unknown, options?: FileOptions | string | null): Op<Uint8Array | string> {
  const encoding = encodingOf(options);
  const flag = typeof options === 'object' ? options?.flag : undefined;
  const bytes = typeof file === 'number' ? yield* readAll(toFd(file)) : yield* withFile(file as PathLike, flag ?? 'r', undefined, readAll);
  return encoding === undefined ? asBuffer(bytes) : decode(bytes, encoding);
}

/** Opens a file, does something with it, closes it whatever comes. */
export function* withFile<T>(path: PathLike, flags: unknown, mode: unknown, use: (fd: number) => Op<T>): Op<T> {
  const fd = yield* open(path, flags, mode);
  let result: T;
  try {
    result = yield* use(fd);
  } catch (e) {
    yield* close(fd);
    throw e;
  }
  yield* close(fd);
  return result;
}

function* readAll(fd: number): Op<Uint8Array> {
  const st = yield* call('fstat', [fd], 'fstat');
  if (st.size > WHOLE_MAX) throw fileTooLarge(st.size);
  let bytes = newBytes(st.size > 0 ? st.size : CHUNK);
  let len = 0;
  for (;;) {
    if (len === bytes.length) {
      if (len === st.size) {
        const more = new Uint8Array(1);
        if ((yield* call('read', [fd, more], 'read')) === 0) return bytes;
        bytes = grown(bytes, len + CHUNK);
        bytes[len++] = more[0];
        continue;
      }
      bytes = grown(bytes, len * 2);
    }
    const n = yield* call('read', [fd, len === 0 ? bytes : bytes.subarray(len)], 'read');
    if (n === 0) return bytes.subarray(0, len);
    len += n;
  }
}

function grown(bytes: Uint8Array, len: number): Uint8Array {
  const more = newBytes(len);
  more.set(bytes);
  return more;
}

export function* writeAll(fd: number, bytes: Uint8Array): Op<void> {
  for (let off = 0; off < bytes.length; ) off += yield* call('write', [fd, off === 0 ? bytes : bytes.subarray(off)], 'write');
}

/** Writes a whole file, by path or descriptor. */
export function* writeFile(file: unknown, data: unknown, options?: FileOptions | string | null, flag: string | number = 'w'): Op<void> {
  const o = typeof options === 'object' && options !== null ? options : undefined;
  const bytes = toBytes(data, encodingOf(options) ?? 'utf8');
  const put = function* (fd: number): Op<void> {
    yield* writeAll(fd, bytes);
    if (o?.flush === true) yield* fsync(fd);
  };
  if (typeof file === 'number') return yield* put(toFd(file));
  return yield* withFile(file as PathLike, o?.flag || flag, o?.mode, put);
}

export function* appendFile(file: unknown, data: unknown, options?: FileOptions | string | null): Op<void> {
  return yield* writeFile(file, data, options, 'a');
}

export function* utimes(path: PathLike, atime: unknown, mtime: unknown): Op<void> {
  const p = toPath(path);
  yield* call('utimensat', [AT_FDCWD, p, [toTime(atime), toTime(mtime)], 0], 'utime', pathText(p));
}
