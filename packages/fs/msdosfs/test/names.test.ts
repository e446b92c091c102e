/** Names, short and long; and times. */
import { describe, expect, test } from '@jest/globals';
import { O_CREAT, O_EXCL, O_RDWR } from '@anykernel/lib-sys';
import { fold } from '../src/charset.js';
import { dosDate, dosFine, dosTime, secondsOfDos } from '../src/dostime.js';
import { LongName, checksumOf, emitLongPart, keptName, longSlots } from '../src/longname.js';
import { shortNameAt, shortNameFor } from '../src/shortname.js';
import { errnoOf, fresh, mounted } from './kit.js';
import { names } from '@anykernel/conformance-diskfs';

/** The short name made for `name` where the others are taken: `README~1.TXT`. */
function short(name: string, ...taken: string[]): string {
  const made = shortNameFor(name, (s) => taken.includes(s));
  return made === undefined ? '' : shortNameAt(made.bytes, 0, 0);
}

describe('short names', () => {
  test('a name of one case needs no long one', () => {
    for (const [name, bits] of [['README.TXT', 0], ['readme.txt', 0x18], ['README.txt', 0x10], ['readme.TXT', 0x08], ['A', 0], ['a1-$%.c', 0x18], ['12345678.123', 0]] as const) {
      const made = shortNameFor(name, () => false);
      expect([made?.long, made?.caseBits]).toEqual([false, bits]);
      expect(shortNameAt(made?.bytes as Uint8Array, 0, bits)).toBe(name);
    }
  });

  test('what loses nothing but its case gets no number', () => {
    expect(short('ReadMe.txt')).toBe('README.TXT');
    expect(short('Mixed')).toBe('MIXED');
    expect(short('ReadMe.txt', 'README.TXT')).toBe('README~1.TXT');
  });

  test('what loses something gets one', () => {
    expect(short('The quick brown.fox')).toBe('THEQUI~1.FOX');
    expect(short('a.b.c')).toMatch(/^AB[0-9A-F]{4}~1\.C$/);
    expect(short('archive.tar.gz')).toBe('ARCHIV~1.GZ');
    expect(short('name.html')).toBe('NAME~1.HTM');
    expect(short('.bashrc')).toBe('BASHRC~1');
    expect(short('a+b=c;d.e')).toBe('A_B_C_~1.E');
    expect(short('123456789')).toBe('123456~1');
  });

  test('the fifth of a kind gets a checksum, and what is left of nothing, too', () => {
    const taken = ['LONGNA~1.TXT', 'LONGNA~2.TXT', 'LONGNA~3.TXT'];
    expect(short('long name.txt', ...taken)).toBe('LONGNA~4.TXT');
    expect(short('long name.txt', ...taken, 'LONGNA~4.TXT')).toMatch(/^LO[0-9A-F]{4}~1\.TXT$/);
    expect(short('漢字')).toMatch(/^__[0-9A-F]{4}~1$/);
  });

  test('characters of code page 437 are kept, in capitals', () => {
    expect(short('été long')).toBe('ÉTÉLON~1');
    expect(short('naïve')).toBe('NA_VE~1');
    expect(short('ß')).toBe('ß');
  });

  test('a first byte of 5 stands for 0xe5, which would mean a free entry', () => {
    expect(shortNameAt(Uint8Array.from('\x05BC     TXT', (c) => c.charCodeAt(0)), 0, 0)).toBe('σBC.TXT');
  });
});

describe('long names', () => {
  test('go into entries and come out again, of any length', () => {
    for (let len = 1; len <= 255; len++) {
      const name = Array.from({ length: len }, (_, i) => String.fromCharCode(0x61 + ((i * 7 + len) % 26))).join('');
      const parts = longSlots(len);
      const b = new Uint8Array(32 * (parts + 1));
      b.set(Array.from('SHORT   TXT', (c) => c.charCodeAt(0)), 32 * parts);
      for (let i = 0; i < parts; i++) emitLongPart(b, 32 * i, name, parts - i, parts, checksumOf(b, 32 * parts));
      const taken = new LongName();
      for (let i = 0; i < parts; i++) taken.take(b, 32 * i);
      expect(taken.finish(b, 32 * parts)).toBe(name);
      expect(taken.count).toBe(parts);
      // Another short name, or a part that is missing: it is none.
      for (const harm of [0, 1]) {
        const c = b.slice();
        const again = new LongName();
        if (harm === 0) c[32 * parts] ^= 1;
        for (let i = harm; i < parts; i++) again.take(c, 32 * i);
        expect(again.finish(c, 32 * parts)).toBeUndefined();
      }
    }
  });

  test('the checksum is that of the specification', () => {
    // "FILENAMETXT" by hand: rotate right, add, for each of the eleven.
    let sum = 0;
    for (const c of 'FILENAMETXT') sum = (((sum & 1) << 7) | (sum >> 1)) + c.charCodeAt(0) & 0xff;
    expect(checksumOf(Uint8Array.from('FILENAMETXT', (c) => c.charCodeAt(0)), 0)).toBe(sum);
  });

  test('blanks and dots at the end do not count; some characters are in no name', () => {
    expect(keptName('a. . ')).toBe('a');
    expect(keptName(' a')).toBe(' a');
    for (const bad of ['...', ' ', 'a/b', 'a:b', 'a\u0001', 'a*', '"', 'a|b', 'q?', '<', '>', 'a\\b']) expect(keptName(bad)).toBeUndefined();
  });
});

