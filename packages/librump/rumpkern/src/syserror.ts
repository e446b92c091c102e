/** What callers of the kernel see of a failure. */
import { ERR, type Errno } from '@anykernel/lib-sys';

/** What a failed system call throws: Node's shape, with NetBSD's number. */
export class SystemError extends Error {
  override readonly name: string = 'SystemError';
  readonly code: string;
  /** NetBSD's number, positive. */
  readonly errno: number;
  readonly syscall: string;
  declare readonly path?: string;
  declare readonly dest?: string;

  /** `text`: the error's, as libuv has it, or none. */
  constructor(error: Errno, text: string, syscall: string, path?: string, dest?: string) {
    super(`${error.code}${text && `: ${text}`}, ${syscall}${path === undefined ? '' : ` '${path}'`}${dest === undefined ? '' : ` -> '${dest}'`}`);
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

/** The kernel has stopped: a panic, or a halt. */
export class KernelStopped extends Error {
  override readonly name: string = 'KernelStopped';
}
