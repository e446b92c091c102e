/**
 * Segments by state (RFC 9293 3.10.7.3 and 3.10.7.4): SYN-SENT, and the states in which both ends know the sequence numbers.
 */
import {
  ERR, SO_KEEPALIVE, TCPS_CLOSING, TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_LAST_ACK, TCPS_SYN_RECEIVED, TCPS_TIME_WAIT,
} from '@anykernel/lib-sys';
import { seqGt, seqLe, seqLt, TCP_MAX_WINSHIFT, TH_ACK, TH_CWR, TH_ECE, TH_FIN, TH_RST, TH_SYN, TH_URG } from '@anykernel/lib-wire';
import { type Mbuf, soisconnected, soisdisconnected, SS_CANTRCVMORE, SS_CANTSENDMORE, SS_NOFDREF } from '@anykernel/rumpnet';
import type { Flow } from '../flow.js';
import { ackInput, finAcked } from './ack.js';
import { resetError, tcpClose, tcpDrop } from './close.js';
import { initialWindow } from './cong.js';
import { keepIdleMs } from './expire.js';
import { sendHandshake } from './handshake.js';
import { growBuffers, updateMss } from './mss.js';
import { sendAck, tcpOutput } from './output.js';
import { armLoss } from './recovery.js';
import { RTO_UNMEASURED_MS, rttSample } from './rtt.js';
import { mayAnswerStray } from './stray.js';
import { sackDuplicate } from './sackout.js';
import { respond } from './segment.js';
import { recAdvance, recAllLost, recPop } from './sendq.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_ACKNOW, TF_DEAD, TF_ECN, TF_FASTOPEN, TF_SACK, TF_SCALE, TF_TSTMP, TIMER_KEEP, TIMER_LOSS } from './tcpcb.js';
import { text, urgent } from './text.js';
import { fastOpenSettled } from './tfo.js';
import { timeWait, timeWaitInput } from './timewait.js';

/** RFC 7323 5.5: after so many seconds a timestamp says nothing about age (24 days). */
const PAWS_IDLE_SEC = 24 * 86_400;

// -- SYN-SENT

/** RFC 9293 3.10.7.3. Owns `m`. */
export function synSent(tcp: Tcp, tp: Tcpcb, m: Mbuf, flow: Flow): void {
  const { th, mbufs } = tcp;
  const hasAck = (th.flags & TH_ACK) !== 0;
  // First: an acknowledgment of what was not sent.
  if (hasAck && (seqLe(th.ack, tp.iss) || seqGt(th.ack, tp.sndNxt))) {
    if ((th.flags & TH_RST) === 0) respond(tcp, flow.family, flow, th.ack, 0, TH_RST, 0, false);
    mbufs.free(m);
    return;
  }
  // Second: a reset.
  if ((th.flags & TH_RST) !== 0) {
    mbufs.free(m);
    if (hasAck) tcpDrop(tcp, tp, ERR.ECONNREFUSED);
    return;
  }
  // Fourth: a SYN.
  if ((th.flags & TH_SYN) === 0) {
    mbufs.free(m);
    return;
  }
  tp.rcvTimeMs = tcp.nowMs;
  tp.irs = th.seq;
  tp.rcvNxt = tp.rcvAdv = tp.lastAckSent = tp.rcvUp = tp.rbufSeq = (th.seq + 1) | 0;
  tp.rcvAdv = (tp.rcvNxt + tp.rcvWnd) | 0;
  synOptions(tcp, tp, m);
  if (hasAck) established(tcp, tp, m);
  else simultaneous(tcp, tp, m);
}

/** What the peer's SYN says: only what both want is used. */
function synOptions(tcp: Tcp, tp: Tcpcb, m: Mbuf): void {
  const { opt, th } = tcp;
  if (opt.mss !== 0) tp.peerMss = opt.mss;
  if (opt.wscale < 0) {
    tp.flags &= ~TF_SCALE;
    tp.rcvScale = 0;
  } else if ((tp.flags & TF_SCALE) !== 0) tp.sndScale = opt.wscale < TCP_MAX_WINSHIFT ? opt.wscale : TCP_MAX_WINSHIFT;
  if (!opt.hasTs) tp.flags &= ~TF_TSTMP;
  else if ((tp.flags & TF_TSTMP) !== 0) {
    tp.tsRecent = opt.tsVal;
    tp.tsRecentSec = tcp.nowSec;
  }
  if (!opt.sackPermitted) tp.flags &= ~TF_SACK;
  // RFC 3168 6.1.1: the answer has ECE alone; a SYN has both.
  const asked = (th.flags & (TH_ECE | TH_CWR)) === ((th.flags & TH_ACK) !== 0 ? TH_ECE : TH_ECE | TH_CWR);
  if (!asked) tp.flags &= ~TF_ECN;
  if ((tp.flags & TF_FASTOPEN) !== 0 && opt.tfoLen > 0) tcp.fastopen.learn(tp.inp, m.buf.slice(opt.tfoOff, opt.tfoOff + opt.tfoLen));
  updateMss(tcp, tp);
  tp.cwnd = initialWindow(tp.mss);
}

