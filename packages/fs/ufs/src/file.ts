/**
 * The bytes of regular files: read and write through the file data cache, shorten and lengthen, allocate, punch holes.
 *
 * Blocks and size change in a transaction before the bytes come, and the bytes cannot fail then. A new block is larger than a page, so that what a write
 * leaves of it is zeroed; fragments that had to move are written again from memory, where they were brought before.
 */
import { APPEND, ERR, Errno, IMMUTABLE, SF_LOG, SF_SNAPSHOT } from '@anykernel/lib-sys';
import { type Lwp, PAGE_SIZE, SLEEP, type Uio } from '@anykernel/rumpkern';
import { type Disk, IO_APPEND, IO_DSYNC, IO_SYNC, type PagedUobj, type Pager, Run, type Vnode, genfsRead, pagedUobj, uobjDiscard } from '@anykernel/rumpvfs';
import { bmap } from './bmap.js';
import { markAccess } from './incore.js';
import { type Inode, VTOI, fragsOf } from './inode.js';
import { T_CHANGE, T_UPDATE } from './inodefs.js';
import type { UfsMount } from './mount.js';
import { NDADDR } from './ondisk.js';

/** Files that nobody writes. */
const SYSTEM_FILE = SF_SNAPSHOT | SF_LOG;

const ceil = Math.ceil;
const floor = Math.floor;
const maxOf = Math.max;
const minOf = Math.min;

/** A regular file, as the file data cache sees it: in blocks that are fragments. */
class UfsFile implements Pager {
  readonly ip: Inode;
  readonly uobj: PagedUobj;
  readonly disk: Disk;
  readonly bshift: number;
  readonly #fs: UfsMount;

  constructor(ip: Inode) {
    this.ip = ip;
    this.#fs = ip.fs;
    this.disk = ip.fs.disk;
    this.bshift = ip.fs.fshift;
    this.uobj = pagedUobj(ip.fs.k, this);
  }

  get writable(): boolean {
    return this.#fs.writable;
  }

  get size(): number {
    return this.ip.size;
  }

