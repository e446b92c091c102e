/**
 * The place for a new journal: behind the file system, where the device is longer; else a file in it, whose blocks lie together, and which no directory names.
 */
import { ERR, SF_LOG } from '@anykernel/lib-sys';
import { Run } from '@anykernel/rumpvfs';
import { IFREG, type Inode, NDADDR, NIADDR, ptrLen, readInode, setPtr } from '@anykernel/ufs';
import { LOG_BSIZE } from '@anykernel/wapbl';
import { allocBlocks } from './alloc.js';
import type { Ffs } from './fs.js';
import { allocInode } from './ialloc.js';
import type { LogPlace } from './log.js';
import {
  FS_JOURNALLOCS, FS_JOURNAL_FLAGS, FS_JOURNAL_LOCATION, FS_JOURNAL_VERSION, JLOC_ADDR, JLOC_BLKSZ, JLOC_COUNT, JLOC_END, JLOC_INFS, JLOC_INO, JOURNAL_VERSION,
} from './ondisk.js';

/** A journal has a thousandth of the file system, within these. */
const SCALE = 1024;
const SIZE_MIN = 1 << 20;
const SIZE_MAX = 64 << 20;
/** Where the file system is too full for that. */
const SIZE_LEAST = 256 << 10;

/** Makes the log, and says in the superblock where it is. ENOSPC, EIO; sleeps. */
export function createLog(fs: Ffs): LogPlace {
  const fsBytes = fs.info.size * fs.fsize;
  const wanted = Math.ceil(Math.min(SIZE_MAX, Math.max(SIZE_MIN, fsBytes / SCALE)) / fs.bsize) * fs.bsize;
  const behind = Math.floor((fs.disk.size - fsBytes) / LOG_BSIZE) * LOG_BSIZE;
  if (behind >= wanted) {
    fs.run(() => record(fs, JLOC_END, fsBytes, wanted, 0));
    return { off: fsBytes, len: wanted };
  }
  for (let len = wanted; ; len = Math.ceil(len / 2 / fs.bsize) * fs.bsize) {
    try {
      return fs.run(() => inFile(fs, len));
    } catch (e) {
      // There may be room for a shorter one.
      if (e !== ERR.ENOSPC || len <= SIZE_LEAST) throw e;
    }
  }
}

function record(fs: Ffs, kind: number, off: number, len: number, ino: number): void {
  const { sb } = fs;
  sb.set8(FS_JOURNAL_VERSION, JOURNAL_VERSION);
  sb.set8(FS_JOURNAL_LOCATION, kind);
  sb.set32(FS_JOURNAL_FLAGS, 0);
  sb.set64(FS_JOURNALLOCS + 8 * JLOC_ADDR, off / LOG_BSIZE);
  sb.set64(FS_JOURNALLOCS + 8 * JLOC_COUNT, len / LOG_BSIZE);
  sb.set64(FS_JOURNALLOCS + 8 * JLOC_BLKSZ, LOG_BSIZE);
  sb.set64(FS_JOURNALLOCS + 8 * JLOC_INO, ino);
}

function inFile(fs: Ffs, len: number): LogPlace {
  const count = len / fs.bsize;
  const first = takeTogether(fs, count);
  const root = readInode(fs, 2);
  let ip: Inode;
  try {
    ip = allocInode(fs, root, false);
  } finally {
    root.release();
  }
  try {
    ip.mode = IFREG;
    ip.nlink = 1;
    ip.size = len;
    ip.flags = SF_LOG;
    ip.touch(7);
    ip.addFrags(count * fs.frag);
    pointAt(fs, ip, first, count);
    record(fs, JLOC_INFS, first * fs.fsize, len, ip.ino);
  } finally {
    ip.release();
  }
  return { off: first * fs.fsize, len };
}

/** The address of `count` blocks that lie together, taken. ENOSPC: there are none. */
function takeTogether(fs: Ffs, count: number): number {
  for (let g = 0; g < fs.info.ncg; g++) {
    if (fs.csFree(g, true) < count) continue;
    const cg = fs.tryCg(g);
    if (cg === undefined) continue;
    for (let b = 0, run = 0; b < cg.nblocks; b++) {
      run = cg.isFull(b) && fs.mayOwn(cg.base + b * fs.frag, fs.frag) ? run + 1 : 0;
      if (run < count) continue;
      cg.setBlocks(b - count + 1, count, false);
      return cg.base + (b - count + 1) * fs.frag;
    }
  }
  throw ERR.ENOSPC;
}

/** The pointers of a file whose blocks follow each other from `first` on. */
function pointAt(fs: Ffs, ip: Inode, first: number, count: number): void {
  let done = 0;
  for (; done < NDADDR && done < count; done++) ip.setPtr(done, first + done * fs.frag);
  let reach = 1;
  for (let level = 1; level <= NIADDR && done < count; level++) {
    reach *= 2 ** fs.ashift;
    const n = Math.min(reach, count - done);
    ip.setPtr(NDADDR + level - 1, makeTree(fs, ip, level, first + done * fs.frag, n));
    done += n;
  }
}

/** An indirect block for `count` blocks from `first` on. */
function makeTree(fs: Ffs, ip: Inode, level: number, first: number, count: number): number {
  const run = new Run();
  allocBlocks(fs, first, 1, run);
  ip.addFrags(fs.frag);
  const each = 2 ** (fs.ashift * (level - 1));
  const len = ptrLen(fs);
  for (let f = 0; f < fs.frag; f++) {
    const bp = fs.bcache.getblk(run.blkno + f);
    fs.txn.dirty(bp);
    bp.data.fill(0);
  }
  for (let i = 0; i * each < count; i++) {
    const from = first + i * each * fs.frag;
    const child = level === 1 ? from : makeTree(fs, ip, level - 1, from, Math.min(each, count - i * each));
    const bp = fs.bcache.bread(run.blkno + ((i * len) >> fs.fshift));
    setPtr(fs, bp.view, (i * len) & (fs.fsize - 1), child);
  }
  return run.blkno;
}
