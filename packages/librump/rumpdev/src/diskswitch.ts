/**
 * The device switch entries of a driver of disks: block and raw device for each partition of each unit.
 *
 * A minor number is a unit times MAXPARTITIONS plus a partition. Nodes `md0a` to `md0g` and `rmd0a` to `rmd0g` are announced for a unit. Units that
 * have no partitions (`whole`) have their number for a minor, and nodes `dk0` and `rdk0`.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import { DIOCCACHESYNC, ERR, type Errno, EVFILT_READ, EVFILT_WRITE, MAXPARTITIONS, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM, RAW_PART } from '@anykernel/lib-sys';
import { type Bdevsw, type Cdevsw, FWRITE, type Kernel, Klist, type Knote, type Lwp, knoteAttach, makedev, minor, physio } from '@anykernel/rumpkern';
import type { DiskDev } from './diskdev.js';

/** What a driver of disks says of its units. */
export interface DiskUnits {
  /** The driver's name, `md`. */
  readonly name: string;
  /** The disk of a unit; undefined: there is none, or it has no medium. */
  disk(unit: number): DiskDev | undefined;
  /** A command on the raw partition of a unit without a medium, by which it gets one. Without this such a unit cannot be opened. ENOTTY. */
  configure?(unit: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number;
  /** Whether there is such a unit, with a medium or without. */
  exists(unit: number): boolean;
  /** Units have no partitions. */
  readonly whole?: boolean;
  /** A unit with a medium is opened: what else may be against it. */
  open?(unit: number, flag: number, l: Lwp): void;
  /** It was closed; as often as it was opened. */
  closed?(unit: number, flag: number, l: Lwp): void;
}

const PARTITIONS_SHOWN = 'abcdefg';
const READY = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;

export class DiskSwitch {
  readonly bmajor: number;
  readonly cmajor: number;
  readonly #k: Kernel;
  readonly #units: DiskUnits;
  /** Opens of units without a medium. */
  readonly #blank = new Map<number, number>();

  /** EEXIST: a major that was asked for is taken. */
  constructor(k: Kernel, units: DiskUnits, bmajor?: number, cmajor?: number) {
    this.#k = k;
    this.#units = units;
    const bdev = this.#bdev();
    ({ bmajor: this.bmajor, cmajor: this.cmajor } = k.devsw.attach(bdev, this.#cdev(bdev), bmajor, cmajor));
  }

  detach(): void {
    this.#k.devsw.detach(this);
  }

  /** The number of a partition's block device. */
  dev(unit: number, part = 0): number {
    return makedev(this.bmajor, this.#minor(unit, part));
  }

  /** Makes the nodes of a unit known, and takes them back. */
  announce(unit: number): void {
    for (const [name, part] of this.#nodes(unit)) {
      const number = this.#minor(unit, part);
      this.#k.devsw.announce(name, 'blk', makedev(this.bmajor, number));
      this.#k.devsw.announce(`r${name}`, 'chr', makedev(this.cmajor, number));
    }
  }

  retract(unit: number): void {
    this.#blank.delete(unit);
    for (const [name] of this.#nodes(unit)) {
      this.#k.devsw.retract(name);
      this.#k.devsw.retract(`r${name}`);
    }
  }

  /** A unit has got its medium: parts of it are looked for. */
  came(unit: number): void {
    const disk = this.#units.disk(unit);
    if (disk === undefined) return;
    disk.opens += this.#blank.get(unit) ?? 0;
    this.#blank.delete(unit);
    this.#k.devsw.media.came(this.#whole(unit), disk.name);
  }

  /** It loses it: parts go, and whoever has it open has a unit without one. EBUSY: a part is open, and `force` is not set. */
  goes(unit: number, force = false): void {
    this.#k.devsw.media.goes(this.#whole(unit), force);
    const opens = this.#units.disk(unit)?.opens ?? 0;
    if (opens > 0) this.#blank.set(unit, opens);
  }

  /** Whether somebody has a unit without a medium open. */
  blankOpen(unit: number): boolean {
    return (this.#blank.get(unit) ?? 0) > 0;
  }

  #nodes(unit: number): [name: string, part: number][] {
    const name = `${this.#units.name}${unit}`;
    if (this.#units.whole === true) return [[name, 0]];
    return [...PARTITIONS_SHOWN].map((letter, part) => [name + letter, part]);
  }

  #minor(unit: number, part: number): number {
    return this.#units.whole === true ? unit : unit * MAXPARTITIONS + part;
  }

  #unitOf(dev: number): number {
    return this.#units.whole === true ? minor(dev) : Math.floor(minor(dev) / MAXPARTITIONS);
  }

  #partOf(dev: number): number {
    return this.#units.whole === true ? RAW_PART : minor(dev) % MAXPARTITIONS;
  }

  /** The block device that is all of a unit. */
  #whole(unit: number): number {
    return this.dev(unit, RAW_PART);
  }

