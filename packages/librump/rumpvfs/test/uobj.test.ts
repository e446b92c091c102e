import { describe, expect, test } from '@jest/globals';
import type { Rng } from '@anykernel/host-sim';
import { Uio } from '@anykernel/rumpkern';
import { Bcache } from '../src/bcache.js';
import { FileCache } from '../src/filecache.js';
import { Txn } from '../src/txn.js';
import { pagedUobj } from '../src/pageduobj.js';
import { Uobj } from '../src/uobj.js';
import { uobjDiscard, uobjSeek } from '../src/uobjholes.js';
import { ModelFile } from './modelfile.js';
import { Rig, difference, errnoOf, pattern } from './rig.js';

const DISK = 2 << 20;
const MAX = 600_000;

function randomBytes(rng: Rng, len: number): Uint8Array {
  const b = new Uint8Array(len);
  rng.fill(b);
  return b;
}

/** Random operations on a file; each read, and the disk after each flush, must be what the model says. */
function randomFile(sync: boolean, bshift: number, seed: number, rounds: number): void {
  const rig = new Rig({ sync, seed, size: DISK, bytes: pattern(DISK, seed), latencyNs: [1000, 500_000], memLimitBytes: 1 << 20 });
  const { rng } = rig;
  const f = new ModelFile(rig, bshift, MAX);
  const cache = FileCache.of(rig.k);
  cache.limit = 256 << 10;
  const len = (): number => 1 + rng.below(rng.below(3) === 0 ? 150_000 : 9000);
  let what = '';
  const same = (a: Uint8Array, b: Uint8Array): void => expect(`${what}: ${difference(a, b)}`).toBe(`${what}: undefined`);
  for (let round = 0; round < rounds; round++) {
    const off = rng.below(4) === 0 ? rng.below(MAX) : rng.below(Math.min(MAX, f.size + 20_000));
    const n = Math.min(len(), MAX - off);
    const op = rng.below(12);
    what = `sync ${sync} bshift ${bshift} seed ${seed} round ${round} op ${op} off ${off} len ${n} size ${f.size}`;
    if (op <= 3) f.write(off, randomBytes(rng, n));
    else if (op <= 7) {
      const { got, want } = f.read(off, n);
      same(got, want);
    } else if (op === 8) f.truncate(rng.below(3) === 0 ? off : Math.min(MAX, f.size));
    else if (op === 9) f.discard(off, n);
    else if (op === 10 && rng.below(2) === 0) f.zero(off, n);
    else if (op === 10) rig.k.run(() => cache.reclaim(rng.below(200_000)));
    else if (rng.below(3) === 0) rig.call(() => f.u.flush(0, 0, false));
    else if (rng.below(2) === 0) {
      rig.call(() => f.u.flush(off, n, true));
      same(f.onDisk().subarray(off, off + n), f.want.subarray(off, Math.min(off + n, f.size)));
    } else {
      rig.call(() => f.u.flush(0, 0, true));
      expect(`${what} dirty: ${f.u.dirty}`).toBe(`${what} dirty: false`);
      same(f.onDisk(), f.want.subarray(0, f.size));
    }
    if (rng.below(4) === 0) rig.sim.advance(200_000);
  }
  rig.call(() => f.u.flush(0, 0, true));
  same(f.onDisk(), f.want.subarray(0, f.size));
  f.u.drop();
  rig.sim.runUntilIdle();
  expect(`${what}: ${rig.k.mem.used} ${cache.used} ${cache.dirty} ${f.u.pages}`).toBe(`${what}: 0 0 0 0`);
}

describe('a file behind a pager', () => {
  for (const sync of [true, false]) {
    for (const bshift of [9, 10, 12, 13, 16]) {
      test(`holds what was written, after any operations, on ${sync ? 'a synchronous' : 'an asynchronous'} device with blocks of ${1 << bshift}`, () => {
        for (let seed = 1; seed <= 3; seed++) randomFile(sync, bshift, seed, 150);
      });
    }
  }
});

