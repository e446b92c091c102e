/** A power cut after each of many writes, and then fsck.fat: what was synced and not touched since is there. */
import { expect } from '@jest/globals';
import { oracle, run } from '@anykernel/tools-oracle';
import { readFileSync, writeFileSync } from 'node:fs';
import { type World, fresh, fsck, mounted, withFolder } from './kit.js';
import { type Listing, Workload, listModel, listSys } from './workload.js';

/** The image after fsck.fat has repaired it; throws where it cannot, or finds something of which a power cut is no excuse. */
function repaired(folder: string, bytes: Uint8Array): Uint8Array {
  const path = `${folder}/image`;
  writeFileSync(path, bytes);
  const { status, stdout, stderr } = run('fsck.fat', ['-a', '-w', path]);
  if (status > 1) throw new Error(`fsck.fat -a: status ${status}\n${stdout}${stderr}`);
  return new Uint8Array(readFileSync(path));
}

interface Phase {
  readonly from: number;
  readonly synced: Listing;
  readonly touched: Set<string>;
  to: number;
}

function record(w: World, work: Workload, phases: number, steps: number): Phase[] {
  const done: Phase[] = [];
  for (let p = 0; p < phases; p++) {
    w.sys.sync();
    const phase: Phase = { from: w.disk.writes, synced: listModel(work.root), touched: new Set(), to: 0 };
    for (let i = 0; i < steps; i++) {
      work.step();
      for (const path of work.touched) phase.touched.add(path);
      // Dirty blocks reach the disk at times of their own choosing.
      if (i % 7 === 3) w.vfs.sync(false);
    }
    phase.to = w.disk.writes;
    done.push(phase);
  }
  return done;
}

function untouched(phase: Phase, path: string): boolean {
  if (phase.touched.has(path)) return false;
  for (let i = path.lastIndexOf('/'); i > 0; i = path.lastIndexOf('/', i - 1)) if (phase.touched.has(path.slice(0, i))) return false;
  return true;
}

function losses(phase: Phase, found: Listing): string[] {
  const out: string[] = [];
  for (const [path, line] of phase.synced) if (untouched(phase, path) && found.get(path) !== line) out.push(`${path}: ${line} is ${found.get(path) ?? 'missing'}`);
  return out;
}

const PLANS: readonly (readonly [string, Parameters<typeof fresh>[1], number, number, { readonly reorder?: boolean }])[] = [
  ['FAT12', { fatBits: 12 }, 700 << 10, 21, {}],
  ['FAT16', { fatBits: 16, clusterSize: 512 }, 3 << 20, 22, {}],
  ['FAT32', { fatBits: 32, clusterSize: 512 }, 1 << 20, 23, {}],
  ['FAT32 whose writes that were not flushed are lost at random', { fatBits: 32, clusterSize: 1024 }, 1 << 20, 24, { reorder: true }],
];
const CUTS = Number(process.env['MSDOSFS_CUTS'] ?? 8);

for (const [name, options, size, seed, cut] of PLANS) {
  oracle('fsck.fat').test(`after a power cut and fsck.fat, what was synced and not touched since is there: ${name}, seed ${seed}`, () => {
    const w = mounted(fresh(size, options), { seed, disk: { record: 'all' } });
    const work = new Workload(w.sys, seed, 30_000);
    const phases = record(w, work, 4, 50);
    withFolder((folder) => {
      const total = phases[phases.length - 1].to - phases[0].from;
      const step = Math.max(1, Math.floor(total / CUTS));
      for (const phase of phases) {
        for (let n = phase.from; n <= phase.to; n += step) {
          const fixed = repaired(folder, w.disk.cut({ after: n, ...cut }).bytes());
          const after = mounted(fixed, { seed }, 1);
          const lost = losses(phase, listSys(after.sys, true));
          after.k.halt();
          if (lost.length > 0) throw new Error(`cut after write ${n} of ${phase.from}..${phase.to}, seed ${seed}:\n${lost.slice(0, 5).join('\n')}`);
        }
      }
    });
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
  });
}
