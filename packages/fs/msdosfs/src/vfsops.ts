/**
 * FAT as a file system type: mount, sync, unmount, figures.
 *
 * A mount of an asynchronous device sleeps for its blocks and goes on with the same Mount: what it has so far is in mp.data. The volume is marked as
 * not clean by its first change after a sync, and as clean by the sync that finds all written.
 */
import { ERR, Errno, MNT_RDONLY, type Statvfs } from '@anykernel/lib-sys';
import { type Lwp, SLEEP } from '@anykernel/rumpkern';
import { Bcache, type Disk, type Mount, type Peek, type Vfsops, type Vnode, flushFiles, openDisk, probeBy, settle } from '@anykernel/rumpvfs';
import { IOSIZE } from './attr.js';
import { flushTimes } from './file.js';
import { type Looks, MsdosFs } from './fs.js';
import { Node, ROOT_INO, enroll, loadVnode, vnodeOf } from './node.js';
import { ATTR_DIRECTORY, BOOT_LEN, FIRST_CLUSTER, type FatInfo, NAME_MAX, looksLikeBoot, parseBoot } from './ondisk.js';
import { reap } from './remove.js';
import { msdosOps } from './vnops.js';

/** What mount(2) takes for msdosfs; everything but the device may be left out. */
export interface MsdosfsArgs {
  /** The block device: a path in the kernel's name space. */
  readonly fspec: string;
  /** Whose the files are: the superuser's. */
  readonly uid?: number;
  readonly gid?: number;
  /** Permission bits that files may have, 0755, and directories: as files. */
  readonly mask?: number;
  readonly dirmask?: number;
  /** Seconds by which the times on the volume are ahead of UTC: 0. */
  readonly gmtoff?: number;
  /** 1: long names are neither shown nor made. */
  readonly shortnames?: number;
}

const ARGS: readonly string[] = ['fspec', 'uid', 'gid', 'mask', 'dirmask', 'gmtoff', 'shortnames'] satisfies (keyof MsdosfsArgs)[];
const ID_MAX = 0xffff_fffe;
const GMTOFF_MAX = 14 * 3600;

/** A mount on its way: the device is open, and perhaps some of it has been read. */
class Opening {
  bcache: Bcache | undefined = undefined;
  fs: MsdosFs | undefined = undefined;
  constructor(
    readonly disk: Disk,
    readonly looks: Looks,
  ) {}
}

export function msdosVfsops(): Vfsops {
  return { name: 'msdosfs', foldsCase: true, probe: probeBy(probe), mount, unmount, root, statvfs, sync, loadvnode };
}

function probe(peek: Peek): boolean {
  return looksLikeBoot(peek(0, BOOT_LEN));
}

// -- mount

/** EINVAL: no fspec, an argument that makes no sense, or no FAT. The errors of openDisk(). EROFS (update): it cannot be written. */
function mount(mp: Mount, args: object, l: Lwp, update: boolean): void {
  if (update) {
    remount(mp);
    return;
  }
  // Started again after a sleep in the layer: this part is done.
  if (mp.data instanceof MsdosFs) return;
  const opening = mp.data instanceof Opening ? mp.data : open(mp, args, l);
  const fs = load(mp, opening);
  if ((mp.flags & MNT_RDONLY) === 0) goWritable(fs);
  mp.data = fs;
}

/** A whole number between `min` and `max`, or `otherwise` when it is left out. EINVAL. */
function arg(value: unknown, min: number, max: number, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) throw ERR.EINVAL;
  return value;
}

function looksOf(args: object): Looks {
  for (const name of Object.keys(args)) if (!ARGS.includes(name)) throw ERR.EINVAL;
  const a = args as Record<keyof MsdosfsArgs, unknown>;
  const mask = arg(a.mask, 0, 0o777, 0o755);
  return {
    uid: arg(a.uid, 0, ID_MAX, 0),
    gid: arg(a.gid, 0, ID_MAX, 0),
    mask,
    dirmask: arg(a.dirmask, 0, 0o777, mask),
    gmtoff: arg(Number(a.gmtoff ?? 0), -GMTOFF_MAX, GMTOFF_MAX, 0),
    shortnames: arg(a.shortnames, 0, 1, 0) === 1,
  };
}

/** Opens the device, for writing if the mount is to be. EROFS: the device is read-only, and the mount is not. */
function open(mp: Mount, args: object, l: Lwp): Opening {
  const { fspec } = args as { fspec?: unknown };
  if (typeof fspec !== 'string') throw ERR.EINVAL;
  const looks = looksOf(args);
  const opening = new Opening(openDisk(mp.vfs, l, fspec, (mp.flags & MNT_RDONLY) === 0), looks);
  mp.data = opening;
  return opening;
}

/** Reads what has to be in memory. Restarted, it goes on where it slept. */
function load(mp: Mount, opening: Opening): MsdosFs {
  opening.fs ??= makeFs(mp, opening);
  const { fs } = opening;
  fs.wasClean = fs.readState();
  fs.readFsinfo();
  return fs;
}

