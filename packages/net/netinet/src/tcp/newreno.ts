/** NewReno: additive increase, multiplicative decrease (RFC 5681; RFC 6582 is in recovery.ts). */
import { type CongCtl, restartWindow, slowStart } from './cong.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_AFTERRTO } from './tcpcb.js';

const CWND_MAX = 0x3fff_ffff;

export const NEWRENO: CongCtl = {
  name: 'newreno',

  ack(tcp: Tcp, tp: Tcpcb, acked: number): void {
    let left = acked;
    if (tp.cwnd < tp.ssthresh) {
      left = slowStart(tcp, tp, acked, (tp.flags & TF_AFTERRTO) !== 0);
      if (tp.cwnd < tp.ssthresh || left <= 0) return;
    }
    renoIncrease(tp, left);
  },

  reduce(_tcp: Tcp, tp: Tcpcb): number {
    return halfFlight(tp);
  },

  undo(): void {
    // It has nothing but the windows.
  },

  idle(_tcp: Tcp, tp: Tcpcb): void {
    tp.cwnd = restartWindow(tp);
  },
};

/** RFC 5681 3.1: a segment for each window of acknowledged bytes. */
function renoIncrease(tp: Tcpcb, acked: number): void {
  tp.ackedBytes += acked;
  if (tp.ackedBytes < tp.cwnd) return;
  tp.ackedBytes -= tp.cwnd;
  if (tp.ackedBytes > tp.cwnd) tp.ackedBytes = 0;
  if (tp.cwnd < CWND_MAX) tp.cwnd += tp.mss;
}

/** RFC 5681, equation 4: half of what is in flight, at least two segments. */
function halfFlight(tp: Tcpcb): number {
  const flight = tp.inFlight;
  const half = (flight < tp.cwnd ? flight : tp.cwnd) >>> 1;
  return half > 2 * tp.mss ? half : 2 * tp.mss;
}
