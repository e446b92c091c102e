/**
 * The other side of linux.test.ts, run within a network namespace: a kernel on a TAP device, with a web server, an iperf3 server, and an echo.
 *
 * It says `ready`, and then its counters for each line that it reads.
 */
import { execFileSync } from 'node:child_process';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { hostNode } from '@anykernel/host-node';
import { runTool, setUp } from '@anykernel/netutils';
import { netinet } from '@anykernel/netinet';
import { boot } from '@anykernel/rumpkern';
import { uknet } from '@anykernel/uknet';
import { virtif } from '@anykernel/virtif';


export interface Counters {
  readonly stopped: string | null;
  /** Mbufs in use. */
  readonly used: number;
  /** Bytes of the kernel's memory in use. */
  readonly memory: number;
}

const pattern = Buffer.from(Uint8Array.from({ length: 65_536 }, (_, i) => i * 7 + (i >> 8)));

export async function main(device: string, address: string, theirs: string): Promise<void> {
  const k = boot(hostNode({ input: false }), [netinet, virtif]);
  await setUp(k, [`ifconfig virt0 create linkstr ${device}`, `ifconfig virt0 ${address}/24`]);
  execFileSync('ip', ['addr', 'add', `${theirs}/24`, 'dev', device]);
  execFileSync('ip', ['link', 'set', device, 'up']);
  const net = uknet(k.newproc());
  const web = http.createServer(answer);
  net.createServer((socket) => void web.emit('connection', socket)).listen(80);
  net.createServer((socket) => void socket.pipe(socket).on('error', () => socket.destroy())).listen(7);
  void runTool({ p: k.newproc(), out: () => {}, err: console.error }, ['iperf3', '-s']);
  console.log('ready');
  createInterface({ input: process.stdin }).on('line', () => {
    const counters: Counters = { stopped: k.stopped ?? null, used: k.modules.use(netinet).mbufs.used, memory: k.mem.used };
    console.log(JSON.stringify(counters));
  });
  process.stdin.on('end', () => {
    k.halt();
    process.exit(0);
  });
}

/** GET /N: N bytes of the pattern. POST: how many came. */
function answer(req: http.IncomingMessage, res: http.ServerResponse): void {
  if (req.method === 'POST') {
    let count = 0;
    req.on('data', (b: Buffer) => (count += b.length)).on('end', () => res.end(String(count)));
    return;
  }
  let left = Number(req.url?.slice(1));
  res.writeHead(200, { 'content-length': left });
  const more = (): void => {
    while (left > 0) {
      const part = left < pattern.length ? pattern.subarray(0, left) : pattern;
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
