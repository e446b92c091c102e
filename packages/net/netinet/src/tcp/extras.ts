/** What few connections have, so that the others are small: blocks to report, urgent bytes, the program's times, fast open. */
import type { PathProbe } from './pathprobe.js';

/** Blocks that are remembered, of which those that fit are reported. */
export const RSACK_MAX = 6;

export class Extras {
  /** Blocks beyond what has come in order, the latest first: start and end by turns (RFC 2018 4). */
  readonly rsack: Int32Array = new Int32Array(2 * RSACK_MAX);
  rsackCount = 0;
  /** A duplicate that is to be reported once (RFC 2883); equal: none. */
  dsackStart = 0;
  dsackEnd = 0;
  /** The urgent byte. */
  oob = 0;
  /** Milliseconds; 0: the kernel's. */
  keepIdleMs = 0;
  keepIntvlMs = 0;
  keepInitMs = 0;
  keepCnt = 0;
  userTimeoutMs = 0;
  /** How large segments may be on a path that was found to be a black hole. */
  probe: PathProbe | undefined = undefined;
  /** Fast open, of a listener: how many may be open without their handshake. */
  tfoQueue = 0;
  tfoPending = 0;
  /** Bytes of data that went with the SYN. */
  tfoData = 0;
  /** The cookie for the SYN; empty: ask for one. */
  tfoCookie: Uint8Array | undefined = undefined;
  /** An error that the network reported, for when the connection fails in the end. */
  softErrno = 0;
  /** Acknowledgments out of place that were answered, and since when they are counted. */
  strayCount = 0;
  strayMs = 0;
  /** Counters of TCP_INFO. */
  rexmits = 0;
}
