/**
 * Buses in memory: what kernels on one host share by name, for their network interfaces.
 *
 * The memory belongs to the drivers. A ring tells the other members of the same bus, not at once but when the platform's turn comes.
 */

/** One member's end of a bus. */
export interface BusEnd {
  readonly memory: Uint8Array;
  /** Kernels alone are on it. */
  readonly native: boolean;
  ring(): void;
  listen(fn: () => void): void;
  close(): void;
}

/** Bytes of a bus. */
export const MEMORY_BUS_LEN = 4 << 20;
/** Bytes behind it, a cache line of their own, which are for a bell between threads. */
export const BELL_LEN = 64;

/** Who is told of what happens to a bus here. */
export interface BusWatch {
  /** A member here has rung: members elsewhere are told, too. */
  rung(): void;
  /** Somebody here has joined, or left. */
  changed(): void;
}

export class MemoryBus {
  readonly memory: Uint8Array;
  readonly #ends = new Set<End>();
  /** Of a bus that is shared with other threads. */
  watch: BusWatch | undefined;

  constructor(
    /** The bus, and BELL_LEN bytes. */
    readonly buffer: ArrayBufferLike,
    readonly defer: (fn: () => void) => void,
    readonly onEmpty: () => void,
  ) {
    this.memory = new Uint8Array(buffer, 0, buffer.byteLength - BELL_LEN);
  }

  /** Members. */
  get count(): number {
    return this.#ends.size;
  }

  join(): BusEnd {
    const end = new End(this);
    this.#ends.add(end);
    this.watch?.changed();
    return end;
  }

  leave(end: End): void {
    if (!this.#ends.delete(end)) return;
    if (this.#ends.size === 0) this.onEmpty();
    this.watch?.changed();
  }

  /** Tells all members but `by`. */
  ring(by: End): void {
    if (this.#ends.size > 1) for (const end of this.#ends) if (end !== by) end.tell();
    this.watch?.rung();
  }

  /** Calls all members, from the event loop: somebody elsewhere has rung. */
  deliver(): void {
    for (const end of this.#ends) end.call();
  }
}

class End implements BusEnd {
  readonly native = true;
  #fn: (() => void) | undefined;
  #told = false;
  readonly call = (): void => {
    this.#told = false;
    this.#fn?.();
  };

  constructor(readonly bus: MemoryBus) {}

  get memory(): Uint8Array {
    return this.bus.memory;
  }

  ring(): void {
    this.bus.ring(this);
  }

  listen(fn: () => void): void {
    this.#fn = fn;
  }

  tell(): void {
    if (this.#told) return;
    this.#told = true;
    this.bus.defer(this.call);
  }

  close(): void {
    this.#fn = undefined;
    this.bus.leave(this);
  }
}

/** The buses of one host, by name: there while somebody is on them. */
export class MemoryBuses {
  readonly #byName = new Map<string, MemoryBus>();

  constructor(
    /** Calls a function from the event loop, soon. */
    readonly defer: (fn: () => void) => void,
    readonly len: number = MEMORY_BUS_LEN,
  ) {}

  open(name: string): BusEnd {
    return (this.#byName.get(name) ?? this.add(name, new SharedArrayBuffer(this.len + BELL_LEN))).join();
  }

  find(name: string): MemoryBus | undefined {
    return this.#byName.get(name);
  }

  /** A bus on memory that is there already. */
  add(name: string, buffer: ArrayBufferLike): MemoryBus {
    const bus = new MemoryBus(buffer, this.defer, () => this.#byName.delete(name));
    this.#byName.set(name, bus);
    return bus;
  }
}
