/** Options of level IPPROTO_IPV6 (ip6(4), RFC 3493, RFC 3542), and the filter of ICMPv6. */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import {
  ERR, ICMP6_FILTER, ICMP6_FILTER_LEN, IN6_PKTINFO_LEN, IPV6_BINDANY, IPV6_CHECKSUM, IPV6_DONTFRAG, IPV6_DSTOPTS, IPV6_HOPOPTS,
  IPV6_MSFILTER, IPV6_MULTICAST_HOPS, IPV6_MULTICAST_IF, IPV6_MULTICAST_LOOP, IPV6_NEXTHOP, IPV6_PATHMTU, IPV6_PKTINFO, IPV6_PORTALGO,
  IPV6_PORTRANGE, IPV6_PORTRANGE_DEFAULT, IPV6_PORTRANGE_HIGH, IPV6_PORTRANGE_LOW, IPV6_PREFER_TEMPADDR, IPV6_RECVDSTOPTS, IPV6_RECVHOPLIMIT,
  IPV6_RECVHOPOPTS, IPV6_RECVPATHMTU, IPV6_RECVPKTINFO, IPV6_RECVRTHDR, IPV6_RECVTCLASS, IPV6_RTHDR, IPV6_RTHDRDSTOPTS, IPV6_TCLASS, IPV6_UNICAST_HOPS,
  IPV6_USE_MIN_MTU, IPV6_V6ONLY, IP6_MTUINFO_LEN, SOCK_RAW,
} from '@anykernel/lib-sys';
import { IP6_MIN_MTU } from '@anykernel/lib-wire';
import { bytesOf } from '@anykernel/net';
import { FAM_V4, FAM_V6, INP_BINDANY, INP_CONNECTED, INP_HIGHPORT, INP_LOWPORT, type Inpcb } from '@anykernel/netinet';
import type { Lwp } from '@anykernel/rumpkern';
import type { Socket } from '@anykernel/rumpnet';
import { address, bare } from '../addr.js';
import type { Ip6 } from '../ip6.js';
import {
  Options6, RECV_DSTOPTS, RECV_HOPLIMIT, RECV_HOPOPTS, RECV_PATHMTU, RECV_PKTINFO, RECV_RTHDR, RECV_TCLASS, options6Of,
} from '../options6.js';
import { pktinfoOf, setHeader, within } from './ancillary.js';
import { setMembership, sourcesOf6 } from './mcastopt.js';

const EMPTY = new Uint8Array(0);

const RECV: ReadonlyMap<number, number> = new Map([
  [IPV6_RECVPKTINFO, RECV_PKTINFO],
  [IPV6_RECVHOPLIMIT, RECV_HOPLIMIT],
  [IPV6_RECVTCLASS, RECV_TCLASS],
  [IPV6_RECVHOPOPTS, RECV_HOPOPTS],
  [IPV6_RECVRTHDR, RECV_RTHDR],
  [IPV6_RECVDSTOPTS, RECV_DSTOPTS],
  [IPV6_RECVPATHMTU, RECV_PATHMTU],
]);

/** The value, or for 'set' an empty one; undefined: there is no such option. EINVAL: not a value for it. EPERM. */
export function ip6Sockopt(ip6: Ip6, inp: Inpcb, so: Socket, op: 'get' | 'set', name: number, value: Uint8Array, l: Lwp): Uint8Array | undefined {
  if (op === 'get') return name === IPV6_MSFILTER ? sourcesOf6(ip6, inp, value) : getOption(ip6, inp, so, name);
  return setOption(ip6, inp, so, name, value, l) ? EMPTY : undefined;
}

function int(value: number): Uint8Array {
  const b = new Uint8Array(4);
  putU32le(b, 0, value);
  return b;
}