/** Our SYN was acknowledged, and the peer's is here. */
function established(tcp: Tcp, tp: Tcpcb, m: Mbuf): void {
  const { th, opt } = tcp;
  if (tp.rxtshift === 0)
    rttSample(tcp, tp, tcp.conf.timestamps && opt.hasTs && opt.tsEcr !== 0 ? synRtt(tcp, tp) : ((tcp.nowMs - tp.progressMs) | 0) * 1000);
  afterLostSyns(tp);
  tp.sndUna = (tp.iss + 1) | 0;
  tp.sndWnd = tp.maxSndWnd = th.win;
  tp.sndWl1 = th.seq;
  tp.sndWl2 = th.ack;
  tcp.stats.connects++;
  tcp.timers.stop(tp, TIMER_LOSS | TIMER_KEEP);
  enterEstablished(tcp, tp);
  if (tp.extras !== undefined && tp.extras.tfoData > 0) fastOpenAnswered(tcp, tp, th.ack);
  tp.flags |= TF_ACKNOW;
  armLoss(tcp, tp);
  afterSyn(tcp, tp, m);
}

/** The handshake is over: RFC 6298 5.7 where the path could not be measured, RFC 6928 2 where it lost more than one of our SYNs. */
function afterLostSyns(tp: Tcpcb): void {
  if (tp.rxtshift > 0 && tp.srttUs === 0) tp.rtoMs = RTO_UNMEASURED_MS;
  if (tp.rxtshift > 1) tp.cwnd = tp.mss;
  tp.rxtshift = tp.backoff = 0;
}

/** Microseconds from our SYN to its answer, at the resolution of the timestamps. */
function synRtt(tcp: Tcp, tp: Tcpcb): number {
  const ms = (tcp.nowMs + tp.tsOffset - tcp.opt.tsEcr) | 0;
  return ms >= 0 && ms < 600_000 ? (ms > 0 ? ms * 1000 : 200) : 1_000_000;
}

/** RFC 7413 4.2.2: what of the data with the SYN was not acknowledged is sent again at once. */
function fastOpenAnswered(tcp: Tcp, tp: Tcpcb, ack: number): void {
  const got = (ack - tp.sndUna) | 0;
  tp.extras!.tfoData = 0;
  if (got > 0) {
    tp.so!.snd.drop(got);
    if (ack === tp.sndNxt) recPop(tcp.recs, tp);
    else recAdvance(tp, ack);
    tp.sndUna = ack;
  }
  recAllLost(tp);
}

/** RFC 9293 3.5, figure 8: both began at once. */
function simultaneous(tcp: Tcp, tp: Tcpcb, m: Mbuf): void {
  tp.state = TCPS_SYN_RECEIVED;
  tp.sndWnd = tp.maxSndWnd = tcp.th.win;
  tp.sndWl1 = tcp.th.seq;
  tp.rxtshift = tp.backoff = 0;
  tcp.mbufs.free(m);
  sendHandshake(tcp, tp);
}

/** The connection is there. Whose program has closed it meanwhile, has a FIN to send. */
function enterEstablished(tcp: Tcp, tp: Tcpcb): void {
  const so = tp.so!;
  const closing = (so.state & SS_CANTSENDMORE) !== 0;
  tp.state = closing ? TCPS_FIN_WAIT_1 : TCPS_ESTABLISHED;
  tp.recover = tp.iss;
  tp.sndUp = tp.fack = tp.dsackRound = tp.sndUna;
  tp.rcvUp = tp.rcvNxt;
  tp.rbufMs = tcp.nowMs;
  growBuffers(tcp, tp);
  if ((so.options & SO_KEEPALIVE) !== 0) tcp.timers.keep(tp, keepIdleMs(tcp, tp));
  if (!closing) soisconnected(so);
}

/** Data and a FIN may follow a SYN in its segment. */
function afterSyn(tcp: Tcp, tp: Tcpcb, m: Mbuf): void {
  const { th } = tcp;
  th.seq = (th.seq + 1) | 0;
  const len = m.pktlen - th.hdrLen;
  if (len > 0 || (th.flags & TH_FIN) !== 0) text(tcp, tp, m, len);
  else tcp.mbufs.free(m);
  if ((tp.flags & TF_DEAD) === 0) tcpOutput(tcp, tp);
}

// -- the synchronized states

