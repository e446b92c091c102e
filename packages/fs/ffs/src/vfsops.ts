/**
 * FFS as a file system type: mount, sync, unmount, figures, file handles.
 *
 * A mount of an asynchronous device sleeps for its blocks and goes on with the same Mount: what it has so far is in mp.data. The image is
 * marked as not clean by its first change after a sync, and as clean by the sync that finds all written.
 */
import { getU32le, putU32le } from '@anykernel/lib-bytes';
import { ERR, Errno, MNT_LOG, MNT_RDONLY, type Statvfs } from '@anykernel/lib-sys';
import { type Lwp, SLEEP } from '@anykernel/rumpkern';
import { Bcache, type Disk, type Mount, Txn, type Vfsops, type Vnode, flushFiles, openDisk, probeBy, settle } from '@anykernel/rumpvfs';
import { IOSIZE, NAME_MAX, type OpsOf, ROOTINO, VTOI, corrupt, flushTimes, isUsableIno, loadVnode, reap } from '@anykernel/ufs';
import { type Peek, findSuper } from './findsuper.js';
import { Ffs } from './fs.js';
import { Replaying, hasLog, isClean, logPlace, setFlag, stopJournal } from './log.js';
import {
  CS_LEN, FSMNT_LEN, FS_CKHASHES, FS_DOSOFTDEP, FS_FSMNT, FS_ISCLEAN, FS_FLAGS, FS_GJOURNAL, FS_METACKHASH, FS_SUJ, INODEFMT_44, SB_LEN, type SuperInfo, parseSuper,
} from './ondisk.js';
import { Span } from './span.js';

/** What mount(2) takes for ffs. */
export interface FfsArgs {
  /** The block device: a path in the kernel's name space. */
  readonly fspec: string;
}

/** Bytes of a file handle: inode number and generation, 32 bits each, little-endian. */
const HANDLE_LEN = 8;
/** Blocks in which the superblock is looked for. */
const PEEK_BSIZE = 4096;

/** A mount on its way: the device is open, and perhaps some of it has been read. */
class Opening {
  bcache: Bcache | undefined = undefined;
  info: SuperInfo | undefined = undefined;
  txn: Txn | undefined = undefined;
  readonly replaying = new Replaying();
  /** Inodes that the journal says have lost their name. */
  unlinked: readonly number[] = [];
  sb: Span | undefined = undefined;
  fs: Ffs | undefined = undefined;
  constructor(readonly disk: Disk) {}
}

export function ffsVfsops(opsOf: OpsOf): Vfsops {
  return {
    name: 'ffs', probe: probeBy(probe), mount: (mp, args, l, update) => mount(mp, args, l, update, opsOf), unmount, root, statvfs, sync, loadvnode: loadVnode, vptofh, fhtovp,
  };
}

function probe(peek: Peek): boolean {
  return typeof findSuper(peek) === 'object';
}

// -- mount

/** EINVAL: no fspec, or no ffs. The errors of openDisk(). EROFS (update): it cannot be written. */
function mount(mp: Mount, args: object, l: Lwp, update: boolean, opsOf: OpsOf): void {
  if (update) {
    remount(mp);
    return;
  }
  // Started again after a sleep in the layer: this part is done.
  if (mp.data instanceof Ffs) return;
  const opening = mp.data instanceof Opening ? mp.data : open(mp, args, l);
  const fs = load(mp, opening, opsOf);
  if ((mp.flags & MNT_RDONLY) === 0) goWritable(fs);
  mp.data = fs;
}

/** Opens the device, for writing if the mount is to be. EROFS: the device is read-only, and the mount is not. */
function open(mp: Mount, args: object, l: Lwp): Opening {
  const { fspec } = args as { fspec?: unknown };
  if (typeof fspec !== 'string') throw ERR.EINVAL;
  const opening = new Opening(openDisk(mp.vfs, l, fspec, (mp.flags & MNT_RDONLY) === 0));
  mp.data = opening;
  return opening;
}

/** Reads what has to be in memory. Restarted, it goes on where it slept. */
function load(mp: Mount, opening: Opening, opsOf: OpsOf): Ffs {
  if (opening.fs !== undefined) return opening.fs;
  let info = (opening.info ??= readSuper(mp, opening));
  const { k } = mp.vfs;
  const fsize = 2 ** info.fshift;
  if (opening.bcache !== undefined && opening.txn === undefined) {
    opening.bcache.close();
    opening.bcache = new Bcache(k, opening.disk, fsize);
    opening.txn = new Txn(opening.bcache);
  }
  const { bcache, txn } = opening;
  if (bcache === undefined || txn === undefined) throw ERR.EINVAL;
  if (hasLog(info) && !opening.replaying.done) info = replay(mp, opening, bcache, txn, info);
  const sb = (opening.sb ??= Span.read(bcache, txn, info.loc, SB_LEN, info.le));
  const cs = Span.read(bcache, txn, info.csaddr * fsize, info.ncg * CS_LEN, info.le);
  const fs = (opening.fs = new Ffs(k, mp, opening.disk, bcache, txn, sb, cs, info, opsOf));
  fs.replayed = opening.replaying.done;
  for (const ino of opening.unlinked) if (isUsableIno(fs, ino)) fs.zombies.add(ino);
  return fs;
}

