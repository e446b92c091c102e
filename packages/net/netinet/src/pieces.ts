/**
 * Packets that come in pieces, of both families (RFC 791 3.2, RFC 815; RFC 8200 4.5), with limits on how many there are and how long they wait.
 *
 * Pieces are packets without their headers, in order by nextpkt; where one begins is in `csumStart`. What overlaps is no accident (RFC 5722), but the same
 * piece once more is.
 */
import { Callout, type Kernel } from '@anykernel/rumpkern';
import { CSUM_NONE, CSUM_VALID, GSO_NONE, type Mbuf, type Mbufs } from '@anykernel/rumpnet';

/** Pieces of one packet, and of all. */
const PIECES_MAX = 64;
const ALL_MAX = 2048;

/** A packet of which pieces have come. `T`: what the family keeps with it. */
export class Partial<T> {
  first: Mbuf | undefined = undefined;
  pieces = 0;
  /** Bytes that have come; of the whole payload, -1: the last piece has not. */
  bytes = 0;
  total = -1;
  /** What is in front of the first piece, when that has come. */
  header: Uint8Array | undefined = undefined;
  csumGood = true;

  constructor(
    readonly key: string,
    readonly until: number,
    readonly own: T,
  ) {}

  get complete(): boolean {
    return this.bytes === this.total;
  }
}

export interface PieceOptions<T> {
  readonly ttlNs: number;
  /** Packets that may wait. */
  max(): number;
  /** A piece is dropped. */
  dropped(): void;
  /** The time of a packet is over; what is left of it is dropped afterwards. */
  timedOut(partial: Partial<T>): void;
}

export class Pieces<T> {
  readonly #k: Kernel;
  readonly #mbufs: Mbufs;
  readonly #options: PieceOptions<T>;
  /** The oldest first. */
  readonly #partials = new Map<string, Partial<T>>();
  #pieces = 0;
  readonly #callout: Callout;

  constructor(k: Kernel, mbufs: Mbufs, options: PieceOptions<T>) {
    this.#k = k;
    this.#mbufs = mbufs;
    this.#options = options;
    this.#callout = new Callout(k, () => this.#expire());
  }

  /** Packets that wait for more. */
  get count(): number {
    return this.#partials.size;
  }

  /** The packet of this key; a new one has what `make` gives. */
  find(key: string, make: () => T): Partial<T> {
    const known = this.#partials.get(key);
    if (known !== undefined) return known;
    while (this.#partials.size >= this.#options.max()) this.#dropOldest();
    const until = this.#k.mono() + this.#options.ttlNs;
    const partial = new Partial(key, until, make());
    this.#partials.set(key, partial);
    if (!this.#callout.pending) this.#callout.scheduleAt(until);
    return partial;
  }

  /** Puts a piece in its place, without the `hdrLen` bytes at its front, at `offset` of the payload. Owns `m`. False: it does not fit to the others, and is gone. */
  place(partial: Partial<T>, m: Mbuf, hdrLen: number, offset: number, more: boolean): boolean {
    if (m.csum !== CSUM_VALID) partial.csumGood = false;
    this.#mbufs.adj(m, hdrLen);
    m.csum = CSUM_NONE;
    m.gsoType = GSO_NONE;
    m.csumStart = offset;
    const end = offset + m.pktlen;
    let prev: Mbuf | undefined;
    let next = partial.first;
    while (next !== undefined && next.csumStart < offset) {
      prev = next;
      next = next.nextpkt;
    }
    if (next !== undefined && next.csumStart === offset && next.pktlen === m.pktlen && (more || end === partial.total)) {
      this.#mbufs.free(m);
      return true;
    }
    const overlaps = (prev !== undefined && prev.csumStart + prev.pktlen > offset) || (next !== undefined && next.csumStart < end);
    const beyond = partial.total >= 0 && (end > partial.total || (!more && end !== partial.total));
    if (overlaps || beyond || partial.pieces >= PIECES_MAX || (!more && next !== undefined)) {
      this.#mbufs.free(m);
      return false;
    }
    if (!more) partial.total = end;
    m.nextpkt = next;
    if (prev === undefined) partial.first = m;
    else prev.nextpkt = m;
    partial.pieces++;
    this.#pieces++;
    partial.bytes += m.pktlen;
    return true;
  }

  /** The oldest make room, where there are too many pieces. */
  trim(): void {
    while (this.#pieces > ALL_MAX) this.#dropOldest();
  }

  /** The whole packet, with its header in front; it waits no longer. undefined: there is no memory. */
  join(partial: Partial<T>): Mbuf | undefined {
    this.#forget(partial);
    const whole = partial.first as Mbuf;
    let piece = whole.nextpkt;
    whole.nextpkt = undefined;
    while (piece !== undefined) {
      const next: Mbuf | undefined = piece.nextpkt;
      piece.nextpkt = undefined;
      this.#mbufs.cat(whole, piece);
      piece = next;
    }
    const m = this.#headed(whole, partial.header as Uint8Array);
    if (m === undefined) return undefined;
    m.csum = partial.csumGood ? CSUM_VALID : CSUM_NONE;
    m.csumStart = 0;
    return m;
  }

  /** Takes the first piece out, with its header in front. undefined: it has not come, or there is no memory. */
  takeFirst(partial: Partial<T>): Mbuf | undefined {
    const { first, header } = partial;
    if (header === undefined || first === undefined || first.csumStart !== 0) return undefined;
    partial.first = first.nextpkt;
    first.nextpkt = undefined;
    partial.pieces--;
    this.#pieces--;
    return this.#headed(first, header);
  }

  #headed(payload: Mbuf, header: Uint8Array): Mbuf | undefined {
    const m = this.#mbufs.prepend(payload, header.length);
    if (m !== undefined) m.buf.set(header, m.off);
    return m;
  }

  #forget(partial: Partial<T>): void {
    this.#partials.delete(partial.key);
    this.#pieces -= partial.pieces;
  }

  /** The pieces go; what comes later finds the packet still. */
  empty(partial: Partial<T>): void {
    this.#pieces -= partial.pieces;
    partial.pieces = 0;
    for (let m = partial.first; m !== undefined; ) {
      const next: Mbuf | undefined = m.nextpkt;
      m.nextpkt = undefined;
      this.#options.dropped();
      this.#mbufs.free(m);
      m = next;
    }
    partial.first = undefined;
  }

  drop(partial: Partial<T>): void {
    this.#partials.delete(partial.key);
    this.empty(partial);
  }

  #dropOldest(): void {
    for (const partial of this.#partials.values()) {
      this.drop(partial);
      return;
    }
  }

  #expire(): void {
    const now = this.#k.mono();
    for (const partial of this.#partials.values()) {
      if (partial.until > now) {
        this.#callout.scheduleAt(partial.until);
        return;
      }
      this.#options.timedOut(partial);
      this.drop(partial);
    }
  }

  /** All are dropped: memory is short, or the protocol leaves. */
  clear(): void {
    for (const partial of [...this.#partials.values()]) this.drop(partial);
    this.#callout.stop();
  }
}
