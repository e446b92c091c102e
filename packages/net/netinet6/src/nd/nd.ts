/**
 * Neighbour discovery (RFC 4861): who has which link address. The states of neighbours are net's (neighbour.ts); what a message must be like is checked here
 * (RFC 4861 6.1, 7.1, 8.1), and that it came from the link: its hop limit is 255.
 */
import { AF_INET6, linkText } from '@anykernel/lib-sys';
import {
  ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, ND_ADVERT_LEN, ND_NA_OVERRIDE, ND_NA_ROUTER, ND_NA_SOLICITED, ND_NEIGHBOR_ADVERT, ND_NEIGHBOR_SOLICIT, ND_REDIRECT,
  ND_REDIRECT_LEN, ND_ROUTER_ADVERT, ND_ROUTER_ADVERT_LEN, ND_ROUTER_SOLICIT, ND_ROUTER_SOLICIT_LEN, ND_SOLICIT_LEN, type NdOptions, ndOptions, parseNdOptions,
} from '@anykernel/lib-wire';
import { getU32be, putU32be } from '@anykernel/lib-bytes';
import { type AddrEvent, IFA_ANYCAST, type Ifaddr, type IfEvent, type Ifnet, type Neighbour, type NeighbourProtocol, type NeighbourTimes, Neighbours, type Nexthop, Seldom, nexthopOf } from '@anykernel/net';
import { Flow } from '@anykernel/netinet';
import type { Mbuf } from '@anykernel/rumpnet';
import { ALL_NODES, address, addressText, inZone, isMulticast, isUnspecified, linkGroup, solicitedNode, wireBytes } from '../addr.js';
import { isLoopback, speaksNd } from '../if6.js';
import type { Ip6 } from '../ip6.js';
import { selectSource6 } from '../select.js';
import { Dad } from './dad.js';
import { Radv } from './radv.js';
import { Redirects } from './redirect.js';
import { Routers } from './router.js';
import { Slaac } from './slaac.js';

/** No message of neighbour discovery is longer. */
const MESSAGE_MAX = 2048;
const HOP_LIMIT = 255;

/** A message that has been checked: bytes [off, end) from its ICMPv6 header on. */
export interface NdMessage {
  readonly b: Uint8Array;
  readonly off: number;
  readonly end: number;
  readonly flow: Flow;
  readonly ifp: Ifnet;
  readonly options: NdOptions;
}

export class Nd implements NeighbourProtocol {
  readonly family = AF_INET6;
  readonly neighbours: Neighbours;
  readonly dad: Dad;
  readonly log: Seldom;
  readonly slaac: Slaac;
  readonly routers: Routers;
  readonly radv: Radv;
  readonly redirects: Redirects;
  readonly #out: Flow;

  constructor(readonly ip6: Ip6) {
    this.neighbours = new Neighbours(ip6.k, ip6.mbufs, this, {
      reachableMs: 30_000, gcMs: 86_400_000, delayMs: 5000, retransMs: 1000, maxMulticast: 3, maxUnicast: 3, downMs: 3000,
    });
    this.#out = new Flow(ip6);
    this.log = new Seldom(ip6.k);
    this.dad = new Dad(this);
    this.slaac = new Slaac(this);
    this.routers = new Routers(this);
    this.radv = new Radv(this);
    this.redirects = new Redirects(this);
  }

  /** Takes part from now on; the result ends it. */
  attach(): () => void {
    const { net } = this.ip6.inet;
    net.resolvers.set(AF_INET6, (ifp, m, nh) => this.neighbours.resolve(ifp, m, nh));
    net.neighbours.set(AF_INET6, this.neighbours);
    return () => {
      net.resolvers.delete(AF_INET6);
      net.neighbours.delete(AF_INET6);
      this.neighbours.flush();
    };
  }

  addressEvent(ia: Ifaddr, event: AddrEvent): void {
    if (event === 'change') return;
    this.dad.addressEvent(ia, event);
    if (event === 'add') this.slaac.watch();
  }

  interfaceEvent(ifp: Ifnet, event: IfEvent): void {
    if (event === 'up') {
      this.slaac.linkLocal(ifp);
      for (const ia of [...ifp.addrs]) if (ia.family === AF_INET6) this.dad.addressEvent(ia, 'up');
    }
    if (event === 'link') this.routers.solicit(ifp);
    if (event !== 'down' && event !== 'detach') return;
    this.neighbours.flush(ifp);
    this.dad.down(ifp);
    this.routers.down(ifp);
    if (event === 'detach') this.radv.stop(ifp, false);
  }

  stop(): void {
    this.dad.stop();
    this.slaac.stop();
    this.routers.stop();
    this.radv.stopAll();
    this.redirects.stop();
    this.neighbours.flush();
  }

  times(ifp: Ifnet): NeighbourTimes {
    return this.ip6.if6(ifp);
  }

  /** RFC 4861 6.3.2: for how long an answer is good is spread, by half up and down. */
  setReachable(ifp: Ifnet, baseMs: number): void {
    const one = this.ip6.if6(ifp);
    one.baseReachableMs = baseMs;
    one.reachableMs = Math.max(1, Math.floor(baseMs / 2) + this.ip6.inet.rand.below(baseMs + 1));
  }

