/**
 * The state of a TCP connection (RFC 9293 3.3.1), in numbers: sequence numbers, times and windows are small integers, so that a segment makes no garbage
 * and an idle connection is small.
 *
 * Sequence numbers are signed 32-bit integers (lib/wire, tcp.ts). Times in milliseconds (`...Ms`) and microseconds (`...Us`) are the kernel's monotonic
 * time modulo 2^32, signed, and compared by their difference.
 */
import { TCPS_CLOSED } from '@anykernel/lib-sys';
import type { Mbuf, Socket } from '@anykernel/rumpnet';
import type { Inpcb } from '../inpcb.js';
import type { CongCtl } from './cong.js';
import type { CubicState } from './cubic.js';
import type { Extras } from './extras.js';
import type { HyStart } from './hystart.js';
import type { Prr } from './prr.js';
import type { Segrec } from './sendq.js';

/** An acknowledgment is owed now; one is owed in a while. */
export const TF_ACKNOW = 0x0001;
export const TF_DELACK = 0x0002;
/** TCP_NODELAY, TCP_NOPUSH. */
export const TF_NODELAY = 0x0004;
export const TF_NOPUSH = 0x0008;
/** Our FIN has been sent. */
export const TF_SENTFIN = 0x0010;
/** Both ends scale windows, send timestamps, take selective acknowledgments. */
export const TF_SCALE = 0x0020;
export const TF_TSTMP = 0x0040;
export const TF_SACK = 0x0080;
/** Both ends understand ECN; we owe the peer an ECE, and a CWR. */
export const TF_ECN = 0x0100;
export const TF_ECE = 0x0200;
export const TF_CWR = 0x0400;
/** TCP_NOOPT: no options. */
export const TF_NOOPT = 0x0800;
/** The path swallows large segments: they are small now, and may be fragmented. */
export const TF_BLACKHOLE = 0x1000;
/** The peer closed its side after all its data. */
export const TF_RCVDFIN = 0x2000;
/** The urgent byte is in the extras, or was read. */
export const TF_HAVEOOB = 0x4000;
export const TF_HADOOB = 0x8000;
/** The next segment goes even if it is a small one: a probe, or urgent data. */
export const TF_FORCE = 0x1_0000;
/** TCP_FASTOPEN: data may go with the SYN. */
export const TF_FASTOPEN = 0x2_0000;
/** The slow start that follows a timeout (RFC 3465 2.3). */
export const TF_AFTERRTO = 0x4_0000;
/** The program is kept alive for it: something is in flight. */
export const TF_HOLDS = 0x8_0000;
/** The next lost segment goes whatever is in flight. */
export const TF_REXMIT = 0x20_0000;
/** It is closed, and in nobody's table. */
export const TF_DEAD = 0x10_0000;
/** Of a fast open that its listener counts until the handshake is over. */
export const TF_TFOPENDING = 0x80_0000;
/** The urgent byte is still to come. */
export const TF_WANTOOB = 0x40_0000;

/** What the loss timer is set for: one at a time (RFC 8985 7.2, RFC 9293 3.8.6.1). */
export const LOSS_NONE = 0;
export const LOSS_RTO = 1;
export const LOSS_TLP = 2;
export const LOSS_REO = 3;
export const LOSS_PERSIST = 4;

/** Congestion states. */
export const CA_OPEN = 0;
/** Fast recovery (RFC 6582, RFC 6675). */
export const CA_RECOVERY = 1;
/** After a retransmission timeout. */
export const CA_LOSS = 2;

/** Timers of a connection, bits of `armed`. */
export const TIMER_LOSS = 1;
export const TIMER_DELACK = 2;
export const TIMER_KEEP = 4;
export const TIMER_MSL = 8;

export class Tcpcb {
  /** TCPS_*. */
  state: number = TCPS_CLOSED;
  /** TF_*. */
  flags = 0;

  // -- what we send (RFC 9293 3.3.1)
  iss = 0;
  sndUna = 0;
  /** The next new byte; nothing goes back, lost segments are in the queue of records. */
  sndNxt = 0;
  /** Our end of the urgent data; `sndUna`: there are none. */
  sndUp = 0;
  sndWnd = 0;
  sndWl1 = 0;
  sndWl2 = 0;
  /** The largest window that the peer has offered. */
  maxSndWnd = 0;
  sndScale = 0;

  // -- what we receive
  irs = 0;
  rcvNxt = 0;
  /** The end of the window that we have offered. */
  rcvAdv = 0;
  /** Behind the urgent byte, while TF_WANTOOB. */
  rcvUp = 0;
  rcvWnd = 0;
  rcvScale = 0;
  lastAckSent = 0;
  /** Bytes that have come in order since the last acknowledgment. */
  unackedIn = 0;

