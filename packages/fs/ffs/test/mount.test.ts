/** Mounting: where a superblock is found, what is written of it and when, and what is only read. */
import { describe, expect, test } from '@jest/globals';
import { MNT_LOG, MNT_RDONLY, MNT_UPDATE, O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { set64 } from '@anykernel/ufs';
import { fsck } from '../src/index.js';
import {
  FS_CKHASHES, FS_CLEAN, FS_CSTOTAL, FS_DOQUOTA2, FS_DOWAPBL, FS_FLAGS, FS_FSMNT, FS_ISCLEAN, FS_MAXFILESIZE, FS_METACKHASH, FS_OLD_CSTOTAL, FS_OLD_FLAGS,
  FS_OLD_INODEFMT, FS_OLD_TIME, FS_QUOTA_MAGIC, FS_SBLOCKLOC, FS_TIME, FS_WASCLEAN, QUOTA2_MAGIC, SB_LEN,
} from '../src/ondisk.js';
import { check, errnoOf, ioOf, made, mounted, pattern, world } from './kit.js';

const UFS1 = made(1000, { version: 1, blockSize: 4096, inodes: 128 });
const UFS2 = made(1000, { blockSize: 4096, inodes: 128 });
const HOME = { 1: 8192, 2: 65536 } as const;

/** The image with its superblock elsewhere, and none where it was. */
function moved(image: Uint8Array, from: number, to: number, le = true): Uint8Array {
  const b = image.slice();
  b.set(image.subarray(from, from + SB_LEN), to);
  b.fill(0, from, from + SB_LEN);
  set64(new DataView(b.buffer), to + FS_SBLOCKLOC, to, le);
  return b;
}

describe('a superblock is found', () => {
  test.each([[UFS1, 8192, 0], [UFS1, 8192, 262144], [UFS2, 65536, 8192], [UFS2, 65536, 0], [UFS2, 65536, 262144]])('in each of its places (%#)', (image, from, to) => {
    const w = mounted(moved(image, from, to), {}, MNT_RDONLY);
    expect(w.fs().info.loc).toBe(to);
    expect(w.sys.stat('.').mode).toBe(0o040755);
    w.k.halt();
  });

  test('by what it says of its place: a copy in a group is none', () => {
    // The first copy of UFS1 with blocks of 64 KiB is where UFS2 has its own.
    const image = made(8000, { version: 1, blockSize: 65536, inodes: 600 });
    const w = mounted(image);
    expect(w.fs().info.loc).toBe(8192);
    w.sys.mkdir('d', 0o755);
    w.k.halt();
    expect(check(w.bytes())).toBe('');
    image.fill(0, 8192, 8192 + SB_LEN);
    const lost = world(image);
    expect(errnoOf(() => lost.mount())).toBe('EINVAL');
    lost.k.halt();
    expect(fsck(ioOf(image), { time: 1, repair: true }).clean).toBe(true);
    mounted(image).k.halt();
  });

  test('whatever the type is called that mount is asked for', () => {
    const w = world(UFS2);
    w.sys.mount('auto', '/mnt', MNT_RDONLY, { fspec: '/disk' });
    expect(w.sys.statvfs1('/mnt', 0).fstypename).toBe('ffs');
    w.k.halt();
  });
});

describe.each([[1, UFS1], [2, UFS2]] as const)('UFS%d', (version, image) => {
  const home = HOME[version];

  test('is marked by the first change, and clean again by the sync that has written all', () => {
    const w = mounted(image);
    const mark = (): number => w.bytes()[home + FS_CLEAN];
    expect(mark()).toBe(FS_WASCLEAN);
    w.sys.sync();
    expect(mark()).toBe(FS_ISCLEAN);
    w.sys.mkdir('d', 0o755);
    expect(mark()).toBe(FS_WASCLEAN);
    w.sim.advance(5e9);
    w.unmount();
    expect(mark()).toBe(FS_ISCLEAN);
    const view = new DataView(w.bytes().buffer);
    expect(view.getUint32(home + FS_TIME, true)).toBe(1_577_836_805);
    expect(String.fromCharCode(...w.bytes().subarray(home + FS_FSMNT, home + FS_FSMNT + 5))).toBe('/mnt\0');
    if (version === 1) {
      expect(view.getUint32(home + FS_OLD_TIME, true)).toBe(1_577_836_805);
      for (let i = 0; i < 4; i++) expect(view.getInt32(home + FS_OLD_CSTOTAL + 4 * i, true)).toBe(view.getInt32(home + FS_CSTOTAL + 8 * i, true));
    }
    w.k.halt();
  });

  test('that was not clean stays so until it is checked', () => {
    const unclean = image.slice();
    unclean[home + FS_CLEAN] = 0;
    const w = mounted(unclean);
    expect(w.k.msgbuf.text()).toMatch(/was not unmounted cleanly/);
    w.sys.mkdir('d', 0o755);
    w.unmount();
    const left = w.bytes();
    w.k.halt();
    expect(left[home + FS_CLEAN]).toBe(0);
    expect(fsck(ioOf(left), { time: 1 })).toMatchObject({ marked: false, clean: true });
    fsck(ioOf(left), { time: 1, repair: true });
    expect(left[home + FS_CLEAN]).toBe(FS_ISCLEAN);
  });

  test('mounted read-only, nothing of it changes', () => {
    const w = mounted(image, {}, MNT_RDONLY);
    w.sys.stat('.');
    expect(errnoOf(() => w.sys.mkdir('d', 0o755))).toBe('EROFS');
    w.unmount();
    expect(Buffer.compare(w.bytes(), image)).toBe(0);
    w.k.halt();
  });

  test('from read-write to read-only and back, with a journal and without', () => {
    const w = mounted(image, {}, MNT_LOG);
    w.sys.mkdir('a', 0o755);
    const update = (flags: number): void => w.sys.mount('ffs', '/mnt', MNT_UPDATE | flags, {});
    update(MNT_RDONLY);
    expect(check(w.bytes())).toBe('');
    expect(new DataView(w.bytes().buffer).getUint32(home + FS_FLAGS, true) & FS_DOWAPBL).toBe(0);
    expect(errnoOf(() => w.sys.mkdir('b', 0o755))).toBe('EROFS');
    update(0);
    w.sys.mkdir('b', 0o755);
    w.unmount();
    expect(check(w.bytes())).toBe('');
    w.k.halt();
  });

  test('sizes: what statvfs says is what can be written', () => {
    const w = mounted(image);
    const { bfree, bavail, frsize, ffree } = w.sys.statvfs1('.', 0);
    expect(bavail).toBeLessThan(bfree);
    const fd = w.sys.open('f', O_CREAT | O_RDWR, 0o644);
    let written = 0;
    for (let said = ''; said === ''; ) said = errnoOf(() => { written += w.sys.write(fd, pattern(4096, 1)); });
    w.sys.close(fd);
    // Besides the data, an indirect block.
    expect(bfree * frsize - written).toBeLessThan(3 * 4096);
    expect(w.sys.statvfs1('.', 0).ffree).toBe(ffree - 1);
    w.sys.unlink('f');
    expect(w.sys.statvfs1('.', 0)).toMatchObject({ bfree, ffree });
    w.k.halt();
  });
});

test("FreeBSD's check hashes, which are not kept, are said not to be; its access lists are no journal", () => {
  const FREEBSD_NFS4ACLS = 0x100;
  const image = UFS2.slice();
  const of = (b: Uint8Array): number[] => [FS_FLAGS, FS_CKHASHES].map((off) => new DataView(b.buffer).getUint32(65536 + off, true));
  new DataView(image.buffer).setUint32(65536 + FS_FLAGS, FS_METACKHASH | FREEBSD_NFS4ACLS, true);
  new DataView(image.buffer).setUint32(65536 + FS_CKHASHES, 7, true);
  const w = mounted(image);
  w.sys.mkdir('d', 0o755);
  w.unmount();
  expect(of(w.bytes())).toEqual([FREEBSD_NFS4ACLS, 0]);
  w.k.halt();
  expect(fsck(ioOf(image), { time: 1, repair: true }).clean).toBe(true);
  expect(of(image)).toEqual([FREEBSD_NFS4ACLS, 0]);
});

test.each([[1, 32768], [1, 65536], [2, 65536]] as const)('UFS%d with blocks of %d bytes says exactly how long files can be, and they can, as far as numbers are exact', (version, blockSize) => {
  const image = made(16_384, { version, blockSize, inodes: 256 });
  const perBlock = BigInt(blockSize / (version === 2 ? 8 : 4));
  const bytes = (12n + perBlock + perBlock ** 2n + perBlock ** 3n) * BigInt(blockSize);
  expect(new DataView(image.buffer).getBigUint64(HOME[version] + FS_MAXFILESIZE, true)).toBe(bytes - 1n);
  const w = mounted(image);
  const fd = w.sys.open('far', O_CREAT | O_RDWR, 0o644);
  const far = 2 ** 52;
  w.sys.pwrite(fd, pattern(3, 1), far);
  expect(w.sys.fstat(fd).size).toBe(far + 3);
  w.sys.close(fd);
  w.unmount();
  expect(check(w.bytes())).toBe('');
  w.k.halt();
});

describe('can only be read', () => {
  test.each([
    ['a superblock from before 2003', (v: DataView): void => v.setUint8(8192 + FS_OLD_FLAGS, 0), /superblock is from before 2003/],
    ['inodes of 4.2BSD', (v: DataView): void => v.setInt32(8192 + FS_OLD_INODEFMT, -1, true), /inodes are those of 4.2BSD/],
    ['quotas inside', (v: DataView): void => (v.setUint32(8192 + FS_FLAGS, FS_DOQUOTA2, true), v.setUint32(8192 + FS_QUOTA_MAGIC, QUOTA2_MAGIC, true)), /quotas inside/],
  ])('%s', (_name, patch, says) => {
    const image = UFS1.slice();
    patch(new DataView(image.buffer));
    const w = mounted(image);
    expect(w.k.msgbuf.text()).toMatch(says);
    // The entries of this image are no 4.2BSD ones, whatever it says.
    expect(['EROFS', 'EIO']).toContain(errnoOf(() => w.sys.mkdir('d', 0o755)));
    expect(errnoOf(() => w.sys.mount('ffs', '/mnt', MNT_UPDATE, {}))).toBe('EROFS');
    w.k.halt();
  });
});
