import { describe, expect } from '@jest/globals';
import { oracle } from '@anykernel/tools-oracle';
import { VARIANTS, fsck, mke2fs, mounted } from './kit.js';
import { Workload, compare, listModel, listSys } from '@anykernel/conformance-diskfs';

const STEPS = 120;
const ROUNDS = 2;

describe('random work leaves what a model says, and a clean image', () => {
  let seed = 100;
  for (const [name, args] of Object.entries(VARIANTS)) {
    const mine = seed++;
    oracle('mke2fs', 'e2fsck').test(`${name}: ${STEPS * ROUNDS} operations with seed ${mine}`, () => {
      const small = args.includes('256') && args.includes('meta_bg,^resize_inode');
      const w = mounted(mke2fs(small ? 3000 : 6000, args), { seed: mine });
      const work = new Workload(w.sys, mine, { xattrs: !args.includes('-r') , maxTarget: 1000 });
      for (let round = 0; round < ROUNDS; round++) {
        for (let i = 0; i < STEPS; i++) work.step();
        expect(compare(listModel(work.root), listSys(w.sys)).slice(0, 5)).toEqual([]);
        const journal = args.includes('ext3') || (args.includes('ext4') && !args.includes('^has_journal'));
        if (round % 2 === 0 && !journal) w.sys.sync();
        else {
          w.unmount();
          w.mount();
          expect(compare(listModel(work.root), listSys(w.sys)).slice(0, 5)).toEqual([]);
          if (!journal) w.sys.sync();
          else w.unmount();
        }
        expect(fsck(w.disk.snapshot())).toBe('');
        if (journal) w.mount();
      }
      w.k.halt();
      expect(fsck(w.disk.snapshot())).toBe('');
      expect(w.k.msgbuf.text()).not.toMatch(/ext2fs/);
    });
  }

  oracle('mke2fs', 'e2fsck').test('with memory for few blocks and few vnodes, seed 200', () => {
    const w = mounted(mke2fs(8000, ['-b', '1024']), { seed: 200, kernel: { memLimitBytes: 3 << 20 }, params: { RUMP_NVNODES: '30' } });
    const work = new Workload(w.sys, 200, { xattrs: true, manyNames: true });
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 300; i++) work.step();
      expect(compare(listModel(work.root), listSys(w.sys)).slice(0, 5)).toEqual([]);
      w.sys.sync();
      expect(fsck(w.disk.snapshot())).toBe('');
    }
    expect(w.k.mem.used).toBeLessThanOrEqual(3 << 20);
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
    expect(w.k.msgbuf.text()).not.toMatch(/ext2fs/);
    expect(w.host.allocated).toBe(0);
  });
});
