/** nc(1): bytes to and from a connection, or in datagrams, by IPv4 and IPv6. */
import { getI32le } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_INET6, F_SETFL, IPPROTO_IPV6, IPV6_V6ONLY, O_NONBLOCK, POLLIN, POLLOUT, SHUT_WR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_ERROR, SO_REUSEADDR, type SocketName,
  errnoByNumber, inet6Text, inetText, parseSockaddrIn, parseSockaddrIn6, strerror,
} from '@anykernel/lib-sys';
import { socketAddress6 } from './inet6.js';
import { NUMBERS, type Names, namesOf } from './names.js';
import { type Tool, type ToolIo, ToolUsage, addressOf, getopt, numberOption, reason, socketAddress, withSocket } from './tool.js';

const USAGE = `usage: nc [-46uNnvz] [-p port] [-s address] [-w seconds] host port[-port]
       nc -l [-46uknv] [-w seconds] [host] port`;
const LEN = 65_536;
/** How long a refusal of a datagram may take, ms. */
const REFUSAL_MS = 1000;

/** What the words ask for. */
interface Job {
  readonly family: number;
  readonly udp: boolean;
  readonly verbose: boolean;
  readonly keep: boolean;
  readonly waitMs: number;
  readonly names: Names;
}

export const nc: Tool = {
  name: 'nc',
  usage: USAGE,
  about: 'send what is read, and write what comes, over TCP or UDP',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, '46luNvzkn', 'wps');
    const names = o.has('n') ? NUMBERS : await namesOf(io.p);
    const host = rest.length > 1 ? rest[0] : undefined;
    const ports = rest[rest.length - 1];
    if (ports === undefined || rest.length > 2 || (host === undefined && !o.has('l'))) throw new ToolUsage(USAGE);
    const job: Job = {
      family: o.has('6') ? AF_INET6 : o.has('4') || host === undefined ? AF_INET : (names.familyOf(host) ?? AF_INET),
      udp: o.has('u'), verbose: o.has('v'), keep: o.has('k'), names,
      waitMs: numberOption(o, 'w', Infinity, 0.001, 86_400, USAGE) * 1000,
    };
    if (o.has('l')) return withNcSocket(io, job, (fd) => listen(io, fd, job, nameOf(io, job, host ?? anyOf(job), portOf(job, ports))));
    if (o.has('z')) return scan(io, job, host ?? '', ports);
    return withNcSocket(io, job, async (fd) => {
      const [from, port] = [o.get('s'), o.get('p')];
      if (from !== undefined || port !== undefined) io.p.sys.bind(fd, nameOf(io, job, from ?? anyOf(job), port === undefined ? 0 : portOf(job, port)));
      await io.p.call.connect(fd, nameOf(io, job, host ?? '', portOf(job, ports)));
      if (job.verbose) io.err(`Connection to ${host} ${ports} port ${protocolOf(job, portOf(job, ports))} succeeded!`);
      await talk(io, fd, job);
      return 0;
    });
  },
};

function withNcSocket<T>(io: ToolIo, job: Job, fn: (fd: number) => T | Promise<T>): Promise<T> {
  return withSocket(io.p, job.udp ? SOCK_DGRAM : SOCK_STREAM, 0, fn, job.family);
}

function anyOf(job: Job): string {
  return job.family === AF_INET6 ? '::' : '0.0.0.0';
}

/** The sockaddr of a host by name or number. ToolUsage: it is neither. */
function nameOf(io: ToolIo, job: Job, host: string, port: number): Uint8Array {
  const text = job.names.numeric(host, job.family);
  return job.family === AF_INET6 ? socketAddress6(io.p, text, USAGE, port) : socketAddress(addressOf(text, USAGE), port);
}

/** ToolUsage. */
function portOf(job: Job, text: string): number {
  const port = job.names.port(text, job.udp ? 'udp' : 'tcp');
  if (port === undefined) throw new ToolUsage(USAGE);
  return port;
}

/** `[tcp/echo]`, `[udp/*]`. */
function protocolOf(job: Job, port: number): string {
  const protocol = job.udp ? 'udp' : 'tcp';
  const service = job.names.service(port, protocol);
  return `[${protocol}/${service === String(port) ? '*' : service}]`;
}

/** Host and port of a sockaddr. */
function shown(sa: Uint8Array | undefined): string {
  const four = sa === undefined ? undefined : parseSockaddrIn(sa);
  if (four !== undefined) return `${inetText(four.addr)} ${four.port}`;
  const six = sa === undefined ? undefined : parseSockaddrIn6(sa);
  return six === undefined ? '?' : `${inet6Text(six.addr)} ${six.port}`;
}

// -- listening

