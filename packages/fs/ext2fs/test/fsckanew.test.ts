/** What a repair makes anew: lost+found, the root, tables of inodes, the journal, copies of blocks that two files have. Nothing that could be read is lost by it. */
import { describe, expect } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle } from '@anykernel/tools-oracle';
import { type Ext2fsType, fsck, newfs } from '../src/index.js';
import { inodeBlock, inodeOffset } from '../src/inode.js';
import { DE_HEADER, DI_BLOCK, DI_FLAGS, DI_SIZE, FL_APPEND, FL_IMMUTABLE, GD_ITABLE, JOURNAL_INO, ROOT_INO, SB_JOURNAL_BACKUP, SUPER_OFF } from '../src/ondisk.js';
import { type World, fsck as e2fsck, mounted, pattern } from './kit.js';

const BSIZE = 1024;

interface Made {
  readonly b: Uint8Array;
  readonly v: DataView;
  /** Where inode `ino` is. */
  at(ino: number): number;
}

function made(type: Ext2fsType, fill: (w: World) => void, mib = 4): Made {
  const bytes = new Uint8Array(mib << 20);
  newfs({ size: bytes.length, write: (off, data) => bytes.set(data, off) }, { type, time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: BSIZE, inodes: 1200, zeroed: true });
  const w = mounted(bytes);
  fill(w);
  const places = new Map(Array.from({ length: 40 }, (_, i) => [i + 1, inodeBlock(w.fs(), i + 1) * BSIZE + inodeOffset(w.fs(), i + 1)]));
  w.unmount();
  const b = w.bytes();
  w.k.halt();
  return { b, v: new DataView(b.buffer), at: (ino) => places.get(ino)! };
}

function put(w: World, path: string, data: Uint8Array): number {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  w.sys.write(fd, data);
  w.sys.close(fd);
  return w.sys.lstat(path).ino;
}

function problems(b: Uint8Array, repair: boolean): string[] {
  const result = fsck({ size: b.length, read: (off, len) => b.slice(off, off + len), write: (off, data) => b.set(data, off) }, { repair, time: 1e9 });
  if (typeof result === 'string') throw new Error(result);
  return result.problems.map((p) => p.what);
}

/** It is named and mended, and e2fsck finds nothing then; what is there now. */
function mend(b: Uint8Array, says: RegExp): World {
  expect(problems(b.slice(), false)).toContainEqual(expect.stringMatching(says));
  problems(b, true);
  expect(problems(b, false)).toEqual([]);
  expect(e2fsck(b)).toBe('');
  return mounted(b);
}

function contents(w: World, path: string): Uint8Array {
  const b = new Uint8Array(w.sys.lstat(path).size);
  const fd = w.sys.open(path, 0);
  expect(w.sys.read(fd, b)).toBe(b.length);
  w.sys.close(fd);
  return b;
}

/** Takes a name away. */
function nameless({ b, v }: Made, name: string): void {
  for (const at of placesOf({ b }, name)) v.setUint32(at, 0, true);
}

/** Where entries of this name are. */
function placesOf({ b }: Pick<Made, 'b'>, name: string): number[] {
  const places: number[] = [];
  const all = Buffer.from(b.buffer);
  for (let at = all.indexOf(name); at >= 0; at = all.indexOf(name, at + 1)) if (b[at - 2] === name.length) places.push(at - DE_HEADER);
  expect(places.length).toBeGreaterThan(0);
  return places;
}