/** The same where the disk fails now and then: what is read is right or refused, and nothing that was written is lost. */
function failingFile(sync: boolean, bshift: number, seed: number): void {
  const rig = new Rig({ sync, seed, size: DISK, bytes: pattern(DISK, seed), latencyNs: [1000, 500_000], memLimitBytes: 1 << 20 });
  const { rng } = rig;
  const f = new ModelFile(rig, bshift, MAX);
  FileCache.of(rig.k).limit = 256 << 10;
  let what = '';
  const same = (a: Uint8Array, b: Uint8Array): void => expect(`${what}: ${difference(a, b)}`).toBe(`${what}: undefined`);
  const failing = (): void => void rig.sd.fail({ op: rng.below(2) === 0 ? 'any' : 'read', probability: 0.3 });
  f.write(0, randomBytes(rng, 300_000));
  for (let round = 0; round < 120; round++) {
    const off = rng.below(300_000);
    const n = 1 + rng.below(60_000);
    const op = rng.below(8);
    what = `sync ${sync} bshift ${bshift} seed ${seed} round ${round} op ${op} off ${off} len ${n}`;
    if (rng.below(4) === 0) failing();
    if (op <= 3) {
      const buf = new Uint8Array(n);
      const uio = new Uio().init(buf, off, 'read');
      const code = errnoOf(() => rig.call(() => f.u.read(uio, f.size)));
      expect(['EIO', undefined]).toContain(code);
      same(buf.subarray(0, uio.moved), f.want.subarray(off, off + (code === undefined ? Math.min(n, f.size - off) : uio.moved)));
    } else if (op <= 5) {
      const data = randomBytes(rng, n);
      const uio = new Uio().init(data, off, 'write');
      const code = errnoOf(() =>
        rig.call(() => {
          f.u.prepare(uio.offset, uio.resid, f.size);
          f.allocate(off, uio.moved + uio.resid);
          f.u.write(uio, uio.resid, f.size);
        }),
      );
      expect(['EIO', 'ENOMEM', undefined]).toContain(code);
      f.want.set(data.subarray(0, uio.moved), off);
      f.size = Math.max(f.size, off + uio.moved);
    } else if (op === 6) errnoOf(() => rig.call(() => f.u.flush(0, 0, rng.below(2) === 0)));
    else rig.k.run(() => FileCache.of(rig.k).reclaim(rng.below(200_000)));
    if (rng.below(2) === 0) rig.sd.mend();
    if (rng.below(3) === 0) rig.sim.advance(300_000);
  }
  rig.sd.mend();
  rig.sim.runUntilIdle();
  errnoOf(() => rig.call(() => f.u.flush(0, 0, true)));
  rig.call(() => f.u.flush(0, 0, true));
  same(f.onDisk(), f.want.subarray(0, f.size));
}

describe('a file on a disk that fails now and then', () => {
  for (const sync of [true, false]) {
    for (const bshift of [10, 12]) {
      test(`is read right or refused, and loses nothing, on ${sync ? 'a synchronous' : 'an asynchronous'} device with blocks of ${1 << bshift}`, () => {
        for (let seed = 1; seed <= 4; seed++) failingFile(sync, bshift, seed);
      });
    }
  }
});

