/**
 * Proportional rate reduction (RFC 6937, with the safe acknowledgments of RFC 9937): while a loss is recovered, what is sent follows what arrives, so that the
 * window shrinks evenly to its new size instead of stopping for half a round trip, and does not burst when more was lost than that.
 */
import type { Tcpcb } from './tcpcb.js';

/** Of one recovery; all in bytes. */
export class Prr {
  delivered = 0;
  out = 0;

  constructor(
    /** What was in flight when it began. */
    public recoverFs: number,
  ) {}
}

const { ceil, max, min } = Math;

/** Recovery has begun. What the acknowledgment that showed the loss delivered is counted by prrAck(). */
export function prrBegin(tp: Tcpcb): void {
  tp.prr = new Prr(max(tp.inFlight - tp.sackedBytes, 1));
}

/**
 * An acknowledgment in recovery: `delivered` bytes have arrived. `begun`: it is the one that showed the loss. `safe`: it moved forward, and showed no
 * further loss, so that a little more than what arrived may go.
 */
export function prrAck(tp: Tcpcb, prr: Prr, delivered: number, begun: boolean, safe: boolean): void {
  if (begun) prr.recoverFs += delivered;
  else if (delivered === 0) return;
  prr.delivered += delivered;
  const { pipe, ssthresh } = tp;
  let count: number;
  if (pipe > ssthresh) count = ceil((prr.delivered * ssthresh) / prr.recoverFs) - prr.out;
  else {
    count = max(prr.delivered - prr.out, delivered);
    if (safe) count += tp.mss;
    count = min(ssthresh - pipe, count);
  }
  if (prr.out === 0 && count <= 0) count = tp.mss;
  tp.cwnd = pipe + max(count, 0);
}
