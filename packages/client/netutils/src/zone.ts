/** IPv6 addresses with the zone that the routing socket puts into them (RFC 4007). */
import { getU16be, putU16be } from '@anykernel/lib-bytes';
import { inet6Text } from '@anykernel/lib-sys';

/** Whether an address is of link-local scope, and so needs a zone. */
export function isLinkLocal(addr: Uint8Array): boolean {
  return (addr[0] === 0xfe && (addr[1] & 0xc0) === 0x80) || (addr[0] === 0xff && (addr[1] & 15) <= 2);
}

/** An address as the routing socket has it: the zone of one of link-local scope in its second group. `fe80::1%2`. */
export function embeddedText(addr: Uint8Array): string {
  const zone = isLinkLocal(addr) ? getU16be(addr, 2) : 0;
  if (zone === 0) return inet6Text(addr);
  const bare = addr.slice();
  putU16be(bare, 2, 0);
  return `${inet6Text(bare)}%${zone}`;
}
