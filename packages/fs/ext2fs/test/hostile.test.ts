/** Images that lie, one lie at a time: each gives an error on the object concerned, and a message that names what is wrong. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { MNT_RDONLY, O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { newfs } from '../src/index.js';
import { inodeBlock, inodeOffset } from '../src/inode.js';
import {
  DI_ACL, DI_BLOCK, DI_BLOCKS, DI_EXTRA, DI_FLAGS, DI_MODE, DI_NLINK, DI_SIZE, DI_SIZE_HIGH, GD_BBMAP, GD_FREE_BLOCKS, GD_IBMAP, GD_ITABLE, SB_BLOCKS, SB_BPG,
  SB_FIRST_DATA, SB_FIRST_INO, SB_FREE_BLOCKS, SB_INCOMPAT, SB_INODES, SB_INODE_SIZE, SB_IPG, SB_LAST_ORPHAN, SB_LOG_BSIZE, SB_MAGIC, SB_REV, SB_ROCOMPAT, SUPER_OFF,
} from '../src/ondisk.js';
import { type World, errnoOf, mounted, pattern, world } from './kit.js';
import { names, readFile } from '@anykernel/conformance-diskfs';

const BSIZE = 1024;

/** An image with one of each, and where they are. */
interface Base {
  readonly bytes: Uint8Array;
  readonly ino: Record<string, number>;
  /** Byte offsets of inodes, and of the first block of each. */
  readonly at: Record<string, number>;
  readonly block: Record<string, number>;
}
let base: Base;

function put(w: World, path: string, len: number): void {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  w.sys.write(fd, pattern(len, len));
  w.sys.close(fd);
}

function overwrite(w: World, path: string): void {
  const fd = w.sys.open(path, O_RDWR);
  try {
    w.sys.pwrite(fd, new Uint8Array(10), 0);
  } finally {
    w.sys.close(fd);
  }
}

beforeAll(() => {
  const bytes = new Uint8Array(1 << 20);
  newfs({ size: bytes.length, write: (off, data) => bytes.set(data, off) }, { time: 1e9, uuid: pattern(16, 1), hashSeed: pattern(16, 2), blockSize: BSIZE, zeroed: true });
  const w = mounted(bytes);
  const { sys } = w;
  sys.mkdir('dir', 0o755);
  sys.mkdir('dir/sub', 0o755);
  sys.mkdir('other', 0o755);
  put(w, 'small', 3000);
  put(w, 'dir/inner', 100);
  put(w, 'indirect', 40_000);
  put(w, 'double', 300_000);
  sys.symlink('target', 'fast');
  sys.symlink('t'.repeat(200), 'slow');
  put(w, 'xattr', 1);
  sys.setxattr('xattr', 'user.body', pattern(10, 1), 0);
  sys.setxattr('xattr', 'user.block', pattern(500, 1), 0);
  sys.sync();
  const ino: Record<string, number> = { root: 2 };
  const at: Record<string, number> = {};
  const block: Record<string, number> = {};
  for (const name of ['dir', 'dir/sub', 'other', 'small', 'dir/inner', 'indirect', 'double', 'fast', 'slow', 'xattr']) ino[name] = sys.lstat(name).ino;
  for (const [name, n] of Object.entries(ino)) {
    at[name] = inodeBlock(w.fs(), n) * BSIZE + inodeOffset(w.fs(), n);
    block[name] = new DataView(w.bytes().buffer).getUint32(at[name] + DI_BLOCK, true) * BSIZE;
  }
  w.unmount();
  base = { bytes: w.bytes(), ino, at, block };
  w.k.halt();
});

type Patch = (v: DataView, b: Base) => void;

function patched(patch: Patch): Uint8Array {
  const bytes = base.bytes.slice();
  patch(new DataView(bytes.buffer), base);
  return bytes;
}

