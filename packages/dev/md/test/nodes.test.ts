import { expect, test } from '@jest/globals';
import { hostSim } from '@anykernel/host-sim';
import { O_RDWR, S_IFBLK, S_IFCHR, S_IFMT } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { openDisk, rumpvfs } from '@anykernel/rumpvfs';
import { md } from '../src/index.js';

test('with files in the kernel, a memory disk is found and used by its nodes', () => {
  const k = boot(hostSim({ params: { RUMP_MD: '1m' } }), [rumpvfs, md]);
  const p = k.newproc();
  expect(p.sys.stat('/dev/md0a').mode & S_IFMT).toBe(S_IFBLK);
  expect(p.sys.stat('/dev/rmd0a').mode & S_IFMT).toBe(S_IFCHR);
  const fd = p.sys.open('/dev/rmd0a', O_RDWR, 0);
  const data = new Uint8Array(1024).map((_x, i) => i & 0xff);
  expect(p.sys.pwrite(fd, data, 512)).toBe(1024);
  const blk = p.sys.open('/dev/md0a', O_RDWR, 0);
  const got = new Uint8Array(100);
  expect(p.sys.pread(blk, got, 515)).toBe(100);
  expect(got).toEqual(data.subarray(3, 103));
  expect(() => p.sys.pread(fd, new Uint8Array(100), 512)).toThrow('EINVAL');
  expect(() => k.run(() => k.modules.use(md).destroy(0))).toThrow();
  p.sys.close(fd);
  p.sys.close(blk);
  k.run(() => k.modules.use(md).destroy(0));
  expect(() => p.sys.stat('/dev/md0a')).toThrow('ENOENT');
  k.halt();
});

test('a file system can have it as its disk, once', () => {
  const k = boot(hostSim({ params: { RUMP_MD: '1m' } }), [rumpvfs, md]);
  const vfs = k.modules.use(rumpvfs);
  k.run(() => {
    const disk = openDisk(vfs, k.curlwp, '/dev/md0a', true);
    expect([disk.size, disk.secsize, disk.readonly]).toEqual([1 << 20, 512, false]);
    disk.write([new Uint8Array(512).fill(3)], 1024, () => undefined);
    const b = new Uint8Array(512);
    disk.read([b], 1024, () => undefined);
    expect(b[0]).toBe(3);
    expect(() => openDisk(vfs, k.curlwp, '/dev/md0a', true)).toThrow();
    disk.close(k.curlwp);
    openDisk(vfs, k.curlwp, '/dev/md0a', false).close(k.curlwp);
  });
  k.halt();
});
