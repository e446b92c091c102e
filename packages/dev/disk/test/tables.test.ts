/** Tables written by hand: what is right, and what is not. */
import { describe, expect, test } from '@jest/globals';
import { crc32, putU32le, putU64le } from '@anykernel/lib-bytes';
import { PARTS_MAX, scanTable } from '../src/index.js';
import { Bytes, SECTOR, putApple, putGpt, putLabel, putMbr, sealGpt, tableOf, usable } from './kit.js';

const disk = (sectors = 2048): Uint8Array => new Uint8Array(sectors * SECTOR);

test('bytes without a table have none: nothing, zeros, text', () => {
  expect([0, 1, 511, 512, 513, 4096].map((len) => tableOf(new Uint8Array(len)))).toEqual(Array(6).fill(undefined));
  expect(tableOf(new Uint8Array(4096).fill(0x41))).toBeUndefined();
});

describe('a GPT', () => {
  const made = (): Uint8Array => {
    const b = disk();
    putGpt(b, [
      { start: 40, end: 99, name: 'boot' },
      { start: 100, end: 100, name: 'größe €' },
      { start: 200, end: 1999, name: 'root' },
    ]);
    return b;
  };

  test('gives its partitions with names, identifiers and places', () => {
    const t = tableOf(made());
    expect([t?.scheme, t?.faults, t?.secsize, t?.uuid.slice(0, 8)]).toEqual(['gpt', [], 512, '000000d1']);
    expect(usable(t)).toEqual(['1 40+60', '2 100+1', '3 200+1800']);
    expect(t?.parts.map((p) => Buffer.from(p.label, 'latin1').toString())).toEqual(['boot', 'größe €', 'root']);
    expect(t?.parts[2]?.uuid).toBe('00000003-0000-0000-0000-000000000000');
  });

  test.each([
    ['signature', 0],
    ['size', 12],
    ['checksum', 16],
    ['own sector', 24],
    ['place of the entries', 72],
    ['number of entries', 80],
    ['check of the entries', 88],
  ])('whose first header has a wrong %s is read from the second', (_what, at) => {
    const b = made();
    b[SECTOR + at] ^= 0x41;
    const t = tableOf(b);
    expect(usable(t)).toEqual(['1 40+60', '2 100+1', '3 200+1800']);
    expect(t?.faults).toEqual([expect.stringMatching(/^the first header /)]);
  });

  test('whose first entries are damaged is read from the second', () => {
    const b = made();
    b[2 * SECTOR + 40] ^= 1;
    expect([usable(tableOf(b)).length, tableOf(b)?.faults]).toEqual([3, ['the first header has entries with a wrong checksum']]);
  });

  test('whose second header is damaged says so, and is read', () => {
    const b = made();
    b[b.length - SECTOR + 20] ^= 1;
    b[b.length - SECTOR + 60] ^= 1;
    expect([usable(tableOf(b)).length, tableOf(b)?.faults]).toEqual([3, ['the second header has a wrong checksum']]);
  });

  test('on a disk that has grown since says where its second header is', () => {
    const b = new Uint8Array(4096 * SECTOR);
    b.set(made());
    expect([usable(tableOf(b)).length, tableOf(b)?.faults]).toEqual([3, ['the second header is not in the last sector (4095) but in 2047']]);
  });

  test('that is damaged on both sides has no partitions, and says why', () => {
    const b = made();
    b[SECTOR + 60] ^= 1;
    b[b.length - SECTOR + 60] ^= 1;
    const t = tableOf(b);
    expect([t?.scheme, t?.parts, t?.faults.length]).toEqual(['gpt', [], 2]);
  });

  test('without a protective record counts; with other partitions in the record it does not', () => {
    const b = made();
    b.fill(0, 0, SECTOR);
    expect([usable(tableOf(b)).length, tableOf(b)?.faults]).toEqual([3, ['there is no protective MBR']]);
    putMbr(b, 0, [{ type: 0x83, start: 64, count: 100 }]);
    expect([tableOf(b)?.scheme, usable(tableOf(b))]).toEqual(['mbr', ['1 64+100']]);
    putMbr(b, 0, [{ type: 0xee, start: 1, count: 63 }, { type: 0x83, start: 64, count: 100 }]);
    expect(tableOf(b)?.scheme).toBe('gpt');
  });

  test('of a disk with long sectors is read on one with short ones, and the other way round', () => {
    for (const [secsize, reader] of [[4096, 512], [4096, 4096], [512, 4096], [2048, 512]] as const) {
      const b = new Uint8Array(256 * 4096);
      putGpt(b, [{ start: 40, end: 59 }], { secsize });
      const t = tableOf(b, reader);
      expect([t?.secsize, t?.parts[0]?.off, t?.parts[0]?.size]).toEqual([secsize, 40 * secsize, 20 * secsize]);
    }
  });

  test('may have entries of other sizes and numbers, within bounds', () => {
    for (const [count, entrySize] of [[1, 128], [4, 256], [3, 4096], [128, 128]] as const) {
      const b = disk();
      putGpt(b, [{ start: 100, end: 199 }], { count, entrySize });
      expect(usable(tableOf(b))).toEqual(['1 100+100']);
    }
    for (const [at, value] of [[80, 0xffff_ffff], [80, 8193], [84, 0], [84, 64], [84, 8192], [84, 130], [72, 2 ** 31]] as const) {
      const b = made();
      for (const lba of [1, 2047]) {
        const header = b.subarray(lba * SECTOR, (lba + 1) * SECTOR);
        putU32le(header, at, value);
        sealGpt(header);
      }
      const m = new Bytes(b);
      expect([at, value, scanTable(m)?.parts]).toEqual([at, value, []]);
      expect(m.bytesRead).toBeLessThan(100_000);
    }
  });

  test('lists partitions that cannot be, with the reason', () => {
    const b = disk();
    putGpt(b, [
      { start: 100, end: 99 },
      { start: 1, end: 50 },
      { start: 1900, end: 2047 },
      { start: 2 ** 60, end: 2 ** 61 },
      { start: 300, end: 399 },
      { start: 350, end: 449 },
    ]);
    const t = tableOf(b);
    expect(t?.parts.map((p) => p.fault?.split(' ').slice(0, 3).join(' '))).toEqual(['has no length', 'is not where', 'is not where', 'is not where', undefined, undefined]);
    expect(t?.faults).toEqual(['partitions 5 and 6 overlap']);
  });

  test(`of more than ${PARTS_MAX} partitions gives so many, and says so`, () => {
    const b = disk(8192);
    const parts = Array.from({ length: 2000 }, (_x, i) => ({ start: 600 + i, end: 600 + i }));
    putGpt(b, parts, { count: 2000 });
    expect([usable(tableOf(b)).length, tableOf(b)?.faults]).toEqual([PARTS_MAX, ['there are more than 1024 partitions']]);
  });
});

