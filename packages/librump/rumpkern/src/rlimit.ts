/** getrlimit(2) and setrlimit(2). */
import { ERR, RLIMIT_FSIZE, RLIMIT_NOFILE, RLIM_INFINITY, RLIM_NLIMITS, type Rlimit } from '@anykernel/lib-sys';
import { type Limits, NOFILE_SOFT } from './resource.js';

/** No limit on descriptors goes beyond this one. */
const NOFILE_MAX = 65_536;

const UNLIMITED: Rlimit = Object.freeze({ cur: RLIM_INFINITY, max: RLIM_INFINITY });

/** EINVAL: no such resource. */
export function getLimit(limits: Limits, resource: number): Rlimit {
  if (!Number.isInteger(resource) || resource < 0 || resource >= RLIM_NLIMITS) throw ERR.EINVAL;
  return limits.set?.[resource] ?? (resource === RLIMIT_NOFILE ? { cur: NOFILE_SOFT, max: NOFILE_MAX } : UNLIMITED);
}

/** EINVAL: no such resource, no numbers, or `cur` beyond `max`. EPERM: only the superuser raises a maximum. */
export function setLimit(limits: Limits, resource: number, to: Rlimit, privileged: boolean): void {
  const now = getLimit(limits, resource);
  const cap = resource === RLIMIT_NOFILE ? NOFILE_MAX : RLIM_INFINITY;
  const max = Math.min(to.max, cap);
  const cur = Math.min(to.cur, cap);
  if (!(cur >= 0 && max >= 0 && cur <= max)) throw ERR.EINVAL;
  if (max > now.max && !privileged) throw ERR.EPERM;
  const set = limits.set?.slice() ?? [];
  set[resource] = Object.freeze({ cur, max });
  limits.set = set;
  if (resource === RLIMIT_NOFILE) limits.nofile = cur;
  if (resource === RLIMIT_FSIZE) limits.fsize = cur;
}
