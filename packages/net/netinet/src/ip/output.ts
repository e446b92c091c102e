/** IPv4 packets that go out (RFC 791 2.3, RFC 1122 3.3): the header, the route, the size. */

import { putU16be } from '@anykernel/lib-bytes';
import { AF_INET, ERR, INADDR_BROADCAST, RTF_BLACKHOLE, RTF_GATEWAY } from '@anykernel/lib-sys';
import { emitIpv4, IP_DF, IP_HDR_LEN, inCksum } from '@anykernel/lib-wire';
import type { Ifnet, Rtentry } from '@anykernel/net';
import { GSO_NONE, M_BCAST, M_MCAST, type Mbuf } from '@anykernel/rumpnet';
import type { SendArgs } from '../family.js';
import { fragmentAndSend } from './frag.js';
import type { Groups } from './groups.js';
import { type Ip, isLoopback } from './ip.js';

/** Sends `m`, which starts at its transport header. Owns `m`. Returns an errno, 0: taken. */
export function ipOutput(ip: Ip, m: Mbuf, src: number, dst: number, known: Rtentry | undefined, how: SendArgs): number {
  ip.stats.localout++;
  if ((dst & 0xf000_0000) === (0xe000_0000 | 0)) return multicastOutput(ip, m, src, dst, how);
  const rt = known ?? ip.lookup(dst);
  const ifp = interfaceFor(ip, rt, dst, how);
  if (ifp === undefined || (rt !== undefined && rt.closed && how.ifindex === 0)) return noRoute(ip, m, rt);
  let source = src;
  if (source === 0) {
    const ia = how.ifindex === 0 && rt !== undefined ? ip.sourceFor(rt) : ip.addrOf(ifp);
    if (ia !== undefined) source = ia.addr.w0;
  }
  if (!isLoopback(ifp) && ip.isBroadcastOn(ifp, dst)) {
    if (!how.broadcast) return drop(ip, m, ERR.EACCES.errno);
    m.flags |= M_BCAST;
  }
  if (how.dontRoute && rt !== undefined && rt.gateway !== undefined) return drop(ip, m, ERR.ENETUNREACH.errno);
  const packet = prependHeader(ip, m, source, dst, how);
  if (packet === undefined) return ERR.ENOBUFS.errno;
  if (rt !== undefined) rt.use++;
  const gateway = rt !== undefined && rt.gateway !== undefined && rt.ifp === ifp ? rt.gateway.w0 : dst;
  return sendPacket(ip, packet, ifp, gateway, rt === undefined ? ifp.mtu : ip.mtuOf(rt, dst));
}

/** By which interface: as the caller says, as the route does, or where everybody is when everybody is meant. */
function interfaceFor(ip: Ip, rt: Rtentry | undefined, dst: number, how: SendArgs): Ifnet | undefined {
  if (how.ifindex !== 0) return ip.inet.net.ifByIndex(how.ifindex);
  if (dst === (INADDR_BROADCAST | 0))
    return rt !== undefined && (rt.flags & RTF_GATEWAY) === 0 && rt.prefixLen > 0 ? rt.ifp : (ip.broadcastIf() ?? rt?.ifp);
  return rt?.ifp;
}

function noRoute(ip: Ip, m: Mbuf, rt: Rtentry | undefined): number {
  ip.stats.noroute++;
  ip.mbufs.free(m);
  if (rt === undefined) return ERR.EHOSTUNREACH.errno;
  return (rt.flags & RTF_BLACKHOLE) !== 0 ? 0 : ERR.EHOSTUNREACH.errno;
}

function drop(ip: Ip, m: Mbuf, errno: number): number {
  ip.stats.odropped++;
  ip.mbufs.free(m);
  return errno;
}

