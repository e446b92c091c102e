/**
 * What protocols tell sockets: connections that begin and end, data that has come, room that there is. All of them may be called from soft interrupts.
 */
import { ERR, Errno, SIGIO, SIGURG, SO_ACCEPTCONN } from '@anykernel/lib-sys';
import { psignal } from '@anykernel/rumpkern';
import { MT_CONTROL, type Mbuf } from './mbuf.js';
import { SB_WAIT, type Sockbuf } from './sockbuf.js';
import {
  SS_ASYNC, SS_CANTRCVMORE, SS_CANTSENDMORE, SS_ISABORTING, SS_ISCONNECTED, SS_ISCONNECTING, SS_ISDISCONNECTED, SS_ISDISCONNECTING, SS_ISGONE, SS_NOFDREF, SS_RCVATMARK, Socket,
  Soqueue,
} from './socket.js';

const CONNECTION = SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING | SS_ISDISCONNECTED;

/** A connection begins. */
export function soisconnecting(so: Socket): void {
  so.state = (so.state & ~CONNECTION) | SS_ISCONNECTING;
}

/** A connection is there: the one that waits for it hears, or the one that accepts. */
export function soisconnected(so: Socket): void {
  so.state = (so.state & ~CONNECTION) | SS_ISCONNECTED;
  const { head } = so;
  if (head !== undefined && so.onq === head.q0 && head.q0 !== undefined) {
    head.q0.remove(so);
    (head.q as Soqueue).insert(so);
    announce(head);
    return;
  }
  so.net.k.wakeup(so);
  sorwakeup(so);
  sowwakeup(so);
}

/** There is one more to accept. */
function announce(head: Socket): void {
  head.net.k.sleepq.wakeupOne(head.q as Soqueue);
  sorwakeup(head);
}

/** The end begins. */
export function soisdisconnecting(so: Socket): void {
  so.state = (so.state & ~SS_ISCONNECTING) | SS_ISDISCONNECTING | SS_CANTRCVMORE | SS_CANTSENDMORE;
  changed(so);
}

/** The connection is gone. What was received can still be read. */
export function soisdisconnected(so: Socket): void {
  so.state = (so.state & ~(SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING)) | SS_CANTRCVMORE | SS_CANTSENDMORE | SS_ISDISCONNECTED;
  so.snd.flush();
  changed(so);
}

function changed(so: Socket): void {
  so.net.k.wakeup(so);
  sorwakeup(so);
  sowwakeup(so);
}

/** Nothing can be sent any more. */
export function socantsendmore(so: Socket): void {
  so.state |= SS_CANTSENDMORE;
  sowwakeup(so);
}

/** Nothing more will come. */
export function socantrcvmore(so: Socket): void {
  so.state |= SS_CANTRCVMORE;
  sorwakeup(so);
  if (so.q !== undefined) so.net.k.wakeup(so.q);
}

/** There is something to receive. */
export function sorwakeup(so: Socket): void {
  sowakeup(so, so.rcv);
}

/** There is room to send. */
export function sowwakeup(so: Socket): void {
  sowakeup(so, so.snd);
}

function sowakeup(so: Socket, sb: Sockbuf): void {
  if ((sb.flags & SB_WAIT) !== 0) {
    sb.flags &= ~SB_WAIT;
    so.net.k.wakeup(sb);
  }
  sb.sel.notify();
  if ((so.state & SS_ASYNC) !== 0) signalOwner(so, SIGIO);
  if (so.upcall !== undefined) so.upcall(so);
}

/** Urgent data has come: `so.oobmark` and SS_RCVATMARK are set. */
export function sohasoutofband(so: Socket): void {
  signalOwner(so, SIGURG);
  so.rcv.sel.notify();
}

function signalOwner(so: Socket, signo: number): void {
  const { procs } = so.net.k;
  if (so.pgid > 0) {
    const p = procs.find(so.pgid);
    if (p !== undefined) psignal(p, signo);
  } else if (so.pgid < 0) {
    for (const p of procs) if (p.pgid === -so.pgid) psignal(p, signo);
  }
}

