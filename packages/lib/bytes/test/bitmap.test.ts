import {
  bitClear,
  bitClearRange,
  bitSet,
  bitSetRange,
  bitTest,
  findOne,
  findZero,
  findZeroByte,
  findZeroRun,
  popcount,
  popcount32,
  zeroRun,
} from '@anykernel/lib-bytes';
import { random } from './random.js';

const BITS = 200;

/** A bitmap with long runs, and the same as an array of bits. */
function runs(seed: number): { map: Uint8Array; bits: number[]; next: (below: number) => number } {
  const next = random(seed);
  const map = new Uint8Array(BITS / 8);
  const bits: number[] = [];
  for (let value = next(2); bits.length < BITS; value ^= 1) for (let n = next(4) === 0 ? next(60) : next(6); n >= 0; n--) bits.push(value);
  bits.length = BITS;
  bits.forEach((bit, i) => {
    if (bit === 1) map[i >> 3]! |= 1 << (i & 7);
  });
  return { map, bits, next };
}

function asBits(map: Uint8Array): number[] {
  return Array.from({ length: map.length * 8 }, (_, i) => (bitTest(map, i) ? 1 : 0));
}

describe('a bitmap', () => {
  test('keeps bit n in bit n & 7 of byte n >> 3', () => {
    const map = new Uint8Array(3);
    bitSet(map, 0);
    bitSet(map, 9);
    bitSet(map, 23);
    expect([...map]).toEqual([0x01, 0x02, 0x80]);
    bitClear(map, 9);
    expect([...map]).toEqual([0x01, 0x00, 0x80]);
    expect([bitTest(map, 23), bitTest(map, 22)]).toEqual([true, false]);
  });

  test('sets and clears any range and nothing beside it', () => {
    for (let start = 0; start <= 40; start++) {
      for (let end = start; end <= 40; end++) {
        const inside = (i: number): boolean => i >= start && i < end;
        const map = new Uint8Array(5);
        bitSetRange(map, start, end);
        expect(asBits(map)).toEqual(Array.from({ length: 40 }, (_, i) => (inside(i) ? 1 : 0)));
        map.fill(0xff);
        bitClearRange(map, start, end);
        expect(asBits(map)).toEqual(Array.from({ length: 40 }, (_, i) => (inside(i) ? 0 : 1)));
      }
    }
  });

  test('finds and counts as a plain search over its bits does', () => {
    for (let seed = 1; seed <= 60; seed++) {
      const { map, bits, next } = runs(seed);
      for (let round = 0; round < 60; round++) {
        const start = next(BITS + 1);
        const end = start + next(BITS + 1 - start);
        const len = 1 + next(30);
        const slice = bits.slice(start, end);
        const first = (value: number): number => (slice.indexOf(value) < 0 ? -1 : start + slice.indexOf(value));
        const run = slice.findIndex((_, i) => i + len <= slice.length && !slice.slice(i, i + len).includes(1));
        const byte = slice.findIndex((_, i) => (start + i) % 8 === 0 && i + 8 <= slice.length && !slice.slice(i, i + 8).includes(1));
        expect({
          seed,
          zero: findZero(map, start, end),
          one: findOne(map, start, end),
          zeros: zeroRun(map, start, end),
          run: findZeroRun(map, start, end, len),
          byte: findZeroByte(map, start, end),
          count: popcount(map, start, end),
        }).toEqual({
          seed,
          zero: first(0),
          one: first(1),
          zeros: slice.includes(1) ? slice.indexOf(1) : slice.length,
          run: run < 0 ? -1 : start + run,
          byte: byte < 0 ? -1 : start + byte,
          count: slice.filter((bit) => bit === 1).length,
        });
      }
    }
  });

  test('finds the one odd bit in a long map, wherever the map lies in memory', () => {
    const memory = new Uint8Array(1024 + 8);
    for (const lies of [0, 1, 4, 6]) {
      const map = memory.subarray(lies, lies + 1024);
      for (const odd of [0, 1, 255 * 8, 256 * 8 + 3, 259 * 8 + 7, 260 * 8, 700 * 8 + 5, 1023 * 8 + 7]) {
        map.fill(0);
        bitSet(map, odd);
        expect([findOne(map, 0, 8192), findOne(map, 0, odd), findOne(map, odd + 1, 8192), findOne(map, odd, 8192)]).toEqual([
          odd,
          -1,
          -1,
          odd,
        ]);
        map.fill(0xff);
        bitClear(map, odd);
        expect([findZero(map, 0, 8192), findZero(map, 0, odd), findZero(map, odd + 1, 8192), findZero(map, odd, 8192)]).toEqual([
          odd,
          -1,
          -1,
          odd,
        ]);
        memory.fill(0);
      }
    }
  });

  test('does not look beyond its end', () => {
    const full = new Uint8Array(4).fill(0xff);
    const empty = new Uint8Array(4);
    expect([findZero(full, 0, 32), findZero(full, 32, 32), findOne(empty, 31, 32), findOne(empty, 5, 5)]).toEqual([-1, -1, -1, -1]);
    expect([findZero(empty, 31, 32), findOne(full, 31, 32)]).toEqual([31, 31]);
    expect([findZeroRun(empty, 0, 32, 32), findZeroRun(empty, 0, 32, 33), findZeroRun(empty, 1, 32, 32)]).toEqual([0, -1, -1]);
  });

  test('the bits of a word are counted, the sign too', () => {
    expect([0, 1, -1, 0x8000_0001, 0x5555_5555].map(popcount32)).toEqual([0, 1, 32, 2, 16]);
  });
});
