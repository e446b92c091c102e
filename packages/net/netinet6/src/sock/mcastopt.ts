/** Options by which sockets of IPv6 belong to groups (RFC 3493 5.2, RFC 3678 5.1). */
import { getI32be, getU32le } from '@anykernel/lib-bytes';
import {
  AF_INET6, ERR, GROUP_REQ_LEN, GROUP_SOURCE_REQ_LEN, IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP, IPV6_MREQ_LEN, IPV6_MSFILTER, MCAST_BLOCK_SOURCE, MCAST_JOIN_GROUP,
  MCAST_JOIN_SOURCE_GROUP, MCAST_LEAVE_GROUP, MCAST_LEAVE_SOURCE_GROUP, MCAST_UNBLOCK_SOURCE, groupReq, parseGroupFilter, sockaddrIn, sockaddrIn6,
} from '@anykernel/lib-sys';
import type { Nexthop } from '@anykernel/net';
import { FAM_V4, type Inpcb, type SourceChange, filterForProgram, filterOfProgram, ipGroupSockopt, isMapped } from '@anykernel/netinet';
import { address, sourceBytes, sourceKey } from '../addr.js';
import type { Ip6 } from '../ip6.js';
import { changeGroupSource6, groupSources6, joinGroup6, leaveGroup6, setGroupSources6 } from './members.js';

const SOURCE_CHANGES: ReadonlyMap<number, SourceChange> = new Map([
  [MCAST_JOIN_SOURCE_GROUP, 'join'],
  [MCAST_LEAVE_SOURCE_GROUP, 'leave'],
  [MCAST_BLOCK_SOURCE, 'block'],
  [MCAST_UNBLOCK_SOURCE, 'unblock'],
]);

/** False: it is another option. EINVAL: not a value for it. The errors of members.ts. Groups whose addresses are mapped are IPv4's: EADDRNOTAVAIL, the socket takes IPv6 only. */
export function setMembership(ip6: Ip6, inp: Inpcb, name: number, value: Uint8Array): boolean {
  const mapped = mappedRequest(name, value);
  if (mapped !== undefined) {
    if ((inp.takes & FAM_V4) === 0) throw ERR.EADDRNOTAVAIL;
    return ipGroupSockopt(ip6.inet.ip, inp, 'set', ...mapped) !== undefined;
  }
  if (name === IPV6_JOIN_GROUP || name === IPV6_LEAVE_GROUP) {
    if (value.length < IPV6_MREQ_LEN) throw ERR.EINVAL;
    const change = name === IPV6_JOIN_GROUP ? joinGroup6 : leaveGroup6;
    change(ip6, inp, addressAt(value, 0), getU32le(value, 16));
    return true;
  }
  if (name === MCAST_JOIN_GROUP || name === MCAST_LEAVE_GROUP) {
    if (value.length < GROUP_REQ_LEN) throw ERR.EINVAL;
    const change = name === MCAST_JOIN_GROUP ? joinGroup6 : leaveGroup6;
    change(ip6, inp, sockaddrAt(value, 8), getU32le(value, 0));
    return true;
  }
  if (name === IPV6_MSFILTER) {
    const all = parseGroupFilter(value);
    if (all === undefined) throw ERR.EINVAL;
    const filter = filterOfProgram(all, (source) => keyOf(sockaddrAt(source, 0)));
    setGroupSources6(ip6, inp, sockaddrAt(all.group, 0), all.ifindex, filter);
    return true;
  }
  const change = SOURCE_CHANGES.get(name);
  if (change === undefined) return false;
  if (value.length < GROUP_SOURCE_REQ_LEN) throw ERR.EINVAL;
  changeGroupSource6(ip6, inp, change, sockaddrAt(value, 8), sockaddrAt(value, 136), getU32le(value, 0));
  return true;
}

/** Which sources of a group the socket hears (RFC 3678 5.2.2). EINVAL: not a question. EADDRNOTAVAIL: it is not a member. */
export function sourcesOf6(ip6: Ip6, inp: Inpcb, asked: Uint8Array): Uint8Array {
  const all = parseGroupFilter(asked);
  if (all === undefined) throw ERR.EINVAL;
  const filter = groupSources6(ip6, inp, sockaddrAt(all.group, 0), all.ifindex);
  return filterForProgram(filter, all, asked.length, (source) => sockaddrIn6(sourceBytes(source), 0));
}

/** A request about a group of IPv4, as IPv4 has it: option and value; undefined: it is not one. EINVAL: its source is of IPv6. */
function mappedRequest(name: number, value: Uint8Array): [number, Uint8Array] | undefined {
  if (name === IPV6_JOIN_GROUP || name === IPV6_LEAVE_GROUP) {
    const group = value.length < IPV6_MREQ_LEN ? undefined : mappedAt(value, 0);
    const how = name === IPV6_JOIN_GROUP ? MCAST_JOIN_GROUP : MCAST_LEAVE_GROUP;
    return group === undefined ? undefined : [how, groupReq(getU32le(value, 16), sockaddrIn(group, 0))];
  }
  const sourced = SOURCE_CHANGES.has(name);
  if ((!sourced && name !== MCAST_JOIN_GROUP && name !== MCAST_LEAVE_GROUP) || value.length < (sourced ? GROUP_SOURCE_REQ_LEN : GROUP_REQ_LEN)) return undefined;
  const group = value[9] === AF_INET6 ? mappedAt(value, 16) : undefined;
  if (group === undefined) return undefined;
  const source = sourced && value[137] === AF_INET6 ? mappedAt(value, 144) : undefined;
  if (sourced && source === undefined) throw ERR.EINVAL;
  return [name, groupReq(getU32le(value, 0), sockaddrIn(group, 0), source === undefined ? undefined : sockaddrIn(source, 0))];
}

/** The IPv4 address in a mapped one. */
function mappedAt(value: Uint8Array, off: number): number | undefined {
  const a = addressAt(value, off);
  return isMapped(a.w0, a.w1, a.w2) ? a.w3 >>> 0 : undefined;
}

function keyOf(source: Nexthop): string {
  return sourceKey(source.w0, source.w1, source.w2, source.w3);
}

function addressAt(value: Uint8Array, off: number): Nexthop {
  return address(getI32be(value, off), getI32be(value, off + 4), getI32be(value, off + 8), getI32be(value, off + 12));
}

/** EINVAL: not a sockaddr_in6. */
function sockaddrAt(value: Uint8Array, off: number): Nexthop {
  if (value[off + 1] !== AF_INET6) throw ERR.EINVAL;
  return addressAt(value, off + 8);
}
