/** The segments that begin a connection from our side: SYN, and the SYN with an acknowledgment where the cache of SYNs does not (RFC 9293 3.5). */
import { TCPS_SYN_SENT } from '@anykernel/lib-sys';
import { TCP_MAX_WINSHIFT, type TcpOptions, TH_ACK, TH_CWR, TH_ECE, TH_SYN } from '@anykernel/lib-wire';
import { offeredMss, updateMss } from './mss.js';
import { backedOff, RTO_INITIAL_MS } from './rtt.js';
import { sendSyn } from './segment.js';
import { recAppend } from './sendq.js';
import type { Tcp } from './tcp.js';
import { LOSS_RTO, type Tcpcb, TF_ECN, TF_FASTOPEN, TF_NOOPT, TF_SACK, TF_SCALE, TF_TSTMP } from './tcpcb.js';

/** The shift by which a window of `max` bytes fits into its field (RFC 7323 2.2). */
export function windowShift(max: number): number {
  let shift = 0;
  while (shift < TCP_MAX_WINSHIFT && 65_535 << shift < max) shift++;
  return shift;
}

/** What we ask for in a SYN. */
export function requestOptions(tcp: Tcp, tp: Tcpcb): void {
  const { conf } = tcp;
  const so = tp.so!;
  tp.rcvScale = windowShift(Math.max(so.rcv.hiwat, conf.recvbufAuto ? conf.recvbufMax : 0));
  if ((tp.flags & TF_NOOPT) !== 0) {
    tp.rcvScale = 0;
    return;
  }
  if (conf.rfc1323 && conf.windowScale) tp.flags |= TF_SCALE;
  else tp.rcvScale = 0;
  if (conf.rfc1323 && conf.timestamps) tp.flags |= TF_TSTMP;
  if (conf.sack) tp.flags |= TF_SACK;
  if (conf.ecn) tp.flags |= TF_ECN;
}

/** Sends the SYN, or the SYN with an acknowledgment, for the first time or again; the timer is set. */
export function sendHandshake(tcp: Tcp, tp: Tcpcb): void {
  const first = tp.sndNxt === tp.iss;
  const synSent = tp.state === TCPS_SYN_SENT;
  fillSynOptions(tcp, tp, tcp.outOpt);
  let flags = synSent ? TH_SYN : TH_SYN | TH_ACK;
  // RFC 3168 6.1.1: a SYN that was lost may have been lost for its asking.
  if ((tp.flags & TF_ECN) !== 0 && tp.rxtshift === 0) flags |= synSent ? TH_ECE | TH_CWR : TH_ECE;
  const cookie = synSent && (tp.flags & TF_FASTOPEN) !== 0 && tp.rxtshift === 0 ? tp.extras?.tfoCookie : undefined;
  const data = cookie !== undefined && cookie.length > 0 ? fastData(tcp, tp) : 0;
  const error = sendSyn(tcp, tp, flags, cookie, data);
  tcp.hold(tp);
  tcp.timers.loss(tp, LOSS_RTO, tp.rxtshift === 0 ? RTO_INITIAL_MS : backedOff(tp));
  if (!first) return;
  tp.sndNxt = (tp.iss + 1) | 0;
  tp.progressMs = tcp.nowMs;
  if (data === 0 || error !== 0) return;
  tp.extras!.tfoData = data;
  recAppend(tcp.recs, tp, tp.sndNxt, (tp.sndNxt + data) | 0, tcp.nowUs);
  tp.sndNxt = (tp.sndNxt + data) | 0;
  tcp.stats.tfoSynData++;
}

function fillSynOptions(tcp: Tcp, tp: Tcpcb, opt: TcpOptions): void {
  opt.clear();
  opt.mss = offeredMss(tcp, tp.inp);
  if ((tp.flags & TF_NOOPT) !== 0) return;
  if ((tp.flags & TF_SCALE) !== 0) opt.wscale = tp.rcvScale;
  opt.sackPermitted = (tp.flags & TF_SACK) !== 0;
  if ((tp.flags & TF_TSTMP) === 0) return;
  opt.hasTs = true;
  opt.tsVal = (tcp.nowMs + tp.tsOffset) | 0;
  opt.tsEcr = tp.state === TCPS_SYN_SENT ? 0 : tp.tsRecent;
}

/** Bytes that may go with the SYN: within a segment, less its options (RFC 7413 4.2.1). */
function fastData(tcp: Tcp, tp: Tcpcb): number {
  updateMss(tcp, tp);
  const room = tp.mss - 40;
  const { cc } = tp.so!.snd;
  return room <= 0 ? 0 : cc < room ? cc : room;
}
