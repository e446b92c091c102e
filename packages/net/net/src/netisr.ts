/** Network interrupts: packets wait for their family's input, which runs as a soft interrupt and never within another layer's output. */
import type { Kernel, Softint } from '@anykernel/rumpkern';
import { type Mbuf, type Mbufs, Pktq } from '@anykernel/rumpnet';
import type { Ifnet } from './ifnet.js';

/** Packets that may wait. */
const ISRQ_MAXLEN = 1024;
/** Packets of one run: then others have their turn. */
const BUDGET = 64;

/** A network layer's input: `m` starts at its header, and is its own. */
export type Input = (m: Mbuf, ifp: Ifnet) => void;

export class Netisr {
  readonly queue: Pktq = new Pktq(ISRQ_MAXLEN);
  readonly #softint: Softint;

  constructor(
    k: Kernel,
    readonly mbufs: Mbufs,
    interfaces: readonly (Ifnet | undefined)[],
    input: Input,
  ) {
    this.#softint = k.softint(() => {
      for (let i = 0; i < BUDGET; i++) {
        const m = this.queue.dequeue();
        if (m === undefined) return;
        const ifp = interfaces[m.rcvif];
        if (ifp === undefined) mbufs.free(m);
        else input(m, ifp);
      }
      if (this.queue.len > 0) this.#softint.schedule();
    });
  }

  /** Owns `m`. Returns whether there was room. */
  schedule(m: Mbuf): boolean {
    if (!this.queue.enqueue(m)) {
      this.mbufs.free(m);
      return false;
    }
    this.#softint.schedule();
    return true;
  }

  /** Everything that waits is dropped. */
  drain(): void {
    for (let m = this.queue.dequeue(); m !== undefined; m = this.queue.dequeue()) this.mbufs.free(m);
  }
}
