/** Packets for others (RFC 8200, RFC 4861 8.2, RFC 4291 2.5.6): the route, one hop less, and errors for who sent them. */
import { RTF_BLACKHOLE, RTF_DYNAMIC } from '@anykernel/lib-sys';
import {
  ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADDR, ICMP6_DST_UNREACH_BEYONDSCOPE, ICMP6_DST_UNREACH_NOROUTE, ICMP6_PACKET_TOO_BIG, ICMP6_TIME_EXCEEDED,
  ICMP6_TIME_EXCEED_TRANSIT, IP6_HDR_LEN,
} from '@anykernel/lib-wire';
import type { Ifnet, Rtentry } from '@anykernel/net';
import { CSUM_NONE, CSUM_VALID, GSO_NONE, M_LOOP, type Mbuf } from '@anykernel/rumpnet';
import { address, hasZone, isUnspecified } from './addr.js';
import { isLoopback } from './if6.js';
import type { Ip6 } from './ip6.js';
import { sendPacket6 } from './output.js';

/** Sends on a packet whose header is in ip6.header. Owns `packet`. */
export function forward(ip6: Ip6, packet: Mbuf, ifp: Ifnet): void {
  const h = ip6.header;
  const { stats, mbufs, icmp } = ip6;
  if (isUnspecified(h.s0, h.s1, h.s2, h.s3) || hasZone(h.d0)) {
    stats.cantforward++;
    mbufs.free(packet);
    return;
  }
  if (h.hopLimit <= 1) {
    icmp.error(packet, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_TRANSIT, 0, ifp.index);
    return;
  }
  const rt = ip6.lookup(h.d0, h.d1, h.d2, h.d3);
  if (rt === undefined || rt.closed || isLoopback(rt.ifp)) {
    stats.cantforward++;
    if (rt !== undefined && (rt.flags & RTF_BLACKHOLE) !== 0) mbufs.free(packet);
    else icmp.error(packet, ICMP6_DST_UNREACH, rt !== undefined && isLoopback(rt.ifp) ? ICMP6_DST_UNREACH_ADDR : ICMP6_DST_UNREACH_NOROUTE, 0, ifp.index);
    return;
  }
  if (hasZone(h.s0) && rt.ifp !== ifp) {
    // RFC 4443 3.1, code 2: the source means something on its own link only.
    stats.badscope++;
    icmp.error(packet, ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_BEYONDSCOPE, 0, ifp.index);
    return;
  }
  const mtu = ip6.linkMtu(rt.ifp, rt.pathMtu);
  if (packet.pktlen > mtu && (packet.gsoType === GSO_NONE || packet.gsoSize + IP6_HDR_LEN + 20 > mtu)) {
    stats.cantfrag++;
    icmp.error(packet, ICMP6_PACKET_TOO_BIG, 0, mtu, ifp.index);
    return;
  }
  if (rt.ifp === ifp) redirect(ip6, packet, rt, ifp);
  const m = mbufs.own(packet, IP6_HDR_LEN);
  if (m === undefined) return;
  m.buf[m.off + 7]--;
  // What had been verified here is not verified there.
  if (m.csum === CSUM_VALID && (m.flags & M_LOOP) === 0) m.csum = CSUM_NONE;
  stats.forward++;
  rt.use++;
  const gw = rt.gateway;
  if (gw !== undefined) sendPacket6(ip6, m, rt.ifp, gw.w0, gw.w1, gw.w2, gw.w3, mtu, true);
  else sendPacket6(ip6, m, rt.ifp, h.d0, h.d1, h.d2, h.d3, mtu, true);
}

/** RFC 4861 8.2: who sent it is a neighbour, and could have sent it straight to the next hop. */
function redirect(ip6: Ip6, m: Mbuf, rt: Rtentry, ifp: Ifnet): void {
  const h = ip6.header;
  if (!ip6.conf.redirect || (rt.flags & RTF_DYNAMIC) !== 0) return;
  const back = ip6.rtable.lookup(h.s0, h.s1, h.s2, h.s3);
  if (back === undefined || back.ifp !== ifp || back.gateway !== undefined) return;
  const dst = address(h.d0, h.d1, h.d2, h.d3);
  ip6.stats.redirectsent++;
  ip6.nd.redirects.send(ifp, address(h.s0, h.s1, h.s2, h.s3), rt.gateway ?? dst, dst, m);
}
