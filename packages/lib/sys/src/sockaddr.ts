/**
 * Socket addresses in bytes: NetBSD's sockaddr_in, sockaddr_in6 and sockaddr_dl, and network addresses as text.
 *
 * sockaddr_in, 16 bytes: length 0, family 1, port 2 (big-endian), address 4.
 * sockaddr_in6, 28 bytes: length 0, family 1, port 2, flow 4, address 8[16], scope 24 (the host's order: little-endian).
 * sockaddr_dl, 20 bytes or more: length 0, family 1, interface index 2 (little-endian), type 4, name length 5, address length 6, selector length 7,
 * then name and address.
 * An IPv4 address is a number, 0..2^32-1; an IPv6 address its 16 bytes.
 */
import { getU16be, getU16le, getU32be, getU32le, putU16be, putU16le, putU32be, putU32le } from '@anykernel/lib-bytes';
import { AF_INET, AF_INET6, AF_LINK } from './socket.js';

export const SOCKADDR_IN_LEN = 16;
export const SOCKADDR_IN6_LEN = 28;
export const SOCKADDR_DL_LEN = 20;

export interface SockaddrIn {
  readonly addr: number;
  readonly port: number;
}

export interface SockaddrIn6 {
  readonly addr: Uint8Array;
  readonly port: number;
  readonly flow: number;
  readonly scope: number;
}

export interface SockaddrDl {
  readonly index: number;
  /** IFT_*. */
  readonly type: number;
  readonly name: string;
  readonly addr: Uint8Array;
}

export function sockaddrIn(addr: number, port = 0): Uint8Array {
  const sa = new Uint8Array(SOCKADDR_IN_LEN);
  sa[0] = SOCKADDR_IN_LEN;
  sa[1] = AF_INET;
  putU16be(sa, 2, port);
  putU32be(sa, 4, addr);
  return sa;
}

/** undefined: not a sockaddr_in. */
export function parseSockaddrIn(sa: Uint8Array): SockaddrIn | undefined {
  if (sa.length < 8 || sa[1] !== AF_INET) return undefined;
  return { addr: getU32be(sa, 4), port: getU16be(sa, 2) };
}

export function sockaddrIn6(addr: Uint8Array, port = 0, scope = 0, flow = 0): Uint8Array {
  const sa = new Uint8Array(SOCKADDR_IN6_LEN);
  sa[0] = SOCKADDR_IN6_LEN;
  sa[1] = AF_INET6;
  putU16be(sa, 2, port);
  putU32be(sa, 4, flow);
  sa.set(addr.subarray(0, 16), 8);
  putU32le(sa, 24, scope);
  return sa;
}

/** undefined: not a sockaddr_in6. */
export function parseSockaddrIn6(sa: Uint8Array): SockaddrIn6 | undefined {
  if (sa.length < 24 || sa[1] !== AF_INET6) return undefined;
  return { addr: sa.slice(8, 24), port: getU16be(sa, 2), flow: getU32be(sa, 4), scope: sa.length < SOCKADDR_IN6_LEN ? 0 : getU32le(sa, 24) };
}

export function sockaddrDl(index: number, type: number, name = '', addr: Uint8Array = NONE): Uint8Array {
  const len = Math.max(SOCKADDR_DL_LEN, 8 + name.length + addr.length);
  const sa = new Uint8Array(len);
  sa[0] = len;
  sa[1] = AF_LINK;
  putU16le(sa, 2, index);
  sa[4] = type;
  sa[5] = name.length;
  sa[6] = addr.length;
  for (let i = 0; i < name.length; i++) sa[8 + i] = name.charCodeAt(i);
  sa.set(addr, 8 + name.length);
  return sa;
}

/** undefined: not a sockaddr_dl, or its parts do not fit in it. */
export function parseSockaddrDl(sa: Uint8Array): SockaddrDl | undefined {
  if (sa.length < 8 || sa[1] !== AF_LINK || 8 + sa[5]! + sa[6]! > sa.length) return undefined;
  const nameEnd = 8 + sa[5]!;
  return { index: getU16le(sa, 2), type: sa[4]!, name: String.fromCharCode(...sa.subarray(8, nameEnd)), addr: sa.slice(nameEnd, nameEnd + sa[6]!) };
}

const NONE = new Uint8Array(0);

/** The dotted quad of an IPv4 address. */
export function inetText(addr: number): string {
  return `${addr >>> 24}.${(addr >>> 16) & 255}.${(addr >>> 8) & 255}.${addr & 255}`;
}

/** The address of a dotted quad, or undefined. */
export function inetParse(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let addr = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return undefined;
    addr = addr * 256 + Number(part);
  }
  return addr;
}

/** An IPv6 address as text, in the form of RFC 5952. */
export function inet6Text(addr: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(getU16be(addr, i));
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) return `::ffff:${inetText(getU32be(addr, 12))}`;
  const { start, count } = longestZeros(groups);
  const hex = groups.map((g) => g.toString(16));
  if (count < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + count).join(':')}`;
}

/** The first of the longest runs of zero groups. */
function longestZeros(groups: readonly number[]): { start: number; count: number } {
  let best = { start: 0, count: 0 };
  for (let i = 0; i < groups.length; i++) {
    let count = 0;
    while (i + count < groups.length && groups[i + count] === 0) count++;
    if (count > best.count) best = { start: i, count };
    i += count;
  }
  return best;
}

/** The bytes of an IPv6 address in text (RFC 4291 2.2, without a zone), or undefined. */
export function inet6Parse(text: string): Uint8Array | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0]!, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1]!, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined;
  const addr = new Uint8Array(16);
  [...head, ...new Array<number>(missing).fill(0), ...tail].forEach((group, i) => putU16be(addr, 2 * i, group));
  return addr;
}

/** Groups of 16 bits between colons; the last may be a dotted quad where `last` says that nothing follows. */
function groupsOf(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else {
      const quad = last && i === parts.length - 1 ? inetParse(part) : undefined;
      if (quad === undefined) return undefined;
      groups.push(quad >>> 16, quad & 0xffff);
    }
  }
  return groups;
}

/** A link address as text: `b2:a0:01:02:03:04`. */
export function linkText(addr: Uint8Array): string {
  return [...addr].map((b) => b.toString(16).padStart(2, '0')).join(':');
}

/** The bytes of a link address of six bytes in text, or undefined. */
export function linkParse(text: string): Uint8Array | undefined {
  const parts = text.split(':');
  if (parts.length !== 6 || parts.some((part) => !/^[0-9a-fA-F]{1,2}$/.test(part))) return undefined;
  return Uint8Array.from(parts, (part) => Number.parseInt(part, 16));
}
