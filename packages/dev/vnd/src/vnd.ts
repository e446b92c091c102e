/**
 * vnd(4): a regular file as a disk, so that an image that lies in a file system can be mounted.
 *
 * A unit is configured by VNDIOCSET on its raw device (`/dev/rvnd0d`), or by set(). There is always one that is not: when the last one gets its
 * file, another appears. The disk has the length that the file had then. A file that is written through one unit is no other's.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import {
  ERR, MNT_RDONLY, Stat, VNDIOCCLR, VNDIOCGET, VNDIOCSET, VNDIOF_FORCE, VNDIOF_HASGEOM, VNDIOF_READONLY, VND_USER_LEN, type VndIoctl, emitVndSize, parseVndIoctl,
} from '@anykernel/lib-sys';
import { getI32le, putU32le, putU64le } from '@anykernel/lib-bytes';
import { type Cfattach, type Device, DiskDev, DiskSwitch, type Rumpdev } from '@anykernel/rumpdev';
import type { Kernel, Lwp } from '@anykernel/rumpkern';
import { VDIR, VREAD, VREG, VWRITE, type Vfs, type Vnode } from '@anykernel/rumpvfs';
import { Backing } from './backing.js';

const SECSIZE = 512;
const SECSIZE_MAX = 65536;
/** As vnconfig(8) says it: type "vnd". */
const DKTYPE_VND = 14;

/** A unit. */
interface Softc {
  disk: DiskDev | undefined;
  file: Backing | undefined;
  /** The kernel ends: the file goes with the last close. */
  leaving: boolean;
}

export interface VndOptions {
  readonly readonly?: boolean;
  /** Bytes of a sector: 512 otherwise. */
  readonly secsize?: number;
}

