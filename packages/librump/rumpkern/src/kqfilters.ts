/** The kqueue filters that watch nothing outside of their knote: timers and user events. */
import {
  ERR, EV_CLEAR, EV_ADD, EV_ONESHOT, type Kevent, NOTE_ABSTIME, NOTE_FFAND, NOTE_FFCOPY, NOTE_FFCTRLMASK, NOTE_FFLAGSMASK, NOTE_FFOR, NOTE_TRIGGER,
} from '@anykernel/lib-sys';
import type { WallTime } from '@anykernel/host-rumpuser';
import { Callout } from './callout.js';
import type { Kernel } from './kernel.js';
import type { Filterops, Knote } from './kqueue.js';
import { NS } from './time.js';

/** NOTE_MSECONDS, NOTE_SECONDS, NOTE_USECONDS, NOTE_NSECONDS */
const UNIT_NS: readonly number[] = [1e6, 1e9, 1e3, 1];
const UNIT_MASK = 0x3;

/** EVFILT_TIMER: rings every `data` units, or once (EV_ONESHOT), or at a point of wall time (NOTE_ABSTIME); `data` tells how often. */
export function timerFilter(kn: Knote): void {
  kn.fop = timerOps;
  kn.flags |= EV_CLEAR;
  start(kn);
}

const timerOps: Filterops = {
  event: (kn) => kn.data > 0,
  detach(kn) {
    (kn.hook as Callout | undefined)?.stop();
  },
  touch(kn, change) {
    if ((change.flags & EV_ADD) === 0) return;
    (kn.hook as Callout | undefined)?.stop();
    kn.flags |= EV_CLEAR;
    kn.sfflags = change.fflags;
    kn.sdata = change.data;
    kn.data = 0;
    kn.active = false;
    start(kn);
  },
};

/** EINVAL: a period below zero, or unknown flags. */
function start(kn: Knote): void {
  if ((kn.sfflags & ~(UNIT_MASK | NOTE_ABSTIME)) !== 0 || !(kn.sdata >= 0)) throw ERR.EINVAL;
  const k = kn.kq.k;
  const ns = kn.sdata * UNIT_NS[kn.sfflags & UNIT_MASK];
  const once = (kn.flags & EV_ONESHOT) !== 0 || (kn.sfflags & NOTE_ABSTIME) !== 0;
  // A period of zero is the shortest that there is.
  const period = Math.max(ns, 1e6);
  let next = k.mono() + ((kn.sfflags & NOTE_ABSTIME) !== 0 ? untilWall(k, kn) : once ? ns : period);
  const ring = new Callout(
    k,
    () => {
      kn.data++;
      if (!once) {
        const missed = Math.max(0, Math.floor((k.mono() - next) / period));
        kn.data += missed;
        next += (missed + 1) * period;
        ring.scheduleAt(next);
      }
      kn.note(0);
    },
    true,
  );
  kn.hook = ring;
  ring.scheduleAt(next);
}

/** How long it is until the wall clock shows `sdata` units, ns. In seconds and nanoseconds: a number has not the digits for both. */
function untilWall(k: Kernel, kn: Knote): number {
  const now: WallTime = { sec: 0, nsec: 0 };
  k.wall(now);
  const unit = UNIT_NS[kn.sfflags & UNIT_MASK];
  const perSec = NS / unit;
  const sec = Math.floor(kn.sdata / perSec);
  return Math.max(0, (sec - now.sec) * NS + (kn.sdata - sec * perSec) * unit - now.nsec);
}

/** EVFILT_USER: the application triggers it (NOTE_TRIGGER); 24 bits of `fflags` are its own. */
export function userFilter(kn: Knote): void {
  const asked = kn.sfflags;
  kn.fop = userOps;
  kn.sfflags = 0;
  join(kn, asked);
}

const userOps: Filterops = {
  event(kn) {
    kn.fflags = kn.sfflags;
    kn.data = kn.sdata;
    return kn.hook === true;
  },
  detach() {
    // It watches nothing.
  },
  touch(kn: Knote, change: Kevent) {
    join(kn, change.fflags);
    kn.sdata = change.data;
  },
  cleared(kn) {
    kn.hook = false;
  },
};

function join(kn: Knote, fflags: number): void {
  const bits = fflags & NOTE_FFLAGSMASK;
  switch ((fflags & NOTE_FFCTRLMASK) >>> 0) {
    case NOTE_FFAND:
      kn.sfflags &= bits;
      break;
    case NOTE_FFOR:
      kn.sfflags |= bits;
      break;
    case NOTE_FFCOPY:
      kn.sfflags = bits;
      break;
  }
  if ((fflags & NOTE_TRIGGER) !== 0) kn.hook = true;
}
