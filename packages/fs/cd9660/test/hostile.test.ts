/** Images made to do harm: each gives an errno, on the object concerned, and soon. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { exercise } from '@anykernel/conformance-image';
import { putU32be, putU32le } from '@anykernel/lib-bytes';
import { SECTOR } from '../src/ondisk.js';
import { errnoOf, mounted, names, readFile, world } from './kit.js';

/** A directory record. `su`: its system use area. */
function record(name: string, block: number, size: number, flags = 0, su: readonly number[] = []): Uint8Array {
  const suOff = 33 + name.length + (name.length % 2 === 0 ? 1 : 0);
  const len = suOff + su.length + (su.length % 2);
  const b = new Uint8Array(len);
  b[0] = len;
  both(b, 2, block);
  both(b, 10, size);
  b.set([126, 11, 25, 12, 0, 0, 0], 18);
  b[25] = flags;
  b[32] = name.length;
  for (let i = 0; i < name.length; i++) b[33 + i] = name.charCodeAt(i);
  b.set(su, suOff);
  return b;
}

function both(b: Uint8Array, off: number, value: number): void {
  putU32le(b, off, value);
  putU32be(b, off + 4, value);
}

function entry(signature: string, ...data: readonly number[]): number[] {
  return [signature.charCodeAt(0), signature.charCodeAt(1), data.length + 4, 1, ...data];
}

function num(value: number): number[] {
  const b = new Uint8Array(8);
  both(b, 0, value);
  return [...b];
}

const SP = entry('SP', 0xbe, 0xef, 0);
const PX = (mode: number, nlink = 1): number[] => entry('PX', ...num(mode), ...num(nlink), ...num(0), ...num(0));
const NM = (name: string, flags = 0): number[] => entry('NM', flags, ...Array.from(name, (c) => c.charCodeAt(0)));
const CE = (block: number, off: number, len: number): number[] => entry('CE', ...num(block), ...num(off), ...num(len));
const DIR = 2;
const ROOT_BLOCK = 20;
const BLOCKS = 64;

/** Where a directory is, and where the one above it is. */
function dirSector(b: Uint8Array, block: number, parent: number, records: readonly Uint8Array[], su: readonly number[] = PX(0o040755)): void {
  let off = block * SECTOR;
  const all = [record('\0', block, SECTOR, DIR, block === ROOT_BLOCK ? [...SP, ...su] : su), record('\x01', parent, SECTOR, DIR, PX(0o040755)), ...records];
  for (const r of all) {
    b.set(r, off);
    off += r.length;
  }
}

/** A small image with Rock Ridge, whose root has these records. */
function image(records: readonly Uint8Array[], more: (b: Uint8Array) => void = () => undefined): Uint8Array {
  const b = new Uint8Array(BLOCKS * SECTOR);
  const vd = b.subarray(16 * SECTOR);
  vd.set([1, ...Array.from('CD001', (c) => c.charCodeAt(0)), 1]);
  both(vd, 80, BLOCKS);
  vd.set([0, 8, 8, 0], 128);
  vd.set(record('\0', ROOT_BLOCK, SECTOR, DIR), 156);
  b.set([255, ...Array.from('CD001', (c) => c.charCodeAt(0)), 1], 17 * SECTOR);
  dirSector(b, ROOT_BLOCK, ROOT_BLOCK, records);
  for (let i = 40 * SECTOR; i < b.length; i++) b[i] = i & 0xff;
  more(b);
  return b;
}

/** Everything is done with it that can be; nothing but errnos comes of it. */
function survive(bytes: Uint8Array): void {
  const w = world(bytes, { kernel: { memLimitBytes: 32 << 20 } });
  exercise({ k: w.k, type: 'cd9660', args: { fspec: '/disk' }, writable: false, allocated: () => w.host.allocated }, 1);
}

const FILE = PX(0o100644);