/** Several files and a buffer cache on one disk, one limit and one memory: while a call sleeps, others go on. */
function severalFiles(seed: number): void {
  const part = 1 << 20;
  const rig = new Rig({ sync: false, seed, size: 4 * part, bytes: pattern(4 * part, seed), latencyNs: [1000, 500_000], memLimitBytes: 1 << 20 });
  const { rng } = rig;
  const cache = FileCache.of(rig.k);
  cache.limit = 256 << 10;
  const files = [9, 12, 12].map((bshift, i) => new ModelFile(rig, bshift, 300_000, (i + 1) * part, (i + 2) * part));
  const bc = new Bcache(rig.k, rig.disk, 1024, 64);
  const txn = new Txn(bc);
  const fresh = pattern(part, seed);
  const blocks = new Uint8Array(200).map((_x, i) => fresh[i * 1024]);
  const busy = new Set<unknown>();
  let depth = 0;
  let what = '';
  const fileStep = (f: ModelFile): void => {
    const off = rng.below(250_000);
    const n = 1 + rng.below(rng.below(3) === 0 ? 50_000 : 5000);
    const op = rng.below(10);
    what = `seed ${seed} op ${op} off ${off} len ${n} size ${f.size}`;
    const told = what;
    if (op <= 3) f.write(off, randomBytes(rng, n));
    else if (op <= 6) {
      const { got, want } = f.read(off, n);
      expect(`${told}: ${difference(got, want)}`).toBe(`${told}: undefined`);
    } else if (op === 7) f.truncate(rng.below(2) === 0 ? off : f.size);
    else if (op === 8) f.discard(off, n);
    else {
      rig.call(() => f.u.flush(0, 0, true));
      expect(`${told}: ${difference(f.onDisk(), f.want.subarray(0, f.size))}`).toBe(`${told}: undefined`);
    }
  };
  const blockStep = (): void => {
    const list = Array.from({ length: 1 + rng.below(5) }, () => rng.below(blocks.length));
    const value = rng.below(256);
    const seen = rig.call(() =>
      txn.run(() =>
        list.map((blkno) => {
          const bp = bc.bread(blkno);
          const was = bp.data[0];
          txn.dirty(bp, 0, 1);
          bp.data[0] = value;
          return was;
        }),
      ),
    );
    const now = blocks.slice();
    for (const [i, blkno] of list.entries()) {
      expect(`seed ${seed} block ${blkno}: ${seen[i]}`).toBe(`seed ${seed} block ${blkno}: ${now[blkno]}`);
      now[blkno] = value;
    }
    blocks.set(now);
    if (rng.below(8) === 0) rig.call(() => bc.flush(rng.below(2) === 0));
  };
  const step = (): void => {
    const free = [...files, bc].filter((x) => !busy.has(x));
    const x = free[rng.below(free.length)];
    busy.add(x);
    depth++;
    if (x instanceof ModelFile) fileStep(x);
    else blockStep();
    depth--;
    busy.delete(x);
  };
  rig.whileAsleep = () => {
    if (depth < 4 && rng.below(2) === 0) step();
  };
  for (let round = 0; round < 150; round++) step();
  rig.whileAsleep = undefined;
  for (const f of files) {
    rig.call(() => f.u.flush(0, 0, true));
    expect(`seed ${seed}: ${difference(f.onDisk(), f.want.subarray(0, f.size))}`).toBe(`seed ${seed}: undefined`);
    f.u.drop();
  }
  rig.call(() => bc.flush(true));
  const image = rig.image(0, part);
  expect(`seed ${seed}: ${blocks.findIndex((b, i) => image[i * 1024] !== b)}`).toBe(`seed ${seed}: -1`);
  bc.close();
  rig.sim.runUntilIdle();
  expect(`seed ${seed}: ${rig.k.mem.used} ${cache.used} ${cache.dirty} ${rig.k.sleepq.count}`).toBe(`seed ${seed}: 0 0 0 0`);
}

test('several files and a buffer cache on one slow disk, with little memory, do not disturb each other', () => {
  for (let seed = 1; seed <= 6; seed++) severalFiles(seed);
});

