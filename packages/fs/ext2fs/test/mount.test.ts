import { describe, expect, test } from '@jest/globals';
import { MNT_FORCE, MNT_NOATIME, MNT_RDONLY, MNT_RELATIME, MNT_UPDATE, O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { mustRun, oracle, withMount } from '@anykernel/tools-oracle';
import { statfsSync } from 'node:fs';
import { SB_LAST_ORPHAN, SB_MNT_COUNT, SB_STATE, SUPER_OFF } from '../src/ondisk.js';
import { newfs } from '../src/index.js';
import { type World, errnoOf, fsck, mke2fs, mounted, pattern, withImage, world } from './kit.js';
import { readFile } from '@anykernel/conformance-diskfs';

function image(bytes = 2 << 20, blockSize = 1024): Uint8Array {
  const b = new Uint8Array(bytes);
  newfs({ size: bytes, write: (off, data) => b.set(data, off) }, { time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize, zeroed: true });
  return b;
}

function sb16(w: World, off: number): number {
  return new DataView(w.bytes().buffer).getUint16(SUPER_OFF + off, true);
}
function sb32(w: World, off: number): number {
  return new DataView(w.bytes().buffer).getUint32(SUPER_OFF + off, true);
}

function touch(w: World, path: string, len = 0): void {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  if (len > 0) w.sys.write(fd, pattern(len, len));
  w.sys.close(fd);
}

describe('the mark of a clean file system', () => {
  test('goes with the first change, comes back with a sync, and with an unmount', () => {
    const w = mounted(image());
    expect(sb16(w, SB_MNT_COUNT)).toBe(0);
    w.sys.sync();
    expect(sb16(w, SB_STATE)).toBe(1);
    expect(sb16(w, SB_MNT_COUNT)).toBe(1);
    touch(w, 'f', 10);
    expect(sb16(w, SB_STATE)).toBe(0);
    w.sys.sync();
    expect(sb16(w, SB_STATE)).toBe(1);
    w.sys.unlink('f');
    expect(sb16(w, SB_STATE)).toBe(0);
    w.unmount();
    expect(sb16(w, SB_STATE)).toBe(1);
    w.k.halt();
  });

  test('does not come back to an image that was not clean when it was mounted', () => {
    const w = mounted(image());
    touch(w, 'f');
    const dirty = w.disk.snapshot();
    w.k.halt({ nosync: true });
    const again = mounted(dirty);
    expect(again.k.msgbuf.text()).toMatch(/was not unmounted cleanly/);
    touch(again, 'g');
    again.unmount();
    expect(sb16(again, SB_STATE)).toBe(0);
    again.k.halt();
  });

  test('a mount that is only read writes nothing', () => {
    const w = mounted(image(), {}, MNT_RDONLY);
    w.sys.stat('lost+found');
    w.unmount();
    w.k.halt();
    expect(w.disk.writes).toBe(0);
  });
});

describe('read-only and back', () => {
  test('a device that is read-only is mounted read-only, or not at all', () => {
    const w = world(image(), { disk: { readonly: true } });
    expect(errnoOf(() => w.mount())).toBe('EROFS');
    w.mount(MNT_RDONLY);
    expect(errnoOf(() => w.sys.mkdir('d', 0o755))).toBe('EROFS');
    expect(errnoOf(() => w.sys.mount('ext2fs', '/mnt', MNT_UPDATE, {}))).toBe('EROFS');
    w.k.halt();
  });

  test('an update to read-only leaves a clean image, one to read-write goes on', () => {
    const w = mounted(image());
    touch(w, 'f', 100);
    w.sys.mount('ext2fs', '/mnt', MNT_UPDATE | MNT_RDONLY, {});
    expect(sb16(w, SB_STATE)).toBe(1);
    expect(errnoOf(() => w.sys.unlink('f'))).toBe('EROFS');
    w.unmount();
    w.mount();
    w.sys.mount('ext2fs', '/mnt', MNT_UPDATE, {});
    w.sys.unlink('f');
    w.k.halt();
  });

  test('nothing but a block device with an ext2 on it is mounted', () => {
    const w = world(new Uint8Array(100_000));
    expect(errnoOf(() => w.mount())).toBe('EINVAL');
    expect(errnoOf(() => w.sys.mount('ext2fs', '/mnt', 0, { fspec: '/dev/null' }))).toBe('ENOTBLK');
    expect(errnoOf(() => w.sys.mount('ext2fs', '/mnt', 0, { fspec: '/nothing' }))).toBe('ENOENT');
    expect(errnoOf(() => w.sys.mount('ext2fs', '/mnt', 0, {}))).toBe('EINVAL');
    w.k.halt();
  });

  test('a device is mounted once', () => {
    const w = mounted(image());
    w.sys.mkdir('/other', 0o755);
    expect(errnoOf(() => w.sys.mount('ext2fs', '/other', 0, { fspec: '/disk' }))).toBe('EBUSY');
    w.k.halt();
  });

  test('`auto` finds the type by itself', () => {
    const w = world(image());
    w.sys.mount('auto', '/mnt', 0, { fspec: '/disk' });
    expect(w.sys.statvfs1('/mnt', 1).fstypename).toBe('ext2fs');
    w.k.halt();
  });

  test('the component is in use as long as something is mounted', () => {
    const w = mounted(image());
    expect(w.mp().ops.name).toBe('ext2fs');
    w.unmount();
    w.k.halt();
    expect(w.host.allocated).toBe(0);
  });
});

describe('files that are open and have no name', () => {
  test('live on, are on the orphan list, and go with the last close', () => {
    const w = mounted(image());
    const { bfree, ffree } = w.sys.statvfs1('.', 1);
    const fds = [0, 1, 2].map((i) => {
      touch(w, `f${i}`, 20_000);
      const fd = w.sys.open(`f${i}`, O_RDWR);
      w.sys.unlink(`f${i}`);
      return fd;
    });
    const ino = w.sys.fstat(fds[2]).ino;
    w.sys.sync();
    expect(sb32(w, SB_LAST_ORPHAN)).toBe(ino);
    const buf = new Uint8Array(20_000);
    expect(w.sys.pread(fds[1], buf, 0)).toBe(20_000);
    expect(buf).toEqual(pattern(20_000, 20_000));
    w.sys.close(fds[1]);
    w.sys.close(fds[2]);
    w.sys.close(fds[0]);
    w.sys.sync();
    expect(sb32(w, SB_LAST_ORPHAN)).toBe(0);
    const after = w.sys.statvfs1('.', 1);
    expect([after.bfree, after.ffree]).toEqual([bfree, ffree]);
    w.unmount();
    w.k.halt();
  });

  test('after a power cut the next mount ends them', () => {
    const w = mounted(image());
    const before = w.sys.statvfs1('.', 1);
    touch(w, 'f', 50_000);
    touch(w, 'g', 50_000);
    const fds = ['f', 'g'].map((name) => w.sys.open(name, O_RDWR));
    for (const name of ['f', 'g']) w.sys.unlink(name);
    w.sys.mkdir('d', 0o755);
    w.sys.chdir('d');
    w.sys.rmdir('../d');
    w.sys.sync();
    const cut = w.disk.snapshot();
    w.k.halt({ nosync: true });
    expect(fds.length).toBe(2);
    const again = mounted(cut);
    again.sys.sync();
    expect(sb32(again, SB_LAST_ORPHAN)).toBe(0);
    const after = again.sys.statvfs1('.', 1);
    expect([after.bfree, after.ffree]).toEqual([before.bfree, before.ffree]);
    again.unmount();
    expect(fsck(again.disk.snapshot())).toBe('');
    again.k.halt();
  });

  oracle('e2fsck').test('after a power cut e2fsck ends them', () => {
    const w = mounted(image());
    touch(w, 'f', 50_000);
    const fd = w.sys.open('f', O_RDWR);
    w.sys.unlink('f');
    w.sys.sync();
    expect(fd).toBeGreaterThan(-1);
    withImage(w.disk.snapshot(), (path) => {
      expect(mustRun('sh', ['-c', `e2fsck -fy ${path} || test $? -eq 1`])).toMatch(/orphan/i);
      mustRun('e2fsck', ['-fn', path]);
    });
    w.k.halt();
  });

  test('a forced unmount takes them away', () => {
    const w = mounted(image());
    touch(w, 'f', 50_000);
    const fd = w.sys.open('f', O_RDWR);
    w.sys.unlink('f');
    w.sys.chdir('/');
    expect(errnoOf(() => w.sys.unmount('/mnt', 0))).toBe('EBUSY');
    w.sys.unmount('/mnt', MNT_FORCE);
    expect(errnoOf(() => w.sys.pwrite(fd, new Uint8Array(1), 0))).not.toBe('');
    expect(fsck(w.disk.snapshot())).toBe('');
    w.k.halt();
  });
});

describe('access times', () => {
  const atimeAfterRead = (flags: number, waitNs: number): number => {
    const w = mounted(image(), {}, flags);
    touch(w, 'f', 10);
    w.sim.advance(waitNs);
    const before = w.sys.stat('f').atime;
    readFile(w.sys, 'f');
    w.sys.sync();
    w.unmount();
    w.mount(MNT_RDONLY);
    const after = w.sys.stat('f').atime;
    w.k.halt();
    return after - before;
  };
  test('are kept, and come to the disk with a sync', () => expect(atimeAfterRead(0, 5e9)).toBe(5));
  test('are not with noatime', () => expect(atimeAfterRead(MNT_NOATIME, 5e9)).toBe(0));
  test('with relatime are when they are older than the contents, or a day', () => {
    expect(atimeAfterRead(MNT_RELATIME, 5e9)).toBe(5);
    const w = mounted(image(), {}, MNT_RELATIME);
    touch(w, 'f', 10);
    w.sim.advance(5e9);
    readFile(w.sys, 'f');
    w.sim.advance(5e9);
    const first = w.sys.stat('f').atime;
    readFile(w.sys, 'f');
    expect(w.sys.stat('f').atime).toBe(first);
    w.sim.advance(90_000e9);
    readFile(w.sys, 'f');
    expect(w.sys.stat('f').atime).toBeGreaterThan(first);
    w.k.halt();
  });
});

describe('figures', () => {
  oracle('mke2fs', 'loop:ext2').test('statvfs says what the host says', () => {
    for (const args of [['-b', '1024'], ['-b', '4096'], ['-b', '1024', '-O', '^sparse_super,^resize_inode'], ['-b', '1024', '-g', '1024']]) {
      const bytes = mke2fs(20_000, args);
      const w = mounted(bytes, {}, MNT_RDONLY);
      const ours = w.sys.statvfs1('.', 1);
      const theirs = withImage(bytes, (path) => withMount(path, 'ext2', (root) => statfsSync(root), ['ro']));
      expect([ours.bsize, ours.bfree, ours.bavail, ours.files, ours.ffree]).toEqual([theirs.bsize, theirs.bfree, theirs.bavail, theirs.files, theirs.ffree]);
      // The host leaves room for the resizing inode out of the overhead of groups without a copy.
      expect(Math.abs(ours.blocks - theirs.blocks)).toBeLessThanOrEqual(600);
      w.k.halt();
    }
  });

  test('the reserve is the superuser\'s', () => {
    const w = mounted(image());
    w.sys.chmod('.', 0o777);
    const p = w.k.newproc({ uid: 100, gid: 100 });
    p.sys.chdir('/mnt');
    const fd = p.sys.open('f', O_CREAT | O_RDWR, 0o644);
    const chunk = new Uint8Array(10_240);
    for (let i = 0; i < 1000 && errnoOf(() => p.sys.write(fd, chunk)) === ''; i++);
    const st = w.sys.statvfs1('.', 1);
    expect(st.bavail).toBe(0);
    expect(st.bfree).toBeGreaterThan(50);
    expect(errnoOf(() => p.sys.write(fd, chunk))).toBe('ENOSPC');
    touch(w, 'root', 10_000);
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
  });
});

test('an allocation that fails at its last block has not happened', () => {
  const w = mounted(image(1 << 20));
  touch(w, 'f', 3000);
  const fd = w.sys.open('f', O_RDWR);
  const before = w.sys.fstat(fd);
  const { bfree } = w.sys.statvfs1('.', 1);
  // All the blocks that there are, and so none for those that hold their numbers.
  expect(errnoOf(() => w.sys.posix_fallocate(fd, 0, (bfree + 3) * 1024))).toBe('ENOSPC');
  const after = w.sys.fstat(fd);
  expect([after.size, after.blocks]).toEqual([before.size, before.blocks]);
  expect(w.sys.statvfs1('.', 1).bfree).toBe(bfree);
  expect(readFile(w.sys, 'f')).toEqual(pattern(3000, 3000));
  w.sys.close(fd);
  w.k.halt();
  expect(fsck(w.disk.snapshot())).toBe('');
});

test('no more names than a file may have: EMLINK', () => {
  const w = mounted(image(8 << 20, 4096));
  touch(w, 'f');
  const ino = w.sys.stat('f').ino;
  // As if there had been 31,998 links more: the counts are put back before the image is looked at.
  const patch = (nlink: number): void => {
    const vp = w.k.run(() => w.mp().vget(ino));
    const ip = vp.data as { nlink: number; dirty(): void };
    w.k.run(() => w.fs().run(() => {
      ip.dirty();
      ip.nlink = nlink;
    }));
  };
  patch(31_999);
  w.sys.link('f', 'g');
  expect(errnoOf(() => w.sys.link('f', 'h'))).toBe('EMLINK');
  patch(2);
  w.k.halt();
  expect(fsck(w.disk.snapshot())).toBe('');
});

test('no more directories in one than links allow: EMLINK', () => {
  const w = mounted(image(8 << 20, 4096));
  w.sys.mkdir('d', 0o755);
  w.sys.mkdir('e', 0o755);
  const ip = w.k.run(() => w.mp().vget(w.sys.stat('d').ino)).data as { nlink: number; dirty(): void };
  const patch = (nlink: number): void => w.k.run(() => w.fs().run(() => {
    ip.dirty();
    ip.nlink = nlink;
  }));
  patch(32_000);
  expect(errnoOf(() => w.sys.mkdir('d/x', 0o755))).toBe('EMLINK');
  expect(errnoOf(() => w.sys.rename('e', 'd/e'))).toBe('EMLINK');
  patch(2);
  w.k.halt();
  expect(fsck(w.disk.snapshot())).toBe('');
});

oracle('mke2fs', 'e2fsck').test('a file that cannot be written keeps no other file from the disk', () => {
  const w = world(mke2fs(4000, ['-b', '1024']), { seed: 21 });
  const { sys } = w.k.newproc();
  sys.mount('ext2fs', '/mnt', 0, { fspec: '/disk' });
  for (const name of ['first', 'second']) sys.write(sys.open(`/mnt/${name}`, O_CREAT | O_RDWR, 0o644), pattern(5000, name.length));
  w.disk.fail({ op: 'write', nth: 1, errno: 'EIO' });
  sys.sync();
  expect(w.k.msgbuf.text()).toContain('sync of /mnt: EIO');
  w.host.powerOff();

  const after = world(w.disk.snapshot(), { seed: 22 });
  const q = after.k.newproc().sys;
  q.mount('ext2fs', '/mnt', 0, { fspec: '/disk' });
  const got = new Uint8Array(5000);
  expect(q.read(q.open('/mnt/second', 0), got)).toBe(5000);
  expect(got).toEqual(pattern(5000, 6));
  after.k.halt();
});

test('who looks at all files of a directory reads their inodes many blocks at a time', () => {
  const bytes = new Uint8Array(4 << 20);
  newfs({ size: bytes.length, write: (off, data) => bytes.set(data, off) }, { type: 'ext4', blockSize: 1024, inodes: 1024, zeroed: true, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2) });
  const w = mounted(bytes);
  w.sys.mkdir('d', 0o755);
  for (let i = 0; i < 400; i++) w.sys.close(w.sys.open(`d/${i}`, O_CREAT | O_RDWR, 0o644));
  w.unmount();
  w.mount();
  const before = w.disk.stats.reads;
  for (let i = 0; i < 400; i++) w.sys.stat(`d/${i}`);
  // 100 blocks of inodes, and those of the directory.
  expect(w.disk.stats.reads - before).toBeLessThan(40);
  w.k.halt();
});
