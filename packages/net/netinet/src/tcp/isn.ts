/**
 * Initial sequence numbers (RFC 6528): a clock of 4 microseconds plus a keyed hash of both ends, so that those of one pair of ends go up (RFC 9293 3.4.1),
 * and nobody else foresees them. The same for the offsets of timestamps (RFC 7323 5.4).
 */
import { addrsInto, type Ends } from '../flow.js';
import type { SipHash } from '../siphash.js';

export class Isn {
  readonly #secret: SipHash;
  readonly #words = new Int32Array(10);
  #least = 0;
  #bounded = false;
  /** The offset that goes with the number made last. */
  tsOffset = 0;

  constructor(secret: SipHash) {
    this.#secret = secret;
  }

  /** The initial sequence number for these ends at a time in units of 4 microseconds. */
  make(e: Ends, ticks: number): number {
    const w = this.#words;
    addrsInto(w, e);
    w[8] = (e.lport << 16) | e.fport;
    const hash = this.#secret.hash(w, 9);
    this.tsOffset = this.#secret.high;
    const isn = (hash + ticks) | 0;
    return this.#bounded && ((isn - this.#least) | 0) < 0 ? this.#least : isn;
  }

  /** The next number is for ends whose last connection used those up to `least`. */
  beyond(least: number): void {
    this.#least = least;
    this.#bounded = true;
  }

  anywhere(): void {
    this.#bounded = false;
  }
}
