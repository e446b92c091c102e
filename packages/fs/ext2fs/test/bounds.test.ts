/** Images and calls that ask for much work: each is done, or refused, soon. */
import { describe, expect, test } from '@jest/globals';
import { soon } from '@anykernel/conformance-fuzz';
import { F_SETFL, O_APPEND, O_CREAT, O_RDWR, O_WRONLY, SF_APPEND } from '@anykernel/lib-sys';
import { newfs } from '../src/index.js';
import { inodeBlock, inodeOffset } from '../src/inode.js';
import {
  DI_BLOCK, DI_BLOCKS, DI_DTIME, DI_MODE, DI_NLINK, DI_SIZE, SB_FIRST_DATA, SB_INCOMPAT, SB_IPG, SB_LAST_ORPHAN, SB_ROCOMPAT, SUPER_OFF, emitDirent,
} from '../src/ondisk.js';
import { type World, errnoOf, mounted, pattern, world } from './kit.js';

const BSIZE = 4096;

function image(size: number, inodes: number, inodeSize = 256): Uint8Array {
  const bytes = new Uint8Array(size);
  const options = { time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: BSIZE, inodes, inodeSize, zeroed: true };
  newfs({ size, write: (off, data) => bytes.set(data, off) }, options);
  return bytes;
}

/** Where inode `ino` stands in the image. */
function placeOf(w: World, ino: number): number {
  return inodeBlock(w.fs(), ino) * BSIZE + inodeOffset(w.fs(), ino);
}

describe('what an image makes large is done soon', () => {
  test('a directory that has one name a hundred thousand times', () => {
    const w = mounted(image(4 << 20, 64));
    const { sys } = w;
    sys.mkdir('d', 0o755);
    const fd = sys.open('f', O_CREAT | O_RDWR, 0o644);
    sys.write(fd, new Uint8Array(320 * BSIZE));
    sys.close(fd);
    sys.sync();
    const f = sys.stat('f').ino;
    const [from, to] = [placeOf(w, f), placeOf(w, sys.stat('d').ino)];
    w.unmount();
    w.k.halt();
    const bytes = w.bytes();
    const v = new DataView(bytes.buffer);
    // The directory takes over the file's blocks, behind its own.
    for (let i = 1; i < 13; i++) v.setUint32(to + DI_BLOCK + 4 * i, v.getUint32(from + DI_BLOCK + 4 * i, true), true);
    v.setUint32(to + DI_SIZE, 320 * BSIZE, true);
    v.setUint32(to + DI_BLOCKS, 321 * 8, true);
    const indirect = v.getUint32(from + DI_BLOCK + 48, true);
    for (let i = 1; i < 320; i++) {
      const blkno = i < 12 ? v.getUint32(from + DI_BLOCK + 4 * i, true) : v.getUint32(indirect * BSIZE + 4 * (i - 12), true);
      for (let off = 0; off + 12 <= BSIZE; off += 12) emitDirent(bytes, blkno * BSIZE + off, f, off + 24 > BSIZE ? BSIZE - off : 12, 1, 'same');
    }
    const w2 = mounted(bytes);
    soon(20_000, () => {
      expect(errnoOf(() => w2.sys.stat('d/other'))).toBe('ENOENT');
      expect(w2.sys.stat('d/same').ino).toBe(f);
      w2.sys.mkdir('d/other', 0o755);
      w2.sys.rmdir('d/other');
    });
    w2.unmount();
    w2.k.halt();
    expect(w2.host.allocated).toBe(0);
  });

  test('an orphan list of twenty thousand files', () => {
    const bytes = image(8 << 20, 20_000, 128);
    const w = mounted(bytes.slice());
    const { ibmap, info } = w.fs();
    const places: number[] = [];
    for (let ino = info.firstIno; ino <= info.inodes; ino++) places.push(placeOf(w, ino));
    w.unmount();
    w.k.halt();
    const v = new DataView(bytes.buffer);
    // Not in the order of their numbers.
    const order = [...places.keys()].map((i) => (i * 3) % places.length);
    for (const [i, n] of order.entries()) {
      v.setUint16(places[n] + DI_MODE, 0o100644, true);
      v.setUint16(places[n] + DI_NLINK, 0, true);
      v.setUint32(places[n] + DI_DTIME, i + 1 < order.length ? info.firstIno + order[i + 1] : 0, true);
      const bit = (info.firstIno + n - 1) % info.inodesPerGroup;
      bytes[ibmap[Math.floor((info.firstIno + n - 1) / info.inodesPerGroup)] * BSIZE + (bit >> 3)] |= 1 << (bit & 7);
    }
    v.setUint32(SUPER_OFF + SB_LAST_ORPHAN, info.firstIno + order[0], true);
    const w2 = world(bytes);
    soon(20_000, () => w2.mount());
    expect(w2.fs().sb32(SB_LAST_ORPHAN)).toBe(0);
    expect(w2.fs().orphans).toEqual([]);
    w2.unmount();
    expect(w2.k.msgbuf.text()).not.toMatch(/ext2fs/);
    w2.k.halt();
  });

  test('space for two terabytes on a device of eight megabytes is refused at once', () => {
    const w = mounted(image(8 << 20, 64));
    const fd = w.sys.open('f', O_CREAT | O_RDWR, 0o644);
    expect(soon(5000, () => errnoOf(() => w.sys.posix_fallocate(fd, 0, 2 ** 40)))).toBe('ENOSPC');
    expect(w.sys.fstat(fd).size).toBe(0);
    w.k.halt();
  });
});

