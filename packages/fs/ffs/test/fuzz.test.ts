/** Thousands of images with random damage: mount, walk, read, write, unmount. Nothing but errors may come of it, and soon. */
import { beforeAll, expect, test } from '@jest/globals';
import { Rng } from '@anykernel/host-sim';
import { O_CREAT, O_RDWR, S_IFMT } from '@anykernel/lib-sys';
import { VTOI } from '@anykernel/ufs';
import { type NewfsOptions, fsck } from '../src/index.js';
import { type World, ioOf, made, mounted, pattern, world } from './kit.js';

const SIZE = 600 << 10;
/** Files looked at in one image, and bytes read of each. */
const FILES_MAX = 300;
const BYTES_MAX = 200_000;
const DEPTH_MAX = 20;

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
  for (const options of KINDS) bases.push(makeBase(options));
});

function makeBase(options: Partial<NewfsOptions>): Base {
  const w = mounted(made(SIZE / 1024, options));
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
  const count = 1 + rng.below(rng.below(4) === 0 ? 40 : 6);
  for (let i = 0; i < count; i++) {
    const [from, to] = rng.below(10) === 0 ? [0, SIZE] : ranges[rng.below(ranges.length)];
    const at = from + rng.below(to - from);
    switch (rng.below(5)) {
      case 0:
        bytes[at] = rng.below(256);
        break;
      case 1:
        bytes[at] ^= 1 << rng.below(8);
        break;
      case 2:
        bytes.fill(rng.below(2) * 255, at, Math.min(SIZE, at + 1 + rng.below(16)));
        break;
      case 3:
        new DataView(bytes.buffer).setUint32(Math.min(SIZE - 4, at & ~3), rng.below(2) === 0 ? rng.below(1200) : rng.below(2 ** 31), le);
        break;
      default:
        bytes.copyWithin(at, from, Math.min(to, from + 64));
    }
  }
  return bytes;
}

/** Runs a call; an error is an answer. */
function tried<T>(fn: () => T): T | undefined {
  try {
    return fn();
  } catch (e) {
    const { code, name } = e as { code?: string; name?: string };
    if (code === undefined || name === 'WouldSleep') throw e;
    return undefined;
  }
}

function walk(w: World, dir: string, depth: number, seen: { count: number }): void {
  const { sys } = w;
  const fd = tried(() => sys.open(dir, 0));
  if (fd === undefined) return;
  const buf = new Uint8Array(4096);
  for (let n = tried(() => sys.getdents(fd, buf)) ?? 0; n > 0 && seen.count < FILES_MAX; n = tried(() => sys.getdents(fd, buf)) ?? 0) {
    const view = new DataView(buf.buffer);
    for (let off = 0; off < n; off += view.getUint16(off + 8, true)) {
      const name = buf.slice(off + 13, off + 13 + view.getUint16(off + 10, true));
      if (name.length > 0 && !(name[0] === 0x2e && name.length <= 2) && seen.count++ < FILES_MAX) visit(w, `${dir}/${String.fromCharCode(...name)}`, depth, seen);
    }
  }
  sys.close(fd);
}

function visit(w: World, path: string, depth: number, seen: { count: number }): void {
  const { sys } = w;
  const st = tried(() => sys.lstat(path));
  if (st === undefined) return;
  tried(() => sys.readlink(path, new Uint8Array(2000)));
  const len = tried(() => sys.llistxattr(path));
  if (len !== undefined && len > 0) tried(() => sys.llistxattr(path, new Uint8Array(len)));
  tried(() => sys.lgetxattr(path, 'user.x', new Uint8Array(4096)));
  const type = st.mode & S_IFMT;
  if (type === 0o040000 && depth < DEPTH_MAX) walk(w, path, depth + 1, seen);
  if (type !== 0o100000) return;
  const fd = tried(() => sys.open(path, 0));
  if (fd === undefined) return;
  const buf = new Uint8Array(16_384);
  for (let off = 0; off < BYTES_MAX && (tried(() => sys.pread(fd, buf, off)) ?? 0) > 0; off += buf.length);
  tried(() => sys.pread(fd, buf, Math.max(0, st.size - 1000)));
  sys.close(fd);
}

