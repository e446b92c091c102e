/** IPv6 in the tools: names with zones, `ifconfig inet6`. */
import { putU16be, putU32le } from '@anykernel/lib-bytes';
import {
  AF_INET6, IN6_ALIASREQ_LEN, IN6_IFF_ANYCAST, IN6_IFREQ_LEN, ND6_INFINITE_LIFETIME, SIOCAIFADDR_IN6, SIOCDIFADDR_IN6, SOCK_DGRAM, ifreq, inet6Parse, sockaddrIn6,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { interfaces } from './tables.js';
import { ToolUsage, withSocket } from './tool.js';
import { isLinkLocal } from './zone.js';

/** The sockaddr of `address`, `address%zone`, the zone a number or the name of an interface, or `localhost`. ToolUsage: it is none. */
export function socketAddress6(p: Proc, text: string, usage: string, port = 0): Uint8Array {
  const [host, zone] = (text === 'localhost' ? '::1' : text).split('%');
  const addr = inet6Parse(host);
  if (addr === undefined) throw new ToolUsage(`${text}: not an address\n${usage}`);
  return sockaddrIn6(addr, port, zone === undefined ? 0 : zoneOf(p, zone, usage));
}

function zoneOf(p: Proc, zone: string, usage: string): number {
  const found = interfaces(p).find((ifp) => ifp.name === zone || String(ifp.index) === zone);
  if (found === undefined) throw new ToolUsage(`${zone}: no such interface\n${usage}`);
  return found.index;
}

/** The same with the zone where the routing socket has it. */
export function embeddedAddress6(p: Proc, text: string, usage: string): Uint8Array {
  const sa = socketAddress6(p, text, usage);
  if (isLinkLocal(sa.subarray(8, 24))) putU16be(sa, 10, sa[24] | (sa[25] << 8));
  sa.fill(0, 24);
  return sa;
}

/** `ifconfig interface inet6 address[/len] [prefixlen n] [alias|-alias] [anycast] [pltime n] [vltime n]`: takes its words. */
export async function address6(p: Proc, name: string, text: string, rest: string[], usage: string): Promise<void> {
  const [host, slash] = text.split('/');
  const sa = socketAddress6(p, host.split('%')[0], usage);
  const numbers = { prefixlen: slash === undefined ? 64 : lengthOf(slash, 128, usage), pltime: ND6_INFINITE_LIFETIME, vltime: ND6_INFINITE_LIFETIME };
  let remove = false;
  let flags = 0;
  for (;;) {
    const word = rest[0];
    if (word === 'prefixlen' || word === 'pltime' || word === 'vltime') {
      rest.shift();
      numbers[word] = lengthOf(rest.shift() ?? '', word === 'prefixlen' ? 128 : ND6_INFINITE_LIFETIME, usage);
      continue;
    }
    if (word === 'anycast') flags |= IN6_IFF_ANYCAST;
    else if (word === '-alias' || word === 'delete') remove = true;
    else if (word !== 'alias') break;
    rest.shift();
  }
  await withSocket(p, SOCK_DGRAM, 0, (fd) => {
    if (remove) {
      const request = ifreq(name, IN6_IFREQ_LEN);
      request.set(sa, 16);
      p.sys.ioctl(fd, SIOCDIFADDR_IN6, request);
      return;
    }
    const request = ifreq(name, IN6_ALIASREQ_LEN);
    request.set(sa, 16);
    request.set(sockaddrIn6(maskOf(numbers.prefixlen)), 72);
    putU32le(request, 100, flags);
    putU32le(request, 120, numbers.vltime);
    putU32le(request, 124, numbers.pltime);
    p.sys.ioctl(fd, SIOCAIFADDR_IN6, request);
  }, AF_INET6);
}

/** The mask of so many bits, as a sockaddr. ToolUsage. */
export function mask6(text: string, usage: string): Uint8Array {
  return sockaddrIn6(maskOf(lengthOf(text, 128, usage)));
}

function lengthOf(text: string, max: number, usage: string): number {
  if (!/^\d+$/.test(text) || Number(text) > max) throw new ToolUsage(usage);
  return Number(text);
}

function maskOf(len: number): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => (0xff00 >> Math.max(0, Math.min(8, len - 8 * i))) & 0xff);
}
