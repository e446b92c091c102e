/**
 * Host files as block devices: windows of files and devices of the host, units of one driver.
 *
 * RUMP_BLKSECTSHIFT is log2 of the sector size (9). RUMP_BLKFAIL makes one transfer of 10,000 / n fail with EIO, in an order that
 * RUMP_BLKFAIL_SEED decides.
 */
import { putU32le, putU64le } from '@anykernel/lib-bytes';
import type { Completion, HostFile } from '@anykernel/host-rumpuser';
import {
  DIOCCACHESYNC, DIOCGDINFO, DIOCGMEDIASIZE, DIOCGSECTORSIZE, DISKLABEL_LEN, type Disklabel, ERR, EVFILT_READ, EVFILT_WRITE, FS_BSDFFS,
  FS_UNUSED, FWRITE, POLLIN, POLLOUT, POLLRDNORM, type Partition, RAW_PART, emitDisklabel,
} from '@anykernel/lib-sys';
import { type Bdevsw, type Cdevsw, Klist, type Kernel, type Knote, type Lwp, type Uio, knoteAttach, makedev, minor, openHost, physio, transfer } from '@anykernel/rumpkern';

export const RUMPBLK_MAJOR = 197;

interface Unit {
  readonly hostpath: string;
  readonly begin: number;
  readonly size: number;
  /** Open from the first use until the unit goes. */
  file: HostFile | undefined;
}

const SECSHIFT_MIN = 9;
const SECSHIFT_MAX = 16;
const FAIL_OF = 10_000;

export class Rumpblk {
  readonly #k: Kernel;
  readonly #units: (Unit | undefined)[] = [];
  readonly #secsize: number;
  readonly #fail: number;
  #seed: number;
  #attached = false;

  constructor(k: Kernel) {
    this.#k = k;
    const shift = Number(k.host.getparam('RUMP_BLKSECTSHIFT') ?? SECSHIFT_MIN);
    this.#secsize = 1 << (Number.isInteger(shift) ? Math.min(Math.max(shift, SECSHIFT_MIN), SECSHIFT_MAX) : SECSHIFT_MIN);
    this.#fail = Number(k.host.getparam('RUMP_BLKFAIL') ?? 0);
    this.#seed = Number(k.host.getparam('RUMP_BLKFAIL_SEED') ?? 1) | 0;
  }