function change(w: World, rng: Rng): void {
  const { sys } = w;
  for (let i = 0; i < 12; i++) {
    const path = ['a', 'a/b', 'c', 'many', '.'][rng.below(5)];
    const old = `${path}/f${rng.below(20)}`;
    const fresh = `${path}/new-${'n'.repeat(rng.below(80))}${i}`;
    switch (rng.below(9)) {
      case 0: {
        const fd = tried(() => sys.open(fresh, O_CREAT | O_RDWR, 0o644));
        if (fd === undefined) break;
        tried(() => sys.pwrite(fd, pattern(5000, i), rng.below(300_000)));
        sys.close(fd);
        break;
      }
      case 1:
        tried(() => sys.unlink(old));
        break;
      case 2:
        tried(() => sys.truncate(old, rng.below(20_000)));
        break;
      case 3:
        tried(() => sys.mkdir(fresh, 0o755));
        break;
      case 4:
        tried(() => sys.rename(old, fresh));
        break;
      case 5:
        tried(() => sys.setxattr(old, 'user.y', pattern(rng.below(600), i), 0));
        break;
      case 6:
        tried(() => sys.symlink('s'.repeat(1 + rng.below(200)), fresh));
        break;
      case 7:
        tried(() => sys.rename(['a', 'c', 'many', 'a/b'][rng.below(4)], ['c/moved', 'a/moved', 'x'][rng.below(3)]));
        break;
      default: {
        const fd = tried(() => sys.open(old, O_RDWR));
        if (fd === undefined) break;
        tried(() => sys.pwrite(fd, pattern(3000, i), rng.below(100_000)));
        tried(() => sys.fdiscard(fd, rng.below(5000), rng.below(50_000)));
        sys.close(fd);
      }
    }
  }
}

/** The checker finds its way through anything, and what it has repaired is in order. */
function repaired(bytes: Uint8Array): void {
  const report = tried(() => fsck(ioOf(bytes), { time: 9, repair: true }));
  if (report === undefined) return;
  if (!report.clean) throw new Error(`is not repaired: ${report.problems.slice(-5).map((p) => p.text).join('; ')}`);
  const again = fsck(ioOf(bytes), { time: 9 });
  if (again.problems.length > 0) throw new Error(`was repaired, and is not in order: ${again.problems[0].text}`);
  const w = mounted(bytes, {}, 1);
  walk(w, '.', 0, { count: 0 });
  const said = w.k.msgbuf.text();
  w.k.halt();
  if (said.includes('ffs:')) throw new Error(`was repaired, and the driver says: ${said.slice(-300)}`);
}

const FIRST = Number(process.env['FFS_FUZZ_FIRST'] ?? 1);
const COUNT = Number(process.env['FFS_FUZZ_COUNT'] ?? 60);

test(`${COUNT} damaged images, from seed ${FIRST} on`, () => {
  let mountedCount = 0;
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const start = performance.now();
    const w = world(damaged(seed), { seed, kernel: { memLimitBytes: 32 << 20 } });
    try {
      if (tried(() => { w.mount(); return true; }) === true) {
        mountedCount++;
        walk(w, '.', 0, { count: 0 });
        change(w, new Rng(seed));
        walk(w, '.', 0, { count: 0 });
        tried(() => w.sys.sync());
        tried(() => w.unmount());
      }
      if (w.k.stopped !== undefined) throw new Error(w.k.stopped);
      w.k.halt();
      repaired(w.bytes());
      repaired(damaged(seed));
      if (w.host.allocated > 0) throw new Error(`${w.host.allocated} bytes are not given back`);
    } catch (e) {
      throw new Error(`seed ${seed}: ${String(e)} ${w.k.stopped ?? ''}\n${w.k.msgbuf.text().slice(-600)}`, { cause: e });
    }
    const took = performance.now() - start;
    if (took > 8000) throw new Error(`seed ${seed} took ${took} ms`);
  }
  expect(mountedCount).toBeGreaterThan(COUNT / 3);
}, 600_000);
