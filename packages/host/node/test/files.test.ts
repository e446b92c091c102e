import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { mustRun, oracle, withFolder } from '@anykernel/tools-oracle';
import { probe } from '../src/device-size.js';
import { hostNode, memoryFile } from '../src/index.js';

const nothing = (): void => {};
const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('names', () => {
  test('may be text or the bytes of UTF-8', () => {
    withFolder((folder) => {
      const host = hostNode();
      writeFileSync(join(folder, 'Größe.img'), 'x');
      expect(host.getfileinfo(join(folder, 'Größe.img'))?.size).toBe(1);
      expect(host.getfileinfo(Buffer.from(join(folder, 'Größe.img')).toString('latin1'))?.size).toBe(1);
      expect(host.getfileinfo(join(folder, '日本'))).toBeUndefined();
    });
  });

  test('below a file are of nothing, and a folder is no file to open', () => {
    withFolder((folder) => {
      const host = hostNode();
      writeFileSync(join(folder, 'file'), '');
      mkdirSync(join(folder, 'dir'));
      expect(host.getfileinfo(join(folder, 'file/below'))).toBeUndefined();
      expect(() => host.open(join(folder, 'file/below'), { read: true })).toThrow(code('ENOTDIR'));
      expect(host.getfileinfo(join(folder, 'dir'))?.type).toBe('dir');
      expect(() => host.open(join(folder, 'dir'), { read: true })).toThrow(code('EISDIR'));
      expect(() => host.open(join(folder, 'a\0b'), { read: true })).toThrow(code('EINVAL'));
    });
  });
});

describe('devices', () => {
  test('of characters are told, read without positions, and have nothing to flush', () => {
    const host = hostNode();
    expect(host.getfileinfo('/dev/zero')?.type).toBe('chr');
    const zero = host.open('/dev/zero', { read: true, write: true });
    const data = new Uint8Array(8).fill(1);
    expect(zero.read(data, -1, nothing)).toBe(8);
    expect(data).toEqual(new Uint8Array(8));
    expect(zero.flush(nothing)).toBe(0);
    zero.close();
  });

  test('that are full say so', () => {
    const full = hostNode().open('/dev/full', { write: true });
    expect(() => full.write(new Uint8Array(8), 0, nothing)).toThrow(code('ENOSPC'));
    expect(() => full.writev([new Uint8Array(8), new Uint8Array(8)], 0, nothing)).toThrow(code('ENOSPC'));
    full.close();
  });

  test.each([0, 1, 2, 3, 1000, 1024, 1025, 2 ** 31 + 7])(
    'of %d sectors are measured by reading where nobody tells their size',
    (sectors) => {
      let reads = 0;
      const canRead = (off: number): boolean => {
        reads++;
        return off < sectors * 512;
      };
      expect(probe(canRead)).toBe(sectors * 512);
      expect(reads).toBeLessThan(80);
    },
  );

  oracle('losetup', 'loop:ext2').test('of blocks have their real size, and keep what is written', () => {
    withFolder((folder) => {
      const image = join(folder, 'image');
      writeFileSync(image, Buffer.alloc(1_000_000));
      const device = mustRun('losetup', ['-f', '--show', image]).trim();
      try {
        const host = hostNode();
        // A loop device has whole sectors.
        expect(host.getfileinfo(device)).toEqual({ size: 999_936, type: 'blk' });
        const file = host.open(device, { read: true, write: true, bio: true });
        expect(file.size).toBe(999_936);
        expect(file.writev([new Uint8Array(512).fill(1), new Uint8Array(1024).fill(2)], 998_400, nothing)).toBe(1536);
        expect(() => file.write(new Uint8Array(512), 999_936, nothing)).toThrow(code('ENOSPC'));
        expect(file.read(new Uint8Array(512), 999_936, nothing)).toBe(0);
        expect(file.flush(nothing)).toBe(0);
        file.close();
        expect([...readFileSync(image).subarray(998_911, 998_913)]).toEqual([1, 2]);
      } finally {
        mustRun('losetup', ['-d', device]);
      }
    });
  });
});

describe('what the application provides', () => {
  test('is opened by its name, before what the machine has under it', () => {
    const image = new Uint8Array(1024);
    const host = hostNode({ files: { '/dev/zero': image } });
    expect(host.getfileinfo('/dev/zero')).toEqual({ size: 1024, type: 'reg' });
    const file = host.open('/dev/zero', { read: true, write: true });
    expect(file.write(Uint8Array.of(1, 2, 3), 1000, nothing)).toBe(3);
    expect([...image.subarray(999, 1004)]).toEqual([0, 1, 2, 3, 0]);
    expect(() => host.open('/dev/zero', { write: true, create: true, excl: true })).toThrow(code('EEXIST'));
    host.provide('/dev/zero', undefined);
    expect(host.getfileinfo('/dev/zero')?.type).toBe('chr');
  });

  test('may be anything that can be opened', () => {
    const host = hostNode();
    const file = memoryFile(new Uint8Array(16), { type: 'blk' });
    host.provide('made', { open: (mode) => file.open(mode), info: () => file.info() });
    expect(host.getfileinfo('made')).toEqual({ size: 16, type: 'blk' });
    expect(host.open('made', {}).read(new Uint8Array(100), 10, nothing)).toBe(6);
  });
});

test('a directory is listed by the bytes of its names', () => {
  withFolder((folder) => {
    const host = hostNode({ files: { provided: new Uint8Array(1) } });
    const list = (name: string): string[] => [...(host.readdir?.(name) ?? [])].sort();
    writeFileSync(join(folder, 'größe'), '');
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x41])]), '');
    expect(list(folder)).toEqual(['gr\xc3\xb6\xc3\x9fe', '\xffA']);
    expect(() => list(join(folder, 'größe'))).toThrow(code('ENOTDIR'));
    expect(() => list(join(folder, 'none'))).toThrow(code('ENOENT'));
    expect(() => list('provided')).toThrow(code('ENOTDIR'));
  });
});
