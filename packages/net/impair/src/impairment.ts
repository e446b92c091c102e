/**
 * What happens to the packets of one interface: some are lost, damaged, doubled, late, or in another order. One seed decides everything, so that a run
 * can be repeated.
 *
 * A packet meets, in this order: loss, corruption, duplication, the rate (it waits for those before it, and is lost when too many wait), and the delay.
 */
import { ERR } from '@anykernel/lib-sys';
import type { Ifnet, Interposer } from '@anykernel/net';
import { Callout, type Kernel } from '@anykernel/rumpkern';
import type { Mbuf } from '@anykernel/rumpnet';

/** Probabilities are 0..1; what is left out does not happen. */
export interface Weather {
  readonly seed: number;
  /** Which way packets suffer: those sent, those received, or both. Sent ones, if left out. */
  readonly direction?: 'out' | 'in' | 'both';
  readonly loss?: number;
  /** Milliseconds that every packet takes, and up to which some take longer: evenly, and so that they overtake each other. */
  readonly delayMs?: number;
  readonly jitterMs?: number;
  /** Packets that are held back until `reorderMs` (1 if left out) after their time. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  readonly duplicate?: number;
  /** Packets of which one bit is turned. */
  readonly corrupt?: number;
  /** Bits a second. */
  readonly rate?: number;
  /** Bytes that may wait for the rate; 64 KiB if left out. */
  readonly queueBytes?: number;
}

interface Late {
  readonly at: number;
  readonly m: Mbuf;
  readonly next: (m: Mbuf) => void;
}

const MS = 1e6;
const { imul, max } = Math;

/** One direction's rate: when the wire is free again. */
interface Line {
  freeAt: number;
}

export class Impairment implements Interposer {
  /** Counters: what has happened. */
  lost = 0;
  corrupted = 0;
  duplicated = 0;
  overflowed = 0;
  readonly out?: (m: Mbuf, next: (m: Mbuf) => void) => void;
  readonly in?: (m: Mbuf, next: (m: Mbuf) => void) => void;
  readonly #k: Kernel;
  readonly #ifp: Ifnet;
  readonly #weather: Weather;
  #state: number;
  /** In the order of their times. */
  readonly #late: Late[] = [];
  readonly #callout: Callout;

  /** EINVAL: a probability or a time that is none. */
  constructor(k: Kernel, ifp: Ifnet, weather: Weather) {
    check(weather);
    this.#k = k;
    this.#ifp = ifp;
    this.#weather = weather;
    this.#state = imul(weather.seed | 0, 0x9e3779b1) ^ 0x7f4a7c15;
    this.#callout = new Callout(k, () => this.#deliver());
    const direction = weather.direction ?? 'out';
    const through = (line: Line) => (m: Mbuf, next: (m: Mbuf) => void) => this.#pass(m, next, line);
    if (direction !== 'in') this.out = through({ freeAt: 0 });
    if (direction !== 'out') this.in = through({ freeAt: 0 });
  }

  /** What is on its way is lost. */
  drop(): void {
    this.#callout.stop();
    for (const late of this.#late.splice(0)) this.#ifp.mbufs.free(late.m);
  }

  #pass(m: Mbuf, next: (m: Mbuf) => void, line: Line): void {
    const { mbufs } = this.#ifp;
    const { loss, corrupt, duplicate } = this.#weather;
    if (this.#happens(loss)) {
      this.lost++;
      mbufs.free(m);
      return;
    }
    const packet = this.#happens(corrupt) ? this.#damage(m) : m;
    if (packet === undefined) return;
    const twin = this.#happens(duplicate) ? mbufs.copym(packet, 0, packet.pktlen) : undefined;
    this.#send(packet, next, line);
    if (twin === undefined) return;
    this.duplicated++;
    this.#send(twin, next, line);
  }

  #send(m: Mbuf, next: (m: Mbuf) => void, line: Line): void {
    const { rate, queueBytes = 65_536, delayMs = 0, jitterMs = 0, reorder, reorderMs = 1 } = this.#weather;
    const now = this.#k.mono();
    let at = now;
    if (rate !== undefined) {
      const waitsNs = max(0, line.freeAt - now);
      if ((waitsNs * rate) / 8e9 > queueBytes) {
        this.overflowed++;
        this.#ifp.mbufs.free(m);
        return;
      }
      at = line.freeAt = max(now, line.freeAt) + (m.pktlen * 8e9) / rate;
    }
    at += delayMs * MS + (jitterMs > 0 ? this.#uniform() * jitterMs * MS : 0);
    if (this.#happens(reorder)) at += reorderMs * MS;
    if (at <= now) next(m);
    else this.#wait({ at, m, next });
  }

  #wait(late: Late): void {
    const list = this.#late;
    let lo = 0;
    for (let hi = list.length; lo < hi; ) {
      const mid = (lo + hi) >>> 1;
      if (list[mid].at <= late.at) lo = mid + 1;
      else hi = mid;
    }
    list.splice(lo, 0, late);
    if (lo === 0) this.#callout.scheduleAt(late.at);
  }

  #deliver(): void {
    const now = this.#k.mono();
    for (let first = this.#late[0]; first !== undefined && first.at <= now; first = this.#late[0]) {
      this.#late.shift();
      first.next(first.m);
    }
    if (this.#late.length > 0) this.#callout.scheduleAt(this.#late[0].at);
  }

  /** Turns one bit, in a copy where others share the bytes. */
  #damage(m: Mbuf): Mbuf | undefined {
    const bit = Math.floor(this.#uniform() * m.pktlen * 8);
    const byte = new Uint8Array(1);
    this.#ifp.mbufs.copydata(m, bit >>> 3, 1, byte);
    byte[0] ^= 1 << (bit & 7);
    this.corrupted++;
    if (m.pktlen === 0 || this.#ifp.mbufs.copyback(m, bit >>> 3, byte)) return m;
    this.#ifp.mbufs.free(m);
    return undefined;
  }

  #happens(probability: number | undefined): boolean {
    return probability !== undefined && probability > 0 && this.#uniform() < probability;
  }

  /** The next number of the seed, 0 to below 1 (xorshift32). */
  #uniform(): number {
    let x = this.#state === 0 ? 1 : this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return (x >>> 0) / 0x1_0000_0000;
  }
}

function check(weather: Weather): void {
  const { loss, reorder, duplicate, corrupt, delayMs, jitterMs, reorderMs, rate, queueBytes } = weather;
  for (const p of [loss, reorder, duplicate, corrupt]) if (p !== undefined && !(p >= 0 && p <= 1)) throw ERR.EINVAL;
  for (const t of [delayMs, jitterMs, reorderMs, queueBytes]) if (t !== undefined && !(t >= 0 && t < Infinity)) throw ERR.EINVAL;
  if (rate !== undefined && !(rate > 0)) throw ERR.EINVAL;
}
