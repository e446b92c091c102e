/** Volumes with random damage: nothing but errnos may come of it, and soon. */
import { expect, test } from '@jest/globals';
import { damagedImages } from '@anykernel/conformance-image';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { fresh, mounted, pattern, world } from './kit.js';
import { FIRST_CLUSTER, parseBoot } from '../src/ondisk.js';

function filled(size: number, fatBits: 12 | 16 | 32): Uint8Array {
  const w = mounted(fresh(size, { fatBits, clusterSize: 512 }));
  const { sys } = w;
  for (const dir of ['a', 'a/b', 'c', 'c/long name of a directory']) sys.mkdir(dir, 0o755);
  for (let i = 0; i < 24; i++) {
    const path = `${['a', 'a/b', 'c', '.'][i % 4]}/${i % 3 === 0 ? 'F' : 'a longer name '}${i}`;
    const fd = sys.open(path, O_CREAT | O_RDWR, 0o644);
    sys.write(fd, pattern(i * 700, i));
    sys.close(fd);
  }
  w.k.halt();
  return w.bytes();
}

/** The boot sector, FSInfo, the start of the FATs, the root, and the first clusters. */
function ranges(image: Uint8Array): readonly (readonly [number, number])[] {
  const info = parseBoot(image);
  if (typeof info === 'string') throw new Error(info);
  const cluster = (c: number): number => info.dataOff + (c - FIRST_CLUSTER) * info.clusterSize;
  const root: [number, number] = info.bits === 32 ? [cluster(2), cluster(4)] : [info.rootOff, info.rootOff + 512];
  return [[0, 96], [0, 96], [info.fatOff, info.fatOff + 256], [info.fatOff, info.fatOff + 256], root, root, [cluster(2), cluster(10)], [480, 1024]];
}

test('damaged volumes', () => {
  const report = damagedImages({
    name: 'msdosfs',
    images: [filled(600 << 10, 12), filled(3 << 20, 16), filled(1 << 20, 32)],
    ranges,
    sources: '/packages/fs/msdosfs/',
    start(image) {
      const w = world(image, { kernel: { memLimitBytes: 32 << 20 }, disk: { record: 'none' } });
      return { k: w.k, type: 'msdosfs', args: { fspec: '/disk' }, writable: true, allocated: () => w.host.allocated };
    },
    runs: 50,
  });
  expect(report.mounted).toBeGreaterThan(report.runs / 4);
  expect(report.kept).toBeGreaterThan(5);
}, 600_000);
