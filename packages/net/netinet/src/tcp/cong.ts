/**
 * Congestion control: what a connection asks of the algorithm of its choice. Windows are bytes.
 *
 * Loss recovery (recovery.ts) decides when the window is reduced, and how it comes back; the algorithm how far, and how it grows.
 */
import { hyAck, hyApplies } from './hystart.js';
import type { Tcp } from './tcp.js';
import type { Tcpcb } from './tcpcb.js';

export interface CongCtl {
  readonly name: string;
  /** `acked` bytes were acknowledged outside of recovery, and the window was in use: it grows. */
  ack(tcp: Tcp, tp: Tcpcb, acked: number): void;
  /** The new slow start threshold after a loss, or a mark of congestion (ECN). */
  reduce(tcp: Tcp, tp: Tcpcb, timeout: boolean): number;
  /** The reduction for a timeout was not needed: what it changed beside the windows is as it was. */
  undo(tp: Tcpcb): void;
  /** Nothing was sent for `idleMs`, more than a retransmission timeout. */
  idle(tcp: Tcp, tp: Tcpcb, idleMs: number): void;
}

/** The window to begin with (RFC 6928): ten segments of usual size. */
export function initialWindow(mss: number): number {
  return 10 * mss;
}

/** The window after a loss of everything, and after a long pause (RFC 5681 4.1). */
export function restartWindow(tp: Tcpcb): number {
  const initial = initialWindow(tp.mss);
  return initial < tp.cwnd ? initial : tp.cwnd;
}

/**
 * Slow start (RFC 5681 3.1, RFC 3465): what was acknowledged is added, after a timeout one segment at a time; the first one by HyStart++. Returns what is left
 * for congestion avoidance.
 */
export function slowStart(tcp: Tcp, tp: Tcpcb, acked: number, careful: boolean): number {
  if (hyApplies(tcp, tp)) {
    hyAck(tp, acked);
    return 0;
  }
  const most = careful && acked > tp.mss ? tp.mss : acked;
  const room = tp.ssthresh - tp.cwnd;
  const some = most < room ? most : room;
  tp.cwnd += some;
  return acked - some;
}
