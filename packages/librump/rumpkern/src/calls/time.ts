/** System calls of time: clocks, sleeping, timers. */
import {
  CLOCK_MONOTONIC, CLOCK_REALTIME, ERR, type Handlers, ITIMER_MONOTONIC, ITIMER_REAL, type Itimerspec, SIGALRM, SIGEV_NONE, SIGEV_SIGNAL, TIMER_ABSTIME,
  type Timespec, type rumpkernCalls,
} from '@anykernel/lib-sys';
import { Callout } from '../callout.js';
import type { Kernel } from '../kernel.js';
import type { Lwp, Proc } from '../proc.js';
import { psignal } from '../signal.js';
import { NS, durationOf, itimerspecOf, nsOf, timespecOf } from '../time.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

/** Timers that one process may have. */
const TIMER_MAX = 32;
/** The last second that a Date of the language can be. */
const CLOCK_MAX = 8.64e12;
/** The most that timer_getoverrun() tells. */
const DELAYTIMER_MAX = 32;

/** EINVAL: a clock that this kernel has not. */
function checkClock(clock: number): void {
  if (clock !== CLOCK_REALTIME && clock !== CLOCK_MONOTONIC) throw ERR.EINVAL;
}

function now(k: Kernel, clock: number): Timespec {
  checkClock(clock);
  if (clock === CLOCK_MONOTONIC) return timespecOf(k.mono());
  const time = { sec: 0, nsec: 0 };
  k.wall(time);
  return time;
}

/** How long it is from now to a point in time of `clock`, ns; never below zero. */
function until(k: Kernel, clock: number, at: Timespec): number {
  nsOf(at);
  const time = now(k, clock);
  return Math.max(0, (at.sec - time.sec) * NS + (at.nsec - time.nsec));
}

function sleepFor(l: Lwp, ns: number): void {
  const deadline = l.deadline(ns);
  if (l.k.mono() < deadline) l.k.sleep(l, deadline);
}

/** A timer of a process. */
class Timer {
  interval = 0;
  /** Times that it went off while its signal was still pending. */
  overrun = 0;
  readonly #callout: Callout;
  #next = Infinity;

  constructor(
    readonly p: Proc,
    readonly clock: number,
    readonly signo: number | undefined,
  ) {
    this.#callout = new Callout(p.k, () => this.#ring(), true);
  }

  get left(): number {
    return this.#callout.pending ? Math.max(1, this.#next - this.p.k.mono()) : 0;
  }

  stop(): void {
    this.#callout.stop();
  }

  get spec(): Itimerspec {
    return itimerspecOf(this.left, this.interval);
  }

  /** Sets it anew; zero stops it. EINVAL. */
  set(to: Itimerspec, absolute: boolean): Itimerspec {
    const interval = durationOf(to.interval);
    const value = durationOf(to.value);
    const before = this.spec;
    this.#callout.stop();
    this.interval = interval;
    this.overrun = 0;
    if (value === 0) return before;
    this.#next = this.p.k.mono() + (absolute ? until(this.p.k, this.clock, to.value) : value);
    this.#callout.scheduleAt(this.#next);
    return before;
  }

