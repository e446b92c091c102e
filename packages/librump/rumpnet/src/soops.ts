/**
 * What users do with sockets, beside moving data: connect, listen, accept, shut down, close.
 */
import { ERR, Errno, MSG_DONTWAIT, SHUT_RD, SHUT_RDWR, SHUT_WR, SO_ACCEPTCONN, SO_LINGER } from '@anykernel/lib-sys';
import { type Lwp, NS, SLEEP } from '@anykernel/rumpkern';
import { PR_ABRTACPTDIS, PR_CONNREQUIRED, PR_LISTEN, PR_WANTRCVD } from './protosw.js';
import {
  SS_CANTRCVMORE, SS_ISCONNECTED, SS_ISCONNECTING, SS_ISDISCONNECTED, SS_ISDISCONNECTING, SS_NOFDREF, type Socket, Soqueue,
} from './socket.js';
import { sotellerror } from './sosend.js';
import { soabort, socantrcvmore, sofree, sorflush } from './sockstate.js';

/**
 * Connects to `nam`, and waits until it is done. In the order of checking: EOPNOTSUPP: it listens. EALREADY: it connects already. EISCONN. What the protocol says.
 * EINPROGRESS: `nonblock`, and it goes on. EINTR: it goes on, too. Then the error with which it ended.
 */
export function soconnect(so: Socket, nam: Uint8Array, nonblock: boolean, l: Lwp): void {
  if (l.memo !== so) {
    if ((so.options & SO_ACCEPTCONN) !== 0) throw ERR.EOPNOTSUPP;
    if ((so.state & SS_ISCONNECTING) !== 0) throw ERR.EALREADY;
    if ((so.state & SS_ISCONNECTED) !== 0) {
      if ((so.proto.flags & PR_CONNREQUIRED) !== 0) throw ERR.EISCONN;
      // A datagram socket has one peer after another.
      so.proto.usrreqs.disconnect(so);
    }
    so.error = undefined;
    so.proto.usrreqs.connect(so, nam, l);
    l.memo = so;
    if (nonblock && (so.state & SS_ISCONNECTING) !== 0) throw ERR.EINPROGRESS;
  }
  if ((so.state & SS_ISCONNECTING) !== 0 && so.error === undefined) l.k.sleep(so);
  if (so.error !== undefined) sotellerror(so);
}

/** EINVAL: it is connected, or about to be. EOPNOTSUPP. Then what the protocol says. */
export function solisten(so: Socket, backlog: number, l: Lwp): void {
  if ((so.state & (SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING)) !== 0) throw ERR.EINVAL;
  if ((so.proto.flags & PR_LISTEN) === 0) throw ERR.EOPNOTSUPP;
  so.proto.usrreqs.listen(so, l);
  so.options |= SO_ACCEPTCONN;
  so.q0 ??= new Soqueue();
  so.q ??= new Soqueue();
  const { somaxconn } = so.net;
  so.qlimit = backlog < 0 ? 0 : Math.min(backlog, somaxconn);
}

/** The next connection to accept; it stays in the queue until soaccepted(). EINVAL: it does not listen. ECONNABORTED: it was shut down. EAGAIN. */
export function sonextconn(so: Socket, nonblock: boolean, l: Lwp): Socket {
  const { q } = so;
  if ((so.options & SO_ACCEPTCONN) === 0 || q === undefined) throw ERR.EINVAL;
  if (q.first !== undefined) return q.first;
  if ((so.state & SS_CANTRCVMORE) !== 0) throw ERR.ECONNABORTED;
  if (so.error !== undefined) sotellerror(so);
  if (nonblock) throw ERR.EAGAIN;
  return l.k.sleep(q);
}

/** Takes a connection out of the queue; another one who waits gets the next. Returns the peer's address. ECONNABORTED: it is gone. */
export function soaccepted(so: Socket): Uint8Array {
  const head = so.head as Socket;
  const q = head.q as Soqueue;
  q.remove(so);
  so.head = undefined;
  so.state &= ~SS_NOFDREF;
  if (q.len > 0) head.net.k.sleepq.wakeupOne(q);
  const gone = (so.state & SS_ISDISCONNECTED) !== 0 && (so.proto.flags & PR_ABRTACPTDIS) !== 0;
  if (gone || so.pcb === undefined) throw ERR.ECONNABORTED;
  return so.proto.usrreqs.accept(so);
}

/** EINVAL: `how` is not a way. ENOTCONN. */
export function soshutdown(so: Socket, how: number): void {
  if (how !== SHUT_RD && how !== SHUT_WR && how !== SHUT_RDWR) throw ERR.EINVAL;
  const listens = (so.options & SO_ACCEPTCONN) !== 0;
  if (!listens && (so.state & (SS_ISCONNECTED | SS_ISCONNECTING | SS_ISDISCONNECTING)) === 0) throw ERR.ENOTCONN;
  if (how !== SHUT_WR) {
    socantrcvmore(so);
    sorflush(so);
    // Room that was taken up is free: the protocol may say so.
    if (so.pcb !== undefined && !listens && (so.proto.flags & PR_WANTRCVD) !== 0) so.proto.usrreqs.rcvd(so, MSG_DONTWAIT);
  }
  if (how !== SHUT_RD && !listens) so.proto.usrreqs.shutdown(so);
}

/**
 * The last descriptor is gone. Connections in the queue of a listening socket end. With SO_LINGER and a time, waits for what was sent to arrive, unless
 * `nonblock`; then the protocol goes on by itself.
 */
export function soclose(so: Socket, nonblock: boolean, l: Lwp): void {
  endQueues(so);
  if (so.pcb !== undefined && (so.state & SS_ISCONNECTED) !== 0) linger(so, nonblock, l);
  if (so.pcb !== undefined) so.proto.usrreqs.detach(so);
  so.state |= SS_NOFDREF;
  so.upcall = undefined;
  sofree(so);
}

function endQueues(so: Socket): void {
  for (const queue of [so.q0, so.q]) while (queue?.first !== undefined) soabort(queue.first);
}

/** Begins to disconnect, once, and waits for its end. */
function linger(so: Socket, nonblock: boolean, l: Lwp): void {
  if ((so.state & SS_ISDISCONNECTING) === 0) {
    try {
      so.proto.usrreqs.disconnect(so);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      return;
    }
  }
  if ((so.options & SO_LINGER) === 0 || nonblock || so.linger === 0) return;
  if ((so.state & SS_ISCONNECTED) === 0) return;
  const deadline = l.deadline(so.linger * NS);
  if (l.k.mono() >= deadline) return;
  try {
    l.k.sleep(so, deadline);
  } catch (e) {
    // A signal ends the waiting, not the closing.
    if (e === SLEEP) throw e;
    l.k.ignoreErrno(e);
  }
}
