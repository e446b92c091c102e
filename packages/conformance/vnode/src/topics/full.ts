/** A file system that is full: what fails has not happened, what was there is whole. NetBSD t_full. Run on a small subject. */
import { MNT_WAIT, O_CREAT, O_EXCL, O_RDWR, O_WRONLY } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import { type Cases, needing } from '../cases.js';
import { type Context, codeOf, expectBytes, fails, pattern, readAll } from '../context.js';

/** Writes to `fd` until there is no room; how many bytes that were. */
function fillFile(t: Context, fd: number, unit: number): number {
  const data = pattern(unit, 8);
  let len = 0;
  for (;;) {
    let n = 0;
    const code = codeOf(() => {
      n = t.sys.write(fd, data);
    });
    if (code !== undefined) {
      expect(code).toBe('ENOSPC');
      return len;
    }
    len += n;
    if (len > 64 << 20) throw new Error('this file system is not small');
  }
}

export const full: Cases = {
  'a file is written until there is no room, and never beyond': needing('figures', (t) => {
    const room = t.sys.statvfs1('.', MNT_WAIT);
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    const len = fillFile(t, fd, 10_000);
    expect(len).toBeLessThanOrEqual(room.bfree * room.frsize);
    expect(len).toBeGreaterThan(room.bavail * room.frsize * 0.9);
    expect(t.sys.fstat(fd).size).toBe(len);
    t.sys.fsync(fd);
    t.sys.lseek(fd, 0, 0);
    const back = readAll(t.sys, fd);
    const data = pattern(10_000, 8);
    expect(back.length).toBe(len);
    for (let at = 0; at + 10_000 <= len; at += 10_000) expectBytes(back.subarray(at, at + 10_000), data);
    t.sys.close(fd);
  }),

  'what is removed can be written again': needing('figures', (t) => {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    const first = fillFile(t, fd, 65_536);
    for (let round = 0; round < 3; round++) {
      t.sys.ftruncate(fd, 0);
      t.sys.lseek(fd, 0, 0);
      const again = fillFile(t, fd, 65_536);
      expect(Math.abs(again - first)).toBeLessThanOrEqual(65_536);
    }
    t.sys.close(fd);
    t.sys.unlink('f');
    const g = t.sys.open('g', O_RDWR | O_CREAT, 0o644);
    expect(Math.abs(fillFile(t, g, 65_536) - first)).toBeLessThanOrEqual(65_536);
    t.sys.close(g);
  }),

  'overwriting needs no room': needing('figures', (t) => {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    t.sys.write(fd, pattern(50_000));
    const g = t.sys.open('g', O_RDWR | O_CREAT, 0o644);
    fillFile(t, g, 4096);
    t.sys.pwrite(fd, pattern(50_000, 2), 0);
    t.sys.fsync(fd);
    t.sys.lseek(fd, 0, 0);
    expectBytes(readAll(t.sys, fd), pattern(50_000, 2));
    t.sys.close(fd);
    t.sys.close(g);
  }),

  'a write that finds some room is short, and the next is ENOSPC': needing('figures', (t) => {
    const room = t.sys.statvfs1('.', MNT_WAIT);
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    const all = new Uint8Array(room.bfree * room.frsize + 1_000_000);
    const n = t.sys.write(fd, all);
    expect(n).toBeGreaterThan(0);
    expect(n).toBeLessThan(all.length);
    fails(() => t.sys.write(fd, new Uint8Array(2 << 20)), 'ENOSPC');
    expect(t.sys.fstat(fd).size).toBe(n);
    t.sys.close(fd);
  }),

  'holes take no room, and filling them may fail': needing('figures', 'sparse', (t) => {
    const room = t.sys.statvfs1('.', MNT_WAIT);
    const size = room.blocks * room.frsize * 3;
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    t.sys.ftruncate(fd, size);
    let failed = false;
    for (let at = 0; at < size && !failed; at += 65_536) failed = codeOf(() => t.sys.pwrite(fd, pattern(65_536), at)) === 'ENOSPC';
    expect(failed).toBe(true);
    expect(t.sys.fstat(fd).size).toBe(size);
    t.sys.close(fd);
  }),

  'names are made until there is no room, and all of them are there': needing('figures', (t) => {
    const f = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    fillFile(t, f, 4096);
    const made: string[] = [];
    let code: string | undefined;
    for (let i = 0; i < 20_000 && code === undefined; i++) {
      const name = `file-with-a-long-name-${'x'.repeat(Math.min(100, t.limits.nameMax - 40))}-${i}`;
      code = codeOf(() => t.sys.close(t.sys.open(name, O_WRONLY | O_CREAT | O_EXCL, 0o644)));
      if (code === undefined) made.push(name);
    }
    if (code === undefined) {
      // Names take no room of files here; the number of files has another limit.
      expect(t.sys.statvfs1('.', MNT_WAIT).bfree).toBe(0);
    } else expect(code).toBe('ENOSPC');
    expect(t.list('.').length).toBe(made.length + 1);
    t.sys.close(f);
  }),

  'what fails for want of room has not happened': needing('figures', (t) => {
    const f = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    fillFile(t, f, 4096);
    t.sys.close(f);
    const before = t.list('.');
    for (let i = 0; i < 5; i++) {
      const code = codeOf(() => t.sys.mkdir('d', 0o755));
      if (code === undefined) t.sys.rmdir('d');
      else expect([code, t.exists('d')]).toEqual(['ENOSPC', false]);
    }
    expect(t.list('.')).toEqual(before);
    expect(t.stat('.').nlink).toBe(t.lacks('dirlinks') ? t.stat('.').nlink : 2);
  }),
};
