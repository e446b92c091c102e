import { describe, expect, test } from '@jest/globals';
import { type LogHeader, LOG_BSIZE, WC_BLOCKS, WC_INODES, WC_REVOCATIONS, emitBlockList, emitEmptyLog, emitHeader, emitInodeList, parseBlockList, parseHeader, parseInodeList, readReplay } from '../src/index.js';

const HEADER: LogHeader = { le: true, generation: 7, fsid: [1, -2], time: 2 ** 33 + 5, timeNsec: 9, head: 4096, tail: 1024, circOff: 1024, circSize: 65536 };

describe.each([true, false])('little-endian: %j', (le) => {
  test('headers, lists of blocks and of inodes come back', () => {
    const h = { ...HEADER, le };
    expect(parseHeader(emitHeader(h), 1 << 20)).toEqual(h);
    const blocks = Array.from({ length: 31 }, (_x, i) => ({ daddr: 2 ** 33 + i, len: 512 * (i + 1) }));
    expect(parseBlockList(emitBlockList(WC_BLOCKS, blocks, le), le)).toEqual(blocks);
    const inodes = { clear: true, inodes: Array.from({ length: 62 }, (_x, i) => [i + 2, 0o100644] as const) };
    expect(parseInodeList(emitInodeList(inodes, le), le)).toEqual(inodes);
  });

  test('the known answer: the type words spell WABL and what follows', () => {
    const words = [emitHeader({ ...HEADER, le }), emitInodeList({ clear: false, inodes: [] }, le), emitBlockList(WC_REVOCATIONS, [], le), emitBlockList(WC_BLOCKS, [], le)];
    expect(words.map((b) => new DataView(b.buffer).getUint32(0, le))).toEqual([0x5741424c, 0x5741424d, 0x5741424e, 0x5741424f]);
    expect(WC_INODES).toBe(0x5741424d);
  });
});

test('headers that make no sense are none', () => {
  const lies: Partial<LogHeader>[] = [{ head: 0 }, { tail: 0 }, { head: 100 }, { head: 1024 + 65536 }, { tail: 512 }, { circOff: 512 }, { circSize: 0 }, { circSize: 2 ** 40 }, { circSize: 1000 }];
  for (const lie of lies) expect(parseHeader(emitHeader({ ...HEADER, ...lie }), 1 << 20)).toBeUndefined();
  const b = emitHeader(HEADER);
  for (let len = 0; len < LOG_BSIZE; len += 17) expect(parseHeader(b.subarray(0, len), 1 << 20)).toBeUndefined();
});

/** A log of 64 blocks with records put at `at` of its ring. */
function logOf(records: readonly Uint8Array[], at = 0): Uint8Array {
  const log = new Uint8Array(64 * LOG_BSIZE);
  const size = 62 * LOG_BSIZE;
  let pos = at * LOG_BSIZE;
  for (const r of records) {
    for (const byte of r) {
      log[1024 + pos] = byte;
      pos = (pos + 1) % size;
    }
  }
  const end = records.length === 0 ? 0 : 1024 + pos;
  log.set(emitHeader({ ...HEADER, head: end, tail: end === 0 ? 0 : 1024 + at * LOG_BSIZE, circSize: size }), 0);
  return log;
}
const read = (log: Uint8Array) => (off: number, len: number): Uint8Array => log.slice(off, off + len);
const sector = (byte: number, count = 1): Uint8Array => new Uint8Array(LOG_BSIZE * count).fill(byte);

describe('a replay', () => {
  test.each([0, 40, 58, 61])('has the last copy of each sector, none that was revoked, and the inodes since the last list began (ring from block %d)', (at) => {
    const log = logOf([
      emitBlockList(WC_BLOCKS, [{ daddr: 10, len: 1024 }, { daddr: 20, len: 512 }], true), sector(1, 2), sector(2),
      emitInodeList({ clear: true, inodes: [[5, 1], [6, 1]] }, true),
      emitBlockList(WC_BLOCKS, [{ daddr: 11, len: 512 }, { daddr: 30, len: 512 }], true), sector(3), sector(4),
      emitBlockList(WC_REVOCATIONS, [{ daddr: 20, len: 512 }], true),
      emitInodeList({ clear: true, inodes: [[7, 1]] }, true),
      emitInodeList({ clear: false, inodes: [[8, 1]] }, true),
    ], at);
    const r = readReplay(read(log), log.length);
    if (typeof r === 'string') throw new Error(r);
    expect([...r.sectors].map(([s, b]) => [s, b[0]]).sort((a, b) => a[0] - b[0])).toEqual([[10, 1], [11, 3], [30, 4]]);
    expect(r.unlinked).toEqual([[7, 1], [8, 1]]);
  });

  test('of an empty log has nothing, and the header with the later generation counts', () => {
    const log = logOf([emitInodeList({ clear: true, inodes: [[5, 1]] }, true)]);
    log.set(emitEmptyLog(log.length, true, [1, -2], 7), 0);
    const r = readReplay(read(log), log.length);
    expect(typeof r === 'object' && r.sectors.size === 0 && r.unlinked.length === 0 && r.header.generation === 9).toBe(true);
  });

  test('of records that reach beyond the head, or are none, is refused', () => {
    const tooLong = logOf([emitBlockList(WC_BLOCKS, [{ daddr: 1, len: 65536 }], true)]);
    expect(readReplay(read(tooLong), tooLong.length)).toMatch(/makes no sense/);
    for (const bad of [sector(0), sector(0xff)]) expect(readReplay(read(logOf([bad])), 64 * LOG_BSIZE)).toMatch(/makes no sense/);
    const odd = emitBlockList(WC_BLOCKS, [{ daddr: 1, len: 512 }], true);
    new DataView(odd.buffer).setInt32(8, 32, true);
    expect(readReplay(read(logOf([odd, sector(1)])), 64 * LOG_BSIZE)).toMatch(/makes no sense/);
    expect(readReplay(read(new Uint8Array(64 * LOG_BSIZE)), 64 * LOG_BSIZE)).toMatch(/no header/);
    expect(readReplay(read(new Uint8Array(512)), 512)).toMatch(/a log of 512 bytes/);
  });
});
