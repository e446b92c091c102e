/**
 * The protocol control block of an Internet socket: its ends, and what its packets are to have. UDP, TCP and raw sockets each keep theirs in a
 * table (pcbtable.ts), whose chains go through the blocks.
 */
import type { Rtentry } from '@anykernel/net';
import type { Socket } from '@anykernel/rumpnet';
import type { Family } from './family.js';
import type { Ends } from './flow.js';
import type { Groups } from './ip/groups.js';
import type { PcbTable, Port } from './pcbtable.js';

/** Flags: what a program asked to be told with each datagram, and how its port came. */
export const INP_HDRINCL = 0x0001;
export const INP_RECVDSTADDR = 0x0002;
export const INP_RECVIF = 0x0004;
export const INP_RECVTTL = 0x0008;
export const INP_RECVPKTINFO = 0x0010;
export const INP_RECVOPTS = 0x0020;
export const INP_RECVRETOPTS = 0x0040;
export const INP_LOWPORT = 0x0100;
export const INP_HIGHPORT = 0x0200;
/** The port was chosen by connect(), and others may have it with other peers. */
export const INP_SHAREPORT = 0x0400;
/** bind() may take an address that is not ours (IP_BINDANY). */
export const INP_BINDANY = 0x0800;
/** In the table of connections. */
export const INP_CONNECTED = 0x1000;

export class Inpcb implements Ends {
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
  /** INP_*. */
  flags = 0;
  /** FAM_*: families that it takes packets of. */
  takes: number;
  tos = 0;
  /** 0: the family's default. */
  ttl = 0;
  /** Packets with less are dropped (RFC 5082); 0: none. */
  minTtl = 0;
  /** What an interface is chosen by, for IPv6. */
  scope = 0;
  /** RFC 6056, an index of PORT_ALGOS; -1: the kernel's. */
  portAlgo = -1;
  /** The route to the foreign address, of generation `rtGen`. */
  rt: Rtentry | undefined = undefined;
  rtGen = 0;
  /** The protocol's part: a Tcpcb, or nothing. */
  ppcb: unknown = undefined;
  /** IP options of each packet. */
  options: Uint8Array | undefined = undefined;
  groups: Groups | undefined = undefined;
  /** What netinet6 keeps of the options that only it knows. */
  options6: unknown = undefined;

  // -- the table's
  port: Port | undefined = undefined;
  /** Its chain of connections, or of those without a peer on its port. */
  hnext: Inpcb | undefined = undefined;
  /** All that have its port. */
  pnext: Inpcb | undefined = undefined;
  pprev: Inpcb | undefined = undefined;
  /** All of the table. */
  anext: Inpcb | undefined = undefined;
  aprev: Inpcb | undefined = undefined;

  constructor(
    readonly table: PcbTable,
    /** undefined: the program has closed it, and the connection goes on alone. */
    public so: Socket | undefined,
    /** AF_*, of the socket. */
    readonly af: number,
    /** Of its packets: another than the socket's for a mapped address. */
    public family: Family,
  ) {
    this.takes = family.bit;
  }

  /** The route to the peer, kept as long as nothing changes. */
  route(): Rtentry | undefined {
    const gen = this.family.routeGeneration();
    if (this.rt !== undefined && this.rtGen === gen) return this.rt;
    this.rt = this.family.route(this);
    this.rtGen = gen;
    return this.rt;
  }
}
