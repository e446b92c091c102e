/**
 * Large receive in software: TCP segments of one connection that follow each other in a burst become one packet, as an interface with IFCAP_LRO gives it,
 * so that what each packet costs above the driver, acknowledgments included, is paid once for all of them.
 *
 * Those are joined that differ in nothing but their place: headers are equal up to lengths, sequence numbers, identifications, checksums and PSH, all but the
 * last are of one size, and each checksum is right. The packet can be cut into the same segments again (segment() in offload.ts), and so may be forwarded.
 */
import { getI32be, getU16be, putU16be } from '@anykernel/lib-bytes';
import { ETHERTYPE_IP, ETHERTYPE_IPV6, ETHER_HDR_LEN, TH_ACK, TH_PUSH, inCksum, sumBytes, sumFold } from '@anykernel/lib-wire';
import { CSUM_NONE, CSUM_PARTIAL, CSUM_VALID, GSO_NONE, GSO_TCPV4, GSO_TCPV6, type Mbuf } from '@anykernel/rumpnet';
import type { Ifnet } from './ifnet.js';

const IPPROTO_TCP = 6;
const IPV4_LEN = 20;
const IPV6_LEN = 40;
const TCP_LEN = 20;
const TCP_CSUM_OFF = 16;
const IP_DF = 0x4000;
const PACKET_MAX = 65_535;
/** Segments of less are not joined: nobody sends many of them. */
const SIZE_MIN = 64;

/** What joins the frames of one interface; the driver ends each burst by flush(). */
export class Gro {
  /** The first frame of those that are joined, and the mbuf at their end. */
  #held: Mbuf | undefined;
  #last: Mbuf | undefined;
  #count = 0;
  /** Bytes of its headers before TCP's, and of all; of its payload, and where the next one begins. */
  #ipEnd = 0;
  #hdrLen = 0;
  #size = 0;
  #next = 0;
  #id = 0;

  constructor(readonly ifp: Ifnet) {}

  /** A frame from the wire. Owns `m`. */
  put(m: Mbuf): void {
    const ipEnd = tcpAt(m);
    if (ipEnd === 0) {
      this.flush();
      this.ifp.input(m);
      return;
    }
    if (this.#follows(m, ipEnd)) {
      this.#join(m);
      return;
    }
    this.flush();
    this.#hold(m, ipEnd);
  }

  /** The burst is over: what is held goes up. */
  flush(): void {
    const m = this.#held;
    if (m === undefined) return;
    this.#held = this.#last = undefined;
    if (this.#count > 1) this.#finish(m);
    this.ifp.input(m);
  }

  #hold(m: Mbuf, ipEnd: number): void {
    const { buf, off } = m;
    this.#held = this.#last = m;
    this.#count = 1;
    this.#ipEnd = ipEnd;
    this.#hdrLen = ipEnd + ((buf[off + ipEnd + 12] >>> 4) << 2);
    this.#size = m.pktlen - this.#hdrLen;
    this.#next = (getI32be(buf, off + ipEnd + 4) + this.#size) | 0;
    this.#id = getU16be(buf, off + ETHER_HDR_LEN + 4);
  }

