/** Workqueues: items that are handed to a function, one after another, when the kernel has nothing more urgent: as a soft interrupt. */
import { Fifo } from './fifo.js';
import type { Kernel } from './kernel.js';
import { Softint } from './softint.js';

export class Workqueue<T> {
  readonly #items = new Fifo<T>();
  readonly #si: Softint;

  /** `fn` runs as an interrupt does: it must not sleep. */
  constructor(
    k: Kernel,
    private readonly fn: (item: T) => void,
  ) {
    this.#si = new Softint(k, () => this.#run());
  }

  /** Items that wait. */
  get length(): number {
    return this.#items.length;
  }

  enqueue(item: T): void {
    this.#items.push(item);
    this.#si.schedule();
  }

  /** Items that were handed over before this run; those that come meanwhile are for the next one. */
  #run(): void {
    for (let n = this.#items.length; n > 0; n--) {
      const item = this.#items.shift() as T;
      if (this.#items.length > 0) this.#si.schedule();
      this.fn(item);
    }
  }
}
