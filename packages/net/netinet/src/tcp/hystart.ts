/**
 * HyStart++ (RFC 9406): the first slow start ends when round trips grow, before the queue on the way is full. Rounds are of a window of data each; when the
 * least round trip of one is clearly above that of the round before, the window grows more slowly for a while (conservative slow start), and if it was no
 * mistake, slow start is over.
 */
import type { Tcp } from './tcp.js';
import { seqGe } from '@anykernel/lib-wire';
import type { Tcpcb } from './tcpcb.js';

/** RFC 9406 4.3, in microseconds and counts. */
const MIN_RTT_THRESH_US = 4000;
const MAX_RTT_THRESH_US = 16_000;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;
/** Segments of one acknowledgment that count, as nothing paces. */
const L = 8;
/** What `ssthresh` is before anything was lost. */
const SSTHRESH_NONE = 0x3fff_ffff;

/** Of the first slow start. Round trips in microseconds, Infinity: none. */
export class HyStart {
  /** The end of the present round. */
  windowEnd: number;
  lastMinUs = Infinity;
  minUs = Infinity;
  samples = 0;
  /** In conservative slow start: what the round trip was when it began, and rounds of it so far. */
  css = false;
  baselineUs = Infinity;
  cssRounds = 0;

  constructor(windowEnd: number) {
    this.windowEnd = windowEnd;
  }
}

/** Whether it is the first slow start, which this is for (RFC 9406 4.3). */
export function hyApplies(tcp: Tcp, tp: Tcpcb): boolean {
  return tp.ssthresh === SSTHRESH_NONE && tcp.conf.hystart;
}

/** A round trip was measured. */
export function hySample(hy: HyStart, us: number): void {
  if (us < hy.minUs) hy.minUs = us;
  hy.samples++;
}

/** `acked` bytes were acknowledged in slow start: the window grows (RFC 9406 4.2). */
export function hyAck(tp: Tcpcb, acked: number): void {
  const hy = (tp.hystart ??= new HyStart(tp.sndNxt));
  const most = L * tp.mss;
  const some = acked < most ? acked : most;
  tp.cwnd += hy.css ? (some / CSS_GROWTH_DIVISOR) | 0 : some;
  if (hy.samples >= N_RTT_SAMPLE) look(hy);
  if (!seqGe(tp.sndUna, hy.windowEnd)) return;
  if (hy.css && ++hy.cssRounds >= CSS_ROUNDS) {
    tp.ssthresh = tp.cwnd;
    tp.hystart = undefined;
    return;
  }
  hy.windowEnd = tp.sndNxt;
  hy.lastMinUs = hy.minUs;
  hy.minUs = Infinity;
  hy.samples = 0;
}

/** Round trips have grown: conservative slow start. They have shrunk again: it was a mistake. */
function look(hy: HyStart): void {
  if (hy.css) {
    if (hy.minUs >= hy.baselineUs) return;
    hy.css = false;
    hy.baselineUs = Infinity;
    return;
  }
  if (hy.lastMinUs === Infinity) return;
  const part = hy.lastMinUs / MIN_RTT_DIVISOR;
  const least = part < MAX_RTT_THRESH_US ? part : MAX_RTT_THRESH_US;
  if (hy.minUs < hy.lastMinUs + (least > MIN_RTT_THRESH_US ? least : MIN_RTT_THRESH_US)) return;
  hy.css = true;
  hy.baselineUs = hy.minUs;
  hy.cssRounds = 0;
}
