/**
 * Asynchronous I/O (aio(3)): NetBSD's values, and the control block.
 */
import type { Sigevent } from './signal.js';

export const AIO_CANCELED = 1;
export const AIO_NOTCANCELED = 2;
export const AIO_ALLDONE = 3;

export const LIO_NOP = 0;
export const LIO_WRITE = 1;
export const LIO_READ = 2;
export const LIO_NOWAIT = 0;
export const LIO_WAIT = 1;

/** One transfer. The object itself names it in the calls that follow; the kernel keeps `buf` until it is done. */
export interface Aiocb {
  readonly fd: number;
  readonly off: number;
  readonly buf: Uint8Array;
  /** LIO_*: of lio_listio(2) only. */
  readonly opcode?: number;
  readonly sigevent?: Sigevent;
}
