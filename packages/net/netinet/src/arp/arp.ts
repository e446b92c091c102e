/**
 * ARP: the link addresses of IPv4 neighbours on Ethernet (RFC 826, RFC 1122 2.3.2, RFC 5227). The states of neighbours are net's (neighbour.ts).
 *
 * dad.ts looks whether an address of ours is somebody else's.
 */
import { AF_INET, IFF_LOOPBACK, IFF_NOARP, IFT_ETHER, inetText, linkText } from '@anykernel/lib-sys';
import {
  ARPOP_REPLY, ARPOP_REQUEST, ARP_LEN, type ArpPacket, ETHERTYPE_ARP, ICMP_UNREACH, ICMP_UNREACH_HOST, emitArp, etherIsMulticast, parseArp,
} from '@anykernel/lib-wire';
import { IFA_DUPLICATED, IFA_TENTATIVE, type Ifaddr, type Ifnet, type Neighbour, type NeighbourProtocol, Neighbours, Nexthop, Seldom, etherSend } from '@anykernel/net';
import { type Mbuf, M_BCAST, M_MCAST } from '@anykernel/rumpnet';
import type { Ip } from '../ip/ip.js';
import { Dad } from './dad.js';

/** Counters, by sysctl net.inet.arp.stats. */
export interface ArpStats {
  sentRequests: number;
  sentReplies: number;
  rcvRequests: number;
  rcvReplies: number;
  /** Too short, not of IPv4, from nobody, or from a group. */
  bad: number;
  /** Somebody has an address of ours. */
  conflicts: number;
}

const BROADCAST = new Uint8Array(6).fill(0xff);
const NOBODY = new Uint8Array(6);

export class Arp implements NeighbourProtocol {
  readonly family = AF_INET;
  readonly neighbours: Neighbours;
  readonly dad: Dad;
  readonly log: Seldom;
  readonly stats: ArpStats = { sentRequests: 0, sentReplies: 0, rcvRequests: 0, rcvReplies: 0, bad: 0, conflicts: 0 };
  readonly #scratch = new Nexthop();

  constructor(readonly ip: Ip) {
    this.log = new Seldom(ip.k);
    this.neighbours = new Neighbours(ip.k, ip.mbufs, this, {
      reachableMs: 1_200_000, gcMs: 1_200_000, delayMs: 5000, retransMs: 1000, maxMulticast: 5, maxUnicast: 3, downMs: 20_000,
    });
    this.dad = new Dad(this);
  }

  /** Takes part from now on; the result ends it. */
  attach(): () => void {
    const { net } = this.ip.inet;
    net.etherTypes.set(ETHERTYPE_ARP, (m, ifp) => this.input(m, ifp));
    net.resolvers.set(AF_INET, (ifp, m, nh) => this.neighbours.resolve(ifp, m, nh));
    net.neighbours.set(AF_INET, this.neighbours);
    const onAddr = (ia: Ifaddr, event: string): void => {
      if (ia.family === AF_INET && speaksArp(ia.ifp)) this.dad.addressEvent(ia, event);
    };
    const onIf = (ifp: Ifnet, event: string): void => {
      if (event === 'down' || event === 'detach') this.neighbours.flush(ifp);
      if (event === 'up') for (const ia of ifp.addrs) onAddr(ia, 'up');
    };
    net.onAddr.push(onAddr);
    net.onIf.push(onIf);
    return () => {
      net.onAddr.splice(net.onAddr.indexOf(onAddr), 1);
      net.onIf.splice(net.onIf.indexOf(onIf), 1);
      net.etherTypes.delete(ETHERTYPE_ARP);
      net.resolvers.delete(AF_INET);
      net.neighbours.delete(AF_INET);
      this.dad.stop();
      this.neighbours.flush();
    };
  }

  // -- the neighbours' questions

  solicit(n: Neighbour, unicast: boolean): void {
    const source = this.#sourceFor(n.ifp, n.addr.w0);
    if (source === undefined) return;
    this.send(n.ifp, ARPOP_REQUEST, source.addr.w0, n.addr.w0, NOBODY, unicast && n.lladdr !== undefined ? n.lladdr : BROADCAST);
  }

  unreachable(_n: Neighbour, m: Mbuf): void {
    this.ip.icmp.error(m, ICMP_UNREACH, ICMP_UNREACH_HOST, 0);
  }

