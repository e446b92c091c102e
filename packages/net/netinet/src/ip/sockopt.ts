/** Options of level IPPROTO_IP (ip(4)). */
import { getI32be, getU32le, putU32be, putU32le } from '@anykernel/lib-bytes';
import {
  AF_INET,
  ERR,
  GROUP_REQ_LEN,
  GROUP_SOURCE_REQ_LEN,
  IP_ADD_MEMBERSHIP,
  IP_ADD_SOURCE_MEMBERSHIP,
  IP_BINDANY,
  IP_BLOCK_SOURCE,
  IP_DROP_MEMBERSHIP,
  IP_DROP_SOURCE_MEMBERSHIP,
  IP_ERRORMTU,
  IP_HDRINCL,
  IP_MINTTL,
  IP_MREQ_SOURCE_LEN,
  IP_MSFILTER,
  IP_MULTICAST_IF,
  IP_MULTICAST_LOOP,
  IP_MULTICAST_TTL,
  IP_OPTIONS,
  IP_PKTINFO,
  IP_PORTALGO,
  IP_PORTRANGE,
  IP_PORTRANGE_DEFAULT,
  IP_PORTRANGE_HIGH,
  IP_PORTRANGE_LOW,
  IP_RECVDSTADDR,
  IP_RECVIF,
  IP_RECVOPTS,
  IP_RECVPKTINFO,
  IP_RECVTTL,
  IP_RETOPTS,
  IP_TOS,
  IP_TTL,
  IP_UNBLOCK_SOURCE,
  MCAST_BLOCK_SOURCE,
  MCAST_JOIN_GROUP,
  MCAST_JOIN_SOURCE_GROUP,
  MCAST_LEAVE_GROUP,
  MCAST_LEAVE_SOURCE_GROUP,
  MCAST_UNBLOCK_SOURCE,
  parseGroupFilter,
  sockaddrIn,
  SOCK_RAW,
} from '@anykernel/lib-sys';
import type { Ifnet } from '@anykernel/net';
import type { Lwp } from '@anykernel/rumpkern';
import type { Socket } from '@anykernel/rumpnet';
import {
  INP_BINDANY,
  INP_HDRINCL,
  INP_HIGHPORT,
  INP_LOWPORT,
  INP_RECVDSTADDR,
  INP_RECVIF,
  INP_RECVOPTS,
  INP_RECVPKTINFO,
  INP_RECVTTL,
  type Inpcb,
} from '../inpcb.js';
import { PORT_RANGE_FLAGS } from '../pcbbind.js';
import { PORT_ALGOS } from '../portalgo.js';
import { optionsOf } from './ancillary.js';
import { changeGroupSource, groupSources, groupsOf, joinGroup, leaveGroup, setGroupSources } from './groups.js';
import type { Ip } from './ip.js';
import { filterForProgram, filterOfProgram, type SourceChange } from './srcfilter.js';

const EMPTY = new Uint8Array(0);

/** Options that are a flag of the control block. */
const FLAGS: ReadonlyMap<number, number> = new Map([
  [IP_RECVOPTS, INP_RECVOPTS],
  [IP_RECVDSTADDR, INP_RECVDSTADDR],
  [IP_RECVIF, INP_RECVIF],
  [IP_RECVTTL, INP_RECVTTL],
  [IP_RECVPKTINFO, INP_RECVPKTINFO],
  [IP_BINDANY, INP_BINDANY],
]);

/** The value, or for 'set' an empty one; undefined: there is no such option. EINVAL: not a value for it. EPERM. */
export function ipSockopt(
  ip: Ip,
  inp: Inpcb,
  so: Socket,
  op: 'get' | 'set',
  name: number,
  value: Uint8Array,
  l: Lwp,
): Uint8Array | undefined {
  if (op === 'get') return getOption(ip, inp, name, value);
  return setOption(ip, inp, so, name, value, l) ? EMPTY : undefined;
}

/** Options of groups alone, for sockets of IPv6 that take IPv4, too: as ipSockopt(). */
export function ipGroupSockopt(ip: Ip, inp: Inpcb, op: 'get' | 'set', name: number, value: Uint8Array): Uint8Array | undefined {
  if (op === 'set') return setMulticast(ip, inp, name, value) ? EMPTY : undefined;
  return GROUP_VALUES.has(name) ? getOption(ip, inp, name, value) : undefined;
}

const GROUP_VALUES: ReadonlySet<number> = new Set([IP_MULTICAST_TTL, IP_MULTICAST_LOOP, IP_MULTICAST_IF, IP_MSFILTER]);

function int(value: number): Uint8Array {
  const b = new Uint8Array(4);
  putU32le(b, 0, value);
  return b;
}

/** Of four bytes, or of one. */
function intOf(value: Uint8Array): number {
  if (value.length >= 4) return getU32le(value, 0) | 0;
  if (value.length === 1) return value[0]!;
  throw ERR.EINVAL;
}

