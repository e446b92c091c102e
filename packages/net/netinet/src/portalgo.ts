/**
 * Ports that the kernel chooses (RFC 6056): the algorithms, of which sysctl net.inet.ip.anonportalgo.selected names one.
 *
 * Each goes through the range in an order of its own until a port will do; what differs is how well a stranger foresees the next one, and how
 * soon a port comes again.
 */
import { addrsInto, type Ends } from './flow.js';
import type { Rand } from './rand.js';
import type { SipHash } from './siphash.js';

/** Algorithm 1 and 2 of the RFC are random_start and random_pick, 3 hash, 4 doublehash, 5 randinc. */
export const PORT_ALGOS = ['bsd', 'random_start', 'random_pick', 'hash', 'doublehash', 'randinc'] as const;
export type PortAlgo = (typeof PORT_ALGOS)[number];

/** RFC 6056 3.3.4: entries of the table of counters, and 3.3.5: the largest step of randinc. */
const TABLE_LEN = 256;
const RANDINC_STEP = 500;

export class PortChooser {
  readonly #rand: Rand;
  readonly #secret: SipHash;
  readonly #words = new Int32Array(11);
  readonly #counters = new Uint16Array(TABLE_LEN);
  #next = 0;

  constructor(rand: Rand, secret: SipHash) {
    this.#rand = rand;
    this.#secret = secret;
    for (let i = 0; i < TABLE_LEN; i++) this.#counters[i] = rand.below(65536);
    this.#next = rand.below(65536);
  }

  /** A port of min..max that `free` accepts; 0: there is none. */
  choose(algo: PortAlgo, ends: Ends, min: number, max: number, free: (port: number) => boolean): number {
    const count = max - min + 1;
    switch (algo) {
      case 'bsd':
        return this.#sequence(min, count, this.#next, -1, free);
      case 'random_start':
        return this.#sequence(min, count, this.#rand.below(count), 1, free);
      case 'random_pick':
        return this.#picks(min, count, free);
      case 'hash':
        return this.#sequence(min, count, (this.#hash(ends, 1) >>> 0) + this.#next, 1, free);
      case 'doublehash':
        return this.#doubleHash(ends, min, count, free);
      case 'randinc':
        return this.#sequence(min, count, this.#next + 1 + this.#rand.below(RANDINC_STEP), 1, free);
    }
  }

  #sequence(min: number, count: number, start: number, step: number, free: (port: number) => boolean): number {
    let offset = start % count;
    for (let tries = 0; tries < count; tries++) {
      offset = (offset + step + count) % count;
      if (!free(min + offset)) continue;
      this.#next = offset;
      return min + offset;
    }
    return 0;
  }

  /** Random ones, and if too many were taken, one after another. */
  #picks(min: number, count: number, free: (port: number) => boolean): number {
    for (let tries = 0; tries < 32; tries++) {
      const port = min + this.#rand.below(count);
      if (free(port)) return port;
    }
    return this.#sequence(min, count, this.#rand.below(count), 1, free);
  }

  #doubleHash(ends: Ends, min: number, count: number, free: (port: number) => boolean): number {
    const offset = this.#hash(ends, 1) >>> 0;
    const index = this.#hash(ends, 2) & (TABLE_LEN - 1);
    for (let tries = 0; tries < count; tries++) {
      const port = min + ((offset + this.#counters[index]!++) % count);
      if (free(port)) return port;
    }
    return 0;
  }

  /** Of the peer, and of our address. */
  #hash(e: Ends, salt: number): number {
    const w = this.#words;
    addrsInto(w, e);
    w[8] = e.fport;
    w[9] = salt;
    return this.#secret.hash(w, 10);
  }
}
