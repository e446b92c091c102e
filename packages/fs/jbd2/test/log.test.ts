/** What the log writes, recovery finds: every kind of tag, revoked blocks, torn and foreign ones. */
import { describe, expect, test } from '@jest/globals';
import { putU32be } from '@anykernel/lib-bytes';
import type { Buf, LogWrite } from '@anykernel/rumpvfs';
import {
  B_SUPER_V2, INCOMPAT_64BIT, INCOMPAT_CSUM_V2, INCOMPAT_CSUM_V3, INCOMPAT_FAST_COMMIT, JBD2_MAGIC, JS_BSIZE, JS_CSUM_TYPE, JS_FC_BLOCKS, JS_FIRST, JS_INCOMPAT, JS_LEN, JS_MAXLEN,
  JS_SEQUENCE, JS_UUID, Jbd2Log, JournalPlace, type JournalSuper, Replay, emitRevoked, emitTags, parseJournalSuper, parseRevoked, parseTags, sealSuper,
} from '../src/index.js';

const BSIZE = 1024;
const BLOCKS = 256;
const FIRST = 100;
const LENGTH = 64;
/** Blocks for fast commits, where there are some. */
const FAST = 8;

/** A journal of LENGTH blocks in two pieces, empty, in an image of BLOCKS. */
function bed(incompat: number, wide = false, sums = false): { image: Uint8Array; place: JournalPlace; log: Jbd2Log } {
  const image = new Uint8Array(BLOCKS * BSIZE);
  const sb = new Uint8Array(BSIZE);
  putU32be(sb, 0, JBD2_MAGIC);
  putU32be(sb, 4, B_SUPER_V2);
  putU32be(sb, JS_BSIZE, BSIZE);
  putU32be(sb, JS_MAXLEN, LENGTH);
  putU32be(sb, JS_FIRST, 1);
  putU32be(sb, JS_SEQUENCE, 0xffffffff);
  putU32be(sb, JS_FC_BLOCKS, FAST);
  for (let i = 0; i < 16; i++) sb[JS_UUID + i] = i * 3;
  const plain = superOf(sb);
  putU32be(sb, JS_INCOMPAT, incompat);
  if ((incompat & (INCOMPAT_CSUM_V2 | INCOMPAT_CSUM_V3)) !== 0) {
    sb[JS_CSUM_TYPE] = 4;
    sealSuper(sb, { ...plain, incompat });
  }
  const place = new JournalPlace(BSIZE, [[FIRST, 20], [FIRST + 40, LENGTH - 20]]);
  image.set(sb, FIRST * BSIZE);
  return { image, place, log: new Jbd2Log(place, sb, superOf(sb), wide, sums) };
}

function superOf(sb: Uint8Array): JournalSuper {
  const info = parseJournalSuper(sb, LENGTH);
  if (typeof info === 'string') throw new Error(info);
  return info;
}

function buf(blkno: number, byte: number, magic = false): Buf {
  const data = new Uint8Array(BSIZE).fill(byte);
  if (magic) putU32be(data, 0, JBD2_MAGIC);
  return { blkno, data } as Buf;
}

function put(image: Uint8Array, writes: readonly LogWrite[]): void {
  for (const w of writes) {
    let at = w.off;
    for (const b of w.data) {
      image.set(b, at);
      at += b.length;
    }
  }
}

interface Given {
  readonly bufs: readonly Buf[];
  readonly freed?: readonly number[];
}

/** Writes transactions one after another, the first as `begin`; returns where each ended. */
function write(image: Uint8Array, log: Jbd2Log, list: readonly Given[], pos = 0): number[] {
  const ends: number[] = [];
  const first = { tid: 0xffffffff, pos };
  put(image, log.tail(first, first));
  for (const [i, { bufs, freed }] of list.entries()) {
    const tid = (0xffffffff + i) >>> 0;
    const { phases, next } = log.emit({ tid, pos, bufs, freed: freed ?? [], oldest: first });
    for (const phase of phases) put(image, phase);
    pos = next;
    ends.push(pos);
  }
  return ends;
}

function replay(image: Uint8Array, place: JournalPlace): ReturnType<Replay['run']> {
  const sb = image.slice(FIRST * BSIZE, (FIRST + 1) * BSIZE);
  const info = parseJournalSuper(sb, place.count);
  if (typeof info === 'string') return info;
  const move = (data: readonly Uint8Array[], off: number, read: boolean): number => {
    let at = off;
    for (const b of data) {
      if (read) b.set(image.subarray(at, at + b.length));
      else image.set(b, at);
      at += b.length;
    }
    return at - off;
  };
  const k = { sleep: (): never => { throw new Error('asleep'); }, wakeup: () => undefined };
  const disk = { size: image.length, k, read: (d: readonly Uint8Array[], off: number) => move(d, off, true), write: (d: readonly Uint8Array[], off: number) => move(d, off, false), flush: () => undefined };
  return new Replay(disk, place, sb, info, FIRST).run();
}

const FORMATS: readonly (readonly [string, number])[] = [
  ['no features', 0],
  ['64bit', INCOMPAT_64BIT],
  ['checksums of version 2', INCOMPAT_CSUM_V2],
  ['checksums of version 2, 64bit', INCOMPAT_CSUM_V2 | INCOMPAT_64BIT],
  ['checksums of version 3', INCOMPAT_CSUM_V3],
  ['checksums of version 3, 64bit', INCOMPAT_CSUM_V3 | INCOMPAT_64BIT],
];

