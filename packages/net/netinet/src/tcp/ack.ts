/** Acknowledgments (RFC 9293 3.10.7.4, fifth step): what has arrived leaves the buffer and the records, and the windows move. */
import { TCPS_ESTABLISHED } from '@anykernel/lib-sys';
import { seqGe, seqGt, seqLe, seqLt, TH_ECE, TH_FIN } from '@anykernel/lib-wire';
import { sowwakeup } from '@anykernel/rumpnet';
import { grow } from './mss.js';
import { probeArrived } from './pathprobe.js';
import { prrAck } from './prr.js';
import { rackDelivered, rackDetectLoss, rackDsack } from './rack.js';
import { congestionMark, duplicateAck, enterRecovery, leaveRecovery, restartLoss, sackDetectLoss, spuriousTimeout } from './recovery.js';
import { rttSample } from './rtt.js';
import { blockValid, recAdvance, recAllLost, recBlock, recClear, recPop, type Segrec, SR_EVER, SR_SACKED } from './sendq.js';
import type { Tcp } from './tcp.js';
import { CA_LOSS, CA_OPEN, LOSS_PERSIST, LOSS_RTO, type Tcpcb, TF_AFTERRTO, TF_BLACKHOLE, TF_ECN, TF_REXMIT, TF_SACK, TF_SENTFIN, TF_TSTMP } from './tcpcb.js';

/** Beyond this distance `recover` follows, so that it does not come round to the other side. */
const RECOVER_FAR = 0x3fff_ffff;

/**
 * `ack` is new, and within what was sent: everything before it has arrived. Bytes leave the buffer, the congestion window grows, timers begin anew.
 */
export function ackAdvance(tcp: Tcp, tp: Tcpcb, ack: number): void {
  const acked = (ack - tp.sndUna) | 0;
  const flight = tp.inFlight;
  const { stats } = tcp;
  stats.rcvackpack++;
  stats.rcvackbyte += acked;
  takeRecords(tcp, tp, ack);
  tp.sndUna = ack;
  if (((ack - tp.recover) | 0) > RECOVER_FAR) tp.recover = (ack - 1) | 0;
  // RFC 9293 3.8.5: what is urgent is ahead of it, or there is nothing.
  if (((ack - tp.sndUp) | 0) > 0) tp.sndUp = ack;
  tp.progressMs = tcp.nowMs;
  tp.rxtshift = 0;
  if (tp.lossMode === LOSS_PERSIST) tp.backoff = 0;
  const so = tp.so!;
  const { snd } = so;
  const bytes = acked < snd.cc ? acked : snd.cc;
  if (bytes > 0) {
    snd.drop(bytes);
    if (tcp.conf.sendbufAuto && tp.cwnd * 2 > snd.hiwat && snd.cc > snd.hiwat >> 1) grow(snd, 2 * snd.hiwat, tcp.conf.sendbufMax);
  }
  if (tp.caState === CA_OPEN) {
    if (tp.dupacks > 0) tp.dupacks = 0;
    if (windowUsed(tp, flight)) tp.cc.ack(tcp, tp, acked);
  } else {
    if (tp.caState === CA_LOSS) lossAck(tcp, tp, acked);
    leaveRecovery(tp, acked);
  }
  if (tp.tlpOut) probeAnswered(tcp, tp, ack);
  if ((tp.flags & TF_BLACKHOLE) !== 0) probeArrived(tcp, tp);
  restartLoss(tcp, tp);
  if (bytes > 0) sowwakeup(so);
}

/** The window is in use: otherwise that it was not too small says nothing (RFC 7661). */
function windowUsed(tp: Tcpcb, flight: number): boolean {
  return tp.cwnd < tp.ssthresh ? 2 * flight >= tp.cwnd : flight + tp.tsoMax >= tp.cwnd;
}