  /** ENXIO: no such unit, medium or partition. EROFS. What the driver says. */
  #open(dev: number, flag: number, raw: boolean, l: Lwp): void {
    const unit = this.#unitOf(dev);
    if (!this.#units.exists(unit)) throw ERR.ENXIO;
    const disk = this.#units.disk(unit);
    if (disk === undefined) {
      if (!raw || this.#partOf(dev) !== RAW_PART || this.#units.configure === undefined) throw ERR.ENXIO;
      this.#blank.set(unit, (this.#blank.get(unit) ?? 0) + 1);
      return;
    }
    if (disk.partition(this.#partOf(dev)) === undefined) throw ERR.ENXIO;
    if ((flag & FWRITE) !== 0 && disk.readonly) throw ERR.EROFS;
    this.#units.open?.(unit, flag, l);
    disk.opens++;
  }

  #close(dev: number, flag: number, l: Lwp): void {
    const unit = this.#unitOf(dev);
    const disk = this.#units.disk(unit);
    const blank = this.#blank.get(unit) ?? 0;
    if (disk === undefined) this.#blank.set(unit, Math.max(blank - 1, 0));
    else if (disk.opens > 0) {
      disk.opens--;
      this.#units.closed?.(unit, flag, l);
    }
  }

  /** ENXIO. */
  #disk(dev: number): DiskDev {
    const disk = this.#units.disk(this.#unitOf(dev));
    if (disk === undefined) throw ERR.ENXIO;
    return disk;
  }

  #transfer(dev: number, data: readonly Uint8Array[], off: number, write: boolean, done: Completion): number {
    const disk = this.#disk(dev);
    const part = disk.partition(this.#partOf(dev));
    if (part === undefined) throw ERR.ENXIO;
    let len = 0;
    for (const b of data) len += b.length;
    if (off < 0 || off + len > part.size) throw ERR.EINVAL;
    return disk.transfer(data, part.off + off, write, done);
  }

  #ioctl(dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    const unit = this.#unitOf(dev);
    const disk = this.#units.disk(unit);
    if (disk === undefined) {
      if (this.#units.configure === undefined) throw ERR.ENXIO;
      return this.#units.configure(unit, cmd, data, l);
    }
    if (cmd === DIOCCACHESYNC) return flushNow(disk, l);
    return this.#k.devsw.media.ioctl(this.#whole(unit), cmd, data, l) ?? disk.ioctl(cmd, data, l);
  }

  #bdev(): Bdevsw {
    return {
      name: this.#units.name,
      open: (dev, flag, l) => this.#open(dev, flag, false, l),
      close: (dev, flag, l) => this.#close(dev, flag, l),
      readv: (dev, data, off, done) => this.#transfer(dev, data, off, false, done),
      writev: (dev, data, off, done) => this.#transfer(dev, data, off, true, done),
      flush: (dev, done) => this.#disk(dev).driver.flush(done),
      ioctl: (dev, cmd, data, l) => this.#ioctl(dev, cmd, data, l),
      psize: (dev) => this.#disk(dev).partition(this.#partOf(dev))?.size ?? 0,
      secsize: (dev) => this.#disk(dev).secsize,
      claim: (dev, off, len) => this.#disk(dev).driver.claim?.(off, len),
      whole: (dev) => this.#whole(this.#unitOf(dev)),
    };
  }

  #cdev(bdev: Bdevsw): Cdevsw {
    return {
      name: this.#units.name,
      trackClose: true,
      open: (dev, flag, l) => this.#open(dev, flag, true, l),
      close: (dev, flag, l) => this.#close(dev, flag, l),
      read: (dev, uio, l) => physio(bdev, dev, uio, l),
      write: (dev, uio, l) => physio(bdev, dev, uio, l),
      ioctl: bdev.ioctl,
      poll: (_dev, events) => events & READY,
      kqfilter: (_dev, kn) => alwaysReady(kn),
    };
  }
}

/** A disk never makes anybody wait. EINVAL: a filter that it has not. */
function alwaysReady(kn: Knote): void {
  if (kn.filter !== EVFILT_READ && kn.filter !== EVFILT_WRITE) throw ERR.EINVAL;
  knoteAttach(kn, new Klist(), () => true);
}

/** A flush that a call waits for. */
class Flush {
  ended = false;
  error: Errno | undefined = undefined;
}

function flushNow(disk: DiskDev, l: Lwp): number {
  const old = l.memo;
  if (old instanceof Flush) {
    if (!old.ended) l.k.sleep(old);
    l.memo = undefined;
    if (old.error !== undefined) throw old.error;
    return 0;
  }
  const flush = new Flush();
  const late = (error: Errno | undefined): void => {
    flush.ended = true;
    flush.error = error;
    l.k.wakeup(flush);
  };
  if (disk.driver.flush((error) => l.k.intr(() => late(error))) !== -1) return 0;
  l.memo = flush;
  return l.k.sleep(flush);
}
