/**
 * One mounted ISO 9660: its device, the hierarchy that is used, its files in memory, and the way to bytes on the device.
 *
 * Blocks of the cache are logical blocks. Nothing is ever written.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Kernel } from '@anykernel/rumpkern';
import { type Bcache, Complaints, type Disk, type Mount, type VnodeOps } from '@anykernel/rumpvfs';
import { Indexes } from './dirindex.js';
import type { Node } from './node.js';
import { SECTOR, type VolumeInfo } from './ondisk.js';
import { UnpackCache } from './unpack.js';

/** What was asked for at mount. */
export interface Wishes {
  /** Versions of names are shown. */
  readonly gens: boolean;
  /** Names of a plain ISO 9660 are shown as they are, in capitals. */
  readonly nocasetrans: boolean;
}

export class CdFs {
  readonly k: Kernel;
  readonly mp: Mount;
  readonly disk: Disk;
  readonly bcache: Bcache;
  readonly info: VolumeInfo;
  readonly wishes: Wishes;
  readonly opsOf: (node: Node) => VnodeOps;
  readonly bsize: number;
  readonly bshift: number;
  /** Logical blocks that the device has. */
  readonly blocks: number;
  /** Rock Ridge: bytes that each system use area begins with and that are not its; undefined: it is not used. */
  suspSkip: number | undefined = undefined;
  /** The root; set by the mount. */
  root!: Node;
  /** Files in memory by their number. */
  readonly nodes = new Map<number, Node>();
  readonly indexes: Indexes;
  readonly unpacked: UnpackCache;
  readonly #scratch = new Uint8Array(SECTOR);
  readonly #complaints: Complaints;

  /** Takes over the open device and the cache, whose blocks are the volume's. */
  constructor(k: Kernel, mp: Mount, disk: Disk, bcache: Bcache, info: VolumeInfo, wishes: Wishes, opsOf: (node: Node) => VnodeOps) {
    this.k = k;
    this.mp = mp;
    this.#complaints = new Complaints(mp);
    this.disk = disk;
    this.bcache = bcache;
    this.info = info;
    this.wishes = wishes;
    this.opsOf = opsOf;
    this.bsize = info.bsize;
    this.bshift = 31 - Math.clz32(info.bsize);
    this.blocks = Math.floor(disk.size / info.bsize);
    this.indexes = new Indexes(k);
    this.unpacked = new UnpackCache(k);
  }

  /**
   * Bytes from `off` of the device to the end of their sector, or to `end`: in a buffer, or until the next call in memory that this call filled. EIO: the
   * device failed, or is not so long; sleeps.
   */
  sectorAt(off: number, end: number): Uint8Array {
    const stop = Math.min(end, off - (off % SECTOR) + SECTOR);
    const first = Math.floor(off / this.bsize);
    const skip = off - first * this.bsize;
    if (skip + (stop - off) <= this.bsize) return this.bcache.bread(first).data.subarray(skip, skip + (stop - off));
    return this.bytes(off, stop - off, this.#scratch);
  }

  /** `len` bytes from `off` of the device, into `into` or memory of their own. EIO; sleeps. */
  bytes(off: number, len: number, into: Uint8Array = new Uint8Array(len)): Uint8Array {
    for (let done = 0; done < len; ) {
      const block = Math.floor((off + done) / this.bsize);
      const skip = off + done - block * this.bsize;
      const n = Math.min(len - done, this.bsize - skip);
      into.set(this.bcache.bread(block).data.subarray(skip, skip + n), done);
      done += n;
    }
    return into.length === len ? into : into.subarray(0, len);
  }

  /** A line about what is wrong on the disk; some of them only, when there are many. */
  complain(message: string): void {
    this.#complaints.say(message);
  }

  /** EIO, with a message that says why. */
  corrupt(message: string): never {
    this.complain(message);
    throw ERR.EIO;
  }
}
