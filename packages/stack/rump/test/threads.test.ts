/** Kernels on several threads, on a bus in shared memory. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { hostNode, shareBus } from '@anykernel/host-node';
import { netinet } from '@anykernel/netinet';
import { runTool, setUp } from '@anykernel/netutils';
import { type Kernel, boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';
import type { Given } from './threads-worker.js';

const RUN = new URL('../../../../tools/run/typescript.mjs', import.meta.url).pathname;
const IDLE_MS = 1000;

async function kernelHere(): Promise<Kernel> {
  const k = boot(hostNode({ input: false }), [netinet, shmif]);
  await setUp(k, ['ifconfig shmif0 create linkstr lan', 'ifconfig shmif0 10.0.0.1/24']);
  return k;
}

function kernelThere(unref: boolean): Worker {
  const workerData: Given = { memory: shareBus('lan'), unref };
  return new Worker(new URL('./threads-worker.ts', import.meta.url), { workerData, execArgv: ['--no-warnings', '--import', RUN] });
}

const pinged = (k: Kernel): Promise<number> => runTool({ p: k.newproc(), out: () => undefined, err: () => undefined }, ['ping', '-o', '-i', '0.1', '-w', '20', '10.0.0.2']);

test('a thread with nothing but a bus lives until its kernel halts, and an idle pair takes no processor time', async () => {
  const worker = kernelThere(false);
  const ended = once(worker, 'exit');
  await once(worker, 'message');
  const k = await kernelHere();
  try {
    expect(await pinged(k)).toBe(0);
    const from = process.cpuUsage();
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const { user, system } = process.cpuUsage(from);
    expect((user + system) / 1000 / IDLE_MS).toBeLessThan(0.1);
    expect(await pinged(k)).toBe(0);
    worker.postMessage('halt');
    expect(await ended).toEqual([0]);
  } finally {
    await worker.terminate();
    k.halt();
  }
}, 60_000);

test('unrefBus lets it end before', async () => {
  const worker = kernelThere(true);
  const k = await kernelHere();
  try {
    expect(await once(worker, 'exit')).toEqual([0]);
  } finally {
    await worker.terminate();
    k.halt();
  }
}, 60_000);