describe.each(['ext2', 'ext4'] as const)('%s', (type) => {
  oracle('e2fsck').test('lost+found is made where there is none', () => {
    let ino = 0;
    const m = made(type, (w) => {
      w.sys.rmdir('lost+found');
      ino = put(w, 'nameless-file', pattern(3000, 7));
    });
    nameless(m, 'nameless-file');
    const w = mend(m.b, /there is no lost\+found: it is made/);
    expect(contents(w, `lost+found/#${ino}`)).toEqual(pattern(3000, 7));
    w.k.halt();
  });

  oracle('e2fsck').test('lost+found grows where it is full', () => {
    const m = made(type, (w) => {
      w.sys.rmdir('lost+found');
      w.sys.mkdir('lost+found', 0o700);
      w.sys.mkdir('the-directory', 0o755);
      for (let i = 0; i < 1100; i++) w.sys.mknod(`the-directory/fifo${i}`, 0o010644, 0);
    });
    const ino = m.v.getUint32(placesOf(m, 'the-directory')[0]!, true);
    // The directory is a file without a type: its files have no names any more.
    m.v.setUint16(m.at(ino), 0, true);
    const w = mend(m.b, /has no name: it is in lost\+found now/);
    expect(w.sys.stat('lost+found').size).toBeGreaterThan(12 * BSIZE);
    w.k.halt();
  });

  oracle('e2fsck').test('a root that is lost is made anew, and what was in it is in lost+found', () => {
    let ino = 0;
    const m = made(type, (w) => {
      ino = put(w, 'file', pattern(3000, 7));
    });
    m.v.setUint16(m.at(ROOT_INO), 0o100644, true);
    const w = mend(m.b, /the root is no directory: it is made anew/);
    expect(contents(w, `lost+found/#${ino}`)).toEqual(pattern(3000, 7));
    w.k.halt();
  });

  oracle('e2fsck').test('two files that have the same blocks get a copy each', () => {
    let [one, two] = [0, 0];
    const m = made(type, (w) => {
      one = put(w, 'one', pattern(20_000, 1));
      two = put(w, 'two', pattern(20_000, 2));
    });
    m.b.copyWithin(m.at(two) + DI_BLOCK, m.at(one) + DI_BLOCK, m.at(one) + DI_BLOCK + 60);
    const w = mend(m.b, /another has .* too: it gets a copy/);
    for (const path of ['one', 'two']) expect(contents(w, path)).toEqual(pattern(20_000, 1));
    w.k.halt();
  });

  oracle('e2fsck').test('a symbolic link is as long as its target', () => {
    let ino = 0;
    const m = made(type, (w) => {
      w.sys.symlink('target', 'link');
      ino = w.sys.lstat('link').ino;
    });
    m.v.setUint32(m.at(ino) + DI_SIZE, 40, true);
    m.v.setUint32(m.at(ino) + DI_FLAGS, FL_APPEND | FL_IMMUTABLE, true);
    const w = mend(m.b, /has 40 bytes, and a target of 6/);
    expect(w.sys.lstat('link').size).toBe(6);
    w.k.halt();
  });

  oracle('e2fsck').test('a directory whose first entries are spoiled keeps the others', () => {
    const m = made(type, (w) => {
      w.sys.mkdir('dir', 0o755);
      put(w, 'dir/kept', pattern(100, 1));
    });
    // In the journal, too, where there is one.
    for (const at of placesOf(m, 'kept')) m.b[at - 24 + DE_HEADER] = 0x41;
    const w = mend(m.b, /does not begin with itself and its parent/);
    expect(contents(w, 'dir/kept')).toEqual(pattern(100, 1));
    w.k.halt();
  });
});

oracle('e2fsck').test('a table of inodes that is nowhere gets another place; the files of other groups are there', () => {
  const m = made('ext2', (w) => put(w, 'file', pattern(3000, 7)), 20);
  m.v.setUint32(2048 + 32 + GD_ITABLE, 0, true);
  m.v.setUint32(8193 * BSIZE + BSIZE + 32 + GD_ITABLE, 0, true);
  const w = mend(m.b, /the inode table of group 1 is said to be at block 0/);
  expect(contents(w, 'file')).toEqual(pattern(3000, 7));
  w.k.halt();
});

describe('a journal whose inode is spoiled', () => {
  oracle('e2fsck').test('is found by the copy in the superblock', () => {
    const m = made('ext3', (w) => put(w, 'file', pattern(3000, 7)));
    m.b.fill(0, m.at(JOURNAL_INO), m.at(JOURNAL_INO) + 128);
    mend(m.b, /the copy in the superblock is used/).k.halt();
  });

  oracle('e2fsck').test('and without one is made anew', () => {
    const m = made('ext3', (w) => put(w, 'file', pattern(3000, 7)));
    m.b.fill(0, m.at(JOURNAL_INO), m.at(JOURNAL_INO) + 128);
    m.v.setUint8(SUPER_OFF + SB_JOURNAL_BACKUP, 0);
    mend(m.b, /the journal is lost: it is made anew/).k.halt();
  });
});