  #ring(): void {
    if (this.interval > 0) {
      const missed = Math.max(0, Math.floor((this.p.k.mono() - this.#next) / this.interval));
      this.#next += (missed + 1) * this.interval;
      this.overrun = Math.min(DELAYTIMER_MAX, this.overrun + missed);
      this.#callout.scheduleAt(this.#next);
    }
    if (this.signo === undefined) return;
    if (this.p.sig.pending.includes(this.signo)) this.overrun = Math.min(DELAYTIMER_MAX, this.overrun + 1);
    psignal(this.p, this.signo);
  }
}

/** All timers of a process: those of setitimer(2) by their number, those of timer_create(2) from TIMER_FIRST on. */
type Timers = (Timer | undefined)[];

const TIMER_FIRST = 4;

function timersOf(p: Proc): Timers {
  return (p.timers ??= []) as Timers;
}

/** The timers of a process that ends. */
export function stopTimers(p: Proc): void {
  for (const timer of (p.timers ?? []) as Timers) timer?.stop();
  p.timers = undefined;
}

/** EINVAL: no such timer. */
function timerOf(l: Lwp, id: number): Timer {
  const timer = id >= 0 ? timersOf(l.proc)[id + TIMER_FIRST] : undefined;
  if (timer === undefined) throw ERR.EINVAL;
  return timer;
}

/** The interval timer `which`. EINVAL: none of real time. */
function itimer(l: Lwp, which: number): Timer {
  if (which !== ITIMER_REAL && which !== ITIMER_MONOTONIC) throw ERR.EINVAL;
  return (timersOf(l.proc)[which] ??= new Timer(l.proc, which === ITIMER_REAL ? CLOCK_REALTIME : CLOCK_MONOTONIC, SIGALRM));
}

export const timeCalls: Pick<
  Calls,
  | 'gettimeofday' | 'settimeofday' | 'adjtime' | 'clock_gettime' | 'clock_settime' | 'clock_getres' | 'nanosleep' | 'clock_nanosleep' | 'setitimer'
  | 'getitimer' | 'timer_create' | 'timer_delete' | 'timer_getoverrun' | 'timer_settime' | 'timer_gettime'
> = {
  gettimeofday(l) {
    const { sec, nsec } = now(l.k, CLOCK_REALTIME);
    return { sec, nsec: nsec - (nsec % 1000) };
  },
  settimeofday(l, to) {
    setClock(l, to);
  },
  adjtime(l, delta) {
    const ns = nsOf(delta);
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    return timespecOf(l.k.clock.adjust(ns));
  },
  clock_gettime: (l, clock) => now(l.k, clock),
  clock_settime(l, clock, to) {
    if (clock !== CLOCK_REALTIME) throw ERR.EINVAL;
    setClock(l, to);
  },
  clock_getres(_l, clock) {
    checkClock(clock);
    return { sec: 0, nsec: 1 };
  },

  nanosleep: (l, time) => sleepFor(l, durationOf(time)),
  clock_nanosleep(l, clock, flags, time) {
    checkClock(clock);
    if (flags !== TIMER_ABSTIME) return sleepFor(l, durationOf(time));
    const ns = until(l.k, clock, time);
    if (ns > 0) l.k.sleep(l, l.k.mono() + ns);
  },

  setitimer: (l, which, to) => itimer(l, which).set(to, false),
  getitimer: (l, which) => itimer(l, which).spec,

  /** EINVAL: the clock, or the event. EAGAIN: too many timers. */
  timer_create(l, clock, event) {
    checkClock(clock);
    const notify = event?.notify ?? SIGEV_SIGNAL;
    if (notify !== SIGEV_NONE && notify !== SIGEV_SIGNAL) throw ERR.EINVAL;
    const signo = notify === SIGEV_NONE ? undefined : (event?.signo ?? SIGALRM);
    if (signo !== undefined && !(signo > 0 && signo < 64)) throw ERR.EINVAL;
    const timers = timersOf(l.proc);
    let id = 0;
    while (timers[id + TIMER_FIRST] !== undefined) id++;
    if (id >= TIMER_MAX) throw ERR.EAGAIN;
    timers[id + TIMER_FIRST] = new Timer(l.proc, clock, signo);
    return id;
  },
  timer_delete(l, id) {
    timerOf(l, id).stop();
    timersOf(l.proc)[id + TIMER_FIRST] = undefined;
  },
  timer_getoverrun: (l, id) => timerOf(l, id).overrun,
  timer_settime: (l, id, flags, to) => timerOf(l, id).set(to, (flags & TIMER_ABSTIME) !== 0),
  timer_gettime: (l, id) => timerOf(l, id).spec,
};

/** EINVAL. EPERM. */
function setClock(l: Lwp, to: Timespec): void {
  if (durationOf(to) > CLOCK_MAX * NS) throw ERR.EINVAL;
  if (!l.proc.cred.isRoot) throw ERR.EPERM;
  l.k.clock.set(to);
}
