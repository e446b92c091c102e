/**
 * md(4): disks in memory.
 *
 * The units are there when the kernel boots: RUMP_MD names the sizes of their media, `16m,512k`; without it there is one unit without a
 * medium. A unit without one gets it by MD_SETCONF on its raw device (`/dev/rmd0d`), or by configure().
 */
import type { Completion } from '@anykernel/host-rumpuser';
import { getU32le, getU64le, putU32le, putU64le } from '@anykernel/lib-bytes';
import { DKTYPE_MD, ERR, _IOR, _IOW } from '@anykernel/lib-sys';
import { type Cfattach, type Device, DiskDev, type DiskDriver, DiskSwitch, type Rumpdev } from '@anykernel/rumpdev';
import type { Kernel, Lwp } from '@anykernel/rumpkern';
import { MemDisk } from './memdisk.js';

/** struct md_conf, little-endian: address u64 (of no use here), size u64, type i32, padding. */
export const MD_CONF_LEN = 24;
/** What a unit is; how it becomes a disk. */
export const MD_GETCONF: number = _IOR('r', 0, MD_CONF_LEN);
export const MD_SETCONF: number = _IOW('r', 1, MD_CONF_LEN);
export const MD_UNCONFIGURED = 0;
export const MD_KMEM_ALLOCATED = 2;

const SECSIZE = 512;
const SIZE_MAX = 2 ** 40;

/** A unit. */
interface Softc {
  disk: DiskDev | undefined;
  mem: MemDisk | undefined;
}

export class Md {
  readonly #k: Kernel;
  readonly #dev: Rumpdev;
  readonly #switch: DiskSwitch;
  readonly #driver: Cfattach<Softc> = {
    name: 'md',
    attach: (self, aux) => this.#attach(self, aux as number | undefined),
    detach: (self, force) => this.#detach(self, force),
  };

  constructor(k: Kernel, dev: Rumpdev) {
    this.#k = k;
    this.#dev = dev;
    dev.autoconf.cfattach(this.#driver as Cfattach);
    this.#switch = new DiskSwitch(k, {
      name: 'md',
      exists: (unit) => this.#softc(unit) !== undefined,
      disk: (unit) => this.#softc(unit)?.disk,
      configure: (unit, cmd, data, l) => this.#configure(unit, cmd, data, l),
    });
    for (const size of sizesOf(k.host.getparam('RUMP_MD'))) this.create(size);
  }

  /** A new unit, with a medium of `size` bytes or without one. Returns its number. EINVAL: no size that a disk can have. */
  create(size?: number): number {
    const { unit } = this.#dev.autoconf.attachPseudo('md', undefined, size);
    this.#switch.came(unit);
    return unit;
  }

  /** Gives unit `unit` a medium. ENXIO: no such unit. EBUSY: it has one. EINVAL. */
  configure(unit: number, size: number): void {
    const sc = this.#softc(unit);
    if (sc === undefined) throw ERR.ENXIO;
    if (sc.disk !== undefined) throw ERR.EBUSY;
    this.#insert(sc, unit, size);
    this.#switch.came(unit);
  }

  /** Takes a unit and its medium away. ENXIO. EBUSY: it is open. */
  destroy(unit: number): void {
    const dev = this.#dev.autoconf.find(`md${unit}`);
    if (dev === undefined) throw ERR.ENXIO;
    this.#dev.autoconf.detach(dev);
  }

  /** The block device of a unit's partition `a`. */
  dev(unit: number): number {
    return this.#switch.dev(unit);
  }

  /** The driver leaves. EBUSY: a unit is open; nothing has changed then. */
  release(): void {
    const units = this.#dev.autoconf.devicesOf(this.#driver as Cfattach);
    if (units.some((dev) => this.#busy(dev as Device<Softc>))) throw ERR.EBUSY;
    for (const dev of units) this.#dev.autoconf.detach(dev);
    this.#dev.autoconf.cfdetach(this.#driver as Cfattach);
    this.#switch.detach();
  }

  #softc(unit: number): Softc | undefined {
    return this.#dev.autoconf.find(`md${unit}`)?.softc as Softc | undefined;
  }

  #attach(self: Device<Softc>, size: number | undefined): Softc {
    const sc: Softc = { disk: undefined, mem: undefined };
    if (size !== undefined) this.#insert(sc, self.unit, size);
    this.#switch.announce(self.unit);
    return sc;
  }

  #busy(self: Device<Softc>): boolean {
    return (self.softc?.disk?.opens ?? 0) > 0 || this.#switch.blankOpen(self.unit);
  }

  #detach(self: Device<Softc>, force: boolean): void {
    if (!force && this.#busy(self)) throw ERR.EBUSY;
    const sc = self.softc;
    this.#switch.goes(self.unit, force);
    if (sc?.disk !== undefined) this.#dev.disks.detach(sc.disk, true);
    sc?.mem?.free();
    this.#switch.retract(self.unit);
  }

  #insert(sc: Softc, unit: number, size: number): void {
    if (!Number.isSafeInteger(size) || size < SECSIZE || size > SIZE_MAX || size % SECSIZE !== 0) throw ERR.EINVAL;
    const mem = new MemDisk(this.#k.mem, size);
    const driver: DiskDriver = {
      readv: (data: readonly Uint8Array[], off: number, _done: Completion) => mem.read(data, off),
      writev: (data: readonly Uint8Array[], off: number, _done: Completion) => mem.write(data, off),
      flush: () => 0,
      ioctl: (cmd, data) => getconf(cmd, data, size),
    };
    const disk = new DiskDev(this.#k, `md${unit}`, driver, { size, secsize: SECSIZE, type: DKTYPE_MD });
    this.#dev.disks.attach(disk);
    sc.mem = mem;
    sc.disk = disk;
  }

  /** On a unit without a medium. ENOTTY, EFAULT, EINVAL: not of this type, or no size for a disk. EPERM: not the superuser. */
  #configure(unit: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    if (cmd !== MD_SETCONF) return getconf(cmd, data, 0);
    if (data === undefined || data.length < MD_CONF_LEN) throw ERR.EFAULT;
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    if (getU32le(data, 16) !== MD_KMEM_ALLOCATED) throw ERR.EINVAL;
    this.configure(unit, getU64le(data, 8));
    return 0;
  }
}

/** MD_GETCONF; MD_SETCONF of what is a disk already is EBUSY. ENOTTY, EFAULT. */
function getconf(cmd: number, data: Uint8Array | undefined, size: number): number {
  if (cmd === MD_SETCONF) throw ERR.EBUSY;
  if (cmd !== MD_GETCONF) throw ERR.ENOTTY;
  if (data === undefined || data.length < MD_CONF_LEN) throw ERR.EFAULT;
  data.fill(0, 0, MD_CONF_LEN);
  putU64le(data, 8, size);
  putU32le(data, 16, size === 0 ? MD_UNCONFIGURED : MD_KMEM_ALLOCATED);
  return 0;
}

const UNITS: Readonly<Record<string, number>> = { '': 1, k: 1 << 10, m: 1 << 20, g: 1 << 30 };

/** `16m,512k` as bytes; what is no size is a unit without a medium. */
function sizesOf(text: string | undefined): (number | undefined)[] {
  return (text ?? '').split(',').map((word) => {
    const m = /^(\d+)([kmg]?)$/i.exec(word.trim());
    const size = m === null ? 0 : Number(m[1]) * UNITS[(m[2] as string).toLowerCase()]!;
    return size >= SECSIZE && size <= SIZE_MAX && size % SECSIZE === 0 ? size : undefined;
  });
}
