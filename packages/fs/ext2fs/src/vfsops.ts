/**
 * ext2 as a file system type: mount, sync, unmount, figures, file handles.
 *
 * A mount of an asynchronous device sleeps for its blocks and goes on with the same Mount: what it has so far is in mp.data. The image is
 * marked as not clean by its first change after a sync, and as clean by the sync that finds all written.
 */
import type { Replay } from '@anykernel/jbd2';
import { getU16le, getU32le, putU32le } from '@anykernel/lib-bytes';
import { ERR, Errno, MNT_RDONLY, type Statvfs } from '@anykernel/lib-sys';
import { type Lwp, SLEEP } from '@anykernel/rumpkern';
import { Bcache, type Disk, type Mount, type Peek, type Vfsops, type Vnode, flushFiles, openDisk, probeBy, settle } from '@anykernel/rumpvfs';
import { flushTimes } from '@anykernel/ufs';
import { IOSIZE } from './attr.js';
import { type OpenJournal, hasJournal, openJournal, overlayOf, replayOf, useJournal } from './journal.js';
import { Ext2fs } from './fs.js';
import { VTOI } from './inode.js';
import {
  INCOMPAT_READABLE, INCOMPAT_RECOVER, MAGIC, NAME_MAX, ROCOMPAT_WRITABLE, ROOT_INO, SB_FREE_INODES, SB_LAST_MOUNTED, SB_MAGIC, SB_MNT_COUNT, SB_MTIME,
  SB_STATE, STATE_VALID, SUPER_LEN, SUPER_OFF, type SuperInfo, featureNames, parseSuper, superFeatures, unwritable,
} from './ondisk.js';
import { ext2Naming } from './naming.js';
import { readOrphans, reap } from './orphan.js';
import { emptyOrphanFile } from './orphanfile.js';
import { loadVnode } from './vnodes.js';
import { opsOf } from './vnops.js';

/** What mount(2) takes for ext2fs. */
export interface Ext2fsArgs {
  /** The block device: a path in the kernel's name space. */
  readonly fspec: string;
}

/** Bytes of a file handle: inode number and generation, 32 bits each, little-endian. */
const HANDLE_LEN = 8;

/** A mount on its way: the device is open, and perhaps some of it has been read. */
class Opening {
  bcache: Bcache | undefined = undefined;
  fs: Ext2fs | undefined = undefined;
  journal: OpenJournal | string | undefined = undefined;
  replay: Replay | undefined = undefined;
  recovered = false;
  /** What gives the memory of a recovery that is not written back. */
  overlay: (() => void)[] = [];
  constructor(readonly disk: Disk) {}
}

export function ext2Vfsops(): Vfsops {
  return { name: 'ext2fs', probe: probeBy(probe), mount, unmount, root, statvfs, sync, loadvnode: loadVnode, vptofh, fhtovp };
}

function probe(peek: Peek): boolean {
  const b = peek(SUPER_OFF, SUPER_LEN);
  return b.length === SUPER_LEN && getU16le(b, SB_MAGIC) === MAGIC;
}

// -- mount

