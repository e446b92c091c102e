/** Errors as Node gives them: those of system calls, and those about arguments. */
import { ERR, type ErrnoCode, errnoByCode, libuvCode, libuvErrno, nodeErrorMessage } from '@anykernel/lib-sys';
import { SystemError } from '@anykernel/rumpkern';

/** What fs functions throw for a failed system call. */
export interface NodeSystemError extends Error {
  code: string;
  errno: number;
  syscall: string;
  path?: string;
  dest?: string;
}

/**
 * What `fs` throws for a failed system call: libuv's code and number, and Node's word for the operation. The error is the one that was
 * thrown, with its stack. Anything else is passed through.
 */
export function nodeError(error: unknown, syscall: string, path?: string, dest?: string): unknown {
  if (!(error instanceof SystemError)) return error;
  const code = error.code as ErrnoCode;
  if (errnoByCode(code) === undefined) return error;
  const e = error as unknown as { -readonly [K in keyof NodeSystemError]: NodeSystemError[K] };
  e.name = 'Error';
  e.message = nodeErrorMessage(code, syscall, path, dest);
  e.errno = libuvErrno(code);
  e.code = libuvCode(code);
  e.syscall = syscall;
  if (path === undefined) delete e.path;
  else e.path = path;
  if (dest === undefined) delete e.dest;
  else e.dest = dest;
  return e;
}

/** An error that no system call had a part in. */
export function makeError(code: ErrnoCode, syscall: string, path?: string, dest?: string): unknown {
  return nodeError(new SystemError(ERR[code], syscall), syscall, path, dest);
}

interface CodedError extends Error {
  code: string;
}

function coded<E extends Error>(error: E, code: string): E & CodedError {
  error.stack = error.stack?.replace(`${error.name}:`, `${error.name} [${code}]:`) ?? '';
  return Object.assign(error, { code });
}

/** TypeError [ERR_INVALID_ARG_TYPE] in Node's words: `expected` reads "of type string or an instance of Buffer". */
export function invalidArgType(name: string, expected: string, value: unknown): CodedError {
  const what = name.includes('.') ? 'property' : 'argument';
  return coded(new TypeError(`The "${name}" ${what} must be ${expected}.${received(value)}`), 'ERR_INVALID_ARG_TYPE');
}

export function invalidArgValue(name: string, value: unknown, reason = 'is invalid'): CodedError {
  const what = name.includes('.') ? 'property' : 'argument';
  return coded(new TypeError(`The ${what} '${name}' ${reason}. Received ${inspect(value)}`), 'ERR_INVALID_ARG_VALUE');
}

export function outOfRange(name: string, range: string, value: unknown): CodedError {
  return coded(
    new RangeError(`The value of "${name}" is out of range. It must be ${range}. Received ${inspect(value)}`),
    'ERR_OUT_OF_RANGE',
  );
}

/** RangeError [ERR_FS_FILE_TOO_LARGE]: a file is to be read whole, and is too long for that. */
export function fileTooLarge(size: number): CodedError {
  return coded(new RangeError(`File size (${size}) is greater than 2 GiB`), 'ERR_FS_FILE_TOO_LARGE');
}

function received(value: unknown): string {
  if (value === null || value === undefined) return ` Received ${value}`;
  if (typeof value === 'function') return ` Received function ${value.name}`;
  if (typeof value === 'object') {
    const name = value.constructor?.name;
    return name ? ` Received an instance of ${name}` : ` Received ${inspect(value)}`;
  }
  const text = inspect(value);
  return ` Received type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}

function inspect(value: unknown): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped.
  const odd = /[\0-\x1f'\\]/g;
  if (typeof value === 'string') return `'${value.replace(odd, (c) => (c === '\0' ? '\\x00' : c === '\n' ? '\\n' : `\\${c}`))}'`;
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'number' && Math.abs(value) > 2 ** 32) return String(value).replace(/\B(?=(\d{3})+(?!\d))/g, '_');
  return String(value);
}
