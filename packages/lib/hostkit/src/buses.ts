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

export class MemoryBus {
  readonly memory: Uint8Array;
  readonly #ends = new Set<End>();
  /** Members elsewhere are told, too. */
  onRing: (() => void) | undefined;

  constructor(
    readonly buffer: ArrayBufferLike,
    readonly defer: (fn: () => void) => void,
    readonly onEmpty: () => void,
  ) {
    this.memory = new Uint8Array(buffer);
  }

  /** Members. */
  get count(): number {
    return this.#ends.size;
  }

  join(): BusEnd {
    const end = new End(this);
    this.#ends.add(end);
    return end;
  }

  leave(end: End): void {
    if (this.#ends.delete(end) && this.#ends.size === 0) this.onEmpty();
  }

  /** Tells all members but `by`. */
  ring(by?: End): void {
    for (const end of this.#ends) if (end !== by) end.tell();
    if (by !== undefined) this.onRing?.();
  }
}

class End implements BusEnd {
  readonly native = true;
  #fn: (() => void) | undefined;
  #told = false;
  readonly #call = (): void => {
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
    this.bus.defer(this.#call);
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
    return (this.#byName.get(name) ?? this.add(name, new SharedArrayBuffer(this.len))).join();
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
