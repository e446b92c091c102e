/**
 * Clocks, timers and the time records: NetBSD's values.
 */

export const CLOCK_REALTIME = 0;
export const CLOCK_VIRTUAL = 1;
export const CLOCK_PROF = 2;
export const CLOCK_MONOTONIC = 3;
export const CLOCK_THREAD_CPUTIME_ID = 0x2000_0000;
export const CLOCK_PROCESS_CPUTIME_ID = 0x4000_0000;

export const TIMER_RELTIME = 0;
export const TIMER_ABSTIME = 1;

export const ITIMER_REAL = 0;
export const ITIMER_VIRTUAL = 1;
export const ITIMER_PROF = 2;
export const ITIMER_MONOTONIC = 3;

/** Seconds (whole, also negative) and nanoseconds 0..999999999. Calls which NetBSD gives a timeval use it too, to whole microseconds. */
export interface Timespec {
  readonly sec: number;
  readonly nsec: number;
}

/** A timer: its period (zero: once) and what is left until it goes off (zero: not set). */
export interface Itimerspec {
  readonly interval: Timespec;
  readonly value: Timespec;
}

/** Whether both fields are whole numbers in range: what EINVAL asks. */
export function timespecValid(ts: Timespec): boolean {
  return Number.isSafeInteger(ts.sec) && Number.isInteger(ts.nsec) && ts.nsec >= 0 && ts.nsec < 1_000_000_000;
}
