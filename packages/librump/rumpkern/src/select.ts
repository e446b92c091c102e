/**
 * Readiness: who waits in poll(2) or select(2) for a file, and who watches it by kqueue(2).
 *
 * What can become ready has a Selinfo. Its poll operation answers the events that hold, and records the lwp if none does (selrecord);
 * when something changes, notify() wakes those recorded and tells the knotes. A poller sleeps on itself, with a record in each Selinfo
 * that it asked; when it runs again it asks them all again.
 */
import { Klist } from './kqueue.js';
import type { Lwp } from './proc.js';

export class Selinfo {
  /** The knotes that watch. */
  readonly klist: Klist = new Klist();
  #lwps: Set<Lwp> | undefined;

  /** `l` wants to hear of the next change. */
  record(l: Lwp): void {
    const lwps = (this.#lwps ??= new Set());
    if (lwps.has(l)) return;
    lwps.add(l);
    (l.selinfos ??= []).push(this);
  }

  forget(l: Lwp): void {
    this.#lwps?.delete(l);
  }

  /** Something has changed; `hint` is for the knotes' filters. */
  notify(hint = 0): void {
    const lwps = this.#lwps;
    if (lwps !== undefined && lwps.size > 0) {
      this.#lwps = undefined;
      for (const l of lwps) l.k.sleepq.wakeup(l);
    }
    this.klist.note(hint);
  }
}

/** In a poll operation that has found nothing: `l` is told when `si` is notified. */
export function selrecord(l: Lwp, si: Selinfo): void {
  si.record(l);
}

/** Tells those who wait for `si`. */
export function selnotify(si: Selinfo, hint = 0): void {
  si.notify(hint);
}

/** The poll of `l` begins again, or has ended: its records go. */
export function selclear(l: Lwp): void {
  const recorded = l.selinfos;
  if (recorded === undefined || recorded.length === 0) return;
  for (const si of recorded) si.forget(l);
  recorded.length = 0;
}
