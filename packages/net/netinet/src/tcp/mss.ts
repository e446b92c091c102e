/** Segment sizes: what the peer takes, what the path carries, what the interface cuts by itself (RFC 9293 3.7.1, RFC 6691, RFC 1191). */

import { IFF_LOOPBACK } from '@anykernel/lib-sys';
import { TCP_HDR_LEN, TCPOLEN_TSTAMP_APPA } from '@anykernel/lib-wire';
import type { Rtentry } from '@anykernel/net';
import { SB_FIXED, type Sockbuf } from '@anykernel/rumpnet';
import type { Family } from '../family.js';
import type { Inpcb } from '../inpcb.js';
import type { Tcp } from './tcp.js';
import { type Tcpcb, TF_TSTMP } from './tcpcb.js';

/** The longest IP packet, headers included. */
const PACKET_MAX = 65_535;

/** The segment size that we announce: what our interface takes at once. */
export function offeredMss(tcp: Tcp, inp: Inpcb): number {
  return mssOfRoute(tcp, inp.family, inp.route());
}

export function mssOfRoute(tcp: Tcp, family: Family, rt: Rtentry | undefined): number {
  const headers = family.hdrLen + TCP_HDR_LEN;
  const mss = (rt === undefined ? tcp.conf.mssdflt + headers : rt.ifp.mtu) - headers;
  return mss < tcp.conf.minmss ? tcp.conf.minmss : mss < PACKET_MAX ? mss : PACKET_MAX;
}

/** Sets the sizes by what the peer takes, the program's limit and the path. */
export function updateMss(tcp: Tcp, tp: Tcpcb): void {
  const { inp } = tp;
  const { family } = inp;
  const rt = inp.route();
  const headers = family.hdrLen + TCP_HDR_LEN + (inp.options === undefined ? 0 : inp.options.length);
  let mss = tp.peerMss === 0 ? Math.max(tcp.conf.mssdflt, family.mssDefault) : tp.peerMss;
  if (rt !== undefined) mss = Math.min(mss, family.mtu(rt, inp) - headers);
  if (tp.userMss !== 0) mss = Math.min(mss, tp.userMss);
  const probe = tp.extras?.probe;
  if (probe !== undefined) mss = Math.min(mss, probe.low);
  // RFC 9293 3.7.1: room for options of each segment comes off; a hostile peer does not make us send headers alone.
  if (mss < 64) mss = 64;
  tp.mss = mss;
  tp.emss = mss - ((tp.flags & TF_TSTMP) !== 0 ? TCPOLEN_TSTAMP_APPA : 0);
  tp.tsoMax = tp.emss;
  if (rt === undefined || (rt.ifp.capenable & family.tsoCap) === 0 || inp.options !== undefined) return;
  const most = PACKET_MAX - headers - 40;
  tp.tsoMax = (rt.ifp.flags & IFF_LOOPBACK) !== 0 ? most : most - (most % tp.emss);
}

/** Buffers that the program did not set have room for a few segments. */
export function growBuffers(tcp: Tcp, tp: Tcpcb): void {
  const so = tp.so!;
  if (tcp.conf.sendbufAuto) grow(so.snd, 8 * tp.mss, tcp.conf.sendbufMax);
  if (tcp.conf.recvbufAuto) grow(so.rcv, 8 * tp.mss, tcp.conf.recvbufMax);
}

/** Makes a buffer as large as `len`, within `max`, if it is not, and the program did not say otherwise. */
export function grow(sb: Sockbuf, len: number, max: number): void {
  if ((sb.flags & SB_FIXED) !== 0 || sb.hiwat >= len || sb.hiwat >= max) return;
  sb.reserve(len < max ? len : max, sb.so.net.sbmax);
}
