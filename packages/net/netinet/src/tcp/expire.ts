/** What happens when a timer of a connection goes off (RFC 9293 3.8, 3.10.8, RFC 8985 7.3). */
import {
  ERR,
  errnoByNumber,
  SO_KEEPALIVE,
  TCPS_CLOSE_WAIT,
  TCPS_ESTABLISHED,
  TCPS_FIN_WAIT_2,
  TCPS_SYN_RECEIVED,
  TCPS_SYN_SENT,
  TCPS_TIME_WAIT,
} from '@anykernel/lib-sys';
import { TH_ACK } from '@anykernel/lib-wire';
import { SS_NOFDREF } from '@anykernel/rumpnet';
import { tcpClose, tcpDrop } from './close.js';
import { Extras } from './extras.js';
import { sendHandshake } from './handshake.js';
import { updateMss } from './mss.js';
import { resend, sendProbe, tcpOutput } from './output.js';
import { leaveBlackHole, PathProbe, probeFailed } from './pathprobe.js';
import { rackDetectLoss } from './rack.js';
import { armLoss, timeoutLoss } from './recovery.js';
import { backedOff } from './rtt.js';
import { respond } from './segment.js';
import { recLastUnsacked, recSplit, type Segrec } from './sendq.js';
import type { Tcp } from './tcp.js';
import {
  LOSS_NONE,
  LOSS_PERSIST,
  LOSS_REO,
  LOSS_RTO,
  LOSS_TLP,
  type Tcpcb,
  TF_ACKNOW,
  TF_BLACKHOLE,
  TF_DEAD,
  TF_DELACK,
  TF_FORCE,
  TF_TSTMP,
  TIMER_DELACK,
  TIMER_KEEP,
  TIMER_LOSS,
  TIMER_MSL,
} from './tcpcb.js';

/** Timeouts in a row before a connection is given up (RFC 9293 3.8.3: R2), and those before another way is tried (R1). */
const REXMT_MAX = 12;
const REXMT_TRY = 3;
/** Timeouts after which small segments are tried, and after which they were not the remedy. */
const BLACKHOLE_TRY = 4;
const BLACKHOLE_END = 8;
/** Probes of a closed window without any answer. */
const PERSIST_MAX = 12;

/** Timers of `tp` are due: TIMER_*. */
export function timerExpired(tcp: Tcp, tp: Tcpcb, due: number): void {
  if ((due & TIMER_MSL) !== 0) {
    tcpClose(tcp, tp);
    return;
  }
  if ((due & TIMER_LOSS) !== 0) lossExpired(tcp, tp);
  if ((due & TIMER_DELACK) !== 0 && (tp.flags & TF_DEAD) === 0 && (tp.flags & TF_DELACK) !== 0) {
    tcp.stats.delack++;
    tp.flags = (tp.flags & ~TF_DELACK) | TF_ACKNOW;
    tcpOutput(tcp, tp);
  }
  if ((due & TIMER_KEEP) !== 0 && (tp.flags & TF_DEAD) === 0) keepExpired(tcp, tp);
}

function lossExpired(tcp: Tcp, tp: Tcpcb): void {
  const mode = tp.lossMode;
  tp.lossMode = LOSS_NONE;
  switch (mode) {
    case LOSS_RTO:
      rexmtExpired(tcp, tp);
      return;
    case LOSS_TLP:
      probeTail(tcp, tp);
      return;
    case LOSS_REO:
      rackDetectLoss(tcp, tp);
      // No acknowledgment comes with it that says how much may go: one segment.
      if (tp.prr !== undefined) tp.cwnd = tp.pipe + tp.mss;
      tcpOutput(tcp, tp);
      if ((tp.flags & TF_DEAD) === 0 && (tp.armed & TIMER_LOSS) === 0) armLoss(tcp, tp);
      return;
    case LOSS_PERSIST:
      persistExpired(tcp, tp);
      return;
  }
}

// -- retransmission

