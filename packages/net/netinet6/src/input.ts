/** IPv6 packets that come in (RFC 8200 4): checks, whether they are ours, extension headers in their order, and to whom they go. */
import { AF_INET6 } from '@anykernel/lib-sys';
import {
  ICMP6_PARAMPROB_HEADER, ICMP6_PARAMPROB_NEXTHEADER, ICMP6_PARAM_PROB, IP6_HDR_LEN, NH_DSTOPTS, NH_FRAGMENT, NH_HOPOPTS,
  NH_NONE, NH_ROUTING, extensionLen, parseIpv6,
} from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import { V4MAPPED } from '@anykernel/netinet';
import { M_BCAST, M_LOOP, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import { SCOPE_INTERFACE, hasZone, inZone, isLoopbackAddr, isMulticast, isUnspecified, zoneOf } from './addr.js';
import { optionsIn } from './exthdr.js';
import { forward } from './forward.js';
import type { Ip6 } from './ip6.js';

/** Extension headers of one packet, and the bytes of all of them. */
const HEADERS_MAX = 16;
const CHAIN_MAX = 2048;
/** Bytes behind the headers that are in one piece with them: the transport's header. */
const BEHIND = 20;

/** A packet from an interface: `m` starts at its IPv6 header. Owns `m`. */
export function ip6Input(ip6: Ip6, packet: Mbuf, ifp: Ifnet): void {
  ip6.stats.total++;
  let m = checked(ip6, packet, ifp);
  if (m === undefined) return;
  const pfil = ip6.inet.net.pfil(AF_INET6);
  if (!pfil.empty) {
    m = pfil.run(m, ifp, 'in');
    if (m === undefined || (m = checked(ip6, m, ifp)) === undefined) return;
  }
  const h = ip6.header;
  if (h.nextHeader === NH_HOPOPTS && (m = hopByHop(ip6, m, ifp)) === undefined) return;
  if (isMulticast(h.d0)) {
    group(ip6, m, ifp);
    return;
  }
  if (ip6.ours.find(h.d0, h.d1, h.d2, h.d3) !== undefined) {
    ip6Deliver(ip6, m, ifp, false);
    return;
  }
  if (!ip6.conf.forwarding || (m.flags & (M_BCAST | M_MCAST)) !== 0) {
    ip6.stats.cantforward++;
    ip6.mbufs.free(m);
    return;
  }
  forward(ip6, m, ifp);
}

function group(ip6: Ip6, m: Mbuf, ifp: Ifnet): void {
  const h = ip6.header;
  const loop = (m.flags & M_LOOP) !== 0;
  if (ip6.groups.member(ifp, h.d0, h.d1, h.d2, h.d3) || (loop && ip6.groups.anyMember(h.d0, h.d1, h.d2, h.d3))) {
    ip6Deliver(ip6, m, ifp, true);
    return;
  }
  ip6.stats.notmember++;
  ip6.mbufs.free(m);
}

/** The packet, if its header is right, of the length that the header says; the header is in ip6.header, its addresses in their zones. */
function checked(ip6: Ip6, packet: Mbuf, ifp: Ifnet): Mbuf | undefined {
  const { stats, mbufs } = ip6;
  let m: Mbuf | undefined = packet;
  if (m.len < IP6_HDR_LEN) m = mbufs.pullup(m, IP6_HDR_LEN);
  if (m === undefined) {
    stats.toosmall++;
    return undefined;
  }
  const h = parseIpv6(m.buf, m.off, m.off + m.len, ip6.header);
  if (h === undefined) {
    stats.badvers++;
    mbufs.free(m);
    return undefined;
  }
  const len = IP6_HDR_LEN + h.payloadLen;
  if (m.pktlen < len) {
    stats.tooshort++;
    mbufs.free(m);
    return undefined;
  }
  if ((m.flags & M_LOOP) === 0 && (ip6.if6(ifp).disabled || !plausible(ip6, ifp))) {
    stats.badaddr++;
    mbufs.free(m);
    return undefined;
  }
  // The link may have filled it up.
  if (m.pktlen > len) mbufs.trim(m, len);
  return m;
}

/** From the wire: addresses that nobody sends from, or to, and those that have a zone already. Puts the others into the zone of the link. */
function plausible(ip6: Ip6, ifp: Ifnet): boolean {
  const h = ip6.header;
  if (isMulticast(h.s0) || isUnspecified(h.d0, h.d1, h.d2, h.d3)) return false;
  // RFC 4291 2.5.3, 2.7: what never leaves an interface.
  if (isLoopbackAddr(h.s0, h.s1, h.s2, h.s3) || isLoopbackAddr(h.d0, h.d1, h.d2, h.d3)) return false;
  if (isMulticast(h.d0) && ((h.d0 >>> 16) & 15) <= SCOPE_INTERFACE) return false;
  // An IPv4 address in a header of IPv6 would pass for one that came by IPv4.
  if ((h.s0 | h.s1) === 0 && h.s2 === V4MAPPED) return false;
  if ((h.d0 | h.d1) === 0 && h.d2 === V4MAPPED) return false;
  if (zoneOf(h.s0) !== 0 || zoneOf(h.d0) !== 0) return false;
  if (hasZone(h.s0)) h.s0 = inZone(h.s0, ifp.index);
  if (hasZone(h.d0)) h.d0 = inZone(h.d0, ifp.index);
  return true;
}

/** RFC 8200 4.3: every node on the way looks at them. */
function hopByHop(ip6: Ip6, packet: Mbuf, ifp: Ifnet): Mbuf | undefined {
  const m = headerAt(ip6, packet, NH_HOPOPTS, IP6_HDR_LEN);
  if (m === undefined) return undefined;
  const len = (m.buf[m.off + IP6_HDR_LEN + 1] + 1) << 3;
  return optionsIn(ip6, m, IP6_HDR_LEN, len, ifp);
}

/** The packet with the extension header at `at` in one piece with what is before it. undefined: it ends within it, or is too long. */
function headerAt(ip6: Ip6, packet: Mbuf, next: number, at: number): Mbuf | undefined {
  let m: Mbuf | undefined = pulled(ip6, packet, at + 8);
  if (m === undefined) return undefined;
  const len = extensionLen(next, m.buf, m.off + at, Infinity) as number;
  m = pulled(ip6, m, at + len);
  return m;
}

function pulled(ip6: Ip6, m: Mbuf, len: number): Mbuf | undefined {
  if (m.pktlen < len || len > CHAIN_MAX) {
    if (m.pktlen < len) ip6.stats.tooshort++;
    else ip6.stats.toomanyhdr++;
    ip6.mbufs.free(m);
    return undefined;
  }
  return m.len >= len ? m : ip6.mbufs.pullup(m, len);
}

/** A packet for us: its extension headers in order, then its protocol. Owns `m`. */
function ip6Deliver(ip6: Ip6, packet: Mbuf, ifp: Ifnet, toMany: boolean): void {
  const h = ip6.header;
  let m: Mbuf | undefined = packet;
  let next = h.nextHeader;
  let at = IP6_HDR_LEN;
  // Where the number of the next header stands.
  let nextAt = 6;
  ip6.extensions.length = 0;
  ip6.fragmented = false;
  for (let count = 0; next === NH_HOPOPTS || next === NH_DSTOPTS || next === NH_ROUTING || next === NH_FRAGMENT; count++) {
    if (count >= HEADERS_MAX) {
      ip6.stats.toomanyhdr++;
      ip6.mbufs.free(m);
      return;
    }
    // RFC 8200 4.1: hop-by-hop options stand first, or they are no header that is known.
    if (next === NH_HOPOPTS && nextAt !== 6) break;
    m = headerAt(ip6, m, next, at);
    if (m !== undefined && next !== NH_HOPOPTS) m = oneHeader(ip6, m, next, at, nextAt, ifp);
    if (m === undefined) return;
    if (next === NH_FRAGMENT) ip6.fragmented = true;
    // A packet that is whole again has lost its fragment header.
    if (next === NH_FRAGMENT && ip6.frags.joined) {
      ip6.frags.joined = false;
      ip6.stats.reassembled++;
      // Its headers are those of the first piece, whatever the last one had (RFC 8200 4.5).
      nextAt = ip6.frags.nextAt;
      at = ip6.frags.headerLen;
      next = m.buf[m.off + nextAt];
      continue;
    }
    const len = extensionLen(next, m.buf, m.off + at, m.off + m.len) as number;
    if (next !== NH_FRAGMENT) ip6.extensions.push({ nextHeader: next, bytes: m.buf.slice(m.off + at, m.off + at + len) });
    nextAt = at;
    next = m.buf[m.off + at];
    at += len;
  }
  toProtocol(ip6, m, ifp, toMany, next, nextAt, at);
}

/** Does what a header says. undefined: the packet is gone. */
function oneHeader(ip6: Ip6, m: Mbuf, next: number, at: number, nextAt: number, ifp: Ifnet): Mbuf | undefined {
  if (next === NH_FRAGMENT) return ip6.frags.insert(m, at, nextAt, ifp);
  if (next === NH_DSTOPTS) return optionsIn(ip6, m, at, (m.buf[m.off + at + 1] + 1) << 3, ifp);
  // RFC 8200 4.4, RFC 5095: we are the last destination of every routing header, or it is none that we know.
  if (m.buf[m.off + at + 3] === 0) return m;
  ip6.stats.badoptions++;
  ip6.icmp.error(m, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_HEADER, at + 2, ifp.index);
  return undefined;
}

function toProtocol(ip6: Ip6, packet: Mbuf, ifp: Ifnet, toMany: boolean, next: number, nextAt: number, at: number): void {
  const { mbufs, stats, flow, header: h } = ip6;
  if (next === NH_NONE) {
    mbufs.free(packet);
    return;
  }
  const most = at + BEHIND < packet.pktlen ? at + BEHIND : packet.pktlen;
  const m = packet.len >= most ? packet : mbufs.pullup(packet, most);
  if (m === undefined) return;
  flow.f0 = h.s0;
  flow.f1 = h.s1;
  flow.f2 = h.s2;
  flow.f3 = h.s3;
  flow.l0 = h.d0;
  flow.l1 = h.d1;
  flow.l2 = h.d2;
  flow.l3 = h.d3;
  flow.tos = h.trafficClass;
  flow.ttl = h.hopLimit;
  flow.hdrLen = at;
  flow.rcvif = ifp.index;
  flow.toMany = toMany || (m.flags & (M_BCAST | M_MCAST)) !== 0;
  stats.delivered++;
  const protocol = ip6.protocols[next];
  const took = ip6.raw !== undefined && ip6.raw(m, at, next, flow);
  if (protocol !== undefined) {
    mbufs.adj(m, at);
    protocol(m, flow);
    return;
  }
  if (took) {
    mbufs.free(m);
    return;
  }
  stats.noproto++;
  ip6.icmp.error(m, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_NEXTHEADER, nextAt, ifp.index);
}
