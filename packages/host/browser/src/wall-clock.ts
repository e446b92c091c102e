/**
 * Wall time as fine as the platform's monotonic clock. Date.now() has milliseconds only, but follows the machine when its clock is set or it has slept.
 */
import type { WallTime } from '@anykernel/host-rumpuser';

/** Both clocks are blurred by platforms that hide from attackers: what differs by less is the same time. */
const TOLERANCE_MS = 20;

export class WallClock {
  /** Milliseconds since 1970 when performance.now() was 0. */
  #origin = Date.now() - performance.now();

  /** Fills `time` in place. */
  read(time: WallTime): void {
    const machine = Date.now();
    const now = performance.now();
    if (Math.abs(machine - this.#origin - now) > TOLERANCE_MS) this.#origin = machine - now;
    const ms = this.#origin + now;
    const sec = Math.floor(ms / 1000);
    time.sec = sec;
    time.nsec = Math.floor((ms - sec * 1000) * 1e6);
  }
}
