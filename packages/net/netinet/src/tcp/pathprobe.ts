/**
 * Larger segments again, after a path has swallowed them without a word (RFC 4821; RFC 8899 5.3). Where ICMP does not tell how much fits, TCP asks by a segment of
 * data that is larger than the others and must not be cut. If it arrives, all may be as large; if it alone is lost, that says nothing of congestion.
 */
import { seqGe } from '@anykernel/lib-wire';
import { updateMss } from './mss.js';
import type { Segrec } from './sendq.js';
import type { Tcp } from './tcp.js';
import { CA_OPEN, type Tcpcb, TF_BLACKHOLE, TF_SACK } from './tcpcb.js';

/** Bytes within which the largest size is good enough. */
const GRAIN = 16;
/** Probes of one size that may be lost, until it counts as too large. */
const LOST_MAX = 2;
/** Segments that follow a probe, so that its loss is found by them (RFC 4821 7.4). */
const FOLLOWERS = 4;
/** After a loss, and when the search is over (RFC 8899 5.1.1, PMTU_RAISE_TIMER). */
const PAUSE_MS = 1000;
const RAISE_MS = 600_000;

/** The search of one connection; sizes are of segments as `mss` is. */
export class PathProbe {
  /** The probe that is on its way: its first byte, and its size; 0: there is none. */
  seq = 0;
  size = 0;
  /** Probes of the present size that were lost. */
  lost = 0;
  /** When the next one may go. */
  atMs: number;
  /** Nothing has shown how much fits: what is sent may be cut on the way. */
  mayCut = true;

  constructor(
    /** The largest size that arrives: the one in use. */
    public low: number,
    /** The smallest that does not. */
    public high: number,
    nowMs: number,
  ) {
    this.atMs = nowMs;
  }
}

/** What may be sent as a probe now, of `avail` bytes: the size of the segment; 0: nothing. */
export function probeDue(tcp: Tcp, tp: Tcpcb, avail: number): number {
  const probe = tp.extras?.probe;
  if (probe === undefined || probe.size !== 0 || (tp.flags & TF_SACK) === 0 || ((tcp.nowMs - probe.atMs) | 0) < 0) return 0;
  if (tp.caState !== CA_OPEN || tp.sackedBytes > 0 || tp.lostBytes > 0 || tp.rxtshift > 0) return 0;
  const size = nextSize(tcp, tp, probe);
  const need = size + FOLLOWERS * tp.emss;
  const window = (((tp.sndUna + tp.sndWnd) | 0) - tp.sndNxt) | 0;
  return size === 0 || avail < need || window < need || tp.cwnd - tp.pipe < need ? 0 : size;
}

/** The middle of what is not known, or all, where nothing was lost lately; 0: the search is over, until the path may have changed. */
function nextSize(tcp: Tcp, tp: Tcpcb, probe: PathProbe): number {
  const full = fullMss(tcp, tp);
  if (probe.high > full && probe.low < full) return full;
  if (probe.high - probe.low > GRAIN) return (probe.low + probe.high) >> 1;
  // The path may be another one by then.
  probe.high = full + 1;
  probe.atMs = (tcp.nowMs + RAISE_MS) | 0;
  return 0;
}

/** The segment size without what was found here. */
function fullMss(tcp: Tcp, tp: Tcpcb): number {
  const probe = tp.extras!.probe;
  tp.extras!.probe = undefined;
  updateMss(tcp, tp);
  const full = tp.mss;
  tp.extras!.probe = probe;
  updateMss(tcp, tp);
  return full;
}

/** The probe is on its way, or could not be sent. */
export function probeSent(tcp: Tcp, tp: Tcpcb, seq: number, size: number, sent: boolean): void {
  const probe = tp.extras!.probe!;
  if (!sent) {
    probe.atMs = (tcp.nowMs + PAUSE_MS) | 0;
    return;
  }
  tcp.stats.mtuprobe++;
  probe.seq = seq;
  probe.size = size;
}

/** Whether a record that was found lost, or is sent again, is the probe: then congestion has nothing to do with it. */
export function probeLost(tcp: Tcp, tp: Tcpcb, r: Segrec): boolean {
  const probe = tp.extras?.probe;
  if (probe === undefined || probe.size === 0 || r.seq !== probe.seq) return false;
  tcp.stats.mtuprobelost++;
  probeFailed(tcp, probe);
  return true;
}

/** The probe on its way, if there is one, is lost. */
export function probeFailed(tcp: Tcp, probe: PathProbe): void {
  if (probe.size === 0) return;
  if (++probe.lost >= LOST_MAX) {
    probe.high = probe.size;
    probe.lost = 0;
  }
  probe.size = 0;
  probe.atMs = (tcp.nowMs + PAUSE_MS) | 0;
}

/** Acknowledgments have moved: whether the probe has arrived. */
export function probeArrived(tcp: Tcp, tp: Tcpcb): void {
  const probe = tp.extras?.probe;
  if (probe === undefined || probe.size === 0 || !seqGe(tp.sndUna, (probe.seq + 1) | 0)) return;
  probe.low = probe.size;
  probe.mayCut = false;
  probe.size = probe.lost = 0;
  if (probe.low >= fullMss(tcp, tp)) leaveBlackHole(tcp, tp);
  else updateMss(tcp, tp);
}

/** The path takes all again, or it was not the size. */
export function leaveBlackHole(tcp: Tcp, tp: Tcpcb): void {
  tp.extras!.probe = undefined;
  tp.flags &= ~TF_BLACKHOLE;
  updateMss(tcp, tp);
}