function rexmtExpired(tcp: Tcp, tp: Tcpcb): void {
  tcp.stats.rexmttimeo++;
  tp.rxtshift++;
  tp.backoff++;
  if (givenUp(tcp, tp, tp.state < TCPS_ESTABLISHED ? SYN_MAX : REXMT_MAX)) {
    tcp.stats.timeoutdrop++;
    const soft = tp.extras === undefined || tp.extras.softErrno === 0 ? undefined : errnoByNumber(tp.extras.softErrno);
    tcpDrop(tcp, tp, soft ?? ERR.ETIMEDOUT);
    return;
  }
  if (tp.state === TCPS_SYN_SENT || tp.state === TCPS_SYN_RECEIVED) {
    sendHandshake(tcp, tp);
    return;
  }
  blackHole(tcp, tp);
  // Routes may have changed since, and the estimate of the round trip is of no use if they did.
  if (tp.rxtshift === REXMT_TRY) {
    tp.inp.rt = undefined;
    tp.rttvarUs += tp.srttUs >> 2;
  }
  timeoutLoss(tcp, tp);
  tcp.timers.loss(tp, LOSS_RTO, backedOff(tp));
  tcpOutput(tcp, tp);
}

/** SYNs that are sent again. */
const SYN_MAX = 7;

/** Whether the peer had his time: so many timeouts, or what the program allowed (TCP_USER_TIMEOUT, RFC 5482). */
function givenUp(tcp: Tcp, tp: Tcpcb, most: number): boolean {
  const user = tp.extras === undefined ? 0 : tp.extras.userTimeoutMs;
  if (user > 0) return ((tcp.nowMs - tp.progressMs) | 0) >= user;
  // RFC 9293 3.8.6.1 (MUST-37): a peer who has shrunk his window to nothing, and answers, is probed by what is sent again.
  if (tp.sndWnd === 0 && tp.state >= TCPS_ESTABLISHED && !silent(tcp, tp) && !orphan(tp)) return false;
  return tp.rxtshift > most;
}

/** Whether nothing has come from the peer since he was asked twice. */
function silent(tcp: Tcp, tp: Tcpcb): boolean {
  return ((tcp.nowMs - tp.rcvTimeMs) | 0) > 2 * backedOff(tp) + 1000;
}

/** Whether no program has it any more. */
function orphan(tp: Tcpcb): boolean {
  return tp.so === undefined || (tp.so.state & SS_NOFDREF) !== 0;
}

/** RFC 4821 7.7, RFC 2923 2.1: large segments are lost again and again, and nobody says why: smaller ones are tried, which may be cut on the way. */
function blackHole(tcp: Tcp, tp: Tcpcb): void {
  if (tp.extras?.probe !== undefined) probeFailed(tcp, tp.extras.probe);
  // Who has closed his window has a reason not to take them.
  if (tp.sndWnd === 0) return;
  const small = Math.max(tcp.conf.mssdflt, tp.inp.family.mssDefault);
  if (tp.rxtshift === BLACKHOLE_TRY && tp.mss > small && tcp.inet.conf.mtudisc) {
    tcp.stats.blackhole++;
    (tp.extras ??= new Extras()).probe = new PathProbe(small, tp.mss, tcp.nowMs);
    tp.flags |= TF_BLACKHOLE;
    updateMss(tcp, tp);
    tp.cwnd = tp.mss;
  } else if (tp.rxtshift === BLACKHOLE_END && (tp.flags & TF_BLACKHOLE) !== 0) leaveBlackHole(tcp, tp);
}

// -- the tail

/** RFC 8985 7.3: new data if the window allows, otherwise the last segment again. */
function probeTail(tcp: Tcp, tp: Tcpcb): void {
  tcp.stats.tlp++;
  const before = tp.sndNxt;
  const { cwnd } = tp;
  tp.flags |= TF_FORCE;
  // One segment more than the window has room for.
  tp.cwnd = tp.pipe + tp.emss;
  tp.tlpOut = true;
  tcpOutput(tcp, tp);
  tp.flags &= ~TF_FORCE;
  tp.cwnd = cwnd;
  tp.tlpRetrans = tp.sndNxt === before;
  if (tp.tlpRetrans) {
    const last = recLastUnsacked(tp);
    if (last !== undefined) resendTail(tcp, tp, last);
  }
  tp.tlpEnd = tp.sndNxt;
  tcp.timers.loss(tp, LOSS_RTO, backedOff(tp));
  tcp.hold(tp);
}

