/** Errors as node:net and node:dgram give them: of system calls, with address and port, and about arguments. */
import { inspect } from 'node:util';
import { type Errno, libuvCode, libuvErrno } from '@anykernel/lib-sys';

/** An error of a system call on a socket. */
export interface NetError extends Error {
  code: string;
  errno: number;
  syscall: string;
  address?: string;
  port?: number;
  localAddress?: string;
  localPort?: number;
}

/** `read ECONNRESET`. */
export function errnoError(error: Errno, syscall: string): NetError {
  const code = libuvCode(error.code);
  return Object.assign(new Error(`${syscall} ${code}`), { errno: libuvErrno(error.code), code, syscall });
}

/** `connect ECONNREFUSED 127.0.0.1:80`, or with a path. */
export function addressError(error: Errno, syscall: string, address: string, port?: number): NetError {
  const code = libuvCode(error.code);
  const where = port !== undefined && port > 0 ? `${address}:${port}` : address;
  const e: NetError = Object.assign(new Error(`${syscall} ${code} ${where}`), { errno: libuvErrno(error.code), code, syscall, address });
  if (port !== undefined && port > 0) e.port = port;
  return e;
}

/** `listen EADDRINUSE: address already in use 127.0.0.1:80`. */
export function listenError(error: Errno, words: string, address: string, port?: number): NetError {
  const e = addressError(error, 'listen', address, port);
  const where = port === undefined ? address : `${address}:${port}`;
  return Object.assign(e, { message: `listen ${e.code}: ${words} ${where}` }, port === undefined ? {} : { port });
}

export interface CodedError extends Error {
  code: string;
}

/** An error with one of Node's codes. */
export function coded<E extends Error>(error: E, code: string): E & CodedError {
  error.stack = error.stack?.replace(`${error.name}:`, `${error.name} [${code}]:`) ?? '';
  return Object.assign(error, { code });
}

export function invalidArgType(name: string, expected: string, value: unknown): CodedError {
  const kind = name.includes('.') ? 'property' : 'argument';
  return coded(new TypeError(`The "${name}" ${kind} must be ${expected}. Received ${described(value)}`), 'ERR_INVALID_ARG_TYPE');
}

function described(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === 'function') return `function ${value.name}`;
  if (typeof value === 'object') return `an instance of ${value.constructor?.name ?? 'Object'}`;
  const shown = inspect(value);
  return `type ${typeof value} (${shown})`;
}

/** `The value of "fd" is out of range. It must be >= 0. Received -1`. */
export function outOfRange(name: string, range: string, value: unknown): CodedError {
  return coded(new RangeError(`The value of "${name}" is out of range. It must be ${range}. Received ${String(value)}`), 'ERR_OUT_OF_RANGE');
}

/** `The argument 'hints' is invalid. Received 42`. */
export function invalidArgValue(name: string, value: unknown, reason = 'is invalid'): CodedError {
  const kind = name.includes('.') ? 'property' : 'argument';
  return coded(new TypeError(`The ${kind} '${name}' ${reason}. Received ${inspect(value)}`), 'ERR_INVALID_ARG_VALUE');
}

export function invalidAddress(text: unknown): CodedError {
  return coded(new TypeError(`Invalid IP address: ${String(text)}`), 'ERR_INVALID_IP_ADDRESS');
}

export function checkFunction(value: unknown, name: string): void {
  if (typeof value !== 'function') throw invalidArgType(name, 'of type function', value);
}

/** undefined will do. */
export function checkSignal(signal: unknown, name: string): void {
  const fit = signal === undefined || (typeof signal === 'object' && signal !== null && 'aborted' in signal);
  if (!fit) throw invalidArgType(name, 'an instance of AbortSignal', signal);
}

export function badPort(name: string, port: unknown, allowZero = true): CodedError {
  const range = allowZero ? '>= 0' : '> 0';
  return coded(new RangeError(`${name} should be ${range} and < 65536. Received ${described(port)}.`), 'ERR_SOCKET_BAD_PORT');
}

export function notRunning(what: 'server' | 'socket'): CodedError {
  return what === 'server' ? coded(new Error('Server is not running.'), 'ERR_SERVER_NOT_RUNNING') : coded(new Error('Not running'), 'ERR_SOCKET_DGRAM_NOT_RUNNING');
}

/** The number of a port. ERR_SOCKET_BAD_PORT. */
export function validPort(port: unknown, name = 'Port', allowZero = true): number {
  const number = typeof port === 'string' && port.trim() === '' ? Number.NaN : Number(port);
  const ok = (typeof port === 'number' || typeof port === 'string') && Number.isInteger(number) && number >= (allowZero ? 0 : 1) && number < 65_536;
  if (!ok) throw badPort(name, port, allowZero);
  return number;
}
