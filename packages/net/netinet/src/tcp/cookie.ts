/**
 * SYN cookies (RFC 4987 3.6, Bernstein 1996): the initial sequence number itself says, to whom has the key, that we sent it, when, and what the peer's
 * segment size was. Scale and selective acknowledgment are in the lowest bits of the timestamp.
 *
 * The number: 24 bits of a keyed hash of ends, the peer's number and the minute, plus the peer's number; above them, 5 bits of the minute and 3 of the size.
 */
import { addrsInto, type Ends } from '../flow.js';
import { SC_SACK, SC_SCALE, type Synent } from './synent.js';
import type { Tcp } from './tcp.js';

const SIZES = [216, 536, 1200, 1360, 1440, 1460, 8960, 33_000] as const;
const MINUTE_MS = 64_000;
/** Cookies are good for the minute in which they were made, and the next. */
const AGE_MAX = 1;

export function cookieMake(tcp: Tcp, e: Ends, irs: number, mss: number): number {
  let index = 0;
  for (let i = 1; i < SIZES.length; i++) if (SIZES[i]! <= (mss === 0 ? 536 : mss)) index = i;
  const minute = minuteOf(tcp);
  return ((minute & 31) << 27) | (index << 24) | ((cookieHash(tcp, e, irs, minute, index) + irs) & 0xff_ffff) | 0;
}

/** The segment size that the cookie `iss` says; -1: it is none of ours, or too old. */
export function cookieGet(tcp: Tcp, e: Ends, irs: number, iss: number): number {
  const now = minuteOf(tcp);
  const age = (now - (iss >>> 27)) & 31;
  if (age > AGE_MAX) return -1;
  const index = (iss >>> 24) & 7;
  if (((cookieHash(tcp, e, irs, now - age, index) + irs - iss) & 0xff_ffff) !== 0) return -1;
  return SIZES[index]!;
}

/** The time to send with a cookie: its six lowest bits are ours. */
export function cookieTs(tcp: Tcp, e: Synent): number {
  const bits = ((e.flags & SC_SCALE) !== 0 ? e.sndScale : 15) | ((e.flags & SC_SACK) !== 0 ? 16 : 0);
  let clock = (tcp.nowMs & ~63) | bits;
  // Never ahead of the clock by which later segments are stamped.
  if (((clock - tcp.nowMs) | 0) > 0) clock = (clock - 64) | 0;
  return (clock + e.tsOffset) | 0;
}

function minuteOf(tcp: Tcp): number {
  return Math.floor((tcp.nowMs >>> 0) / MINUTE_MS);
}

function cookieHash(tcp: Tcp, e: Ends, irs: number, minute: number, index: number): number {
  const w = tcp.cookieWords;
  addrsInto(w, e);
  w[8] = (e.lport << 16) | e.fport;
  w[9] = irs;
  w[10] = (minute << 3) | index;
  w[11] = 0x434f4f4b;
  return tcp.inet.secret.hash(w, 12);
}
