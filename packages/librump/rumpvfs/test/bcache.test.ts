import { beforeEach, describe, expect, test } from '@jest/globals';
import { Bcache } from '../src/bcache.js';
import { Txn } from '../src/txn.js';
import { Rig, type RigOptions, difference, errnoOf, pattern } from './rig.js';

const BSIZE = 1024;

function rigOf(options: RigOptions = {}, limit?: number): { rig: Rig; bc: Bcache; txn: Txn } {
  const rig = new Rig({ bytes: pattern(1 << 20, 3), ...options });
  const bc = new Bcache(rig.k, rig.disk, BSIZE, limit);
  return { rig, bc, txn: new Txn(bc) };
}

describe.each([['a synchronous device', true], ['an asynchronous device', false]])('the buffer cache on %s', (_name, sync) => {
  let rig: Rig;
  let bc: Bcache;
  let txn: Txn;
  const fill = (blkno: number, byte: number): void =>
    rig.call(() =>
      txn.run(() => {
        const bp = bc.bread(blkno);
        txn.dirty(bp);
        bp.data.fill(byte);
      }),
    );
  beforeEach(() => {
    ({ rig, bc, txn } = rigOf({ sync }));
  });

  test('a buffer has the bytes of its block', () => {
    for (const blkno of [0, 5, 1023]) {
      const bp = rig.call(() => bc.bread(blkno));
      expect(difference(bp.data, pattern(1 << 20, 3).subarray(blkno * BSIZE, (blkno + 1) * BSIZE))).toBeUndefined();
    }
  });

  test('a block is read once', () => {
    const bp = rig.call(() => bc.bread(7));
    expect(rig.call(() => bc.bread(7))).toBe(bp);
    expect(bc.stats).toMatchObject({ misses: 1, reads: 1 });
  });

  test('a block outside of the device is EIO', () => {
    for (const blkno of [-1, 1024, 2 ** 40, NaN]) expect(errnoOf(() => rig.call(() => bc.bread(blkno)))).toBe('EIO');
  });

  test('a read that fails is EIO once, and tried again then', () => {
    const plan = rig.sd.fail({ op: 'read', nth: 1 });
    expect(errnoOf(() => rig.call(() => bc.bread(3)))).toBe('EIO');
    expect(plan.hits).toBe(1);
    expect(rig.call(() => bc.bread(3)).valid).toBe(true);
  });

  test('what a transaction has changed is on the disk after flush', () => {
    fill(9, 0xaa);
    expect(bc.stats.dirty).toBe(1);
    rig.call(() => bc.flush(true));
    expect(bc.stats.dirty).toBe(0);
    expect(rig.image(9 * BSIZE, BSIZE).every((b) => b === 0xaa)).toBe(true);
  });

  test('neighbours are written in one transfer, in the order of the disk', () => {
    for (const blkno of [12, 10, 40, 11, 13]) fill(blkno, blkno);
    const before = rig.calls.writev;
    rig.call(() => bc.flush(true));
    expect(rig.calls.writev - before).toBe(2);
    for (const blkno of [10, 11, 12, 13, 40]) expect(rig.image(blkno * BSIZE, 1)[0]).toBe(blkno);
  });

  test('a write that fails is reported by one flush, and what was dirty is written by the next', () => {
    fill(2, 0x55);
    rig.sd.fail({ op: 'write', times: 1 });
    expect(errnoOf(() => rig.call(() => bc.flush(true)))).toBe('EIO');
    expect(bc.stats.dirty).toBe(1);
    rig.call(() => bc.flush(true));
    expect(rig.image(2 * BSIZE, 1)[0]).toBe(0x55);
    expect(rig.k.msgbuf.text()).toContain('block 2 cannot be written');
  });

  test('a failure in the background is reported by the next flush that waits, if it lasts', () => {
    fill(2, 0x55);
    const plan = rig.sd.fail({ op: 'write' });
    rig.call(() => bc.flush(false));
    rig.sim.runUntilIdle();
    expect(errnoOf(() => rig.call(() => bc.flush(true)))).toBe('EIO');
    plan.cancel();
    rig.call(() => bc.flush(true));
    expect(bc.stats.dirty).toBe(0);
  });

  test('getblk reads nothing, and gives zeros', () => {
    rig.call(() =>
      txn.run(() => {
        const bp = bc.getblk(20);
        txn.dirty(bp);
        expect(bp.data.every((b) => b === 0)).toBe(true);
        bp.data.fill(7);
      }),
    );
    expect(bc.stats.reads).toBe(0);
    rig.call(() => bc.flush(true));
    expect(rig.image(20 * BSIZE, BSIZE).every((b) => b === 7)).toBe(true);
  });

  test('a freed block is not written', () => {
    fill(30, 1);
    bc.invalidate(30);
    rig.call(() => bc.flush(true));
    expect(rig.calls.writev).toBe(0);
    expect(difference(rig.call(() => bc.bread(30)).data, pattern(1 << 20, 3).subarray(30 * BSIZE, 31 * BSIZE))).toBeUndefined();
  });

  test('readahead brings neighbours in by one transfer', () => {
    rig.k.run(() => bc.readahead(100, 8));
    rig.sim.runUntilIdle();
    expect(rig.calls.readv).toBe(1);
    for (let blkno = 100; blkno < 108; blkno++) rig.call(() => bc.bread(blkno));
    expect(rig.calls.readv).toBe(1);
  });

  test('an error in what was read ahead is nobody\'s, until somebody wants the block', () => {
    const plan = rig.sd.fail({ op: 'read', range: [103 * BSIZE, 104 * BSIZE] });
    rig.k.run(() => bc.readahead(100, 8));
    rig.sim.runUntilIdle();
    expect(rig.call(() => bc.bread(100)).valid).toBe(true);
    expect(errnoOf(() => rig.call(() => bc.bread(103)))).toBe('EIO');
    plan.cancel();
    expect(rig.call(() => bc.bread(103)).valid).toBe(true);
  });

  test('a cache that is full evicts what was not used for long, and gives the memory back when closed', () => {
    ({ rig, bc, txn } = rigOf({ sync }, 64));
    for (let blkno = 0; blkno < 1024; blkno++) rig.call(() => bc.bread(blkno));
    expect(bc.count).toBeLessThanOrEqual(64);
    expect(rig.k.mem.used).toBeLessThanOrEqual(64 * BSIZE * 4);
    bc.close();
    expect(rig.k.mem.used).toBe(0);
  });

  test('a held buffer stays', () => {
    ({ rig, bc, txn } = rigOf({ sync }, 64));
    const bp = rig.call(() => bc.bread(1));
    bc.hold(bp);
    for (let blkno = 2; blkno < 1024; blkno++) rig.call(() => bc.bread(blkno));
    expect(rig.call(() => bc.bread(1))).toBe(bp);
    bc.rele(bp);
  });

  test('what one call uses is not evicted by it', () => {
    ({ rig, bc, txn } = rigOf({ sync: true }, 64));
    rig.call(() => {
      const want = pattern(1 << 20, 3);
      const all = Array.from({ length: 300 }, (_x, i) => bc.bread(i));
      expect(all.every((bp, i) => bc.bread(i) === bp && bp.data[0] === want[i * BSIZE])).toBe(true);
    });
  });

  test('many dirty buffers are written without being asked', () => {
    ({ rig, bc, txn } = rigOf({ sync }, 64));
    for (let blkno = 0; blkno < 200; blkno++) fill(blkno, 1);
    rig.sim.runUntilIdle();
    expect(bc.stats.dirty).toBeLessThanOrEqual(33);
    rig.call(() => bc.flush(true));
    expect(rig.image(0, 200 * BSIZE).every((b) => b === 1)).toBe(true);
  });

  test('where memory is short, dirty buffers are written and clean ones given up', () => {
    ({ rig, bc, txn } = rigOf({ sync, memLimitBytes: 512 << 10 }, 10_000));
    for (let blkno = 0; blkno < 1024; blkno++) {
      fill(blkno, blkno & 0xff);
      rig.sim.runUntilIdle();
    }
    expect(rig.k.mem.used).toBeLessThanOrEqual(512 << 10);
    rig.call(() => bc.flush(true));
    for (let blkno = 0; blkno < 1024; blkno++) expect(rig.image(blkno * BSIZE, 1)[0]).toBe(blkno & 0xff);
  });
});

