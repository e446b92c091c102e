import { describe, expect, test } from '@jest/globals';
import { ERR } from '@anykernel/lib-sys';
import { Uio } from '@anykernel/rumpkern';
import { Bcache } from '../src/bcache.js';
import { type GenfsFile, genfsRead, genfsWrite } from '../src/genio.js';
import { Txn } from '../src/txn.js';
import { pagedUobj } from '../src/pageduobj.js';
import { Rig, difference, errnoOf, pattern } from './rig.js';

const BSIZE = 1024;

/** A file of contiguous blocks on a disk with room for `blocks` of them; its size is in a block of metadata. */
function fileOn(rig: Rig, blocks: number): { file: GenfsFile; txn: Txn; read: (len: number) => Uint8Array } {
  const bcache = new Bcache(rig.k, rig.disk, BSIZE);
  const txn = new Txn(bcache);
  const inode = (): DataView => bcache.bread(0).view;
  const pager = {
    disk: rig.disk,
    bshift: 10,
    writable: true,
    bmap: (lbn: number, run: { blkno: number; count: number }) => {
      const have = inode().getUint32(4);
      run.blkno = lbn < have ? lbn + 1 : -1;
      run.count = lbn < have ? have - lbn : 1;
    },
  };
  const uobj = pagedUobj(rig.k, pager);
  const file: GenfsFile = {
    uobj,
    get size() {
      return inode().getUint32(0);
    },
    allocate: (off, len) => {
      const bp = bcache.bread(0);
      txn.dirty(bp, 0, 8);
      const need = Math.ceil((off + len) / BSIZE);
      bp.view.setUint32(4, Math.max(bp.view.getUint32(4), need));
      if (need > blocks) throw ERR.ENOSPC;
      bp.view.setUint32(0, Math.max(bp.view.getUint32(0), off + len));
    },
  };
  const read = (len: number): Uint8Array => {
    const uio = new Uio().init(new Uint8Array(len), 0, 'read');
    const buf = new Uint8Array(len);
    uio.init(buf, 0, 'read');
    rig.call(() => genfsRead(uobj, uio, file.size));
    return buf.subarray(0, uio.moved);
  };
  return { file, txn, read };
}

describe.each([['a synchronous', true], ['an asynchronous', false]])('writing a file on %s disk', (_name, sync) => {
  test('moves everything, and the size covers it', () => {
    const rig = new Rig({ sync, size: 2 << 20 });
    const { file, txn, read } = fileOn(rig, 2000);
    const data = pattern(1_000_001, 3);
    const uio = new Uio().init(data, 0, 'write');
    rig.call(() => genfsWrite(file, txn, uio));
    expect([uio.resid, rig.call(() => file.size)]).toEqual([0, data.length]);
    expect(difference(read(2_000_000), data)).toBeUndefined();
  });

  test('fills the disk to its last block: what fits is written, the size says so, and then it is ENOSPC', () => {
    const rig = new Rig({ sync, size: 1 << 20 });
    const { file, txn, read } = fileOn(rig, 333);
    const data = pattern(900_000, 4);
    const uio = new Uio().init(data, 0, 'write');
    expect(errnoOf(() => rig.call(() => genfsWrite(file, txn, uio)))).toBe('ENOSPC');
    expect([uio.moved, rig.call(() => file.size)]).toEqual([333 * BSIZE, 333 * BSIZE]);
    expect(difference(read(900_000), data.subarray(0, 333 * BSIZE))).toBeUndefined();
  });

  test('little memory makes it slower, not shorter', () => {
    const rig = new Rig({ sync, size: 4 << 20, memLimitBytes: 512 << 10 });
    const { file, txn, read } = fileOn(rig, 4000);
    const data = pattern(3_000_000, 5);
    const uio = new Uio().init(data, 0, 'write');
    rig.call(() => genfsWrite(file, txn, uio));
    expect(uio.resid).toBe(0);
    expect(difference(read(3_000_000), data)).toBeUndefined();
  });
});
