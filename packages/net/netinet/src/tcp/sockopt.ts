/** Options of level IPPROTO_TCP (tcp(4)), and TCP_INFO. */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import {
  ERR, SO_KEEPALIVE, SOL_SOCKET, TCP_CONGCTL, TCP_FASTOPEN, TCP_INFO, TCP_KEEPCNT, TCP_KEEPIDLE, TCP_KEEPINIT, TCP_KEEPINTVL, TCP_MAXSEG, TCP_NODELAY,
  TCP_NOOPT, TCP_NOPUSH, TCP_USER_TIMEOUT, TCPCC_MAXLEN, TCPS_CLOSED, TCPS_ESTABLISHED, TCPS_LISTEN,
} from '@anykernel/lib-sys';
import type { Socket } from '@anykernel/rumpnet';
import { congctlOf } from './congctls.js';
import { keepIdleMs } from './expire.js';
import { Extras } from './extras.js';
import { updateMss } from './mss.js';
import { tcpOutput } from './output.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_ECN, TF_FASTOPEN, TF_NODELAY, TF_NOOPT, TF_NOPUSH, TF_SACK, TF_SCALE, TF_TSTMP } from './tcpcb.js';
import { tcpcbOf } from './usrreqs.js';

const EMPTY = new Uint8Array(0);
/** The largest time that a program may name: 20 days. */
const TIME_MAX_MS = 20 * 86_400_000;
const INFO_LEN = 236;

/** The value, or for 'set' an empty one; undefined: there is no such option. EINVAL: not a value for it. */
export function tcpSockopt(tcp: Tcp, so: Socket, op: 'get' | 'set', level: number, name: number, value: Uint8Array): Uint8Array | undefined {
  if (level === SOL_SOCKET) return socketOption(tcp, so, name);
  const tp = tcpcbOf(so);
  tcp.tick();
  if (op === 'get') return getOption(tcp, tp, name);
  return setOption(tcp, tp, name, value) ? EMPTY : undefined;
}

/** An option of the socket itself was set: probes begin, if there is a connection. */
function socketOption(tcp: Tcp, so: Socket, name: number): undefined {
  const tp = so.pcb as Tcpcb | undefined;
  if (name !== SO_KEEPALIVE || tp === undefined || tp.state < TCPS_ESTABLISHED || (so.options & SO_KEEPALIVE) === 0) return undefined;
  tcp.tick();
  keepAliveSet(tcp, tp);
  return undefined;
}

function int(value: number): Uint8Array {
  const b = new Uint8Array(4);
  putU32le(b, 0, value);
  return b;
}

function intOf(value: Uint8Array): number {
  if (value.length < 4) throw ERR.EINVAL;
  return getU32le(value, 0) | 0;
}

function getOption(tcp: Tcp, tp: Tcpcb, name: number): Uint8Array | undefined {
  const { conf } = tcp;
  const x = tp.extras;
  switch (name) {
    case TCP_NODELAY:
      return int((tp.flags & TF_NODELAY) !== 0 ? 1 : 0);
    case TCP_NOPUSH:
      return int((tp.flags & TF_NOPUSH) !== 0 ? 1 : 0);
    case TCP_NOOPT:
      return int((tp.flags & TF_NOOPT) !== 0 ? 1 : 0);
    case TCP_MAXSEG:
      return int(tp.peerMss === 0 && tp.userMss !== 0 ? tp.userMss : tp.mss);
    case TCP_KEEPIDLE:
      return int((keepIdleMs(tcp, tp) / 1000) | 0);
    case TCP_KEEPINTVL:
      return int(((x !== undefined && x.keepIntvlMs > 0 ? x.keepIntvlMs : conf.keepintvlMs) / 1000) | 0);
    case TCP_KEEPINIT:
      return int(((x !== undefined && x.keepInitMs > 0 ? x.keepInitMs : conf.keepinitMs) / 1000) | 0);
    case TCP_KEEPCNT:
      return int(x !== undefined && x.keepCnt > 0 ? x.keepCnt : conf.keepcnt);
    case TCP_USER_TIMEOUT:
      return int(x === undefined ? 0 : x.userTimeoutMs);
    case TCP_FASTOPEN:
      return int((tp.flags & TF_FASTOPEN) !== 0 ? 1 : x === undefined ? 0 : x.tfoQueue);
    case TCP_CONGCTL:
      return Uint8Array.from(`${tp.cc.name}\0`, (c) => c.charCodeAt(0));
    case TCP_INFO:
      return tcpInfo(tcp, tp);
    default:
      return undefined;
  }
}