describe('descriptors', () => {
  let sound: Uint8Array;
  beforeAll(() => {
    sound = image([record('A', 40, 100, 0, [...FILE, ...NM('a')])]);
  });

  test('the sound image is sound', () => {
    const w = mounted(sound);
    expect(names(w.sys, '.')).toEqual(['a']);
    expect(readFile(w.sys, 'a').length).toBe(100);
    w.k.halt();
    survive(sound);
  });

  const cases: Record<string, (b: Uint8Array) => void> = {
    'no signature': (b) => b.fill(0, 16 * SECTOR, 17 * SECTOR),
    'no primary descriptor': (b) => { b[16 * SECTOR] = 255; },
    'blocks of no bytes': (b) => b.fill(0, 16 * SECTOR + 128, 16 * SECTOR + 132),
    'blocks of 64 KiB': (b) => b.set([0, 0, 1, 0], 16 * SECTOR + 128),
    'a root that is a file': (b) => { b[16 * SECTOR + 156 + 25] = 0; },
    'an empty root': (b) => both(b, 16 * SECTOR + 156 + 10, 0),
    'a root of no length': (b) => { b[16 * SECTOR + 156] = 0; },
  };
  for (const [name, harm] of Object.entries(cases)) {
    test(`${name}: the mount is refused, and a message says why`, () => {
      const b = sound.slice();
      harm(b);
      const w = world(b);
      expect(errnoOf(() => w.mount())).toBe('EINVAL');
      expect(w.k.msgbuf.text()).toMatch(/cd9660: /);
      w.k.halt();
      expect(w.host.allocated).toBe(0);
    });
  }

  test('a root that is not on the device, or too long, cannot be listed', () => {
    for (const [block, size] of [[0xffff_fff0, SECTOR], [BLOCKS - 1, 10 * SECTOR], [ROOT_BLOCK, 0xffff_f800]] as const) {
      const b = sound.slice();
      both(b, 16 * SECTOR + 156 + 2, block);
      both(b, 16 * SECTOR + 156 + 10, size);
      const w = mounted(b);
      expect(errnoOf(() => names(w.sys, '.'))).toBe('EIO');
      w.k.halt();
      survive(b);
    }
  });

  test('descriptors without an end, on a device that is cut off', () => {
    const b = sound.slice();
    for (let s = 17; s < BLOCKS; s++) if (s !== ROOT_BLOCK) b.set(b.subarray(16 * SECTOR, 17 * SECTOR), s * SECTOR);
    survive(b);
    survive(sound.subarray(0, 17 * SECTOR));
    survive(sound.subarray(0, 16 * SECTOR + 5));
  });
});

describe('records', () => {
  test('lengths of zero, beyond the sector, and names longer than their record', () => {
    for (const harm of [(r: Uint8Array) => { r[0] = 255; }, (r: Uint8Array) => { r[32] = 255; }, (r: Uint8Array) => { r[0] = 1; }, (r: Uint8Array) => { r[32] = 0; }]) {
      const bad = record('B', 40, 10);
      harm(bad);
      const b = image([record('A', 40, 10), bad, record('C', 40, 10)]);
      const w = mounted(b);
      expect(names(w.sys, '.')).toContain('a');
      w.k.halt();
      survive(b);
    }
  });

  test('a directory that is below itself, directly and over others', () => {
    const b = image([record('D', 21, SECTOR, DIR, [...PX(0o040755), ...NM('d')]), record('E', ROOT_BLOCK, SECTOR, DIR, [...PX(0o040755), ...NM('root')])], (bytes) => {
      dirSector(bytes, 21, ROOT_BLOCK, [record('D', 22, SECTOR, DIR, [...PX(0o040755), ...NM('e')]), record('S', 21, SECTOR, DIR, [...PX(0o040755), ...NM('self')])]);
      dirSector(bytes, 22, 21, [record('D', 21, SECTOR, DIR, [...PX(0o040755), ...NM('up')])]);
    });
    const w = mounted(b);
    expect(names(w.sys, 'd/e')).toEqual(['up']);
    for (const path of ['d/e/up', 'd/self', 'root']) expect([path, errnoOf(() => w.sys.stat(path))]).toEqual([path, 'EIO']);
    expect(w.k.msgbuf.text()).toMatch(/is also in another place/);
    w.k.halt();
    survive(b);
  });

  test('many directories that contain each other come to an end', () => {
    const blocks = Array.from({ length: 15 }, (_, i) => 21 + i);
    const all = (): Uint8Array[] => blocks.map((block) => record(`D${block}`, block, SECTOR, DIR, [...PX(0o040755), ...NM(`d${block}`)]));
    const b = image(all(), (bytes) => {
      for (const block of blocks) dirSector(bytes, block, ROOT_BLOCK, all());
    });
    survive(b);
  });

  test('files beyond the device, and of more bytes than it has', () => {
    const b = image([record('A', 0xffff_ffff, 100, 0, [...FILE, ...NM('a')]), record('B', 60, 0xffff_ffff, 0, [...FILE, ...NM('b')])]);
    const w = mounted(b);
    expect(errnoOf(() => readFile(w.sys, 'a'))).toBe('EIO');
    const fd = w.sys.open('b', 0);
    expect(w.sys.pread(fd, new Uint8Array(100), 0)).toBe(100);
    expect(errnoOf(() => w.sys.pread(fd, new Uint8Array(100), 1_000_000))).toBe('EIO');
    w.k.halt();
    survive(b);
  });

  test('a file whose records never end, or are of odd lengths', () => {
    const part = (size: number): Uint8Array => record('A', 40, size, 0x80, [...FILE, ...NM('a')]);
    const b = image([part(SECTOR), part(SECTOR), part(SECTOR)]);
    const w = mounted(b);
    expect(names(w.sys, '.')).toEqual([]);
    w.k.halt();
    survive(b);
    const odd = image([part(100), record('A', 41, 50, 0, [...FILE, ...NM('a')])]);
    const v = mounted(odd);
    expect(v.sys.stat('a').size).toBe(150);
    expect(errnoOf(() => readFile(v.sys, 'a'))).toBe('EOPNOTSUPP');
    v.k.halt();
    survive(odd);
  });

  test('an interleaved file is listed, and not read', () => {
    const r = record('A', 40, 100, 0, [...FILE, ...NM('a')]);
    r[26] = r[27] = 4;
    const w = mounted(image([r]));
    expect(w.sys.stat('a').size).toBe(100);
    expect(errnoOf(() => readFile(w.sys, 'a'))).toBe('EOPNOTSUPP');
    expect(w.k.msgbuf.text()).toMatch(/interleaved/);
    w.k.halt();
  });
});

