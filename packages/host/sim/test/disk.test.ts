import { describe, expect, test } from '@jest/globals';
import { ERR } from '@anykernel/lib-sys';
import { DiskImage, Rng, type SimDisk, hostSim } from '../src/index.js';

const nothing = (): void => {};

describe('images', () => {
  test('of terabytes take the memory of what was written', () => {
    const image = new DiskImage(8e12);
    image.write(Uint8Array.of(1, 2, 3), 8e12 - 3);
    image.write(Uint8Array.of(9), 65536 * 5 - 1);
    expect(image.resident).toBe(2 * 65536);
    expect(image.bytes(8e12 - 4, 4)).toEqual(Uint8Array.of(0, 1, 2, 3));
    expect([...image.extents()].map(([off, bytes]) => [off, bytes.length])).toEqual([
      [4 * 65536, 65536],
      [Math.floor(8e12 / 65536) * 65536, 8e12 % 65536],
    ]);
  });

  test.each([1, 2, 3, 4])('and copies of them are apart, whatever is written to which (seed %d)', (seed) => {
    const rng = new Rng(seed);
    const size = 200_000;
    let pairs = [{ image: new DiskImage(size), model: new Uint8Array(size) }];
    for (let round = 0; round < 300; round++) {
      const one = pairs[rng.below(pairs.length)];
      if (rng.below(6) === 0) pairs = [...pairs.slice(-4), { image: one.image.clone(), model: one.model.slice() }];
      const off = rng.below(size);
      const data = new Uint8Array(rng.below(size - off) % 90_000);
      rng.fill(data);
      one.image.write(data, off);
      one.model.set(data, off);
    }
    for (const { image, model } of pairs) expect(Buffer.compare(image.bytes(), model)).toBe(0);
    expect(pairs[0].image.equals(pairs[0].image.clone())).toBe(true);
    expect(pairs[0].image.equals(pairs[1].image)).toBe(false);
  });

  test('that are made shorter and longer again have zeros there', () => {
    const image = DiskImage.of(new Uint8Array(150_000).fill(7));
    const copy = image.clone();
    image.resize(70_000);
    image.resize(150_000);
    expect(image.bytes(69_999, 2)).toEqual(Uint8Array.of(7, 0));
    expect(image.bytes(140_000, 1)).toEqual(Uint8Array.of(0));
    expect(copy.bytes(140_000, 1)).toEqual(Uint8Array.of(7));
  });
});

describe('disks', () => {
  test('keep their size, and are full at their end', () => {
    const host = hostSim();
    host.sim.disk('disk', { size: 1024 });
    expect(host.getfileinfo('disk')).toEqual({ size: 1024, type: 'blk' });
    const file = host.open('disk', { read: true, write: true });
    expect(file.write(new Uint8Array(1000), 512, nothing)).toBe(512);
    expect(() => file.write(new Uint8Array(1), 1024, nothing)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
    expect(file.read(new Uint8Array(10), 1024, nothing)).toBe(0);
  });

  test('that may grow do so up to their limit', () => {
    const host = hostSim();
    const disk = host.sim.disk('file', { bytes: Uint8Array.of(1, 2), growTo: 10 });
    const file = host.open('file', { read: true, write: true });
    expect(host.getfileinfo('file')).toEqual({ size: 2, type: 'reg' });
    expect(file.writev([new Uint8Array(5).fill(3), new Uint8Array(5).fill(4)], 4, nothing)).toBe(6);
    expect(disk.snapshot().bytes()).toEqual(Uint8Array.of(1, 2, 0, 0, 3, 3, 3, 3, 3, 4));
    expect(() => file.write(new Uint8Array(1), 10, nothing)).toThrow(expect.objectContaining({ code: 'ENOSPC' }));
  });

  test('begin with the bytes or the image that they were given, and do not change those', () => {
    const host = hostSim();
    const image = DiskImage.of(Uint8Array.of(5, 6, 7));
    for (const disk of [host.sim.disk('a', { image, size: 6 }), host.sim.disk('b', { bytes: image.bytes(), size: 6 })]) {
      expect(disk.snapshot().bytes()).toEqual(Uint8Array.of(5, 6, 7, 0, 0, 0));
      host.open(disk.name, { write: true }).write(Uint8Array.of(1), 0, nothing);
    }
    expect(image.bytes()).toEqual(Uint8Array.of(5, 6, 7));
  });

  test('hold the writes since the last flush in their journal', () => {
    const { disk, file } = diskOf(2048);
    file.write(Uint8Array.of(1), 10, nothing);
    file.write(Uint8Array.of(2, 3), 20, nothing);
    expect(disk.journal).toEqual([
      { n: 1, off: 10, bytes: Uint8Array.of(1), at: 0 },
      { n: 2, off: 20, bytes: Uint8Array.of(2, 3), at: 0 },
    ]);
    expect([disk.writes, disk.durable]).toEqual([2, 0]);
    file.flush(nothing);
    expect([disk.journal, disk.writes, disk.durable]).toEqual([[], 2, 2]);
  });

  test('put back to a snapshot are as they were', () => {
    const { disk, file } = diskOf(512);
    file.write(Uint8Array.of(1), 0, nothing);
    const before = disk.snapshot();
    file.write(Uint8Array.of(2), 0, nothing);
    expect(disk.snapshot().equals(before)).toBe(false);
    disk.restore(before);
    expect(disk.snapshot().equals(before)).toBe(true);
    expect(disk.cut().equals(before)).toBe(true);
  });
});

describe('transfers that end later', () => {
  test('end when their latency has passed, and see the disk of that time', () => {
    const host = hostSim();
    host.sim.disk('disk', { size: 512, sync: false, latencyNs: 100 });
    const file = host.open('disk', { read: true, write: true });
    const log: string[] = [];
    const data = new Uint8Array(1);
    expect(file.write(Uint8Array.of(7), 0, (error, moved) => log.push(`${host.sim.now} write ${moved} ${error}`))).toBe(-1);
    host.sim.advance(50);
    expect(file.read(data, 0, (error, moved) => log.push(`${host.sim.now} read ${moved} ${error} ${data[0]}`))).toBe(-1);
    host.sim.runUntilIdle();
    expect(log).toEqual(['100 write 1 undefined', '150 read 1 undefined 7']);
  });

  test('take each other over where latencies differ', () => {
    const host = hostSim({ seed: 8 });
    host.sim.disk('disk', { size: 512, sync: false, latencyNs: [0, 1000] });
    const file = host.open('disk', { read: true });
    const order: number[] = [];
    for (let n = 0; n < 20; n++) file.read(new Uint8Array(1), 0, () => order.push(n));
    host.sim.runUntilIdle();
    expect(order).not.toEqual([...order].sort((a, b) => a - b));
    expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_one, n) => n));
  });

  test('a flush covers the writes that had ended when it was asked for', () => {
    const host = hostSim();
    const disk = host.sim.disk('disk', { size: 512, sync: false, latencyNs: 100 });
    const file = host.open('disk', { write: true });
    file.write(Uint8Array.of(1), 0, nothing);
    host.sim.advance(100);
    file.write(Uint8Array.of(2), 1, nothing);
    file.flush(nothing);
    host.sim.runUntilIdle();
    expect([disk.writes, disk.durable]).toEqual([2, 1]);
    expect(disk.journal.map((write) => write.n)).toEqual([2]);
  });
});

