/**
 * What is to be sent now (RFC 9293 3.8.6, 3.9.1): lost segments again, then new data as the windows and Nagle's algorithm allow, then an
 * acknowledgment if one is owed, or a larger window.
 */
import {
  ERR,
  TCPS_CLOSE_WAIT,
  TCPS_CLOSING,
  TCPS_ESTABLISHED,
  TCPS_FIN_WAIT_1,
  TCPS_LAST_ACK,
  TCPS_SYN_RECEIVED,
  TCPS_SYN_SENT,
  TCPS_TIME_WAIT,
} from '@anykernel/lib-sys';
import { TH_ACK, TH_FIN, TH_PUSH } from '@anykernel/lib-wire';
import { Extras } from './extras.js';
import { sendHandshake } from './handshake.js';
import { updateMss } from './mss.js';
import { probeDue, probeLost, probeSent } from './pathprobe.js';
import { armLoss } from './recovery.js';
import { backedOff } from './rtt.js';
import { receiveWindow, sendSegment } from './segment.js';
import { recAppend, recLastUnsacked, recNextHole, recNextLost, recResent, recSplit, type Segrec, SR_EVER } from './sendq.js';
import type { Tcp } from './tcp.js';
import {
  CA_RECOVERY,
  LOSS_NONE,
  LOSS_PERSIST,
  LOSS_RTO,
  type Tcpcb,
  TF_ACKNOW,
  TF_BLACKHOLE,
  TF_DELACK,
  TF_FORCE,
  TF_NODELAY,
  TF_NOPUSH,
  TF_REXMIT,
  TF_SENTFIN,
  TIMER_LOSS,
} from './tcpcb.js';

/** States in which our FIN is due. */
function finDue(tp: Tcpcb): boolean {
  const { state } = tp;
  return (state === TCPS_FIN_WAIT_1 || state === TCPS_LAST_ACK || state === TCPS_CLOSING) && (tp.flags & TF_SENTFIN) === 0;
}

function sendsData(state: number): boolean {
  return state >= TCPS_ESTABLISHED;
}

/** Sends all that may go now. */
export function tcpOutput(tcp: Tcp, tp: Tcpcb): void {
  // In TIME-WAIT there may be no socket any more, and nothing to send.
  if (tp.state === TCPS_TIME_WAIT) return;
  if (tp.state < TCPS_ESTABLISHED) {
    if (tp.state === TCPS_SYN_SENT || tp.state === TCPS_SYN_RECEIVED) early(tcp, tp);
    return;
  }
  if (tp.lostBytes > 0 && !resendLost(tcp, tp)) return;
  if (sendsData(tp.state) && !sendNew(tcp, tp)) return;
  if (tp.caState === CA_RECOVERY && tp.sackedBytes > 0 && !tcp.conf.rack && !resendDoubtful(tcp, tp)) return;
  if ((tp.flags & TF_ACKNOW) !== 0) sendAck(tcp, tp);
  else if (windowUpdateDue(tp)) {
    tcp.stats.sndwinup++;
    sendAck(tcp, tp);
  }
}

/** A connection that is not established: data that fast open lets go, and acknowledgments. */
function early(tcp: Tcp, tp: Tcpcb): void {
  if (tp.state === TCPS_SYN_RECEIVED && tp.sndNxt !== tp.iss) {
    if (!sendNew(tcp, tp)) return;
    if ((tp.flags & TF_ACKNOW) !== 0) sendHandshake(tcp, tp);
  }
}

// -- lost segments

/** Sends lost segments as the congestion window has room. False: the network takes no more. */
function resendLost(tcp: Tcp, tp: Tcpcb): boolean {
  for (let r = recNextLost(tp); r !== undefined; r = recNextLost(tp)) {
    const first = (tp.flags & TF_REXMIT) !== 0;
    if (!first && tp.pipe > 0 && tp.pipe + min(tp.emss, (r.end - r.seq) | 0) > tp.cwnd) return true;
    tp.flags &= ~TF_REXMIT;
    if (!resend(tcp, tp, r)) return false;
  }
  return true;
}

