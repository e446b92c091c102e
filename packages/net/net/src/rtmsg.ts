/**
 * Routing messages (route(4)): formats, parsed and emitted. Layouts are in lib/sys's route.ts and ifdata.ts.
 *
 * A prefix is an address and a mask; a mask is a sockaddr of the family, which may end where only zeros would follow.
 */
import { getI32le, getU16le, getU32le, getU64le, putU16le, putU32le, putU64le } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_INET6, IFA_MSGHDR_LEN, IFNAMSIZ, IF_ANNOUNCEMSGHDR_LEN, IF_MSGHDR_LEN, RTA_DST, RTA_GATEWAY, RTA_IFA, RTA_IFP, RTA_NETMASK, RTF_ANNOUNCE,
  RTF_HOST, RTF_LLDATA, RTF_REJECT, RTF_STATIC, RTF_UP, RTM_IFANNOUNCE, RTM_IFINFO, RTM_VERSION, RT_MSGHDR_LEN, sockaddrDl, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';
import type { Ifaddr } from './ifaddr.js';
import { emitIfData } from './ifdata.js';
import type { Ifnet } from './ifnet.js';
import type { Neighbour } from './neighbour.js';
import { Nexthop, addrBits, bytesOf, nexthopOf, wordMask } from './nexthop.js';
import type { Rtentry } from './rtentry.js';

/** Metrics of a route in a message; undefined: not given (RTV bits). */
export interface RtMessage {
  readonly type: number;
  readonly index: number;
  readonly flags: number;
  readonly pid: number;
  readonly seq: number;
  /** RTV_* of the metrics that are set. */
  readonly inits: number;
  readonly mtu: number;
  readonly hopcount: number;
  readonly ssthresh: number;
  readonly rttUs: number;
  readonly rttvarUs: number;
  readonly locks: number;
  /** Seconds; 0: never. */
  readonly expire: number;
  /** By RTA bit. */
  readonly addrs: ReadonlyMap<number, Uint8Array>;
}

/** The bytes that a sockaddr takes in a message. */
function roundup(len: number): number {
  return len === 0 ? 8 : (len + 7) & ~7;
}

/** undefined: it is not one of this version, or its addresses go beyond its end. */
export function parseRtMessage(b: Uint8Array): RtMessage | undefined {
  if (b.length < RT_MSGHDR_LEN || getU16le(b, 0) !== b.length || b[2] !== RTM_VERSION) return undefined;
  const wanted = getU32le(b, 12);
  const addrs = new Map<number, Uint8Array>();
  let at = RT_MSGHDR_LEN;
  for (let bit = 1; bit <= 0x100; bit <<= 1) {
    if ((wanted & bit) === 0) continue;
    if (at >= b.length) return undefined;
    const len = b[at];
    if (at + len > b.length) return undefined;
    addrs.set(bit, b.slice(at, at + len));
    at += roundup(len);
  }
  return {
    type: b[3],
    index: getU16le(b, 4),
    flags: getI32le(b, 8),
    pid: getI32le(b, 16),
    seq: getI32le(b, 20),
    inits: getU32le(b, 32),
    locks: getU64le(b, 40),
    mtu: getU64le(b, 48),
    hopcount: getU64le(b, 56),
    ssthresh: getU64le(b, 80),
    rttUs: getU64le(b, 88),
    rttvarUs: getU64le(b, 96),
    expire: getU64le(b, 104),
    addrs,
  };
}

/** A message's header of `len` bytes, of which the first four are set, with the sockaddrs behind it. `addrsAt`: where their bits go. */
function message(type: number, len: number, addrsAt: number, addrs: ReadonlyMap<number, Uint8Array>): Uint8Array {
  let total = len;
  for (const sa of addrs.values()) total += roundup(sa.length);
  const b = new Uint8Array(total);
  putU16le(b, 0, total);
  b[2] = RTM_VERSION;
  b[3] = type;
  let bits = 0;
  let at = len;
  for (const bit of [...addrs.keys()].sort((x, y) => x - y)) {
    const sa = addrs.get(bit) as Uint8Array;
    bits |= bit;
    b.set(sa, at);
    at += roundup(sa.length);
  }
  if (addrsAt > 0) putU32le(b, addrsAt, bits);
  return b;
}

