/**
 * getrlimit(2): NetBSD's values.
 */

export const RLIMIT_CPU = 0;
export const RLIMIT_FSIZE = 1;
export const RLIMIT_DATA = 2;
export const RLIMIT_STACK = 3;
export const RLIMIT_CORE = 4;
export const RLIMIT_RSS = 5;
export const RLIMIT_MEMLOCK = 6;
export const RLIMIT_NPROC = 7;
export const RLIMIT_NOFILE = 8;
export const RLIMIT_SBSIZE = 9;
export const RLIMIT_AS = 10;
export const RLIMIT_NTHR = 11;
export const RLIM_NLIMITS = 12;

/** No limit. In NetBSD's structures it is 2^63 - 1. */
export const RLIM_INFINITY: number = Infinity;

export interface Rlimit {
  readonly cur: number;
  readonly max: number;
}