function makeFs(mp: Mount, opening: Opening): MsdosFs {
  const { disk } = opening;
  const info = readBoot(mp, opening);
  const bsize = MsdosFs.blockSize(info);
  if (bsize < disk.secsize) refuse(mp, `its parts are aligned to ${bsize} bytes, and sectors of the device have ${disk.secsize}`);
  opening.bcache?.close();
  opening.bcache = new Bcache(mp.vfs.k, disk, bsize);
  const fs = new MsdosFs(mp.vfs.k, mp, disk, opening.bcache, info, opening.looks, msdosOps);
  const top = new Node(fs, ROOT_INO, undefined, undefined, 0);
  top.attr = ATTR_DIRECTORY;
  top.start = info.rootCluster;
  enroll(top, info.rootCluster);
  fs.root = top;
  return fs;
}

/** The boot sector; clusters beyond the end of the device are left out. */
function readBoot(mp: Mount, opening: Opening): FatInfo {
  const { disk } = opening;
  const bsize = Math.max(BOOT_LEN, disk.secsize);
  if (disk.size < bsize) refuse(mp, 'the device is too small');
  opening.bcache ??= new Bcache(mp.vfs.k, disk, bsize);
  const info = parseBoot(opening.bcache.bread(0).data.subarray(0, BOOT_LEN));
  if (typeof info === 'string') return refuse(mp, info);
  if (info.size <= disk.size) return info;
  const clusters = Math.min(info.clusters, Math.floor((disk.size - info.dataOff) / info.clusterSize));
  if (clusters <= 0 || info.rootCluster > clusters + 1) refuse(mp, `the volume has ${info.size} bytes, and the device ${disk.size}`);
  return { ...info, clusters };
}

function refuse(mp: Mount, why: string): never {
  mp.vfs.k.printf(`msdosfs: ${mp.fromName}: ${why}`);
  throw ERR.EINVAL;
}

/** Whether it may be written, and why not. */
function obstacle(fs: MsdosFs): string | undefined {
  if (fs.disk.readonly) return 'the device was opened read-only';
  if (fs.info.size > fs.disk.size) return `the volume has ${fs.info.size} bytes, and the device ${fs.disk.size}`;
  return undefined;
}

/** From here on it may be written; or it says why not, and stays read-only. Sleeps. */
function goWritable(fs: MsdosFs): void {
  const { mp } = fs;
  const why = obstacle(fs);
  if (why !== undefined) {
    fs.k.printf(`msdosfs: ${mp.fromName}: mounted read-only: ${why}`);
    mp.flags |= MNT_RDONLY;
    return;
  }
  if (!fs.wasClean) fs.k.printf(`msdosfs: ${mp.fromName}: was not unmounted cleanly, a check by fsck.fat is advised`);
  fs.writable = true;
}

/** Read-only to read-write and back; the layer has synced before it takes the right to write away. */
function remount(mp: Mount): void {
  const fs = mp.data as MsdosFs;
  const wantsWrite = (mp.flags & MNT_RDONLY) === 0;
  if (wantsWrite === fs.writable) return;
  if (!wantsWrite) {
    sync(mp, true);
    fs.writable = false;
    return;
  }
  const why = obstacle(fs);
  if (why !== undefined) {
    fs.k.printf(`msdosfs: ${mp.fromName}: stays read-only: ${why}`);
    throw ERR.EROFS;
  }
  goWritable(fs);
}

// -- sync and unmount

/** Data before the metadata that speaks of it. A file that cannot be written keeps no other from it. EIO; sleeps where `wait`. */
function sync(mp: Mount, wait: boolean): void {
  const fs = mp.data as MsdosFs;
  if (!fs.writable) return;
  try {
    reap(fs);
    flushTimes(fs);
  } catch (e) {
    if (wait || e !== SLEEP) throw e;
  }
  const failure = flushFiles(mp, wait);
  fs.bcache.flush(wait);
  settle(fs, wait);
  if (failure !== undefined) throw failure;
}

/** The vnodes are gone. What has not been written yet is, and the device is closed. EIO, unless forced; sleeps. */
function unmount(mp: Mount, force: boolean): void {
  const { data } = mp;
  if (data instanceof Opening) {
    data.fs?.indexes.close();
    data.bcache?.close();
    data.disk.close(mp.vfs.k.curlwp);
    mp.data = undefined;
    return;
  }
  const fs = data as MsdosFs;
  if (fs.writable) {
    try {
      reap(fs);
      fs.bcache.flush(true);
      settle(fs, true);
    } catch (e) {
      if (!force || (e !== SLEEP && !(e instanceof Errno))) throw e;
    }
  }
  fs.indexes.close();
  fs.bcache.close();
  fs.disk.close(mp.vfs.k.curlwp);
  mp.data = undefined;
}

// -- the rest

function root(mp: Mount): Vnode {
  const fs = mp.data as MsdosFs;
  return vnodeOf(fs.root);
}

function loadvnode(mp: Mount, ino: number): Vnode {
  return loadVnode(mp.data as MsdosFs, ino);
}

/** FAT has no number of files that there can be. Sleeps, EIO. */
function statvfs(mp: Mount, sb: Statvfs): void {
  const fs = mp.data as MsdosFs;
  sb.bsize = sb.frsize = fs.info.clusterSize;
  sb.iosize = IOSIZE;
  sb.blocks = fs.maxCluster - FIRST_CLUSTER + 1;
  sb.bfree = sb.bavail = fs.freeCount.run(fs);
  sb.bresvd = 0;
  sb.files = sb.ffree = sb.favail = 0;
  sb.fresvd = 0;
  sb.namemax = NAME_MAX;
}
