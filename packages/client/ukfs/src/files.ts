/** Operations on open files. */
import { AT_FDCWD, F_DUPFD_CLOEXEC, O_CLOEXEC, type Stat } from '@anykernel/lib-sys';
import { type PathLike, pathText, toFd, toFlags, toId, toInteger, toLength, toMode, toObject, toPath, toPosition, toTime, toWritePosition } from './args.js';
import { newBytes, toBytes, toEncoding, viewOf } from './bytes.js';
import { kernelFlags } from './constants.js';
import { invalidArgType, invalidArgValue, outOfRange } from './errors.js';
import { type Op, attempt, call } from './run.js';
import { type BigIntStats, type Stats, toBigIntStats, toStats } from './stats.js';

export interface BigIntOption {
  readonly bigint?: boolean;
}
export type AnyStats = Stats | BigIntStats;

export function statsOf(st: Stat, options: BigIntOption | undefined): AnyStats {
  return options?.bigint ? toBigIntStats(st) : toStats(st);
}

/**
 * The lowest descriptor that open() gives: programs take those below for the standard ones, and 0 for none. In a process that has none of
 * them, a queue without events takes their place with the first open().
 */
const FD_MIN = 3;

function* occupy(): Op<void> {
  for (;;) {
    const fd = yield* attempt('kqueue1', [O_CLOEXEC]);
    if (typeof fd !== 'number') return;
    if (fd < FD_MIN) continue;
    yield* attempt('close', [fd]);
    return;
  }
}

export function* openAs(p: string | Uint8Array, flags: number, mode: number, syscall: string): Op<number> {
  const fd = yield* call('open', [p, kernelFlags(flags), mode], syscall, pathText(p));
  if (fd >= FD_MIN) return fd;
  const moved = yield* call('fcntl', [fd, F_DUPFD_CLOEXEC, FD_MIN], syscall, pathText(p));
  yield* call('close', [fd], 'close');
  yield* occupy();
  return moved;
}

export function* open(path: PathLike, flags?: unknown, mode?: unknown): Op<number> {
  const p = toPath(path);
  const f = toFlags(flags);
  return yield* openAs(p, f, toMode(mode, 0o666), 'open');
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
  const d = toFd(fd);
  yield* call('ftruncate', [d, toLength(len)], 'ftruncate');
}

export function* fchmod(fd: unknown, mode: unknown): Op<void> {
  const d = toFd(fd);
  yield* call('fchmod', [d, toMode(mode)], 'fchmod');
}

export function* fchown(fd: unknown, uid: unknown, gid: unknown): Op<void> {
  yield* call('fchown', [toFd(fd), toId(uid, 'uid'), toId(gid, 'gid')], 'fchown');
}

export function* futimes(fd: unknown, atime: unknown, mtime: unknown): Op<void> {
  const d = toFd(fd);
  yield* call('futimens', [d, [toTime(atime, 'atime'), toTime(mtime, 'mtime')]], 'futime');
}

export function* utimes(path: PathLike, atime: unknown, mtime: unknown): Op<void> {
  const p = toPath(path);
  yield* call('utimensat', [AT_FDCWD, p, [toTime(atime), toTime(mtime)], 0], 'utime', pathText(p));
}

/** Bytes in the buffer of a read() that gives none. */
export const READ_LEN = 16384;

function toOffset(offset: unknown): number {
  return offset === undefined || offset === null ? 0 : toInteger(offset, 'offset', 0);
}

