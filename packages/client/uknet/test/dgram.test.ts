/** The same scenarios on node:dgram itself and on a kernel. */
import * as nodeDgram from 'node:dgram';
import { describe, expect, test } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { netinet } from '@anykernel/netinet';
import { boot } from '@anykernel/rumpkern';
import { uknet } from '../src/index.js';
import { type Dgram, dgramScenarios } from './dgramscenarios.js';

async function run(dgram: Dgram, name: string): Promise<string[]> {
  const lines: string[] = [];
  await dgramScenarios[name]!(dgram, (line) => lines.push(line));
  return lines;
}

describe.each(Object.keys(dgramScenarios))('%s', (name) => {
  test('is what it is on node:dgram', async () => {
    const k = boot(hostNode(), [netinet]);
    const p = k.newproc();
    try {
      const there = await run(nodeDgram, name);
      expect(await run(uknet(p).dgram as unknown as Dgram, name)).toEqual(there);
      expect(there.length).toBeGreaterThan(0);
      for (let fd = 0; fd < p.fd.end; fd++) expect(p.fd.peek(fd)?.type ?? 'closed').toBe('closed');
    } finally {
      k.halt();
    }
  });
});