function takeRecords(tcp: Tcp, tp: Tcpcb, ack: number): void {
  const sack = (tp.flags & TF_SACK) !== 0;
  let sample = -1;
  let ambiguous = false;
  let r = tp.recHead;
  while (r !== undefined && seqLe(r.end, ack)) {
    if ((r.flags & SR_SACKED) === 0) {
      if (sack) rackDelivered(tcp, tp, r, true);
      // Karn: what was sent twice measures nothing.
      if ((r.flags & SR_EVER) !== 0) ambiguous = true;
      else sample = (tcp.nowUs - r.xmitUs) | 0;
    }
    recPop(tcp.recs, tp);
    r = tp.recHead;
  }
  if (r !== undefined && seqLt(r.seq, ack)) recAdvance(tp, ack);
  if (sample >= 0 && !ambiguous) {
    tcp.stats.segstimed++;
    rttSample(tcp, tp, sample);
    return;
  }
  // RFC 7323 4.1: timestamps measure also what was sent again.
  const { opt } = tcp;
  if ((tp.flags & TF_TSTMP) === 0 || !opt.hasTs || opt.tsEcr === 0) return;
  const ms = (tcp.nowMs + tp.tsOffset - opt.tsEcr) | 0;
  if (ms >= 0 && ms < 600_000) rttSample(tcp, tp, ms > 0 ? ms * 1000 : 500);
}

/** After a timeout: slow start goes on; an answer to what was sent before shows that it was not needed (RFC 4015). */
function lossAck(tcp: Tcp, tp: Tcpcb, acked: number): void {
  const { opt } = tcp;
  if (tp.rtoTs !== 0 && opt.hasTs && (tp.flags & TF_TSTMP) !== 0 && opt.tsEcr !== 0) {
    const early = ((opt.tsEcr - tp.rtoTs) | 0) < 0;
    tp.rtoTs = 0;
    if (early) {
      spuriousTimeout(tcp, tp);
      return;
    }
  }
  tp.rtoTs = 0;
  if ((tp.flags & TF_AFTERRTO) !== 0) tp.cc.ack(tcp, tp, acked);
}

/** RFC 8985 7.4.2: the probe's end was acknowledged: if a second copy was not what arrived, the probe repaired a loss. */
function probeAnswered(tcp: Tcp, tp: Tcpcb, ack: number): void {
  if (!seqGe(ack, tp.tlpEnd)) return;
  tp.tlpOut = false;
  // Karn: without timestamps it measures nothing. What is sent next must, whatever the tail looks like.
  if (tp.tlpRetrans && (tp.flags & TF_TSTMP) === 0 && tp.backoff === 0) tp.backoff = 1;
  if (!tp.tlpRetrans || tp.dsackSeen) return;
  tcp.stats.tlprecovered++;
  enterRecovery(tcp, tp);
  leaveRecovery(tp, 0);
}

// -- selective acknowledgments

/** Takes the blocks of the segment that is being looked at. Returns whether they told something new. */
function sackInput(tcp: Tcp, tp: Tcpcb, ack: number): boolean {
  const { opt, stats } = tcp;
  stats.sackrcv++;
  const before = tp.sackedBytes;
  tp.dsackSeen = false;
  for (let i = 0; i < opt.sackCount; i++) {
    const start = opt.sack[2 * i]!;
    const end = opt.sack[2 * i + 1]!;
    if (i === 0 && isDsack(tcp, ack, start, end)) {
      stats.dsackrcv++;
      rackDsack(tp);
    } else if (blockValid(tp, start, end)) recBlock(tcp.recs, tp, start, end, tcp.onSacked);
    else if (seqGt(end, tp.sndUna)) stats.sackbad++;
  }
  return tp.sackedBytes !== before;
}

/** RFC 2883 4: the first block is below what is acknowledged, or inside of the second one. */
function isDsack(tcp: Tcp, ack: number, start: number, end: number): boolean {
  if (!seqLt(start, end)) return false;
  if (seqLe(end, ack)) return true;
  const { opt } = tcp;
  return opt.sackCount > 1 && seqGe(start, opt.sack[2]!) && seqLe(end, opt.sack[3]!);
}

