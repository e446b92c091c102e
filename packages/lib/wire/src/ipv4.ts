/**
 * The header of IPv4 (RFC 791 3.1): version and length 0, type of service 1, total length 2, identification 4, flags and fragment offset 6, time to
 * live 8, protocol 9, checksum 10, source 12, destination 16, options from 20.
 */
import { getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';
import { inCksum } from './checksum.js';

export const IP_HDR_LEN = 20;
/** The longest header, with options. */
export const IP_HDR_MAX = 60;
export const IP_MAXPACKET = 65535;
export const IP_DF = 0x4000;
export const IP_MF = 0x2000;
export const IP_RF = 0x8000;
export const IP_OFFMASK = 0x1fff;

/** The two bits of ECN in the type of service (RFC 3168 5). */
export const ECN_MASK = 3;
export const ECN_NOT_ECT = 0;
export const ECN_ECT1 = 1;
export const ECN_ECT0 = 2;
export const ECN_CE = 3;

/** Options of one byte, and those that are looked at (RFC 791 3.1, RFC 2113). */
export const IPOPT_EOL = 0;
export const IPOPT_NOP = 1;
export const IPOPT_RR = 7;
export const IPOPT_TS = 68;
export const IPOPT_LSRR = 131;
export const IPOPT_SSRR = 137;
export const IPOPT_RA = 148;

/** The fields of a header, as numbers. One object serves for many packets. */
export class Ipv4Header {
  /** Bytes of the header, options included: 20..60. */
  hdrLen = IP_HDR_LEN;
  tos = 0;
  /** Bytes of the packet, header included. */
  totalLen = 0;
  id = 0;
  /** IP_RF, IP_DF, IP_MF. */
  flags = 0;
  /** In bytes. */
  fragOffset = 0;
  ttl = 0;
  protocol = 0;
  checksum = 0;
  src = 0;
  dst = 0;
}

/**
 * The header at off..end, whose checksum is not looked at; undefined: it is not of version 4, its length is none, or the bytes end before it does.
 * `totalLen` may say more than there is: that is for the caller to compare.
 */
export function parseIpv4(
  b: Uint8Array,
  off: number = 0,
  end: number = b.length,
  into: Ipv4Header = new Ipv4Header(),
): Ipv4Header | undefined {
  if (off < 0 || end > b.length || off + IP_HDR_LEN > end || b[off]! >>> 4 !== 4) return undefined;
  const hdrLen = (b[off]! & 15) << 2;
  const totalLen = getU16be(b, off + 2);
  if (hdrLen < IP_HDR_LEN || off + hdrLen > end || totalLen < hdrLen) return undefined;
  const fragment = getU16be(b, off + 6);
  into.hdrLen = hdrLen;
  into.tos = b[off + 1]!;
  into.totalLen = totalLen;
  into.id = getU16be(b, off + 4);
  into.flags = fragment & ~IP_OFFMASK;
  into.fragOffset = (fragment & IP_OFFMASK) << 3;
  into.ttl = b[off + 8]!;
  into.protocol = b[off + 9]!;
  into.checksum = getU16be(b, off + 10);
  into.src = getU32be(b, off + 12);
  into.dst = getU32be(b, off + 16);
  return into;
}

/** Writes the header at `off`, in place, with its checksum; options stand already behind the 20 bytes. Returns its length. */
export function emitIpv4(h: Ipv4Header, b: Uint8Array, off: number = 0): number {
  b[off] = 0x40 | (h.hdrLen >>> 2);
  b[off + 1] = h.tos;
  putU16be(b, off + 2, h.totalLen);
  putU16be(b, off + 4, h.id);
  putU16be(b, off + 6, h.flags | (h.fragOffset >>> 3));
  b[off + 8] = h.ttl;
  b[off + 9] = h.protocol;
  putU16be(b, off + 10, 0);
  putU32be(b, off + 12, h.src);
  putU32be(b, off + 16, h.dst);
  h.checksum = inCksum(b, off, h.hdrLen);
  putU16be(b, off + 10, h.checksum);
  return h.hdrLen;
}

/** Whether the options off..end are well formed: each option's length lies within them. */
export function ipOptionsValid(b: Uint8Array, off: number, end: number): boolean {
  for (let at = off; at < end; ) {
    const type = b[at]!;
    if (type === IPOPT_EOL) return true;
    if (type === IPOPT_NOP) {
      at++;
      continue;
    }
    const len = at + 1 < end ? b[at + 1]! : 0;
    if (len < 2 || at + len > end) return false;
    at += len;
  }
  return true;
}
