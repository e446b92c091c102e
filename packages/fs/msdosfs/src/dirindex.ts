/**
 * The names of a directory in memory, and which of its entries are free: made when the directory is first used, kept right through changes, and
 * given up, the one that was used longest ago first, when there are too many of them or memory is short.
 */
import type { Kernel } from '@anykernel/rumpkern';

/** What a name takes in memory, about. */
const NAME_BYTES = 96;
/** Bytes of all tables of a volume. */
const BYTES_MAX = 32 << 20;
/** Of the numbers that names stand for: bits for the entries of a long name before the short one. */
const LONGS_SHIFT = 5;

/** Where an entry is: its place in the directory, and how many entries of a long name stand before it, in one number. */
export function packPlace(slot: number, longs: number): number {
  return (slot << LONGS_SHIFT) | longs;
}
export function slotOf(packed: number): number {
  return packed >> LONGS_SHIFT;
}
export function longsOf(packed: number): number {
  return packed & ((1 << LONGS_SHIFT) - 1);
}

export class DirIndex {
  /** Names in capitals, long and short ones, and where their entries are. */
  readonly names = new Map<string, number>();
  /** Clusters of the directory; empty for the root of FAT12 and FAT16. */
  readonly clusters: number[];
  /** 1 for each entry in use. */
  used: Uint8Array;
  /** Entries that the directory has room for. */
  slots: number;
  /** No entry before this one is free. */
  hint = 0;
  /** From this one on, none was ever used. */
  end = 0;
  /** Files in it. */
  count = 0;
  /** Two entries have one name: the table cannot be kept right when one of them goes. */
  doubled = false;
  /** Counted against the kernel's memory. */
  bytes = 0;
  /** When it was used last, in uses of all tables. */
  lastUse = 0;

  constructor(
    clusters: number[],
    slots: number,
    readonly forget: () => void,
  ) {
    this.clusters = clusters;
    this.slots = slots;
    this.used = new Uint8Array(slots);
  }

  /** The first of `count` free entries that stand together; -1: there are none. */
  findFree(count: number): number {
    const { used, slots } = this;
    while (this.hint < slots && used[this.hint] !== 0) this.hint++;
    let run = 0;
    for (let i = this.hint; i < slots; i++) {
      run = used[i] === 0 ? run + 1 : 0;
      if (run === count) return i - count + 1;
    }
    return -1;
  }

  /** Free entries at the very end. */
  get tail(): number {
    let n = 0;
    while (n < this.slots && this.used[this.slots - 1 - n] === 0) n++;
    return n;
  }

  mark(first: number, count: number, inUse: boolean): void {
    this.used.fill(inUse ? 1 : 0, first, first + count);
    if (!inUse && first < this.hint) this.hint = first;
  }

  /** Adds a name, unless another entry has it. */
  add(name: string, packed: number): void {
    if (this.names.has(name)) this.doubled = true;
    else this.names.set(name, packed);
  }

  remove(name: string, packed: number): void {
    if (this.names.get(name) === packed) this.names.delete(name);
  }

  /** The directory has grown, or shrunk back. */
  resize(slots: number): void {
    if (slots > this.used.length) {
      const used = new Uint8Array(Math.max(slots, this.used.length * 2));
      used.set(this.used);
      this.used = used;
    }
    this.slots = slots;
    this.end = Math.min(this.end, slots);
  }

  get weight(): number {
    return this.used.length + this.clusters.length * 8 + this.names.size * NAME_BYTES;
  }
}

/** All tables of one volume. */
export class Indexes {
  readonly #k: Kernel;
  readonly #all = new Set<DirIndex>();
  #bytes = 0;
  #uses = 0;
  #busy: DirIndex | undefined;
  readonly #unregister: () => void;

  constructor(k: Kernel) {
    this.#k = k;
    this.#unregister = k.mem.onPressure((bytes) => this.#give(this.#bytes - bytes));
  }

  /** A table has been filled, or has grown: it counts. ENOMEM. */
  count(index: DirIndex): void {
    this.#all.add(index);
    this.renew(index);
    const more = index.weight - index.bytes;
    this.#busy = index;
    try {
      // An eighth at once, so that not every new table brings a search for the oldest.
      if (this.#bytes + more > BYTES_MAX) this.#give(BYTES_MAX * 0.875 - more);
      this.#k.mem.charge(more);
    } finally {
      this.#busy = undefined;
    }
    index.bytes += more;
    this.#bytes += more;
  }

  renew(index: DirIndex): void {
    index.lastUse = ++this.#uses;
  }

  drop(index: DirIndex): void {
    if (!this.#all.delete(index)) return;
    this.#k.mem.uncharge(index.bytes);
    this.#bytes -= index.bytes;
    index.bytes = 0;
    index.forget();
  }

  /** The volume is unmounted. */
  close(): void {
    this.#unregister();
    for (const index of [...this.#all]) this.drop(index);
  }

  #give(goal: number): void {
    if (this.#bytes <= goal) return;
    for (const index of [...this.#all].sort((a, b) => a.lastUse - b.lastUse)) {
      if (this.#bytes <= goal) return;
      if (index !== this.#busy) this.drop(index);
    }
  }
}
