/** The same work on a disk whose transfers end later: every call waits, and comes to the same. */
import { expect } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import { fresh, fsck, world } from './kit.js';
import { compare, patient } from '@anykernel/conformance-diskfs';
import { Workload, listModel, listSys } from './workload.js';

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
