import { describe, expect, test } from '@jest/globals';
import { Rng } from '@anykernel/host-sim';
import { mustRun, oracle } from '@anykernel/tools-oracle';
import { newfs, type NewfsOptions } from '../src/index.js';
import {
  SUPER_LEN, SUPER_OFF, clampSeconds, direntCheck, direntLen, emitDirent, emitRdev, extraOf, featureNames, groupHasSuper, nanosecondsOf, parseRdev, parseSuper, secondsOf,
} from '../src/ondisk.js';
import { emitXattrBlock, emitXattrs, parseXattrBlock, parseXattrs, xattrsSize } from '../src/xattrdisk.js';
import { errnoOf, fsck, mke2fs, mounted, pattern, withImage } from './kit.js';

describe('times', () => {
  test.each([0, 1, -1, -0x80000000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000, 0x37fffffff])('%d seconds come back', (sec) => {
    const extra = extraOf(sec, 123_456_789);
    expect(secondsOf(sec >>> 0, extra)).toBe(sec);
    expect(nanosecondsOf(extra)).toBe(123_456_789);
  });
  test('beyond what fits they are cut', () => {
    expect(clampSeconds(0x80000000, false)).toBe(0x7fffffff);
    expect(clampSeconds(1e12, true)).toBe(0x37fffffff);
    expect(clampSeconds(-1e12, true)).toBe(-0x80000000);
  });
  test('nanoseconds that are none are zero', () => expect(nanosecondsOf(0xffffffff)).toBe(0));
});

test('device numbers come back, in either form', () => {
  for (const [major, minor] of [[0, 1], [1, 3], [255, 255], [256, 0], [5, 256], [4095, 1_048_575]]) expect(parseRdev(...emitRdev(major, minor))).toEqual([major, minor]);
});

test('features have their names, and those without one their bits', () => {
  expect(featureNames(0x40 | 0x200, 'incompat')).toBe('extent (0x40), flex_bg (0x200)');
  expect(featureNames(0x80000000, 'rocompat')).toBe('unknown (0x80000000)');
});

test('backups are in groups 0, 1 and the powers of 3, 5 and 7', () => {
  const s = { compat: 0, rocompat: 1, backupBgs: [0, 0] as const };
  expect(Array.from({ length: 130 }, (_, g) => g).filter((g) => groupHasSuper(s, g))).toEqual([0, 1, 3, 5, 7, 9, 25, 27, 49, 81, 125]);
});

describe('a directory entry', () => {
  test('is whole, or is none, at every length of its block', () => {
    const block = new Uint8Array(64);
    emitDirent(block, 0, 12, direntLen(5), 1, 'hello');
    expect(direntCheck(block, 0, 64, true, 100)).toBe(16);
    for (let end = 0; end < 16; end++) expect(direntCheck(block, 0, end, true, 100)).toBe(0);
    expect(direntCheck(block, 0, 64, true, 11)).toBe(0);
  });
  test('of random bytes never reaches out of its block', () => {
    const rng = new Rng(5);
    const block = new Uint8Array(256);
    let wrong = 0;
    for (let i = 0; i < 20_000; i++) {
      rng.fill(block);
      block[5] &= 1;
      const off = rng.below(64) * 4;
      const len = direntCheck(block, off, 256, true, 0xffffffff);
      if (len !== 0 && (len < 12 || off + len > 256)) wrong++;
    }
    expect(wrong).toBe(0);
  });
});

describe('extended attributes', () => {
  const list = [{ index: 1, name: 'one', value: pattern(5, 1) }, { index: 4, name: 'two', value: new Uint8Array(0) }, { index: 2, name: '', value: pattern(28, 3) }];
  test('come back from a block, sorted', () => {
    const b = new Uint8Array(1024);
    emitXattrBlock(b, list);
    expect(parseXattrBlock(b)?.map((x) => x.index)).toEqual([1, 2, 4]);
    expect(parseXattrBlock(b)?.find((x) => x.index === 2)?.value).toEqual(list[2].value);
  });
  test('come back from the smallest room that holds them, and from none smaller', () => {
    const len = xattrsSize(list);
    const b = new Uint8Array(len);
    emitXattrs(b, 0, 0, len, list);
    expect(parseXattrs(b, 0, 0, len)).toEqual(list);
    for (let end = 0; end < len - 4; end += 4) expect(parseXattrs(b, 0, 0, end)).toBeUndefined();
  });
  test('of random bytes never reach out of their block', () => {
    const rng = new Rng(6);
    const b = new Uint8Array(128);
    for (let i = 0; i < 5000; i++) {
      rng.fill(b);
      for (let at = 4; at < 128; at += 4) if (rng.below(2) === 0) b.fill(0, at, at + 4);
      for (const x of parseXattrs(b, 0, 0, 128) ?? []) expect(x.value.length).toBeLessThanOrEqual(128);
    }
  });
  oracle('mke2fs', 'e2fsck').test('with names and values of any bytes have the hashes that e2fsck expects', () => {
    const w = mounted(mke2fs(2000, ['-b', '1024']));
    w.sys.close(w.sys.open('f', 0x202, 0o644));
    for (let i = 0; i < 10; i++) w.sys.setxattr('f', `user.${'n'.repeat(i)}x`, pattern(20 + i * 3, i), 0);
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
  });
});

