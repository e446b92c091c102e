/** What programs ask of TCP (RFC 9293 3.10.1 to 3.10.6): the user requests of its sockets. */
import {
  AF_UNSPEC,
  ERR,
  MSG_OOB,
  MSG_PEEK,
  SO_LINGER,
  SO_OOBINLINE,
  TCPS_CLOSE_WAIT,
  TCPS_CLOSED,
  TCPS_ESTABLISHED,
  TCPS_FIN_WAIT_1,
  TCPS_LAST_ACK,
  TCPS_LISTEN,
  TCPS_SYN_RECEIVED,
  TCPS_SYN_SENT,
  TCPS_TIME_WAIT,
} from '@anykernel/lib-sys';
import {
  type Mbuf,
  prUnsupported,
  type Socket,
  SS_CANTSENDMORE,
  SS_ISDISCONNECTED,
  SS_RCVATMARK,
  socantsendmore,
  soisconnected,
  soisconnecting,
  soisdisconnecting,
  soreserve,
  sorflush,
  type Usrreqs,
} from '@anykernel/rumpnet';
import type { Family } from '../family.js';
import { localAny } from '../flow.js';
import { Inpcb } from '../inpcb.js';
import { pcbBind, pcbDisconnect, pcbSetConnectPort, pcbSetPort, setForeign, setLocal } from '../pcbbind.js';
import { tcpClose, tcpDrop } from './close.js';
import { Extras } from './extras.js';
import { requestOptions, sendHandshake } from './handshake.js';
import { updateMss } from './mss.js';
import { tcpOutput } from './output.js';
import type { Tcp } from './tcp.js';
import { Tcpcb, TF_FASTOPEN, TF_FORCE, TF_HADOOB, TF_HAVEOOB } from './tcpcb.js';
import { dropSocket, mayReuse } from './timewait.js';

/** How far beyond the old connection's last number a new one of the same ends begins. */
const ISN_STEP = 128_000;

/** The connection of a socket. EINVAL: it is gone. */
export function tcpcbOf(so: Socket): Tcpcb {
  if (so.pcb === undefined) throw (so.state & SS_ISDISCONNECTED) !== 0 ? ERR.ECONNRESET : ERR.EINVAL;
  return so.pcb as Tcpcb;
}

/** The user requests of TCP sockets of one family. */
export function tcpUsrreqs(tcp: Tcp, family: Family): Usrreqs {
  const { inet } = tcp;
  return {
    ...prUnsupported,
    attach(so, _proto, l) {
      if (l !== undefined) {
        tcp.tick();
        tcp.timers.poll();
      }
      attach(tcp, family, so);
    },
    detach: (so) => detach(tcp, so),
    abort: (so) => {
      tcp.tick();
      if (so.pcb !== undefined) tcpDrop(tcp, so.pcb as Tcpcb, ERR.ECONNABORTED);
    },
    bind(so, nam, l) {
      const { inp } = tcpcbOf(so);
      if (inp.lport !== 0) throw ERR.EINVAL;
      const a = inet.parseName(inp, nam);
      if (!localIsOne(inp, a)) throw ERR.EAFNOSUPPORT;
      pcbBind(inet, inp, a, l);
    },
    listen: (so) => listen(tcp, so),
    connect: (so, nam) => connect(tcp, so, nam),
    disconnect: (so) => disconnect(tcp, so),
    shutdown(so) {
      tcp.tick();
      socantsendmore(so);
      const tp = tcpcbOf(so);
      userClosed(tcp, tp);
      if (tp.state !== TCPS_CLOSED) tcpOutput(tcp, tp);
    },
    accept(so) {
      if ((so.state & SS_ISDISCONNECTED) !== 0) throw ERR.ECONNABORTED;
      return inet.peerName(tcpcbOf(so).inp);
    },
    sockaddr: (so) => inet.localName(tcpcbOf(so).inp),
    peeraddr(so) {
      const { inp } = tcpcbOf(so);
      if (inp.fport === 0) throw ERR.ENOTCONN;
      return inet.peerName(inp);
    },
    rcvd(so) {
      const tp = so.pcb as Tcpcb | undefined;
      if (tp === undefined || tp.state < TCPS_ESTABLISHED) return;
      tcp.tick();
      tcpOutput(tcp, tp);
    },
    send: (so, m, nam, control, flags) => send(tcp, so, m, nam, control, flags),
    sendoob: (so, m, control) => send(tcp, so, m, undefined, control, MSG_OOB),
    recvoob: (so, flags) => recvoob(tcp, so, flags),
    ioctl: (so, cmd, data, l) => inet.control(family, so, cmd, data, l),
  };
}

