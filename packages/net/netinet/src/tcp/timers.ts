/**
 * The timers of all connections, over two callouts: connections in a heap, by the time when one of their timers may be due.
 *
 * A timer that is put off, as those of a busy connection are with every segment, is only a number that changes: the heap looks at the connection at
 * the earlier time, finds nothing due, and puts it where it belongs. So a segment costs the heap nothing, and a connection without timers is not in it.
 */
import { Callout, type Kernel } from '@anykernel/rumpkern';
import { LOSS_NONE, type Tcpcb, TIMER_DELACK, TIMER_KEEP, TIMER_LOSS, TIMER_MSL } from './tcpcb.js';

const NS_PER_MS = 1_000_000;

export class TcpTimers {
  readonly #heap: Tcpcb[] = [];
  /** What the kernel waits for; and the same while something is in flight, for which the program must not end. */
  readonly #callout: Callout;
  readonly #holding: Callout;
  /** Connections with something in flight. */
  holds = 0;
  /** When a callout rings. */
  #setFor = 0;
  #set = false;
  #running = false;

  constructor(
    readonly k: Kernel,
    readonly clock: { readonly nowMs: number; tick(): void },
    readonly expire: (tp: Tcpcb, due: number) => void,
  ) {
    const ring = (): void => this.#ring();
    this.#callout = new Callout(k, ring);
    this.#holding = new Callout(k, ring, true);
  }

  /** Connections that have a timer. */
  get count(): number {
    return this.#heap.length;
  }

  // -- one connection

  /** Sets the loss timer to ring in `ms`; `mode`: LOSS_*. */
  loss(tp: Tcpcb, mode: number, ms: number): void {
    tp.lossMode = mode;
    tp.lossAtMs = (this.clock.nowMs + ms) | 0;
    tp.armed |= TIMER_LOSS;
    this.#sooner(tp, tp.lossAtMs);
  }

  delack(tp: Tcpcb, ms: number): void {
    tp.delackAtMs = (this.clock.nowMs + ms) | 0;
    tp.armed |= TIMER_DELACK;
    this.#sooner(tp, tp.delackAtMs);
  }

  keep(tp: Tcpcb, ms: number): void {
    tp.keepAtMs = (this.clock.nowMs + ms) | 0;
    tp.armed |= TIMER_KEEP;
    this.#sooner(tp, tp.keepAtMs);
  }

  msl(tp: Tcpcb, ms: number): void {
    tp.mslAtMs = (this.clock.nowMs + ms) | 0;
    tp.armed |= TIMER_MSL;
    this.#sooner(tp, tp.mslAtMs);
  }

  stop(tp: Tcpcb, which: number): void {
    tp.armed &= ~which;
    if ((which & TIMER_LOSS) !== 0) tp.lossMode = LOSS_NONE;
  }

  /** The connection is gone. */
  remove(tp: Tcpcb): void {
    tp.armed = 0;
    tp.lossMode = LOSS_NONE;
    if (tp.heapIndex >= 0) this.#take(tp);
  }

