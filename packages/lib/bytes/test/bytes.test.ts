import * as bytes from '@anykernel/lib-bytes';

const { align, compareBytes, copyBytes, equalBytes, equalRange, hex, hexdump, howmany, isPowerOfTwo, isZero, log2, roundDown, roundUp } =
  bytes;

describe('numbers in bytes', () => {
  const view = new DataView(new ArrayBuffer(16));
  const array = new Uint8Array(view.buffer);
  const values = [0, 1, 0x7f, 0x80, 0xff, 0x1234, 0x8000, 0xffff, 0x1234_5678, 0x8000_0000, 0xffff_ffff];

  test('of 16 and 32 bits are read and written as DataView does', () => {
    for (const value of values) {
      for (const off of [0, 1, 2, 3]) {
        bytes.putU32le(array, off, value);
        expect([view.getUint32(off, true), bytes.getU32le(array, off), bytes.getI32le(array, off)]).toEqual([value, value, value | 0]);
        bytes.putU32be(array, off, value);
        expect([view.getUint32(off), bytes.getU32be(array, off), bytes.getI32be(array, off)]).toEqual([value, value, value | 0]);
        bytes.putU16le(array, off, value);
        expect([view.getUint16(off, true), bytes.getU16le(array, off)]).toEqual([value & 0xffff, value & 0xffff]);
        bytes.putU16be(array, off, value);
        expect([view.getUint16(off), bytes.getU16be(array, off)]).toEqual([value & 0xffff, value & 0xffff]);
      }
    }
  });

  test('of 64 bits are exact up to 2^53, negative ones too', () => {
    const large = [...values, 0x1_0000_0000, 0x12_3456_789a, Number.MAX_SAFE_INTEGER];
    for (const value of [...large, ...large.map((positive) => 0 - positive)]) {
      const unsigned = BigInt.asUintN(64, BigInt(value));
      bytes.putU64le(array, 3, value);
      expect([view.getBigUint64(3, true), bytes.getI64le(array, 3)]).toEqual([unsigned, value]);
      bytes.putU64be(array, 3, value);
      expect([view.getBigUint64(3), bytes.getI64be(array, 3)]).toEqual([unsigned, value]);
      if (value >= 0) expect([bytes.getU64be(array, 3), bytes.getU64le(array.toReversed(), 5)]).toEqual([value, value]);
    }
    array.fill(0xff);
    expect([bytes.getU64le(array, 0), bytes.getI64le(array, 0)]).toEqual([2 ** 64, -1]);
  });
});

describe('copies', () => {
  test('of every length go where they should and nowhere else', () => {
    const src = Uint8Array.from({ length: 80 }, (_, i) => i + 1);
    for (let len = 0; len <= 70; len++) {
      const dst = new Uint8Array(80);
      copyBytes(dst, 3, src, 5, len);
      expect([...dst]).toEqual(Array.from({ length: 80 }, (_, i) => (i >= 3 && i < 3 + len ? i + 3 : 0)));
    }
  });

  test('within one array may overlap', () => {
    for (const len of [5, 60]) {
      for (const [to, from] of [
        [0, 2],
        [2, 0],
        [7, 7],
      ] as const) {
        const array = Uint8Array.from({ length: 80 }, (_, i) => i);
        const expected = array.slice().copyWithin(to, from, from + len);
        copyBytes(array, to, array, from, len);
        expect(array).toEqual(expected);
      }
    }
  });
});

describe('comparisons', () => {
  test('are by bytes, and a beginning comes first', () => {
    const of = (...list: number[]): Uint8Array => Uint8Array.from(list);
    const sorted = [of(), of(0), of(1), of(1, 0), of(1, 255), of(2), of(255)];
    for (let i = 0; i < sorted.length; i++) {
      for (let j = 0; j < sorted.length; j++) {
        expect(Math.sign(compareBytes(sorted[i]!, sorted[j]!))).toBe(Math.sign(i - j));
        expect(equalBytes(sorted[i]!, sorted[j]!)).toBe(i === j);
      }
    }
    expect(equalRange(of(9, 1, 2), 1, of(1, 2), 0, 2)).toBe(true);
    expect([isZero(of(0, 0)), isZero(of(1, 0), 1), isZero(of(0, 1)), isZero(of())]).toEqual([true, true, false, true]);
  });
});

describe('rounding', () => {
  test('is exact beyond 32 bits', () => {
    const large = 2 ** 40 + 1;
    expect([roundUp(large, 512), roundDown(large, 512), howmany(large, 512)]).toEqual([2 ** 40 + 512, 2 ** 40, 2 ** 31 + 1]);
    expect([roundUp(Number.MAX_SAFE_INTEGER - 1, 2), howmany(0, 512), howmany(1, 512), howmany(512, 512)]).toEqual([
      Number.MAX_SAFE_INTEGER - 1,
      0,
      1,
      1,
    ]);
  });

  test('to a power of two', () => {
    expect([0, 1, 4, 5].map((value) => align(value, 4))).toEqual([0, 4, 4, 8]);
    expect([1, 2, 4096, 2 ** 31].map(isPowerOfTwo)).toEqual([true, true, true, true]);
    expect([0, -1, 3, 1.5, 6, 2 ** 32, Number.NaN].map(isPowerOfTwo)).not.toContain(true);
    expect([1, 2, 3, 1024, 2 ** 31, 2 ** 32 - 1].map(log2)).toEqual([0, 1, 1, 10, 31, 31]);
  });
});

describe('dumps', () => {
  test('look as those of hexdump -C', () => {
    const text = new TextEncoder().encode('The quick brown\n\xff!');
    expect(hexdump(text, 0x400).split('\n')).toEqual([
      '00000400  54 68 65 20 71 75 69 63  6b 20 62 72 6f 77 6e 0a  |The quick brown.|',
      '00000410  c3 bf 21                                          |..!|',
    ]);
    expect(hexdump(new Uint8Array())).toBe('');
    expect(hex(text, 0, 3)).toBe('546865');
  });
});