/**
 * RFC 6675 4, NextSeg (3) and (4): with nothing that counts as lost, and no new data, a hole is sent again, or, once in a recovery, the last of all.
 * One at a time: it does not leave the network by being sent again.
 */
function resendDoubtful(tcp: Tcp, tp: Tcpcb): boolean {
  if (tp.lostBytes > 0 || tp.cwnd - tp.pipe < tp.emss) return true;
  const hole = recNextHole(tp);
  const r = hole ?? (tp.rescued ? undefined : recLastUnsacked(tp));
  if (r === undefined || (hole === undefined && (r.flags & SR_EVER) !== 0)) return true;
  if (hole === undefined) tp.rescued = true;
  return resend(tcp, tp, r);
}

/** Sends one record again, as much of it as a segment holds. */
export function resend(tcp: Tcp, tp: Tcpcb, r: Segrec): boolean {
  if ((tp.flags & TF_BLACKHOLE) !== 0) probeLost(tcp, tp, r);
  const most = tp.emss;
  const finSeq = (tp.flags & TF_SENTFIN) !== 0 ? (tp.sndNxt - 1) | 0 : tp.sndNxt;
  const hasFin = (tp.flags & TF_SENTFIN) !== 0 && r.end === tp.sndNxt;
  let len = (r.end - r.seq) | 0;
  if (len > most + (hasFin && len === most + 1 ? 1 : 0)) {
    recSplit(tcp.recs, tp, r, (r.seq + most) | 0);
    len = most;
  }
  const fin = hasFin && r.end === tp.sndNxt;
  const data = fin ? (finSeq - r.seq) | 0 : len;
  const flags = TH_ACK | (fin ? TH_FIN : 0) | (data > 0 ? TH_PUSH : 0);
  const error = sendSegment(tcp, tp, r.seq, (r.seq - tp.sndUna) | 0, data, flags, false);
  if (error !== 0 && !tryAgain(tcp, tp, error)) return false;
  if (error !== 0) return resend(tcp, tp, r);
  tcp.stats.sndrexmitpack++;
  tcp.stats.sndrexmitbyte += data;
  (tp.extras ??= new Extras()).rexmits++;
  if (tp.prr !== undefined) tp.prr.out += data;
  recResent(tp, r, tcp.nowUs);
  if ((tp.armed & TIMER_LOSS) === 0 || tp.lossMode === LOSS_PERSIST) armLoss(tcp, tp);
  // The first one has a whole timeout, as its acknowledgment is a round trip away: otherwise its loss would often be taken for that of everything.
  else if (tp.lossMode === LOSS_RTO && r === tp.recHead) tcp.timers.loss(tp, LOSS_RTO, backedOff(tp));
  return true;
}

// -- new data

/** Sends new data, and our FIN behind the last of it. False: the network takes no more. */
function sendNew(tcp: Tcp, tp: Tcpcb): boolean {
  const so = tp.so!;
  for (;;) {
    // Before the handshake is over, our SYN is in front of the bytes.
    const off = tp.state < TCPS_ESTABLISHED ? tp.inFlight - 1 : tp.inFlight;
    const fin = finDue(tp);
    const avail = so.snd.cc - off;
    if (avail <= 0 && !(fin && avail === 0)) return true;
    if ((tp.flags & TF_BLACKHOLE) !== 0 && probePath(tcp, tp, off, avail)) continue;
    const len = sendable(tp, avail);
    const last = len === avail;
    if (len <= 0 && !(fin && last)) {
      if (avail > 0 && off === 0) persist(tcp, tp);
      return true;
    }
    if (!worthSending(tp, len, avail, fin && last, off === 0)) {
      if (off === 0 && len > 0 && (tp.flags & TF_NOPUSH) === 0) persist(tcp, tp);
      return true;
    }
    if (!sendOne(tcp, tp, off, len, last, fin && last)) return false;
  }
}

