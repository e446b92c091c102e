/**
 * Neighbours: the link addresses of those on a link, and whether they still answer (RFC 4861 7.3; ARP follows the same states, as RFC 1122 2.3.2 permits).
 *
 * incomplete: asked for, packets wait. reachable: has answered of late. stale: has not, and nobody has needed it. delay, probe: somebody does, and it is
 * asked again. failed: it has not answered, and packets for it are refused for a while. permanent: set by hand.
 */
import { getU32le } from '@anykernel/lib-bytes';
import { Callout, type Kernel } from '@anykernel/rumpkern';
import { type Mbuf, type Mbufs, Pktq } from '@anykernel/rumpnet';
import type { Ifnet } from './ifnet.js';
import { Nexthop } from './nexthop.js';

export type NeighbourState = 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'failed' | 'permanent';

/** Times that may be another for each interface, milliseconds. */
export interface NeighbourTimes {
  /** For how long an answer is good. */
  readonly reachableMs: number;
  /** Between questions. */
  readonly retransMs: number;
}

/** Milliseconds and counts. */
export interface NeighbourConf {
  /** For how long an answer is good. */
  reachableMs: number;
  /** For how long one that is not needed is kept after that. */
  gcMs: number;
  /** Between first need and the first question, of a stale one. */
  delayMs: number;
  /** Between questions. */
  retransMs: number;
  /** Questions to everybody, and to the neighbour itself. */
  maxMulticast: number;
  maxUnicast: number;
  /** For how long one that does not answer is refused. */
  downMs: number;
}

/** Packets that wait for one neighbour: enough for the pieces of the largest datagram (RFC 4861 7.2.2 asks for one). */
const HOLD_MAX = 64;
/** Packets that wait for all neighbours of a family together: who asks for many that are not there gets no more of the memory. */
const HELD_MAX = 1024;
/** Neighbours of one family: what strangers can make us remember has a limit. */
const NEIGHBOURS_MAX = 4096;
/** How many are looked at for one that can go. */
const EVICT_LOOK = 32;
const MS = 1e6;

export class Neighbour {
  lladdr: Uint8Array | undefined = undefined;
  state: NeighbourState = 'incomplete';
  /** It says that it is a router (IPv6). */
  router = false;
  /** We answer for it. */
  published = false;
  /** Questions since it last answered. */
  asked = 0;
  readonly hold: Pktq = new Pktq(HOLD_MAX);
  readonly timer: Callout;
  /** The next one with the same hash. */
  next: Neighbour | undefined = undefined;

  constructor(
    readonly cache: Neighbours,
    readonly ifp: Ifnet,
    readonly addr: Nexthop,
  ) {
    this.timer = new Callout(cache.k, () => cache.expired(this));
  }
}

/** What a protocol does for its neighbours. */
export interface NeighbourProtocol {
  readonly family: number;
  /** Asks for a neighbour's link address: everybody on the link, or itself where it was. */
  solicit(n: Neighbour, unicast: boolean): void;
  /** It has not answered: the sender of this packet is told. Owns `m`. */
  unreachable(n: Neighbour, m: Mbuf): void;
  /** The times of an interface; without this they are those of all. */
  times?(ifp: Ifnet): NeighbourTimes;
}

export class Neighbours {
  readonly k: Kernel;
  readonly mbufs: Mbufs;
  /** Neighbours in it. */
  count = 0;
  /** Packets that wait. */
  held = 0;
  readonly #byHash = new Map<number, Neighbour>();
  /** Strangers choose addresses, but not who shares a chain. */
  readonly #seed: number;
  /** The one that was asked for last. */
  #last: Neighbour | undefined;

  constructor(
    k: Kernel,
    mbufs: Mbufs,
    readonly protocol: NeighbourProtocol,
    readonly conf: NeighbourConf,
  ) {
    this.k = k;
    this.mbufs = mbufs;
    const seed = new Uint8Array(4);
    k.host.getrandom(seed);
    this.#seed = getU32le(seed, 0);
  }

