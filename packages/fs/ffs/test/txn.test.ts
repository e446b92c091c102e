import { describe, expect, test } from '@jest/globals';
import { type FaultKind, OPERATIONS, type Subject, everyBufferAccess, prepareOperations } from '@anykernel/conformance-txn';
import { VTOI, dirFind, dirRead } from '@anykernel/ufs';
import { type World, check, made, mounted, pattern } from './kit.js';

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
        if (off < 0 || off >= next) throw new Error(`directory ${ip.ino}: the table has ${name} at ${off}, behind ${next}`);
        return true;
      }),
    );
    if (count !== ip.index.count) throw new Error(`directory ${ip.ino}: the table has ${ip.index.count} names, the directory ${count}`);
  }
  return JSON.stringify([[...w.fs().unlinked], [...w.fs().zombies], [...w.fs().limbo]]);
}

function subjectOf(w: World): Subject {
  const { bcache, txn } = w.fs();
  return { k: w.k, bcache, txn, image: () => w.bytes(), state: () => checkIndexes(w) };
}

/** What the inode, its block and several make of attributes. */
const XATTR_OPERATIONS: typeof OPERATIONS = {
  'set a small attribute': (sys) => sys.setxattr('f', 'user.a', pattern(10, 1), 0),
  'set a larger attribute': (sys) => sys.setxattr('f', 'user.a', pattern(5000, 1), 0),
  'change an attribute': (sys) => sys.setxattr('x2', 'user.large', pattern(600, 1), 0),
  'remove an attribute': (sys) => sys.removexattr('x2', 'user.large'),
};

const IMAGES: readonly (readonly [string, FaultKind, Uint8Array])[] = [
  ['EIO on UFS2, fragments of 512 bytes', 'EIO', made(450, { blockSize: 4096, fragSize: 512, inodes: 320 })],
  ['a sleep on UFS1, big-endian, fragments of 1 KiB', 'sleep', made(700, { version: 1, byteOrder: 'big', blockSize: 8192, inodes: 320 })],
];

describe('an operation that fails or sleeps at any access to a buffer has not happened', () => {
  test.each(IMAGES)('%s', (_name, kind, image) => {
    const ufs2 = kind === 'EIO';
    const w = mounted(image, { seed: 3 });
    prepareOperations(w.sys, ufs2 ? 3000 : 0);
    for (const [what, op] of Object.entries(ufs2 ? { ...OPERATIONS, ...XATTR_OPERATIONS } : OPERATIONS)) {
      try {
        const { failed } = everyBufferAccess(subjectOf(w), kind, () => op(w.sys));
        expect(failed).toBeGreaterThan(0);
      } catch (e) {
        throw new Error(`${what}: ${String(e)}`, { cause: e });
      }
    }
    w.sys.sync();
    expect(check(w.disk.snapshot())).toBe('');
    w.k.halt();
  });
});
