/**
 * Segments that come in (RFC 9293 3.10.7): checks, whose it is, and the common case by a short way; the others go to states.ts.
 */
import { getI32be } from '@anykernel/lib-bytes';
import { IPPROTO_TCP, TCPS_ESTABLISHED, TCPS_LISTEN, TCPS_SYN_SENT } from '@anykernel/lib-sys';
import {
  ECN_CE, ECN_MASK, parseTcp, parseTcpOptions, seqLe, sumFold, TCP_HDR_LEN, TH_ACK, TH_CWR, TH_FIN, TH_PUSH, TH_RST, TH_SYN,
} from '@anykernel/lib-wire';
import { sumChain } from '@anykernel/net';
import { CSUM_NONE, type Mbuf, type Mbufs, sorwakeup } from '@anykernel/rumpnet';
import type { Family } from '../family.js';
import type { Ends, Flow } from '../flow.js';
import type { Inpcb } from '../inpcb.js';
import { ackAdvance } from './ack.js';
import { keepAnswered } from './expire.js';
import { grow } from './mss.js';
import { tcpOutput } from './output.js';
import { sackAdvance } from './sackout.js';
import { respond } from './segment.js';
import { synchronized, synSent } from './states.js';
import type { Tcp } from './tcp.js';
import { CA_OPEN, type Tcpcb, TF_ACKNOW, TF_DELACK, TF_ECE, TF_ECN, TF_TSTMP, TF_WANTOOB } from './tcpcb.js';

/** What the options of almost every segment look like: two no-operations, and timestamps of ten bytes. */
const TSTAMP_HDR = 0x0101_080a;
/** Bits that the short way does not know; ECE and CWR are for the long one. */
const SHORT_FLAGS = 0xff & ~TH_PUSH;

/** A packet of TCP: `m` starts at its header, and is this function's. */
export function tcpInput(tcp: Tcp, packet: Mbuf, flow: Flow): void {
  tcp.tick();
  const { th, stats, mbufs } = tcp;
  stats.rcvtotal++;
  let m: Mbuf | undefined = packet;
  if (m.len < TCP_HDR_LEN) {
    m = mbufs.pullup(m, TCP_HDR_LEN);
    if (m === undefined) {
      stats.rcvshort++;
      return;
    }
  }
  const hdrLen = (m.buf[m.off + 12]! >>> 4) << 2;
  if (hdrLen < TCP_HDR_LEN || hdrLen > m.pktlen) {
    stats.rcvbadoff++;
    mbufs.free(m);
    return;
  }
  if (m.len < hdrLen) m = mbufs.pullup(m, hdrLen);
  if (m === undefined) {
    stats.rcvmemdrop++;
    return;
  }
  parseTcp(m.buf, m.off, m.off + hdrLen, th);
  if (m.csum === CSUM_NONE && !sumGood(flow.family, flow, m, IPPROTO_TCP)) {
    stats.rcvbadsum++;
    mbufs.free(m);
    return;
  }
  flow.lport = th.dport;
  flow.fport = th.sport;
  readOptions(tcp, m, hdrLen);
  const inp = tcp.table.lookup(flow);
  if (inp === undefined) {
    unconnected(tcp, m, flow);
    return;
  }
  if (inp.minTtl > flow.ttl) {
    mbufs.free(m);
    return;
  }
  segmentFor(tcp, inp.ppcb as Tcpcb, m, flow);
}

/** Whether the checksum over the pseudo header and the packet is right. */
export function sumGood(family: Family, ends: Ends, m: Mbuf, protocol: number): boolean {
  return sumFold(sumChain(m, 0, m.pktlen) + family.pseudo(ends, protocol, m.pktlen)) === 0xffff;
}

function readOptions(tcp: Tcp, m: Mbuf, hdrLen: number): void {
  const { opt } = tcp;
  const at = m.off + TCP_HDR_LEN;
  if (hdrLen === TCP_HDR_LEN + 12 && getI32be(m.buf, at) === TSTAMP_HDR) {
    opt.clear();
    opt.hasTs = true;
    opt.tsVal = getI32be(m.buf, at + 4);
    opt.tsEcr = getI32be(m.buf, at + 8);
    return;
  }
  parseTcpOptions(m.buf, at, m.off + hdrLen, opt);
}

