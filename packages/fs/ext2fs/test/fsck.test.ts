/** The checker: it finds nothing where nothing is wrong, and what it has mended e2fsck finds in order. */
import { describe, expect, test } from '@jest/globals';
import { Rng } from '@anykernel/host-sim';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle } from '@anykernel/tools-oracle';
import { type Ext2fsType, type FsckResult, fsck, newfs } from '../src/index.js';
import { DI_BLOCK, DI_NLINK, DI_SIZE, GD_BBMAP, SB_FREE_BLOCKS, SUPER_OFF } from '../src/ondisk.js';
import { inodeBlock, inodeOffset } from '../src/inode.js';
import { fsck as e2fsck, mke2fs, mounted, pattern } from './kit.js';
import { Workload } from '@anykernel/conformance-diskfs';

function check(b: Uint8Array, repair: boolean): FsckResult {
  const image = { size: b.length, read: (off: number, len: number) => b.slice(off, off + len), write: (off: number, data: Uint8Array) => b.set(data, off) };
  const result = fsck(image, { repair, time: 1e9 });
  if (typeof result === 'string') throw new Error(result);
  return result;
}

function texts(r: FsckResult): string[] {
  return r.problems.map((p) => p.what);
}

/** An image with files, and where some of them are. */
function filled(type: Ext2fsType): { readonly bytes: Uint8Array; readonly at: Record<string, number> } {
  const bytes = new Uint8Array(4 << 20);
  newfs({ size: bytes.length, write: (off, b) => bytes.set(b, off) }, { type, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: 1024, inodes: 400, zeroed: true });
  const w = mounted(bytes);
  w.sys.mkdir('dir', 0o755);
  w.sys.mkdir('dir/sub', 0o755);
  for (const name of ['one', 'two', 'dir/three']) {
    const fd = w.sys.open(name, O_CREAT | O_RDWR, 0o644);
    w.sys.write(fd, pattern(20_000, 1));
    w.sys.close(fd);
  }
  w.sys.setxattr('one', 'user.x', pattern(500, 1), 0);
  const at: Record<string, number> = {};
  for (const name of ['one', 'two', 'dir', 'dir/sub', 'dir/three']) {
    const { ino } = w.sys.lstat(name);
    at[name] = inodeBlock(w.fs(), ino) * 1024 + inodeOffset(w.fs(), ino);
  }
  w.unmount();
  w.k.halt();
  return { bytes: w.bytes(), at };
}

const VARIANTS: readonly (readonly [string, readonly string[]])[] = [
  ['ext2', ['-b', '1024']],
  ['ext3', ['-t', 'ext3', '-b', '1024']],
  ['ext4', ['-t', 'ext4', '-b', '1024']],
  ['ext4 with all of it', ['-t', 'ext4', '-b', '1024', '-g', '1024', '-O', 'inline_data,ea_inode,metadata_csum_seed,orphan_file,large_dir']],
  ['ext4 with uninit_bg', ['-t', 'ext4', '-b', '4096', '-O', '^metadata_csum,uninit_bg']],
  ['meta_bg', ['-b', '1024', '-g', '256', '-O', 'meta_bg,^resize_inode']],
];

describe('a sound image has no problems', () => {
  for (const [name, args] of VARIANTS) {
    oracle('mke2fs').test(name, () => {
      const image = mke2fs(8000, args);
      expect(texts(check(image.slice(), false))).toEqual([]);
      const w = mounted(image, { seed: 9 });
      const work = new Workload(w.sys, 9, { maxFile: 30_000, xattrs: true });
      for (let i = 0; i < 150; i++) work.step();
      w.unmount();
      expect(texts(check(w.bytes(), false))).toEqual([]);
      w.k.halt();
    });
  }

  test('and one that was not unmounted is recovered before it is looked at, and not written', () => {
    const w = mounted(filled('ext4').bytes);
    w.sys.unlink('two');
    w.sys.sync();
    const cut = w.bytes();
    const before = cut.slice();
    const found = check(cut, false);
    expect([texts(found), found.notes.length]).toEqual([[], 1]);
    expect(cut).toEqual(before);
    w.k.halt();
  });
});

describe.each(['ext2', 'ext4'] as const)('%s: damage by hand is named and mended', (type) => {
  const { bytes, at } = filled(type);
  type Damage = (v: DataView) => void;
  const DAMAGE: Readonly<Record<string, readonly [Damage, RegExp]>> = {
    'a count of links': [(v) => v.setUint16(at['one']! + DI_NLINK, 7, true), /has 7 links by its count, and 1 names/],
    'free blocks of the superblock': [(v) => v.setUint32(SUPER_OFF + SB_FREE_BLOCKS, 1, true), /1 blocks are free by the superblock/],
    'a directory of no size': [(v) => v.setUint32(at['dir']! + DI_SIZE, 0, true), /has 0 bytes by its inode/],
    'a directory without blocks': [(v) => { for (let i = 0; i < 60; i++) v.setUint8(at['dir']! + DI_BLOCK + i, 0); }, /has no blocks|make no sense/],
    'two files with one block': [(v) => { for (let i = 0; i < 60; i++) v.setUint8(at['two']! + DI_BLOCK + i, v.getUint8(at['one']! + DI_BLOCK + i)); }, /another has (block|some of blocks)/],
    'a file without a type': [(v) => v.setUint16(at['one']!, 0, true), /is of type 00/],
    'a bitmap': [(v) => { const at = v.getUint32(2048 + GD_BBMAP, true) * 1024 + 10; v.setUint8(at, v.getUint8(at) ^ 0xff); }, /block bitmap of group 0/],
  };
  for (const [name, [damage, says]] of Object.entries(DAMAGE)) {
    oracle('e2fsck').test(name, () => {
      const b = bytes.slice();
      damage(new DataView(b.buffer));
      expect(texts(check(b.slice(), false)).join('\n')).toMatch(says);
      expect(check(b, true).clean).toBe(true);
      expect(texts(check(b, false))).toEqual([]);
      expect(e2fsck(b)).toBe('');
    });
  }

  test('an image without superblock and copies cannot be checked', () => {
    const b = bytes.slice();
    b.fill(0, 0, 4096);
    expect(() => check(b, false)).toThrow(/no ext2 superblock/);
  });

  const RUNS = Number(process.env['FSCK_RUNS'] ?? 6);
  oracle('e2fsck').test(`random damage to metadata (${RUNS} images) is mended so that e2fsck finds nothing`, () => {
    for (let seed = 1; seed <= RUNS; seed++) {
      const rng = new Rng(seed);
      const b = bytes.slice();
      for (let n = 1 + rng.below(6); n > 0; n--) {
        const off = 2048 + rng.below(300 * 1024);
        for (let i = rng.below(8); i >= 0; i--) b[off + i] = rng.below(3) === 0 ? 0xff : rng.below(256);
      }
      const found = check(b, true);
      expect(`seed ${seed}: ${found.clean ? '' : texts(found).slice(-3).join('; ')}`).toBe(`seed ${seed}: `);
      expect(`seed ${seed}: ${e2fsck(b)}`).toBe(`seed ${seed}: `);
    }
  });
});
