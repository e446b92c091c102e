/**
 * An open disk or file of a simulation.
 */
import type { Completion, HostFile } from '@anykernel/host-rumpuser';
import { ERR } from '@anykernel/lib-sys';
import type { SimDisk } from './disk.js';

export class SimFile implements HostFile {
  readonly size: number;
  readonly writable: boolean;
  readonly #readable: boolean;
  readonly #disk: SimDisk;
  #open = true;
  /** Whether the host that opened it still has power: transfers under way end only then. */
  alive: () => boolean = always;
  /** For transfers without an offset. */
  #position = 0;

  constructor(disk: SimDisk, readable: boolean, writable: boolean) {
    this.#disk = disk;
    this.size = disk.size;
    this.#readable = readable;
    this.writable = writable;
  }

  read(data: Uint8Array, off: number, done: Completion): number {
    return this.readv([data], off, done);
  }

  write(data: Uint8Array, off: number, done: Completion): number {
    return this.writev([data], off, done);
  }

  readv(data: readonly Uint8Array[], off: number, done: Completion): number {
    this.#check(this.#readable, off);
    if (off !== -1) return this.#disk.read(data, off, done, this.alive);
    return this.#moved(this.#disk.read(data, this.#position, this.#moving(done), this.alive));
  }

  writev(data: readonly Uint8Array[], off: number, done: Completion): number {
    this.#check(this.writable, off);
    if (off !== -1) return this.#disk.write(data, off, done, this.alive);
    return this.#moved(this.#disk.write(data, this.#position, this.#moving(done), this.alive));
  }

  flush(done: Completion): number {
    this.#check(true, 0);
    return this.#disk.flush(done, this.alive);
  }

  close(): void {
    this.#open = false;
  }

  #moving(done: Completion): Completion {
    return (error, moved) => {
      this.#moved(moved);
      done(error, moved);
    };
  }

  #moved(moved: number): number {
    if (moved > 0) this.#position += moved;
    return moved;
  }

  /** EBADF: closed, or not open for this. EINVAL: no offset. */
  #check(allowed: boolean, off: number): void {
    if (!this.#open || !allowed) throw ERR.EBADF;
    if (!Number.isSafeInteger(off) || off < -1) throw ERR.EINVAL;
  }
}

const always = (): boolean => true;
