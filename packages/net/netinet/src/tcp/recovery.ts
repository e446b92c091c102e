/**
 * Loss recovery: when the window is reduced, and how it comes back (RFC 5681, RFC 6582 without selective acknowledgment, RFC 6675 with it; RFC 8985
 * finds what is lost), retransmission timeouts (RFC 6298), and tail loss probes.
 *
 * Lost segments are marked in their records (sendq.ts) and sent again by output.ts as the window has room for them.
 */
import { seqGe, seqGt } from '@anykernel/lib-wire';
import { probeLost } from './pathprobe.js';
import { prrBegin } from './prr.js';
import { rackRecovered } from './rack.js';
import { backedOff } from './rtt.js';
import { recAllLost, recIsLost, recLost, recNotLost, SR_EVER, SR_LOST } from './sendq.js';
import type { Tcp } from './tcp.js';
import {
  CA_LOSS,
  CA_OPEN,
  CA_RECOVERY,
  LOSS_PERSIST,
  LOSS_REO,
  LOSS_RTO,
  LOSS_TLP,
  type Tcpcb,
  TF_AFTERRTO,
  TF_BLACKHOLE,
  TF_CWR,
  TF_REXMIT,
  TF_SACK,
  TIMER_LOSS,
} from './tcpcb.js';

/** RFC 5681 3.2. */
const DUPTHRESH = 3;
/** Milliseconds for which the peer may delay an acknowledgment of a single segment (RFC 8985 7.2). */
const MAX_ACK_DELAY_MS = 200;

const { max, min } = Math;

// -- the loss timer

/** Sets the loss timer for what is in flight, unless one runs that comes before. */
export function armLoss(tcp: Tcp, tp: Tcpcb): void {
  if (tp.inFlight === 0) {
    tcp.stopLoss(tp);
    return;
  }
  tcp.hold(tp);
  const running = (tp.armed & TIMER_LOSS) !== 0;
  if (running && tp.lossMode === LOSS_REO) return;
  const pto = probeTimeout(tcp, tp);
  if (pto > 0 && pto < backedOff(tp)) {
    tcp.timers.loss(tp, LOSS_TLP, pto);
    return;
  }
  if (!running || tp.lossMode !== LOSS_RTO) tcp.timers.loss(tp, LOSS_RTO, backedOff(tp));
}

/** New data was acknowledged, or something else shows that the path works: the timer begins anew (RFC 6298 5.3). */
export function restartLoss(tcp: Tcp, tp: Tcpcb): void {
  tp.armed &= ~TIMER_LOSS;
  armLoss(tcp, tp);
}

/** RFC 8985 7.2: milliseconds until the tail is probed; 0: it is not. */
function probeTimeout(tcp: Tcp, tp: Tcpcb): number {
  if (!tcp.conf.rack || (tp.flags & TF_SACK) === 0 || tp.caState !== CA_OPEN || tp.sackedBytes > 0 || tp.tlpOut || tp.srttUs === 0)
    return 0;
  // While the estimate is known to be too small, what it says of the tail is, too, and a probe would hinder the next measure (Karn).
  if (tp.rxtshift > 0 || tp.backoff > 0) return 0;
  const twice = ((2 * tp.srttUs + 999) / 1000) | 0;
  return twice + (tp.recHead === tp.recTail ? MAX_ACK_DELAY_MS : 1);
}

// -- recovery

/** Something was found lost: the window is reduced, once for what was sent until now. */
export function enterRecovery(tcp: Tcp, tp: Tcpcb): void {
  if (tp.caState !== CA_OPEN) return;
  tcp.stats.fastrexmit++;
  tp.caState = CA_RECOVERY;
  tp.rescued = false;
  tp.recover = tp.sndNxt;
  // The first goes at once, whatever is in flight (RFC 6675 5 (4.3)).
  tp.flags |= TF_REXMIT;
  reduceWindow(tcp, tp);
  if (!tcp.conf.prr || (tp.flags & TF_SACK) === 0) return;
  prrBegin(tp);
  // Until an acknowledgment comes, no more than that.
  tp.cwnd = tp.pipe;
}

/** RFC 5681 3.2, RFC 6675 5 (4.2). */
function reduceWindow(tcp: Tcp, tp: Tcpcb): void {
  tp.priorCwnd = tp.cwnd;
  tp.priorSsthresh = tp.ssthresh;
  tp.ssthresh = tp.cc.reduce(tcp, tp, false);
  tp.cwnd = tp.ssthresh;
  tp.ackedBytes = 0;
  tp.hystart = undefined;
  tp.flags |= TF_CWR;
}

/** RFC 3168 6.1.2: the peer saw a mark of congestion. Once in a window of data. */
export function congestionMark(tcp: Tcp, tp: Tcpcb): void {
  if (tp.caState !== CA_OPEN || !seqGt(tp.sndUna, tp.recover)) return;
  tcp.stats.ecnece++;
  tp.recover = tp.sndNxt;
  reduceWindow(tcp, tp);
}

