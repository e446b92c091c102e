/** Images with random damage: nothing but errnos may come of it, and soon. */
import { expect } from '@jest/globals';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { damagedImages } from '@anykernel/conformance-image';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { readFileSync } from 'node:fs';
import { SECTOR } from '../src/ondisk.js';
import { pattern, withFolder, world } from './kit.js';

function plant(folder: string): void {
  let at = folder;
  for (let i = 0; i < 10; i++) mkdirSync((at = join(at, `dir${i}`)));
  for (let i = 0; i < 20; i++) writeFileSync(join(folder, `file number ${i}`), pattern(i * 500, i));
  writeFileSync(join(folder, 'zeros'), new Uint8Array(100_000));
  symlinkSync(`${'a/'.repeat(60)}b`, join(folder, 'link'));
  writeFileSync(join(folder, 'n'.repeat(200)), 'x');
}

function image(program: string, args: (tree: string, out: string) => readonly string[]): Uint8Array {
  return withFolder((folder) => {
    mkdirSync(join(folder, 'tree'));
    plant(join(folder, 'tree'));
    mustRun(program, args(join(folder, 'tree'), join(folder, 'image')));
    return new Uint8Array(readFileSync(join(folder, 'image')));
  });
}

/** The descriptors, and the sectors that hold directories and continuation areas: those with a record of `.` in them, or with entries of Rock Ridge. */
function ranges(b: Uint8Array): readonly (readonly [number, number])[] {
  const spans: [number, number][] = [[16 * SECTOR, 16 * SECTOR + 200], [17 * SECTOR, 17 * SECTOR + 200], [18 * SECTOR, 18 * SECTOR + 200]];
  for (let s = 19; (s + 1) * SECTOR <= b.length; s++) {
    const text = String.fromCharCode(...b.subarray(s * SECTOR, (s + 1) * SECTOR));
    if (text.includes('RRIP') || (b[s * SECTOR] >= 34 && b[s * SECTOR + 32] === 1 && b[s * SECTOR + 33] === 0)) spans.push([s * SECTOR, s * SECTOR + 1200], [s * SECTOR, s * SECTOR + 400]);
    if (b[s * SECTOR] === 0x37 && b[s * SECTOR + 1] === 0xe4) spans.push([s * SECTOR, s * SECTOR + 64]);
  }
  return spans;
}

oracle('xorriso', 'genisoimage').test('damaged images', () => {
  const report = damagedImages({
    name: 'cd9660',
    images: [
      image('genisoimage', (tree, out) => ['-quiet', '-R', '-J', '-o', out, tree]),
      image('genisoimage', (tree, out) => ['-quiet', '-D', '-l', '-o', out, tree]),
      image('xorriso', (tree, out) => ['-zisofs', 'block_size=32k', '-outdev', `stdio:${out}`, '-map', tree, '/', '-set_filter_r', '--zisofs', '/', '--']),
    ],
    ranges,
    sources: '/packages/fs/cd9660/',
    start(bytes) {
      const w = world(bytes, { kernel: { memLimitBytes: 32 << 20 } });
      return { k: w.k, type: 'cd9660', args: { fspec: '/disk' }, writable: false, allocated: () => w.host.allocated };
    },
    runs: 50,
  });
  expect(report.mounted).toBeGreaterThan(report.runs / 4);
  expect(report.kept).toBeGreaterThan(5);
}, 600_000);
