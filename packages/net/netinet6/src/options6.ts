/** What a socket of IPv6 has asked for beyond what its control block says: options of RFC 3493 and RFC 3542, memberships. */
import type { Ifnet, Nexthop } from '@anykernel/net';
import type { Inpcb } from '@anykernel/netinet';
import type { SourceFilter6 } from './mcast/groups.js';

/** What a program wants to hear with each packet. */
export const RECV_PKTINFO = 0x01;
export const RECV_HOPLIMIT = 0x02;
export const RECV_TCLASS = 0x04;
export const RECV_HOPOPTS = 0x08;
export const RECV_RTHDR = 0x10;
export const RECV_DSTOPTS = 0x20;
export const RECV_PATHMTU = 0x40;

export interface Membership6 {
  /** In the zone of the interface. */
  readonly group: Nexthop;
  readonly ifp: Ifnet;
  /** The sources that the socket hears. */
  readonly filter: SourceFilter6;
}

/** Extension headers that a packet is to have: bytes of whole headers, their first byte whatever it is. */
export class Headers6 {
  hopopts: Uint8Array | undefined = undefined;
  /** Destination options in front of the routing header, and behind it. */
  rthdrDstopts: Uint8Array | undefined = undefined;
  rthdr: Uint8Array | undefined = undefined;
  dstopts: Uint8Array | undefined = undefined;
  /** The next hop instead of the route's. */
  nexthop: Nexthop | undefined = undefined;
  useMinMtu = -1;
  dontFrag = false;
  /** -1: as the kernel does. */
  preferTemp = -1;

  get len(): number {
    return lenOf(this.hopopts) + lenOf(this.rthdrDstopts) + lenOf(this.rthdr) + lenOf(this.dstopts);
  }

  copy(): Headers6 {
    return Object.assign(new Headers6(), this);
  }
}

function lenOf(b: Uint8Array | undefined): number {
  return b === undefined ? 0 : b.length;
}

export class Options6 {
  readonly headers: Headers6 = new Headers6();
  /** RECV_*. */
  recv = 0;
  /** IPV6_PKTINFO as an option: the source and the interface of each packet. */
  source: Nexthop | undefined = undefined;
  ifindex = 0;
  /** Of packets for groups; -1: one hop. */
  multicastHops = -1;
  multicastLoop = true;
  multicastIf = 0;
  memberships: Membership6[] = [];
  // -- raw sockets
  protocol = 0;
  /** Where the kernel computes a checksum; -1: nowhere. */
  checksumAt = -1;
  /** Bits of types that pass, or undefined: all. */
  filter: Uint32Array | undefined = undefined;

  constructor(readonly owner: Inpcb) {}
}

/** The socket's, made if it has none. A connection has those of its listener until it changes them. */
export function options6Of(inp: Inpcb): Options6 {
  const have = inp.options6 instanceof Options6 ? inp.options6 : undefined;
  if (have !== undefined && have.owner === inp) return have;
  const own = new Options6(inp);
  if (have !== undefined) {
    Object.assign(own, have, { owner: inp, headers: have.headers.copy(), memberships: [] });
  }
  inp.options6 = own;
  return own;
}
