import { describe, expect } from '@jest/globals';
import { type FaultKind, OPERATIONS, type Subject, everyBufferAccess, prepareOperations } from '@anykernel/conformance-txn';
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

/** What the inode, its block and several make of attributes. */
const XATTR_OPERATIONS: typeof OPERATIONS = {
  'set an attribute in the inode': (sys) => sys.setxattr('f', 'user.a', pattern(10, 1), 0),
  'set an attribute in a block': (sys) => sys.setxattr('f', 'user.a', pattern(400, 1), 0),
  'change an attribute in a block': (sys) => sys.setxattr('x2', 'user.large', pattern(600, 1), 0),
  'remove the attribute in the block': (sys) => sys.removexattr('x2', 'user.large'),
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
    prepareOperations(w.sys, 500);
    for (const [i, [name, op]] of Object.entries({ ...OPERATIONS, ...XATTR_OPERATIONS }).entries()) {
      if (type === 'ext4' && i % JOURNAL_STEP !== 2 % JOURNAL_STEP) {
        op(w.sys);
        continue;
      }
      const start = w.disk.snapshot();
      expect(start.size).toBe(kib * 1024);
      try {
        const { failed } = everyBufferAccess(subjectOf(w), kind, () => op(w.sys));
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
