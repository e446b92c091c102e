/** Packets for others (RFC 1812 5.2.1, 5.3.1): the route, one hop less to live, and errors for who sent them. */

import { getU16be, putU16be } from '@anykernel/lib-bytes';
import { RTF_BLACKHOLE, RTF_DYNAMIC, RTF_MODIFIED } from '@anykernel/lib-sys';
import {
  cksumAdjust,
  ICMP_REDIRECT,
  ICMP_REDIRECT_HOST,
  ICMP_TIMXCEED,
  ICMP_TIMXCEED_INTRANS,
  ICMP_UNREACH,
  ICMP_UNREACH_HOST,
  ICMP_UNREACH_NEEDFRAG,
  IP_DF,
} from '@anykernel/lib-wire';
import { type Ifnet, type Rtentry, wordMask } from '@anykernel/net';
import { CSUM_NONE, CSUM_VALID, GSO_NONE, M_BCAST, M_LOOP, type Mbuf } from '@anykernel/rumpnet';
import { type Ip, isLoopback } from './ip.js';
import { sendPacket } from './output.js';

/** Sends on a packet whose header is in ip.header. Owns `m`. */
export function forward(ip: Ip, packet: Mbuf, ifp: Ifnet): void {
  const h = ip.header;
  const { stats, mbufs } = ip;
  if (notForwarded(h.dst)) {
    stats.cantforward++;
    mbufs.free(packet);
    return;
  }
  if (h.ttl <= 1) {
    ip.icmp.error(packet, ICMP_TIMXCEED, ICMP_TIMXCEED_INTRANS, 0);
    return;
  }
  const rt = ip.lookup(h.dst | 0);
  if (rt === undefined || rt.closed || (isLoopback(rt.ifp) && (packet.flags & M_LOOP) !== 0)) {
    stats.cantforward++;
    if (rt !== undefined && (rt.flags & RTF_BLACKHOLE) !== 0) mbufs.free(packet);
    else ip.icmp.error(packet, ICMP_UNREACH, ICMP_UNREACH_HOST, 0);
    return;
  }
  if (ip.isBroadcastOn(rt.ifp, h.dst | 0)) {
    // RFC 2644 3: or one packet would be answered by a whole network.
    if (!ip.inet.conf.directedBroadcast) {
      stats.cantforward++;
      mbufs.free(packet);
      return;
    }
    packet.flags |= M_BCAST;
  }
  const mtu = rt.pathMtu;
  const large = packet.pktlen > mtu && (packet.gsoType === GSO_NONE || packet.gsoSize + h.hdrLen + 20 > mtu);
  if (large && (h.flags & IP_DF) !== 0) {
    stats.cantfrag++;
    ip.icmp.error(packet, ICMP_UNREACH, ICMP_UNREACH_NEEDFRAG, mtu);
    return;
  }
  if (rt.ifp === ifp && ip.inet.conf.redirect) redirect(ip, packet, rt);
  const m = mbufs.own(packet, h.hdrLen);
  if (m === undefined) return;
  lessToLive(m);
  // What had been verified here is not verified there.
  if (m.csum === CSUM_VALID && (m.flags & M_LOOP) === 0) m.csum = CSUM_NONE;
  stats.forward++;
  rt.use++;
  sendPacket(ip, m, rt.ifp, rt.gateway === undefined ? h.dst : rt.gateway.w0, mtu);
}

/** RFC 1122 3.2.1.3: this network, loopback, and what is not for one. */
function notForwarded(dst: number): boolean {
  const first = dst >>> 24;
  return first === 0 || first === 127 || first >= 224;
}

/** RFC 1812 5.3.1, and the checksum follows (RFC 1624). */
function lessToLive(m: Mbuf): void {
  const { buf, off } = m;
  const before = getU16be(buf, off + 8);
  buf[off + 8]!--;
  putU16be(buf, off + 10, cksumAdjust(getU16be(buf, off + 10), before, getU16be(buf, off + 8)));
}

/** RFC 1812 5.2.7.2: who sent it could have sent it straight, as he is on the same link as the next hop. */
function redirect(ip: Ip, m: Mbuf, rt: Rtentry): void {
  const h = ip.header;
  if ((rt.flags & (RTF_DYNAMIC | RTF_MODIFIED)) !== 0) return;
  const ia = rt.ifa;
  if (ia === undefined || ((h.src ^ ia.addr.w0) & wordMask(ia.prefixLen)) !== 0) return;
  const gateway = rt.gateway === undefined ? h.dst : rt.gateway.w0 >>> 0;
  const copy = ip.mbufs.copym(m, 0, m.pktlen);
  if (copy === undefined) return;
  ip.stats.redirectsent++;
  ip.icmp.error(copy, ICMP_REDIRECT, ICMP_REDIRECT_HOST, gateway);
}
