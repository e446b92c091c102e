/** What callers of the kernel see of a failure. */
import { bytestrOf, fromBytestr } from '@anykernel/lib-bytes';
import { ERR, Errno, libuvMessage } from '@anykernel/lib-sys';
import { bytesArg } from './copyin.js';
import type { Lwp } from './proc.js';
import { SLEEP } from './sleep.js';
import type { Sysent } from './syscalls.js';

/** What a failed system call throws: Node's shape, with NetBSD's number. */
export class SystemError extends Error {
  override readonly name: string = 'SystemError';
  readonly code: string;
  /** NetBSD's number, positive. */
  readonly errno: number;
  readonly syscall: string;
  declare readonly path?: string;
  declare readonly dest?: string;

  /** `text`: the error's, as libuv has it. */
  constructor(error: Errno, text: string, syscall: string, path?: string, dest?: string) {
    super(`${error.code}: ${text}, ${syscall}${path === undefined ? '' : ` '${path}'`}${dest === undefined ? '' : ` -> '${dest}'`}`);
    this.code = error.code;
    this.errno = error.errno;
    this.syscall = syscall;
    if (path !== undefined) this.path = path;
    if (dest !== undefined) this.dest = dest;
  }
}

/** A synchronous system call would have had to wait. It has not happened: use `p.call`, or try again later. */
export class WouldSleep extends SystemError {
  override readonly name: string = 'WouldSleep';
  constructor(syscall: string) {
    super(ERR.EAGAIN, 'resource temporarily unavailable', syscall);
  }
}

/** What callers are told of a failure. Anything but an Errno or a sleep is a fault of the kernel, and ends it. */
export function userError(l: Lwp, se: Sysent, error: unknown, args: readonly unknown[]): unknown {
  if (error === SLEEP) return new WouldSleep(se.name);
  if (!(error instanceof Errno)) return l.k.panicked(error);
  const paths = args.filter((_, i) => se.spec.args[i] === 'path' || se.spec.args[i] === 'path?').map(pathText);
  return new SystemError(error, libuvMessage(error.code), se.name, paths[0], paths[1]);
}

/** Bytes of a path that an error shows. */
const PATH_TEXT_MAX = 4096;

/** For people: bytes as the text that they are meant to be. */
function pathText(path: unknown): string | undefined {
  if (typeof path === 'string') return path;
  try {
    const bytes = bytesArg(path);
    return fromBytestr(bytestrOf(bytes, 0, Math.min(bytes.length, PATH_TEXT_MAX)));
  } catch {
    return undefined;
  }
}
