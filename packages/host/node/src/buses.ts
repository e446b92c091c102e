/**
 * Node's half of shmif: buses in memory, of this thread or shared with other Workers, and bus files.
 *
 * A name without a slash is a bus in memory, known to all hosts of this thread. shareBus() gives its memory, which a Worker joins under a name of its own.
 */
import { BELL_LEN, type BusEnd, type BusWatch, type Half, type MemoryBus, MemoryBuses, halfOf } from '@anykernel/lib-hostkit';
import { type Bell, Belfry } from './bell.js';
import { openBusFile } from './busfile.js';

/** The names are those of the thread, as file names are those of the machine. */
const buses = new MemoryBuses((fn) => setImmediate(fn));

/** What @anykernel/shmif asks for. */
const impl = {
  open: (name: string): BusEnd => (name.includes('/') ? openBusFile(name) : buses.open(name)),
};

export const shmifHalf: Half = halfOf({ name: 'shmif', revision: 1 }, impl);

/** The memory of bus `name`, for joinBus() in other threads. The bus is there, and shared, until nobody of this thread is on it. */
export function shareBus(name: string): SharedArrayBuffer {
  const bus = buses.find(name) ?? buses.add(name, new SharedArrayBuffer(buses.len + BELL_LEN));
  bus.watch ??= new Shared(bus);
  return bus.buffer as SharedArrayBuffer;
}

/** Knows the bus of another thread as `name` in this one. An Error: there is one of that name already, or the memory is none of shareBus(). */
export function joinBus(name: string, memory: SharedArrayBuffer): void {
  if (buses.find(name) !== undefined) throw new Error(`bus ${name} is there already`);
  if (memory.byteLength !== buses.len + BELL_LEN) throw new Error('this is not the memory of a bus');
  const bus = buses.add(name, memory);
  bus.watch = new Shared(bus);
}

/** Lets the thread end although an interface of its is on the shared bus `name`, which otherwise keeps it alive. An Error: there is no such bus. */
export function unrefBus(name: string): void {
  sharedBus(name).refer(false);
}

/** Keeps the thread alive again while an interface of its is on the shared bus `name`. An Error: there is no such bus. */
export function refBus(name: string): void {
  sharedBus(name).refer(true);
}

function sharedBus(name: string): Shared {
  const watch = buses.find(name)?.watch;
  if (watch === undefined) throw new Error(`there is no shared bus ${name}`);
  return watch as Shared;
}

/** All shared buses of the thread. */
const belfry = new Belfry();

/** The longest time that a timer takes, in milliseconds: one that only keeps the thread alive. */
const FOREVER_MS = 0x7fffffff;

/** Passes rings on to the other threads, and theirs to the members here, who keep this thread alive meanwhile. */
class Shared implements BusWatch {
  readonly #bell: Bell;
  #refed = true;
  #holder: NodeJS.Timeout | undefined;

  constructor(readonly bus: MemoryBus) {
    this.#bell = belfry.add(new Int32Array(bus.buffer, bus.memory.length, BELL_LEN / 4), () => bus.deliver());
    this.#hold();
  }

  rung(): void {
    belfry.ring(this.#bell);
  }

  changed(): void {
    if (this.bus.count === 0) belfry.remove(this.#bell);
    this.#hold();
  }

  refer(on: boolean): void {
    this.#refed = on;
    this.#hold();
  }

  #hold(): void {
    if (this.#refed && this.bus.count > 0) this.#holder ??= setInterval(() => undefined, FOREVER_MS);
    else {
      clearInterval(this.#holder);
      this.#holder = undefined;
    }
  }
}
