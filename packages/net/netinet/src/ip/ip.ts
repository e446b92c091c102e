/**
 * IPv4: the family of the transport protocols, and the state of the network layer (RFC 791, RFC 1122 3, RFC 1812).
 *
 * input.ts takes packets from interfaces, output.ts sends them, forward.ts passes them on; icmp.ts answers.
 */
import { getI32be, getU16be, putU16be, putU32be } from '@anykernel/lib-bytes';
import {
  AF_INET,
  ERR,
  IFCAP_TSOv4,
  IFF_BROADCAST,
  IFF_LOOPBACK,
  INADDR_BROADCAST,
  IPPROTO_ICMP,
  RTF_REJECT,
  SOCKADDR_IN_LEN,
  sockaddrIn,
} from '@anykernel/lib-sys';
import { ICMP_UNREACH, ICMP_UNREACH_PORT, ICMP_UNREACH_PROTOCOL, Ipv4Header, sumPseudo4 } from '@anykernel/lib-wire';
import { IFA_DUPLICATED, IFA_TENTATIVE, type Ifaddr, type Ifnet, Nexthop, type Rtable, type Rtentry } from '@anykernel/net';
import { Callout, type Kernel, type Lwp } from '@anykernel/rumpkern';
import { GSO_TCPV4, type Mbuf, type Mbufs, type Socket } from '@anykernel/rumpnet';
import type { Addr, Family, SendArgs } from '../family.js';
import { FAM_V4 } from '../family.js';
import { type Ends, Flow, V4MAPPED } from '../flow.js';
import type { Inet } from '../inet.js';
import type { Inpcb } from '../inpcb.js';
import { ipAncillary, ipSendOptions } from './ancillary.js';
import { inControl } from './control.js';
import { type Groups, IfGroups, socketWants } from './groups.js';
import { Icmp } from './icmp.js';
import { ipInput } from './input.js';
import { ipOutput } from './output.js';
import { FragQueues } from './reass.js';
import { type IpStats, ipStats } from './stats.js';

/** Paths whose MTU is remembered. */
const PMTU_MAX = 1024;
/** The smallest that a router is believed (RFC 791: every link carries 68 bytes). */
const MTU_MIN = 68;

/** What was learnt of a path. */
interface PathMtu {
  readonly mtu: number;
  /** When it is forgotten, monotonic ns. */
  readonly until: number;
}

/** A protocol above: `m` starts at its header. */
export type IpProtocol = (m: Mbuf, flow: Flow) => void;

export class Ip implements Family {
  readonly af = AF_INET;
  readonly bit = FAM_V4;
  readonly hdrLen = 20;
  readonly mssDefault = 536;
  readonly mtuMin = MTU_MIN;
  readonly gsoType = GSO_TCPV4;
  readonly tsoCap = IFCAP_TSOv4;
  readonly k: Kernel;
  readonly mbufs: Mbufs;
  readonly stats: IpStats = ipStats();
  readonly rtable: Rtable;
  readonly icmp: Icmp;
  readonly frags: FragQueues;
  readonly groups: IfGroups;
  /** The packet that is being looked at. */
  readonly header: Ipv4Header = new Ipv4Header();
  /** Its options. */
  options: Uint8Array | undefined = undefined;
  readonly outHeader: Ipv4Header = new Ipv4Header();
  readonly flow: Flow = new Flow(this);
  /** Where a packet goes: used until output() returns. */
  readonly nexthop: Nexthop = new Nexthop();
  /** Our own addresses. */
  readonly ours: Map<number, Ifaddr> = new Map<number, Ifaddr>();
  readonly protocols: (IpProtocol | undefined)[] = new Array<IpProtocol | undefined>(256).fill(undefined);
  /** Raw sockets see a packet, by a copy. Returns whether one took it. */
  raw: ((m: Mbuf, protocol: number, flow: Flow) => boolean) | undefined = undefined;
  /** Whether a raw socket may have sent packets of a protocol with a header of its own. */
  rawSender: ((protocol: number) => boolean) | undefined = undefined;
  #id = 0;
  readonly #pmtu = new Map<number, PathMtu>();
  /** The route looked up last. */
  #lastDst = 0;
  #lastRt: Rtentry | undefined;
  #lastGen = 0;
  readonly #undo: (() => void)[] = [];
  readonly #sweep: Callout;
  readonly #expiring = new Set<Callout>();

