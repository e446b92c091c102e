/** Volumes by mkfs.fat: random work on each, which fsck.fat and mtools find in order. */
import { expect, test } from '@jest/globals';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { mkdirSync } from 'node:fs';
import { VARIANTS, fresh, fsck, mkfs, mounted, withImage } from './kit.js';
import { type Listing, compare } from '@anykernel/conformance-diskfs';
import { Workload, listFolder, listModel, listSys } from './workload.js';

/** mtools checks more than other systems do, and asks the locale for its characters. */
const MTOOLS = { env: { MTOOLS_SKIP_CHECK: '1', LC_ALL: 'C.UTF-8' } };

/** What mtools reads from an image. */
function listMtools(image: Uint8Array): Listing {
  return withImage(image, (path, folder) => {
    mkdirSync(`${folder}/out`);
    mustRun('mcopy', ['-s', '-n', '-Q', '-i', path, '::*', `${folder}/out`], MTOOLS);
    return listFolder(`${folder}/out`);
  });
}

const SEED = 5;

for (const [name, [kib, args]] of Object.entries(VARIANTS)) {
  oracle('mkfs.fat', 'fsck.fat', 'mcopy').test(`random work on ${name}, seed ${SEED}`, () => {
    const w = mounted(mkfs(kib, args), { seed: SEED });
    const work = new Workload(w.sys, SEED, kib < 2000 ? 60_000 : 200_000);
    for (let i = 0; i < 130; i++) work.step();
    expect(compare(listModel(work.root), listSys(w.sys))).toEqual([]);
    w.unmount();
    expect(fsck(w.disk.snapshot())).toBe('');
    w.mount(1);
    expect(compare(listModel(work.root), listSys(w.sys))).toEqual([]);
    expect(w.k.msgbuf.text()).not.toMatch(/msdosfs:/);
    // mtools takes a FAT32 of few clusters for a FAT16.
    if (!name.includes('small')) expect(compare(listModel(work.root), listMtools(w.bytes()))).toEqual([]);
    w.k.halt();
  });
}

const SIZES: readonly (readonly [string, number, Parameters<typeof fresh>[1]])[] = [
  ['a floppy disk', 1_474_560, {}],
  ['FAT12', 3 << 20, {}],
  ['FAT16', 9 << 20, {}],
  ['FAT16 in odd sectors', (5 << 20) + 1536, { clusterSize: 512 }],
  ['FAT32', 36 << 20, { fatBits: 32 }],
  ['sectors of 2 KiB', 9 << 20, { sectorSize: 2048 }],
];

for (const [name, size, options] of SIZES) {
  oracle('fsck.fat', 'mlabel').test(`newfs makes ${name} as fsck.fat wants it, with a label that mtools reads`, () => {
    const image = fresh(size, { ...options, label: 'My Disk' });
    expect(fsck(image)).toBe('');
    const said = withImage(image, (path) => mustRun('mlabel', ['-s', '-i', path, '::'], MTOOLS));
    expect(said).toContain('MY DISK');
    const w = mounted(image);
    w.sys.mkdir('d', 0o755);
    w.k.halt();
    expect(fsck(w.bytes())).toBe('');
  });
}

test('newfs refuses what cannot be', () => {
  const code = (size: number, o: Parameters<typeof fresh>[1]): string => {
    try {
      fresh(size, o);
      return '';
    } catch (e) {
      return (e as { code: string }).code;
    }
  };
  expect(code(4096, {})).toBe('ENOSPC');
  expect(code(1 << 20, { fatBits: 16 })).toBe('EINVAL');
  expect(code(1 << 20, { clusterSize: 700 })).toBe('EINVAL');
  expect(code(1 << 20, { clusterSize: 131_072 })).toBe('EINVAL');
  expect(code(1 << 20, { sectorSize: 256 })).toBe('EINVAL');
  expect(code(1 << 20, { label: 'much too long' })).toBe('EINVAL');
  expect(code(1 << 20, { label: 'a*b' })).toBe('EINVAL');
  expect(code(1 << 20, { fats: 3 })).toBe('EINVAL');
});