describe.each(FORMATS)('%s', (_name, incompat) => {
  test('tags and revoked blocks come back as they went', () => {
    const { log, image } = bed(incompat);
    expect(log.need(3, 0)).toBe(5);
    const info = { ...superOf(image.slice(FIRST * BSIZE)), incompat };
    const high = (incompat & INCOMPAT_64BIT) !== 0 ? 2 ** 40 : 0;
    const sum = (incompat & INCOMPAT_CSUM_V3) !== 0 ? 0xdeadbeef : (incompat & INCOMPAT_CSUM_V2) !== 0 ? 0xbeef : 0;
    const b = new Uint8Array(BSIZE);
    emitTags(b, info, 7, [{ blkno: high + 5, flags: 1, sum }, { blkno: 9, flags: 0, sum }]);
    expect(parseTags(b, info).map((t) => [t.blkno, t.flags & 1, t.sum])).toEqual([[high + 5, 1, sum], [9, 0, sum]]);
    const r = new Uint8Array(BSIZE);
    emitRevoked(r, info, 7, [high + 3, 4]);
    expect(parseRevoked(r, info)).toEqual([high + 3, 4]);
  });

  test('what was committed comes home, escaped blocks as they were, round the end of the ring', () => {
    const { image, place, log } = bed(incompat);
    write(image, log, [{ bufs: [buf(3, 1), buf(4, 2, true)] }, { bufs: [buf(3, 5), buf(9, 6)] }], LENGTH - 4);
    expect(replay(image, place)).toEqual({ transactions: 2, blocks: 3 });
    expect([image[3 * BSIZE], image[4 * BSIZE + 4], image[9 * BSIZE]]).toEqual([5, 2, 6]);
    expect(image.subarray(4 * BSIZE, 4 * BSIZE + 4)).toEqual(buf(4, 2, true).data.subarray(0, 4));
    // Once is enough.
    expect(replay(image, place)).toEqual({ transactions: 0, blocks: 0 });
  });

  test('a block that was revoked does not, unless it was written again', () => {
    const { image, place, log } = bed(incompat);
    write(image, log, [{ bufs: [buf(3, 1), buf(4, 1)] }, { bufs: [buf(5, 1)], freed: [3, 4] }, { bufs: [buf(4, 7)] }]);
    expect(replay(image, place)).toEqual({ transactions: 3, blocks: 2 });
    expect([image[3 * BSIZE], image[4 * BSIZE], image[5 * BSIZE]]).toEqual([0, 7, 1]);
  });

  test('a transaction without its commit block has not happened', () => {
    const { image, place, log } = bed(incompat);
    const [, end] = write(image, log, [{ bufs: [buf(3, 1)] }, { bufs: [buf(3, 2)] }]);
    const at = place.off(end! === 0 ? LENGTH - 1 : end!);
    image.fill(0, at, at + BSIZE);
    expect(replay(image, place)).toEqual({ transactions: 1, blocks: 1 });
    expect(image[3 * BSIZE]).toBe(1);
  });

  test('more buffers than a descriptor names take several', () => {
    const { image, place, log } = bed(incompat);
    const bufs = Array.from({ length: 50 }, (_, i) => buf(2 + i, 10 + i));
    expect(log.need(500, 0)).toBeGreaterThan(503);
    write(image, log, [{ bufs }]);
    expect(replay(image, place)).toEqual({ transactions: 1, blocks: 50 });
    expect(image[51 * BSIZE]).toBe(59);
  });
});

test('a committed block with a wrong checksum stops recovery before it writes', () => {
  const { image, place, log } = bed(0, false, true);
  write(image, log, [{ bufs: [buf(3, 1), buf(4, 1)] }]);
  image[place.off(3)] = 99;
  expect(replay(image, place)).toMatch(/block 4 has a wrong checksum/);
  expect(image[3 * BSIZE]).toBe(0);
});

test('a block that is not there stops it, too', () => {
  const { image, place, log } = bed(0);
  write(image, log, [{ bufs: [buf(FIRST, 1)] }]);
  expect(replay(image, place)).toMatch(/there is not/);
});

test('fast commits of the transaction that would come next are refused by name; old ones are no matter', () => {
  const { image, place, log } = bed(INCOMPAT_FAST_COMMIT);
  expect(log.length).toBe(LENGTH - 1 - FAST);
  write(image, log, [{ bufs: [buf(3, 1)] }]);
  // Tag 9, length 8, features, the transaction: all little-endian, one block behind the ring.
  const head = (tid: number): void => image.set([9, 0, 8, 0, 0, 0, 0, 0, tid, 0, 0, 0], place.off(LENGTH - FAST + 1));
  head(0);
  expect(replay(image, place)).toMatch(/fast commits/);
  head(77);
  expect(replay(image, place)).toEqual({ transactions: 1, blocks: 1 });
});

test('nonsense is none', () => {
  const { image, place } = bed(0);
  const good = image.slice(FIRST * BSIZE, FIRST * BSIZE + JS_LEN);
  for (const [off, value] of [[0, 0], [4, 9], [JS_MAXLEN, 1000], [JS_FIRST, 0], [JS_FIRST, 63], [28, 5000], [JS_INCOMPAT, 0x80]] as const) {
    const b = good.slice();
    putU32be(b, off, value);
    expect(typeof parseJournalSuper(b, place.count)).toBe('string');
  }
  for (let len = 0; len < JS_LEN; len += 37) expect(typeof parseJournalSuper(good.subarray(0, len), place.count)).toBe('string');
});
