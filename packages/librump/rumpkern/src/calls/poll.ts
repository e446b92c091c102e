/** System calls that wait for descriptors to be ready: poll, select, restarted until something holds or their time is over. */
import {
  ERR, FD_SETSIZE, type Handlers, INFTIM, POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDBAND, POLLRDNORM, type Pollfd, SIG_SETMASK,
  type SelectSets, type Timespec, type rumpkernCalls,
} from '@anykernel/lib-sys';
import type { Lwp } from '../proc.js';
import { selclear } from '../select.js';
import { SLEEP } from '../sleep.js';
import { durationOf } from '../time.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

/**
 * Runs `scan` until it counts something, for at most `ns` (Infinity: no limit; 0: once). An lwp is recorded with what it asks while it sleeps,
 * and not longer.
 */
function waitFor(l: Lwp, ns: number, scan: () => number): number {
  selclear(l);
  let sleeps = false;
  try {
    const found = scan();
    if (found > 0 || ns === 0) return found;
    const deadline = l.deadline(ns);
    if (l.k.mono() >= deadline) return 0;
    sleeps = true;
    return l.k.sleep(l, deadline);
  } catch (e) {
    sleeps &&= e === SLEEP && l.resume !== undefined;
    throw e;
  } finally {
    if (!sleeps) selclear(l);
  }
}

/** The same with a set of signals held back by the process, also while the call sleeps. */
export function masked<T>(l: Lwp, mask: readonly number[] | undefined, wait: () => T): T {
  if (mask === undefined) return wait();
  const { sig } = l.proc;
  l.sigmask ??= sig.procmask(SIG_SETMASK, mask);
  let sleeps = false;
  try {
    return wait();
  } catch (e) {
    sleeps = e === SLEEP && l.resume !== undefined;
    throw e;
  } finally {
    if (!sleeps) {
      const before = l.sigmask;
      l.sigmask = undefined;
      sig.procmask(SIG_SETMASK, before);
    }
  }
}

function pollFds(l: Lwp, fds: readonly Pollfd[]): number {
  let ready = 0;
  for (const p of fds) {
    p.revents = 0;
    if (p.fd < 0) continue;
    const f = l.proc.fd.peek(p.fd);
    p.revents = f === undefined ? POLLNVAL : f.ops.poll(f, p.events, l) & (p.events | POLLERR | POLLHUP | POLLNVAL);
    if (p.revents !== 0) ready++;
  }
  return ready;
}

/** EINVAL: longer than descriptors can be. */
function checkFds(l: Lwp, fds: readonly Pollfd[]): void {
  if (fds.length > Math.max(l.proc.limits.nofile, FD_SETSIZE)) throw ERR.EINVAL;
}

function timeoutOf(timeout: Timespec | undefined): number {
  return timeout === undefined ? Infinity : durationOf(timeout);
}

const READ_EVENTS: number = POLLIN | POLLRDNORM;
const EXCEPT_EVENTS: number = POLLPRI | POLLRDBAND;

/** The three sets: which events a bit asks for, and which answers set it. */
const SETS = [
  ['read', READ_EVENTS, READ_EVENTS | POLLHUP | POLLERR],
  ['write', POLLOUT, POLLOUT | POLLHUP | POLLERR],
  ['except', EXCEPT_EVENTS, EXCEPT_EVENTS],
] as const;

function select(l: Lwp, sets: SelectSets, ns: number): number {
  if (sets.nfds < 0 || sets.nfds > Math.max(l.proc.limits.nofile, FD_SETSIZE)) throw ERR.EINVAL;
  const bytes = (sets.nfds + 7) >> 3;
  for (const [which] of SETS) {
    const set = sets[which];
    if (set !== undefined && set.length < bytes) throw ERR.EFAULT;
  }
  // The caller's sets stay what they are until there is an answer.
  const answers = SETS.map(() => new Uint8Array(bytes));
  const found = waitFor(l, ns, () => scanSets(l, sets, answers));
  SETS.forEach(([which], i) => {
    sets[which]?.set(answers[i]);
  });
  return found;
}

function scanSets(l: Lwp, sets: SelectSets, answers: readonly Uint8Array[]): number {
  let ready = 0;
  SETS.forEach(([which, asked, holds], i) => {
    const set = sets[which];
    if (set === undefined) return;
    for (let fd = 0; fd < sets.nfds; fd++) {
      if ((set[fd >> 3] & (1 << (fd & 7))) === 0) continue;
      const f = l.proc.fd.get(fd);
      if ((f.ops.poll(f, asked, l) & holds) === 0) continue;
      answers[i][fd >> 3] |= 1 << (fd & 7);
      ready++;
    }
  });
  return ready;
}

export const pollCalls: Pick<Calls, 'poll' | 'pollts' | 'select' | 'pselect'> = {
  /** EINVAL: a time below zero that is not INFTIM. */
  poll(l, fds, timeoutMs) {
    checkFds(l, fds);
    if (!(timeoutMs >= 0 || timeoutMs === INFTIM)) throw ERR.EINVAL;
    return waitFor(l, timeoutMs === INFTIM ? Infinity : timeoutMs * 1e6, () => pollFds(l, fds));
  },
  pollts(l, fds, timeout, mask) {
    checkFds(l, fds);
    const ns = timeoutOf(timeout);
    return masked(l, mask, () => waitFor(l, ns, () => pollFds(l, fds)));
  },
  /** EBADF: one of the descriptors is not open. */
  select: (l, sets, timeout) => select(l, sets, timeoutOf(timeout)),
  pselect(l, sets, timeout, mask) {
    const ns = timeoutOf(timeout);
    return masked(l, mask, () => select(l, sets, ns));
  },
};
