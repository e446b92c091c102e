/**
 * The bytes of regular files: read and write through the file data cache, shorten and lengthen.
 *
 * Clusters and size change in a transaction before the bytes come, and the bytes cannot fail then (genfsWrite). FAT has no holes: a file that is
 * lengthened gets clusters, and zeros are written to them, step by step.
 */
import { ERR, Errno, MNT_NOATIME } from '@anykernel/lib-sys';
import type { Lwp, Uio } from '@anykernel/rumpkern';
import { type Disk, type GenfsFile, IO_APPEND, IO_DSYNC, IO_SYNC, type Pager, type Run, type PagedUobj, type Vnode, genfsRead, genfsWrite, pagedUobj } from '@anykernel/rumpvfs';
import { allocClusters, freeChain } from './alloc.js';
import { fatEnd, fatNext, fatSet, END } from './fat.js';
import type { MsdosFs } from './fs.js';
import { type Node, VTON } from './node.js';
import { FILE_MAX } from './ondisk.js';

/** Bytes that a file is lengthened by at once. */
const STEP = 262_144;

/** A regular file, as the file data cache and genfsWrite() see it. */
class MsdosFile implements Pager, GenfsFile {
  readonly node: Node;
  readonly uobj: PagedUobj;
  readonly disk: Disk;
  readonly bshift: number;

  constructor(node: Node) {
    this.node = node;
    this.disk = node.fs.disk;
    this.bshift = node.fs.bshift;
    this.uobj = pagedUobj(node.fs.k, this);
  }

  get writable(): boolean {
    return this.node.fs.writable;
  }

  get size(): number {
    return this.node.size;
  }

  bmap(lbn: number, run: Run): void {
    mapBlock(this.node, lbn, run);
  }

  allocate(off: number, len: number): void {
    const { node } = this;
    extend(node, Math.ceil((off + len) / node.fs.info.clusterSize));
    node.touch();
    if (off + len > node.size) node.size = off + len;
  }
}

/** Where block `lbn` of a file is. Beyond its end it is nowhere. EIO: its chain does not reach so far as its size says. */
function mapBlock(node: Node, lbn: number, run: Run): void {
  const { fs } = node;
  run.blkno = -1;
  run.count = 1;
  if (lbn * fs.bsize >= node.size) return;
  const index = Math.floor(lbn / fs.bpc);
  const { chain } = node;
  if (!chain.find(node.start, index)) fs.corrupt(`file ${node.ino} has ${node.size} bytes, and ends at cluster ${index} of them`);
  const skip = lbn - index * fs.bpc;
  run.blkno = fs.clusterBlock(chain.cluster) + skip;
  run.count = chain.count * fs.bpc - skip;
}

/** Sees to it that the file has `count` clusters. Within a transaction. ENOSPC, EIO. */
function extend(node: Node, count: number): void {
  const { fs, chain } = node;
  let have = chain.length(node.start);
  while (have < count) {
    const last = have === 0 ? 0 : chain.cluster;
    const run = allocClusters(fs, last === 0 ? fs.nextFree : last + 1, count - have);
    node.dirty();
    if (last === 0) node.start = run.first;
    else fatSet(fs, last, run.first);
    chain.append(run.first, run.count);
    have += run.count;
    chain.cluster = run.first + run.count - 1;
  }
}

/** The file's cache, made when it is first needed. */
function fileOf(vp: Vnode, node: Node): MsdosFile {
  if (vp.uobj === undefined) vp.uobj = new MsdosFile(node).uobj;
  return vp.uobj.pager as MsdosFile;
}

export function read(vp: Vnode, uio: Uio, _ioflag: number, _l: Lwp): void {
  const node = VTON(vp);
  if (uio.resid === 0) return;
  genfsRead(fileOf(vp, node).uobj, uio, node.size);
  markAccess(node);
}

/** Notes the day; it goes to disk with the next sync. */
export function markAccess(node: Node): void {
  const { fs } = node;
  if (!fs.writable || node.isRoot || node.removed || (fs.mp.flags & MNT_NOATIME) !== 0) return;
  const today = fs.today();
  if (node.accessDate === today) return;
  node.accessed = today;
  fs.lazyTimes.add(node);
}

