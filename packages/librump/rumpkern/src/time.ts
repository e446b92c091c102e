/**
 * Time: the wall clock over the host's (with the kernel's own offset, since the host's clock is not ours to set), and records of time as
 * nanoseconds.
 *
 * Monotonic time is a number of nanoseconds; wall time is seconds and nanoseconds, since a number has not enough digits for both.
 */
import type { Rumpuser, WallTime } from '@anykernel/host-rumpuser';
import { ERR, type Itimerspec, type Timespec, timespecValid } from '@anykernel/lib-sys';

export const NS = 1_000_000_000;
/** adjtime(2) changes the clock by half a hundredth, as NetBSD does. */
const SLEW = 0.005;

/** The wall clock of a kernel. */
export class Clock {
  readonly #host: Rumpuser;
  /** What the kernel's clock is ahead of the host's: seconds, and ns to add. */
  #sec = 0;
  #nsec = 0;
  /** What adjtime() still has to add, as of `#since` (monotonic ns). */
  #adjust = 0;
  #since = 0;

  constructor(host: Rumpuser) {
    this.#host = host;
  }

  /** Fills `time` with the wall time. */
  wall(time: WallTime): void {
    this.#host.clockWall(time);
    if (this.#adjust !== 0) this.#slew();
    if (this.#sec === 0 && this.#nsec === 0) return;
    const nsec = time.nsec + this.#nsec;
    const carry = Math.floor(nsec / NS);
    time.sec += this.#sec + carry;
    time.nsec = nsec - carry * NS;
  }

  /** Sets the clock. */
  set(to: Timespec): void {
    this.#adjust = 0;
    const now: WallTime = { sec: 0, nsec: 0 };
    this.#host.clockWall(now);
    this.#sec = to.sec - now.sec;
    this.#nsec = to.nsec - now.nsec;
  }

  /** Adds `ns` little by little; returns what was left of the adjustment before. */
  adjust(ns: number): number {
    this.#slew();
    const left = this.#adjust;
    this.#adjust = ns;
    this.#since = this.#host.clockMono();
    return left;
  }

  #slew(): void {
    const now = this.#host.clockMono();
    const most = Math.round((now - this.#since) * SLEW);
    const part = Math.max(-most, Math.min(most, this.#adjust));
    this.#since = now;
    this.#adjust -= part;
    this.#nsec += part;
  }
}

/** EINVAL: it is no time. */
export function nsOf(ts: Timespec): number {
  if (!timespecValid(ts)) throw ERR.EINVAL;
  return ts.sec * NS + ts.nsec;
}

/** A length of time. EINVAL: it is none, or below zero. */
export function durationOf(ts: Timespec): number {
  const ns = nsOf(ts);
  if (ns < 0) throw ERR.EINVAL;
  return ns;
}

export function timespecOf(ns: number): Timespec {
  const sec = Math.floor(ns / NS);
  return { sec, nsec: Math.floor(ns - sec * NS) };
}

/** A timer from what is left until it goes off and its period, ns. */
export function itimerspecOf(leftNs: number, intervalNs: number): Itimerspec {
  return { interval: timespecOf(intervalNs), value: timespecOf(leftNs) };
}
