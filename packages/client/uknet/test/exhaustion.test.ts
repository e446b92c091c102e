/** A server whose process has no descriptors left. */
import { once } from 'node:events';
import type { Socket as NodeSocket } from 'node:net';
import { expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { netinet } from '@anykernel/netinet';
import { boot } from '@anykernel/rumpkern';
import { uknet } from '../src/index.js';

test('turns away who comes then, does not fail, and serves others when there is room again', async () => {
  const k = boot(hostNode(), [netinet]);
  try {
    const p = k.newproc();
    const clients = uknet(k.newproc());
    const taken: NodeSocket[] = [];
    const errors: Error[] = [];
    const server = uknet(p).createServer((socket) => void taken.push(socket as unknown as NodeSocket));
    server.on('error', (e: Error) => errors.push(e));
    server.listen(7000, '127.0.0.1');
    await once(server, 'listening');
    p.limits.nofile = p.fd.end + 6;
    const all = Array.from({ length: 20 }, () => clients.connect(7000, '127.0.0.1'));
    let closed = 0;
    for (const one of all) {
      one.on('error', () => undefined);
      one.on('close', () => closed++);
      one.resume();
    }
    await Promise.all(all.map((one) => once(one, 'connect')));
    while (closed + taken.length < 20) await new Promise((resolve) => setImmediate(resolve));
    expect([errors, taken.length, closed]).toEqual([[], 6, 14]);
    for (const one of taken.splice(0)) one.destroy();
    for (const one of all) one.destroy();
    const late = clients.connect(7000, '127.0.0.1');
    await once(server, 'connection');
    expect(taken.length).toBe(1);
    late.destroy();
    taken[0]!.destroy();
    server.close();
    await once(server, 'close');
  } finally {
    k.halt();
  }
});
