/**
 * Soft interrupts: work that a hard interrupt or a system call puts off until the outermost entry leaves the kernel.
 *
 * A run has a budget; what is left then runs from the host's event loop, so that the host lives.
 */
import type { Kernel } from './kernel.js';

export class Softint {
  scheduled = false;
  constructor(
    readonly k: Kernel,
    readonly fn: () => void,
  ) {}

  /** Runs the function once, soon. More calls before it runs are the same one. */
  schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.k.softints.push(this);
    this.k.pending = true;
  }
}
