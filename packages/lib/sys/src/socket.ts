/**
 * Sockets: families, types, options, and the records of the socket calls, NetBSD's values.
 *
 * An address is the bytes of NetBSD's sockaddr: sa_len u8, sa_family u8, then what the family says.
 */

export const AF_UNSPEC = 0;
export const AF_LOCAL = 1;
export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_LINK = 18;
export const AF_INET6 = 24;
export const AF_APPLETALK = 16;
export const AF_ARP = 28;
export const AF_BLUETOOTH = 31;
export const AF_MPLS = 33;
export const AF_ROUTE = 34;
export const AF_CAN = 35;
export const PF_UNSPEC = 0;
export const PF_LOCAL = 1;
export const PF_INET = 2;
export const PF_INET6 = 24;
export const PF_ROUTE = 34;
/** The key management sockets of IPsec. */
export const PF_KEY = 29;

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_RDM = 4;
export const SOCK_SEQPACKET = 5;
/** Flags beside the type, of socket(2), socketpair(2), paccept(2). */
export const SOCK_CLOEXEC = 0x1000_0000;
export const SOCK_NONBLOCK = 0x2000_0000;
export const SOCK_NOSIGPIPE = 0x4000_0000;
export const SOCK_FLAGS_MASK = 0xf000_0000;

export const SOL_SOCKET = 0xffff;
export const SO_DEBUG = 0x0001;
export const SO_ACCEPTCONN = 0x0002;
export const SO_REUSEADDR = 0x0004;
export const SO_KEEPALIVE = 0x0008;
export const SO_DONTROUTE = 0x0010;
export const SO_BROADCAST = 0x0020;
export const SO_USELOOPBACK = 0x0040;
export const SO_LINGER = 0x0080;
export const SO_OOBINLINE = 0x0100;
export const SO_REUSEPORT = 0x0200;
export const SO_NOSIGPIPE = 0x0800;
export const SO_ACCEPTFILTER = 0x1000;
export const SO_TIMESTAMP = 0x2000;
export const SO_SNDBUF = 0x1001;
export const SO_RCVBUF = 0x1002;
export const SO_SNDLOWAT = 0x1003;
export const SO_RCVLOWAT = 0x1004;
export const SO_ERROR = 0x1007;
export const SO_TYPE = 0x1008;
export const SO_OVERFLOWED = 0x1009;
export const SO_SNDTIMEO = 0x100b;
export const SO_RCVTIMEO = 0x100c;

export const MSG_OOB = 0x0001;
export const MSG_PEEK = 0x0002;
export const MSG_DONTROUTE = 0x0004;
export const MSG_EOR = 0x0008;
export const MSG_TRUNC = 0x0010;
export const MSG_CTRUNC = 0x0020;
export const MSG_WAITALL = 0x0040;
export const MSG_DONTWAIT = 0x0080;
export const MSG_BCAST = 0x0100;
export const MSG_MCAST = 0x0200;
export const MSG_NOSIGNAL = 0x0400;
export const MSG_CMSG_CLOEXEC = 0x0800;
export const MSG_NBIO = 0x1000;
export const MSG_WAITFORONE = 0x2000;

export const SCM_RIGHTS = 0x01;
/** The time when the message came: struct timeval. */
export const SCM_TIMESTAMP = 0x08;
export const SCM_CREDS = 0x10;

export const SHUT_RD = 0;
export const SHUT_WR = 1;
export const SHUT_RDWR = 2;

/** The longest queue of listen(2). */
export const SOMAXCONN = 128;

/** Where a call leaves an address. The kernel sets `addr`: undefined when there is none. */
export interface SocketName {
  addr: Uint8Array | undefined;
}

/**
 * A message of sendmsg(2) and recvmsg(2). recvmsg fills the buffers of `iov`, and sets `name`, `control` and `flags` (MSG_*);
 * `controlMax` is the most control data in bytes that it may give (none without it).
 */
export interface Msghdr {
  name?: Uint8Array | undefined;
  readonly iov: readonly Uint8Array[];
  control?: Uint8Array | undefined;
  readonly controlMax?: number | undefined;
  flags?: number | undefined;
}

/** One message of sendmmsg(2) and recvmmsg(2). The kernel sets `len`, the bytes moved. */
export interface Mmsghdr {
  readonly hdr: Msghdr;
  len: number;
}
