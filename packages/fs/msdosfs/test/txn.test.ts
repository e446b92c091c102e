import { describe, expect, test } from '@jest/globals';
import { type FaultKind, type Subject, everyBufferAccess } from '@anykernel/conformance-txn';
import { O_CREAT, O_RDWR } from '@anykernel/lib-sys';
import { indexOf } from '../src/dir.js';
import type { Node } from '../src/node.js';
import { type World, fresh, fsck, mounted, pattern } from './kit.js';

/** What is in core of names, places and free clusters. */
function state(w: World): string {
  const fs = w.fs();
  // A table that is made on the way is no change: all are there before.
  for (const n of fs.byIno.values()) if (n.isDir && !n.removed) w.k.run(() => indexOf(n));
  const nodes = [...fs.byIno.values()].map((n: Node) => `${n.ino} at ${n.place} slot ${n.slot}-${n.longs} kids ${n.children} size ${n.size} start ${n.start} ${n.removed}`);
  const tables = [...fs.byIno.values()].filter((n) => n.index !== undefined).map((n) => `${n.ino}: ${n.index?.count} ${[...(n.index?.names ?? [])].sort().join()}`);
  return [`free ${fs.free}`, ...nodes.sort(), ...tables.sort(), [...fs.files.keys()].sort().join(), [...fs.dirs.keys()].sort().join()].join('\n');
}

function subjectOf(w: World): Subject {
  const { bcache, txn } = w.fs();
  return { k: w.k, bcache, txn, image: () => w.bytes(), state: () => state(w) };
}

function put(w: World, path: string, len: number, off = 0): void {
  const fd = w.sys.open(path, O_CREAT | O_RDWR, 0o644);
  if (len > 0) w.sys.pwrite(fd, pattern(len, len), off);
  w.sys.close(fd);
}

function prepare(w: World): void {
  for (const dir of ['d', 'e', 'd/sub', 'e/empty', 'full']) w.sys.mkdir(dir, 0o755);
  for (const name of ['f', 'd/a long name', 'd/g', 'e/h', 'e/k']) put(w, name, 5000);
  for (let i = 0; i < 14; i++) put(w, `full/F${i}`, 0);
  // Everything is in memory before the first attempt.
  w.sys.stat('d/sub/.');
  w.sys.statvfs1('.', 1);
  w.sys.sync();
  // The volume is marked dirty from here on.
  put(w, 'full/LAST', 0);
}

const OPERATIONS: Readonly<Record<string, (w: World) => void>> = {
  'create a file': (w) => put(w, 'd/NEW', 0),
  'create a file with a long name': (w) => put(w, `d/${'long name '.repeat(8)}x`, 0),
  'create a file where the directory grows': (w) => put(w, `full/${'q'.repeat(100)}`, 0),
  'make a directory': (w) => w.sys.mkdir('d/newdir', 0o755),
  'remove a file': (w) => w.sys.unlink('e/k'),
  'remove a file with a long name': (w) => w.sys.unlink('d/A LONG NAME'),
  'remove a directory': (w) => w.sys.rmdir('e/empty'),
  'rename within a directory': (w) => w.sys.rename('e/h', 'e/h renamed'),
  'rename to other letters': (w) => w.sys.rename('e/h renamed', 'e/H Renamed'),
  'rename to another directory': (w) => w.sys.rename('d/g', 'e/g moved'),
  'rename over a file': (w) => w.sys.rename('d/NEW', 'f'),
  'rename over a file, to other letters': (w) => w.sys.rename('f', 'e/G MOVED'),
  'rename a directory to another': (w) => w.sys.rename('d/sub', 'e/sub'),
  'rename a directory over an empty one': (w) => w.sys.rename('d/newdir', 'e/sub'),
  'write to an empty file': (w) => put(w, 'full/F1', 3000),
  'write at the end': (w) => put(w, 'full/F1', 3000, 3000),
  'write beyond the end': (w) => put(w, 'full/F1', 10, 9000),
  'shorten a file': (w) => w.sys.truncate('full/F1', 1000),
  'empty a file': (w) => w.sys.truncate('full/F1', 0),
  'make a file read-only': (w) => w.sys.chmod('full/F1', 0o444),
  'set times': (w) => w.sys.utimensat(-100, 'full/F1', [{ sec: 1e9, nsec: 6 }, { sec: 1.1e9, nsec: 8 }], 0),
};

describe.each<FaultKind>(['EIO', 'sleep'])('an operation whose access to a buffer ends by %s has not happened', (kind) => {
  test.each([12, 32] as const)('any operation, any access, on FAT%i', (bits) => {
    const w = mounted(fresh(120 << 10, { fatBits: bits, clusterSize: 512 }), { seed: 3 });
    prepare(w);
    for (const [name, op] of Object.entries(OPERATIONS)) {
      // Lengthening is done in steps, each of which is a transaction: an error takes them back together, a sleep goes on after them.
      if (kind === 'sleep' && name === 'write beyond the end') {
        op(w);
        continue;
      }
      try {
        expect(everyBufferAccess(subjectOf(w), kind, () => op(w)).failed).toBeGreaterThan(0);
      } catch (e) {
        throw new Error(`${name}: ${String(e)}`, { cause: e });
      }
    }
    w.sys.sync();
    expect(w.k.msgbuf.text()).not.toMatch(/msdosfs/);
    w.k.halt();
  });
});

test('what is left is in order', () => {
  const w = mounted(fresh(600 << 10), { seed: 3 });
  prepare(w);
  for (const op of Object.values(OPERATIONS)) op(w);
  w.k.halt();
  expect(fsck(w.bytes())).toBe('');
});
