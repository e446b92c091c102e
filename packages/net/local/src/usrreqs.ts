/**
 * What local sockets do: data goes from the sender's buffers straight into the receive buffer of the peer, whose room is the sender's (Sockbuf.via).
 */
import { ERR, SOCK_DGRAM, SOCK_SEQPACKET, type Stat } from '@anykernel/lib-sys';
import type { Lwp } from '@anykernel/rumpkern';
import {
  type Mbuf, PR_CONNREQUIRED, SS_CANTRCVMORE, SS_ISCONNECTED, SS_ISCONNECTING, type Socket, type Usrreqs, lastOf, prUnsupported, socantrcvmore, socantsendmore, soerror,
  sofree, soisconnected, soisconnecting, soisdisconnected, sonewconn, soreserve, sorwakeup, sowwakeup,
} from '@anykernel/rumpnet';
import { withCreds } from './creds.js';
import { unpBind, unpFind, unpUnbind } from './names.js';
import type { Local } from './state.js';
import { UNP_CONNWAIT, UNP_WANTCRED, Unpcb, peeridOf, unpcbOf } from './unpcb.js';

/** EPROTONOSUPPORT: a protocol within the domain; there are none. */
function attach(state: Local, so: Socket, proto: number): void {
  if (proto !== 0) throw ERR.EPROTONOSUPPORT;
  if (so.snd.hiwat === 0) {
    if (so.type === SOCK_DGRAM) soreserve(so, state.dgramSendspace, state.dgramRecvspace);
    else soreserve(so, state.streamSpace, state.streamSpace);
  }
  const pcb = new Unpcb(so, state.nextIno());
  so.pcb = pcb;
  state.pcbs.add(pcb);
}

function detach(state: Local, so: Socket): void {
  const pcb = unpcbOf(so);
  unpUnbind(pcb);
  disconnect(pcb);
  // Datagrams have lost where they went to.
  if (pcb.refs !== undefined) {
    for (const ref of [...pcb.refs]) {
      disconnect(ref);
      soerror(ref.so, ERR.ECONNRESET);
    }
  }
  state.pcbs.delete(pcb);
  so.pcb = undefined;
  sofree(so);
}

// -- connections

/**
 * Connects `so` to the socket of a name. ECONNREFUSED: nobody listens, or too many wait. Otherwise what unpFind() says. With LOCAL_CONNWAIT it is connected
 * when it has been accepted.
 */
function connect(state: Local, so: Socket, nam: Uint8Array, l: Lwp): void {
  const pcb = unpcbOf(so);
  const pcb2 = unpFind(state, so, nam, l);
  if ((so.proto.flags & PR_CONNREQUIRED) === 0) {
    join(pcb, pcb2);
    soisconnected(so);
    return;
  }
  const so3 = sonewconn(pcb2.so, false);
  if (so3 === undefined) throw ERR.ECONNREFUSED;
  const pcb3 = unpcbOf(so3);
  pcb3.addr = pcb2.addr;
  pcb3.flags = pcb2.flags;
  pcb3.peerid = peeridOf(l);
  pcb.peerid = pcb2.listener;
  join(pcb, pcb3);
  join(pcb3, pcb);
  if (((pcb.flags | pcb2.flags) & UNP_CONNWAIT) !== 0) soisconnecting(so);
  else soisconnected(so);
  soisconnected(so3);
}

/** `pcb` sends to `pcb2` from now on. */
function join(pcb: Unpcb, pcb2: Unpcb): void {
  pcb.conn = pcb2;
  if (pcb.so.type === SOCK_DGRAM) (pcb2.refs ??= new Set()).add(pcb);
  else pcb.so.snd.via = pcb2.so.rcv;
}

function connect2(so: Socket, so2: Socket): void {
  if (so.type !== so2.type || so.domain !== so2.domain) throw ERR.EPROTOTYPE;
  const [pcb, pcb2] = [unpcbOf(so), unpcbOf(so2)];
  const l = so.net.k.curlwp;
  pcb.peerid = pcb2.peerid = peeridOf(l);
  join(pcb, pcb2);
  soisconnected(so);
  if (so.type === SOCK_DGRAM) return;
  join(pcb2, pcb);
  soisconnected(so2);
}

/** The connection ends, for both sides; what was sent can still be received. */
function disconnect(pcb: Unpcb): void {
  const pcb2 = pcb.conn;
  if (pcb2 === undefined) return;
  pcb.conn = undefined;
  if (pcb.so.type === SOCK_DGRAM) {
    pcb2.refs?.delete(pcb);
    pcb.so.state &= ~SS_ISCONNECTED;
    return;
  }
  pcb2.conn = undefined;
  pcb.so.snd.via = pcb2.so.snd.via = undefined;
  soisdisconnected(pcb.so);
  soisdisconnected(pcb2.so);
}

