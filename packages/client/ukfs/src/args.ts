/** Arguments of `fs` functions: paths, modes, flags, descriptors, times. Each is checked as Node checks it. */
import { constants, pathOfUrl } from '#host';
import { type Timespec, UTIME_NOW } from '@anykernel/lib-sys';
import { flagsOfWord } from './flags.js';
import { coded } from './coded.js';
import { abortError, invalidArgType, invalidArgValue, outOfRange } from './errors.js';
import type { Signal } from './host.js';
import { isNone, isObject } from './kinds.js';
import type { Path } from './pathnames.js';

export type PathLike = string | Uint8Array | URL;

const NUL_INSIDE = 'must be a string, Uint8Array, or URL without null bytes';

/** A path for the kernel: text, or bytes. ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (a NUL inside), ERR_INVALID_URL_SCHEME. */
export function toPath(path: unknown, name = 'path'): Path {
  if (typeof path === 'string' || isBytes(path)) {
    if (typeof path === 'string' ? path.includes('\0') : path.includes(0)) throw invalidArgValue(name, path, NUL_INSIDE);
    return path;
  }
  const url = path as { href?: unknown; protocol?: unknown; auth?: unknown; path?: unknown } | null | undefined;
  if (url?.href && url.protocol && url.auth === undefined && url.path === undefined) return toPath(pathOfUrl(url as URL));
  throw invalidArgType(name, 'of type string or an instance of Buffer or URL', path);
}

/** Also one of another realm. */
function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || (ArrayBuffer.isView(value) && (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag] === 'Uint8Array');
}

/** Permission bits: a number, or octal digits. Without a fallback they must be there. */
export function toMode(mode: unknown, fallback?: number, name = 'mode'): number {
  if (isNone(mode) && fallback !== undefined) return fallback;
  if (typeof mode !== 'string') return toUint32(mode, name);
  if (!/^[0-7]+$/.test(mode)) throw invalidArgValue(name, mode, 'must be a 32-bit unsigned integer or an octal string');
  return toUint32(Number.parseInt(mode, 8), name);
}

/** A whole number from `min` to `max`. */
export function toInteger(value: unknown, name: string, min: number = Number.MIN_SAFE_INTEGER, max: number = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < min || value > max) throw outOfRange(name, `>= ${min} && <= ${max}`, value);
  return value;
}

export function toUint32(value: unknown, name: string, min = 0): number {
  return toInteger(value, name, min, 0xffff_ffff);
}

/** User and group ids: -1 leaves one as it is. */
function toId(value: unknown, name: string): number {
  const id = toInteger(value, name, -1, 0xffff_ffff);
  return id === 0xffff_ffff ? -1 : id;
}

export function toUid(value: unknown): number {
  return toId(value, 'uid');
}

export function toGid(value: unknown): number {
  return toId(value, 'gid');
}

/** Bits for access() and copyFile(): 0 to 7. */
export function toBits(value: unknown): number {
  if (isNone(value)) return 0;
  if (typeof value !== 'number' || value !== (value | 0)) throw coded('ERR_INVALID_ARG_TYPE', 'mode must be int32 or null/undefined');
  if (value < 0 || value > 7) throw coded('ERR_OUT_OF_RANGE', 'mode is out of range: >= 0 && <= 7', RangeError);
  return value;
}

export function toFd(fd: unknown): number {
  return Object.is(fd, -0) ? 0 : toInteger(fd, 'fd', 0, 0x7fff_ffff);
}

/** Whether readFile() and its like take it for a descriptor. */
export function isFd(file: unknown): file is number {
  return typeof file === 'number' && file === (file | 0);
}

export function toFlags(flags: unknown, name = 'flags'): number {
  if (typeof flags === 'number') return toInteger(flags, name, -0x8000_0000, 0x7fff_ffff);
  if (isNone(flags)) return constants.O_RDONLY;
  const known = typeof flags === 'string' ? flagsOfWord(flags) : undefined;
  if (known === undefined) throw invalidArgValue('flags', flags);
  return known;
}

