/**
 * The records of what is in flight: a list of segments, in order, each with the time when it was last sent, and what became of it.
 *
 * It is the scoreboard of selective acknowledgment (RFC 6675) and what RACK looks at (RFC 8985). A record is of one segment as it was given to the
 * network, large ones too; it is cut where a block begins or ends in it. The bytes themselves stay in the socket's buffer.
 */
import { seqGe, seqGt, seqLe, seqLt } from '@anykernel/lib-wire';
import type { Tcpcb } from './tcpcb.js';

/** Selectively acknowledged; found lost; sent again, and in flight; was ever sent again. */
export const SR_SACKED = 1;
export const SR_LOST = 2;
export const SR_RETRANS = 4;
export const SR_EVER = 8;

export class Segrec {
  seq = 0;
  end = 0;
  /** When it was last sent. */
  xmitUs = 0;
  /** SR_*. */
  flags = 0;
  next: Segrec | undefined = undefined;
  prev: Segrec | undefined = undefined;
}

/** The records of a kernel that are not in use. */
export class SegrecPool {
  #free: Segrec | undefined;
  #count = 0;

  get(): Segrec {
    const r = this.#free;
    if (r === undefined) return new Segrec();
    this.#free = r.next;
    this.#count--;
    r.next = undefined;
    return r;
  }

