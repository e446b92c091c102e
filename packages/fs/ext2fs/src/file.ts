/**
 * The bytes of regular files: read and write through the file data cache, shorten and lengthen, allocate, punch holes.
 *
 * Blocks and size change in a transaction before the bytes come, and the bytes cannot fail then (genfsWrite). A file that is shortened has the
 * rest of its last block zeroed, so that nothing old shows when it grows again.
 */
import { ERR, Errno } from '@anykernel/lib-sys';
import { type Lwp, Uio } from '@anykernel/rumpkern';
import {
  type Disk, type GenfsFile, IO_APPEND, IO_DSYNC, IO_SYNC, type PagedUobj, type Pager, Run, type Vnode, genfsRead, genfsWrite, pagedUobj,
  uobjDiscard,
} from '@anykernel/rumpvfs';
import { T_CHANGE, T_UPDATE, markAccess } from '@anykernel/ufs';
import { balloc } from './balloc.js';
import { bmap } from './bmap.js';
import { freeRange } from './freerange.js';
import { inlineBytes, leaveInline, readInline } from './inline.js';
import { type Inode, VTOI } from './inode.js';
import { shortenLater } from './unfinished.js';
import { FL_APPEND, FL_ENCRYPT, FL_IMMUTABLE, ROCOMPAT_LARGE_FILE, SB_ROCOMPAT } from './ondisk.js';

/** A regular file, as the file data cache and genfsWrite() see it. */
class Ext2File implements Pager, GenfsFile {
  readonly ip: Inode;
  readonly uobj: PagedUobj;
  readonly disk: Disk;
  readonly bshift: number;

  constructor(ip: Inode) {
    this.ip = ip;
    this.disk = ip.fs.disk;
    this.bshift = ip.fs.bshift;
    this.uobj = pagedUobj(ip.fs.k, this);
  }

  get writable(): boolean {
    return this.ip.fs.writable;
  }

  get size(): number {
    return this.ip.size;
  }

  bmap(lbn: number, run: Run): void {
    if (lbn < this.ip.maxLbn) bmap(this.ip, lbn, run);
  }

  allocate(off: number, len: number): void {
    const { ip } = this;
    const { bshift } = ip.fs;
    const first = Math.floor(off / 2 ** bshift);
    balloc(ip, first, Math.ceil((off + len) / 2 ** bshift) - first);
    ip.fs.bcache.journal?.order(this.uobj);
    if (off + len > ip.size) setSize(ip, off + len);
    ip.touch(T_CHANGE | T_UPDATE);
    // POSIX write(): a change by somebody who is not privileged takes the set-id bits away.
    if ((ip.mode & 0o6000) !== 0 && !ip.fs.k.curlwp.proc.cred.isRoot) ip.mode &= ~0o6000;
  }
}

/** The file's cache, made when it is first needed. */
function fileOf(vp: Vnode, ip: Inode): Ext2File {
  if (vp.uobj === undefined) vp.uobj = new Ext2File(ip).uobj;
  return vp.uobj.pager as Ext2File;
}

/** Within a transaction. A file beyond 2 GiB is a feature of the image, which others must know of. */
function setSize(ip: Inode, size: number): void {
  const { fs } = ip;
  ip.size = size;
  if (size <= 0x7fffffff) return;
  const features = fs.sb32(SB_ROCOMPAT);
  if ((features & ROCOMPAT_LARGE_FILE) === 0) fs.setSb32(SB_ROCOMPAT, (features | ROCOMPAT_LARGE_FILE) >>> 0);
}

export function read(vp: Vnode, uio: Uio, _ioflag: number, _l: Lwp): void {
  const ip = VTOI(vp);
  if (uio.resid === 0) return;
  if ((ip.flags & FL_ENCRYPT) !== 0) throw ERR.EOPNOTSUPP;
  if (ip.isInline) readInline(ip, uio);
  else genfsRead(fileOf(vp, ip).uobj, uio, ip.size);
  markAccess(vp, ip);
}