/** A segment as large as the path may take, if it is time for one (RFC 4821 7.4): the bytes that are next. Returns whether it went. */
function probePath(tcp: Tcp, tp: Tcpcb, off: number, avail: number): boolean {
  const size = probeDue(tcp, tp, avail);
  if (size === 0) return false;
  const seq = tp.sndNxt;
  const len = size - (tp.mss - tp.emss);
  // For this one it is no black hole: it is not cut, here or on the way.
  tp.mss = size;
  tp.emss = tp.tsoMax = len;
  tp.flags &= ~TF_BLACKHOLE;
  sendOne(tcp, tp, off, len, false, false);
  tp.flags |= TF_BLACKHOLE;
  updateMss(tcp, tp);
  const went = (tp.sndNxt - seq) | 0;
  probeSent(tcp, tp, seq, size, went === len);
  return went > 0;
}

/** How much of `avail` bytes both windows and one segment let through. */
function sendable(tp: Tcpcb, avail: number): number {
  const window = (((tp.sndUna + tp.sndWnd) | 0) - tp.sndNxt) | 0;
  let len = avail < window ? avail : window;
  const room = tp.cwnd - tp.pipe;
  if (room < len) {
    // What the congestion window has left for less than a segment waits until it has more.
    if (room < tp.emss && tp.pipe > 0) return 0;
    len = room;
  }
  if (len <= tp.emss) return len;
  if (len >= tp.tsoMax) return tp.tsoMax;
  // Whole segments first; the tail is looked at by itself.
  return len === avail ? (tp.tsoMax > tp.emss ? len : tp.emss) : len - (len % tp.emss);
}

/** RFC 9293 3.7.4 and 3.8.6.2.1: a segment goes if it is full, or the last and nothing is on its way, or as much as the peer ever took. */
function worthSending(tp: Tcpcb, len: number, avail: number, fin: boolean, idle: boolean): boolean {
  if (len >= tp.emss || fin || (tp.flags & TF_FORCE) !== 0) return true;
  const closing = tp.state !== TCPS_ESTABLISHED && tp.state !== TCPS_CLOSE_WAIT;
  if (len === avail && (closing || (tp.flags & TF_NOPUSH) === 0) && (idle || closing || (tp.flags & TF_NODELAY) !== 0)) return true;
  return tp.maxSndWnd > 0 && len >= tp.maxSndWnd >> 1 && (tp.flags & TF_NOPUSH) === 0;
}

function sendOne(tcp: Tcp, tp: Tcpcb, off: number, len: number, last: boolean, fin: boolean): boolean {
  const seq = tp.sndNxt;
  const flags = TH_ACK | (fin ? TH_FIN : 0) | (last && len > 0 ? TH_PUSH : 0);
  if (off === 0) startFlight(tcp, tp);
  const error = sendSegment(tcp, tp, seq, off, len, flags, true);
  if (error !== 0) {
    if (tryAgain(tcp, tp, error))
      return sendOne(tcp, tp, off, len < tp.emss ? len : tp.emss, last && len <= tp.emss, fin && len <= tp.emss);
    if (off === 0 && tp.lossMode === LOSS_NONE) {
      // It is as good as sent: what was not taken is asked for again by the timer.
      persist(tcp, tp);
    }
    return false;
  }
  tp.flags &= ~TF_FORCE;
  if (fin) tp.flags |= TF_SENTFIN;
  const end = (seq + len + (fin ? 1 : 0)) | 0;
  recAppend(tcp.recs, tp, seq, end, tcp.nowUs);
  tp.sndNxt = end;
  if (tp.prr !== undefined) tp.prr.out += len;
  tcp.stats.sndpack++;
  tcp.stats.sndbyte += len;
  armLoss(tcp, tp);
  return true;
}

