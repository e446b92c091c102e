/** Ancillary data of level IPPROTO_IP (ip(4)): what a socket has asked to hear of each packet, and what a program says of one that it sends. */
import { getI32be, getU32le, putU32be, putU32le } from '@anykernel/lib-bytes';
import {
  CMSG_SPACE,
  ERR,
  emitCmsg,
  IP_PKTINFO,
  IP_RECVDSTADDR,
  IP_RECVIF,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  parseCmsgs,
  sockaddrDl,
} from '@anykernel/lib-sys';
import { type Mbuf, MT_CONTROL } from '@anykernel/rumpnet';
import type { SendArgs } from '../family.js';
import { type Ends, type Flow, V4MAPPED } from '../flow.js';
import { INP_RECVDSTADDR, INP_RECVIF, INP_RECVPKTINFO, INP_RECVTTL, type Inpcb } from '../inpcb.js';
import type { Ip } from './ip.js';

const ASKED = INP_RECVDSTADDR | INP_RECVIF | INP_RECVTTL | INP_RECVPKTINFO;

/** An MT_CONTROL mbuf for a packet; undefined: nothing was asked for, or there is no memory. */
export function ipAncillary(ip: Ip, inp: Inpcb, flow: Flow): Mbuf | undefined {
  if ((inp.flags & ASKED) === 0) return undefined;
  const parts: { type: number; data: Uint8Array }[] = [];
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
  const control = ip.mbufs.tryGet(total, 0);
  if (control === undefined) return undefined;
  control.type = MT_CONTROL;
  let at = control.off;
  for (const { type, data } of parts) at = emitCmsg(control.buf, at, IPPROTO_IP, type, data);
  return control;
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

function byteOf(data: Uint8Array, max: number): number {
  const value = data.length >= 4 ? getU32le(data, 0) : data.length === 1 ? data[0]! : -1;
  if (value < 0 || value > max) throw ERR.EINVAL;
  return value;
}