function sb32(off: number, value: number): Patch {
  return (v) => v.setUint32(SUPER_OFF + off, value, true);
}
function sb16(off: number, value: number): Patch {
  return (v) => v.setUint16(SUPER_OFF + off, value, true);
}
function gd32(off: number, value: number): Patch {
  return (v) => v.setUint32(2 * BSIZE + off, value, true);
}

describe('a superblock that lies is no file system', () => {
  const LIES: Readonly<Record<string, readonly [Patch, RegExp]>> = {
    'no magic number': [sb16(SB_MAGIC, 0), /no ext2 superblock/],
    'an unknown revision': [sb32(SB_REV, 2), /revision 2/],
    'blocks of 64 KiB': [sb32(SB_LOG_BSIZE, 6), /blocks of 2\^16/],
    'blocks of 2^4294967305 bytes': [sb32(SB_LOG_BSIZE, 0xffffffff), /not supported/],
    'no blocks in a group': [sb32(SB_BPG, 0), /0 blocks in a group/],
    'more blocks in a group than its bitmap has': [sb32(SB_BPG, 65536), /65536 blocks in a group/],
    'an odd number of blocks in a group': [sb32(SB_BPG, 8191), /8191 blocks in a group/],
    'no inodes in a group': [sb32(SB_IPG, 0), /0 inodes in a group/],
    'an inode table that fills the group': [(v) => { v.setUint32(SUPER_OFF + SB_IPG, 8192, true); v.setUint32(SUPER_OFF + SB_BPG, 512, true); }, /fills it/],
    'inodes of no bytes': [sb16(SB_INODE_SIZE, 0), /inodes of 0 bytes/],
    'inodes of 130 bytes': [sb16(SB_INODE_SIZE, 130), /inodes of 130 bytes/],
    'inodes larger than a block': [sb16(SB_INODE_SIZE, 2048), /inodes of 2048 bytes/],
    'another first data block': [sb32(SB_FIRST_DATA, 0), /first data block/],
    'more blocks than the device': [(v) => { v.setUint32(SUPER_OFF + SB_BLOCKS, 5000, true); }, /5000 blocks/],
    'no blocks': [sb32(SB_BLOCKS, 0), /0 blocks/],
    'as many groups as there can be': [(v) => { v.setUint32(SUPER_OFF + SB_BLOCKS, 0xffffffff, true); v.setUint32(SUPER_OFF + SB_BPG, 64, true); v.setUint32(SUPER_OFF + SB_IPG, 8, true); }, /groups/],
    'another number of inodes': [sb32(SB_INODES, 4711), /4711 inodes/],
    'a first inode beyond the last': [sb32(SB_FIRST_INO, 1 << 30), /first inode/],
    'a first inode among the reserved': [sb32(SB_FIRST_INO, 2), /first inode/],
    'a journal to be replayed': [sb32(SB_INCOMPAT, 0x6), /needs recovery, and has no journal/],
    '64bit with short descriptors': [sb32(SB_INCOMPAT, 0xc2), /descriptors of 0 bytes/],
    'compression and a journal for others': [sb32(SB_INCOMPAT, 0xb), /compression \(0x1\), journal_dev \(0x8\)/],
    'a feature of tomorrow': [sb32(SB_INCOMPAT, 0x80000002), /unknown \(0x80000000\)/],
  };
  test.each(Object.entries(LIES))('%s', (_name, [patch, says]) => {
    const w = world(patched(patch));
    expect(errnoOf(() => w.mount())).toBe('EINVAL');
    expect(w.k.msgbuf.text()).toMatch(says);
    // The device is free again.
    expect(errnoOf(() => w.mount())).toBe('EINVAL');
    w.k.halt();
  });

  test('a device too small for a superblock', () => {
    const w = world(new Uint8Array(1536));
    expect(errnoOf(() => w.mount())).toBe('EINVAL');
    w.k.halt();
  });

  test('features that cannot be written mount read-only, and say so', () => {
    const w = mounted(patched(sb32(SB_ROCOMPAT, 0x3 | 0x100 | 0x200)));
    expect(w.k.msgbuf.text()).toMatch(/mounted read-only: .*quota \(0x100\), bigalloc \(0x200\)/);
    expect(errnoOf(() => w.sys.mkdir('new', 0o755))).toBe('EROFS');
    expect(readFile(w.sys, 'small')).toEqual(pattern(3000, 3000));
    w.unmount();
    w.k.halt();
  });
});

