/**
 * The table of a transport protocol's control blocks: whose is a packet, and who has a port.
 *
 * Connections are found by a hash of both ends; who has no peer, by his port. A port knows all that have it, for bind(), and apart from them those
 * without a peer, so that a hundred thousand connections of one server cost a lookup nothing.
 */
import type { Ends } from './flow.js';
import { localAny, sameForeign, sameLocal, V4MAPPED } from './flow.js';
import { INP_CONNECTED, type Inpcb } from './inpcb.js';

/** A port in use. */
export class Port {
  /** All control blocks that have it. */
  first: Inpcb | undefined = undefined;
  /** Those without a peer. */
  unconnected: Inpcb | undefined = undefined;
  /** How many were bound by name: not by connect(), nor accepted. */
  constructor(readonly port: number) {}
}

const START = 64;
const { imul } = Math;

export class PcbTable {
  readonly ports: Map<number, Port> = new Map<number, Port>();
  /** All of them, the newest first. */
  first: Inpcb | undefined = undefined;
  count = 0;
  #buckets: (Inpcb | undefined)[] = new Array<Inpcb | undefined>(START).fill(undefined);
  #connected = 0;
  readonly #seed: number;

  /** `seed`: chains that nobody can aim at. */
  constructor(seed: number) {
    this.#seed = seed | 0;
  }

  /** Puts a new one in. */
  add(inp: Inpcb): void {
    inp.anext = this.first;
    if (this.first !== undefined) this.first.aprev = inp;
    this.first = inp;
    this.count++;
  }

  /** Takes it out, with its connection and port. */
  remove(inp: Inpcb): void {
    this.disconnect(inp);
    this.unbind(inp);
    if (inp.aprev === undefined) this.first = inp.anext;
    else inp.aprev.anext = inp.anext;
    if (inp.anext !== undefined) inp.anext.aprev = inp.aprev;
    inp.anext = inp.aprev = undefined;
    this.count--;
  }

  // -- ports

  /** Gives it a port; its local address is set. */
  bind(inp: Inpcb, number: number): void {
    let port = this.ports.get(number);
    if (port === undefined) this.ports.set(number, (port = new Port(number)));
    inp.port = port;
    inp.lport = number;
    inp.pnext = port.first;
    inp.pprev = undefined;
    if (port.first !== undefined) port.first.pprev = inp;
    port.first = inp;
    inp.hnext = port.unconnected;
    port.unconnected = inp;
  }

  unbind(inp: Inpcb): void {
    const port = inp.port;
    if (port === undefined) return;
    this.#leaveUnconnected(inp, port);
    if (inp.pprev === undefined) port.first = inp.pnext;
    else inp.pprev.pnext = inp.pnext;
    if (inp.pnext !== undefined) inp.pnext.pprev = inp.pprev;
    inp.pnext = inp.pprev = undefined;
    inp.port = undefined;
    inp.lport = 0;
    if (port.first === undefined) this.ports.delete(port.port);
  }

  #leaveUnconnected(inp: Inpcb, port: Port): void {
    if ((inp.flags & INP_CONNECTED) !== 0) return;
    if (port.unconnected === inp) port.unconnected = inp.hnext;
    else {
      for (let p = port.unconnected; p !== undefined; p = p.hnext) {
        if (p.hnext !== inp) continue;
        p.hnext = inp.hnext;
        break;
      }
    }
    inp.hnext = undefined;
  }

  // -- connections

  /** Its ends are complete, and it has its port: from now on it takes packets of its peer alone. */
  connect(inp: Inpcb): void {
    const port = inp.port;
    if (port !== undefined) this.#leaveUnconnected(inp, port);
    inp.flags |= INP_CONNECTED;
    if (this.#connected++ >= this.#buckets.length) this.#grow();
    const at = this.#bucketOf(inp);
    inp.hnext = this.#buckets[at];
    this.#buckets[at] = inp;
  }

  /** Its peer is gone; the port stays its own. */
  disconnect(inp: Inpcb): void {
    if ((inp.flags & INP_CONNECTED) === 0) return;
    const at = this.#bucketOf(inp);
    if (this.#buckets[at] === inp) this.#buckets[at] = inp.hnext;
    else {
      for (let p = this.#buckets[at]; p !== undefined; p = p.hnext) {
        if (p.hnext !== inp) continue;
        p.hnext = inp.hnext;
        break;
      }
    }
    inp.hnext = undefined;
    inp.flags &= ~INP_CONNECTED;
    this.#connected--;
    const port = inp.port;
    if (port === undefined) return;
    inp.hnext = port.unconnected;
    port.unconnected = inp;
  }

  #grow(): void {
    const old = this.#buckets;
    this.#buckets = new Array<Inpcb | undefined>(old.length * 2).fill(undefined);
    for (const head of old) {
      for (let inp = head; inp !== undefined; ) {
        const next: Inpcb | undefined = inp.hnext;
        const at = this.#bucketOf(inp);
        inp.hnext = this.#buckets[at];
        this.#buckets[at] = inp;
        inp = next;
      }
    }
  }

  #bucketOf(e: Ends): number {
    return hashEnds(this.#seed, e) & (this.#buckets.length - 1);
  }

  // -- whose is it

  /** The connection with these ends. */
  lookup(e: Ends): Inpcb | undefined {
    for (let inp = this.#buckets[this.#bucketOf(e)]; inp !== undefined; inp = inp.hnext) {
      if (inp.fport === e.fport && inp.lport === e.lport && inp.f3 === e.f3 && inp.l3 === e.l3 && sameForeign(inp, e) && sameLocal(inp, e))
        return inp;
    }
    return undefined;
  }

  /** Who waits on the local port without a peer, and takes packets of family `bit`: bound to this very address, or to none. */
  lookupBound(e: Ends, bit: number): Inpcb | undefined {
    const port = this.ports.get(e.lport);
    if (port === undefined) return undefined;
    let any: Inpcb | undefined;
    for (let inp = port.unconnected; inp !== undefined; inp = inp.hnext) {
      if ((inp.takes & bit) === 0) continue;
      if (localAny(inp)) any = better(any, inp);
      else if (sameLocal(inp, e)) return inp;
    }
    return any;
  }
}

/** A hash of both ends, in which the secret is mixed before each word that a stranger can choose. Our own address is few: its last word does. */
export function hashEnds(seed: number, e: Ends): number {
  let h = seed ^ e.f3;
  h = imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ ((e.lport << 16) | e.fport);
  h = imul(h ^ (h >>> 12), 0x297a2d39) ^ e.l3;
  if (e.f2 !== V4MAPPED || (e.f0 | e.f1) !== 0) {
    h = imul(h ^ (h >>> 15), 0x2c1b3c6d) ^ e.f2;
    h = imul(h ^ (h >>> 12), 0x297a2d39) ^ e.f1;
    h = imul(h ^ (h >>> 15), 0xc2b2ae35) ^ e.f0;
  }
  h = imul(h ^ (h >>> 15), 0x85ebca6b);
  return h ^ (h >>> 13);
}

/** Of two that are bound to no address, the one that takes this family alone. */
function better(a: Inpcb | undefined, b: Inpcb): Inpcb {
  return a !== undefined && a.takes <= b.takes ? a : b;
}