  /** The link address to which a packet for `nh` goes; undefined: the packet waits, or has been refused. */
  resolve(ifp: Ifnet, m: Mbuf, nh: Nexthop): Uint8Array | undefined {
    const last = this.#last;
    const n = last !== undefined && last.ifp === ifp && last.addr.equals(nh.w0, nh.w1, nh.w2, nh.w3) ? last : (this.find(ifp, nh) ?? this.#ask(ifp, nh));
    this.#last = n;
    switch (n.state) {
      case 'reachable':
      case 'delay':
      case 'probe':
      case 'permanent':
        return n.lladdr;
      case 'stale':
        this.#enter(n, 'delay', this.conf.delayMs);
        return n.lladdr;
      case 'incomplete':
        this.#wait(n, m);
        return undefined;
      case 'failed':
        this.protocol.unreachable(n, m);
        return undefined;
    }
  }

  find(ifp: Ifnet, nh: Nexthop): Neighbour | undefined {
    let n = this.#byHash.get(this.#hashOf(ifp, nh));
    while (n !== undefined && (n.ifp !== ifp || !n.addr.equals(nh.w0, nh.w1, nh.w2, nh.w3))) n = n.next;
    return n;
  }

  /** The neighbour of that address, new and incomplete if it was not there; nobody is asked. */
  create(ifp: Ifnet, nh: Nexthop): Neighbour {
    const have = this.find(ifp, nh);
    if (have !== undefined) return have;
    if (this.count >= NEIGHBOURS_MAX) this.#evict();
    const n = new Neighbour(this, ifp, new Nexthop().set(nh.family, nh.w0, nh.w1, nh.w2, nh.w3));
    const hash = this.#hashOf(ifp, nh);
    n.next = this.#byHash.get(hash);
    this.#byHash.set(hash, n);
    this.count++;
    return n;
  }

  #ask(ifp: Ifnet, nh: Nexthop): Neighbour {
    const n = this.create(ifp, nh);
    this.#solicit(n, false);
    return n;
  }