describe('a file in memory alone', () => {
  /** Pages that a model says are there: those that were written and not discarded since. */
  function randomMemory(seed: number): void {
    const rig = new Rig({ seed });
    const { rng, k } = rig;
    const max = 400_000;
    const u = new Uobj(k);
    const want = new Uint8Array(max);
    const there = new Set<number>();
    let size = 0;
    for (let round = 0; round < 300; round++) {
      const off = rng.below(max);
      const n = 1 + rng.below(Math.min(max - off, rng.below(3) === 0 ? 150_000 : 9000));
      const op = rng.below(9);
      const what = `seed ${seed} round ${round} op ${op} off ${off} len ${n} size ${size}`;
      if (op <= 3) {
        const data = randomBytes(rng, n);
        u.write(new Uio().init(data, off, 'write'), n, size);
        want.set(data, off);
        for (let p = off >> 12; p <= (off + n - 1) >> 12; p++) there.add(p);
        size = Math.max(size, off + n);
      } else if (op <= 6) {
        const buf = new Uint8Array(n).fill(0xdd);
        const uio = new Uio().init(buf, off, 'read');
        u.read(uio, size);
        const len = Math.max(0, Math.min(n, size - off));
        expect(`${what}: ${uio.moved} ${difference(buf.subarray(0, len), want.subarray(off, off + len))}`).toBe(`${what}: ${len} undefined`);
      } else if (op === 7) {
        size = rng.below(2) === 0 ? off : size;
        u.truncate(size);
        want.fill(0, size);
        for (const p of there) if (p * 4096 >= size) there.delete(p);
      } else {
        uobjDiscard(u, off, n);
        want.fill(0, off, off + n);
        for (const p of there) if (p * 4096 >= off && (p + 1) * 4096 <= off + n) there.delete(p);
      }
      expect(`${what}: ${u.pages} pages`).toBe(`${what}: ${there.size} pages`);
    }
    u.drop();
    expect(`seed ${seed}: ${k.mem.used} ${u.pages}`).toBe(`seed ${seed}: 0 0`);
  }

  test('holds what was written, and counts its pages, after any operations', () => {
    for (let seed = 1; seed <= 10; seed++) randomMemory(seed);
  });

  test('takes memory for what was written only, however far apart', () => {
    const { k } = new Rig();
    const u = new Uobj(k);
    for (let i = 0; i < 100; i++) u.write(new Uio().init(new Uint8Array(10).fill(i), i * 2 ** 33, 'write'), 10, 0);
    expect([u.pages, k.mem.used]).toEqual([100, 100 * 4096]);
    const buf = new Uint8Array(10);
    u.read(new Uio().init(buf, 7 * 2 ** 33, 'read'), 2 ** 40);
    expect([...buf]).toEqual(new Array(10).fill(7));
    u.drop();
    expect(k.mem.used).toBe(0);
  });

  test('tells where its bytes are, and where nothing is', () => {
    const { k } = new Rig();
    const u = new Uobj(k);
    const far = 2 ** 40;
    for (const off of [8192, 200_000, far]) u.write(new Uio().init(new Uint8Array(10), off, 'write'), 10, 0);
    const size = far + 10;
    const data: number[] = [];
    const holes: number[] = [];
    for (let at = 0; at < size; at = holes[holes.length - 1] as number) {
      data.push(uobjSeek(u, at, size, true));
      holes.push(uobjSeek(u, data[data.length - 1] as number, size, false));
    }
    expect(data).toEqual([8192, 196_608, far]);
    expect(holes).toEqual([12_288, 200_704, size]);
    expect([uobjSeek(u, 300_000, 400_000, true), uobjSeek(u, 8200, size, true), uobjSeek(u, 100, size, false)]).toEqual([400_000, 8200, 100]);
  });

  test('a write that memory does not suffice for is ENOMEM, and what was moved before it stands', () => {
    const { k } = new Rig({ memLimitBytes: 256 << 10 });
    const u = new Uobj(k);
    const uio = new Uio().init(new Uint8Array(1 << 20).fill(1), 0, 'write');
    expect(errnoOf(() => u.write(uio, 1 << 20, 0))).toBe('ENOMEM');
    expect(u.pages * 4096).toBe(uio.moved);
    expect(uio.moved).toBeGreaterThan(100_000);
  });
});

describe('reading ahead', () => {
  function fileOf(sync: boolean): { rig: Rig; f: ModelFile } {
    const rig = new Rig({ sync, size: 4 << 20 });
    const f = new ModelFile(rig, 12, 2 << 20);
    f.scatter = 1e9;
    f.write(0, pattern(2 << 20, 5));
    rig.call(() => f.u.flush(0, 0, true));
    rig.k.run(() => FileCache.of(rig.k).reclaim(Infinity));
    expect(f.u.pages).toBe(0);
    rig.calls.readv = 0;
    return { rig, f };
  }

  test.each([true, false])('serves a sequential reader with few transfers (synchronous: %s)', (sync) => {
    const { rig, f } = fileOf(sync);
    for (let off = 0; off < 2 << 20; off += 4096) {
      const { got, want } = f.read(off, 4096);
      expect(difference(got, want)).toBeUndefined();
    }
    expect(rig.calls.readv).toBeLessThan(20);
  });

  test('leaves a random reader alone', () => {
    const { rig, f } = fileOf(true);
    for (const off of [1 << 20, 300_000, 1_500_000, 40_960]) f.read(off, 100);
    expect([rig.calls.readv, f.u.pages]).toEqual([4, 4]);
  });

  test('an asynchronous device is kept busy: most of the time what is wanted is there', () => {
    const { rig, f } = fileOf(false);
    let sleeps = 0;
    for (let off = 0; off < 2 << 20; off += 4096) {
      const uio = new Uio().init(new Uint8Array(4096), off, 'read');
      rig.call((l) => {
        sleeps += l.restarts > 0 ? 1 : 0;
        f.u.read(uio, f.size);
      });
      rig.sim.advance(20_000);
    }
    expect(sleeps).toBeLessThan(10);
  });
});