  /** What is due is done now, should the host be too busy to ring: for calls that make new connections. */
  poll(): void {
    const first = this.#heap[0];
    if (first !== undefined && !this.#running && ((first.heapAtMs - this.clock.nowMs) | 0) <= 0) this.#ring();
  }

  /** All are forgotten: the protocol leaves the kernel. */
  clear(): void {
    this.#callout.stop();
    this.#holding.stop();
    for (const tp of this.#heap) tp.heapIndex = -1;
    this.#heap.length = 0;
  }

  // -- the heap

  #sooner(tp: Tcpcb, atMs: number): void {
    if (tp.heapIndex < 0) {
      tp.heapAtMs = atMs;
      tp.heapIndex = this.#heap.length;
      this.#heap.push(tp);
      this.#up(tp);
    } else if (((atMs - tp.heapAtMs) | 0) < 0) {
      tp.heapAtMs = atMs;
      this.#up(tp);
    } else return;
    if (tp.heapIndex === 0 && !this.#running) this.#schedule();
  }

  /** Sets a callout for the first of the heap, unless one rings before. */
  #schedule(): void {
    const first = this.#heap[0];
    if (first === undefined) return;
    const hold = this.holds > 0;
    if (this.#set && ((this.#setFor - first.heapAtMs) | 0) <= 0 && (!hold || this.#holding.pending)) return;
    this.#set = true;
    this.#setFor = first.heapAtMs;
    const wait = (first.heapAtMs - this.clock.nowMs) | 0;
    // Whole milliseconds of the clock, so that what is due at one millisecond rings together.
    const at = (Math.floor(this.k.mono() / NS_PER_MS) + (wait > 0 ? wait : 0)) * NS_PER_MS;
    this.#callout.stop();
    this.#holding.stop();
    (hold ? this.#holding : this.#callout).scheduleAt(at);
  }

  #ring(): void {
    this.#set = false;
    this.#running = true;
    this.clock.tick();
    try {
      for (let tp = this.#heap[0]; tp !== undefined; tp = this.#heap[0]) {
        if (((tp.heapAtMs - this.clock.nowMs) | 0) > 0) break;
        this.#look(tp);
      }
    } finally {
      this.#running = false;
      this.#schedule();
    }
  }

  /** What of it is due is told to the protocol; then it goes to its next time. */
  #look(tp: Tcpcb): void {
    const now = this.clock.nowMs;
    let due = 0;
    if ((tp.armed & TIMER_LOSS) !== 0 && ((tp.lossAtMs - now) | 0) <= 0) due |= TIMER_LOSS;
    if ((tp.armed & TIMER_DELACK) !== 0 && ((tp.delackAtMs - now) | 0) <= 0) due |= TIMER_DELACK;
    if ((tp.armed & TIMER_KEEP) !== 0 && ((tp.keepAtMs - now) | 0) <= 0) due |= TIMER_KEEP;
    if ((tp.armed & TIMER_MSL) !== 0 && ((tp.mslAtMs - now) | 0) <= 0) due |= TIMER_MSL;
    this.#take(tp);
    tp.armed &= ~due;
    if (due !== 0) this.expire(tp, due);
    if (tp.armed !== 0) this.#sooner(tp, nextOf(tp, this.clock.nowMs));
  }

  #take(tp: Tcpcb): void {
    const heap = this.#heap;
    const at = tp.heapIndex;
    const last = heap.pop()!;
    tp.heapIndex = -1;
    if (last === tp) return;
    heap[at] = last;
    last.heapIndex = at;
    this.#up(last);
    this.#down(last);
  }

  #up(tp: Tcpcb): void {
    const heap = this.#heap;
    let at = tp.heapIndex;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const other = heap[above]!;
      if (((other.heapAtMs - tp.heapAtMs) | 0) <= 0) break;
      heap[at] = other;
      other.heapIndex = at;
      at = above;
    }
    heap[at] = tp;
    tp.heapIndex = at;
  }

  #down(tp: Tcpcb): void {
    const heap = this.#heap;
    const count = heap.length;
    let at = tp.heapIndex;
    for (;;) {
      let below = 2 * at + 1;
      if (below >= count) break;
      if (below + 1 < count && ((heap[below + 1]!.heapAtMs - heap[below]!.heapAtMs) | 0) < 0) below++;
      const other = heap[below]!;
      if (((tp.heapAtMs - other.heapAtMs) | 0) <= 0) break;
      heap[at] = other;
      other.heapIndex = at;
      at = below;
    }
    heap[at] = tp;
    tp.heapIndex = at;
  }
}

/** The earliest of its timers. */
function nextOf(tp: Tcpcb, now: number): number {
  let wait = 0x7fff_ffff;
  if ((tp.armed & TIMER_LOSS) !== 0) wait = least(wait, (tp.lossAtMs - now) | 0);
  if ((tp.armed & TIMER_DELACK) !== 0) wait = least(wait, (tp.delackAtMs - now) | 0);
  if ((tp.armed & TIMER_KEEP) !== 0) wait = least(wait, (tp.keepAtMs - now) | 0);
  if ((tp.armed & TIMER_MSL) !== 0) wait = least(wait, (tp.mslAtMs - now) | 0);
  return (now + wait) | 0;
}

function least(a: number, b: number): number {
  return a < b ? a : b;
}
