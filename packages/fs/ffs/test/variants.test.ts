import { describe, expect, test } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import type { NewfsOptions } from '../src/index.js';
import { VARIANTS, check, made, makefs, mounted } from './kit.js';
import { Workload, compare, listModel, listSys } from '@anykernel/conformance-diskfs';

const STEPS = 60;
const ROUNDS = 2;

/** Random work, and after each round the model, the checker, and sometimes a new mount. */
function work(image: Uint8Array, seed: number, xattrs: boolean): void {
  const w = mounted(image, { seed });
  const load = new Workload(w.sys, seed, { xattrs, maxTarget: 1000, maxFile: 200_000 });
  const same = (): void => expect(compare(listModel(load.root), listSys(w.sys, xattrs)).slice(0, 5)).toEqual([]);
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < STEPS; i++) load.step();
    same();
    if (round % 2 === 0) w.sys.sync();
    else {
      w.unmount();
      w.mount();
      same();
      w.sys.sync();
    }
    expect(`seed ${seed}: ${check(w.disk.snapshot())}`).toBe(`seed ${seed}: `);
  }
  w.k.halt();
  expect(check(w.disk.snapshot())).toBe('');
  expect(w.k.msgbuf.text()).not.toMatch(/ffs:/);
}

describe('random work on images by makefs leaves what a model says, and nothing for the checker', () => {
  let seed = 100;
  for (const [name, args] of Object.entries(VARIANTS)) {
    const mine = seed++;
    oracle('makefs').test(`${name}: ${STEPS * ROUNDS} operations with seed ${mine}`, () => {
      work(makefs(6400, [...args, '-f', '700']), mine, args[3].includes('version=2'));
    });
  }
});

describe('and on images by newfs', () => {
  const OPTIONS: Readonly<Record<string, readonly [Partial<NewfsOptions>, number]>> = {
    'the defaults': [{ inodes: 1000 }, 5000],
    'UFS1': [{ version: 1, inodes: 1000 }, 5000],
    'UFS1, big-endian, fragments that are blocks': [{ version: 1, byteOrder: 'big', blockSize: 4096, fragSize: 4096 }, 5000],
    'UFS2 with attributes, blocks of 8 KiB, two fragments in each': [{ extattrs: true, blockSize: 8192, fragSize: 4096, byteOrder: 'big', inodes: 1000 }, 6000],
    'UFS2, blocks of 32 KiB, four fragments in each': [{ blockSize: 32768, fragSize: 8192, inodes: 1000 }, 8000],
  };
  let seed = 200;
  for (const [name, [options, kib]] of Object.entries(OPTIONS)) {
    const mine = seed++;
    test(`${name}, seed ${mine}`, () => work(made(kib, options), mine, options.version !== 1));
  }

  test('with memory for few blocks and few vnodes, seed 300', () => {
    const w = mounted(made(9000, { inodes: 3000 }), { seed: 300, kernel: { memLimitBytes: 3 << 20 }, params: { RUMP_NVNODES: '30' } });
    const load = new Workload(w.sys, 300, { xattrs: true, manyNames: true });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 250; i++) load.step();
      expect(compare(listModel(load.root), listSys(w.sys)).slice(0, 5)).toEqual([]);
      w.sys.sync();
      expect(check(w.disk.snapshot())).toBe('');
    }
    expect(w.k.mem.used).toBeLessThanOrEqual(3 << 20);
    w.k.halt();
    expect(check(w.disk.snapshot())).toBe('');
    expect(w.k.msgbuf.text()).not.toMatch(/ffs:/);
    expect(w.host.allocated).toBe(0);
  });
});
