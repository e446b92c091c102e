/**
 * The names of a directory in memory: made when it is first searched, and given up, the one that was used longest ago first, when there are too many
 * of them or memory is short.
 */
import type { Kernel } from '@anykernel/rumpkern';

/** What a name takes in memory, about; and bytes of all tables of a volume. */
const NAME_BYTES = 96;
const BYTES_MAX = 32 << 20;

export class DirIndex {
  /** Where in the directory the first record of each file is, by its name (folded, where case does not count). */
  readonly names = new Map<string, number>();
  /** Counted against the kernel's memory. */
  bytes = 0;
  constructor(readonly forget: () => void) {}
}

/** All tables of one volume. */
export class Indexes {
  readonly #k: Kernel;
  /** The one that was used longest ago first. */
  readonly #all = new Set<DirIndex>();
  #bytes = 0;
  readonly #unregister: () => void;

  constructor(k: Kernel) {
    this.#k = k;
    this.#unregister = k.mem.onPressure((bytes) => this.#give(this.#bytes - bytes));
  }

  /** Whether a table of so many names may be made. */
  fits(names: number): boolean {
    return names * NAME_BYTES <= BYTES_MAX / 2;
  }

  /** A table has been filled. ENOMEM. */
  add(index: DirIndex): void {
    const bytes = index.names.size * NAME_BYTES;
    this.#give(BYTES_MAX - bytes);
    this.#k.mem.charge(bytes);
    index.bytes = bytes;
    this.#bytes += bytes;
    this.#all.add(index);
  }

  renew(index: DirIndex): void {
    this.#all.delete(index);
    this.#all.add(index);
  }

  drop(index: DirIndex): void {
    if (!this.#all.delete(index)) return;
    this.#k.mem.uncharge(index.bytes);
    this.#bytes -= index.bytes;
    index.forget();
  }

  /** The volume is unmounted. */
  close(): void {
    this.#unregister();
    for (const index of [...this.#all]) this.drop(index);
  }

  #give(goal: number): void {
    for (const index of this.#all) {
      if (this.#bytes <= goal) return;
      this.drop(index);
    }
  }
}
