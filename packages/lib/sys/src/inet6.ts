/**
 * IPv6 as the system call interface knows it: options of level IPPROTO_IPV6 (ip6(4), RFC 3493, RFC 3542), filters of ICMPv6, and the interface ioctls of
 * AF_INET6 (inet6(4)), NetBSD's values.
 *
 * struct ipv6_mreq: group 0[16], interface index 16. struct in6_pktinfo: address 0[16], interface index 16. struct ip6_mtuinfo: sockaddr_in6 0[28], MTU 28.
 * struct icmp6_filter: 8 words of 32 bits; a bit that is set lets its type pass.
 * struct in6_ifreq, 288 bytes: name 0[16], then a sockaddr_in6, flags (32 bits), or struct in6_addrlifetime at 16.
 * struct in6_aliasreq, 128 bytes: name 0[16], address 16[28], other end 44[28], mask 72[28], flags 100, struct in6_addrlifetime 104.
 * struct in6_addrlifetime, 24 bytes: valid and preferred until 0 and 8 (64 bits, seconds), valid and preferred lifetime 16 and 20 (seconds).
 * struct in6_ndireq, 72 bytes: name 0[16], MTU of the link 16, largest MTU 20, base reachable time 24, reachable time 28, retransmission 32 (ms), flags 36,
 * seconds to the next reachable time 40, hop limit 44 (8 bits).
 */
import { _IOW, _IOWR } from './ioctl.js';

export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_NONE = 59;
export const IPPROTO_DSTOPTS = 60;

export const IPV6_UNICAST_HOPS = 4;
export const IPV6_MULTICAST_IF = 9;
export const IPV6_MULTICAST_HOPS = 10;
export const IPV6_MULTICAST_LOOP = 11;
export const IPV6_JOIN_GROUP = 12;
export const IPV6_LEAVE_GROUP = 13;
export const IPV6_PORTRANGE = 14;
export const IPV6_PORTALGO = 17;
export const ICMP6_FILTER = 18;
export const IPV6_CHECKSUM = 26;
export const IPV6_V6ONLY = 27;
export const IPV6_RTHDRDSTOPTS = 35;
export const IPV6_RECVPKTINFO = 36;
export const IPV6_RECVHOPLIMIT = 37;
export const IPV6_RECVRTHDR = 38;
export const IPV6_RECVHOPOPTS = 39;
export const IPV6_RECVDSTOPTS = 40;
export const IPV6_USE_MIN_MTU = 42;
export const IPV6_RECVPATHMTU = 43;
export const IPV6_PATHMTU = 44;
export const IPV6_PKTINFO = 46;
export const IPV6_HOPLIMIT = 47;
export const IPV6_NEXTHOP = 48;
export const IPV6_HOPOPTS = 49;
export const IPV6_DSTOPTS = 50;
export const IPV6_RTHDR = 51;
export const IPV6_RECVTCLASS = 57;
export const IPV6_TCLASS = 61;
export const IPV6_DONTFRAG = 62;
export const IPV6_PREFER_TEMPADDR = 63;
export const IPV6_BINDANY = 64;

export const IPV6_PORTRANGE_DEFAULT = 0;
export const IPV6_PORTRANGE_HIGH = 1;
export const IPV6_PORTRANGE_LOW = 2;
export const IPV6_DEFHLIM = 64;

export const IPV6_MREQ_LEN = 20;
export const IN6_PKTINFO_LEN = 20;
export const IP6_MTUINFO_LEN = 32;
export const ICMP6_FILTER_LEN = 32;

export const IN6_IFREQ_LEN = 288;
export const IN6_ALIASREQ_LEN = 128;
export const IN6_ADDRLIFETIME_LEN = 24;
export const IN6_NDIREQ_LEN = 72;
/** A lifetime without end. */
export const ND6_INFINITE_LIFETIME = 0xffff_ffff;

export const IN6_IFF_ANYCAST = 0x01;
export const IN6_IFF_TENTATIVE = 0x02;
export const IN6_IFF_DUPLICATED = 0x04;
export const IN6_IFF_DETACHED = 0x08;
export const IN6_IFF_DEPRECATED = 0x10;
export const IN6_IFF_NODAD = 0x20;
export const IN6_IFF_AUTOCONF = 0x40;
export const IN6_IFF_TEMPORARY = 0x80;

export const ND6_IFF_PERFORMNUD = 0x01;
export const ND6_IFF_ACCEPT_RTADV = 0x02;
export const ND6_IFF_IFDISABLED = 0x08;
export const ND6_IFF_AUTO_LINKLOCAL = 0x20;

export const SIOCGIFADDR_IN6: number = _IOWR('i', 33, IN6_IFREQ_LEN);
export const SIOCDIFADDR_IN6: number = _IOW('i', 25, IN6_IFREQ_LEN);
export const SIOCGIFDSTADDR_IN6: number = _IOWR('i', 34, IN6_IFREQ_LEN);
export const SIOCGIFNETMASK_IN6: number = _IOWR('i', 37, IN6_IFREQ_LEN);
export const SIOCGIFAFLAG_IN6: number = _IOWR('i', 73, IN6_IFREQ_LEN);
export const SIOCGIFALIFETIME_IN6: number = _IOWR('i', 81, IN6_IFREQ_LEN);
export const SIOCAIFADDR_IN6: number = _IOW('i', 107, IN6_ALIASREQ_LEN);
export const SIOCGIFINFO_IN6: number = _IOWR('i', 108, IN6_NDIREQ_LEN);
export const SIOCSIFINFO_IN6: number = _IOWR('i', 109, IN6_NDIREQ_LEN);
export const SIOCSIFINFO_FLAGS: number = _IOWR('i', 87, IN6_NDIREQ_LEN);
