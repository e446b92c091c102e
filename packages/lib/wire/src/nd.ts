/**
 * Neighbour discovery (RFC 4861 4): the bodies of its ICMPv6 messages, from the four bytes after the checksum on, and their options.
 *
 * Solicitation and advertisement: flags 4, target 8[16]. Router advertisement: hop limit 4, flags 5, lifetime 6 (s), reachable time 8, retransmission time 12 (ms).
 * Redirect: target 8[16], destination 24[16]. Options follow: type 0, length 1 in units of 8 bytes, never zero.
 * Prefix information: length in bits 2, flags 3, valid 4 and preferred lifetime 8 (s), prefix 16[16]. MTU: 4. Nonce (RFC 3971 5.3.2): 2. Link addresses: 2.
 * Recursive DNS servers (RFC 8106 5.1): lifetime 4, addresses 8.
 */
import { getU16be, getU32be, putU16be, putU32be } from '@anykernel/lib-bytes';

export const ND_SOLICIT_LEN = 24;
export const ND_ADVERT_LEN = 24;
export const ND_ROUTER_SOLICIT_LEN = 8;
export const ND_ROUTER_ADVERT_LEN = 16;
export const ND_REDIRECT_LEN = 40;

export const ND_OPT_SOURCE_LINKADDR = 1;
export const ND_OPT_TARGET_LINKADDR = 2;
export const ND_OPT_PREFIX_INFORMATION = 3;
export const ND_OPT_REDIRECTED_HEADER = 4;
export const ND_OPT_MTU = 5;
export const ND_OPT_NONCE = 14;
export const ND_OPT_RDNSS = 25;

export const ND_NA_ROUTER = 0x8000_0000;
export const ND_NA_SOLICITED = 0x4000_0000;
export const ND_NA_OVERRIDE = 0x2000_0000;
export const ND_RA_MANAGED = 0x80;
export const ND_RA_OTHER = 0x40;
export const ND_PI_ONLINK = 0x80;
export const ND_PI_AUTO = 0x40;

/** Lifetimes in seconds; 0xffffffff: without end. */
export interface NdPrefix {
  readonly prefix: Uint8Array;
  readonly len: number;
  readonly onLink: boolean;
  readonly auto: boolean;
  readonly valid: number;
  readonly preferred: number;
}

export interface NdOptions {
  sourceLink?: Uint8Array;
  targetLink?: Uint8Array;
  mtu?: number;
  nonce?: Uint8Array;
  /** Bytes of the packet that a redirect is about. */
  redirected?: Uint8Array;
  prefixes?: readonly NdPrefix[];
  /** Addresses of name servers, and for how many seconds they are good. */
  dns?: { readonly lifetime: number; readonly servers: readonly Uint8Array[] };
}

/** The options at off..end, unknown ones skipped; undefined: one has no length, or goes beyond the end (RFC 4861 4.6). Copies. */
export function parseNdOptions(b: Uint8Array, off: number, end: number): NdOptions | undefined {
  const all: NdOptions = {};
  const prefixes: NdPrefix[] = [];
  for (let at = off; at < end; ) {
    const len = at + 2 > end ? 0 : b[at + 1] << 3;
    if (len === 0 || at + len > end) return undefined;
    one(all, prefixes, b, at, len);
    at += len;
  }
  if (prefixes.length > 0) all.prefixes = prefixes;
  return all;
}

function one(all: NdOptions, prefixes: NdPrefix[], b: Uint8Array, at: number, len: number): void {
  switch (b[at]) {
    case ND_OPT_SOURCE_LINKADDR:
      all.sourceLink ??= b.slice(at + 2, at + 8);
      return;
    case ND_OPT_TARGET_LINKADDR:
      all.targetLink ??= b.slice(at + 2, at + 8);
      return;
    case ND_OPT_PREFIX_INFORMATION:
      if (len === 32) prefixes.push(prefixAt(b, at));
      return;
    case ND_OPT_REDIRECTED_HEADER:
      all.redirected ??= b.slice(at + 8, at + len);
      return;
    case ND_OPT_MTU:
      if (len === 8) all.mtu ??= getU32be(b, at + 4);
      return;
    case ND_OPT_NONCE:
      all.nonce ??= b.slice(at + 2, at + len);
      return;
    case ND_OPT_RDNSS:
      if (len >= 24 && (len & 15) === 8) all.dns ??= { lifetime: getU32be(b, at + 4), servers: addressesAt(b, at + 8, at + len) };
  }
}

