/** Damage as corpora of images have it: the checker names it, mends it so that e2fsck finds nothing, and leaves alone what it does not know. */
import { describe, expect, test } from '@jest/globals';
import { O_CREAT, O_RDWR, S_IFIFO } from '@anykernel/lib-sys';
import { oracle } from '@anykernel/tools-oracle';
import { rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fsck, newfs } from '../src/index.js';
import { inodeBlock, inodeOffset } from '../src/inode.js';
import {
  COMPAT_HAS_JOURNAL, DI_BLOCK, DI_DTIME, DI_SIZE, GD_BBMAP, GD_FLAGS, GD_IBMAP, GD_ITABLE_UNUSED, INCOMPAT_RECOVER, ROCOMPAT_BIGALLOC, SB_COMPAT, SB_INCOMPAT, SB_JOURNAL_INO, SB_ROCOMPAT,
  SUPER_OFF,
} from '../src/ondisk.js';
import { fsck as e2fsck, mke2fs, mounted, pattern } from './kit.js';

function run(b: Uint8Array, repair: boolean): string | string[] {
  const image = { size: b.length, read: (off: number, len: number) => b.slice(off, off + len), write: (off: number, data: Uint8Array) => b.set(data, off) };
  const result = fsck(image, { repair, time: 1e9 });
  return typeof result === 'string' ? result : result.problems.map((p) => p.what);
}

/** An image of one group without checksums, and where its files have their inodes. */
function made(type: 'ext2' | 'ext4'): { readonly b: Uint8Array; readonly v: DataView; at(name: string): number } {
  const bytes = new Uint8Array(4 << 20);
  const params = { type, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: 1024, inodes: 400, zeroed: true } as const;
  newfs({ size: bytes.length, write: (off, data) => bytes.set(data, off) }, params);
  const w = mounted(bytes);
  w.sys.mkdir('dir', 0o755);
  w.sys.mknod('fifo', S_IFIFO | 0o644, 0);
  w.sys.close(w.sys.open('file', O_CREAT | O_RDWR, 0o644));
  const places = new Map(
    ['dir', 'fifo', 'file'].map((name) => {
      const { ino } = w.sys.lstat(name);
      return [name, inodeBlock(w.fs(), ino) * 1024 + inodeOffset(w.fs(), ino)];
    }),
  );
  w.sys.unlink('file');
  w.unmount();
  const b = w.bytes();
  w.k.halt();
  return { b, v: new DataView(b.buffer), at: (name) => places.get(name)! };
}

/** It is named, mended, and e2fsck finds nothing then. */
function mends(b: Uint8Array, says: RegExp): void {
  expect(run(b.slice(), false)).toContainEqual(expect.stringMatching(says));
  run(b, true);
  expect(run(b, false)).toEqual([]);
  expect(e2fsck(b)).toBe('');
}

describe('mended', () => {
  for (const [what, field] of [['block', GD_BBMAP], ['inode', GD_IBMAP]] as const) {
    oracle('e2fsck').test(`the ${what} bitmap of the only group is said to be where none can be`, () => {
      const { b, v } = made('ext2');
      v.setUint32(2048 + field, 0, true);
      mends(b, new RegExp(`the ${what} bitmap of group 0 is said to be at block 0`));
    });
  }

  oracle('e2fsck').test('blocks of a directory are marked as never written', () => {
    const { b, v, at } = made('ext4');
    const extent = at('dir') + DI_BLOCK + 12;
    v.setUint16(extent + 4, v.getUint16(extent + 4, true) + 0x8000, true);
    mends(b, /its blocks from 0 on are marked as never written/);
  });

  oracle('e2fsck').test('a group is marked as never written, and the file system has no such marks', () => {
    const { b, v } = made('ext2');
    v.setUint16(2048 + GD_FLAGS, 3, true);
    v.setUint16(2048 + GD_ITABLE_UNUSED, 300, true);
    mends(b, /group 0 has marks that the file system does not know/);
  });

  oracle('e2fsck').test('a fifo has bytes', () => {
    const { b, v, at } = made('ext2');
    v.setUint32(at('fifo') + DI_SIZE, 1024, true);
    mends(b, /a device, socket or fifo, has 1024 bytes/);
  });

  oracle('e2fsck').test('a free inode has the number of another where its time of deletion should be', () => {
    const { b, v, at } = made('ext2');
    v.setUint32(at('file') + DI_DTIME, 13, true);
    mends(b, /which is free, was in a list of orphans/);
  });

  oracle('e2fsck').test('the last bytes of a directory block are too few for an entry', () => {
    const { b, v, at } = made('ext2');
    const block = v.getUint32(at('dir') + DI_BLOCK, true) * 1024;
    v.setUint16(block + 12 + 4, 1020 - 12, true);
    mends(b, /the entry at byte 1020 of block 0 makes no sense/);
  });
});

oracle('mke2fs').test('bad blocks stay in use', () => {
  const list = join(tmpdir(), `anykernel-bad-${process.pid}`);
  writeFileSync(list, '3000\n3005\n');
  const b = mke2fs(4096, ['-b', '1024', '-l', list]);
  rmSync(list);
  expect(run(b.slice(), false)).toEqual([]);
  run(b, true);
  expect(e2fsck(b)).toBe('');
});

oracle('mke2fs').test('values of attributes in inodes of their own count as blocks of the file', () => {
  const w = mounted(mke2fs(4096, ['-t', 'ext4', '-b', '1024', '-O', 'ea_inode']));
  w.sys.close(w.sys.open('file', O_CREAT | O_RDWR, 0o644));
  w.sys.setxattr('file', 'user.one', pattern(5000, 1), 0);
  w.sys.setxattr('file', 'user.two', pattern(9000, 2), 0);
  w.sys.symlink('target', 'link');
  w.sys.lsetxattr('link', 'trusted.one', pattern(5000, 3), 0);
  w.sys.setxattr('file', 'user.one', pattern(3000, 4), 0);
  w.sys.removexattr('file', 'user.two');
  const target = new Uint8Array(16);
  expect(String.fromCharCode(...target.subarray(0, w.sys.readlink('link', target)))).toBe('target');
  // e2fsck takes such a link for one with blocks.
  w.sys.unlink('link');
  w.unmount();
  expect(run(w.bytes(), false)).toEqual([]);
  expect(e2fsck(w.bytes())).toBe('');
  w.k.halt();
});

describe('not touched', () => {
  test('it needs recovery, and its journal is on another device', () => {
    const { b, v } = made('ext2');
    v.setUint32(SUPER_OFF + SB_COMPAT, v.getUint32(SUPER_OFF + SB_COMPAT, true) | COMPAT_HAS_JOURNAL, true);
    v.setUint32(SUPER_OFF + SB_INCOMPAT, v.getUint32(SUPER_OFF + SB_INCOMPAT, true) | INCOMPAT_RECOVER, true);
    v.setUint32(SUPER_OFF + SB_JOURNAL_INO, 0, true);
    const before = b.slice();
    expect(run(b, true)).toBe('it needs recovery, and its journal is on another device');
    expect(Buffer.compare(b, before)).toBe(0);
  });

  test.each([['bigalloc', ROCOMPAT_BIGALLOC]])('%s', (name, bit) => {
    const { b, v } = made('ext2');
    v.setUint32(SUPER_OFF + SB_ROCOMPAT, v.getUint32(SUPER_OFF + SB_ROCOMPAT, true) | bit, true);
    const before = b.slice();
    expect(run(b, true)).toMatch(new RegExp(`features that are not supported: ${name}|clusters`));
    expect(Buffer.compare(b, before)).toBe(0);
  });
});
