/** What a segment carries (RFC 9293 3.10.7.4, sixth to eighth): bytes, the urgent pointer, the end. */
import {
  ERR, SO_OOBINLINE, TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_SYN_RECEIVED,
} from '@anykernel/lib-sys';
import { seqGt, seqLt, type TcpHeader, TH_FIN } from '@anykernel/lib-wire';
import { type Mbuf, socantrcvmore, sohasoutofband, sorwakeup, SS_NOFDREF, SS_RCVATMARK } from '@anykernel/rumpnet';
import { finAcked } from './ack.js';
import { tcpDrop } from './close.js';
import { Extras } from './extras.js';
import { inOrder, strip } from './input.js';
import { M_FIN, reassInsert, reassNext } from './reass.js';
import { sackDuplicate } from './sackout.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_ACKNOW, TF_HADOOB, TF_HAVEOOB, TF_RCVDFIN, TF_SACK, TF_WANTOOB } from './tcpcb.js';
import { timeWait } from './timewait.js';

/** Seventh and eighth: bytes and the end. Owns `m`, which still has its header; `len` bytes follow it. */
export function text(tcp: Tcp, tp: Tcpcb, packet: Mbuf, len: number): void {
  const { th, mbufs, stats } = tcp;
  const { state } = tp;
  if (state !== TCPS_ESTABLISHED && state !== TCPS_FIN_WAIT_1 && state !== TCPS_FIN_WAIT_2 && state !== TCPS_SYN_RECEIVED) {
    // The peer has said that he has nothing more: this is what he sends again.
    mbufs.free(packet);
    if (len > 0) tp.flags |= TF_ACKNOW;
    return;
  }
  const so = tp.so!;
  if (len > 0 && (so.state & SS_NOFDREF) !== 0 && so.head === undefined && state !== TCPS_SYN_RECEIVED) {
    // RFC 9293 3.6.1 (MAY-1): nobody will ever read it, and the peer should know.
    mbufs.free(packet);
    stats.rcvafterclose++;
    tcpDrop(tcp, tp, ERR.ECONNRESET);
    return;
  }
  const m = strip(mbufs, packet, th.hdrLen);
  let seq = th.seq;
  let fin = (th.flags & TH_FIN) !== 0;
  const dup = (tp.rcvNxt - seq) | 0;
  if (dup > 0) {
    // What came before comes off the front.
    stats.rcvduppack++;
    stats.rcvdupbyte += dup < len ? dup : len;
    if ((tp.flags & TF_SACK) !== 0) sackDuplicate(tp, seq, dup < len ? tp.rcvNxt : (seq + len) | 0);
    tp.flags |= TF_ACKNOW;
    mbufs.adj(m, dup);
    seq = tp.rcvNxt;
  }
  const beyond = (((seq + m.pktlen) | 0) - tp.rcvAdv) | 0;
  if (beyond > 0) {
    // And what does not fit off the end.
    stats.rcvafterwin++;
    fin = false;
    mbufs.trim(m, m.pktlen - beyond);
    tp.flags |= TF_ACKNOW;
  }
  if (seq === tp.rcvNxt && tp.reassHead === undefined) {
    const bytes = m.pktlen;
    pullUrgent(tcp, tp, m, seq);
    if (bytes > 0) inOrder(tcp, tp, m, bytes);
    else mbufs.free(m);
    if (fin) finReceived(tcp, tp);
    return;
  }
  outOfOrder(tcp, tp, m, seq, fin);
}

/** RFC 5681 4.2: what is out of order, and what closes a gap, is acknowledged at once. */
function outOfOrder(tcp: Tcp, tp: Tcpcb, packet: Mbuf, seq: number, fin: boolean): void {
  tp.flags |= TF_ACKNOW;
  if (!reassInsert(tcp, tp, packet, seq, fin)) return;
  const so = tp.so!;
  let came = false;
  let last = false;
  for (let m = reassNext(tcp, tp); m !== undefined && !last; m = last ? undefined : reassNext(tcp, tp)) {
    last = (m.flags & M_FIN) !== 0;
    m.flags = 0;
    tcp.stats.rcvbyte += m.pktlen;
    pullUrgent(tcp, tp, m, (tp.rcvNxt - m.pktlen) | 0);
    if (m.pktlen === 0) {
      tcp.mbufs.free(m);
      continue;
    }
    so.rcv.appendstream(m);
    came = true;
  }
  if (came) sorwakeup(so);
  if (last) finReceived(tcp, tp);
}

/** RFC 9293 3.10.7.4, eighth. */
function finReceived(tcp: Tcp, tp: Tcpcb): void {
  tp.rcvNxt = (tp.rcvNxt + 1) | 0;
  if (seqLt(tp.rcvAdv, tp.rcvNxt)) tp.rcvAdv = tp.rcvNxt;
  tp.flags |= TF_ACKNOW | TF_RCVDFIN;
  socantrcvmore(tp.so!);
  switch (tp.state) {
    case TCPS_ESTABLISHED:
      tp.state = TCPS_CLOSE_WAIT;
      return;
    case TCPS_FIN_WAIT_1:
      if (finAcked(tp)) timeWait(tcp, tp, true);
      else tp.state = TCPS_CLOSING;
      return;
    case TCPS_FIN_WAIT_2:
      timeWait(tcp, tp, true);
      return;
  }
}

// -- urgent data

/** Sixth: the urgent pointer (RFC 6093: it points behind the urgent byte). */
export function urgent(tp: Tcpcb, th: TcpHeader): void {
  const { state } = tp;
  if (state !== TCPS_ESTABLISHED && state !== TCPS_FIN_WAIT_1 && state !== TCPS_FIN_WAIT_2) return;
  const so = tp.so!;
  const up = (th.seq + th.urp) | 0;
  if (!seqGt(up, tp.rcvNxt) || ((tp.flags & TF_WANTOOB) !== 0 && !seqGt(up, tp.rcvUp))) return;
  tp.rcvUp = up;
  so.oobmark = so.rcv.cc + ((up - tp.rcvNxt) | 0) - 1;
  if (so.oobmark === 0) so.state |= SS_RCVATMARK;
  tp.flags = (tp.flags & ~(TF_HAVEOOB | TF_HADOOB)) | TF_WANTOOB;
  sohasoutofband(so);
}

/** Takes the urgent byte out of the data from `seq` on, unless the program wants it in line. */
function pullUrgent(tcp: Tcp, tp: Tcpcb, m: Mbuf, seq: number): void {
  if ((tp.flags & TF_WANTOOB) === 0) return;
  const { mbufs } = tcp;
  const at = (tp.rcvUp - 1 - seq) | 0;
  if (at < 0 || at >= m.pktlen) return;
  tp.flags &= ~TF_WANTOOB;
  if ((tp.so!.options & SO_OOBINLINE) !== 0) return;
  const byte = new Uint8Array(1);
  mbufs.copydata(m, at, 1, byte);
  const rest = mbufs.split(m, at);
  // Without memory it stays where it is, in line.
  if (rest === undefined) return;
  mbufs.adj(rest, 1);
  mbufs.cat(m, rest);
  (tp.extras ??= new Extras()).oob = byte[0]!;
  tp.flags |= TF_HAVEOOB;
}
