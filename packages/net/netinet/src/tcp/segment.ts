/**
 * Making segments and sending them: the header, its options, the bytes of the socket's buffer by reference.
 *
 * Checksums are left to whom they are due (CSUM_PARTIAL): the interface completes them, or nobody where the wire is memory.
 */
import { putU16be, putU32be } from '@anykernel/lib-bytes';
import { ERR, IPPROTO_TCP, SO_DONTROUTE, TCPS_SYN_SENT } from '@anykernel/lib-sys';
import {
  ECN_ECT0,
  emitTcpOptions,
  emitTimestamps,
  seqGt,
  TCP_HDR_LEN,
  TCPOLEN_TSTAMP_APPA,
  TH_ACK,
  TH_CWR,
  TH_ECE,
  TH_RST,
  TH_SYN,
  TH_URG,
} from '@anykernel/lib-wire';
import { CSUM_PARTIAL, GSO_NONE, type Mbuf } from '@anykernel/rumpnet';
import type { Family, SendArgs } from '../family.js';
import type { Ends } from '../flow.js';
import { reportBlocks } from './sackout.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_ACKNOW, TF_BLACKHOLE, TF_CWR, TF_DELACK, TF_ECE, TF_ECN, TF_TSTMP, TIMER_DELACK } from './tcpcb.js';

/** Room for the headers below: IPv6 and Ethernet. */
const HEADROOM = 64;
const TCP_MAXWIN = 65_535;
/** Where the checksum stands. */
const CSUM_OFF = 16;

/**
 * Sends `len` bytes from `off` of the socket's buffer, as sequence numbers from `seq` on, with `flags` (TH_*; FIN counts behind the data). `fresh`: it was
 * never sent before. What is owed (acknowledgment, window, echo of congestion) goes with it. Returns an errno, 0: sent.
 */
export function sendSegment(tcp: Tcp, tp: Tcpcb, seq: number, off: number, len: number, flags: number, fresh: boolean): number {
  const { mbufs } = tcp;
  const extras = tp.extras;
  const blocks = extras !== undefined && (extras.rsackCount > 0 || extras.dsackStart !== extras.dsackEnd);
  const tstmp = (tp.flags & TF_TSTMP) !== 0 ? TCPOLEN_TSTAMP_APPA : 0;
  const m = mbufs.tryGet(TCP_HDR_LEN + (blocks ? 40 : tstmp), HEADROOM);
  if (m === undefined) return ERR.ENOBUFS.errno;
  let hdrLen = TCP_HDR_LEN + tstmp;
  if (blocks) {
    hdrLen = TCP_HDR_LEN + blockOptions(tcp, tp, m, len > 0 ? tp.mss - len : 40);
    mbufs.adj(m, hdrLen - m.len);
  } else if (tstmp !== 0) putTimestamps(tcp, tp, m);
  if (len > 0) {
    const data = mbufs.copym(tp.so!.snd.head!, off, len);
    if (data === undefined) {
      mbufs.free(m);
      return ERR.ENOBUFS.errno;
    }
    m.next = data;
    m.pktlen += len;
  }
  const { how } = tcp;
  how.tos = tp.inp.tos;
  const all = ecnFlags(tcp, tp, flags, len > 0 && fresh);
  fillHeader(tp, m, seq, hdrLen, all);
  sent(tcp, tp, flags);
  return toNetwork(tcp, tp, m, len, hdrLen);
}

function putTimestamps(tcp: Tcp, tp: Tcpcb, m: Mbuf): void {
  const at = m.off + TCP_HDR_LEN;
  m.buf[at] = m.buf[at + 1] = 1;
  emitTimestamps(m.buf, at + 2, (tcp.nowMs + tp.tsOffset) | 0, tp.tsRecent);
}

/** Options with blocks of selective acknowledgment, as many as fit in `room` bytes beside the data. Returns their length. */
function blockOptions(tcp: Tcp, tp: Tcpcb, m: Mbuf, room: number): number {
  const opt = tcp.outOpt;
  opt.clear();
  if ((tp.flags & TF_TSTMP) !== 0) {
    opt.hasTs = true;
    opt.tsVal = (tcp.nowMs + tp.tsOffset) | 0;
    opt.tsEcr = tp.tsRecent;
  }
  reportBlocks(tp, opt, room - (opt.hasTs ? TCPOLEN_TSTAMP_APPA : 0));
  return emitTcpOptions(opt, m.buf, m.off + TCP_HDR_LEN);
}

/** RFC 3168 6.1: new data is marked as of a transport that understands; an ECE is repeated until a CWR comes; our CWR goes with new data. */
function ecnFlags(tcp: Tcp, tp: Tcpcb, flags: number, newData: boolean): number {
  if ((tp.flags & TF_ECN) === 0 || (flags & TH_RST) !== 0) return flags;
  let all = flags;
  if ((tp.flags & TF_ECE) !== 0) all |= TH_ECE;
  if (!newData) return all;
  tcp.how.tos |= ECN_ECT0;
  tcp.stats.ecnect++;
  if ((tp.flags & TF_CWR) === 0) return all;
  tp.flags &= ~TF_CWR;
  return all | TH_CWR;
}

