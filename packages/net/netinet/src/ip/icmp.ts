/**
 * ICMP (RFC 792, RFC 1122 3.2.2, RFC 1812 4.3): answers to echo and time, errors that we send, and what errors from the network tell the transports.
 */
import { getI32be, getU16be, putU16be, putU32be } from '@anykernel/lib-bytes';
import {
  AF_INET, ERR, type Errno, IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, RTF_DYNAMIC, RTF_GATEWAY, RTF_HOST, RTF_UP,
} from '@anykernel/lib-sys';
import {
  ICMP_ECHO, ICMP_ECHOREPLY, ICMP_HDR_LEN, ICMP_PARAMPROB, ICMP_REDIRECT, ICMP_TIMXCEED, ICMP_TIMXCEED_REASS, ICMP_TSTAMP,
  ICMP_TSTAMPREPLY, ICMP_UNREACH, ICMP_UNREACH_FILTER_PROHIB, ICMP_UNREACH_NEEDFRAG, ICMP_UNREACH_PORT, ICMP_UNREACH_PROTOCOL,
  icmpIsError, IP_DF, IP_HDR_LEN, Ipv4Header, parseIpv4, sumFinish,
} from '@anykernel/lib-wire';
import { Nexthop, Rtentry, sumChain } from '@anykernel/net';
import { CSUM_NONE, GSO_NONE, M_BCAST, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import { SendArgs } from '../family.js';
import { Flow, V4MAPPED } from '../flow.js';
import type { Ip } from './ip.js';
import { msOfDay } from './options.js';

/** Settings, by sysctl net.inet.icmp. */
export class IcmpConf {
  /** Bytes of the packet in error that go back behind its header. */
  returndatabytes = 8;
  /** Errors in a second; 0: as many as there are. */
  errppslimit = 100;
  /** Echo requests for a broadcast or a group are answered. */
  bmcastecho = false;
  /** Redirects are believed, and for how long, in ms. */
  rediraccept = true;
  redirtimeoutMs = 600_000;
}

/** Plateaus for routers that do not say the next link's MTU (RFC 1191 7.1). */
const PLATEAUS: readonly number[] = [65_535, 32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

export interface IcmpStats {
  error: number;
  tooshort: number;
  badsum: number;
  reflect: number;
  limited: number;
  redirects: number;
  inhist: number[];
  outhist: number[];
}

export class Icmp {
  readonly conf: IcmpConf = new IcmpConf();
  readonly stats: IcmpStats = {
    error: 0,
    tooshort: 0,
    badsum: 0,
    reflect: 0,
    limited: 0,
    redirects: 0,
    inhist: new Array<number>(41).fill(0),
    outhist: new Array<number>(41).fill(0),
  };
  readonly #ip: Ip;
  readonly #how = new SendArgs();
  readonly #flow: Flow;
  #second = -1;
  #redirects = 0;
  #sent = 0;

  constructor(ip: Ip) {
    this.#ip = ip;
    this.#flow = new Flow(ip);
  }

  // -- in

  /** A message: `m` starts at its ICMP header. Owns `m`. */
  input(packet: Mbuf, flow: Flow): void {
    const { mbufs } = this.#ip;
    const m = packet.pktlen < ICMP_HDR_LEN ? packet : mbufs.pullup(packet, ICMP_HDR_LEN);
    if (m === undefined) return;
    if (m.pktlen < ICMP_HDR_LEN || sumFinish(sumChain(m, 0, m.pktlen)) !== 0) {
      if (m.pktlen < ICMP_HDR_LEN) this.stats.tooshort++;
      else this.stats.badsum++;
      mbufs.free(m);
      return;
    }
    const type = m.buf[m.off]!;
    if (type < 41) this.stats.inhist[type]!++;
    if (icmpIsError(type)) {
      this.#errorInput(m, flow, type, m.buf[m.off + 1]!);
      return;
    }
    if (type === ICMP_ECHO && (!flow.toMany || this.conf.bmcastecho)) this.#reflect(m, flow, ICMP_ECHOREPLY);
    else if (type === ICMP_TSTAMP && !flow.toMany && m.pktlen >= 20) this.#timestamp(m, flow);
    else mbufs.free(m);
  }

  #timestamp(packet: Mbuf, flow: Flow): void {
    const m = this.#ip.mbufs.own(packet, 20);
    if (m === undefined) return;
    const now = msOfDay(this.#ip);
    putU32be(m.buf, m.off + 12, now);
    putU32be(m.buf, m.off + 16, now);
    this.#reflect(m, flow, ICMP_TSTAMPREPLY);
  }

  /** Sends a message back to where it came from (RFC 1122 3.2.2.6). Owns `m`. */
  #reflect(packet: Mbuf, flow: Flow, type: number): void {
    const ip = this.#ip;
    const m = ip.mbufs.own(packet, ICMP_HDR_LEN);
    if (m === undefined) return;
    this.stats.reflect++;
    m.buf[m.off] = type;
    m.flags &= ~(M_BCAST | M_MCAST);
    const src = flow.toMany ? 0 : flow.l3;
    this.#send(m, src, flow.f3, flow.tos);
  }

  /** The checksum is computed, and the message goes. */
  #send(m: Mbuf, src: number, dst: number, tos: number): void {
    const { buf, off } = m;
    putU16be(buf, off + 2, 0);
    putU16be(buf, off + 2, sumFinish(sumChain(m, 0, m.pktlen)));
    m.csum = CSUM_NONE;
    m.gsoType = GSO_NONE;
    const type = buf[off]!;
    if (type < 41) this.stats.outhist[type]!++;
    const how = this.#how;
    how.protocol = IPPROTO_ICMP;
    how.tos = tos;
    how.ttl = 0;
    how.dontFragment = false;
    const flow = this.#flow;
    flow.l2 = flow.f2 = V4MAPPED;
    flow.l3 = src;
    flow.f3 = dst;
    this.#ip.output(m, flow, undefined, how);
  }

  // -- errors that we send

  /**
   * Tells the sender of a packet, which starts at its IP header, of an error; `rest` are the bytes 4..8 of the message. Owns `m`. Nothing is sent about
   * errors, groups, everybody, or later pieces (RFC 1122 3.2.2), nor more than so many in a second (RFC 1812 4.3.2.8).
   */
  error(packet: Mbuf, type: number, code: number, rest: number): void {
    const ip = this.#ip;
    const { mbufs } = ip;
    const m = mbufs.pullup(packet, Math.min(packet.pktlen, 68));
    if (m === undefined) return;
    const h = parseIpv4(m.buf, m.off, m.off + m.len);
    if (h === undefined || !this.#deserves(m, h)) {
      mbufs.free(m);
      return;
    }
    this.stats.error++;
    const data = Math.min(m.pktlen, h.hdrLen + Math.max(8, Math.min(this.conf.returndatabytes, 576 - 28 - h.hdrLen)));
    const out = mbufs.tryGet(ICMP_HDR_LEN + data);
    if (out === undefined) {
      mbufs.free(m);
      return;
    }
    const { buf, off } = out;
    buf[off] = type;
    buf[off + 1] = code;
    putU32be(buf, off + 4, rest);
    mbufs.copydata(m, 0, data, buf, off + ICMP_HDR_LEN);
    const to = h.src | 0;
    const src = ip.ours.has(h.dst | 0) ? h.dst | 0 : 0;
    mbufs.free(m);
    this.#send(out, src, to, h.tos & 0xfc);
  }

  #deserves(m: Mbuf, h: Ipv4Header): boolean {
    if (h.fragOffset !== 0 || (m.flags & (M_BCAST | M_MCAST)) !== 0) return false;
    const src = h.src | 0;
    const first = h.src >>> 24;
    if (first >= 224 || first === 0 || (first === 127 && !this.#ip.ours.has(src)) || this.#ip.isBroadcastAddr(src)) return false;
    if (h.dst >>> 28 === 14 || this.#ip.isBroadcastAddr(h.dst | 0)) return false;
    if (h.protocol === IPPROTO_ICMP) {
      const of = m.len > h.hdrLen ? m.buf[m.off + h.hdrLen]! : 0;
      if (icmpIsError(of) || of > 40) return false;
    }
    return this.#mayError();
  }

  #mayError(): boolean {
    const limit = this.conf.errppslimit;
    if (limit <= 0) return true;
    const second = Math.floor(this.#ip.k.mono() / 1e9);
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
    const { mbufs } = this.#ip;
    const m = packet.pktlen < ICMP_HDR_LEN + IP_HDR_LEN ? undefined : mbufs.pullup(packet, Math.min(packet.pktlen, ICMP_HDR_LEN + 68));
    if (m === undefined) {
      if (packet.pktlen < ICMP_HDR_LEN + IP_HDR_LEN) mbufs.free(packet);
      this.stats.tooshort++;
      return;
    }
    const at = m.off + ICMP_HDR_LEN;
    const h = parseIpv4(m.buf, at, m.off + m.len);
    const l4 = h === undefined ? 0 : at + h.hdrLen;
    if (h === undefined || l4 + 8 > m.off + m.len || !this.#ip.ours.has(h.src | 0)) {
      this.stats.tooshort++;
      mbufs.free(m);
      return;
    }
    const rest = getI32be(m.buf, m.off + 4);
    if (type === ICMP_REDIRECT) this.#redirected(flow, h, rest);
    else this.#tell(m, h, l4, type, code, rest & 0xffff);
    mbufs.free(m);
  }

  /** To the transport whose packet it was. */
  #tell(m: Mbuf, h: Ipv4Header, l4: number, type: number, code: number, mtu: number): void {
    const { inet } = this.#ip;
    const f = this.#flow;
    f.l0 = f.l1 = f.f0 = f.f1 = 0;
    f.l2 = f.f2 = V4MAPPED;
    f.l3 = h.src | 0;
    f.f3 = h.dst | 0;
    f.lport = getU16be(m.buf, l4);
    f.fport = getU16be(m.buf, l4 + 2);
    if (type === ICMP_UNREACH && code === ICMP_UNREACH_NEEDFRAG) {
      const seq = getI32be(m.buf, l4 + 4);
      if ((h.flags & IP_DF) === 0 || !this.#credible(f, h.protocol, seq)) return;
      this.#ip.learnMtu(f, mtu >= 68 ? mtu : plateau(h.totalLen));
      if (h.protocol === IPPROTO_TCP) inet.tcp.tooBig(f, seq);
      return;
    }
    const error = errorOf(type, code);
    if (error === undefined) return;
    if (h.protocol === IPPROTO_TCP) inet.tcp.unreachable(f, getI32be(m.buf, l4 + 4), error);
    else if (h.protocol === IPPROTO_UDP) inet.udp.unreachable(f, error);
  }

  /** RFC 5927 4.1, 7: whether we can have sent what is quoted: datagrams may always be fragmented, and what else must not be comes from programs that write headers. */
  #credible(f: Flow, protocol: number, seq: number): boolean {
    if (protocol === IPPROTO_TCP) return this.#ip.inet.tcp.hasInFlight(f, seq);
    return this.#ip.rawSender?.(protocol) === true;
  }

  /** RFC 1122 3.2.2.2: another router is better, says the one that we use. */
  #redirected(flow: Flow, h: Ipv4Header, gateway: number): void {
    const ip = this.#ip;
    const { net } = ip.inet;
    const dst = h.dst | 0;
    const rt = ip.lookup(dst);
    if (!this.conf.rediraccept || rt === undefined || rt.gateway === undefined || rt.gateway.w0 !== flow.f3 || ip.ours.has(gateway)) return;
    const via = ip.rtable.lookup(gateway);
    if (via === undefined || via.gateway !== undefined || via.ifp !== rt.ifp) return;
    this.stats.redirects++;
    const to = new Nexthop().set(AF_INET, gateway, 0, 0, 0);
    if (rt.prefixLen === 32) {
      // One that was set by hand stays as it is (RFC 1122 3.3.1.3).
      if ((rt.flags & RTF_DYNAMIC) === 0) return;
      rt.gateway = to;
      net.rtChanged(rt);
      return;
    }
    if (this.#redirects >= REDIRECTS_MAX) return;
    const host = new Rtentry(
      new Nexthop().set(AF_INET, dst, 0, 0, 0),
      32,
      to,
      rt.ifp,
      rt.ifa,
      RTF_UP | RTF_GATEWAY | RTF_HOST | RTF_DYNAMIC,
    );
    host.expireAt = ip.k.mono() + this.conf.redirtimeoutMs * 1e6;
    net.rtAdd(host);
    this.#redirects++;
    ip.expireRoute(host, () => this.#redirects--);
  }
}

/** Routes that redirects have made. */
const REDIRECTS_MAX = 1024;

/** The next smaller size of usual links. */
function plateau(totalLen: number): number {
  return PLATEAUS.find((mtu) => mtu < totalLen) ?? 68;
}

/** What a program hears of it (RFC 1122 3.2.2.1, 4.2.3.9). */
function errorOf(type: number, code: number): Errno | undefined {
  if (type === ICMP_PARAMPROB) return ERR.ENOPROTOOPT;
  if (type === ICMP_TIMXCEED) return code === ICMP_TIMXCEED_REASS ? undefined : ERR.EHOSTUNREACH;
  if (type !== ICMP_UNREACH) return undefined;
  if (code === ICMP_UNREACH_PORT || code === ICMP_UNREACH_PROTOCOL) return ERR.ECONNREFUSED;
  if (code > ICMP_UNREACH_FILTER_PROHIB + 2) return undefined;
  return ERR.EHOSTUNREACH;
}
