/**
 * Sockets: one end of a conversation, between a descriptor and a protocol.
 *
 * A socket is made by socket(2), or by its protocol for a connection that comes in (sonewconn), and ends when neither a descriptor nor the protocol has it.
 * What calls on it sleep on: `so` for the end of connecting and disconnecting, `so.rcv` and `so.snd`, `so.q` for accept.
 */
import type { Errno } from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import type { Domain, Protosw } from './protosw.js';
import type { Rumpnet } from './rumpnet.js';
import { Sockbuf } from './sockbuf.js';

/** States, NetBSD's. */
export const SS_NOFDREF = 0x001;
export const SS_ISCONNECTED = 0x002;
export const SS_ISCONNECTING = 0x004;
export const SS_ISDISCONNECTING = 0x008;
export const SS_CANTSENDMORE = 0x010;
export const SS_CANTRCVMORE = 0x020;
/** The next byte is the one that the urgent pointer points at. */
export const SS_RCVATMARK = 0x040;
/** The queue that an incoming connection waits in has dropped it. */
export const SS_ISABORTING = 0x080;
/** SIGIO is wanted. */
export const SS_ASYNC = 0x200;
export const SS_ISDISCONNECTED = 0x800;
/** It has been freed. */
export const SS_ISGONE = 0x1_0000;

/** The connections of a listening socket that wait: to be complete, or to be accepted. In the order in which they came. */
export class Soqueue {
  first: Socket | undefined = undefined;
  last: Socket | undefined = undefined;
  len = 0;

  insert(so: Socket): void {
    so.qprev = this.last;
    if (this.last === undefined) this.first = so;
    else this.last.qnext = so;
    this.last = so;
    so.onq = this;
    this.len++;
  }

  remove(so: Socket): void {
    if (so.qprev === undefined) this.first = so.qnext;
    else so.qprev.qnext = so.qnext;
    if (so.qnext === undefined) this.last = so.qprev;
    else so.qnext.qprev = so.qprev;
    so.qnext = so.qprev = so.onq = undefined;
    this.len--;
  }
}

export class Socket {
  /** SO_* that are on or off. */
  options = 0;
  /** SO_LINGER, in seconds. */
  linger = 0;
  /** SS_*. */
  state = 0;
  /** What has gone wrong since somebody was last told. */
  error: Errno | undefined = undefined;
  /** The protocol's own. */
  pcb: unknown = undefined;
  readonly rcv: Sockbuf;
  readonly snd: Sockbuf;
  /** Bytes to be read before the urgent mark; 0: there is none. */
  oobmark = 0;
  /** Who gets SIGIO and SIGURG: a process, or with its negative a group. */
  pgid = 0;
  /** Who made it. */
  cred: Cred;
  /** Its process. */
  pid: number;
  /** Tells it from others of its kernel, for lists. */
  readonly id: number;

  // -- of a listening socket

  /** Connections that are not complete, and those to be accepted. */
  q0: Soqueue | undefined = undefined;
  q: Soqueue | undefined = undefined;
  qlimit = 0;
  /** Connections that were turned away since the queue was full. */
  qdrops = 0;

  // -- of a connection that has come in

  /** The socket that it came to, until it is accepted. */
  head: Socket | undefined = undefined;
  onq: Soqueue | undefined = undefined;
  qnext: Socket | undefined = undefined;
  qprev: Socket | undefined = undefined;

  /** For a user within the kernel: called when there is something to read, or room to write, or the state has changed. */
  upcall: ((so: Socket) => void) | undefined = undefined;

  constructor(
    readonly net: Rumpnet,
    readonly domain: Domain,
    readonly proto: Protosw,
    /** SOCK_*. */
    readonly type: number,
    cred: Cred,
    pid: number,
  ) {
    this.cred = cred;
    this.pid = pid;
    this.id = net.nextId();
    this.rcv = new Sockbuf(this, net.mbufs);
    this.snd = new Sockbuf(this, net.mbufs);
  }
}