describe('the buffer cache while writes are on their way', () => {
  test('a buffer may change, and is dirty again', () => {
    const { rig, bc, txn } = rigOf({ sync: false });
    const put = (byte: number): void =>
      rig.call(() =>
        txn.run(() => {
          const bp = bc.bread(4);
          txn.dirty(bp);
          bp.data.fill(byte);
        }),
      );
    put(1);
    rig.k.run(() => bc.flush(false));
    put(2);
    expect(bc.stats.dirty).toBe(1);
    rig.sim.runUntilIdle();
    expect(rig.image(4 * BSIZE, BSIZE).every((b) => b === 1)).toBe(true);
    rig.call(() => bc.flush(true));
    expect(rig.image(4 * BSIZE, BSIZE).every((b) => b === 2)).toBe(true);
  });

  test('two writes of one block reach the disk in their order, whatever time each takes', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { rig, bc, txn } = rigOf({ sync: false, latencyNs: [1000, 1_000_000], seed });
      for (let byte = 1; byte <= 5; byte++) {
        rig.call(() =>
          txn.run(() => {
            const bp = bc.bread(4);
            txn.dirty(bp);
            bp.data.fill(byte);
          }),
        );
        rig.k.run(() => bc.flush(false));
      }
      rig.call(() => bc.flush(true));
      expect(`seed ${seed}: ${rig.image(4 * BSIZE, 1)[0]}`).toBe(`seed ${seed}: 5`);
    }
  });
});

test('a failure that the background has made good is not reported', () => {
  const { rig, bc, txn } = rigOf({ sync: false });
  rig.call(() => txn.run(() => txn.dirty(bc.bread(2))));
  rig.sd.fail({ op: 'write', times: 1 });
  for (let round = 0; round < 2; round++) {
    rig.call(() => bc.flush(false));
    rig.sim.runUntilIdle();
  }
  expect(bc.stats.dirty).toBe(0);
  rig.call(() => bc.flush(true));
});
