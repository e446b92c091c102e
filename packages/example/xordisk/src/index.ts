/**
 * xordisk: a disk on another disk, whose bytes are mixed with a key on the way. Not a cipher: it shows where one would go.
 *
 * It is what somebody else's block driver looks like: a component that requires `rumpkern`, a Bdevsw, transfers that end at once or later as those
 * below do. `k.modules.use(xordisk).add(dev, key)` gives the new device's number, and announces `/dev/xordisk<unit>`.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import { type Component, component } from '@anykernel/lib-component';
import { ERR } from '@anykernel/lib-sys';
import { type Bdevsw, type Kernel, type Lwp, makedev, minor, rumpkern } from '@anykernel/rumpkern';

interface Unit {
  readonly lower: number;
  readonly key: Uint8Array;
}

export class Xordisk {
  readonly #units: Unit[] = [];
  readonly #majors: { bmajor: number; cmajor: number };

  constructor(readonly k: Kernel) {
    this.#majors = k.devsw.attach(this.#bdevsw(), undefined);
  }

  /** Puts a disk over the block device `lower`; the number of what can be used in its place. EINVAL: no key. ENXIO: no such device. */
  add(lower: number, key: Uint8Array): number {
    if (key.length === 0) throw ERR.EINVAL;
    this.k.devsw.bdev(lower);
    const unit = this.#units.push({ lower, key: key.slice() }) - 1;
    const dev = makedev(this.#majors.bmajor, unit);
    this.k.devsw.announce(`xordisk${unit}`, 'blk', dev, 0o600);
    return dev;
  }

  /** The driver leaves. */
  detach(): void {
    for (const unit of this.#units.keys()) this.k.devsw.retract(`xordisk${unit}`);
    this.k.devsw.detach(this.#majors);
  }

  #unit(dev: number): Unit {
    const unit = this.#units[minor(dev)];
    if (unit === undefined) throw ERR.ENXIO;
    return unit;
  }

  /** Everything is the lower device's, but for the bytes. */
  #bdevsw(): Bdevsw {
    const below = (dev: number): Bdevsw => this.k.devsw.bdev(this.#unit(dev).lower);
    const at = (dev: number): number => this.#unit(dev).lower;
    return {
      name: 'xordisk',
      open: (dev, flag, l) => below(dev).open(at(dev), flag, l),
      close: (dev, flag, l) => below(dev).close(at(dev), flag, l),
      readv: (dev, data, off, done) => this.#read(below(dev), this.#unit(dev), data, off, done),
      writev: (dev, data, off, done) => below(dev).writev(at(dev), [mixed(this.#unit(dev).key, data, off)], off, done),
      flush: (dev, done) => below(dev).flush(at(dev), done),
      ioctl: (dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp) => below(dev).ioctl(at(dev), cmd, data, l),
      psize: (dev) => below(dev).psize(at(dev)),
      secsize: (dev) => below(dev).secsize(at(dev)),
    };
  }

  /** What was read is put right when it is there: now, or when the lower transfer ends. */
  #read(sw: Bdevsw, unit: Unit, data: readonly Uint8Array[], off: number, done: Completion): number {
    const moved = sw.readv(unit.lower, data, off, (error, later) => {
      if (error === undefined) mix(unit.key, data, off);
      done(error, later);
    });
    if (moved > 0) mix(unit.key, data, off);
    return moved;
  }
}

/** Mixes the key into the buffers in place; `off` is where the first one is on the disk. */
function mix(key: Uint8Array, data: readonly Uint8Array[], off: number): void {
  let at = off % key.length;
  for (const bytes of data) {
    for (let i = 0; i < bytes.length; i++) {
      bytes[i] = (bytes[i] as number) ^ (key[at] as number);
      at = at + 1 === key.length ? 0 : at + 1;
    }
  }
}

/** The same of a copy: what is written belongs to others. */
function mixed(key: Uint8Array, data: readonly Uint8Array[], off: number): Uint8Array {
  const copy = new Uint8Array(data.reduce((len, bytes) => len + bytes.length, 0));
  let at = 0;
  for (const bytes of data) {
    copy.set(bytes, at);
    at += bytes.length;
  }
  if (off >= 0) mix(key, [copy], off);
  return copy;
}

export const xordisk: Component<Xordisk, readonly [typeof rumpkern]> = component({
  name: 'xordisk',
  class: 'driver',
  requires: [rumpkern],
  attach: (k) => new Xordisk(k.use(rumpkern)),
  detach: (_k, state) => state.detach(),
});