/** An error for the next call on the socket, and for those that wait. */
export function soerror(so: Socket, error: Errno): void {
  so.error = error;
  changed(so);
}

/** Room for both buffers. ENOBUFS: it is more than kern.sbmax. */
export function soreserve(so: Socket, sndlen: number, rcvlen: number): void {
  const { sbmax } = so.net;
  if (!so.snd.reserve(sndlen, sbmax) || !so.rcv.reserve(rcvlen, sbmax)) throw ERR.ENOBUFS;
  so.snd.lowat = Math.min(2048, so.snd.hiwat);
}

/**
 * A connection comes in to the listening socket `head`: its socket, with a pcb from attach(), in the queue. `connected`: it is complete; otherwise
 * soisconnected() says so later. undefined: the queue is full (half as many again as listen(2) asked for, complete or not), or there is no memory.
 */
export function sonewconn(head: Socket, connected: boolean): Socket | undefined {
  const { net, q, q0 } = head;
  if ((head.options & SO_ACCEPTCONN) === 0 || q === undefined || q0 === undefined) return undefined;
  if (q.len + q0.len > (3 * head.qlimit) / 2) {
    head.qdrops++;
    return undefined;
  }
  const so = new Socket(net, head.domain, head.proto, head.type, head.cred, head.pid);
  so.options = head.options & ~SO_ACCEPTCONN;
  so.linger = head.linger;
  so.state = (head.state & SS_ASYNC) | SS_NOFDREF;
  so.pgid = head.pgid;
  copyLimits(so.snd, head.snd);
  copyLimits(so.rcv, head.rcv);
  so.upcall = head.upcall;
  so.head = head;
  (connected ? q : q0).insert(so);
  try {
    so.proto.usrreqs.attach(so, so.proto.protocol, undefined);
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    so.onq?.remove(so);
    so.head = undefined;
    return undefined;
  }
  net.made(so);
  if (connected) {
    so.state |= SS_ISCONNECTED;
    announce(head);
  }
  return so;
}

function copyLimits(to: Sockbuf, from: Sockbuf): void {
  to.hiwat = from.hiwat;
  to.mbmax = from.mbmax;
  to.lowat = from.lowat;
  to.timeoNs = from.timeoNs;
  to.flags = from.flags & ~SB_WAIT;
}

/**
 * Frees a socket that neither a descriptor nor a protocol has; otherwise nothing happens. A connection that waits to be accepted stays until accept(2)
 * takes it and finds that it is gone.
 */
export function sofree(so: Socket): void {
  if (so.pcb !== undefined || (so.state & (SS_NOFDREF | SS_ISGONE)) !== SS_NOFDREF) return;
  const { head } = so;
  if (head !== undefined) {
    if (so.onq !== undefined && so.onq === head.q && (so.state & SS_ISABORTING) === 0) return;
    so.onq?.remove(so);
    so.head = undefined;
  }
  so.state |= SS_ISGONE;
  so.snd.flush();
  sorflush(so);
  so.net.gone(so);
}

/** Drops what was received; descriptors among it are closed. */
export function sorflush(so: Socket): void {
  const { rcv, domain } = so;
  if (rcv.ctl > 0 && domain.dispose !== undefined) {
    for (let record = rcv.head; record !== undefined; record = record.nextpkt) {
      for (let m: Mbuf | undefined = record; m !== undefined; m = m.next) if (m.type === MT_CONTROL && m.aux !== undefined) domain.dispose(m);
    }
  }
  rcv.flush();
  so.oobmark = 0;
  so.state &= ~SS_RCVATMARK;
}

/** The protocol ends the connection in the queue of `so.head`. */
export function soabort(so: Socket): void {
  so.state |= SS_ISABORTING;
  so.onq?.remove(so);
  so.head = undefined;
  so.proto.usrreqs.abort(so);
  sofree(so);
}
