/**
 * Where the blocks of a file are: direct pointers in the inode, then trees of one, two and three levels of blocks full of pointers.
 *
 * Every pointer is checked before it is followed: a file owns neither metadata nor what is outside of the device. A tree has three levels
 * whatever it says, so that a loop in it ends.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Buf, Run } from '@anykernel/rumpvfs';
import type { Inode } from './inode.js';
import { NDADDR, NIADDR } from './ondisk.js';

/** The most blocks of one run: more is asked for again. */
const RUN_MAX = 2048;

/** EIO unless the file may own `blkno`. */
export function checkPtr(ip: Inode, blkno: number, what: string, lbn: number): void {
  if (!ip.fs.mayOwn(blkno)) ip.fs.corrupt(`inode ${ip.ino}: ${what} ${lbn} is said to be at ${blkno}, where a file has none`);
}

/**
 * Fills in where block `lbn` is and how many follow it, in place; -1: a hole, and how many blocks of it there are for sure. EIO: a pointer makes no
 * sense, or a read failed. EFBIG: beyond the pointers.
 */
export function bmap(ip: Inode, lbn: number, run: Run): void {
  const { fs } = ip;
  if (lbn < NDADDR) {
    runOf(ip, ip.bp, ip.ptrOff, lbn, NDADDR, lbn, run);
    return;
  }
  let rest = lbn - NDADDR;
  let level = 1;
  let reach = 2 ** fs.ashift;
  while (rest >= reach) {
    rest -= reach;
    reach *= 2 ** fs.ashift;
    if (++level > NIADDR) throw ERR.EFBIG;
  }
  let blkno = ip.ptr(NDADDR + level - 1);
  for (;;) {
    if (blkno === 0) {
      run.blkno = -1;
      run.count = Math.min(RUN_MAX, reach - rest);
      return;
    }
    checkPtr(ip, blkno, 'an indirect block above block', lbn);
    const bp = fs.bcache.bread(blkno);
    if (level === 1) {
      runOf(ip, bp, 0, rest, 2 ** fs.ashift, lbn, run);
      return;
    }
    reach /= 2 ** fs.ashift;
    const i = Math.floor(rest / reach);
    rest -= i * reach;
    blkno = bp.view.getUint32(4 * i, true);
    level--;
  }
}

/** The run of pointers that starts with number `i` of the `count` at `off`. */
function runOf(ip: Inode, bp: Buf, off: number, i: number, count: number, lbn: number, run: Run): void {
  const { view } = bp;
  const first = view.getUint32(off + 4 * i, true);
  const max = Math.min(count - i, RUN_MAX);
  let n = 1;
  if (first === 0) {
    while (n < max && view.getUint32(off + 4 * (i + n), true) === 0) n++;
    run.blkno = -1;
    run.count = n;
    return;
  }
  checkPtr(ip, first, 'block', lbn);
  while (n < max && view.getUint32(off + 4 * (i + n), true) === first + n && ip.fs.mayOwn(first + n)) n++;
  run.blkno = first;
  run.count = n;
}