  // -- timestamps (RFC 7323)
  tsRecent = 0;
  /** Seconds: it is also told after months. */
  tsRecentSec = 0;
  /** Added to the clock: nobody learns how long the kernel has run. */
  tsOffset = 0;

  // -- segment sizes, bytes of payload without options
  /** What the peer takes; the program's limit, 0: none; what is used, with the path's MTU counted in. */
  peerMss = 0;
  userMss = 0;
  mss = 536;
  /** `mss` less the options of each segment. */
  emss = 536;
  /** The largest payload of one call of the interface, when it cuts segments itself; otherwise `emss`. */
  tsoMax = 536;

  // -- congestion
  cc: CongCtl;
  caState: number = CA_OPEN;
  cwnd = 0;
  ssthresh = 0x3fff_ffff;
  /** Bytes acknowledged towards the next step of congestion avoidance. */
  ackedBytes = 0;
  /** Everything before it was sent when the present reduction of the window began. */
  recover = 0;
  dupacks = 0;
  /** cwnd and ssthresh before a timeout or recovery that may turn out not to have been needed. */
  priorCwnd = 0;
  priorSsthresh = 0;
  /** Our timestamp when everything was sent again after a timeout. */
  rtoTs = 0;
  cubic: CubicState | undefined = undefined;
  /** Of the first slow start, and of the present recovery. */
  hystart: HyStart | undefined = undefined;
  prr: Prr | undefined = undefined;

  // -- segments that are in flight, in order (sendq.ts)
  recHead: Segrec | undefined = undefined;
  recTail: Segrec | undefined = undefined;
  recCount = 0;
  /** Bytes of them that were selectively acknowledged, and that were found lost and not sent again. */
  sackedBytes = 0;
  lostBytes = 0;
  /** The last segment was sent again in this recovery, although nothing says that it was lost (RFC 6675 4, NextSeg (4)). */
  rescued = false;

  // -- round trips, microseconds (RFC 6298)
  srttUs = 0;
  rttvarUs = 0;
  minRttUs = 0;
  rtoMs = 1000;
  /** Timeouts in a row. */
  rxtshift = 0;
  /** How often the timeout was doubled, until a round trip is measured (RFC 6298 5.5). */
  backoff = 0;
  /** When the oldest byte in flight was first sent, or the last acknowledgment came. */
  progressMs = 0;

  // -- RACK and TLP (RFC 8985)
  /** When a segment was sent last, and whether it was one that is sent again. */
  xmitUs = 0;
  xmitAgain = false;
  rackXmitUs = 0;
  rackEnd = 0;
  rackRttUs = 0;
  /** Multiple of a quarter of the round trip for reordering, and recoveries until it is the smallest again. */
  reoWndMult = 1;
  reoWndPersist = 0;
  /** The highest sequence number delivered so far; segments below it that were not sent again show reordering. */
  fack = 0;
  reordering = false;
  dsackRound = 0;
  dsackSeen = false;
  tlpEnd = 0;
  tlpOut = false;
  /** The probe was of bytes that had been sent before. */
  tlpRetrans = false;

  // -- timers
  armed = 0;
  lossMode: number = LOSS_NONE;
  lossAtMs = 0;
  delackAtMs = 0;
  keepAtMs = 0;
  mslAtMs = 0;
  /** When the timers' heap looks at it, and where it is there; -1: it is not. */
  heapAtMs = 0;
  heapIndex = -1;
  /** Where the present measure of the receive buffer began, and when. */
  rbufSeq = 0;
  rbufMs = 0;
  /** When something last came from the peer. */
  rcvTimeMs = 0;
  keepProbes = 0;

  /** Segments that came too early, by nextpkt in order (reass.ts). */
  reassHead: Mbuf | undefined = undefined;
  reassCount = 0;

  /** What few connections have. */
  extras: Extras | undefined = undefined;

  constructor(
    readonly inp: Inpcb,
    public so: Socket | undefined,
    cc: CongCtl,
  ) {
    this.cc = cc;
  }

  /** Bytes sent and not acknowledged. */
  get inFlight(): number {
    return (this.sndNxt - this.sndUna) | 0;
  }

  /** Bytes thought to be in the network (RFC 6675, "pipe"). */
  get pipe(): number {
    const pipe = ((this.sndNxt - this.sndUna) | 0) - this.sackedBytes - this.lostBytes;
    return pipe > 0 ? pipe : 0;
  }
}
