/**
 * TCP in one kernel: its settings, counters, clock and timers, the table of connections, and what the parts of the engine share.
 *
 * The engine is split by concern: input.ts and states.ts (segments by state), ack.ts, output.ts and segment.ts, recovery.ts with rack.ts and sendq.ts,
 * cong.ts with its algorithms, rtt.ts, timers.ts and expire.ts, reass.ts, syncache.ts, usrreqs.ts with sockopt.ts.
 */
import { type Errno, TCPS_ESTABLISHED } from '@anykernel/lib-sys';
import { TcpHeader, TcpOptions } from '@anykernel/lib-wire';
import type { Kernel } from '@anykernel/rumpkern';
import type { Mbuf, Mbufs } from '@anykernel/rumpnet';
import { type Family, SendArgs } from '../family.js';
import type { Ends, Flow } from '../flow.js';
import type { Inet } from '../inet.js';
import { PcbTable } from '../pcbtable.js';
import { onSacked } from './ack.js';
import type { CongCtl } from './cong.js';
import { CONGCTLS } from './congctls.js';
import { quoted, tcpTooBig, tcpUnreachable } from './ctlinput.js';
import { timerExpired } from './expire.js';
import { FastOpen } from './fastopen.js';
import { tcpInput } from './input.js';
import { Isn } from './isn.js';
import { updateMss } from './mss.js';
import { reassFlush } from './reass.js';
import { type Segrec, SegrecPool } from './sendq.js';
import { type TcpStats, tcpStats } from './stats.js';
import { Syncache } from './syncache.js';
import { type Tcpcb, TF_HOLDS, TIMER_LOSS } from './tcpcb.js';
import { TcpTimers } from './timers.js';

/** Settings, by sysctl net.inet.tcp. */
export class TcpConf {
  /** Window scale and timestamps (RFC 7323); each by itself. */
  rfc1323 = true;
  windowScale = true;
  timestamps = true;
  sack = true;
  rack = true;
  /** Proportional rate reduction (RFC 6937), HyStart++ (RFC 9406). */
  prr = true;
  hystart = true;
  ecn = false;
  sendspace = 32_768;
  recvspace = 32_768;
  /** Buffers grow with the path, up to these. */
  sendbufAuto = true;
  recvbufAuto = true;
  sendbufMax = 1 << 20;
  recvbufMax = 1 << 20;
  mssdflt = 536;
  minmss = 216;
  congctl: CongCtl = CONGCTLS[0]!;
  keepidleMs = 7_200_000;
  keepintvlMs = 75_000;
  keepcnt = 8;
  /** How long a connection may take to be established. */
  keepinitMs = 75_000;
  /** The maximum segment lifetime; TIME-WAIT lasts twice this. */
  mslMs = 30_000;
  /** The same for connections that do not leave the kernel: nothing of them can be on its way for long. */
  mslLoopbackMs = 5;
  /** FIN-WAIT-2 of a connection that nobody has open. */
  finwait2Ms = 60_000;
  /** Connections in TIME-WAIT; beyond, they are closed at once. */
  timeWaitMax = 65_536;
  delackMs = 40;
  rtoMinMs = 200;
  /** 0: never; 1: when the cache is full; 2: always. */
  syncookies = 1;
  syncacheLimit = 8192;
  synRetries = 4;
  /** 1: as a client, 2: as a server (RFC 7413). */
  fastopen = 3;
  /** Challenge acknowledgments in a second (RFC 5961 7), of the whole kernel: half to one and a half of this. */
  challengeLimit = 1000;
  /** Resets in a second in answer to segments for nobody. */
  rstLimit = 1000;
  /** Segments of one connection that came too early. */
  reassMax = 1024;
}

const { floor } = Math;
const NS_PER_MS = 1_000_000;
const NS_PER_US = 1000;
const NS_PER_SEC = 1_000_000_000;

export class Tcp {
  readonly k: Kernel;
  readonly mbufs: Mbufs;
  readonly conf: TcpConf = new TcpConf();
  readonly stats: TcpStats = tcpStats();
  readonly table: PcbTable;
  readonly timers: TcpTimers;
  readonly recs: SegrecPool = new SegrecPool();
  readonly isn: Isn;
  readonly syncache: Syncache;
  readonly fastopen: FastOpen;
  /** The segment that is being looked at, and its options. */
  readonly th: TcpHeader = new TcpHeader();
  readonly opt: TcpOptions = new TcpOptions();
  /** recBlock()'s, made once. */
  readonly onSacked: (tp: Tcpcb, r: Segrec) => void = (tp, r) => onSacked(this, tp, r);
  /** What is being sent. */
  readonly how: SendArgs = new SendArgs();
  readonly outOpt: TcpOptions = new TcpOptions();
  /** What cookies are hashed from. */
  readonly cookieWords: Int32Array = new Int32Array(12);
  /** The clock, as of the last tick(): monotonic, modulo 2^32. */
  nowMs = 0;
  nowUs = 0;
  /** The same in seconds, which do not come round. */
  nowSec = 0;
  #epoch = -1;
  /** Connections in TIME-WAIT. */
  timeWaits = 0;
  /** Challenge acknowledgments and resets of this second. */
  #second = -1;
  challenges = 0;
  #challengesMax = 0;
  resets = 0;

