/**
 * What ukfs hears of files from the kernel: one kqueue for all that an `fs` watches, with an EVFILT_VNODE knote on a descriptor for each.
 *
 * A knote tells of its own vnode only: that a directory was changed, and to which names, but not how. That is for its watcher to find out (watch.ts).
 */
import {
  EVFILT_VNODE, EV_ADD, EV_CLEAR, type EntryNames, Errno, Kevent, NOTE_ATTRIB, NOTE_DELETE, NOTE_EXTEND, NOTE_LINK, NOTE_RENAME, NOTE_REVOKE, NOTE_WRITE, O_CLOEXEC,
  O_NONBLOCK,
} from '@anykernel/lib-sys';
import { turn } from './host.js';
import { type Op, type Runner, attempt } from './run.js';

/** What is asked for. */
const NOTES = NOTE_DELETE | NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB | NOTE_LINK | NOTE_RENAME | NOTE_REVOKE;

/** Events that are taken at a time. */
const BATCH = 64;

export class Knotes {
  readonly #runner: Runner;
  #kq = -1;
  /** Whom to tell, by descriptor. */
  readonly #told = new Map<number, (notes: number) => void>();

  constructor(runner: Runner) {
    this.#runner = runner;
  }

  /** Watches what `path` names: a descriptor for drop(), or an Errno. `told` is called with NOTE_* in a turn of its own. `names`: of entries in it. */
  *add(path: string | Uint8Array, told: (notes: number) => void, names?: EntryNames): Op<number | Errno> {
    const fd = yield* attempt('open', [path, O_NONBLOCK | O_CLOEXEC, 0]);
    if (fd instanceof Errno) return fd;
    const e = yield* this.#register(fd, names);
    if (e instanceof Errno) {
      yield* attempt('close', [fd]);
      return e;
    }
    this.#told.set(fd, told);
    return fd;
  }

  *#register(fd: number, names: EntryNames | undefined): Op<number | Errno> {
    const fresh = this.#kq < 0;
    if (fresh) {
      const kq = yield* attempt('kqueue1', [O_CLOEXEC]);
      if (kq instanceof Errno) return kq;
      this.#kq = kq;
    }
    const change = new Kevent(fd, EVFILT_VNODE, EV_ADD | EV_CLEAR, NOTES, 0, names);
    const made = yield* attempt('kevent', [this.#kq, [change], [], undefined]);
    if (fresh) void this.#listen(this.#kq);
    return made;
  }

  /** Watches no more. With the last one, the queue goes. */
  drop(fd: number): void {
    if (!this.#told.delete(fd)) return;
    this.#runner.now(attempt('close', [fd]));
    if (this.#told.size > 0) return;
    const kq = this.#kq;
    this.#kq = -1;
    this.#runner.now(attempt('close', [kq]));
  }

  /** Waits for events as long as the queue is there. */
  async #listen(kq: number): Promise<void> {
    const { call } = this.#runner.p;
    while (this.#kq === kq) {
      const events: Kevent[] = Array.from({ length: BATCH }, () => new Kevent());
      let count: number;
      try {
        count = await call.kevent(kq, [], events, undefined);
      } catch {
        // The queue was closed, or the process or its kernel has ended.
        return;
      }
      await turn();
      for (const e of events.slice(0, count)) this.#told.get(e.ident)?.(e.fflags);
    }
  }
}