test('case is folded by character, and none becomes ASCII by it', () => {
  expect(fold('Straße')).toBe('STRAßE');
  expect(fold('éÉ')).toBe('ÉÉ');
  expect(fold('ı')).toBe('ı');
  expect(fold('ſ')).toBe('ſ');
});

test('times come back to two seconds, dates at the ends of months and years are right', () => {
  for (const iso of ['1980-01-01T00:00:00', '1999-12-31T23:59:58', '2000-02-29T12:34:56', '2026-11-25T17:44:32', '2100-02-28T01:02:04', '2107-12-31T23:59:58']) {
    const sec = Date.parse(`${iso}Z`) / 1000;
    expect(secondsOfDos(dosDate(sec, 0), dosTime(sec, 0), 0)).toBe(sec);
    expect(secondsOfDos(dosDate(sec, 7200), dosTime(sec, 7200), 7200)).toBe(Math.min(sec, 4_354_819_198 - 7200));
  }
  expect(secondsOfDos(dosDate(0, 0), dosTime(0, 0), 0)).toBe(315_532_800);
  expect(secondsOfDos(dosDate(5e9, 0), dosTime(5e9, 0), 0)).toBe(4_354_819_198);
  expect(dosFine(1_000_000_001, 990_000_000, 0)).toBe(199);
  // Nonsense counts as the nearest.
  expect(secondsOfDos(0xffff, 0xffff, 0)).toBeGreaterThan(0);
});

describe('on a volume', () => {
  test('files are found in any case and by both names, and keep the letters that they were given', () => {
    const w = mounted(fresh(1 << 20));
    const { sys } = w;
    sys.close(sys.open('Read Me First.txt', O_CREAT | O_RDWR, 0o644));
    const { ino } = sys.stat('read me first.TXT');
    expect(sys.stat('README~1.TXT').ino).toBe(ino);
    expect(sys.stat('readme~1.txt').ino).toBe(ino);
    expect(sys.stat('Read Me First.txt. .').ino).toBe(ino);
    expect(errnoOf(() => sys.open('READ ME FIRST.TXT', O_CREAT | O_EXCL | O_RDWR, 0o644))).toBe('EEXIST');
    expect(errnoOf(() => sys.mkdir('ReadMe~1.txt', 0o755))).toBe('EEXIST');
    expect(names(sys, '.')).toEqual(['Read Me First.txt']);
    w.k.halt();
  });

  test('renaming to other letters writes the name anew, of files and directories, and keeps the file', () => {
    const w = mounted(fresh(1 << 20));
    const { sys } = w;
    sys.close(sys.open('file', O_CREAT | O_RDWR, 0o644));
    sys.mkdir('dir', 0o755);
    sys.close(sys.open('dir/inside', O_CREAT | O_RDWR, 0o644));
    const { ino } = sys.stat('file');
    sys.rename('file', 'FILE');
    sys.rename('dir', 'Dir');
    expect(names(sys, '.').sort()).toEqual(['Dir', 'FILE']);
    expect(sys.stat('file').ino).toBe(ino);
    expect(sys.stat('dIR/INSIDE').size).toBe(0);
    w.unmount();
    w.mount();
    expect(names(sys, '.').sort()).toEqual(['Dir', 'FILE']);
    w.k.halt();
  });

  test('names of 255 characters, of 511 bytes; longer ones are refused', () => {
    const w = mounted(fresh(1 << 20));
    const { sys } = w;
    for (const name of ['x'.repeat(255), 'é'.repeat(255), `${'漢'.repeat(170)}x`]) {
      sys.close(sys.open(name, O_CREAT | O_RDWR, 0o644));
      expect(names(sys, '.')).toEqual([name]);
      expect(sys.stat(name).size).toBe(0);
      sys.unlink(name);
      expect(errnoOf(() => sys.open(`${name}漢`, O_CREAT | O_RDWR, 0o644))).toBe('ENAMETOOLONG');
    }
    w.k.halt();
  });

  test('without long names, they are neither shown nor made', () => {
    const w = mounted(fresh(1 << 20));
    w.sys.mkdir('A long name', 0o755);
    w.k.halt();
    const v = mounted(w.bytes(), { args: { shortnames: 1 } });
    expect(names(v.sys, '.')).toEqual(['ALONGN~1']);
    v.sys.mkdir('Another one', 0o755);
    expect(names(v.sys, '.')).toEqual(['ALONGN~1', 'ANOTHE~1']);
    v.sys.rmdir('alongn~1');
    v.k.halt();
    const u = mounted(v.bytes());
    expect(names(u.sys, '.')).toEqual(['ANOTHE~1']);
    u.k.halt();
  });
});
