import { beforeEach, describe, expect, test } from '@jest/globals';
import { SYNC_DELAY, Syncer } from '../src/syncer.js';
import { Rig } from './rig.js';

const SEC = 1_000_000_000;

describe('the syncer', () => {
  let rig: Rig;
  let rounds: number;
  let syncer: Syncer;
  beforeEach(() => {
    rig = new Rig();
    rounds = 0;
    syncer = new Syncer(rig.k, () => void rounds++);
  });

  test('comes round while there is a disk, and not otherwise', () => {
    rig.sim.advance(1000 * SEC);
    expect(rounds).toBe(0);
    syncer.hold();
    rig.sim.advance(SYNC_DELAY * 3 * SEC + SEC);
    expect(rounds).toBe(3);
    syncer.rele();
    rig.sim.advance(1000 * SEC);
    expect(rounds).toBe(3);
  });

  test('keeps no program alive', () => {
    syncer.hold();
    expect(rig.sim.runUntilIdle()).toBe(0);
  });

  test('comes as often as it is told to, or not at all', () => {
    syncer.hold();
    syncer.delay = 5;
    rig.sim.advance(51 * SEC);
    expect(rounds).toBe(10);
    syncer.delay = 0;
    rig.sim.advance(1000 * SEC);
    expect(rounds).toBe(10);
  });

  test('may sleep, and goes on when it is woken', () => {
    const chan = {};
    let slept = false;
    const sleepy = new Syncer(rig.k, () => {
      if (!slept) {
        slept = true;
        rig.k.sleep(chan);
      }
      rounds++;
    });
    sleepy.hold();
    rig.sim.advance(100 * SEC);
    expect(rounds).toBe(0);
    rig.k.intr(() => rig.k.wakeup(chan));
    expect(rounds).toBe(1);
    rig.sim.advance(SYNC_DELAY * SEC + SEC);
    expect(rounds).toBe(2);
  });

  test('stops with the kernel', () => {
    syncer.hold();
    rig.k.halt();
    rig.sim.advance(1000 * SEC);
    expect(rounds).toBe(0);
  });
});