export class Vnd {
  readonly #k: Kernel;
  readonly #dev: Rumpdev;
  readonly #vfs: Vfs;
  readonly #switch: DiskSwitch;
  readonly #driver: Cfattach<Softc> = {
    name: 'vnd',
    attach: (self) => this.#attach(self),
    detach: (self, force) => this.#detach(self, force),
  };

  constructor(k: Kernel, dev: Rumpdev, vfs: Vfs) {
    this.#k = k;
    this.#dev = dev;
    this.#vfs = vfs;
    dev.autoconf.cfattach(this.#driver as Cfattach);
    this.#switch = new DiskSwitch(k, {
      name: 'vnd',
      exists: (unit) => this.#softc(unit) !== undefined,
      disk: (unit) => this.#softc(unit)?.disk,
      configure: (unit, cmd, data, l) => this.#ioctl(unit, cmd, data, l),
      closed: (unit, _flag, l) => this.#closed(unit, l),
    });
    dev.autoconf.attachPseudo('vnd');
    k.onHalt.push(() => this.#leave());
  }

  /** Makes a file a disk. Returns its unit. The errors of VNDIOCSET but EPERM. */
  set(l: Lwp, path: string, options: VndOptions = {}): number {
    const { unit } = this.#units().find((dev) => dev.softc?.disk === undefined) as Device<Softc>;
    const flags = (options.readonly === true ? VNDIOF_READONLY : 0) | (options.secsize === undefined ? 0 : VNDIOF_HASGEOM);
    this.#set(unit, { file: path, flags, secsize: options.secsize ?? 0, nsectors: 0, ntracks: 0, ncylinders: 0 }, l);
    return unit;
  }

  /** The unit has no file any more, and all that was written is in it. ENXIO: it has none. EBUSY: it is open, or a part of it is. EIO. May sleep. */
  clear(l: Lwp, unit: number, force = false): void {
    this.#clear(unit, l, force, 0);
  }

  /** The block device of a unit's partition `d`, all of it. */
  dev(unit: number): number {
    return this.#switch.dev(unit, 3);
  }

  /** The driver leaves. EBUSY: a unit has a file. */
  release(): void {
    const units = this.#units();
    if (units.some((dev) => dev.softc?.disk !== undefined || this.#switch.blankOpen(dev.unit))) throw ERR.EBUSY;
    for (const dev of units) this.#dev.autoconf.detach(dev as Device);
    this.#dev.autoconf.cfdetach(this.#driver as Cfattach);
    this.#switch.detach();
  }

  #units(): Device<Softc>[] {
    return this.#dev.autoconf.devicesOf(this.#driver as Cfattach) as Device<Softc>[];
  }

  #softc(unit: number): Softc | undefined {
    return this.#dev.autoconf.find(`vnd${unit}`)?.softc as Softc | undefined;
  }

  #attach(self: Device<Softc>): Softc {
    this.#switch.announce(self.unit);
    return { disk: undefined, file: undefined, leaving: false };
  }

  #detach(self: Device<Softc>, force: boolean): void {
    if (!force && self.softc?.disk !== undefined) throw ERR.EBUSY;
    this.#switch.retract(self.unit);
  }

  /**
   * EBUSY: the unit has a file, or another unit writes this one. EFAULT: no path. The errors of a lookup. EISDIR, EOPNOTSUPP: no regular file. EROFS, EACCES.
   * EINVAL: a geometry that is none or is larger than the file, or a file shorter than a sector.
   */
  #set(unit: number, v: VndIoctl, l: Lwp): void {
    const sc = this.#softc(unit) as Softc;
    if (sc.disk !== undefined) throw ERR.EBUSY;
    const write = (v.flags & VNDIOF_READONLY) === 0;
    const vp = this.#lookup(l, v.file, write);
    const st = new Stat();
    vp.ops.getattr(vp, st);
    const secsize = (v.flags & VNDIOF_HASGEOM) !== 0 ? v.secsize : SECSIZE;
    const size = sizeOf(v, st.size, secsize);
    if (this.#units().some((dev) => dev.softc?.file?.vp === vp && (write || dev.softc.file.write))) throw ERR.EBUSY;
    const file = Backing.open(this.#k, vp, write, l);
    const disk = new DiskDev(this.#k, `vnd${unit}`, this.#driverOf(unit, file), { size, secsize, readonly: !write, type: DKTYPE_VND });
    this.#dev.disks.attach(disk);
    sc.disk = disk;
    sc.file = file;
    this.#switch.came(unit);
    if (this.#units().every((dev) => dev.softc?.disk !== undefined)) this.#dev.autoconf.attachPseudo('vnd');
  }

  #lookup(l: Lwp, path: string, write: boolean): Vnode {
    if (path === '') throw ERR.EFAULT;
    const vp = this.#vfs.lookup(l, path);
    if (vp.type === VDIR) throw ERR.EISDIR;
    if (vp.type !== VREG) throw ERR.EOPNOTSUPP;
    if (write && ((vp.mp?.flags ?? 0) & MNT_RDONLY) !== 0) throw ERR.EROFS;
    vp.ops.access(vp, write ? VREAD | VWRITE : VREAD, l.proc.cred);
    return vp;
  }

  #driverOf(unit: number, file: Backing): ConstructorParameters<typeof DiskDev>[2] {
    return {
      readv: (data: readonly Uint8Array[], off: number, done: Completion) => file.move(data, off, 'read', done),
      writev: (data: readonly Uint8Array[], off: number, done: Completion) => file.move(data, off, 'write', done),
      flush: (done) => file.flush(done),
      ioctl: (cmd, data, l) => this.#ioctl(unit, cmd, data, l),
    };
  }

  /** ENOTTY, EFAULT. EPERM: not the superuser. EINVAL: flags that there are not. What set() and clear() say; VNDIOCCLR may be asked on the one open descriptor. */
  #ioctl(unit: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    if (cmd === VNDIOCGET) return this.#get(unit, data);
    if (cmd !== VNDIOCSET && cmd !== VNDIOCCLR) throw this.#softc(unit)?.disk === undefined ? ERR.ENXIO : ERR.ENOTTY;
    if (!l.proc.cred.isRoot) throw ERR.EPERM;
    if (data === undefined) throw ERR.EFAULT;
    const v = parseVndIoctl(data);
    if (v === undefined) throw ERR.EINVAL;
    if (cmd === VNDIOCCLR) this.#clear(unit, l, (v.flags & VNDIOF_FORCE) !== 0, 1);
    else {
      this.#set(unit, v, l);
      emitVndSize(data, this.#softc(unit)?.disk?.size ?? 0);
    }
    return 0;
  }

  /** struct vnd_user: unit 0 (-1: this one), device 8 and inode 16 of its file; inode 0: it has none. ENXIO: no such unit. */
  #get(unit: number, data: Uint8Array | undefined): number {
    if (data === undefined || data.length < VND_USER_LEN) throw ERR.EFAULT;
    const asked = getI32le(data, 0);
    const which = asked === -1 ? unit : asked;
    const sc = this.#softc(which);
    if (sc === undefined) throw ERR.ENXIO;
    const st = new Stat();
    const vp = sc.file?.vp;
    if (vp !== undefined) vp.ops.getattr(vp, st);
    putU32le(data, 0, which);
    putU64le(data, 8, vp === undefined ? 0 : st.dev);
    putU64le(data, 16, vp === undefined ? 0 : st.ino);
    return 0;
  }

  /** `own`: opens that do not count, those of the caller. */
  #clear(unit: number, l: Lwp, force: boolean, own: number): void {
    const sc = this.#softc(unit);
    if (sc?.disk === undefined || sc.file === undefined) throw ERR.ENXIO;
    if (sc.disk.opens > own && !force) throw ERR.EBUSY;
    sc.file.sync(l, force);
    this.#switch.goes(unit, force);
    this.#forget(sc, l);
  }

  #forget(sc: Softc, l: Lwp): void {
    const { disk, file } = sc;
    sc.disk = undefined;
    sc.file = undefined;
    if (disk !== undefined) this.#dev.disks.detach(disk, true);
    file?.close(l);
  }

  #closed(unit: number, l: Lwp): void {
    const sc = this.#softc(unit);
    if (sc?.leaving !== true || sc.disk === undefined || sc.disk.opens > 0) return;
    this.#switch.goes(unit, true);
    this.#forget(sc, l);
  }

  /** The kernel halts: file systems are unmounted next, those on units before those that their files are in. */
  #leave(): void {
    for (const { unit, softc } of this.#units()) {
      if (softc?.disk === undefined) continue;
      softc.leaving = true;
      if (softc.disk.opens === 0) this.#closed(unit, this.#k.curlwp);
    }
  }
}

/** EINVAL. */
function sizeOf(v: VndIoctl, len: number, secsize: number): number {
  if (!(secsize >= SECSIZE && secsize <= SECSIZE_MAX && (secsize & (secsize - 1)) === 0)) throw ERR.EINVAL;
  const sectors = v.nsectors * v.ntracks * v.ncylinders;
  const said = (v.flags & VNDIOF_HASGEOM) !== 0 && sectors > 0 ? sectors * secsize : len - (len % secsize);
  if (said < secsize || said > len) throw ERR.EINVAL;
  return said;
}

