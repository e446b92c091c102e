import { describe, expect, test } from '@jest/globals';
import { type FaultKind, type Subject, everyBufferAccess } from '@anykernel/conformance-txn';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { oracle } from '@anykernel/tools-oracle';
import { dirFind, dirRead } from '../src/dir.js';
import { VTOI } from '../src/inode.js';
import { type World, fsck, mke2fs, mounted, pattern } from './kit.js';

/** What the index of each directory says, which must be what is in its blocks. */
function checkIndexes(w: World): string {
  for (const vp of w.mp().vnodes()) {
    const ip = VTOI(vp);
    if (!ip.isDir || ip.index === undefined) continue;
    let count = 0;
    w.k.run(() =>
      dirRead(ip, 0, (_ino, _type, name, next) => {
        count++;
        const off = dirFind(ip, name);
        // Where directories have trees, cookies are hashes.
        if (off < 0 || (ip.fs.treeVersion < 0 && off >= next)) throw new Error(`directory ${ip.ino}: the table has ${name} at ${off}, behind ${next}`);
        return true;
      }),
    );
    if (count !== ip.index.count) throw new Error(`directory ${ip.ino}: the table has ${ip.index.count} names, the directory ${count}`);
  }
  return JSON.stringify([w.fs().orphans, [...w.fs().zombies]]);
}

function subjectOf(w: World): Subject {
  const { bcache, txn } = w.fs();
  return { k: w.k, bcache, txn, image: () => w.bytes(), state: () => checkIndexes(w) };
}

function touch(w: World, path: string, len = 0): void {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  if (len > 0) w.sys.write(fd, pattern(len, len));
  w.sys.close(fd);
}

function pwrite(w: World, path: string, len: number, off: number): void {
  const fd = w.sys.open(path, O_RDWR);
  try {
    w.sys.pwrite(fd, pattern(len, off), off);
  } finally {
    w.sys.close(fd);
  }
}

/** A file with blocks of every level up to double indirect, and holes. */
function sparse(w: World, path: string): void {
  touch(w, path, 14_000);
  pwrite(w, path, 5000, 100_000);
  pwrite(w, path, 8000, 290_000);
}

function withFd(w: World, path: string, fn: (fd: number) => void): void {
  const fd = w.sys.open(path, O_RDWR);
  try {
    fn(fd);
  } finally {
    w.sys.close(fd);
  }
}

/** What is there before each operation. */
function prepare(w: World): void {
  const { sys } = w;
  for (const dir of ['d', 'd/sub', 'e', 'e/empty', 'big', 'full']) sys.mkdir(dir, 0o755);
  touch(w, 'f', 100);
  touch(w, 'd/g', 3000);
  touch(w, 'd/i', 2000);
  touch(w, 'e/j', 20_000);
  touch(w, 'e/h', 60_000);
  sparse(w, 'e/long');
  sparse(w, 'f2');
  sparse(w, 'f4');
  touch(w, 'e/i', 2000);
  touch(w, 'e/k', 30_000);
  touch(w, 'x');
  sys.symlink('s'.repeat(200), 'slow');
  sys.link('f', 'd/f2');
  for (let i = 0; i < 200; i++) touch(w, `big/${'n'.repeat(20)}${i}`);
  // Exactly as many as the block holds: the next one needs another block.
  for (let i = 0; i < 20; i++) touch(w, `full/${'m'.repeat(38)}${10 + i}`);
  touch(w, 'x2');
  for (const path of ['x', 'x2']) {
    sys.setxattr(path, 'user.small', pattern(20, 1), 0);
    sys.setxattr(path, 'user.large', pattern(500, 1), 0);
  }
  sys.sync();
  // Not clean any more from here on, so that the attempts differ by themselves alone.
  sys.chmod('f', 0o600);
}

