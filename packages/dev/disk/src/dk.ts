/**
 * dk(4): wedges, parts of a disk that are disks of their own: /dev/dk0 and /dev/rdk0.
 *
 * Wedges may have bytes in common, since tables are what they are; of those that have, one is open for writing, or all are only read. While a file
 * system has the whole disk its wedges are busy, and the other way round.
 */
import { DIOCGWEDGEINFO, DKWEDGE_INFO_LEN, type DkwedgeInfo, ERR, emitDkwedgeInfo } from '@anykernel/lib-sys';
import { type Bdevsw, FWRITE, type Kernel, type Lwp } from '@anykernel/rumpkern';
import { DiskDev, type DiskDriver, DiskSwitch, type Rumpdev } from '@anykernel/rumpdev';
import { type Vfs, diskBusy } from '@anykernel/rumpvfs';
import type { Part } from './table.js';

/** NetBSD's majors, on amd64. */
const DK_MAJOR = 168;

export interface WedgeInit {
  /** The block device of the whole disk, and its name. */
  readonly parent: number;
  readonly parentName: string;
  readonly wname: string;
  readonly ptype: string;
  /** Bytes, in whole sectors. */
  readonly off: number;
  readonly size: number;
  /** The part that it is; undefined: somebody has asked for it by DIOCAWEDGE. */
  readonly part: Part | undefined;
}

export class Wedge {
  opens = 0;
  writers = 0;

  constructor(
    readonly unit: number,
    readonly init: WedgeInit,
    readonly disk: DiskDev,
  ) {}

  get node(): string {
    return this.disk.name;
  }

  info(): DkwedgeInfo {
    const { wname, parentName, off, size, ptype } = this.init;
    const { secsize } = this.disk;
    return { devname: this.node, wname, parent: parentName, offset: off / secsize, size: size / secsize, ptype };
  }

  overlaps(off: number, size: number): boolean {
    return off < this.init.off + this.init.size && this.init.off < off + size;
  }
}

export class Dk {
  readonly #k: Kernel;
  readonly #dev: Rumpdev;
  readonly #vfs: Vfs;
  readonly #switch: DiskSwitch;
  readonly #wedges: (Wedge | undefined)[] = [];

  constructor(k: Kernel, dev: Rumpdev, vfs: Vfs) {
    this.#k = k;
    this.#dev = dev;
    this.#vfs = vfs;
    const units = {
      name: 'dk',
      whole: true,
      exists: (unit: number): boolean => this.#wedges[unit] !== undefined,
      disk: (unit: number): DiskDev | undefined => this.#wedges[unit]?.disk,
      open: (unit: number, flag: number, l: Lwp): void => this.#open(this.#wedges[unit] as Wedge, flag, l),
      closed: (unit: number, flag: number, l: Lwp): void => this.#closed(this.#wedges[unit] as Wedge, flag, l),
    };
    this.#switch = new DiskSwitch(k, units, DK_MAJOR, DK_MAJOR);
  }

  /** The wedges of a disk, by unit. */
  on(parent: number): Wedge[] {
    return this.#wedges.filter((w): w is Wedge => w?.init.parent === parent);
  }

  /** The block device of the first wedge that has this name. */
  named(wname: string): number | undefined {
    const w = this.#wedges.find((x) => x?.init.wname === wname);
    return w === undefined ? undefined : this.#switch.dev(w.unit);
  }

  /** A new wedge, with the first unit that is free. */
  add(init: WedgeInit): Wedge {
    const { parent } = init;
    const sw = this.#k.devsw.bdev(parent);
    let unit = 0;
    while (this.#wedges[unit] !== undefined) unit++;
    const disk = new DiskDev(this.#k, `dk${unit}`, this.#driver(unit, sw, init), { size: init.size, secsize: sw.secsize(parent) });
    const w = new Wedge(unit, init, disk);
    this.#wedges[unit] = w;
    this.#dev.disks.attach(disk);
    this.#switch.announce(unit);
    const { wname, size, offset, ptype } = w.info();
    this.#k.printf(`${w.node} at ${init.parentName}: "${wname}", ${size} blocks at ${offset}, type: ${ptype}`);
    return w;
  }

  /** Takes a wedge away; whoever has it open has nothing then. */
  remove(w: Wedge): void {
    this.#switch.retract(w.unit);
    this.#dev.disks.detach(w.disk, true);
    this.#wedges[w.unit] = undefined;
    for (; w.opens > 0; w.opens--) this.#k.devsw.media.partClosed(w.init.parent);
  }

  /** The driver leaves. EBUSY: a wedge is open. */
  release(): void {
    for (const w of this.#wedges) if (w !== undefined && w.opens > 0) throw ERR.EBUSY;
    for (const w of this.#wedges) if (w !== undefined) this.remove(w);
    this.#switch.detach();
  }

  #driver(unit: number, sw: Bdevsw, { parent, off: base }: WedgeInit): DiskDriver {
    return {
      readv: (data, off, done) => sw.readv(parent, data, base + off, done),
      writev: (data, off, done) => sw.writev(parent, data, base + off, done),
      flush: (done) => sw.flush(parent, done),
      claim: (off, len) => sw.claim?.(parent, base + off, len),
      ioctl: (cmd, data) => this.#ioctl(unit, cmd, data),
    };
  }

  /** EBUSY: a file system has the whole disk, or one that has bytes in common is open. What the disk says: ENXIO, EROFS. */
  #open(w: Wedge, flag: number, l: Lwp): void {
    const { parent, off, size } = w.init;
    const write = (flag & FWRITE) !== 0;
    if (diskBusy(this.#vfs, parent)) throw ERR.EBUSY;
    for (const other of this.on(parent)) {
      if (other !== w && other.opens > 0 && (write || other.writers > 0) && other.overlaps(off, size)) throw ERR.EBUSY;
    }
    this.#k.devsw.bdev(parent).open(parent, flag, l);
    w.opens++;
    if (write) w.writers++;
    this.#k.devsw.media.partOpened(parent);
  }

  #closed(w: Wedge, flag: number, l: Lwp): void {
    const { parent } = w.init;
    w.opens--;
    if ((flag & FWRITE) !== 0) w.writers--;
    this.#k.devsw.media.partClosed(parent);
    this.#k.devsw.bdev(parent).close(parent, flag, l);
  }

  /** ENOTTY, EFAULT. */
  #ioctl(unit: number, cmd: number, data: Uint8Array | undefined): number {
    if (cmd !== DIOCGWEDGEINFO) throw ERR.ENOTTY;
    if (data === undefined || data.length < DKWEDGE_INFO_LEN) throw ERR.EFAULT;
    emitDkwedgeInfo(data, (this.#wedges[unit] as Wedge).info());
    return 0;
  }
}
