/**
 * The device switch: which driver serves a device number, as a block device and as a character device.
 *
 * A driver attaches its tables and may announce names for its devices; whoever has a name space (the vfs faction) makes nodes of them.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import { ERR, major } from '@anykernel/lib-sys';
import type { File } from './filedesc.js';
import type { Knote } from './kqueue.js';
import { Media } from './media.js';
import type { Lwp } from './proc.js';
import type { Uio } from './uio.js';

/** Block devices: transfers as a HostFile does them, at offsets and lengths that are multiples of the sector size. */
export interface Bdevsw {
  readonly name: string;
  /** ENXIO: no such unit. EROFS: `flag` has FWRITE and the medium is read-only. EBUSY. */
  open(dev: number, flag: number, l: Lwp): void;
  /** As often as open(). */
  close(dev: number, flag: number, l: Lwp): void;
  /** Returns the bytes moved, or -1 when `done` will be called. EIO, EINVAL (outside of the device, not aligned). */
  readv(dev: number, data: readonly Uint8Array[], off: number, done: Completion): number;
  writev(dev: number, data: readonly Uint8Array[], off: number, done: Completion): number;
  flush(dev: number, done: Completion): number;
  /** ENOTTY. */
  ioctl(dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number;
  /** Bytes of the device. */
  psize(dev: number): number;
  /** Bytes of a sector: 512, 2048, 4096. */
  secsize(dev: number): number;
  /**
   * A file system will write these bytes, and nobody else shall, in this kernel or another one of the same host, until what it returns is called. EBUSY.
   * Without this, or where it returns undefined, nobody else can.
   */
  claim?(dev: number, off: number, len: number): (() => void) | undefined;
  /** The device that is all of the disk of which `dev` is a partition; without this, a device is all of its disk. */
  whole?(dev: number): number;
}

/** Character devices. */
export interface Cdevsw {
  readonly name: string;
  /** close() is called as often as open(); otherwise only when nobody has the device open any more. */
  readonly trackClose?: boolean;
  open(dev: number, flag: number, l: Lwp): void;
  /** Each open is an object of its own: the open file of it, instead of one of the node. `flag` is the file's. */
  clone?(dev: number, flag: number, l: Lwp): File;
  close(dev: number, flag: number, l: Lwp): void;
  /** `flag` holds the open file's FNONBLOCK. */
  read(dev: number, uio: Uio, l: Lwp, flag: number): void;
  write(dev: number, uio: Uio, l: Lwp, flag: number): void;
  ioctl(dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number;
  poll(dev: number, events: number, l: Lwp): number;
  kqfilter(dev: number, kn: Knote): void;
}

/** A name under /dev for a device. */
export interface DevNode {
  /** Path below /dev: `md0a`, `mapper/control`. */
  readonly name: string;
  readonly kind: 'blk' | 'chr';
  readonly dev: number;
  readonly mode: number;
}

/** Majors that are handed out start here; smaller ones are asked for by number. */
const DYNAMIC_MAJOR = 256;

export class Devsw {
  readonly #bdev = new Map<number, Bdevsw>();
  readonly #cdev = new Map<number, Cdevsw>();
  readonly #nodes = new Map<string, DevNode>();
  /** The media of disks, for those who make devices of their parts. */
  readonly media: Media = new Media();
  #listener: { made(node: DevNode): void; gone(node: DevNode): void } | undefined;

  /** Attaches a driver under the majors it names, or new ones. EEXIST: a major is taken. Returns its majors. */
  attach(bdev: Bdevsw | undefined, cdev: Cdevsw | undefined, bmajor?: number, cmajor?: number): { bmajor: number; cmajor: number } {
    const b = bdev === undefined ? -1 : (bmajor ?? unused(this.#bdev));
    const c = cdev === undefined ? -1 : (cmajor ?? unused(this.#cdev));
    if (this.#bdev.has(b) || this.#cdev.has(c)) throw ERR.EEXIST;
    if (bdev !== undefined) this.#bdev.set(b, bdev);
    if (cdev !== undefined) this.#cdev.set(c, cdev);
    return { bmajor: b, cmajor: c };
  }

  detach(majors: { bmajor: number; cmajor: number }): void {
    this.#bdev.delete(majors.bmajor);
    this.#cdev.delete(majors.cmajor);
  }

  /** The block driver of `dev`. ENXIO. */
  bdev(dev: number): Bdevsw {
    const sw = this.#bdev.get(major(dev));
    if (sw === undefined) throw ERR.ENXIO;
    return sw;
  }

  /** The character driver of `dev`. ENXIO. */
  cdev(dev: number): Cdevsw {
    const sw = this.#cdev.get(major(dev));
    if (sw === undefined) throw ERR.ENXIO;
    return sw;
  }

  /** Announces a device's name, now and to whoever listens later. */
  announce(name: string, kind: 'blk' | 'chr', dev: number, mode = 0o666): void {
    const node: DevNode = { name, kind, dev, mode };
    this.#nodes.set(name, node);
    this.#listener?.made(node);
  }

  retract(name: string): void {
    const node = this.#nodes.get(name);
    if (node === undefined) return;
    this.#nodes.delete(name);
    this.#listener?.gone(node);
  }

  /** The device that was announced by that name. */
  node(name: string): DevNode | undefined {
    return this.#nodes.get(name);
  }

  /** The one who makes nodes: told of all that was announced and will be. */
  listen(listener: { made(node: DevNode): void; gone(node: DevNode): void } | undefined): void {
    this.#listener = listener;
    if (listener !== undefined) for (const node of this.#nodes.values()) listener.made(node);
  }
}

function unused(taken: ReadonlyMap<number, unknown>): number {
  let n = DYNAMIC_MAJOR;
  while (taken.has(n)) n++;
  return n;
}
