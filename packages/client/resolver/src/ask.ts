/**
 * One question to one server (RFC 1035 4.2): over UDP, and where the answer was cut short, again over TCP.
 *
 * An answer counts if it comes from the server's address and port (the socket is connected), has the question's number and its name and type. The number is the host's random,
 * the port the kernel's (RFC 5452).
 */
import { Buffer } from 'node:buffer';
import {
  IPPROTO_TCP, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_NOSIGPIPE, SOCK_STREAM, SOL_SOCKET, SO_RCVTIMEO, SO_SNDTIMEO, TCP_NODELAY, inet6Parse, inetParse, intBytes, sockaddrIn, sockaddrIn6,
  timevalBytes,
} from '@anykernel/lib-sys';
import type { Proc } from '@anykernel/rumpkern';
import { type DecodedPacket, RECURSION_DESIRED, TRUNCATED_RESPONSE, decode, encode } from 'dns-packet';
import { domainOf } from './config.js';
import type { LookupAddress } from './lookup.js';

export type RecordType = 'A' | 'AAAA';

const DNS_PORT = 53;
const MESSAGE_MAX = 65_535;
const NS_PER_MS = 1e6;

/** A server's address and port, for connect(2). */
export function serverName(server: LookupAddress, port: number = DNS_PORT): Uint8Array {
  const [bare, zone] = server.address.split('%', 2) as [string, string?];
  if (server.family === 4) return sockaddrIn(inetParse(bare) as number, port);
  return sockaddrIn6(inet6Parse(bare) as Uint8Array, port, Number(zone ?? 0) || 0);
}

/** The answer of a server; undefined: there is none in time, or nothing that is one. */
export async function ask(p: Proc, server: LookupAddress, port: number, name: string, type: RecordType, timeoutMs: number): Promise<DecodedPacket | undefined> {
  const number = new Uint8Array(2);
  p.k.host.getrandom(number);
  const id = (number[0] as number) * 256 + (number[1] as number);
  const query = encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [{ type, name }] });
  const fits = (bytes: Uint8Array): DecodedPacket | undefined => answerOf(bytes, id, name, type);
  const deadline = p.k.mono() + timeoutMs * NS_PER_MS;
  const short = await withSocket(p, server, port, SOCK_DGRAM, deadline, async (fd) => {
    await p.call.write(fd, query);
    return await receive(p, fd, deadline, fits);
  });
  if (short === undefined || (short.flags! & TRUNCATED_RESPONSE) === 0) return short;
  return await withSocket(p, server, port, SOCK_STREAM, deadline, async (fd) => {
    p.sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, intBytes(1));
    await p.call.write(fd, Buffer.concat([Uint8Array.of(query.length >> 8, query.length), query]));
    const [high, low] = await readAll(p, fd, 2, deadline);
    return fits(await readAll(p, fd, (high as number) * 256 + (low as number), deadline));
  });
}

/** undefined: also when anything fails; another server may do better. */
async function withSocket<T>(p: Proc, server: LookupAddress, port: number, type: number, deadline: number, body: (fd: number) => Promise<T>): Promise<T | undefined> {
  let fd = -1;
  try {
    fd = await p.call.socket(domainOf(server), type | SOCK_CLOEXEC | SOCK_NOSIGPIPE, 0);
    waitUntil(p, fd, deadline);
    await p.call.connect(fd, serverName(server, port));
    return await body(fd);
  } catch {
    return undefined;
  } finally {
    if (fd >= 0 && !p.exited && p.k.stopped === undefined) p.sys.close(fd);
  }
}

/** No call on the socket waits beyond that time. */
function waitUntil(p: Proc, fd: number, deadline: number): void {
  const usec = Math.max(1, Math.ceil((deadline - p.k.mono()) / 1000));
  const value = timevalBytes(Math.floor(usec / 1e6), usec % 1e6);
  for (const option of [SO_RCVTIMEO, SO_SNDTIMEO]) p.sys.setsockopt(fd, SOL_SOCKET, option, value);
}

/** Datagrams, until one of them is the answer. */
async function receive(p: Proc, fd: number, deadline: number, fits: (bytes: Uint8Array) => DecodedPacket | undefined): Promise<DecodedPacket | undefined> {
  const buf = new Uint8Array(MESSAGE_MAX);
  while (p.k.mono() < deadline) {
    waitUntil(p, fd, deadline);
    const len = await p.call.read(fd, buf);
    const answer = fits(buf.subarray(0, len));
    if (answer !== undefined) return answer;
  }
  return undefined;
}

/** So many bytes of a stream. Throws if there are not so many. */
async function readAll(p: Proc, fd: number, len: number, deadline: number): Promise<Uint8Array> {
  const all = new Uint8Array(len);
  for (let at = 0; at < len; ) {
    waitUntil(p, fd, deadline);
    const n = await p.call.read(fd, all.subarray(at));
    if (n === 0) throw new Error('the server has hung up');
    at += n;
  }
  return all;
}

/** Bytes as the answer to a question, if they are. */
function answerOf(bytes: Uint8Array, id: number, name: string, type: RecordType): DecodedPacket | undefined {
  let packet: DecodedPacket;
  try {
    packet = decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    return undefined;
  }
  const [question, ...more] = packet.questions ?? [];
  const ours = packet.type === 'response' && packet.id === id && more.length === 0 && question?.type === type && question.name.toLowerCase() === name.toLowerCase();
  return ours ? packet : undefined;
}