/** Brings home what the journal has; the superblock may be another then. EIO: the journal makes no sense. */
function replay(mp: Mount, opening: Opening, bcache: Bcache, txn: Txn, info: SuperInfo): SuperInfo {
  const place = logPlace(info, opening.disk.size);
  if (place === undefined) return info;
  const done = opening.replaying.run(mp, opening.disk, bcache, txn, place, info.size * 2 ** info.fshift);
  opening.unlinked = done.unlinked.map(([ino]) => ino);
  const after = parseSuper(peekBlocks(bcache, info.loc, SB_LEN), info.loc);
  if (typeof after === 'string') return refuse(mp, after);
  if (after.size !== info.size || after.fshift !== info.fshift || after.bshift !== info.bshift) refuse(mp, 'the journal has another superblock');
  opening.info = after;
  return after;
}

/** The superblock, first read in blocks of 4 KiB, whatever the fragments turn out to be. */
function readSuper(mp: Mount, opening: Opening): SuperInfo {
  const { disk } = opening;
  const bcache = (opening.bcache ??= new Bcache(mp.vfs.k, disk, Math.max(PEEK_BSIZE, disk.secsize)));
  const info = findSuper((off, len) => peekBlocks(bcache, off, len));
  if (typeof info === 'string') return refuse(mp, info);
  const bytes = info.size * 2 ** info.fshift;
  if (bytes > disk.size) refuse(mp, `the file system has ${bytes} bytes, and the device has ${disk.size}`);
  if (2 ** info.fshift % disk.secsize !== 0) refuse(mp, `fragments of ${2 ** info.fshift} bytes on sectors of ${disk.secsize}`);
  return info;
}

function peekBlocks(bcache: Bcache, off: number, len: number): Uint8Array {
  const { bsize } = bcache;
  const first = Math.floor(off / bsize);
  const last = Math.min(Math.ceil((off + len) / bsize), Math.floor(bcache.disk.size / bsize));
  if (last <= first) return new Uint8Array(0);
  const out = new Uint8Array((last - first) * bsize);
  for (let b = first; b < last; b++) out.set(bcache.bread(b).data, (b - first) * bsize);
  return out.subarray(off - first * bsize, Math.min(off - first * bsize + len, out.length));
}

function refuse(mp: Mount, why: string): never {
  mp.vfs.k.printf(`ffs: ${mp.fromName}: ${why}`);
  throw ERR.EINVAL;
}

/** Why it is not written; undefined: it is. */
function readOnlyReason(fs: Ffs): string | undefined {
  const { info } = fs;
  if (fs.disk.readonly) return 'the device was opened read-only';
  if (!info.updated) return 'its superblock is from before 2003';
  if (info.inodefmt < INODEFMT_44) return 'its inodes are those of 4.2BSD';
  if (info.snapshots.length > 0) return 'it has snapshots';
  if (info.quotas) return 'it has quotas inside';
  if (info.clean === FS_ISCLEAN || fs.replayed) return undefined;
  if (hasLog(info)) return 'its journal is not where the superblock says';
  return (info.flags & (FS_SUJ | FS_GJOURNAL)) !== 0 ? 'its journal is of a kind that is not known here' : undefined;
}

/** From here on it may be written; or it says why not, and stays read-only. Sleeps. */
function goWritable(fs: Ffs): void {
  const { mp } = fs;
  const why = readOnlyReason(fs);
  if (why !== undefined) {
    fs.k.printf(`ffs: ${mp.fromName}: mounted read-only: ${why}`);
    mp.flags |= MNT_RDONLY;
    return;
  }
  fs.wasClean = isClean(fs.info, fs.replayed);
  if (!fs.wasClean && fs.starting.step === 0) {
    const soft = (fs.info.flags & FS_DOSOFTDEP) !== 0 ? ' (it was written with soft updates)' : '';
    fs.k.printf(`ffs: ${mp.fromName}: was not unmounted cleanly, a check by fsck is advised${soft}`);
  }
  if (fs.starting.step === 0) {
    fs.run(() => {
      setName(fs, mp.onName);
      if (hasLog(fs.info)) setFlag(fs, false);
      forgetHashes(fs);
    });
  }
  if ((mp.flags & MNT_LOG) !== 0) fs.starting.run(fs);
  fs.writable = true;
  try {
    reap(fs);
  } catch (e) {
    // They are ended by the next sync.
    if (e !== SLEEP) throw e;
  }
}

/** Where it was mounted last. */
function setName(fs: Ffs, name: string): void {
  fs.sb.dirty(FS_FSMNT, FSMNT_LEN);
  for (let i = 0; i < FSMNT_LEN; i++) fs.sb.put8(FS_FSMNT + i, i < FSMNT_LEN - 1 && i < name.length ? name.charCodeAt(i) : 0);
}

