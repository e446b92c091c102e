import { describe, expect, test } from '@jest/globals';
import { putU32le } from '@anykernel/lib-bytes';
import { Bcache } from '../src/bcache.js';
import { Journal, type LogFormat, type LogPlace, type LogTransaction, type LogWrite } from '../src/journal.js';
import { Txn } from '../src/txn.js';
import { Rig, type RigOptions, difference, errnoOf, pattern } from './rig.js';

const BSIZE = 512;
const HOME = 64;
const LOG = 32;
/** The head of the log, and its blocks behind it. */
const HEAD = HOME;
const SIZE = (HOME + 1 + LOG) * BSIZE;

/** A log in miniature: head {begun, tid, pos}; transaction: {1, tid, count, freed count, block numbers...}, the blocks, {2, tid}. */
class Toy implements LogFormat {
  readonly length = LOG;

  need(count: number): number {
    return count + 2;
  }

  emit(t: LogTransaction): { phases: readonly (readonly LogWrite[])[]; next: number } {
    const at = (i: number): number => (HEAD + 1 + ((t.pos + i) % LOG)) * BSIZE;
    const words = [1, t.tid, t.bufs.length, t.freed.length, ...t.bufs.map((bp) => bp.blkno), ...t.freed];
    const body = [{ off: at(0), data: [block(words)] }, ...t.bufs.map((bp, i) => ({ off: at(i + 1), data: [bp.data] }))];
    return { phases: [body, [{ off: at(t.bufs.length + 1), data: [block([2, t.tid])] }]], next: (t.pos + t.bufs.length + 2) % LOG };
  }

  tail(oldest: LogPlace | undefined, next: LogPlace): readonly LogWrite[] {
    return [{ off: HEAD * BSIZE, data: [block(oldest === undefined ? [0, next.tid, next.pos] : [1, oldest.tid, oldest.pos])] }];
  }
}

function block(words: readonly number[]): Uint8Array {
  const b = new Uint8Array(BSIZE);
  words.forEach((w, i) => putU32le(b, 4 * i, w));
  return b;
}

/** What the toy log makes of an image after a power cut. */
function replay(image: Uint8Array): Uint8Array {
  const home = image.slice(0, HOME * BSIZE);
  const words = (b: number): Uint32Array => new Uint32Array(image.slice(b * BSIZE, (b + 1) * BSIZE).buffer);
  const [begun, first, start] = words(HEAD);
  const log = (i: number): number => HEAD + 1 + (i % LOG);
  const found: { tid: number; blocks: [number, number][] }[] = [];
  const freed = new Map<number, number>();
  for (let tid = first, pos = start; begun === 1; tid++) {
    const [kind, id, count, gone, ...list] = words(log(pos));
    if (kind !== 1 || id !== tid) break;
    const [end, endTid] = words(log(pos + count + 1));
    if (end !== 2 || endTid !== tid) break;
    found.push({ tid, blocks: list.slice(0, count).map((blkno, i) => [blkno, log(pos + 1 + i)]) });
    for (const blkno of list.slice(count, count + gone)) freed.set(blkno, tid);
    pos += count + 2;
  }
  for (const { tid, blocks } of found) {
    for (const [blkno, from] of blocks) if ((freed.get(blkno) ?? -1) < tid) home.set(image.slice(from * BSIZE, (from + 1) * BSIZE), blkno * BSIZE);
  }
  return home;
}

interface Bed {
  readonly rig: Rig;
  readonly bc: Bcache;
  readonly txn: Txn;
  readonly journal: Journal;
}

function bedOf(options: RigOptions = {}): Bed {
  const bytes = pattern(SIZE, 1);
  bytes.set(block([0, 7, 5]), HEAD * BSIZE);
  const rig = new Rig({ bytes, size: SIZE, record: 'all', ...options });
  const bc = new Bcache(rig.k, rig.disk, BSIZE);
  const txn = new Txn(bc);
  const journal = (bc.journal = new Journal(bc, new Toy(), { tid: 7, pos: 5 }));
  return { rig, bc, txn, journal };
}

/** One operation: the blocks are filled with a byte. */
function fill({ rig, bc, txn }: Bed, blknos: readonly number[], byte: number): void {
  rig.call(() =>
    txn.run(() => {
      for (const blkno of blknos) {
        const bp = bc.bread(blkno);
        txn.dirty(bp);
        bp.data.fill(byte);
      }
    }),
  );
}