/** The connection waits for accept(2) no more. */
function accept(so: Socket): Uint8Array {
  const { conn } = unpcbOf(so);
  if (conn === undefined) return unnamed();
  if ((conn.so.state & SS_ISCONNECTING) !== 0) soisconnected(conn.so);
  return conn.addr.slice();
}

function unnamed(): Uint8Array {
  return Uint8Array.of(2, 1);
}

// -- data

/**
 * Sends a message, or bytes of a stream, whose room was seen to. EISCONN: to an address, though it is connected. EPIPE: the peer receives no more. ENOBUFS: the
 * receiver of a datagram has no room.
 */
function send(state: Local, so: Socket, m: Mbuf, nam: Uint8Array | undefined, control: Mbuf | undefined, l: Lwp): void {
  const { mbufs } = state.net;
  let to: Unpcb;
  try {
    to = receiver(state, so, nam, l);
  } catch (e) {
    mbufs.free(m);
    if (control !== undefined) mbufs.free(control);
    throw e;
  }
  const carried = control === undefined && (to.flags & UNP_WANTCRED) === 0 ? undefined : carry(state, to, m, control, l);
  if (so.type === SOCK_DGRAM) deliver(state, so, to, m, carried);
  else if (carried !== undefined) {
    lastOf(carried).next = m;
    to.so.rcv.appendrecord(carried);
  } else if (so.type === SOCK_SEQPACKET) to.so.rcv.appendrecord(m);
  else to.so.rcv.appendstream(m);
  sorwakeup(to.so);
}

function receiver(state: Local, so: Socket, nam: Uint8Array | undefined, l: Lwp): Unpcb {
  const { conn } = unpcbOf(so);
  let to = conn;
  if (nam !== undefined && so.type === SOCK_DGRAM) {
    if (conn !== undefined) throw ERR.EISCONN;
    to = unpFind(state, so, nam, l);
  }
  if (to === undefined) throw ERR.ENOTCONN;
  if ((to.so.state & SS_CANTRCVMORE) !== 0) throw ERR.EPIPE;
  return to;
}

/**
 * The ancillary data as it travels: descriptors held, the sender's credentials in front, if the receiver wants them; those on a connection once. Owns
 * `control`, and where it throws `m`, too.
 */
function carry(state: Local, to: Unpcb, m: Mbuf, control: Mbuf | undefined, l: Lwp): Mbuf | undefined {
  const { rights, net } = state;
  let carried: Mbuf | undefined;
  try {
    if (control !== undefined) carried = rights.internalize(control, l);
    if ((to.flags & UNP_WANTCRED) === 0) return carried;
    const both = withCreds(net.mbufs, carried, l);
    if (to.so.type !== SOCK_DGRAM) to.flags &= ~UNP_WANTCRED;
    return both;
  } catch (e) {
    net.mbufs.free(m);
    if (carried !== undefined) rights.free(carried);
    throw e;
  }
}

function deliver(state: Local, so: Socket, to: Unpcb, m: Mbuf, carried: Mbuf | undefined): void {
  if (to.so.rcv.appendaddr(unpcbOf(so).addr, m, carried)) return;
  state.net.mbufs.free(m);
  if (carried !== undefined) state.rights.free(carried);
  throw ERR.ENOBUFS;
}

/** The requests of the local sockets of one kernel. */
export function localUsrreqs(state: Local): Usrreqs {
  return {
    ...prUnsupported,
    attach: (so, proto) => attach(state, so, proto),
    detach: (so) => detach(state, so),
    abort(so) {
      disconnect(unpcbOf(so));
      detach(state, so);
    },
    bind: (so, nam, l) => unpBind(state, unpcbOf(so), nam, l),
    /** EINVAL: it has no name. */
    listen(so, l) {
      const pcb = unpcbOf(so);
      if (pcb.vp === undefined) throw ERR.EINVAL;
      pcb.listener = peeridOf(l);
    },
    connect: (so, nam, l) => connect(state, so, nam, l),
    connect2,
    disconnect: (so) => disconnect(unpcbOf(so)),
    shutdown(so) {
      socantsendmore(so);
      const { conn } = unpcbOf(so);
      if (conn !== undefined && so.type !== SOCK_DGRAM) socantrcvmore(conn.so);
    },
    accept,
    sockaddr: (so) => unpcbOf(so).addr.slice(),
    peeraddr: (so) => unpcbOf(so).conn?.addr.slice() ?? unnamed(),
    rcvd(so) {
      const peer = unpcbOf(so).conn?.so;
      if (peer !== undefined && peer.snd.space >= peer.snd.lowat) sowwakeup(peer);
    },
    send: (so, m, nam, control, _flags, l) => send(state, so, m, nam, control, l),
    stat(so: Socket, st: Stat) {
      st.ino = unpcbOf(so).ino;
    },
  };
}
