/** What is large: files beyond 4 GiB, directories of 100,000 names, images of many groups. */
import { closeSync, ftruncateSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { hostNode } from '@anykernel/host-node';
import { MNT_RDONLY, O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { boot } from '@anykernel/rumpkern';
import { etfsRegister, rumpvfs } from '@anykernel/rumpvfs';
import { DiskImage } from '@anykernel/host-sim';
import { mustRun, oracle, withMount } from '@anykernel/tools-oracle';
import { ext2fs, newfs } from '../src/index.js';
import { VTOI } from '../src/inode.js';
import { errnoOf, fsck, mke2fs, mounted, pattern, withFolder } from './kit.js';
import { names } from '@anykernel/conformance-diskfs';

oracle('mke2fs', 'e2fsck').test('files beyond 2 and 4 GiB, as far as each block size allows', () => {
  for (const [bsize, max] of [[1024, 17_247_252_480], [2048, 275_415_851_008], [4096, 2_196_873_666_560]] as const) {
    const w = mounted(mke2fs(6000, ['-b', `${bsize}`, '-O', '^large_file']));
    const { sys } = w;
    const fd = sys.open('f', O_CREAT | O_RDWR, 0o644);
    const places = [2 ** 31 - 3, 2 ** 32 - 5, 5e9, max - 10];
    for (const off of places) sys.pwrite(fd, pattern(10, off % 97), off);
    expect(sys.fstat(fd).size).toBe(max);
    expect(errnoOf(() => sys.pwrite(fd, new Uint8Array(1), max))).toBe('EFBIG');
    expect(sys.pwrite(fd, pattern(10, (max - 10) % 97), max - 10)).toBe(10);
    expect(sys.pwrite(fd, new Uint8Array(20), max - 5)).toBe(5);
    expect(errnoOf(() => sys.ftruncate(fd, max + 1))).toBe('EFBIG');
    sys.close(fd);
    w.unmount();
    expect(fsck(w.disk.snapshot())).toBe('');
    w.mount();
    const again = sys.open('f', O_RDWR);
    for (const off of places.slice(0, 3)) {
      const b = new Uint8Array(10);
      sys.pread(again, b, off);
      expect(b).toEqual(pattern(10, off % 97));
    }
    sys.ftruncate(again, 3_000_000_000);
    sys.ftruncate(again, 10);
    sys.close(again);
    sys.unlink('f');
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
  }
});

oracle('mke2fs').test('revision 0 ends at 2 GiB', () => {
  const w = mounted(mke2fs(2000, ['-r', '0']));
  const fd = w.sys.open('f', O_CREAT | O_RDWR, 0o644);
  w.sys.pwrite(fd, pattern(5, 1), 2 ** 31 - 6);
  expect(errnoOf(() => w.sys.pwrite(fd, pattern(5, 1), 2 ** 31 - 1))).toBe('EFBIG');
  w.sys.close(fd);
  w.k.halt();
  expect(fsck(w.disk.snapshot())).toBe('');
});

oracle('mke2fs', 'e2fsck').test('a directory of 100,000 names is made, listed, searched and emptied without going slower', () => {
  const COUNT = 100_000;
  const w = mounted(mke2fs(60_000, ['-b', '4096', '-N', '1000']));
  const { sys } = w;
  sys.close(sys.open('f', O_CREAT | O_RDWR, 0o644));
  sys.mkdir('d', 0o755);
  // Links, so that no inodes are needed; a file may have 32,000.
  const files = ['f', 'g', 'h', 'i'];
  for (const f of files) sys.close(sys.open(f, O_CREAT | O_RDWR, 0o644));
  const took: number[] = [];
  const timed = (fn: () => void): void => {
    const start = process.cpuUsage();
    fn();
    const { user, system } = process.cpuUsage(start);
    took.push(user + system);
  };
  for (let part = 0; part < 4; part++) timed(() => {
    for (let i = part * (COUNT / 4); i < (part + 1) * (COUNT / 4); i++) sys.link(files[part], `d/name-${i}`);
  });
  expect(took[3]).toBeLessThan(8 * took[1] + 500_000);
  expect(names(sys, 'd').length).toBe(COUNT);
  sys.sync();
  expect(fsck(w.disk.snapshot())).toBe('');
  w.unmount();
  w.mount();
  for (let i = 0; i < COUNT; i += 7) sys.stat(`d/name-${i}`);
  expect(errnoOf(() => sys.stat('d/none'))).toBe('ENOENT');
  for (let i = 0; i < COUNT; i++) sys.unlink(`d/name-${(i * 7919) % COUNT}`);
  expect(names(sys, 'd')).toEqual([]);
  // The room is used again, whatever the lengths of the names.
  const size = sys.stat('d').size;
  for (let i = 0; i < 5000; i++) sys.link('f', `d/${'longer-name-'.repeat(10)}${i}`);
  expect(sys.stat('d').size).toBe(size);
  for (let i = 0; i < 5000; i++) sys.unlink(`d/${'longer-name-'.repeat(10)}${i}`);
  sys.rmdir('d');
  w.k.halt();
  expect(fsck(w.disk.snapshot())).toBe('');
});

oracle('e2fsck').test('an image of 64 GiB with 512 groups', () => {
  const image = DiskImage.of(new Uint8Array(0), 64 * 2 ** 30);
  newfs({ size: image.size, write: (off, data) => image.write(data, off) }, { time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), inodes: 20_000, zeroed: true });
  const w = mounted(image, { disk: { record: 'none' } });
  const { sys } = w;
  for (let i = 0; i < 300; i++) {
    sys.mkdir(`d${i}`, 0o755);
    const fd = sys.open(`d${i}/f`, O_CREAT | O_RDWR, 0o644);
    sys.pwrite(fd, pattern(5000, i), i * 40_000);
    sys.close(fd);
  }
  // Directories of the root are spread over the device.
  const inos = new Set(Array.from({ length: 300 }, (_, i) => Math.floor(sys.stat(`d${i}`).ino / 40)));
  expect(inos.size).toBeGreaterThan(200);
  w.unmount();
  expect(fsck(w.disk.snapshot())).toBe('');
  w.mount(MNT_RDONLY);
  expect(sys.statvfs1('.', 1).blocks).toBeGreaterThan(16_000_000);
  w.k.halt();
});

oracle('mke2fs', 'e2fsck', 'debugfs', 'loop:ext4').test('an image of 17 TiB, whose last blocks have numbers of more than 32 bits', () => {
  withFolder((folder) => {
    const path = join(folder, 'image');
    const fd = openSync(path, 'w');
    ftruncateSync(fd, 17 * 2 ** 40);
    closeSync(fd);
    mustRun('mke2fs', ['-q', '-F', '-t', 'ext4', '-b', '4096', '-O', 'sparse_super2,^resize_inode', '-E', 'lazy_itable_init=1,nodiscard,num_backup_sb=1', '-N', '2300000', '-J', 'size=4', path]);
    const k = boot(hostNode({ output: { write: () => true } }), [ext2fs]);
    const vfs = k.modules.use(rumpvfs);
    etfsRegister(vfs, '/disk', path, 'blk');
    const { sys, lwp } = k.newproc();
    sys.mkdir('/mnt', 0o755);
    sys.mount('ext2fs', '/mnt', 0, { fspec: '/disk' });
    expect(sys.statvfs1('/mnt', 1).blocks).toBeGreaterThan(2 ** 32);
    sys.mkdir('/mnt/d', 0o755);
    sys.close(sys.open('/mnt/d/f', O_CREAT | O_RDWR, 0o644));
    // As if block `lbn - 1` of it were there.
    const aim = (path: string, lbn: number, blkno: number): void => k.run(() => void Object.assign(VTOI(vfs.lookup(lwp, path)), { lastLbn: lbn - 1, lastBlkno: blkno }));
    const far = 2 ** 32 + 123_456_789;
    const file = sys.open('/mnt/d/f', O_RDWR);
    // More extents than the inode has room for.
    for (let i = 0; i < 20; i++) {
      aim('/mnt/d/f', 2 * i, far + 3 * i);
      sys.pwrite(file, pattern(4096, i), 2 * i * 4096);
    }
    sys.close(file);
    aim('/mnt/d', 1, far + 5000);
    for (let i = 0; i < 400; i++) sys.link('/mnt/d/f', `/mnt/d/name-${i}`);
    sys.setxattr('/mnt/d/f', 'user.long', pattern(2000, 5), 0);
    sys.unmount('/mnt', 0);
    k.halt();
    expect(mustRun('e2fsck', ['-fn', path])).toMatch(/Pass 5/);
    // With the node of its extents.
    expect(mustRun('debugfs', ['-R', 'blocks /d/f', path]).trim().split(/\s+/).map(Number).filter((b) => b > 2 ** 32).length).toBe(21);
    withMount(path, 'ext4', (root) => {
      const bytes = readFileSync(join(root, 'd/name-399'));
      for (let i = 0; i < 20; i++) expect(Buffer.compare(bytes.subarray(2 * i * 4096, (2 * i + 1) * 4096), pattern(4096, i))).toBe(0);
    }, ['ro']);
  });
});
