/** Reads, writes and flushes. */
import { describe, expect, test } from '@jest/globals';
import { ERR } from '@anykernel/lib-sys';
import { type Driver, errnoOf, pattern } from './subject.js';

/** Runs `body` with the device open. */
async function opened(get: () => Driver, body: (d: Driver) => Promise<void>): Promise<void> {
  const d = get();
  d.open();
  await body(d);
  d.close();
}

export function transferTests(get: () => Driver, asynchronous: boolean): void {
  describe('transfers', () => {
    test('what was written is read', () =>
      opened(get, async (d) => {
        const data = pattern(d.secsize * 8, 2);
        expect(await d.write([data], 0)).toBe(data.length);
        const got = new Uint8Array(data.length);
        expect(await d.read([got], 0)).toBe(data.length);
        expect(got).toEqual(data);
      }));

    test(asynchronous ? 'a transfer ends later, and its completion is called once' : 'a transfer ends at once, and its completion is not called', () =>
      opened(get, async (d) => {
        await d.write([pattern(d.secsize, 3)], 0);
        expect(d.late).toBe(asynchronous);
        await d.read([new Uint8Array(d.secsize)], 0);
        expect(d.late).toBe(asynchronous);
        for (let i = 0; i < 5; i++) await d.subject.settle();
        expect(d.completions).toBe(asynchronous ? 2 : 0);
      }));

    test('a write touches nothing beside it', () =>
      opened(get, async (d) => {
        const s = d.secsize;
        const all = pattern(s * 6, 4);
        await d.write([all], 0);
        await d.write([new Uint8Array(s * 2).fill(0xee)], s * 2);
        all.fill(0xee, s * 2, s * 4);
        const got = new Uint8Array(s * 6);
        await d.read([got], 0);
        expect(got).toEqual(all);
      }));

    test('several buffers are one transfer, in their order, wherever their borders are', () =>
      opened(get, async (d) => {
        const data = pattern(d.secsize * 4, 5);
        const parts = [data.subarray(0, 7), data.subarray(7, d.secsize + 1), data.subarray(d.secsize + 1)];
        expect(await d.write(parts, d.secsize)).toBe(data.length);
        const got = [new Uint8Array(d.secsize * 3 - 5), new Uint8Array(5), new Uint8Array(0), new Uint8Array(d.secsize)];
        expect(await d.read(got, d.secsize)).toBe(data.length);
        expect(Uint8Array.from(got.flatMap((b) => [...b]))).toEqual(data);
      }));

  });
}

export function placeTests(get: () => Driver): void {
  describe('where a transfer may be', () => {
    test('the last sector can be written and read', () =>
      opened(get, async (d) => {
        const last = d.size - (d.size % d.secsize || d.secsize);
        const data = pattern(d.size - last, 6);
        await d.write([data], last);
        const got = new Uint8Array(data.length);
        await d.read([got], last);
        expect(got).toEqual(data);
      }));

    test('two transfers under way at once both end right', () =>
      opened(get, async (d) => {
        const a = pattern(d.secsize * 2, 7);
        const b = pattern(d.secsize * 2, 8);
        await Promise.all([d.write([a], 0), d.write([b], d.secsize * 4)]);
        const got = [new Uint8Array(a.length), new Uint8Array(b.length)] as const;
        await Promise.all([d.read([got[0]], 0), d.read([got[1]], d.secsize * 4)]);
        expect(got).toEqual([a, b]);
      }));

    test('nothing to move moves nothing', () =>
      opened(get, async (d) => {
        expect(await d.read([], 0)).toBe(0);
      }));
  });
}

export function refusalTests(get: () => Driver): void {
  describe('refusals', () => {
    test('a position that is not in whole sectors is EINVAL', () =>
      opened(get, async (d) => {
        const b = new Uint8Array(d.secsize);
        for (const off of [1, d.secsize - 1, d.secsize + 256]) {
          expect(await errnoOf(() => d.read([b], off))).toBe(ERR.EINVAL);
          expect(await errnoOf(() => d.write([b], off))).toBe(ERR.EINVAL);
        }
      }));

    test('a length that is not in whole sectors is EINVAL', () =>
      opened(get, async (d) => {
        for (const len of [1, d.secsize - 1, d.secsize + 1]) {
          expect(await errnoOf(() => d.read([new Uint8Array(len)], 0))).toBe(ERR.EINVAL);
          expect(await errnoOf(() => d.write([new Uint8Array(len)], 0))).toBe(ERR.EINVAL);
        }
      }));

    test('what lies outside of the device, in part or in whole, is EINVAL, and nothing is written', () =>
      opened(get, async (d) => {
        const s = d.secsize;
        const end = d.size - (d.size % s);
        await d.write([new Uint8Array(s).fill(1)], end - s);
        for (const off of [end - s, end, end + s, -s, 2 ** 52]) {
          expect(await errnoOf(() => d.read([new Uint8Array(s * 2)], off))).toBe(ERR.EINVAL);
          expect(await errnoOf(() => d.write([new Uint8Array(s * 2).fill(2)], off))).toBe(ERR.EINVAL);
        }
        const got = new Uint8Array(s);
        await d.read([got], end - s);
        expect(got).toEqual(new Uint8Array(s).fill(1));
      }));
  });
}

export function flushTests(get: () => Driver): void {
  describe('flush', () => {
    test('moves nothing, and may follow anything', () =>
      opened(get, async (d) => {
        expect(await d.flush()).toBe(0);
        await d.write([pattern(d.secsize, 9)], 0);
        expect(await d.flush()).toBe(0);
        expect(await d.flush()).toBe(0);
      }));
  });
}
