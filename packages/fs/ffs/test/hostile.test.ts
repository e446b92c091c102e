/** Images that lie, one lie at a time: each gives an error on the object concerned, and a message that names what is wrong. Then the checker repairs it. */
import { beforeAll, describe, expect, test } from '@jest/globals';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { DINODE2, NDADDR, inodeOffset, set64 } from '@anykernel/ufs';
import { fsck } from '../src/index.js';
import {
  CG_CGX, CG_CS, CG_FREEOFF, CG_INITEDIBLK, CG_IROTOR, CG_IUSEDOFF, CG_MAGIC, CG_NDBLK, FS_BSIZE, FS_CBLKNO, FS_CGSIZE, FS_CSADDR, FS_CSSIZE, FS_CSTOTAL, FS_DBLKNO, FS_FPG, FS_FRAG,
  FS_FSIZE, FS_IBLKNO, FS_INOPB, FS_IPG, FS_MAGIC, FS_MAXSYMLINKLEN, FS_MINFREE, FS_NCG, FS_NINDIR, FS_SBLKNO, FS_SBSIZE, FS_SIZE, FS_CONTIGSUMSIZE,
} from '../src/ondisk.js';
import { type World, errnoOf, ioOf, made, mounted, pattern, world } from './kit.js';
import { names, readFile } from '@anykernel/conformance-diskfs';

const FSIZE = 512;
const SUPER = 65536;
const { size: DI_SIZE, db: DI_DB, extsize: DI_EXTSIZE, extb: DI_EXTB, flags: DI_FLAGS } = DINODE2;

/** An image with one of each, and where they are. */
interface Base {
  readonly bytes: Uint8Array;
  readonly ino: Record<string, number>;
  /** Byte offsets of inodes, and of the first block of each. */
  readonly at: Record<string, number>;
  readonly block: Record<string, number>;
  /** Byte offset of the first cylinder group. */
  readonly cg: number;
}
let base: Base;

function put(w: World, path: string, len: number): void {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  w.sys.write(fd, pattern(len, len));
  w.sys.close(fd);
}

beforeAll(() => {
  const w = mounted(made(1000, { blockSize: 4096, fragSize: FSIZE, inodes: 128 }));
  const { sys } = w;
  for (const dir of ['dir', 'dir/sub', 'other']) sys.mkdir(dir, 0o755);
  put(w, 'small', 3000);
  put(w, 'dir/inner', 100);
  put(w, 'indirect', 80_000);
  const fd = sys.open('double', O_CREAT | O_RDWR, 0o644);
  sys.pwrite(fd, pattern(5000, 1), 4096 * (NDADDR + 512 + 600));
  sys.close(fd);
  sys.symlink('target', 'fast');
  sys.symlink('t'.repeat(200), 'slow');
  put(w, 'xattr', 1);
  sys.setxattr('xattr', 'user.a', pattern(700, 1), 0);
  sys.sync();
  const ino: Record<string, number> = { root: 2 };
  const at: Record<string, number> = {};
  const block: Record<string, number> = {};
  for (const name of ['dir', 'dir/sub', 'other', 'small', 'dir/inner', 'indirect', 'double', 'fast', 'slow', 'xattr']) ino[name] = sys.lstat(name).ino;
  const view = new DataView(w.bytes().buffer);
  for (const [name, n] of Object.entries(ino)) {
    at[name] = w.fs().inodeFrag(n) * FSIZE + inodeOffset(w.fs(), n);
    block[name] = view.getUint32(at[name] + DI_DB, true) * FSIZE;
  }
  const cg = w.fs().info.cblkno * FSIZE;
  w.unmount();
  base = { bytes: w.bytes(), ino, at, block, cg };
  w.k.halt();
});

type Patch = (v: DataView, b: Base) => void;

function patched(patch: Patch): Uint8Array {
  const bytes = base.bytes.slice();
  patch(new DataView(bytes.buffer), base);
  return bytes;
}

/** After any lie, the checker finds something, repairs it, and then it is in order, also for the driver. */
function mustBeRepaired(bytes: Uint8Array): void {
  const found = fsck(ioOf(bytes), { time: 5 });
  expect(found.problems.length).toBeGreaterThan(0);
  const report = fsck(ioOf(bytes), { time: 5, repair: true });
  expect(report.clean).toBe(true);
  expect(fsck(ioOf(bytes), { time: 5 }).problems).toEqual([]);
  const w = mounted(bytes);
  for (const name of names(w.sys, '.')) w.sys.lstat(name);
  w.k.halt();
}

