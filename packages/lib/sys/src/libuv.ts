/**
 * Errors as Node gives them: code, negative number and message of libuv on Linux.
 *
 * The numbers are Linux's on every host, so that an application sees the same everywhere. Where libuv has no entry, the
 * message is NetBSD's in lower case; where Linux has no number either, it is libuv's UNKNOWN.
 * Sources: Node's util.getSystemErrorMap(), Linux's errno(3).
 */
import { ERR, type Errno, type ErrnoCode, errnoByCode } from './errno.js';

/** What libuv says for an error that it does not know. */
const UV_UNKNOWN = -4094;

/** Linux's number of each code that Linux has. */
const LINUX: { readonly [K in ErrnoCode]?: number } = {
  EPERM: 1,
  ENOENT: 2,
  ESRCH: 3,
  EINTR: 4,
  EIO: 5,
  ENXIO: 6,
  E2BIG: 7,
  ENOEXEC: 8,
  EBADF: 9,
  ECHILD: 10,
  EAGAIN: 11,
  ENOMEM: 12,
  EACCES: 13,
  EFAULT: 14,
  ENOTBLK: 15,
  EBUSY: 16,
  EEXIST: 17,
  EXDEV: 18,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ENFILE: 23,
  EMFILE: 24,
  ENOTTY: 25,
  ETXTBSY: 26,
  EFBIG: 27,
  ENOSPC: 28,
  ESPIPE: 29,
  EROFS: 30,
  EMLINK: 31,
  EPIPE: 32,
  EDOM: 33,
  ERANGE: 34,
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

/** libuv's message of each code that libuv has. */
const MESSAGE: { readonly [K in ErrnoCode]?: string } = {
  E2BIG: 'argument list too long',
  EACCES: 'permission denied',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'address not available',
  EAFNOSUPPORT: 'address family not supported',
  EAGAIN: 'resource temporarily unavailable',
  EALREADY: 'connection already in progress',
  EBADF: 'bad file descriptor',
  EBUSY: 'resource busy or locked',
  ECANCELED: 'operation canceled',
  ECONNABORTED: 'software caused connection abort',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset by peer',
  EDESTADDRREQ: 'destination address required',
  EEXIST: 'file already exists',
  EFAULT: 'bad address in system call argument',
  EFBIG: 'file too large',
  EFTYPE: 'inappropriate file type or format',
  EHOSTDOWN: 'host is down',
  EHOSTUNREACH: 'host is unreachable',
  EILSEQ: 'illegal byte sequence',
  EINTR: 'interrupted system call',
  EINVAL: 'invalid argument',
  EIO: 'i/o error',
  EISCONN: 'socket is already connected',
  EISDIR: 'illegal operation on a directory',
  ELOOP: 'too many symbolic links encountered',
  EMFILE: 'too many open files',
  EMLINK: 'too many links',
  EMSGSIZE: 'message too long',
  ENAMETOOLONG: 'name too long',
  ENETDOWN: 'network is down',
  ENETUNREACH: 'network is unreachable',
  ENFILE: 'file table overflow',
  ENOATTR: 'no data available',
  ENOBUFS: 'no buffer space available',
  ENODATA: 'no data available',
  ENODEV: 'no such device',
  ENOENT: 'no such file or directory',
  ENOMEM: 'not enough memory',
  ENOPROTOOPT: 'protocol not available',
  ENOSPC: 'no space left on device',
  ENOSYS: 'function not implemented',
  ENOTCONN: 'socket is not connected',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'directory not empty',
  ENOTSOCK: 'socket operation on non-socket',
  ENOTSUP: 'operation not supported on socket',
  ENOTTY: 'inappropriate ioctl for device',
  ENXIO: 'no such device or address',
  EOPNOTSUPP: 'operation not supported on socket',
  EOVERFLOW: 'value too large for defined data type',
  EPERM: 'operation not permitted',
  EPIPE: 'broken pipe',
  EPROTO: 'protocol error',
  EPROTONOSUPPORT: 'protocol not supported',
  EPROTOTYPE: 'protocol wrong type for socket',
  ERANGE: 'result too large',
  EROFS: 'read-only file system',
  ESHUTDOWN: 'cannot send after transport endpoint shutdown',
  ESOCKTNOSUPPORT: 'socket type not supported',
  ESPIPE: 'invalid seek',
  ESRCH: 'no such process',
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
  const linux = LINUX[code as ErrnoCode];
  return linux === undefined ? UV_UNKNOWN : -linux;
}

/** The words of libuv: `no such file or directory` for ENOENT; `unknown error` for what is no code. */
export function libuvMessage(code: string): string {
  return MESSAGE[code as ErrnoCode] ?? errnoByCode(code)?.message.toLowerCase() ?? 'unknown error';
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
  return FROM_LINUX.get(Math.abs(errno)) ?? ERR.EINVAL;
}

const FROM_LINUX: ReadonlyMap<number, Errno> = new Map(
  (Object.entries(LINUX) as [ErrnoCode, number][])
    .filter(([code]) => code !== 'ENOTSUP' && code !== 'ENOATTR')
    .map(([code, n]) => [n, ERR[code]]),
);
