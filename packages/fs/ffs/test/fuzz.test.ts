/** Images with random damage: driver and checker find nothing in them but errors, and what the checker has repaired is in order for both. */
import { beforeAll, expect, test } from '@jest/globals';
import { soon } from '@anykernel/conformance-fuzz';
import { type Machine, damagedImages, exercise } from '@anykernel/conformance-image';
import { Rng, Sim } from '@anykernel/host-sim';
import { boot } from '@anykernel/rumpkern';
import { rumpvfs, etfsRegister } from '@anykernel/rumpvfs';
import { Errno, MNT_LOG, MNT_RDONLY, O_CREAT, O_RDWR, S_IFMT } from '@anykernel/lib-sys';
import { VTOI } from '@anykernel/ufs';
import { type NewfsOptions, ffs, fsck } from '../src/index.js';
import { ioOf, made, mounted, pattern } from './kit.js';

/** KiB; by its length an image is known. */
const SIZES = [600, 704];
const KINDS: readonly Partial<NewfsOptions>[] = [
  { blockSize: 4096, fragSize: 512, inodes: 128 },
  { version: 1, byteOrder: 'big', blockSize: 8192, fragSize: 1024, inodes: 128 },
];
const bases: Base[] = [];

interface Base {
  readonly bytes: Uint8Array;
  readonly le: boolean;
  /** Byte ranges worth damaging: metadata. */
  readonly ranges: readonly (readonly [number, number])[];
}

beforeAll(() => {
  for (const [i, options] of KINDS.entries()) bases.push(makeBase(options, SIZES[i]));
  bases.push(withJournal());
});

/** An image that was in use with a journal when the power went. */
function withJournal(): Base {
  const empty = made(400, { blockSize: 4096, fragSize: 512, inodes: 64 });
  const image = new Uint8Array(empty.length + (1 << 20));
  image.set(empty);
  const w = mounted(image, { disk: { record: 'all' } }, MNT_LOG);
  for (let i = 0; i < 6; i++) {
    w.sys.mkdir(`d${i}`, 0o755);
    w.sys.fsync(w.sys.open(`d${i}/f`, O_CREAT | O_RDWR, 0o644));
  }
  const bytes = w.disk.cut({ after: w.disk.writes }).bytes();
  const off = empty.length;
  w.k.halt();
  return { bytes, le: true, ranges: [[off, off + 1024], [off + 1024, off + 60_000], [65536, 65536 + 1376]] };
}

function makeBase(options: Partial<NewfsOptions>, kib: number): Base {
  const w = mounted(made(kib, options));
  const { sys } = w;
  const fs = w.fs();
  for (const dir of ['a', 'a/b', 'c', 'many']) sys.mkdir(dir, 0o755);
  for (let i = 0; i < 20; i++) {
    const path = `${i % 2 === 0 ? 'a' : 'a/b'}/f${i}`;
    const fd = sys.open(path, O_CREAT | O_RDWR, 0o644);
    sys.pwrite(fd, pattern(500, i), i === 4 ? 280_000 : i === 6 ? 70_000_000 : i * 700);
    sys.close(fd);
    if (fs.hasExtattrs) sys.setxattr(path, 'user.x', pattern(i * 20, i), 0);
  }
  for (let i = 0; i < 15; i++) sys.symlink('x'.repeat(i * 12 + 1), `many/link-${'n'.repeat(60)}-${i}`);
  sys.mknod('dev', 0o060600, 5);
  sys.sync();
  const { fsize } = fs;
  const used: [number, number][] = [[fs.info.loc, fs.info.loc + 1376], [fs.info.cblkno * fsize, fs.info.cblkno * fsize + 500], [fs.info.iblkno * fsize, fs.info.iblkno * fsize + 40 * fs.dinode.len]];
  for (const vp of w.mp().vnodes()) {
    const ip = VTOI(vp);
    const slots = ip.isDir ? [0, 1, 2, 12] : [12, 13, 14];
    for (const i of slots) {
      const addr = (ip.mode & S_IFMT) === 0o120000 ? 0 : ip.ptr(i);
      if (addr > 0 && addr < fs.size) used.push([addr * fsize, addr * fsize + 512]);
    }
    if (ip.extsize > 0) used.push([ip.extPtr(0) * fsize, ip.extPtr(0) * fsize + 512]);
  }
  const le = fs.le;
  w.k.halt();
  return { bytes: w.bytes(), le, ranges: used };
}

/** Random damage, mostly where it hurts. */
function damaged(seed: number): Uint8Array {
  const rng = new Rng(seed);
  const { bytes: whole, ranges, le } = bases[seed % bases.length];
  const bytes = whole.slice();
  const size = bytes.length;
  const count = 1 + rng.below(rng.below(4) === 0 ? 40 : 6);
  for (let i = 0; i < count; i++) {
    const [from, to] = rng.below(10) === 0 ? [0, size] : ranges[rng.below(ranges.length)];
    const at = from + rng.below(to - from);
    switch (rng.below(5)) {
      case 0:
        bytes[at] = rng.below(256);
        break;
      case 1:
        bytes[at] ^= 1 << rng.below(8);
        break;
      case 2:
        bytes.fill(rng.below(2) * 255, at, Math.min(size, at + 1 + rng.below(16)));
        break;
      case 3:
        new DataView(bytes.buffer).setUint32(Math.min(size - 4, at & ~3), rng.below(2) === 0 ? rng.below(1200) : rng.below(2 ** 31), le);
        break;
      default:
        bytes.copyWithin(at, from, Math.min(to, from + 64));
    }
  }
  return bytes;
}

/** The checker finds its way through anything, and what it has repaired is in order. */
function repaired(bytes: Uint8Array): void {
  let clean: boolean;
  try {
    clean = fsck(ioOf(bytes), { time: 9, repair: true }).clean;
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    return;
  }
  if (!clean) throw new Error('is not repaired');
  const again = fsck(ioOf(bytes), { time: 9 });
  if (again.problems.length > 0) throw new Error(`was repaired, and is not in order: ${again.problems[0].text}`);
  const machine = start(bytes, MNT_RDONLY);
  exercise(machine, 1);
  const said = machine.k.msgbuf.text();
  if (said.includes('ffs:')) throw new Error(`was repaired, and the driver says: ${said.slice(-300)}`);
}

function start(image: Uint8Array, flags = 0): Machine {
  const host = new Sim({ seed: 1 }).host();
  host.sim.disk('disk', { bytes: image, record: 'none' });
  const k = boot(host, [ffs], { memLimitBytes: 32 << 20 });
  etfsRegister(k.modules.use(rumpvfs), '/disk', 'disk', 'blk');
  return { k, type: 'ffs', args: { fspec: '/disk' }, writable: flags === 0, allocated: () => host.allocated };
}

test('damage, guided by the code that it reaches', () => {
  const report = damagedImages({
    name: 'ffs',
    images: bases.map((b) => b.bytes),
    ranges: (image) => bases.find((b) => b.bytes.length === image.length)?.ranges ?? [],
    sources: '/packages/fs/',
    start,
    runs: 60,
  });
  expect(report.mounted).toBeGreaterThan(report.runs / 4);
}, 600_000);

const FIRST = Number(process.env['FUZZ_SEED'] ?? 1);
const COUNT = Number(process.env['FFS_FSCK_RUNS'] ?? 40);

test(`${COUNT} damaged images for the checker, from seed ${FIRST} on`, () => {
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    try {
      soon(20_000, () => repaired(damaged(seed)));
    } catch (e) {
      throw new Error(`seed ${seed}: ${String(e)}`, { cause: e });
    }
  }
}, 600_000);
