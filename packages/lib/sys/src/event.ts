/**
 * kqueue(2): filters, flags and the Kevent record, NetBSD's values.
 */

export const EVFILT_READ = 0;
export const EVFILT_WRITE = 1;
export const EVFILT_AIO = 2;
export const EVFILT_VNODE = 3;
export const EVFILT_PROC = 4;
export const EVFILT_SIGNAL = 5;
export const EVFILT_TIMER = 6;
export const EVFILT_FS = 7;
export const EVFILT_USER = 8;

export const EV_ADD = 0x0001;
export const EV_DELETE = 0x0002;
export const EV_ENABLE = 0x0004;
export const EV_DISABLE = 0x0008;
export const EV_ONESHOT = 0x0010;
export const EV_CLEAR = 0x0020;
export const EV_RECEIPT = 0x0040;
export const EV_DISPATCH = 0x0080;
/** Returned: an error in `data`, and: no more will come. */
export const EV_ERROR = 0x4000;
export const EV_EOF = 0x8000;

/** EVFILT_READ, EVFILT_WRITE */
export const NOTE_LOWAT = 0x0001;

/** EVFILT_VNODE */
export const NOTE_DELETE = 0x0001;
export const NOTE_WRITE = 0x0002;
export const NOTE_EXTEND = 0x0004;
export const NOTE_ATTRIB = 0x0008;
export const NOTE_LINK = 0x0010;
export const NOTE_RENAME = 0x0020;
export const NOTE_REVOKE = 0x0040;
export const NOTE_OPEN = 0x0080;
export const NOTE_CLOSE = 0x0100;
export const NOTE_CLOSE_WRITE = 0x0200;
export const NOTE_READ = 0x0400;

/** EVFILT_TIMER: the unit of `data`, and whether it is a point in time. */
export const NOTE_MSECONDS = 0x0000;
export const NOTE_SECONDS = 0x0001;
export const NOTE_USECONDS = 0x0002;
export const NOTE_NSECONDS = 0x0003;
export const NOTE_ABSTIME = 0x0010;

/** EVFILT_USER: how the lower 24 bits of `fflags` join those kept, and the trigger. */
export const NOTE_FFNOP = 0x0000_0000;
export const NOTE_FFAND = 0x4000_0000;
export const NOTE_FFOR = 0x8000_0000;
export const NOTE_FFCOPY = 0xc000_0000;
export const NOTE_FFCTRLMASK = 0xc000_0000;
export const NOTE_FFLAGSMASK = 0x00ff_ffff;
export const NOTE_TRIGGER = 0x0100_0000;

/** A change to a kqueue, and an event from it. `udata` is the caller's and comes back as it is. */
export class Kevent {
  ident: number;
  filter: number;
  flags: number;
  fflags: number;
  data: number;
  udata: unknown;

  constructor(ident: number = 0, filter: number = 0, flags: number = 0, fflags: number = 0, data: number = 0, udata: unknown = undefined) {
    this.ident = ident;
    this.filter = filter;
    this.flags = flags;
    this.fflags = fflags;
    this.data = data;
    this.udata = udata;
  }
}

/** Names that EntryNames keeps. */
const NAMES_MAX = 4096;

/**
 * As `udata` of a knote on a directory (EVFILT_VNODE with NOTE_WRITE): the kernel adds the names of entries that are made or taken away, as byte
 * strings, the oldest first. Only for callers next to the kernel: `udata` does not travel. Names beyond the 4096th are left out until they are taken.
 */
export class EntryNames {
  #names: string[] = [];

  add(name: string): void {
    if (this.#names.length < NAMES_MAX) this.#names.push(name);
  }

  /** What there is since the last time. */
  take(): readonly string[] {
    const names = this.#names;
    this.#names = [];
    return names;
  }
}
