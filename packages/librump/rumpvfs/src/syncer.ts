/**
 * The syncer: writes what is dirty every so often, while there is a file system on a disk.
 *
 * It is a callout that enters the kernel as an lwp of its own, for it may sleep. It never keeps the program alive.
 */
import { Callout, type Kernel, type Lwp, SLEEP } from '@anykernel/rumpkern';
import type { Vfs } from './vfs.js';

/** vfs.sync.delay: seconds between two rounds. */
export const SYNC_DELAY = 30;

/** The one of a kernel. */
export function syncerOf(vfs: Vfs): Syncer {
  return vfs.k.specific(Syncer, () => {
    const syncer = new Syncer(vfs.k, () => vfs.sync(false));
    vfs.onRelease.push(() => syncer.stop());
    return syncer;
  });
}

export class Syncer {
  /** Seconds; 0: it does not run. */
  #delay = SYNC_DELAY;
  readonly #k: Kernel;
  readonly #sync: () => void;
  readonly #callout: Callout;
  #l: Lwp | undefined;
  #disks = 0;
  #busy = false;

  /** `sync` writes everything without waiting for it, and throws nothing but a sleep. */
  constructor(k: Kernel, sync: () => void) {
    this.#k = k;
    this.#sync = sync;
    this.#callout = new Callout(k, () => this.#round(), false);
  }

  get delay(): number {
    return this.#delay;
  }

  set delay(seconds: number) {
    this.#delay = seconds;
    this.#arm();
  }

  /** A file system on a disk is mounted. */
  hold(): void {
    this.#disks++;
    if (!this.#callout.pending) this.#arm();
  }

  /** It is gone. */
  rele(): void {
    this.#disks--;
    this.#arm();
  }

  stop(): void {
    this.#disks = 0;
    this.#callout.stop();
  }

  #arm(): void {
    this.#callout.stop();
    if (this.#disks > 0 && this.#delay > 0 && !this.#busy) this.#callout.schedule(this.#delay * 1e9);
  }

  #round(): void {
    this.#busy = true;
    const l = (this.#l ??= this.#k.proc0.newlwp());
    l.begin();
    this.#attempt(l);
  }

  /** One round, or what is left of it after a sleep. */
  #attempt(l: Lwp): void {
    const outer = this.#k.enter(l);
    try {
      this.#sync();
    } catch (e) {
      if (e !== SLEEP) throw e;
      l.resume = () => this.#attempt(l);
      this.#k.sleepq.park(l);
      return;
    } finally {
      this.#k.leave(outer);
    }
    this.#busy = false;
    this.#arm();
  }
}
