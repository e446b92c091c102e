/** Operations on open files. */
import { newBytes } from '#host';
import { F_DUPFD_CLOEXEC, O_CLOEXEC, type Stat } from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';
import {
  type PathLike, toFd, toFlags, toGid, toInteger, toLength, toMode, toObject, toPath, toPosition, toTimes, toUid, toWritePosition,
} from './args.js';
import { toBytes, toEncoding, viewOf } from './bytes.js';
import { kernelFlags } from './flags.js';
import { invalidArgType, invalidArgValue, outOfRange } from './errors.js';
import { isNone, isObject } from './kinds.js';
import type { Path } from './pathnames.js';
import { type Op, attempt, call, one } from './run.js';
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

export function* openAs(p: Path, flags: number, mode: number): Op<number> {
  const fd = yield* call('open', [p, kernelFlags(flags), mode]);
  if (fd >= FD_MIN) return fd;
  const moved = yield* call('fcntl', [fd, F_DUPFD_CLOEXEC, FD_MIN], 'open', p);
  yield* call('close', [fd]);
  yield* occupy();
  return moved;
}

export function* open(path: PathLike, flags?: unknown, mode?: unknown): Op<number> {
  const p = toPath(path);
  const f = toFlags(flags);
  return yield* openAs(p, f, toMode(mode, 0o666));
}

export function* close(fd: unknown): Op<void> {
  yield* call('close', [toFd(fd)]);
}

export function* fstat(fd: unknown, options?: BigIntOption): Op<AnyStats> {
  return statsOf(yield* call('fstat', [toFd(fd)]), options);
}

export const fsync = /* @__PURE__ */ one('fsync', [toFd]);
export const fdatasync = /* @__PURE__ */ one('fdatasync', [toFd]);
export const ftruncate = /* @__PURE__ */ one('ftruncate', [toFd, toLength]);
export const fchmod = /* @__PURE__ */ one('fchmod', [toFd, toMode]);
export const fchown = /* @__PURE__ */ one('fchown', [toFd, toUid, toGid]);

export function* futimes(fd: unknown, atime: unknown, mtime: unknown): Op<void> {
  const d = toFd(fd);
  yield* call('futimens', [d, toTimes(atime, mtime, 'atime', 'mtime')], 'futime');
}

/** Bytes in the buffer of a read() that gives none. */
export const READ_LEN = 16384;

function toOffset(offset: unknown): number {
  return isNone(offset) ? 0 : toInteger(offset, 'offset', 0);
}

/** read(fd, buffer, offset, length, position), or read(fd, buffer, { offset, length, position }). */
export function* read(fd: unknown, buffer: unknown, offset?: unknown, length?: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  if (!ArrayBuffer.isView(buffer)) throw invalidArgType('buffer', 'an instance of Buffer, TypedArray, or DataView', buffer);
  const bytes = viewOf(buffer, 'buffer');
  if (isObject(offset)) ({ offset, length, position } = toObject(offset));
  const off = toOffset(offset);
  const len = isNone(length) ? bytes.length - off : (length as number) | 0;
  if (len === 0) {
    toPosition(position);
    return 0;
  }
  if (bytes.length === 0) throw invalidArgValue('buffer', buffer, 'is empty and cannot be written');
  if (len < 0) throw outOfRange('length', '>= 0', len);
  if (off + len > bytes.length) throw outOfRange('length', `<= ${bytes.length - off}`, len);
  const at = toPosition(position, len);
  // Beyond the longest file that there can be is as far as just before its end.
  return yield* moved('read', 'pread', 'read', d, part(bytes, off, len), at && Math.min(at, Number.MAX_SAFE_INTEGER - len));
}

/** write(fd, buffer, offset, length, position), the same with an object, or write(fd, string, position, encoding). */
export function* write(fd: unknown, data: unknown, offset?: unknown, length?: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  if (typeof data === 'string') return yield* moved('write', 'pwrite', 'write', d, toText(data, length), toWritePosition(offset));
  const bytes = toBytes(data, 'utf8', 'buffer');
  if (isObject(offset)) ({ offset, length, position } = offset);
  const off = toOffset(offset);
  const len = typeof length === 'number' ? length : bytes.length - off;
  if (off > bytes.length) throw outOfRange('offset', `<= ${bytes.length}`, off);
  if (len > bytes.length - off) throw outOfRange('length', `<= ${bytes.length - off}`, len);
  if (len < 0) throw outOfRange('length', '>= 0', len);
  toInteger(len, 'length', 0, 0x7fff_ffff);
  return yield* moved('write', 'pwrite', 'write', d, part(bytes, off, len), toWritePosition(position));
}

/** Text that write() is to write. ERR_INVALID_ARG_VALUE: half a byte in hexadecimal digits. */
function toText(text: string, encoding: unknown): Uint8Array {
  const as = typeof encoding === 'string' ? toEncoding(encoding) : undefined;
  if (as === 'hex' && text.length % 2 !== 0) {
    throw invalidArgValue('encoding', encoding, `is invalid for data of length ${text.length}`);
  }
  return toBytes(text, as ?? 'utf8', 'buffer');
}

/** A part of a buffer as a plain Uint8Array, which the kernel takes as it is; at a Buffer it looks for longer (bench: 4 KiB pread). */
function part(bytes: Uint8Array, off: number, len: number): Uint8Array {
  const is = off === 0 && len === bytes.length && bytes.constructor === Uint8Array;
  return is ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset + off, len);
}

/** Bytes go from or to the descriptor's own position by one call, or by another where it is said. */
function moved(here: keyof Sys, there: keyof Sys, syscall: string, fd: number, bytes: Uint8Array | Uint8Array[], at: number | undefined): Op<number> {
  return (at === undefined ? call(here, [fd, bytes], syscall) : call(there, [fd, bytes, at], syscall)) as Op<number>;
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
  return yield* moved('readv', 'preadv', 'read', d, into, toWritePosition(position));
}

export function* writev(fd: unknown, buffers: unknown, position?: unknown): Op<number> {
  const d = toFd(fd);
  const from = views(buffers);
  if (from.length === 0) return 0;
  return yield* moved('writev', 'pwritev', 'write', d, from, toWritePosition(position));
}

/** The arguments of the long form of a read() with callback or promise, where a buffer is made: read(fd, options) and read(fd). */
export function readArgs(args: readonly unknown[]): readonly unknown[] {
  if (args.length > 2 || ArrayBuffer.isView(args[1])) return args;
  const o = isNone(args[1]) ? undefined : toObject(args[1]);
  return [args[0], o?.['buffer'] === undefined ? newBytes(READ_LEN) : o['buffer'], o];
}
