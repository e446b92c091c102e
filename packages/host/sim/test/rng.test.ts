import { describe, expect, test } from '@jest/globals';
import { Rng } from '../src/index.js';

describe('random numbers', () => {
  test('are those of xoshiro128**', () => {
    // The reference vector for the state 1, 2, 3, 4, as in the tests of Rust's rand_xoshiro.
    const wanted = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804];
    const rng = new Rng([1, 2, 3, 4]);
    expect(wanted.map(() => rng.next())).toEqual(wanted);
  });

  test('are the same for the same seed, and others for another', () => {
    const of = (seed: number): number[] => {
      const rng = new Rng(seed);
      return Array.from({ length: 8 }, () => rng.next());
    };
    expect(of(7)).toEqual(of(7));
    const firsts = [0, 1, 2, -1, 2 ** 32, 2 ** 32 + 1, 2 ** 40].map((seed) => of(seed)[0]);
    expect(new Set(firsts).size).toBe(firsts.length);
  });

  test('below n reach each of 0 to n-1, about as often', () => {
    const rng = new Rng(3);
    const counts = new Array<number>(10).fill(0);
    for (let draw = 0; draw < 10_000; draw++) counts[rng.below(10)]++;
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });

  test('fill a buffer of any length, and its bytes are of all values', () => {
    for (let len = 0; len < 9; len++) {
      const buf = new Uint8Array(len + 1).fill(0xaa);
      new Rng(len).fill(buf.subarray(0, len));
      expect(buf[len]).toBe(0xaa);
    }
    const buf = new Uint8Array(8192);
    new Rng(1).fill(buf);
    expect(new Set(buf).size).toBe(256);
  });
});
