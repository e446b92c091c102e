/**
 * Resource limits of a process: kept for all resources, obeyed for open descriptors (RLIMIT_NOFILE) and the length of files
 * (RLIMIT_FSIZE). A child has its own, equal to its parent's until one of them changes.
 */
import { ERR, RLIM_INFINITY, type Rlimit, SIGXFSZ } from '@anykernel/lib-sys';
import type { Lwp } from './proc.js';

export const NOFILE_SOFT = 1024;

export class Limits {
  /** Descriptors are below it. */
  nofile = NOFILE_SOFT;
  /** The longest file, in bytes. */
  fsize: number = RLIM_INFINITY;
  /** Those that were set, by resource. */
  set: readonly Rlimit[] | undefined;

  copy(): Limits {
    const copy = new Limits();
    copy.nofile = this.nofile;
    copy.fsize = this.fsize;
    copy.set = this.set;
    return copy;
  }
}

/** A write of `len` bytes at `off` of a regular file: how many of them the limit allows. EFBIG, and SIGXFSZ: none. */
export function fsizeAllows(l: Lwp, off: number, len: number): number {
  const limit = l.proc.limits.fsize;
  if (off + len <= limit || len === 0) return len;
  if (off < limit) return limit - off;
  l.k.raise(l, SIGXFSZ);
  throw ERR.EFBIG;
}
