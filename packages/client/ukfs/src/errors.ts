/** Errors as Node gives them: those of system calls, and those about arguments. */
import { inspect, uvError } from '#host';
import type { ErrnoCode } from '@anykernel/lib-sys';
import { type CodedError, coded } from './coded.js';
import { isNone } from './kinds.js';
import { type Path, pathText } from './pathnames.js';

/** What fs functions throw for a failed system call. */
export interface NodeSystemError extends Error {
  code: string;
  errno: number;
  syscall: string;
  path?: string;
  dest?: string;
}

/** What `fs` throws for a failed system call: libuv's code, number and words, and Node's word for the operation. */
export function systemError(error: { readonly code: string }, syscall: string, ...paths: readonly Path[]): NodeSystemError {
  const [code, errno, words] = uvError(error.code);
  const [path, dest] = paths.map(pathText);
  const e = new Error(`${code}: ${words}, ${syscall}${path === undefined ? '' : ` '${path}'`}${dest === undefined ? '' : ` -> '${dest}'`}`) as NodeSystemError;
  e.errno = errno;
  e.code = code;
  e.syscall = syscall;
  if (path !== undefined) e.path = path;
  if (dest !== undefined) e.dest = dest;
  return e;
}

/** An error of this file's functions with another word for the operation, and other paths. */
export function renamed(error: unknown, syscall: string, ...paths: readonly Path[]): unknown {
  return isSystemError(error) ? systemError(error, syscall, ...paths) : error;
}

/** Whether a callback hears of an error; what is wrong with the arguments is thrown instead. */
export function isSystemError(error: unknown): error is NodeSystemError {
  return typeof (error as { errno?: unknown } | null)?.errno === 'number';
}

function kindOf(name: string): string {
  return name.includes('.') ? 'property' : 'argument';
}

/** TypeError [ERR_INVALID_ARG_TYPE] in Node's words: `expected` reads "of type string or an instance of Buffer". */
export function invalidArgType(name: string, expected: string, value: unknown): CodedError {
  const what = name.endsWith(' argument') ? name : `"${name}" ${kindOf(name)}`;
  return coded('ERR_INVALID_ARG_TYPE', `The ${what} must be ${expected}.${received(value)}`);
}

export function invalidArgValue(name: string, value: unknown, reason = 'is invalid'): CodedError {
  const shown = inspect(value);
  const cut = shown.length > 128 ? `${shown.slice(0, 128)}...` : shown;
  return coded('ERR_INVALID_ARG_VALUE', `The ${kindOf(name)} '${name}' ${reason}. Received ${cut}`);
}

export function outOfRange(name: string, range: string, value: unknown): CodedError {
  return coded('ERR_OUT_OF_RANGE', `The value of "${name}" is out of range. It must be ${range}. Received ${inRange(value)}`, RangeError);
}

/** RangeError [ERR_FS_FILE_TOO_LARGE]: a file is to be read whole, and is too long for that. */
export function fileTooLarge(size: number): CodedError {
  return coded('ERR_FS_FILE_TOO_LARGE', `File size (${size}) is greater than 2 GiB`, RangeError);
}

/** The operation needs something of the host that is not there. */
export function notImplemented(what: string): CodedError {
  return coded('ERR_METHOD_NOT_IMPLEMENTED', `The ${what} method is not implemented`, Error);
}

/** What an aborted operation ends with. */
export function abortError(reason: unknown): CodedError {
  const e = new Error('The operation was aborted', reason === undefined ? undefined : { cause: reason });
  return Object.assign(e, { name: 'AbortError', code: 'ABORT_ERR' });
}

/** Errors of operations that see more than one system call: name SystemError, and a line that says all. */
export function operationError(code: string, summary: string, syscall: string, errno: ErrnoCode, detail: string, path: string): Error {
  const error = coded(code, `${summary}: ${syscall} returned ${errno} (${detail}) ${path}`, Error);
  return Object.assign(error, { name: 'SystemError', errno: -uvError(errno)[1], syscall, path });
}

function received(value: unknown): string {
  if (isNone(value)) return ` Received ${value}`;
  if (typeof value === 'function') return ` Received function ${value.name}`;
  if (typeof value === 'object') {
    const name = (value as object).constructor?.name;
    return name ? ` Received an instance of ${name}` : ` Received ${inspect(value, { depth: -1 })}`;
  }
  const text = inspect(value);
  return ` Received type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

function inRange(value: unknown): string {
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) > 2 ** 32) return grouped(String(value));
  if (typeof value !== 'bigint') return inspect(value);
  const text = String(value);
  return `${value > 2n ** 32n || value < -(2n ** 32n) ? grouped(text) : text}n`;
}

/** Digits in groups of three. */
function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, '_');
}
