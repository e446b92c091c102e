/**
 * ICMPv6 (RFC 4443): type 0, code 1, checksum 2, four bytes that depend on the type, then data: of an error, as much of the packet that it is about as fits.
 *
 * The checksum covers a pseudo header with the addresses: its sum (sumPseudo6) is the caller's.
 */
import { getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';
import { sumBytes, sumFinish } from './checksum.js';

export const ICMP6_HDR_LEN = 8;
export const ICMP6_DST_UNREACH = 1;
export const ICMP6_PACKET_TOO_BIG = 2;
export const ICMP6_TIME_EXCEEDED = 3;
export const ICMP6_PARAM_PROB = 4;
export const ICMP6_ECHO_REQUEST = 128;
export const ICMP6_ECHO_REPLY = 129;
export const MLD_LISTENER_QUERY = 130;
export const MLD_LISTENER_REPORT = 131;
export const MLD_LISTENER_DONE = 132;
export const ND_ROUTER_SOLICIT = 133;
export const ND_ROUTER_ADVERT = 134;
export const ND_NEIGHBOR_SOLICIT = 135;
export const ND_NEIGHBOR_ADVERT = 136;
export const ND_REDIRECT = 137;
export const MLDV2_LISTENER_REPORT = 143;

export const ICMP6_DST_UNREACH_NOROUTE = 0;
export const ICMP6_DST_UNREACH_ADMIN = 1;
export const ICMP6_DST_UNREACH_BEYONDSCOPE = 2;
export const ICMP6_DST_UNREACH_ADDR = 3;
export const ICMP6_DST_UNREACH_NOPORT = 4;
export const ICMP6_TIME_EXCEED_TRANSIT = 0;
export const ICMP6_TIME_EXCEED_REASSEMBLY = 1;
export const ICMP6_PARAMPROB_HEADER = 0;
export const ICMP6_PARAMPROB_NEXTHEADER = 1;
export const ICMP6_PARAMPROB_OPTION = 2;
/** RFC 7112 4: the first fragment does not hold all headers. */
export const ICMP6_PARAMPROB_FIRSTFRAGMENT = 3;

export interface Icmp6Header {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** Bytes 4..8: identifier and sequence, an MTU, a pointer. */
  readonly rest: number;
}

/** The header at off..end, whose checksum is not looked at; undefined: the bytes end before it does. */
export function parseIcmp6(b: Uint8Array, off: number = 0, end: number = b.length): Icmp6Header | undefined {
  if (off < 0 || end > b.length || off + ICMP6_HDR_LEN > end) return undefined;
  return { type: b[off], code: b[off + 1], checksum: getU16be(b, off + 2), rest: getU32be(b, off + 4) };
}

/** Writes the header at `off`, in place, with the checksum of off..end, where the data stand already; `pseudo`: the sum of the pseudo header. */
export function emitIcmp6(h: Omit<Icmp6Header, 'checksum'>, pseudo: number, b: Uint8Array, off: number = 0, end: number = b.length): number {
  b[off] = h.type;
  b[off + 1] = h.code;
  putU16be(b, off + 2, 0);
  putU32be(b, off + 4, h.rest);
  putU16be(b, off + 2, sumFinish(sumBytes(b, off, end - off, pseudo)));
  return ICMP6_HDR_LEN;
}

/** Whether messages of this type are about another packet (RFC 4443 2.1). */
export function icmp6IsError(type: number): boolean {
  return type < 128;
}