  /** Makes a unit of a window of a host file. Returns its number. */
  add(hostpath: string, begin: number, size: number): number {
    if (!this.#attached) {
      const { bdev, cdev } = this.#drivers();
      this.#k.devsw.attach(bdev, cdev, RUMPBLK_MAJOR, RUMPBLK_MAJOR);
      this.#attached = true;
    }
    let unit = 0;
    while (this.#units[unit] !== undefined) unit++;
    this.#units[unit] = { hostpath, begin, size, file: undefined };
    this.#k.devsw.media.came(makedev(RUMPBLK_MAJOR, unit), `rumpblk${unit}`);
    return unit;
  }

  remove(dev: number): void {
    this.#k.devsw.media.goes(dev, true);
    this.#units[minor(dev)]?.file?.close();
    this.#units[minor(dev)] = undefined;
  }

  /** The kernel ends: host files are closed. */
  closeAll(): void {
    for (let n = 0; n < this.#units.length; n++) this.remove(makedev(RUMPBLK_MAJOR, n));
  }

  #unit(dev: number): Unit {
    const unit = this.#units[minor(dev)];
    if (unit === undefined) throw ERR.ENXIO;
    return unit;
  }

  /** ENXIO. EROFS: to be written, and the host lets us only read. */
  #open(dev: number, flag: number): void {
    const unit = this.#unit(dev);
    unit.file ??= openHost(this.#k, unit.hostpath, true);
    if ((flag & FWRITE) !== 0 && !unit.file.writable) throw ERR.EROFS;
  }

  #transfer(dev: number, data: readonly Uint8Array[], off: number, done: Completion, write: boolean): number {
    const unit = this.#unit(dev);
    let len = 0;
    for (const b of data) len += b.length;
    if (off < 0 || off % this.#secsize !== 0 || off + len > unit.size) throw ERR.EINVAL;
    if (len % this.#secsize !== 0 && off + len !== unit.size) throw ERR.EINVAL;
    if (this.#fail > 0 && this.#random() < this.#fail) throw ERR.EIO;
    const file = unit.file as HostFile;
    return write ? file.writev(data, unit.begin + off, done) : file.readv(data, unit.begin + off, done);
  }

  /** 0 to 9,999. */
  #random(): number {
    this.#seed = (Math.imul(this.#seed, 1664525) + 1013904223) | 0;
    return ((this.#seed >>> 8) & 0xffff) % FAIL_OF;
  }

  /** EBUSY: another kernel of this host writes there. */
  #claim(dev: number, off: number, len: number): (() => void) | undefined {
    const { file, begin } = this.#unit(dev);
    return file?.claim?.(begin + off, len);
  }

  #flush(dev: number, done: Completion): number {
    return this.#unit(dev).file?.flush(done) ?? 0;
  }

  /** ENOTTY, EFAULT. */
  #ioctl(dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    const unit = this.#unit(dev);
    const known = this.#k.devsw.media.ioctl(dev, cmd, data, l);
    if (known !== undefined) return known;
    if (cmd === DIOCCACHESYNC) {
      transfer(l, 0, 0, undefined, (_buf, done) => this.#flush(dev, done));
      return 0;
    }
    if (cmd === DIOCGMEDIASIZE) putU64le(room(data, 8), 0, unit.size);
    else if (cmd === DIOCGSECTORSIZE) putU32le(room(data, 4), 0, this.#secsize);
    else if (cmd === DIOCGDINFO) emitDisklabel(room(data, DISKLABEL_LEN), labelOf(this.#secsize, Math.floor(unit.size / this.#secsize)));
    else throw ERR.ENOTTY;
    return 0;
  }

  #drivers(): { bdev: Bdevsw; cdev: Cdevsw } {
    const open = (dev: number, flag: number): void => this.#open(dev, flag);
    const close = (): void => undefined;
    const ioctl = (dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number => this.#ioctl(dev, cmd, data, l);
    const bdev: Bdevsw = {
      name: 'rumpblk',
      open,
      close,
      ioctl,
      readv: (dev, data, off, done) => this.#transfer(dev, data, off, done, false),
      writev: (dev, data, off, done) => this.#transfer(dev, data, off, done, true),
      flush: (dev, done) => this.#flush(dev, done),
      psize: (dev) => this.#unit(dev).size,
      secsize: () => this.#secsize,
      claim: (dev, off, len) => this.#claim(dev, off, len),
    };
    const raw = (dev: number, uio: Uio, l: Lwp): void => physio(bdev, dev, uio, l);
    const cdev: Cdevsw = { name: 'rumpblk', open, close, ioctl, read: raw, write: raw, poll: (_dev, events) => events & READY, kqfilter: alwaysReady };
    return { bdev, cdev };
  }
}

const READY = POLLIN | POLLRDNORM | POLLOUT;

function alwaysReady(_dev: number, kn: Knote): void {
  if (kn.filter !== EVFILT_READ && kn.filter !== EVFILT_WRITE) throw ERR.EINVAL;
  knoteAttach(kn, new Klist(), () => true);
}

function room(data: Uint8Array | undefined, len: number): Uint8Array {
  if (data === undefined || data.length < len) throw ERR.EFAULT;
  return data;
}

/** A label as if one were on the disk: one partition `a`, and the raw one `d`, both all of it. */
function labelOf(secsize: number, sectors: number): Disklabel {
  const partitions: Partition[] = [];
  for (let part = 0; part <= RAW_PART; part++) {
    partitions.push({ offset: 0, size: part === 0 || part === RAW_PART ? sectors : 0, fstype: part === 0 ? FS_BSDFFS : FS_UNUSED });
  }
  const whole = { nsectors: sectors, ntracks: 1, ncylinders: 1, secperunit: sectors };
  return { type: 0, typename: 'rumpblk', packname: 'fictitious', secsize, ...whole, rpm: 3600, partitions };
}