function prefixAt(b: Uint8Array, at: number): NdPrefix {
  return {
    len: b[at + 2],
    onLink: (b[at + 3] & ND_PI_ONLINK) !== 0,
    auto: (b[at + 3] & ND_PI_AUTO) !== 0,
    valid: getU32be(b, at + 4),
    preferred: getU32be(b, at + 8),
    prefix: b.slice(at + 16, at + 32),
  };
}

function addressesAt(b: Uint8Array, off: number, end: number): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = off; at + 16 <= end; at += 16) all.push(b.slice(at, at + 16));
  return all;
}

/** The bytes of options, each padded to 8. */
export function ndOptions(all: NdOptions): Uint8Array {
  const parts: Uint8Array[] = [];
  if (all.sourceLink !== undefined) parts.push(option(ND_OPT_SOURCE_LINKADDR, all.sourceLink));
  if (all.targetLink !== undefined) parts.push(option(ND_OPT_TARGET_LINKADDR, all.targetLink));
  if (all.mtu !== undefined) {
    const data = new Uint8Array(6);
    putU32be(data, 2, all.mtu);
    parts.push(option(ND_OPT_MTU, data));
  }
  for (const prefix of all.prefixes ?? []) parts.push(prefixOption(prefix));
  if (all.nonce !== undefined) parts.push(option(ND_OPT_NONCE, all.nonce));
  if (all.dns !== undefined) parts.push(dnsOption(all.dns.lifetime, all.dns.servers));
  if (all.redirected !== undefined) parts.push(redirectedOption(all.redirected));
  const bytes = new Uint8Array(parts.reduce((len, part) => len + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function option(type: number, data: Uint8Array): Uint8Array {
  const b = new Uint8Array((data.length + 2 + 7) & ~7);
  b[0] = type;
  b[1] = b.length >> 3;
  b.set(data, 2);
  return b;
}

function prefixOption(p: NdPrefix): Uint8Array {
  const b = new Uint8Array(32);
  b[0] = ND_OPT_PREFIX_INFORMATION;
  b[1] = 4;
  b[2] = p.len;
  b[3] = (p.onLink ? ND_PI_ONLINK : 0) | (p.auto ? ND_PI_AUTO : 0);
  putU32be(b, 4, p.valid);
  putU32be(b, 8, p.preferred);
  b.set(p.prefix, 16);
  return b;
}

function dnsOption(lifetime: number, servers: readonly Uint8Array[]): Uint8Array {
  const b = new Uint8Array(8 + 16 * servers.length);
  b[0] = ND_OPT_RDNSS;
  b[1] = b.length >> 3;
  putU32be(b, 4, lifetime);
  servers.forEach((server, i) => b.set(server, 8 + 16 * i));
  return b;
}

function redirectedOption(packet: Uint8Array): Uint8Array {
  const b = new Uint8Array(8 + (packet.length & ~7));
  b[0] = ND_OPT_REDIRECTED_HEADER;
  b[1] = b.length >> 3;
  b.set(packet.subarray(0, b.length - 8), 8);
  return b;
}

export interface RouterAdvert {
  /** 0: not said. */
  readonly hopLimit: number;
  /** ND_RA_*. */
  readonly flags: number;
  /** Seconds for which it is a default router; 0: it is none. */
  readonly lifetime: number;
  /** Milliseconds; 0: not said. */
  readonly reachableMs: number;
  readonly retransMs: number;
}

/** The fixed part of a router advertisement whose ICMPv6 header is at `off`; undefined: it is too short. */
export function parseRouterAdvert(b: Uint8Array, off: number, end: number): RouterAdvert | undefined {
  if (off + ND_ROUTER_ADVERT_LEN > end) return undefined;
  return { hopLimit: b[off + 4], flags: b[off + 5], lifetime: getU16be(b, off + 6), reachableMs: getU32be(b, off + 8), retransMs: getU32be(b, off + 12) };
}

/** Writes it at `off`, in place; type, code and checksum are the caller's. */
export function emitRouterAdvert(ra: RouterAdvert, b: Uint8Array, off: number): number {
  b[off + 4] = ra.hopLimit;
  b[off + 5] = ra.flags;
  putU16be(b, off + 6, ra.lifetime);
  putU32be(b, off + 8, ra.reachableMs);
  putU32be(b, off + 12, ra.retransMs);
  return ND_ROUTER_ADVERT_LEN;
}
