/**
 * Options of packets that come in (RFC 791 3.1, RFC 1122 3.2.1.8, RFC 7126): record route and timestamps are filled in; source routes are refused, unless
 * net.inet.ip.allowsrcrt (for packets that end here) and forwsrcrt (for those that go on) let them through.
 */
import { getI32be, putU32be } from '@anykernel/lib-bytes';
import {
  emitIpv4,
  ICMP_PARAMPROB,
  ICMP_UNREACH,
  ICMP_UNREACH_SRCFAIL,
  IP_HDR_LEN,
  IPOPT_EOL,
  IPOPT_LSRR,
  IPOPT_NOP,
  IPOPT_RR,
  IPOPT_SSRR,
  IPOPT_TS,
} from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import type { Mbuf } from '@anykernel/rumpnet';
import type { Ip } from './ip.js';

const DAY_MS = 86_400_000;

/** Looks through the options of the packet whose header is in ip.header. Owns `m`; undefined: it was refused. */
export function ipOptionsIn(ip: Ip, packet: Mbuf, ifp: Ifnet): Mbuf | undefined {
  const h = ip.header;
  const m = ip.mbufs.own(packet, h.hdrLen);
  if (m === undefined) return undefined;
  const end = m.off + h.hdrLen;
  let changed = false;
  for (let at = m.off + IP_HDR_LEN; at < end; ) {
    const type = m.buf[at]!;
    if (type === IPOPT_EOL) break;
    if (type === IPOPT_NOP) {
      at++;
      continue;
    }
    const len = at + 1 < end ? m.buf[at + 1]! : 0;
    if (len < 2 || at + len > end) return refuse(ip, m, ICMP_PARAMPROB, 0, (at + 1 - m.off) << 24);
    const bad = one(ip, m, at, len, type, ifp);
    if (bad === SOURCE_ROUTE) return refuse(ip, m, ICMP_UNREACH, ICMP_UNREACH_SRCFAIL, 0);
    if (bad > 0) return refuse(ip, m, ICMP_PARAMPROB, 0, (bad - m.off) << 24);
    changed ||= bad === CHANGED;
    at += len;
  }
  if (changed) emitIpv4(h, m.buf, m.off);
  return m;
}

const SOURCE_ROUTE = -2;
const CHANGED = -1;

/** One option: 0: nothing; CHANGED; SOURCE_ROUTE; or where in the packet it is wrong. */
function one(ip: Ip, m: Mbuf, at: number, len: number, type: number, ifp: Ifnet): number {
  switch (type) {
    case IPOPT_LSRR:
    case IPOPT_SSRR:
      // RFC 7126 4.3, 4.4: they let strangers in by the back door.
      return ip.inet.conf.allowsrcrt ? sourceRoute(ip, m, at, len, type === IPOPT_SSRR) : SOURCE_ROUTE;
    case IPOPT_RR:
      return recordRoute(ip, m, at, len, ifp);
    case IPOPT_TS:
      return timestamp(ip, m, at, len, ifp);
    default:
      return 0;
  }
}

/** RFC 1812 5.2.4.1, 5.3.13.4: to the next address of the list, in whose place ours is recorded. */
function sourceRoute(ip: Ip, m: Mbuf, at: number, len: number, strict: boolean): number {
  const h = ip.header;
  const pointer = len >= 3 ? m.buf[at + 2]! : 0;
  if (pointer < 4) return at + 2;
  // A loose one may pass through who is not named.
  if (!ip.ours.has(h.dst | 0)) return strict ? SOURCE_ROUTE : 0;
  if (pointer - 1 + 4 > len) return 0;
  const place = at + pointer - 1;
  const next = getI32be(m.buf, place);
  const rt = ip.inet.conf.forwsrcrt ? ip.lookup(next) : undefined;
  const ia = rt === undefined || rt.closed || (strict && rt.gateway !== undefined && !ip.ours.has(next)) ? undefined : ip.sourceFor(rt);
  if (ia === undefined || ip.isBroadcastAddr(next) || (next & 0xf000_0000) === (0xe000_0000 | 0)) return SOURCE_ROUTE;
  putU32be(m.buf, place, ia.addr.w0);
  m.buf[at + 2] = pointer + 4;
  h.dst = next >>> 0;
  return CHANGED;
}

function recordRoute(ip: Ip, m: Mbuf, at: number, len: number, ifp: Ifnet): number {
  const pointer = len >= 3 ? m.buf[at + 2]! : 0;
  if (pointer < 4) return at + 2;
  if (pointer - 1 + 4 > len) return 0;
  const ia = ip.addrOf(ifp);
  if (ia === undefined) return 0;
  putU32be(m.buf, at + pointer - 1, ia.addr.w0);
  m.buf[at + 2] = pointer + 4;
  return CHANGED;
}

/** RFC 791: times alone, with addresses, or only where the address is ours; when it is full the hosts are counted. */
function timestamp(ip: Ip, m: Mbuf, at: number, len: number, ifp: Ifnet): number {
  if (len < 4) return at + 1;
  const pointer = m.buf[at + 2]!;
  const flag = m.buf[at + 3]! & 15;
  if (pointer < 5) return at + 2;
  const size = flag === 0 ? 4 : 8;
  if (flag !== 0 && flag !== 1 && flag !== 3) return at + 3;
  if (pointer - 1 + size > len) {
    const over = m.buf[at + 3]! >>> 4;
    if (over === 15) return at + 3;
    m.buf[at + 3] = ((over + 1) << 4) | flag;
    return CHANGED;
  }
  let place = at + pointer - 1;
  if (flag === 1) {
    const ia = ip.addrOf(ifp);
    if (ia === undefined) return 0;
    putU32be(m.buf, place, ia.addr.w0);
    place += 4;
  } else if (flag === 3) {
    const wanted = (m.buf[place]! << 24) | (m.buf[place + 1]! << 16) | (m.buf[place + 2]! << 8) | m.buf[place + 3]!;
    if (!ip.ours.has(wanted)) return 0;
    place += 4;
  }
  putU32be(m.buf, place, msOfDay(ip));
  m.buf[at + 2] = pointer + size;
  return CHANGED;
}

/** Milliseconds since midnight UT (RFC 791, RFC 792). */
export function msOfDay(ip: Ip): number {
  const time = { sec: 0, nsec: 0 };
  ip.k.wall(time);
  return ((time.sec % 86_400) * 1000 + Math.floor(time.nsec / 1e6)) % DAY_MS;
}

function refuse(ip: Ip, m: Mbuf, type: number, code: number, rest: number): undefined {
  ip.stats.badoptions++;
  ip.icmp.error(m, type, code, rest);
  return undefined;
}
