/**
 * What the network reports of our segments (RFC 1122 4.2.3.9, RFC 5927): errors are believed only where they quote a segment that is in flight, and do
 * not end a connection that works.
 */
import { ERR, type Errno, TCPS_SYN_RECEIVED, TCPS_SYN_SENT } from '@anykernel/lib-sys';
import { seqGe, seqLt } from '@anykernel/lib-wire';
import type { Ends } from '../flow.js';
import { tcpDrop } from './close.js';
import { Extras } from './extras.js';
import { updateMss } from './mss.js';
import { tcpOutput } from './output.js';
import { recAllLost } from './sendq.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_DEAD } from './tcpcb.js';

/** An error about a segment of ours from `ends.l` to `ends.f`, with sequence number `seq`. */
export function tcpUnreachable(tcp: Tcp, ends: Ends, seq: number, error: Errno): void {
  tcp.tick();
  const tp = quoted(tcp, ends, seq);
  if (tp === undefined) {
    tcp.syncache.unreach(ends, seq);
    return;
  }
  if (tp.state === TCPS_SYN_SENT || (tp.state === TCPS_SYN_RECEIVED && tp.rxtshift > 0)) {
    // RFC 5927 5.2: a connection that does not exist yet may fail where the error is a hard one; of others RFC 1122 4.2.3.5 wants three more attempts.
    if (error === ERR.ECONNREFUSED || error === ERR.EHOSTUNREACH || error === ERR.ENETUNREACH) {
      (tp.extras ??= new Extras()).softErrno = error.errno;
      if (error === ERR.ECONNREFUSED || tp.rxtshift >= 3) tcpDrop(tcp, tp, error);
    }
    return;
  }
  (tp.extras ??= new Extras()).softErrno = error.errno;
}

/** A router says that a segment was too large for the next link; the family has learnt the size (RFC 1191 6.4, RFC 8201). */
export function tcpTooBig(tcp: Tcp, ends: Ends, seq: number): void {
  tcp.tick();
  const tp = quoted(tcp, ends, seq);
  if (tp !== undefined) mtuChanged(tcp, tp);
}

/** The path's MTU is another: what is in flight and too large is sent again in smaller segments, without the window being reduced. */
function mtuChanged(tcp: Tcp, tp: Tcpcb): void {
  const before = tp.mss;
  tp.inp.rt = undefined;
  updateMss(tcp, tp);
  if (tp.mss >= before) return;
  tcp.stats.mtuchange++;
  if (tp.inFlight > 0 && tp.recHead !== undefined) recAllLost(tp);
  if ((tp.flags & TF_DEAD) === 0) tcpOutput(tcp, tp);
}

/** The connection, if the quoted number is of something in flight. */
export function quoted(tcp: Tcp, ends: Ends, seq: number): Tcpcb | undefined {
  const inp = tcp.table.lookup(ends);
  if (inp === undefined) return undefined;
  const tp = inp.ppcb as Tcpcb;
  return tp.so !== undefined && seqGe(seq, tp.sndUna) && seqLt(seq, tp.sndNxt) ? tp : undefined;
}
