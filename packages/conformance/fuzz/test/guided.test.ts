import { expect, test } from '@jest/globals';
import { Random, damage, guided, patched, soon } from '../src/index.js';

const SOURCES = '/packages/conformance/fuzz/test/';

function deep(b: Uint8Array): boolean {
  if (b[1] !== 0) { if (b[2] !== 0) { if (b[4] !== 0) { if (b[6] !== 0) throw new TypeError('deep'); } } }
  return b[0] === 0;
}

function loop(run: (b: Uint8Array) => boolean, runs = 400) {
  return guided({
    name: 'bytes', seeds: [new Uint8Array(64)], sources: SOURCES, change: (random, b) => patched(b, [damage(random, b, [[0, 8]])]), run, failed: (b) => `byte 1 is ${b[1]}`,
    seed: 3, runs,
  });
}

test('coverage leads to what lies behind several conditions', () => {
  expect(() => loop(deep)).toThrow(/bytes, seed 3, run \d+: TypeError: deep\nbyte 1 is \d+/);
});

test('what is not taken is counted, and a seed that is not is a mistake', () => {
  const report = loop((b) => b[0] === 0, 60);
  expect([report.runs, report.taken > 5, report.taken < 60]).toEqual([60, true, true]);
  expect(() => loop(() => false, 60)).toThrow('a sound one is not taken');
});

test('what takes more of the processor than it may is told, and waiting is none of it', () => {
  expect(soon(5000, () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20))).toBe('timed-out');
  expect(() => soon(5, () => { for (const start = process.cpuUsage(); process.cpuUsage(start).user < 10_000; ); })).toThrow(/it took \d+ ms of the processor/);
});

test('damage is the same for the same seed, and leaves the bytes alone', () => {
  const bytes = new Uint8Array(4096).fill(7);
  const draw = (seed: number) => {
    const random = new Random(seed);
    return Array.from({ length: 50 }, () => damage(random, bytes, [[100, 200]]));
  };
  expect(draw(5)).toEqual(draw(5));
  expect(draw(5)).not.toEqual(draw(6));
  expect(patched(bytes, draw(5)).length).toBe(4096);
  expect(bytes.every((b) => b === 7)).toBe(true);
});
