/**
 * The other side of the tests against Linux, run within a network namespace: a kernel on TAP devices, with web servers, iperf3 servers and echoes of both families.
 *
 * It says `ready`, and then one line of JSON for each command that it reads, a line of JSON as well.
 */
import { execFileSync } from 'node:child_process';
import { createCipheriv, createHash } from 'node:crypto';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { hostNode } from '@anykernel/host-node';
import { runTool, setUp } from '@anykernel/netutils';
import { netinet } from '@anykernel/netinet';
import { netinet6 } from '@anykernel/netinet6';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { type Uknet, uknet } from '@anykernel/uknet';
import { virtif } from '@anykernel/virtif';

export interface Config {
  /** Lines for the kernel. */
  readonly setup: readonly string[];
  /** Words of ip(8) for Linux, once the devices are there. */
  readonly linux: readonly string[];
}

export interface Counters {
  readonly stopped: string | null;
  /** Mbufs in use. */
  readonly used: number;
  /** Bytes of the kernel's memory in use. */
  readonly memory: number;
}

/** What it can be asked. */
export type Command =
  | { readonly do: 'counters' }
  | { readonly do: 'tool'; readonly line: string }
  /** Fetches a page: its length and digest. */
  | { readonly do: 'fetch'; readonly host: string; readonly port: number; readonly path: string }
  /** Sends bytes of the stream to a port, and ends. */
  | { readonly do: 'send'; readonly host: string; readonly port: number; readonly len: number };

export interface ToolAnswer {
  readonly status: number;
  readonly out: readonly string[];
  readonly err: readonly string[];
}

export interface FetchAnswer {
  readonly len: number;
  readonly sha256: string;
}

const BLOCK = Buffer.alloc(262_144);

/** Blocks of the stream that never repeats: AES-128 in counter mode, key and counter zero, as `openssl enc` makes it of zeros. */
function stream(): (len: number) => Buffer {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  return (len) => cipher.update(len < BLOCK.length ? BLOCK.subarray(0, len) : BLOCK);
}

export async function main(config: Config): Promise<void> {
  const k = boot(hostNode({ input: false }), [netinet6, virtif]);
  await setUp(k, config.setup);
  for (const words of config.linux) execFileSync('ip', words.split(' '));
  const net = uknet(k.newproc());
  for (const host of ['0.0.0.0', '::']) {
    const web = http.createServer(answer);
    net.createServer((socket) => void web.emit('connection', socket)).listen({ port: 80, host, ipv6Only: true });
    net.createServer((socket) => void socket.pipe(socket).on('error', () => socket.destroy())).listen({ port: 7, host, ipv6Only: true });
  }
  const echo = net.dgram.createSocket('udp4');
  echo.on('message', (text: Buffer, from: { port: number; address: string }) => echo.send(text, from.port, from.address)).bind(7);
  for (const words of [['iperf3', '-s'], ['iperf3', '-s', '-6']]) void runTool({ p: k.newproc(), out: () => {}, err: console.error }, words);
  console.log('ready');
  createInterface({ input: process.stdin }).on('line', (line) => void obey(k, net, JSON.parse(line) as Command).then((result) => console.log(JSON.stringify(result))));
  process.stdin.on('end', () => {
    k.halt();
    process.exit(0);
  });
}

async function obey(k: Kernel, net: Uknet, command: Command): Promise<Counters | ToolAnswer | FetchAnswer> {
  switch (command.do) {
    case 'counters':
      return { stopped: k.stopped ?? null, used: k.modules.use(netinet).mbufs.used, memory: k.mem.used };
    case 'tool':
      return tool(k, command.line);
    case 'fetch':
      return fetch(net, command.host, command.port, command.path);
    case 'send':
      return send(net, command.host, command.port, command.len);
  }
}

async function tool(k: Kernel, line: string): Promise<ToolAnswer> {
  const out: string[] = [];
  const err: string[] = [];
  const p = k.newproc();
  try {
    return { status: await runTool({ p, out: (text) => void out.push(text), err: (text) => void err.push(text) }, line.split(' ')), out, err };
  } finally {
    p.exit();
  }
}

function fetch(net: Uknet, host: string, port: number, path: string): Promise<FetchAnswer> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    let len = 0;
    const request = http.get({ host: 'linux', path, createConnection: () => net.connect(port, host) }, (response) => {
      response.on('data', (b: Buffer) => {
        len += b.length;
        hash.update(b);
      });
      response.on('end', () => resolve({ len, sha256: hash.digest('hex') }));
    });
    request.on('error', reject);
  });
}

/** Gives the digest of what was sent. */
function send(net: Uknet, host: string, port: number, len: number): Promise<FetchAnswer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, host);
    const next = stream();
    const hash = createHash('sha256');
    let left = len;
    const more = (): void => {
      while (left > 0) {
        const part = next(left);
        left -= part.length;
        hash.update(part);
        if (!socket.write(part)) {
          socket.once('drain', more);
          return;
        }
      }
      socket.end();
    };
    socket.on('error', reject).on('close', () => resolve({ len, sha256: hash.digest('hex') })).resume();
    more();
  });
}

/** GET /N: N bytes of the stream. POST: how many came. */
function answer(req: http.IncomingMessage, res: http.ServerResponse): void {
  if (req.method === 'POST') {
    let count = 0;
    req.on('data', (b: Buffer) => (count += b.length)).on('end', () => res.end(String(count)));
    return;
  }
  let left = Number(req.url?.slice(1));
  res.writeHead(200, { 'content-length': left });
  const next = stream();
  const more = (): void => {
    while (left > 0) {
      const part = next(left);
      left -= part.length;
      if (!res.write(part)) {
        res.once('drain', more);
        return;
      }
    }
    res.end();
  };
  more();
}
