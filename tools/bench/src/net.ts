/** The network: TCP and UDP within a kernel, beside the machine's own loopback through Node; and the cases of threads.ts and tap.ts. */
import dgram from 'node:dgram';
import { once } from 'node:events';
import nodeNet, { type AddressInfo } from 'node:net';
import { hostNode } from '@anykernel/host-node';
import { AF_INET, INADDR_LOOPBACK, IPPROTO_TCP, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, TCP_NODELAY, parseSockaddrIn, sockaddrIn } from '@anykernel/lib-sys';
import { netinet } from '@anykernel/netinet';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import type { Case, Subject } from './measure.js';
import { TAP_CASES } from './tap.js';
import { THREAD_CASES } from './threads.js';

const CALL = 65_536;
const BULK = 256 << 20;
const ON = Uint8Array.of(1, 0, 0, 0);

interface Pair {
  readonly k: Kernel;
  readonly p: Proc;
  readonly a: number;
  readonly b: number;
}

/** Two ends of a connection over lo0. */
async function connected(): Promise<Pair> {
  const k = boot(hostNode(), [netinet]);
  const p = k.newproc();
  const listener = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  p.sys.bind(listener, sockaddrIn(INADDR_LOOPBACK, 5001));
  p.sys.listen(listener, 5);
  const a = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  await p.call.connect(a, sockaddrIn(INADDR_LOOPBACK, 5001));
  const b = await p.call.accept(listener);
  for (const fd of [a, b]) p.sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ON);
  return { k, p, a, b };
}

/** Reads at once if it can be. */
function readNow(p: Proc, fd: number, into: Uint8Array): number | Promise<number> {
  try {
    return p.sys.read(fd, into);
  } catch {
    return p.call.read(fd, into);
  }
}

function bulkOverLo0(): Subject {
  let pair: Pair | undefined;
  const out = new Uint8Array(CALL);
  const into = new Uint8Array(CALL);
  return {
    name: 'rump',
    async run() {
      pair ??= await connected();
      const { p, a, b } = pair;
      let received = 0;
      for (let sent = 0; sent < BULK; sent += CALL) {
        for (let at = 0; at < CALL; ) at += p.sys.write(a, at === 0 ? out : out.subarray(at));
        for (let left = CALL; left > 0; ) left -= await readNow(p, b, into);
        received += CALL;
      }
      return received;
    },
    done: () => pair?.k.halt(),
  };
}

function bulkOverHost(): Subject {
  return {
    name: "Node on the host's loopback",
    run: () =>
      new Promise<number>((resolve) => {
        const server = nodeNet.createServer((socket) => {
          let count = 0;
          socket.on('data', (b) => (count += b.length)).on('end', () => {
            server.close();
            resolve(count);
          });
        });
        server.listen(0, '127.0.0.1', () => {
          const socket = nodeNet.connect((server.address() as AddressInfo).port, '127.0.0.1');
          const out = Buffer.alloc(CALL);
          let sent = 0;
          const more = (): void => {
            while (sent < BULK) {
              sent += CALL;
              if (!socket.write(out)) {
                socket.once('drain', more);
                return;
              }
            }
            socket.end();
          };
          more();
        });
      }),
  };
}

function answersOverLo0(): Subject {
  let pair: Pair | undefined;
  const one = new Uint8Array(1);
  return {
    name: 'rump',
    async run() {
      pair ??= await connected();
      const { p, a, b } = pair;
      const rounds = 50_000;
      for (let i = 0; i < rounds; i++) {
        p.sys.write(a, one);
        p.sys.read(b, one);
        p.sys.write(b, one);
        p.sys.read(a, one);
      }
      return rounds;
    },
    done: () => pair?.k.halt(),
  };
}

function answersOverHost(): Subject {
  return {
    name: "Node on the host's loopback",
    async run() {
      const rounds = 5000;
      const server = nodeNet.createServer((socket) => void socket.setNoDelay(true).pipe(socket)).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const socket = nodeNet.connect((server.address() as AddressInfo).port, '127.0.0.1').setNoDelay(true);
      await once(socket, 'connect');
      for (let i = 0; i < rounds; i++) {
        socket.write('x');
        await once(socket, 'data');
      }
      socket.destroy();
      server.close();
      return rounds;
    },
  };
}

