/** `rump net demo`: two hosts and a router between them, each a kernel of its own in this process, and what passes as a capture. */
import { writeFileSync } from 'node:fs';
import { hostNode } from '@anykernel/host-node';
import { AF_INET, SHUT_WR, SOCK_STREAM, inetParse, sockaddrIn } from '@anykernel/lib-sys';
import { netinet } from '@anykernel/netinet';
import { runTool, setUp } from '@anykernel/netutils';
import { pcap } from '@anykernel/pcap';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import type { Context } from '../context.js';
import { toolIo } from './net.js';

const PORT = 5001;

/** Bytes that go through the router; a capture of them all is too much for a look. */
const TOTAL = 64 << 20;
const CAPTURED = 4 << 20;

export async function netDemo(ctx: Context, capture: string | undefined): Promise<void> {
  const total = capture === undefined ? TOTAL : CAPTURED;
  const [left, right] = [`demo-left-${process.pid}`, `demo-right-${process.pid}`];
  const kernels = [0, 1, 2].map(() => boot(hostNode({ input: false }), [netinet, shmif, pcap]));
  const [a, router, b] = kernels as [Kernel, Kernel, Kernel];
  const blocks: Uint8Array[] = [];
  try {
    await setUp(a, [`ifconfig shmif0 create linkstr ${left}`, 'ifconfig shmif0 10.0.1.1/24', 'route add default 10.0.1.254']);
    await setUp(router, [
      `ifconfig shmif0 create linkstr ${left}`, 'ifconfig shmif0 10.0.1.254/24', `ifconfig shmif1 create linkstr ${right}`, 'ifconfig shmif1 10.0.2.254/24',
    ]);
    await setUp(b, [`ifconfig shmif0 create linkstr ${right}`, 'ifconfig shmif0 10.0.2.2/24', 'route add default 10.0.2.254']);
    const stop = capture === undefined ? undefined : router.run(() => router.modules.use(pcap).capture(['shmif0', 'shmif1'], (bytes) => blocks.push(bytes)));
    await tools(ctx, a);
    await transfer(ctx, a, b, total);
    stop?.();
    if (capture !== undefined) {
      writeFileSync(capture, Buffer.concat(blocks));
      ctx.say(`\n${capture}: what passed the router, for tcpdump -r or wireshark`);
    }
  } finally {
    for (const k of kernels) k.halt();
  }
}

async function tools(ctx: Context, a: Kernel): Promise<void> {
  for (const line of ['ifconfig shmif0', 'ping -c 3 -i 0.1 10.0.2.2', 'traceroute -q 1 10.0.2.2']) {
    ctx.say(`\n$ ${line}`);
    const status = await runTool({ ...toolIo(ctx.io, a), ...(ctx.json ? { out: () => {} } : {}) }, line.split(' '));
    if (status !== 0) throw new Error(`${line}: status ${status}`);
  }
}

/** Sends bytes that count up from `a` to `b`, and looks at each that comes. */
async function transfer(ctx: Context, a: Kernel, b: Kernel, total: number): Promise<void> {
  ctx.say(`\n$ ${total >> 20} MiB of TCP through the router`);
  const [from, to] = [a.newproc(), b.newproc()];
  const listener = to.sys.socket(AF_INET, SOCK_STREAM, 0);
  to.sys.bind(listener, sockaddrIn(0, PORT));
  to.sys.listen(listener, 1);
  const start = performance.now();
  const receiving = receive();
  const fd = from.sys.socket(AF_INET, SOCK_STREAM, 0);
  await from.call.connect(fd, sockaddrIn(inetParse('10.0.2.2') as number, PORT));
  const pattern = Uint8Array.from({ length: 65_536 }, (_, i) => i * 7 + (i >> 8));
  for (let sent = 0; sent < total; ) sent += await from.call.write(fd, pattern.subarray(sent % pattern.length, Math.min(pattern.length, (sent % pattern.length) + total - sent)));
  from.sys.shutdown(fd, SHUT_WR);
  const received = await receiving;
  const seconds = (performance.now() - start) / 1000;
  const row = { bytes: received, seconds, mbPerSecond: received / 1e6 / seconds };
  ctx.put(row, `${received} bytes, each as it was sent, in ${seconds.toFixed(2)} s: ${row.mbPerSecond.toFixed(0)} MB/s`);

  async function receive(): Promise<number> {
    const one = await to.call.accept(listener);
    const buf = Buffer.alloc(262_144);
    let count = 0;
    for (let len = await to.call.read(one, buf); len > 0; len = await to.call.read(one, buf)) {
      for (let at = 0; at < len; ) {
        const off = (count + at) % pattern.length;
        const part = Math.min(len - at, pattern.length - off);
        if (buf.compare(pattern, off, off + part, at, at + part) !== 0) throw new Error(`byte ${count + at} or one soon after it is not what was sent`);
        at += part;
      }
      count += len;
    }
    if (count !== total) throw new Error(`${count} of ${total} bytes came`);
    return count;
  }
}