describe('Rock Ridge', () => {
  test('continuation areas that lead to themselves, to each other, beyond the device, and that are endless', () => {
    const areas: readonly (readonly number[])[] = [CE(30, 0, 28), CE(0xffff_fff0, 0, 100), CE(30, 0xffff_ff00, 100), CE(30, 0, 0xffff_ffff), CE(63, 2000, 500)];
    for (const su of areas) {
      const b = image([record('A', 40, 10, 0, [...FILE, ...NM('a'), ...su])], (bytes) => {
        bytes.set([...CE(31, 0, 28)], 30 * SECTOR);
        bytes.set([...CE(30, 0, 28)], 31 * SECTOR);
      });
      const w = mounted(b);
      expect(names(w.sys, '.')).toEqual(['a']);
      expect(readFile(w.sys, 'a').length).toBe(10);
      w.k.halt();
      survive(b);
    }
  });

  test('a name that is continued for ever is none, nor is one with a slash', () => {
    const b = image([record('LONG', 40, 10, 0, [...FILE, ...NM('n'.repeat(100), 1), ...CE(30, 0, 2000)]), record('SLASH', 40, 10, 0, [...FILE, ...NM('a/b')]), record('UP', 40, 10, 0, [...FILE, ...NM('..')])], (bytes) => {
      let off = 30 * SECTOR;
      for (let i = 0; i < 9; i++) {
        const e = NM('n'.repeat(200), 1);
        bytes.set(e, off);
        off += e.length;
      }
    });
    const w = mounted(b);
    expect(names(w.sys, '.')).toEqual(['long', 'slash', 'up']);
    w.k.halt();
    survive(b);
  });

  test('a target that is endless or has no parts cannot be read', () => {
    const part = [0, 200, ...new Array<number>(200).fill(0x78)];
    const b = image([record('L', 40, 0, 0, [...PX(0o120777), ...NM('l'), ...CE(30, 0, 2040)]), record('M', 40, 0, 0, [...PX(0o120777), ...NM('m')])], (bytes) => {
      let off = 30 * SECTOR;
      for (let i = 0; i < 9; i++) {
        const e = entry('SL', 1, ...part);
        bytes.set(e, off);
        off += e.length;
      }
    });
    const w = mounted(b);
    for (const path of ['l', 'm']) expect([path, errnoOf(() => w.sys.readlink(path, new Uint8Array(2000)))]).toEqual([path, 'EIO']);
    w.k.halt();
    survive(b);
  });

  test('directories that were moved to what is none, to the root, and to each other', () => {
    const moved = (name: string, block: number): Uint8Array => record(name.toUpperCase(), 0, 0, 0, [...PX(0o040755), ...NM(name), ...entry('CL', ...num(block))]);
    const b = image([moved('a', 40), moved('b', 0xffff_ffff), moved('c', ROOT_BLOCK), moved('d', 21)], (bytes) => {
      dirSector(bytes, 21, ROOT_BLOCK, [moved('e', 21), moved('f', ROOT_BLOCK)]);
    });
    const w = mounted(b);
    expect(names(w.sys, '.')).toEqual(['c', 'd']);
    expect(errnoOf(() => w.sys.stat('c'))).toBe('EIO');
    expect(names(w.sys, 'd')).toEqual(['e', 'f']);
    for (const path of ['d/e', 'd/f']) expect([path, errnoOf(() => w.sys.stat(path))]).toEqual([path, 'EIO']);
    w.k.halt();
    survive(b);
  });

  test('modes that are none, and links without number', () => {
    const b = image([0, 0o170000, 0o140000, 0o040000, 0o060000].map((mode, i) => record(`F${i}`, 40, 10, 0, [...PX(mode, 0xffff_ffff), ...NM(`f${i}`)])));
    const w = mounted(b);
    for (const name of names(w.sys, '.')) w.sys.lstat(name);
    expect(w.sys.stat('f3').mode & 0o170000).toBe(0o100000);
    w.k.halt();
    survive(b);
  });
});