describe('writing back', () => {
  test('neighbours go in one transfer', () => {
    const rig = new Rig({ size: 4 << 20 });
    const f = new ModelFile(rig, 12, 2 << 20);
    f.scatter = 1e9;
    f.write(0, pattern(256 << 10, 1));
    rig.call(() => f.u.flush(0, 0, true));
    expect(rig.calls.writev).toBe(1);
  });

  test('a failure is reported by one fsync, and the data is written by the next', () => {
    const rig = new Rig();
    const f = new ModelFile(rig, 12, 1 << 16);
    f.write(0, pattern(5000, 1));
    rig.sd.fail({ op: 'write', times: 1 });
    expect(errnoOf(() => rig.call(() => f.u.flush(0, 0, true)))).toBe('EIO');
    expect(f.u.dirty).toBe(true);
    rig.call(() => f.u.flush(0, 0, true));
    expect(difference(f.onDisk(), pattern(5000, 1))).toBeUndefined();
    expect(rig.k.msgbuf.text()).toContain('file data cannot be written');
  });

  test('no file data is written while a transaction is open on its disk', () => {
    const rig = new Rig();
    const f = new ModelFile(rig, 12, 1 << 16);
    f.write(0, pattern(5000, 1));
    rig.disk.openTxns++;
    rig.k.run(() => FileCache.of(rig.k).reclaim(1 << 20));
    expect([rig.calls.writev, f.u.dirty]).toEqual([0, true]);
    rig.disk.openTxns--;
    rig.k.run(() => FileCache.of(rig.k).reclaim(1 << 20));
    expect([rig.calls.writev, f.u.pages]).toEqual([1, 0]);
  });

  test('an asynchronous disk holds a writer up when too much is dirty, and loses nothing', () => {
    const rig = new Rig({ sync: false, latencyNs: 5_000_000, size: 4 << 20 });
    FileCache.of(rig.k).limit = 512 << 10;
    const f = new ModelFile(rig, 12, 3 << 20);
    const data = pattern(3 << 20, 9);
    for (let off = 0; off < 3 << 20; off += 65536) f.write(off, data.subarray(off, off + 65536));
    expect(FileCache.of(rig.k).used).toBeLessThan(1 << 20);
    rig.call(() => f.u.flush(0, 0, true));
    expect(difference(f.onDisk(), data)).toBeUndefined();
  });
});

test('a file of a terabyte is read and written where one looks, and takes no memory elsewhere', () => {
  const rig = new Rig({ size: 1 << 20 });
  const far = 2 ** 40;
  const bmap = (lbn: number, run: { blkno: number; count: number }): void => {
    run.blkno = lbn >= far / 4096 ? lbn - far / 4096 : -1;
    run.count = 1;
  };
  const u = pagedUobj(rig.k, { disk: rig.disk, bshift: 12, writable: true, bmap });
  const data = pattern(10_000, 4);
  const size = far + 20_000;
  rig.call(() => u.write(new Uio().init(data, far + 100, 'write'), data.length, size));
  rig.call(() => u.flush(0, 0, true));
  rig.k.run(() => FileCache.of(rig.k).reclaim(Infinity));
  const got = new Uint8Array(data.length);
  rig.call(() => u.read(new Uio().init(got, far + 100, 'read'), size));
  expect(difference(got, data)).toBeUndefined();
  expect(rig.k.mem.used).toBeLessThan(200_000);
  rig.k.run(() => u.truncate(far + 200));
  expect(u.pages).toBe(1);
  u.drop();
  expect(rig.k.mem.used).toBe(0);
});