/** A request for the routing socket, as route(8) and arp(8) send it. What is left out is zero. */
export function emitRtMessage(msg: Partial<RtMessage> & Pick<RtMessage, 'type' | 'addrs'>): Uint8Array {
  const b = message(msg.type, RT_MSGHDR_LEN, 12, msg.addrs);
  putU16le(b, 4, msg.index ?? 0);
  putU32le(b, 8, msg.flags ?? 0);
  putU32le(b, 16, msg.pid ?? 0);
  putU32le(b, 20, msg.seq ?? 0);
  putU32le(b, 32, msg.inits ?? 0);
  putU64le(b, 40, msg.locks ?? 0);
  putU64le(b, 48, msg.mtu ?? 0);
  putU64le(b, 56, msg.hopcount ?? 0);
  putU64le(b, 80, msg.ssthresh ?? 0);
  putU64le(b, 88, msg.rttUs ?? 0);
  putU64le(b, 96, msg.rttvarUs ?? 0);
  putU64le(b, 104, msg.expire ?? 0);
  return b;
}

export interface RtReply {
  readonly type: number;
  readonly pid: number;
  readonly seq: number;
  readonly errno: number;
  /** Flags that the message has beside the route's. */
  readonly flags: number;
  /** RTA_IFP and RTA_IFA are asked for. */
  readonly wanted: number;
}

/** A message about a route. `nowSec`: monotonic, for the time when it expires. */
export function emitRoute(rt: Rtentry, reply: RtReply): Uint8Array {
  const addrs = new Map<number, Uint8Array>([[RTA_DST, sockaddrOf(rt.dst)]]);
  addrs.set(RTA_GATEWAY, rt.gateway === undefined ? linkOf(rt.ifp) : sockaddrOf(rt.gateway));
  if (rt.prefixLen < addrBits(rt.dst.family)) addrs.set(RTA_NETMASK, maskOf(rt.dst.family, rt.prefixLen));
  if ((reply.wanted & (RTA_IFP | RTA_IFA)) !== 0) {
    addrs.set(RTA_IFP, linkOf(rt.ifp));
    if (rt.ifa !== undefined) addrs.set(RTA_IFA, sockaddrOf(rt.ifa.addr));
  }
  const b = message(reply.type, RT_MSGHDR_LEN, 12, addrs);
  putU16le(b, 4, rt.ifp.index);
  putU32le(b, 8, rt.flags | reply.flags);
  putU32le(b, 16, reply.pid);
  putU32le(b, 20, reply.seq);
  putU32le(b, 24, reply.errno);
  putU32le(b, 28, rt.use);
  putU64le(b, 40, rt.locks);
  putU64le(b, 48, rt.mtu);
  putU64le(b, 56, rt.hopcount);
  putU64le(b, 80, rt.ssthresh);
  putU64le(b, 88, rt.rttUs);
  putU64le(b, 96, rt.rttvarUs);
  putU64le(b, 104, rt.expireAt === Infinity ? 0 : Math.ceil(rt.expireAt / 1e9));
  return b;
}

/** A message about a neighbour: a host route whose gateway is its link address (RTF_LLDATA). */
export function emitNeighbour(n: Neighbour, reply: RtReply): Uint8Array {
  const addrs = new Map<number, Uint8Array>([
    [RTA_DST, sockaddrOf(n.addr)],
    [RTA_GATEWAY, sockaddrDl(n.ifp.index, n.ifp.type, n.ifp.name, n.lladdr)],
  ]);
  const b = message(reply.type, RT_MSGHDR_LEN, 12, addrs);
  const own = (n.state === 'permanent' ? RTF_STATIC : 0) | (n.state === 'failed' ? RTF_REJECT : 0) | (n.published ? RTF_ANNOUNCE : 0);
  putU16le(b, 4, n.ifp.index);
  putU32le(b, 8, RTF_UP | RTF_HOST | RTF_LLDATA | own | reply.flags);
  putU32le(b, 16, reply.pid);
  putU32le(b, 20, reply.seq);
  putU32le(b, 24, reply.errno);
  putU64le(b, 104, n.timer.pending ? Math.ceil(n.timer.at / 1e9) : 0);
  return b;
}

