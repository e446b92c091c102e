/**
 * Extension headers of IPv6 (RFC 8200 4). Hop-by-hop options, destination options and routing headers begin with the next header 0 and their length 1, in units of
 * 8 bytes without the first; options are type, length, data, or a single zero byte. A fragment header: next 0, offset in units of 8 and a flag 2, identification 4.
 */
import { getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';

export const NH_HOPOPTS = 0;
export const NH_ROUTING = 43;
export const NH_FRAGMENT = 44;
export const NH_ESP = 50;
export const NH_AH = 51;
export const NH_ICMPV6 = 58;
export const NH_NONE = 59;
export const NH_DSTOPTS = 60;

export const IP6_FRAG_LEN = 8;
export const IP6OPT_PAD1 = 0;
export const IP6OPT_PADN = 1;
export const IP6OPT_ROUTER_ALERT = 5;
export const IP6OPT_JUMBO = 0xc2;

/** Hop-by-hop options that hold a router alert for MLD (RFC 2711), `next` in front. */
export function routerAlert(next: number): Uint8Array {
  return Uint8Array.of(next, 0, IP6OPT_ROUTER_ALERT, 2, 0, 0, IP6OPT_PADN, 0);
}

/** Whether a header of this number is followed by another by the rules of this file. */
export function isExtension(nextHeader: number): boolean {
  return nextHeader === NH_HOPOPTS || nextHeader === NH_ROUTING || nextHeader === NH_FRAGMENT || nextHeader === NH_DSTOPTS || nextHeader === NH_AH;
}

/** Bytes of the extension header at `off`; undefined: the bytes end before it does. */
export function extensionLen(nextHeader: number, b: Uint8Array, off: number, end: number): number | undefined {
  if (off + 8 > end) return undefined;
  const len = nextHeader === NH_FRAGMENT ? IP6_FRAG_LEN : nextHeader === NH_AH ? (b[off + 1] + 2) << 2 : (b[off + 1] + 1) << 3;
  return off + len > end ? undefined : len;
}

/** A fragment header. */
export class FragmentHeader {
  nextHeader = 0;
  /** Bytes. */
  offset = 0;
  more = false;
  id = 0;
}

/** undefined: the bytes end before it does. */
export function parseFragment(b: Uint8Array, off: number, end: number = b.length, into: FragmentHeader = new FragmentHeader()): FragmentHeader | undefined {
  if (off < 0 || end > b.length || off + IP6_FRAG_LEN > end) return undefined;
  const word = getU16be(b, off + 2);
  into.nextHeader = b[off];
  into.offset = word & 0xfff8;
  into.more = (word & 1) !== 0;
  into.id = getU32be(b, off + 4);
  return into;
}

/** Writes it at `off`, in place; returns its length. */
export function emitFragment(h: FragmentHeader, b: Uint8Array, off: number): number {
  b[off] = h.nextHeader;
  b[off + 1] = 0;
  putU16be(b, off + 2, h.offset | (h.more ? 1 : 0));
  putU32be(b, off + 4, h.id);
  return IP6_FRAG_LEN;
}

/** What the headers of a packet lead to. */
export interface UpperLayer {
  /** The number of the header at `off`. */
  readonly nextHeader: number;
  readonly off: number;
  /** It is a later fragment: there is no upper header at `off`. */
  readonly later: boolean;
}

/** Follows the headers from `nextHeader`, which stands at `off`, as far as the bytes go. undefined: they end within one, or there are too many. */
export function upperLayer(nextHeader: number, b: Uint8Array, off: number, end: number): UpperLayer | undefined {
  let next = nextHeader;
  let at = off;
  let later = false;
  for (let count = 0; isExtension(next); count++) {
    const len = extensionLen(next, b, at, end);
    if (len === undefined || count > 32) return undefined;
    if (next === NH_FRAGMENT && (getU16be(b, at + 2) & 0xfff8) !== 0) later = true;
    next = b[at];
    at += len;
    if (later) break;
  }
  return { nextHeader: next, off: at, later };
}

/** Whether options at off..end are well formed: types, lengths, data within them. */
export function ip6OptionsValid(b: Uint8Array, off: number, end: number): boolean {
  for (let at = off; at < end; ) {
    if (b[at] === IP6OPT_PAD1) at++;
    else if (at + 2 > end || at + 2 + b[at + 1] > end) return false;
    else at += 2 + b[at + 1];
  }
  return true;
}
