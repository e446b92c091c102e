import { expect, test } from '@jest/globals';
import { constants, deflateSync } from 'node:zlib';
import { Rng } from '@anykernel/host-sim';
import { inflate } from '../src/inflate.js';
import { pattern } from './kit.js';

const SAMPLES: Readonly<Record<string, Uint8Array>> = {
  nothing: new Uint8Array(0),
  one: Uint8Array.of(7),
  zeros: new Uint8Array(100_000),
  noise: pattern(50_000, 1),
  text: new Uint8Array(Buffer.from(Array.from({ length: 8000 }, (_, i) => `line ${i % 97} of ${i}\n`).join(''))),
  'two letters': Uint8Array.from({ length: 30_000 }, (_, i) => (i * i) % 7 < 3 ? 65 : 66),
};

for (const [name, data] of Object.entries(SAMPLES)) {
  test(`${name}: what zlib has packed, at every level and by every strategy`, () => {
    for (const level of [0, 1, 6, 9]) {
      for (const strategy of [constants.Z_DEFAULT_STRATEGY, constants.Z_FIXED, constants.Z_HUFFMAN_ONLY, constants.Z_RLE]) {
        const out = new Uint8Array(data.length);
        expect(inflate(new Uint8Array(deflateSync(data, { level, strategy })), out)).toBe(data.length);
        expect(Buffer.compare(out, data)).toBe(0);
      }
    }
  });
}

test('no more comes out than there is room for', () => {
  const packed = new Uint8Array(deflateSync(new Uint8Array(10_000_000)));
  expect(inflate(packed, new Uint8Array(1000))).toBe(-1);
});

test('a stream that is cut off, at any byte, is none', () => {
  const packed = new Uint8Array(deflateSync(SAMPLES['text'] as Uint8Array));
  const out = new Uint8Array((SAMPLES['text'] as Uint8Array).length);
  for (let len = 0; len < packed.length; len += 13) expect(inflate(packed.subarray(0, len), out)).toBe(-1);
});

test('damage gives -1 or the same bytes, and never anything else', () => {
  const data = (SAMPLES['text'] as Uint8Array).subarray(0, 5000);
  const packed = new Uint8Array(deflateSync(data));
  const rng = new Rng(5);
  for (let i = 0; i < 3000; i++) {
    const bad = packed.slice();
    for (let n = 1 + rng.below(3); n > 0; n--) bad[rng.below(bad.length)] = rng.below(256);
    const out = new Uint8Array(data.length);
    const len = inflate(bad, out);
    if (len !== -1) expect([len, Buffer.compare(out, data)]).toEqual([data.length, 0]);
  }
});
