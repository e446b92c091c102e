/** A thread whose only business is a kernel on a bus. A message halts the kernel. */
import { parentPort, workerData } from 'node:worker_threads';
import { hostNode, joinBus, unrefBus } from '@anykernel/host-node';
import { netinet } from '@anykernel/netinet';
import { setUp } from '@anykernel/netutils';
import { boot } from '@anykernel/rumpkern';
import { shmif } from '@anykernel/shmif';

export interface Given {
  readonly memory: SharedArrayBuffer;
  readonly unref: boolean;
}

const { memory, unref } = workerData as Given;
joinBus('lan', memory);
const k = boot(hostNode({ input: false }), [netinet, shmif]);
await setUp(k, ['ifconfig shmif0 create linkstr lan', 'ifconfig shmif0 10.0.0.2/24']);
if (unref) unrefBus('lan');
parentPort?.once('message', () => k.halt());
parentPort?.unref();
parentPort?.postMessage('ready');