/** The fields of an options object. ERR_INVALID_ARG_TYPE: it is none. */
export function toObject(value: unknown, name = 'options'): Readonly<Record<string, unknown>> {
  if (!isObject(value) || Array.isArray(value)) throw invalidArgType(name, 'of type object', value);
  return value;
}

/** An option that is true or false; `fallback` where it is left out. */
export function toBool(value: unknown, name: string, fallback = false): boolean {
  return value === undefined ? fallback : checkBool(value, name);
}

function checkBool(value: unknown, name: string): boolean {
  if (typeof value !== 'boolean') throw invalidArgType(`options.${name}`, 'of type boolean', value);
  return value;
}

/** The same of options which Node lays over its own: one that is there and undefined is no boolean. */
export function toFlag(options: Readonly<Record<string, unknown>>, name: string): boolean {
  return Object.hasOwn(options, name) && checkBool(options[name], name);
}

/** The same where null is left out too. */
export function toBoolOrNull(value: unknown, name: string): boolean {
  return toBool(value ?? undefined, name);
}

export function toFunction(value: unknown, name: string): (...args: never[]) => unknown {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value);
  return value as (...args: never[]) => unknown;
}

export function toLength(len: unknown, name = 'len'): number {
  return len === undefined ? 0 : Math.max(0, toInteger(len, name));
}

/** Seconds since 1970 (with fractions), text of them, or a Date. A negative number is the present time, as it is for Node. */
export function toTime(time: unknown, name = 'time'): Timespec {
  if (Object.prototype.toString.call(time) === '[object Date]') return fromMs((time as Date).getTime());
  // biome-ignore lint/suspicious/noDoubleEquals: text of a number, as Node takes it.
  const seconds = typeof time === 'number' || (typeof time === 'string' && +time == (time as unknown)) ? +time : Number.NaN;
  if (!Number.isFinite(seconds)) throw invalidArgType(name, 'an instance of Date or an Time in seconds', time);
  return seconds < 0 && typeof time === 'number' ? { sec: 0, nsec: UTIME_NOW } : fromMs(seconds * 1000);
}

/** Of a last access and a last change. */
export function toTimes(atime: unknown, mtime: unknown, ...names: readonly [string, string] | readonly []): Timespec[] {
  return [toTime(atime, names[0]), toTime(mtime, names[1])];
}

function fromMs(ms: number): Timespec {
  if (!Number.isFinite(ms)) return { sec: 0, nsec: 0 };
  const sec = Math.floor(ms / 1000);
  return { sec, nsec: Math.min(999_999_999, Math.max(0, Math.round((ms - sec * 1000) * 1e6))) };
}

/** Where in a file `len` bytes are: a number or bigint; undefined where null or -1 means the descriptor's own position. */
export function toPosition(position: unknown, len = 0): number | undefined {
  if (isNone(position) || position === -1) return undefined;
  if (typeof position === 'bigint') {
    const [min, max] = [-(2n ** 63n), 2n ** 63n - 1n - BigInt(len)];
    if (position < min || position > max) throw outOfRange('position', `>= ${min} && <= ${max}`, position);
    return position < 0n ? undefined : Number(position);
  }
  if (typeof position !== 'number') throw invalidArgType('position', 'of type bigint or integer', position);
  return toInteger(position, 'position', -1);
}

/** The same for write() and readv(): what is no number means the descriptor's own position. */
export function toWritePosition(position: unknown): number | undefined {
  if (typeof position === 'bigint') return toPosition(position);
  return typeof position === 'number' && position >= 0 ? position : undefined;
}

/** An AbortSignal among options. ERR_INVALID_ARG_TYPE. */
export function toSignal(value: unknown): Signal | undefined {
  if (value === undefined) return undefined;
  if (!isObject(value) || !('aborted' in value)) throw invalidArgType('options.signal', 'an instance of AbortSignal', value);
  return value as object as Signal;
}

/** AbortError, if the signal has said so. */
export function checkAborted(signal: Signal | undefined): void {
  if (signal?.aborted === true) throw abortError(signal.reason);
}
