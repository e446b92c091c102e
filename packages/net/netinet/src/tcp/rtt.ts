/** Round trips and the retransmission timeout (RFC 6298), and the least of the round trips. */
import { hySample } from './hystart.js';
import type { Tcp } from './tcp.js';
import type { Tcpcb } from './tcpcb.js';

/** Milliseconds: the first timeout, before anything was measured (RFC 6298 2.1). */
export const RTO_INITIAL_MS = 1000;
/** And the one after a handshake that could not be measured, as a SYN was sent again (RFC 6298 5.7). */
export const RTO_UNMEASURED_MS = 3000;
export const RTO_MAX_MS = 64_000;

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

/** RFC 6298 2.3: SRTT + max(G, 4 * RTTVAR), within the bounds. */
export function setRto(tcp: Tcp, tp: Tcpcb): void {
  const spread = 4 * tp.rttvarUs;
  const ms = ((tp.srttUs + (spread > 1000 ? spread : 1000) + 999) / 1000) | 0;
  const min = tcp.conf.rtoMinMs;
  tp.rtoMs = ms < min ? min : ms > RTO_MAX_MS ? RTO_MAX_MS : ms;
}

/** RFC 6298 5.5: the timeout after so many without an answer. */
export function backedOff(tp: Tcpcb): number {
  const shift = tp.rxtshift < 10 ? tp.rxtshift : 10;
  const ms = tp.rtoMs << shift;
  return ms < RTO_MAX_MS ? ms : RTO_MAX_MS;
}
