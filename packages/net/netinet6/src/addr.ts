/**
 * IPv6 addresses in four signed words, with zones (RFC 4007).
 *
 * Within the kernel an address of link-local scope, or a group of interface-local or link-local scope, has the index of its interface in the lower half of
 * its first word, which is zero on the wire: so that tables of addresses, routes and connections need nothing else to tell links apart.
 */
import { AF_INET6, inet6Text } from '@anykernel/lib-sys';
import { Nexthop, bytesOf } from '@anykernel/net';

/** Scopes of groups (RFC 4291 2.7), which serve for addresses of one host as well. */
export const SCOPE_INTERFACE = 1;
export const SCOPE_LINK = 2;
const SCOPE_SITE = 5;
const SCOPE_GLOBAL = 14;

export function isMulticast(w0: number): boolean {
  return w0 >>> 24 === 0xff;
}

/** fe80::/10. */
export function isLinkLocal(w0: number): boolean {
  return (w0 & 0xffc0_0000) === (0xfe80_0000 | 0);
}

export function isUnspecified(w0: number, w1: number, w2: number, w3: number): boolean {
  return (w0 | w1 | w2 | w3) === 0;
}

export function isLoopbackAddr(w0: number, w1: number, w2: number, w3: number): boolean {
  return (w0 | w1 | w2) === 0 && w3 === 1;
}

/** Whether an address needs a zone to be one. */
export function hasZone(w0: number): boolean {
  if (isLinkLocal(w0)) return true;
  const scope = (w0 >>> 16) & 15;
  return isMulticast(w0) && (scope === SCOPE_INTERFACE || scope === SCOPE_LINK);
}

/** The index of its interface; 0: it has no zone, or none yet. */
export function zoneOf(w0: number): number {
  return hasZone(w0) ? w0 & 0xffff : 0;
}

/** The first word, in the zone of an interface. */
export function inZone(w0: number, index: number): number {
  return hasZone(w0) ? (w0 & 0xffff_0000) | (index & 0xffff) : w0;
}

/** The first word as it is on the wire. */
export function bare(w0: number): number {
  return hasZone(w0) ? w0 & 0xffff_0000 : w0;
}

/** The scope of an address (RFC 4291 2.5, 2.7; RFC 6724 3.1). */
export function scopeOf(w0: number, w1: number, w2: number, w3: number): number {
  if (isMulticast(w0)) return (w0 >>> 16) & 15;
  if (isLinkLocal(w0) || isLoopbackAddr(w0, w1, w2, w3)) return SCOPE_LINK;
  if ((w0 & 0xffc0_0000) === (0xfec0_0000 | 0)) return SCOPE_SITE;
  return SCOPE_GLOBAL;
}

/** The group of those who have an address with the same last 24 bits (RFC 4291 2.7.1), on a link. */
export function solicitedNode(target: Nexthop, index: number): Nexthop {
  return address(inZone(0xff02_0000, index), 0, 1, 0xff00_0000 | (target.w3 & 0xff_ffff));
}

/** ff02::1 or another group of a link. */
export function linkGroup(last: number, index: number): Nexthop {
  return address(inZone(0xff02_0000, index), 0, 0, last);
}

export const ALL_NODES = 1;
export const ALL_ROUTERS = 2;
export const ALL_MLD2_ROUTERS = 0x16;

export function address(w0: number, w1: number, w2: number, w3: number): Nexthop {
  return new Nexthop().set(AF_INET6, w0, w1, w2, w3);
}

/** The bytes of an address as they are on the wire. */
export function wireBytes(nh: Nexthop): Uint8Array {
  return bytesOf(address(bare(nh.w0), nh.w1, nh.w2, nh.w3));
}

/** An address as a key of tables, without its zone. */
export function sourceKey(w0: number, w1: number, w2: number, w3: number): string {
  return `${bare(w0)},${w1},${w2},${w3}`;
}

/** The bytes of such an address. */
export function sourceBytes(key: string): Uint8Array {
  const [w0, w1, w2, w3] = key.split(',').map(Number);
  return bytesOf(address(w0, w1, w2, w3));
}

/** For messages: `fe80::1%2`. */
export function addressText(nh: Nexthop): string {
  const zone = zoneOf(nh.w0);
  return zone === 0 ? inet6Text(bytesOf(nh)) : `${inet6Text(wireBytes(nh))}%${zone}`;
}