  bmap(lfn: number, run: Run): void {
    if (lfn < this.#fs.maxLbn * this.#fs.frag) bmap(this.ip, lfn, run);
  }
}

/** The file's cache, made when it is first needed. */
function fileOf(vp: Vnode, ip: Inode): UfsFile {
  if (vp.uobj === undefined) vp.uobj = new UfsFile(ip).uobj;
  return vp.uobj.pager as UfsFile;
}

export function read(vp: Vnode, uio: Uio, _ioflag: number, _l: Lwp): void {
  const ip = VTOI(vp);
  if (uio.resid === 0) return;
  genfsRead(fileOf(vp, ip).uobj, uio, ip.size);
  markAccess(vp, ip);
}

// -- writing

/** EPERM: the file only grows, or is a snapshot. EFBIG: it cannot be that long. ENOSPC, EIO. */
export function write(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void {
  const ip = VTOI(vp);
  if (uio.resid > 0) writeBytes(vp, ip, uio, ioflag);
  // A call that slept for the device comes again, with nothing left to move.
  if ((ioflag & (IO_SYNC | IO_DSYNC)) !== 0 && uio.moved > 0) fsync(vp, (ioflag & IO_SYNC) === 0, 0, 0, l);
}

function writeBytes(vp: Vnode, ip: Inode, uio: Uio, ioflag: number): void {
  const { fs } = ip;
  const { flags } = ip;
  if ((flags & SYSTEM_FILE) !== 0) throw ERR.EPERM;
  if ((ioflag & IO_APPEND) !== 0) uio.offset = ip.size;
  // fcntl(2) may have taken O_APPEND away.
  else if ((flags & APPEND) !== 0 && uio.offset !== ip.size) throw ERR.EPERM;
  const room = fs.maxSize - uio.offset;
  if (room <= 0) throw ERR.EFBIG;
  const over = maxOf(0, uio.resid - room);
  const file = fileOf(vp, ip);
  if (uio.offset > ip.size) zeroTail(file, uio.offset);
  uio.resid -= over;
  try {
    writeSteps(file, uio);
  } finally {
    uio.resid += over;
  }
}

/** Bytes for which blocks are allocated in one transaction; a step that does not fit is tried in halves down to the smaller one. */
const STEP_MAX = 256 << 10;
const STEP_MIN = 512;

function writeSteps(file: UfsFile, uio: Uio): void {
  let step = STEP_MAX;
  while (uio.resid > 0) {
    const off = uio.offset;
    const len = minOf(uio.resid, step - (off % step));
    try {
      writeStep(file, off, len, uio);
    } catch (e) {
      if ((e !== ERR.ENOSPC && e !== ERR.ENOMEM) || len <= STEP_MIN || uio.offset !== off) throw e;
      step >>= 1;
    }
  }
}

/** The bytes around a write that it makes new. One object: nothing else runs before it is read. */
class Extent {
  /** Bytes from here to the write, and from its end to `to`, become zero. */
  from = 0;
  to = 0;
  /** So do these, of fragments that a short last block gets; none where both are equal. */
  gapFrom = 0;
  gapTo = 0;
  /** Bytes of that block which may move. */
  moveFrom = 0;
  moveTo = 0;
}
const scratch = new Extent();

function writeStep(file: UfsFile, off: number, len: number, uio: Uio): void {
  grow(file, off, len, () => allocate(file.ip, off, len), uio);
}

/**
 * Blocks for bytes [off, off+len), which are then those of `uio`, or zeros where there is none. What fails or sleeps comes before `change`, the
 * transaction; what follows it does neither.
 */
function grow(file: UfsFile, off: number, len: number, change: () => void, uio?: Uio): void {
  const { ip, uobj } = file;
  const { fs } = ip;
  const before = ip.size;
  newExtent(ip, off, off + len, before, scratch);
  const { from, to, gapFrom, gapTo, moveFrom, moveTo } = scratch;
  const short = moveFrom < moveTo;
  const lbn = floor(moveFrom / fs.bsize);
  for (let at = moveFrom; at < moveTo; at += PAGE_SIZE) bringIn(file, at + 1);
  if (gapFrom < gapTo) uobj.prepare(gapFrom, gapTo - gapFrom, before);
  if (uio === undefined) uobj.prepare(from, to - from, before);
  else {
    // Part by part, as they are written below: a page of which each has some must be there before.
    if (from < off) uobj.prepare(from, off - from, before);
    uobj.prepare(off, len, before);
    if (to > off + len) uobj.prepare(off + len, to - off - len, before);
  }
  const addr = short ? ip.ptr(lbn) : 0;
  fs.run(() => {
    change();
    fs.ops.ordered(uobj);
  });
  if (short && ip.ptr(lbn) !== addr) uobj.redirty(moveFrom, moveTo - moveFrom);
  if (gapFrom < gapTo) uobj.zero(gapFrom, gapTo - gapFrom, before);
  if (uio === undefined) {
    uobj.zero(from, to - from, before);
    return;
  }
  if (from < off) uobj.zero(from, off - from, before);
  uobj.write(uio, len, before);
  if (to > off + len) uobj.zero(off + len, to - off - len, before);
}

/** Blocks and a size for bytes [off, off+len). Within a transaction. */
function allocate(ip: Inode, off: number, len: number): void {
  ip.fs.ops.balloc(ip, off, len);
  ip.touch(T_CHANGE | T_UPDATE);
  // POSIX write(): a change by somebody who is not privileged takes the set-id bits away.
  if ((ip.mode & 0o6000) !== 0 && !ip.fs.k.curlwp.proc.cred.isRoot) ip.mode &= ~0o6000;
}

/** What a write of [off, end) to a file of `size` bytes makes new; fills in `x`, in place. EIO; sleeps. */
function newExtent(ip: Inode, off: number, end: number, size: number, x: Extent): void {
  const { fs } = ip;
  const { bsize } = fs;
  const first = floor(off / bsize);
  const last = floor((end - 1) / bsize);
  x.from = off;
  x.to = end;
  x.gapFrom = x.gapTo = x.moveFrom = x.moveTo = 0;
  // Blocks that are written whole need no look.
  if (off % bsize !== 0 && isHole(ip, first)) x.from = first * bsize;
  const lastEnd = last * bsize + fragsOf(fs, maxOf(size, end), last) * fs.fsize;
  if (lastEnd > end && last * bsize + (isHole(ip, last) ? 0 : fragsOf(fs, size, last) * fs.fsize) < lastEnd) x.to = lastEnd;
  if (end > size) shortEnd(ip, end, size, x);
}

/** The short last block of a file that grows to `end` bytes: it gets more fragments, and perhaps elsewhere. */
function shortEnd(ip: Inode, end: number, size: number, x: Extent): void {
  const { fs } = ip;
  const lbn = floor(size / fs.bsize);
  const have = lbn < NDADDR ? fragsOf(fs, size, lbn) : 0;
  if (have === 0 || have === fs.frag || have >= fragsOf(fs, end, lbn) || ip.ptr(lbn) === 0) return;
  x.moveFrom = lbn * fs.bsize;
  x.moveTo = size;
  const haveEnd = lbn * fs.bsize + have * fs.fsize;
  if (floor(x.from / fs.bsize) === lbn) {
    x.from = minOf(x.from, haveEnd);
    return;
  }
  x.gapFrom = haveEnd;
  x.gapTo = (lbn + 1) * fs.bsize;
}

function isHole(ip: Inode, lbn: number): boolean {
  const run = scratchRun;
  bmap(ip, lbn * ip.fs.frag, run);
  return run.blkno < 0;
}
const scratchRun = new Run();

/** What follows the end in its block becomes part of the file: it must be zero on disk, whoever wrote it. */
function zeroTail(file: UfsFile, newSize: number): void {
  const { size } = file;
  const { fs } = file.ip;
  const rest = size % fs.bsize;
  if (rest === 0 || newSize <= size) return;
  const lbn = floor(size / fs.bsize);
  if (isHole(file.ip, lbn)) return;
  const end = minOf(newSize, lbn * fs.bsize + fragsOf(fs, size, lbn) * fs.fsize);
  if (end > size) file.uobj.zero(size, end - size, size);
}

// -- length

/** Sets the length, and does `also` in the same transaction. EFBIG, EIO. */
export function truncate(vp: Vnode, ip: Inode, size: number, also: () => void): void {
  const { fs } = ip;
  if (size > fs.maxSize) throw ERR.EFBIG;
  const file = fileOf(vp, ip);
  if (size > ip.size) lengthen(file, size, also);
  else if (size < ip.size) shorten(file, size, also);
  else fs.run(also);
}

function shorten(file: UfsFile, size: number, also: () => void): void {
  const { ip, uobj } = file;
  const { fs } = ip;
  const lbn = floor(size / fs.bsize);
  const start = lbn * fs.bsize;
  const end = start + fragsOf(fs, size, lbn) * fs.fsize;
  // A file may end in a hole only where it is long: everybody takes it that the short last block of a file is there.
  const inHole = size > start && isHole(ip, lbn);
  const bare = inHole && lbn < NDADDR;
  if (bare) uobj.prepare(start, end - start, ip.size);
  else bringIn(file, size);
  fs.run(() => {
    ip.dirty();
    fs.ops.truncate(ip, bare ? start : size);
    if (bare) fs.ops.balloc(ip, size - 1, 1);
    fs.txn.commit(() => uobj.truncate(size));
    also();
  });
  if (bare) uobj.zero(start, end - start, size);
  else if (!inHole) zeroRest(file, size, end);
}

/** What remains of the last block behind the new end is zero on disk for other systems; here zeroTail() sees to that when it matters. */
function zeroRest(file: UfsFile, size: number, end: number): void {
  const at = ceil(size / PAGE_SIZE) * PAGE_SIZE;
  if (size % file.ip.fs.bsize === 0 || at >= end) return;
  try {
    file.uobj.zero(at, end - at, size);
  } catch (e) {
    if (e !== SLEEP && !(e instanceof Errno)) throw e;
  }
}

/**
 * A file that grows without bytes: its short last block becomes as long as it must be, and what follows is a hole, but for the new last block, which
 * others expect to be there.
 */
function lengthen(file: UfsFile, size: number, also: () => void): void {
  const { ip } = file;
  zeroTail(file, size);
  grow(file, size - 1, 1, () => {
    ip.dirty();
    ip.fs.ops.balloc(ip, size - 1, 1);
    also();
  });
}

/** The page that holds byte `off`, where that is not the start of a page: a part of it is to be changed later, when nothing may fail. */
function bringIn(file: UfsFile, off: number): void {
  if (off % PAGE_SIZE !== 0 && off < file.size) file.uobj.prepare(off, 1, file.size);
}

// -- space

/** Bytes that are allocated at once. */
const STEP = 65536;

/** Blocks of their own for bytes [off, off+len), zeros where there were none, and the file at least that long. EFBIG, ENOSPC, EIO. */
export function fallocate(vp: Vnode, off: number, len: number): void {
  const ip = VTOI(vp);
  const { fs } = ip;
  if ((ip.flags & SYSTEM_FILE) !== 0) throw ERR.EPERM;
  if (off + len > fs.maxSize) throw ERR.EFBIG;
  const file = fileOf(vp, ip);
  const cred = fs.k.curlwp.proc.cred;
  if (off > ip.size) zeroTail(file, off);
  const holes = holesIn(file, floor(off / fs.bsize), ceil((off + len) / fs.bsize), fs.ops.freeFrags(cred) / fs.frag);
  const before = ip.size;
  const given: [number, number][] = [];
  try {
    for (const [lbn, count] of holes) {
      for (let done = 0; done < count; ) {
        const n = minOf(count - done, maxOf(1, STEP / fs.bsize));
        const start = (lbn + done) * fs.bsize;
        fillHole(file, start, minOf(start + n * fs.bsize, maxOf(before, off + len)));
        given.push([lbn + done, n]);
        done += n;
      }
    }
    if (off + len > ip.size) fillHole(file, maxOf(off, ip.size), off + len);
  } catch (e) {
    if (e instanceof Errno) takeBack(file, given, before);
    throw e;
  }
}

/** The holes among blocks first..last - 1: where each starts, and how many blocks it has. ENOSPC: more than `most` in all. EIO; sleeps. */
function holesIn(file: UfsFile, first: number, last: number, most: number): [number, number][] {
  const holes: [number, number][] = [];
  const { frag } = file.ip.fs;
  const run = new Run();
  let sum = 0;
  for (let lbn = first; lbn < last; ) {
    run.count = 1;
    run.blkno = -1;
    file.bmap(lbn * frag, run);
    const n = minOf(maxOf(1, floor(run.count / frag)), last - lbn);
    if (run.blkno < 0) {
      holes.push([lbn, n]);
      sum += n;
      if (sum > most) throw ERR.ENOSPC;
    }
    lbn += n;
  }
  return holes;
}

/** Zeros, in blocks of their own, for [off, end), of which nothing is there. */
function fillHole(file: UfsFile, off: number, end: number): void {
  if (end <= off) return;
  const { ip } = file;
  grow(file, off, end - off, () => {
    ip.fs.ops.balloc(ip, off, end - off);
    ip.touch(T_CHANGE);
  });
}

/** The blocks that filled these holes go again, and the file has the size that it had. */
function takeBack(file: UfsFile, given: readonly (readonly [number, number])[], size: number): void {
  const { ip } = file;
  const { fs } = ip;
  fs.run(() => {
    ip.dirty();
    if (ip.size > size) fs.ops.truncate(ip, size);
    for (const [lbn, count] of given) fs.ops.punch(ip, lbn, lbn + count);
    fs.txn.commit(() => {
      file.uobj.truncate(size);
      for (const [lbn, count] of given) uobjDiscard(file.uobj, lbn * fs.bsize, count * fs.bsize);
    });
  });
}

/** Whole blocks of [off, off+len) are given back, the rest of the range becomes zero. The length stays. EPERM: it may only grow. EIO. */
export function fdiscard(vp: Vnode, off: number, len: number): void {
  const ip = VTOI(vp);
  const { fs } = ip;
  if ((ip.flags & (APPEND | IMMUTABLE | SYSTEM_FILE)) !== 0) throw ERR.EPERM;
  const file = fileOf(vp, ip);
  const end = minOf(off + len, ip.size);
  if (off >= end) return;
  const first = ceil(off / fs.bsize);
  // The last block of a file stays: one that ends in a hole is what checkers do not like.
  const last = end === ip.size ? floor((end - 1) / fs.bsize) : floor(end / fs.bsize);
  const hole = first < last;
  const edges = hole ? [...partsIn(file, off, first * fs.bsize), ...partsIn(file, last * fs.bsize, end)] : partsIn(file, off, end);
  for (const [from, to] of edges) file.uobj.prepare(from, to - from, ip.size);
  fs.run(() => {
    if (hole) fs.ops.punch(ip, first, last);
    ip.touch(T_CHANGE | T_UPDATE);
    fs.txn.commit(() => {
      if (hole) uobjDiscard(file.uobj, first * fs.bsize, (last - first) * fs.bsize);
    });
  });
  for (const [from, to] of edges) file.uobj.zero(from, to - from, ip.size);
}

/** The parts of [from, to) that have blocks, none longer than one. EIO; sleeps. */
function partsIn(file: UfsFile, from: number, to: number): [number, number][] {
  const { bsize } = file.ip.fs;
  const parts: [number, number][] = [];
  for (let at = from; at < to; ) {
    const lbn = floor(at / bsize);
    const end = minOf(to, (lbn + 1) * bsize);
    if (!isHole(file.ip, lbn)) parts.push([at, end]);
    at = end;
  }
  return parts;
}

// -- to the device

/** Data first, then all metadata: what names the file is there, too. EIO; sleeps. */
export function fsync(vp: Vnode, _dataOnly: boolean, off: number, len: number, _l: Lwp): void {
  const { fs } = VTOI(vp);
  vp.uobj?.flush(off, len, true);
  fs.ops.flushMetadata();
}

export function bmapOf(vp: Vnode, lbn: number, run: Run): void {
  bmap(VTOI(vp), lbn, run);
}
