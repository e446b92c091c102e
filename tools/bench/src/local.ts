/** Local sockets: the system calls, uknet on them, and the machine's own through node:net. */
import * as nodeNet from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostNode } from '@anykernel/host-node';
import { AF_LOCAL, SOCK_DGRAM, SOCK_STREAM, sockaddrUn } from '@anykernel/lib-sys';
import { local } from '@anykernel/local';
import { type Kernel, type Sys, boot } from '@anykernel/rumpkern';
import { uknet } from '@anykernel/uknet';
import type { Case, Subject } from './measure.js';

/** Bytes of one call, of one turn. */
const CALL = 65_536;
const BULK = 256 << 20;
const DGRAMS = 200_000;
const CONNECTIONS = 2000;

interface Rig {
  readonly k: Kernel;
  readonly sys: Sys;
  readonly fds: [number, number];
}

function pairOf(type: number): Rig {
  const k = boot(hostNode(), [local]);
  const { sys } = k.newproc();
  return { k, sys, fds: sys.socketpair(AF_LOCAL, type, 0) };
}

function datagrams(len: number): Subject {
  const { k, sys, fds: [a, b] } = pairOf(SOCK_DGRAM);
  const [data, into] = [new Uint8Array(len), new Uint8Array(len)];
  return {
    name: 'rump: sendto + recvfrom',
    run() {
      for (let i = 0; i < DGRAMS; i++) {
        sys.sendto(a, data, 0);
        sys.recvfrom(b, into, 0);
      }
      return DGRAMS;
    },
    done: () => k.halt(),
  };
}

function streamCalls(): Subject {
  const { k, sys, fds: [a, b] } = pairOf(SOCK_STREAM);
  const [data, into] = [new Uint8Array(CALL), new Uint8Array(CALL)];
  return {
    name: 'rump: write + read',
    run() {
      for (let moved = 0; moved < BULK; moved += CALL) {
        sys.write(a, data);
        sys.read(b, into);
      }
      return BULK;
    },
    done: () => k.halt(),
  };
}

type Net = Pick<typeof nodeNet, 'createServer' | 'connect'>;

interface NetPeer {
  readonly name: string;
  readonly net: Net;
  readonly path: string;
  done(): void;
}

function rumpNet(): NetPeer {
  const k = boot(hostNode(), [local]);
  return { name: 'uknet', net: uknet(k.newproc()) as unknown as Net, path: '/sock', done: () => k.halt() };
}

function hostNet(): NetPeer {
  const dir = mkdtempSync(join(tmpdir(), 'bench-'));
  return { name: 'node:net, this machine', net: nodeNet, path: join(dir, 'sock'), done: () => rmSync(dir, { recursive: true, force: true }) };
}

function listening(peer: NetPeer, on: (socket: nodeNet.Socket) => void): Promise<nodeNet.Server> {
  return new Promise((resolve) => {
    const server = peer.net.createServer(on).listen(peer.path, () => resolve(server));
  });
}

/** One connection carries everything, as fast as it goes. */
async function streamOf(peer: NetPeer): Promise<Subject> {
  let got = 0;
  let all: (() => void) | undefined;
  const server = await listening(peer, (s) =>
    s.on('data', (data) => {
      got += data.length;
      if (got >= BULK) all?.();
    }),
  );
  const client = peer.net.connect(peer.path);
  await new Promise((resolve) => client.once('connect', resolve));
  const data = Buffer.alloc(CALL);
  return {
    name: peer.name,
    async run() {
      got = 0;
      const arrived = new Promise<void>((resolve) => (all = resolve));
      for (let sent = 0; sent < BULK; sent += CALL) if (!client.write(data)) await new Promise((resolve) => client.once('drain', resolve));
      await arrived;
      return BULK;
    },
    done() {
      client.destroy();
      server.close();
      peer.done();
    },
  };
}

async function connectionsOf(peer: NetPeer): Promise<Subject> {
  const server = await listening(peer, (s) => s.end());
  return {
    name: peer.name,
    async run() {
      for (let i = 0; i < CONNECTIONS; i++) {
        const client = peer.net.connect(peer.path);
        client.resume();
        await new Promise((resolve) => client.once('close', resolve));
      }
      return CONNECTIONS;
    },
    done() {
      server.close();
      peer.done();
    },
  };
}

function connectCalls(): Subject {
  const k = boot(hostNode(), [local]);
  const { sys } = k.newproc();
  const fd = sys.socket(AF_LOCAL, SOCK_STREAM, 0);
  const nam = sockaddrUn('/sock');
  sys.bind(fd, nam);
  sys.listen(fd, 5);
  return {
    name: 'rump: connect + accept + close',
    run() {
      for (let i = 0; i < CONNECTIONS; i++) {
        const client = sys.socket(AF_LOCAL, SOCK_STREAM, 0);
        sys.connect(client, nam);
        sys.close(sys.accept(fd));
        sys.close(client);
      }
      return CONNECTIONS;
    },
    done: () => k.halt(),
  };
}

export const LOCAL_CASES: readonly Case[] = [
  { name: 'local datagrams of 64 bytes, sent and received', unit: 'calls/s', reach: 830_000, subjects: () => [datagrams(64)] },
  {
    name: 'local stream, 64 KiB calls',
    unit: 'GB/s',
    reach: 5,
    subjects: async () => [streamCalls(), await streamOf(rumpNet()), await streamOf(hostNet())],
  },
  {
    name: 'local connections, made and closed',
    unit: 'calls/s',
    subjects: async () => [connectCalls(), await connectionsOf(rumpNet()), await connectionsOf(hostNet())],
  },
];
