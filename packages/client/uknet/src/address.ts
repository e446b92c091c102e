/** Addresses between the two sides: text and ports here, the bytes of a sockaddr in the kernel. */
import { isIP, isIPv6 } from 'node:net';
import {
  AF_INET, AF_INET6, AF_LOCAL, inet6Parse, inet6Text, inetParse, inetText, parseSockaddrIn, parseSockaddrIn6, parseSockaddrUn, sockaddrIn, sockaddrIn6, sockaddrUn,
} from '@anykernel/lib-sys';
import { coded, lookupError } from './errors.js';

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
  if (addr === undefined) throw coded(new TypeError(`Invalid IP address: ${text}`), 'ERR_INVALID_IP_ADDRESS');
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

/** One answer of a lookup. */
export interface LookupAddress {
  readonly address: string;
  readonly family: number;
}

export interface LookupOptions {
  readonly family?: number | 'IPv4' | 'IPv6' | undefined;
  readonly hints?: number | undefined;
  readonly all?: boolean | undefined;
}

type LookupCallback = (error: Error | null, address?: string | LookupAddress[], family?: number) => void;
/** As dns.lookup(): finds the addresses of a name. */
export type Lookup = (hostname: string, options: LookupOptions, callback: LookupCallback) => void;

/** Without a resolver: `localhost`, and nothing else. */
export const lookupLocalhost: Lookup = (hostname, options, callback) => {
  const all: LookupAddress[] = [
    { address: '::1', family: 6 },
    { address: '127.0.0.1', family: 4 },
  ];
  const wanted = options.family === 'IPv4' ? 4 : options.family === 'IPv6' ? 6 : (options.family ?? 0);
  const found = hostname === 'localhost' || hostname === '' ? all.filter((one) => wanted === 0 || one.family === wanted) : [];
  process.nextTick(() => {
    if (found.length === 0) callback(lookupError(hostname));
    else if (options.all === true) callback(null, found);
    else callback(null, found[0]!.address, found[0]!.family);
  });
};

/** Asks `lookup` for all addresses of a name; one that gives a single one will do. */
export function lookupAll(lookup: Lookup, hostname: string, options: LookupOptions, done: (error: Error | null, found: LookupAddress[]) => void): void {
  const kind = isIP(hostname);
  if (kind !== 0) {
    process.nextTick(() => done(null, [{ address: hostname, family: kind }]));
    return;
  }
  lookup(hostname, { ...options, all: true }, (error, address, family) => {
    if (error) done(error, []);
    else if (Array.isArray(address)) done(address.length === 0 ? lookupError(hostname) : null, address);
    else if (typeof address === 'string' && isIP(address) !== 0) done(null, [{ address, family: family ?? isIP(address) }]);
    else done(coded(new TypeError(`Invalid IP address: ${String(address)}`), 'ERR_INVALID_IP_ADDRESS'), []);
  });
}
