/**
 * Alarms: one for each owner, on Node's timers.
 *
 * What is due is a setImmediate(), everything else a setTimeout() of whole milliseconds, rounded up: an alarm may ring late by a millisecond,
 * never early, and nothing spins. A timer that rings before its alarm (it was put off, or lies beyond what setTimeout() can do) is set again.
 */
import type { Clock } from './clock.js';

const NS_PER_MS = 1_000_000;
/** setTimeout() takes 31 bits. */
const LONGEST_MS = 0x7fffffff;

interface Alarm {
  at: number;
  fn: () => void;
  hold: boolean;
  /** When the timer rings, in the clock's time: not later than `at` is due. */
  rings: number;
  timer: NodeJS.Timeout | undefined;
  immediate: NodeJS.Immediate | undefined;
}

export class Alarms {
  readonly #clock: Clock;
  readonly #byOwner = new Map<object, Alarm>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** See Rumpuser.alarm(). */
  set(owner: object, at: number, fn: () => void, hold: boolean): void {
    const alarm = this.#byOwner.get(owner);
    if (at === Infinity) {
      if (alarm !== undefined) this.#drop(owner, alarm);
      return;
    }
    if (alarm === undefined) {
      const fresh: Alarm = { at, fn, hold, rings: Infinity, timer: undefined, immediate: undefined };
      this.#byOwner.set(owner, fresh);
      this.#arm(owner, fresh);
      return;
    }
    alarm.at = at;
    alarm.fn = fn;
    if (alarm.hold !== hold) {
      alarm.hold = hold;
      holdTimer(alarm);
    }
    if (at < alarm.rings) {
      clear(alarm);
      this.#arm(owner, alarm);
    }
  }

  #drop(owner: object, alarm: Alarm): void {
    clear(alarm);
    this.#byOwner.delete(owner);
  }

  #arm(owner: object, alarm: Alarm): void {
    const now = this.#clock.mono();
    const ring = (): void => this.#ring(owner, alarm);
    if (alarm.at <= now) {
      alarm.rings = now;
      alarm.immediate = setImmediate(ring);
    } else {
      const ms = Math.min(Math.ceil((alarm.at - now) / NS_PER_MS), LONGEST_MS);
      alarm.rings = Math.min(alarm.at, now + ms * NS_PER_MS);
      alarm.timer = setTimeout(ring, ms);
    }
    if (!alarm.hold) holdTimer(alarm);
  }

  #ring(owner: object, alarm: Alarm): void {
    alarm.timer = alarm.immediate = undefined;
    if (this.#clock.mono() < alarm.at) {
      this.#arm(owner, alarm);
      return;
    }
    this.#byOwner.delete(owner);
    alarm.fn();
  }
}

function holdTimer(alarm: Alarm): void {
  if (alarm.hold) {
    alarm.timer?.ref();
    alarm.immediate?.ref();
    return;
  }
  alarm.timer?.unref();
  alarm.immediate?.unref();
}

function clear(alarm: Alarm): void {
  clearTimeout(alarm.timer);
  clearImmediate(alarm.immediate);
  alarm.timer = alarm.immediate = undefined;
}