  // -- the neighbours' questions

  solicit(n: Neighbour, unicast: boolean): void {
    const ia = this.#sourceFor(n);
    if (ia === undefined) return;
    this.sendSolicit(n.ifp, n.addr, ia.addr, unicast ? n.addr : solicitedNode(n.addr, n.ifp.index), { sourceLink: n.ifp.lladdr });
  }

  /** RFC 4861 7.2.2: the source of a packet that waits, if it is ours, so that the neighbour knows it afterwards. */
  #sourceFor(n: Neighbour): Ifaddr | undefined {
    const waiting = n.hold.head;
    if (waiting !== undefined && waiting.len >= 24) {
      const src = nexthopOf(AF_INET6, waiting.buf.subarray(waiting.off + 8, waiting.off + 24));
      const ia = this.ip6.ours.find(inZone(src.w0, n.ifp.index), src.w1, src.w2, src.w3);
      if (ia !== undefined && ia.ifp === n.ifp) return ia;
    }
    return selectSource6(this.ip6, n.addr, n.ifp, undefined, false);
  }

  unreachable(n: Neighbour, m: Mbuf): void {
    this.routers.failed(n);
    this.ip6.icmp.error(m, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, 0, n.ifp.index);
  }

  // -- what we send

  /** A message of `len` bytes and its options from `src`, undefined for nobody, to `dst`, by an interface. `fill` writes what is special. */
  send(ifp: Ifnet, type: number, len: number, src: Nexthop | undefined, dst: Nexthop, options: NdOptions, fill: (b: Uint8Array, off: number) => void): void {
    const tail = ndOptions(options);
    const m = this.ip6.mbufs.tryGet(len + tail.length);
    if (m === undefined) return;
    const { buf, off } = m;
    buf.fill(0, off, off + len);
    buf[off] = type;
    buf.set(tail, off + len);
    fill(buf, off);
    const out = this.#out;
    [out.l0, out.l1, out.l2, out.l3] = src === undefined ? [0, 0, 0, 0] : [src.w0, src.w1, src.w2, src.w3];
    [out.f0, out.f1, out.f2, out.f3] = [dst.w0, dst.w1, dst.w2, dst.w3];
    this.ip6.icmp.send(m, out, 0, HOP_LIMIT, ifp.index);
  }

  sendSolicit(ifp: Ifnet, target: Nexthop, src: Nexthop | undefined, dst: Nexthop, options: NdOptions): void {
    this.send(ifp, ND_NEIGHBOR_SOLICIT, ND_SOLICIT_LEN, src, dst, options, (b, off) => b.set(wireBytes(target), off + 8));
  }

  sendAdvert(ifp: Ifnet, target: Nexthop, src: Nexthop, dst: Nexthop, flags: number, link: Uint8Array): void {
    const router = this.ip6.conf.forwarding ? ND_NA_ROUTER : 0;
    this.send(ifp, ND_NEIGHBOR_ADVERT, ND_ADVERT_LEN, src, dst, { targetLink: link }, (b, off) => {
      putU32be(b, off + 4, flags | router);
      b.set(wireBytes(target), off + 8);
    });
  }

  // -- what comes

  /** A message: `packet` starts at its ICMPv6 header, its checksum is right. Owns it. */
  input(packet: Mbuf, flow: Flow): void {
    const { mbufs, inet, icmp } = this.ip6;
    const ifp = inet.net.ifByIndex(flow.rcvif);
    const m = packet.pktlen > MESSAGE_MAX ? packet : mbufs.pullup(packet, packet.pktlen);
    if (m === undefined) return;
    // RFC 6980: none of them is fragmented.
    const fit = m.pktlen <= MESSAGE_MAX && ifp !== undefined && !isLoopback(ifp) && flow.ttl === HOP_LIMIT && m.buf[m.off + 1] === 0 && !this.ip6.fragmented;
    const min = lengthOf(m.buf[m.off]);
    const options = fit && m.len >= min ? parseNdOptions(m.buf, m.off + min, m.off + m.len) : undefined;
    if (ifp === undefined || options === undefined || !this.#dispatch({ b: m.buf, off: m.off, end: m.off + m.len, flow, ifp, options })) icmp.stats.badnd++;
    mbufs.free(m);
  }

  /** False: it is not as it must be. */
  #dispatch(msg: NdMessage): boolean {
    switch (msg.b[msg.off]) {
      case ND_NEIGHBOR_SOLICIT:
        return this.#solicited(msg);
      case ND_NEIGHBOR_ADVERT:
        return this.#advertised(msg);
      case ND_ROUTER_SOLICIT:
        return this.radv.solicited(msg);
      case ND_ROUTER_ADVERT:
        return this.routers.advertised(msg);
      default:
        return this.redirects.input(msg);
    }
  }

  /** The target of a message, in the zone of its link. */
  targetOf(msg: NdMessage): Nexthop {
    const target = nexthopOf(AF_INET6, msg.b.subarray(msg.off + 8, msg.off + 24));
    target.w0 = inZone(target.w0, msg.ifp.index);
    return target;
  }

  /** RFC 4861 7.1.1, 7.2.3, 7.2.4. */
  #solicited(msg: NdMessage): boolean {
    const { flow, ifp, options } = msg;
    const target = this.targetOf(msg);
    const nobody = isUnspecified(flow.f0, flow.f1, flow.f2, flow.f3);
    if (isMulticast(target.w0)) return false;
    const group = solicitedNode(target, ifp.index);
    if (nobody && (options.sourceLink !== undefined || !group.equals(flow.l0, flow.l1, flow.l2, flow.l3))) return false;
    if (this.dad.heard(ifp, target, nobody, options)) return true;
    const ours = this.ip6.ours.find(target.w0, target.w1, target.w2, target.w3);
    const proxy = ours?.ifp === ifp ? undefined : this.neighbours.find(ifp, target);
    const link = ours?.ifp === ifp ? ifp.lladdr : proxy?.published === true ? proxy.lladdr : undefined;
    if (link === undefined) return true;
    // RFC 4861 7.2.4: others may answer for these, too.
    const shared = proxy !== undefined || ((ours?.flags ?? 0) & IFA_ANYCAST) !== 0;
    const override = shared ? 0 : ND_NA_OVERRIDE;
    const src = ours?.ifp === ifp ? target : (this.ip6.linkLocal(ifp)?.addr ?? target);
    if (nobody) {
      this.sendAdvert(ifp, target, src, linkGroup(ALL_NODES, ifp.index), override, link);
      return true;
    }
    const from = this.#from(flow);
    if (options.sourceLink !== undefined) this.learn(ifp, from, options.sourceLink);
    this.sendAdvert(ifp, target, src, from, ND_NA_SOLICITED | override, link);
    return true;
  }

  #from(flow: Flow): Nexthop {
    return address(flow.f0, flow.f1, flow.f2, flow.f3);
  }

  /** Somebody says in passing where he is (RFC 4861 7.2.3): believed until it is needed. */
  learn(ifp: Ifnet, addr: Nexthop, link: Uint8Array): Neighbour | undefined {
    if ((link[0] & 1) !== 0 || !speaksNd(ifp) || this.ip6.ours.find(addr.w0, addr.w1, addr.w2, addr.w3) !== undefined) return undefined;
    const n = this.neighbours.create(ifp, addr);
    if (n.state === 'permanent') return n;
    if (n.lladdr === undefined || !sameLink(n.lladdr, link) || n.state === 'incomplete' || n.state === 'failed') this.neighbours.stale(n, link);
    return n;
  }

  /** RFC 4861 7.1.2, 7.2.5. */
  #advertised(msg: NdMessage): boolean {
    const { flow, ifp, options } = msg;
    const target = this.targetOf(msg);
    const flags = getU32be(msg.b, msg.off + 4);
    const solicited = (flags & ND_NA_SOLICITED) !== 0;
    if (isMulticast(target.w0) || (solicited && isMulticast(flow.l0))) return false;
    if (options.targetLink !== undefined && (options.targetLink[0] & 1) !== 0) return false;
    if (this.dad.claimed(ifp, target, options.targetLink)) return true;
    const n = this.neighbours.find(ifp, target);
    if (n !== undefined && n.state !== 'permanent') this.#merge(n, solicited, (flags & ND_NA_OVERRIDE) !== 0, (flags & ND_NA_ROUTER) !== 0, options.targetLink);
    return true;
  }

  #merge(n: Neighbour, solicited: boolean, override: boolean, router: boolean, link: Uint8Array | undefined): void {
    const known = n.lladdr;
    if (n.state === 'incomplete' || n.state === 'failed' || known === undefined) {
      if (link === undefined) return;
      n.router = router;
      if (solicited) this.neighbours.reachable(n, link);
      else this.neighbours.stale(n, link);
      return;
    }
    const differs = link !== undefined && !sameLink(known, link);
    if (!override && differs) {
      // Somebody else answers for it: what we know is looked at again before long.
      if (n.state === 'reachable') this.neighbours.stale(n, known);
      return;
    }
    if (solicited) this.neighbours.reachable(n, link ?? known);
    else if (differs) this.neighbours.stale(n, link);
    if (n.router && !router) this.routers.noRouter(n);
    n.router = router;
  }

  /** For messages: whose link address. */
  linkName(link: Uint8Array | undefined): string {
    return link === undefined ? 'somebody' : linkText(link);
  }

  text(nh: Nexthop): string {
    return addressText(nh);
  }
}

function sameLink(a: Uint8Array, b: Uint8Array): boolean {
  for (let i = 0; i < 6; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The least that a message of a type has. */
function lengthOf(type: number): number {
  return type === ND_ROUTER_SOLICIT ? ND_ROUTER_SOLICIT_LEN : type === ND_ROUTER_ADVERT ? ND_ROUTER_ADVERT_LEN : type === ND_REDIRECT ? ND_REDIRECT_LEN : ND_SOLICIT_LEN;
}