/** Check hashes of FreeBSD are not kept here, and the superblock says so: it does not look at them then. */
function forgetHashes(fs: Ffs): void {
  const { info, sb } = fs;
  if (!info.updated || info.quotas) return;
  sb.set32(FS_FLAGS, sb.i32(FS_FLAGS) & ~FS_METACKHASH);
  if (info.version === 2) sb.set32(FS_CKHASHES, 0);
}

/** Read-only to read-write and back; the layer has synced before it takes the right to write away. */
function remount(mp: Mount): void {
  const fs = mp.data as Ffs;
  const wantsWrite = (mp.flags & MNT_RDONLY) === 0;
  if (wantsWrite === fs.writable) return;
  if (!wantsWrite) {
    sync(mp, true);
    stopJournal(fs);
    fs.bcache.flush(true);
    settle(fs, true);
    fs.writable = false;
    return;
  }
  const why = readOnlyReason(fs);
  if (why !== undefined) {
    fs.k.printf(`ffs: ${mp.fromName}: stays read-only: ${why}`);
    throw ERR.EROFS;
  }
  goWritable(fs);
}

// -- sync and unmount

/** Data before the metadata that speaks of it. A file that cannot be written keeps no other from it. EIO; sleeps where `wait`. */
function sync(mp: Mount, wait: boolean): void {
  const fs = mp.data as Ffs;
  if (!fs.writable) return;
  try {
    reap(fs);
    flushTimes(fs);
  } catch (e) {
    if (wait || e !== SLEEP) throw e;
  }
  const failure = flushFiles(mp, wait);
  commit(fs, wait);
  fs.bcache.flush(wait);
  // While there is a journal, that is its matter.
  if (fs.journal === undefined) settle(fs, wait);
  if (failure !== undefined) throw failure;
}

function commit(fs: Ffs, wait: boolean): void {
  try {
    fs.journal?.commit();
  } catch (e) {
    // It is under way, and the next operation goes on with it.
    if (wait || e !== SLEEP) throw e;
  }
}

/** The vnodes are gone. What has not been written yet is, and the device is closed. EIO, unless forced; sleeps. */
function unmount(mp: Mount, force: boolean): void {
  const { data } = mp;
  if (data instanceof Opening) {
    data.fs?.release();
    data.bcache?.close();
    data.disk.close(mp.vfs.k.curlwp);
    mp.data = undefined;
    return;
  }
  const fs = data as Ffs;
  if (fs.writable) {
    try {
      reap(fs);
      stopJournal(fs);
      fs.bcache.flush(true);
      settle(fs, true);
    } catch (e) {
      if (!force || (e !== SLEEP && !(e instanceof Errno))) throw e;
    }
  }
  fs.release();
  fs.bcache.close();
  fs.disk.close(mp.vfs.k.curlwp);
  mp.data = undefined;
}

// -- the rest

function root(mp: Mount): Vnode {
  const vp = rootVnode(mp);
  if (!VTOI(vp).isDir) corrupt(mp.data as Ffs, 'the root is no directory');
  return vp;
}

function rootVnode(mp: Mount): Vnode {
  try {
    return mp.vget(ROOTINO);
  } catch (e) {
    if (e !== ERR.ESTALE) throw e;
    return corrupt(mp.data as Ffs, 'the inode of the root is free');
  }
}

/** In fragments; what the structure takes is not counted. */
function statvfs(mp: Mount, sb: Statvfs): void {
  const fs = mp.data as Ffs;
  const free = Math.min(fs.totalFree, fs.info.dsize);
  sb.bsize = fs.bsize;
  sb.frsize = fs.fsize;
  sb.iosize = IOSIZE;
  sb.blocks = fs.info.dsize;
  sb.bfree = free;
  sb.bresvd = Math.min(fs.reserved, free);
  sb.bavail = Math.max(0, free - fs.reserved);
  // Inodes 0 and 1 are nobody's.
  sb.files = fs.inodes - 2;
  sb.ffree = sb.favail = Math.min(fs.totalFreeInodes, sb.files);
  sb.fresvd = 0;
  sb.namemax = NAME_MAX;
}

function vptofh(vp: Vnode): Uint8Array {
  const ip = VTOI(vp);
  const fh = new Uint8Array(HANDLE_LEN);
  putU32le(fh, 0, ip.ino);
  putU32le(fh, 4, ip.generation);
  return fh;
}

/** EINVAL: not a handle of ffs. ESTALE: the file is gone. */
function fhtovp(mp: Mount, fh: Uint8Array): Vnode {
  if (fh.length !== HANDLE_LEN) throw ERR.EINVAL;
  const fs = mp.data as Ffs;
  const ino = getU32le(fh, 0);
  if (!hasInode(fs, ino)) throw ERR.ESTALE;
  const vp = mp.vget(ino);
  const ip = VTOI(vp);
  if (ip.generation !== getU32le(fh, 4) || ip.nlink === 0) throw ERR.ESTALE;
  return vp;
}

/** Whether the inode has been written once, so that looking at it is no fault of the disk. */
function hasInode(fs: Ffs, ino: number): boolean {
  if (ino >= fs.inodes) return false;
  const g = Math.floor(ino / fs.info.ipg);
  const cg = fs.tryCg(g);
  return cg === undefined || ino - g * fs.info.ipg < cg.inited;
}
