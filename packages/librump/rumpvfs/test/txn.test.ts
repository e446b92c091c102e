import { describe, expect, test } from '@jest/globals';
import { ERR } from '@anykernel/lib-sys';
import type { Rng } from '@anykernel/host-sim';
import { SLEEP } from '@anykernel/rumpkern';
import { Bcache } from '../src/bcache.js';
import type { Buf } from '../src/buf.js';
import { Txn } from '../src/txn.js';
import { Rig, type RigOptions, difference, errnoOf, pattern } from './rig.js';

const BSIZE = 1024;
const BLOCKS = 64;

function rigOf(options: RigOptions = {}): { rig: Rig; bc: Bcache; txn: Txn } {
  const rig = new Rig({ bytes: pattern(BLOCKS * BSIZE, 1), size: BLOCKS * BSIZE, ...options });
  const bc = new Bcache(rig.k, rig.disk, BSIZE);
  return { rig, bc, txn: new Txn(bc) };
}

function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
    return undefined;
  } catch (e) {
    return e;
  }
}

describe('a transaction', () => {
  test('that succeeds leaves its changes, dirty', () => {
    const { rig, bc, txn } = rigOf();
    rig.k.run(() =>
      txn.run(() => {
        const bp = bc.bread(3);
        txn.dirty(bp, 10, 2);
        bp.data[10] = 0xfe;
      }),
    );
    expect(bc.stats.dirty).toBe(1);
    expect(rig.k.run(() => bc.bread(3).data[10])).toBe(0xfe);
  });

  test.each([['an error', ERR.ENOSPC], ['a sleep', SLEEP]])('that ends by %s has not happened, and passes it on', (_name, end) => {
    const { rig, bc, txn } = rigOf();
    const events: string[] = [];
    const thrown = thrownBy(() =>
      rig.k.run(() =>
        txn.run(() => {
          for (const blkno of [3, 4, 3]) {
            const bp = bc.bread(blkno);
            txn.dirty(bp, 8, 8);
            bp.data.fill(0xee, 8, 16);
            txn.undo(() => events.push(`undo ${blkno}`));
          }
          txn.commit(() => events.push('commit'));
          throw end;
        }),
      ),
    );
    expect(thrown).toBe(end);
    expect(events).toEqual(['undo 3', 'undo 4', 'undo 3']);
    expect(bc.stats.dirty).toBe(0);
    for (const blkno of [3, 4]) expect(difference(rig.k.run(() => bc.bread(blkno)).data, rig.image(blkno * BSIZE, BSIZE))).toBeUndefined();
  });

  test('inside another is part of it', () => {
    const { rig, bc, txn } = rigOf();
    const thrown = thrownBy(() =>
      rig.k.run(() =>
        txn.run(() => {
          txn.run(() => {
            const bp = bc.bread(1);
            txn.dirty(bp);
            bp.data.fill(0);
          });
          throw ERR.EIO;
        }),
      ),
    );
    expect(thrown).toBe(ERR.EIO);
    expect(difference(rig.k.run(() => bc.bread(1)).data, rig.image(BSIZE, BSIZE))).toBeUndefined();
  });

  test('whose inner part failed cannot succeed', () => {
    const { rig, bc, txn } = rigOf();
    const inner = (): void => {
      const bp = bc.bread(1);
      txn.dirty(bp);
      bp.data.fill(0);
      throw ERR.ENOSPC;
    };
    expect(errnoOf(() => rig.k.run(() => txn.run(() => void thrownBy(() => txn.run(inner)))))).toBe('ENOSPC');
    expect(difference(rig.k.run(() => bc.bread(1)).data, rig.image(BSIZE, BSIZE))).toBeUndefined();
  });

  test('runs what is to be done on commit once it has succeeded, and forgets freed blocks', () => {
    const { rig, bc, txn } = rigOf();
    const events: string[] = [];
    rig.k.run(() =>
      txn.run(() => {
        const bp = bc.bread(5);
        txn.dirty(bp);
        bp.data.fill(0);
        bc.invalidate(5);
        txn.commit(() => events.push(txn.active ? 'open' : 'closed'));
        events.push('body');
      }),
    );
    expect(events).toEqual(['body', 'closed']);
    expect([bc.stats.dirty, bc.count]).toEqual([0, 0]);
  });

  test('that fails has freed nothing', () => {
    const { rig, bc, txn } = rigOf();
    const put = (): void => {
      const bp = bc.bread(5);
      txn.dirty(bp);
      bp.data.fill(9);
    };
    rig.k.run(() => txn.run(put));
    const free = (): never => {
      bc.invalidate(5);
      throw ERR.EIO;
    };
    expect(errnoOf(() => rig.k.run(() => txn.run(free)))).toBe('EIO');
    expect(bc.stats.dirty).toBe(1);
    rig.k.run(() => bc.flush(true));
    expect(rig.image(5 * BSIZE, BSIZE).every((b) => b === 9)).toBe(true);
  });

  test('a block freed and taken again by one transaction is zeros', () => {
    const { rig, bc, txn } = rigOf();
    rig.k.run(() =>
      txn.run(() => {
        bc.bread(6);
        bc.invalidate(6);
        const bp = bc.getblk(6);
        txn.dirty(bp);
        expect(bp.data.every((b) => b === 0)).toBe(true);
        bp.data[0] = 1;
      }),
    );
    rig.k.run(() => bc.flush(true));
    expect([...rig.image(6 * BSIZE, 2)]).toEqual([1, 0]);
  });

  test('a new block of a transaction that fails is forgotten', () => {
    const { rig, bc, txn } = rigOf();
    const make = (): never => {
      const bp = bc.getblk(7);
      txn.dirty(bp);
      bp.data.fill(1);
      throw ERR.EIO;
    };
    expect(errnoOf(() => rig.k.run(() => txn.run(make)))).toBe('EIO');
    expect(bc.count).toBe(0);
    expect(difference(rig.k.run(() => bc.bread(7)).data, rig.image(7 * BSIZE, BSIZE))).toBeUndefined();
  });

  test('changes outside of one are a panic', () => {
    const { rig, bc, txn } = rigOf();
    expect(() => rig.k.run(() => txn.dirty(bc.bread(1)))).toThrow('outside of a transaction');
  });

  test('gives the memory of a long one back', () => {
    const { rig, bc, txn } = rigOf();
    const before = rig.k.mem.used;
    rig.k.run(() =>
      txn.run(() => {
        for (let n = 0; n < 10; n++) for (let blkno = 0; blkno < BLOCKS; blkno++) txn.dirty(bc.bread(blkno), n, BSIZE - n);
      }),
    );
    expect(rig.k.mem.used - before).toBeLessThanOrEqual(16384 + BLOCKS * BSIZE);
    bc.close();
    expect(rig.k.mem.used).toBe(before);
  });
});