/** `sndUna` has moved by `acked`: whether recovery is over (RFC 6582 3.2 (3), RFC 6675 5). */
export function leaveRecovery(tp: Tcpcb, acked: number): void {
  const reno = (tp.flags & TF_SACK) === 0 && tp.caState === CA_RECOVERY;
  if (!seqGe(tp.sndUna, tp.recover)) {
    if (reno) partialAck(tp, acked);
    return;
  }
  if (reno) tp.cwnd = min(tp.ssthresh, max(tp.inFlight, tp.mss) + tp.mss);
  if (tp.prr !== undefined) {
    tp.prr = undefined;
    tp.cwnd = tp.ssthresh;
  }
  if (tp.caState === CA_RECOVERY) rackRecovered(tp);
  tp.caState = CA_OPEN;
  tp.flags &= ~TF_AFTERRTO;
  tp.dupacks = 0;
  tp.ackedBytes = 0;
}

/** RFC 6582 3.2 (3): a partial acknowledgment says that the next segment is lost, too; the window shrinks by what has left the network. */
function partialAck(tp: Tcpcb, acked: number): void {
  const r = tp.recHead;
  if (r === undefined) return;
  recLost(tp, r);
  tp.flags |= TF_REXMIT;
  tp.cwnd = max(tp.cwnd - acked + (acked >= tp.mss ? tp.mss : 0), tp.mss);
}

/** RFC 5681 3.2, without selective acknowledgment: the third duplicate says that the first segment is lost. */
export function duplicateAck(tcp: Tcp, tp: Tcpcb): void {
  tp.dupacks++;
  if (tp.caState === CA_OPEN) {
    if (tp.dupacks < DUPTHRESH || !seqGt(tp.sndUna, tp.recover)) return;
    const r = tp.recHead;
    if (r === undefined) return;
    enterRecovery(tcp, tp);
    recLost(tp, r);
    tp.cwnd = tp.ssthresh + DUPTHRESH * tp.mss;
    return;
  }
  // RFC 6582 3.2 (4): each further one says that a segment has left the network.
  if (tp.caState === CA_RECOVERY) tp.cwnd += tp.mss;
}

/** RFC 6675 5: with enough acknowledged above them, segments are lost. */
export function sackDetectLoss(tcp: Tcp, tp: Tcpcb): void {
  let found = false;
  for (let r = tp.recHead; r !== undefined; r = r.next) {
    if (!recIsLost(tp, r, DUPTHRESH)) break;
    if ((r.flags & (SR_EVER | SR_LOST)) !== 0) continue;
    recLost(tp, r);
    if ((r.flags & SR_LOST) !== 0 && ((tp.flags & TF_BLACKHOLE) === 0 || !probeLost(tcp, tp, r))) found = true;
  }
  if (found) enterRecovery(tcp, tp);
}

// -- timeouts

/** The retransmission timer went off: everything is lost, and sent again from the beginning in slow start (RFC 5681 3.1, RFC 6298 5.4 to 5.6). */
export function timeoutLoss(tcp: Tcp, tp: Tcpcb): void {
  if (tp.rxtshift === 1 && tp.caState !== CA_LOSS) {
    tp.priorCwnd = tp.cwnd;
    tp.priorSsthresh = tp.ssthresh;
    // RFC 5681, equation 4: not again for what was sent again.
    tp.ssthresh = tp.cc.reduce(tcp, tp, true);
  }
  tp.cwnd = tp.mss;
  tp.ackedBytes = 0;
  tp.hystart = tp.prr = undefined;
  tp.caState = CA_LOSS;
  tp.recover = tp.sndNxt;
  tp.rtoTs = (tcp.nowMs + tp.tsOffset) | 0;
  tp.flags |= TF_AFTERRTO | TF_CWR;
  tp.dupacks = 0;
  tp.tlpOut = false;
  recAllLost(tp);
}

/** RFC 3522, RFC 4015: the timeout was not needed, as an old timestamp shows: the window is what it was. */
export function spuriousTimeout(tcp: Tcp, tp: Tcpcb): void {
  tcp.stats.spuriousrto++;
  tp.caState = CA_OPEN;
  tp.cwnd = tp.priorCwnd;
  tp.ssthresh = tp.priorSsthresh;
  tp.cc.undo(tp);
  tp.flags &= ~TF_AFTERRTO;
  recNotLost(tp);
}

/** Whether what is in flight is waited for by the reordering timer; sets it (RFC 8985 6.2 step 5). */
export function armReorder(tcp: Tcp, tp: Tcpcb, waitUs: number): void {
  if (waitUs <= 0) return;
  const ms = ((waitUs + 999) / 1000) | 0;
  if (
    (tp.armed & TIMER_LOSS) !== 0 &&
    tp.lossMode !== LOSS_PERSIST &&
    ((tp.lossAtMs - tcp.nowMs - ms) | 0) <= 0 &&
    tp.lossMode !== LOSS_TLP
  )
    return;
  tcp.timers.loss(tp, LOSS_REO, ms);
}
