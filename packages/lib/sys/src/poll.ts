/**
 * poll(2) and select(2): NetBSD's values.
 */

export const POLLIN = 0x0001;
export const POLLPRI = 0x0002;
export const POLLOUT = 0x0004;
export const POLLRDNORM = 0x0040;
export const POLLWRNORM = 0x0004;
export const POLLRDBAND = 0x0080;
export const POLLWRBAND = 0x0100;
/** In `revents` only, and reported whatever `events` says. */
export const POLLERR = 0x0008;
export const POLLHUP = 0x0010;
export const POLLNVAL = 0x0020;

/** No time-out. */
export const INFTIM: number = -1;

/** One descriptor of poll(2). `revents` is filled; a negative `fd` is passed over. */
export interface Pollfd {
  fd: number;
  events: number;
  revents: number;
}

/** The largest descriptor set of select(2), in descriptors. */
export const FD_SETSIZE = 256;

/**
 * The sets of select(2): bitmaps, descriptor n in bit n & 7 of byte n >> 3, each at least (nfds + 7) >> 3 bytes long. On return they hold
 * the descriptors that are ready.
 */
export interface SelectSets {
  readonly nfds: number;
  readonly read?: Uint8Array | undefined;
  readonly write?: Uint8Array | undefined;
  readonly except?: Uint8Array | undefined;
}
