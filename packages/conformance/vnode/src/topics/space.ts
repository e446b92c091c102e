/** Holes, allocation and the figures of a file system. NetBSD tmpfs sizes, statvfs. */
import { MNT_WAIT, O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { bytes, expectBytes, fails, pattern, readAll, writeAll } from '../context.js';

const MIB = 1 << 20;

export const space: Cases = {
  'what was not written takes no room': needing('sparse', (t) => {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    t.sys.pwrite(fd, bytes('x'), 20 * MIB);
    t.sys.fsync(fd);
    expect(t.sys.fstat(fd).size).toBe(20 * MIB + 1);
    expect(t.sys.fstat(fd).blocks * 512).toBeLessThan(MIB);
    t.sys.ftruncate(fd, 30 * MIB);
    expect(t.sys.fstat(fd).blocks * 512).toBeLessThan(MIB);
    const buf = new Uint8Array(8192);
    t.sys.pread(fd, buf, 20 * MIB - 4096);
    expect(buf[4096]).toBe(120);
    expect(buf.filter((b) => b !== 0).length).toBe(1);
    t.sys.close(fd);
  }),

  'a file is filled from its end to its start': needing('sparse', (t) => {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    const data = pattern(40 * 5000, 9);
    for (let i = 39; i >= 0; i--) t.sys.pwrite(fd, data.subarray(i * 5000, (i + 1) * 5000), i * 5000);
    expectBytes(readAll(t.sys, fd), data);
    t.sys.close(fd);
  }),

  'a file far larger than memory has holes': needing('sparse', (t) => {
    const size = Math.min(t.limits.maxFileSize, 2 ** 40);
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    t.sys.ftruncate(fd, size);
    expect(t.sys.fstat(fd).size).toBe(size);
    t.sys.pwrite(fd, bytes('end'), size - 3);
    t.sys.pwrite(fd, bytes('mid'), Math.floor(size / 2));
    const buf = new Uint8Array(10);
    expect(t.sys.pread(fd, buf, size - 5)).toBe(5);
    expectBytes(buf.subarray(0, 5), bytes('\0\0end'));
    t.sys.pread(fd, buf, Math.floor(size / 2) - 1);
    expectBytes(buf.subarray(0, 5), bytes('\0mid\0'));
    t.sys.ftruncate(fd, 10);
    expect(t.sys.fstat(fd).blocks * 512).toBeLessThan(MIB);
    t.sys.close(fd);
  }),

  'posix_fallocate gives room, keeps the bytes, and lengthens': needing('fallocate', (t) => {
    t.write('f', 'abc');
    const fd = t.sys.open('f', O_RDWR);
    t.sys.posix_fallocate(fd, 0, 100_000);
    t.sys.fsync(fd);
    const st = t.sys.fstat(fd);
    expect(st.size).toBe(100_000);
    expect(st.blocks * 512).toBeGreaterThanOrEqual(98_304);
    const expected = new Uint8Array(100_000);
    expected.set(bytes('abc'));
    expectBytes(readAll(t.sys, fd), expected);
    t.sys.posix_fallocate(fd, 10, 10);
    expect(t.sys.fstat(fd).size).toBe(100_000);
    fails(() => t.sys.posix_fallocate(fd, 0, 0), 'EINVAL');
    fails(() => t.sys.posix_fallocate(fd, -1, 10), 'EINVAL');
    t.sys.close(fd);
  }),

  'fdiscard makes a hole of zeros, and keeps the length': needing('fdiscard', (t) => {
    const data = pattern(200_000, 4);
    t.write('f', data);
    const fd = t.sys.open('f', O_RDWR);
    const before = t.sys.fstat(fd).blocks;
    t.sys.fdiscard(fd, 5000, 150_000);
    expect(t.sys.fstat(fd).size).toBe(200_000);
    expectBytes(
      readAll(t.sys, fd),
      data.map((b, i) => (i >= 5000 && i < 155_000 ? 0 : b)),
    );
    if (!t.lacks('sparse')) expect(t.sys.fstat(fd).blocks).toBeLessThan(before);
    t.sys.close(fd);
  }),

  'statvfs tells what is there, and what a file takes of it': needing('figures', (t) => {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    t.sys.fsync(fd);
    const before = t.sys.statvfs1('.', MNT_WAIT);
    expect(before.blocks).toBeGreaterThan(0);
    expect(before.bfree).toBeLessThanOrEqual(before.blocks);
    expect(before.bavail).toBeLessThanOrEqual(before.bfree);
    expect(before.namemax).toBe(t.limits.nameMax);
    writeAll(t.sys, fd, pattern(MIB));
    t.sys.fsync(fd);
    const after = t.sys.fstatvfs1(fd, MNT_WAIT);
    const taken = (before.bfree - after.bfree) * before.frsize;
    expect(taken).toBeGreaterThanOrEqual(MIB);
    expect(taken).toBeLessThan(2 * MIB);
    t.sys.ftruncate(fd, 0);
    t.sys.fsync(fd);
    expect(t.sys.statvfs1('.', MNT_WAIT).bfree).toBe(before.bfree);
    t.sys.close(fd);
  }),

  'statvfs counts files, where there is a limit on them': needing('figures', (t) => {
    const before = t.sys.statvfs1('.', MNT_WAIT);
    if (before.files === 0) return;
    t.touch('f');
    t.sys.mkdir('d', 0o755);
    expect(before.ffree - t.sys.statvfs1('.', MNT_WAIT).ffree).toBe(2);
    t.sys.unlink('f');
    t.sys.rmdir('d');
    expect(t.sys.statvfs1('.', MNT_WAIT).ffree).toBe(before.ffree);
  }),

  'a removed file gives its room back when it is closed': needing('figures', (t) => {
    const before = t.sys.statvfs1('.', MNT_WAIT).bfree;
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    writeAll(t.sys, fd, pattern(MIB));
    t.sys.fsync(fd);
    t.sys.unlink('f');
    const held = t.sys.statvfs1('.', MNT_WAIT);
    expect((before - held.bfree) * held.frsize).toBeGreaterThanOrEqual(MIB);
    t.sys.close(fd);
    t.sys.sync();
    const after = t.sys.statvfs1('.', MNT_WAIT);
    // A directory that grew for the name may stay longer by a block.
    expect((before - after.bfree) * after.frsize).toBeLessThanOrEqual(65_536);
  }),
};