/** The first segment after a silence: RFC 5681 4.1, and the time for which it may be unanswered begins. */
function startFlight(tcp: Tcp, tp: Tcpcb): void {
  const idleMs = (tcp.nowMs - tp.progressMs) >>> 0;
  tp.progressMs = tcp.nowMs;
  // RFC 8985 6.2: what was delivered before says nothing of what is sent from now on, and its time comes round.
  tp.rackRttUs = 0;
  if (idleMs > tp.rtoMs && tp.srttUs > 0) tp.cc.idle(tcp, tp, idleMs);
}

/** The network refused a segment. True: it is worth another try at once, in smaller ones. */
function tryAgain(tcp: Tcp, tp: Tcpcb, error: number): boolean {
  if (error === ERR.EMSGSIZE.errno) {
    const before = tp.mss;
    updateMss(tcp, tp);
    return tp.mss < before;
  }
  if (error === ERR.ENOBUFS.errno && tp.cwnd > tp.mss && tp.inFlight > 0) return false;
  if ((tp.armed & TIMER_LOSS) === 0 && tp.inFlight > 0) armLoss(tcp, tp);
  return false;
}

// -- the window is closed

/** RFC 9293 3.8.6.1: the peer is probed, at growing intervals, until his window opens. */
function persist(tcp: Tcp, tp: Tcpcb): void {
  if ((tp.armed & TIMER_LOSS) !== 0) return;
  tcp.timers.loss(tp, LOSS_PERSIST, backedOff(tp));
  tcp.hold(tp);
}

/** A probe of a closed window: the next byte, whether he has room or not. */
export function sendProbe(tcp: Tcp, tp: Tcpcb): void {
  const so = tp.so!;
  const off = tp.inFlight;
  tcp.stats.sndprobe++;
  if (off > 0) {
    // A probe is on its way already, and is sent again.
    sendSegment(tcp, tp, tp.sndUna, 0, so.snd.cc > 0 ? 1 : 0, TH_ACK, false);
    // Karn: whichever is taken in the end, it measures nothing.
    if (tp.recHead !== undefined) recResent(tp, tp.recHead, tcp.nowUs);
    return;
  }
  if (so.snd.cc <= 0) {
    if (finDue(tp)) sendOne(tcp, tp, 0, 0, true, true);
    return;
  }
  const window = (((tp.sndUna + tp.sndWnd) | 0) - tp.sndNxt) | 0;
  const len = window > 0 ? min(min(window, so.snd.cc), tp.emss) : 1;
  if (window > 0) {
    sendOne(tcp, tp, 0, len, len === so.snd.cc, false);
    return;
  }
  if (sendSegment(tcp, tp, tp.sndNxt, 0, 1, TH_ACK, true) !== 0) return;
  recAppend(tcp.recs, tp, tp.sndNxt, (tp.sndNxt + 1) | 0, tcp.nowUs);
  tp.sndNxt = (tp.sndNxt + 1) | 0;
}

// -- acknowledgments

/** An acknowledgment by itself. */
export function sendAck(tcp: Tcp, tp: Tcpcb): void {
  tcp.stats.sndacks++;
  const error = sendSegment(tcp, tp, tp.sndNxt, 0, 0, TH_ACK, false);
  if (error !== ERR.ENOBUFS.errno) return;
  // It is still owed.
  tp.flags |= TF_DELACK;
  tcp.timers.delack(tp, tcp.conf.delackMs);
}

/** Whether the peer should hear that there is more room: by two segments, or half of the buffer. */
function windowUpdateDue(tp: Tcpcb): boolean {
  const win = receiveWindow(tp);
  const more = (((tp.rcvNxt + win) | 0) - tp.rcvAdv) | 0;
  if (more <= 0) return false;
  const { hiwat } = tp.so!.rcv;
  // While the peer sees half of the buffer open, the acknowledgment of what he sends next tells him soon enough.
  if (((tp.rcvAdv - tp.rcvNxt) | 0) >= hiwat >> 1) return false;
  return more >= 2 * tp.mss || more >= hiwat >> 1;
}

function min(a: number, b: number): number {
  return a < b ? a : b;
}
