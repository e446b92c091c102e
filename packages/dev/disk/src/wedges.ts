/**
 * The tables of a kernel's disks and the wedges that come of them: a disk that gets a medium is looked at, and its wedges are there when that has
 * ended, which is at once where the disk is synchronous.
 */
import {
  DIOCAWEDGE, DIOCDWEDGE, DIOCLWEDGES, DIOCMWEDGES, DIOCRMWEDGES, DKWEDGE_INFO_LEN, DKWEDGE_LIST_LEN, ERR, Errno, emitDkwedgeInfo, emitDkwedgeList,
  parseDkwedgeInfo,
} from '@anykernel/lib-sys';
import { type DiskPart, FREAD, type Kernel, type Lwp, putInt } from '@anykernel/rumpkern';
import type { Rumpdev } from '@anykernel/rumpdev';
import type { Vfs } from '@anykernel/rumpvfs';
import { Dk, type Wedge } from './dk.js';
import { Reader } from './reader.js';
import { scanTable } from './scan.js';
import type { Part, Table } from './table.js';

/** A disk with a medium. */
class Known {
  table: Table | undefined = undefined;
  error: Errno | undefined = undefined;
  /** The search that is under way. */
  scan: object | undefined = undefined;
  /** Wedges that the last search made. */
  made = 0;
  constructor(
    readonly dev: number,
    readonly name: string,
  ) {}
}

export class Wedges {
  readonly #k: Kernel;
  readonly #dk: Dk;
  readonly #disks = new Map<number, Known>();

  constructor(k: Kernel, dev: Rumpdev, vfs: Vfs) {
    this.#k = k;
    this.#dk = new Dk(k, dev, vfs);
    k.devsw.media.listen({
      came: (disk, name) => this.#came(disk, name),
      goes: (disk, force) => this.#goes(disk, force),
      ioctl: (disk, cmd, data, l) => this.#ioctl(disk, cmd, data, l),
      parts: (disk, l) => this.#parts(disk, l),
      named: (name) => this.#dk.named(name),
    });
  }

  /** The table of a disk, by its block device; undefined: it has none. ENXIO: there is no such disk. EIO: it cannot be read. Sleeps while it is looked for. */
  table(dev: number, l: Lwp): Table | undefined {
    return this.#ready(this.#known(dev), l).table;
  }

  /** The driver leaves. EBUSY: a wedge is open. */
  release(): void {
    this.#dk.release();
    this.#k.devsw.media.listen(undefined);
  }