/** The last segment's worth of bytes of what is in flight. */
function resendTail(tcp: Tcp, tp: Tcpcb, last: Segrec): void {
  const tail = ((last.end - last.seq) | 0) > tp.emss ? recSplit(tcp.recs, tp, last, (last.end - tp.emss) | 0) : last;
  resend(tcp, tp, tail);
}

// -- closed windows

function persistExpired(tcp: Tcp, tp: Tcpcb): void {
  tcp.stats.persisttimeo++;
  // RFC 9293 3.8.6.1: as long as the peer answers, he may keep his window closed; nobody has to wait for one who does not, or a dead program's data.
  const user = tp.extras === undefined ? 0 : tp.extras.userTimeoutMs;
  const stuck = (tcp.nowMs - tp.progressMs) | 0;
  if ((tp.rxtshift >= PERSIST_MAX && (orphan(tp) || silent(tcp, tp))) || (user > 0 && stuck >= user)) {
    tcp.stats.persistdrops++;
    tcpDrop(tcp, tp, ERR.ETIMEDOUT);
    return;
  }
  if (tp.rxtshift < PERSIST_MAX) tp.backoff = ++tp.rxtshift;
  sendProbe(tcp, tp);
  // What the window has room for, and a FIN, are in flight from now on, and have the timer of that.
  if ((tp.flags & TF_DEAD) !== 0 || tp.lossMode !== LOSS_NONE) return;
  tcp.timers.loss(tp, LOSS_PERSIST, backedOff(tp));
  tcp.hold(tp);
}

// -- keepalive

function keepExpired(tcp: Tcp, tp: Tcpcb): void {
  tcp.stats.keeptimeo++;
  if (tp.state < TCPS_ESTABLISHED) {
    tcp.stats.keepdrops++;
    tcpDrop(tcp, tp, ERR.ETIMEDOUT);
    return;
  }
  const so = tp.so;
  if (tp.state === TCPS_FIN_WAIT_2 && orphan(tp)) {
    tcpClose(tcp, tp);
    return;
  }
  if (so === undefined || (so.options & SO_KEEPALIVE) === 0 || tp.state > TCPS_CLOSE_WAIT || tp.state === TCPS_TIME_WAIT) return;
  keepAlive(tcp, tp);
}

/** RFC 9293 3.8.4: a segment that the peer must answer, when nothing came for long. */
function keepAlive(tcp: Tcp, tp: Tcpcb): void {
  const idle = keepIdleMs(tcp, tp);
  const silent = (tcp.nowMs - tp.rcvTimeMs) | 0;
  if (silent < idle) {
    tp.keepProbes = 0;
    tcp.timers.keep(tp, idle - silent);
    return;
  }
  const { extras, inp } = tp;
  const count = extras !== undefined && extras.keepCnt > 0 ? extras.keepCnt : tcp.conf.keepcnt;
  const user = extras === undefined ? 0 : extras.userTimeoutMs;
  if ((user > 0 && tp.keepProbes > 0 && silent >= user) || (user === 0 && tp.keepProbes >= count)) {
    tcp.stats.keepdrops++;
    tcpDrop(tcp, tp, ERR.ETIMEDOUT);
    return;
  }
  tcp.stats.keepprobe++;
  tp.keepProbes++;
  const ts = (tp.flags & TF_TSTMP) !== 0;
  tcp.outOpt.tsVal = (tcp.nowMs + tp.tsOffset) | 0;
  tcp.outOpt.tsEcr = tp.tsRecent;
  respond(tcp, inp.family, inp, (tp.sndUna - 1) | 0, tp.rcvNxt, TH_ACK, tp.rcvWnd >>> tp.rcvScale, ts, inp.tos);
  tcp.timers.keep(tp, extras !== undefined && extras.keepIntvlMs > 0 ? extras.keepIntvlMs : tcp.conf.keepintvlMs);
}

/** Something came from a peer who was being probed. */
export function keepAnswered(tcp: Tcp, tp: Tcpcb): void {
  tp.keepProbes = 0;
  tcp.timers.keep(tp, keepIdleMs(tcp, tp));
}

export function keepIdleMs(tcp: Tcp, tp: Tcpcb): number {
  return tp.extras !== undefined && tp.extras.keepIdleMs > 0 ? tp.extras.keepIdleMs : tcp.conf.keepidleMs;
}
