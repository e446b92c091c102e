/** Fast open on the side of the listener (RFC 7413 4.2.2): the connection is there with the SYN, and its data. */
import { TCPS_SYN_RECEIVED } from '@anykernel/lib-sys';
import { type Mbuf, soisconnected, sorwakeup } from '@anykernel/rumpnet';
import { sendHandshake } from './handshake.js';
import { strip } from './input.js';
import { growBuffers } from './mss.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_TFOPENDING } from './tcpcb.js';

/** The SYN in `m`, with a good cookie, opens `tp`: what it carries is the program's at once. Owns `m`. */
export function fastOpenAccept(tcp: Tcp, lp: Tcpcb, tp: Tcpcb, m: Mbuf): void {
  const { th, mbufs } = tcp;
  const so = tp.so!;
  lp.extras!.tfoPending++;
  tp.flags |= TF_TFOPENDING;
  tcp.stats.accepts++;
  tcp.stats.tfoSynData++;
  tp.sndNxt = tp.iss;
  tp.sndWnd = tp.maxSndWnd = th.win;
  tp.sndWl1 = th.seq;
  tp.state = TCPS_SYN_RECEIVED;
  growBuffers(tcp, tp);
  const data = strip(mbufs, m, th.hdrLen);
  const most = (tp.rcvAdv - tp.rcvNxt) | 0;
  // A FIN with the SYN is left for the peer to send again.
  if (data.pktlen > most) mbufs.trim(data, most);
  if (data.pktlen > 0) {
    tp.rcvNxt = (tp.rcvNxt + data.pktlen) | 0;
    so.rcv.appendstream(data);
  } else mbufs.free(data);
  sendHandshake(tcp, tp);
  soisconnected(so);
  sorwakeup(so);
}

/** The handshake of `tp` is over, or it is gone: its listener may take another one. */
export function fastOpenSettled(tcp: Tcp, tp: Tcpcb): void {
  if ((tp.flags & TF_TFOPENDING) === 0) return;
  tp.flags &= ~TF_TFOPENDING;
  const listener = tcp.table.lookupBound(tp.inp, tp.inp.family.bit);
  const lp = listener?.ppcb as Tcpcb | undefined;
  if (lp?.extras !== undefined && lp.extras.tfoPending > 0) lp.extras.tfoPending--;
}
