/** Ancillary data of level IPPROTO_IPV6 (RFC 3542): what a socket has asked to hear of each packet, and what a program says of one that it sends. */
import { getI32be, getU32le, putU32le } from '@anykernel/lib-bytes';
import {
  CMSG_SPACE, ERR, IN6_PKTINFO_LEN, IPPROTO_IPV6, IPV6_DONTFRAG, IPV6_DSTOPTS, IPV6_HOPLIMIT, IPV6_HOPOPTS, IPV6_NEXTHOP, IPV6_PKTINFO, IPV6_RTHDR,
  IPV6_RTHDRDSTOPTS, IPV6_TCLASS, IPV6_USE_MIN_MTU, SO_TIMESTAMP, emitCmsg, parseCmsgs, parseSockaddrIn6,
} from '@anykernel/lib-sys';
import { NH_DSTOPTS, NH_HOPOPTS, NH_ROUTING, ip6OptionsValid } from '@anykernel/lib-wire';
import { type Nexthop, bytesOf } from '@anykernel/net';
import { type Ends, type Flow, type Inpcb, type SendArgs, timestamp } from '@anykernel/netinet';
import { type Mbuf, MT_CONTROL } from '@anykernel/rumpnet';
import { address, bare, isUnspecified } from '../addr.js';
import { setLocalEnd, type Ip6 } from '../ip6.js';
import { Headers6, Options6, RECV_DSTOPTS, RECV_HOPLIMIT, RECV_HOPOPTS, RECV_PKTINFO, RECV_RTHDR, RECV_TCLASS } from '../options6.js';

interface Part {
  readonly level?: number;
  readonly type: number;
  readonly data: Uint8Array;
}

/** An MT_CONTROL mbuf for a packet; undefined: nothing was asked for, or there is no memory. */
export function ancillary6(ip6: Ip6, inp: Inpcb, flow: Flow): Mbuf | undefined {
  const recv = inp.options6 instanceof Options6 ? inp.options6.recv : 0;
  const timed = inp.so !== undefined && (inp.so.options & SO_TIMESTAMP) !== 0;
  if (recv === 0 && !timed) return undefined;
  const parts: Part[] = timed ? [timestamp(ip6.k)] : [];
  if ((recv & RECV_PKTINFO) !== 0) parts.push({ type: IPV6_PKTINFO, data: pktinfo(flow) });
  if ((recv & RECV_HOPLIMIT) !== 0) parts.push({ type: IPV6_HOPLIMIT, data: int(flow.ttl) });
  if ((recv & RECV_TCLASS) !== 0) parts.push({ type: IPV6_TCLASS, data: int(flow.tos) });
  if (flow.family === ip6) extensionParts(ip6, recv, parts);
  const total = parts.reduce((len, part) => len + CMSG_SPACE(part.data.length), 0);
  const control = total === 0 ? undefined : ip6.mbufs.tryGet(total, 0);
  if (control === undefined) return undefined;
  control.type = MT_CONTROL;
  let at = control.off;
  for (const { level = IPPROTO_IPV6, type, data } of parts) at = emitCmsg(control.buf, at, level, type, data);
  return control;
}

function extensionParts(ip6: Ip6, recv: number, parts: Part[]): void {
  for (const { nextHeader, bytes } of ip6.extensions) {
    if (nextHeader === NH_HOPOPTS && (recv & RECV_HOPOPTS) !== 0) parts.push({ type: IPV6_HOPOPTS, data: bytes });
    if (nextHeader === NH_ROUTING && (recv & RECV_RTHDR) !== 0) parts.push({ type: IPV6_RTHDR, data: bytes });
    if (nextHeader === NH_DSTOPTS && (recv & RECV_DSTOPTS) !== 0) parts.push({ type: IPV6_DSTOPTS, data: bytes });
  }
}

/** struct in6_pktinfo of where a packet was sent to. */
function pktinfo(flow: Flow): Uint8Array {
  const b = new Uint8Array(IN6_PKTINFO_LEN);
  b.set(bytesOf(address(bare(flow.l0), flow.l1, flow.l2, flow.l3)));
  putU32le(b, 16, flow.rcvif);
  return b;
}

function int(value: number): Uint8Array {
  const b = new Uint8Array(4);
  putU32le(b, 0, value);
  return b;
}

/** What routers on the way look at, or that makes a packet go another way, is the superuser's (RFC 3542 6, 7, 8, 9.2). */
const ROOTS: ReadonlySet<number> = new Set([IPV6_HOPOPTS, IPV6_RTHDRDSTOPTS, IPV6_NEXTHOP]);