/** Does some random changes; after `end` of them it throws. */
function randomChanges(rng: Rng, bc: Bcache, txn: Txn, count: number): void {
  for (let i = 0; i < count; i++) {
    const blkno = rng.below(BLOCKS);
    const kind = rng.below(10);
    if (kind === 0) bc.invalidate(blkno);
    else if (kind === 1) change(rng, bc.getblk(blkno), txn, true);
    else if (kind === 2) txn.run(() => change(rng, bc.bread(blkno), txn, false));
    else change(rng, bc.bread(blkno), txn, rng.below(4) === 0);
  }
}

function change(rng: Rng, bp: Buf, txn: Txn, whole: boolean): void {
  const off = whole ? 0 : rng.below(BSIZE);
  const len = whole ? BSIZE : 1 + rng.below(BSIZE - off);
  txn.dirty(bp, off, len);
  for (let i = off; i < off + len; i++) bp.data[i] = rng.below(256);
}

/** What reads would see: block by block, from the cache or the disk. */
function view(rig: Rig, bc: Bcache): Uint8Array {
  const all = new Uint8Array(BLOCKS * BSIZE);
  for (let b = 0; b < BLOCKS; b++) all.set(rig.call(() => bc.bread(b)).data, b * BSIZE);
  return all;
}

test.each([['synchronous', true], ['asynchronous', false]])('random transactions that fail at random points leave every byte as it was (%s device)', (_name, sync) => {
  for (let seed = 1; seed <= 30; seed++) {
    const { rig, bc, txn } = rigOf({ sync, seed });
    const { rng } = rig;
    for (let round = 0; round < 30; round++) {
      const before = view(rig, bc);
      const dirty = bc.stats.dirty;
      const fails = rng.below(3) > 0;
      const count = 1 + rng.below(12);
      const code = errnoOf(() =>
        rig.call(() =>
          txn.run(() => {
            randomChanges(rng, bc, txn, count);
            if (fails) throw ERR.ENOSPC;
          }),
        ),
      );
      const what = `seed ${seed} round ${round}`;
      expect(`${what}: ${code}`).toBe(`${what}: ${fails ? 'ENOSPC' : undefined}`);
      if (fails) {
        expect(`${what}: ${difference(view(rig, bc), before)}`).toBe(`${what}: undefined`);
        expect(`${what}: ${bc.stats.dirty}`).toBe(`${what}: ${dirty}`);
      }
      if (rng.below(5) === 0) {
        const now = view(rig, bc);
        rig.call(() => bc.flush(rng.below(2) === 0));
        if (rng.below(2) === 0) rig.call(() => bc.flush(true));
        expect(`${what}: ${difference(view(rig, bc), now)}`).toBe(`${what}: undefined`);
      }
    }
    const last = view(rig, bc);
    rig.call(() => bc.flush(true));
    expect(`seed ${seed}: ${difference(rig.image(), last)}`).toBe(`seed ${seed}: undefined`);
  }
});
