/** Several processes at once on a disk whose transfers end later, or some of them at once, and in any order, with little memory; also where some of them fail. */
import { expect } from '@jest/globals';
import { slowDisk } from '@anykernel/conformance-diskfs';
import { oracle } from '@anykernel/tools-oracle';
import { fsck, mke2fs, mounted, world } from './kit.js';

for (const [blocks, mebibytes] of [['1024', 1], ['4096', 2]] as const) {
  const work = (seed: number, fails: boolean, atOnce = 0, type = 'ext2'): Promise<string> =>
    slowDisk({ worlds: { world, mounted }, type: 'ext2fs', image: mke2fs(16_384, ['-t', type, '-b', blocks]), seed, atOnce, memLimitBytes: mebibytes << 20, fails, check: fsck });

  oracle('mke2fs', 'e2fsck').test(`processes do not disturb each other on a slow disk with blocks of ${blocks} and ${mebibytes} MiB of memory`, async () => {
    for (const seed of [1, 2]) expect(`seed ${seed}: ${await work(seed, false)}`).toBe(`seed ${seed}: `);
  });

  oracle('mke2fs', 'e2fsck').test(`nor where it fails now and then, with blocks of ${blocks}`, async () => {
    for (const seed of [11, 12]) expect(`seed ${seed}: ${await work(seed, true)}`).toBe(`seed ${seed}: `);
  });

  oracle('mke2fs', 'e2fsck').test(`nor where half of the transfers end at once, on ext4 with blocks of ${blocks}`, async () => {
    expect(`seed 21: ${await work(21, true, 50, 'ext4')}`).toBe('seed 21: ');
  });
}
