/** The journal: whatever the moment of a power cut, what is left replays to a file system in order, in which everything that was synced is. */
import { describe, expect, test } from '@jest/globals';
import { MNT_LOG, MNT_RDONLY, O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { LOG_BSIZE, readReplay } from '@anykernel/wapbl';
import { fsck } from '../src/index.js';
import { FS_DOWAPBL } from '../src/ondisk.js';
import { type World, check, errnoOf, ioOf, made, mounted, pattern, world } from './kit.js';
import { type Listing, Workload, compare, listModel, listSys, readFile } from '@anykernel/conformance-diskfs';

/** An image with as many bytes behind the file system as a journal wants. */
function withRoom(image: Uint8Array): Uint8Array {
  const b = new Uint8Array(image.length + (1 << 20) + 512);
  b.set(image);
  return b;
}

const IMAGES: readonly (readonly [string, Uint8Array])[] = [
  ['in the file system, UFS2', made(6000, { blockSize: 4096, fragSize: 512, inodes: 600 })],
  ['in the file system, UFS1, big-endian', made(8000, { version: 1, byteOrder: 'big', blockSize: 8192, inodes: 600 })],
  ['behind it, UFS2', withRoom(made(4000, { blockSize: 16384, inodes: 600 }))],
];

describe.each(IMAGES)('a journal %s', (_name, image) => {
  test('leaves nothing to replay after an unmount, and no trace but its own', () => {
    const w = mounted(image, {}, MNT_LOG);
    const work = new Workload(w.sys, 5, { maxFile: 60_000 });
    for (let i = 0; i < 200; i++) work.step();
    w.sys.sync();
    // It says so while it is in use.
    expect(w.fs().sb.i32(1312) & FS_DOWAPBL).toBe(FS_DOWAPBL);
    expect(check(w.disk.snapshot())).toBe('');
    w.unmount();
    expect(check(w.disk.snapshot())).toBe('');
    w.mount();
    expect(compare(listModel(work.root), listSys(w.sys, false)).slice(0, 3)).toEqual([]);
    expect(w.fs().sb.i32(1312) & FS_DOWAPBL).toBe(0);
    w.unmount();
    // The same log again.
    w.mount(MNT_LOG);
    w.sys.mkdir('again', 0o755);
    w.k.halt();
    expect(check(w.disk.snapshot())).toBe('');
    expect(w.k.msgbuf.text()).not.toMatch(/ffs:/);
  });

  test.each([{}, { reorder: true }])('is in order after a power cut at any time, with all that was synced (%j)', (cut) => {
    const w = mounted(image, { seed: 9, disk: { record: 'all' } }, MNT_LOG);
    const work = new Workload(w.sys, 9, { maxFile: 40_000 });
    const cuts: { at: number; synced: Listing; touched: Set<string> }[] = [];
    for (let phase = 0; phase < 4; phase++) {
      w.sys.sync();
      const synced = listModel(work.root);
      const touched = new Set<string>();
      for (let i = 0; i < 40; i++) {
        work.step();
        for (const path of work.touched) touched.add(path);
        if (i % 9 === 4) w.vfs.sync(false);
        cuts.push({ at: w.disk.writes, synced, touched: new Set(touched) });
      }
    }
    for (let n = 0; n < cuts.length; n += 19) afterCut(w, cuts[n].at, cut, cuts[n].synced, cuts[n].touched);
    w.k.halt();
  });
});

/** The image of a cut: the checker has nothing to say, read-only mounts see what is synced, and a mount for writing makes it so. */
function afterCut(w: World, at: number, cut: { reorder?: boolean }, synced: Listing, touched: ReadonlySet<string>): void {
  const bytes = w.disk.cut({ after: at, ...cut }).bytes();
  const where = `after write ${at}`;
  const report = fsck(ioOf(bytes), { time: 1 });
  expect(`${where}: ${report.problems.map((p) => p.text).slice(0, 5).join('; ')}`).toBe(`${where}: `);
  for (const flags of [MNT_RDONLY, 0]) {
    const after = mounted(bytes, {}, flags);
    const found = listSys(after.sys, false);
    const lost = [...synced].filter(([path, line]) => untouched(path, touched) && found.get(path)?.replace(/ links \d+/, '') !== line.replace(/ links \d+/, ''));
    expect(`${where}: ${JSON.stringify(lost.slice(0, 3))}`).toBe(`${where}: []`);
    after.k.halt();
    if (flags === 0) expect(`${where}: ${check(after.disk.snapshot())}`).toBe(`${where}: `);
  }
}

function untouched(path: string, touched: ReadonlySet<string>): boolean {
  if (touched.has(path)) return false;
  for (let i = path.lastIndexOf('/'); i > 0; i = path.lastIndexOf('/', i - 1)) if (touched.has(path.slice(0, i))) return false;
  return true;
}

test('a file that was unlinked while it was open is ended by the replay', () => {
  const w = mounted(IMAGES[0][1], { disk: { record: 'all' } }, MNT_LOG);
  const { sys } = w;
  const fd = sys.open('gone', O_CREAT | O_RDWR, 0o644);
  sys.write(fd, pattern(50_000, 1));
  sys.fsync(fd);
  const free = w.fs().totalFreeInodes;
  sys.unlink('gone');
  sys.fsync(sys.open('other', O_CREAT | O_RDWR, 0o644));
  const bytes = w.disk.cut({ after: w.disk.writes }).bytes();
  w.k.halt();
  expect(fsck(ioOf(bytes.slice()), { time: 1 }).problems).toEqual([]);
  const repaired = bytes.slice();
  expect(fsck(ioOf(repaired), { time: 1, repair: true }).problems.filter((p) => !p.text.includes('maps and sums') && !p.text.includes('table of') && !p.text.includes('totals'))).toEqual([]);
  expect(check(repaired)).toBe('');
  const after = mounted(bytes);
  after.sys.sync();
  // `other` has its place.
  expect(after.fs().totalFreeInodes).toBe(free);
  after.k.halt();
  expect(check(after.disk.snapshot())).toBe('');
});

test('a file with many trees and holes goes, in pieces if need be', () => {
  const w = mounted(IMAGES[0][1], {}, MNT_LOG);
  const { sys } = w;
  const fd = sys.open('f', O_CREAT | O_RDWR, 0o644);
  for (let i = 0; i < 200; i++) sys.pwrite(fd, pattern(100, i), i * 4096 * 600);
  sys.close(fd);
  const free = sys.statvfs1('.', 0).bfree;
  sys.unlink('f');
  sys.sync();
  expect(sys.statvfs1('.', 0).bfree).toBeGreaterThan(free + 200 * 8);
  w.k.halt();
  expect(check(w.disk.snapshot())).toBe('');
});

test('on a disk whose transfers end later', async () => {
  const w = world(IMAGES[1][1], { seed: 4, disk: { sync: false, latencyNs: [1000, 2_000_000] } });
  const { call } = w.k.newproc();
  await w.sim.settle(call.mount('ffs', '/mnt', MNT_LOG, { fspec: '/disk' }));
  await w.sim.settle(Promise.all(Array.from({ length: 30 }, async (_x, i) => {
    const fd = await call.open(`/mnt/f${i}`, O_CREAT | O_RDWR, 0o644);
    await call.write(fd, pattern(9000, i));
    if (i % 3 === 0) await call.fsync(fd);
    await call.close(fd);
    if (i % 5 === 0) await call.unlink(`/mnt/f${i}`);
  })));
  w.sim.runUntilIdle();
  const cut = w.disk.snapshot().bytes();
  expect(fsck(ioOf(cut), { time: 1 }).problems).toEqual([]);
  const late = world(cut, { disk: { sync: false, latencyNs: [1000, 2_000_000] } });
  const p = late.k.newproc();
  await late.sim.settle(p.call.mount('ffs', '/mnt', 0, { fspec: '/disk' }));
  const fd = await late.sim.settle(p.call.open('/mnt/f3', 0));
  const got = new Uint8Array(9000);
  await late.sim.settle(p.call.read(fd, got));
  expect(got).toEqual(pattern(9000, 3));
  await late.sim.settle(p.call.close(fd));
  await late.sim.settle(p.call.unmount('/mnt', 0));
  late.k.halt();
  expect(check(late.disk.snapshot())).toBe('');
  await w.sim.settle(call.unmount('/mnt', 0));
  w.k.halt();
  expect(check(w.disk.snapshot())).toBe('');
});

test('a log that lies is an error, and the file system can still be checked', () => {
  const w = mounted(IMAGES[2][1], { disk: { record: 'all' } }, MNT_LOG);
  w.sys.mkdir('a', 0o755);
  w.sys.fsync(w.sys.open('f', O_CREAT | O_RDWR, 0o644));
  const bytes = w.disk.cut({ after: w.disk.writes }).bytes();
  w.k.halt();
  const off = 4000 * 1024;
  const read = (b: Uint8Array) => (at: number, len: number): Uint8Array => b.slice(off + at, off + at + len);
  expect(typeof readReplay(read(bytes), 1 << 20)).toBe('object');
  for (const [at, value] of [[0, 0], [2 * LOG_BSIZE, 7], [2 * LOG_BSIZE + 8, 0x7fffffff], [2 * LOG_BSIZE + 16, 0x7fffffff], [2 * LOG_BSIZE + 28, 0x7fffffff], [2 * LOG_BSIZE + 28, 3]] as const) {
    const lie = bytes.slice();
    const view = new DataView(lie.buffer);
    view.setUint32(off + at, value, true);
    if (at === 0) view.setUint32(off + LOG_BSIZE, 0, true);
    const m = world(lie);
    expect(`${at}: ${errnoOf(() => m.mount())}`).toBe(`${at}: EIO`);
    expect(m.k.msgbuf.text()).toMatch(/journal cannot be replayed/);
    m.k.halt();
    expect(fsck(ioOf(lie), { time: 1, repair: true }).clean).toBe(true);
    const again = mounted(lie);
    expect(errnoOf(() => readFile(again.sys, 'nothing'))).toBe('ENOENT');
    again.k.halt();
  }
});
