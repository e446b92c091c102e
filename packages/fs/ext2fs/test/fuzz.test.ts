/** Thousands of images with random damage: mount, walk, read, write, unmount. Nothing but errors may come of it, and soon. */
import { beforeAll, expect, test } from '@jest/globals';
import { soon } from '@anykernel/conformance-fuzz';
import { Rng } from '@anykernel/host-sim';
import { O_CREAT, O_RDWR, S_IFMT } from '@anykernel/lib-sys';
import { newfs } from '../src/index.js';
import { SUPER_OFF } from '../src/ondisk.js';
import { type World, mounted, pattern, world } from './kit.js';

const SIZE = 400 << 10;
/** Files looked at in one image, and bytes read of each. */
const FILES_MAX = 300;
const BYTES_MAX = 200_000;
const DEPTH_MAX = 20;

let base: Uint8Array;
/** Byte ranges worth damaging: metadata. */
let ranges: readonly (readonly [number, number])[];

beforeAll(() => {
  const bytes = new Uint8Array(SIZE);
  newfs({ size: SIZE, write: (off, data) => bytes.set(data, off) }, { time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: 1024, inodes: 64, zeroed: true });
  const w = mounted(bytes);
  const { sys } = w;
  for (const dir of ['a', 'a/b', 'c', 'many']) sys.mkdir(dir, 0o755);
  for (let i = 0; i < 20; i++) {
    const fd = sys.open(`${i % 2 === 0 ? 'a' : 'a/b'}/f${i}`, O_CREAT | O_RDWR, 0o644);
    sys.pwrite(fd, pattern(500, i), i === 4 ? 280_000 : i === 6 ? 70_000_000 : i * 700);
    sys.close(fd);
    sys.setxattr(`${i % 2 === 0 ? 'a' : 'a/b'}/f${i}`, 'user.x', pattern(i * 20, i), 0);
  }
  for (let i = 0; i < 15; i++) sys.symlink('x'.repeat(i * 12 + 1), `many/link-${'n'.repeat(60)}-${i}`);
  sys.mknod('dev', 0o060600, 5);
  w.k.halt();
  base = w.bytes();
  const used: [number, number][] = [[SUPER_OFF, SUPER_OFF + 400], [2048, 2048 + 32], [3 * 1024, 5 * 1024], [5 * 1024, 5 * 1024 + 64 * 256]];
  const words = new DataView(base.buffer);
  for (let ino = 1; ino <= 64; ino++) {
    const at = 5 * 1024 + (ino - 1) * 256;
    const mode = words.getUint16(at, true) & S_IFMT;
    const pointers = mode === 0o040000 ? [0, 1, 2, 12] : mode === 0o100000 ? [12, 13, 14] : [];
    for (const i of pointers) {
      const blkno = words.getUint32(at + 40 + 4 * i, true);
      if (blkno > 0 && blkno < SIZE / 1024) used.push([blkno * 1024, blkno * 1024 + 1024]);
    }
    const acl = words.getUint32(at + 104, true);
    if (acl > 0 && acl < SIZE / 1024) used.push([acl * 1024, acl * 1024 + 1024]);
  }
  ranges = used;
});

/** Random damage, mostly where it hurts. */
function damaged(seed: number): Uint8Array {
  const rng = new Rng(seed);
  const bytes = base.slice();
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
        new DataView(bytes.buffer).setUint32(Math.min(SIZE - 4, at & ~3), rng.below(2) === 0 ? rng.below(400) : rng.below(2 ** 31), true);
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

/** Whether it could be mounted. */
function used(w: World, seed: number): boolean {
  if (tried(() => { w.mount(); return true; }) !== true) return false;
  walk(w, '.', 0, { count: 0 });
  change(w, new Rng(seed));
  walk(w, '.', 0, { count: 0 });
  tried(() => w.sys.sync());
  tried(() => w.unmount());
  return true;
}

/** EXT2FS_FUZZ_FIRST and EXT2FS_FUZZ_COUNT make it others, and more. */
const FIRST = Number(process.env['EXT2FS_FUZZ_FIRST'] ?? 1);
const COUNT = Number(process.env['EXT2FS_FUZZ_COUNT'] ?? 150);

test(`${COUNT} damaged images, from seed ${FIRST} on`, () => {
  let mountedCount = 0;
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const w = world(damaged(seed), { seed, kernel: { memLimitBytes: 32 << 20 } });
    try {
      if (soon(20_000, () => used(w, seed))) mountedCount++;
      if (w.k.stopped !== undefined) throw new Error(w.k.stopped);
      w.k.halt();
      if (w.host.allocated > 0) throw new Error(`${w.host.allocated} bytes are not given back`);
    } catch (e) {
      throw new Error(`seed ${seed}: ${String(e)} ${w.k.stopped ?? ''}\n${w.k.msgbuf.text().slice(-600)}`, { cause: e });
    }
  }
  expect(mountedCount).toBeGreaterThan(COUNT / 3);
}, 600_000);