describe('an MBR', () => {
  test('gives its primary partitions, by place', () => {
    const b = disk();
    putMbr(b, 0, [{ type: 0x0c, start: 63, count: 100, boot: true }, { type: 0, start: 0, count: 0 }, { type: 0x83, start: 200, count: 50 }], 0xdeadbeef);
    const t = tableOf(b);
    expect(usable(t)).toEqual(['1 63+100', '3 200+50']);
    expect([t?.uuid, t?.parts[1]?.uuid, t?.parts[0]?.flags, t?.parts[0]?.ptype]).toEqual(['deadbeef', 'deadbeef-03', ['boot'], 'msdos']);
  });

  test('without partitions is a table; a boot sector of a file system is none', () => {
    const b = disk();
    putMbr(b, 0, []);
    expect([tableOf(b)?.scheme, tableOf(b)?.parts]).toEqual(['mbr', []]);
    const fat = disk();
    putMbr(fat, 0, [{ type: 0x83, start: 63, count: 100 }]);
    fat.set([0xeb, 0x3c, 0x90, ...Buffer.from('MSDOS5.0'), 0, 2, 4, 1, 0, 2, 0, 2, 0, 0, 0xf8]);
    expect(tableOf(fat)).toBeUndefined();
    fat.set([0xeb, 0x52, 0x90, ...Buffer.from('NTFS    '), 0, 0, 0]);
    expect(tableOf(fat)).toBeUndefined();
    fat[450 - 4] = 0x13;
    fat[0] = 0;
    expect(tableOf(fat)).toBeUndefined();
  });

  /** An extended partition in sectors 100 to 1099, with a chain of records in the sectors of `links`. */
  const chain = (links: readonly (readonly [at: number, start: number, count: number, next: number])[]): Uint8Array => {
    const b = disk();
    putMbr(b, 0, [{ type: 0x83, start: 50, count: 50 }, { type: 0x05, start: 100, count: 1000 }]);
    for (const [at, start, count, next] of links) {
      const link = next === 0 ? [] : [{ type: 0x05, start: next - 100, count: 10 }];
      putMbr(b, at, [{ type: 0x83, start, count }, ...link]);
    }
    return b;
  };

  test('gives logical partitions, from 5 on', () => {
    const t = tableOf(chain([[100, 1, 99, 300], [300, 2, 98, 200], [200, 1, 50, 0]]));
    expect([usable(t), t?.faults]).toEqual([['1 50+50', '5 101+99', '6 302+98', '7 201+50'], []]);
    expect(t?.parts.find((p) => p.id === '2')?.container).toBe(true);
  });

  test.each([
    ['goes back to its start', [[100, 1, 9, 200], [200, 1, 9, 100]], /goes back to sector 100/, 3],
    ['goes round itself', [[100, 1, 9, 200], [200, 1, 9, 200]], /goes back to sector 200/, 3],
    ['leaves the extended partition', [[100, 1, 9, 1500]], /leaves the extended/, 2],
    ['ends in a sector without a record', [[100, 1, 9, 400]], /no record of logical partitions in sector 400/, 2],
    ['has a partition that is not inside', [[100, 1, 1500, 0]], /^$/, 1],
  ] as const)('whose chain %s ends there', (_what, links, fault, count) => {
    const t = tableOf(chain(links));
    expect([usable(t).length, t?.faults.join()]).toEqual([count, expect.stringMatching(fault)]);
  });

  test('with a chain as long as the disk is read to a bound', () => {
    const b = new Uint8Array(5000 * SECTOR);
    putMbr(b, 0, [{ type: 0x0f, start: 1, count: 4999 }]);
    for (let at = 1; at < 4998; at++) putMbr(b, at, [{ type: 0x83, start: 1, count: 1 }, { type: 0x05, start: at, count: 2 }]);
    const m = new Bytes(b);
    const t = scanTable(m);
    expect([t?.faults.at(-1), m.reads < 1100]).toEqual([expect.stringMatching(/more than 1024 (logical )?partitions/), true]);
  });

  test('may have two extended partitions, and partitions beyond the disk', () => {
    const b = disk();
    putMbr(b, 0, [{ type: 5, start: 100, count: 100 }, { type: 0x85, start: 300, count: 100 }, { type: 0x83, start: 2000, count: 49 }, { type: 0x83, start: 4000, count: 9 }]);
    putMbr(b, 100, [{ type: 0x83, start: 1, count: 10 }]);
    putMbr(b, 300, [{ type: 0x83, start: 1, count: 20 }]);
    const t = tableOf(b);
    expect(usable(t)).toEqual(['5 101+10', '6 301+20']);
    expect(t?.parts.filter((p) => p.fault !== undefined).map((p) => p.fault)).toEqual(['reaches beyond the end of the disk', 'lies beyond the end of the disk']);
  });
});

