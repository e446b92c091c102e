/**
 * Segments that came too early, until what is before them has come (RFC 9293 3.10.7.4, seventh step).
 *
 * They are packets without their headers, in order of their sequence numbers, which do not overlap: the sequence number is in `csumStart`, a FIN is
 * M_PROTO1. What was there first stays, as the bytes are the same unless somebody interferes.
 */
import { seqGt, seqLe, seqLt } from '@anykernel/lib-wire';
import { CSUM_NONE, GSO_NONE, M_PROTO1, MCLBYTES, type Mbuf, MSIZE } from '@anykernel/rumpnet';
import { sackAdvance, sackArrived, sackDuplicate } from './sackout.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_SACK } from './tcpcb.js';

/** What a segment occupies, however few bytes it has: they have no more memory than the receive buffer. */
const SEGMENT_MEMORY: number = MCLBYTES + MSIZE;

/** A FIN follows the bytes. */
export const M_FIN: number = M_PROTO1;

function endOf(m: Mbuf): number {
  return (m.csumStart + m.pktlen) | 0;
}

/**
 * Puts bytes into the queue: `m` has `m.pktlen` of them from `seq` on, inside the window; `fin`: and the end. Owns `m`. False: it was dropped, as the queue
 * is full, or has what memory there is for the connection.
 */
export function reassInsert(tcp: Tcp, tp: Tcpcb, m: Mbuf, seq: number, fin: boolean): boolean {
  const { mbufs, stats } = tcp;
  if (seq !== tp.rcvNxt && (tp.reassCount >= tcp.conf.reassMax || (tp.reassCount + 1) * SEGMENT_MEMORY > tp.so!.rcv.mbmax)) {
    stats.reassdrop++;
    mbufs.free(m);
    return false;
  }
  m.csum = CSUM_NONE;
  m.gsoType = GSO_NONE;
  m.flags = fin ? M_FIN : 0;
  m.csumStart = seq;
  stats.rcvoopack++;
  stats.rcvoobyte += m.pktlen;
  const last = (seq + m.pktlen) | 0;
  const prev = before(tp, seq);
  if (prev !== undefined && seqGt(endOf(prev), seq) && !trimFront(tcp, tp, m, endOf(prev))) return true;
  if ((tp.flags & TF_SACK) !== 0 && m.pktlen > 0) sackArrived(tp, m.csumStart, last);
  link(tcp, tp, m, prev);
  return true;
}

/** The last segment of the queue that does not begin behind `seq`. */
function before(tp: Tcpcb, seq: number): Mbuf | undefined {
  let prev: Mbuf | undefined;
  for (let m = tp.reassHead; m !== undefined && seqLe(m.csumStart, seq); m = m.nextpkt) prev = m;
  return prev;
}

/** Cuts off what has come before `edge`. False: that was all of it. */
function trimFront(tcp: Tcp, tp: Tcpcb, m: Mbuf, edge: number): boolean {
  const dup = (edge - m.csumStart) | 0;
  const end = endOf(m);
  if ((tp.flags & TF_SACK) !== 0) sackDuplicate(tp, m.csumStart, seqLt(edge, end) ? edge : end);
  if (dup >= m.pktlen && (m.flags & M_FIN) === 0) {
    tcp.stats.rcvduppack++;
    tcp.stats.rcvdupbyte += m.pktlen;
    tcp.mbufs.free(m);
    return false;
  }
  tcp.mbufs.adj(m, dup);
  m.csumStart = (m.csumStart + dup) | 0;
  return true;
}

/** Puts `m` behind `prev`, and takes out or cuts what it covers. */
function link(tcp: Tcp, tp: Tcpcb, m: Mbuf, prev: Mbuf | undefined): void {
  const { mbufs } = tcp;
  const end = endOf(m);
  let next = prev === undefined ? tp.reassHead : prev.nextpkt;
  while (next !== undefined && seqLe(endOf(next), end)) {
    m.flags |= endOf(next) === end ? next.flags & M_FIN : 0;
    const after: Mbuf | undefined = next.nextpkt;
    next.nextpkt = undefined;
    mbufs.free(next);
    tp.reassCount--;
    next = after;
  }
  if (next !== undefined && seqLt(next.csumStart, end)) mbufs.trim(m, (next.csumStart - m.csumStart) | 0);
  m.nextpkt = next;
  if (prev === undefined) tp.reassHead = m;
  else prev.nextpkt = m;
  tp.reassCount++;
}

/**
 * Takes out what is in order now: the next packet of bytes at rcvNxt, which moves on, or undefined. Its flags tell of a FIN.
 */
export function reassNext(tcp: Tcp, tp: Tcpcb): Mbuf | undefined {
  const m = tp.reassHead;
  if (m === undefined || seqGt(m.csumStart, tp.rcvNxt)) return undefined;
  tp.reassHead = m.nextpkt;
  m.nextpkt = undefined;
  tp.reassCount--;
  const dup = (tp.rcvNxt - m.csumStart) | 0;
  if (dup > 0) tcp.mbufs.adj(m, dup);
  tp.rcvNxt = (tp.rcvNxt + m.pktlen) | 0;
  sackAdvance(tp);
  return m;
}

/** Everything is dropped. */
export function reassFlush(tcp: Tcp, tp: Tcpcb): void {
  for (let m = tp.reassHead; m !== undefined; ) {
    const next: Mbuf | undefined = m.nextpkt;
    m.nextpkt = undefined;
    tcp.mbufs.free(m);
    m = next;
  }
  tp.reassHead = undefined;
  tp.reassCount = 0;
  if (tp.extras !== undefined) tp.extras.rsackCount = 0;
}