function connectionsOverLo0(): Subject {
  const k = boot(hostNode(), [netinet]);
  const p = k.newproc();
  const listener = p.sys.socket(AF_INET, SOCK_STREAM, 0);
  p.sys.bind(listener, sockaddrIn(INADDR_LOOPBACK, 5001));
  p.sys.listen(listener, 128);
  const to = sockaddrIn(INADDR_LOOPBACK, 5001);
  return {
    name: 'rump',
    async run() {
      const rounds = 10_000;
      for (let i = 0; i < rounds; i++) {
        const fd = p.sys.socket(AF_INET, SOCK_STREAM, 0);
        await p.call.connect(fd, to);
        const one = p.sys.accept(listener);
        p.sys.close(fd);
        p.sys.close(one);
      }
      return rounds;
    },
    done: () => k.halt(),
  };
}

function connectionsOverHost(): Subject {
  return {
    name: "Node on the host's loopback",
    async run() {
      const rounds = 500;
      const server = nodeNet.createServer((socket) => void socket.end()).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      for (let i = 0; i < rounds; i++) {
        const socket = nodeNet.connect(port, '127.0.0.1');
        await once(socket.resume(), 'close');
      }
      server.close();
      return rounds;
    },
  };
}

function datagramsOverLo0(): Subject {
  const k = boot(hostNode(), [netinet]);
  const p = k.newproc();
  const [a, b] = [p.sys.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), p.sys.socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)];
  p.sys.bind(b, sockaddrIn(INADDR_LOOPBACK, 0));
  const to = sockaddrIn(INADDR_LOOPBACK, parseSockaddrIn(p.sys.getsockname(b))?.port ?? 0);
  const out = new Uint8Array(64);
  const into = new Uint8Array(64);
  return {
    name: 'rump',
    run() {
      const rounds = 100_000;
      for (let i = 0; i < rounds; i++) {
        p.sys.sendto(a, out, 0, to);
        p.sys.recvfrom(b, into, 0);
      }
      return rounds;
    },
    done: () => k.halt(),
  };
}

function datagramsOverHost(): Subject {
  return {
    name: "Node on the host's loopback",
    async run() {
      const rounds = 5000;
      const [a, b] = [dgram.createSocket('udp4'), dgram.createSocket('udp4')];
      b.bind(0, '127.0.0.1');
      await once(b, 'listening');
      const { port } = b.address();
      const out = Buffer.alloc(64);
      for (let i = 0; i < rounds; i++) {
        a.send(out, port, '127.0.0.1');
        await once(b, 'message');
      }
      a.close();
      b.close();
      return rounds;
    },
  };
}

/** Bytes of the process for one connection that does nothing: both of its ends are here. */
function idleConnections(): Subject {
  return {
    name: 'rump',
    figure: true,
    async run() {
      const count = 5000;
      const k = boot(hostNode(), [netinet]);
      const p = k.newproc();
      p.sys.setrlimit(8, { cur: 100_000, max: 100_000 });
      const listener = p.sys.socket(AF_INET, SOCK_STREAM, 0);
      p.sys.bind(listener, sockaddrIn(INADDR_LOOPBACK, 5001));
      p.sys.listen(listener, 128);
      const before = used();
      for (let i = 0; i < count; i++) {
        const fd = p.sys.socket(AF_INET, SOCK_STREAM, 0);
        await p.call.connect(fd, sockaddrIn(INADDR_LOOPBACK, 5001));
        p.sys.accept(listener);
      }
      const each = (used() - before) / (2 * count) / 1024;
      k.halt();
      return each;
    },
  };
}

function used(): number {
  (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

export const NET_CASES: readonly Case[] = [
  { name: 'TCP over lo0, 64 KiB calls', unit: 'GB/s', reach: 4, c: 0.85, subjects: () => [bulkOverLo0(), bulkOverHost()] },
  { name: 'TCP connect + accept + close over lo0', unit: 'calls/s', reach: 60_000, c: 20_800, subjects: () => [connectionsOverLo0(), connectionsOverHost()] },
  { name: 'UDP 64 bytes, send + receive over lo0', unit: 'calls/s', reach: 500_000, c: 56_000, subjects: () => [datagramsOverLo0(), datagramsOverHost()] },
  { name: 'TCP request and response of 1 byte over lo0', unit: 'calls/s', reach: 200_000, c: 22_200, subjects: () => [answersOverLo0(), answersOverHost()] },
  ...THREAD_CASES,
  { name: 'memory of an idle TCP connection', unit: 'KiB', reach: 4, subjects: () => [idleConnections()] },
  ...TAP_CASES,
];
