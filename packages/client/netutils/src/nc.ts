/** nc(1): bytes to and from a connection, or in datagrams. */
import { POLLIN, SHUT_WR, SOCK_DGRAM, SOCK_STREAM, SOL_SOCKET, SO_REUSEADDR, type SocketName, inetText, parseSockaddrIn } from '@anykernel/lib-sys';
import { type Tool, type ToolIo, ToolUsage, addressOf, getopt, numberOption, reason, socketAddress, withSocket } from './tool.js';

const USAGE = `usage: nc [-uNvz] [-w seconds] host port[-port]
       nc -l [-ukv] [-w seconds] [host] port`;
const LEN = 65_536;

export const nc: Tool = {
  name: 'nc',
  usage: USAGE,
  about: 'send what is read, and write what comes, over TCP or UDP',
  async run(io, args) {
    const { options: o, rest } = getopt(USAGE, args, 'luNvzkn', 'w');
    const waitMs = numberOption(o, 'w', Infinity, 0.001, 86_400, USAGE) * 1000;
    const type = o.has('u') ? SOCK_DGRAM : SOCK_STREAM;
    if (o.has('l')) {
      const port = portOf(rest[rest.length - 1]);
      const addr = rest.length > 1 ? addressOf(rest[0], USAGE) : 0;
      return withSocket(io.p, type, 0, (fd) => listen(io, fd, o, addr, port, waitMs));
    }
    const [host, ports] = rest;
    if (host === undefined || ports === undefined || rest.length > 2) throw new ToolUsage(USAGE);
    if (o.has('z')) return scan(io, addressOf(host, USAGE), ports, waitMs, o.has('v'));
    return withSocket(io.p, type, 0, async (fd) => {
      await io.p.call.connect(fd, socketAddress(addressOf(host, USAGE), portOf(ports)));
      if (o.has('v')) io.err(`Connection to ${host} ${ports} port succeeded!`);
      await talk(io, fd, waitMs, type === SOCK_STREAM);
      return 0;
    });
  },
};

function portOf(text: string | undefined): number {
  const port = Number(text);
  if (text === undefined || !/^\d+$/.test(text) || port > 65_535) throw new ToolUsage(USAGE);
  return port;
}

async function listen(io: ToolIo, fd: number, o: ReadonlyMap<string, string>, addr: number, port: number, waitMs: number): Promise<number> {
  const { p } = io;
  p.sys.setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, Uint8Array.of(1, 0, 0, 0));
  p.sys.bind(fd, socketAddress(addr, port));
  if (o.has('u')) {
    const from: SocketName = { addr: undefined };
    const buf = new Uint8Array(LEN);
    const len = await p.call.recvfrom(fd, buf, 0, from);
    io.write?.(buf.slice(0, len));
    if (from.addr !== undefined) p.sys.connect(fd, from.addr);
    await talk(io, fd, waitMs, false);
    return 0;
  }
  p.sys.listen(fd, 5);
  do {
    const from: SocketName = { addr: undefined };
    const one = await p.call.accept(fd, from);
    const peer = from.addr === undefined ? undefined : parseSockaddrIn(from.addr);
    if (o.has('v') && peer !== undefined) io.err(`Connection from ${inetText(peer.addr)} ${peer.port} received!`);
    try {
      await talk(io, one, waitMs, true);
    } finally {
      p.sys.close(one);
    }
  } while (o.has('k'));
  return 0;
}

/** Both ways, until both are at their end; on datagrams until the input is, and nothing has come for the wait. */
async function talk(io: ToolIo, fd: number, waitMs: number, stream: boolean): Promise<void> {
  await Promise.all([sendAll(io, fd, stream), receiveAll(io, fd, waitMs)]);
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

async function receiveAll(io: ToolIo, fd: number, waitMs: number): Promise<void> {
  const buf = new Uint8Array(LEN);
  for (;;) {
    const timeout = waitMs === Infinity ? -1 : Math.ceil(waitMs);
    if ((await io.p.call.poll([{ fd, events: POLLIN, revents: 0 }], timeout)) === 0) return;
    const len = await io.p.call.read(fd, buf);
    if (len === 0) return;
    io.write?.(buf.slice(0, len));
  }
}

/** Which ports of a range take connections. */
async function scan(io: ToolIo, addr: number, ports: string, waitMs: number, verbose: boolean): Promise<number> {
  const [first, last = first] = ports.split('-');
  let open = 0;
  for (let port = portOf(first); port <= portOf(last); port++) {
    const result = await withSocket(io.p, SOCK_STREAM, 0, (fd) => tryConnect(io, fd, addr, port, waitMs));
    if (result === undefined) {
      open++;
      io.out(`Connection to ${inetText(addr)} ${port} port succeeded!`);
    } else if (verbose) io.err(`connect to ${inetText(addr)} port ${port}: ${result}`);
  }
  return open > 0 ? 0 : 1;
}

/** undefined: connected; otherwise why not. */
async function tryConnect(io: ToolIo, fd: number, addr: number, port: number, waitMs: number): Promise<string | undefined> {
  const limit = waitMs === Infinity ? undefined : new Promise<string>((resolve) => void io.p.call.poll([], Math.ceil(waitMs)).then(() => resolve('timed out')));
  const connected = io.p.call.connect(fd, socketAddress(addr, port)).then(
    () => undefined,
    (e: unknown) => reason(e),
  );
  return limit === undefined ? connected : Promise.race([connected, limit]);
}
