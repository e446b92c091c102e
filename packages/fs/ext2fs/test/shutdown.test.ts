/** The end of a kernel whose disk is asynchronous: shutdown() waits until all is there. */
import { expect } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle } from '@anykernel/tools-oracle';
import { fsck, mke2fs, pattern, world } from './kit.js';

oracle('mke2fs', 'e2fsck').test('a shutdown waits for an asynchronous disk, with files open and a directory in use', async () => {
  const w = world(mke2fs(6000, ['-b', '1024']), { seed: 12, disk: { sync: false, latencyNs: [10_000, 400_000] } });
  const p = w.k.newproc({ comm: 'async' });
  await w.sim.settle(p.call.mount('ext2fs', '/mnt', 0, { fspec: '/disk' }));
  await w.sim.settle(p.call.mkdir('/mnt/d', 0o755));
  await w.sim.settle(p.call.chdir('/mnt/d'));
  const fd = await w.sim.settle(p.call.open('kept', O_CREAT | O_RDWR, 0o644));
  await w.sim.settle(p.call.write(fd, pattern(200_000, 5)));
  const removed = await w.sim.settle(p.call.open('removed', O_CREAT | O_RDWR, 0o644));
  await w.sim.settle(p.call.write(removed, pattern(50_000, 6)));
  await w.sim.settle(p.call.unlink('removed'));
  await w.sim.settle(w.k.shutdown());
  expect(fsck(w.disk.snapshot())).toBe('');

  const again = world(w.disk.snapshot(), { seed: 13 });
  const q = again.k.newproc();
  q.sys.mount('ext2fs', '/mnt', 0, { fspec: '/disk' });
  const got = new Uint8Array(200_000);
  expect(q.sys.read(q.sys.open('/mnt/d/kept', 0), got)).toBe(200_000);
  expect(got).toEqual(pattern(200_000, 5));
  again.k.halt();
});
