/**
 * Where the blocks of a file are: direct pointers in the inode, then trees of one, two and three levels of blocks full of pointers.
 *
 * Addresses are those of fragments, and so are the answers of bmap(): a short file ends in some fragments of a block. Every pointer is checked before it
 * is followed. A tree has three levels whatever it says, so that a loop in it ends.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Run } from '@anykernel/rumpvfs';
import { type Inode, fragsOf } from './inode.js';
import { corrupt } from './inodefs.js';
import type { UfsMount } from './mount.js';
import { NDADDR, NIADDR, get64, set64 } from './ondisk.js';

/** The most pointers of one run: more is asked for again. */
const RUN_MAX = 256;

/** Bytes of a pointer. */
export function ptrLen(fs: UfsMount): number {
  return fs.dinode.wide ? 8 : 4;
}
export function getPtr(fs: UfsMount, view: DataView, off: number): number {
  return fs.dinode.wide ? get64(view, off, fs.le) : view.getUint32(off, fs.le);
}
export function setPtr(fs: UfsMount, view: DataView, off: number, addr: number): void {
  if (fs.dinode.wide) set64(view, off, addr, fs.le);
  else view.setUint32(off, addr, fs.le);
}

/** EIO unless the file may own `count` fragments from `addr` on. */
export function checkPtr(ip: Inode, addr: number, count: number, what: string, lbn: number): void {
  if (!ip.fs.mayOwn(addr, count)) corrupt(ip.fs, `inode ${ip.ino}: ${what} ${lbn} is said to be at ${addr}, where a file has none`);
}

/**
 * Fills in where fragment `lfn` of the file is and how many follow it, in place; -1: a hole, and how many fragments of it there are for sure. EIO: a pointer
 * makes no sense, or a read failed. EFBIG: beyond the pointers.
 */
export function bmap(ip: Inode, lfn: number, run: Run): void {
  const { fs } = ip;
  if (ip.isSnapshot) {
    fs.ops.snapshotBmap(ip, lfn, run);
    return;
  }
  const lbn = Math.floor(lfn / fs.frag);
  const within = lfn - lbn * fs.frag;
  const p = fs.place;
  if (find(ip, lbn, p)) runOf(ip, p, lbn, within, run);
  else {
    run.blkno = -1;
    run.count = Math.min(RUN_MAX, p.count) * fs.frag - within;
  }
}

/** The address of block `lbn`, or 0: a hole. The errors of bmap(). */
export function blockAt(ip: Inode, lbn: number): number {
  const p = ip.fs.place;
  if (!find(ip, lbn, p)) return 0;
  const addr = getPtr(ip.fs, p.view, p.off);
  if (addr !== 0) checkPtr(ip, addr, Math.max(1, fragsOf(ip.fs, ip.size, lbn)), 'block', lbn);
  return addr;
}

/** Where a pointer stands, and how many follow it there; or how many blocks have no place for one. */
export class Place {
  view: DataView = NO_VIEW;
  off = 0;
  count = 0;
}
const NO_VIEW = new DataView(new ArrayBuffer(0));

/** Which level of tree block `lbn` is in (1 to 3), and its index there: [level, index, blocks that the tree reaches]. EFBIG. */
export function levelOf(fs: UfsMount, lbn: number): readonly [number, number, number] {
  const per = 2 ** fs.ashift;
  let rest = lbn - NDADDR;
  let level = 1;
  let reach = per;
  while (rest >= reach) {
    rest -= reach;
    reach *= per;
    if (++level > NIADDR) throw ERR.EFBIG;
  }
  return [level, rest, reach];
}

/** Finds the pointer to block `lbn`. False: a hole of p.count blocks, in which not even the pointer has a place. EIO, EFBIG. */
export function find(ip: Inode, lbn: number, p: Place): boolean {
  const { fs } = ip;
  const size = ptrLen(fs);
  if (lbn < NDADDR) {
    p.view = ip.bp.view;
    p.off = ip.ptrOff + size * lbn;
    p.count = NDADDR - lbn;
    return true;
  }
  const found = levelOf(fs, lbn);
  let level = found[0];
  let rest = found[1];
  let reach = found[2];
  const per = 2 ** fs.ashift;
  let addr = ip.ptr(NDADDR + level - 1);
  for (;;) {
    if (addr === 0) {
      p.count = reach - rest;
      return false;
    }
    checkPtr(ip, addr, fs.frag, 'an indirect block above block', lbn);
    reach /= per;
    const i = Math.floor(rest / reach);
    rest -= i * reach;
    // An indirect block is `frag` buffers, each with pointers of its own.
    const at = i * size;
    const { view } = fs.bcache.bread(addr + (at >> fs.fshift));
    const off = at & (fs.fsize - 1);
    if (level === 1) {
      p.view = view;
      p.off = off;
      p.count = (fs.fsize - off) / size;
      return true;
    }
    addr = getPtr(fs, view, off);
    level--;
  }
}

/** The run of pointers that begins at `p`, from fragment `within` of its first block on. */
function runOf(ip: Inode, p: Place, lbn: number, within: number, run: Run): void {
  const { fs } = ip;
  const { view, off } = p;
  const size = ptrLen(fs);
  const max = p.count < RUN_MAX ? p.count : RUN_MAX;
  const first = getPtr(fs, view, off);
  let n = 1;
  if (first === 0) {
    while (n < max && getPtr(fs, view, off + size * n) === 0) n++;
    run.blkno = -1;
    run.count = n * fs.frag - within;
    return;
  }
  const own = lbn < NDADDR ? fragsOf(fs, ip.size, lbn) : fs.frag;
  if (within >= own) {
    run.blkno = -1;
    run.count = fs.frag - within;
    return;
  }
  checkPtr(ip, first, own, 'block', lbn);
  let count = own;
  while (n < max && count === n * fs.frag) {
    const next = first + count;
    if (getPtr(fs, view, off + size * n) !== next) break;
    const more = lbn + n < NDADDR ? fragsOf(fs, ip.size, lbn + n) : fs.frag;
    if (more === 0 || !fs.mayOwn(next, more)) break;
    count += more;
    n++;
  }
  run.blkno = first + within;
  run.count = count - within;
}