/** EPERM: the file only grows. EFBIG: it cannot be that long. ENOSPC, EIO. */
export function write(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void {
  const ip = VTOI(vp);
  if (uio.resid > 0) writeBytes(vp, ip, uio, ioflag);
  // A call that slept for the device comes again, with nothing left to move.
  if ((ioflag & (IO_SYNC | IO_DSYNC)) !== 0 && uio.moved > 0) fsync(vp, (ioflag & IO_SYNC) === 0, 0, 0, l);
}

function writeBytes(vp: Vnode, ip: Inode, uio: Uio, ioflag: number): void {
  ready(vp, ip);
  if ((ioflag & IO_APPEND) !== 0) uio.offset = ip.size;
  // fcntl(2) may have taken O_APPEND away.
  else if ((ip.flags & FL_APPEND) !== 0 && uio.offset !== ip.size) throw ERR.EPERM;
  const { fs } = ip;
  const room = ip.maxSize - uio.offset;
  if (room <= 0) throw ERR.EFBIG;
  const over = Math.max(0, uio.resid - room);
  const file = fileOf(vp, ip);
  if (uio.offset > ip.size) zeroTail(file, uio.offset);
  uio.resid -= over;
  try {
    genfsWrite(file, fs, uio);
  } finally {
    uio.resid += over;
  }
}

/** What follows the end in its block becomes part of the file: it must be zero on disk, whoever wrote it. */
function zeroTail(file: Ext2File, newSize: number): void {
  const { size } = file;
  const rest = size & (file.ip.fs.bsize - 1);
  if (rest !== 0 && newSize > size) file.uobj.zero(size, Math.min(newSize - size, file.ip.fs.bsize - rest), size);
}

/** Sets the length, and does `also` in the same transaction. EFBIG, EIO. */
export function truncate(vp: Vnode, ip: Inode, size: number, also: () => void): void {
  const { fs } = ip;
  if (size > ip.maxSize) throw ERR.EFBIG;
  ready(vp, ip);
  const file = fileOf(vp, ip);
  if (size > ip.size) zeroTail(file, size);
  else bringIn(file, size);
  fs.run(() => {
    ip.dirty();
    if (size < ip.size) shorten(ip, file, size);
    else setSize(ip, size);
    also();
  });
}

function shorten(ip: Inode, file: Ext2File, size: number): void {
  const { fs } = ip;
  if (!freeRange(ip, Math.ceil(size / fs.bsize), Infinity)) shortenLater(ip);
  ip.size = size;
  // Zeroes the rest of the last page, too.
  fs.txn.commit(() => file.uobj.truncate(size));
}

/** What must be settled before the bytes of a file change: it has been shortened for good, and they are in blocks. Sleeps, ENOSPC, EIO. */
function ready(vp: Vnode, ip: Inode): void {
  const { fs } = ip;
  if (fs.zombies.has(ip.ino)) fs.reap?.();
  if (!ip.isInline) return;
  const bytes = inlineBytes(ip);
  const file = fileOf(vp, ip);
  file.uobj.prepare(0, Math.max(1, bytes.length), 0);
  fs.run(() => {
    leaveInline(ip);
    if (bytes.length > 0) file.allocate(0, bytes.length);
  });
  if (bytes.length > 0) file.uobj.write(new Uio().init(bytes, 0, 'write'), bytes.length, 0);
}

/** The page that holds byte `off`, where that is not the start of a block: a part of the block is to be zeroed later, when nothing may fail. */
function bringIn(file: Ext2File, off: number): void {
  if ((off & (file.ip.fs.bsize - 1)) !== 0 && off < file.size) file.uobj.prepare(off, 1, file.size);
}

/** Blocks of their own for bytes [off, off+len), zeros where there were none, and the file at least that long. EFBIG, ENOSPC, EIO. */
export function fallocate(vp: Vnode, off: number, len: number): void {
  const ip = VTOI(vp);
  const { fs } = ip;
  if (off + len > ip.maxSize) throw ERR.EFBIG;
  ready(vp, ip);
  const file = fileOf(vp, ip);
  const free = fs.freeBlocks(fs.k.curlwp.proc.cred);
  if (countHoles(file, Math.floor(off / fs.bsize), Math.ceil((off + len) / fs.bsize), free) > free) throw ERR.ENOSPC;
  if (off + len > ip.size) zeroTail(file, off + len);
  const before = ip.size;
  const given: [number, number][] = [];
  try {
    for (let at = off; at < off + len; ) {
      const end = Math.min(off + len, (Math.floor(at / STEP) + 1) * STEP);
      given.push(...fallocateStep(file, at, end));
      at = end;
    }
  } catch (e) {
    if (e instanceof Errno) takeBack(file, given, before);
    throw e;
  }
}

/** The blocks that filled these holes go again, and the file has the size that it had. */
function takeBack(file: Ext2File, holes: readonly (readonly [number, number])[], size: number): void {
  const { ip } = file;
  const { fs } = ip;
  fs.run(() => {
    for (const [lbn, count] of holes) if (!freeRange(ip, lbn, lbn + count)) throw ERR.EIO;
    ip.dirty();
    ip.size = size;
    fs.txn.commit(() => {
      for (const [lbn, count] of holes) uobjDiscard(file.uobj, lbn * fs.bsize, count * fs.bsize);
      file.uobj.truncate(size);
    });
  });
}

/** Bytes that are allocated at once. */
const STEP = 65536;

/** One step: the bytes are brought in as they are, so that they can be written as they are, to blocks that are there then. Gives the holes that it filled. */
function fallocateStep(file: Ext2File, off: number, end: number): [number, number][] {
  const { ip } = file;
  const { fs } = ip;
  const first = Math.floor(off / fs.bsize);
  const last = Math.ceil(end / fs.bsize);
  const holes = holesIn(file, first, last);
  const size = ip.size;
  for (const [lbn, count] of holes) file.uobj.prepare(lbn * fs.bsize, count * fs.bsize, size);
  fs.run(() => {
    for (const [lbn, count] of holes) balloc(ip, lbn, count);
    ip.dirty();
    if (end > ip.size) setSize(ip, end);
    ip.touch(T_CHANGE);
  });
  for (const [lbn, count] of holes) file.uobj.zero(lbn * fs.bsize, count * fs.bsize, size);
  return holes;
}

/** How many of the blocks first..last - 1 are holes; it stops where there are more than `most`. */
function countHoles(file: Ext2File, first: number, last: number, most: number): number {
  const run = new Run();
  let sum = 0;
  for (let lbn = first; lbn < last && sum <= most; lbn += run.count) {
    file.bmap(lbn, run);
    if (run.blkno < 0) sum += Math.min(run.count, last - lbn);
  }
  return sum;
}

/** The holes among blocks first..last - 1: where each starts, and how many blocks it has. */
function holesIn(file: Ext2File, first: number, last: number): [number, number][] {
  const holes: [number, number][] = [];
  const run = new Run();
  for (let lbn = first; lbn < last; ) {
    file.bmap(lbn, run);
    const n = Math.min(run.count, last - lbn);
    if (run.blkno < 0) holes.push([lbn, n]);
    lbn += n;
  }
  return holes;
}

/** Whole blocks of [off, off+len) are given back, the rest of the range becomes zero. The length stays. EPERM: it may only grow. EIO. */
export function fdiscard(vp: Vnode, off: number, len: number): void {
  const ip = VTOI(vp);
  const { fs } = ip;
  if ((ip.flags & (FL_IMMUTABLE | FL_APPEND)) !== 0) throw ERR.EPERM;
  ready(vp, ip);
  const file = fileOf(vp, ip);
  const end = Math.min(off + len, ip.size);
  if (off >= end) return;
  const first = Math.ceil(off / fs.bsize);
  const last = end === ip.size ? Math.ceil(end / fs.bsize) : Math.floor(end / fs.bsize);
  bringIn(file, off);
  bringIn(file, end);
  // In several transactions where one would be too large for the journal: what is left is done again after a sleep.
  for (let done = false; !done; ) {
    fs.run(() => {
      done = first >= last || freeRange(ip, first, last);
      ip.touch(T_CHANGE | T_UPDATE);
      fs.txn.commit(() => uobjDiscard(file.uobj, off, end - off));
    });
  }
}

/** Data first, then all metadata: what names the file is there, too. EIO; sleeps. */
export function fsync(vp: Vnode, _dataOnly: boolean, off: number, len: number, _l: Lwp): void {
  const { fs } = VTOI(vp);
  vp.uobj?.flush(off, len, true);
  fs.commit();
}

export function bmapOf(vp: Vnode, lbn: number, run: Run): void {
  bmap(VTOI(vp), lbn, run);
}
