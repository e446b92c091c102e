import { expect } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle, run } from '@anykernel/tools-oracle';
import { readFileSync, writeFileSync } from 'node:fs';
import { type World, errnoOf, fsck, mke2fs, mounted, withFolder } from './kit.js';
import { type Listing, Workload, listModel, listSys } from './workload.js';

/** What a power cut may have changed of a synced file: nothing. Links are the checker's to count. */
function withoutLinks(line: string | undefined): string | undefined {
  return line?.replace(/ links \d+/, '');
}

/** The image after the checker has repaired it; throws where it cannot. */
function repaired(folder: string, bytes: Uint8Array): Uint8Array {
  const path = `${folder}/image`;
  writeFileSync(path, bytes);
  const { status, stdout, stderr } = run('e2fsck', ['-fy', path]);
  if ((status & ~3) !== 0) throw new Error(`e2fsck -fy: status ${status}\n${stdout}${stderr}`);
  return new Uint8Array(readFileSync(path));
}

interface Phase {
  /** Writes of the disk when it began. */
  readonly from: number;
  /** What was there then, synced. */
  readonly synced: Listing;
  /** Paths touched since. */
  readonly touched: Set<string>;
  to: number;
}

/** Work in phases, each of which begins with a sync. */
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
  // A directory above it that was moved or changed its mode takes it along.
  for (let i = path.lastIndexOf('/'); i > 0; i = path.lastIndexOf('/', i - 1)) if (phase.touched.has(path.slice(0, i))) return false;
  return true;
}

function losses(phase: Phase, found: Listing): string[] {
  const out: string[] = [];
  for (const [path, line] of phase.synced) {
    if (untouched(phase, path) && withoutLinks(found.get(path)) !== withoutLinks(line)) out.push(`${path}: ${line} is ${found.get(path) ?? 'missing'}`);
  }
  return out;
}

const PLANS: readonly (readonly [string, readonly string[], number, { readonly reorder?: boolean }])[] = [
  ['blocks of 1 KiB', ['-b', '1024', '-N', '600'], 21, {}],
  ['blocks of 4 KiB', ['-b', '4096', '-N', '600'], 22, {}],
  ['revision 0', ['-r', '0', '-b', '1024', '-N', '600'], 23, {}],
  ['writes that were not flushed are lost at random', ['-b', '1024', '-N', '600'], 24, { reorder: true }],
];
const CUTS = 10;

for (const [name, args, seed, cut] of PLANS) {
  oracle('mke2fs', 'e2fsck').test(`after a power cut and e2fsck, what was synced and not touched since is there: ${name}, seed ${seed}`, () => {
    const w = mounted(mke2fs(2200, args), { seed, disk: { record: 'all' } });
    const work = new Workload(w.sys, seed, { maxFile: 60_000, xattrs: !args.includes('-r') });
    const phases = record(w, work, 5, 60);
    withFolder((folder) => {
      const total = phases[phases.length - 1].to - phases[0].from;
      const step = Math.max(1, Math.floor(total / CUTS));
      for (const phase of phases) {
        for (let n = phase.from; n <= phase.to; n += step) {
          const fixed = repaired(folder, w.disk.cut({ after: n, ...cut }).bytes());
          const after = mounted(fixed, { seed }, 1);
          const lost = losses(phase, listSys(after.sys));
          after.k.halt();
          if (lost.length > 0) throw new Error(`cut after write ${n} of ${phase.from}..${phase.to}, seed ${seed}:\n${lost.slice(0, 5).join('\n')}`);
        }
      }
    });
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
  });
}

oracle('mke2fs', 'e2fsck').test('a synced directory that grows into blocks full of old bytes loses no name by a power cut', () => {
  const w = mounted(mke2fs(1200, ['-b', '1024', '-N', '600']), { seed: 31, disk: { record: 'all' } });
  const { sys } = w;
  // What the directory will grow into looks like pointers and like entries of directories.
  const fd = sys.open('old', O_CREAT | O_RDWR, 0o600);
  const old = new Uint8Array(1024);
  const words = new Uint32Array(old.buffer);
  for (let i = 0; i < words.length; i++) words[i] = i % 2 === 0 ? 0xfffffff0 + i : 12 + i;
  for (let i = 0; i < 900; i++) if (errnoOf(() => sys.write(fd, old)) !== '') break;
  sys.close(fd);
  sys.sync();
  sys.unlink('old');
  sys.mkdir('d', 0o755);
  const name = (i: number): string => `d/${'n'.repeat(100)}${i}`;
  for (let i = 0; i < 90; i++) sys.close(sys.open(name(i), O_CREAT | O_RDWR, 0o644));
  sys.sync();
  const from = w.disk.writes;
  for (let i = 90; i < 180; i++) {
    sys.close(sys.open(name(i), O_CREAT | O_RDWR, 0o644));
    if (i % 10 === 0) w.vfs.sync(false);
  }
  sys.sync();
  withFolder((folder) => {
    for (let n = from; n <= w.disk.writes; n++) {
      const after = mounted(repaired(folder, w.disk.cut({ after: n }).bytes()), {}, 1);
      for (let i = 0; i < 90; i++) if (errnoOf(() => after.sys.stat(name(i))) !== '') throw new Error(`cut after write ${n}: ${i} is gone`);
      after.k.halt();
    }
  });
  w.k.halt();
});