/** A segment of a connection that is in the table. */
function segmentFor(tcp: Tcp, tp: Tcpcb, m: Mbuf, flow: Flow): void {
  const { th } = tcp;
  if (tp.state === TCPS_ESTABLISHED && predicted(tcp, tp, m, flow)) return;
  if (tp.state === TCPS_SYN_SENT) {
    synSent(tcp, tp, m, flow);
    return;
  }
  tp.rcvTimeMs = tcp.nowMs;
  if (tp.keepProbes > 0) keepAnswered(tcp, tp);
  if ((tp.flags & TF_ECN) !== 0) ecnInput(tcp, tp, flow, th.flags);
  synchronized(tcp, tp, m, flow);
}

/** RFC 3168 6.1.3: a mark is echoed until the peer says that he has slowed down. */
function ecnInput(tcp: Tcp, tp: Tcpcb, flow: Flow, flags: number): void {
  if ((flags & TH_CWR) !== 0) tp.flags &= ~TF_ECE;
  if ((flow.tos & ECN_MASK) !== ECN_CE || (flags & TH_SYN) !== 0) return;
  tcp.stats.ecnce++;
  tp.flags |= TF_ECE;
}

// -- the short way

/**
 * The segment that was to be expected: in order, of an established connection, with nothing special about it (Van Jacobson's header prediction). It may
 * acknowledge, and carry data. False: it is not of this kind, and nothing has been done.
 */
function predicted(tcp: Tcp, tp: Tcpcb, m: Mbuf, flow: Flow): boolean {
  const { th, opt } = tcp;
  if ((th.flags & SHORT_FLAGS) !== TH_ACK || th.seq !== tp.rcvNxt || th.win << tp.sndScale !== tp.sndWnd || tp.sndWnd === 0) return false;
  if (opt.sackCount > 0 || tp.caState !== CA_OPEN || tp.sackedBytes > 0 || tp.reassHead !== undefined || tp.dupacks > 0) return false;
  if (tp.tlpOut || opt.tfoLen >= 0 || (tp.flags & TF_WANTOOB) !== 0 || ((tp.flags & TF_ECN) !== 0 && (flow.tos & ECN_MASK) === ECN_CE)) return false;
  const len = m.pktlen - th.hdrLen;
  const moved = (th.ack - tp.sndUna) | 0;
  if (moved < 0 || ((tp.sndNxt - th.ack) | 0) < 0) return false;
  if (len === 0 ? moved === 0 : len > ((tp.rcvAdv - tp.rcvNxt) | 0)) return false;
  if ((tp.flags & TF_TSTMP) !== 0) {
    if (!opt.hasTs || ((opt.tsVal - tp.tsRecent) | 0) < 0) return false;
    if (seqLe(th.seq, tp.lastAckSent)) {
      tp.tsRecent = opt.tsVal;
      tp.tsRecentSec = tcp.nowSec;
    }
  }
  tcp.stats.rcvfast++;
  tp.rcvTimeMs = tcp.nowMs;
  if (tp.keepProbes > 0) keepAnswered(tcp, tp);
  if (moved > 0) {
    ackAdvance(tcp, tp, th.ack);
    tp.sndWl2 = th.ack;
  }
  tp.sndWl1 = th.seq;
  if (len > 0) inOrder(tcp, tp, strip(tcp.mbufs, m, th.hdrLen), len);
  else tcp.mbufs.free(m);
  if ((tp.flags & TF_ACKNOW) !== 0 || moved > 0) tcpOutput(tcp, tp);
  return true;
}

/** The packet without the header at its front, and without an mbuf that has nothing else. */
export function strip(mbufs: Mbufs, m: Mbuf, hdrLen: number): Mbuf {
  const { next } = m;
  if (m.len !== hdrLen || next === undefined) {
    mbufs.adj(m, hdrLen);
    return m;
  }
  next.pktlen = m.pktlen - hdrLen;
  next.flags = 0;
  mbufs.freeOne(m);
  return next;
}

