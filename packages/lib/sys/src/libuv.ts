/**
 * Errors as Node gives them: code, negative number and message of libuv on Linux.
 *
 * The numbers are Linux's on every host, so that an application sees the same everywhere. Where libuv has no entry, the
 * message is NetBSD's in lower case; where Linux has no number either, it is libuv's UNKNOWN.
 * Sources: Node's util.getSystemErrorMap(), Linux's errno(3).
 */
import { ERR, type Errno, type ErrnoCode, errnoByCode, errnoCodes } from './errno.js';
import { strerror } from './strerror.js';

/** What libuv says for an error that it does not know. */
const UV_UNKNOWN = -4094;

/** Linux's number of each code that Linux has, where it is another one: up to ERANGE (34) most are the same. */
const LINUX: { readonly [K in ErrnoCode]?: number } = {
  EAGAIN: 11,
  EDEADLK: 35,
  ENAMETOOLONG: 36,
  ENOLCK: 37,
  ENOSYS: 38,
  ENOTEMPTY: 39,
  ELOOP: 40,
  ENOMSG: 42,
  EIDRM: 43,
  ENOSTR: 60,
  ENODATA: 61,
  ENOATTR: 61,
  ETIME: 62,
  ENOSR: 63,
  EREMOTE: 66,
  ENOLINK: 67,
  EPROTO: 71,
  EMULTIHOP: 72,
  EBADMSG: 74,
  EOVERFLOW: 75,
  EILSEQ: 84,
  EUSERS: 87,
  ENOTSOCK: 88,
  EDESTADDRREQ: 89,
  EMSGSIZE: 90,
  EPROTOTYPE: 91,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EOPNOTSUPP: 95,
  ENOTSUP: 95,
  EPFNOSUPPORT: 96,
  EAFNOSUPPORT: 97,
  EADDRINUSE: 98,
  EADDRNOTAVAIL: 99,
  ENETDOWN: 100,
  ENETUNREACH: 101,
  ENETRESET: 102,
  ECONNABORTED: 103,
  ECONNRESET: 104,
  ENOBUFS: 105,
  EISCONN: 106,
  ENOTCONN: 107,
  ESHUTDOWN: 108,
  ETOOMANYREFS: 109,
  ETIMEDOUT: 110,
  ECONNREFUSED: 111,
  EHOSTDOWN: 112,
  EHOSTUNREACH: 113,
  EALREADY: 114,
  EINPROGRESS: 115,
  ESTALE: 116,
  EDQUOT: 122,
  ECANCELED: 125,
};

/** The number on Linux; undefined: it has none. */
function linuxOf(code: ErrnoCode): number | undefined {
  const errno = errnoByCode(code)?.errno ?? Infinity;
  return LINUX[code] ?? (errno <= ERR.ERANGE.errno ? errno : undefined);
}

/** libuv's message, where it has other words than NetBSD. */
const MESSAGE: { readonly [K in ErrnoCode]?: string } = {
  EADDRNOTAVAIL: 'address not available',
  EAFNOSUPPORT: 'address family not supported',
  EALREADY: 'connection already in progress',
  EBUSY: 'resource busy or locked',
  EEXIST: 'file already exists',
  EFAULT: 'bad address in system call argument',
  EHOSTUNREACH: 'host is unreachable',
  EIO: 'i/o error',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'too many symbolic links encountered',
  ENAMETOOLONG: 'name too long',
  ENFILE: 'file table overflow',
  ENOATTR: 'no data available',
  ENODATA: 'no data available',
  ENODEV: 'no such device',
  ENOMEM: 'not enough memory',
  ENOPROTOOPT: 'protocol not available',
  ENOTSUP: 'operation not supported on socket',
  ENXIO: 'no such device or address',
  EOPNOTSUPP: 'operation not supported on socket',
  EOVERFLOW: 'value too large for defined data type',
  ERANGE: 'result too large',
  ESHUTDOWN: 'cannot send after transport endpoint shutdown',
  ESPIPE: 'invalid seek',
  ETIMEDOUT: 'connection timed out',
  ETXTBSY: 'text file is busy',
  EXDEV: 'cross-device link not permitted',
};

/** The code that Node uses: ENOTSUP for EOPNOTSUPP and ENODATA for ENOATTR (one number on Linux), else the same. */
export function libuvCode(code: string): string {
  if (code === 'EOPNOTSUPP') return 'ENOTSUP';
  if (code === 'ENOATTR') return 'ENODATA';
  return code;
}

/** The negative number in `err.errno`: -2 for ENOENT. */
export function libuvErrno(code: string): number {
  if (code === 'EFTYPE') return -4028;
  const linux = linuxOf(code as ErrnoCode);
  return linux === undefined ? UV_UNKNOWN : -linux;
}

/** The words of libuv: `no such file or directory` for ENOENT; `unknown error` for what is no code. */
export function libuvMessage(code: string): string {
  const known = errnoByCode(code)?.code;
  return known === undefined ? 'unknown error' : (MESSAGE[known] ?? strerror(known).toLowerCase());
}

/** The whole message of a Node error: `ENOENT: no such file or directory, open '/x' -> '/y'`. */
export function nodeErrorMessage(code: string, syscall: string, path?: string, dest?: string): string {
  let message = `${libuvCode(code)}: ${libuvMessage(code)}, ${syscall}`;
  if (path !== undefined) message += ` '${path}'`;
  if (dest !== undefined) message += ` -> '${dest}'`;
  return message;
}

/** Codes of hosts which NetBSD has not, and what comes nearest. */
const FOREIGN: { readonly [code: string]: ErrnoCode } = {
  ECHARSET: 'EILSEQ',
  EDEADLOCK: 'EDEADLK',
  EMEDIUMTYPE: 'EFTYPE',
  ENOMEDIUM: 'ENODEV',
  ENONET: 'ENETDOWN',
  EREMOTEIO: 'EIO',
  EUCLEAN: 'EIO',
};

/** The error for what the host's `err.code` says. Unknown codes, and no code: EINVAL, as rumpuser(3) demands. */
export function hostToErrno(code: string | undefined): Errno {
  if (code === undefined) return ERR.EINVAL;
  const foreign = Object.hasOwn(FOREIGN, code) ? FOREIGN[code] : undefined;
  if (foreign !== undefined) return ERR[foreign];
  return errnoByCode(code) ?? ERR.EINVAL;
}

/** The error for a Linux error number (of either sign). Unknown numbers: EINVAL. 95 is EOPNOTSUPP, 61 is ENODATA. */
export function linuxToErrno(errno: number): Errno {
  const code = errnoCodes.find((c) => linuxOf(c) === Math.abs(errno) && c !== 'ENOTSUP' && c !== 'ENOATTR');
  return code === undefined ? ERR.EINVAL : ERR[code];
}
