/** Volumes made to do harm: each gives an errno, on the object concerned, and soon. */
import { describe, expect, test } from '@jest/globals';
import { putU16le, putU32le } from '@anykernel/lib-bytes';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { exercise } from '@anykernel/conformance-image';
import { type FatInfo, parseBoot } from '../src/ondisk.js';
import { type World, errnoOf, fresh, mounted, pattern, world } from './kit.js';
import { names, readFile } from '@anykernel/conformance-diskfs';

interface Image {
  readonly bytes: Uint8Array;
  readonly info: FatInfo;
  /** Where cluster `c` is. */
  at(c: number): number;
  /** Sets an entry of the first FAT. */
  fat(c: number, value: number): void;
  /** Where the short entry of a name is: `A       TXT`. */
  entry(name: string): number;
}

function image(bits: 12 | 16 | 32, fill: (w: World) => void): Image {
  const sizes = { 12: 600 << 10, 16: 3 << 20, 32: 1 << 20 };
  const w = mounted(fresh(sizes[bits], { fatBits: bits, clusterSize: 512 }));
  fill(w);
  w.k.halt();
  const bytes = w.bytes();
  const info = parseBoot(bytes) as FatInfo;
  return {
    bytes, info,
    at: (c) => info.dataOff + (c - 2) * info.clusterSize,
    fat(c, value) {
      if (bits === 16) putU16le(bytes, info.fatOff + 2 * c, value);
      else putU32le(bytes, info.fatOff + 4 * c, value);
    },
    entry(name) {
      for (let off = info.fatOff + info.fats * info.fatLen; off < bytes.length; off += 32) {
        if (String.fromCharCode(...bytes.subarray(off, off + 11)) === name) return off;
      }
      throw new Error(`${name} is not there`);
    },
  };
}

function put(w: World, path: string, len: number): void {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  w.sys.write(fd, pattern(len, 3));
  w.sys.close(fd);
}

function start(b: Uint8Array, off: number): number {
  return b[off + 26] | (b[off + 27] << 8);
}

/** Everything is done with it that can be; nothing but errnos comes of it. */
function survive(bytes: Uint8Array): void {
  const w = world(bytes, { kernel: { memLimitBytes: 32 << 20 } });
  exercise({ k: w.k, type: 'msdosfs', args: { fspec: '/disk' }, writable: true, allocated: () => w.host.allocated }, 1);
}

describe('boot sectors', () => {
  const cases: Record<string, (b: Uint8Array) => void> = {
    'no sector size': (b) => putU16le(b, 11, 0),
    'sectors of 64 KiB': (b) => putU16le(b, 11, 0x8000),
    'sectors of 300 bytes': (b) => putU16le(b, 11, 300),
    'no cluster size': (b) => { b[13] = 0; },
    'clusters of three sectors': (b) => { b[13] = 3; },
    'no reserved sector': (b) => putU16le(b, 14, 0),
    'no FAT': (b) => { b[16] = 0; },
    'no root': (b) => putU16le(b, 17, 0),
    'nothing but FATs': (b) => putU16le(b, 22, 0xffff),
    'no sectors': (b) => { putU16le(b, 19, 0); putU32le(b, 32, 0); },
    zeros: (b) => b.fill(0, 0, 512),
    ones: (b) => b.fill(0xff, 0, 512),
  };
  for (const [name, harm] of Object.entries(cases)) {
    test(`${name}: the mount is refused, and a message says why`, () => {
      const bytes = fresh(3 << 20);
      harm(bytes);
      const w = world(bytes);
      expect(errnoOf(() => w.mount())).toBe('EINVAL');
      expect(w.k.msgbuf.text()).toMatch(/msdosfs: .*: [a-z0-9]/);
      w.k.halt();
      expect(w.host.allocated).toBe(0);
    });
  }

  test('a FAT32 whose root is no cluster, or of another version, is refused', () => {
    for (const harm of [(b: Uint8Array) => putU32le(b, 44, 1), (b: Uint8Array) => putU32le(b, 44, 0x0fff_0000), (b: Uint8Array) => putU16le(b, 42, 1), (b: Uint8Array) => putU16le(b, 40, 0x85)]) {
      const bytes = fresh(1 << 20, { fatBits: 32 });
      harm(bytes);
      const w = world(bytes);
      expect(errnoOf(() => w.mount())).toBe('EINVAL');
      w.k.halt();
    }
  });

  test('clusters that the FAT has no entries for are not used', () => {
    const bytes = fresh(3 << 20, { fatBits: 12 });
    putU16le(bytes, 22, 1);
    survive(bytes);
  });

  test('a volume larger than its device is read, and not written', () => {
    const img = image(16, (w) => put(w, 'a.txt', 700));
    const w = mounted(img.bytes.subarray(0, 2 << 20));
    expect(readFile(w.sys, 'a.txt')).toEqual(pattern(700, 3));
    expect(errnoOf(() => w.sys.mkdir('d', 0o755))).toBe('EROFS');
    expect(w.k.msgbuf.text()).toMatch(/mounted read-only: the volume has/);
    w.k.halt();
    // Not even all of the FATs are there.
    const v = world(img.bytes.subarray(0, 1024));
    expect(errnoOf(() => v.mount())).toBe('EINVAL');
    v.k.halt();
  });
});

