/** Round trips and the retransmission timeout (RFC 6298), and the least of the round trips. */
import { hySample } from './hystart.js';
import type { Tcp } from './tcp.js';
import type { Tcpcb } from './tcpcb.js';

/** Milliseconds: the first timeout, before anything was measured (RFC 6298 2.1). */
export const RTO_INITIAL_MS = 1000;
/** And the one after a handshake that could not be measured, as a SYN was sent again (RFC 6298 5.7). */
export const RTO_UNMEASURED_MS = 3000;
const RTO_MAX_MS = 64_000;

/** A round trip of `us` microseconds was measured (RFC 6298 2.2, 2.3). */
export function rttSample(tcp: Tcp, tp: Tcpcb, us: number): void {
  const rtt = us > 0 ? us : 1;
  if (tp.srttUs === 0) {
    tp.srttUs = rtt;
    tp.rttvarUs = rtt >>> 1;
  } else {
    const delta = rtt - tp.srttUs;
    tp.rttvarUs += ((delta < 0 ? -delta : delta) - tp.rttvarUs) >> 2;
    tp.srttUs += delta >> 3;
    if (tp.srttUs <= 0) tp.srttUs = 1;
  }
  if (tp.minRttUs === 0 || rtt < tp.minRttUs) tp.minRttUs = rtt;
  if (tp.hystart !== undefined) hySample(tp.hystart, rtt);
  setRto(tcp, tp);
}

/**
 * RFC 6298 2.3: SRTT + max(G, 4 * RTTVAR), within the bounds. The least time is beside the round trip, not instead of it: however even a path is, an
 * acknowledgment may be delayed, and a loss take another round trip to be repaired.
 */
function setRto(tcp: Tcp, tp: Tcpcb): void {
  const spread = 4 * tp.rttvarUs;
  const least = 1000 * tcp.conf.rtoMinMs;
  const ms = ((tp.srttUs + (spread > least ? spread : least) + 999) / 1000) | 0;
  tp.rtoMs = ms < RTO_MAX_MS ? ms : RTO_MAX_MS;
  tp.backoff = 0;
}

/** RFC 6298 5.5: the timeout, doubled with each that was not answered. */
export function backedOff(tp: Tcpcb): number {
  const shift = tp.backoff < 10 ? tp.backoff : 10;
  const ms = tp.rtoMs << shift;
  return ms < RTO_MAX_MS ? ms : RTO_MAX_MS;
}
