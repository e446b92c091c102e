/**
 * A simulation: one seed, one virtual time, and the hosts and disks in it.
 *
 * Time moves only by advance(), step(), runUntilIdle() and settle(), and it jumps from event to event: alarms and ends of transfers happen in the order
 * of their times, and at one time in the order in which they were asked for. So a run is a function of the seed and of what the test does.
 */
import { type Half, MemoryBuses, halfOf } from '@anykernel/lib-hostkit';
import { SimDisk, type DiskOptions } from './disk.js';
import { EventQueue, type SimEvent } from './events.js';
import { SimHost, type SimHostOptions } from './host.js';
import { Rng, deriveSeed } from './rng.js';

export interface SimOptions {
  /** Decides everything that could be otherwise. 1 when it is not given. */
  readonly seed?: number;
  /** Wall time at the beginning, seconds since 1970; 2020-01-01 00:00:00 UTC otherwise. */
  readonly epochSec?: number;
  /** What files that hosts make are like: whether transfers end later, and after how long. They end at once otherwise. false: EROFS. */
  readonly files?: FileOptions | false;
}

export type FileOptions = Pick<DiskOptions, 'sync' | 'latencyNs'>;

/** How much may happen before a run is taken for one that does not end. */
export interface RunOptions {
  readonly maxEvents?: number;
}

/** From the ring of a bus to the others on it. */
const BUS_LATENCY_NS = 1000;
const BUS_LEN = 1 << 20;

const EPOCH_SEC = 1_577_836_800;
const MAX_EVENTS = 1_000_000;

export class Sim {
  readonly seed: number;
  readonly epochSec: number;
  /** For tests: what they draw is part of the run. */
  readonly rng: Rng;
  /** The files and disks of all hosts: one name space. */
  readonly disks: Map<string, SimDisk> = new Map();
  readonly hosts: SimHost[] = [];
  readonly files: FileOptions | false;
  /** The buses of all hosts: one name space, too. */
  readonly buses: MemoryBuses = new MemoryBuses((fn) => void this.at(this.#now + BUS_LATENCY_NS, fn), BUS_LEN);
  /** Halves of drivers that every host has. */
  readonly halves: readonly Half[] = [halfOf({ name: 'shmif', revision: 1 }, { open: (name: string) => this.buses.open(name) })];
  readonly #queue: EventQueue = new EventQueue();
  #now = 0;

  constructor(options: SimOptions = {}) {
    this.seed = options.seed ?? 1;
    this.epochSec = options.epochSec ?? EPOCH_SEC;
    this.files = options.files ?? {};
    this.rng = new Rng(this.seed);
  }

  /** Nanoseconds since the beginning. */
  get now(): number {
    return this.#now;
  }

  /** A host for one kernel or several. */
  host(options: SimHostOptions = {}): SimHost {
    const host = new SimHost(this, this.hosts.length, options);
    this.hosts.push(host);
    return host;
  }

  /** A RAM disk (or file) which every host opens by its name; in place of one that had the name. */
  disk(name: string, options: DiskOptions): SimDisk {
    const disk = new SimDisk(this, name, options);
    this.disks.set(name, disk);
    return disk;
  }

  /** A seed of its own for a part of the run. */
  seedFor(...parts: readonly (string | number)[]): number {
    return deriveSeed(this.seed, ...parts);
  }

  /** An event at time `at`, now at the earliest; `hold`: the simulation is not idle before it. */
  at(at: number, fn: () => void, hold = true): SimEvent {
    return this.#queue.add(at > this.#now ? at : this.#now, fn, hold);
  }

  cancel(event: SimEvent): void {
    this.#queue.remove(event);
  }

  /** Moves time on by `ns`, with all that happens meanwhile. Returns how many events that were. */
  advance(ns: number, options: RunOptions = {}): number {
    const end = this.#now + ns;
    const count = this.#runWhile(() => (this.#queue.peek()?.at ?? Infinity) <= end, options);
    this.#reach(end);
    return count;
  }

  /** Moves time on to the next event, which happens. false: there is none. */
  step(): boolean {
    const event = this.#queue.shift();
    if (event === undefined) return false;
    this.#reach(event.at);
    event.fn();
    return true;
  }

  /** Time does not go back: an event may have moved it on itself. */
  #reach(at: number): void {
    if (at > this.#now) this.#now = at;
  }

  /** Runs until nothing is left that holds. An alarm that need not ring (a syncer's) may remain. Returns how many events that were. */
  runUntilIdle(options: RunOptions = {}): number {
    return this.#runWhile(() => this.#queue.held > 0, options);
  }

  /**
   * Runs until `promise` is settled, and is what it is: for code which awaits the kernel's calls. Between events everything that awaits goes on.
   * An Error if nothing is left to happen, or more than `maxEvents` did.
   */
  async settle<T>(promise: Promise<T>, options: RunOptions = {}): Promise<T> {
    const maxEvents = options.maxEvents ?? MAX_EVENTS;
    let settled = false;
    const note = (): void => void (settled = true);
    promise.then(note, note);
    await turn();
    for (let count = 0; !settled; count++) {
      if (count === maxEvents) throw this.#endless(maxEvents);
      if (!this.step())
        throw new Error(`simulation with seed ${this.seed}: nothing is left to happen at ${this.#now} ns, and something waits`);
      await turn();
    }
    return promise;
  }

  #endless(maxEvents: number): Error {
    return new Error(`simulation with seed ${this.seed}: more than ${maxEvents} events, at ${this.#now} ns`);
  }

  #runWhile(more: () => boolean, options: RunOptions): number {
    const maxEvents = options.maxEvents ?? MAX_EVENTS;
    let count = 0;
    while (more()) {
      if (count === maxEvents) throw this.#endless(maxEvents);
      this.step();
      count++;
    }
    return count;
  }
}

/** A host in a simulation of its own: `host.sim` moves its time. */
export function hostSim(options: SimOptions & SimHostOptions = {}): SimHost {
  return new Sim(options).host(options);
}

/** Everything that awaits goes on as far as it can. Takes no virtual time. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    if (typeof setImmediate === 'function') setImmediate(resolve);
    else setTimeout(resolve, 0);
  });
}