function within(value: Uint8Array, min: number, max: number): number {
  const n = intOf(value);
  if (n < min || n > max) throw ERR.EINVAL;
  return n;
}

function getOption(ip: Ip, inp: Inpcb, name: number, asked: Uint8Array): Uint8Array | undefined {
  const flag = FLAGS.get(name);
  if (flag !== undefined) return int((inp.flags & flag) !== 0 ? 1 : 0);
  switch (name) {
    case IP_OPTIONS:
    case IP_RETOPTS:
      return inp.options?.slice() ?? EMPTY;
    case IP_HDRINCL:
      return int((inp.flags & INP_HDRINCL) !== 0 ? 1 : 0);
    case IP_TOS:
      return int(inp.tos);
    case IP_TTL:
      return int(inp.ttl !== 0 ? inp.ttl : ip.inet.conf.ttl);
    case IP_MINTTL:
      return int(inp.minTtl);
    case IP_PORTRANGE:
      return int(
        (inp.flags & INP_HIGHPORT) !== 0 ? IP_PORTRANGE_HIGH : (inp.flags & INP_LOWPORT) !== 0 ? IP_PORTRANGE_LOW : IP_PORTRANGE_DEFAULT,
      );
    case IP_PORTALGO:
      return int(inp.portAlgo >= 0 ? inp.portAlgo : PORT_ALGOS.indexOf(ip.inet.conf.portAlgo));
    case IP_ERRORMTU: {
      const rt = inp.route();
      return int(rt === undefined ? 0 : ip.mtuOf(rt, inp.f3));
    }
    case IP_MULTICAST_TTL:
      return Uint8Array.of(inp.groups?.ttl ?? 1);
    case IP_MULTICAST_LOOP:
      return Uint8Array.of(inp.groups?.loop === false ? 0 : 1);
    case IP_MULTICAST_IF:
      return multicastIf(ip, inp);
    case IP_MSFILTER:
      return sourcesOf(ip, inp, asked);
    default:
      return undefined;
  }
}

/** The address of the interface for groups; 0.0.0.0: the route's. */
function multicastIf(ip: Ip, inp: Inpcb): Uint8Array {
  const b = new Uint8Array(4);
  const ifp = inp.groups === undefined ? undefined : ip.inet.net.ifByIndex(inp.groups.ifindex);
  const ia = ifp === undefined ? undefined : ip.addrOf(ifp);
  if (ia !== undefined) putU32be(b, 0, ia.addr.w0);
  return b;
}

function setOption(ip: Ip, inp: Inpcb, so: Socket, name: number, value: Uint8Array, l: Lwp): boolean {
  const flag = FLAGS.get(name) ?? (name === IP_PKTINFO ? INP_RECVPKTINFO : undefined);
  if (flag !== undefined) {
    if (name === IP_BINDANY && !l.proc.cred.isRoot) throw ERR.EPERM;
    inp.flags = intOf(value) !== 0 ? inp.flags | flag : inp.flags & ~flag;
    return true;
  }
  switch (name) {
    case IP_OPTIONS:
    case IP_RETOPTS:
      inp.options = optionsOf(value);
      return true;
    case IP_HDRINCL:
      if (so.type !== SOCK_RAW) return false;
      inp.flags = intOf(value) !== 0 ? inp.flags | INP_HDRINCL : inp.flags & ~INP_HDRINCL;
      return true;
    case IP_TOS:
      inp.tos = within(value, 0, 255) & (so.type === SOCK_RAW ? 255 : 252);
      return true;
    case IP_TTL:
      inp.ttl = within(value, 1, 255);
      return true;
    case IP_MINTTL:
      inp.minTtl = within(value, 0, 255);
      return true;
    case IP_PORTRANGE:
      setRange(inp, intOf(value), l);
      return true;
    case IP_PORTALGO:
      inp.portAlgo = within(value, 0, PORT_ALGOS.length - 1);
      return true;
    default:
      return setMulticast(ip, inp, name, value);
  }
}

function setRange(inp: Inpcb, range: number, l: Lwp): void {
  if (range < IP_PORTRANGE_DEFAULT || range > IP_PORTRANGE_LOW) throw ERR.EINVAL;
  if (range === IP_PORTRANGE_LOW && !l.proc.cred.isRoot) throw ERR.EACCES;
  inp.flags = (inp.flags & ~PORT_RANGE_FLAGS) | (range === IP_PORTRANGE_HIGH ? INP_HIGHPORT : range === IP_PORTRANGE_LOW ? INP_LOWPORT : 0);
}

