import { expect, test } from '@jest/globals';
import { hostSim } from '@anykernel/host-sim';
import { ERR } from '@anykernel/lib-sys';
import { type Bdevsw, boot, makedev } from '@anykernel/rumpkern';
import { Bcache, Disk, Txn } from '@anykernel/rumpvfs';
import { type FaultKind, type Subject, everyBufferAccess } from '../src/index.js';

const KINDS: readonly FaultKind[] = ['EIO', 'sleep'];

function subject(): Subject & { count: number } {
  const host = hostSim();
  const sd = host.sim.disk('disk', { size: 64 << 10, record: 'none' });
  const file = host.open('disk', { read: true, write: true });
  const k = boot(host);
  const sw: Bdevsw = {
    name: 'test',
    open: () => undefined,
    close: () => undefined,
    readv: (_dev, data, off, done) => file.readv(data, off, done),
    writev: (_dev, data, off, done) => file.writev(data, off, done),
    flush: (_dev, done) => file.flush(done),
    ioctl: () => {
      throw ERR.ENOTTY;
    },
    psize: () => file.size,
    secsize: () => 512,
  };
  const { bmajor } = k.devsw.attach(sw, undefined);
  const disk = k.run(() => Disk.open(k, makedev(bmajor, 0), true, k.curlwp));
  const bcache = new Bcache(k, disk, 1024);
  const made = { k, bcache, txn: new Txn(bcache), image: () => sd.snapshot().bytes(), state: () => `count ${made.count}`, count: 0 };
  return made;
}

test.each(KINDS)('an operation in a transaction passes, whichever access is %s', (kind) => {
  const s = subject();
  const op = (): void =>
    s.txn.run(() => {
      s.count++;
      s.txn.undo(() => s.count--);
      for (const blkno of [1, 2, 1]) {
        const bp = s.bcache.bread(blkno);
        s.txn.dirty(bp, 4, 4);
        bp.view.setUint32(4, bp.view.getUint32(4) + 1);
      }
      s.txn.dirty(s.bcache.getblk(9));
    });
  expect(everyBufferAccess(s, kind, () => s.k.run(op)).failed).toBe(8);
  expect(s.k.run(() => s.bcache.bread(1).view.getUint32(4))).toBe(2);
  expect(s.count).toBe(1);
});

test.each(KINDS)('bytes that were changed before dirty() knew of them are found (%s)', (kind) => {
  const s = subject();
  const op = (): void =>
    s.txn.run(() => {
      const bp = s.bcache.bread(3);
      bp.data[7] = 1;
      s.txn.dirty(bp);
    });
  expect(() => everyBufferAccess(s, kind, () => s.k.run(op))).toThrow(/access 2 \(dirty 3\).*block 3, byte 7: 0 before, 1 after/);
});

test.each(KINDS)('in-core state that is not put back is found (%s)', (kind) => {
  const s = subject();
  const op = (): void =>
    s.txn.run(() => {
      s.count++;
      s.bcache.bread(3);
    });
  expect(() => everyBufferAccess(s, kind, () => s.k.run(op))).toThrow('count 0');
});

test.each(KINDS)('an operation that swallows a fault is found (%s)', (kind) => {
  const s = subject();
  const op = (): void => {
    try {
      s.bcache.bread(3);
    } catch {
      // Nobody is told.
    }
  };
  expect(() => everyBufferAccess(s, kind, () => s.k.run(op))).toThrow('and the operation succeeded');
});

test('what the operation throws by itself is thrown', () => {
  const s = subject();
  const op = (): never => {
    s.bcache.bread(1);
    throw ERR.ENOTEMPTY;
  };
  let thrown: unknown;
  try {
    everyBufferAccess(s, 'EIO', () => s.k.run(op));
  } catch (e) {
    thrown = e;
  }
  expect(thrown).toBe(ERR.ENOTEMPTY);
});
