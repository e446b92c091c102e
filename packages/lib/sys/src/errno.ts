/**
 * Error numbers: NetBSD's (errno(2)), 1 EPERM to 96 EPROTO.
 *
 * Failure throws a preallocated Errno: `throw ERR.ENOENT`. It is no Error and has no stack, so it costs little; the entry layer
 * makes an Error in Node's shape of it (libuv.ts). Compare by identity: `if (err === ERR.EEXIST)`.
 */

/** The message of each error, as strerror(3) prints it, in the order of their numbers: from 1 without a gap. */
const TABLE = {
  EPERM: 'Operation not permitted',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
  EINTR: 'Interrupted system call',
  EIO: 'Input/output error',
  ENXIO: 'Device not configured',
  E2BIG: 'Argument list too long',
  ENOEXEC: 'Exec format error',
  EBADF: 'Bad file descriptor',
  ECHILD: 'No child processes',
  EDEADLK: 'Resource deadlock avoided',
  ENOMEM: 'Cannot allocate memory',
  EACCES: 'Permission denied',
  EFAULT: 'Bad address',
  ENOTBLK: 'Block device required',
  EBUSY: 'Device busy',
  EEXIST: 'File exists',
  EXDEV: 'Cross-device link',
  ENODEV: 'Operation not supported by device',
  ENOTDIR: 'Not a directory',
  EISDIR: 'Is a directory',
  EINVAL: 'Invalid argument',
  ENFILE: 'Too many open files in system',
  EMFILE: 'Too many open files',
  ENOTTY: 'Inappropriate ioctl for device',
  ETXTBSY: 'Text file busy',
  EFBIG: 'File too large',
  ENOSPC: 'No space left on device',
  ESPIPE: 'Illegal seek',
  EROFS: 'Read-only file system',
  EMLINK: 'Too many links',
  EPIPE: 'Broken pipe',
  EDOM: 'Numerical argument out of domain',
  ERANGE: 'Result too large or too small',
  EAGAIN: 'Resource temporarily unavailable',
  EINPROGRESS: 'Operation now in progress',
  EALREADY: 'Operation already in progress',
  ENOTSOCK: 'Socket operation on non-socket',
  EDESTADDRREQ: 'Destination address required',
  EMSGSIZE: 'Message too long',
  EPROTOTYPE: 'Protocol wrong type for socket',
  ENOPROTOOPT: 'Protocol option not available',
  EPROTONOSUPPORT: 'Protocol not supported',
  ESOCKTNOSUPPORT: 'Socket type not supported',
  EOPNOTSUPP: 'Operation not supported',
  EPFNOSUPPORT: 'Protocol family not supported',
  EAFNOSUPPORT: 'Address family not supported by protocol family',
  EADDRINUSE: 'Address already in use',
  EADDRNOTAVAIL: "Can't assign requested address",
  ENETDOWN: 'Network is down',
  ENETUNREACH: 'Network is unreachable',
  ENETRESET: 'Network dropped connection on reset',
  ECONNABORTED: 'Software caused connection abort',
  ECONNRESET: 'Connection reset by peer',
  ENOBUFS: 'No buffer space available',
  EISCONN: 'Socket is already connected',
  ENOTCONN: 'Socket is not connected',
  ESHUTDOWN: "Can't send after socket shutdown",
  ETOOMANYREFS: "Too many references: can't splice",
  ETIMEDOUT: 'Operation timed out',
  ECONNREFUSED: 'Connection refused',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  EHOSTDOWN: 'Host is down',
  EHOSTUNREACH: 'No route to host',
  ENOTEMPTY: 'Directory not empty',
  EPROCLIM: 'Too many processes',
  EUSERS: 'Too many users',
  EDQUOT: 'Disc quota exceeded',
  ESTALE: 'Stale NFS file handle',
  EREMOTE: 'Too many levels of remote in path',
  EBADRPC: 'RPC struct is bad',
  ERPCMISMATCH: 'RPC version wrong',
  EPROGUNAVAIL: 'RPC prog. not avail',
  EPROGMISMATCH: 'Program version wrong',
  EPROCUNAVAIL: 'Bad procedure for program',
  ENOLCK: 'No locks available',
  ENOSYS: 'Function not implemented',
  EFTYPE: 'Inappropriate file type or format',
  EAUTH: 'Authentication error',
  ENEEDAUTH: 'Need authenticator',
  EIDRM: 'Identifier removed',
  ENOMSG: 'No message of desired type',
  EOVERFLOW: 'Value too large to be stored in data type',
  EILSEQ: 'Illegal byte sequence',
  ENOTSUP: 'Not supported',
  ECANCELED: 'Operation canceled',
  EBADMSG: 'Bad or Corrupt message',
  ENODATA: 'No message available',
  ENOSR: 'No STREAM resources',
  ENOSTR: 'Not a STREAM',
  ETIME: 'STREAM ioctl timeout',
  ENOATTR: 'Attribute not found',
  EMULTIHOP: 'Multihop attempted',
  ENOLINK: 'Link has been severed',
  EPROTO: 'Protocol error',
} as const;

/** The name of an error. EWOULDBLOCK is another word for EAGAIN and no code of its own. */
export type ErrnoCode = keyof typeof TABLE;

/** The largest error number. */
export const ELAST = 96;

/** A failure: thrown without a stack, one object for each code, compared by identity. */
export class Errno {
  readonly code: ErrnoCode;
  readonly errno: number;
  readonly message: string;

  constructor(code: ErrnoCode, errno: number, message: string) {
    this.code = code;
    this.errno = errno;
    this.message = message;
  }

  toString(): string {
    return `${this.code}: ${this.message}`;
  }
}

/** One Errno for each code, and EWOULDBLOCK, which is EAGAIN. */
export type ErrnoTable = { readonly [K in ErrnoCode]: Errno } & { readonly EWOULDBLOCK: Errno };

/** Every code, by number. */
export const errnoCodes: readonly ErrnoCode[] = Object.keys(TABLE) as ErrnoCode[];

/** The preallocated errors: `throw ERR.EROFS`. */
export const ERR: ErrnoTable = makeTable();

/** The error with this number; undefined when there is none. */
export function errnoByNumber(errno: number): Errno | undefined {
  const code = errnoCodes[errno - 1];
  return code === undefined ? undefined : ERR[code];
}

/** The error with this name (EWOULDBLOCK too); undefined when NetBSD has no such name. */
export function errnoByCode(code: string): Errno | undefined {
  return Object.hasOwn(ERR, code) ? ERR[code as ErrnoCode] : undefined;
}

function makeTable(): ErrnoTable {
  const table: Record<string, Errno> = {};
  let errno = 0;
  for (const code of errnoCodes) table[code] = Object.freeze(new Errno(code, ++errno, TABLE[code]));
  table['EWOULDBLOCK'] = table['EAGAIN']!;
  return Object.freeze(table) as ErrnoTable;
}
