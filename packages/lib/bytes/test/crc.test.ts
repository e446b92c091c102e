import { crc32 as zlibCrc32 } from 'node:zlib';
import { crc16, crc32, crc32c, crc32cUpdate, crc32Update } from '@anykernel/lib-bytes';
import { random } from './random.js';

const CHECK = new TextEncoder().encode('123456789');

/** One bit at a time: slow and evident. */
function slowly(polynomial: number, register: number, bytes: Uint8Array): number {
  let crc = register;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
  }
  return crc >>> 0;
}

describe('checks', () => {
  test("give their catalogue's value for 123456789", () => {
    expect(crc32(CHECK)).toBe(0xcbf4_3926);
    expect(crc32c(CHECK)).toBe(0xe306_9283);
    expect(crc16(0, CHECK)).toBe(0xbb3d);
    expect(crc16(0xffff, CHECK)).toBe(0x4b37);
  });

  test('CRC-32C gives the values of RFC 3720 B.4', () => {
    const ascending = Uint8Array.from({ length: 32 }, (_, i) => i);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a91_36aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8_ab43);
    expect(crc32c(ascending)).toBe(0x46dd_794e);
    expect(crc32c(ascending.toReversed())).toBe(0x113f_db5c);
  });

  test('agree with one bit at a time for every length and start', () => {
    const next = random(7);
    const bytes = Uint8Array.from({ length: 80 }, () => next(256));
    for (let start = 0; start < 9; start++) {
      for (let end = start; end <= bytes.length; end++) {
        const part = bytes.subarray(start, end);
        expect(crc32Update(0x1234_5678, bytes, start, end)).toBe(slowly(0xedb8_8320, 0x1234_5678, part));
        expect(crc32cUpdate(-1, bytes, start, end)).toBe(slowly(0x82f6_3b78, -1, part));
        expect(crc16(0xffff, bytes, start, end)).toBe(slowly(0xa001, 0xffff, part));
      }
    }
  });

  test('CRC-32 agrees with zlib', () => {
    if (zlibCrc32 === undefined) return expect(crc32(CHECK)).toBe(0xcbf4_3926);
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => (i * i) & 0xff);
    expect(crc32(bytes)).toBe(zlibCrc32(bytes));
  });

  test('of two parts are that of the whole', () => {
    const whole = ~crc32cUpdate(crc32cUpdate(-1, CHECK, 0, 4), CHECK, 4) >>> 0;
    expect(whole).toBe(crc32c(CHECK));
  });
});
