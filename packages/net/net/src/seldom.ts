/** What is said for a packet is said seldom: who sends many does not fill the log. */
import type { Kernel } from '@anykernel/rumpkern';

const SECOND = 1e9;
/** Lines of one kind in a second. */
const LINES_MAX = 5;

export class Seldom {
  #since = -Infinity;
  #count = 0;

  constructor(readonly k: Kernel) {}

  /** A line for the log, unless there were so many in this second. */
  say(text: () => string): void {
    const now = this.k.mono();
    if (now - this.#since >= SECOND) {
      this.#since = now;
      this.#count = 0;
    }
    if (this.#count++ < LINES_MAX) this.k.printf(text());
  }
}
