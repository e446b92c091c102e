/** IPv6 packets that go out (RFC 8200): the headers, the route, the source, the size. */
import { putU16be, putU32be } from '@anykernel/lib-bytes';
import { AF_INET6, ERR, IPPROTO_TCP, IPPROTO_UDP, RTF_BLACKHOLE } from '@anykernel/lib-sys';
import { IP6_HDR_LEN, IP6_MIN_MTU, NH_DSTOPTS, NH_HOPOPTS, NH_ROUTING } from '@anykernel/lib-wire';
import type { Ifnet, Rtentry } from '@anykernel/net';
import type { Ends, SendArgs } from '@anykernel/netinet';
import { CSUM_PARTIAL, GSO_NONE, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import { address, bare, inZone, isMulticast, isUnspecified, zoneOf } from './addr.js';
import { fragmentAndSend } from './frag.js';
import { isLoopback } from './if6.js';
import type { Ip6 } from './ip6.js';
import { type Headers6, Options6 } from './options6.js';
import { selectSource6 } from './select.js';
import { tellPathMtu } from './sock/pathmtu.js';

const PAYLOAD_MAX = 65_535;

/** Sends `m`, which starts at its transport header. Owns `m`. Returns an errno, 0: taken. */
export function ip6Output(ip6: Ip6, m: Mbuf, ends: Ends, known: Rtentry | undefined, how: SendArgs): number {
  ip6.stats.localout++;
  const options = how.pcb?.options6 instanceof Options6 ? how.pcb.options6 : undefined;
  const headers = ip6.perPacket !== undefined && ip6.perPacketOf === how.pcb ? ip6.perPacket : options?.headers;
  ip6.perPacket = ip6.perPacketOf = undefined;
  if (isMulticast(ends.f0)) return multicastOutput(ip6, m, ends, how, options, headers);
  const via = headers?.nexthop;
  const rt = via === undefined ? (known ?? ip6.lookup(ends.f0, ends.f1, ends.f2, ends.f3)) : ip6.lookup(via.w0, via.w1, via.w2, via.w3);
  const ifindex = how.ifindex !== 0 ? how.ifindex : (options?.ifindex ?? 0);
  const ifp = ifindex !== 0 ? ip6.inet.net.ifByIndex(ifindex) : rt?.ifp;
  if (ifp === undefined || (rt !== undefined && rt.closed && ifindex === 0)) return noRoute(ip6, m, rt);
  if (how.dontRoute && rt?.gateway !== undefined) return drop(ip6, m, ERR.ENETUNREACH.errno);
  if (!inScope(ends, ifp)) {
    ip6.stats.badscope++;
    return drop(ip6, m, ERR.EHOSTUNREACH.errno);
  }
  const loop = isLoopback(ifp);
  if (tooLong(m, headers)) return drop(ip6, m, ERR.EMSGSIZE.errno);
  const packet = prependHeader(ip6, m, ends, ifp, rt, how, how.ttl !== 0 ? how.ttl : hopLimitOf(ip6, ifp), headers, loop);
  if (packet === undefined) return ERR.ENOBUFS.errno;
  if (rt !== undefined) rt.use++;
  const mtu = mtuFor(ip6, rt, ifp, ends, headers);
  const dontFragment = how.dontFragment || headers?.dontFrag === true;
  const gw = rt !== undefined && rt.ifp === ifp ? rt.gateway : undefined;
  const to = gw ?? via;
  const errno =
    to === undefined
      ? sendPacket6(ip6, packet, ifp, ends.f0, ends.f1, ends.f2, ends.f3, mtu, dontFragment)
      : sendPacket6(ip6, packet, ifp, to.w0, to.w1, to.w2, to.w3, mtu, dontFragment);
  // RFC 3542 11.3: who must not cut it hears how large it may be.
  if (errno === ERR.EMSGSIZE.errno && how.pcb !== undefined && how.protocol !== IPPROTO_TCP) tellPathMtu(ip6, how.pcb, ends, mtu);
  return errno;
}

function hopLimitOf(ip6: Ip6, ifp: Ifnet): number {
  const said = ip6.if6(ifp).hopLimit;
  return said !== 0 ? said : ip6.conf.hlim;
}

function mtuFor(ip6: Ip6, rt: Rtentry | undefined, ifp: Ifnet, ends: Ends, headers: Headers6 | undefined): number {
  const mtu = rt === undefined || rt.ifp !== ifp ? ip6.linkMtu(ifp, ifp.mtu) : ip6.mtuOf(rt, ends.f0, ends.f1, ends.f2, ends.f3);
  return headers?.useMinMtu === 1 && mtu > IP6_MIN_MTU ? IP6_MIN_MTU : mtu;
}

/** Whether a packet with its extension headers is more than its length field can say. */
function tooLong(m: Mbuf, headers: Headers6 | undefined): boolean {
  return m.pktlen + (headers === undefined ? 0 : headers.len) > PAYLOAD_MAX;
}

/** RFC 4007 5: an address does not leave its zone. */
function inScope(ends: Ends, ifp: Ifnet): boolean {
  if (isLoopback(ifp)) return true;
  const src = zoneOf(ends.l0);
  const dst = zoneOf(ends.f0);
  return (src === 0 || src === ifp.index) && (dst === 0 || dst === ifp.index);
}

function noRoute(ip6: Ip6, m: Mbuf, rt: Rtentry | undefined): number {
  ip6.stats.noroute++;
  ip6.mbufs.free(m);
  return rt !== undefined && (rt.flags & RTF_BLACKHOLE) !== 0 ? 0 : ERR.EHOSTUNREACH.errno;
}

function drop(ip6: Ip6, m: Mbuf, errno: number): number {
  ip6.stats.odropped++;
  ip6.mbufs.free(m);
  return errno;
}

/** Of a packet whose protocol has ports. */
function labelOf(ip6: Ip6, ends: Ends, protocol: number): number {
  return ip6.conf.autoFlowlabel && (protocol === IPPROTO_TCP || protocol === IPPROTO_UDP) ? ip6.labels.of(ends) : 0;
}

/** The headers in front, complete. On a loopback interface addresses keep their zones. */
function prependHeader(
  ip6: Ip6,
  m: Mbuf,
  ends: Ends,
  ifp: Ifnet,
  rt: Rtentry | undefined,
  how: SendArgs,
  hopLimit: number,
  headers: Headers6 | undefined,
  loop: boolean,
): Mbuf | undefined {
  let { l0: s0, l1: s1, l2: s2, l3: s3 } = ends;
  if (isUnspecified(s0, s1, s2, s3) && how.pcb !== undefined) {
    const ia = selectSource6(ip6, address(ends.f0, ends.f1, ends.f2, ends.f3), ifp, rt, ip6.conf.preferTempaddr);
    if (ia !== undefined) ({ w0: s0, w1: s1, w2: s2, w3: s3 } = ia.addr);
  }
  const extra = headers === undefined ? 0 : headers.len;
  const packet = ip6.mbufs.prepend(m, IP6_HDR_LEN + extra);
  if (packet === undefined) return undefined;
  const { buf, off } = packet;
  putU32be(buf, off, (6 << 28) | (how.tos << 20) | (loop ? 0 : labelOf(ip6, ends, how.protocol)));
  putU16be(buf, off + 4, packet.pktlen - IP6_HDR_LEN);
  buf[off + 6] = how.protocol;
  buf[off + 7] = hopLimit;
  putU32be(buf, off + 8, loop ? s0 : bare(s0));
  putU32be(buf, off + 12, s1);
  putU32be(buf, off + 16, s2);
  putU32be(buf, off + 20, s3);
  putU32be(buf, off + 24, loop ? ends.f0 : bare(ends.f0));
  putU32be(buf, off + 28, ends.f1);
  putU32be(buf, off + 32, ends.f2);
  putU32be(buf, off + 36, ends.f3);
  if (headers !== undefined && extra > 0) putExtensions(packet, headers, how.protocol);
  return packet;
}

/** Extension headers in the order of RFC 8200 4.1, each with the number of the next. */
function putExtensions(packet: Mbuf, headers: Headers6, protocol: number): void {
  const { buf, off } = packet;
  let nextAt = off + 6;
  let at = off + IP6_HDR_LEN;
  const put = (nextHeader: number, bytes: Uint8Array | undefined): void => {
    if (bytes === undefined) return;
    buf[nextAt] = nextHeader;
    buf.set(bytes, at);
    nextAt = at;
    at += bytes.length;
  };
  put(NH_HOPOPTS, headers.hopopts);
  put(NH_DSTOPTS, headers.rthdrDstopts);
  put(NH_ROUTING, headers.rthdr);
  put(NH_DSTOPTS, headers.dstopts);
  buf[nextAt] = protocol;
}

/** A complete packet to an interface: filters, size. Owns `packet`. */
export function sendPacket6(
  ip6: Ip6,
  packet: Mbuf,
  ifp: Ifnet,
  g0: number,
  g1: number,
  g2: number,
  g3: number,
  mtu: number,
  dontFragment: boolean,
): number {
  let m: Mbuf | undefined = packet;
  const pfil = ip6.inet.net.pfil(AF_INET6);
  if (!pfil.empty) {
    m = pfil.run(m, ifp, 'out');
    if (m === undefined) return 0;
  }
  if (ip6.if6(ifp).disabled) return drop(ip6, m, ERR.ENETDOWN.errno);
  if (m.pktlen <= mtu || (m.gsoType !== GSO_NONE && m.gsoSize < mtu)) return ifp.output(ifp, m, ip6.nexthop.set(AF_INET6, g0, g1, g2, g3));
  if (dontFragment) {
    ip6.stats.cantfrag++;
    ip6.mbufs.free(m);
    return ERR.EMSGSIZE.errno;
  }
  return fragmentAndSend(ip6, m, ifp, address(g0, g1, g2, g3), mtu);
}

/** A packet for a group: by the interface that the program chose, or its zone, or the route; and to ourselves if we belong to it. */
function multicastOutput(ip6: Ip6, m: Mbuf, ends: Ends, how: SendArgs, options: Options6 | undefined, headers: Headers6 | undefined): number {
  const ifp = ip6.multicastIf(ends.f0, options, how.ifindex !== 0 ? how.ifindex : (options?.ifindex ?? 0));
  if (ifp === undefined) return noRoute(ip6, m, undefined);
  ends.f0 = inZone(ends.f0, ifp.index);
  if (!inScope(ends, ifp)) {
    ip6.stats.badscope++;
    return drop(ip6, m, ERR.EHOSTUNREACH.errno);
  }
  const hops = multicastHops(ip6, ifp, how, options);
  if (tooLong(m, headers)) return drop(ip6, m, ERR.EMSGSIZE.errno);
  m.flags |= M_MCAST;
  const loop = isLoopback(ifp);
  const packet = prependHeader(ip6, m, ends, ifp, undefined, how, hops, headers, loop);
  if (packet === undefined) return ERR.ENOBUFS.errno;
  if (!loop && (options === undefined || options.multicastLoop) && how.pcb !== undefined && ip6.groups.member(ifp, ends.f0, ends.f1, ends.f2, ends.f3)) loopBack(ip6, packet, ends);
  // RFC 4291 2.7: what has no hop to go, or the scope of an interface, does not leave it.
  if ((hops === 0 || ((ends.f0 >>> 16) & 15) <= 1) && !loop) {
    ip6.mbufs.free(packet);
    return 0;
  }
  const mtu = ip6.linkMtu(ifp, ifp.mtu);
  return sendPacket6(ip6, packet, ifp, ends.f0, ends.f1, ends.f2, ends.f3, headers?.useMinMtu === 0 ? mtu : Math.min(mtu, IP6_MIN_MTU), how.dontFragment || headers?.dontFrag === true);
}

/** One hop, unless somebody says otherwise (RFC 3493 5.2). */
function multicastHops(ip6: Ip6, ifp: Ifnet, how: SendArgs, options: Options6 | undefined): number {
  if (how.pcb === undefined) return how.ttl !== 0 ? how.ttl : hopLimitOf(ip6, ifp);
  if (how.ttl !== 0 && how.ttl !== how.pcb.ttl) return how.ttl;
  return options === undefined || options.multicastHops < 0 ? 1 : options.multicastHops;
}

/** A copy comes in by the loopback interface, its addresses in their zones. */
function loopBack(ip6: Ip6, packet: Mbuf, ends: Ends): void {
  const copy = ip6.mbufs.tryGet(packet.pktlen);
  if (copy === undefined) return;
  ip6.mbufs.copydata(packet, 0, packet.pktlen, copy.buf, copy.off);
  copy.flags = packet.flags;
  copy.csum = packet.csum;
  if (copy.csum === CSUM_PARTIAL) {
    copy.csumStart = packet.csumStart;
    copy.csumOff = packet.csumOff;
  }
  const { buf, off } = copy;
  putU32be(buf, off + 24, ends.f0);
  const src = buf[off + 8] === 0xfe && (buf[off + 9] & 0xc0) === 0x80;
  if (src) putU16be(buf, off + 10, zoneOf(ends.f0) !== 0 ? zoneOf(ends.f0) : zoneOf(ends.l0));
  const lo = ip6.inet.net.lo0;
  lo.output(lo, copy, ip6.nexthop.set(AF_INET6, ends.f0, ends.f1, ends.f2, ends.f3));
}
