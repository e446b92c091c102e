/** Packets that are larger than their path (RFC 8200 4.5): cut by their source, with fragment headers. */
import { putU16be } from '@anykernel/lib-bytes';
import { AF_INET6, ERR } from '@anykernel/lib-sys';
import { FragmentHeader, IP6_FRAG_LEN, IP6_HDR_LEN, NH_DSTOPTS, NH_FRAGMENT, NH_HOPOPTS, NH_ROUTING, emitFragment, extensionLen } from '@anykernel/lib-wire';
import { type Ifnet, type Nexthop, completeChecksum } from '@anykernel/net';
import { CSUM_PARTIAL, type Mbuf } from '@anykernel/rumpnet';
import type { Ip6 } from './ip6.js';

/** Cuts `packet`, which starts at its header, for a path, and sends the pieces. Owns `packet`. Returns an errno. */
export function fragmentAndSend(ip6: Ip6, packet: Mbuf, ifp: Ifnet, gw: Nexthop, mtu: number): number {
  const { mbufs, stats } = ip6;
  let m: Mbuf | undefined = packet;
  if (m.csum === CSUM_PARTIAL) m = completeChecksum(mbufs, m);
  if (m === undefined) return ERR.ENOBUFS.errno;
  const { len: head, nextAt } = unfragmentable(m);
  const step = (mtu - head - IP6_FRAG_LEN) & ~7;
  if (step < 8) {
    stats.cantfrag++;
    mbufs.free(m);
    return ERR.EMSGSIZE.errno;
  }
  stats.fragmented++;
  const fh = new FragmentHeader();
  fh.id = ip6.inet.rand.word() >>> 0;
  fh.nextHeader = m.buf[m.off + nextAt];
  const payload = m.pktlen - head;
  let error = 0;
  for (let off = 0; off < payload && error === 0; off += step) {
    fh.offset = off;
    fh.more = off + step < payload;
    const piece = cut(ip6, m, head, nextAt, fh, Math.min(step, payload - off));
    if (piece === undefined) {
      error = ERR.ENOBUFS.errno;
      break;
    }
    stats.ofragments++;
    error = ifp.output(ifp, piece, ip6.nexthop.set(AF_INET6, gw.w0, gw.w1, gw.w2, gw.w3));
  }
  mbufs.free(m);
  return error;
}

/** RFC 8200 4.5: the part that each piece has, up to the routing header or the hop-by-hop options, and where in it the number of the next header stands. */
function unfragmentable(m: Mbuf): { len: number; nextAt: number } {
  const { buf, off } = m;
  let len = IP6_HDR_LEN;
  let nextAt = 6;
  let at = IP6_HDR_LEN;
  let last = 6;
  for (let next = buf[off + 6]; next === NH_HOPOPTS || next === NH_ROUTING || next === NH_DSTOPTS; ) {
    const size = extensionLen(next, buf, off + at, off + m.len);
    if (size === undefined) break;
    const routing = next === NH_ROUTING || next === NH_HOPOPTS;
    next = buf[off + at];
    last = at;
    at += size;
    if (!routing) continue;
    len = at;
    nextAt = last;
  }
  return { len, nextAt };
}

/** One piece: headers of its own, and part of the payload, shared. */
function cut(ip6: Ip6, whole: Mbuf, head: number, nextAt: number, fh: FragmentHeader, len: number): Mbuf | undefined {
  const { mbufs } = ip6;
  const payload = mbufs.copym(whole, head + fh.offset, len);
  if (payload === undefined) return undefined;
  payload.flags = whole.flags;
  const piece = mbufs.prepend(payload, head + IP6_FRAG_LEN);
  if (piece === undefined) return undefined;
  const { buf, off } = piece;
  for (let i = 0; i < head; i++) buf[off + i] = whole.buf[whole.off + i];
  buf[off + nextAt] = NH_FRAGMENT;
  emitFragment(fh, buf, off + head);
  putU16be(buf, off + 4, piece.pktlen - IP6_HDR_LEN);
  return piece;
}