const OPERATIONS: Readonly<Record<string, (w: World) => void>> = {
  'create a file': (w) => touch(w, 'new'),
  'create a file in a large directory': (w) => touch(w, 'big/new'),
  'create a file where the directory grows': (w) => touch(w, `full/${'q'.repeat(60)}`),
  'make a directory': (w) => w.sys.mkdir('d/newdir', 0o755),
  'make a fast symbolic link': (w) => w.sys.symlink('target', 'd/fast'),
  'make a slow symbolic link': (w) => w.sys.symlink('t'.repeat(300), 'd/slow'),
  'make a device': (w) => w.sys.mknod('d/dev', 0o020600, 0x305),
  'link a file': (w) => w.sys.link('f', 'e/f3'),
  'remove a name of two': (w) => w.sys.unlink('d/f2'),
  'remove a file': (w) => w.sys.unlink('e/k'),
  'remove a file with double indirect blocks': (w) => w.sys.unlink('e/long'),
  'remove a slow symbolic link': (w) => w.sys.unlink('slow'),
  'remove from a large directory': (w) => w.sys.unlink(`big/${'n'.repeat(20)}77`),
  'remove a file with attributes': (w) => w.sys.unlink('x'),
  'remove a directory': (w) => w.sys.rmdir('e/empty'),
  'rename within a directory': (w) => w.sys.rename('e/h', 'e/h-renamed'),
  'rename to another directory': (w) => w.sys.rename('d/g', 'e/g-moved'),
  'rename over a file': (w) => w.sys.rename('d/i', 'e/j'),
  'rename a directory to another': (w) => w.sys.rename('d/sub', 'e/sub'),
  'rename a directory over an empty one': (w) => w.sys.rename('d/newdir', 'e/sub'),
  'write into direct blocks': (w) => pwrite(w, 'f', 5000, 0),
  'write into indirect blocks': (w) => pwrite(w, 'f', 20_000, 12 * 1024),
  'write into double indirect blocks': (w) => pwrite(w, 'f', 3000, 300_000),
  'write into triple indirect blocks': (w) => pwrite(w, 'f', 3000, 70_000_000),
  'write over what is there': (w) => pwrite(w, 'e/g-moved', 2000, 700),
  'shorten a file': (w) => w.sys.truncate('f', 25_500),
  'shorten a file out of double indirect blocks': (w) => w.sys.truncate('f2', 100_000),
  'empty a file': (w) => w.sys.truncate('f2', 0),
  'lengthen a file': (w) => w.sys.truncate('f', 1_000_000),
  'lengthen a file beyond 2 GiB': (w) => w.sys.truncate('f', 3_000_000_000),
  'allocate': (w) => withFd(w, 'f', (fd) => w.sys.posix_fallocate(fd, 3000, 40_000)),
  'punch a hole': (w) => withFd(w, 'f4', (fd) => w.sys.fdiscard(fd, 5_000, 300_000)),
  'chmod': (w) => w.sys.chmod('f', 0o640),
  'chown': (w) => w.sys.chown('f', 70_000, 80_000),
  'chflags': (w) => w.sys.chflags('e/i', 1),
  'set times': (w) => w.sys.utimensat(-100, 'f', [{ sec: 5, nsec: 6 }, { sec: 7, nsec: 8 }], 0),
  'set an attribute in the inode': (w) => w.sys.setxattr('f', 'user.a', pattern(10, 1), 0),
  'set an attribute in a block': (w) => w.sys.setxattr('f', 'user.a', pattern(400, 1), 0),
  'change an attribute in a block': (w) => w.sys.setxattr('x2', 'user.large', pattern(600, 1), 0),
  'remove the attribute in the block': (w) => w.sys.removexattr('x2', 'user.large'),
};

const IMAGES: readonly (readonly [string, number, readonly string[]])[] = [
  ['ext2', 700, ['-b', '1024', '-N', '320']],
  ['ext4 without a journal', 900, ['-t', 'ext4', '-O', '^has_journal', '-b', '1024', '-N', '320']],
  ['ext4', 3000, ['-t', 'ext4', '-b', '1024', '-N', '320']],
];
/** With a journal it takes longer: one of so many operations is tried at every access, or all of them with TXN_JOURNAL=1. */
const JOURNAL_STEP = process.env['TXN_JOURNAL'] === undefined ? 5 : 1;

describe.each<FaultKind>(['EIO', 'sleep'])('an operation whose access to a buffer ends by %s has not happened', (kind) => {
  for (const [type, kib, args] of IMAGES) oracle('mke2fs', 'e2fsck').test(`any operation, any access: ${type}`, () => {
    const w = mounted(mke2fs(kib, args), { seed: 3 });
    prepare(w);
    for (const [i, [name, op]] of Object.entries(OPERATIONS).entries()) {
      if (type === 'ext4' && i % JOURNAL_STEP !== 2 % JOURNAL_STEP) {
        op(w);
        continue;
      }
      const start = w.disk.snapshot();
      expect(start.size).toBe(kib * 1024);
      try {
        const { failed } = everyBufferAccess(subjectOf(w), kind, () => op(w));
        expect(failed).toBeGreaterThan(0);
      } catch (e) {
        throw new Error(`${name}: ${String(e)}`, { cause: e });
      }
    }
    w.unmount();
    expect(fsck(w.disk.snapshot())).toBe('');
    w.k.halt();
  });
});

test('the operations are those that there are', () => {
  expect(Object.keys(OPERATIONS).length).toBe(40);
});
