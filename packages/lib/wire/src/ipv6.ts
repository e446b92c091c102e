/**
 * The header of IPv6 (RFC 8200 3): version, traffic class and flow label 0, payload length 4, next header 6, hop limit 7, source 8[16], destination 24[16].
 */
import { getI32be, getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';

export const IP6_HDR_LEN = 40;
export const IP6_MIN_MTU = 1280;

/** The fields of a header; addresses as four signed 32-bit words. One object serves for many packets. */
export class Ipv6Header {
  trafficClass = 0;
  flowLabel = 0;
  /** Bytes that follow the header. */
  payloadLen = 0;
  nextHeader = 0;
  hopLimit = 0;
  s0 = 0;
  s1 = 0;
  s2 = 0;
  s3 = 0;
  d0 = 0;
  d1 = 0;
  d2 = 0;
  d3 = 0;
}

/** The header at off..end; undefined: it is not of version 6, or the bytes end before it does. */
export function parseIpv6(
  b: Uint8Array,
  off: number = 0,
  end: number = b.length,
  into: Ipv6Header = new Ipv6Header(),
): Ipv6Header | undefined {
  if (off < 0 || end > b.length || off + IP6_HDR_LEN > end || b[off]! >>> 4 !== 6) return undefined;
  const first = getU32be(b, off);
  into.trafficClass = (first >>> 20) & 0xff;
  into.flowLabel = first & 0xfffff;
  into.payloadLen = getU16be(b, off + 4);
  into.nextHeader = b[off + 6]!;
  into.hopLimit = b[off + 7]!;
  into.s0 = getI32be(b, off + 8);
  into.s1 = getI32be(b, off + 12);
  into.s2 = getI32be(b, off + 16);
  into.s3 = getI32be(b, off + 20);
  into.d0 = getI32be(b, off + 24);
  into.d1 = getI32be(b, off + 28);
  into.d2 = getI32be(b, off + 32);
  into.d3 = getI32be(b, off + 36);
  return into;
}

/** Writes the header at `off`, in place; returns its length. */
export function emitIpv6(h: Ipv6Header, b: Uint8Array, off: number = 0): number {
  putU32be(b, off, (6 << 28) | (h.trafficClass << 20) | h.flowLabel);
  putU16be(b, off + 4, h.payloadLen);
  b[off + 6] = h.nextHeader;
  b[off + 7] = h.hopLimit;
  putU32be(b, off + 8, h.s0);
  putU32be(b, off + 12, h.s1);
  putU32be(b, off + 16, h.s2);
  putU32be(b, off + 20, h.s3);
  putU32be(b, off + 24, h.d0);
  putU32be(b, off + 28, h.d1);
  putU32be(b, off + 32, h.d2);
  putU32be(b, off + 36, h.d3);
  return IP6_HDR_LEN;
}
