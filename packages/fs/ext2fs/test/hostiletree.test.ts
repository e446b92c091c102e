/** Hash trees that lie: every call gives an error or an answer, and soon. */
import { describe, expect, test } from '@jest/globals';
import { names } from '@anykernel/conformance-diskfs';
import { soon } from '@anykernel/conformance-fuzz';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { blockAt } from '../src/bmap.js';
import { newfs } from '../src/index.js';
import { VTOI } from '../src/inode.js';
import { DI_FLAGS, SB_ROCOMPAT, SUPER_OFF } from '../src/ondisk.js';
import { type World, errnoOf, mounted, pattern } from './kit.js';

const BSIZE = 1024;
const COUNT = 400;
/** Where limit and count of the root stand, and its entries. */
const ROOT = 32;

interface Base {
  readonly image: Uint8Array;
  /** Where block `b` of `d` begins, and the inodes of `d` and `small`. */
  readonly block: readonly number[];
  readonly inode: number;
  readonly small: number;
}

/** A directory `d` with a tree, and `small` without one; no checksums, so that lies are looked at. */
function base(): Base {
  const bytes = new Uint8Array(3 << 20);
  newfs({ size: bytes.length, write: (off, b) => bytes.set(b, off) }, { type: 'ext4', time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: BSIZE, inodes: 128, zeroed: true });
  const w = mounted(bytes);
  const { sys } = w;
  sys.mkdir('d', 0o755);
  sys.mkdir('small', 0o755);
  sys.close(sys.open('f', O_CREAT | O_RDWR, 0o644));
  for (let i = 0; i < COUNT; i++) sys.link('f', `d/name-${i}`);
  for (let i = 0; i < 10; i++) sys.link('f', `small/name-${i}`);
  const found = w.k.run(() => {
    const [d, small] = ['/mnt/d', '/mnt/small'].map((path) => VTOI(w.vfs.lookup(w.root.lwp, path)));
    const place = (ip: typeof d): number => ip.bp.blkno * BSIZE + ip.off;
    return { block: Array.from({ length: d.size / BSIZE }, (_, b) => blockAt(d, b) * BSIZE), inode: place(d), small: place(small) };
  });
  w.unmount();
  w.k.halt();
  const image = w.bytes();
  const v = new DataView(image.buffer);
  v.setUint32(SUPER_OFF + SB_ROCOMPAT, v.getUint32(SUPER_OFF + SB_ROCOMPAT, true) & ~0x400, true);
  return { image, ...found };
}

type Lie = (v: DataView, b: Base) => void;
const u8 = (off: number, value: number): Lie => (v, b) => v.setUint8(b.block[0]! + off, value);
const u16 = (off: number, value: number): Lie => (v, b) => v.setUint16(b.block[0]! + off, value, true);
const u32 = (off: number, value: number): Lie => (v, b) => v.setUint32(b.block[0]! + off, value, true);
const each = (entry: (i: number) => readonly [number, number]): Lie => (v, b) => {
  const count = v.getUint16(b.block[0]! + ROOT + 2, true);
  for (let i = 1; i < count; i++) {
    const [hash, block] = entry(i);
    v.setUint32(b.block[0]! + ROOT + 8 * i, hash, true);
    v.setUint32(b.block[0]! + ROOT + 8 * i + 4, block, true);
  }
};
const leaf = (off: number, ...bytes: number[]): Lie => (v, b) => {
  for (const at of b.block.slice(1)) for (const [i, byte] of bytes.entries()) v.setUint8(at + off + i, byte);
};

const LIES: Readonly<Record<string, Lie>> = {
  'no entries': u16(ROOT + 2, 0),
  'more entries than there is room for': u16(ROOT + 2, 124),
  'as many entries as there is room for, of zeros': u16(ROOT + 2, 123),
  'room for none': u16(ROOT, 0),
  'room for more than a block': u16(ROOT, 0xffff),
  'a root that is its own leaf': u32(ROOT + 4, 0),
  'every entry is the root': each((i) => [i << 8, 0]),
  'every entry is the same leaf': each((i) => [i << 8, 1]),
  'every entry is beyond the directory': each((i) => [i << 8, 5000 + i]),
  'hashes in no order': each((i) => [0xffff_0000 - i * 0x0100_0000, (i % 5) + 1]),
  'one hash for all, which goes on and on': each((i) => [0x8000_0001, (i % 5) + 1]),
  'leaves for nodes': u8(30, 1),
  'three levels of leaves': u8(30, 2),
  'more levels than there are': u8(30, 255),
  'an information of no length': u8(29, 0),
  'a hash that is not known': u8(28, 77),
  'the hash of folded names': u8(28, 6),
  'dots of no length': u16(4, 0),
  'no parent': u8(20, 0x61),
  'a parent whose entry ends soon': u16(12 + 4, 12),
  'names longer than their entries': leaf(6, 255),
  'entries of no length': leaf(4, 0, 0),
  'entries that reach beyond the block': leaf(4, 0xfc, 0xff),
  'leaves that look like nodes': leaf(0, 0, 0, 0, 0, 0, 4, 0, 0),
  'nodes below whose entries are their own': (v, b) => {
    v.setUint8(b.block[0]! + 30, 2);
    for (const [n, at] of b.block.entries()) {
      if (n === 0) continue;
      v.setUint32(at, 0, true);
      v.setUint32(at + 4, BSIZE, true);
      v.setUint16(at + 8, 127, true);
      v.setUint16(at + 10, 127, true);
      for (let i = 0; i < 127; i++) v.setUint32(at + 12 + 8 * i, n, true);
    }
  },
  'a plain directory that is said to have a tree': (v, b) => v.setUint32(b.small + DI_FLAGS, v.getUint32(b.small + DI_FLAGS, true) | 0x1000, true),
  'a tree that is said to be a plain directory': (v, b) => v.setUint32(b.inode + DI_FLAGS, v.getUint32(b.inode + DI_FLAGS, true) & ~0x1000, true),
};

/** Names are listed, found, added, taken away and renamed, in both directories. */
function useAll(w: World): void {
  const { sys } = w;
  for (const dir of ['d', 'small']) {
    errnoOf(() => names(sys, dir));
    for (let i = 0; i < COUNT; i += 7) errnoOf(() => sys.stat(`${dir}/name-${i}`));
    for (let i = 0; i < 60; i++) errnoOf(() => sys.link('f', `${dir}/${'new-'.repeat(1 + (i % 30))}${i}`));
    for (let i = 0; i < COUNT; i += 5) errnoOf(() => sys.unlink(`${dir}/name-${i}`));
    errnoOf(() => sys.rename(`${dir}/name-1`, `${dir}/name-2`));
    errnoOf(() => names(sys, dir));
  }
  errnoOf(() => sys.rmdir('small'));
  errnoOf(() => w.unmount());
}

describe('a hash tree that lies', () => {
  const honest = base();
  test.each(Object.entries(LIES))('%s', (_what, lie) => {
    const image = honest.image.slice();
    lie(new DataView(image.buffer), honest);
    const w = mounted(image, { kernel: { memLimitBytes: 16 << 20 } });
    soon(20_000, () => useAll(w));
    expect(w.k.stopped).toBeUndefined();
    w.k.halt();
    expect(w.host.allocated).toBe(0);
  });
});
