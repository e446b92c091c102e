/**
 * Packets that come in pieces (RFC 791 3.2, RFC 815), with limits on how many there are and how long they wait (RFC 1122 3.3.2).
 *
 * Pieces are packets without their headers, in order by nextpkt; where one begins is in `csumStart`. What overlaps is no accident (RFC 5722 for IPv6, and
 * the same reasons here): the whole packet is dropped, unless it is the same piece once more.
 */
import { ECN_CE, ECN_MASK, emitIpv4, ICMP_TIMXCEED, ICMP_TIMXCEED_REASS, IP_MAXPACKET, IP_MF, type Ipv4Header } from '@anykernel/lib-wire';
import { Callout } from '@anykernel/rumpkern';
import { CSUM_NONE, CSUM_VALID, GSO_NONE, type Mbuf } from '@anykernel/rumpnet';
import type { Ip } from './ip.js';

/** Pieces of one packet, and of all. */
const PIECES_MAX = 64;
const ALL_MAX = 2048;
/** RFC 1122 3.3.2 has 60 to 120 seconds; stacks take 30 since packets do not travel that long. */
const TTL_NS = 30e9;

/** A packet of which pieces have come. */
class Partial {
  first: Mbuf | undefined = undefined;
  pieces = 0;
  /** Bytes that have come; of the whole payload, -1: the last piece has not. */
  bytes = 0;
  total = -1;
  /** Of the first piece. */
  header: Uint8Array | undefined = undefined;
  tos = 0;
  csumGood = true;

  constructor(
    readonly key: string,
    readonly until: number,
  ) {}
}

export class FragQueues {
  readonly #ip: Ip;
  /** The oldest first. */
  readonly #partials = new Map<string, Partial>();
  #pieces = 0;
  readonly #callout: Callout;

  constructor(ip: Ip) {
    this.#ip = ip;
    this.#callout = new Callout(ip.k, () => this.#expire());
  }

  /** Packets that wait for more. */
  get count(): number {
    return this.#partials.size;
  }

