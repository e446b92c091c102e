/**
 * Callouts: functions that run at a later time, on a hierarchical timing wheel over the host's one alarm.
 *
 * A callout belongs to whoever made it and can be scheduled again and again; scheduling replaces what was scheduled before.
 * The function runs as an interrupt does: it must not sleep.
 */
import type { Kernel } from './kernel.js';

export class Callout {
  /** When it rings, monotonic ns; Infinity when it is not scheduled. */
  at = Infinity;
  /** Its slot's list. */
  next: Callout | undefined = undefined;
  prev: Callout | undefined = undefined;
  slot = -1;
  /** Among those of one time, the order in which they were scheduled. */
  seq = 0;

  constructor(
    readonly k: Kernel,
    readonly fn: () => void,
    /** Somebody waits for it: the program must not end before it rings. */
    readonly hold = false,
  ) {}

  get pending(): boolean {
    return this.at !== Infinity;
  }

  /** Rings `ns` nanoseconds from now. */
  schedule(ns: number): void {
    this.scheduleAt(this.k.mono() + ns);
  }

  /** Rings at the monotonic time `at` (ns), or as soon as can be if that has passed. */
  scheduleAt(at: number): void {
    if (this.k.stopped !== undefined) return;
    if (this.pending) this.k.callouts.remove(this);
    this.at = at;
    this.k.callouts.insert(this);
  }

  /** Does not ring. Returns whether it was scheduled. */
  stop(): boolean {
    if (!this.pending) return false;
    this.k.callouts.remove(this);
    this.at = Infinity;
    return true;
  }
}
