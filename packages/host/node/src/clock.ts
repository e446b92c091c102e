/**
 * The two clocks.
 *
 * Monotonic time is process.hrtime() (45 ns a reading here; performance.now() takes 56, hrtime.bigint() 76 and makes garbage), counted from the
 * making of the host so that nanoseconds fit a number exactly. Wall time is monotonic time from a base, so it has its resolution: Date.now()
 * has milliseconds only, and it is behind by less than one of them. (performance.timeOrigin is exact, and takes 2 ms to load.) Once a second the base is
 * compared with Date.now(), and follows where somebody has set the machine's clock.
 */
import type { WallTime } from '@anykernel/host-rumpuser';

const NS_PER_SEC = 1_000_000_000;
const NS_PER_MS = 1_000_000;
/** Date.now() cuts to milliseconds and is read a moment later: what differs by less is the same time. */
const TOLERANCE_MS = 2;

export class Clock {
  readonly #startSec = process.hrtime()[0];
  /** Wall time at mono() = 0, and when to compare again. */
  #baseSec = 0;
  #baseNsec = 0;
  #compareAt = 0;

  constructor() {
    this.#rebase(Date.now());
  }

  /** Nanoseconds since the host was made, about. Never steps back. */
  mono(): number {
    const time = process.hrtime();
    return (time[0] - this.#startSec) * NS_PER_SEC + time[1];
  }

  /** Fills `time` in place. */
  wall(time: WallTime): void {
    const now = this.mono();
    if (now >= this.#compareAt) this.#compare(now);
    const nsec = this.#baseNsec + now;
    const sec = Math.floor(nsec / NS_PER_SEC);
    time.sec = this.#baseSec + sec;
    time.nsec = nsec - sec * NS_PER_SEC;
  }

  #compare(now: number): void {
    this.#compareAt = now + NS_PER_SEC;
    const machine = Date.now();
    const ours = this.#baseSec * 1000 + (this.#baseNsec + now) / NS_PER_MS;
    if (Math.abs(machine - ours) > TOLERANCE_MS) this.#rebase(machine);
  }

  /** From now on it is `ms` since 1970. */
  #rebase(ms: number): void {
    const start = ms - this.mono() / NS_PER_MS;
    this.#baseSec = Math.floor(start / 1000);
    this.#baseNsec = Math.round((start - this.#baseSec * 1000) * NS_PER_MS);
  }
}