  /** The address that a question is asked with: of the interface, on the neighbour's network if there is one. */
  #sourceFor(ifp: Ifnet, dst: number): Ifaddr | undefined {
    let best: Ifaddr | undefined;
    for (const ia of ifp.addrs) {
      if (ia.family !== AF_INET || (ia.flags & (IFA_TENTATIVE | IFA_DUPLICATED)) !== 0) continue;
      best ??= ia;
      if (ia.onLink && ((dst ^ ia.prefix.w0) >>> 0) < 2 ** (32 - ia.prefixLen)) return ia;
    }
    return best;
  }

  /** Sends a packet from the interface's link address to `to`. */
  send(ifp: Ifnet, op: number, sender: number, target: number, targetLink: Uint8Array, to: Uint8Array, senderLink: Uint8Array = ifp.lladdr): void {
    const m = ifp.mbufs.tryGet(ARP_LEN);
    if (m === undefined) return;
    emitArp({ op, senderLink, sender: sender >>> 0, targetLink, target: target >>> 0 }, m.buf, m.off);
    if (op === ARPOP_REQUEST) this.stats.sentRequests++;
    else this.stats.sentReplies++;
    etherSend(ifp, m, to, ETHERTYPE_ARP);
  }

  /** Says to all that an address is here (RFC 5227 3). */
  announce(ia: Ifaddr): void {
    this.send(ia.ifp, ARPOP_REQUEST, ia.addr.w0, ia.addr.w0, NOBODY, BROADCAST);
  }

  /** Asks whether somebody has it, as nobody (RFC 5227 2.1.1). */
  probe(ia: Ifaddr): void {
    this.send(ia.ifp, ARPOP_REQUEST, 0, ia.addr.w0, NOBODY, BROADCAST);
  }

  // -- what comes

  /** A packet. Owns `m`. */
  input(m: Mbuf, ifp: Ifnet): void {
    const { mbufs } = this.ip;
    const packet = m.pktlen >= ARP_LEN ? mbufs.pullup(m, ARP_LEN) : undefined;
    if (packet === undefined) {
      this.stats.bad++;
      if (m.pktlen < ARP_LEN) mbufs.free(m);
      return;
    }
    const arp = parseArp(packet.buf, packet.off, packet.off + packet.len);
    const group = (packet.flags & (M_BCAST | M_MCAST)) !== 0;
    mbufs.free(packet);
    if (arp === undefined || !speaksArp(ifp) || etherIsMulticast(arp.senderLink)) {
      this.stats.bad++;
      return;
    }
    if (arp.op === ARPOP_REQUEST) this.stats.rcvRequests++;
    else if (arp.op === ARPOP_REPLY) this.stats.rcvReplies++;
    else return;
    if (!isSame(arp.senderLink, ifp.lladdr)) this.#heard(ifp, arp, group);
  }

  /** RFC 826, packet reception: merge, and create where we are asked; then answer. */
  #heard(ifp: Ifnet, arp: ArpPacket, group: boolean): void {
    const { sender, target } = arp;
    if (this.dad.heard(ifp, arp)) return;
    const ours = ifp.addrs.find((ia) => ia.family === AF_INET && ia.addr.w0 === (target | 0) && (ia.flags & (IFA_TENTATIVE | IFA_DUPLICATED)) === 0);
    if (sender !== 0) this.#learn(ifp, arp, ours !== undefined, group);
    if (arp.op !== ARPOP_REQUEST) return;
    if (ours !== undefined) {
      this.send(ifp, ARPOP_REPLY, target, sender, arp.senderLink, arp.senderLink);
      return;
    }
    const other = this.neighbours.find(ifp, this.#scratch.set(AF_INET, target, 0, 0, 0));
    if (other?.published === true && other.lladdr !== undefined) this.send(ifp, ARPOP_REPLY, target, sender, arp.senderLink, arp.senderLink, other.lladdr);
  }

  #learn(ifp: Ifnet, arp: ArpPacket, create: boolean, group: boolean): void {
    const { sender, senderLink } = arp;
    if (!this.#onLink(ifp, sender)) return;
    const nh = this.#scratch.set(AF_INET, sender, 0, 0, 0);
    const n = create ? this.neighbours.create(ifp, nh) : this.neighbours.find(ifp, nh);
    if (n === undefined) return;
    const moved = n.lladdr !== undefined && !isSame(n.lladdr, senderLink);
    if (moved) {
      const refused = n.state === 'permanent' ? ': refused, it is permanent' : '';
      this.log.say(() => `arp: ${inetText(sender)} moved from ${linkText(n.lladdr as Uint8Array)} to ${linkText(senderLink)} on ${ifp.name}${refused}`);
    }
    if (n.state === 'permanent') return;
    // An answer to our question proves that it hears us; what everybody hears does not.
    if (arp.op === ARPOP_REPLY && !group) this.neighbours.reachable(n, senderLink);
    else if (n.state === 'incomplete' || n.state === 'failed' || moved) this.neighbours.stale(n, senderLink);
  }

  /** Whether somebody of that address can be on the interface's link. */
  #onLink(ifp: Ifnet, addr: number): boolean {
    const rt = this.ip.rtable.lookup(addr);
    return rt !== undefined && rt.ifp === ifp && rt.gateway === undefined;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 6; i++) if (a[i] !== b[i]) return false;
  return true;
}

function speaksArp(ifp: Ifnet): boolean {
  return ifp.type === IFT_ETHER && (ifp.flags & (IFF_NOARP | IFF_LOOPBACK)) === 0;
}