/** What is asked of a mounted image. */
type Act = (w: World) => unknown;

describe('a lie about one object is an error of that object', () => {
  const ptr = (name: string, i: number, value: number): Patch => (v, b) => v.setUint32(b.at[name] + DI_BLOCK + 4 * i, value, true);
  const di32 = (name: string, off: number, value: number): Patch => (v, b) => v.setUint32(b.at[name] + off, value, true);
  const di16 = (name: string, off: number, value: number): Patch => (v, b) => v.setUint16(b.at[name] + off, value, true);
  const read = (name: string): Act => (w) => readFile(w.sys, name);
  const stat = (name: string): Act => (w) => w.sys.lstat(name);
  const list = (name: string): Act => (w) => names(w.sys, name);
  const unlink = (name: string): Act => (w) => w.sys.unlink(name);
  const create = (name: string): Act => (w) => w.sys.close(w.sys.open(name, O_CREAT | O_RDWR, 0o644));
  /** Overwrites 16-bit words of a directory block. */
  const de = (name: string, off: number, ...words: number[]): Patch => (v, b) => {
    for (const [i, word] of words.entries()) v.setUint16(b.block[name] + off + 2 * i, word, true);
  };
  const entry = (name: string, off: number, ino: number): Patch => (v, b) => v.setUint32(b.block[name] + off, ino, true);
  const inoOf = (dir: string, off: number, name: string): Patch => (v, b) => v.setUint32(b.block[dir] + off, b.ino[name], true);

  const LIES: Readonly<Record<string, readonly [Patch, Act, RegExp]>> = {
    'a block outside of the device': [ptr('small', 1, 0x7fffffff), read('small'), /block 1 is said to be at 2147483647/],
    'a block in the inode table': [ptr('small', 0, 10), read('small'), /block 0 is said to be at 10/],
    'a block that is the superblock': [ptr('small', 0, 1), read('small'), /said to be at 1/],
    'a bitmap among the blocks': [ptr('small', 2, 3), read('small'), /said to be at 3/],
    'writing to a block of metadata': [ptr('small', 0, 3), (w) => overwrite(w, 'small'), /said to be at 3/],
    'freeing a block of metadata': [ptr('small', 0, 4), unlink('small'), /said to be at 4/],
    'an indirect block outside of the device': [ptr('indirect', 12, 9_999_999), read('indirect'), /indirect block/],
    'an indirect block that is a bitmap': [ptr('indirect', 12, 3), (w) => w.sys.truncate('indirect', 0), /said to be at 3/],
    'freeing a block twice': [(v, b) => v.setUint32(b.at['small'] + DI_BLOCK + 4, v.getUint32(b.at['small'] + DI_BLOCK, true), true), unlink('small'), /free already/],
    'a tree whose block is its own parent': [(v, b) => {
      const top = v.getUint32(b.at['double'] + DI_BLOCK + 4 * 13, true);
      for (let i = 0; i < 256; i++) v.setUint32(top * BSIZE + 4 * i, top, true);
    }, unlink('double'), /used twice|free already/],
    'a triple tree of one block': [(v, b) => {
      const top = v.getUint32(b.at['double'] + DI_BLOCK + 4 * 13, true);
      for (let i = 0; i < 256; i++) v.setUint32(top * BSIZE + 4 * i, top, true);
      v.setUint32(b.at['double'] + DI_BLOCK + 4 * 14, top, true);
    }, (w) => w.sys.truncate('double', 0), /used twice|free already/],
    'a size beyond all pointers': [di32('small', DI_SIZE_HIGH, 0x7fff_0000), stat('small'), /its size is/],
    'a directory of an odd size': [di32('dir', DI_SIZE, 1000), list('dir'), /its size is 1000, for a directory/],
    'a directory of no size': [di32('dir', DI_SIZE, 0), list('dir'), /its size is 0/],
    'a directory larger than the device': [di32('dir', DI_SIZE, 0x7ffffc00), list('dir'), /its size is/],
    'a directory with a hole': [ptr('dir', 0, 0), list('dir'), /hole at block 0/],
    'an unknown type': [di16('small', DI_MODE, 0o030644), stat('small'), /its type is/],
    'a file without a name that has one': [di16('small', DI_NLINK, 0), stat('small'), /which is free/],
    'extents where there are none': [di32('small', DI_FLAGS, 0x80000), stat('small'), /flags are 0x80000/],
    'more extra bytes than the inode has': [di16('small', DI_EXTRA, 200), stat('small'), /extra size is 200/],
    'extra bytes that are no multiple of four': [di16('small', DI_EXTRA, 30), stat('small'), /extra size is 30/],
    'a symbolic link of no length': [di32('fast', DI_SIZE, 0), (w) => w.sys.readlink('fast', new Uint8Array(10)), /for a symbolic link/],
    'a symbolic link longer than a block': [di32('slow', DI_SIZE, 5000), (w) => w.sys.readlink('slow', new Uint8Array(10)), /for a symbolic link/],
    'a long symbolic link without a block': [(v, b) => { v.setUint32(b.at['fast'] + DI_SIZE, 100, true); v.setUint32(b.at['fast'] + DI_BLOCK, 0, true); }, (w) => w.sys.readlink('fast', new Uint8Array(10)), /has no target/],
    'an entry of no length': [de('dir', 24 + 4, 0), list('dir'), /entry at byte 24 of block 0/],
    'an entry of three bytes': [de('dir', 24 + 4, 3), list('dir'), /entry at byte 24/],
    'an entry beyond its block': [de('dir', 24 + 4, 2048), list('dir'), /entry at byte 24/],
    'a name longer than its entry': [de('dir', 24 + 6, 0x2ff), stat('dir/sub'), /entry at byte 24/],
    'a name of no length': [de('dir', 24 + 6, 0x200), stat('dir/sub'), /entry at byte 24/],
    'a name with a slash': [(v, b) => v.setUint8(b.block['dir'] + 24 + 8, 0x2f), list('dir'), /entry at byte 24/],
    'a name with a NUL': [(v, b) => v.setUint8(b.block['dir'] + 24 + 9, 0), list('dir'), /entry at byte 24/],
    'an inode number beyond the last': [entry('dir', 24, 9_999_999), list('dir'), /entry at byte 24/],
    'a reserved inode': [entry('dir', 24, 7), stat('dir/sub'), /names inode 7, which none may/],
    'a free inode': [entry('dir', 24, 100), stat('dir/sub'), /names inode 100, which is free/],
    'a directory in itself': [inoOf('dir', 24, 'dir'), stat('dir/sub'), /which none may/],
    'the root in a directory': [entry('dir', 24, 2), stat('dir/sub'), /which none may/],
    'a directory in two places': [inoOf('other', 12, 'root'), (w) => { w.sys.lstat('other/..'); w.sys.lstat('dir/sub'); throw Object.assign(new Error(), { code: 'EIO' }); }, /^/],
    'a directory with another parent': [entry('dir/sub', 12, 2), stat('dir/sub'), /and says it is in 2/],
    'a directory that does not begin with itself': [entry('dir', 0, 13), stat('dir/inner'), /does not begin with itself/],
    'a directory without a parent': [(v, b) => v.setUint8(b.block['dir'] + 12 + 8, 0x78), stat('dir/inner'), /has no parent/],
    'attributes at the superblock': [di32('xattr', DI_ACL, 1), (w) => w.sys.getxattr('xattr', 'user.block'), /said to be in block 1/],
    'attributes without a magic number': [(v, b) => v.setUint32(v.getUint32(b.at['xattr'] + DI_ACL, true) * BSIZE, 0), (w) => w.sys.getxattr('xattr', 'user.block'), /make no sense/],
    'an attribute block that nobody owns': [(v, b) => v.setUint32(v.getUint32(b.at['xattr'] + DI_ACL, true) * BSIZE + 4, 0, true), (w) => w.sys.listxattr('xattr'), /make no sense/],
    'a value outside of its block': [(v, b) => v.setUint16(v.getUint32(b.at['xattr'] + DI_ACL, true) * BSIZE + 32 + 2, 1000, true), (w) => w.sys.getxattr('xattr', 'user.block'), /make no sense/],
    'a value longer than its block': [(v, b) => v.setUint32(v.getUint32(b.at['xattr'] + DI_ACL, true) * BSIZE + 32 + 8, 0x7fffffff, true), (w) => w.sys.listxattr('xattr'), /make no sense/],
    'an attribute name outside of the inode': [(v, b) => v.setUint8(b.at['xattr'] + 128 + 32 + 4, 250), (w) => w.sys.getxattr('xattr', 'user.body'), /make no sense/],
    'removing a file with attributes that are none': [(v, b) => v.setUint32(v.getUint32(b.at['xattr'] + DI_ACL, true) * BSIZE, 0), unlink('xattr'), /holds no extended attributes/],
    'an inode that is free by the bitmap, and is not': [(v) => { const ib = v.getUint32(2 * BSIZE + GD_IBMAP, true) * BSIZE; v.setUint8(ib + 1, 0x07); }, create('new'), /has a file in it/],
  };

  test.each(Object.entries(LIES))('%s', (_name, [patch, act, says]) => {
    const w = mounted(patched(patch));
    const before = w.bytes().subarray(BSIZE, 3 * BSIZE);
    expect(errnoOf(() => act(w))).toBe('EIO');
    expect(w.k.msgbuf.text()).toMatch(says);
    // Others are not concerned.
    if (!says.source.includes('none may')) expect(errnoOf(() => w.sys.lstat('lost+found'))).toBe('');
    w.unmount();
    expect(w.bytes().subarray(2 * BSIZE, 2 * BSIZE + 12)).toEqual(before.subarray(BSIZE, BSIZE + 12));
    expect(w.k.stopped).toBeUndefined();
    w.k.halt();
  });

  test('the root is a file', () => {
    const w = world(patched(di16('root', DI_MODE, 0o100644)));
    expect(errnoOf(() => w.mount())).toBe('EIO');
    w.k.halt();
  });

  test.each([['bitmap', GD_BBMAP, 1], ['inode bitmap', GD_IBMAP, 0xffffffff], ['inode table', GD_ITABLE, 2]])('the descriptor says that the %s is where none can be', (_name, off, value) => {
    const w = world(patched(gd32(off as number, value as number)));
    expect(errnoOf(() => w.mount())).toBe('EIO');
    expect(w.k.msgbuf.text()).toMatch(/descriptor of group 0 makes no sense/);
    w.k.halt();
  });

  test('a bitmap that calls metadata free does not give it away', () => {
    const w = mounted(patched((v) => {
      const bb = v.getUint32(2 * BSIZE + GD_BBMAP, true) * BSIZE;
      for (let i = 0; i < BSIZE; i++) v.setUint8(bb + i, 0);
      v.setUint16(2 * BSIZE + GD_FREE_BLOCKS, 1023, true);
      v.setUint32(SUPER_OFF + SB_FREE_BLOCKS, 1023, true);
    }));
    const fd = w.sys.open('small', O_RDWR);
    const more = (): string => errnoOf(() => w.sys.write(fd, new Uint8Array(100_000).fill(0xee)));
    let said = '';
    for (let i = 0; i < 20 && said === ''; i++) said = more();
    expect(said).toBe('ENOSPC');
    w.sys.close(fd);
    w.unmount();
    expect(w.k.msgbuf.text()).toMatch(/which holds metadata/);
    const after = w.bytes();
    expect(after.subarray(2 * BSIZE, 2 * BSIZE + 12)).toEqual(base.bytes.subarray(2 * BSIZE, 2 * BSIZE + 12));
    w.k.halt();
  });

  test('free counts that promise what there is not', () => {
    const w = mounted(patched((v) => {
      const bb = v.getUint32(2 * BSIZE + GD_BBMAP, true) * BSIZE;
      for (let i = 0; i < BSIZE; i++) v.setUint8(bb + i, 0xff);
      v.setUint16(2 * BSIZE + GD_FREE_BLOCKS, 0xffff, true);
      v.setUint32(SUPER_OFF + SB_FREE_BLOCKS, 0xffffffff, true);
    }));
    const fd = w.sys.open('new', O_CREAT | O_RDWR, 0o644);
    expect(errnoOf(() => w.sys.write(fd, new Uint8Array(5000)))).toBe('ENOSPC');
    w.sys.close(fd);
    expect(w.k.msgbuf.text()).toMatch(/none by its bitmap/);
    w.unmount();
    w.k.halt();
  });

  test.each([['a directory that has a name', 'dir'], ['the root', 'root']])('an orphan list with %s does not end it', (_name, name) => {
    const w = mounted(patched((v, b) => v.setUint32(SUPER_OFF + SB_LAST_ORPHAN, b.ino[name], true)));
    expect(w.k.msgbuf.text()).toMatch(/orphan list/);
    expect(readFile(w.sys, 'small')).toEqual(pattern(3000, 3000));
    w.unmount();
    w.k.halt();
  });

  test('a count of blocks that is wrong is put right when the file ends', () => {
    const w = mounted(patched(di32('small', DI_BLOCKS, 1)));
    w.sys.truncate('small', 0);
    expect(w.sys.stat('small').blocks).toBe(0);
    w.unmount();
    w.k.halt();
  });

  test('handles that somebody made up are refused', () => {
    const w = mounted(base.bytes, {}, MNT_RDONLY);
    const fh = w.sys.getfh('small');
    for (let i = 0; i < fh.length; i++) {
      for (const bits of [1, 0x80, 0xff]) {
        const forged = fh.slice();
        forged[i] ^= bits;
        expect(['ESTALE', 'EINVAL', 'EIO', 'ENOENT', '']).toContain(errnoOf(() => w.sys.fhstat(forged)));
      }
    }
    w.k.halt();
  });
});

describe('directories that are encrypted', () => {
  test('are listed with names in base 64, and their files cannot be read', () => {
    const w = mounted(patched((v, b) => {
      v.setUint32(SUPER_OFF + SB_INCOMPAT, 0x10002, true);
      for (const name of ['dir', 'dir/inner']) v.setUint32(b.at[name] + DI_FLAGS, 0x800, true);
      // "inner", behind the dots and "sub": a slash and a NUL are bytes like any others here.
      v.setUint8(b.block['dir'] + 36 + 8, 0x2f);
      v.setUint8(b.block['dir'] + 36 + 9, 0);
    }));
    expect(w.k.msgbuf.text()).toMatch(/mounted read-only: .*encrypt \(0x10000\)/);
    const inner = Buffer.from('/\0ner').toString('base64url');
    expect(names(w.sys, 'dir').sort()).toEqual([inner, Buffer.from('sub').toString('base64url')].sort());
    expect(w.sys.lstat(`dir/${inner}`).size).toBe(100);
    expect(errnoOf(() => readFile(w.sys, `dir/${inner}`))).toBe('EOPNOTSUPP');
    w.unmount();
    w.k.halt();
  });
});