/** RFC 9293 3.10.7.4: SYN-RECEIVED and all that follow. Owns `m`. */
export function synchronized(tcp: Tcp, tp: Tcpcb, m: Mbuf, flow: Flow): void {
  if (tp.state === TCPS_TIME_WAIT) {
    timeWaitInput(tcp, tp, m, flow);
    return;
  }
  const { th, mbufs } = tcp;
  if (tp.state === TCPS_SYN_RECEIVED && (th.flags & (TH_SYN | TH_ACK)) === (TH_SYN | TH_ACK) && th.seq === tp.irs) {
    // Of a simultaneous open (RFC 9293 3.5, figure 8): the SYN that is known, now with the acknowledgment of ours. Its window is not scaled.
    th.seq = (th.seq + 1) | 0;
    th.flags &= ~TH_SYN;
    th.win >>>= tp.sndScale;
  }
  const len = m.pktlen - th.hdrLen;
  if (!acceptable(tcp, tp, flow, len) || !resetOrSyn(tcp, tp) || !acknowledged(tcp, tp, flow, len)) {
    mbufs.free(m);
    return;
  }
  if ((tp.flags & TF_DEAD) !== 0) {
    mbufs.free(m);
    return;
  }
  if ((th.flags & TH_URG) !== 0 && th.urp > 0) urgent(tp, th);
  if (len > 0 || (th.flags & TH_FIN) !== 0) text(tcp, tp, m, m.pktlen - th.hdrLen);
  else mbufs.free(m);
  if ((tp.flags & TF_DEAD) === 0) tcpOutput(tcp, tp);
}

/** First: timestamps (RFC 7323 5.3), then the sequence number (RFC 9293 3.10.7.4, table 6). False: the segment ends here. */
function acceptable(tcp: Tcp, tp: Tcpcb, flow: Flow, len: number): boolean {
  const { th, opt, stats } = tcp;
  if ((tp.flags & TF_TSTMP) !== 0 && (th.flags & TH_RST) === 0) {
    // RFC 7323 3.2: once agreed, they are in every segment.
    if (!opt.hasTs) return false;
    if (!newestTs(tcp, tp, opt.tsVal)) {
      stats.pawsdrop++;
      ackOld(tcp, tp, len > 0 || (th.flags & (TH_FIN | TH_SYN)) !== 0);
      return false;
    }
  }
  const window = (tp.rcvAdv - tp.rcvNxt) | 0;
  const ahead = (th.seq - tp.rcvNxt) | 0;
  // RFC 5961 3.2: of a reset the number counts, not what comes with it, and also while the window is closed (MUST-66).
  const total = (th.flags & TH_RST) !== 0 ? 0 : len + ((th.flags & TH_FIN) !== 0 ? 1 : 0) + ((th.flags & TH_SYN) !== 0 ? 1 : 0);
  if (!inWindow(ahead, total, window)) {
    if ((th.flags & TH_RST) !== 0) return false;
    if (total > 0 && ahead < 0) {
      stats.rcvduppack++;
      stats.rcvdupbyte += len;
      if ((tp.flags & TF_SACK) !== 0 && len > 0)
        sackDuplicate(tp, th.seq, seqLt(tp.rcvNxt, (th.seq + len) | 0) ? tp.rcvNxt : (th.seq + len) | 0);
    } else if (total > 0) stats.rcvafterwin++;
    if (total > 0 && ahead === 0 && window === 0) {
      // A probe: what it acknowledges counts, its data does not.
      stats.rcvwinprobe++;
      tp.flags |= TF_ACKNOW;
      if ((th.flags & TH_SYN) === 0) acknowledged(tcp, tp, flow, len);
      if ((tp.flags & TF_DEAD) === 0) tcpOutput(tcp, tp);
      return false;
    }
    ackOld(tcp, tp, total > 0);
    return false;
  }
  // RFC 7323 4.3: what the acknowledgment that was sent last covers gives the time to echo.
  if (opt.hasTs && (tp.flags & TF_TSTMP) !== 0 && seqLe(th.seq, tp.lastAckSent) && newestTs(tcp, tp, opt.tsVal)) {
    tp.tsRecent = opt.tsVal;
    tp.tsRecentSec = tcp.nowSec;
  }
  return true;
}

/** Whether a timestamp is not older than the last one, or that says nothing any more. */
function newestTs(tcp: Tcp, tp: Tcpcb, tsVal: number): boolean {
  return ((tsVal - tp.tsRecent) | 0) >= 0 || tcp.nowSec - tp.tsRecentSec >= PAWS_IDLE_SEC;
}

function inWindow(ahead: number, len: number, window: number): boolean {
  if (len === 0) return window === 0 ? ahead === 0 : ahead >= 0 && ahead < window;
  if (window === 0) return false;
  const last = (ahead + len - 1) | 0;
  return (ahead >= 0 && ahead < window) || (last >= 0 && last < window) || (ahead < 0 && last >= window);
}