  #known(dev: number): Known {
    const d = this.#disks.get(dev);
    if (d === undefined) throw ERR.ENXIO;
    return d;
  }

  #ready(d: Known, l: Lwp): Known {
    if (d.scan !== undefined) l.k.sleep(d);
    if (d.error !== undefined) throw d.error;
    return d;
  }

  #came(dev: number, name: string): void {
    const d = new Known(dev, name);
    this.#disks.set(dev, d);
    this.#look(d);
  }

  #goes(dev: number, force: boolean): void {
    const wedges = this.#dk.on(dev);
    if (!force && wedges.some((w) => w.opens > 0)) throw ERR.EBUSY;
    for (const w of wedges) this.#dk.remove(w);
    const d = this.#disks.get(dev);
    this.#disks.delete(dev);
    if (d === undefined) return;
    d.scan = undefined;
    d.error = ERR.ENXIO;
    this.#k.wakeup(d);
  }

  /** Looks for a table, and makes wedges. One search at a time: a later one is in the place of the one before. */
  #look(d: Known): void {
    const scan = {};
    let reader: Reader | undefined;
    d.scan = scan;
    const read = (l: Lwp): Table | undefined => {
      const sw = this.#k.devsw.bdev(d.dev);
      sw.open(d.dev, FREAD, l);
      try {
        const r = (reader ??= new Reader(sw, d.dev));
        return r.within(l, () => scanTable(r));
      } finally {
        sw.close(d.dev, FREAD, l);
      }
    };
    this.#k.kthread(read, (error, table) => {
      if (d.scan !== scan) return;
      d.scan = undefined;
      this.#found(d, error, table, reader?.failed === true);
      this.#k.wakeup(d);
    });
  }

  #found(d: Known, error: unknown, table: Table | undefined, unread: boolean): void {
    d.error = error instanceof Errno ? error : table === undefined && unread ? ERR.EIO : undefined;
    d.table = table === undefined || !unread ? table : { ...table, faults: [...table.faults, 'sectors of the table cannot be read'] };
    d.made = 0;
    if (table === undefined || d.error !== undefined) return;
    for (const fault of d.table?.faults ?? []) this.#k.printf(`${d.name}: ${table.scheme}: ${fault}`);
    const secsize = this.#k.devsw.bdev(d.dev).secsize(d.dev);
    for (const part of table.parts) if (isUsable(part, secsize)) this.#addPart(d, part, secsize);
  }

  #addPart(d: Known, part: Part, secsize: number): void {
    const there = this.#dk.on(d.dev);
    const { off } = part;
    const size = part.size - (part.size % secsize);
    if (there.some((w) => w.init.off === off && w.init.size === size && w.init.part?.id === part.id)) return;
    const free = (name: string): boolean => name !== '' && !there.some((w) => w.init.wname === name);
    const wname = [part.label, part.uuid].find(free) ?? `${d.name}${/^\d/.test(part.id) ? 's' : ''}${part.id}`;
    this.#dk.add({ parent: d.dev, parentName: d.name, wname, ptype: part.ptype, off, size, part });
    d.made++;
  }

  #parts(dev: number, l: Lwp): DiskPart[] {
    this.#ready(this.#known(dev), l);
    return this.#dk.on(dev).flatMap((w): DiskPart[] => {
      const { part, off, size } = w.init;
      return part === undefined ? [] : [{ node: w.node, id: part.id, label: part.label, uuid: part.uuid, type: part.type, off, size }];
    });
  }

  /** EPERM: not the superuser. EFAULT: no room. EINVAL, EEXIST, ENXIO, EBUSY: as the command says. */
  #ioctl(dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number | undefined {
    switch (cmd) {
      case DIOCAWEDGE:
        return this.#add(dev, room(data, DKWEDGE_INFO_LEN), l);
      case DIOCDWEDGE:
        return this.#delete(dev, room(data, DKWEDGE_INFO_LEN), l);
      case DIOCLWEDGES:
        return this.#list(dev, room(data, DKWEDGE_LIST_LEN), l);
      case DIOCMWEDGES:
        return this.#again(dev, data, l);
      case DIOCRMWEDGES:
        superuser(l);
        return putInt(room(data, 4), this.#removeIdle(dev));
    }
    return undefined;
  }

  /** EINVAL: no name, not on the disk, or in the place of another wedge. EEXIST: the disk has one of that name. */
  #add(dev: number, data: Uint8Array, l: Lwp): number {
    superuser(l);
    const d = this.#ready(this.#known(dev), l);
    const sw = this.#k.devsw.bdev(dev);
    const { wname, offset, size, ptype } = parseDkwedgeInfo(data);
    const secsize = sw.secsize(dev);
    const sectors = Math.floor(sw.psize(dev) / secsize);
    const there = this.#dk.on(dev);
    if (wname === '' || !(offset >= 0) || !(size > 0) || offset + size > sectors) throw ERR.EINVAL;
    if (there.some((w) => w.init.wname === wname)) throw ERR.EEXIST;
    const place = { off: offset * secsize, size: size * secsize };
    if (there.some((w) => w.overlaps(place.off, place.size))) throw ERR.EINVAL;
    const w = this.#dk.add({ parent: dev, parentName: d.name, wname, ptype, ...place, part: undefined });
    emitDkwedgeInfo(data, w.info());
    return 0;
  }

  /** ESRCH: the disk has no such wedge. EBUSY: it is open. */
  #delete(dev: number, data: Uint8Array, l: Lwp): number {
    superuser(l);
    const { devname } = parseDkwedgeInfo(data);
    const w = this.#dk.on(dev).find((x) => x.node === devname);
    if (w === undefined) throw ERR.ESRCH;
    if (w.opens > 0) throw ERR.EBUSY;
    this.#dk.remove(w);
    return 0;
  }

  #list(dev: number, data: Uint8Array, l: Lwp): number {
    this.#ready(this.#known(dev), l);
    emitDkwedgeList(data, this.#dk.on(dev).map((w: Wedge) => w.info()));
    return 0;
  }

  /** Those that nobody has open go, and the table is read again. */
  #again(dev: number, data: Uint8Array | undefined, l: Lwp): number {
    superuser(l);
    room(data, 4);
    const d = this.#known(dev);
    if (l.memo !== d) {
      this.#removeIdle(dev);
      this.#look(d);
      l.memo = d;
    }
    return putInt(data, this.#ready(d, l).made);
  }

  #removeIdle(dev: number): number {
    const idle = this.#dk.on(dev).filter((w) => w.opens === 0);
    for (const w of idle) this.#dk.remove(w);
    return idle.length;
  }
}

/** A part that can be a device of a disk with such sectors. */
function isUsable(part: Part, secsize: number): boolean {
  return !part.container && part.fault === undefined && part.off % secsize === 0 && part.size >= secsize;
}

function room(data: Uint8Array | undefined, len: number): Uint8Array {
  if (data === undefined || data.length < len) throw ERR.EFAULT;
  return data;
}

function superuser(l: Lwp): void {
  if (!l.proc.cred.isRoot) throw ERR.EPERM;
}
