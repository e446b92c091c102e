/**
 * Node's half of shmif: buses in memory, of this thread or shared with other Workers, and bus files.
 *
 * A name without a slash is a bus in memory, known to all hosts of this thread. shareBus() gives its memory, which a Worker joins under a name of its own.
 */
import { type BusEnd, type Half, type MemoryBus, MemoryBuses, halfOf } from '@anykernel/lib-hostkit';
import { openBusFile } from './busfile.js';
import { waitAsync } from './waitasync.js';

/** The names are those of the thread, as file names are those of the machine. */
const buses = new MemoryBuses((fn) => setImmediate(fn));

/** What @anykernel/shmif asks for. */
const impl = {
  open: (name: string): BusEnd => (name.includes('/') ? openBusFile(name) : buses.open(name)),
};

export const shmifHalf: Half = halfOf({ name: 'shmif', revision: 1 }, impl);

/** Words of the memory of a shared bus: the spare one of its header counts the rings. */
const BELL = 7;
/** Milliseconds after the last ring during which a thread looks at each turn of its event loop, and waits for nothing. */
const WATCH_MS = 0.3;

/** The memory of bus `name`, for joinBus() in other threads. The bus is there, and shared, until nobody of this thread is on it. */
export function shareBus(name: string): SharedArrayBuffer {
  const bus = buses.find(name) ?? buses.add(name, new SharedArrayBuffer(buses.len));
  return watch(bus);
}

/** Knows the bus of another thread as `name` in this one. An Error: there is one of that name already. */
export function joinBus(name: string, memory: SharedArrayBuffer): void {
  if (buses.find(name) !== undefined) throw new Error(`bus ${name} is there already`);
  watch(buses.add(name, memory));
}

/** Passes rings on to the other threads, and theirs to the members here. */
function watch(bus: MemoryBus): SharedArrayBuffer {
  if (bus.onRing !== undefined) return bus.buffer as SharedArrayBuffer;
  const words = new Int32Array(bus.buffer);
  let seen = words[BELL];
  let ringAt = 0;
  bus.onRing = () => {
    if (Atomics.add(words, BELL, 1) === seen) seen = (seen + 1) | 0;
    Atomics.notify(words, BELL);
  };
  let joined = false;
  const look = (): void => {
    const now = Atomics.load(words, BELL);
    if (now !== seen) {
      seen = now;
      ringAt = performance.now();
      bus.ring();
    }
    joined ||= bus.count > 0;
    if (joined && bus.count === 0) return;
    if (performance.now() - ringAt < WATCH_MS) {
      setImmediate(look);
      return;
    }
    const wait = waitAsync(words, BELL, seen);
    if (wait.async) void wait.value.then(look);
    else setImmediate(look);
  };
  look();
  return bus.buffer as SharedArrayBuffer;
}
