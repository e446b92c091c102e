/**
 * Kernel event queues (kqueue(2)): knotes, the lists that they hang on, and the queue that collects those which are active.
 *
 * A knote watches one thing for one filter. Whatever is watched keeps a Klist and calls note() when it changes; the filter looks and says
 * whether the knote is active. A queue is a file: it can be polled and watched itself, belongs to one descriptor table, and is not
 * inherited. When a descriptor is closed, the knotes on it go.
 */
import {
  ERR, EVFILT_READ, EVFILT_USER, EVFILT_VNODE, EVFILT_WRITE, EV_ADD, EV_CLEAR, EV_DELETE, EV_DISABLE, EV_DISPATCH, EV_ENABLE, EV_ERROR,
  EV_ONESHOT, EV_RECEIPT, Errno, Kevent,
} from '@anykernel/lib-sys';
import { Fifo } from './fifo.js';
import { File, type Filedesc, type Fileops, FREAD, FWRITE } from './filedesc.js';
import type { Kernel } from './kernel.js';
import type { Lwp } from './proc.js';
import { Selinfo } from './select.js';

/** What a filter does with a knote. */
export interface Filterops {
  /**
   * Whether the knote is active. Sets `data`, and EV_EOF in `flags` and `fflags` where they apply. `hint` is what note() was told, 0: look; `name`
   * is to whom in a directory it happened.
   */
  event(kn: Knote, hint: number, name?: string): boolean;
  /** The knote goes. */
  detach(kn: Knote): void;
  /** A change by kevent(2) to a knote that is there (user and timer filters); otherwise `fflags` and `data` are taken over. */
  touch?(kn: Knote, change: Kevent): void;
  /** The event has been given to the caller and was EV_CLEAR. */
  cleared?(kn: Knote): void;
}

export class Knote {
  /** EV_* flags, and EV_EOF as the filter sets it. */
  flags: number;
  /** Returned: what has happened. */
  fflags = 0;
  data = 0;
  /** Asked for: notes, and a value that the filter knows (low water mark, period). */
  sfflags: number;
  sdata: number;
  udata: unknown;
  /** Belongs to the filter. */
  fop!: Filterops;
  hook: unknown = undefined;
  disabled = false;
  active = false;
  /** It is in the queue's list. */
  queued = false;
  /** It was taken out. */
  dropped = false;

  constructor(
    readonly kq: Kqueue,
    readonly ident: number,
    readonly filter: number,
    /** The file of descriptor `ident`, for filters on descriptors. */
    readonly file: File | undefined,
    change: Kevent,
  ) {
    this.flags = change.flags & KEPT;
    this.sfflags = change.fflags;
    this.sdata = change.data;
    this.udata = change.udata;
  }

  /** Something has happened: looks, and becomes active. */
  note(hint: number, name?: string): void {
    if (this.dropped || !this.fop.event(this, hint, name)) return;
    this.active = true;
    this.kq.enqueue(this);
  }
}

/** The knotes that watch one thing. */
export class Klist {
  #knotes: Set<Knote> | undefined;

  get empty(): boolean {
    return this.#knotes === undefined || this.#knotes.size === 0;
  }

  insert(kn: Knote): void {
    (this.#knotes ??= new Set()).add(kn);
  }

  remove(kn: Knote): void {
    this.#knotes?.delete(kn);
  }

  note(hint: number, name?: string): void {
    if (this.#knotes !== undefined) for (const kn of this.#knotes) kn.note(hint, name);
  }
}

/** Gives a knote its filter, on a list that is told of changes. */
export function knoteAttach(kn: Knote, klist: Klist, event: Filterops['event']): void {
  klist.insert(kn);
  kn.fop = { event, detach: (gone) => klist.remove(gone) };
}

/** Flags that a knote keeps. */
const KEPT: number = EV_ONESHOT | EV_CLEAR | EV_DISPATCH;
/** Filters whose ident is a descriptor. */
const ON_FILES: readonly number[] = [EVFILT_READ, EVFILT_WRITE, EVFILT_VNODE];

export class Kqueue {
  readonly sel: Selinfo = new Selinfo();
  readonly #knotes = new Map<number, Map<number, Knote>>();
  /** Active knotes, oldest first, and entries of some that have gone meanwhile (not `queued`). */
  readonly #queue = new Fifo<Knote>();
  /** Knotes that are queued. */
  #ready = 0;

  constructor(
    readonly k: Kernel,
    readonly table: Filedesc,
  ) {
    (table.kqueues ??= new Set()).add(this);
  }

  /** Events that could be taken now. */
  get ready(): number {
    return this.#ready;
  }

  /** An active knote waits to be taken. */
  enqueue(kn: Knote): void {
    if (kn.queued || kn.disabled) return;
    kn.queued = true;
    this.#queue.push(kn);
    if (this.#ready++ === 0) this.#tell();
  }

  /** Queues that watch queues become ready in turn: one after another, so that a long chain of them takes no stack. */
  #tell(): void {
    this.k.wakeup(this);
    const { kqready } = this.k;
    kqready.push(this);
    if (kqready.length > 1) return;
    for (const kq of kqready) kq.sel.notify();
    kqready.length = 0;
  }

  #dequeue(kn: Knote): void {
    if (!kn.queued) return;
    kn.queued = false;
    this.#ready--;
  }

  /** Makes one change. EBADF: no such descriptor. ENOENT: no such knote. EINVAL: no such filter. EOPNOTSUPP: a filter without an implementation. */
  change(change: Kevent, l: Lwp): void {
    const { ident, filter, flags } = change;
    const f = ON_FILES.includes(filter) ? l.proc.fd.get(ident) : undefined;
    let kn = this.#knotes.get(filter)?.get(ident);
    if (kn === undefined) {
      if ((flags & EV_ADD) === 0) throw ERR.ENOENT;
      kn = this.#add(new Knote(this, ident, filter, f, change));
    } else if ((flags & EV_DELETE) !== 0) {
      this.drop(kn);
      return;
    } else {
      if ((flags & EV_ADD) !== 0) {
        kn.flags = (kn.flags & ~KEPT) | (change.flags & KEPT);
        kn.disabled = false;
      }
      kn.udata = change.udata;
      if (kn.fop.touch !== undefined) kn.fop.touch(kn, change);
      else if ((flags & EV_ADD) !== 0) {
        kn.sfflags = change.fflags;
        kn.sdata = change.data;
        kn.fflags = 0;
      }
    }
    if ((flags & EV_DISABLE) !== 0) {
      kn.disabled = true;
      this.#dequeue(kn);
    }
    if ((flags & EV_ENABLE) !== 0) kn.disabled = false;
    if (kn.active) this.enqueue(kn);
    else kn.note(0);
  }

  #add(kn: Knote): Knote {
    if (kn.file !== undefined) kn.file.ops.kqfilter(kn.file, kn);
    else {
      const attach = this.k.kqfilters.get(kn.filter);
      if (attach === undefined) throw kn.filter >= EVFILT_READ && kn.filter <= EVFILT_USER ? ERR.EOPNOTSUPP : ERR.EINVAL;
      attach(kn);
    }
    let byIdent = this.#knotes.get(kn.filter);
    if (byIdent === undefined) this.#knotes.set(kn.filter, (byIdent = new Map()));
    byIdent.set(kn.ident, kn);
    return kn;
  }