async function listen(io: ToolIo, fd: number, job: Job, name: Uint8Array): Promise<number> {
  const { p } = io;
  p.sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Uint8Array.of(1, 0, 0, 0));
  if (job.family === AF_INET6) p.sys.setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, Uint8Array.of(1, 0, 0, 0));
  p.sys.bind(fd, name);
  if (job.udp) return listenDatagrams(io, fd, job);
  p.sys.listen(fd, 5);
  do {
    const from: SocketName = { addr: undefined };
    const one = await p.call.accept(fd, from);
    if (job.verbose) io.err(`Connection from ${shown(from.addr)} received!`);
    try {
      await talk(io, one, job);
    } finally {
      p.sys.close(one);
    }
  } while (job.keep);
  return 0;
}

/** The first datagram says who the peer is; with -k everybody's are taken, and nobody is answered. */
async function listenDatagrams(io: ToolIo, fd: number, job: Job): Promise<number> {
  const { p } = io;
  const from: SocketName = { addr: undefined };
  const buf = new Uint8Array(LEN);
  do {
    if ((await p.call.poll([{ fd, events: POLLIN, revents: 0 }], job.keep ? pollMs(job.waitMs) : -1)) === 0) return 0;
    const len = p.sys.recvfrom(fd, buf, 0, from);
    if (job.verbose) io.err(`Connection from ${shown(from.addr)} received!`);
    io.write?.(buf.slice(0, len));
  } while (job.keep);
  if (from.addr !== undefined) p.sys.connect(fd, from.addr);
  await talk(io, fd, job);
  return 0;
}

// -- both ways

/** Both ways, until both are at their end; on datagrams until the input is, and nothing has come for the wait. */
async function talk(io: ToolIo, fd: number, job: Job): Promise<void> {
  await Promise.all([sendAll(io, fd, !job.udp), receiveAll(io, fd, job.waitMs)]);
}

async function sendAll(io: ToolIo, fd: number, stream: boolean): Promise<void> {
  if (io.read === undefined) return;
  for (;;) {
    const bytes = await io.read();
    if (bytes === undefined) break;
    for (let at = 0; at < bytes.length; ) at += await io.p.call.write(fd, bytes.subarray(at));
  }
  if (stream) io.p.sys.shutdown(fd, SHUT_WR);
}

function pollMs(waitMs: number): number {
  return waitMs === Infinity ? -1 : Math.ceil(waitMs);
}

async function receiveAll(io: ToolIo, fd: number, waitMs: number): Promise<void> {
  const buf = new Uint8Array(LEN);
  for (;;) {
    if ((await io.p.call.poll([{ fd, events: POLLIN, revents: 0 }], pollMs(waitMs))) === 0) return;
    const len = await io.p.call.read(fd, buf);
    if (len === 0) return;
    io.write?.(buf.slice(0, len));
  }
}

// -- scanning

/** Which ports of a range take connections; or, for datagrams, are not refused. */
async function scan(io: ToolIo, job: Job, host: string, ports: string): Promise<number> {
  const [first, last = first] = job.names.port(ports, job.udp ? 'udp' : 'tcp') === undefined ? ports.split('-') : [ports];
  let open = 0;
  for (let port = portOf(job, first); port <= portOf(job, last); port++) {
    const name = nameOf(io, job, host, port);
    const result = await withNcSocket(io, job, (fd) => (job.udp ? refused(io, fd, name) : tryConnect(io, fd, name, job.waitMs)));
    if (result === undefined) {
      open++;
      io.out(`Connection to ${host} ${port} port ${protocolOf(job, port)} succeeded!`);
    } else if (job.verbose) io.err(`connect to ${host} port ${port}: ${result}`);
  }
  return open > 0 ? 0 : 1;
}

/** undefined: connected; otherwise why not. */
async function tryConnect(io: ToolIo, fd: number, name: Uint8Array, waitMs: number): Promise<string | undefined> {
  const { p } = io;
  p.sys.fcntl(fd, F_SETFL, O_NONBLOCK);
  try {
    p.sys.connect(fd, name);
    return undefined;
  } catch (e) {
    if ((e as { code?: string }).code !== 'EINPROGRESS') return reason(e);
  }
  if ((await p.call.poll([{ fd, events: POLLOUT, revents: 0 }], pollMs(waitMs))) === 0) return 'timed out';
  const error = new Uint8Array(4);
  p.sys.getsockopt(fd, SOL_SOCKET, SO_ERROR, error);
  const code = errnoByNumber(getI32le(error, 0))?.code;
  return code === undefined ? undefined : strerror(code).toLowerCase();
}

/** Sends a byte, and waits for an answer or a refusal. undefined: it was not refused. */
async function refused(io: ToolIo, fd: number, name: Uint8Array): Promise<string | undefined> {
  const { p } = io;
  try {
    await p.call.connect(fd, name);
    await p.call.write(fd, Uint8Array.of(0x58));
    if ((await p.call.poll([{ fd, events: POLLIN, revents: 0 }], REFUSAL_MS)) === 0) return undefined;
    await p.call.read(fd, new Uint8Array(LEN));
    return undefined;
  } catch (e) {
    return reason(e);
  }
}
