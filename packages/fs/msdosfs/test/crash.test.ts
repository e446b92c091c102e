/** A power cut after each of many writes, and then fsck.fat: what was synced and not touched since is there. */
import { expect } from '@jest/globals';
import { oracle, run } from '@anykernel/tools-oracle';
import { readFileSync, writeFileSync } from 'node:fs';
import { fresh, fsck, mounted, withFolder, world } from './kit.js';
import { powerCuts } from '@anykernel/conformance-diskfs';
import { Workload, listSys } from './workload.js';

/** The image after fsck.fat has repaired it; throws where it cannot, or finds something of which a power cut is no excuse. */
function repaired(folder: string, bytes: Uint8Array): Uint8Array {
  const path = `${folder}/image`;
  writeFileSync(path, bytes);
  const { status, stdout, stderr } = run('fsck.fat', ['-a', '-w', path]);
  if (status > 1) throw new Error(`fsck.fat -a: status ${status}\n${stdout}${stderr}`);
  return new Uint8Array(readFileSync(path));
}

const PLANS: readonly (readonly [string, Parameters<typeof fresh>[1], number, number, { readonly reorder?: boolean }])[] = [
  ['FAT12', { fatBits: 12 }, 700 << 10, 21, {}],
  ['FAT16', { fatBits: 16, clusterSize: 512 }, 3 << 20, 22, {}],
  ['FAT32', { fatBits: 32, clusterSize: 512 }, 1 << 20, 23, {}],
  ['FAT32 whose writes that were not flushed are lost at random', { fatBits: 32, clusterSize: 1024 }, 1 << 20, 24, { reorder: true }],
];
const CUTS = Number(process.env['MSDOSFS_CUTS'] ?? 8);

for (const [name, options, size, seed, cut] of PLANS) {
  oracle('fsck.fat').test(`after a power cut and fsck.fat, what was synced and not touched since is there: ${name}, seed ${seed}`, () => {
    withFolder((folder) => {
      const w = powerCuts({
        worlds: { world, mounted },
        image: fresh(size, options),
        seed,
        work: (sys) => new Workload(sys, seed, 30_000),
        repaired: (image) => repaired(folder, image.bytes()),
        list: (sys) => listSys(sys, true),
        phases: 4,
        steps: 50,
        cuts: CUTS,
        ...cut,
      });
      w.k.halt();
      expect(fsck(w.disk.snapshot())).toBe('');
    });
  });
}
