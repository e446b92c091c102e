/**
 * Sleeping by restart.
 *
 * A system call that cannot go on throws the one Sleep token, naming what it waits for. The entry layer parks the lwp; wakeup() makes it
 * runnable, and the call is executed again from its start, with the progress that it recorded in its uio and its deadline kept.
 * Whoever sleeps has changed nothing but these. (Ford et al., "Interface and Execution Models in the Fluke Kernel", OSDI 1999.)
 */
import { ERR } from '@anykernel/lib-sys';
import { Fifo } from './fifo.js';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';

/** The token. Never looked into; nobody but the entry layer and an undo catches it. */
export class Sleep {
  readonly name = 'Sleep';
}
export const SLEEP: Sleep = Object.freeze(new Sleep());

/** Anything with an identity can be waited for. */
export type WaitChannel = object;

/**
 * Channels of nobody, which are always in the map of those who sleep: V8 makes a map anew when a deletion leaves it nearly empty, and when as many were
 * added as it has room for, and both cost more than a whole short call.
 */
const NOBODY: readonly (readonly [WaitChannel, undefined])[] = Array.from({ length: 17 }, () => [{}, undefined] as const);

/** The lwps that sleep, by wait channel and in the order in which they came, and those that may run again. */
export class SleepQueue {
  readonly #k: Kernel;
  /** The first of each channel's ring of lwps (Lwp.qnext, qprev). */
  readonly #waiting = new Map<WaitChannel, Lwp | undefined>(NOBODY);
  readonly #runnable = new Fifo<Lwp>();
  /** Lwps asleep now. */
  count = 0;

  constructor(k: Kernel) {
    this.#k = k;
  }

  /** Parks `l` on the channel that it named in sleep(). */
  park(l: Lwp): void {
    const chan = l.wchan;
    if (chan === undefined) throw new Error('park without a channel');
    l.restarts++;
    l.wokenFor = undefined;
    const first = this.#waiting.get(chan);
    if (first === undefined) this.#waiting.set(chan, l);
    else link(l, first);
    l.parked = true;
    if (l.fp !== undefined) l.fp.sleepers++;
    this.count++;
    if (l.wakeAt !== Infinity) l.sleepCallout?.scheduleAt(l.wakeAt);
  }

  /** Makes everybody who waits for `chan` runnable. */
  wakeup(chan: WaitChannel): void {
    const first = this.#waiting.get(chan);
    if (first === undefined) return;
    this.#waiting.delete(chan);
    const last = first.qprev;
    for (let l = first; ; ) {
      const next = l.qnext;
      this.#ready(l);
      if (l === last) return;
      l = next;
    }
  }

  /**
   * Makes the one runnable that has waited for `chan` longest. It takes what it came for, and wakes the next one if it leaves something;
   * should it end without having taken it, the next one is woken in its place.
   */
  wakeupOne(chan: WaitChannel): void {
    const first = this.#waiting.get(chan);
    if (first === undefined) return;
    this.#unlink(first, chan);
    first.wokenFor = chan;
    this.#ready(first);
  }

  /** Makes one lwp runnable, whatever it waits for: a deadline, a signal, the end of its process. */
  unsleep(l: Lwp): void {
    if (l.parked) {
      this.#unlink(l, l.wchan as WaitChannel);
      this.#ready(l);
    }
  }

  /** Whether anybody waits for `chan`. */
  waits(chan: WaitChannel): boolean {
    return this.#waiting.has(chan);
  }

  /** The next lwp to run. */
  next(): Lwp | undefined {
    return this.#runnable.shift();
  }

  /** `l` was woken alone, and ends without having taken what it came for: the next one is woken. */
  passOn(l: Lwp): void {
    const chan = l.wokenFor;
    l.wokenFor = undefined;
    if (chan !== undefined) this.wakeupOne(chan);
  }

  /** Everybody is made runnable: the kernel ends. */
  wakeAll(): void {
    for (const chan of [...this.#waiting.keys()]) this.wakeup(chan);
  }

  #unlink(l: Lwp, chan: WaitChannel): void {
    if (l.qnext === l) {
      this.#waiting.delete(chan);
      return;
    }
    if (this.#waiting.get(chan) === l) this.#waiting.set(chan, l.qnext);
    l.qprev.qnext = l.qnext;
    l.qnext.qprev = l.qprev;
  }

  #ready(l: Lwp): void {
    l.qnext = l.qprev = l;
    l.parked = false;
    if (l.fp !== undefined) l.fp.sleepers--;
    this.count--;
    l.sleepCallout?.stop();
    l.wchan = undefined;
    this.#runnable.push(l);
    this.#k.pending = true;
  }
}

/** Puts `l` at the end of the ring that begins with `first`. */
function link(l: Lwp, first: Lwp): void {
  l.qnext = first;
  l.qprev = first.qprev;
  first.qprev.qnext = l;
  first.qprev = l;
}

/**
 * Puts the current lwp to sleep on `chan` until wakeup(chan), or until the monotonic time `wakeAt` (ns). Never returns: the call starts
 * again. EINTR: a signal has come. ENOSYS: a bare kernel has no time limits. The caller looks at its deadline itself, before it sleeps.
 */
export function sleepOn(l: Lwp, chan: WaitChannel, wakeAt: number): never {
  if (l.interrupted) {
    l.interrupted = false;
    l.proc.interrupts = false;
    throw ERR.EINTR;
  }
  if (wakeAt !== Infinity) l.sleepCallout ??= l.k.callouts.ofSleep(l);
  l.wchan = chan;
  l.wakeAt = wakeAt;
  throw SLEEP;
}
