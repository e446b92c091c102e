/** TIME-WAIT (RFC 9293 3.6.1, 3.10.7.4; RFC 6191): the last acknowledgment can be repeated, and old segments find nobody new. */
import { IFF_LOOPBACK, TCPS_TIME_WAIT } from '@anykernel/lib-sys';
import { seqGt, TH_ACK, TH_FIN, TH_RST, TH_SYN } from '@anykernel/lib-wire';
import { type Mbuf, SS_NOFDREF, sofree, soisdisconnected } from '@anykernel/rumpnet';
import type { Flow } from '../flow.js';
import type { Inpcb } from '../inpcb.js';
import { tcpClose } from './close.js';
import { unconnected } from './input.js';
import { reassFlush } from './reass.js';
import { respond } from './segment.js';
import { recClear } from './sendq.js';
import { mayAnswerStray } from './stray.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_TSTMP, TIMER_DELACK, TIMER_KEEP } from './tcpcb.js';

/** How far beyond the old connection's last number the next one of these ends begins (RFC 9293 3.6.1). */
const ISN_STEP = 128_000;

/**
 * Both sides have closed. The socket has nothing more to do; the sequence numbers stay for twice the maximum segment
 * lifetime. `ack`: the peer's FIN is still to be acknowledged.
 */
export function timeWait(tcp: Tcp, tp: Tcpcb, ack: boolean): void {
  tp.state = TCPS_TIME_WAIT;
  tcp.stopLoss(tp);
  tcp.timers.stop(tp, TIMER_KEEP | TIMER_DELACK);
  reassFlush(tcp, tp);
  recClear(tcp.recs, tp);
  tcp.timeWaits++;
  tcp.timers.msl(tp, tcp.timeWaits > tcp.conf.timeWaitMax ? 0 : waitMs(tcp, tp.inp));
  if (ack) respondAck(tcp, tp);
  const so = tp.so!;
  soisdisconnected(so);
  if ((so.state & SS_NOFDREF) === 0) return;
  dropSocket(tp);
}

/** A connection whose segments never leave this kernel has no old ones on their way: it waits some milliseconds. */
function waitMs(tcp: Tcp, inp: Inpcb): number {
  const rt = inp.rt;
  return rt !== undefined && (rt.ifp.flags & IFF_LOOPBACK) !== 0 ? 2 * tcp.conf.mslLoopbackMs : 2 * tcp.conf.mslMs;
}

/** Nobody has the socket open: the connection goes on without it. */
export function dropSocket(tp: Tcpcb): void {
  const so = tp.so!;
  so.pcb = undefined;
  tp.so = undefined;
  tp.inp.so = undefined;
  sofree(so);
}

function respondAck(tcp: Tcp, tp: Tcpcb): void {
  const ts = (tp.flags & TF_TSTMP) !== 0;
  tcp.outOpt.tsVal = (tcp.nowMs + tp.tsOffset) | 0;
  tcp.outOpt.tsEcr = tp.tsRecent;
  tp.lastAckSent = tp.rcvNxt;
  tcp.stats.sndacks++;
  respond(tcp, tp.inp.family, tp.inp, tp.sndNxt, tp.rcvNxt, TH_ACK, tp.rcvWnd >>> tp.rcvScale, ts, tp.inp.tos);
}

/** A segment in TIME-WAIT. Owns `m`. */
export function timeWaitInput(tcp: Tcp, tp: Tcpcb, m: Mbuf, flow: Flow): void {
  const { th, opt, mbufs } = tcp;
  const len = m.pktlen - th.hdrLen;
  if ((th.flags & TH_RST) !== 0) {
    mbufs.free(m);
    if (th.seq === tp.rcvNxt) tcpClose(tcp, tp);
    return;
  }
  if ((th.flags & (TH_SYN | TH_ACK)) === TH_SYN && newer(tcp, tp)) {
    // RFC 6191 2: a new connection may take the place.
    tcp.stats.twreuse++;
    tcp.isn.beyond((tp.sndNxt + ISN_STEP) | 0);
    tcpClose(tcp, tp);
    unconnected(tcp, m, flow);
    tcp.isn.anywhere();
    return;
  }
  mbufs.free(m);
  const old = opt.hasTs && (tp.flags & TF_TSTMP) !== 0 && ((opt.tsVal - tp.tsRecent) | 0) < 0;
  if ((th.flags & TH_FIN) !== 0 && !old) tcp.timers.msl(tp, waitMs(tcp, tp.inp));
  if (len > 0 || (th.flags & (TH_FIN | TH_SYN)) !== 0 || (th.seq !== tp.rcvNxt && mayAnswerStray(tcp, tp))) respondAck(tcp, tp);
}

/** RFC 6191 2: whether the SYN is younger than the connection that has ended: by its timestamp, or its sequence number. */
function newer(tcp: Tcp, tp: Tcpcb): boolean {
  const { th, opt } = tcp;
  if ((tp.flags & TF_TSTMP) === 0 || !opt.hasTs) return seqGt(th.seq, tp.rcvNxt);
  const later = (opt.tsVal - tp.tsRecent) | 0;
  return later > 0 || (later === 0 && seqGt(th.seq, tp.rcvNxt));
}

/**
 * Whether our own connection in TIME-WAIT may give way to a new one that we begin (RFC 6191): its last segments are older than what the clock of
 * timestamps can tell, and the new initial sequence number lies beyond its last.
 */
export function mayReuse(tcp: Tcp, other: Inpcb): boolean {
  const tp = other.ppcb as Tcpcb;
  if (tp.state !== TCPS_TIME_WAIT || (tp.flags & TF_TSTMP) === 0 || tp.so !== undefined) return false;
  const sinceMs = (tcp.nowMs - tp.progressMs) | 0;
  const rt = tp.inp.rt;
  const local = rt !== undefined && (rt.ifp.flags & IFF_LOOPBACK) !== 0;
  return sinceMs >= (local ? 1 : 1000);
}
