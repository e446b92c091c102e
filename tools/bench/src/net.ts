/** The network: TCP and UDP within a kernel, between kernels on two threads, and to Linux over a TAP device; beside the machine's own loopback through Node. */
import { spawnSync } from 'node:child_process';
import dgram from 'node:dgram';
import { once } from 'node:events';
import nodeNet, { type AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { hostNode, shareBus } from '@anykernel/host-node';
import { AF_INET, INADDR_LOOPBACK, IPPROTO_TCP, SOCK_DGRAM, SOCK_NONBLOCK, SOCK_STREAM, TCP_NODELAY, parseSockaddrIn, sockaddrIn } from '@anykernel/lib-sys';
import { netinet } from '@anykernel/netinet';
import { setUp } from '@anykernel/netutils';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import type { Case, Subject } from './measure.js';
import type { Report } from './tapbench.js';

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

/** The other thread: a kernel on the same bus, which takes what comes and answers single bytes. */
const OTHER = `
import { parentPort, workerData } from 'node:worker_threads';
import { hostNode, joinBus } from '@anykernel/host-node';
import { AF_INET, SOCK_STREAM, sockaddrIn } from '@anykernel/lib-sys';
import { netinet } from '@anykernel/netinet';
import { setUp } from '@anykernel/netutils';
import { boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
joinBus('bench', workerData);
const k = boot(hostNode({ input: false }), [netinet, shmif]);
await setUp(k, ['ifconfig shmif0 create linkstr bench', 'ifconfig shmif0 10.0.0.2/24']);
const p = k.newproc();
const listener = p.sys.socket(AF_INET, SOCK_STREAM, 0);
p.sys.bind(listener, sockaddrIn(0, 5001));
p.sys.listen(listener, 5);
// Whoever has a port lives on.
parentPort.on('message', () => {});
parentPort.postMessage('ready');
const buf = new Uint8Array(262144);
for (;;) {
  const fd = await p.call.accept(listener);
  for (let n = await p.call.read(fd, buf); n > 0; n = await p.call.read(fd, buf)) if (n === 1) await p.call.write(fd, buf.subarray(0, 1));
  p.sys.close(fd);
}`;

/** A connection to a kernel in another thread. */
class Thread {
  readonly k: Kernel = boot(hostNode({ input: false }), [netinet, shmif]);
  readonly p: Proc = this.k.newproc();
  worker: Worker | undefined;

  async start(): Promise<void> {
    const memory = shareBus('bench');
    await setUp(this.k, ['ifconfig shmif0 create linkstr bench', 'ifconfig shmif0 10.0.0.1/24']);
    const url = `data:text/javascript,${encodeURIComponent(OTHER.replace(/from '(@anykernel\/[^']+)'/g, (_, name: string) => `from '${import.meta.resolve(name)}'`))}`;
    this.worker = new Worker(new URL(url), { workerData: memory });
    await once(this.worker, 'message');
  }

  async connect(): Promise<number> {
    const fd = this.p.sys.socket(AF_INET, SOCK_STREAM, 0);
    await this.p.call.connect(fd, sockaddrIn(0x0a00_0002, 5001));
    this.p.sys.setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, ON);
    return fd;
  }

  async stop(): Promise<void> {
    await this.worker?.terminate();
    this.k.halt();
  }
}

function betweenThreads(run: (t: Thread) => Promise<number>): Subject {
  let thread: Thread | undefined;
  return {
    name: 'rump',
    async run() {
      if (thread === undefined) {
        thread = new Thread();
        await thread.start();
      }
      return run(thread);
    },
    done: () => thread?.stop(),
  };
}

async function bulkToThread(t: Thread): Promise<number> {
  const fd = await t.connect();
  const out = new Uint8Array(CALL);
  let sent = 0;
  while (sent < BULK) sent += await t.p.call.write(fd, out);
  t.p.sys.shutdown(fd, 1);
  // The other end closes when it has everything.
  await t.p.call.read(fd, out);
  t.p.sys.close(fd);
  return sent;
}

async function answersFromThread(t: Thread): Promise<number> {
  const fd = await t.connect();
  const one = new Uint8Array(1);
  const rounds = 5000;
  for (let i = 0; i < rounds; i++) {
    await t.p.call.write(fd, one);
    await t.p.call.read(fd, one);
  }
  t.p.sys.close(fd);
  return rounds;
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

/** Gigabytes a second between Linux and a kernel on a TAP device, in a network namespace of its own; by iperf3. */
function overTap(reverse: boolean): Subject {
  return {
    name: 'rump',
    figure: true,
    run: () => {
      const ns = `ak-bench-${process.pid}`;
      const ip = (...args: string[]): void => void spawnSync('ip', args, { stdio: 'ignore' });
      ip('netns', 'add', ns);
      try {
        const script = new URL('tapbench.ts', import.meta.url).pathname;
        const made = spawnSync('ip', ['netns', 'exec', ns, process.execPath, ...process.execArgv, script, reverse ? '-R' : ''], { encoding: 'utf8', timeout: 60_000 });
        if (made.status !== 0) throw new Error(`no report: ${made.stdout}${made.stderr}`);
        return (JSON.parse(made.stdout) as Report).end.sum_received.bits_per_second / 8e9;
      } finally {
        ip('netns', 'delete', ns);
      }
    },
  };
}

/** TAP devices and namespaces are root's. */
const root = process.getuid?.() === 0 && spawnSync('iperf3', ['--version'], { stdio: 'ignore' }).status === 0;

const tap: Case[] = root
  ? [
      { name: 'TCP from Linux over a TAP device', unit: 'GB/s', reach: 1, c: 0.15, subjects: () => [overTap(false)] },
      { name: 'TCP to Linux over a TAP device', unit: 'GB/s', reach: 1, c: 0.15, subjects: () => [overTap(true)] },
    ]
  : [];

export const NET_CASES: readonly Case[] = [
  { name: 'TCP over lo0, 64 KiB calls', unit: 'GB/s', reach: 4, c: 0.85, subjects: () => [bulkOverLo0(), bulkOverHost()] },
  { name: 'TCP connect + accept + close over lo0', unit: 'calls/s', reach: 60_000, c: 20_800, subjects: () => [connectionsOverLo0(), connectionsOverHost()] },
  { name: 'UDP 64 bytes, send + receive over lo0', unit: 'calls/s', reach: 500_000, c: 56_000, subjects: () => [datagramsOverLo0(), datagramsOverHost()] },
  { name: 'TCP request and response of 1 byte over lo0', unit: 'calls/s', reach: 200_000, c: 22_200, subjects: () => [answersOverLo0(), answersOverHost()] },
  { name: 'TCP between two kernels on two threads', unit: 'GB/s', reach: 1.4, c: 0.08, subjects: () => [betweenThreads(bulkToThread)] },
  { name: 'request and response between two threads', unit: 'calls/s', reach: 66_000, c: 7200, subjects: () => [betweenThreads(answersFromThread)] },
  { name: 'memory of an idle TCP connection', unit: 'KiB', reach: 4, subjects: () => [idleConnections()] },
  ...tap,
];
