/** The kernel's sockets as records, from sysctl net.*.pcblist, and how their ends are shown. */
import {
  AF_INET, AF_INET6, AF_LOCAL, type KinfoPcb, SOCK_DGRAM, SOCK_SEQPACKET, inet6Text, inetText, parseKinfoPcbs, parseSockaddrIn, parseSockaddrIn6, parseSockaddrUn,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import type { Names } from './names.js';

/** Sockets of one protocol. */
export interface ProtocolSockets {
  /** `tcp`, `udp6`, `stream` ... */
  readonly name: string;
  readonly family: number;
  readonly all: readonly KinfoPcb[];
}

const LISTS: readonly { readonly name: string; readonly family: number; readonly path: string }[] = [
  { name: 'tcp', family: AF_INET, path: 'net.inet.tcp.pcblist' },
  { name: 'udp', family: AF_INET, path: 'net.inet.udp.pcblist' },
  { name: 'raw', family: AF_INET, path: 'net.inet.raw.pcblist' },
  { name: 'tcp6', family: AF_INET6, path: 'net.inet6.tcp6.pcblist' },
  { name: 'udp6', family: AF_INET6, path: 'net.inet6.udp6.pcblist' },
  { name: 'raw6', family: AF_INET6, path: 'net.inet6.raw6.pcblist' },
  { name: 'stream', family: AF_LOCAL, path: 'net.local.stream.pcblist' },
  { name: 'dgram', family: AF_LOCAL, path: 'net.local.dgram.pcblist' },
  { name: 'seqpacket', family: AF_LOCAL, path: 'net.local.seqpacket.pcblist' },
];

/** The protocols that the kernel has, in order, each with its sockets. */
export function sockets(p: Proc): ProtocolSockets[] {
  return LISTS.flatMap(({ name, family, path }) => {
    const list = value(p, path);
    return list === undefined ? [] : [{ name, family, all: parseKinfoPcbs(list) }];
  });
}

/** A value of bytes; undefined: the kernel has none of that name. */
export function value(p: Proc, path: string): Uint8Array | undefined {
  try {
    return p.sys.sysctl(path) as Uint8Array;
  } catch (e) {
    if ((e as { code?: string }).code !== 'ENOENT') throw e;
    return undefined;
  }
}

/** An end of a socket: the path of a local one, or host and port. undefined: it has none. */
export function endOf(sa: Uint8Array, protocol: string, names: Names): { readonly host: string; readonly port: string } | string | undefined {
  const service = protocol.replace(/6$/, '');
  if (sa.length < 2) return undefined;
  if (sa[1] === AF_INET) {
    const name = parseSockaddrIn(sa);
    return name && { host: name.addr === 0 ? '*' : names.host(inetText(name.addr)), port: name.port === 0 ? '*' : names.service(name.port, service) };
  }
  if (sa[1] === AF_INET6) {
    const name = parseSockaddrIn6(sa);
    if (name === undefined) return undefined;
    const zone = name.scope === 0 ? '' : `%${name.scope}`;
    const host = name.addr.every((byte) => byte === 0) ? '*' : `${names.host(inet6Text(name.addr))}${zone}`;
    return { host, port: name.port === 0 ? '*' : names.service(name.port, service) };
  }
  return parseSockaddrUn(sa);
}

/** The same as one word, as netstat(1) has it. */
export function endText(sa: Uint8Array, protocol: string, names: Names): string {
  const end = endOf(sa, protocol, names);
  if (end === undefined) return '*.*';
  return typeof end === 'string' ? end : `${end.host}.${end.port}`;
}

export function localType(type: number): string {
  return type === SOCK_DGRAM ? 'dgram' : type === SOCK_SEQPACKET ? 'seqpac' : 'stream';
}