  /** Whether `m` is the next piece of what is held. */
  #follows(m: Mbuf, ipEnd: number): boolean {
    const held = this.#held;
    if (held === undefined || ipEnd !== this.#ipEnd || this.#size < SIZE_MIN) return false;
    const { buf, off } = m;
    const len = m.pktlen - this.#hdrLen;
    if (len <= 0 || len > this.#size || held.pktlen + len - ETHER_HDR_LEN > PACKET_MAX) return false;
    return getI32be(buf, off + ipEnd + 4) === this.#next && this.#sameHeaders(held, m);
  }

  #sameHeaders(held: Mbuf, m: Mbuf): boolean {
    const { buf: a, off: ao } = held;
    const { buf: b, off: bo } = m;
    const ip = ETHER_HDR_LEN;
    const tcp = this.#ipEnd;
    if (tcp === ip + IPV4_LEN) {
      // RFC 6864: where the packet must not be fragmented its identification says nothing.
      if ((getU16be(b, bo + ip + 6) & IP_DF) === 0 && getU16be(b, bo + ip + 4) !== ((this.#id + 1) & 0xffff)) return false;
      if (!same(a, ao, b, bo, 0, ip + 2) || !same(a, ao, b, bo, ip + 6, ip + 10) || !same(a, ao, b, bo, ip + 12, tcp + 4)) return false;
    } else if (!same(a, ao, b, bo, 0, ip + 4) || !same(a, ao, b, bo, ip + 6, tcp + 4)) return false;
    return same(a, ao, b, bo, tcp + 8, tcp + 13) && same(a, ao, b, bo, tcp + 14, tcp + 16) && same(a, ao, b, bo, tcp + 18, this.#hdrLen);
  }

  #join(m: Mbuf): void {
    const held = this.#held as Mbuf;
    const len = m.pktlen - this.#hdrLen;
    const push = m.buf[m.off + this.#ipEnd + 13] & TH_PUSH;
    held.buf[held.off + this.#ipEnd + 13] |= push;
    this.#id = getU16be(m.buf, m.off + ETHER_HDR_LEN + 4);
    m.off += this.#hdrLen;
    m.len -= this.#hdrLen;
    (this.#last as Mbuf).next = m;
    this.#last = m;
    held.pktlen += len;
    this.#next = (this.#next + len) | 0;
    this.#count++;
    if (len < this.#size || push !== 0) this.flush();
  }

  /** Makes one packet of them: its lengths, and a checksum that is to be completed. */
  #finish(m: Mbuf): void {
    const { buf, off } = m;
    const ip = off + ETHER_HDR_LEN;
    const tcp = off + this.#ipEnd;
    const v4 = this.#ipEnd === ETHER_HDR_LEN + IPV4_LEN;
    if (v4) {
      putU16be(buf, ip + 2, m.pktlen - ETHER_HDR_LEN);
      putU16be(buf, ip + 10, 0);
      putU16be(buf, ip + 10, inCksum(buf, ip, IPV4_LEN));
    } else putU16be(buf, ip + 4, m.pktlen - ETHER_HDR_LEN - IPV6_LEN);
    putU16be(buf, tcp + TCP_CSUM_OFF, pseudo(m, this.#ipEnd, m.pktlen - this.#ipEnd));
    m.csum = CSUM_PARTIAL;
    m.csumStart = this.#ipEnd;
    m.csumOff = TCP_CSUM_OFF;
    m.gsoType = v4 ? GSO_TCPV4 : GSO_TCPV6;
    m.gsoSize = this.#size;
  }
}

/** Where TCP's header is in a frame that may be joined with others: in one piece, data with nothing but ACK and PSH, and a right checksum. 0: it is another. */
function tcpAt(m: Mbuf): number {
  const { buf, off, pktlen } = m;
  if (m.next !== undefined || m.ext.refs !== 1 || m.gsoType !== GSO_NONE || pktlen < ETHER_HDR_LEN + IPV4_LEN + TCP_LEN) return 0;
  const ip = off + ETHER_HDR_LEN;
  const ipEnd = headerEnd(buf, ip, getU16be(buf, off + 12), pktlen - ETHER_HDR_LEN);
  if (ipEnd === 0 || pktlen < ipEnd + TCP_LEN) return 0;
  const tcp = off + ipEnd;
  const hdrLen = (buf[tcp + 12] >>> 4) << 2;
  if ((buf[tcp + 13] & ~TH_PUSH) !== TH_ACK || hdrLen < TCP_LEN || pktlen <= ipEnd + hdrLen) return 0;
  if (m.csum === CSUM_NONE) {
    const len = pktlen - ipEnd;
    if (sumFold(sumBytes(buf, tcp, len) + pseudo(m, ipEnd, len)) !== 0xffff) return 0;
    m.csum = CSUM_VALID;
  }
  return ipEnd;
}

/** Where the network header ends: one without options or extensions, of a whole packet of TCP of `len` bytes. 0: it is another. */
function headerEnd(buf: Uint8Array, ip: number, type: number, len: number): number {
  if (type === ETHERTYPE_IP) {
    const plain = buf[ip] === 0x45 && buf[ip + 9] === IPPROTO_TCP && getU16be(buf, ip + 2) === len && (getU16be(buf, ip + 6) & ~IP_DF) === 0;
    return plain && inCksum(buf, ip, IPV4_LEN) === 0 ? ETHER_HDR_LEN + IPV4_LEN : 0;
  }
  if (type !== ETHERTYPE_IPV6 || len < IPV6_LEN + TCP_LEN) return 0;
  return buf[ip] >>> 4 === 6 && buf[ip + 6] === IPPROTO_TCP && getU16be(buf, ip + 4) === len - IPV6_LEN ? ETHER_HDR_LEN + IPV6_LEN : 0;
}

/** The sum of the pseudo header, with `len` bytes of TCP. */
function pseudo(m: Mbuf, ipEnd: number, len: number): number {
  const addrs = ipEnd === ETHER_HDR_LEN + IPV4_LEN ? 8 : 32;
  return sumFold(sumBytes(m.buf, m.off + ipEnd - addrs, addrs) + IPPROTO_TCP + len);
}

function same(a: Uint8Array, ao: number, b: Uint8Array, bo: number, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (a[ao + i] !== b[bo + i]) return false;
  return true;
}