describe('a BSD label', () => {
  const parts = [
    { offset: 64, size: 500, fstype: 7 },
    { offset: 564, size: 100, fstype: 1 },
    { offset: 0, size: 2048, fstype: 0 },
    { offset: 0, size: 2048, fstype: 0 },
    { offset: 700, size: 300, fstype: 17 },
  ];
  const whole = ['a 64+500', 'b 564+100', 'e 700+300'];

  test.each([
    ['in the second sector', 512, false],
    ['in the second sector, big-endian', 512, true],
    ['at the start of the first, as on a Sun', 128, true],
    ['at 64, as on an Alpha', 64, false],
    ['at 0', 0, true],
    ['in the third sector', 1024, false],
  ])('%s is found', (_where, at, big) => {
    const b = disk();
    putLabel(b, at, parts, { big });
    const t = tableOf(b);
    expect([t?.scheme, usable(t), t?.parts.map((p) => p.ptype)]).toEqual(['bsd', whole, ['ffs', 'swap', 'ext2fs']]);
  });

  test('with a wrong checksum has no partitions, and says why', () => {
    const b = disk();
    for (const at of [512 + 136, 512 + 150]) {
      putLabel(b, 512, parts);
      b[at] ^= 1;
      expect([tableOf(b)?.parts, tableOf(b)?.faults]).toEqual([[], ['the label has a wrong checksum']]);
    }
    putMbr(b, 0, [{ type: 0xa9, start: 0, count: 2000 }]);
    expect([usable(tableOf(b)), tableOf(b)?.faults]).toEqual([['1 0+2000'], ['the label in partition 1 has a wrong checksum']]);
  });

  test('with a wrong magic number, too many partitions or odd sectors is none', () => {
    const b = disk();
    for (const at of [512, 512 + 132]) {
      putLabel(b, 512, parts);
      b[at] ^= 1;
      expect(tableOf(b)).toBeUndefined();
    }
    putLabel(b, 512, parts, { secsize: 1000 });
    expect(tableOf(b)).toBeUndefined();
    putLabel(b, 512, Array(53).fill(parts[0]));
    expect(tableOf(b)).toBeUndefined();
    putLabel(b, 512, Array(52).fill(parts[0]));
    expect([usable(tableOf(b)).length, usable(tableOf(b)).at(-1)]).toEqual([52, 'Z 64+500']);
  });

  test.each([
    ['NetBSD counts from the start of the disk', 0xa9, 1100, false],
    ['OpenBSD too', 0xa6, 1100, true],
    ['FreeBSD from the start of the slice', 0xa5, 100, false],
  ])('in a slice: %s', (_what, type, offset, wide) => {
    const b = disk(4096);
    putMbr(b, 0, [{ type: 0x83, start: 100, count: 800 }, { type, start: 1000, count: 2000 }]);
    putLabel(b, 1001 * SECTOR, [{ offset, size: 50, fstype: 7 }, { offset: 100, size: 800, fstype: 17 }], { wide });
    const t = tableOf(b);
    expect(usable(t)[0]).toBe('1 100+800');
    expect(usable(t)).toContain('2a 1100+50');
    expect(t?.parts.find((p) => p.id === '2')?.container).toBe(true);
  });

  test('of FreeBSD counts from the start of the disk where `c` says so', () => {
    const b = disk(4096);
    putMbr(b, 0, [{ type: 0xa5, start: 1000, count: 2000 }]);
    putLabel(b, 1001 * SECTOR, [{ offset: 1100, size: 50, fstype: 7 }, { offset: 0, size: 0, fstype: 0 }, { offset: 1000, size: 2000, fstype: 0 }]);
    expect(usable(tableOf(b))).toEqual(['1a 1100+50']);
  });

  test('of FreeBSD with a partition of no type, as bsdlabel -w makes it, has that one', () => {
    const b = disk(4096);
    putMbr(b, 0, [{ type: 0xa5, start: 0, count: 50_000, boot: true }]);
    putLabel(b, SECTOR, [{ offset: 16, size: 4080, fstype: 0 }, { offset: 0, size: 0, fstype: 0 }, { offset: 0, size: 4096, fstype: 0 }]);
    expect(usable(tableOf(b))).toEqual(['1a 16+4080']);
    putLabel(b, SECTOR, [{ offset: 16, size: 4080, fstype: 0 }, { offset: 100, size: 10, fstype: 7 }]);
    expect(usable(tableOf(b))).toEqual(['1b 100+10']);
  });

  test('of OpenBSD counts with 48 bits', () => {
    const b = disk();
    putLabel(b, 512, [{ offset: 2 ** 32 + 64, size: 2 ** 33, fstype: 7 }], { wide: true });
    const t = scanTable(new Bytes(b, SECTOR, 2 ** 45));
    expect(usable(t)).toEqual([`a ${2 ** 32 + 64}+${2 ** 33}`]);
  });

  test('in a GPT partition that is there for it gives its partitions', () => {
    const b = disk();
    putGpt(b, [{ start: 100, end: 999 }]);
    for (const at of [2 * SECTOR, b.length - 3 * SECTOR]) b.set([0xb4, 0x7c, 0x6e, 0x51, 0xcf, 0x6e, 0xd6, 0x11, 0x8f, 0xf8, 0, 0x02, 0x2d, 0x09, 0x71, 0x2b], at);
    resealEntries(b);
    putLabel(b, 101 * SECTOR, [{ offset: 10, size: 20, fstype: 7 }]);
    expect(usable(tableOf(b))).toEqual(['1a 110+20']);
  });
});

