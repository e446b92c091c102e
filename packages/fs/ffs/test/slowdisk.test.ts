/** Several processes at once on a disk whose transfers end later, or some of them at once, and in any order, with little memory; also where some of them fail. */
import { expect, test } from '@jest/globals';
import { slowDisk } from '@anykernel/conformance-diskfs';
import { check, made, mounted, world } from './kit.js';

for (const [name, options, mebibytes] of [['UFS2, fragments of 512 bytes', { blockSize: 4096 }, 1], ['UFS1, fragments of 2 KiB', { version: 1, blockSize: 16384 }, 2]] as const) {
  const image = made(16_384, { ...options, inodes: 1000 });
  const work = (seed: number, fails: boolean, atOnce = 0): Promise<string> =>
    slowDisk({ worlds: { world, mounted }, type: 'ffs', image, seed, atOnce, memLimitBytes: mebibytes << 20, fails, check });

  test.each([1, 2])(`processes do not disturb each other on a slow disk, ${name}, with ${mebibytes} MiB of memory, seed %d`, async (seed) => {
    expect(await work(seed, false)).toBe('');
  });

  test.each([11, 12])(`nor where it fails now and then, ${name}, seed %d`, async (seed) => {
    expect(await work(seed, true)).toBe('');
  });

  test(`nor where half of the transfers end at once, ${name}, seed 21`, async () => {
    expect(await work(21, true, 50)).toBe('');
  });
}
