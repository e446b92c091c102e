/**
 * IPv6: the family of the transport protocols, and the state of the network layer (RFC 8200).
 *
 * input.ts takes packets from interfaces, output.ts sends them, forward.ts passes them on; icmp6.ts answers; nd/ finds neighbours and routers, mcast/ joins groups.
 */
import { getI32be, getU16be, getU32le, putU16be, putU32be, putU32le } from '@anykernel/lib-bytes';
import { AF_INET6, ERR, type Errno, IFCAP_TSOv6, RTF_REJECT, SOCKADDR_IN6_LEN, sockaddrIn6 } from '@anykernel/lib-sys';
import { ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, IP6_HDR_LEN, IP6_MIN_MTU, Ipv6Header, NH_ICMPV6, sumPseudo6 } from '@anykernel/lib-wire';
import { type AddrEvent, type Ifaddr, type IfEvent, type Ifnet, Nexthop, type Rtable, type Rtentry, bytesOf } from '@anykernel/net';
import { type Addr, type Ends, FAM_V6, type Family, Flow, type Inet, Inpcb, type SendArgs, isMapped } from '@anykernel/netinet';
import type { Kernel, Lwp } from '@anykernel/rumpkern';
import { GSO_TCPV6, type Mbuf, type Mbufs, type Socket } from '@anykernel/rumpnet';
import { address, bare, hasZone, inZone, isLinkLocal, isMulticast, zoneOf } from './addr.js';
import { AddrTable } from './addrtable.js';
import { FlowLabels } from './flowlabel.js';
import { Icmp6 } from './icmp6.js';
import { If6 } from './if6.js';
import { ip6Input } from './input.js';
import { IfGroups6 } from './mcast/groups.js';
import { Mld } from './mcast/mld.js';
import { Nd } from './nd/nd.js';
import { Headers6, Options6 } from './options6.js';
import { ip6Output } from './output.js';
import { PathMtus } from './pmtu.js';
import { Policies } from './policy.js';
import { FragQueues6 } from './reass.js';
import { selectSource6, usable } from './select.js';
import { ancillary6, sendOptions6 } from './sock/ancillary.js';
import { in6Control } from './sock/control.js';
import { socketWants6 } from './sock/members.js';
import { type Ip6Stats, ip6Stats } from './stats.js';

/** Settings, by sysctl net.inet6.ip6. */
export class Ip6Conf {
  forwarding = false;
  redirect = true;
  hlim = 64;
  /** Router advertisements are believed, by a host. */
  acceptRtadv = true;
  /** Solicitations for an address before it is used (RFC 4862 5.1). */
  dadCount = 1;
  maxfragpackets = 200;
  autoLinklocal = true;
  /** Flows of TCP and UDP have labels (RFC 6437). */
  autoFlowlabel = true;
  /** Temporary addresses (RFC 8981), their lifetimes in seconds, and whether they are preferred. */
  useTempaddr = false;
  tempPltime = 86_400;
  tempVltime = 172_800;
  preferTempaddr = true;
  /** Interface identifiers of RFC 7217, instead of those made of link addresses. */
  useStable = false;
  /** Default routers and prefixes that are remembered. */
  maxRouters = 16;
  maxPrefixes = 16;
  /** Zero: link-local addresses without a zone are nobody's. An index: they are of that interface. */
  defaultZone = 0;
}

/** A protocol above: `m` starts at its header. */
export type Ip6Protocol = (m: Mbuf, flow: Flow) => void;

/** An extension header of the packet that is being looked at. */
export interface Extension {
  readonly nextHeader: number;
  readonly bytes: Uint8Array;
}