describe('a journal', () => {
  test('keeps what changed from home until it is committed', () => {
    const bed = bedOf();
    fill(bed, [3, 4], 0xaa);
    const { rig, bc, journal } = bed;
    rig.call(() => bc.flush(true));
    expect(rig.image(3 * BSIZE, 1)[0]).not.toBe(0xaa);
    rig.call(() => journal.commit());
    expect(rig.image(3 * BSIZE, 1)[0]).not.toBe(0xaa);
    expect(replay(rig.image())[3 * BSIZE]).toBe(0xaa);
    rig.call(() => bc.flush(true));
    expect(rig.image(4 * BSIZE, 1)[0]).toBe(0xaa);
  });

  test('commits many operations as one transaction', () => {
    const bed = bedOf();
    for (let i = 0; i < 20; i++) fill(bed, [1, 2], i);
    expect(bed.journal.next.tid).toBe(7);
    bed.rig.call(() => bed.journal.commit());
    expect(bed.journal.next).toEqual({ tid: 8, pos: 9 });
  });

  test('commits by itself when the transaction takes a quarter of the log', () => {
    const bed = bedOf();
    for (let i = 0; i < 12; i++) fill(bed, [i], 0x11);
    expect(bed.journal.next.tid).toBeGreaterThan(7);
  });

  test('refuses an operation that is larger than the log, which has not happened then', () => {
    const bed = bedOf();
    const all = Array.from({ length: 20 }, (_, i) => i);
    expect(errnoOf(() => fill(bed, all, 0x22))).toBe('ENOSPC');
    expect(difference(bed.rig.k.run(() => bed.bc.bread(3)).data, bed.rig.image(3 * BSIZE, BSIZE))).toBeUndefined();
    expect(bed.journal.pending).toBe(false);
  });

  test('has room for the next transaction while the running one holds blocks of the oldest', () => {
    const bed = bedOf();
    const once = Array.from({ length: 21 }, (_, i) => i);
    for (const blkno of once) fill(bed, [blkno], 0x11);
    for (const blkno of once) fill(bed, [blkno, 63], 0x22);
    bed.rig.call(() => bed.journal.commit());
    expect(replay(bed.rig.image()).subarray(0, 21 * BSIZE).every((b) => b === 0x22)).toBe(true);
  });

  test('does not bring back the old contents of a block that was freed', () => {
    const bed = bedOf();
    const { rig, bc, txn, journal } = bed;
    fill(bed, [9], 0x33);
    rig.call(() => journal.commit());
    rig.call(() => txn.run(() => bc.invalidate(9)));
    rig.call(() => journal.commit());
    rig.call(() => void rig.disk.write([new Uint8Array(BSIZE).fill(0x44)], 9 * BSIZE, () => undefined));
    expect(replay(rig.image())[9 * BSIZE]).toBe(0x44);
  });

  test('keeps the record of a freed block until the free is there, too', () => {
    const bed = bedOf();
    const { rig, bc, txn, journal } = bed;
    fill(bed, [9], 0x33);
    rig.call(() => journal.commit());
    rig.call(() => txn.run(() => bc.invalidate(9)));
    // The rest of the ring is used; the free is not committed on purpose.
    expect(replay(rig.image())[9 * BSIZE]).toBe(0x33);
    expect(journal.pending).toBe(true);
  });

  test('says that it is empty once all is home', () => {
    const bed = bedOf();
    fill(bed, [1], 0x55);
    bed.rig.call(() => bed.journal.empty());
    expect(bed.rig.image(1 * BSIZE, 1)[0]).toBe(0x55);
    expect(bed.rig.image(HEAD * BSIZE, 1)[0]).toBe(0);
    expect(bed.bc.stats.dirty).toBe(0);
  });

  test('calls after() when the transaction is on stable storage', () => {
    const bed = bedOf();
    let done = 0;
    fill(bed, [1], 0x55);
    bed.journal.after(() => done++);
    expect(done).toBe(0);
    bed.rig.call(() => bed.journal.commit());
    expect(done).toBe(1);
  });

  test('seals buffers before they go anywhere', () => {
    const bed = bedOf();
    bed.bc.seal = (bufs) => {
      for (const bp of bufs) bp.data[0] = 0x99;
    };
    fill(bed, [1], 0x55);
    bed.rig.call(() => bed.journal.commit());
    expect(replay(bed.rig.image())[1 * BSIZE]).toBe(0x99);
  });

  test('fails with its device, and goes on when that is back', () => {
    const bed = bedOf();
    fill(bed, [1], 0x66);
    const { rig, journal } = bed;
    rig.sd.fail({ op: 'write', nth: 1 });
    expect(errnoOf(() => rig.call(() => journal.commit()))).toBe('EIO');
    rig.call(() => journal.commit());
    expect(replay(rig.image())[BSIZE]).toBe(0x66);
  });
});

describe.each([['a synchronous', {}], ['an asynchronous', { sync: false }]] as const)('on %s disk', (_name, options) => {
  test.each([1, 2, 3])('after a power cut anywhere, what replay finds is the state after some operation, and nothing committed is lost (seed %d)', (seed) => {
    const bed = bedOf({ seed, ...options } as RigOptions);
    const { rig, bc, journal } = bed;
    const states: Uint8Array[] = [rig.image(0, HOME * BSIZE)];
    /** Writes of the disk, and the least state that must be there from then on. */
    const promised: [number, number][] = [];
    for (let op = 1; op <= 60; op++) {
      const list = Array.from({ length: 1 + rig.rng.below(4) }, () => rig.rng.below(12));
      fill(bed, list, op);
      const state = states[op - 1].slice();
      for (const blkno of list) state.fill(op, blkno * BSIZE, (blkno + 1) * BSIZE);
      states.push(state);
      if (op % 9 === 0) {
        rig.call(() => journal.commit());
        promised.push([rig.sd.writes, op]);
      }
      if (op % 7 === 0) rig.call(() => bc.flush(false));
    }
    for (let n = 1; n <= rig.sd.writes; n++) {
      const found = replay(rig.sd.cut({ after: n, reorder: n % 2 === 0 }).bytes());
      const which = states.findLastIndex((s) => difference(s, found) === undefined);
      const least = Math.max(0, ...promised.filter(([w]) => w <= n).map(([, op]) => op));
      if (which < least) throw new Error(`cut after write ${n}: state ${which}, and ${least} was promised`);
    }
  });
});
