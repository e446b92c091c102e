/** The same reading on a disk whose transfers end later: every call waits, and comes to the same. */
import { expect } from '@jest/globals';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { patient } from '@anykernel/conformance-diskfs';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { names, pattern, readFile, withFolder, world } from './kit.js';

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