describe('zisofs', () => {
  const MAGIC = [0x37, 0xe4, 0x53, 0x96, 0xc9, 0xdb, 0xd6, 0x07];
  const ZF = (size: number, bshift = 15, header = 4): number[] => entry('ZF', 0x70, 0x7a, header, bshift, ...num(size));
  function packed(zf: readonly number[], size: number, content: (b: Uint8Array) => void): Uint8Array {
    return image([record('A', 40, size, 0, [...FILE, ...NM('a'), ...zf])], (b) => {
      b.fill(0, 40 * SECTOR, 44 * SECTOR);
      b.set(MAGIC, 40 * SECTOR);
      content(b.subarray(40 * SECTOR));
    });
  }

  const cases: Record<string, Uint8Array> = {
    'a header of another file': packed(ZF(100_000), 3000, (b) => b.fill(0)),
    'another length in the header': packed(ZF(100_000), 3000, (b) => putU32le(b, 8, 5)),
    'blocks of 2 GiB': packed(ZF(100_000, 31), 3000, (b) => putU32le(b, 8, 100_000)),
    'a header longer than the file': packed(ZF(100_000, 15, 255), 100, (b) => putU32le(b, 8, 100_000)),
    'a table beyond the end': packed(ZF(0xffff_ffff), 17, (b) => putU32le(b, 8, 0xffff_ffff)),
    'pointers that go back': packed(ZF(100_000), 3000, (b) => { putU32le(b, 8, 100_000); putU32le(b, 16, 2000); putU32le(b, 20, 100); }),
    'pointers beyond the end': packed(ZF(100_000), 3000, (b) => { putU32le(b, 8, 100_000); putU32le(b, 16, 100); putU32le(b, 20, 0xffff_fff0); }),
    'a block that is no stream': packed(ZF(100_000), 3000, (b) => { putU32le(b, 8, 100_000); putU32le(b, 16, 100); putU32le(b, 20, 200); b.fill(0x78, 100, 200); }),
  };
  for (const [name, b] of Object.entries(cases)) {
    test(`${name}: EIO`, () => {
      const w = mounted(b);
      const fd = w.sys.open('a', 0);
      expect(errnoOf(() => w.sys.pread(fd, new Uint8Array(1000), 0))).toBe('EIO');
      w.k.halt();
      survive(b);
    });
  }

  test('a file of 4 GiB of zeros in a few bytes is read a block at a time', () => {
    const b = packed(ZF(0xffff_ffff, 17), 200_000, (bytes) => putU32le(bytes, 8, 0xffff_ffff));
    const w = mounted(b, { kernel: { memLimitBytes: 8 << 20 } });
    expect(w.sys.stat('a').size).toBe(0xffff_ffff);
    const fd = w.sys.open('a', 0);
    expect(w.sys.pread(fd, new Uint8Array(100_000), 0)).toBe(100_000);
    w.k.halt();
    survive(b);
  });
});
