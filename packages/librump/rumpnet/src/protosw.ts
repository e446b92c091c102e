/**
 * The seam between sockets and protocols: domains, their protocols, and what a protocol does for a socket (NetBSD's domain, protosw, pr_usrreqs).
 *
 * An address (`nam`) is the bytes of a sockaddr: length 0, family 1, then what the family says; the array's own length counts, 2 to 255, not what
 * the byte says. It is the caller's, and looked at only during the call.
 *
 * A user request fails by throwing an Errno. Only connect(), bind() and send() may sleep, and then nothing has changed. What comes from the network
 * is no user request: it runs in soft interrupts, reaches sockets through the functions of sockstate.ts and sockbuf.ts, and never throws.
 */
import { ERR, type Stat } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import type { Mbuf } from './mbuf.js';
import type { Socket } from './socket.js';

/** Messages have bounds: each is sent and received as a whole. */
export const PR_ATOMIC = 0x01;
/** Each message comes with the address that it is from. */
export const PR_ADDR = 0x02;
/** Nothing is sent or received without a connection. */
export const PR_CONNREQUIRED = 0x04;
/** rcvd() is to be called when the user has taken data. */
export const PR_WANTRCVD = 0x08;
/** Descriptors may be passed. */
export const PR_RIGHTS = 0x10;
/** listen() and accept() make sense. */
export const PR_LISTEN = 0x20;
/** A connection that is lost before it was accepted is not accepted any more: ECONNABORTED. */
export const PR_ABRTACPTDIS = 0x40;
/** The last header of a chain of IPv6 extension headers. */
export const PR_LASTHDR = 0x80;

/** What a protocol does for its sockets. Spread `...prUnsupported` and write what there is. */
export interface Usrreqs {
  /** A socket has been made, with `proto` as the user gave it: its pcb, and soreserve(). EACCES, EPERM, ENOBUFS, EPROTONOSUPPORT. */
  attach(so: Socket, proto: number, l: Lwp | undefined): void;
  /**
   * Nobody has the socket open any more. The protocol ends now or when its peer has agreed: then it sets `so.pcb` to undefined and calls sofree().
   */
  detach(so: Socket): void;
  /** A connection in the queue of a listening socket ends at once: the socket goes. `so.pcb` becomes undefined. */
  abort(so: Socket): void;
  /** EAFNOSUPPORT, EINVAL (bound already, or not an address), EADDRINUSE, EADDRNOTAVAIL, EACCES. */
  bind(so: Socket, nam: Uint8Array, l: Lwp): void;
  /** EOPNOTSUPP, EINVAL, EDESTADDRREQ. */
  listen(so: Socket, l: Lwp): void;
  /** Begins to connect: soisconnecting(), or soisconnected() at once. */
  connect(so: Socket, nam: Uint8Array, l: Lwp): void;
  /** Connects two new sockets, of socketpair(2). Datagrams: `so` sends to `so2`. */
  connect2(so: Socket, so2: Socket): void;
  /** Begins to disconnect: soisdisconnecting(), or soisdisconnected(). */
  disconnect(so: Socket): void;
  /** The user sends no more: socantsendmore(), and the peer hears of it when he has all. */
  shutdown(so: Socket): void;
  /** The address of the peer of a connection that is being accepted. ECONNABORTED: it is gone. */
  accept(so: Socket): Uint8Array;
  /** Its own address, and the peer's, as new arrays. */
  sockaddr(so: Socket): Uint8Array;
  peeraddr(so: Socket): Uint8Array;
  /** The user has taken data out of so.rcv (PR_WANTRCVD). `flags`: MSG_* of the call. */
  rcvd(so: Socket, flags: number): void;
  /**
   * Sends a message, or some bytes of a stream. Owns `m` and `control` (an MT_CONTROL mbuf with cmsghdrs as the user gave them), also where it throws.
   * `flags`: MSG_*; `nam`: to whom, undefined: to the peer.
   */
  send(so: Socket, m: Mbuf, nam: Uint8Array | undefined, control: Mbuf | undefined, flags: number, l: Lwp): void;
  /** Sends urgent data; owns `m` and `control`. */
  sendoob(so: Socket, m: Mbuf, control: Mbuf | undefined, l: Lwp): void;
  /** The urgent data, for the caller to free; with MSG_PEEK it stays. EINVAL: there is none. EAGAIN: it has not come yet. */
  recvoob(so: Socket, flags: number): Mbuf;
  /** ioctl(2) commands of the protocol. EOPNOTSUPP. */
  ioctl(so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number;
  /** fstat(2): what the protocol knows beside what the socket does. */
  stat(so: Socket, st: Stat): void;
}

function unsupported(): never {
  throw ERR.EOPNOTSUPP;
}

function nothing(): void {
  // A protocol without it has nothing to do.
}

/** Requests of a protocol that has none: they are refused, or do nothing. attach, detach, abort and send are for everyone to write. */
export const prUnsupported: Omit<Usrreqs, 'attach' | 'detach' | 'abort' | 'send'> = {
  bind: unsupported,
  listen: unsupported,
  connect: unsupported,
  connect2: unsupported,
  disconnect: unsupported,
  shutdown: unsupported,
  accept: unsupported,
  sockaddr: unsupported,
  peeraddr: unsupported,
  rcvd: nothing,
  sendoob: (so, m, control) => {
    so.net.mbufs.free(m);
    if (control !== undefined) so.net.mbufs.free(control);
    throw ERR.EOPNOTSUPP;
  },
  recvoob: unsupported,
  ioctl: unsupported,
  stat: nothing,
};

export interface Protosw {
  /** SOCK_*. */
  readonly type: number;
  /** Its number within the domain; 0 in a protosw of type SOCK_RAW: any. */
  readonly protocol: number;
  /** PR_*. */
  readonly flags: number;
  readonly usrreqs: Usrreqs;
  /**
   * Socket options at a level of the protocol's: the value, or for 'set' an empty one; undefined: ENOPROTOOPT. Of the options of the socket itself
   * (SOL_SOCKET) that are on or off it hears when they have been set; what it returns then does not count.
   */
  ctloutput?(so: Socket, op: 'get' | 'set', level: number, name: number, value: Uint8Array, l: Lwp): Uint8Array | undefined;
}

export interface Domain {
  /** AF_*. */
  readonly family: number;
  readonly name: string;
  /** The first one of a type is what protocol 0 stands for. */
  readonly protosw: readonly Protosw[];
  /**
   * Ancillary data with something in `aux` becomes the receiver's: its cmsghdrs as bytes, at most `room` of them. What does not fit is disposed of.
   * `flags`: MSG_CMSG_CLOEXEC.
   */
  externalize?(m: Mbuf, l: Lwp, room: number, flags: number): Uint8Array;
  /** Ancillary data with something in `aux` is dropped unreceived. */
  dispose?(m: Mbuf): void;
}