  /** A piece. Owns `m`. Returns the packet when it is complete, with a header as if it had never been cut, which is in `h`, too. */
  insert(m: Mbuf, h: Ipv4Header): Mbuf | undefined {
    const { mbufs, stats, inet } = this.#ip;
    const len = h.totalLen - h.hdrLen;
    const more = (h.flags & IP_MF) !== 0;
    if (len === 0 || (more && (len & 7) !== 0) || h.fragOffset + len + h.hdrLen > IP_MAXPACKET || inet.conf.maxfragpackets === 0) {
      stats.fragdropped++;
      mbufs.free(m);
      return undefined;
    }
    const partial = this.#partialOf(h);
    if (h.fragOffset === 0) partial.header = m.buf.slice(m.off, m.off + h.hdrLen);
    partial.tos = mergeEcn(partial.pieces === 0 ? h.tos : partial.tos, h.tos);
    if (m.csum !== CSUM_VALID) partial.csumGood = false;
    mbufs.adj(m, h.hdrLen);
    m.csum = CSUM_NONE;
    m.gsoType = GSO_NONE;
    m.csumStart = h.fragOffset;
    if (!this.#place(partial, m, more)) {
      this.#drop(partial);
      return undefined;
    }
    if (partial.bytes === partial.total) return this.#join(partial, h);
    while (this.#pieces > ALL_MAX) this.#dropOldest();
    return undefined;
  }

  #partialOf(h: Ipv4Header): Partial {
    const key = `${h.src},${h.dst},${h.id},${h.protocol}`;
    const known = this.#partials.get(key);
    if (known !== undefined) return known;
    while (this.#partials.size >= this.#ip.inet.conf.maxfragpackets) this.#dropOldest();
    const until = this.#ip.k.mono() + TTL_NS;
    const partial = new Partial(key, until);
    this.#partials.set(key, partial);
    if (!this.#callout.pending) this.#callout.scheduleAt(until);
    return partial;
  }

  #dropOldest(): void {
    for (const partial of this.#partials.values()) {
      this.#drop(partial);
      return;
    }
  }

  /** Puts a piece in its place. Owns `m`. False: it does not fit to the others. */
  #place(partial: Partial, m: Mbuf, more: boolean): boolean {
    const { mbufs } = this.#ip;
    const end = m.csumStart + m.pktlen;
    let prev: Mbuf | undefined;
    let next = partial.first;
    while (next !== undefined && next.csumStart < m.csumStart) {
      prev = next;
      next = next.nextpkt;
    }
    if (next !== undefined && next.csumStart === m.csumStart && next.pktlen === m.pktlen) {
      // The same once more.
      mbufs.free(m);
      return true;
    }
    const overlaps = (prev !== undefined && prev.csumStart + prev.pktlen > m.csumStart) || (next !== undefined && next.csumStart < end);
    const beyond = partial.total >= 0 && (end > partial.total || (!more && end !== partial.total));
    if (overlaps || beyond || partial.pieces >= PIECES_MAX || (!more && next !== undefined)) {
      mbufs.free(m);
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

  /** All pieces are there: the packet, and its header in `h`. */
  #join(partial: Partial, h: Ipv4Header): Mbuf | undefined {
    const { mbufs } = this.#ip;
    const header = partial.header!;
    // The header of the first piece may be longer than that of the last, which looked as if it would do.
    if (header.length + partial.total > IP_MAXPACKET) {
      this.#drop(partial);
      return undefined;
    }
    this.#forget(partial);
    let whole = partial.first!;
    let piece = whole.nextpkt;
    whole.nextpkt = undefined;
    while (piece !== undefined) {
      const next: Mbuf | undefined = piece.nextpkt;
      piece.nextpkt = undefined;
      mbufs.cat(whole, piece);
      piece = next;
    }
    const m = mbufs.prepend(whole, header.length);
    if (m === undefined) return undefined;
    whole = m;
    whole.buf.set(header, whole.off);
    whole.csum = partial.csumGood ? CSUM_VALID : CSUM_NONE;
    whole.csumStart = 0;
    h.hdrLen = header.length;
    h.totalLen = whole.pktlen;
    h.flags = 0;
    h.fragOffset = 0;
    h.tos = partial.tos;
    emitIpv4(h, whole.buf, whole.off);
    return whole;
  }

  #forget(partial: Partial): void {
    this.#partials.delete(partial.key);
    this.#pieces -= partial.pieces;
  }

  #drop(partial: Partial): void {
    const { mbufs, stats } = this.#ip;
    this.#forget(partial);
    for (let m = partial.first; m !== undefined; ) {
      const next: Mbuf | undefined = m.nextpkt;
      m.nextpkt = undefined;
      stats.fragdropped++;
      mbufs.free(m);
      m = next;
    }
    partial.first = undefined;
  }

  /** RFC 792: with the first piece there, the sender is told that the time is over. */
  #expire(): void {
    const now = this.#ip.k.mono();
    for (const partial of this.#partials.values()) {
      if (partial.until > now) {
        this.#callout.scheduleAt(partial.until);
        return;
      }
      this.#ip.stats.fragtimeout++;
      const { header, first } = partial;
      if (header !== undefined && first !== undefined) {
        partial.first = first.nextpkt;
        first.nextpkt = undefined;
        partial.pieces--;
        this.#pieces--;
        const m = this.#ip.mbufs.prepend(first, header.length);
        if (m !== undefined) {
          m.buf.set(header, m.off);
          this.#ip.icmp.error(m, ICMP_TIMXCEED, ICMP_TIMXCEED_REASS, 0);
        }
      }
      this.#drop(partial);
    }
  }

  /** All are dropped: memory is short, or the protocol leaves. */
  clear(): void {
    for (const partial of [...this.#partials.values()]) this.#drop(partial);
    this.#callout.stop();
  }
}

/** RFC 3168 5.3: a mark on one piece is a mark on the packet. */
function mergeEcn(tos: number, piece: number): number {
  return (piece & ECN_MASK) === ECN_CE ? tos | ECN_CE : tos;
}
