/**
 * What a capable interface does for the layers above, in software: checksums completed, and large TCP segments cut to size.
 *
 * Packets start at their IP header.
 */
import { getI32be, getU16be, putU16be, putU32be } from '@anykernel/lib-bytes';
import { ETHERTYPE_IP, ETHERTYPE_IPV6, ETHER_HDR_LEN, TH_CWR, TH_FIN, TH_PUSH, inCksum, sumBytes, sumFinish, sumFold, sumSwap } from '@anykernel/lib-wire';
import { CSUM_NONE, CSUM_PARTIAL, GSO_NONE, GSO_TCPV4, GSO_TCPV6, type Mbuf, type Mbufs } from '@anykernel/rumpnet';

/** The smallest IP header, where the checksum of TCP stands in its own, and a segment size below which nobody's is. */
const IP_LEN = 20;
const TCP_CSUM_OFF = 16;
const GSO_SIZE_MIN = 8;

/**
 * Whether what a frame from outside says of its checksum and segmentation can be: that the checksum lies behind the network header and within the frame, and that what
 * is to be cut is TCP of the frame's family. `m` starts at its Ethernet header, in one piece.
 */
export function offloadValid(m: Mbuf): boolean {
  if (m.csum === CSUM_PARTIAL && (m.csumStart < ETHER_HDR_LEN + IP_LEN || m.csumStart + m.csumOff + 2 > m.pktlen)) return false;
  if (m.gsoType === GSO_NONE) return true;
  const type = m.gsoType === GSO_TCPV4 ? ETHERTYPE_IP : m.gsoType === GSO_TCPV6 ? ETHERTYPE_IPV6 : -1;
  return m.csum === CSUM_PARTIAL && m.csumOff === TCP_CSUM_OFF && m.gsoSize >= GSO_SIZE_MIN && m.len >= ETHER_HDR_LEN && getU16be(m.buf, m.off + 12) === type;
}

/** The sum (RFC 1071) of the bytes [off, off+len) of a packet, added to `sum`, which stands at an even place. */
export function sumChain(m: Mbuf, off: number, len: number, sum = 0): number {
  let n: Mbuf | undefined = m;
  while (n !== undefined && off >= n.len) {
    off -= n.len;
    n = n.next;
  }
  let total = sum;
  let odd = false;
  for (let left = len; n !== undefined && left > 0; n = n.next) {
    const some = left < n.len - off ? left : n.len - off;
    const part = sumBytes(n.buf, n.off + off, some);
    total = sumFold(total + (odd ? sumSwap(part) : part));
    if ((some & 1) !== 0) odd = !odd;
    left -= some;
    off = 0;
  }
  return total;
}

/**
 * Writes the checksum of a CSUM_PARTIAL packet into it. A sum of zero is sent as 0xffff: for UDP zero means none, and for TCP the two are one number.
 * undefined: no memory, and the packet is freed.
 */
export function completeChecksum(mbufs: Mbufs, m: Mbuf): Mbuf | undefined {
  const at = m.csumStart + m.csumOff;
  const packet = mbufs.own(m, Math.min(at + 2, m.pktlen));
  if (packet === undefined) return undefined;
  const sum = sumFinish(sumChain(packet, packet.csumStart, packet.pktlen - packet.csumStart));
  putU16be(packet.buf, packet.off + at, sum === 0 ? 0xffff : sum);
  packet.csum = CSUM_NONE;
  return packet;
}

/**
 * Cuts a large TCP segment (gsoSize) into packets that share its payload, chained by nextpkt. Owns `m`. undefined: no memory, or its headers are none.
 *
 * The first keeps CWR, the last FIN and PSH; IPv4 identifications count up.
 */
export function segment(mbufs: Mbufs, m: Mbuf): Mbuf | undefined {
  const l4 = m.csumStart;
  const packet = mbufs.pullup(m, Math.min(l4 + 20, m.pktlen));
  if (packet === undefined) return undefined;
  const headerLen = l4 + ((packet.buf[packet.off + l4 + 12] >>> 4) << 2);
  const whole = packet.pktlen >= headerLen && headerLen >= l4 + 20 && packet.gsoSize > 0 ? mbufs.pullup(packet, headerLen) : undefined;
  if (whole === undefined) {
    if (packet.pktlen < headerLen || headerLen < l4 + 20 || packet.gsoSize <= 0) mbufs.free(packet);
    return undefined;
  }
  let first: Mbuf | undefined;
  let last: Mbuf | undefined;
  for (let off = headerLen, index = 0; off < whole.pktlen; off += whole.gsoSize, index++) {
    const one = cut(mbufs, whole, headerLen, off, index);
    if (one === undefined) break;
    if (last === undefined) first = one;
    else last.nextpkt = one;
    last = one;
  }
  mbufs.free(whole);
  return first;
}

/** One packet: a copy of the headers, and the payload from `off` on. */
function cut(mbufs: Mbufs, whole: Mbuf, headerLen: number, off: number, index: number): Mbuf | undefined {
  const len = Math.min(whole.gsoSize, whole.pktlen - off);
  const head = mbufs.tryGet(headerLen);
  if (head === undefined) return undefined;
  const payload = mbufs.copym(whole, off, len);
  if (payload === undefined) {
    mbufs.free(head);
    return undefined;
  }
  for (let i = 0; i < headerLen; i++) head.buf[head.off + i] = whole.buf[whole.off + i];
  mbufs.cat(head, payload);
  head.flags = whole.flags;
  head.csum = whole.csum;
  head.csumStart = whole.csumStart;
  head.csumOff = whole.csumOff;
  head.gsoType = GSO_NONE;
  fixHeaders(head, whole, headerLen, off, len, index);
  return head;
}

function fixHeaders(head: Mbuf, whole: Mbuf, headerLen: number, off: number, len: number, index: number): void {
  const { buf, off: ip } = head;
  const tcp = ip + whole.csumStart;
  const tcpLen = headerLen - whole.csumStart + len;
  if (whole.gsoType === GSO_TCPV4) {
    putU16be(buf, ip + 2, headerLen + len);
    putU16be(buf, ip + 4, getU16be(buf, ip + 4) + index);
    putU16be(buf, ip + 10, 0);
    putU16be(buf, ip + 10, inCksum(buf, ip, (buf[ip] & 15) << 2));
  } else putU16be(buf, ip + 4, headerLen - 40 + len);
  putU32be(buf, tcp + 4, getI32be(buf, tcp + 4) + (off - headerLen));
  if (index > 0) buf[tcp + 13] &= ~TH_CWR;
  if (off + len < whole.pktlen) buf[tcp + 13] &= ~(TH_FIN | TH_PUSH);
  // The sum of the pseudo header holds the length of the whole segment.
  if (whole.csum !== CSUM_PARTIAL) return;
  const before = whole.pktlen - whole.csumStart;
  const sum = getU16be(buf, tcp + 16) + (~before & 0xffff) + (~(before >>> 16) & 0xffff) + tcpLen;
  putU16be(buf, tcp + 16, sumFold(sum));
}
