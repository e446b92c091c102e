/**
 * ICMPv6 (RFC 4443): echo, errors that we send, and what errors from the network tell the transports. Neighbour discovery and MLD have their own files.
 */
import { getI32be, getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';
import { ERR, type Errno, IPPROTO_TCP, IPPROTO_UDP } from '@anykernel/lib-sys';
import {
  ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN, ICMP6_DST_UNREACH_NOPORT, ICMP6_ECHO_REPLY, ICMP6_ECHO_REQUEST, ICMP6_HDR_LEN, ICMP6_PACKET_TOO_BIG,
  ICMP6_PARAMPROB_NEXTHEADER, ICMP6_PARAMPROB_OPTION, ICMP6_PARAM_PROB, ICMP6_TIME_EXCEEDED, IP6_HDR_LEN, IP6_MIN_MTU, Ipv6Header, MLD_LISTENER_DONE,
  MLD_LISTENER_QUERY, MLD_LISTENER_REPORT, ND_REDIRECT, ND_ROUTER_SOLICIT, NH_ICMPV6, icmp6IsError, parseIpv6, sumFinish, sumFold, upperLayer,
} from '@anykernel/lib-wire';
import { sumChain } from '@anykernel/net';
import { Flow, SendArgs, V4MAPPED } from '@anykernel/netinet';
import { CSUM_NONE, CSUM_VALID, GSO_NONE, M_BCAST, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import { hasZone, inZone, isMulticast, isUnspecified, zoneOf } from './addr.js';
import type { Ip6 } from './ip6.js';
import { tellPathMtuUdp } from './sock/pathmtu.js';
import { type Icmp6Stats, icmp6Stats } from './stats.js';

/** Settings, by sysctl net.inet6.icmp6. */
export class Icmp6Conf {
  /** Errors in a second, of which a burst may go at once (RFC 4443 2.4 (f)); 0: as many as there are. */
  errppslimit = 100;
  rediraccept = true;
  redirtimeoutMs = 600_000;
}

/** Bytes of a quoted packet that are looked at. */
const QUOTE_MAX = 512;

export class Icmp6 {
  readonly conf: Icmp6Conf = new Icmp6Conf();
  readonly stats: Icmp6Stats = icmp6Stats();
  readonly #ip6: Ip6;
  readonly #how = new SendArgs();
  readonly #flow: Flow;
  readonly #header = new Ipv6Header();
  #second = -1;
  #sent = 0;

  constructor(ip6: Ip6) {
    this.#ip6 = ip6;
    this.#flow = new Flow(ip6);
  }

  // -- in

  /** A message: `packet` starts at its ICMPv6 header. Owns it. */
  input(packet: Mbuf, flow: Flow): void {
    const { mbufs } = this.#ip6;
    if (packet.pktlen < ICMP6_HDR_LEN) {
      this.stats.tooshort++;
      mbufs.free(packet);
      return;
    }
    const m = packet.len >= ICMP6_HDR_LEN ? packet : mbufs.pullup(packet, ICMP6_HDR_LEN);
    if (m === undefined) return;
    if (m.csum !== CSUM_VALID && sumFold(sumChain(m, 0, m.pktlen) + this.#ip6.pseudo(flow, NH_ICMPV6, m.pktlen)) !== 0xffff) {
      this.stats.badsum++;
      mbufs.free(m);
      return;
    }
    const type = m.buf[m.off];
    this.stats.inhist[type]++;
    if (icmp6IsError(type)) this.#errorInput(m, flow, type, m.buf[m.off + 1]);
    else if (type === ICMP6_ECHO_REQUEST) this.#echo(m, flow);
    else if (type >= ND_ROUTER_SOLICIT && type <= ND_REDIRECT) this.#ip6.nd.input(m, flow);
    else if (type === MLD_LISTENER_QUERY || type === MLD_LISTENER_REPORT || type === MLD_LISTENER_DONE) this.#ip6.mld.input(m, flow);
    else mbufs.free(m);
  }

  /** RFC 4443 4.2: the same data back, from the address that was asked, or for a group from one of ours. */
  #echo(packet: Mbuf, flow: Flow): void {
    const ip6 = this.#ip6;
    if (isUnspecified(flow.f0, flow.f1, flow.f2, flow.f3)) {
      ip6.mbufs.free(packet);
      return;
    }
    const m = ip6.mbufs.own(packet, ICMP6_HDR_LEN);
    if (m === undefined) return;
    this.stats.reflect++;
    m.buf[m.off] = ICMP6_ECHO_REPLY;
    m.buf[m.off + 1] = 0;
    m.flags &= ~(M_BCAST | M_MCAST);
    const out = this.#flow;
    out.copyEnds(flow);
    if (flow.toMany && !this.#source(out)) {
      ip6.mbufs.free(m);
      return;
    }
    this.send(m, out, flow.tos, 0);
  }

  /** Sets the source for where `out` goes. False: there is none. */
  #source(out: Flow): boolean {
    out.l0 = out.l1 = out.l2 = out.l3 = 0;
    return this.#ip6.trySource(out, undefined) === undefined;
  }

  /** The checksum is computed, and the message goes from `ends.l` to `ends.f`, by an interface or as the route says. Owns `m`. */
  send(m: Mbuf, ends: Flow, tos: number, hopLimit: number, ifindex = 0): number {
    const { buf, off } = m;
    putU16be(buf, off + 2, 0);
    putU16be(buf, off + 2, sumFinish(sumChain(m, 0, m.pktlen) + this.#ip6.pseudo(ends, NH_ICMPV6, m.pktlen)));
    m.csum = CSUM_NONE;
    m.gsoType = GSO_NONE;
    this.stats.outhist[buf[off]]++;
    const how = this.#how;
    how.protocol = NH_ICMPV6;
    how.tos = tos;
    how.ttl = hopLimit;
    how.dontFragment = false;
    how.ifindex = ifindex;
    return this.#ip6.output(m, ends, undefined, how);
  }

  // -- errors that we send

  /**
   * Tells the sender of a packet, which starts at its IPv6 header, of an error; `rest` are the bytes 4..8 of the message. Owns `packet`. `ifindex`: of the link
   * that its addresses belong to. Nothing is sent about errors and redirects, and about groups only what RFC 4443 2.4 (e) excepts.
   */
  error(packet: Mbuf, type: number, code: number, rest: number, ifindex: number): void {
    const ip6 = this.#ip6;
    const { mbufs } = ip6;
    const m = mbufs.pullup(packet, Math.min(packet.pktlen, QUOTE_MAX));
    if (m === undefined) return;
    const h = parseIpv6(m.buf, m.off, m.off + m.len, this.#header);
    const out = this.#flow;
    if (h === undefined || !this.#deserves(m, h, type, code) || !this.#addressed(h, ifindex, out) || !this.#mayError()) {
      mbufs.free(m);
      return;
    }
    this.stats.error++;
    // RFC 4443 2.4 (c): as much as fits into the smallest MTU.
    const data = Math.min(m.pktlen, IP6_MIN_MTU - IP6_HDR_LEN - ICMP6_HDR_LEN);
    const message = mbufs.tryGet(ICMP6_HDR_LEN + data);
    if (message !== undefined) {
      const { buf, off } = message;
      buf[off] = type;
      buf[off + 1] = code;
      putU32be(buf, off + 4, rest);
      mbufs.copydata(m, 0, data, buf, off + ICMP6_HDR_LEN);
      this.send(message, out, 0, 0);
    }
    mbufs.free(m);
  }

  /** RFC 4443 2.4 (e). */
  #deserves(m: Mbuf, h: Ipv6Header, type: number, code: number): boolean {
    if (isMulticast(h.s0) || isUnspecified(h.s0, h.s1, h.s2, h.s3)) return false;
    const excepted = type === ICMP6_PACKET_TOO_BIG || (type === ICMP6_PARAM_PROB && code === ICMP6_PARAMPROB_OPTION);
    if (!excepted && (isMulticast(h.d0) || (m.flags & (M_BCAST | M_MCAST)) !== 0)) return false;
    const upper = upperLayer(h.nextHeader, m.buf, m.off + IP6_HDR_LEN, m.off + m.len);
    if (upper === undefined) return true;
    if (upper.nextHeader !== NH_ICMPV6 || upper.later) return true;
    const of = upper.off < m.off + m.len ? m.buf[upper.off] : 0;
    return !icmp6IsError(of) && of !== ND_REDIRECT;
  }

  /** Sets where the message goes, and from which address: the one that the packet was for, if it is ours. */
  #addressed(h: Ipv6Header, ifindex: number, out: Flow): boolean {
    const d0 = zoned(h.d0, ifindex);
    out.f0 = zoned(h.s0, ifindex);
    out.f1 = h.s1;
    out.f2 = h.s2;
    out.f3 = h.s3;
    if (this.#ip6.ours.find(d0, h.d1, h.d2, h.d3) === undefined) return this.#source(out);
    out.l0 = d0;
    out.l1 = h.d1;
    out.l2 = h.d2;
    out.l3 = h.d3;
    return true;
  }

  /** Redirects are limited as errors are. */
  mayRedirect(): boolean {
    return this.#mayError();
  }

  #mayError(): boolean {
    const limit = this.conf.errppslimit;
    if (limit <= 0) return true;
    const second = Math.floor(this.#ip6.k.mono() / 1e9);
    if (second !== this.#second) {
      this.#second = second;
      this.#sent = 0;
    }
    if (this.#sent++ < limit) return true;
    this.stats.limited++;
    return false;
  }

  // -- errors from the network

  #errorInput(packet: Mbuf, flow: Flow, type: number, code: number): void {
    const { mbufs, ours } = this.#ip6;
    if (packet.pktlen < ICMP6_HDR_LEN + IP6_HDR_LEN) {
      this.stats.tooshort++;
      mbufs.free(packet);
      return;
    }
    const m = mbufs.pullup(packet, Math.min(packet.pktlen, QUOTE_MAX));
    if (m === undefined) return;
    const end = m.off + m.len;
    const at = m.off + ICMP6_HDR_LEN;
    const h = parseIpv6(m.buf, at, end, this.#header);
    const upper = h === undefined ? undefined : upperLayer(h.nextHeader, m.buf, at + IP6_HDR_LEN, end);
    if (h !== undefined) {
      h.s0 = zoned(h.s0, zoneOf(flow.l0) !== 0 ? zoneOf(flow.l0) : flow.rcvif);
      h.d0 = zoned(h.d0, zoneOf(flow.l0) !== 0 ? zoneOf(flow.l0) : flow.rcvif);
    }
    // Only who has sent the packet is concerned.
    if (h !== undefined && upper !== undefined && ours.find(h.s0, h.s1, h.s2, h.s3) !== undefined && !isMapped(h)) {
      this.#tell(m, h, upper, end, type, code, getU32be(m.buf, m.off + 4));
    } else this.stats.tooshort++;
    mbufs.free(m);
  }

  /** To the transport whose packet it was. */
  #tell(m: Mbuf, h: Ipv6Header, upper: { nextHeader: number; off: number; later: boolean }, end: number, type: number, code: number, rest: number): void {
    const { inet } = this.#ip6;
    const f = this.#flow;
    f.l0 = h.s0;
    f.l1 = h.s1;
    f.l2 = h.s2;
    f.l3 = h.s3;
    f.f0 = h.d0;
    f.f1 = h.d1;
    f.f2 = h.d2;
    f.f3 = h.d3;
    const ports = !upper.later && upper.off + 8 <= end;
    f.lport = ports ? getU16be(m.buf, upper.off) : 0;
    f.fport = ports ? getU16be(m.buf, upper.off + 2) : 0;
    if (type === ICMP6_PACKET_TOO_BIG) {
      this.#tooBig(m, f, upper, ports, rest);
      return;
    }
    const error = errorOf(type, code);
    if (error === undefined || !ports) return;
    if (upper.nextHeader === IPPROTO_TCP) inet.tcp.unreachable(f, getI32be(m.buf, upper.off + 4), error);
    else if (upper.nextHeader === IPPROTO_UDP) inet.udp.unreachable(f, error);
  }

  /** RFC 8201 4: believed for what we do send; the transport sends again in smaller pieces. */
  #tooBig(m: Mbuf, f: Flow, upper: { nextHeader: number; off: number }, ports: boolean, mtu: number): void {
    const { inet } = this.#ip6;
    const tcp = upper.nextHeader === IPPROTO_TCP;
    // RFC 8201 6: a stranger does not make us remember paths that nobody uses.
    if (tcp && !(ports && inet.tcp.hasInFlight(f, getI32be(m.buf, upper.off + 4)))) return;
    if (ports && upper.nextHeader === IPPROTO_UDP && !inet.udp.table.ports.has(f.lport)) return;
    if (isMulticast(f.f0) || mtu >= 0x8000_0000) return;
    this.#ip6.learnMtu(f, mtu);
    if (ports && tcp) inet.tcp.tooBig(f, getI32be(m.buf, upper.off + 4));
    else if (ports && upper.nextHeader === IPPROTO_UDP) tellPathMtuUdp(this.#ip6, f, this.#ip6.pmtu.of(f.f0, f.f1, f.f2, f.f3, 65_535));
  }
}

/** The first word, in a zone, unless it has one: it came by loopback. */
function zoned(w0: number, ifindex: number): number {
  return hasZone(w0) && zoneOf(w0) === 0 ? inZone(w0, ifindex) : w0;
}

function isMapped(h: Ipv6Header): boolean {
  return ((h.d0 | h.d1) === 0 && h.d2 === V4MAPPED) || ((h.s0 | h.s1) === 0 && h.s2 === V4MAPPED);
}

/** What a program hears of it (RFC 4443 3.1, RFC 9293 3.9.2.2). */
function errorOf(type: number, code: number): Errno | undefined {
  if (type === ICMP6_TIME_EXCEEDED) return code === 0 ? ERR.EHOSTUNREACH : undefined;
  if (type === ICMP6_PARAM_PROB) return code === ICMP6_PARAMPROB_NEXTHEADER ? ERR.ECONNREFUSED : undefined;
  if (type !== ICMP6_DST_UNREACH) return undefined;
  if (code === ICMP6_DST_UNREACH_NOPORT || code === ICMP6_DST_UNREACH_ADMIN) return ERR.ECONNREFUSED;
  return code <= 6 ? ERR.EHOSTUNREACH : undefined;
}