/** EFBIG: it cannot be that long. ENOSPC, EIO. */
export function write(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void {
  const node = VTON(vp);
  if (uio.resid > 0) writeBytes(vp, node, uio, ioflag);
  // A call that slept for the device comes again, with nothing left to move.
  if ((ioflag & (IO_SYNC | IO_DSYNC)) !== 0 && uio.moved > 0) fsync(vp, (ioflag & IO_SYNC) === 0, 0, 0, l);
}

function writeBytes(vp: Vnode, node: Node, uio: Uio, ioflag: number): void {
  if ((ioflag & IO_APPEND) !== 0) uio.offset = node.size;
  const room = FILE_MAX - uio.offset;
  if (room <= 0) throw ERR.EFBIG;
  const over = Math.max(0, uio.resid - room);
  const file = fileOf(vp, node);
  const before = node.size;
  const moved = uio.moved;
  uio.resid -= over;
  try {
    if (uio.offset > before) lengthen(file, uio.offset);
    genfsWrite(file, node.fs, uio);
  } catch (e) {
    // Nothing was written: then there is no gap before it, either.
    if (e instanceof Errno && uio.moved === moved && node.size > before) shorten(file, before);
    throw e;
  } finally {
    uio.resid += over;
  }
}

/** Zeros from the end of the file to `size`. An error takes back what was done; a sleep leaves it for the restart. ENOSPC, EIO. */
function lengthen(file: MsdosFile, size: number): void {
  const { node } = file;
  const { fs } = node;
  const before = node.size;
  try {
    while (node.size < size) {
      const at = node.size;
      const len = Math.min(size - at, STEP - (at % STEP));
      file.uobj.prepare(at, len, at);
      fs.run(() => file.allocate(at, len));
      file.uobj.zero(at, len, at);
    }
  } catch (e) {
    if (e instanceof Errno && node.size > before) shorten(file, before);
    throw e;
  }
}

/** The file ends at `size`. EIO. */
function shorten(file: MsdosFile, size: number, also: () => void = () => {}): void {
  const { node } = file;
  const { fs } = node;
  // The rest of the last page is zeroed when nothing may fail any more.
  if ((size & (fs.bsize - 1)) !== 0 && size < node.size) file.uobj.prepare(size, 1, node.size);
  fs.run(() => {
    node.touch();
    cutChain(node, Math.ceil(size / fs.info.clusterSize));
    node.size = size;
    fs.txn.commit(() => file.uobj.truncate(size));
    also();
  });
}

/** The file keeps `count` clusters. A chain that ends before is left as it is. */
function cutChain(node: Node, count: number): void {
  const { fs, chain, start } = node;
  if (start === 0) return;
  if (count === 0) {
    node.start = 0;
    if (fs.isCluster(start)) freeChain(fs, start);
  } else {
    if (!chain.find(start, count - 1)) return;
    const last = chain.cluster;
    const rest = fatNext(fs, last);
    if (rest === END) return;
    fatEnd(fs, last);
    freeChain(fs, rest);
  }
  chain.reset();
  fs.txn.undo(() => chain.reset());
}

/** Sets the length, and does `also` in the same transaction, or in one after it. EFBIG, ENOSPC, EIO. */
export function truncate(vp: Vnode, node: Node, size: number, also: () => void): void {
  if (size > FILE_MAX) throw ERR.EFBIG;
  const file = fileOf(vp, node);
  if (size < node.size) {
    shorten(file, size, also);
    return;
  }
  lengthen(file, size);
  node.fs.run(() => {
    node.touch();
    also();
  });
}

/** All bytes below the end have clusters already; what lies beyond gets some, and becomes zeros. EFBIG, ENOSPC, EIO. */
export function fallocate(vp: Vnode, off: number, len: number): void {
  const node = VTON(vp);
  if (off + len > FILE_MAX) throw ERR.EFBIG;
  const file = fileOf(vp, node);
  if (off + len > node.size) lengthen(file, off + len);
}

/** Data first, then all metadata: what names the file is there, too. EIO; sleeps. */
export function fsync(vp: Vnode, _dataOnly: boolean, off: number, len: number, _l: Lwp): void {
  const { fs } = VTON(vp);
  vp.uobj?.flush(off, len, true);
  fs.bcache.flush(true);
  fs.disk.flush();
}

/** Brings the days of last use to the entries of files that were read. */
export function flushTimes(fs: MsdosFs): void {
  if (fs.lazyTimes.size === 0) return;
  const days = [...fs.lazyTimes].map((node) => [node, node.accessed] as const);
  fs.run(() => {
    for (const [node, day] of days) {
      node.dirty();
      node.setAccessDate(day);
      fs.txn.undo(() => {
        node.accessed = day;
      });
    }
  });
  fs.lazyTimes.clear();
}

export function bmapOf(vp: Vnode, lbn: number, run: Run): void {
  mapBlock(VTON(vp), lbn, run);
}