/** A record was selectively acknowledged: for sackInput(). */
export function onSacked(tcp: Tcp, tp: Tcpcb, r: Segrec): void {
  rackDelivered(tcp, tp, r, false);
  if ((r.flags & SR_EVER) === 0) rttSample(tcp, tp, (tcp.nowUs - r.xmitUs) | 0);
}

/** After the blocks, and what `ack` took away: what is lost now. */
function detectLoss(tcp: Tcp, tp: Tcpcb): void {
  if (tp.inFlight === 0 || (tp.sackedBytes === 0 && tp.caState === CA_OPEN)) return;
  if (tcp.conf.rack) rackDetectLoss(tcp, tp);
  else sackDetectLoss(tcp, tp);
}

// -- the whole step

/**
 * A segment's acknowledgment, which is within bounds: `len` bytes of data come with it. The windows are moved, and what is lost found.
 */
export function ackInput(tcp: Tcp, tp: Tcpcb, len: number): void {
  const { th, opt } = tcp;
  const sack = (tp.flags & TF_SACK) !== 0;
  const ack = th.ack;
  const { sndUna, sackedBytes, prr } = tp;
  const fresh = sack && opt.sackCount > 0 && sackInput(tcp, tp, ack);
  if ((tp.flags & TF_ECN) !== 0 && (th.flags & TH_ECE) !== 0) congestionMark(tcp, tp);
  const moved = seqGt(ack, tp.sndUna);
  const sameWindow = th.win << tp.sndScale === tp.sndWnd;
  if (moved) ackAdvance(tcp, tp, ack);
  else if (len === 0 && (th.flags & TH_FIN) === 0 && sameWindow && tp.inFlight > 0 && ack === tp.sndUna && tp.lossMode !== LOSS_PERSIST) {
    tcp.stats.rcvdupack++;
    if (!sack) duplicateAck(tcp, tp);
  }
  if (sack && (fresh || moved || tp.caState !== CA_OPEN)) {
    const { lostBytes } = tp;
    detectLoss(tcp, tp);
    if (tp.prr !== undefined) prrAck(tp, tp.prr, ((tp.sndUna - sndUna) | 0) + tp.sackedBytes - sackedBytes, tp.prr !== prr, moved && tp.lostBytes <= lostBytes);
  }
  moveWindow(tcp, tp);
}

/** RFC 9293 3.10.7.4: the send window, by the newest segment. */
function moveWindow(tcp: Tcp, tp: Tcpcb): void {
  const { th } = tcp;
  if (!seqLt(tp.sndWl1, th.seq) && !(tp.sndWl1 === th.seq && seqLe(tp.sndWl2, th.ack))) return;
  const win = th.win << tp.sndScale;
  const opened = win > tp.sndWnd;
  const shut = tp.sndWnd === 0;
  if (win !== tp.sndWnd) tcp.stats.rcvwinupd++;
  tp.sndWnd = win;
  if (win > tp.maxSndWnd) tp.maxSndWnd = win;
  tp.sndWl1 = th.seq;
  tp.sndWl2 = th.ack;
  if (!opened) return;
  if (shut && tp.lossMode === LOSS_RTO && tp.rxtshift > 0) {
    // It had shrunk below what is in flight, which is not there.
    tp.rxtshift = tp.backoff = 0;
    tp.flags |= TF_REXMIT;
    recAllLost(tp);
    restartLoss(tcp, tp);
    return;
  }
  if (tp.lossMode !== LOSS_PERSIST) return;
  // The window has opened: what was a probe was never there, and goes with the rest at once.
  tp.rxtshift = tp.backoff = 0;
  recClear(tcp.recs, tp);
  tp.sndNxt = tp.sndUna;
  tcp.stopLoss(tp);
}

/** Whether our FIN has been acknowledged. */
export function finAcked(tp: Tcpcb): boolean {
  return (tp.flags & TF_SENTFIN) !== 0 && tp.sndUna === tp.sndNxt && tp.state >= TCPS_ESTABLISHED;
}
