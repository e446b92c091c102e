/** IPv4 packets that come in (RFC 1122 3.2.1, RFC 1812 5.2): checks, whether they are ours, and to whom they go. */
import { AF_INET, IFF_LOOPBACK } from '@anykernel/lib-sys';
import { IP_HDR_LEN, IP_MF, inCksum, parseIpv4 } from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import { M_BCAST, M_LOOP, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import { V4MAPPED } from '../flow.js';
import { forward } from './forward.js';
import type { Ip } from './ip.js';
import { ipOptionsIn } from './options.js';

/** Bytes behind the header that are in one piece with it: the transport's header. */
const BEHIND = 20;

/** A packet from an interface: `m` starts at its IPv4 header. Owns `m`. */
export function ipInput(ip: Ip, packet: Mbuf, ifp: Ifnet): void {
  ip.stats.total++;
  let m = checked(ip, packet, ifp);
  if (m === undefined) return;
  const pfil = ip.inet.net.pfil(AF_INET);
  if (!pfil.empty) {
    m = pfil.run(m, ifp, 'in');
    if (m === undefined || (m = checked(ip, m, ifp)) === undefined) return;
  }
  const h = ip.header;
  if (h.hdrLen > IP_HDR_LEN) {
    m = ipOptionsIn(ip, m, ifp);
    if (m === undefined) return;
  }
  const dst = h.dst | 0;
  if (ip.ours.has(dst)) {
    if (ip.inet.conf.checkinterface && !onInterface(ip, dst, ifp, m)) {
      ip.stats.cantforward++;
      ip.mbufs.free(m);
      return;
    }
    ipDeliver(ip, m, ifp, false);
    return;
  }
  notOurs(ip, m, ifp, dst);
}

/** Groups, everybody, or somebody else. */
function notOurs(ip: Ip, m: Mbuf, ifp: Ifnet, dst: number): void {
  if ((dst & 0xf000_0000) === (0xe000_0000 | 0)) {
    if (ip.groups.member(ifp, dst) || ((m.flags & M_LOOP) !== 0 && ip.groups.anyMember(dst))) ipDeliver(ip, m, ifp, true);
    else {
      ip.stats.cantforward++;
      ip.mbufs.free(m);
    }
    return;
  }
  if (ip.isBroadcastOn(ifp, dst) || dst === -1) {
    ipDeliver(ip, m, ifp, true);
    return;
  }
  if (!ip.inet.conf.forwarding || (m.flags & (M_BCAST | M_MCAST)) !== 0) {
    ip.stats.cantforward++;
    ip.mbufs.free(m);
    return;
  }
  forward(ip, m, ifp);
}

/** The packet, if its header is right, of the length that the header says; the header is in ip.header. */
function checked(ip: Ip, packet: Mbuf, ifp: Ifnet): Mbuf | undefined {
  const { stats, mbufs } = ip;
  let m: Mbuf | undefined = packet;
  if (m.len < IP_HDR_LEN) m = mbufs.pullup(m, IP_HDR_LEN);
  if (m === undefined) {
    stats.toosmall++;
    return undefined;
  }
  const hdrLen = (m.buf[m.off]! & 15) << 2;
  if (m.len < hdrLen) m = mbufs.pullup(m, hdrLen);
  if (m === undefined) {
    stats.badhlen++;
    return undefined;
  }
  const h = parseIpv4(m.buf, m.off, m.off + m.len, ip.header);
  if (h === undefined) {
    stats.badvers++;
    mbufs.free(m);
    return undefined;
  }
  if ((m.flags & M_LOOP) === 0 && !plausible(ip, m, ifp)) {
    mbufs.free(m);
    return undefined;
  }
  if (m.pktlen < h.totalLen) {
    stats.tooshort++;
    mbufs.free(m);
    return undefined;
  }
  // The link may have filled it up.
  if (m.pktlen > h.totalLen) mbufs.trim(m, h.totalLen);
  return m;
}

function plausible(ip: Ip, m: Mbuf, ifp: Ifnet): boolean {
  const h = ip.header;
  if (inCksum(m.buf, m.off, h.hdrLen) !== 0) {
    ip.stats.badsum++;
    return false;
  }
  if (!martian(ifp, h.src, h.dst)) return true;
  ip.stats.badaddr++;
  return false;
}

/** RFC 1122 3.2.1.3: addresses that nobody sends from, or that never leave a host. */
function martian(ifp: Ifnet, src: number, dst: number): boolean {
  const from = src >>> 24;
  if (from >= 224) return true;
  return (ifp.flags & IFF_LOOPBACK) === 0 && (from === 127 || dst >>> 24 === 127);
}

function onInterface(ip: Ip, dst: number, ifp: Ifnet, m: Mbuf): boolean {
  return (m.flags & M_LOOP) !== 0 || ip.ours.get(dst)?.ifp === ifp;
}

/** A packet for us: whole, to its protocol. `toMany`: it was not for us alone. Owns `m`. */
function ipDeliver(ip: Ip, packet: Mbuf, ifp: Ifnet, toMany: boolean): void {
  const h = ip.header;
  let m: Mbuf | undefined = packet;
  if (h.fragOffset !== 0 || (h.flags & IP_MF) !== 0) {
    ip.stats.fragments++;
    m = ip.frags.insert(m, h);
    if (m === undefined) return;
    ip.stats.reassembled++;
  }
  const { flow } = ip;
  flow.f0 = flow.f1 = flow.l0 = flow.l1 = 0;
  flow.f2 = flow.l2 = V4MAPPED;
  flow.f3 = h.src | 0;
  flow.l3 = h.dst | 0;
  flow.tos = h.tos;
  flow.ttl = h.ttl;
  flow.hdrLen = h.hdrLen;
  ip.options = h.hdrLen > IP_HDR_LEN ? m.buf.slice(m.off + IP_HDR_LEN, m.off + h.hdrLen) : undefined;
  flow.rcvif = ifp.index;
  flow.toMany = toMany || (m.flags & (M_BCAST | M_MCAST)) !== 0;
  ip.stats.delivered++;
  // The transports look back at the header (unreachable()): it stays in one piece with what they look at first.
  const first = h.hdrLen + BEHIND < m.pktlen ? h.hdrLen + BEHIND : m.pktlen;
  if (m.len < first) m = ip.mbufs.pullup(m, first);
  if (m === undefined) return;
  const protocol = ip.protocols[h.protocol];
  const took = ip.raw !== undefined && ip.raw(m, h.protocol, flow);
  if (protocol !== undefined) {
    ip.mbufs.adj(m, h.hdrLen);
    protocol(m, flow);
    return;
  }
  if (took) {
    ip.mbufs.free(m);
    return;
  }
  ip.stats.noproto++;
  ip.mbufs.adj(m, h.hdrLen);
  if (flow.toMany) ip.mbufs.free(m);
  else ip.unreachable(m, flow, 'protocol');
}
