/** A time of idleness, measured by the kernel's clock: each use puts it off. It does not keep the program running. */
import { Callout, type Kernel } from '@anykernel/rumpkern';

const NS_PER_MS = 1e6;

export class IdleTimeout {
  readonly #k: Kernel;
  readonly #ring: Callout;
  #ns = 0;
  #used = 0;

  constructor(k: Kernel, over: () => void) {
    this.#k = k;
    this.#ring = new Callout(k, () => {
      // It is not put off with each use, but looks when it rings.
      const left = this.#used + this.#ns - k.mono();
      if (left > 0) this.#ring.schedule(left);
      else process.nextTick(over);
    });
  }

  /** Begins anew; 0: no time. */
  set(ms: number): void {
    this.#ns = ms * NS_PER_MS;
    this.#used = this.#k.mono();
    if (this.#k.stopped !== undefined) return;
    this.#k.run(() => {
      this.#ring.stop();
      if (ms > 0) this.#ring.schedule(this.#ns);
    });
  }

  /** The socket was used. */
  touch(): void {
    if (this.#ns === 0) return;
    this.#used = this.#k.mono();
    if (!this.#ring.pending && this.#k.stopped === undefined) this.#k.run(() => this.#ring.schedule(this.#ns));
  }

  stop(): void {
    this.#ns = 0;
    if (this.#ring.pending) this.#k.run(() => this.#ring.stop());
  }
}
