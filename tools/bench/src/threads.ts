/** Two kernels on two threads, on a bus in shared memory. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { hostNode, shareBus } from '@anykernel/host-node';
import { putU16be } from '@anykernel/lib-bytes';
import { AF_INET, IPPROTO_ICMP, IPPROTO_TCP, SOCK_RAW, SOCK_STREAM, TCP_NODELAY, sockaddrIn } from '@anykernel/lib-sys';
import { ICMP_ECHO, ICMP_ECHOREPLY, inCksum } from '@anykernel/lib-wire';
import { netinet } from '@anykernel/netinet';
import { setUp } from '@anykernel/netutils';
import { type Kernel, type Proc, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import type { Case, Subject } from './measure.js';

const CALL = 65_536;
const BULK = 256 << 20;
const ROUNDS = 5000;
const ON = Uint8Array.of(1, 0, 0, 0);
const OTHER_ADDR = 0x0a00_0002;

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
parentPort.postMessage('ready');
const buf = new Uint8Array(262144);
for (;;) {
  const fd = await p.call.accept(listener);
  for (let n = await p.call.read(fd, buf); n > 0; n = await p.call.read(fd, buf)) if (n === 1) await p.call.write(fd, buf.subarray(0, 1));
  p.sys.close(fd);
}`;

/** This thread's kernel, and the way to the other one. */
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
    await this.p.call.connect(fd, sockaddrIn(OTHER_ADDR, 5001));
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

async function bulk(t: Thread): Promise<number> {
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

async function answers(t: Thread): Promise<number> {
  const fd = await t.connect();
  const one = new Uint8Array(1);
  for (let i = 0; i < ROUNDS; i++) {
    await t.p.call.write(fd, one);
    await t.p.call.read(fd, one);
  }
  t.p.sys.close(fd);
  return ROUNDS;
}

/** ICMP echo with 56 bytes, as ping sends; the other kernel answers by itself. */
async function pings({ p }: Thread): Promise<number> {
  const fd = p.sys.socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
  const question = new Uint8Array(8 + 56);
  question[0] = ICMP_ECHO;
  const into = new Uint8Array(256);
  const to = sockaddrIn(OTHER_ADDR, 0);
  for (let i = 0; i < ROUNDS; i++) {
    putU16be(question, 6, i);
    putU16be(question, 2, 0);
    putU16be(question, 2, inCksum(question));
    await p.call.sendto(fd, question, 0, to);
    await p.call.read(fd, into);
    // Behind an IP header of 20 bytes.
    if (into[20] !== ICMP_ECHOREPLY || into[26] !== question[6] || into[27] !== question[7]) throw new Error('that is no answer');
  }
  p.sys.close(fd);
  return ROUNDS;
}

/** What two threads can do at best: a word of shared memory each, looked at without a pause; rounds a second. */
function bareWords(): Subject {
  const source = `
    const words = require('node:worker_threads').workerData;
    for (let n = 1; n <= ${ROUNDS}; n++) {
      while (Atomics.load(words, 0) !== n);
      Atomics.store(words, 32, n);
    }`;
  return {
    name: 'two words of shared memory',
    figure: true,
    async run() {
      const words = new Int32Array(new SharedArrayBuffer(256));
      const worker = new Worker(source, { eval: true, workerData: words });
      const ended = once(worker, 'exit');
      await once(worker, 'online');
      words[0] = 1;
      while (Atomics.load(words, 32) !== 1);
      const from = process.hrtime.bigint();
      for (let n = 2; n <= ROUNDS; n++) {
        Atomics.store(words, 0, n);
        while (Atomics.load(words, 32) !== n);
      }
      const seconds = Number(process.hrtime.bigint() - from) / 1e9;
      await ended;
      return (ROUNDS - 1) / seconds;
    },
  };
}

export const THREAD_CASES: readonly Case[] = [
  { name: 'TCP between two kernels on two threads', unit: 'GB/s', reach: 1.4, c: 0.08, subjects: () => [betweenThreads(bulk)] },
  { name: 'request and response between two threads', unit: 'calls/s', reach: 66_000, c: 7200, subjects: () => [betweenThreads(answers)] },
  { name: 'ping between two kernels on two threads', unit: 'calls/s', reach: 66_000, c: 18_000, subjects: () => [betweenThreads(pings), bareWords()] },
];