function setOption(tcp: Tcp, tp: Tcpcb, name: number, value: Uint8Array): boolean {
  switch (name) {
    case TCP_NODELAY:
    case TCP_NOPUSH:
      setFlag(tp, name === TCP_NODELAY ? TF_NODELAY : TF_NOPUSH, intOf(value) !== 0);
      tcpOutput(tcp, tp);
      return true;
    case TCP_NOOPT:
      setFlag(tp, TF_NOOPT, intOf(value) !== 0);
      return true;
    case TCP_MAXSEG:
      setMss(tcp, tp, intOf(value));
      return true;
    case TCP_KEEPIDLE:
      extrasOf(tp).keepIdleMs = msOf(value, 1000);
      if ((tp.so!.options & SO_KEEPALIVE) !== 0 && tp.state > TCPS_LISTEN) keepAliveSet(tcp, tp);
      return true;
    case TCP_KEEPINTVL:
      extrasOf(tp).keepIntvlMs = msOf(value, 1000);
      return true;
    case TCP_KEEPINIT:
      extrasOf(tp).keepInitMs = msOf(value, 1000);
      return true;
    case TCP_KEEPCNT: {
      const count = intOf(value);
      if (count < 1 || count > 127) throw ERR.EINVAL;
      extrasOf(tp).keepCnt = count;
      return true;
    }
    case TCP_USER_TIMEOUT: {
      const ms = intOf(value);
      if (ms < 0 || ms > TIME_MAX_MS) throw ERR.EINVAL;
      extrasOf(tp).userTimeoutMs = ms;
      return true;
    }
    case TCP_FASTOPEN:
      setFastOpen(tp, intOf(value));
      return true;
    case TCP_CONGCTL:
      setCongctl(tp, value);
      return true;
    default:
      return false;
  }
}

function extrasOf(tp: Tcpcb): Extras {
  return (tp.extras ??= new Extras());
}

function setFlag(tp: Tcpcb, flag: number, on: boolean): void {
  tp.flags = on ? tp.flags | flag : tp.flags & ~flag;
}

function msOf(value: Uint8Array, unit: number): number {
  const n = intOf(value);
  if (n < 1 || n * unit > TIME_MAX_MS) throw ERR.EINVAL;
  return n * unit;
}

function setMss(tcp: Tcp, tp: Tcpcb, mss: number): void {
  if (mss < tcp.conf.minmss || mss > 65_535 || (tp.state > TCPS_LISTEN && mss > tp.mss)) throw ERR.EINVAL;
  tp.userMss = mss;
  updateMss(tcp, tp);
}

function setFastOpen(tp: Tcpcb, n: number): void {
  if (n < 0) throw ERR.EINVAL;
  if (tp.state === TCPS_LISTEN) {
    extrasOf(tp).tfoQueue = n;
    return;
  }
  if (tp.state !== TCPS_CLOSED) throw ERR.EINVAL;
  setFlag(tp, TF_FASTOPEN, n !== 0);
  extrasOf(tp).tfoQueue = n;
}

function setCongctl(tp: Tcpcb, value: Uint8Array): void {
  const end = value.indexOf(0);
  const name = String.fromCharCode(...value.subarray(0, Math.min(end < 0 ? value.length : end, TCPCC_MAXLEN)));
  const cc = congctlOf(name);
  if (cc === undefined) throw ERR.ENOENT;
  if (cc !== tp.cc) {
    tp.cc = cc;
    tp.cubic = undefined;
    tp.ackedBytes = 0;
  }
}

/** SO_KEEPALIVE was set, or its time. */
function keepAliveSet(tcp: Tcp, tp: Tcpcb): void {
  tp.keepProbes = 0;
  tcp.timers.keep(tp, keepIdleMs(tcp, tp));
}

/** struct tcp_info of NetBSD, 236 bytes: times in microseconds. */
function tcpInfo(tcp: Tcp, tp: Tcpcb): Uint8Array {
  const b = new Uint8Array(INFO_LEN);
  const { flags } = tp;
  b[0] = tp.state;
  b[1] = tp.caState;
  b[2] = tp.rxtshift;
  b[3] = tp.keepProbes;
  b[4] = tp.rxtshift;
  b[5] =
    ((flags & TF_TSTMP) !== 0 ? 1 : 0) |
    ((flags & TF_SACK) !== 0 ? 2 : 0) |
    ((flags & TF_SCALE) !== 0 ? 4 : 0) |
    ((flags & TF_ECN) !== 0 ? 8 : 0);
  b[6] = tp.sndScale | (tp.rcvScale << 4);
  const words: readonly (readonly [number, number])[] = [
    [8, tp.rtoMs * 1000],
    [16, tp.mss],
    [20, tp.mss],
    [24, tp.inFlight],
    [28, tp.sackedBytes],
    [32, tp.lostBytes],
    [52, ((tcp.nowMs - tp.rcvTimeMs) | 0) * 1000],
    [68, tp.srttUs],
    [72, tp.rttvarUs],
    [76, tp.ssthresh],
    [80, tp.cwnd],
    [96, tp.so === undefined ? 0 : tp.so.rcv.space],
    [100, tp.sndWnd],
    [108, tp.sndNxt],
    [112, tp.rcvNxt],
    [120, tp.extras === undefined ? 0 : tp.extras.rexmits],
    [124, tp.reassCount],
  ];
  for (const [at, value] of words) putU32le(b, at, value);
  return b;
}