describe('a superblock', () => {
  test('cut short, or of random bytes, is none', () => {
    const b = image({}).subarray(SUPER_OFF, SUPER_OFF + SUPER_LEN);
    expect(typeof parseSuper(b)).toBe('object');
    for (let len = 0; len < SUPER_LEN; len += 41) expect(typeof parseSuper(b.subarray(0, len))).toBe('string');
    const rng = new Rng(7);
    const wild = new Uint8Array(SUPER_LEN);
    for (let i = 0; i < 3000; i++) {
      rng.fill(wild);
      wild.set([0x53, 0xef], 56);
      wild.fill(0, 77, 80);
      wild.fill(0, 25, 28);
      const s = parseSuper(wild);
      if (typeof s === 'object') expect(s.blocksPerGroup).toBeGreaterThan(0);
    }
  });
});

function image(options: Partial<NewfsOptions>, bytes = 3 << 20): Uint8Array {
  const b = new Uint8Array(bytes).fill(options.zeroed === true ? 0 : 0xff);
  newfs({ size: bytes, write: (off, data) => b.set(data, off) }, { time: 1_600_000_000, uuid: pattern(16, 1), hashSeed: pattern(16, 2), ...options });
  return b;
}

describe('newfs', () => {
  const OPTIONS: Readonly<Record<string, readonly [Partial<NewfsOptions>, number]>> = {
    'the defaults': [{}, 3 << 20],
    'the smallest': [{ zeroed: true }, 60 << 10],
    'blocks of 1 KiB, several groups': [{ blockSize: 1024 }, 18 << 20],
    'blocks of 2 KiB': [{ blockSize: 2048, inodeSize: 128 }, 6 << 20],
    'blocks of 4 KiB': [{ blockSize: 4096, inodeSize: 1024, label: 'a label of 16 by' }, 6 << 20],
    'revision 0': [{ revision: 0 }, 10 << 20],
    'a last group too short to be one': [{ blockSize: 1024 }, (8 << 20) + (40 << 10)],
    'copies in every group': [{ blockSize: 1024, sparseSuper: false, reservedPercent: 0 }, 18 << 20],
    'hash trees, many inodes': [{ dirIndex: true, bytesPerInode: 1024 }, 10 << 20],
    'ext4, groups that nobody has used': [{ type: 'ext4', blockSize: 1024 }, 66 << 20],
    'a length that is no multiple of a block': [{ blockSize: 4096 }, (5 << 20) + 777],
  };
  for (const [name, [options, bytes]] of Object.entries(OPTIONS)) {
    oracle('e2fsck', 'dumpe2fs').test(`${name}: clean for e2fsck, mounts, works, stays clean`, () => {
      const b = image(options, bytes);
      expect(fsck(b)).toBe('');
      if (options.label !== undefined) withImage(b, (path) => expect(mustRun('dumpe2fs', ['-h', path])).toContain(options.label));
      const w = mounted(b);
      expect(w.sys.stat('lost+found').mode).toBe(0o040700);
      for (let i = 0; i < 5; i++) w.sys.mkdir(`d${i}`, 0o755);
      w.k.halt();
      expect(fsck(w.disk.snapshot())).toBe('');
    });
  }
  test('refuses what makes no sense', () => {
    for (const o of [{ blockSize: 512 }, { inodeSize: 100 }, { uuid: new Uint8Array(3) }, { label: 'more than sixteen bytes' }, { reservedPercent: 80 }, { inodes: 0 }]) {
      expect(errnoOf(() => image(o))).toBe('EINVAL');
    }
    expect(errnoOf(() => image({}, 20 << 10))).toBe('ENOSPC');
  });
  test('an ext4 of 17 TiB is made by few writes: bitmaps of groups without files come later', () => {
    let writes = 0;
    const made = newfs({ size: 17 * 2 ** 40, write: () => void writes++ }, { type: 'ext4', time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), zeroed: true });
    expect(made.groups).toBe(139_264);
    expect(writes).toBeLessThan(100);
  });
  test('makes the same bytes each time', () => expect(Buffer.compare(image({}), image({ zeroed: false }))).toBe(0));
});