export class Ip6 implements Family {
  readonly af = AF_INET6;
  readonly bit = FAM_V6;
  readonly hdrLen: number = IP6_HDR_LEN;
  readonly mssDefault = 1220;
  readonly mtuMin: number = IP6_MIN_MTU;
  readonly gsoType = GSO_TCPV6;
  readonly tsoCap: number = IFCAP_TSOv6;
  readonly k: Kernel;
  readonly mbufs: Mbufs;
  readonly conf: Ip6Conf = new Ip6Conf();
  readonly stats: Ip6Stats = ip6Stats();
  readonly rtable: Rtable;
  readonly labels: FlowLabels;
  readonly policies: Policies = new Policies();
  /** The packet that is being looked at, its addresses in their zones, and its extension headers. */
  readonly header: Ipv6Header = new Ipv6Header();
  readonly outHeader: Ipv6Header = new Ipv6Header();
  readonly extensions: Extension[] = [];
  readonly flow: Flow;
  /** Where a packet goes: used until output() returns. */
  readonly nexthop: Nexthop = new Nexthop();
  /** The packet that is being looked at came in fragments, or as one (RFC 6980). */
  fragmented = false;
  /** What ancillary data say of the next packet of `perPacketOf`. */
  perPacket: Headers6 | undefined = undefined;
  perPacketOf: Inpcb | undefined = undefined;
  readonly ours: AddrTable = new AddrTable();
  readonly pmtu: PathMtus;
  readonly frags: FragQueues6;
  readonly groups: IfGroups6;
  readonly icmp: Icmp6;
  readonly mld: Mld;
  readonly nd: Nd;
  readonly protocols: (Ip6Protocol | undefined)[] = new Array<Ip6Protocol | undefined>(256).fill(undefined);
  /** Raw sockets see a packet by a copy of what follows its headers, at `off`. Returns whether one took it. */
  raw: ((m: Mbuf, off: number, protocol: number, flow: Flow) => boolean) | undefined = undefined;
  readonly #ifs = new Map<Ifnet, If6>();
  readonly #dst = new Nexthop(AF_INET6);
  /** The route looked up last. */
  readonly #lastDst = new Nexthop();
  #lastRt: Rtentry | undefined;
  #lastGen = 0;
  readonly #undo: (() => void)[] = [];

  constructor(readonly inet: Inet) {
    this.k = inet.k;
    this.mbufs = inet.mbufs;
    this.flow = new Flow(this);
    this.labels = new FlowLabels(inet);
    this.rtable = inet.net.rtable(AF_INET6);
    this.pmtu = new PathMtus(inet.k, () => this.rtable.changed(), () => inet.tcp.pathsForgotten(this));
    this.frags = new FragQueues6(this);
    this.groups = new IfGroups6(this);
    this.icmp = new Icmp6(this);
    this.mld = new Mld(this);
    this.nd = new Nd(this);
  }