function getOption(ip6: Ip6, inp: Inpcb, so: Socket, name: number): Uint8Array | undefined {
  const options = inp.options6 instanceof Options6 ? inp.options6 : new Options6(inp);
  const recv = RECV.get(name);
  if (recv !== undefined) return int((options.recv & recv) !== 0 ? 1 : 0);
  switch (name) {
    case IPV6_UNICAST_HOPS:
      return int(inp.ttl !== 0 ? inp.ttl : ip6.conf.hlim);
    case IPV6_MULTICAST_HOPS:
      return int(options.multicastHops < 0 ? 1 : options.multicastHops);
    case IPV6_MULTICAST_LOOP:
      return int(options.multicastLoop ? 1 : 0);
    case IPV6_MULTICAST_IF:
      return int(options.multicastIf);
    case IPV6_V6ONLY:
      return int((inp.takes & FAM_V4) === 0 ? 1 : 0);
    case IPV6_TCLASS:
      return int(inp.tos);
    case IPV6_PORTRANGE:
      return int((inp.flags & INP_HIGHPORT) !== 0 ? IPV6_PORTRANGE_HIGH : (inp.flags & INP_LOWPORT) !== 0 ? IPV6_PORTRANGE_LOW : IPV6_PORTRANGE_DEFAULT);
    case IPV6_PORTALGO:
      return int(inp.portAlgo);
    case IPV6_BINDANY:
      return int((inp.flags & INP_BINDANY) !== 0 ? 1 : 0);
    case IPV6_PATHMTU:
      return pathMtu(ip6, inp);
    case IPV6_CHECKSUM:
      return so.type === SOCK_RAW ? int(options.checksumAt) : undefined;
    default:
      return getHeader(options, name);
  }
}

function getHeader(options: Options6, name: number): Uint8Array | undefined {
  const { headers } = options;
  switch (name) {
    case IPV6_HOPOPTS:
      return headers.hopopts?.slice() ?? EMPTY;
    case IPV6_DSTOPTS:
      return headers.dstopts?.slice() ?? EMPTY;
    case IPV6_RTHDR:
      return headers.rthdr?.slice() ?? EMPTY;
    case IPV6_RTHDRDSTOPTS:
      return headers.rthdrDstopts?.slice() ?? EMPTY;
    case IPV6_USE_MIN_MTU:
      return int(headers.useMinMtu);
    case IPV6_DONTFRAG:
      return int(headers.dontFrag ? 1 : 0);
    case IPV6_PREFER_TEMPADDR:
      return int(headers.preferTemp);
    case IPV6_PKTINFO: {
      const b = new Uint8Array(IN6_PKTINFO_LEN);
      if (options.source !== undefined) b.set(bytesOf(address(bare(options.source.w0), options.source.w1, options.source.w2, options.source.w3)));
      putU32le(b, 16, options.ifindex);
      return b;
    }
    default:
      return undefined;
  }
}

/** struct ip6_mtuinfo of the peer. ENOTCONN: there is none. */
function pathMtu(ip6: Ip6, inp: Inpcb): Uint8Array {
  if ((inp.flags & INP_CONNECTED) === 0) throw ERR.ENOTCONN;
  const rt = inp.route();
  const b = new Uint8Array(IP6_MTUINFO_LEN);
  b.set(ip6.sockaddr(inp.f0, inp.f1, inp.f2, inp.f3, inp.fport));
  putU32le(b, 28, rt === undefined ? IP6_MIN_MTU : ip6.mtuOf(rt, inp.f0, inp.f1, inp.f2, inp.f3));
  return b;
}

function setOption(ip6: Ip6, inp: Inpcb, so: Socket, name: number, value: Uint8Array, l: Lwp): boolean {
  const recv = RECV.get(name);
  const options = options6Of(inp);
  if (recv !== undefined) {
    options.recv = within(value, 0, 1) === 1 ? options.recv | recv : options.recv & ~recv;
    return true;
  }
  switch (name) {
    case IPV6_UNICAST_HOPS: {
      const hops = within(value, -1, 255);
      if (hops === 0) throw ERR.EINVAL;
      inp.ttl = hops < 0 ? 0 : hops;
      return true;
    }
    case IPV6_V6ONLY:
      setV6only(inp, so, within(value, 0, 1) === 1);
      return true;
    case IPV6_TCLASS:
      inp.tos = Math.max(0, within(value, -1, 255));
      return true;
    case IPV6_BINDANY:
      if (!l.proc.cred.isRoot) throw ERR.EPERM;
      inp.flags = within(value, 0, 1) === 1 ? inp.flags | INP_BINDANY : inp.flags & ~INP_BINDANY;
      return true;
    case IPV6_PORTRANGE:
      setRange(inp, within(value, IPV6_PORTRANGE_DEFAULT, IPV6_PORTRANGE_LOW), l);
      return true;
    case IPV6_PORTALGO:
      inp.portAlgo = within(value, 0, 4);
      return true;
    case IPV6_CHECKSUM:
      if (so.type !== SOCK_RAW) return false;
      options.checksumAt = checksumAt(value);
      return true;
    default:
      return setMulticast(ip6, inp, options, name, value) || setSticky(ip6, options, name, value, l);
  }
}