/** The entries were changed: their check, and the headers'. */
function resealEntries(b: Uint8Array): void {
  const table = Buffer.from(b);
  for (const lba of [1, b.length / SECTOR - 1]) {
    const header = b.subarray(lba * SECTOR, (lba + 1) * SECTOR);
    const at = Number(table.readBigUInt64LE(lba * SECTOR + 72)) * SECTOR;
    putU32le(header, 88, crc32(b, at, at + 8 * 128));
    sealGpt(header);
  }
}

describe("Apple's map", () => {
  const parts = [
    { start: 1, blocks: 63, name: 'Apple', type: 'Apple_partition_map' },
    { start: 64, blocks: 100, name: 'MacOS', type: 'Apple_HFS' },
    { start: 164, blocks: 300, name: 'untitled', type: 'Apple_UNIX_SVR2' },
    { start: 464, blocks: 10, name: '', type: 'Apple_Free' },
  ];

  test('gives its partitions; the map itself and free space are none', () => {
    const b = disk();
    putApple(b, parts);
    const t = tableOf(b);
    expect([t?.scheme, usable(t), t?.parts.map((p) => p.label)]).toEqual(['apple', ['2 64+100', '3 164+300'], ['Apple', 'MacOS', 'untitled', '']]);
  });

  test('of long blocks may have its entries in short steps', () => {
    const b = disk(8192);
    putApple(b, parts.slice(0, 2), 2048);
    expect(usable(tableOf(b), 2048)).toEqual(['2 64+100']);
    const short = disk(8192);
    putApple(short, parts.slice(0, 2), 2048, 512);
    expect(usable(tableOf(short))).toEqual(['2 64+100']);
  });

  test('with an absurd count or a broken entry is read to a bound', () => {
    const b = disk();
    putApple(b, parts);
    b.set([0xff, 0xff, 0xff, 0xff], SECTOR + 4);
    const m = new Bytes(b);
    expect([usable(scanTable(m)).length, scanTable(m)?.faults.length, m.reads < 50]).toEqual([2, 2, true]);
  });
});

test('numbers beyond 53 bits are beyond any disk', () => {
  const b = disk();
  putGpt(b, [{ start: 40, end: 60 }]);
  for (const at of [2 * SECTOR, b.length - 3 * SECTOR]) putU64le(b, at + 40, 2 ** 63);
  resealEntries(b);
  expect(tableOf(b)?.parts[0]?.fault).toMatch(/is not where/);
});
