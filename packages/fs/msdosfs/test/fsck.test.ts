/** fsck: finds nothing on sound volumes; mends random damage so that fsck.fat and a mount agree. */
import { describe, expect, test } from '@jest/globals';
import { oracle, run } from '@anykernel/tools-oracle';
import { Rng } from '@anykernel/host-sim';
import { putU16le, putU32le } from '@anykernel/lib-bytes';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { type FsckReport, fsck } from '../src/index.js';
import { type FatInfo, parseBoot } from '../src/ondisk.js';
import { errnoOf, fresh, fsck as judge, mounted, pattern, withImage } from './kit.js';
import { Workload, listSys } from './workload.js';

function check(bytes: Uint8Array, repair: boolean): FsckReport {
  return fsck({ size: bytes.length, read: (off, len) => bytes.subarray(off, off + len), write: (off, data) => bytes.set(data, off) }, { repair });
}

function filled(fatBits: 12 | 16 | 32): Uint8Array {
  const w = mounted(fresh(fatBits === 16 ? 3 << 20 : 600 << 10, { fatBits, clusterSize: 512 }));
  for (const dir of ['a', 'a/b', 'c']) w.sys.mkdir(dir, 0o755);
  for (let i = 0; i < 20; i++) {
    const fd = w.sys.open(`${['a', 'a/b', 'c', '.'][i % 4]}/file number ${i}`, O_CREAT | O_RDWR, 0o644);
    w.sys.write(fd, pattern(i * 400, i));
    w.sys.close(fd);
  }
  w.k.halt();
  return w.bytes();
}

describe.each([12, 16, 32] as const)('FAT%i', (bits) => {
  test('a volume after random work is in order, and what it says of it is right', () => {
    const w = mounted(fresh(bits === 16 ? 3 << 20 : 1 << 20, { fatBits: bits, clusterSize: 512 }), { seed: 9 });
    const work = new Workload(w.sys, 9, 30_000);
    for (let i = 0; i < 150; i++) work.step();
    const paths = [...listSys(w.sys)];
    w.k.halt();
    const report = check(w.bytes(), false);
    expect(report.problems).toEqual([]);
    expect(report.clean).toBe(true);
    expect(report.files).toBe(paths.filter(([, line]) => line.startsWith('file')).length);
    expect(report.directories).toBe(1 + paths.filter(([, line]) => line === 'directory').length);
  });

  oracle('fsck.fat').test('random damage to tables and entries is mended so that nobody finds anything more', () => {
    const base = filled(bits);
    const info = parseBoot(base) as FatInfo;
    const spans = [[info.fatOff, info.fatOff + 200], [info.fatOff, info.fatOff + 200], [info.bits === 32 ? info.dataOff : info.rootOff, info.dataOff + 2048]] as const;
    let found = 0;
    for (let seed = 1; seed <= 7; seed++) {
      const rng = new Rng(seed);
      const bytes = base.slice();
      for (let n = 1 + rng.below(4); n > 0; n--) {
        const [from, to] = spans[rng.below(3)];
        // The first two entries of a table are the volume's own.
        bytes[from + 8 + rng.below(to - from - 8)] = rng.below(256);
      }
      const before = check(bytes, false);
      const untouched = bytes.slice();
      expect(check(bytes, false)).toEqual(before);
      expect(Buffer.compare(bytes, untouched)).toBe(0);
      if (before.problems.length > 0) found++;
      const repaired = check(bytes, true);
      expect(repaired.problems).toEqual(before.problems);
      if (!repaired.clean) continue;
      expect([seed, check(bytes, false).problems]).toEqual([seed, []]);
      const w = mounted(bytes);
      expect([...listSys(w.sys, true).values()].filter((line) => /^E/.test(line))).toEqual([]);
      w.k.halt();
      // fsck.fat looks at dates and characters, too, and repairs these; it must not find anything of what is ours.
      const said = withImage(bytes, (path) => run('fsck.fat', ['-n', path]).stdout);
      expect([seed, said.match(/cluster|chain|differ|orphan|Orphan|share|Truncating/gi)?.filter((m) => !/^clusters?$/i.test(m)) ?? []]).toEqual([seed, []]);
    }
    expect(found).toBeGreaterThan(3);
  });
});

test('each kind of damage is named', () => {
  const cases: Readonly<Record<string, (b: Uint8Array, info: FatInfo) => void>> = {
    'the FATs differ': (b, info) => { b[info.fatOff + info.fatLen + 100] ^= 0xff; },
    'clusters belong to no file': (b, info) => { for (let i = 0; i < 2; i++) putU16le(b, info.fatOff + i * info.fatLen + 2 * 3000, 0xffff); },
    'was not unmounted cleanly': (b) => { b[37] |= 1; },
    'parts of a long name that belongs to nothing': (b, info) => { b[info.rootOff + 4 * 32 + 13] ^= 0xff; },
  };
  for (const [what, harm] of Object.entries(cases)) {
    const b = filled(16);
    harm(b, parseBoot(b) as FatInfo);
    expect(check(b, false).problems.join('\n')).toContain(what);
    expect(check(b, true).clean).toBe(true);
    expect(check(b, false).problems).toEqual([]);
  }
  expect(judge(filled(16))).toBe('');
});

test('FSInfo that lies is put right; what is no volume is EINVAL', () => {
  const b = filled(32);
  putU32le(b, 512 + 488, 5);
  expect(check(b, true).problems.join()).toMatch(/FSInfo says that 5 clusters are free/);
  expect(check(b, false).clean).toBe(true);
  expect(errnoOf(() => check(new Uint8Array(4096), false))).toBe('EINVAL');
  expect(errnoOf(() => check(b.subarray(0, 100_000), false))).toBe('EINVAL');
});
