/**
 * The Internet protocols as the system call interface knows them: protocol numbers, addresses, options of level IPPROTO_IP, TCP and UDP with their
 * records (ip(4), tcp(4), udp(4)), NetBSD's values.
 *
 * struct ip_mreq: group 0[4], interface address 4[4]. struct in_pktinfo: address 0[4], interface index 4 (32 bits). Addresses are in the order of the
 * network, other numbers little-endian.
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';

export const IPPROTO_IP = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_IPV4 = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_RAW = 255;
export const IPPROTO_MAX = 256;

export const INADDR_ANY = 0;
export const INADDR_LOOPBACK = 0x7f00_0001;
export const INADDR_BROADCAST = 0xffff_ffff;
export const INADDR_ALLHOSTS_GROUP = 0xe000_0001;
export const INADDR_ALLRTRS_GROUP = 0xe000_0002;
export const INADDR_ALLREPORTS_GROUP = 0xe000_0016;

export const IPPORT_RESERVED = 1024;
export const IPPORT_ANONMIN = 49152;
export const IPPORT_ANONMAX = 65535;

export const IP_OPTIONS = 1;
export const IP_HDRINCL = 2;
export const IP_TOS = 3;
export const IP_TTL = 4;
export const IP_RECVOPTS = 5;
export const IP_RECVRETOPTS = 6;
export const IP_RECVDSTADDR = 7;
export const IP_RETOPTS = 8;
export const IP_MULTICAST_IF = 9;
export const IP_MULTICAST_TTL = 10;
export const IP_MULTICAST_LOOP = 11;
export const IP_ADD_MEMBERSHIP = 12;
export const IP_DROP_MEMBERSHIP = 13;
export const IP_PORTALGO = 18;
export const IP_PORTRANGE = 19;
export const IP_RECVIF = 20;
export const IP_ERRORMTU = 21;
export const IP_IPSEC_POLICY = 22;
export const IP_RECVTTL = 23;
export const IP_MINTTL = 24;
/** Sent: the source address and the interface; as an option, RECVPKTINFO. */
export const IP_PKTINFO = 25;
export const IP_RECVPKTINFO = 26;
export const IP_BINDANY = 27;

/**
 * Sources of groups (RFC 3678), with FreeBSD's numbers, as NetBSD has none. struct ip_mreq_source: group 0[4], source 4[4], interface address 8[4].
 * Of both families, at the level of the address: struct group_req: interface index 0 (32 bits), group's sockaddr 8[128]; struct group_source_req: further
 * the source's sockaddr 136[128].
 */
export const IP_ADD_SOURCE_MEMBERSHIP = 70;
export const IP_DROP_SOURCE_MEMBERSHIP = 71;
export const IP_BLOCK_SOURCE = 72;
export const IP_UNBLOCK_SOURCE = 73;
/** All sources of a group at once, of either family, at the level of the address: struct group_filter of RFC 3678 5.2, as groupFilter() makes it. */
export const IP_MSFILTER = 74;
export const IPV6_MSFILTER = 74;
export const MCAST_INCLUDE = 1;
export const MCAST_EXCLUDE = 2;
export const MCAST_JOIN_GROUP = 80;
export const MCAST_LEAVE_GROUP = 81;
export const MCAST_JOIN_SOURCE_GROUP = 82;
export const MCAST_LEAVE_SOURCE_GROUP = 83;
export const MCAST_BLOCK_SOURCE = 84;
export const MCAST_UNBLOCK_SOURCE = 85;
export const IP_MREQ_SOURCE_LEN = 12;
export const GROUP_REQ_LEN = 136;
export const GROUP_SOURCE_REQ_LEN = 264;

/** The argument of MCAST_JOIN_GROUP and its kind, of sockaddrs; with a source that of MCAST_JOIN_SOURCE_GROUP. */
export function groupReq(ifindex: number, group: Uint8Array, source?: Uint8Array): Uint8Array {
  const b = new Uint8Array(source === undefined ? GROUP_REQ_LEN : GROUP_SOURCE_REQ_LEN);
  putU32le(b, 0, ifindex);
  b.set(group, 8);
  if (source !== undefined) b.set(source, 136);
  return b;
}

/** struct group_filter: interface index 0 (32 bits), group's sockaddr 8[128], mode 136, count of sources 140, their sockaddrs 144[128 each]. */
export const GROUP_FILTER_LEN = 144;
const STORAGE_LEN = 128;

