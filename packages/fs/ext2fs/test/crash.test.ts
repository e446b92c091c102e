import { expect } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle, run } from '@anykernel/tools-oracle';
import { readFileSync, writeFileSync } from 'node:fs';
import { errnoOf, fsck, mke2fs, mounted, withFolder, world } from './kit.js';
import { Workload, listSys, powerCuts } from '@anykernel/conformance-diskfs';

/** The image after the checker has repaired it; throws where it cannot. */
function repaired(folder: string, bytes: Uint8Array): Uint8Array {
  const path = `${folder}/image`;
  writeFileSync(path, bytes);
  const { status, stdout, stderr } = run('e2fsck', ['-fy', path]);
  if ((status & ~3) !== 0) throw new Error(`e2fsck -fy: status ${status}\n${stdout}${stderr}`);
  return new Uint8Array(readFileSync(path));
}

const PLANS: readonly (readonly [string, readonly string[], number, { readonly reorder?: boolean }])[] = [
  ['blocks of 1 KiB', ['-b', '1024', '-N', '600'], 21, {}],
  ['blocks of 4 KiB', ['-b', '4096', '-N', '600'], 22, {}],
  ['revision 0', ['-r', '0', '-b', '1024', '-N', '600'], 23, {}],
  ['writes that were not flushed are lost at random', ['-b', '1024', '-N', '600'], 24, { reorder: true }],
];

for (const [name, args, seed, cut] of PLANS) {
  oracle('mke2fs', 'e2fsck').test(`after a power cut and e2fsck, what was synced and not touched since is there: ${name}, seed ${seed}`, () => {
    withFolder((folder) => {
      const w = powerCuts({
        worlds: { world, mounted },
        image: mke2fs(2200, args),
        seed,
        work: (sys) => new Workload(sys, seed, { maxFile: 60_000, xattrs: !args.includes('-r') }),
        repaired: (image) => repaired(folder, image.bytes()),
        list: listSys,
        phases: 5,
        steps: 60,
        cuts: 10,
        ...cut,
      });
      w.k.halt();
      expect(fsck(w.disk.snapshot())).toBe('');
    });
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