/** The header in front, complete. */
function prependHeader(ip: Ip, m: Mbuf, src: number, dst: number, how: SendArgs): Mbuf | undefined {
  const options = how.options;
  const hdrLen = IP_HDR_LEN + (options === undefined ? 0 : options.length);
  const packet = ip.mbufs.prepend(m, hdrLen);
  if (packet === undefined) return undefined;
  const h = ip.outHeader;
  h.hdrLen = hdrLen;
  h.tos = how.tos;
  h.totalLen = packet.pktlen;
  h.flags = how.dontFragment ? IP_DF : 0;
  h.fragOffset = 0;
  // RFC 6864 4.1: a packet that is never cut needs none; others have one, for stacks that compress or reassemble by it.
  h.id = how.dontFragment && packet.gsoType === GSO_NONE ? 0 : ip.nextId();
  h.ttl = how.ttl !== 0 ? how.ttl : ip.inet.conf.ttl;
  h.protocol = how.protocol;
  h.src = src;
  h.dst = dst;
  if (options !== undefined) packet.buf.set(options, packet.off + IP_HDR_LEN);
  emitIpv4(h, packet.buf, packet.off);
  return packet;
}

/** A complete packet to an interface: filters, size. Owns `m`. */
export function sendPacket(ip: Ip, packet: Mbuf, ifp: Ifnet, gateway: number, mtu: number): number {
  let m: Mbuf | undefined = packet;
  const pfil = ip.inet.net.pfil(AF_INET);
  if (!pfil.empty) {
    m = pfil.run(m, ifp, 'out');
    if (m === undefined) return 0;
  }
  const nh = ip.nexthop.set(AF_INET, gateway, 0, 0, 0);
  if (m.pktlen <= mtu || (m.gsoType !== GSO_NONE && m.gsoSize < mtu)) return ifp.output(ifp, m, nh);
  return fragmentAndSend(ip, m, ifp, gateway, mtu);
}

/** A packet for a group (RFC 1112 6.2): by the interface that the program chose, or the route says, and to ourselves if we belong to it. */
function multicastOutput(ip: Ip, m: Mbuf, src: number, dst: number, how: SendArgs): number {
  const groups = how.pcb?.groups as Groups | undefined;
  const index = how.ifindex !== 0 ? how.ifindex : groups === undefined ? 0 : groups.ifindex;
  const rt = ip.lookup(dst);
  const ifp = index !== 0 ? ip.inet.net.ifByIndex(index) : (rt?.ifp ?? ip.broadcastIf());
  if (ifp === undefined) return noRoute(ip, m, rt);
  const ia = src === 0 ? ip.addrOf(ifp) : undefined;
  const ttl = groups === undefined ? 1 : groups.ttl;
  const before = how.ttl;
  how.ttl = how.ttl !== 0 && how.pcb === undefined ? how.ttl : ttl;
  m.flags |= M_MCAST;
  const packet =
    ttl === 0 && how.pcb !== undefined
      ? withTtlZero(ip, m, src, dst, how)
      : prependHeader(ip, m, ia === undefined ? src : ia.addr.w0, dst, how);
  how.ttl = before;
  if (packet === undefined) return ERR.ENOBUFS.errno;
  if ((groups === undefined || groups.loop) && ip.groups.member(ifp, dst) && !isLoopback(ifp)) loopBack(ip, packet);
  if (ttl === 0 && how.pcb !== undefined) {
    ip.mbufs.free(packet);
    return 0;
  }
  return sendPacket(ip, packet, ifp, dst, ifp.mtu);
}

/** A time to live of nothing is a wish to stay on the host. */
function withTtlZero(ip: Ip, m: Mbuf, src: number, dst: number, how: SendArgs): Mbuf | undefined {
  how.ttl = 1;
  const packet = prependHeader(ip, m, src, dst, how);
  if (packet === undefined) return undefined;
  packet.buf[packet.off + 8] = 0;
  putU16be(packet.buf, packet.off + 10, 0);
  putU16be(packet.buf, packet.off + 10, inCksum(packet.buf, packet.off, IP_HDR_LEN));
  return packet;
}

/** A copy comes in by the loopback interface. */
function loopBack(ip: Ip, packet: Mbuf): void {
  const copy = ip.mbufs.copym(packet, 0, packet.pktlen);
  if (copy === undefined) return;
  const lo = ip.inet.net.lo0;
  ip.nexthop.set(AF_INET, 0x7f00_0001, 0, 0, 0);
  lo.output(lo, copy, ip.nexthop);
}
