/** Power cuts on file systems with a journal: what a replay finds is whole, whoever replays. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle, run, withMount } from '@anykernel/tools-oracle';
import { type Ext2fsType, newfs } from '../src/index.js';
import { type World, errnoOf, fsck, mke2fs, mounted, pattern, withFolder, withImage, world } from './kit.js';
import { type Listing, Workload, compare, listModel, listSys } from '@anykernel/conformance-diskfs';

function fresh(type: Ext2fsType, kib: number): Uint8Array {
  const bytes = new Uint8Array(kib << 10);
  newfs({ size: bytes.length, write: (off, b) => bytes.set(b, off) }, { type, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: 1024, inodes: 600, zeroed: true });
  return bytes;
}

/** What e2fsck finds after it has replayed the journal by itself; empty: nothing. */
function theirs(folder: string, image: Uint8Array): string {
  const path = `${folder}/image`;
  writeFileSync(path, image);
  run('e2fsck', ['-E', 'journal_only', '-fy', path]);
  // Orphans are ended without a word.
  const preened = run('e2fsck', ['-p', path]);
  const { status, stdout } = run('e2fsck', ['-fn', path]);
  return status === 0 && preened.status <= 1 ? '' : `e2fsck -p: ${preened.status}\n${preened.stdout}e2fsck -fn: ${status}\n${stdout}`;
}

/** The same by us. */
function ours(image: Uint8Array): { readonly said: string; readonly listing: Listing } {
  const w = mounted(image);
  const listing = listSys(w.sys);
  w.unmount();
  const said = fsck(w.disk.snapshot());
  w.k.halt();
  return { said, listing };
}

const CUTS: readonly (readonly [string, { readonly reorder?: boolean; readonly torn?: boolean }])[] = [
  ['after a write', {}],
  ['unflushed writes lost at random', { reorder: true }],
  ['in the middle of a write', { torn: true, reorder: true }],
];

/** A torn superblock has a wrong checksum: e2fsck asks for a backup then. */
function superblockTorn(w: World, n: number): boolean {
  const write = w.disk.journal.find((x) => x.n === n);
  return write !== undefined && write.off < 2048 && write.off + write.bytes.length > 1024;
}

