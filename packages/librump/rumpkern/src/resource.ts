/**
 * Resource limits of a process: kept for all resources, obeyed for open descriptors (RLIMIT_NOFILE) and the length of files
 * (RLIMIT_FSIZE). A child has its own, equal to its parent's until one of them changes.
 */
import { ERR, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIM_INFINITY, RLIM_NLIMITS, type Rlimit, SIGXFSZ } from '@anykernel/lib-sys';
import type { Lwp } from './proc.js';

const NOFILE_SOFT = 1024;
/** No limit on descriptors goes beyond this one. */
const NOFILE_MAX = 65_536;

const UNLIMITED: Rlimit = Object.freeze({ cur: RLIM_INFINITY, max: RLIM_INFINITY });

export class Limits {
  /** Descriptors are below it. */
  nofile = NOFILE_SOFT;
  /** The longest file, in bytes. */
  fsize: number = RLIM_INFINITY;
  /** Those that were set, by resource. */
  #set: Rlimit[] | undefined;

  /** EINVAL: no such resource. */
  get(resource: number): Rlimit {
    if (!Number.isInteger(resource) || resource < 0 || resource >= RLIM_NLIMITS) throw ERR.EINVAL;
    return this.#set?.[resource] ?? (resource === RLIMIT_NOFILE ? { cur: NOFILE_SOFT, max: NOFILE_MAX } : UNLIMITED);
  }

  /** EINVAL: no such resource, no numbers, or `cur` beyond `max`. EPERM: only the superuser raises a maximum. */
  set(resource: number, to: Rlimit, privileged: boolean): void {
    const now = this.get(resource);
    const cap = resource === RLIMIT_NOFILE ? NOFILE_MAX : RLIM_INFINITY;
    const max = Math.min(to.max, cap);
    const cur = Math.min(to.cur, cap);
    if (!(cur >= 0 && max >= 0 && cur <= max)) throw ERR.EINVAL;
    if (max > now.max && !privileged) throw ERR.EPERM;
    this.#set = this.#set?.slice() ?? [];
    this.#set[resource] = Object.freeze({ cur, max });
    if (resource === RLIMIT_NOFILE) this.nofile = cur;
    if (resource === RLIMIT_FSIZE) this.fsize = cur;
  }

  copy(): Limits {
    const copy = new Limits();
    copy.nofile = this.nofile;
    copy.fsize = this.fsize;
    copy.#set = this.#set;
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
