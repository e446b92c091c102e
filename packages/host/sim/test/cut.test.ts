import { describe, expect, test } from '@jest/globals';
import { type CutOptions, Rng, Sim, type SimDisk } from '../src/index.js';

const nothing = (): void => {};
const SECTOR = 512;

/**
 * A disk of 8 sectors on which this has happened: write 1 of A to sectors 0-1, write 2 of B to sector 2, flush, write 3 of C to sectors 0-3,
 * write 4 of D to sector 5, write 5 of E to sector 3.
 */
function story(options: { record?: 'flush' | 'all'; seed?: number } = {}): SimDisk {
  const disk = new Sim({ seed: options.seed ?? 1 }).disk('disk', { size: 8 * SECTOR, record: options.record ?? 'all' });
  const file = disk.open({ read: true, write: true });
  const put = (letter: string, first: number, count: number): void => {
    file.write(new Uint8Array(count * SECTOR).fill(letter.charCodeAt(0)), first * SECTOR, nothing);
  };
  put('A', 0, 2);
  put('B', 2, 1);
  file.flush(nothing);
  put('C', 0, 4);
  put('D', 5, 1);
  put('E', 3, 1);
  return disk;
}

/** One letter for each sector, '.' where it is zero, '?' where it is of several. */
function letters(disk: SimDisk, options: CutOptions): string {
  const bytes = disk.cut(options).bytes();
  let text = '';
  for (let off = 0; off < bytes.length; off += SECTOR) {
    const sector = bytes.subarray(off, off + SECTOR);
    if (!sector.every((byte) => byte === sector[0])) text += '?';
    else text += sector[0] === 0 ? '.' : String.fromCharCode(sector[0]);
  }
  return text;
}

/** All outcomes of many variants. */
function outcomes(disk: SimDisk, options: CutOptions): Set<string> {
  return new Set(Array.from({ length: 400 }, (_one, variant) => letters(disk, { ...options, variant })));
}

describe('a power cut', () => {
  test('leaves what had been written, write by write', () => {
    const disk = story();
    expect([0, 1, 2, 3, 4, 5].map((after) => letters(disk, { after }))).toEqual([
      '........',
      'AA......',
      'AAB.....',
      'CCCC....',
      'CCCC.D..',
      'CCCE.D..',
    ]);
    expect(letters(disk, {})).toBe('CCCE.D..');
  });

  test('does not change the disk', () => {
    const disk = story();
    const before = disk.snapshot();
    disk.cut({ after: 1, torn: true, reorder: true });
    expect(disk.snapshot().equals(before)).toBe(true);
    expect(disk.writes).toBe(5);
  });

  test('is told in any order of asking', () => {
    const disk = story();
    for (const after of [4, 0, 5, 2, 3, 1]) expect(letters(disk, { after })).toBe(letters(story(), { after }));
  });

  test('loses any of the writes that no flush covered, and none that one did', () => {
    const all = outcomes(story(), { after: 5, reorder: true });
    expect(all).toEqual(new Set(['AAB.....', 'AABE....', 'AAB..D..', 'AABE.D..', 'CCCC....', 'CCCE....', 'CCCC.D..', 'CCCE.D..']));
  });

  test('after a flush finds everything; before it has ended, perhaps nothing', () => {
    expect(outcomes(story(), { after: 2, reorder: true })).toEqual(new Set(['AAB.....']));
    expect(outcomes(story(), { after: 2, reorder: true, beforeFlush: true })).toEqual(
      new Set(['........', 'AA......', '..B.....', 'AAB.....']),
    );
  });

  test('tears the last write between sectors: a beginning of it, or some of it, never all', () => {
    const all = outcomes(story(), { after: 3, torn: true });
    expect(all).toContain('AAB.....');
    expect(all).toContain('CAB.....');
    expect(all).toContain('CCB.....');
    expect(all).toContain('CCC.....');
    expect(all).toContain('AABC....');
    expect(all).not.toContain('CCCC....');
    expect(all.size).toBe(15);
  });

  test('never tears a sector', () => {
    for (const outcome of outcomes(story(), { after: 5, torn: true, reorder: true })) expect(outcome).not.toContain('?');
  });

  test('tears the last write and loses others', () => {
    const all = outcomes(story(), { after: 4, torn: true, reorder: true });
    expect(all).toEqual(new Set(['AAB.....', 'CCCC....']));
  });

  test('does not tear what a flush has covered', () => {
    expect(outcomes(story(), { after: 2, torn: true })).toEqual(new Set(['AAB.....']));
  });

  test('is the same for the same seed and variant', () => {
    const run = (seed: number): string[] =>
      [...Array(20).keys()].map((variant) => letters(story({ seed }), { after: 5, reorder: true, variant }));
    expect(run(9)).toEqual(run(9));
    expect(run(9)).not.toEqual(run(10));
  });

  test('before the last flush cannot be told by a disk that records from there', () => {
    const disk = story({ record: 'flush' });
    expect(letters(disk, { after: 2 })).toBe('AAB.....');
    expect(letters(disk, { after: 4 })).toBe('CCCC.D..');
    expect(() => disk.cut({ after: 1 })).toThrow('disk disk: writes 2 to 5 are recorded, a cut after 1 cannot be told');
    expect(() => disk.cut({ after: 6 })).toThrow('cannot be told');
  });

  test('is not told by a disk that records nothing', () => {
    const disk = new Sim().disk('disk', { size: 512, record: 'none' });
    expect(() => disk.cut()).toThrow('records nothing');
  });

  test('finds what was there at a mark', () => {
    const disk = story();
    disk.mark();
    expect(letters(disk, { after: 5, reorder: true })).toBe('CCCE.D..');
    expect(disk.durable).toBe(5);
  });

  test('of a disk that grows leaves it as long as the writes made it', () => {
    const disk = new Sim().disk('disk', { size: 0, growTo: 4096, record: 'all' });
    const file = disk.open({ write: true });
    file.write(new Uint8Array(100), 0, nothing);
    file.write(new Uint8Array(100), 1000, nothing);
    expect([0, 1, 2].map((after) => disk.cut({ after }).size)).toEqual([0, 100, 1100]);
  });
});

test.each([1, 2, 3, 4, 5, 6])('whatever is written, a cut keeps what was flushed and invents nothing (seed %d)', (seed) => {
  const rng = new Rng(seed);
  const sectors = 40;
  const disk = new Sim({ seed }).disk('disk', { size: sectors * SECTOR, record: rng.below(2) === 0 ? 'all' : 'flush' });
  const file = disk.open({ write: true });
  // What each sector may hold: the newest that is durable, and all since.
  let may: Set<number>[] = Array.from({ length: sectors }, () => new Set([0]));
  for (let n = 1; n <= 120; n++) {
    const first = rng.below(sectors);
    const count = 1 + rng.below(Math.min(6, sectors - first));
    file.write(new Uint8Array(count * SECTOR).fill(n), first * SECTOR, nothing);
    for (let sector = first; sector < first + count; sector++) may[sector].add(n);
    if (rng.below(8) === 0) {
      file.flush(nothing);
      may = may.map((set) => new Set([Math.max(...set)]));
    }
    const bytes = disk.cut({ torn: rng.below(2) === 0, reorder: rng.below(2) === 0, variant: n }).bytes();
    for (let sector = 0; sector < sectors; sector++) {
      const held = bytes.subarray(sector * SECTOR, (sector + 1) * SECTOR);
      expect(held.every((byte) => byte === held[0]) && may[sector].has(held[0])).toBe(true);
    }
  }
});
