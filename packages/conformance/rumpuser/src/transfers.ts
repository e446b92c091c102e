/** Transfers of a file: positions, ends, vectors, flush. */
import { describe, expect, test } from '@jest/globals';
import type { HostFile } from '@anykernel/host-rumpuser';
import { ERR, type HostConformance, type HostSubject, eachSubject, failure, fileOf, lacks, pattern, perform } from './subject.js';

export function transferTests(conformance: HostConformance): void {
  if (lacks(conformance, 'files')) return;
  readTests(conformance);
  if (!lacks(conformance, 'writing')) {
    writeTests(conformance);
    largeTests(conformance);
  }
  positionTests(conformance);
  vectorTests(conformance);
  flushTests(conformance);
}

/** Transfers to their end, of the subject of the test at hand. */
class Transfers {
  readonly #conformance: HostConformance;
  readonly get: () => HostSubject;

  constructor(conformance: HostConformance) {
    this.#conformance = conformance;
    this.get = eachSubject(conformance);
  }

  /** A file of `len` bytes of the pattern. */
  make(len: number): Promise<HostFile> {
    return fileOf(this.#conformance, this.get(), 'f', pattern(len));
  }

  read(file: HostFile, data: Uint8Array, off: number): Promise<number> {
    return perform(this.#conformance, this.get(), (done) => file.read(data, off, done));
  }

  write(file: HostFile, data: Uint8Array, off: number): Promise<number> {
    return perform(this.#conformance, this.get(), (done) => file.write(data, off, done));
  }

  readv(file: HostFile, data: readonly Uint8Array[], off: number): Promise<number> {
    return perform(this.#conformance, this.get(), (done) => file.readv(data, off, done));
  }

  writev(file: HostFile, data: readonly Uint8Array[], off: number): Promise<number> {
    return perform(this.#conformance, this.get(), (done) => file.writev(data, off, done));
  }

  flush(file: HostFile): Promise<number> {
    return perform(this.#conformance, this.get(), (done) => file.flush(done));
  }

  /** What is in a file of at most `len` bytes. */
  async all(file: HostFile, len: number): Promise<Uint8Array> {
    const data = new Uint8Array(len);
    return data.subarray(0, await this.read(file, data, 0));
  }
}

function readTests(conformance: HostConformance): void {
  describe('reads', () => {
    const io = new Transfers(conformance);

    test.each([0, 1, 511, 512, 513, 4096, 5000])('from %d give the bytes that are there', async (off) => {
      const file = await io.make(10_000);
      const data = new Uint8Array(1111);
      expect(await io.read(file, data, off)).toBe(1111);
      expect(data).toEqual(pattern(10_000).subarray(off, off + 1111));
      file.close();
    });

    test('past the end are short, and beyond it nothing moves', async () => {
      const file = await io.make(1000);
      const data = new Uint8Array(100).fill(0xee);
      expect(await io.read(file, data, 950)).toBe(50);
      expect(data.subarray(0, 50)).toEqual(pattern(1000).subarray(950));
      expect(data.subarray(50)).toEqual(new Uint8Array(50).fill(0xee));
      expect(await io.read(file, data, 1000)).toBe(0);
      expect(await io.read(file, data, 1e12)).toBe(0);
      file.close();
    });

    test('into a view of a larger buffer leave the rest of it alone', async () => {
      const file = await io.make(100);
      const whole = new Uint8Array(300).fill(7);
      expect(await io.read(file, whole.subarray(100, 200), 0)).toBe(100);
      expect(whole.subarray(0, 100)).toEqual(new Uint8Array(100).fill(7));
      expect(whole.subarray(100, 200)).toEqual(pattern(100));
      expect(whole.subarray(200)).toEqual(new Uint8Array(100).fill(7));
      file.close();
    });
  });
}

function writeTests(conformance: HostConformance): void {
  describe('writes', () => {
    const io = new Transfers(conformance);

    test('change their bytes and no others', async () => {
      const file = await io.make(3000);
      expect(await io.write(file, pattern(777, 3), 1001)).toBe(777);
      const wanted = pattern(3000);
      wanted.set(pattern(777, 3), 1001);
      expect(await io.all(file, 4000)).toEqual(wanted);
      file.close();
    });

    test('from a view of a larger buffer take the view', async () => {
      const file = await io.make(100);
      expect(await io.write(file, pattern(300, 4).subarray(150, 160), 0)).toBe(10);
      expect((await io.all(file, 10)).subarray(0, 10)).toEqual(pattern(300, 4).subarray(150, 160));
      file.close();
    });

    test('beyond the end leave zeros between', async () => {
      const file = await io.make(10);
      expect(await io.write(file, pattern(10, 1), 1000)).toBe(10);
      const wanted = new Uint8Array(1010);
      wanted.set(pattern(10));
      wanted.set(pattern(10, 1), 1000);
      expect(await io.all(file, 2000)).toEqual(wanted);
      file.close();
    });

    test('of megabytes move whole', async () => {
      const file = await io.make(0);
      const len = 3 * 2 ** 20 + 17;
      expect(await io.write(file, pattern(len), 0)).toBe(len);
      const data = await io.all(file, len + 1);
      expect(data.length).toBe(len);
      expect(same(data, pattern(len))).toBe(true);
      file.close();
    });
  });
}

function largeTests(conformance: HostConformance): void {
  describe('positions beyond 4 GiB', () => {
    const io = new Transfers(conformance);
    const off = 5 * 2 ** 30 + 3;

    if (lacks(conformance, 'largeFiles')) {
      test('cannot be written, and the file is as it was', async () => {
        const file = await io.make(10);
        const error = await failure(conformance, io.get(), (done) => file.write(pattern(100, 5), off, done));
        expect([ERR.ENOSPC, ERR.EFBIG]).toContain(error);
        expect(await io.all(file, 100)).toEqual(pattern(10));
        expect(await io.read(file, new Uint8Array(10), off)).toBe(0);
        file.close();
      });
      return;
    }
    test('are positions', async () => {
      const file = await io.make(10);
      expect(await io.write(file, pattern(100, 5), off)).toBe(100);
      const data = new Uint8Array(200);
      expect(await io.read(file, data, off - 100)).toBe(200);
      expect(data.subarray(0, 100)).toEqual(new Uint8Array(100));
      expect(data.subarray(100)).toEqual(pattern(100, 5));
      file.close();
    });
  });
}

function positionTests(conformance: HostConformance): void {
  describe('positions', () => {
    const io = new Transfers(conformance);

    test.each([-2, 0.5, Number.NaN])('are not %d: EINVAL', async (off) => {
      const file = await io.make(10);
      const bytes = new Uint8Array(1);
      expect(await failure(conformance, io.get(), (done) => file.read(bytes, off, done))).toBe(ERR.EINVAL);
      expect(await failure(conformance, io.get(), (done) => file.readv([bytes, bytes], off, done))).toBe(ERR.EINVAL);
      if (file.writable) {
        expect(await failure(conformance, io.get(), (done) => file.write(bytes, off, done))).toBe(ERR.EINVAL);
        expect(await failure(conformance, io.get(), (done) => file.writev([bytes, bytes], off, done))).toBe(ERR.EINVAL);
      }
      file.close();
    });

    test('of -1 go on where the transfer before has ended', async () => {
      const file = await io.make(30);
      const data = new Uint8Array(20);
      expect(await io.read(file, data.subarray(0, 10), -1)).toBe(10);
      expect(await io.read(file, data.subarray(10), -1)).toBe(10);
      expect(data).toEqual(pattern(30).subarray(0, 20));
      expect(await io.read(file, data, -1)).toBe(10);
      expect(await io.read(file, data, -1)).toBe(0);
      file.close();
    });

    test('are nothing to transfers of no bytes', async () => {
      const file = await io.make(10);
      expect(await io.read(file, new Uint8Array(0), 0)).toBe(0);
      expect(await io.readv(file, [], 0)).toBe(0);
      if (file.writable) {
        expect(await io.write(file, new Uint8Array(0), 50)).toBe(0);
        expect(await io.writev(file, [], 50)).toBe(0);
      }
      expect((await io.all(file, 100)).length).toBe(10);
      file.close();
    });
  });
}

function vectorTests(conformance: HostConformance): void {
  describe('several buffers', () => {
    const io = new Transfers(conformance);

    test.each([[[100]], [[1, 512, 3, 4096, 7]], [[10, 0, 20]], [[0, 0, 5]]])('of %j bytes are one transfer', async (lengths) => {
      const file = await io.make(10_000);
      const total = lengths.reduce((sum, len) => sum + len, 0);
      const { whole, parts } = buffers(lengths);
      expect(await io.readv(file, parts, 77)).toBe(total);
      expect(whole).toEqual(pattern(10_000).subarray(77, 77 + total));
      if (!file.writable) return file.close();
      expect(await io.writev(file, parts, 5000)).toBe(total);
      expect((await io.all(file, 10_000)).subarray(5000, 5000 + total)).toEqual(whole);
      file.close();
    });

    test.each([1024, 1025, 3000])('are one transfer when they are %d', async (count) => {
      const file = await io.make(count * 3);
      const lengths = Array.from({ length: count }, () => 3);
      const back = buffers(lengths);
      expect(await io.readv(file, back.parts, 0)).toBe(count * 3);
      expect(same(back.whole, pattern(count * 3))).toBe(true);
      if (!file.writable) return file.close();
      const out = buffers(lengths);
      out.whole.set(pattern(count * 3, 8));
      expect(await io.writev(file, out.parts, 10)).toBe(count * 3);
      expect(await io.readv(file, back.parts, 10)).toBe(count * 3);
      expect(same(back.whole, out.whole)).toBe(true);
      file.close();
    });

    test('read past the end are short, within a buffer', async () => {
      const file = await io.make(100);
      const data = [new Uint8Array(30), new Uint8Array(30), new Uint8Array(30).fill(9)];
      expect(await io.readv(file, data, 60)).toBe(40);
      expect(data[0]).toEqual(pattern(100).subarray(60, 90));
      expect(data[1].subarray(0, 10)).toEqual(pattern(100).subarray(90));
      expect(data[2]).toEqual(new Uint8Array(30).fill(9));
      file.close();
    });

    test('at position -1 go on', async () => {
      const file = await io.make(40);
      const { whole, parts } = buffers([10, 5, 10]);
      expect(await io.readv(file, parts.slice(0, 2), -1)).toBe(15);
      expect(await io.readv(file, parts.slice(2), -1)).toBe(10);
      expect(whole).toEqual(pattern(40).subarray(0, 25));
      file.close();
    });
  });
}

function flushTests(conformance: HostConformance): void {
  describe('flushes', () => {
    const io = new Transfers(conformance);

    test('move nothing and leave everything', async () => {
      const file = await io.make(5000);
      expect(await io.flush(file)).toBe(0);
      expect(await io.all(file, 6000)).toEqual(pattern(5000));
      file.close();
    });

    test('of what is open for reading only move nothing either', async () => {
      (await io.make(10)).close();
      const file = io.get().host.open(io.get().path?.('f') ?? '', { read: true });
      expect(await io.flush(file)).toBe(0);
      file.close();
    });

    if (conformance.asynchronous !== true) return;
    test('and other transfers may be under way at once, and all end, each once', async () => {
      const count = 8;
      const file = await io.make(80);
      const ends = new Map<number, number>();
      const { whole, parts } = buffers(Array.from({ length: count }, () => 10));
      parts.forEach((data, index) => {
        expect(file.read(data, index * 10, (_error, moved) => ends.set(index, (ends.get(index) ?? 0) + moved))).toBe(-1);
      });
      for (let ms = 0; ends.size < count && ms < 20_000; ms++) await io.get().wait(1_000_000);
      expect([...ends.values()]).toEqual(Array.from({ length: count }, () => 10));
      expect(whole).toEqual(pattern(count * 10));
      file.close();
    });
  });
}

/** One array, and views of it of these lengths one behind the other. */
function buffers(lengths: readonly number[]): { whole: Uint8Array; parts: Uint8Array[] } {
  const whole = new Uint8Array(lengths.reduce((sum, len) => sum + len, 0));
  let off = 0;
  const parts = lengths.map((len) => whole.subarray(off, (off += len)));
  return { whole, parts };
}

/** toEqual() of megabytes takes seconds. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
