/**
 * ICMP (RFC 792, RFC 950, RFC 1191, RFC 1812): type 0, code 1, checksum 2, four bytes that depend on the type, then data: of an error, the packet that
 * it is about.
 */
import { getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';
import { inCksum } from './checksum.js';

export const ICMP_HDR_LEN = 8;
export const ICMP_ECHOREPLY = 0;
export const ICMP_UNREACH = 3;
export const ICMP_SOURCEQUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_ROUTERADVERT = 9;
export const ICMP_ROUTERSOLICIT = 10;
export const ICMP_TIMXCEED = 11;
export const ICMP_PARAMPROB = 12;
export const ICMP_TSTAMP = 13;
export const ICMP_TSTAMPREPLY = 14;
export const ICMP_MASKREQ = 17;
export const ICMP_MASKREPLY = 18;
export const ICMP_MAXTYPE = 40;

export const ICMP_UNREACH_NET = 0;
export const ICMP_UNREACH_HOST = 1;
export const ICMP_UNREACH_PROTOCOL = 2;
export const ICMP_UNREACH_PORT = 3;
export const ICMP_UNREACH_NEEDFRAG = 4;
export const ICMP_UNREACH_SRCFAIL = 5;
export const ICMP_UNREACH_FILTER_PROHIB = 13;
export const ICMP_TIMXCEED_INTRANS = 0;
export const ICMP_TIMXCEED_REASS = 1;
export const ICMP_REDIRECT_NET = 0;
export const ICMP_REDIRECT_HOST = 1;

export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  /** As it stands in the packet; emitIcmp() computes it. */
  readonly checksum: number;
  /** Bytes 4..8: identifier and sequence, a gateway, or a next hop's MTU. */
  readonly rest: number;
}

/** The header at off..end, whose checksum is not looked at; undefined: the bytes end before it does. */
export function parseIcmp(b: Uint8Array, off: number = 0, end: number = b.length): IcmpHeader | undefined {
  if (off < 0 || end > b.length || off + ICMP_HDR_LEN > end) return undefined;
  return { type: b[off]!, code: b[off + 1]!, checksum: getU16be(b, off + 2), rest: getU32be(b, off + 4) };
}

/** Writes the header at `off`, in place, with the checksum of off..end, where the data stand already. Returns its length. */
export function emitIcmp(h: Omit<IcmpHeader, 'checksum'>, b: Uint8Array, off: number = 0, end: number = b.length): number {
  b[off] = h.type;
  b[off + 1] = h.code;
  putU16be(b, off + 2, 0);
  putU32be(b, off + 4, h.rest);
  putU16be(b, off + 2, inCksum(b, off, end - off));
  return ICMP_HDR_LEN;
}

/** Whether messages of this type are about another packet. */
export function icmpIsError(type: number): boolean {
  return type === ICMP_UNREACH || type === ICMP_SOURCEQUENCH || type === ICMP_REDIRECT || type === ICMP_TIMXCEED || type === ICMP_PARAMPROB;
}
