/** Node's timers: setImmediate() for what is due, setTimeout() for everything else. */
import type { Timer, Timers } from '@anykernel/lib-hostkit';
import type { Clock } from './clock.js';

export class NodeTimers implements Timers {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  mono(): number {
    return this.#clock.mono();
  }

  soon(fn: () => void): Timer {
    const immediate = setImmediate(fn);
    return { cancel: () => clearImmediate(immediate), hold: (on) => void hold(immediate, on) };
  }

  after(ms: number, fn: () => void): Timer {
    const timeout = setTimeout(fn, ms);
    return { cancel: () => clearTimeout(timeout), hold: (on) => void hold(timeout, on) };
  }
}

function hold(timer: NodeJS.Timeout | NodeJS.Immediate, on: boolean): void {
  if (on) timer.ref();
  else timer.unref();
}