  constructor(readonly inet: Inet) {
    this.k = inet.k;
    this.mbufs = inet.mbufs;
    this.rtable = inet.net.rtable(AF_INET);
    this.icmp = new Icmp(this);
    this.frags = new FragQueues(this);
    this.groups = new IfGroups(this);
    this.#id = inet.rand.below(65_536);
    this.#sweep = new Callout(this.k, () => this.#forget());
  }

  /** Takes packets from now on. */
  attach(): void {
    const { net } = this.inet;
    this.#undo.push(net.isr(AF_INET, (m, ifp) => ipInput(this, m, ifp)));
    for (const ifp of net.ifs) for (const ia of ifp.addrs) this.#address(ia);
    const onAddr = (ia: Ifaddr, event: string): void => {
      if (event === 'delete') this.#lost(ia);
      else this.#address(ia);
    };
    net.onAddr.push(onAddr);
    this.#undo.push(() => net.onAddr.splice(net.onAddr.indexOf(onAddr), 1));
    this.protocols[IPPROTO_ICMP] = (m, flow) => this.icmp.input(m, flow);
  }

  #address(ia: Ifaddr): void {
    if (ia.family !== AF_INET) return;
    if ((ia.flags & (IFA_TENTATIVE | IFA_DUPLICATED)) === 0) this.ours.set(ia.addr.w0, ia);
    else if (this.ours.get(ia.addr.w0) === ia) this.ours.delete(ia.addr.w0);
  }

  #lost(ia: Ifaddr): void {
    if (ia.family !== AF_INET || this.ours.get(ia.addr.w0) !== ia) return;
    this.ours.delete(ia.addr.w0);
    for (const ifp of this.inet.net.ifs)
      for (const other of ifp.addrs) if (other.family === AF_INET && other.addr.w0 === ia.addr.w0) this.#address(other);
  }

  release(): void {
    this.#sweep.stop();
    for (const callout of this.#expiring) callout.stop();
    this.frags.clear();
    this.groups.clear();
    for (const undo of this.#undo.splice(0)) undo();
  }

  /** An identification for a packet that may be cut (RFC 6864 4). */
  nextId(): number {
    this.#id = this.inet.conf.randomId ? this.inet.rand.below(65_536) : (this.#id + 1) & 0xffff;
    return this.#id;
  }

  // -- Family

  defaultTtl(): number {
    return this.inet.conf.ttl;
  }

  output(m: Mbuf, ends: Ends, rt: Rtentry | undefined, how: SendArgs): number {
    return ipOutput(this, m, ends.l3, ends.f3, rt, how);
  }

  route(ends: Ends): Rtentry | undefined {
    return this.lookup(ends.f3);
  }

  /** The route to an address; that of the last packet is kept at hand. */
  lookup(dst: number): Rtentry | undefined {
    const gen = this.rtable.generation;
    if (this.#lastDst === dst && this.#lastGen === gen && this.#lastRt !== undefined) return this.#lastRt;
    this.#lastRt = this.rtable.lookup(dst);
    this.#lastDst = dst;
    this.#lastGen = gen;
    return this.#lastRt;
  }

  routeGeneration(): number {
    return this.rtable.generation;
  }

  mtu(rt: Rtentry, ends: Ends): number {
    return this.mtuOf(rt, ends.f3);
  }

  mtuOf(rt: Rtentry, dst: number): number {
    const mtu = rt.pathMtu;
    if (this.#pmtu.size === 0) return mtu;
    const path = this.#pmtu.get(dst);
    return path !== undefined && path.mtu < mtu ? path.mtu : mtu;
  }

  learnMtu(ends: Ends, mtu: number): void {
    const dst = ends.f3;
    const size = mtu < MTU_MIN ? MTU_MIN : mtu;
    const before = this.#pmtu.get(dst);
    if (before !== undefined && before.mtu <= size) return;
    this.#pmtu.delete(dst);
    if (this.#pmtu.size >= PMTU_MAX) {
      for (const oldest of this.#pmtu.keys()) {
        this.#pmtu.delete(oldest);
        break;
      }
    }
    const wait = this.inet.conf.mtudiscTimeoutMs;
    this.#pmtu.set(dst, { mtu: size, until: this.k.mono() + wait * 1e6 });
    if (!this.#sweep.pending) this.#sweep.schedule(wait * 1e6);
  }

  /** Paths may have become better (RFC 1191 6.3): they are asked again. */
  #forget(): void {
    const now = this.k.mono();
    let next = Infinity;
    for (const [dst, path] of this.#pmtu) {
      if (path.until <= now) this.#pmtu.delete(dst);
      else next = Math.min(next, path.until);
    }
    this.rtable.changed();
    this.inet.tcp.pathsForgotten(this);
    if (next !== Infinity) this.#sweep.scheduleAt(next);
  }

  /** Takes a route away at its time; `gone` is told. */
  expireRoute(rt: Rtentry, gone: () => void): void {
    const callout = new Callout(this.k, () => {
      this.#expiring.delete(callout);
      gone();
      if (this.rtable.exact(rt.dst, rt.prefixLen) === rt) this.inet.net.rtDelete(rt);
    });
    this.#expiring.add(callout);
    callout.scheduleAt(rt.expireAt);
  }

  pseudo(ends: Ends, protocol: number, len: number): number {
    return sumPseudo4(ends.l3, ends.f3, protocol, len);
  }

  selectSource(ends: Ends, pcb: Inpcb | undefined): void {
    const groups = pcb?.groups as Groups | undefined;
    const rt = this.lookup(ends.f3);
    let ifp =
      this.isMulticast(0, 0, V4MAPPED, ends.f3) && groups !== undefined && groups.ifindex !== 0
        ? this.inet.net.ifByIndex(groups.ifindex)
        : undefined;
    ifp ??= ends.f3 === (INADDR_BROADCAST | 0) && rt === undefined ? this.broadcastIf() : undefined;
    // Who sends into a black hole hears nothing of it.
    const way = rt !== undefined && (rt.flags & RTF_REJECT) === 0 ? rt : undefined;
    const ia = ifp !== undefined ? this.addrOf(ifp) : way === undefined ? undefined : this.sourceFor(way);
    if (ia === undefined) throw way === undefined && ifp === undefined ? ERR.EHOSTUNREACH : ERR.EADDRNOTAVAIL;
    ends.l0 = ends.l1 = 0;
    ends.l2 = V4MAPPED;
    ends.l3 = ia.addr.w0;
  }

  /** The address that packets along a route have: of its interface, the one nearest to where they go. */
  sourceFor(rt: Rtentry): Ifaddr | undefined {
    const ia = rt.ifa;
    if (ia !== undefined && (ia.flags & (IFA_TENTATIVE | IFA_DUPLICATED)) === 0) return ia;
    return this.addrOf(rt.ifp);
  }

  /** The first usable address of an interface. */
  addrOf(ifp: Ifnet): Ifaddr | undefined {
    return ifp.addrs.find((ia) => ia.family === AF_INET && (ia.flags & (IFA_TENTATIVE | IFA_DUPLICATED)) === 0);
  }

  /** Where a packet for everybody goes, when no route says. */
  broadcastIf(): Ifnet | undefined {
    return this.inet.net.ifs.find((ifp) => ifp.up && (ifp.flags & IFF_BROADCAST) !== 0 && this.addrOf(ifp) !== undefined);
  }

  isOurs(w0: number, w1: number, w2: number, w3: number): boolean {
    return w2 === V4MAPPED && (w0 | w1) === 0 && this.ours.has(w3);
  }

  isMulticast(w0: number, w1: number, w2: number, w3: number): boolean {
    return w2 === V4MAPPED && (w0 | w1) === 0 && (w3 & 0xf000_0000) === (0xe000_0000 | 0);
  }

  isBroadcast(w0: number, w1: number, w2: number, w3: number): boolean {
    return w2 === V4MAPPED && (w0 | w1) === 0 && this.isBroadcastAddr(w3);
  }

  /** The limited broadcast, or one of an interface's network. */
  isBroadcastAddr(addr: number): boolean {
    if (addr === (INADDR_BROADCAST | 0)) return true;
    for (const ifp of this.inet.net.ifs) if (this.isBroadcastOn(ifp, addr)) return true;
    return false;
  }

  /** Whether everybody on the interface's link is meant (RFC 1122 3.3.6). */
  isBroadcastOn(ifp: Ifnet, addr: number): boolean {
    if ((ifp.flags & IFF_BROADCAST) === 0) return false;
    if (addr === (INADDR_BROADCAST | 0) || addr === 0) return true;
    for (const ia of ifp.addrs) if (ia.family === AF_INET && ia.broadcast !== undefined && ia.broadcast.w0 === addr) return true;
    return false;
  }

  connectTarget(a: Addr): void {
    if (a.w3 !== 0) return;
    const lo = this.addrOf(this.inet.net.lo0) ?? this.inet.net.ifs.map((ifp) => this.addrOf(ifp)).find((ia) => ia !== undefined);
    if (lo !== undefined) a.w3 = lo.addr.w0;
    a.w0 = a.w1 = 0;
    a.w2 = V4MAPPED;
  }

  unreachable(m: Mbuf, flow: Flow, what: 'port' | 'protocol'): void {
    // The network header is still in front of it.
    m.off -= flow.hdrLen;
    m.len += flow.hdrLen;
    m.pktlen += flow.hdrLen;
    this.icmp.error(m, ICMP_UNREACH, what === 'port' ? ICMP_UNREACH_PORT : ICMP_UNREACH_PROTOCOL, 0);
  }

  control(so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    return inControl(this, so, cmd, data, l);
  }

  ancillary(inp: Inpcb, flow: Flow): Mbuf | undefined {
    return ipAncillary(this, inp, flow);
  }

  sendOptions(inp: Inpcb, how: SendArgs, ends: Ends, control: Mbuf | undefined): void {
    ipSendOptions(this, inp, how, ends, control);
  }

  wantsGroup(inp: Inpcb, flow: Flow): boolean {
    return socketWants(inp, flow);
  }

  // -- names

  parseName(nam: Uint8Array, into: Addr): void {
    if (nam.length < 8) throw ERR.EINVAL;
    if (nam[1] !== AF_INET) throw ERR.EAFNOSUPPORT;
    const addr = getI32be(nam, 4);
    into.w0 = into.w1 = 0;
    // The unspecified address is the same in both families.
    into.w2 = addr === 0 ? 0 : V4MAPPED;
    into.w3 = addr;
    into.port = getU16be(nam, 2);
    into.scope = 0;
  }

  sockaddr(_w0: number, _w1: number, _w2: number, w3: number, port: number): Uint8Array {
    return sockaddrIn(w3 >>> 0, port);
  }

  nameInto(flow: Ends, into: Uint8Array): number {
    into[0] = SOCKADDR_IN_LEN;
    into[1] = AF_INET;
    putU16be(into, 2, flow.fport);
    putU32be(into, 4, flow.f3);
    into.fill(0, 8, SOCKADDR_IN_LEN);
    return SOCKADDR_IN_LEN;
  }
}

/** Whether packets of an interface never leave the kernel. */
export function isLoopback(ifp: Ifnet): boolean {
  return (ifp.flags & IFF_LOOPBACK) !== 0;
}