describe('faults', () => {
  test('strike the nth operation of their kind, once', () => {
    const { disk, file } = diskOf(4096);
    const plan = disk.fail({ op: 'write', nth: 2 });
    expect(tryAll(4, () => file.write(new Uint8Array(512), 0, nothing))).toEqual(['512', 'EIO', '512', '512']);
    expect([plan.seen, plan.hits, disk.writes]).toEqual([4, 1, 3]);
  });

  test('strike what touches their range', () => {
    const { disk, file } = diskOf(4096);
    disk.fail({ op: 'read', range: [1024, 1536], errno: 'ENXIO' });
    const read = (off: number, len: number): string => attempt(() => file.read(new Uint8Array(len), off, nothing));
    expect([read(0, 1024), read(512, 1024), read(1535, 1), read(1536, 512)]).toEqual(['1024', 'ENXIO', 'ENXIO', '512']);
    expect(attempt(() => file.write(new Uint8Array(512), 1024, nothing))).toBe('512');
  });

  test('strike with their probability, by the seed', () => {
    const count = (seed: number): number => {
      const { disk, file } = diskOf(512, seed);
      disk.fail({ probability: 0.3 });
      return tryAll(1000, () => file.read(new Uint8Array(1), 0, nothing)).filter((word) => word === 'EIO').length;
    };
    expect(Math.abs(count(1) - 300)).toBeLessThan(60);
    expect(count(1)).toBe(count(1));
  });

  test('leave the disk as it was, or move some bytes first', () => {
    const { disk, file } = diskOf(512);
    disk.fail({ op: 'write', times: 1 });
    expect(attempt(() => file.write(new Uint8Array(512).fill(1), 0, nothing))).toBe('EIO');
    expect([disk.writes, disk.snapshot().bytes(0, 1)]).toEqual([0, Uint8Array.of(0)]);
    disk.fail({ op: 'write', nth: 1, movedBytes: 100 });
    expect(file.write(new Uint8Array(512).fill(1), 0, nothing)).toBe(100);
    expect(disk.snapshot().bytes(99, 2)).toEqual(Uint8Array.of(1, 0));
  });

  test('end when they are cancelled or the disk is mended', () => {
    const { disk, file } = diskOf(512);
    const read = (): string => attempt(() => file.read(new Uint8Array(1), 0, nothing));
    const plan = disk.fail();
    expect(read()).toBe('EIO');
    plan.cancel();
    expect(read()).toBe('1');
    disk.fail();
    disk.fail({ op: 'read', errno: 'ENXIO' });
    disk.mend();
    expect(read()).toBe('1');
  });

  test('of flushes leave what was written in danger', () => {
    const { disk, file } = diskOf(512);
    file.write(Uint8Array.of(1), 0, nothing);
    disk.fail({ op: 'flush', nth: 1 });
    expect(attempt(() => file.flush(nothing))).toBe('EIO');
    expect(disk.durable).toBe(0);
  });

  test('come by the completion where transfers end later', () => {
    const host = hostSim();
    const disk = host.sim.disk('disk', { size: 512, sync: false });
    disk.fail({ op: 'read', nth: 1 });
    const file = host.open('disk', { read: true });
    const ends: unknown[] = [];
    expect(file.read(new Uint8Array(1), 0, (error, moved) => ends.push(error, moved))).toBe(-1);
    host.sim.runUntilIdle();
    expect(ends).toEqual([ERR.EIO, 0]);
  });
});

function diskOf(size: number, seed = 1): { disk: SimDisk; file: ReturnType<SimDisk['open']> } {
  const host = hostSim({ seed });
  const disk = host.sim.disk('disk', { size });
  return { disk, file: disk.open({ read: true, write: true }) };
}

function attempt(fn: () => number): string {
  try {
    return String(fn());
  } catch (e) {
    return (e as { code: string }).code;
  }
}

function tryAll(count: number, fn: () => number): string[] {
  return Array.from({ length: count }, () => attempt(fn));
}