/** read(fd, buffer, offset, length, position), or read(fd, buffer, { offset, length, position }). */
export function* read(fd: unknown, buffer: unknown, offset?: unknown, length?: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  if (!ArrayBuffer.isView(buffer)) throw invalidArgType('buffer', 'an instance of Buffer, TypedArray, or DataView', buffer);
  const bytes = viewOf(buffer, 'buffer');
  if (typeof offset === 'object' && offset !== null) {
    const o = toObject(offset);
    [offset, length, position] = [o['offset'], o['length'], o['position']];
  }
  const off = toOffset(offset);
  const len = length === undefined || length === null ? bytes.length - off : (length as number) | 0;
  if (len === 0) return 0;
  if (bytes.length === 0) throw invalidArgValue('buffer', buffer, 'is empty and cannot be written');
  if (len < 0) throw outOfRange('length', '>= 0', len);
  if (off + len > bytes.length) throw outOfRange('length', `<= ${bytes.length - off}`, len);
  const at = toPosition(position);
  const into = off === 0 && len === bytes.length ? bytes : bytes.subarray(off, off + len);
  if (at === undefined) return yield* call('read', [d, into], 'read');
  // Beyond the longest file that there can be is as far as just before its end.
  return yield* call('pread', [d, into, Math.min(at, Number.MAX_SAFE_INTEGER - len)], 'read');
}

/** write(fd, buffer, offset, length, position), the same with an object, or write(fd, string, position, encoding). */
export function* write(fd: unknown, data: unknown, offset?: unknown, length?: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  if (typeof data === 'string') return yield* writeAt(d, toText(data, length), toWritePosition(offset));
  const bytes = toBytes(data, 'utf8', 'buffer');
  if (typeof offset === 'object' && offset !== null) {
    const o = offset as Readonly<Record<string, unknown>>;
    [offset, length, position] = [o['offset'], o['length'], o['position']];
  }
  const off = toOffset(offset);
  const len = typeof length === 'number' ? length : bytes.length - off;
  if (off > bytes.length) throw outOfRange('offset', `<= ${bytes.length}`, off);
  if (len > bytes.length - off) throw outOfRange('length', `<= ${bytes.length - off}`, len);
  if (len < 0) throw outOfRange('length', '>= 0', len);
  toInteger(len, 'length', 0, 0x7fff_ffff);
  return yield* writeAt(d, off === 0 && len === bytes.length ? bytes : bytes.subarray(off, off + len), toWritePosition(position));
}

/** Text that write() is to write. ERR_INVALID_ARG_VALUE: half a byte in hexadecimal digits. */
function toText(text: string, encoding: unknown): Uint8Array {
  const as = typeof encoding === 'string' ? toEncoding(encoding) : undefined;
  if (as === 'hex' && text.length % 2 !== 0) {
    throw invalidArgValue('encoding', encoding, `is invalid for data of length ${text.length}`);
  }
  return toBytes(text, as ?? 'utf8', 'buffer');
}

function* writeAt(fd: number, bytes: Uint8Array, at: number | undefined): Op<number> {
  if (at === undefined) return yield* call('write', [fd, bytes], 'write');
  return yield* call('pwrite', [fd, bytes, at], 'write');
}

function views(buffers: unknown): Uint8Array[] {
  if (!Array.isArray(buffers) || !buffers.every((b) => ArrayBuffer.isView(b))) {
    throw invalidArgType('buffers', 'an ArrayBufferView[]', buffers);
  }
  return buffers.map((b) => viewOf(b, 'buffers'));
}

export function* readv(fd: unknown, buffers: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  const into = views(buffers);
  const at = toWritePosition(position);
  if (at === undefined) return yield* call('readv', [d, into], 'read');
  return yield* call('preadv', [d, into, at], 'read');
}

export function* writev(fd: unknown, buffers: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  const from = views(buffers);
  if (from.length === 0) return 0;
  const at = toWritePosition(position);
  if (at === undefined) return yield* call('writev', [d, from], 'write');
  return yield* call('pwritev', [d, from, at], 'write');
}

/** The arguments of the long form of a read() with callback or promise, where a buffer is made: read(fd, options) and read(fd). */
export function readArgs(args: readonly unknown[]): readonly unknown[] {
  if (args.length > 2 || ArrayBuffer.isView(args[1])) return args;
  if (args[1] === undefined || args[1] === null) return [args[0], newBytes(READ_LEN)];
  const o = toObject(args[1]);
  return [args[0], o['buffer'] === undefined ? newBytes(READ_LEN) : o['buffer'], o];
}
