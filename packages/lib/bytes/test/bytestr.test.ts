import {
  bytesOf,
  bytestrOf,
  cstringOf,
  emitBytestr,
  equalsBytestr,
  fromBytestr,
  isAscii,
  isBytestr,
  toBytestr,
} from '@anykernel/lib-bytes';
import { random } from './random.js';

const utf8 = new TextEncoder();
const text = new TextDecoder('utf-8', { ignoreBOM: true });
const latin1 = (b: string): Uint8Array => new Uint8Array(Buffer.from(b, 'latin1'));

/** Texts of every length of UTF-8, surrogates alone, in pairs and in the wrong order among them. */
const TEXTS = [
  '',
  'plain',
  'é',
  'ÿ',
  'naïve.txt',
  '߿ࠀ',
  '日本語',
  '\uffff',
  '😀',
  'a😀b',
  '\ud800',
  '\udc00',
  '\ud800x',
  '\udc00\ud800',
  '\ud83d\ud83d\ude00',
  'end\ud83d',
  '\0',
  '\ufeffbom',
];

describe('text becomes a byte string', () => {
  test.each(TEXTS.map((t) => [JSON.stringify(t), t]))('%s as TextEncoder does it', (_name, t) => {
    expect(latin1(toBytestr(t))).toEqual(utf8.encode(t));
    expect(isBytestr(toBytestr(t))).toBe(true);
  });

  test('every code point of the first two planes, as TextEncoder does it', () => {
    for (let start = 0; start < 0x2_0000; start += 0x400) {
      const points = Array.from({ length: 0x400 }, (_, i) => start + i).filter((point) => point < 0xd800 || point > 0xdfff);
      const t = String.fromCodePoint(...points);
      expect(latin1(toBytestr(t))).toEqual(utf8.encode(t));
      expect(fromBytestr(toBytestr(t))).toBe(t);
    }
  });

  test('ASCII is its own byte string', () => {
    expect(toBytestr('usr/bin')).toBe('usr/bin');
    expect([isAscii('\x7f'), isAscii('\x80'), isBytestr('\xff'), isBytestr('Ā')]).toEqual([true, false, true, false]);
  });
});

describe('a byte string becomes text', () => {
  test('every sequence of two bytes, and of three and four at the limits, as TextDecoder does it', () => {
    const limits = [
      0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4,
      0xf5, 0xff,
    ];
    const odd: string[] = [];
    const check = (...bytes: number[]): void => {
      const all = Uint8Array.from(bytes);
      if (fromBytestr(bytestrOf(all)) !== text.decode(all)) odd.push(Buffer.from(all).toString('hex'));
    };
    for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) check(a, b);
    for (const a of limits) for (const b of limits) for (const c of limits) check(a, b, c);
    for (const a of limits.filter((byte) => byte >= 0xe0))
      for (const b of limits) for (const c of limits) for (const d of limits) check(a, b, c, d);
    expect(odd).toEqual([]);
  });

  test('random bytes, as TextDecoder does it', () => {
    for (let seed = 1; seed <= 200; seed++) {
      const next = random(seed);
      const bytes = Uint8Array.from({ length: next(80) }, () => (next(3) === 0 ? next(128) : 0x80 + next(128)));
      expect({ seed, text: fromBytestr(bytestrOf(bytes)) }).toEqual({ seed, text: text.decode(bytes) });
    }
  });
});

describe('bytes and byte strings', () => {
  test('every length comes out as it went in', () => {
    const bytes = Uint8Array.from({ length: 9000 }, (_, i) => (i * 31) & 0xff);
    for (const len of [...Array(140).keys(), 255, 4095, 4096, 4097, 8192, 8999]) {
      const b = bytestrOf(bytes, 1, 1 + len);
      expect(b.length).toBe(len);
      expect(latin1(b)).toEqual(bytes.subarray(1, 1 + len));
      expect(bytesOf(b)).toEqual(bytes.subarray(1, 1 + len));
    }
    expect(bytestrOf(bytes, 5, 5)).toBe('');
    expect(bytestrOf(bytes.subarray(0, 3))).toBe(bytestrOf(bytes, 0, 3));
  });

  test('a byte string is written in its place and nowhere else', () => {
    const bytes = new Uint8Array(6).fill(9);
    expect(emitBytestr(bytes, 1, 'a\xffb')).toBe(4);
    expect([...bytes]).toEqual([9, 0x61, 0xff, 0x62, 9, 9]);
  });

  test('bytes are compared with a byte string without a copy', () => {
    const bytes = latin1('..name\xe9');
    expect(equalsBytestr(bytes, 2, 5, 'name\xe9')).toBe(true);
    expect(equalsBytestr(bytes, 2, 4, 'name\xe9')).toBe(false);
    expect(equalsBytestr(bytes, 2, 5, 'namee')).toBe(false);
    expect(equalsBytestr(bytes, 4, 5, 'me\xe9xx')).toBe(false);
  });

  test('a C string ends at its NUL, at its field, or at the end of the bytes', () => {
    const bytes = latin1('ab\0cd');
    expect([cstringOf(bytes, 0, 5), cstringOf(bytes, 0, 1), cstringOf(bytes, 3, 16), cstringOf(bytes, 2, 3)]).toEqual([
      'ab',
      'a',
      'cd',
      '',
    ]);
  });
});