describe.each([12, 16, 32] as const)('FAT%i', (bits) => {
  if (bits !== 12) {
    test('a chain that runs in a circle', () => {
      const img = image(bits, (w) => { put(w, 'a', 5000); w.sys.mkdir('d', 0o755); put(w, 'd/f', 600); });
      const first = start(img.bytes, img.entry('A          '));
      img.fat(first + 2, first);
      const w = mounted(img.bytes);
      expect(w.sys.stat('a').size).toBe(5000);
      expect(readFile(w.sys, 'a').length).toBe(5000);
      const fd = w.sys.open('a', O_RDWR);
      expect(errnoOf(() => w.sys.pwrite(fd, pattern(100, 1), 5000))).toBe('EIO');
      w.sys.close(fd);
      w.sys.unlink('a');
      w.k.halt();
      survive(img.bytes);
    });

    test('a directory whose chain runs in a circle has no end, and is refused', () => {
      const img = image(bits, (w) => { w.sys.mkdir('d', 0o755); for (let i = 0; i < 40; i++) put(w, `d/f${i}`, 1); });
      const first = start(img.bytes, img.entry('D          '));
      img.fat(first, first);
      const w = mounted(img.bytes);
      expect(errnoOf(() => w.sys.stat('d/f1'))).toBe('EIO');
      expect(errnoOf(() => w.sys.rmdir('d'))).toBe('EIO');
      expect(w.k.msgbuf.text()).toMatch(/has no end/);
      w.k.halt();
      survive(img.bytes);
    });

    test('chains into what is free, bad, or no cluster at all', () => {
      for (const value of [0, 1, bits === 16 ? 0xfff7 : 0x0fff_fff7, bits === 16 ? 0xfff0 : 0x0fff_0000]) {
        const img = image(bits, (w) => put(w, 'a', 10_000));
        const first = start(img.bytes, img.entry('A          '));
        img.fat(first + 9, value);
        const w = mounted(img.bytes);
        const fd = w.sys.open('a', O_RDWR);
        expect(w.sys.pread(fd, new Uint8Array(512), 0)).toBe(512);
        expect(errnoOf(() => w.sys.pread(fd, new Uint8Array(512), 9000))).toBe('EIO');
        expect(errnoOf(() => w.sys.pwrite(fd, new Uint8Array(10), 10_000))).toBe('EIO');
        w.sys.close(fd);
        w.sys.truncate('a', 0);
        w.sys.unlink('a');
        w.k.halt();
        survive(img.bytes);
      }
    });

    test('a chain that ends before the file does', () => {
      const img = image(bits, (w) => put(w, 'a', 10_000));
      img.fat(start(img.bytes, img.entry('A          ')) + 8, 0x0fff_ffff & (bits === 16 ? 0xffff : 0x0fff_ffff));
      const w = mounted(img.bytes);
      const fd = w.sys.open('a', O_RDWR);
      expect(w.sys.pread(fd, new Uint8Array(8000), 0)).toBe(4096);
      expect(errnoOf(() => w.sys.pread(fd, new Uint8Array(512), 5000))).toBe('EIO');
      w.k.halt();
      survive(img.bytes);
    });
  }

  test('a file of 4 GiB in one cluster, in none, and in one that is not there', () => {
    for (const cluster of [undefined, 0, 1, 0xfff0]) {
      const img = image(bits, (w) => put(w, 'a', 100));
      const off = img.entry('A          ');
      putU32le(img.bytes, off + 28, 0xffff_ffff);
      if (cluster !== undefined) putU16le(img.bytes, off + 26, cluster);
      const w = mounted(img.bytes);
      expect(w.sys.stat('a').size).toBe(0xffff_ffff);
      const fd = w.sys.open('a', O_RDWR);
      expect(errnoOf(() => w.sys.pread(fd, new Uint8Array(100), 3_000_000_000))).toBe('EIO');
      w.k.halt();
      survive(img.bytes);
    }
  });

  test('a directory that is below itself', () => {
    const img = image(bits, (w) => { w.sys.mkdir('d', 0o755); w.sys.mkdir('d/e', 0o755); w.sys.mkdir('d/e/f', 0o755); });
    const d = start(img.bytes, img.entry('D          '));
    putU16le(img.bytes, img.entry('F          ') + 26, d);
    const w = mounted(img.bytes);
    expect(names(w.sys, 'd/e')).toEqual(['f']);
    expect(errnoOf(() => w.sys.stat('d/e/f'))).toBe('EIO');
    expect(w.k.msgbuf.text()).toMatch(/is also in another place/);
    w.k.halt();
    survive(img.bytes);
  });

  test('a directory that begins nowhere, or with the root', () => {
    for (const cluster of [0, 1, 0xfff0, 2]) {
      const img = image(bits, (w) => { w.sys.mkdir('d', 0o755); put(w, 'd/f', 1); });
      putU16le(img.bytes, img.entry('D          ') + 26, cluster);
      const w = mounted(img.bytes);
      if (bits === 32 || cluster !== 2) expect(errnoOf(() => w.sys.stat('d/f'))).toBe('EIO');
      w.k.halt();
      survive(img.bytes);
    }
  });

  test('two names for the same clusters', () => {
    const img = image(bits, (w) => { put(w, 'a', 3000); put(w, 'b', 3000); w.sys.mkdir('d', 0o755); w.sys.mkdir('e', 0o755); });
    putU16le(img.bytes, img.entry('B          ') + 26, start(img.bytes, img.entry('A          ')));
    putU16le(img.bytes, img.entry('E          ') + 26, start(img.bytes, img.entry('D          ')));
    const w = mounted(img.bytes);
    expect(readFile(w.sys, 'b')).toEqual(readFile(w.sys, 'a'));
    w.sys.stat('d/.');
    expect(errnoOf(() => w.sys.stat('e'))).toBe('EIO');
    w.sys.unlink('a');
    expect(errnoOf(() => w.sys.unlink('b'))).toBe('');
    w.k.halt();
    survive(img.bytes);
  });

  test('names that no path can have, and parts of long names that belong to nothing', () => {
    const img = image(bits, (w) => { for (let i = 0; i < 6; i++) put(w, `a long name number ${i}`, 10); });
    const off = img.entry('ALONGN~1   ');
    img.bytes[off + 1] = 0x2f;
    img.bytes[img.entry('ALONGN~2   ') - 32 + 13] ^= 0xff;
    img.bytes[img.entry('ALONGN~3   ') - 32] = 0x1f;
    putU16le(img.bytes, img.entry('ALONGN~4   ') - 64 + 1, 0x2f);
    const w = mounted(img.bytes);
    const found = names(w.sys, '.');
    expect(found.length).toBe(6);
    for (const name of found) expect(errnoOf(() => w.sys.stat(name))).toBe('');
    for (const name of found) w.sys.unlink(name);
    expect(names(w.sys, '.')).toEqual([]);
    w.k.halt();
    survive(img.bytes);
  });

  test('entries that are all of one name', () => {
    const img = image(bits, (w) => { for (let i = 0; i < 10; i++) put(w, `F${i}`, 10); });
    for (let i = 0; i < 10; i++) img.bytes[img.entry(`F${i}         `) + 1] = 0x30;
    const w = mounted(img.bytes);
    expect(names(w.sys, '.')).toEqual(Array.from({ length: 10 }, () => 'F0'));
    for (let i = 0; i < 10; i++) w.sys.unlink('f0');
    expect(names(w.sys, '.')).toEqual([]);
    w.k.halt();
    survive(img.bytes);
  });
});

test('FSInfo that lies', () => {
  const bytes = fresh(1 << 20, { fatBits: 32, clusterSize: 512 });
  for (const [free, next] of [[0, 0], [0xffff_fffe, 0xffff_fffe], [1, 3], [0x1000_0000, 2]] as const) {
    putU32le(bytes, 512 + 488, free);
    putU32le(bytes, 512 + 492, next);
    survive(bytes);
  }
});