/** Addresses of groups and of everybody cannot have connections (RFC 9293 3.9.2.3). */
function localIsOne(inp: Inpcb, a: { w0: number; w1: number; w2: number; w3: number }): boolean {
  return !inp.family.isMulticast(a.w0, a.w1, a.w2, a.w3);
}

function attach(tcp: Tcp, family: Family, so: Socket): void {
  const { conf } = tcp;
  if (so.snd.hiwat === 0 || so.rcv.hiwat === 0) soreserve(so, conf.sendspace, conf.recvspace);
  const inp = new Inpcb(tcp.table, so, family.af, family);
  inp.takes = tcp.inet.takesOf(family);
  const tp = new Tcpcb(inp, so, conf.congctl);
  inp.ppcb = tp;
  so.pcb = tp;
  tcp.table.add(inp);
}

function detach(tcp: Tcp, so: Socket): void {
  const tp = so.pcb as Tcpcb | undefined;
  if (tp === undefined) return;
  tcp.tick();
  switch (tp.state) {
    case TCPS_CLOSED:
    case TCPS_SYN_SENT:
      tcpClose(tcp, tp);
      return;
    case TCPS_LISTEN:
      tcp.syncache.forget(tp.inp);
      tcpClose(tcp, tp);
      return;
    case TCPS_TIME_WAIT:
      dropSocket(tp);
      return;
    case TCPS_ESTABLISHED:
    case TCPS_SYN_RECEIVED:
    case TCPS_CLOSE_WAIT:
      socantsendmore(so);
      userClosed(tcp, tp);
      tcpOutput(tcp, tp);
      return;
    default:
      // FIN-WAIT-2 with nobody to read: the peer has his time.
      tcp.timers.keep(tp, tcp.conf.finwait2Ms);
  }
}

/** The program sends no more: the state that follows (RFC 9293 3.10.4). */
function userClosed(tcp: Tcp, tp: Tcpcb): void {
  switch (tp.state) {
    case TCPS_CLOSED:
    case TCPS_SYN_SENT:
      tcpClose(tcp, tp);
      return;
    case TCPS_LISTEN:
      tcp.syncache.forget(tp.inp);
      tcpClose(tcp, tp);
      return;
    case TCPS_ESTABLISHED:
      tp.state = TCPS_FIN_WAIT_1;
      return;
    case TCPS_CLOSE_WAIT:
      tp.state = TCPS_LAST_ACK;
      return;
  }
}

/** Begins to disconnect: a linger of nothing, or data that nobody will read, end it with a reset (RFC 9293 3.6.1, RFC 2525 2.17). */
function disconnect(tcp: Tcp, so: Socket): void {
  const tp = tcpcbOf(so);
  tcp.tick();
  if (tp.state < TCPS_ESTABLISHED && tp.state !== TCPS_SYN_RECEIVED) {
    tcpClose(tcp, tp);
    return;
  }
  const unread = so.rcv.cc > 0 && (tp.state === TCPS_ESTABLISHED || tp.state === TCPS_CLOSE_WAIT);
  if (((so.options & SO_LINGER) !== 0 && so.linger === 0) || unread) {
    sorflush(so);
    tcpDrop(tcp, tp, ERR.ECONNRESET);
    so.error = undefined;
    return;
  }
  soisdisconnecting(so);
  sorflush(so);
  userClosed(tcp, tp);
  tcpOutput(tcp, tp);
}

function listen(tcp: Tcp, so: Socket): void {
  const tp = tcpcbOf(so);
  const { inp } = tp;
  if (tp.state !== TCPS_CLOSED && tp.state !== TCPS_LISTEN) throw ERR.EINVAL;
  if (inp.lport === 0) pcbSetPort(tcp.inet, inp);
  tp.state = TCPS_LISTEN;
}

// -- connect

function connect(tcp: Tcp, so: Socket, nam: Uint8Array): void {
  const tp = tcpcbOf(so);
  const { inet } = tcp;
  const { inp } = tp;
  tcp.tick();
  if (nam[1] === AF_UNSPEC) throw ERR.EAFNOSUPPORT;
  const a = inet.parseName(inp, nam);
  if (tp.state !== TCPS_CLOSED) throw tp.state === TCPS_LISTEN ? ERR.EOPNOTSUPP : ERR.EISCONN;
  if (a.port === 0) throw ERR.EADDRNOTAVAIL;
  const { family } = inp;
  const to = inet.familyFor(inp, a);
  if (to.isMulticast(a.w0, a.w1, a.w2, a.w3) || to.isBroadcast(a.w0, a.w1, a.w2, a.w3)) throw ERR.EADDRNOTAVAIL;
  inp.family = to;
  inp.family.connectTarget(a);
  setForeign(inp, a);
  if (a.scope !== 0) inp.scope = a.scope;
  const unbound = localAny(inp);
  try {
    if (unbound) inp.family.selectSource(inp, inp);
    if (inp.lport === 0) pcbSetConnectPort(inet, inp, (other) => mayReuse(tcp, other));
    replaceOld(tcp, inp);
  } catch (e) {
    pcbDisconnect(inp);
    inp.family = family;
    if (unbound) setLocal(inp, 0, 0, 0, 0);
    throw e;
  }
  tcp.table.connect(inp);
  begin(tcp, tp);
  tcp.isn.anywhere();
}