  /** Takes packets from now on, on all interfaces. */
  attach(): void {
    const { net } = this.inet;
    this.protocols[NH_ICMPV6] = (m, flow) => this.icmp.input(m, flow);
    this.#undo.push(net.isr(AF_INET6, (m, ifp) => ip6Input(this, m, ifp)));
    const onAddr = (ia: Ifaddr, event: AddrEvent): void => this.#onAddr(ia, event);
    const onIf = (ifp: Ifnet, event: IfEvent): void => this.#onIf(ifp, event);
    net.onAddr.push(onAddr);
    net.onIf.push(onIf);
    this.#undo.push(
      () => net.onAddr.splice(net.onAddr.indexOf(onAddr), 1),
      () => net.onIf.splice(net.onIf.indexOf(onIf), 1),
      this.nd.attach(),
    );
    for (const ifp of net.ifs) if (ifp.up) this.#onIf(ifp, 'up');
  }

  #onAddr(ia: Ifaddr, event: AddrEvent): void {
    if (ia.family !== AF_INET6) return;
    if (event !== 'delete' && usable(ia)) this.ours.add(ia);
    else this.ours.delete(ia);
    this.nd.addressEvent(ia, event);
  }

  #onIf(ifp: Ifnet, event: IfEvent): void {
    if (event === 'up') this.mld.up(ifp);
    this.nd.interfaceEvent(ifp, event);
    if (event !== 'detach') return;
    this.groups.detach(ifp);
    this.#ifs.delete(ifp);
  }

  release(): void {
    for (const undo of this.#undo.splice(0)) undo();
    const { net } = this.inet;
    for (const ifp of net.ifs) for (const ia of [...ifp.addrs]) if (ia.family === AF_INET6) net.addrDel(ia);
    for (const rt of [...this.rtable]) net.rtDelete(rt);
    this.nd.stop();
    this.mld.stop();
    this.frags.clear();
    this.pmtu.clear();
    this.groups.clear();
  }

  /** What is known of an interface. */
  if6(ifp: Ifnet): If6 {
    let one = this.#ifs.get(ifp);
    if (one === undefined) {
      this.#ifs.set(ifp, (one = new If6(ifp)));
      one.autoLinklocal = this.conf.autoLinklocal;
    }
    return one;
  }

  // -- Family

  defaultTtl(): number {
    return this.conf.hlim;
  }

  output(m: Mbuf, ends: Ends, rt: Rtentry | undefined, how: SendArgs): number {
    return ip6Output(this, m, ends, rt, how);
  }

  route(ends: Ends): Rtentry | undefined {
    return this.lookup(ends.f0, ends.f1, ends.f2, ends.f3);
  }

  /** The route to an address; that of the last packet is kept at hand. */
  lookup(w0: number, w1: number, w2: number, w3: number): Rtentry | undefined {
    const gen = this.rtable.generation;
    if (this.#lastGen === gen && this.#lastRt !== undefined && this.#lastDst.equals(w0, w1, w2, w3)) return this.#lastRt;
    this.#lastRt = this.rtable.lookup(w0, w1, w2, w3);
    this.#lastDst.set(AF_INET6, w0, w1, w2, w3);
    this.#lastGen = gen;
    return this.#lastRt;
  }

  routeGeneration(): number {
    return this.rtable.generation;
  }

  mtu(rt: Rtentry, ends: Ends): number {
    const mtu = this.mtuOf(rt, ends.f0, ends.f1, ends.f2, ends.f3);
    if (!(ends instanceof Inpcb) || !(ends.options6 instanceof Options6)) return mtu;
    const { headers } = ends.options6;
    return (headers.useMinMtu === 1 ? Math.min(mtu, IP6_MIN_MTU) : mtu) - headers.len;
  }

  mtuOf(rt: Rtentry, w0: number, w1: number, w2: number, w3: number): number {
    return this.pmtu.of(w0, w1, w2, w3, this.linkMtu(rt.ifp, rt.pathMtu));
  }

  linkMtu(ifp: Ifnet, mtu: number): number {
    const said = this.#ifs.get(ifp);
    return said !== undefined && said.linkMtu !== 0 && said.linkMtu < mtu ? said.linkMtu : mtu;
  }

  /** RFC 8201 4: never below 1280. */
  learnMtu(ends: Ends, mtu: number): void {
    this.pmtu.learn(ends.f0, ends.f1, ends.f2, ends.f3, mtu < IP6_MIN_MTU ? IP6_MIN_MTU : mtu);
  }

  pseudo(ends: Ends, protocol: number, len: number): number {
    return sumPseudo6(bare(ends.l0), ends.l1, ends.l2, ends.l3, bare(ends.f0), ends.f1, ends.f2, ends.f3, protocol, len);
  }

  selectSource(ends: Ends, pcb: Inpcb | undefined): void {
    const errno = this.trySource(ends, pcb);
    if (errno !== undefined) throw errno;
  }

  /** Sets the local address that a packet to the foreign one gets, and the zone of a group. EHOSTUNREACH, EADDRNOTAVAIL: it cannot; undefined: done. */
  trySource(ends: Ends, pcb: Inpcb | undefined): Errno | undefined {
    const options = pcb?.options6 instanceof Options6 ? pcb.options6 : undefined;
    if (options?.source !== undefined) {
      setLocalEnd(ends, options.source);
      return undefined;
    }
    const dst = this.#dst.set(AF_INET6, ends.f0, ends.f1, ends.f2, ends.f3);
    let ifp: Ifnet | undefined;
    let rt: Rtentry | undefined;
    if (isMulticast(dst.w0)) {
      ifp = this.multicastIf(dst.w0, options, options?.ifindex ?? 0);
      if (ifp !== undefined) dst.w0 = ends.f0 = inZone(dst.w0, ifp.index);
    } else {
      rt = this.lookup(dst.w0, dst.w1, dst.w2, dst.w3);
      // Who sends into a black hole hears nothing of it.
      ifp = rt === undefined || (rt.flags & RTF_REJECT) !== 0 ? undefined : rt.ifp;
    }
    if (ifp === undefined) return ERR.EHOSTUNREACH;
    const temp = options === undefined || options.headers.preferTemp < 0 ? this.conf.preferTempaddr : options.headers.preferTemp === 1;
    const ia = selectSource6(this, dst, ifp, rt, temp);
    if (ia === undefined) return ERR.EADDRNOTAVAIL;
    setLocalEnd(ends, ia.addr);
    return undefined;
  }

  /** By which interface packets for a group go: as its zone says, or the program, or the route, or where groups can be. */
  multicastIf(w0: number, options: Options6 | undefined, ifindex: number): Ifnet | undefined {
    const { net } = this.inet;
    const index = zoneOf(w0) !== 0 ? zoneOf(w0) : ifindex !== 0 ? ifindex : options !== undefined && options.multicastIf !== 0 ? options.multicastIf : this.conf.defaultZone;
    if (index !== 0) return net.ifByIndex(index);
    const rt = this.rtable.lookup(w0, 0, 0, 0);
    if (rt !== undefined && !rt.closed) return rt.ifp;
    return net.ifs.find((ifp) => ifp.up && ifp !== net.lo0 && this.linkLocal(ifp) !== undefined) ?? net.lo0;
  }

  /** The usable link-local address of an interface. */
  linkLocal(ifp: Ifnet): Ifaddr | undefined {
    return ifp.addrs.find((ia) => usable(ia) && isLinkLocal(ia.addr.w0));
  }

  isOurs(w0: number, w1: number, w2: number, w3: number): boolean {
    return isMapped(w0, w1, w2) ? this.inet.ip.isOurs(w0, w1, w2, w3) : this.ours.find(w0, w1, w2, w3) !== undefined;
  }

  isMulticast(w0: number, w1: number, w2: number, w3: number): boolean {
    return isMapped(w0, w1, w2) ? this.inet.ip.isMulticast(w0, w1, w2, w3) : isMulticast(w0);
  }

  isBroadcast(w0: number, w1: number, w2: number, w3: number): boolean {
    return isMapped(w0, w1, w2) && this.inet.ip.isBroadcast(w0, w1, w2, w3);
  }

  connectTarget(a: Addr): void {
    if ((a.w0 | a.w1 | a.w2 | a.w3) === 0) a.w3 = 1;
  }

  unreachable(m: Mbuf, flow: Flow, _what: 'port' | 'protocol'): void {
    // The network header is still in front of it, unless the transport has moved it.
    if (m.off < flow.hdrLen || m.buf[m.off - flow.hdrLen] >>> 4 !== 6) {
      this.mbufs.free(m);
      return;
    }
    m.off -= flow.hdrLen;
    m.len += flow.hdrLen;
    m.pktlen += flow.hdrLen;
    this.icmp.error(m, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_NOPORT, 0, flow.rcvif);
  }

  control(so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    return in6Control(this, so, cmd, data, l);
  }

  ancillary(inp: Inpcb, flow: Flow): Mbuf | undefined {
    return ancillary6(this, inp, flow);
  }

  sendOptions(inp: Inpcb, how: SendArgs, ends: Ends, control: Mbuf | undefined): void {
    sendOptions6(this, inp, how, ends, control);
  }

  wantsGroup(inp: Inpcb, flow: Flow): boolean {
    return socketWants6(inp, flow);
  }

  // -- names

  parseName(nam: Uint8Array, into: Addr): void {
    if (nam.length < 24) throw ERR.EINVAL;
    if (nam[1] !== AF_INET6) throw ERR.EAFNOSUPPORT;
    into.w0 = this.zoned(getI32be(nam, 8), nam.length < SOCKADDR_IN6_LEN ? 0 : getU32le(nam, 24));
    into.w1 = getI32be(nam, 12);
    into.w2 = getI32be(nam, 16);
    into.w3 = getI32be(nam, 20);
    into.port = getU16be(nam, 2);
    into.scope = 0;
  }

  /** The first word of an address of a program's, in the zone that it says. ENXIO: there is no such interface. */
  zoned(w0: number, zone: number): number {
    if (!hasZone(w0)) return w0;
    if (zone === 0) return zoneOf(w0) !== 0 ? w0 : inZone(w0, this.conf.defaultZone);
    if (this.inet.net.ifByIndex(zone) === undefined) throw ERR.ENXIO;
    return inZone(w0, zone);
  }

  sockaddr(w0: number, w1: number, w2: number, w3: number, port: number): Uint8Array {
    return sockaddrIn6(bytesOf(address(bare(w0), w1, w2, w3)), port, zoneOf(w0));
  }

  nameInto(flow: Ends, into: Uint8Array): number {
    into[0] = SOCKADDR_IN6_LEN;
    into[1] = AF_INET6;
    putU16be(into, 2, flow.fport);
    putU32be(into, 4, 0);
    putU32be(into, 8, bare(flow.f0));
    putU32be(into, 12, flow.f1);
    putU32be(into, 16, flow.f2);
    putU32be(into, 20, flow.f3);
    putU32le(into, 24, zoneOf(flow.f0));
    return SOCKADDR_IN6_LEN;
  }
}

export function setLocalEnd(ends: Ends, from: Nexthop): void {
  ends.l0 = from.w0;
  ends.l1 = from.w1;
  ends.l2 = from.w2;
  ends.l3 = from.w3;
}