function fillHeader(tp: Tcpcb, m: Mbuf, seq: number, hdrLen: number, flags: number): void {
  const { inp } = tp;
  const { buf, off } = m;
  putU16be(buf, off, inp.lport);
  putU16be(buf, off + 2, inp.fport);
  putU32be(buf, off + 4, seq);
  putU32be(buf, off + 8, (flags & TH_ACK) !== 0 ? tp.rcvNxt : 0);
  buf[off + 12] = (hdrLen >>> 2) << 4;
  let all = flags;
  let urp = 0;
  if (seqGt(tp.sndUp, seq) && (flags & (TH_SYN | TH_RST)) === 0) {
    const ahead = (tp.sndUp - seq) | 0;
    urp = ahead < 65_535 ? ahead : 65_535;
    all |= TH_URG;
  }
  buf[off + 13] = all;
  putU16be(buf, off + 14, (flags & TH_SYN) !== 0 ? synWindow(tp) : offerWindow(tp));
  putU16be(buf, off + 18, urp);
}

/** What of the buffer we offer: never less than we did before, and nothing rather than little (RFC 9293 3.8.6.2.2). */
export function receiveWindow(tp: Tcpcb): number {
  const so = tp.so!;
  const { rcv } = so;
  let win = rcv.space;
  if (win < rcv.hiwat >> 2 && win < tp.mss) win = 0;
  const offered = (tp.rcvAdv - tp.rcvNxt) | 0;
  if (win < offered) win = offered;
  const most = TCP_MAXWIN << tp.rcvScale;
  return win < most ? win : most;
}

/** The window field, and what is remembered of the offer. */
function offerWindow(tp: Tcpcb): number {
  const field = receiveWindow(tp) >>> tp.rcvScale;
  const edge = (tp.rcvNxt + (field << tp.rcvScale)) | 0;
  tp.rcvWnd = field << tp.rcvScale;
  if (seqGt(edge, tp.rcvAdv)) tp.rcvAdv = edge;
  return field;
}

/** RFC 7323 2.2: the window of a SYN is never scaled. */
function synWindow(tp: Tcpcb): number {
  const space = tp.so!.rcv.space;
  const field = space < TCP_MAXWIN ? space : TCP_MAXWIN;
  tp.rcvWnd = field;
  if (tp.state > TCPS_SYN_SENT) {
    const edge = (tp.rcvNxt + field) | 0;
    if (seqGt(edge, tp.rcvAdv)) tp.rcvAdv = edge;
  }
  return field;
}

/** What was owed has gone. */
function sent(tcp: Tcp, tp: Tcpcb, flags: number): void {
  tcp.stats.sndtotal++;
  if ((flags & TH_ACK) === 0) return;
  tp.lastAckSent = tp.rcvNxt;
  tp.unackedIn = 0;
  if ((tp.flags & (TF_ACKNOW | TF_DELACK)) === 0) return;
  tp.flags &= ~(TF_ACKNOW | TF_DELACK);
  tcp.timers.stop(tp, TIMER_DELACK);
}

function toNetwork(tcp: Tcp, tp: Tcpcb, m: Mbuf, len: number, hdrLen: number): number {
  const { inp } = tp;
  const rt = inp.route();
  if (rt === undefined) {
    tcp.mbufs.free(m);
    return ERR.EHOSTUNREACH.errno;
  }
  const { how } = tcp;
  const so = tp.so;
  how.protocol = IPPROTO_TCP;
  how.ttl = inp.ttl;
  how.dontFragment = ((tp.flags & TF_BLACKHOLE) === 0 || !tp.extras!.probe!.mayCut) && tcp.inet.conf.mtudisc;
  how.dontRoute = so !== undefined && (so.options & SO_DONTROUTE) !== 0;
  how.options = inp.options;
  how.ifindex = inp.scope;
  how.pcb = inp;
  partialChecksum(inp.family, inp, m);
  const segment = tp.mss - (hdrLen - TCP_HDR_LEN);
  if (len > segment) {
    m.gsoType = inp.family.gsoType;
    m.gsoSize = segment;
  } else m.gsoType = GSO_NONE;
  return inp.family.output(m, inp, rt, how);
}

/** The sum of the pseudo header is in place, the rest is whose it may concern. */
function partialChecksum(family: Family, ends: Ends, m: Mbuf): void {
  putU16be(m.buf, m.off + CSUM_OFF, family.pseudo(ends, IPPROTO_TCP, m.pktlen));
  m.csum = CSUM_PARTIAL;
  m.csumStart = 0;
  m.csumOff = CSUM_OFF;
}