/** A connection of ours with the same ends, in TIME-WAIT, gives way (RFC 6191). EADDRINUSE: it is another one. */
function replaceOld(tcp: Tcp, inp: Inpcb): void {
  const other = tcp.table.lookup(inp);
  if (other === undefined) return;
  if (!mayReuse(tcp, other)) throw ERR.EADDRINUSE;
  tcp.stats.twreuse++;
  const old = other.ppcb as Tcpcb;
  tcp.isn.beyond((old.sndNxt + ISN_STEP) | 0);
  tcpClose(tcp, old);
}

/** RFC 9293 3.10.1, active: the SYN goes. */
function begin(tcp: Tcp, tp: Tcpcb): void {
  const { inp } = tp;
  const so = tp.so!;
  tcp.stats.connattempt++;
  requestOptions(tcp, tp);
  tp.iss = tcp.isn.make(inp, tcp.isnTicks());
  tp.tsOffset = tcp.isn.tsOffset;
  tp.sndUna = tp.sndNxt = tp.sndUp = tp.recover = tp.iss;
  tp.state = TCPS_SYN_SENT;
  updateMss(tcp, tp);
  tcp.timers.keep(tp, tp.extras !== undefined && tp.extras.keepInitMs > 0 ? tp.extras.keepInitMs : tcp.conf.keepinitMs);
  if ((tp.flags & TF_FASTOPEN) !== 0 && (tcp.conf.fastopen & 1) !== 0) {
    const extras = (tp.extras ??= new Extras());
    extras.tfoCookie = tcp.fastopen.cookieFor(inp);
    if (extras.tfoCookie.length > 0) {
      // The SYN waits for the first data, and goes with it.
      soisconnected(so);
      return;
    }
  } else tp.flags &= ~TF_FASTOPEN;
  soisconnecting(so);
  sendHandshake(tcp, tp);
}

// -- data

function send(tcp: Tcp, so: Socket, m: Mbuf, nam: Uint8Array | undefined, control: Mbuf | undefined, flags: number): void {
  const { mbufs } = tcp;
  if (control !== undefined) mbufs.free(control);
  const tp = so.pcb as Tcpcb | undefined;
  if (tp === undefined || nam !== undefined || (so.state & SS_CANTSENDMORE) !== 0) {
    mbufs.free(m);
    throw nam !== undefined && tp !== undefined ? ERR.EISCONN : ERR.EPIPE;
  }
  tcp.tick();
  so.snd.appendstream(m);
  if ((flags & MSG_OOB) !== 0) {
    // RFC 9293 3.10.2: the urgent pointer is behind what is there now.
    tp.sndUp = (tp.sndUna + so.snd.cc) | 0;
    tp.flags |= TF_FORCE;
    tcp.stats.sndurg++;
  }
  if (tp.state === TCPS_SYN_SENT) {
    if ((tp.flags & TF_FASTOPEN) !== 0 && tp.sndNxt === tp.iss) sendHandshake(tcp, tp);
    return;
  }
  tcpOutput(tcp, tp);
}

function recvoob(tcp: Tcp, so: Socket, flags: number): Mbuf {
  const tp = tcpcbOf(so);
  if ((so.options & SO_OOBINLINE) !== 0 || (tp.flags & TF_HADOOB) !== 0) throw ERR.EINVAL;
  if (so.oobmark === 0 && (so.state & SS_RCVATMARK) === 0 && (tp.flags & TF_HAVEOOB) === 0) throw ERR.EINVAL;
  if ((tp.flags & TF_HAVEOOB) === 0) throw ERR.EAGAIN;
  const m = tcp.mbufs.get(1, 0);
  m.buf[m.off] = tp.extras!.oob;
  if ((flags & MSG_PEEK) === 0) tp.flags = (tp.flags & ~TF_HAVEOOB) | TF_HADOOB;
  return m;
}
