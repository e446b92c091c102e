/** The same work on a disk whose transfers end later: every call waits, and comes to the same. */
import { expect } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import type { Sys } from '@anykernel/rumpkern';
import { type World, fresh, fsck, world } from './kit.js';
import { Workload, compare, listModel, listSys } from './workload.js';

/** The system calls, each made again when it would have had to wait, after the next event of the simulation. */
function patient(w: World): Sys {
  return new Proxy(w.sys, {
    get(sys, name) {
      const call = (sys as unknown as Record<string | symbol, (...args: unknown[]) => unknown>)[name];
      return (...args: unknown[]): unknown => {
        for (let i = 0; i < 100_000; i++) {
          try {
            return call.apply(sys, args);
          } catch (e) {
            if ((e as Error).name !== 'WouldSleep') throw e;
            if (!w.sim.step()) throw new Error(`${String(name)} waits for nothing`);
          }
        }
        throw new Error(`${String(name)} waits for ever`);
      };
    },
  });
}

const PLANS: readonly (readonly [string, number, 12 | 32, object, Readonly<Record<string, string>>])[] = [
  ['', 41, 32, {}, {}],
  [', with little memory', 42, 12, { memLimitBytes: 3 << 20 }, { RUMP_NVNODES: '30' }],
];

for (const [what, seed, fatBits, kernel, params] of PLANS) {
  oracle('fsck.fat').test(`random work on an asynchronous disk${what}, seed ${seed}`, async () => {
    const w = world(fresh(2 << 20, { fatBits, clusterSize: 1024 }), { seed, kernel, params, disk: { sync: false, latencyNs: [10_000, 300_000] } });
    await w.sim.settle(w.root.call.mount('msdosfs', '/mnt', 0, { fspec: '/disk' }));
    const sys = patient(w);
    sys.chdir('/mnt');
    const work = new Workload(sys, seed, 60_000);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 120; i++) work.step();
      expect(compare(listModel(work.root), listSys(sys)).slice(0, 5)).toEqual([]);
      sys.sync();
      w.sim.runUntilIdle();
      expect(fsck(w.disk.snapshot())).toBe('');
    }
    sys.statvfs1('.', 1);
    sys.chdir('/');
    sys.unmount('/mnt', 0);
    w.sim.runUntilIdle();
    expect(fsck(w.disk.snapshot())).toBe('');
    expect(w.k.msgbuf.text()).not.toMatch(/msdosfs/);
    w.k.halt();
  });
}
