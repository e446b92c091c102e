/** The same scenarios on node:net itself and on a kernel: what happens must be the same. */
import * as nodeNet from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { local } from '@anykernel/local';
import { netinet } from '@anykernel/netinet';
import { boot } from '@anykernel/rumpkern';
import { rumpnetOf } from '@anykernel/rumpnet';
import { uknet } from '../src/index.js';
import { type Net, type World, scenarios } from './scenarios.js';

const dir = mkdtempSync(join(tmpdir(), 'uknet-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let count = 0;

function nodeWorld(): World {
  return { net: nodeNet as unknown as Net, path: () => join(dir, `s${++count}`) };
}

async function run(world: World, name: string): Promise<string[]> {
  const lines: string[] = [];
  await scenarios[name]!(world, (line) => lines.push(line));
  return lines;
}

describe.each(Object.keys(scenarios))('%s', (name) => {
  test('is what it is on node:net', async () => {
    const k = boot(hostNode(), [local, netinet]);
    const p = k.newproc();
    try {
      const there = await run(nodeWorld(), name);
      const here = await run({ net: uknet(p) as unknown as Net, path: () => `/tmp/s${++count}` }, name);
      expect(here).toEqual(there);
      expect(there.length).toBeGreaterThan(0);
      // What is open is open in the kernel: nothing, but for connections that say good bye.
      for (let fd = 0; fd < p.fd.end; fd++) expect(p.fd.peek(fd)?.type ?? 'closed').toBe('closed');
      expect(rumpnetOf(k).sockets(1)).toBe(0);
    } finally {
      k.halt();
    }
  });
});
