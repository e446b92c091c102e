/** The end of a connection, and resets that we send. */
import { ERR, type Errno, TCPS_CLOSED, TCPS_ESTABLISHED, TCPS_SYN_RECEIVED, TCPS_TIME_WAIT } from '@anykernel/lib-sys';
import { TH_ACK, TH_RST } from '@anykernel/lib-wire';
import { SS_NOFDREF, soerror, sofree, soisdisconnected } from '@anykernel/rumpnet';
import { reassFlush } from './reass.js';
import { respond } from './segment.js';
import { recClear } from './sendq.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_DEAD } from './tcpcb.js';
import { fastOpenSettled } from './tfo.js';

/** Everything of the connection goes; its socket, if it has one, is told that it is disconnected. */
export function tcpClose(tcp: Tcp, tp: Tcpcb): void {
  if ((tp.flags & TF_DEAD) !== 0) return;
  const so = forget(tcp, tp);
  if (so === undefined) return;
  soisdisconnected(so);
  so.pcb = undefined;
  if ((so.state & SS_NOFDREF) !== 0) sofree(so);
}

/** Takes a connection out of everything but its socket, which is returned. */
function forget(tcp: Tcp, tp: Tcpcb): Tcpcb['so'] {
  const { so, inp } = tp;
  fastOpenSettled(tcp, tp);
  tcp.stats.closed++;
  if (tp.state === TCPS_TIME_WAIT) tcp.timeWaits--;
  tp.state = TCPS_CLOSED;
  tcp.stopLoss(tp);
  tcp.timers.remove(tp);
  reassFlush(tcp, tp);
  recClear(tcp.recs, tp);
  inp.table.remove(inp);
  inp.ppcb = undefined;
  inp.so = undefined;
  inp.rt = undefined;
  tp.flags |= TF_DEAD;
  tp.so = undefined;
  return so;
}

/** Ends a connection with an error for its program; the peer is told by a reset where he knows of it. */
export function tcpDrop(tcp: Tcp, tp: Tcpcb, error: Errno): void {
  const { so } = tp;
  if (tp.state >= TCPS_SYN_RECEIVED && tp.state !== TCPS_TIME_WAIT) {
    tcp.stats.drops++;
    sendReset(tcp, tp);
  } else tcp.stats.conndrops++;
  if (so !== undefined) soerror(so, error);
  tcpClose(tcp, tp);
}

/** A reset of our connection. */
function sendReset(tcp: Tcp, tp: Tcpcb): void {
  const { inp } = tp;
  respond(tcp, inp.family, inp, tp.sndNxt, tp.rcvNxt, TH_RST | TH_ACK, 0, false);
}

/** The peer has reset the connection: what the program hears of it (RFC 9293 3.10.7). */
export function resetError(tp: Tcpcb): Errno {
  return tp.state < TCPS_ESTABLISHED ? ERR.ECONNREFUSED : ERR.ECONNRESET;
}
