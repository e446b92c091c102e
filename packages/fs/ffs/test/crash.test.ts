/** A power cut after any write, without a journal: after a repair, what was synced and not touched since is there. */
import { expect, test } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { type NewfsOptions, fsck } from '../src/index.js';
import { check, errnoOf, ioOf, made, mounted, world } from './kit.js';
import { Workload, listSys, powerCuts } from '@anykernel/conformance-diskfs';

function repaired(bytes: Uint8Array): Uint8Array {
  const report = fsck(ioOf(bytes), { time: 3, repair: true });
  if (!report.clean) throw new Error('is not repaired');
  const left = check(bytes);
  if (left !== '') throw new Error(left);
  return bytes;
}

const PLANS: readonly (readonly [string, Partial<NewfsOptions>, number, { readonly reorder?: boolean }])[] = [
  ['UFS2, fragments of 512 bytes', { blockSize: 4096 }, 21, {}],
  ['UFS1, big-endian, fragments of 2 KiB', { version: 1, byteOrder: 'big', blockSize: 16384 }, 22, {}],
  ['UFS2, writes that were not flushed are lost at random', { blockSize: 8192 }, 23, { reorder: true }],
];
test.each(PLANS)('what was synced and not touched since is there: %s', (_name, options, seed, cut) => {
  const w = powerCuts({
    worlds: { world, mounted },
    image: made(3000, { ...options, inodes: 600 }),
    seed,
    work: (sys) => new Workload(sys, seed, { maxFile: 60_000 }),
    repaired: (image) => repaired(image.bytes()),
    list: (sys) => listSys(sys, false),
    phases: 4,
    steps: 60,
    cuts: 5,
    ...cut,
  });
  w.k.halt();
  expect(check(w.disk.snapshot())).toBe('');
});

test('a synced directory that grows into fragments full of old bytes loses no name', () => {
  const w = mounted(made(1200, { blockSize: 4096, inodes: 600 }), { seed: 31, disk: { record: 'all' } });
  const { sys } = w;
  // What the directory will grow into looks like pointers and like entries of directories.
  const fd = sys.open('old', O_CREAT | O_RDWR, 0o600);
  const old = new Uint8Array(4096);
  const words = new Uint32Array(old.buffer);
  for (let i = 0; i < words.length; i++) words[i] = i % 2 === 0 ? 0xfffffff0 + i : 12 + i;
  for (let i = 0; i < 200; i++) if (errnoOf(() => sys.write(fd, old)) !== '') break;
  sys.close(fd);
  sys.sync();
  sys.unlink('old');
  sys.mkdir('d', 0o755);
  const name = (i: number): string => `d/${'n'.repeat(100)}${i}`;
  for (let i = 0; i < 60; i++) sys.close(sys.open(name(i), O_CREAT | O_RDWR, 0o644));
  sys.sync();
  const from = w.disk.writes;
  for (let i = 60; i < 150; i++) {
    sys.close(sys.open(name(i), O_CREAT | O_RDWR, 0o644));
    if (i % 10 === 0) w.vfs.sync(false);
  }
  sys.sync();
  for (let n = from; n <= w.disk.writes; n++) {
    const after = mounted(repaired(w.disk.cut({ after: n }).bytes()), {}, 1);
    for (let i = 0; i < 60; i++) if (errnoOf(() => after.sys.stat(name(i))) !== '') throw new Error(`cut after write ${n}: ${i} is gone`);
    after.k.halt();
  }
  w.k.halt();
});