  #wait(n: Neighbour, m: Mbuf): void {
    // The oldest goes (RFC 4861 7.2.2), or where others have all the room, the new one.
    if (n.hold.len >= HOLD_MAX || this.held >= HELD_MAX) {
      const oldest = this.#unhold(n);
      if (oldest === undefined) {
        this.mbufs.free(m);
        return;
      }
      this.mbufs.free(oldest);
    }
    n.hold.enqueue(m);
    this.held++;
  }

  /** The packet that has waited longest. */
  #unhold(n: Neighbour): Mbuf | undefined {
    const m = n.hold.dequeue();
    if (m !== undefined) this.held--;
    return m;
  }

  #times(ifp: Ifnet): NeighbourTimes {
    return this.protocol.times?.(ifp) ?? this.conf;
  }

  #solicit(n: Neighbour, unicast: boolean): void {
    n.asked++;
    n.timer.schedule(this.#times(n.ifp).retransMs * MS);
    this.protocol.solicit(n, unicast);
  }

  #enter(n: Neighbour, state: NeighbourState, ms: number): void {
    n.state = state;
    if (ms === Infinity) n.timer.stop();
    else n.timer.schedule(ms * MS);
  }

  /** It has answered: `lladdr` is good from now on, and what waits goes. */
  reachable(n: Neighbour, lladdr: Uint8Array): void {
    n.lladdr = lladdr;
    n.asked = 0;
    this.#enter(n, 'reachable', this.#times(n.ifp).reachableMs);
    this.#release(n);
  }

  /** It has been heard of, without having been asked: its address is used, and asked about when it is needed. */
  stale(n: Neighbour, lladdr: Uint8Array): void {
    n.lladdr = lladdr;
    n.asked = 0;
    this.#enter(n, 'stale', this.conf.gcMs);
    this.#release(n);
  }

  /** Set by hand; `ms`: for how long. */
  permanent(n: Neighbour, lladdr: Uint8Array, ms: number = Infinity): void {
    n.lladdr = lladdr;
    if (ms === Infinity) this.#enter(n, 'permanent', Infinity);
    else this.#enter(n, 'stale', ms);
    this.#release(n);
  }

  /** What waits goes to where the neighbour is now. */
  #release(n: Neighbour): void {
    for (let m = this.#unhold(n); m !== undefined; m = this.#unhold(n)) n.ifp.output(n.ifp, m, n.addr);
  }

  /** A neighbour's time is over. */
  expired(n: Neighbour): void {
    switch (n.state) {
      case 'reachable':
        this.#enter(n, 'stale', this.conf.gcMs);
        return;
      case 'stale':
        this.remove(n);
        return;
      case 'delay':
        n.state = 'probe';
        this.#solicit(n, true);
        return;
      case 'probe':
        if (n.asked < this.conf.maxUnicast) this.#solicit(n, true);
        else this.remove(n);
        return;
      case 'incomplete':
        if (n.asked < this.conf.maxMulticast) this.#solicit(n, false);
        else this.#fail(n);
        return;
      case 'failed':
        this.remove(n);
        return;
      case 'permanent':
    }
  }

  #fail(n: Neighbour): void {
    this.#enter(n, 'failed', this.conf.downMs);
    for (let m = this.#unhold(n); m !== undefined; m = this.#unhold(n)) this.protocol.unreachable(n, m);
  }

  /** Forgets one, and what waits for it. */
  remove(n: Neighbour): void {
    const hash = this.#hashOf(n.ifp, n.addr);
    let before: Neighbour | undefined;
    let one = this.#byHash.get(hash);
    while (one !== undefined && one !== n) {
      before = one;
      one = one.next;
    }
    if (one === undefined) return;
    if (before !== undefined) before.next = n.next;
    else if (n.next !== undefined) this.#byHash.set(hash, n.next);
    else this.#byHash.delete(hash);
    this.count--;
    if (this.#last === n) this.#last = undefined;
    n.timer.stop();
    for (let m = this.#unhold(n); m !== undefined; m = this.#unhold(n)) this.mbufs.free(m);
  }

  /**
   * One of the oldest goes: one that has not answered, or was not needed of late, if there is one among them. Those that were set by hand stay, and move to the
   * end, where they are not in the way of the next time.
   */
  #evict(): void {
    let victim: Neighbour | undefined;
    let looked = 0;
    let left = this.#byHash.size;
    for (const [hash, first] of this.#byHash) {
      if (left-- === 0 || looked >= EVICT_LOOK) break;
      let goes: Neighbour | undefined;
      for (let n: Neighbour | undefined = first; n !== undefined; n = n.next) if (n.state !== 'permanent' && (goes === undefined || worth(n) < worth(goes))) goes = n;
      if (goes === undefined) {
        this.#byHash.delete(hash);
        this.#byHash.set(hash, first);
        continue;
      }
      looked++;
      if (victim === undefined || worth(goes) < worth(victim)) victim = goes;
      if (worth(victim) === 0) break;
    }
    if (victim !== undefined) this.remove(victim);
  }

  /** Forgets those of an interface, or all. */
  flush(ifp?: Ifnet): void {
    for (const n of this.list()) if (ifp === undefined || n.ifp === ifp) this.remove(n);
  }

  #hashOf(ifp: Ifnet, nh: Nexthop): number {
    return mix(mix(mix(mix(this.#seed ^ ifp.index, nh.w0), nh.w1), nh.w2), nh.w3);
  }

  list(): Neighbour[] {
    const all: Neighbour[] = [];
    for (const first of this.#byHash.values()) for (let n: Neighbour | undefined = first; n !== undefined; n = n.next) all.push(n);
    return all;
  }
}

/** Who is let go rather than others: the least first. */
function worth(n: Neighbour): number {
  return n.state === 'incomplete' || n.state === 'failed' ? 0 : n.state === 'stale' ? 1 : 2;
}

const { imul } = Math;

/** One more word in a hash. */
function mix(hash: number, word: number): number {
  const h = imul(hash ^ word, 0x85eb_ca6b);
  return imul(h ^ (h >>> 15), 0xc2b2_ae35) ^ (h >>> 13);
}
