/** Reading and writing. NetBSD t_io; tmpfs read_write, sizes, truncate. */
import { O_APPEND, O_CREAT, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET } from '@anykernel/lib-sys';
import { expect } from '@jest/globals';
import type { Cases } from '../cases.js';
import { type Context, bytes, expectBytes, fails, pattern, readAll, text, writeAll } from '../context.js';

export const io: Cases = {
  'what was written is read, at every length around the block sizes'(t) {
    for (const unit of [1, 512, 1024, 4096, 65536]) {
      for (const len of [unit - 1, unit, unit + 1]) {
        const data = pattern(len, len + 1);
        t.write('f', data);
        expect(t.stat('f').size).toBe(len);
        expectBytes(t.read('f'), data);
      }
    }
  },

  'a megabyte in pieces of an odd length'(t) {
    const data = pattern(1 << 20, 7);
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    for (let at = 0; at < data.length; at += 3001) writeAll(t.sys, fd, data.subarray(at, at + 3001));
    t.sys.lseek(fd, 0, SEEK_SET);
    const back = new Uint8Array(data.length);
    for (let at = 0; at < back.length; ) at += t.sys.read(fd, back.subarray(at, at + 1777));
    expectBytes(back, data);
    expect(t.sys.read(fd, new Uint8Array(1))).toBe(0);
    t.sys.close(fd);
  },

  'overwriting 512 bytes at a time'(t) {
    overwrite(t, 512);
  },

  'overwriting 64 KiB at a time'(t) {
    overwrite(t, 65536);
  },

  'overwriting after truncation leaves nothing of the old'(t) {
    t.write('f', pattern(100_000));
    const fd = t.sys.open('f', O_RDWR | O_TRUNC);
    t.sys.pwrite(fd, bytes('x'), 50_000);
    t.sys.close(fd);
    const expected = new Uint8Array(50_001);
    expected[50_000] = 120;
    expectBytes(t.read('f'), expected);
  },

  'a gap before what is written reads as zeros'(t) {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    const expected = new Uint8Array(300_001);
    for (const at of [0, 5000, 70_000, 300_000]) {
      t.sys.pwrite(fd, bytes('x'), at);
      expected[at] = 120;
    }
    expectBytes(readAll(t.sys, fd), expected);
    for (let at = 4096; at < 290_000; at += 32_768) {
      t.sys.pwrite(fd, pattern(1000, at), at);
      expected.set(pattern(1000, at), at);
    }
    t.sys.lseek(fd, 0, SEEK_SET);
    expectBytes(readAll(t.sys, fd), expected);
    t.sys.close(fd);
  },

  'a file grows by truncation, with zeros'(t) {
    t.write('f', 'abc');
    t.sys.truncate('f', 10_000);
    const expected = new Uint8Array(10_000);
    expected.set(bytes('abc'));
    expectBytes(t.read('f'), expected);
  },

  'a file shrinks by truncation, and what is cut does not come back'(t) {
    t.write('f', pattern(100_000));
    for (const len of [99_999, 65_536, 65_535, 4097, 4096, 511, 1]) {
      t.sys.truncate('f', len);
      expect(t.stat('f').size).toBe(len);
      expectBytes(t.read('f'), pattern(100_000).subarray(0, len));
    }
    t.sys.truncate('f', 0);
    t.sys.truncate('f', 5000);
    expectBytes(t.read('f'), new Uint8Array(5000));
  },

  'shrinking and growing within one block gives zeros'(t) {
    t.write('f', pattern(3000));
    const fd = t.sys.open('f', O_RDWR);
    t.sys.ftruncate(fd, 100);
    t.sys.ftruncate(fd, 3000);
    const expected = new Uint8Array(3000);
    expected.set(pattern(3000).subarray(0, 100));
    expectBytes(readAll(t.sys, fd), expected);
    t.sys.close(fd);
  },

  'truncate refuses directories, negative lengths and what is missing'(t) {
    t.sys.mkdir('d', 0o755);
    t.touch('f');
    fails(() => t.sys.truncate('d', 0), 'EISDIR');
    fails(() => t.sys.truncate('f', -1), 'EINVAL');
    fails(() => t.sys.truncate('missing', 0), 'ENOENT');
    expect(t.stat('f').size).toBe(0);
  },

  'a file ends where its file system says, and not beyond'(t) {
    if (t.limits.maxFileSize >= Number.MAX_SAFE_INTEGER) return;
    t.touch('f');
    const fd = t.sys.open('f', O_RDWR);
    if (!t.lacks('sparse')) {
      t.sys.ftruncate(fd, t.limits.maxFileSize);
      expect(t.sys.fstat(fd).size).toBe(t.limits.maxFileSize);
      t.sys.pwrite(fd, bytes('x'), t.limits.maxFileSize - 1);
      fails(() => t.sys.pwrite(fd, bytes('x'), t.limits.maxFileSize), 'EFBIG');
      t.sys.ftruncate(fd, 0);
    }
    fails(() => t.sys.ftruncate(fd, t.limits.maxFileSize + 1), 'EFBIG', 'EINVAL');
    expect(t.sys.fstat(fd).size).toBe(0);
    t.sys.close(fd);
  },

  'appending goes to the end, wherever that is by then'(t) {
    t.write('f', 'abc');
    const a = t.sys.open('f', O_WRONLY | O_APPEND);
    const b = t.sys.open('f', O_RDWR);
    t.sys.write(a, bytes('def'));
    t.sys.lseek(b, 0, SEEK_END);
    t.sys.write(b, bytes('ghi'));
    t.sys.write(a, bytes('jkl'));
    t.sys.ftruncate(b, 4);
    t.sys.write(a, bytes('mno'));
    t.sys.close(a);
    t.sys.close(b);
    expect(t.readText('f')).toBe('abcdmno');
  },

  'a file grows by appending many small pieces'(t) {
    const fd = t.sys.open('f', O_WRONLY | O_CREAT | O_APPEND, 0o644);
    const data = pattern(20_000, 3);
    for (let at = 0; at < data.length; at += 37) t.sys.write(fd, data.subarray(at, at + 37));
    t.sys.close(fd);
    expectBytes(t.read('f'), data);
  },

  'reading beyond the end gives nothing, across the end what there is'(t) {
    t.write('f', 'abcdef');
    const fd = t.sys.open('f', O_RDONLY);
    const buf = new Uint8Array(10);
    expect(t.sys.pread(fd, buf, 4)).toBe(2);
    expect(text(buf.subarray(0, 2))).toBe('ef');
    expect(t.sys.pread(fd, buf, 6)).toBe(0);
    expect(t.sys.pread(fd, buf, 1_000_000)).toBe(0);
    t.sys.close(fd);
  },

  'pread and pwrite leave the position, and refuse a negative one'(t) {
    t.write('f', 'abcdef');
    const fd = t.sys.open('f', O_RDWR);
    t.sys.read(fd, new Uint8Array(2));
    t.sys.pwrite(fd, bytes('X'), 5);
    t.sys.pread(fd, new Uint8Array(3), 0);
    expect(t.sys.lseek(fd, 0, SEEK_CUR)).toBe(2);
    fails(() => t.sys.pread(fd, new Uint8Array(1), -1), 'EINVAL');
    fails(() => t.sys.pwrite(fd, new Uint8Array(1), -1), 'EINVAL');
    t.sys.close(fd);
    expect(t.readText('f')).toBe('abcdeX');
  },

  'lseek goes anywhere but before the start, and makes nothing'(t) {
    t.write('f', 'abc');
    const fd = t.sys.open('f', O_RDWR);
    expect(t.sys.lseek(fd, 2, SEEK_SET)).toBe(2);
    expect(t.sys.lseek(fd, -1, SEEK_CUR)).toBe(1);
    expect(t.sys.lseek(fd, 100, SEEK_END)).toBe(103);
    expect(t.sys.fstat(fd).size).toBe(3);
    fails(() => t.sys.lseek(fd, -1, SEEK_SET), 'EINVAL');
    fails(() => t.sys.lseek(fd, -104, SEEK_CUR), 'EINVAL');
    fails(() => t.sys.lseek(fd, 0, 9), 'EINVAL');
    expect(t.sys.lseek(fd, 0, SEEK_CUR)).toBe(103);
    t.sys.write(fd, bytes('z'));
    expect(t.sys.fstat(fd).size).toBe(104);
    t.sys.close(fd);
  },

  'readv and writev use their buffers in order'(t) {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    expect(t.sys.writev(fd, [bytes('ab'), bytes(''), bytes('cde')])).toBe(5);
    t.sys.lseek(fd, 0, SEEK_SET);
    const a = new Uint8Array(1);
    const b = new Uint8Array(3);
    const c = new Uint8Array(3);
    expect(t.sys.readv(fd, [a, b, c])).toBe(5);
    expect([text(a), text(b), text(c.subarray(0, 1))]).toEqual(['a', 'bcd', 'e']);
    t.sys.close(fd);
  },

  'an empty write changes nothing'(t) {
    t.write('f', 'abc');
    const fd = t.sys.open('f', O_RDWR);
    expect(t.sys.pwrite(fd, new Uint8Array(0), 100)).toBe(0);
    expect(t.sys.fstat(fd).size).toBe(3);
    expect(t.sys.pread(fd, new Uint8Array(0), 0)).toBe(0);
    t.sys.close(fd);
  },

  'a buffer that is none is EFAULT, and nothing was moved'(t) {
    t.write('f', 'abc');
    const fd = t.sys.open('f', O_RDWR);
    const none = undefined as unknown as Uint8Array;
    fails(() => t.sys.read(fd, none), 'EFAULT');
    fails(() => t.sys.write(fd, none), 'EFAULT');
    expect(t.sys.lseek(fd, 0, SEEK_CUR)).toBe(0);
    t.sys.close(fd);
    expect(t.readText('f')).toBe('abc');
  },

  'two descriptors see what the other has written at once'(t) {
    t.touch('f');
    const a = t.sys.open('f', O_RDWR);
    const b = t.sys.open('f', O_RDWR);
    const buf = new Uint8Array(3);
    t.sys.pwrite(a, bytes('abc'), 0);
    expect(t.sys.pread(b, buf, 0)).toBe(3);
    expect(text(buf)).toBe('abc');
    t.sys.ftruncate(b, 1);
    expect(t.sys.pread(a, buf, 0)).toBe(1);
    t.sys.close(a);
    t.sys.close(b);
  },

  'fsync, fdatasync and sync succeed, and the bytes are there'(t) {
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    writeAll(t.sys, fd, pattern(100_000, 5));
    t.sys.fsync(fd);
    t.sys.fdatasync(fd);
    t.sys.sync();
    t.sys.close(fd);
    expectBytes(t.read('f'), pattern(100_000, 5));
  },

  'writes at random places, by seed, are what is read'(t) {
    const size = 200_000;
    const model = new Uint8Array(size);
    const seed = 20;
    let x = seed;
    const draw = (below: number): number => {
      x = (x * 1103515245 + 12345) % 2147483648;
      return x % below;
    };
    const fd = t.sys.open('f', O_RDWR | O_CREAT, 0o644);
    t.sys.ftruncate(fd, size);
    for (let i = 0; i < 300; i++) {
      const at = draw(size);
      const len = Math.min(1 + draw(9000), size - at);
      const data = pattern(len, i);
      t.sys.pwrite(fd, data, at);
      model.set(data, at);
      const from = draw(size);
      const part = new Uint8Array(Math.min(1 + draw(9000), size - from));
      t.sys.pread(fd, part, from);
      expectBytes(part, model.subarray(from, from + part.length));
    }
    expectBytes(readAll(t.sys, fd), model);
    t.sys.close(fd);
  },
};

function overwrite(t: Context, unit: number): void {
  const len = unit * 8;
  t.write('f', pattern(len, 1));
  const fd = t.sys.open('f', O_RDWR);
  const expected = pattern(len, 2);
  for (let at = 0; at < len; at += unit) t.sys.pwrite(fd, expected.subarray(at, at + unit), at);
  expectBytes(readAll(t.sys, fd), expected);
  expect(t.sys.fstat(fd).size).toBe(len);
  t.sys.close(fd);
}
