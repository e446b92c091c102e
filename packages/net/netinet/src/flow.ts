/**
 * The two ends of a packet or a connection, as the transport protocols see them: addresses of 128 bits in four signed words, an IPv4 address as
 * ::ffff:a.b.c.d (RFC 4291 2.5.5.2), so that one table and one protocol engine serve both families.
 */
import type { Family } from './family.js';

/** Ends by the words of their addresses: `l` is ours, `f` the other's. */
export interface Ends {
  l0: number;
  l1: number;
  l2: number;
  l3: number;
  f0: number;
  f1: number;
  f2: number;
  f3: number;
  /** Ports; 0: none yet. */
  lport: number;
  fport: number;
}

/** What IPv4 addresses have in their third word. */
export const V4MAPPED = 0xffff;

/** The addresses of both ends, as words 0 to 7 of what is to be hashed. */
export function addrsInto(w: Int32Array, e: Ends): void {
  w[0] = e.l0;
  w[1] = e.l1;
  w[2] = e.l2;
  w[3] = e.l3;
  w[4] = e.f0;
  w[5] = e.f1;
  w[6] = e.f2;
  w[7] = e.f3;
}

/** One packet on its way in, for the transport protocols. An input routine has one, and uses it for every packet. */
export class Flow implements Ends {
  l0 = 0;
  l1 = 0;
  l2 = 0;
  l3 = 0;
  f0 = 0;
  f1 = 0;
  f2 = 0;
  f3 = 0;
  lport = 0;
  fport = 0;
  family: Family;
  /** Type of service or traffic class. */
  tos = 0;
  ttl = 0;
  /** Bytes of the network header, which stand in front of the packet's first byte in the same mbuf. */
  hdrLen = 0;
  /** Index of the interface that it came by. */
  rcvif = 0;
  /** It was sent to a group, or to all: the local address is that one. */
  toMany = false;

  constructor(family: Family) {
    this.family = family;
  }

  /** Takes the ends of `from`. */
  copyEnds(from: Ends): void {
    this.l0 = from.l0;
    this.l1 = from.l1;
    this.l2 = from.l2;
    this.l3 = from.l3;
    this.f0 = from.f0;
    this.f1 = from.f1;
    this.f2 = from.f2;
    this.f3 = from.f3;
    this.lport = from.lport;
    this.fport = from.fport;
  }
}

/** Whether the local address is the unspecified one. */
export function localAny(e: Ends): boolean {
  return (e.l0 | e.l1 | e.l2 | e.l3) === 0;
}

/** Whether it is of IPv4, unless it is unspecified. */
export function isMapped(w0: number, w1: number, w2: number): boolean {
  return w0 === 0 && w1 === 0 && w2 === V4MAPPED;
}

export function sameLocal(a: Ends, b: Ends): boolean {
  return a.l3 === b.l3 && a.l2 === b.l2 && a.l1 === b.l1 && a.l0 === b.l0;
}

export function sameForeign(a: Ends, b: Ends): boolean {
  return a.f3 === b.f3 && a.f2 === b.f2 && a.f1 === b.f1 && a.f0 === b.f0;
}