/** EINVAL: no fspec, or no ext2, or one with features that are not known here. The errors of openDisk(). EROFS (update): it cannot be written. */
function mount(mp: Mount, args: object, l: Lwp, update: boolean): void {
  if (update) {
    remount(mp, l);
    return;
  }
  // Started again after a sleep in the layer: this part is done.
  if (mp.data instanceof Ext2fs) return;
  const opening = mp.data instanceof Opening ? mp.data : open(mp, args, l);
  const fs = load(mp, opening);
  fs.openJournal = opening.journal;
  fs.overlay = opening.overlay;
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

/** Reads what has to be in memory, and recovers what a power cut has left. Restarted, it goes on where it slept. */
function load(mp: Mount, opening: Opening): Ext2fs {
  let fs = loadAgain(mp, opening);
  if ((fs.info.incompat & INCOMPAT_RECOVER) !== 0 && opening.replay === undefined) opening.replay = recovery(mp, fs, opening);
  if (opening.replay !== undefined && opening.fs === fs && !opening.recovered) {
    const found = opening.replay.run();
    if (typeof found === 'string') refuse(mp, `its journal cannot be replayed: ${found}`);
    fs.k.printf(`ext2fs: ${mp.fromName}: recovered: ${found.transactions} transactions, ${found.blocks} blocks`);
    opening.recovered = true;
    // All that was read is perhaps not so any more.
    fs.release();
    opening.bcache?.close();
    opening.fs = opening.bcache = opening.journal = undefined;
    fs = loadAgain(mp, opening);
  }
  if ((mp.flags & MNT_RDONLY) === 0 && mayWrite(fs)) readOrphans(fs);
  return fs;
}

function loadAgain(mp: Mount, opening: Opening): Ext2fs {
  if (opening.fs === undefined) {
    const info = readSuper(mp, opening);
    const { bcache } = opening;
    if (bcache === undefined) throw ERR.EINVAL;
    const sbuf = bcache.bread(info.firstData);
    bcache.hold(sbuf);
    opening.fs = new Ext2fs(mp.vfs.k, mp, opening.disk, bcache, sbuf, info, { opsOf, naming: ext2Naming });
  }
  const { fs } = opening;
  fs.gd.load();
  if (hasJournal(fs)) opening.journal ??= openJournal(fs);
  return fs;
}

/** EINVAL: it needs one, and cannot have it. */
function recovery(mp: Mount, fs: Ext2fs, opening: Opening): Replay {
  const { journal } = opening;
  if (journal === undefined) return refuse(mp, 'it needs recovery, and has no journal');
  if (typeof journal === 'string') return refuse(mp, `it needs recovery, but ${journal}`);
  if (fs.disk.readonly) {
    opening.overlay = [];
    fs.overlay = opening.overlay;
    return overlayOf(fs, journal);
  }
  const why = unwritable(fs.info);
  if (why !== '') return refuse(mp, `it needs recovery, and features that are not supported for writing: ${why}`);
  return replayOf(fs, journal);
}

/** The superblock, first read in blocks of 1 KiB, whatever the block size turns out to be. */
function readSuper(mp: Mount, opening: Opening): SuperInfo {
  const { disk } = opening;
  const { k } = mp.vfs;
  if (disk.size < SUPER_OFF + SUPER_LEN) refuse(mp, 'the device is too small');
  let { bcache } = opening;
  if (bcache === undefined) bcache = opening.bcache = new Bcache(k, disk, SUPER_LEN);
  if (bcache.bsize === SUPER_LEN) {
    const info = checkSuper(mp, disk, bcache.bread(SUPER_OFF / SUPER_LEN).data);
    if (info.bshift === 10) return info;
    bcache.close();
    bcache = opening.bcache = new Bcache(k, disk, 1 << info.bshift);
  }
  const bp = bcache.bread(0);
  return checkSuper(mp, disk, bp.data.subarray(SUPER_OFF, SUPER_OFF + SUPER_LEN));
}

function checkSuper(mp: Mount, disk: Disk, b: Uint8Array): SuperInfo {
  const { incompat, rocompat } = superFeatures(b);
  const unknown = incompat & ~INCOMPAT_READABLE;
  if (unknown !== 0) refuse(mp, `the image needs features that are not supported: ${featureNames(unknown, 'incompat')}`);
  const info = parseSuper(b);
  if (typeof info === 'string') {
    // One of them may be why the rest looks strange.
    const strange = rocompat & ~ROCOMPAT_WRITABLE;
    return refuse(mp, strange === 0 ? info : `${info}; and there are features that are not supported: ${featureNames(strange, 'rocompat')}`);
  }
  if (info.blocks * 2 ** info.bshift > disk.size) refuse(mp, `the file system has ${info.blocks} blocks of ${1 << info.bshift} bytes, and the device has ${disk.size} bytes`);
  return info;
}

function refuse(mp: Mount, why: string): never {
  mp.vfs.k.printf(`ext2fs: ${mp.fromName}: ${why}`);
  throw ERR.EINVAL;
}

function mayWrite(fs: Ext2fs): boolean {
  return !fs.disk.readonly && unwritable(fs.info) === '';
}

/** From here on it may be written; or it says why not, and stays read-only. Sleeps. */
function goWritable(fs: Ext2fs): void {
  const { mp } = fs;
  const unknown = unwritable(fs.info);
  if (unknown !== '') {
    fs.k.printf(`ext2fs: ${mp.fromName}: mounted read-only: writing needs features that are not supported: ${unknown}`);
    mp.flags |= MNT_RDONLY;
    return;
  }
  if (!fs.sums.superHolds(fs.sbuf.data, fs.soff)) {
    fs.k.printf(`ext2fs: ${mp.fromName}: mounted read-only: its superblock has a wrong checksum, a check by e2fsck is advised`);
    mp.flags |= MNT_RDONLY;
    return;
  }
  const { openJournal } = fs;
  if (typeof openJournal === 'string') {
    fs.k.printf(`ext2fs: ${mp.fromName}: mounted read-only: ${openJournal}`);
    mp.flags |= MNT_RDONLY;
    return;
  }
  if (openJournal !== undefined && fs.journal === undefined) useJournal(fs, openJournal);
  fs.reap ??= () => reap(fs);
  fs.wasClean = (fs.sb16(SB_STATE) & STATE_VALID) !== 0;
  if (!fs.wasClean) fs.k.printf(`ext2fs: ${mp.fromName}: was not unmounted cleanly, a check by e2fsck is advised`);
  fs.run(() => {
    fs.setSb32(SB_MTIME, fs.now().sec);
    fs.setSb16(SB_MNT_COUNT, (fs.sb16(SB_MNT_COUNT) + 1) & 0xffff);
    fs.setSbText(SB_LAST_MOUNTED, 64, mp.onName);
  });
  fs.writable = true;
  try {
    emptyOrphanFile(fs);
    reap(fs);
  } catch (e) {
    // They are ended by the next sync.
    if (e !== SLEEP && e !== ERR.EIO) throw e;
  }
}

/** Read-only to read-write and back; the layer has synced before it takes the right to write away. */
function remount(mp: Mount, l: Lwp): void {
  const fs = mp.data as Ext2fs;
  const wantsWrite = (mp.flags & MNT_RDONLY) === 0;
  if (wantsWrite === fs.writable) return;
  if (!wantsWrite) {
    sync(mp, true);
    settle(fs, true);
    fs.writable = false;
    return;
  }
  if (typeof fs.openJournal === 'string') {
    fs.k.printf(`ext2fs: ${mp.fromName}: stays read-only: ${fs.openJournal}`);
    throw ERR.EROFS;
  }
  if (!mayWrite(fs)) {
    const unknown = unwritable(fs.info);
    const why = unknown !== '' ? `features that are not supported: ${unknown}` : 'the device was opened read-only';
    fs.k.printf(`ext2fs: ${mp.fromName}: stays read-only: ${why}`);
    throw ERR.EROFS;
  }
  if (l.restarts === 0) readOrphans(fs);
  goWritable(fs);
}

// -- sync and unmount

/** Data before the metadata that speaks of it. A file that cannot be written keeps no other from it. EIO; sleeps where `wait`. */
function sync(mp: Mount, wait: boolean): void {
  const fs = mp.data as Ext2fs;
  if (!fs.writable) return;
  try {
    reap(fs);
    flushTimes(fs);
  } catch (e) {
    if (wait || e !== SLEEP) throw e;
  }
  const failure = flushFiles(mp, wait);
  if (fs.journal === undefined) {
    fs.bcache.flush(wait);
    settle(fs, wait);
  } else {
    // The log has it; home it goes when that suits.
    fs.commit();
    fs.bcache.flush(false);
  }
  if (failure !== undefined) throw failure;
}

/** The vnodes are gone. What has not been written yet is, and the device is closed. EIO, unless forced; sleeps. */
function unmount(mp: Mount, force: boolean): void {
  const { data } = mp;
  if (data instanceof Opening) {
    data.bcache?.close();
    for (const free of data.overlay) free();
    data.disk.close(mp.vfs.k.curlwp);
    mp.data = undefined;
    return;
  }
  const fs = data as Ext2fs;
  if (fs.writable) {
    try {
      reap(fs);
      fs.commit();
      fs.bcache.flush(true);
      settle(fs, true);
    } catch (e) {
      if (!force || (e !== SLEEP && !(e instanceof Errno))) throw e;
    }
  }
  fs.release();
  fs.bcache.close();
  for (const free of fs.overlay) free();
  fs.disk.close(mp.vfs.k.curlwp);
  mp.data = undefined;
}

// -- the rest

function root(mp: Mount): Vnode {
  const vp = rootVnode(mp);
  if (!VTOI(vp).isDir) (mp.data as Ext2fs).corrupt('the root is no directory');
  return vp;
}

function rootVnode(mp: Mount): Vnode {
  try {
    return mp.vget(ROOT_INO);
  } catch (e) {
    if (e !== ERR.ESTALE) throw e;
    return (mp.data as Ext2fs).corrupt('the inode of the root is free');
  }
}

/** Blocks without those that hold the structure of the file system. */
function statvfs(mp: Mount, sb: Statvfs): void {
  const fs = mp.data as Ext2fs;
  sb.bsize = sb.frsize = fs.bsize;
  sb.iosize = IOSIZE;
  sb.blocks = fs.info.blocks - fs.overhead;
  sb.bfree = fs.freeBlocksLeft;
  sb.bavail = fs.freeBlocks();
  sb.bresvd = Math.min(fs.reservedBlocks, sb.bfree);
  sb.files = fs.info.inodes;
  sb.ffree = sb.favail = fs.sb32(SB_FREE_INODES);
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

/** EINVAL: not a handle of ext2fs. ESTALE: the file is gone. */
function fhtovp(mp: Mount, fh: Uint8Array): Vnode {
  if (fh.length !== HANDLE_LEN) throw ERR.EINVAL;
  const vp = mp.vget(getU32le(fh, 0));
  const ip = VTOI(vp);
  if (ip.generation !== getU32le(fh, 4) || ip.nlink === 0) throw ERR.ESTALE;
  return vp;
}