/** An old segment is answered with where we are; `some`: it is more than an acknowledgment. */
function ackOld(tcp: Tcp, tp: Tcpcb, some: boolean): void {
  if (tp.state === TCPS_SYN_RECEIVED && tcp.th.seq === tp.irs && (tcp.th.flags & TH_SYN) !== 0) {
    sendHandshake(tcp, tp);
    return;
  }
  if (some || mayAnswerStray(tcp, tp)) sendAck(tcp, tp);
}

/** RFC 5961: an answer by which a peer who means it shows that he is the one. */
function challenge(tcp: Tcp, tp: Tcpcb): void {
  if (!mayAnswerStray(tcp, tp) || !tcp.mayChallenge()) return;
  tcp.stats.challenge++;
  sendAck(tcp, tp);
}

/** Second and fourth: resets (RFC 5961 3.2) and SYNs (RFC 5961 4.2). False: the segment ends here. */
function resetOrSyn(tcp: Tcp, tp: Tcpcb): boolean {
  const { th } = tcp;
  if ((th.flags & TH_RST) !== 0) {
    if (th.seq === tp.rcvNxt) reset(tcp, tp);
    else challenge(tcp, tp);
    return false;
  }
  if ((th.flags & TH_SYN) === 0) return true;
  if (tp.state === TCPS_SYN_RECEIVED && th.seq === tp.irs) {
    sendHandshake(tcp, tp);
    return false;
  }
  challenge(tcp, tp);
  return false;
}

/** RFC 9293 3.10.7.4, second: what a valid reset does, by state. */
function reset(tcp: Tcp, tp: Tcpcb): void {
  switch (tp.state) {
    case TCPS_CLOSING:
    case TCPS_LAST_ACK:
      tcpClose(tcp, tp);
      return;
    default: {
      const so = tp.so!;
      so.error = resetError(tp);
      tcp.stats.drops++;
      tcpClose(tcp, tp);
    }
  }
}

/** RFC 5961 5.2: SND.UNA - MAX.SND.WND =< SEG.ACK =< SND.NXT. */
function ackInBounds(tp: Tcpcb, ack: number): boolean {
  return seqLe(ack, tp.sndNxt) && ((tp.sndUna - ack) | 0) <= tp.maxSndWnd;
}

/** Fifth: the acknowledgment. False: the segment ends here. */
function acknowledged(tcp: Tcp, tp: Tcpcb, flow: Flow, len: number): boolean {
  const { th } = tcp;
  if ((th.flags & TH_ACK) === 0) return false;
  if (tp.state === TCPS_SYN_RECEIVED && !synAcked(tcp, tp, flow)) return false;
  if (!ackInBounds(tp, th.ack)) {
    if (seqGt(th.ack, tp.sndNxt)) tcp.stats.rcvacktoomuch++;
    challenge(tcp, tp);
    return false;
  }
  ackInput(tcp, tp, len);
  switch (tp.state) {
    case TCPS_FIN_WAIT_1:
      if (finAcked(tp)) finWait2(tcp, tp);
      break;
    case TCPS_CLOSING:
      if (finAcked(tp)) timeWait(tcp, tp, false);
      break;
    case TCPS_LAST_ACK:
      if (finAcked(tp)) tcpClose(tcp, tp);
      break;
  }
  return true;
}

/** SYN-RECEIVED: the acknowledgment of our SYN. */
function synAcked(tcp: Tcp, tp: Tcpcb, flow: Flow): boolean {
  const { th } = tcp;
  if (!seqGt(th.ack, tp.sndUna) || seqGt(th.ack, tp.sndNxt)) {
    respond(tcp, flow.family, flow, th.ack, 0, TH_RST, 0, false);
    return false;
  }
  if (tp.rxtshift === 0 && tp.srttUs === 0) rttSample(tcp, tp, Math.max(1, ((tcp.nowMs - tp.progressMs) | 0) * 1000));
  afterLostSyns(tp);
  tp.sndUna = (tp.iss + 1) | 0;
  tp.sndWnd = th.win << tp.sndScale;
  tp.maxSndWnd = tp.sndWnd;
  tp.sndWl1 = (th.seq - 1) | 0;
  tcp.stats.connects++;
  tcp.timers.stop(tp, TIMER_LOSS | TIMER_KEEP);
  tcp.release(tp);
  fastOpenSettled(tcp, tp);
  enterEstablished(tcp, tp);
  armLoss(tcp, tp);
  return true;
}

function finWait2(tcp: Tcp, tp: Tcpcb): void {
  const so = tp.so!;
  tp.state = TCPS_FIN_WAIT_2;
  // Nobody reads any more: the peer has his time to close, and no more than that.
  if ((so.state & SS_NOFDREF) !== 0) tcp.timers.keep(tp, tcp.conf.finwait2Ms);
  if ((so.state & SS_CANTRCVMORE) !== 0) soisdisconnected(so);
}
