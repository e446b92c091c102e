/** Addresses between the two sides: text and ports here, the bytes of a sockaddr in the kernel. */
import { isIP, isIPv6 } from 'node:net';
import {
  AF_INET, AF_INET6, AF_LOCAL, inet6Parse, inet6Text, inetParse, inetText, parseSockaddrIn, parseSockaddrIn6, parseSockaddrUn, sockaddrIn, sockaddrIn6, sockaddrUn,
} from '@anykernel/lib-sys';
import { type Lookup, type LookupAddress, type LookupOptions, lookupError } from '@anykernel/resolver';
import { coded, invalidAddress } from './errors.js';

/** What `address()` gives. */
export interface AddressInfo {
  readonly address: string;
  readonly family: string;
  readonly port: number;
}

/** One place to connect or bind to. */
export interface Endpoint {
  readonly family: number;
  /** The text of the address, or the path. */
  readonly text: string;
  readonly port: number | undefined;
  readonly nam: Uint8Array;
}

/** An address of a family and a port. ERR_INVALID_IP_ADDRESS: the text is none. */
export function endpoint(text: string, port: number): Endpoint {
  const [bare, zone] = text.split('%', 2) as [string, string?];
  if (isIPv6(text)) return { family: AF_INET6, text, port, nam: sockaddrIn6(inet6Parse(bare) as Uint8Array, port, Number(zone ?? 0) || 0) };
  const addr = inetParse(text);
  if (addr === undefined) throw invalidAddress(text);
  return { family: AF_INET, text, port, nam: sockaddrIn(addr, port) };
}

/** A path, as text. */
export function pathEndpoint(path: string): Endpoint {
  return { family: AF_LOCAL, text: path, port: undefined, nam: sockaddrUn(Buffer.from(path)) };
}

/** What the kernel's bytes stand for: an address and a port, or a path; undefined: neither. */
export function addressOf(nam: Uint8Array): AddressInfo | string | undefined {
  if (nam[1] === AF_LOCAL) return Buffer.from(parseSockaddrUn(nam) ?? '', 'latin1').toString();
  const in4 = parseSockaddrIn(nam);
  if (in4 !== undefined) return { address: inetText(in4.addr), family: 'IPv4', port: in4.port };
  const in6 = parseSockaddrIn6(nam);
  if (in6 === undefined) return undefined;
  return { address: inet6Text(in6.addr), family: 'IPv6', port: in6.port };
}

/**
 * Asks `lookup` for the addresses of a name, which are `all`, or one; one that gives a single one will do. `told` hears of each of them.
 * ERR_INVALID_IP_ADDRESS, ERR_INVALID_ADDRESS_FAMILY: of what it gives nothing is an address.
 */
export function lookupAll(
  lookup: Lookup,
  hostname: string,
  options: LookupOptions & { readonly port?: number },
  done: (error: Error | null, found: LookupAddress[]) => void,
  told: (error: Error | null, one?: LookupAddress) => void = () => {},
): void {
  const kind = isIP(hostname);
  if (kind !== 0) {
    process.nextTick(() => done(null, [{ address: hostname, family: kind }]));
    return;
  }
  const { port, ...asked } = options;
  lookup(hostname, asked, (error, address, family) => {
    if (error) {
      told(error);
      done(error, []);
      return;
    }
    const given = Array.isArray(address) ? address : [{ address: address as string, family: family ?? isIP(String(address)) }];
    for (const one of given) told(null, one);
    const valid = given.filter((one) => isIP(one.address) !== 0 && (one.family === 4 || one.family === 6));
    const [first] = given;
    if (valid.length > 0) done(null, valid);
    else if (first === undefined) done(lookupError(hostname), []);
    else done(isIP(first.address) === 0 ? invalidAddress(first.address) : invalidFamily(first.family, hostname, port), []);
  });
}

function invalidFamily(family: number, host: string, port: number | undefined): Error {
  return Object.assign(coded(new RangeError(`Invalid address family: ${family} ${host}:${port}`), 'ERR_INVALID_ADDRESS_FAMILY'), { host, port });
}

/** Addresses of both families in turns, beginning with the first one's. */
export function inTurns(found: readonly LookupAddress[]): LookupAddress[] {
  const first = found.filter((one) => one.family === found[0]?.family);
  const others = found.filter((one) => one.family !== found[0]?.family);
  return Array.from({ length: Math.max(first.length, others.length) }, (_, i) => [first[i], others[i]]).flat().filter((one) => one !== undefined);
}