/** Sends a SYN, or a SYN with an acknowledgment, whose options are in tcp.outOpt, with `len` bytes of data (RFC 7413). Returns an errno. */
export function sendSyn(tcp: Tcp, tp: Tcpcb, flags: number, cookie: Uint8Array | undefined, len: number): number {
  const { mbufs } = tcp;
  const m = mbufs.tryGet(TCP_HDR_LEN + 40, HEADROOM);
  if (m === undefined) return ERR.ENOBUFS.errno;
  const hdrLen = TCP_HDR_LEN + emitTcpOptions(tcp.outOpt, m.buf, m.off + TCP_HDR_LEN, cookie);
  mbufs.adj(m, hdrLen - m.len);
  if (len > 0) {
    const data = mbufs.copym(tp.so!.snd.head!, 0, len);
    if (data === undefined) {
      mbufs.free(m);
      return ERR.ENOBUFS.errno;
    }
    m.next = data;
    m.pktlen += len;
  }
  tcp.how.tos = tp.inp.tos;
  tcp.stats.sndctrl++;
  fillHeader(tp, m, tp.iss, hdrLen, flags);
  sent(tcp, tp, flags);
  return toNetwork(tcp, tp, m, 0, hdrLen);
}

/**
 * Sends a segment without a connection, or beside it: a reset, or the answer to one for nobody. With `ts` timestamps go along, from tcp.outOpt.
 */
export function respond(
  tcp: Tcp,
  family: Family,
  ends: Ends,
  seq: number,
  ack: number,
  flags: number,
  win: number,
  ts: boolean,
  tos = 0,
): void {
  const hdrLen = TCP_HDR_LEN + (ts ? TCPOLEN_TSTAMP_APPA : 0);
  const m = tcp.mbufs.tryGet(hdrLen, HEADROOM);
  if (m === undefined) return;
  const { buf, off } = m;
  putU16be(buf, off, ends.lport);
  putU16be(buf, off + 2, ends.fport);
  putU32be(buf, off + 4, seq);
  putU32be(buf, off + 8, ack);
  buf[off + 12] = (hdrLen >>> 2) << 4;
  buf[off + 13] = flags;
  putU16be(buf, off + 14, win);
  putU16be(buf, off + 18, 0);
  if (ts) {
    buf[off + 20] = buf[off + 21] = 1;
    emitTimestamps(buf, off + 22, tcp.outOpt.tsVal, tcp.outOpt.tsEcr);
  }
  tcp.stats.sndtotal++;
  if ((flags & TH_RST) !== 0) tcp.stats.sndrst++;
  sendBare(tcp, family, ends, m, tos);
}

/** Answers a SYN, for the cache of SYNs; the options are in tcp.outOpt. */
export function respondSyn(
  tcp: Tcp,
  family: Family,
  ends: Ends,
  seq: number,
  ack: number,
  flags: number,
  win: number,
  cookie: Uint8Array | undefined,
  tos: number,
  ttl: number,
): void {
  const m = tcp.mbufs.tryGet(TCP_HDR_LEN + 40, HEADROOM);
  if (m === undefined) return;
  const { buf, off } = m;
  const hdrLen = TCP_HDR_LEN + emitTcpOptions(tcp.outOpt, buf, off + TCP_HDR_LEN, cookie);
  tcp.mbufs.adj(m, hdrLen - m.len);
  putU16be(buf, off, ends.lport);
  putU16be(buf, off + 2, ends.fport);
  putU32be(buf, off + 4, seq);
  putU32be(buf, off + 8, ack);
  buf[off + 12] = (hdrLen >>> 2) << 4;
  buf[off + 13] = flags;
  putU16be(buf, off + 14, win);
  putU16be(buf, off + 18, 0);
  tcp.stats.sndtotal++;
  tcp.stats.sndctrl++;
  partialChecksum(family, ends, m);
  const how = bareArgs(tcp.how, tcp.inet.conf.mtudisc, tos);
  how.ttl = ttl;
  family.output(m, ends, undefined, how);
}

/** Sends a segment that is complete, but for its checksum, along whatever route there is. */
function sendBare(tcp: Tcp, family: Family, ends: Ends, m: Mbuf, tos: number): void {
  partialChecksum(family, ends, m);
  family.output(m, ends, undefined, bareArgs(tcp.how, tcp.inet.conf.mtudisc, tos));
}

function bareArgs(how: SendArgs, dontFragment: boolean, tos: number): SendArgs {
  how.protocol = IPPROTO_TCP;
  how.tos = tos;
  how.ttl = 0;
  how.dontFragment = dontFragment;
  how.dontRoute = false;
  how.options = undefined;
  how.ifindex = 0;
  how.pcb = undefined;
  return how;
}