describe('a mount that is refused says why', () => {
  const LIES: Readonly<Record<string, readonly [(v: DataView, w: World) => void, string, RegExp]>> = {
    'a journal on a device of its own, which has no inodes': [(v) => { v.setUint32(SUPER_OFF + SB_INCOMPAT, 0x8, true); v.setUint32(SUPER_OFF + SB_IPG, 0, true); }, 'EINVAL', /journal_dev \(0x8\)/],
    'clusters of blocks, with which numbers mean something else': [(v) => { v.setUint32(SUPER_OFF + SB_ROCOMPAT, 0x203, true); v.setUint32(SUPER_OFF + SB_FIRST_DATA, 1, true); }, 'EINVAL', /first data block is 1; .*bigalloc \(0x200\)/],
    'the inode of the root is free': [(v, w) => v.setUint16(placeOf(w, 2) + DI_NLINK, 0, true), 'EIO', /inode of the root is free/],
  };
  test.each(Object.entries(LIES))('%s', (_name, [patch, errno, says]) => {
    const bytes = image(1 << 20, 64);
    const w = mounted(bytes.slice());
    patch(new DataView(bytes.buffer), w);
    w.k.halt();
    const w2 = world(bytes);
    expect(errnoOf(() => w2.mount())).toBe(errno);
    expect(w2.k.msgbuf.text()).toMatch(says);
    w2.k.halt();
  });
});

test('a file that only grows keeps its bytes and attributes, whatever a descriptor is told', () => {
  const w = mounted(image(1 << 20, 64));
  const { sys } = w;
  const fd = sys.open('f', O_CREAT | O_RDWR, 0o644);
  sys.write(fd, pattern(5000, 1));
  sys.close(fd);
  sys.chflags('f', SF_APPEND);
  const append = sys.open('f', O_WRONLY | O_APPEND);
  expect(errnoOf(() => sys.fdiscard(append, 0, 4096))).toBe('EPERM');
  expect(errnoOf(() => sys.setxattr('f', 'user.x', pattern(3, 1), 0))).toBe('EPERM');
  sys.fcntl(append, F_SETFL, 0);
  expect(errnoOf(() => sys.pwrite(append, new Uint8Array(10), 0))).toBe('EPERM');
  expect(sys.pwrite(append, pattern(10, 2), 5000)).toBe(10);
  sys.close(append);
  const back = new Uint8Array(5000);
  sys.pread(sys.open('f', 0), back, 0);
  expect(back).toEqual(pattern(5000, 1));
  w.k.halt();
});

test('a thousand files that nobody uses any more do not fill a megabyte of memory', () => {
  const w = mounted(image(8 << 20, 1500, 1024), { kernel: { memLimitBytes: 1 << 20 } });
  const { sys } = w;
  sys.mkdir('d', 0o755);
  for (let i = 0; i < 1400; i++) sys.close(sys.open(`d/${i}`, O_CREAT | O_RDWR, 0o644));
  for (let i = 0; i < 1400; i++) sys.stat(`d/${i}`);
  sys.mkdir('e', 0o755);
  expect(w.k.mem.used).toBeLessThanOrEqual(1 << 20);
  w.unmount();
  w.k.halt();
  expect(w.host.allocated).toBe(0);
});