  constructor(readonly inet: Inet) {
    this.k = inet.k;
    this.mbufs = inet.mbufs;
    this.table = new PcbTable(inet.rand.word());
    this.timers = new TcpTimers(this.k, this, (tp, due) => timerExpired(this, tp, due));
    this.isn = new Isn(inet.secret);
    this.syncache = new Syncache(this);
    this.fastopen = new FastOpen(inet.secret);
  }

  /** A packet: `m` starts at its TCP header. Owns `m`. */
  input(m: Mbuf, flow: Flow): void {
    tcpInput(this, m, flow);
  }

  /** The network reports an error about a segment of ours. */
  unreachable(ends: Ends, seq: number, error: Errno): void {
    tcpUnreachable(this, ends, seq, error);
  }

  /** Whether something with this sequence number is on its way (RFC 5927 4.1). */
  hasInFlight(ends: Ends, seq: number): boolean {
    return quoted(this, ends, seq) !== undefined;
  }

  /** A segment was too large for the path. */
  tooBig(ends: Ends, seq: number): void {
    tcpTooBig(this, ends, seq);
  }

  /** What was learnt of paths is over (RFC 1191 6.3): connections that may have had smaller segments for it try larger ones. */
  pathsForgotten(family: Family): void {
    for (let inp = this.table.first; inp !== undefined; inp = inp.anext) {
      const tp = inp.ppcb as Tcpcb;
      if (inp.family === family && tp.so !== undefined && tp.state >= TCPS_ESTABLISHED && tp.mss < tp.peerMss) updateMss(this, tp);
    }
  }

  /** Memory is short: segments that came too early are dropped, and will be sent again (RFC 2018 8). */
  drain(): void {
    for (let inp = this.table.first; inp !== undefined; inp = inp.anext) {
      const tp = inp.ppcb as Tcpcb;
      if (tp.reassHead === undefined) continue;
      this.stats.reassdrop += tp.reassCount;
      reassFlush(this, tp);
    }
  }

  /** Reads the clock, once for each entry into the kernel. */
  tick(): void {
    const { epoch } = this.k;
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    const ns = this.k.mono();
    this.nowMs = floor(ns / NS_PER_MS) | 0;
    this.nowUs = floor(ns / NS_PER_US) | 0;
    this.nowSec = floor(ns / NS_PER_SEC);
  }

  /** The clock of initial sequence numbers, in units of 4 microseconds (RFC 9293 3.4.1). */
  isnTicks(): number {
    return floor(this.k.mono() / (4 * NS_PER_US)) | 0;
  }

  /** Counts one of those that are limited by the second: whether it may go. */
  /**
   * How many differs from second to second: a stranger who asks for them on a connection of his own cannot tell how many others were sent (CVE-2016-5696).
   */
  mayChallenge(): boolean {
    this.#newSecond();
    return this.challenges++ < this.#challengesMax;
  }

  mayReset(): boolean {
    this.#newSecond();
    return this.resets++ < this.conf.rstLimit;
  }

  #newSecond(): void {
    if (this.nowSec === this.#second) return;
    this.#second = this.nowSec;
    this.challenges = this.resets = 0;
    const { challengeLimit } = this.conf;
    this.#challengesMax = challengeLimit <= 1 ? challengeLimit : (challengeLimit >> 1) + this.inet.rand.below(challengeLimit);
  }

  /** Something of it is in flight, for which the program must stay. */
  hold(tp: Tcpcb): void {
    if ((tp.flags & TF_HOLDS) !== 0) return;
    tp.flags |= TF_HOLDS;
    this.timers.holds++;
  }

  release(tp: Tcpcb): void {
    if ((tp.flags & TF_HOLDS) === 0) return;
    tp.flags &= ~TF_HOLDS;
    this.timers.holds--;
  }

  /** No loss timer any more: nothing is in flight. */
  stopLoss(tp: Tcpcb): void {
    this.timers.stop(tp, TIMER_LOSS);
    this.release(tp);
  }
}
