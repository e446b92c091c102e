/** Packets that come in pieces (RFC 791 3.2): what of it is IPv4's own. Where pieces overlap the whole packet is dropped, for the reasons of RFC 5722. */
import { ECN_CE, ECN_MASK, emitIpv4, ICMP_TIMXCEED, ICMP_TIMXCEED_REASS, IP_MAXPACKET, IP_MF, type Ipv4Header } from '@anykernel/lib-wire';
import type { Mbuf } from '@anykernel/rumpnet';
import { type Partial, Pieces } from '../pieces.js';
import type { Ip } from './ip.js';

/** RFC 1122 3.3.2 has 60 to 120 seconds; stacks take 30 since packets do not travel that long. */
const TTL_NS = 30e9;

interface Own {
  /** Of the first piece that came, with the marks of all. */
  tos: number;
}

export class FragQueues {
  readonly #ip: Ip;
  readonly #pieces: Pieces<Own>;

  constructor(ip: Ip) {
    this.#ip = ip;
    this.#pieces = new Pieces<Own>(ip.k, ip.mbufs, {
      ttlNs: TTL_NS,
      max: () => ip.inet.conf.maxfragpackets,
      dropped: () => void ip.stats.fragdropped++,
      timedOut: (partial) => this.#timedOut(partial),
    });
  }

  /** Packets that wait for more. */
  get count(): number {
    return this.#pieces.count;
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
    const partial = this.#pieces.find(`${h.src},${h.dst},${h.id},${h.protocol}`, () => ({ tos: h.tos }));
    if (h.fragOffset === 0) partial.header = m.buf.slice(m.off, m.off + h.hdrLen);
    partial.own.tos = mergeEcn(partial.own.tos, h.tos);
    if (!this.#pieces.place(partial, m, h.hdrLen, h.fragOffset, more)) {
      this.#pieces.drop(partial);
      return undefined;
    }
    if (partial.complete) return this.#join(partial, h);
    this.#pieces.trim();
    return undefined;
  }

  /** All pieces are there: the packet, and its header in `h`. */
  #join(partial: Partial<Own>, h: Ipv4Header): Mbuf | undefined {
    const hdrLen = partial.header!.length;
    // The header of the first piece may be longer than that of the last, which looked as if it would do.
    if (hdrLen + partial.total > IP_MAXPACKET) {
      this.#pieces.drop(partial);
      return undefined;
    }
    const m = this.#pieces.join(partial);
    if (m === undefined) return undefined;
    h.hdrLen = hdrLen;
    h.totalLen = m.pktlen;
    h.flags = 0;
    h.fragOffset = 0;
    h.tos = partial.own.tos;
    emitIpv4(h, m.buf, m.off);
    return m;
  }

  /** RFC 792: with the first piece there, the sender is told that the time is over. */
  #timedOut(partial: Partial<Own>): void {
    this.#ip.stats.fragtimeout++;
    const m = this.#pieces.takeFirst(partial);
    if (m !== undefined) this.#ip.icmp.error(m, ICMP_TIMXCEED, ICMP_TIMXCEED_REASS, 0);
  }

  clear(): void {
    this.#pieces.clear();
  }
}

/** RFC 3168 5.3: a mark on one piece is a mark on the packet. */
function mergeEcn(tos: number, piece: number): number {
  return (piece & ECN_MASK) === ECN_CE ? tos | ECN_CE : tos;
}
