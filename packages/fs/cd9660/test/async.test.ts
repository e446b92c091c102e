/** The same reading on a disk whose transfers end later: every call waits, and comes to the same. */
import { expect } from '@jest/globals';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import type { Sys } from '@anykernel/rumpkern';
import { type World, names, pattern, readFile, withFolder, world } from './kit.js';

/** The system calls, each made again when it would have had to wait, after the next event of the simulation. */
function patient(w: World): Sys {
  return new Proxy(w.sys, {
    get(sys, name) {
      const call = (sys as unknown as Record<string | symbol, (...args: unknown[]) => unknown>)[name];
      return (...args: unknown[]): unknown => {
        for (let i = 0; i < 100_000; i++) {
          try {
            return call.apply(sys, args);
          } catch (e) {
            if ((e as Error).name !== 'WouldSleep') throw e;
            if (!w.sim.step()) throw new Error(`${String(name)} waits for nothing`);
          }
        }
        throw new Error(`${String(name)} waits for ever`);
      };
    },
  });
}

const TEXT = new Uint8Array(Buffer.from('packed '.repeat(40_000)));

function image(): Uint8Array {
  return withFolder((folder) => {
    mkdirSync(join(folder, 'tree/a/b'), { recursive: true });
    for (let i = 0; i < 120; i++) writeFileSync(join(folder, `tree/a/file number ${i}`), pattern(i * 100, i));
    writeFileSync(join(folder, 'tree/a/b/text'), TEXT);
    symlinkSync('a/b/text', join(folder, 'tree/link'));
    mustRun('xorriso', ['-zisofs', 'block_size=32k', '-outdev', `stdio:${join(folder, 'image')}`, '-map', join(folder, 'tree'), '/', '-set_filter_r', '--zisofs', '/', '--']);
    return new Uint8Array(readFileSync(join(folder, 'image')));
  });
}

oracle('xorriso').test('mount, list, read plain and packed files, with little memory', async () => {
  const w = world(image(), { seed: 7, kernel: { memLimitBytes: 2 << 20 }, params: { RUMP_NVNODES: '30' }, disk: { sync: false, latencyNs: [10_000, 300_000] } });
  const sys = patient(w);
  await w.sim.settle(w.root.call.mount('cd9660', '/mnt', 1, { fspec: '/disk' }));
  sys.chdir('/mnt');
  expect(names(sys, 'a').length).toBe(121);
  for (let i = 0; i < 120; i += 7) expect(Buffer.compare(readFile(sys, `a/file number ${i}`), pattern(i * 100, i))).toBe(0);
  expect(Buffer.compare(readFile(sys, 'link'), TEXT)).toBe(0);
  sys.chdir('/');
  sys.unmount('/mnt', 0);
  w.sim.runUntilIdle();
  w.k.halt();
  expect(w.host.allocated).toBe(0);
});