  put(r: Segrec): void {
    r.prev = undefined;
    if (this.#count >= POOL_MAX) return;
    r.next = this.#free;
    this.#free = r;
    this.#count++;
  }
}

/** Microseconds by which times may be ahead; more: the clock has come round. */
const AHEAD_MAX = 1_000_000;
const POOL_MAX = 1024;
/** Records beyond twice the segments in flight. */
const SPLITS_MAX = 64;

/** Bytes that a record counts as lost. */
function lostOf(r: Segrec): number {
  return (r.flags & (SR_LOST | SR_RETRANS | SR_SACKED)) === SR_LOST ? (r.end - r.seq) | 0 : 0;
}

/**
 * When a segment goes. RACK takes what has one time to have gone in the order of its numbers: what is sent again behind new data, or new data behind that, in
 * one moment, as many acknowledgments at once lead to it, has a later one.
 */
function xmitTime(tp: Tcpcb, nowUs: number, again: boolean): number {
  const ahead = (tp.xmitUs - nowUs) | 0;
  if (ahead < 0 || ahead > AHEAD_MAX) tp.xmitUs = nowUs;
  else if (again !== tp.xmitAgain) tp.xmitUs = (tp.xmitUs + 1) | 0;
  tp.xmitAgain = again;
  return tp.xmitUs;
}

/** New data was sent: `seq` is where the queue ends. */
export function recAppend(pool: SegrecPool, tp: Tcpcb, seq: number, end: number, nowUs: number): void {
  const r = pool.get();
  r.seq = seq;
  r.end = end;
  r.xmitUs = xmitTime(tp, nowUs, false);
  r.flags = 0;
  r.prev = tp.recTail;
  if (tp.recTail === undefined) tp.recHead = r;
  else tp.recTail.next = r;
  tp.recTail = r;
  tp.recCount++;
}

/** Takes out the first record. */
export function recPop(pool: SegrecPool, tp: Tcpcb): void {
  const r = tp.recHead!;
  if ((r.flags & SR_SACKED) !== 0) tp.sackedBytes -= (r.end - r.seq) | 0;
  else tp.lostBytes -= lostOf(r);
  tp.recHead = r.next;
  if (r.next === undefined) tp.recTail = undefined;
  else r.next.prev = undefined;
  tp.recCount--;
  pool.put(r);
}

/** The first record begins at `seq` from now on: the bytes before it were acknowledged. */
export function recAdvance(tp: Tcpcb, seq: number): void {
  const r = tp.recHead!;
  const some = (seq - r.seq) | 0;
  if ((r.flags & SR_SACKED) !== 0) tp.sackedBytes -= some;
  else if (lostOf(r) > 0) tp.lostBytes -= some;
  r.seq = seq;
}

export function recClear(pool: SegrecPool, tp: Tcpcb): void {
  while (tp.recHead !== undefined) recPop(pool, tp);
  tp.sackedBytes = tp.lostBytes = 0;
}

/** Cuts a record in two at `seq`, inside of it. Returns the second one. */
export function recSplit(pool: SegrecPool, tp: Tcpcb, r: Segrec, seq: number): Segrec {
  const n = pool.get();
  n.seq = seq;
  n.end = r.end;
  n.xmitUs = r.xmitUs;
  n.flags = r.flags;
  n.prev = r;
  n.next = r.next;
  if (r.next === undefined) tp.recTail = n;
  else r.next.prev = n;
  r.next = n;
  r.end = seq;
  tp.recCount++;
  return n;
}

function recSacked(tp: Tcpcb, r: Segrec): void {
  tp.lostBytes -= lostOf(r);
  r.flags |= SR_SACKED;
  tp.sackedBytes += (r.end - r.seq) | 0;
}

/** It is lost, also if it was sent again. */
export function recLost(tp: Tcpcb, r: Segrec): void {
  if ((r.flags & SR_SACKED) !== 0 || lostOf(r) > 0) return;
  r.flags = (r.flags | SR_LOST) & ~SR_RETRANS;
  tp.lostBytes += (r.end - r.seq) | 0;
}

/** It has been sent again. */
export function recResent(tp: Tcpcb, r: Segrec, nowUs: number): void {
  tp.lostBytes -= lostOf(r);
  r.flags |= SR_RETRANS | SR_EVER;
  r.xmitUs = xmitTime(tp, nowUs, true);
}

/** Nothing is lost after all: it was a mistake (a smaller MTU, a spurious timeout). */
export function recNotLost(tp: Tcpcb): void {
  for (let r = tp.recHead; r !== undefined; r = r.next) {
    tp.lostBytes -= lostOf(r);
    r.flags &= ~SR_LOST;
  }
}

/** Everything in flight is lost; what was selectively acknowledged may have been thrown away (RFC 2018 8, RFC 6675 5.1). */
export function recAllLost(tp: Tcpcb): void {
  tp.sackedBytes = tp.lostBytes = 0;
  for (let r = tp.recHead; r !== undefined; r = r.next) {
    r.flags = (r.flags & SR_EVER) | SR_LOST;
    tp.lostBytes += (r.end - r.seq) | 0;
  }
}

/** The first record that is lost and has not been sent again. */
export function recNextLost(tp: Tcpcb): Segrec | undefined {
  if (tp.lostBytes === 0) return undefined;
  for (let r = tp.recHead; r !== undefined; r = r.next) if (lostOf(r) > 0) return r;
  return undefined;
}

/** The first record below one that was selectively acknowledged which was neither that, nor found lost, nor ever sent again (RFC 6675 4, NextSeg (3)). */
export function recNextHole(tp: Tcpcb): Segrec | undefined {
  let hole: Segrec | undefined;
  for (let r = tp.recTail; r !== undefined; r = r.prev) {
    if ((r.flags & SR_SACKED) === 0) continue;
    for (r = r.prev; r !== undefined; r = r.prev) if ((r.flags & (SR_SACKED | SR_LOST | SR_EVER)) === 0) hole = r;
    break;
  }
  return hole;
}

/** The last record that is not selectively acknowledged. */
export function recLastUnsacked(tp: Tcpcb): Segrec | undefined {
  for (let r = tp.recTail; r !== undefined; r = r.prev) if ((r.flags & SR_SACKED) === 0) return r;
  return undefined;
}

/**
 * One block of selective acknowledgment, which lies within what is in flight. `seen` is called for each record that is now acknowledged and was not.
 * Blocks begin and end anywhere: records are cut, unless there are far more of them than segments, as only somebody with bad intentions makes them.
 */
export function recBlock(pool: SegrecPool, tp: Tcpcb, start: number, end: number, seen: (tp: Tcpcb, r: Segrec) => void): void {
  const most = 2 * ((tp.inFlight / tp.emss) | 0) + SPLITS_MAX;
  // What is acknowledged is mostly at the end.
  let r = tp.recTail;
  while (r !== undefined && seqGt(r.seq, start)) r = r.prev;
  r ??= tp.recHead;
  for (; r !== undefined && seqLt(r.seq, end); r = r.next) {
    if (seqLe(r.end, start) || (r.flags & SR_SACKED) !== 0) continue;
    if ((seqLt(r.seq, start) || seqGt(r.end, end)) && tp.recCount > most) continue;
    if (seqLt(r.seq, start)) r = recSplit(pool, tp, r, start);
    if (seqGt(r.end, end)) recSplit(pool, tp, r, end);
    seen(tp, r);
    recSacked(tp, r);
  }
}

/** Whether more than `count` segments' worth of bytes, or of separate blocks, above `r` were selectively acknowledged (RFC 6675 4, IsLost). */
export function recIsLost(tp: Tcpcb, r: Segrec, count: number): boolean {
  let bytes = 0;
  let blocks = 0;
  let last = r.end;
  let before = false;
  for (let n = r.next; n !== undefined; n = n.next) {
    if ((n.flags & SR_SACKED) !== 0) {
      if (!before || n.seq !== last) blocks++;
      bytes += (n.end - n.seq) | 0;
      before = true;
      last = n.end;
    } else before = false;
    if (blocks >= count || bytes > (count - 1) * tp.mss) return true;
  }
  return false;
}

/** Whether the block lies within what is in flight, and is one. */
export function blockValid(tp: Tcpcb, start: number, end: number): boolean {
  return seqLt(start, end) && seqGe(start, tp.sndUna) && seqLe(end, tp.sndNxt) && seqGt(end, tp.sndUna);
}
