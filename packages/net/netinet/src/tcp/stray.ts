/**
 * Acknowledgments out of place: each end answers those of the other, so that where a stranger has put both out of step, every answer would ask for the next. A
 * connection answers few of them in a time.
 */
import { Extras } from './extras.js';
import type { Tcp } from './tcp.js';
import type { Tcpcb } from './tcpcb.js';

const TIME_MS = 500;
const MOST = 8;

/** Counts one: whether it may be answered. */
export function mayAnswerStray(tcp: Tcp, tp: Tcpcb): boolean {
  const extras = (tp.extras ??= new Extras());
  if (((tcp.nowMs - extras.strayMs) | 0) >= TIME_MS || extras.strayCount === 0) {
    extras.strayMs = tcp.nowMs;
    extras.strayCount = 0;
  }
  return extras.strayCount++ < MOST;
}
