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
const IDLE_MS = 500;

async function kernelHere(): Promise<Kernel> {
  const k = boot(hostNode({ input: false }), [netinet, shmif]);
  await setUp(k, ['ifconfig shmif0 create linkstr lan', 'ifconfig shmif0 10.0.0.1/24']);
  return k;
}

function kernelThere(unref: boolean): Worker {
  const workerData: Given = { memory: shareBus('lan'), unref };
  return new Worker(new URL('./threads-worker.ts', import.meta.url), { workerData, execArgv: ['--no-warnings', '--import', RUN] });
}

/** The part of the processor that this process has used, in the quietest of so many times: what the engine still does for what was before is none of it. */
async function leastOf(times: number): Promise<number> {
  let least = 1;
  for (let left = times; left > 0 && least >= 0.1; left--) {
    const [from, began] = [process.cpuUsage(), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
    const { user, system } = process.cpuUsage(from);
    least = Math.min(least, (user + system) / 1000 / (performance.now() - began));
  }
  return least;
}

const pinged = (k: Kernel): Promise<number> => runTool({ p: k.newproc(), out: () => undefined, err: () => undefined }, ['ping', '-o', '-i', '0.1', '-w', '120', '10.0.0.2']);

test('a thread with nothing but a bus lives until its kernel halts, and an idle pair takes no processor time', async () => {
  const worker = kernelThere(false);
  const ended = once(worker, 'exit');
  await once(worker, 'message');
  const k = await kernelHere();
  try {
    expect(await pinged(k)).toBe(0);
    expect(await leastOf(20)).toBeLessThan(0.1);
    expect(await pinged(k)).toBe(0);
    worker.postMessage('halt');
    expect(await ended).toEqual([0]);
  } finally {
    await worker.terminate();
    k.halt();
  }
});

test('unrefBus lets it end before', async () => {
  const worker = kernelThere(true);
  const ended = once(worker, 'exit');
  const k = await kernelHere();
  try {
    expect(await ended).toEqual([0]);
  } finally {
    await worker.terminate();
    k.halt();
  }
});
