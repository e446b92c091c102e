/**
 * disk(9): what the drivers of disks have in common. A driver gives a DiskDev its transfers over the whole medium, and gets the checks, the
 * statistics, a synthetic label, and the ioctls of every disk.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import { putU32le, putU64le } from '@anykernel/lib-bytes';
import { DIOCGDINFO, DIOCGMEDIASIZE, DIOCGSECTORSIZE, DISKLABEL_LEN, type Disklabel, ERR, FS_BSDFFS, FS_UNUSED, type Partition, RAW_PART, emitDisklabel } from '@anykernel/lib-sys';
import type { Kernel, Lwp } from '@anykernel/rumpkern';
import { Iostat } from './iostat.js';

/** The part of a disk that is its driver's. Transfers are as a HostFile's; they are inside of the medium and in whole sectors. */
export interface DiskDriver {
  /** Bytes moved, all of them, or -1: `done` will be called. EIO. */
  readv(data: readonly Uint8Array[], off: number, done: Completion): number;
  writev(data: readonly Uint8Array[], off: number, done: Completion): number;
  /** 0, or -1. */
  flush(done: Completion): number;
  /** As Bdevsw's, over the whole medium. */
  claim?(off: number, len: number): (() => void) | undefined;
  /** Commands beyond those of every disk. ENOTTY. */
  ioctl?(cmd: number, data: Uint8Array | undefined, l: Lwp): number;
}

export interface DiskInfo {
  /** Bytes of the medium: a multiple of the sector size. */
  readonly size: number;
  /** Bytes: 512, 2048, 4096. 512 otherwise. */
  readonly secsize?: number;
  readonly readonly?: boolean;
  /** DKTYPE_*. */
  readonly type?: number;
}

/** A geometry for disks that have none, as SCSI's and memory disks' drivers make it up: megabyte cylinders. */
const SECTORS_PER_TRACK = 32;
const TRACKS = 64;

export class DiskDev {
  /** `md0`. */
  readonly name: string;
  readonly driver: DiskDriver;
  readonly size: number;
  readonly secsize: number;
  readonly readonly: boolean;
  readonly type: number;
  readonly stats: Iostat;
  /** Opens, of all its nodes. */
  opens = 0;

  constructor(k: Kernel, name: string, driver: DiskDriver, info: DiskInfo) {
    this.name = name;
    this.driver = driver;
    this.secsize = info.secsize ?? 512;
    this.size = info.size - (info.size % this.secsize);
    this.readonly = info.readonly === true;
    this.type = info.type ?? 0;
    this.stats = new Iostat(k, name);
  }

  /** EINVAL: outside of the medium, or not in whole sectors. EIO. */
  transfer(data: readonly Uint8Array[], off: number, write: boolean, done: Completion): number {
    let len = 0;
    for (const b of data) len += b.length;
    if (!(off >= 0) || off + len > this.size || off % this.secsize !== 0 || len % this.secsize !== 0) throw ERR.EINVAL;
    if (write && this.readonly) throw ERR.EROFS;
    const { stats } = this;
    const ended: Completion = (error, moved) => {
      stats.end(off, moved, write, error !== undefined);
      done(error, moved);
    };
    stats.begin(off);
    try {
      const moved = write ? this.driver.writev(data, off, ended) : this.driver.readv(data, off, ended);
      if (moved !== -1) stats.end(off, moved, write, false);
      return moved;
    } catch (e) {
      stats.end(off, 0, write, true);
      throw e;
    }
  }

  /** The size in bytes and the sector's, the label; then the driver's own. ENOTTY, EFAULT. */
  ioctl(cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    if (cmd === DIOCGMEDIASIZE) putU64le(room(data, 8), 0, this.size);
    else if (cmd === DIOCGSECTORSIZE) putU32le(room(data, 4), 0, this.secsize);
    else if (cmd === DIOCGDINFO) emitDisklabel(room(data, DISKLABEL_LEN), this.label());
    else if (this.driver.ioctl !== undefined) return this.driver.ioctl(cmd, data, l);
    else throw ERR.ENOTTY;
    return 0;
  }

  /** The bytes of partition `part`: `a` and the raw one are the whole disk, the others are not there. */
  partition(part: number): { readonly off: number; readonly size: number } | undefined {
    return part === 0 || part === RAW_PART ? { off: 0, size: this.size } : undefined;
  }

  /** A label as if one were on it. */
  label(): Disklabel {
    const sectors = this.size / this.secsize;
    const partitions: Partition[] = [];
    for (let part = 0; part <= RAW_PART; part++) {
      partitions.push({ offset: 0, size: this.partition(part) === undefined ? 0 : sectors, fstype: part === 0 ? FS_BSDFFS : FS_UNUSED });
    }
    return {
      type: this.type,
      typename: this.name,
      packname: 'fictitious',
      secsize: this.secsize,
      nsectors: SECTORS_PER_TRACK,
      ntracks: TRACKS,
      ncylinders: Math.ceil(sectors / (SECTORS_PER_TRACK * TRACKS)),
      secperunit: sectors,
      rpm: 3600,
      partitions,
    };
  }
}

/** The disks of a kernel, in the order in which they were attached. */
export class Disks {
  readonly #disks = new Map<string, DiskDev>();

  /** EEXIST: there is a disk of that name. */
  attach(disk: DiskDev): void {
    if (this.#disks.has(disk.name)) throw ERR.EEXIST;
    this.#disks.set(disk.name, disk);
  }

  /** EBUSY: it is open, and `force` is not set. */
  detach(disk: DiskDev, force = false): void {
    if (disk.opens > 0 && !force) throw ERR.EBUSY;
    if (this.#disks.get(disk.name) === disk) this.#disks.delete(disk.name);
  }

  /** The disk of that name, or undefined. */
  find(name: string): DiskDev | undefined {
    return this.#disks.get(name);
  }

  get count(): number {
    return this.#disks.size;
  }

  [Symbol.iterator](): IterableIterator<DiskDev> {
    return this.#disks.values();
  }
}

function room(data: Uint8Array | undefined, len: number): Uint8Array {
  if (data === undefined || data.length < len) throw ERR.EFAULT;
  return data;
}