export interface GroupFilter {
  readonly ifindex: number;
  /** sockaddrs. */
  readonly group: Uint8Array;
  /** MCAST_INCLUDE: these are heard, and no other; MCAST_EXCLUDE: all but these. */
  readonly mode: number;
  readonly sources: readonly Uint8Array[];
  /** How many there are, also where there was no room for all. */
  readonly count: number;
}

/** The argument of IP_MSFILTER and IPV6_MSFILTER: setsockopt sets the sources, getsockopt asks for those of the group, with room for `sources.length` of them. */
export function groupFilter(ifindex: number, group: Uint8Array, mode: number, sources: readonly Uint8Array[], count: number = sources.length): Uint8Array {
  const b = new Uint8Array(GROUP_FILTER_LEN + STORAGE_LEN * sources.length);
  putU32le(b, 0, ifindex);
  b.set(group.subarray(0, STORAGE_LEN), 8);
  putU32le(b, 136, mode);
  putU32le(b, 140, count);
  sources.forEach((source, i) => b.set(source.subarray(0, STORAGE_LEN), GROUP_FILTER_LEN + STORAGE_LEN * i));
  return b;
}

/** undefined: too short to be one. There are as many sources as `b` has room for. */
export function parseGroupFilter(b: Uint8Array): GroupFilter | undefined {
  if (b.length < GROUP_FILTER_LEN) return undefined;
  const count = getU32le(b, 140);
  const room = Math.floor((b.length - GROUP_FILTER_LEN) / STORAGE_LEN);
  const sources = Array.from({ length: Math.min(count, room) }, (_, i) => b.slice(GROUP_FILTER_LEN + STORAGE_LEN * i, GROUP_FILTER_LEN + STORAGE_LEN * (i + 1)));
  return { ifindex: getU32le(b, 0), group: b.slice(8, 8 + STORAGE_LEN), mode: getU32le(b, 136), sources, count };
}

export const IP_PORTRANGE_DEFAULT = 0;
export const IP_PORTRANGE_HIGH = 1;
export const IP_PORTRANGE_LOW = 2;
/** Memberships of one socket. */
export const IP_MAX_MEMBERSHIPS = 20;

export const TCP_NODELAY = 1;
export const TCP_MAXSEG = 2;
export const TCP_KEEPIDLE = 3;
export const TCP_NOPUSH = 4;
export const TCP_KEEPINTVL = 5;
export const TCP_KEEPCNT = 6;
export const TCP_KEEPINIT = 7;
export const TCP_NOOPT = 8;
export const TCP_INFO = 9;
export const TCP_MD5SIG = 0x10;
export const TCP_CONGCTL = 0x20;
/** Not of NetBSD: the name of the congestion control, as Linux and FreeBSD spell it. */
export const TCP_CONGESTION: number = TCP_CONGCTL;
/** Not of NetBSD: milliseconds that data may stay unacknowledged (RFC 5482). */
export const TCP_USER_TIMEOUT = 0x40;
/** Not of NetBSD: fast open (RFC 7413). For a listener the length of its queue; before connect, that data may go with the SYN. */
export const TCP_FASTOPEN = 0x80;
/** The longest name of a congestion control, the end included. */
export const TCPCC_MAXLEN = 64;

/** States of a connection, as pcb lists give them. */
export const TCPS_CLOSED = 0;
export const TCPS_LISTEN = 1;
export const TCPS_SYN_SENT = 2;
export const TCPS_SYN_RECEIVED = 3;
export const TCPS_ESTABLISHED = 4;
export const TCPS_CLOSE_WAIT = 5;
export const TCPS_FIN_WAIT_1 = 6;
export const TCPS_CLOSING = 7;
export const TCPS_LAST_ACK = 8;
export const TCPS_FIN_WAIT_2 = 9;
export const TCPS_TIME_WAIT = 10;
export const TCPS_NAMES: readonly string[] = [
  'CLOSED',
  'LISTEN',
  'SYN_SENT',
  'SYN_RECEIVED',
  'ESTABLISHED',
  'CLOSE_WAIT',
  'FIN_WAIT_1',
  'CLOSING',
  'LAST_ACK',
  'FIN_WAIT_2',
  'TIME_WAIT',
];