/** Before it has an address only (RFC 3493 5.3). */
function setV6only(inp: Inpcb, so: Socket, only: boolean): void {
  if (inp.lport !== 0 || so.type === SOCK_RAW) throw ERR.EINVAL;
  inp.takes = only ? FAM_V6 : FAM_V4 | FAM_V6;
}

function setRange(inp: Inpcb, range: number, l: Lwp): void {
  if (range === IPV6_PORTRANGE_LOW && !l.proc.cred.isRoot) throw ERR.EACCES;
  inp.flags &= ~(INP_HIGHPORT | INP_LOWPORT);
  if (range === IPV6_PORTRANGE_HIGH) inp.flags |= INP_HIGHPORT;
  if (range === IPV6_PORTRANGE_LOW) inp.flags |= INP_LOWPORT;
}

/** RFC 3542 3.1: even, or -1 for none. */
function checksumAt(value: Uint8Array): number {
  const at = within(value, -1, 65_534);
  if (at > 0 && (at & 1) !== 0) throw ERR.EINVAL;
  return at;
}

function setMulticast(ip6: Ip6, inp: Inpcb, options: Options6, name: number, value: Uint8Array): boolean {
  switch (name) {
    case IPV6_MULTICAST_HOPS:
      options.multicastHops = within(value, -1, 255);
      return true;
    case IPV6_MULTICAST_LOOP:
      options.multicastLoop = within(value, 0, 1) === 1;
      return true;
    case IPV6_MULTICAST_IF: {
      const index = within(value, 0, 0xffff);
      if (index !== 0 && ip6.inet.net.ifByIndex(index) === undefined) throw ERR.ENXIO;
      options.multicastIf = index;
      return true;
    }
    default:
      return setMembership(ip6, inp, name, value);
  }
}

function setSticky(ip6: Ip6, options: Options6, name: number, value: Uint8Array, l: Lwp): boolean {
  switch (name) {
    case IPV6_PKTINFO: {
      const { ifindex, source } = pktinfoOf(ip6, value);
      options.ifindex = ifindex;
      options.source = source;
      return true;
    }
    case IPV6_PREFER_TEMPADDR:
      options.headers.preferTemp = within(value, -1, 1);
      return true;
    case IPV6_HOPOPTS:
    case IPV6_RTHDRDSTOPTS:
    case IPV6_NEXTHOP:
      if (!l.proc.cred.isRoot) throw ERR.EPERM;
      return setHeader(ip6, options.headers, name, value);
    default:
      return setHeader(ip6, options.headers, name, value);
  }
}

/** ICMP6_FILTER of level IPPROTO_ICMPV6: a bit for each type that passes. */
export function icmp6Sockopt(inp: Inpcb, op: 'get' | 'set', name: number, value: Uint8Array): Uint8Array | undefined {
  if (name !== ICMP6_FILTER) return undefined;
  const options = options6Of(inp);
  if (op === 'get') {
    const b = new Uint8Array(ICMP6_FILTER_LEN);
    for (let i = 0; i < 8; i++) putU32le(b, 4 * i, options.filter === undefined ? 0xffff_ffff : options.filter[i]);
    return b;
  }
  if (value.length < ICMP6_FILTER_LEN) throw ERR.EINVAL;
  options.filter = Uint32Array.from({ length: 8 }, (_, i) => getU32le(value, 4 * i));
  return EMPTY;
}
