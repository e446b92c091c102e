/** Entries of the SYN cache: connections that are being opened, and what becomes of one that is. */
import { TCPS_SYN_RECEIVED } from '@anykernel/lib-sys';
import type { Family } from '../family.js';
import type { Ends } from '../flow.js';
import type { Inpcb } from '../inpcb.js';
import { initialWindow } from './cong.js';
import { Extras } from './extras.js';
import { updateMss } from './mss.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_ECN, TF_NODELAY, TF_NOOPT, TF_NOPUSH, TF_SACK, TF_SCALE, TF_TSTMP } from './tcpcb.js';

/** What both ends agreed on. */
export const SC_SCALE = 1;
export const SC_TSTMP = 2;
export const SC_SACK = 4;
export const SC_ECN = 8;
/** An error about its answer has come. */
export const SC_UNREACH = 16;

/** A connection that is being opened. */
export class Synent implements Ends {
  l0 = 0;
  l1 = 0;
  l2 = 0;
  l3 = 0;
  f0 = 0;
  f1 = 0;
  f2 = 0;
  f3 = 0;
  lport = 0;
  fport = 0;
  iss = 0;
  irs = 0;
  /** The window that we offered. */
  win = 0;
  peerMss = 0;
  sndScale = 0;
  rcvScale = 0;
  /** SC_*. */
  flags = 0;
  tsRecent = 0;
  tsOffset = 0;
  /** How often the answer was sent again, when it was sent first, and when it is due again. */
  shift = 0;
  sentMs = 0;
  dueMs = 0;
  /** The chain of its bucket; the queue of those that were sent as often. */
  hnext: Synent | undefined = undefined;
  qnext: Synent | undefined = undefined;
  qprev: Synent | undefined = undefined;

  constructor(
    readonly family: Family,
    readonly listener: Inpcb,
  ) {}
}

/** Entries in order of their time: all of one queue wait equally long. */
export class SynQueue {
  first: Synent | undefined = undefined;
  last: Synent | undefined = undefined;

  insert(e: Synent): void {
    e.qprev = this.last;
    e.qnext = undefined;
    if (this.last === undefined) this.first = e;
    else this.last.qnext = e;
    this.last = e;
  }

  remove(e: Synent): void {
    if (e.qprev === undefined) this.first = e.qnext;
    else e.qprev.qnext = e.qnext;
    if (e.qnext === undefined) this.last = e.qprev;
    else e.qnext.qprev = e.qprev;
    e.qnext = e.qprev = undefined;
  }
}

export function copyEnds(to: Ends, from: Ends): void {
  to.l0 = from.l0;
  to.l1 = from.l1;
  to.l2 = from.l2;
  to.l3 = from.l3;
  to.f0 = from.f0;
  to.f1 = from.f1;
  to.f2 = from.f2;
  to.f3 = from.f3;
  to.lport = from.lport;
  to.fport = from.fport;
}

const INHERITED: number = TF_NODELAY | TF_NOPUSH | TF_NOOPT;

/** What a connection has from its listener. */
export function inherit(tp: Tcpcb, lp: Tcpcb): void {
  const from = lp.inp;
  const { inp } = tp;
  inp.tos = from.tos;
  inp.ttl = from.ttl;
  inp.minTtl = from.minTtl;
  inp.takes = from.takes;
  inp.options = from.options;
  inp.options6 = from.options6;
  tp.cc = lp.cc;
  tp.userMss = lp.userMss;
  tp.flags |= lp.flags & INHERITED;
  const extras = lp.extras;
  if (extras === undefined || (extras.keepIdleMs | extras.keepIntvlMs | extras.keepCnt | extras.userTimeoutMs) === 0) return;
  const own = (tp.extras ??= new Extras());
  own.keepIdleMs = extras.keepIdleMs;
  own.keepIntvlMs = extras.keepIntvlMs;
  own.keepCnt = extras.keepCnt;
  own.userTimeoutMs = extras.userTimeoutMs;
}

/** What the entry knows becomes the connection's. */
export function takeEntry(tcp: Tcp, tp: Tcpcb, e: Synent): void {
  tp.state = TCPS_SYN_RECEIVED;
  tp.iss = tp.sndUna = tp.sndUp = tp.recover = e.iss;
  tp.sndNxt = (e.iss + 1) | 0;
  tp.irs = e.irs;
  tp.rcvNxt = tp.lastAckSent = tp.rcvUp = tp.rbufSeq = (e.irs + 1) | 0;
  tp.rcvWnd = e.win;
  tp.rcvAdv = (tp.rcvNxt + e.win) | 0;
  tp.peerMss = e.peerMss;
  tp.sndScale = e.sndScale;
  tp.rcvScale = e.rcvScale;
  tp.tsRecent = e.tsRecent;
  tp.tsRecentSec = tcp.nowSec;
  tp.tsOffset = e.tsOffset;
  tp.rcvTimeMs = tcp.nowMs;
  tp.progressMs = e.sentMs;
  tp.rxtshift = e.shift;
  if ((e.flags & SC_SCALE) !== 0) tp.flags |= TF_SCALE;
  if ((e.flags & SC_TSTMP) !== 0) tp.flags |= TF_TSTMP;
  if ((e.flags & SC_SACK) !== 0) tp.flags |= TF_SACK;
  if ((e.flags & SC_ECN) !== 0) tp.flags |= TF_ECN;
  updateMss(tcp, tp);
  tp.cwnd = initialWindow(tp.mss);
}
