/**
 * What a network family does for the transport protocols. netinet has IPv4; netinet6 registers IPv6.
 *
 * Addresses in `Ends` are in the common form (flow.ts): a family makes its own of them, and back.
 */

import type { Rtentry } from '@anykernel/net';
import type { Lwp } from '@anykernel/rumpkern';
import type { Mbuf, Socket } from '@anykernel/rumpnet';
import type { Ends, Flow } from './flow.js';
import type { Inpcb } from './inpcb.js';

/** An address and a port that a program gave. One object serves for many. */
export class Addr {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  port = 0;
  /** Of a link-local IPv6 address: the interface. */
  scope = 0;
}

/** How a packet is to go. One object serves for many. */
export class SendArgs {
  /** IPPROTO_*. */
  protocol = 0;
  tos = 0;
  ttl = 0;
  /** It is not to be fragmented, here or on the way. */
  dontFragment = false;
  /** SO_DONTROUTE. */
  dontRoute = false;
  /** SO_BROADCAST. */
  broadcast = false;
  /** Index of the interface that it must go by; 0: the route says. */
  ifindex = 0;
  /** IP options, in front of the payload. */
  options: Uint8Array | undefined = undefined;
  /** The group options of the socket. */
  pcb: Inpcb | undefined = undefined;
}

/** Bits by which a socket says which families it takes packets of. */
export const FAM_V4 = 1;
export const FAM_V6 = 2;

export interface Family {
  /** AF_*. */
  readonly af: number;
  /** FAM_V4 or FAM_V6. */
  readonly bit: number;
  /** Bytes of the network header without options. */
  readonly hdrLen: number;
  /** The segment size for a peer that names none (RFC 9293 3.7.1). */
  readonly mssDefault: number;
  /** The smallest MTU that a path may be said to have. */
  readonly mtuMin: number;
  /** GSO_*, of large segments. */
  readonly gsoType: number;
  /** IFCAP_* by which an interface takes large segments. */
  readonly tsoCap: number;
  /** The time to live of packets for which nobody names one. */
  defaultTtl(): number;

  /**
   * Sends a packet that starts with its transport header. Owns `m`. `rt` is the route, if the caller has it. Returns an errno, 0: taken.
   * EMSGSIZE: it does not fit, and must not be fragmented. EHOSTUNREACH, EACCES (broadcast), ENOBUFS ...
   */
  output(m: Mbuf, ends: Ends, rt: Rtentry | undefined, how: SendArgs): number;
  /** The route to the foreign address; undefined: there is none. */
  route(ends: Ends): Rtentry | undefined;
  /** Grows when routes change: a kept one is to be looked up again. */
  routeGeneration(): number;
  /** Bytes that a packet on this route may have, path MTU discovery included. */
  mtu(rt: Rtentry, ends: Ends): number;
  /** A smaller MTU of the path to the foreign address was learnt. */
  learnMtu(ends: Ends, mtu: number): void;

  /** One's complement sum of the pseudo header. */
  pseudo(ends: Ends, protocol: number, len: number): number;
  /** Sets the local address that a packet to the foreign one gets. EADDRNOTAVAIL, EHOSTUNREACH, ENETUNREACH. */
  selectSource(ends: Ends, pcb: Inpcb | undefined): void;
  /** Whether the local address is ours, and may be used now. */
  isOurs(w0: number, w1: number, w2: number, w3: number): boolean;
  isMulticast(w0: number, w1: number, w2: number, w3: number): boolean;
  isBroadcast(w0: number, w1: number, w2: number, w3: number): boolean;
  /** The foreign address for connect: the unspecified one means this host. */
  connectTarget(a: Addr): void;
  /** An error packet about one that nobody wanted: port or protocol unreachable. `m` starts at its transport header. Owns `m`. */
  unreachable(m: Mbuf, flow: Flow, what: 'port' | 'protocol'): void;
  /** Fills `into` from a sockaddr. EINVAL: too short. EAFNOSUPPORT: of another family. */
  parseName(nam: Uint8Array, into: Addr): void;
  /** ioctl(2) commands of the family. ENOTTY: none of its. */
  control(so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number;
  /** Writes the name of a packet's sender at the front of `into`; returns its length. */
  nameInto(flow: Ends, into: Uint8Array): number;
  /** Ancillary data that the socket has asked for, for a packet; undefined: none. */
  ancillary(inp: Inpcb, flow: Flow): Mbuf | undefined;
  /** How a packet is to go, from ancillary data and the socket's options. EINVAL: malformed. */
  sendOptions(inp: Inpcb, how: SendArgs, ends: Ends, control: Mbuf | undefined): void;
  /** Whether the socket takes packets for this group, which came by this interface. */
  wantsGroup(inp: Inpcb, flow: Flow): boolean;
  /** The bytes of a sockaddr. */
  sockaddr(w0: number, w1: number, w2: number, w3: number, port: number, scope: number): Uint8Array;
}
