/**
 * The media of a kernel's disks: whoever makes devices of their parts (wedges) is told when one comes and before it goes.
 *
 * A driver of disks says so here; without anybody who listens nothing happens, and the commands on parts are nobody's.
 */
import type { Lwp } from './proc.js';

/** A part of a disk that is a device of its own. */
export interface DiskPart {
  /** Its node below /dev: `dk0`. */
  readonly node: string;
  /** As its table numbers it: `1`, `5`, `a`, `2e`. */
  readonly id: string;
  /** Its name in the table, a byte string; '' where it has none. */
  readonly label: string;
  /** Lower case; '' where it has none. */
  readonly uuid: string;
  /** What it is for, for people: `Linux filesystem`. */
  readonly type: string;
  /** Bytes, on the disk. */
  readonly off: number;
  readonly size: number;
}

/** Whoever makes devices of parts. `dev` is the block device of a whole disk. */
export interface MediaListener {
  /** A disk has got a medium. */
  came(dev: number, name: string): void;
  /** It is about to lose it. EBUSY: a part is open, and `force` is not set; nothing has changed then. */
  goes(dev: number, force: boolean): void;
  /** A command on a disk that is about its parts; undefined: it is not. */
  ioctl(dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number | undefined;
  /** The parts of a disk, by place in its table. Sleeps while they are looked for. EIO: the table cannot be read. */
  parts(dev: number, l: Lwp): readonly DiskPart[];
  /** The block device of the part of that name, on whatever disk; undefined: there is none. */
  named(name: string): number | undefined;
}

export class Media {
  readonly #disks = new Map<number, string>();
  /** Opens of parts, by disk. */
  readonly #used = new Map<number, number>();
  #listener: MediaListener | undefined;

  /** A disk has got a medium. */
  came(dev: number, name: string): void {
    this.#disks.set(dev, name);
    this.#listener?.came(dev, name);
  }

  /** It loses it. EBUSY: a part is open, and `force` is not set. */
  goes(dev: number, force: boolean): void {
    if (!this.#disks.has(dev)) return;
    this.#listener?.goes(dev, force);
    this.#disks.delete(dev);
  }

  /** A command that is about parts; undefined: it is not, or nobody knows parts. */
  ioctl(dev: number, cmd: number, data: Uint8Array | undefined, l: Lwp): number | undefined {
    return this.#disks.has(dev) ? this.#listener?.ioctl(dev, cmd, data, l) : undefined;
  }

  /** The parts of a disk; undefined: nobody in this kernel knows parts. */
  parts(dev: number, l: Lwp): readonly DiskPart[] | undefined {
    return this.#disks.has(dev) ? this.#listener?.parts(dev, l) : undefined;
  }

  /** The block device of the part of that name (`root`), on whatever disk; undefined: there is none. */
  named(name: string): number | undefined {
    return this.#listener?.named(name);
  }

  /** A part of a disk is opened, or closed. */
  partOpened(dev: number): void {
    this.#used.set(dev, (this.#used.get(dev) ?? 0) + 1);
  }

  partClosed(dev: number): void {
    const opens = (this.#used.get(dev) ?? 0) - 1;
    if (opens > 0) this.#used.set(dev, opens);
    else this.#used.delete(dev);
  }

  /** Whether a part of the disk is open: nobody has all of it to himself then. */
  partsOpen(dev: number): boolean {
    return this.#used.has(dev);
  }

  /** The one who makes devices of parts: told of the media that are there and of those that will come. */
  listen(listener: MediaListener | undefined): void {
    this.#listener = listener;
    if (listener !== undefined) for (const [dev, name] of this.#disks) listener.came(dev, name);
  }
}