  /** Takes a knote out. */
  drop(kn: Knote): void {
    if (kn.dropped) return;
    kn.dropped = true;
    kn.fop.detach(kn);
    this.#dequeue(kn);
    this.#knotes.get(kn.filter)?.delete(kn.ident);
  }

  /** Fills `events` with what is active, from the start. Returns how many. */
  take(events: Kevent[], first: number): number {
    let filled = first;
    const again: Knote[] = [];
    while (filled < events.length) {
      const kn = this.#queue.shift();
      if (kn === undefined) break;
      if (!kn.queued) continue;
      kn.queued = false;
      this.#ready--;
      // What was active may have been used up by others.
      if ((kn.flags & (EV_ONESHOT | EV_CLEAR)) === 0 && !kn.fop.event(kn, 0)) {
        kn.active = false;
        continue;
      }
      fill(events, filled++, kn);
      if ((kn.flags & EV_ONESHOT) !== 0) this.drop(kn);
      else if ((kn.flags & (EV_CLEAR | EV_DISPATCH)) !== 0) {
        kn.fflags = 0;
        kn.data = 0;
        kn.active = false;
        kn.fop.cleared?.(kn);
        if ((kn.flags & EV_DISPATCH) !== 0) kn.disabled = true;
      } else again.push(kn);
    }
    for (const kn of again) this.enqueue(kn);
    return filled;
  }

  /** Descriptor `fd` of the table is closed. */
  fdClosed(fd: number): void {
    for (const filter of ON_FILES) {
      const kn = this.#knotes.get(filter)?.get(fd);
      if (kn !== undefined) this.drop(kn);
    }
  }

  /** The queue goes, with all that it watches. */
  close(): void {
    this.table.kqueues?.delete(this);
    for (const byIdent of this.#knotes.values()) for (const kn of [...byIdent.values()]) this.drop(kn);
  }
}

function fill(events: Kevent[], index: number, kn: Knote): void {
  const ev = (events[index] ??= new Kevent());
  ev.ident = kn.ident;
  ev.filter = kn.filter;
  ev.flags = kn.flags;
  ev.fflags = kn.fflags;
  ev.data = kn.data;
  ev.udata = kn.udata;
}

/** Makes the changes; what fails, and what wants a receipt, is put into `events`. Returns how many of those there are. */
export function makeChanges(kq: Kqueue, changes: readonly Kevent[], events: Kevent[], l: Lwp): number {
  let filled = 0;
  for (const change of changes) {
    let errno = 0;
    if (typeof change !== 'object' || change === null) throw ERR.EFAULT;
    try {
      kq.change(change, l);
      if ((change.flags & EV_RECEIPT) === 0) continue;
    } catch (e) {
      if (!(e instanceof Errno) || filled === events.length) throw e;
      errno = e.errno;
    }
    if (filled === events.length) continue;
    const ev = (events[filled++] ??= new Kevent());
    Object.assign(ev, { ident: change.ident, filter: change.filter, flags: EV_ERROR, fflags: change.fflags, data: errno, udata: change.udata });
  }
  return filled;
}

export function kqueueOf(f: File): Kqueue {
  return f.data as Kqueue;
}

function refuse(): never {
  throw ERR.EINVAL;
}

/** What a kqueue is as a file of a bare kernel: it is closed. */
export const bareKqueueFileops: Fileops = {
  name: 'kqueue', read: refuse, write: refuse, ioctl: refuse, poll: refuse, stat: refuse, kqfilter: refuse,
  close(f: File): void {
    kqueueOf(f).close();
  },
};

/** A new queue, open. */
export function newKqueue(l: Lwp, flags: number): File {
  return new File('kqueue', l.k.kqueueFileops, new Kqueue(l.k, l.proc.fd), FREAD | FWRITE | flags, l.proc.cred);
}

/** The queue behind a descriptor. EBADF: it is none. */
export function kqueueFile(f: File): Kqueue {
  if (f.type !== 'kqueue') throw ERR.EBADF;
  return kqueueOf(f);
}
