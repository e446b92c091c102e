/** Packets that are larger than their link (RFC 791 3.2): cut, unless they must not be. */
import { AF_INET, ERR } from '@anykernel/lib-sys';
import { emitIpv4, IP_DF, IP_HDR_LEN, IP_MF, IPOPT_EOL, IPOPT_NOP, type Ipv4Header, parseIpv4 } from '@anykernel/lib-wire';
import { completeChecksum, type Ifnet } from '@anykernel/net';
import { CSUM_PARTIAL, type Mbuf } from '@anykernel/rumpnet';
import type { Ip } from './ip.js';

/** Cuts `m`, which starts at its header, for an interface, and sends the pieces. Owns `m`. EMSGSIZE: it must not be cut. */
export function fragmentAndSend(ip: Ip, packet: Mbuf, ifp: Ifnet, gateway: number, mtu: number): number {
  const { mbufs, stats } = ip;
  let m: Mbuf | undefined = packet;
  if (m.csum === CSUM_PARTIAL) m = completeChecksum(mbufs, m);
  const h = m === undefined ? undefined : parseIpv4(m.buf, m.off, m.off + m.len);
  if (m === undefined || h === undefined) {
    if (m !== undefined) mbufs.free(m);
    return ERR.ENOBUFS.errno;
  }
  const step = (mtu - h.hdrLen) & ~7;
  if ((h.flags & IP_DF) !== 0 || step < 8) {
    stats.cantfrag++;
    mbufs.free(m);
    return ERR.EMSGSIZE.errno;
  }
  stats.fragmented++;
  const payload = m.pktlen - h.hdrLen;
  let error = 0;
  for (let off = 0; off < payload && error === 0; off += step) {
    const piece = cut(ip, m, h, off, Math.min(step, payload - off), off + step < payload);
    if (piece === undefined) {
      error = ERR.ENOBUFS.errno;
      break;
    }
    stats.ofragments++;
    error = ifp.output(ifp, piece, ip.nexthop.set(AF_INET, gateway, 0, 0, 0));
  }
  mbufs.free(m);
  return error;
}

/** One piece: a header of its own, and part of the payload, shared. */
function cut(ip: Ip, whole: Mbuf, h: Ipv4Header, off: number, len: number, more: boolean): Mbuf | undefined {
  const { mbufs } = ip;
  const payload = mbufs.copym(whole, h.hdrLen + off, len);
  if (payload === undefined) return undefined;
  payload.flags = whole.flags;
  const hdrLen = off === 0 ? h.hdrLen : IP_HDR_LEN + copiedLen(whole, h);
  const piece = mbufs.prepend(payload, hdrLen);
  if (piece === undefined) return undefined;
  if (off === 0) for (let i = IP_HDR_LEN; i < hdrLen; i++) piece.buf[piece.off + i] = whole.buf[whole.off + i]!;
  else copyOptions(whole, h, piece);
  const out = ip.outHeader;
  Object.assign(out, h);
  out.hdrLen = hdrLen;
  out.totalLen = hdrLen + len;
  out.fragOffset = h.fragOffset + off;
  out.flags = more || (h.flags & IP_MF) !== 0 ? IP_MF : 0;
  emitIpv4(out, piece.buf, piece.off);
  return piece;
}

/** Options with their uppermost bit set go into every piece (RFC 791 3.1). */
function copied(whole: Mbuf, h: Ipv4Header, each: (at: number, len: number) => void): void {
  const { buf, off } = whole;
  for (let at = off + IP_HDR_LEN; at < off + h.hdrLen; ) {
    const type = buf[at]!;
    if (type === IPOPT_EOL) return;
    if (type === IPOPT_NOP) {
      at++;
      continue;
    }
    const len = buf[at + 1]!;
    if (len < 2 || at + len > off + h.hdrLen) return;
    if ((type & 0x80) !== 0) each(at, len);
    at += len;
  }
}

function copiedLen(whole: Mbuf, h: Ipv4Header): number {
  let total = 0;
  copied(whole, h, (_at, len) => {
    total += len;
  });
  return (total + 3) & ~3;
}

function copyOptions(whole: Mbuf, h: Ipv4Header, piece: Mbuf): void {
  let to = piece.off + IP_HDR_LEN;
  copied(whole, h, (at, len) => {
    for (let i = 0; i < len; i++) piece.buf[to + i] = whole.buf[at + i]!;
    to += len;
  });
  while (((to - piece.off) & 3) !== 0) piece.buf[to++] = IPOPT_EOL;
}