describe('a superblock that lies is no file system, and its copy brings it back', () => {
  const sb = (off: number, value: number): Patch => (v) => v.setInt32(SUPER + off, value, true);
  const LIES: Readonly<Record<string, readonly [Patch, RegExp]>> = {
    'no magic number': [sb(FS_MAGIC, 0), /no superblock/],
    'blocks of 128 KiB': [sb(FS_BSIZE, 131072), /blocks of 131072 bytes/],
    'blocks of 5000 bytes': [sb(FS_BSIZE, 5000), /blocks of 5000 bytes/],
    'fragments of no bytes': [sb(FS_FSIZE, 0), /fragments of 0 bytes/],
    'sixteen fragments in a block': [(v) => { v.setInt32(SUPER + FS_BSIZE, 16384, true); v.setInt32(SUPER + FS_FRAG, 32, true); }, /fragments of 512 bytes in blocks of 16384/],
    'another number of fragments': [sb(FS_FRAG, 4), /4 fragments in a block/],
    'another number of inodes in a block': [sb(FS_INOPB, 64), /64 inodes in a block/],
    'another number of pointers in a block': [sb(FS_NINDIR, 1 << 20), /1048576 pointers/],
    'no groups': [sb(FS_NCG, 0), /0 cylinder groups/],
    'groups without end': [sb(FS_NCG, 0x7fffffff), /2147483647 cylinder groups/],
    'no inodes': [sb(FS_IPG, 0), /0 inodes/],
    'more inodes than a map has': [sb(FS_IPG, 1 << 20), /1048576 inodes/],
    'no fragments in a group': [sb(FS_FPG, 0), /0 fragments in a cylinder group/],
    'a size beyond all groups': [(v) => v.setUint32(SUPER + FS_SIZE + 4, 0x7fff_ffff, true), /fragments in 1 cylinder groups/],
    'no size': [(v) => v.setUint32(SUPER + FS_SIZE, 0, true), /0 fragments in/],
    'a group before its superblock': [sb(FS_CBLKNO, 0), /parts of a cylinder group/],
    'an odd place for a group': [sb(FS_CBLKNO, 163), /parts of a cylinder group/],
    'inodes before their group': [sb(FS_IBLKNO, 8), /parts of a cylinder group/],
    'data in the inode table': [sb(FS_DBLKNO, 176), /parts of a cylinder group/],
    'a superblock behind everything': [sb(FS_SBLKNO, 1 << 20), /parts of a cylinder group/],
    'a negative place': [sb(FS_SBLKNO, -8), /parts of a cylinder group/],
    'a group larger than a block': [sb(FS_CGSIZE, 8192), /cylinder group blocks of 8192/],
    'a summary outside': [(v) => v.setUint32(SUPER + FS_CSADDR, 0x7fff_ffff, true), /summary is at/],
    'a summary of no bytes': [sb(FS_CSSIZE, 0), /0 bytes of summary/],
    'a summary without end': [sb(FS_CSSIZE, 0x7fffffff), /bytes of summary/],
    'a reserve of all': [sb(FS_MINFREE, 100), /100 percent/],
    'clusters without end': [sb(FS_CONTIGSUMSIZE, 0x7fffffff), /clusters/],
    'links in inodes larger than these': [sb(FS_MAXSYMLINKLEN, 1000), /symbolic links of 1000 bytes/],
    'a superblock of no bytes': [sb(FS_SBSIZE, 0), /superblock of 0 bytes/],
  };
  test.each(Object.entries(LIES))('%s', (_name, [patch, says]) => {
    const bytes = patched(patch);
    const w = world(bytes);
    expect(errnoOf(() => w.mount())).toBe('EINVAL');
    expect(w.k.msgbuf.text()).toMatch(says);
    // The device is free again.
    expect(errnoOf(() => w.mount())).toBe('EINVAL');
    w.k.halt();
    mustBeRepaired(bytes);
  });

  test('a device that is cut short', () => {
    for (const len of [0, 512, 8192, 65536, 66_000, 500_000]) {
      const w = world(base.bytes.slice(0, len - (len % 512)));
      expect(errnoOf(() => w.mount())).toBe('EINVAL');
      w.k.halt();
      expect(errnoOf(() => fsck(ioOf(base.bytes.slice(0, len)), { time: 1 }))).toBe('EINVAL');
    }
  });
});