function setMulticast(ip: Ip, inp: Inpcb, name: number, value: Uint8Array): boolean {
  switch (name) {
    case IP_MULTICAST_TTL:
      groupsOf(inp).ttl = within(value, 0, 255);
      return true;
    case IP_MULTICAST_LOOP:
      groupsOf(inp).loop = within(value, 0, 1) !== 0;
      return true;
    case IP_MULTICAST_IF: {
      if (value.length < 4) throw ERR.EINVAL;
      const addr = getI32be(value, 0);
      const ifp = addr === 0 ? undefined : ip.ours.get(addr)?.ifp;
      if (addr !== 0 && ifp === undefined) throw ERR.EADDRNOTAVAIL;
      groupsOf(inp).ifindex = ifp === undefined ? 0 : ifp.index;
      return true;
    }
    case IP_ADD_MEMBERSHIP:
    case IP_DROP_MEMBERSHIP: {
      if (value.length < 8) throw ERR.EINVAL;
      const group = getI32be(value, 0);
      if (name === IP_ADD_MEMBERSHIP) joinGroup(ip, inp, group, interfaceOf(ip, group, getI32be(value, 4)));
      else leaveGroup(ip, inp, group, getI32be(value, 4) === 0 ? undefined : interfaceOf(ip, group, getI32be(value, 4)));
      return true;
    }
    case IP_MSFILTER: {
      const all = parseGroupFilter(value);
      if (all === undefined) throw ERR.EINVAL;
      const group = addressAt(all.group, 0);
      setGroupSources(ip, inp, group, byIndex(ip, group, all.ifindex), filterOfProgram(all, (source) => addressAt(source, 0)));
      return true;
    }
    default:
      return setSource(ip, inp, name, value);
  }
}

/** Options that change one source of a group, of IPv4 alone and of both families. */
const SOURCE_CHANGES: ReadonlyMap<number, SourceChange> = new Map([
  [IP_ADD_SOURCE_MEMBERSHIP, 'join'],
  [IP_DROP_SOURCE_MEMBERSHIP, 'leave'],
  [IP_BLOCK_SOURCE, 'block'],
  [IP_UNBLOCK_SOURCE, 'unblock'],
  [MCAST_JOIN_SOURCE_GROUP, 'join'],
  [MCAST_LEAVE_SOURCE_GROUP, 'leave'],
  [MCAST_BLOCK_SOURCE, 'block'],
  [MCAST_UNBLOCK_SOURCE, 'unblock'],
]);

/** RFC 3678 4.1 and 5.1. */
function setSource(ip: Ip, inp: Inpcb, name: number, value: Uint8Array): boolean {
  if (name === MCAST_JOIN_GROUP || name === MCAST_LEAVE_GROUP) {
    if (value.length < GROUP_REQ_LEN) throw ERR.EINVAL;
    const group = addressAt(value, 8);
    if (name === MCAST_JOIN_GROUP) joinGroup(ip, inp, group, byIndex(ip, group, getU32le(value, 0)));
    else leaveGroup(ip, inp, group, getU32le(value, 0) === 0 ? undefined : byIndex(ip, group, getU32le(value, 0)));
    return true;
  }
  const change = SOURCE_CHANGES.get(name);
  if (change === undefined) return false;
  if (name < MCAST_JOIN_GROUP) {
    if (value.length < IP_MREQ_SOURCE_LEN) throw ERR.EINVAL;
    const group = getI32be(value, 0);
    changeGroupSource(ip, inp, change, group, getI32be(value, 4), interfaceOf(ip, group, getI32be(value, 8)));
    return true;
  }
  if (value.length < GROUP_SOURCE_REQ_LEN) throw ERR.EINVAL;
  const group = addressAt(value, 8);
  changeGroupSource(ip, inp, change, group, addressAt(value, 136), byIndex(ip, group, getU32le(value, 0)));
  return true;
}

/** Which sources of a group the socket hears (RFC 3678 4.2.2). EINVAL: not a question. EADDRNOTAVAIL: it is not a member. */
function sourcesOf(ip: Ip, inp: Inpcb, asked: Uint8Array): Uint8Array {
  const all = parseGroupFilter(asked);
  if (all === undefined) throw ERR.EINVAL;
  const group = addressAt(all.group, 0);
  const filter = groupSources(inp, group, all.ifindex === 0 ? undefined : byIndex(ip, group, all.ifindex));
  return filterForProgram(filter, all, asked.length, (source) => sockaddrIn(source >>> 0, 0));
}

/** The address of a sockaddr_in. EINVAL: it is none. */
function addressAt(value: Uint8Array, off: number): number {
  if (value[off + 1] !== AF_INET) throw ERR.EINVAL;
  return getI32be(value, off + 4);
}

/** EADDRNOTAVAIL: no such interface. */
function byIndex(ip: Ip, group: number, index: number): Ifnet | undefined {
  if (index === 0) return interfaceOf(ip, group, 0);
  const ifp = ip.inet.net.ifByIndex(index);
  if (ifp === undefined) throw ERR.EADDRNOTAVAIL;
  return ifp;
}

/** By its address, its index (as 0.0.0.index), or the route to the group. */
function interfaceOf(ip: Ip, group: number, addr: number): Ifnet | undefined {
  if (addr === 0) return ip.lookup(group)?.ifp ?? ip.broadcastIf();
  return ip.ours.get(addr)?.ifp ?? (addr > 0 && addr < 0x0100_0000 ? ip.inet.net.ifByIndex(addr) : undefined);
}
