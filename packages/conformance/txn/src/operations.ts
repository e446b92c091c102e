/** What a file system of inodes can do to its metadata: operations that each change another part of it, one after another on a tree made for them. */
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import type { Sys } from '@anykernel/rumpkern';

/** `len` bytes. */
function pattern(len: number): Uint8Array {
  return Uint8Array.from({ length: len }, (_, i) => i * 31 + len);
}

function withFd(sys: Sys, path: string, fn: (fd: number) => void): void {
  const fd = sys.open(path, O_RDWR | O_CREAT, 0o644);
  try {
    fn(fd);
  } finally {
    sys.close(fd);
  }
}

function touch(sys: Sys, path: string, len = 0): void {
  withFd(sys, path, (fd) => {
    if (len > 0) sys.write(fd, pattern(len));
  });
}

function pwrite(sys: Sys, path: string, len: number, off: number): void {
  withFd(sys, path, (fd) => sys.pwrite(fd, pattern(len), off));
}

/** A file with blocks of every level up to double indirect, and holes. */
function sparse(sys: Sys, path: string): void {
  touch(sys, path, 14_000);
  pwrite(sys, path, 5000, 100_000);
  pwrite(sys, path, 8000, 290_000);
}

/** Makes what is there before the first operation. `xattrLen`: bytes of an attribute that does not fit into an inode; 0: there are no attributes. */
export function prepareOperations(sys: Sys, xattrLen: number): void {
  for (const dir of ['d', 'd/sub', 'e', 'e/empty', 'big', 'full']) sys.mkdir(dir, 0o755);
  for (const [path, len] of [['f', 100], ['d/g', 3000], ['d/i', 2000], ['e/j', 20_000], ['e/h', 60_000], ['e/i', 2000], ['e/k', 30_000]] as const) touch(sys, path, len);
  for (const path of ['e/long', 'f2', 'f4']) sparse(sys, path);
  sys.symlink('s'.repeat(200), 'slow');
  sys.link('f', 'd/f2');
  for (let i = 0; i < 200; i++) touch(sys, `big/${'n'.repeat(20)}${i}`);
  // Exactly as many as the block holds: the next one needs another block.
  for (let i = 0; i < 20; i++) touch(sys, `full/${'m'.repeat(38)}${10 + i}`);
  touch(sys, 'short', 700);
  touch(sys, 'neighbour', 100);
  for (const path of ['x', 'x2']) {
    touch(sys, path);
    if (xattrLen === 0) continue;
    sys.setxattr(path, 'user.small', pattern(20), 0);
    sys.setxattr(path, 'user.large', pattern(xattrLen), 0);
  }
  sys.sync();
  // Not clean any more from here on, so that the attempts differ by themselves alone.
  sys.chmod('f', 0o600);
}

/** Each goes on from what those before it have left. */
export const OPERATIONS: Readonly<Record<string, (sys: Sys) => void>> = {
  'create a file': (sys) => touch(sys, 'new'),
  'create a file in a large directory': (sys) => touch(sys, 'big/new'),
  'create a file where the directory grows': (sys) => touch(sys, `full/${'q'.repeat(60)}`),
  'make a directory': (sys) => sys.mkdir('d/newdir', 0o755),
  'make a fast symbolic link': (sys) => sys.symlink('target', 'd/fast'),
  'make a slow symbolic link': (sys) => sys.symlink('t'.repeat(300), 'd/slow'),
  'make a device': (sys) => sys.mknod('d/dev', 0o020600, 0x305),
  'link a file': (sys) => sys.link('f', 'e/f3'),
  'remove a name of two': (sys) => sys.unlink('d/f2'),
  'remove a file': (sys) => sys.unlink('e/k'),
  'remove a file with double indirect blocks': (sys) => sys.unlink('e/long'),
  'remove a slow symbolic link': (sys) => sys.unlink('slow'),
  'remove from a large directory': (sys) => sys.unlink(`big/${'n'.repeat(20)}77`),
  'remove a file with attributes': (sys) => sys.unlink('x'),
  'remove a directory': (sys) => sys.rmdir('e/empty'),
  'rename within a directory': (sys) => sys.rename('e/h', 'e/h-renamed'),
  'rename to another directory': (sys) => sys.rename('d/g', 'e/g-moved'),
  'rename over a file': (sys) => sys.rename('d/i', 'e/j'),
  'rename a directory to another': (sys) => sys.rename('d/sub', 'e/sub'),
  'rename a directory over an empty one': (sys) => sys.rename('d/newdir', 'e/sub'),
  'write into direct blocks': (sys) => pwrite(sys, 'f', 5000, 0),
  'write into indirect blocks': (sys) => pwrite(sys, 'f', 20_000, 12 * 1024),
  'write into double indirect blocks': (sys) => pwrite(sys, 'f', 3000, 300_000),
  'write into triple indirect blocks': (sys) => pwrite(sys, 'f', 3000, 70_000_000),
  'write over what is there': (sys) => pwrite(sys, 'e/g-moved', 2000, 700),
  'append where a fragment moves': (sys) => pwrite(sys, 'short', 3000, 700),
  'append where a fragment grows in place': (sys) => pwrite(sys, 'neighbour', 1000, 0),
  'shorten a file': (sys) => sys.truncate('f', 25_500),
  'shorten a file out of double indirect blocks': (sys) => sys.truncate('f2', 100_000),
  'empty a file': (sys) => sys.truncate('f2', 0),
  'lengthen a file': (sys) => sys.truncate('f', 1_000_000),
  'lengthen a file beyond 2 GiB': (sys) => sys.truncate('f', 3_000_000_000),
  'allocate': (sys) => withFd(sys, 'f', (fd) => sys.posix_fallocate(fd, 3000, 40_000)),
  'punch a hole': (sys) => withFd(sys, 'f4', (fd) => sys.fdiscard(fd, 5_000, 300_000)),
  'chmod': (sys) => sys.chmod('f', 0o640),
  'chown': (sys) => sys.chown('f', 70_000, 80_000),
  'chflags': (sys) => sys.chflags('e/i', 1),
  'set times': (sys) => sys.utimensat(-100, 'f', [{ sec: 5, nsec: 6 }, { sec: 7, nsec: 8 }], 0),
};