/** What is asked of a mounted image. */
type Act = (w: World) => unknown;

describe('a lie about one object is an error of that object, and is repaired', () => {
  const ptr = (name: string, i: number, value: number): Patch => (v, b) => set64(v, b.at[name] + DI_DB + 8 * i, value, true);
  const at = (v: DataView, b: Base, name: string, i: number): number => v.getUint32(b.at[name] + DI_DB + 8 * i, true);
  const di32 = (name: string, off: number, value: number): Patch => (v, b) => v.setUint32(b.at[name] + off, value, true);
  const di16 = (name: string, off: number, value: number): Patch => (v, b) => v.setUint16(b.at[name] + off, value, true);
  const read = (name: string): Act => (w) => readFile(w.sys, name);
  const stat = (name: string): Act => (w) => w.sys.lstat(name);
  const list = (name: string): Act => (w) => names(w.sys, name);
  const unlink = (name: string): Act => (w) => w.sys.unlink(name);
  const create = (name: string): Act => (w) => w.sys.close(w.sys.open(name, O_CREAT | O_RDWR, 0o644));
  const readlink = (name: string): Act => (w) => w.sys.readlink(name, new Uint8Array(10));
  const getx: Act = (w) => w.sys.getxattr('xattr', 'user.a');
  const de = (name: string, off: number, ...bytes: number[]): Patch => (v, b) => {
    for (const [i, byte] of bytes.entries()) v.setUint8(b.block[name] + off + i, byte);
  };
  const entry = (name: string, off: number, ino: number): Patch => (v, b) => v.setUint32(b.block[name] + off, ino, true);
  const inoOf = (dir: string, off: number, name: string): Patch => (v, b) => v.setUint32(b.block[dir] + off, b.ino[name], true);
  const cg32 = (off: number, value: number): Patch => (v, b) => v.setInt32(b.cg + off, value, true);

  const LIES: Readonly<Record<string, readonly [Patch, Act, RegExp]>> = {
    'a block outside of the device': [ptr('small', 0, 0x7fffffff), read('small'), /block 0 is said to be at 2147483647/],
    'a block beyond all numbers': [(v, b) => v.setUint32(b.at['small'] + DI_DB + 4, 0xffffffff, true), read('small'), /block 0 is said to be at/],
    'a block in the inode table': [ptr('small', 0, 184), read('small'), /said to be at 184/],
    'a block that is the superblock': [ptr('small', 0, 128), read('small'), /said to be at 128/],
    'fragments of two blocks': [ptr('small', 0, 1000 + 7), read('small'), /said to be at 1007/],
    'a whole block that begins within one': [(v, b) => set64(v, b.at['indirect'] + DI_DB, at(v, b, 'indirect', 0) + 1, true), read('indirect'), /said to be at/],
    'freeing a block of metadata': [ptr('small', 0, 168), unlink('small'), /said to be at 168/],
    'an indirect block outside of the device': [ptr('indirect', 12, 9_999_999), read('indirect'), /indirect block/],
    'an indirect block that is a group': [(v, b) => set64(v, b.at['indirect'] + DI_DB + 96, b.cg / FSIZE, true), (w) => w.sys.truncate('indirect', 0), /said to be at/],
    'freeing a block twice': [(v, b) => set64(v, b.at['indirect'] + DI_DB + 8, at(v, b, 'indirect', 0), true), unlink('indirect'), /free already/],
    'a tree whose block is its own parent': [(v, b) => {
      const top = at(v, b, 'double', 13);
      for (let i = 0; i < 512; i++) set64(v, top * FSIZE + 8 * i, top, true);
    }, unlink('double'), /used twice|free already/],
    'a triple tree of one block': [(v, b) => {
      const top = at(v, b, 'double', 13);
      for (let i = 0; i < 512; i++) set64(v, top * FSIZE + 8 * i, top, true);
      set64(v, b.at['double'] + DI_DB + 8 * 14, top, true);
    }, (w) => w.sys.truncate('double', 0), /used twice|free already/],
    'a size beyond all pointers': [di32('small', DI_SIZE + 4, 0x7fff_0000), stat('small'), /its size is/],
    'a directory of an odd size': [di32('dir', DI_SIZE, 1000), list('dir'), /its size is 1000, for a directory/],
    'a directory of no size': [di32('dir', DI_SIZE, 0), list('dir'), /its size is 0/],
    'a directory larger than the device': [di32('dir', DI_SIZE, 0x7ffffe00), list('dir'), /its size is/],
    'a directory with a hole': [ptr('dir', 0, 0), list('dir'), /hole at byte 0/],
    'an unknown type': [di16('small', 0, 0o030644), stat('small'), /its type is/],
    'a file without a name that has one': [di16('small', 2, 0), stat('small'), /which is free/],
    'a negative number of names': [di16('small', 2, 0x8001), stat('small'), /which is free/],
    'a symbolic link of no length': [di32('fast', DI_SIZE, 0), readlink('fast'), /for a symbolic link/],
    'a symbolic link longer than a block': [di32('slow', DI_SIZE, 5000), readlink('slow'), /for a symbolic link/],
    'a long symbolic link without a block': [(v, b) => { v.setUint32(b.at['slow'] + DI_DB, 0, true); }, readlink('slow'), /has no target/],
    'an entry of no length': [de('dir', 24 + 4, 0, 0), list('dir'), /entry at byte 24/],
    'an entry of three bytes': [de('dir', 24 + 4, 3, 0), list('dir'), /entry at byte 24/],
    'an entry beyond its chunk': [de('dir', 24 + 4, 0, 2), list('dir'), /entry at byte 24/],
    'a name longer than its entry': [de('dir', 24 + 7, 250), stat('dir/sub'), /entry at byte 24/],
    'a name of no length': [de('dir', 24 + 7, 0), list('dir'), /entry at byte 24/],
    'a name without an end': [de('dir', 24 + 8 + 3, 0x41), list('dir'), /entry at byte 24/],
    'a name with a slash': [de('dir', 24 + 8, 0x2f), list('dir'), /entry at byte 24/],
    'a name with a NUL': [de('dir', 24 + 9, 0), list('dir'), /entry at byte 24/],
    'an inode number beyond the last': [entry('dir', 24, 9_999_999), list('dir'), /entry at byte 24/],
    'a reserved inode': [entry('dir', 24, 1), stat('dir/sub'), /names inode 1, which none may/],
    'a free inode': [entry('dir', 24, 20), stat('dir/sub'), /names inode 20, which is free/],
    'an inode that was never written': [entry('dir', 24, 100), stat('dir/sub'), /inode 100 was never written/],
    'a directory in itself': [inoOf('dir', 24, 'dir'), stat('dir/sub'), /which none may/],
    'the root in a directory': [entry('dir', 24, 2), stat('dir/sub'), /which none may/],
    'a directory with another parent': [entry('dir/sub', 12, 2), stat('dir/sub'), /and says it is in 2/],
    'a directory that does not begin with itself': [entry('dir', 0, 13), stat('dir/inner'), /does not begin with itself/],
    'a directory without a parent': [de('dir', 12 + 8, 0x78), stat('dir/inner'), /has no parent/],
    'attributes at the superblock': [di32('xattr', DI_EXTB, 128), getx, /extended attributes 0 is said to be at 128/],
    'attributes larger than their two blocks': [di32('xattr', DI_EXTSIZE, 10_000), stat('xattr'), /attributes have 10000 bytes/],
    'a group without a magic number': [cg32(CG_MAGIC, 7), create('new'), /no magic number/],
    'a group that is another': [cg32(CG_CGX, 3), create('new'), /it says it is 3/],
    'a group larger than it is': [cg32(CG_NDBLK, 1 << 24), create('new'), /it says it has 16777216 fragments/],
    'a map outside of its group': [cg32(CG_FREEOFF, 4000), create('new'), /its maps are at/],
    'maps that overlap': [(v, b) => v.setInt32(b.cg + CG_IUSEDOFF, v.getInt32(b.cg + CG_FREEOFF, true), true), create('new'), /maps overlap/],
    'more inodes made than there are': [cg32(CG_INITEDIBLK, 100_000), create('new'), /100000 inodes were made/],
    'an inode that is free by the map, and is not': [(v, b) => { v.setUint16(b.cg + v.getInt32(b.cg + CG_IUSEDOFF, true), 0x07, true); v.setInt32(b.cg + CG_IROTOR, 0, true); }, create('new'), /has a file in it/],
  };

  test.each(Object.entries(LIES))('%s', (name, [patch, act, says]) => {
    const bytes = patched(patch);
    const w = mounted(bytes);
    const said = errnoOf(() => act(w));
    // Where a whole group is of no use, there is no room.
    expect(name.includes('group') || name.startsWith('map') || name.startsWith('a map') || name.startsWith('more inodes') ? ['EIO', 'ENOSPC'] : ['EIO']).toContain(said);
    expect(w.k.msgbuf.text()).toMatch(says);
    expect(w.k.stopped).toBeUndefined();
    // Others are not concerned.
    expect(errnoOf(() => w.sys.lstat('other'))).toBe('');
    w.unmount();
    w.k.halt();
    mustBeRepaired(bytes);
  });

  test('an area of attributes that makes no sense', () => {
    for (const [off, value] of [[0, 0], [0, 4], [0, 0x7ffffff8], [4, 0xff_07_01]] as const) {
      const w = mounted(patched((v, b) => v.setUint32(v.getUint32(b.at['xattr'] + DI_EXTB, true) * FSIZE + off, value, true)));
      expect(['EIO', 'ENODATA', 'ENOATTR']).toContain(errnoOf(() => getx(w)));
      expect(['EIO', '']).toContain(errnoOf(() => w.sys.setxattr('xattr', 'user.b', new Uint8Array(5), 0)));
      w.k.halt();
    }
  });

  test('the root is a file', () => {
    const bytes = patched(di16('root', 0, 0o100644));
    const w = world(bytes);
    expect(errnoOf(() => w.mount())).toBe('EIO');
    w.k.halt();
    mustBeRepaired(bytes);
  });

  test('a map that calls metadata free does not give it away', () => {
    const bytes = patched((v, b) => {
      const map = b.cg + v.getInt32(b.cg + CG_FREEOFF, true);
      for (let i = 0; i < 250; i++) v.setUint8(map + i, 0xff);
      v.setInt32(b.cg + CG_CS + 4, 250, true);
      set64(v, SUPER + FS_CSTOTAL + 8, 250, true);
      v.setInt32(v.getInt32(SUPER + FS_CSADDR, true) * FSIZE + 4, 250, true);
    });
    const w = mounted(bytes);
    const fd = w.sys.open('small', O_RDWR);
    let said = '';
    for (let i = 0; i < 40 && said === ''; i++) said = errnoOf(() => w.sys.write(fd, new Uint8Array(100_000).fill(0xee)));
    expect(said).toBe('ENOSPC');
    w.sys.close(fd);
    w.unmount();
    expect(w.k.msgbuf.text()).toMatch(/which holds metadata/);
    const after = w.bytes();
    expect(after.subarray(SUPER + FS_SBLKNO, SUPER + 200)).toEqual(bytes.subarray(SUPER + FS_SBLKNO, SUPER + 200));
    w.k.halt();
    mustBeRepaired(after);
  });

  test('free counts that promise what there is not', () => {
    const w = mounted(patched((v, b) => {
      const map = b.cg + v.getInt32(b.cg + CG_FREEOFF, true);
      for (let i = 0; i < 250; i++) v.setUint8(map + i, 0);
      v.setInt32(b.cg + CG_CS + 4, 0x7fffffff, true);
    }));
    const fd = w.sys.open('new', O_CREAT | O_RDWR, 0o644);
    expect(errnoOf(() => w.sys.write(fd, new Uint8Array(5000)))).toBe('ENOSPC');
    w.sys.close(fd);
    w.unmount();
    w.k.halt();
  });

  test('a directory that somebody calls a snapshot is one of zeros, and nothing worse', () => {
    const w = mounted(patched(di32('small', DI_FLAGS, 0x0020_0000)));
    expect(readFile(w.sys, 'small').length).toBe(3000);
    expect(errnoOf(() => w.sys.truncate('small', 10))).toBe('EPERM');
    w.k.halt();
  });

  test('handles that somebody made up are refused', () => {
    const w = mounted(base.bytes);
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
