/** The same work on a disk whose transfers end later: every call waits, and comes to the same. */
import { expect } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle } from '@anykernel/tools-oracle';
import { errnoOf, fsck, mke2fs, pattern, world } from './kit.js';
import { Workload, compare, listModel, listSys, patient } from '@anykernel/conformance-diskfs';

oracle('mke2fs', 'e2fsck').test('mount, work, sync and unmount on an asynchronous disk', async () => {
  const w = world(mke2fs(6000, ['-b', '1024']), { seed: 11, disk: { sync: false, latencyNs: [10_000, 400_000] } });
  const { sim } = w;
  const p = w.k.newproc({ comm: 'async' });
  const call = async <T>(promise: Promise<T>): Promise<T> => sim.settle(promise);
  await call(p.call.mount('ext2fs', '/mnt', 0, { fspec: '/disk' }));
  await call(p.call.chdir('/mnt'));
  for (let d = 0; d < 4; d++) {
    await call(p.call.mkdir(`d${d}`, 0o755));
    for (let i = 0; i < 40; i++) {
      const fd = await call(p.call.open(`d${d}/file-${i}`, O_CREAT | O_RDWR, 0o644));
      await call(p.call.pwrite(fd, pattern(i * 1000 + 1, i), i % 5 === 0 ? 300_000 : 0));
      await call(p.call.close(fd));
    }
  }
  // Several at once, in one directory.
  await Promise.all(Array.from({ length: 30 }, (_, i) => call(p.call.rename(`d0/file-${i}`, `d1/moved-${i}`))));
  await Promise.all(Array.from({ length: 30 }, (_, i) => call(p.call.truncate(`d2/file-${i}`, i * 500))));
  for (let i = 0; i < 20; i++) await call(p.call.unlink(`d3/file-${i}`));
  await call(p.call.symlink('s'.repeat(100), 'slow'));
  await call(p.call.setxattr('d1/moved-3', 'user.a', pattern(600, 1), 0));
  const fd = await call(p.call.open('d3/file-35', O_RDWR));
  await call(p.call.unlink('d3/file-35'));
  await call(p.call.sync());
  await call(p.call.close(fd));
  await call(p.call.fsync(await call(p.call.open('d1/moved-7', O_RDWR))));
  for (const path of ['d1/moved-9', 'd2/file-35']) {
    const st = await call(p.call.stat(path));
    const at = await call(p.call.open(path, 0));
    const got = new Uint8Array(st.size);
    expect(await call(p.call.pread(at, got, 0))).toBe(st.size);
    const i = Number(/\d+$/.exec(path)?.[0]);
    const off = i % 5 === 0 ? 300_000 : 0;
    expect(got.subarray(off)).toEqual(pattern(i * 1000 + 1, i));
    await call(p.call.close(at));
  }
  w.k.run(() => w.k.procs.exit(p));
  const q = w.k.newproc({ comm: 'unmounter' });
  await call(q.call.unmount('/mnt', 0));
  sim.runUntilIdle();
  expect(fsck(w.disk.snapshot())).toBe('');
  // Cold: every block is waited for.
  await call(q.call.mount('ext2fs', '/mnt', 0, { fspec: '/disk' }));
  for (let i = 0; i < 30; i++) expect((await call(q.call.stat(`/mnt/d1/moved-${i}`))).size).toBe((i % 5 === 0 ? 300_000 : 0) + i * 1000 + 1);
  for (let i = 0; i < 30; i++) await call(q.call.unlink(`/mnt/d1/moved-${i}`));
  await call(q.call.unmount('/mnt', 0));
  sim.runUntilIdle();
  expect(fsck(w.disk.snapshot())).toBe('');
  w.k.halt();
});

for (const [what, seed, kernel, params] of [['', 41, {}, {}], [', with little memory', 42, { memLimitBytes: 3 << 20 }, { RUMP_NVNODES: '30' }]] as const) {
  oracle('mke2fs', 'e2fsck').test(`random work on an asynchronous disk${what}, seed ${seed}`, async () => {
    const w = world(mke2fs(6000, ['-b', '1024']), { seed, kernel, params, disk: { sync: false, latencyNs: [10_000, 300_000] } });
    await w.sim.settle(w.root.call.mount('ext2fs', '/mnt', 0, { fspec: '/disk' }));
    const sys = patient(w);
    sys.chdir('/mnt');
    const work = new Workload(sys, seed, { xattrs: true, maxFile: 100_000 });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 150; i++) work.step();
      expect(compare(listModel(work.root), listSys(sys)).slice(0, 5)).toEqual([]);
      sys.sync();
      w.sim.runUntilIdle();
      expect(fsck(w.disk.snapshot())).toBe('');
    }
    sys.chdir('/');
    sys.unmount('/mnt', 0);
    w.sim.runUntilIdle();
    expect(fsck(w.disk.snapshot())).toBe('');
    expect(w.k.msgbuf.text()).not.toMatch(/ext2fs/);
    w.k.halt();
  });
}

oracle('mke2fs', 'e2fsck').test('a write behind the end of a file ends while the journal commits the data of that file', async () => {
  const w = world(mke2fs(6000, ['-t', 'ext4', '-b', '1024', '-J', 'size=1']), { seed: 3, disk: { sync: false, latencyNs: [10_000, 400_000] } });
  await w.sim.settle(w.root.call.mount('ext2fs', '/mnt', 0, { fspec: '/disk' }));
  const sys = patient(w);
  for (let n = 0; n < 12; n++) {
    const fd = sys.open(`/mnt/f${n}`, O_CREAT | O_RDWR, 0o644);
    sys.write(fd, pattern(100, n));
    // The commit has come so far; the caller does not come back to it.
    for (let i = 0; i < n; i++) {
      if (errnoOf(() => w.sys.fsync(fd)) === '') break;
      w.sim.step();
    }
    expect(sys.pwrite(fd, pattern(9, n), 3000 + n)).toBe(9);
    sys.close(fd);
  }
  await w.sim.settle(w.root.call.unmount('/mnt', 0));
  w.sim.runUntilIdle();
  expect(fsck(w.disk.snapshot())).toBe('');
  w.k.halt();
});