/** How a packet is to go: by the socket's options, and the ancillary data `control`, which is only looked at. EINVAL: it is not well formed. EPERM. */
export function sendOptions6(ip6: Ip6, inp: Inpcb, how: SendArgs, ends: Ends, control: Mbuf | undefined): void {
  const options = inp.options6 instanceof Options6 ? inp.options6 : undefined;
  how.tos = inp.tos;
  how.ttl = inp.ttl;
  how.ifindex = options === undefined ? 0 : options.ifindex;
  how.options = undefined;
  how.pcb = inp;
  ip6.perPacket = ip6.perPacketOf = undefined;
  if (options?.source !== undefined && isUnspecified(ends.l0, ends.l1, ends.l2, ends.l3)) setLocalEnd(ends, options.source);
  if (control === undefined) return;
  const all = parseCmsgs(ip6.mbufs.toBytes(control));
  if (all === undefined) throw ERR.EINVAL;
  const headers = options === undefined ? new Headers6() : options.headers.copy();
  const root = inp.so !== undefined && inp.so.cred.isRoot;
  for (const { level, type, data } of all) {
    if (level !== IPPROTO_IPV6) continue;
    if (!root && ROOTS.has(type)) throw ERR.EPERM;
    apply(ip6, how, ends, headers, type, data);
  }
  ip6.perPacket = headers;
  ip6.perPacketOf = inp;
}

function apply(ip6: Ip6, how: SendArgs, ends: Ends, headers: Headers6, type: number, data: Uint8Array): void {
  switch (type) {
    case IPV6_PKTINFO: {
      const { ifindex, source } = pktinfoOf(ip6, data);
      how.ifindex = ifindex;
      if (source !== undefined) setLocalEnd(ends, source);
      return;
    }
    case IPV6_HOPLIMIT:
      how.ttl = within(data, -1, 255);
      if (how.ttl === -1) how.ttl = 0;
      return;
    case IPV6_TCLASS:
      how.tos = Math.max(0, within(data, -1, 255));
      return;
    default:
      if (!setHeader(ip6, headers, type, data)) throw ERR.EINVAL;
  }
}

/** An int between two limits. EINVAL. */
export function within(data: Uint8Array, min: number, max: number): number {
  if (data.length < 4) throw ERR.EINVAL;
  const value = getU32le(data, 0) | 0;
  if (value < min || value > max) throw ERR.EINVAL;
  return value;
}

/** EINVAL: too short. ENXIO: no such interface. EADDRNOTAVAIL: the address is not ours. */
export function pktinfoOf(ip6: Ip6, data: Uint8Array): { ifindex: number; source: Nexthop | undefined } {
  if (data.length < IN6_PKTINFO_LEN) throw ERR.EINVAL;
  const ifindex = getU32le(data, 16);
  if (ifindex !== 0 && ip6.inet.net.ifByIndex(ifindex) === undefined) throw ERR.ENXIO;
  const source = address(ip6.zoned(getI32be(data, 0), ifindex), getI32be(data, 4), getI32be(data, 8), getI32be(data, 12));
  if (isUnspecified(source.w0, source.w1, source.w2, source.w3)) return { ifindex, source: undefined };
  if (!ip6.isOurs(source.w0, source.w1, source.w2, source.w3)) throw ERR.EADDRNOTAVAIL;
  return { ifindex, source };
}

/** An option of RFC 3542 that is a header, or says how headers are made; empty data take it away. False: it is another. EINVAL. */
export function setHeader(ip6: Ip6, headers: Headers6, type: number, data: Uint8Array): boolean {
  switch (type) {
    case IPV6_HOPOPTS:
      headers.hopopts = optionsHeader(data);
      return true;
    case IPV6_DSTOPTS:
      headers.dstopts = optionsHeader(data);
      return true;
    case IPV6_RTHDRDSTOPTS:
      headers.rthdrDstopts = optionsHeader(data);
      return true;
    case IPV6_RTHDR:
      headers.rthdr = routingHeader(data);
      return true;
    case IPV6_NEXTHOP:
      headers.nexthop = nexthopIn(ip6, data);
      return true;
    case IPV6_USE_MIN_MTU:
      headers.useMinMtu = within(data, -1, 1);
      return true;
    case IPV6_DONTFRAG:
      headers.dontFrag = within(data, 0, 1) === 1;
      return true;
    default:
      return false;
  }
}

/** A whole header of options. EINVAL: its length or its options are not right. */
function optionsHeader(data: Uint8Array): Uint8Array | undefined {
  if (data.length === 0) return undefined;
  if (data.length < 8 || data.length !== (data[1] + 1) << 3 || !ip6OptionsValid(data, 2, data.length)) throw ERR.EINVAL;
  return data.slice();
}

/** RFC 5095: type 0 is not sent. */
function routingHeader(data: Uint8Array): Uint8Array | undefined {
  if (data.length === 0) return undefined;
  if (data.length < 8 || data.length !== (data[1] + 1) << 3 || data[2] === 0) throw ERR.EINVAL;
  return data.slice();
}

function nexthopIn(ip6: Ip6, data: Uint8Array): Nexthop | undefined {
  if (data.length === 0) return undefined;
  const sin6 = parseSockaddrIn6(data);
  if (sin6 === undefined) throw ERR.EINVAL;
  const { addr, scope } = sin6;
  return address(ip6.zoned(getI32be(addr, 0), scope), getI32be(addr, 4), getI32be(addr, 8), getI32be(addr, 12));
}
