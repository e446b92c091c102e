/**
 * Alarms: one for each owner, on the timers of a platform.
 *
 * What is due rings at the event loop's next turn, everything else after whole milliseconds, rounded up: an alarm may ring late by a
 * millisecond, never early, and nothing spins. A timer that rings before its alarm (it was put off, or lies beyond what timers can do) is set again.
 */

const NS_PER_MS = 1_000_000;
/** Timers take 31 bits of milliseconds. */
const LONGEST_MS = 0x7fffffff;

/** What rings once, unless it is cancelled before. */
export interface Timer {
  cancel(): void;
  /** Whether the program must not end before it rings; it is so at first. */
  hold(on: boolean): void;
}

/** The timers of a platform. */
export interface Timers {
  /** Nanoseconds, monotonic. */
  mono(): number;
  /** From the event loop, as soon as may be, in the order in which they were asked for. */
  soon(fn: () => void): Timer;
  /** From the event loop, in `ms` whole milliseconds. */
  after(ms: number, fn: () => void): Timer;
}

interface Alarm {
  at: number;
  fn: () => void;
  hold: boolean;
  /** When the timer rings: not later than `at` is due. */
  rings: number;
  timer: Timer | undefined;
}

export class Alarms {
  readonly #timers: Timers;
  readonly #byOwner = new Map<object, Alarm>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** See Rumpuser.alarm(). */
  set(owner: object, at: number, fn: () => void, hold: boolean): void {
    const alarm = this.#byOwner.get(owner);
    if (at === Infinity) {
      alarm?.timer?.cancel();
      this.#byOwner.delete(owner);
      return;
    }
    if (alarm === undefined) {
      const fresh: Alarm = { at, fn, hold, rings: Infinity, timer: undefined };
      this.#byOwner.set(owner, fresh);
      this.#arm(owner, fresh);
      return;
    }
    alarm.at = at;
    alarm.fn = fn;
    if (alarm.hold !== hold) {
      alarm.hold = hold;
      alarm.timer?.hold(hold);
    }
    if (at < alarm.rings) {
      alarm.timer?.cancel();
      this.#arm(owner, alarm);
    }
  }

  #arm(owner: object, alarm: Alarm): void {
    const now = this.#timers.mono();
    const ring = (): void => this.#ring(owner, alarm);
    if (alarm.at <= now) {
      alarm.rings = now;
      alarm.timer = this.#timers.soon(ring);
    } else {
      const ms = Math.min(Math.ceil((alarm.at - now) / NS_PER_MS), LONGEST_MS);
      alarm.rings = Math.min(alarm.at, now + ms * NS_PER_MS);
      alarm.timer = this.#timers.after(ms, ring);
    }
    if (!alarm.hold) alarm.timer.hold(false);
  }

  #ring(owner: object, alarm: Alarm): void {
    alarm.timer = undefined;
    if (this.#timers.mono() < alarm.at) {
      this.#arm(owner, alarm);
      return;
    }
    this.#byOwner.delete(owner);
    alarm.fn();
  }
}
