/** Arguments of `fs` functions: paths, modes, flags, descriptors, times. Each is checked as Node checks it. */
import { bytestrOf, fromBytestr } from '@anykernel/lib-bytes';
import { type Timespec, UTIME_NOW } from '@anykernel/lib-sys';
import { flagsOfWord } from './constants.js';
import { invalidArgType, invalidArgValue, outOfRange } from './errors.js';

export type PathLike = string | Uint8Array | URL;

/** A path for the kernel: text, or bytes. ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE (a NUL inside), ERR_INVALID_URL_SCHEME. */
export function toPath(path: unknown, name = 'path'): string | Uint8Array {
  if (typeof path === 'string') {
    if (path.includes('\0')) throw invalidArgValue(name, path, 'must be a string, Uint8Array, or URL without null bytes');
    return path;
  }
  if (path instanceof Uint8Array) {
    if (path.includes(0)) throw invalidArgValue(name, path, 'must be a string, Uint8Array, or URL without null bytes');
    return path;
  }
  const url = path as { href?: unknown; protocol?: unknown; pathname?: unknown } | null | undefined;
  if (typeof url?.href === 'string' && typeof url.protocol === 'string') return fromUrl(url as URL);
  throw invalidArgType(name, 'of type string or an instance of Buffer or URL', path);
}

function fromUrl(url: URL): string {
  if (url.protocol !== 'file:') throw Object.assign(new TypeError('The URL must be of scheme file'), { code: 'ERR_INVALID_URL_SCHEME' });
  if (url.hostname !== '')
    throw Object.assign(new TypeError('File URL host must be "localhost" or empty on linux'), { code: 'ERR_INVALID_FILE_URL_HOST' });
  if (/%2f/i.test(url.pathname)) {
    throw Object.assign(new TypeError('File URL path must not include encoded / characters'), { code: 'ERR_INVALID_FILE_URL_PATH' });
  }
  return toPath(decodeURIComponent(url.pathname)) as string;
}

/** A path in an error's message. */
export function pathText(path: string | Uint8Array): string {
  return typeof path === 'string' ? path : fromBytestr(bytestrOf(path, 0, Math.min(path.length, PATH_TEXT_MAX)));
}

const PATH_TEXT_MAX = 4096;

/** Permission bits: a number, or octal digits. Without a fallback they must be there. */
export function toMode(mode: unknown, fallback?: number, name = 'mode'): number {
  if ((mode === undefined || mode === null) && fallback !== undefined) return fallback;
  if (typeof mode === 'string') {
    if (!/^[0-7]+$/.test(mode)) throw invalidArgValue(name, mode, 'must be a 32-bit unsigned integer or an octal string');
    return Number.parseInt(mode, 8);
  }
  return toUint32(mode, name);
}

export function toUint32(value: unknown, name: string): number {
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < 0 || value > 0xffff_ffff) throw outOfRange(name, '>= 0 && <= 4294967295', value);
  return value;
}

/** User and group ids: -1 leaves one as it is. */
export function toId(value: unknown, name: string): number {
  if (value === -1 || value === 0xffff_ffff) return -1;
  if (typeof value !== 'number') throw invalidArgType(name, 'of type number', value);
  if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
  if (value < -1 || value > 0xffff_ffff) throw outOfRange(name, '>= -1 && <= 4294967295', value);
  return value;
}

/** Bits for access() and copyFile(): 0 to 7. */
export function toBits(value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (typeof value !== 'number' || value !== (value | 0)) {
    throw Object.assign(new TypeError('mode must be int32 or null/undefined'), { code: 'ERR_INVALID_ARG_TYPE' });
  }
  if (value < 0 || value > 7) throw Object.assign(new RangeError('mode is out of range: >= 0 && <= 7'), { code: 'ERR_OUT_OF_RANGE' });
  return value;
}

export function toFd(fd: unknown): number {
  if (typeof fd !== 'number') throw invalidArgType('fd', 'of type number', fd);
  if (!Number.isInteger(fd)) throw outOfRange('fd', 'an integer', fd);
  if (fd < 0 || fd > 0x7fff_ffff) throw outOfRange('fd', '>= 0 && <= 2147483647', fd);
  return fd;
}

export function toFlags(flags: unknown, fallback: number): number {
  if (flags === undefined || flags === null) return fallback;
  if (typeof flags === 'number') {
    if (!Number.isInteger(flags)) throw outOfRange('flags', 'an integer', flags);
    if (flags !== (flags | 0)) throw outOfRange('flags', '>= -2147483648 && <= 2147483647', flags);
    return flags;
  }
  const known = typeof flags === 'string' ? flagsOfWord(flags) : undefined;
  if (known === undefined) throw invalidArgValue('flags', flags);
  return known;
}

/** An option that is true or false; false where it is left out. */
export function toBool(value: unknown, name: string): boolean {
  if (value === undefined) return false;
  if (typeof value !== 'boolean') throw invalidArgType(`options.${name}`, 'of type boolean', value);
  return value;
}

export function toLength(len: unknown, name = 'len'): number {
  if (len === undefined || len === null) return 0;
  if (typeof len !== 'number') throw invalidArgType(name, 'of type number', len);
  if (!Number.isInteger(len)) throw outOfRange(name, 'an integer', len);
  return Math.max(0, len);
}

/** Seconds since 1970 (with fractions), text of them, or a Date. A negative number is the present time, as it is for Node. */
export function toTime(time: unknown): Timespec {
  if (Object.prototype.toString.call(time) === '[object Date]') return fromMs((time as Date).getTime());
  // biome-ignore lint/suspicious/noDoubleEquals: text of a number, as Node takes it.
  const seconds = typeof time === 'number' || (typeof time === 'string' && +time == (time as unknown)) ? +time : Number.NaN;
  if (!Number.isFinite(seconds)) throw invalidArgType('time', 'an instance of Date or an Time in seconds', time);
  return seconds < 0 ? { sec: 0, nsec: UTIME_NOW } : fromMs(seconds * 1000);
}

function fromMs(ms: number): Timespec {
  if (!Number.isFinite(ms)) return { sec: 0, nsec: 0 };
  const sec = Math.floor(ms / 1000);
  return { sec, nsec: Math.min(999_999_999, Math.max(0, Math.round((ms - sec * 1000) * 1e6))) };
}

/** Where in a file: a number or bigint; undefined where null or -1 means the descriptor's own position. */
export function toPosition(position: unknown): number | undefined {
  if (position === null || position === undefined || position === -1 || position === -1n) return undefined;
  if (typeof position === 'bigint') {
    if (position < -1n || position > 0x7fff_ffff_ffff_ffffn) throw outOfRange('position', '>= -1 && <= 9223372036854775807n', position);
    return Number(position);
  }
  if (typeof position !== 'number') throw invalidArgType('position', 'of type bigint or integer', position);
  if (!Number.isInteger(position)) throw outOfRange('position', 'an integer', position);
  if (position < -1 || position > Number.MAX_SAFE_INTEGER) throw outOfRange('position', `>= -1 && <= ${Number.MAX_SAFE_INTEGER}`, position);
  return position;
}

/** The same for write(): what is no number means the descriptor's own position. */
export function toWritePosition(position: unknown): number | undefined {
  return typeof position === 'number' || typeof position === 'bigint' ? toPosition(position) : undefined;
}