describe.each(['ext3', 'ext4'] as const)('%s', (type) => {
  for (const [name, cut] of type === 'ext4' ? CUTS : CUTS.slice(1, 2)) oracle('e2fsck').test(`a power cut ${name} leaves an image that replays clean, and what was synced`, () => {
    const w = mounted(fresh(type, 6000), { seed: 5, disk: { record: 'all' } });
    const work = new Workload(w.sys, 5, { maxFile: 40_000, xattrs: true });
    /** Writes of the disk, and what is promised from there on. */
    const promises: (readonly [number, Listing])[] = [];
    for (let i = 0; i < 72; i++) {
      work.step();
      if (i % 18 === 17) {
        w.sys.sync();
        promises.push([w.disk.writes, listModel(work.root)]);
      } else if (i % 7 === 3) w.vfs.sync(false);
    }
    const total = w.disk.writes;
    withFolder((folder) => {
      for (let n = 1; n <= total; n += Math.ceil(total / 4)) {
        const image = w.disk.cut({ after: n, ...cut }).bytes();
        const where = `cut after write ${n} of ${total}: `;
        if (cut.torn !== true || !superblockTorn(w, n)) expect(where + theirs(folder, image)).toBe(where);
        expect(where + ours(image).said).toBe(where);
      }
      for (const [n, listing] of promises) expect(compare(listing, ours(w.disk.cut({ after: n, reorder: true }).bytes()).listing).slice(0, 3)).toEqual([]);
    });
    w.k.halt();
  });

  oracle('loop:ext4').test('Linux replays what we have written ahead', () => {
    const w = mounted(fresh(type, 6000), { disk: { record: 'all' } });
    for (let d = 0; d < 4; d++) {
      w.sys.mkdir(`d${d}`, 0o755);
      for (let i = 0; i < 20; i++) {
        const fd = w.sys.open(`d${d}/f${i}`, O_CREAT | O_RDWR, 0o644);
        w.sys.write(fd, pattern(i * 300, i));
        w.sys.close(fd);
      }
      if (d === 2) for (let i = 0; i < 20; i += 2) w.sys.unlink(`d1/f${i}`);
    }
    w.sys.rename('d0', 'd3/moved');
    const fd = w.sys.open('last', O_CREAT | O_RDWR, 0o644);
    w.sys.fsync(fd);
    const found = withImage(w.disk.cut({ reorder: true }).bytes(), (path) =>
      withMount(path, 'ext4', (root) => [readdirSync(root).sort(), readdirSync(`${root}/d3/moved`).length, readdirSync(`${root}/d1`).length, readFileSync(`${root}/d2/f7`).length]),
    );
    expect(found).toEqual([['d1', 'd2', 'd3', 'last', 'lost+found'], 20, 10, 2100]);
    w.k.halt();
  });

  test('fsync of one file is enough for its name to be there', () => {
    const w = mounted(fresh(type, 4000), { disk: { record: 'all' } });
    w.sys.mkdir('d', 0o755);
    const fd = w.sys.open('d/f', O_CREAT | O_RDWR, 0o644);
    w.sys.write(fd, pattern(50_000, 3));
    w.sys.fsync(fd);
    const after = mounted(w.disk.cut({ reorder: true }).bytes());
    const buf = new Uint8Array(50_001);
    const back = after.sys.open('d/f', O_RDWR);
    expect(after.sys.read(back, buf)).toBe(50_000);
    expect(buf.subarray(0, 50_000)).toEqual(pattern(50_000, 3));
    after.k.halt();
    w.k.halt();
  });

  test('a file system that is full takes what was freed a moment ago', () => {
    const w = mounted(fresh(type, 3000));
    const fill = (name: string): void => {
      const fd = w.sys.open(name, O_CREAT | O_RDWR, 0o644);
      while (errnoOf(() => w.sys.write(fd, pattern(20_000, 1))) === '');
      w.sys.close(fd);
    };
    fill('a');
    w.sys.unlink('a');
    const fd = w.sys.open('b', O_CREAT | O_RDWR, 0o644);
    expect(w.sys.write(fd, pattern(500_000, 2))).toBe(500_000);
    w.sys.close(fd);
    w.k.halt();
    expect(fsck(w.disk.snapshot())).toBe('');
  });

  test.each([['a synchronous', true], ['an asynchronous', false]])('a read-only mount shows what recovery would bring home, and writes nothing, on %s disk', async (_name, sync) => {
    const w = mounted(fresh(type, 4000), { disk: { record: 'all' } });
    w.sys.mkdir('d', 0o755);
    w.sys.sync();
    // The log alone: nothing has gone home yet.
    const image = w.disk.cut({ after: w.disk.writes, reorder: false }).bytes();
    w.k.halt();
    const after = world(image, { disk: { sync } });
    let done = false;
    const work = after.root.call.mount('ext2fs', '/mnt', 1, { fspec: '/disk' }).finally(() => (done = true));
    for (let i = 0; !done && i < 10_000; i++) {
      after.sim.step();
      await Promise.resolve();
    }
    await work;
    expect(after.k.msgbuf.text()).toMatch(/recovered/);
    const st = after.root.call.stat('/mnt/d');
    for (let i = 0; i < 1000; i++) {
      after.sim.step();
      await Promise.resolve();
    }
    expect((await st).nlink).toBe(2);
    expect(errnoOf(() => after.sys.mkdir('/mnt/e', 0o755))).toBe('EROFS');
    after.k.halt();
    expect(Buffer.compare(after.bytes(), image)).toBe(0);
    expect(after.host.allocated).toBe(0);
  });

  test('a file larger than the journal can free at once goes in several steps', () => {
    const w = mounted(fresh(type, 12_000));
    const fd = w.sys.open('sparse', O_CREAT | O_RDWR, 0o644);
    // A block here and a block there: as many extents as blocks.
    for (let i = 0; i < 1500; i++) w.sys.pwrite(fd, pattern(1024, i), i * 3072);
    w.sys.ftruncate(fd, 1_500_000);
    expect(w.sys.fstat(fd).size).toBe(1_500_000);
    w.sys.close(fd);
    w.sys.unlink('sparse');
    w.unmount();
    expect(fsck(w.disk.snapshot())).toBe('');
    w.k.halt();
  });
});

oracle('mke2fs', 'e2fsck').test('a slow disk gives the same, and the calls wait', async () => {
  const w = world(mke2fs(6000, ['-t', 'ext4', '-b', '1024']), { disk: { sync: false } });
  const p = w.root.call;
  const settle = async <T>(work: Promise<T>): Promise<T> => {
    let done = false;
    void work.then(() => (done = true), () => (done = true));
    for (let i = 0; !done && i < 100_000; i++) {
      w.sim.step();
      await Promise.resolve();
    }
    return work;
  };
  await settle(p.mount('ext2fs', '/mnt', 0, { fspec: '/disk' }));
  for (let i = 0; i < 30; i++) {
    const fd = await settle(p.open(`/mnt/f${i}`, O_CREAT | O_RDWR, 0o644));
    await settle(p.write(fd, pattern(9000, i)));
    if (i % 5 === 0) await settle(p.fsync(fd));
    await settle(p.close(fd));
    if (i % 3 === 0) await settle(p.unlink(`/mnt/f${i}`));
  }
  await settle(p.unmount('/mnt', 0));
  expect(fsck(w.disk.snapshot())).toBe('');
  w.k.halt();
});