/** The next `len` bytes have come: they are the program's, and an acknowledgment is owed. Owns `m`. */
export function inOrder(tcp: Tcp, tp: Tcpcb, m: Mbuf, len: number): void {
  const so = tp.so!;
  const { rcv } = so;
  tcp.stats.rcvpack++;
  tcp.stats.rcvbyte += len;
  tp.rcvNxt = (tp.rcvNxt + len) | 0;
  tp.unackedIn += len;
  if (tp.extras !== undefined && tp.extras.rsackCount > 0) sackAdvance(tp);
  if (tcp.conf.recvbufAuto) tuneReceive(tcp, tp);
  rcv.appendstream(m);
  // RFC 9293 3.8.6.3: every second full segment at least.
  if (tp.unackedIn >= 2 * tp.mss) tp.flags |= TF_ACKNOW;
  else if ((tp.flags & (TF_DELACK | TF_ACKNOW)) === 0) {
    tp.flags |= TF_DELACK;
    tcp.timers.delack(tp, tcp.conf.delackMs);
  }
  sorwakeup(so);
}

/** More than half of the buffer in a round trip: the buffer is what holds the peer back, and grows. */
function tuneReceive(tcp: Tcp, tp: Tcpcb): void {
  const { rcv } = tp.so!;
  const got = (tp.rcvNxt - tp.rbufSeq) | 0;
  if (got < rcv.hiwat >> 1) return;
  const rttMs = (tp.srttUs / 1000) | 0;
  if (((tcp.nowMs - tp.rbufMs) | 0) <= 2 * rttMs + 1) grow(rcv, 2 * rcv.hiwat, tcp.conf.recvbufMax);
  tp.rbufSeq = tp.rcvNxt;
  tp.rbufMs = tcp.nowMs;
}

// -- nobody's, or a listener's

/** A segment that no connection has: a listener's, or nobody's. Owns `m`. */
export function unconnected(tcp: Tcp, m: Mbuf, flow: Flow): void {
  const { mbufs } = tcp;
  const inp = flow.toMany ? undefined : tcp.table.lookupBound(flow, flow.family.bit);
  if (inp === undefined || (inp.ppcb as Tcpcb).state !== TCPS_LISTEN) {
    refuse(tcp, flow, m.pktlen - tcp.th.hdrLen);
    mbufs.free(m);
    return;
  }
  if (inp.minTtl > flow.ttl) {
    mbufs.free(m);
    return;
  }
  listening(tcp, inp, m, flow);
}

/** RFC 9293 3.10.7.2. */
function listening(tcp: Tcp, inp: Inpcb, m: Mbuf, flow: Flow): void {
  const { th, mbufs, syncache } = tcp;
  const tlen = m.pktlen - th.hdrLen;
  if ((th.flags & TH_RST) !== 0) syncache.reset(flow);
  else if ((th.flags & TH_ACK) !== 0) {
    const tp = (th.flags & TH_SYN) === 0 ? syncache.expand(inp, flow) : undefined;
    if (tp !== undefined) {
      synchronized(tcp, tp, m, flow);
      return;
    }
    // Somebody with a cookie whose acknowledgment was lost may be farther on: what he sends again is good, and a reset would end his connection.
    if (!syncache.refused && !syncache.cookiesOut) refuse(tcp, flow, tlen);
  } else if ((th.flags & TH_SYN) !== 0) {
    if ((th.flags & TH_FIN) !== 0) tcp.stats.badsyn++;
    else if (syncache.add(inp, m, flow)) return;
  }
  mbufs.free(m);
}

/** RFC 9293 3.10.7.1: a segment for nobody is answered with a reset, unless it is one, or was for many. */
function refuse(tcp: Tcp, flow: Flow, tlen: number): void {
  const { th } = tcp;
  tcp.stats.noport++;
  if ((th.flags & TH_RST) !== 0 || flow.toMany || !tcp.mayReset()) return;
  if ((th.flags & TH_ACK) !== 0) {
    respond(tcp, flow.family, flow, th.ack, 0, TH_RST, 0, false);
    return;
  }
  const len = tlen + ((th.flags & TH_SYN) !== 0 ? 1 : 0) + ((th.flags & TH_FIN) !== 0 ? 1 : 0);
  respond(tcp, flow.family, flow, 0, (th.seq + len) | 0, TH_RST | TH_ACK, 0, false);
}
