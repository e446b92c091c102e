/** Files on a disk whose transfers end later. */
import { patient } from '@anykernel/conformance-diskfs';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { expect, test } from '@jest/globals';
import { check, made, world } from './kit.js';

test('what a write leaves of a hole is zeros, whatever the new block held before', async () => {
  const w = world(made(2048, { blockSize: 4096, inodes: 200 }), { seed: 4, disk: { sync: false, latencyNs: [10_000, 400_000] } });
  await w.sim.settle(w.root.call.mount('ffs', '/mnt', 0, { fspec: '/disk' }));
  const sys = patient(w);
  const old = sys.open('/mnt/old', O_CREAT | O_RDWR, 0o644);
  for (let i = 0; i < 16; i++) sys.write(old, new Uint8Array(65_536).fill(0xaa));
  sys.close(old);
  sys.sync();
  sys.unlink('/mnt/old');
  const fd = sys.open('/mnt/f', O_CREAT | O_RDWR, 0o644);
  sys.pwrite(fd, new Uint8Array(5916).fill(1), 4744);
  sys.pwrite(fd, new Uint8Array(1000).fill(2), 2090);
  const got = new Uint8Array(10_660);
  expect(sys.pread(fd, got, 0)).toBe(10_660);
  const want = new Uint8Array(10_660);
  want.fill(1, 4744).fill(2, 2090, 3090);
  expect(got).toEqual(want);
  sys.close(fd);
  await w.sim.settle(w.root.call.unmount('/mnt', 0));
  w.sim.runUntilIdle();
  expect(check(w.disk.snapshot())).toBe('');
  w.k.halt();
});
