/**
 * Readiness of all sockets of one process, from one event queue of the kernel: whoever has a socket is told when it can be read or written.
 *
 * Reading is watched all the time, by edge: what is told once must be read up to its end. Writing is watched for one event at a time. Whoever is told, is told in a
 * turn of the event loop of its own, as programs of Node expect of what comes from outside, though here it may come from within.
 */
import { EVFILT_READ, EVFILT_WRITE, EV_ADD, EV_CLEAR, EV_EOF, EV_ONESHOT, Kevent, O_CLOEXEC, type Timespec } from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';

/** Who is told. */
export interface Pollable {
  /** -1 when it has none any more. */
  readonly fd: number;
  /** There is something to read, or to accept: so many bytes, or connections; `ended`: nothing more comes after them. */
  onReadable(count: number, ended: boolean): void;
  onWritable(): void;
}

/** An event queue of the kernel. */
interface Queue {
  readonly fd: number;
}

/** Events that are taken at a time. */
const BATCH = 64;
const AT_ONCE: Timespec = { sec: 0, nsec: 0 };
/** A program does not end while something is held: as long as setInterval() can. */
const HOLD_MS = 0x7fff_ffff;

/** Does what listeners of the program's are part of. If one throws, `next` has its turn all the same: whoever is told by edge is not told again of what is left. */
export function goingOn<T>(fn: () => T, next: () => void): T {
  try {
    return fn();
  } catch (e) {
    setImmediate(next);
    throw e;
  }
}

export class Poller {
  readonly p: Proc;
  #queue: Queue | undefined;
  readonly #watched = new Set<Pollable>();
  /** What the program must not end before. */
  readonly #held = new Set<object>();
  #holder: NodeJS.Timeout | undefined;

  constructor(p: Proc) {
    this.p = p;
  }

  /** Watches a socket. Errno. */
  watch(one: Pollable): void {
    if (this.#queue === undefined) this.#open();
    this.#change(new Kevent(one.fd, EVFILT_READ, EV_ADD | EV_CLEAR, 0, 0, one));
    this.#watched.add(one);
  }

  /** Tells `one` when it can be written, once. */
  awaitWritable(one: Pollable): void {
    this.#change(new Kevent(one.fd, EVFILT_WRITE, EV_ADD | EV_ONESHOT, 0, 0, one));
  }

  /** The descriptor goes. The queue goes with the last one. */
  forget(one: Pollable): void {
    this.#watched.delete(one);
    const queue = this.#queue;
    if (this.#watched.size > 0 || queue === undefined) return;
    this.#queue = undefined;
    if (this.alive) this.p.bare.close(queue.fd);
  }

  /** The program does not end while `one` is held. */
  hold(one: object): void {
    this.#held.add(one);
    this.#holder ??= setInterval(() => undefined, HOLD_MS);
  }

  release(one: object): void {
    this.#held.delete(one);
    if (this.#held.size > 0) return;
    clearInterval(this.#holder);
    this.#holder = undefined;
  }

  #change(change: Kevent): void {
    this.p.bare.kevent((this.#queue as Queue).fd, [change], []);
  }

  #open(): void {
    this.#queue = { fd: this.p.bare.kqueue1(O_CLOEXEC) };
    void this.#listen(this.#queue);
  }

  /** Until the queue is closed; the next one may have its number. */
  async #listen(queue: Queue): Promise<void> {
    const kq = queue.fd;
    const events: Kevent[] = Array.from({ length: BATCH }, () => new Kevent());
    while (this.#queue === queue) {
      try {
        let count = await this.p.call.kevent(kq, [], events);
        await new Promise((resolve) => setImmediate(resolve));
        for (; count > 0 && this.#queue === queue && this.alive; count = this.p.bare.kevent(kq, [], events, AT_ONCE)) {
          for (let i = 0; i < count; i++) this.#tell(events[i] as Kevent);
          if (count < BATCH) break;
        }
      } catch (e) {
        // The queue was closed, or the process or its kernel has ended. What a listener throws is the program's.
        if (this.#queue === queue && this.alive) throw e;
        return;
      }
    }
  }

  /** Whether the process and its kernel are. */
  get alive(): boolean {
    return !this.p.exited && this.p.k.stopped === undefined;
  }

  #tell(event: Kevent): void {
    const one = event.udata as Pollable;
    event.udata = undefined;
    if (one.fd !== event.ident || !this.alive) return;
    try {
      if (event.filter === EVFILT_READ) one.onReadable(event.data, (event.flags & EV_EOF) !== 0);
      else one.onWritable();
    } catch (e) {
      // A listener of the program's: its failure is the program's, and others are told on.
      process.nextTick(() => {
        throw e;
      });
    }
  }
}
