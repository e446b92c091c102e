/** Ancillary data of level IPPROTO_IP (ip(4)): what a socket has asked to hear of each packet, and what a program says of one that it sends. */
import { getI32be, getU32le, putU32be, putU32le } from '@anykernel/lib-bytes';
import {
  CMSG_SPACE,
  ERR,
  emitCmsg,
  IP_OPTIONS,
  IP_PKTINFO,
  IP_RECVDSTADDR,
  IP_RECVIF,
  IP_RECVOPTS,
  IP_RETOPTS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  parseCmsgs,
  SCM_TIMESTAMP,
  SO_TIMESTAMP,
  SOL_SOCKET,
  sockaddrDl,
  timevalBytes,
} from '@anykernel/lib-sys';
import { IPOPT_EOL, IPOPT_LSRR, IPOPT_NOP, IPOPT_SSRR, ipOptionsValid } from '@anykernel/lib-wire';
import type { Kernel } from '@anykernel/rumpkern';
import { type Mbuf, MT_CONTROL } from '@anykernel/rumpnet';
import type { SendArgs } from '../family.js';
import { type Ends, type Flow, V4MAPPED } from '../flow.js';
import { INP_RECVDSTADDR, INP_RECVIF, INP_RECVOPTS, INP_RECVPKTINFO, INP_RECVTTL, type Inpcb } from '../inpcb.js';
import type { Ip } from './ip.js';

const ASKED = INP_RECVOPTS | INP_RECVDSTADDR | INP_RECVIF | INP_RECVTTL | INP_RECVPKTINFO;

/** An MT_CONTROL mbuf for a packet; undefined: nothing was asked for, or there is no memory. */
export function ipAncillary(ip: Ip, inp: Inpcb, flow: Flow): Mbuf | undefined {
  const timed = inp.so !== undefined && (inp.so.options & SO_TIMESTAMP) !== 0;
  if ((inp.flags & ASKED) === 0 && !timed) return undefined;
  const parts: { level?: number; type: number; data: Uint8Array }[] = [];
  if (timed) parts.push(timestamp(ip.k));
  if ((inp.flags & INP_RECVOPTS) !== 0 && ip.options !== undefined) parts.push({ type: IP_RECVOPTS, data: ip.options });
  if ((inp.flags & INP_RECVDSTADDR) !== 0) parts.push({ type: IP_RECVDSTADDR, data: addressBytes(flow.l3) });
  if ((inp.flags & INP_RECVIF) !== 0) {
    const ifp = ip.inet.net.ifByIndex(flow.rcvif);
    parts.push({ type: IP_RECVIF, data: sockaddrDl(flow.rcvif, ifp === undefined ? 0 : ifp.type, ifp === undefined ? '' : ifp.name) });
  }
  if ((inp.flags & INP_RECVTTL) !== 0) parts.push({ type: IP_RECVTTL, data: Uint8Array.of(flow.ttl) });
  if ((inp.flags & INP_RECVPKTINFO) !== 0) {
    const data = new Uint8Array(8);
    data.set(addressBytes(flow.l3));
    putU32le(data, 4, flow.rcvif);
    parts.push({ type: IP_PKTINFO, data });
  }
  const total = parts.reduce((len, part) => len + CMSG_SPACE(part.data.length), 0);
  const control = total === 0 ? undefined : ip.mbufs.tryGet(total, 0);
  if (control === undefined) return undefined;
  control.type = MT_CONTROL;
  let at = control.off;
  for (const { level = IPPROTO_IP, type, data } of parts) at = emitCmsg(control.buf, at, level, type, data);
  return control;
}

/** SO_TIMESTAMP: when a packet came, struct timeval. */
export function timestamp(k: Kernel): { level: number; type: number; data: Uint8Array } {
  const now = { sec: 0, nsec: 0 };
  k.wall(now);
  return { level: SOL_SOCKET, type: SCM_TIMESTAMP, data: timevalBytes(now.sec, Math.floor(now.nsec / 1000)) };
}

function addressBytes(addr: number): Uint8Array {
  const b = new Uint8Array(4);
  putU32be(b, 0, addr);
  return b;
}

/** How a packet is to go: by the socket's options, and the ancillary data `control`, which is only looked at. EINVAL: it is not well formed. */
export function ipSendOptions(ip: Ip, inp: Inpcb, how: SendArgs, ends: Ends, control: Mbuf | undefined): void {
  how.tos = inp.tos;
  how.ttl = inp.ttl;
  how.ifindex = 0;
  how.options = inp.options;
  how.pcb = inp;
  if (control === undefined) return;
  const all = parseCmsgs(ip.mbufs.toBytes(control));
  if (all === undefined) throw ERR.EINVAL;
  for (const { level, type, data } of all) if (level === IPPROTO_IP) apply(ip, how, ends, type, data);
}

function apply(ip: Ip, how: SendArgs, ends: Ends, type: number, data: Uint8Array): void {
  switch (type) {
    case IP_PKTINFO: {
      if (data.length < 8) throw ERR.EINVAL;
      const addr = getI32be(data, 0);
      const ifindex = getU32le(data, 4);
      if (ifindex !== 0 && ip.inet.net.ifByIndex(ifindex) === undefined) throw ERR.ENXIO;
      how.ifindex = ifindex;
      if (addr === 0) return;
      if (!ip.ours.has(addr)) throw ERR.EADDRNOTAVAIL;
      ends.l2 = V4MAPPED;
      ends.l3 = addr;
      return;
    }
    case IP_OPTIONS:
    case IP_RETOPTS:
      how.options = optionsOf(data);
      return;
    case IP_TOS:
      how.tos = byteOf(data, 255);
      return;
    case IP_TTL:
      how.ttl = byteOf(data, 255);
      if (how.ttl === 0) throw ERR.EINVAL;
      return;
    default:
      throw ERR.ENOPROTOOPT;
  }
}

const OPTIONS_MAX = 40;

/** Options of packets that a program sends, padded to a multiple of four; undefined: none. EINVAL: too long, not well formed, or a source route. */
export function optionsOf(value: Uint8Array): Uint8Array | undefined {
  if (value.length === 0) return undefined;
  if (value.length > OPTIONS_MAX || !ipOptionsValid(value, 0, value.length)) throw ERR.EINVAL;
  for (let at = 0; at < value.length && value[at] !== IPOPT_EOL; at += value[at] === IPOPT_NOP ? 1 : value[at + 1]!)
    if (value[at] === IPOPT_LSRR || value[at] === IPOPT_SSRR) throw ERR.EINVAL;
  const padded = new Uint8Array((value.length + 3) & ~3).fill(IPOPT_EOL);
  padded.set(value);
  return padded;
}

function byteOf(data: Uint8Array, max: number): number {
  const value = data.length >= 4 ? getU32le(data, 0) : data.length === 1 ? data[0]! : -1;
  if (value < 0 || value > max) throw ERR.EINVAL;
  return value;
}
