/**
 * Error numbers: NetBSD's (errno(2)), 1 EPERM to 96 EPROTO.
 *
 * Failure throws a preallocated Errno: `throw ERR.ENOENT`. It is no Error and has no stack, so it costs little; the entry layer
 * makes an Error in Node's shape of it (libuv.ts). Compare by identity: `if (err === ERR.EEXIST)`.
 */

/** The codes, in the order of their numbers: from 1 without a gap. */
const CODES = [
  'EPERM', 'ENOENT', 'ESRCH', 'EINTR', 'EIO', 'ENXIO', 'E2BIG', 'ENOEXEC', 'EBADF', 'ECHILD', 'EDEADLK', 'ENOMEM', 'EACCES', 'EFAULT', 'ENOTBLK',
  'EBUSY', 'EEXIST', 'EXDEV', 'ENODEV', 'ENOTDIR', 'EISDIR', 'EINVAL', 'ENFILE', 'EMFILE', 'ENOTTY', 'ETXTBSY', 'EFBIG', 'ENOSPC', 'ESPIPE', 'EROFS',
  'EMLINK', 'EPIPE', 'EDOM', 'ERANGE', 'EAGAIN', 'EINPROGRESS', 'EALREADY', 'ENOTSOCK', 'EDESTADDRREQ', 'EMSGSIZE', 'EPROTOTYPE', 'ENOPROTOOPT',
  'EPROTONOSUPPORT', 'ESOCKTNOSUPPORT', 'EOPNOTSUPP', 'EPFNOSUPPORT', 'EAFNOSUPPORT', 'EADDRINUSE', 'EADDRNOTAVAIL', 'ENETDOWN', 'ENETUNREACH',
  'ENETRESET', 'ECONNABORTED', 'ECONNRESET', 'ENOBUFS', 'EISCONN', 'ENOTCONN', 'ESHUTDOWN', 'ETOOMANYREFS', 'ETIMEDOUT', 'ECONNREFUSED', 'ELOOP',
  'ENAMETOOLONG', 'EHOSTDOWN', 'EHOSTUNREACH', 'ENOTEMPTY', 'EPROCLIM', 'EUSERS', 'EDQUOT', 'ESTALE', 'EREMOTE', 'EBADRPC', 'ERPCMISMATCH',
  'EPROGUNAVAIL', 'EPROGMISMATCH', 'EPROCUNAVAIL', 'ENOLCK', 'ENOSYS', 'EFTYPE', 'EAUTH', 'ENEEDAUTH', 'EIDRM', 'ENOMSG', 'EOVERFLOW', 'EILSEQ',
  'ENOTSUP', 'ECANCELED', 'EBADMSG', 'ENODATA', 'ENOSR', 'ENOSTR', 'ETIME', 'ENOATTR', 'EMULTIHOP', 'ENOLINK', 'EPROTO',
] as const;

/** The name of an error. EWOULDBLOCK is another word for EAGAIN and no code of its own. */
export type ErrnoCode = (typeof CODES)[number];

/** The largest error number. */
export const ELAST = 96;

/** A failure: thrown without a stack, one object for each code, compared by identity. */
export class Errno {
  readonly code: ErrnoCode;
  readonly errno: number;

  constructor(code: ErrnoCode, errno: number) {
    this.code = code;
    this.errno = errno;
  }

  /** The code. Its text is strerror(3)'s: strerror.ts. */
  toString(): string {
    return this.code;
  }
}

/** One Errno for each code, and EWOULDBLOCK, which is EAGAIN. */
export type ErrnoTable = { readonly [K in ErrnoCode]: Errno } & { readonly EWOULDBLOCK: Errno };

/** Every code, by number. */
export const errnoCodes: readonly ErrnoCode[] = CODES;

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
  for (const code of CODES) table[code] = Object.freeze(new Errno(code, ++errno));
  table['EWOULDBLOCK'] = table['EAGAIN']!;
  return Object.freeze(table) as ErrnoTable;
}