/** The caller's own message again, with the error that it met. */
export function emitError(request: Uint8Array, pid: number, errno: number): Uint8Array {
  const b = request.slice();
  putU32le(b, 16, pid);
  putU32le(b, 24, errno);
  return b;
}

/** An interface and its counters (RTM_IFINFO), with its link address. */
export function emitIfInfo(ifp: Ifnet): Uint8Array {
  const b = message(RTM_IFINFO, IF_MSGHDR_LEN, 4, new Map([[RTA_IFP, linkOf(ifp)]]));
  putU32le(b, 8, ifp.flags);
  putU16le(b, 12, ifp.index);
  emitIfData(ifp, b, 16);
  return b;
}

/** An address of an interface: RTM_NEWADDR, RTM_DELADDR, RTM_CHGADDR. */
export function emitAddress(type: number, ia: Ifaddr): Uint8Array {
  const addrs = new Map<number, Uint8Array>([
    [RTA_NETMASK, maskOf(ia.family, ia.prefixLen)],
    [RTA_IFP, linkOf(ia.ifp)],
    [RTA_IFA, sockaddrOf(ia.addr)],
  ]);
  const other = ia.dest ?? ia.broadcast;
  if (other !== undefined) addrs.set(0x80, sockaddrOf(other));
  const b = message(type, IFA_MSGHDR_LEN, 12, addrs);
  putU16le(b, 4, ia.ifp.index);
  putU32le(b, 20, ia.flags);
  return b;
}

/** An interface has come or gone. */
export function emitAnnounce(ifp: Ifnet, what: number): Uint8Array {
  const b = message(RTM_IFANNOUNCE, IF_ANNOUNCEMSGHDR_LEN, 0, new Map());
  putU16le(b, 4, ifp.index);
  for (let i = 0; i < ifp.name.length && i < IFNAMSIZ - 1; i++) b[6 + i] = ifp.name.charCodeAt(i);
  putU16le(b, 22, what);
  return b;
}

function linkOf(ifp: Ifnet): Uint8Array {
  return sockaddrDl(ifp.index, ifp.type, ifp.name, ifp.lladdr);
}

export function sockaddrOf(nh: Nexthop): Uint8Array {
  return nh.family === AF_INET ? sockaddrIn(nh.w0 >>> 0) : sockaddrIn6(bytesOf(nh));
}

/** The mask of a prefix as a whole sockaddr. */
export function maskOf(family: number, len: number): Uint8Array {
  return sockaddrOf(new Nexthop().set(family, wordMask(len), wordMask(len - 32), wordMask(len - 64), wordMask(len - 96)));
}

/** The address in a sockaddr of IPv4 or IPv6, or undefined. */
export function addressIn(sa: Uint8Array | undefined): Nexthop | undefined {
  if (sa === undefined || sa.length < 2) return undefined;
  if (sa[1] === AF_INET && sa.length >= 8) return nexthopOf(AF_INET, sa.subarray(4, 8));
  if (sa[1] === AF_INET6 && sa.length >= 24) return nexthopOf(AF_INET6, sa.subarray(8, 24));
  return undefined;
}

/** The length of a mask, or undefined: its ones are not all in front. Bytes that are not there are zero. */
export function maskLength(family: number, sa: Uint8Array): number | undefined {
  const from = family === AF_INET ? 4 : 8;
  const bytes = new Uint8Array(addrBits(family) / 8);
  bytes.set(sa.subarray(from, from + bytes.length));
  let len = 0;
  while (len < bytes.length * 8 && (bytes[len >> 3] & (0x80 >> (len & 7))) !== 0) len++;
  for (let i = len; i < bytes.length * 8; i++) if ((bytes[i >> 3] & (0x80 >> (i & 7))) !== 0) return undefined;
  return len;
}
