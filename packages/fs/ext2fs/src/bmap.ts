/**
 * Where the blocks of a file are: by extents (extmap.ts), or by direct pointers in the inode, then trees of one, two and three levels of blocks
 * full of pointers.
 *
 * Every pointer is checked before it is followed: a file owns neither metadata nor what is outside of the device. A tree has three levels
 * whatever it says, so that a loop in it ends.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Run } from '@anykernel/rumpvfs';
import { extBmap, extFind } from './extmap.js';
import type { Inode } from './inode.js';
import { NDADDR, NIADDR } from './ondisk.js';

/** The most blocks of one run: more is asked for again. */
const RUN_MAX = 256;

/** EIO unless the file may own `blkno`. */
export function checkPtr(ip: Inode, blkno: number, what: string, lbn: number): void {
  if (!ip.fs.mayOwn(blkno)) ip.fs.corrupt(`inode ${ip.ino}: ${what} ${lbn} is said to be at ${blkno}, where a file has none`);
}

/**
 * Fills in where block `lbn` is and how many follow it, in place; -1: a hole, and how many blocks of it there are for sure. EIO: a pointer makes no
 * sense, or a read failed. EFBIG: beyond the pointers.
 */
export function bmap(ip: Inode, lbn: number, run: Run): void {
  if (ip.hasExtents) {
    extBmap(ip, lbn, run);
    return;
  }
  const p = ip.fs.place;
  if (find(ip, lbn, p)) runOf(ip, p, lbn, run);
  else {
    run.blkno = -1;
    run.count = Math.min(RUN_MAX, p.count);
  }
}

/** Where block `lbn` is, or 0: a hole. The errors of bmap(). */
export function blockAt(ip: Inode, lbn: number): number {
  if (ip.hasExtents) {
    const hit = ip.fs.extHit;
    extFind(ip, lbn, hit);
    return hit.blkno < 0 || hit.unwritten ? 0 : hit.blkno;
  }
  const p = ip.fs.place;
  if (!find(ip, lbn, p)) return 0;
  const blkno = p.view.getUint32(p.off, true);
  if (blkno !== 0) checkPtr(ip, blkno, 'block', lbn);
  return blkno;
}

/** Where a pointer stands, and how many follow it there; or how many blocks have no place for one. */
export class Place {
  view: DataView;
  off = 0;
  count = 0;
  constructor(view: DataView) {
    this.view = view;
  }
}

/** Finds the pointer to block `lbn`. False: a hole of p.count blocks, in which not even the pointer has a place. */
function find(ip: Inode, lbn: number, p: Place): boolean {
  if (lbn < NDADDR) {
    p.view = ip.bp.view;
    p.off = ip.ptrOff + 4 * lbn;
    p.count = NDADDR - lbn;
    return true;
  }
  const { fs } = ip;
  const per = 2 ** fs.ashift;
  let rest = lbn - NDADDR;
  let level = 1;
  let reach = per;
  while (rest >= reach) {
    rest -= reach;
    reach *= per;
    if (++level > NIADDR) throw ERR.EFBIG;
  }
  let blkno = ip.ptr(NDADDR + level - 1);
  for (;;) {
    if (blkno === 0) {
      p.count = reach - rest;
      return false;
    }
    checkPtr(ip, blkno, 'an indirect block above block', lbn);
    const { view } = fs.bcache.bread(blkno);
    if (level === 1) {
      p.view = view;
      p.off = 4 * rest;
      p.count = per - rest;
      return true;
    }
    reach /= per;
    const i = Math.floor(rest / reach);
    rest -= i * reach;
    blkno = view.getUint32(4 * i, true);
    level--;
  }
}

/** The run of pointers that begins at `p`. */
function runOf(ip: Inode, p: Place, lbn: number, run: Run): void {
  const { view, off } = p;
  const max = p.count < RUN_MAX ? p.count : RUN_MAX;
  const first = view.getUint32(off, true);
  let n = 1;
  if (first === 0) {
    while (n < max && view.getUint32(off + 4 * n, true) === 0) n++;
    run.blkno = -1;
    run.count = n;
    return;
  }
  checkPtr(ip, first, 'block', lbn);
  while (n < max && view.getUint32(off + 4 * n, true) === first + n && ip.fs.mayOwn(first + n)) n++;
  run.blkno = first;
  run.count = n;
}
