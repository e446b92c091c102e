/**
 * CUBIC (RFC 9438): the window is a cubic function of the time since it was last reduced, and never below what NewReno would have.
 */
import { type CongCtl, restartWindow, slowStart } from './cong.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_AFTERRTO } from './tcpcb.js';

/** RFC 9438 4.1, 4.6: C in segments per second cubed, and what is left of the window after a loss. */
const C = 0.4;
const BETA = 0.7;
/** RFC 9438 4.3: NewReno's increase with that decrease. */
const ALPHA = (3 * (1 - BETA)) / (1 + BETA);
const CWND_MAX = 0x3fff_ffff;

/** Made with the first reduction. */
export class CubicState {
  /** The window before the reduction, and after the one before that, in segments. */
  wMax = 0;
  /** NewReno's window. */
  wEst = 0;
  /** Seconds from the reduction to the plateau. */
  k = 0;
  /** When congestion avoidance began, in milliseconds; `begun`: it has. */
  epochMs = 0;
  begun = false;
  /** A window's fraction of a segment that is not added yet. */
  fraction = 0;
  cwndPrior = 0;
  /** What it was before the last timeout. */
  before: CubicState | undefined = undefined;
}

const { cbrt, min, max, floor } = Math;

export const CUBIC: CongCtl = {
  name: 'cubic',

  ack(tcp: Tcp, tp: Tcpcb, acked: number): void {
    let left = acked;
    if (tp.cwnd < tp.ssthresh) {
      left = slowStart(tcp, tp, acked, (tp.flags & TF_AFTERRTO) !== 0);
      if (tp.cwnd < tp.ssthresh || left <= 0) return;
    }
    avoid(tcp, tp, (tp.cubic ??= new CubicState()), left);
  },

  reduce(_tcp: Tcp, tp: Tcpcb, timeout: boolean): number {
    const state = timeout ? anew(tp) : (tp.cubic ??= new CubicState());
    const cwnd = tp.cwnd / tp.mss;
    // RFC 9438 4.7, fast convergence: who had to give way before reaching the last plateau leaves room for others.
    if (!timeout) state.wMax = cwnd < state.wMax ? (cwnd * (1 + BETA)) / 2 : cwnd;
    state.cwndPrior = cwnd;
    state.begun = false;
    state.fraction = 0;
    const flight = min(tp.inFlight, tp.cwnd);
    return max(floor(flight * BETA), 2 * tp.mss);
  },

  // RFC 9438 4.9.1.
  undo(tp: Tcpcb): void {
    if (tp.cubic?.before !== undefined) tp.cubic = tp.cubic.before;
  },

  idle(_tcp: Tcp, tp: Tcpcb, idleMs: number): void {
    // RFC 9438 5.8: the time without data does not count.
    if (tp.cubic !== undefined) tp.cubic.epochMs = (tp.cubic.epochMs + idleMs) | 0;
    tp.cwnd = restartWindow(tp);
  },
};

/** RFC 9438 4.8: after a timeout there is no plateau; congestion avoidance begins where slow start has ended. */
function anew(tp: Tcpcb): CubicState {
  const state = new CubicState();
  state.before = tp.cubic;
  if (tp.cubic !== undefined) tp.cubic.before = undefined;
  tp.cubic = state;
  return state;
}

/** RFC 9438 4.2 to 4.5. */
function avoid(tcp: Tcp, tp: Tcpcb, state: CubicState, acked: number): void {
  const cwnd = tp.cwnd / tp.mss;
  const segments = acked / tp.mss;
  if (!state.begun) begin(tcp, state, cwnd);
  const t = ((tcp.nowMs - state.epochMs) | 0) / 1000;
  const rtt = tp.srttUs / 1e6;
  // 4.3: with the window of the last plateau reached, NewReno grows by whole segments.
  state.wEst += (state.wEst >= state.cwndPrior ? 1 : ALPHA) * (segments / cwnd);
  const now = cubed(t - state.k) + state.wMax;
  const target = min(max(cubed(t + rtt - state.k) + state.wMax, cwnd), 1.5 * cwnd);
  const grow = now < state.wEst ? max(state.wEst - cwnd, 0) : ((target - cwnd) / cwnd) * segments;
  state.fraction += grow * tp.mss;
  const whole = floor(state.fraction);
  state.fraction -= whole;
  if (tp.cwnd < CWND_MAX) tp.cwnd += whole;
}

function begin(tcp: Tcp, state: CubicState, cwnd: number): void {
  state.begun = true;
  state.epochMs = tcp.nowMs;
  state.wEst = cwnd;
  if (state.wMax < cwnd) {
    // 4.8: no loss yet, or past the old plateau: it begins on its right side.
    state.wMax = cwnd;
    state.k = 0;
    return;
  }
  state.k = cbrt((state.wMax - cwnd) / C);
}

function cubed(t: number): number {
  return C * t * t * t;
}
