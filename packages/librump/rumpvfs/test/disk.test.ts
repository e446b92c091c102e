import { describe, expect, test } from '@jest/globals';
import type { Errno } from '@anykernel/lib-sys';
import { Rig, errnoOf } from './rig.js';

const sector = (byte: number, count = 1): Uint8Array => new Uint8Array(512 * count).fill(byte);

describe('a disk', () => {
  test('refuses what lies outside of the device with EIO, and to write what can only be read with EROFS', () => {
    const rig = new Rig({ size: 65536 });
    for (const off of [65536, 65536 - 512, -512, 2 ** 52]) {
      expect(errnoOf(() => rig.disk.read([sector(0, 2)], off, () => undefined))).toBe('EIO');
      expect(errnoOf(() => rig.disk.write([sector(0, 2)], off, () => undefined))).toBe('EIO');
    }
    const kept = new Rig({ readonly: true });
    expect([rig.disk.readonly, kept.disk.readonly]).toEqual([false, true]);
    expect(errnoOf(() => kept.disk.write([sector(0)], 0, () => undefined))).toBe('EROFS');
  });

  test.each([true, false])('takes a short transfer for a failure (synchronous: %s)', (sync) => {
    const rig = new Rig({ sync });
    rig.sd.fail({ op: 'read', movedBytes: 512, times: 1 });
    let late: Errno | undefined;
    const now = errnoOf(() => rig.disk.read([sector(0, 2)], 0, (error) => (late = error)));
    rig.sim.runUntilIdle();
    expect(now ?? late?.code).toBe('EIO');
  });

  test.each([true, false])('shows what the file system knows better, and leaves the device as it is (synchronous: %s)', (sync) => {
    const rig = new Rig({ sync });
    rig.disk.patch = (data, off) => data[0]!.fill(off / 512, 0, 10);
    const got = sector(0);
    rig.k.run(() => rig.disk.read([got], 3 * 512, () => undefined));
    rig.sim.runUntilIdle();
    expect(got.subarray(0, 11)).toEqual(Uint8Array.from([3, 3, 3, 3, 3, 3, 3, 3, 3, 3, rig.image(3 * 512 + 10, 1)[0]!]));
    expect(rig.image(3 * 512, 1)[0]).not.toBe(3);
  });

  test('transfers that touch the same bytes take effect in their order, whatever time each takes', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const rig = new Rig({ sync: false, latencyNs: [1, 1_000_000], seed });
      const { rng } = rig;
      const want = new Uint8Array(512 * 8);
      const reads: { got: Uint8Array; want: Uint8Array }[] = [];
      for (let i = 1; i <= 30; i++) {
        const at = rng.below(6);
        const count = 1 + rng.below(8 - at);
        if (rng.below(3) > 0) {
          rig.k.run(() => rig.disk.write([sector(i, count)], at * 512, () => undefined));
          want.fill(i, at * 512, (at + count) * 512);
        } else {
          const got = sector(0, count);
          rig.k.run(() => rig.disk.read([got], at * 512, () => undefined));
          reads.push({ got, want: want.slice(at * 512, (at + count) * 512) });
        }
        if (rng.below(4) === 0) rig.sim.step();
      }
      rig.sim.runUntilIdle();
      expect(`seed ${seed}: ${rig.disk.inflight}`).toBe(`seed ${seed}: 0`);
      for (const read of reads) expect(read.got).toEqual(read.want);
      expect(rig.image(0, 512 * 8)).toEqual(want);
    }
  });

  test('transfers that touch different bytes are under way together', () => {
    const rig = new Rig({ sync: false, latencyNs: 1000 });
    for (let i = 0; i < 10; i++) rig.k.run(() => rig.disk.write([sector(i)], i * 512, () => undefined));
    rig.sim.runUntilIdle();
    expect(rig.sim.now).toBe(1000);
  });
});

describe('flushing a disk', () => {
  test.each([true, false])('is left out where nothing was written since the last time (synchronous: %s)', (sync) => {
    const rig = new Rig({ sync });
    const put = (): void => void rig.k.run(() => rig.disk.write([sector(1)], 0, () => undefined));
    rig.call(() => rig.disk.flush());
    expect(rig.calls.flush).toBe(0);
    put();
    rig.sim.runUntilIdle();
    rig.call(() => rig.disk.flush());
    rig.call(() => rig.disk.flush());
    expect(rig.calls.flush).toBe(1);
  });

  test.each([true, false])('that fails says so once, and is done again by the next (synchronous: %s)', (sync) => {
    const rig = new Rig({ sync });
    rig.k.run(() => rig.disk.write([sector(1)], 0, () => undefined));
    rig.sim.runUntilIdle();
    rig.sd.fail({ op: 'flush', times: 1 });
    expect(errnoOf(() => rig.call(() => rig.disk.flush()))).toBe('EIO');
    rig.call(() => rig.disk.flush());
    expect(rig.sd.stats.flushes).toBe(1);
  });

  test('covers what was written while an earlier flush was under way by another one', () => {
    const rig = new Rig({ sync: false, latencyNs: 1000 });
    const put = (): void => void rig.k.run(() => rig.disk.write([sector(1)], 0, () => undefined));
    put();
    rig.sim.runUntilIdle();
    const l = rig.k.proc1.newlwp();
    expect(rig.attempt(l, () => rig.disk.flush())).toBeUndefined();
    put();
    rig.sim.runUntilIdle();
    rig.call(() => rig.disk.flush());
    expect(rig.calls.flush).toBe(2);
  });
});
