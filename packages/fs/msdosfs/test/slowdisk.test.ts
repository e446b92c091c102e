/** Several processes at once on a disk whose transfers end later, or some of them at once, and in any order, with little memory; also where some of them fail. */
import { expect } from '@jest/globals';
import { slowDisk } from '@anykernel/conformance-diskfs';
import { oracle } from '@anykernel/tools-oracle';
import { fsck, mkfs, mounted, world } from './kit.js';

for (const [bits, kib, cluster, mebibytes] of [['12', 16_000, '16', 1], ['16', 16_384, '1', 2]] as const) {
  oracle('mkfs.fat', 'fsck.fat').test(`processes do not disturb each other on a slow disk, FAT${bits}, with ${mebibytes} MiB of memory`, async () => {
    const image = mkfs(kib, ['-F', bits, '-s', cluster]);
    for (const [seed, atOnce, fails] of [[1, 0, false], [2, 50, true]] as const) {
      const wrong = await slowDisk({ worlds: { world, mounted }, type: 'msdosfs', image, seed, atOnce, memLimitBytes: mebibytes << 20, fails, check: fsck });
      expect(`seed ${seed}: ${wrong}`).toBe(`seed ${seed}: `);
    }
  });
}
