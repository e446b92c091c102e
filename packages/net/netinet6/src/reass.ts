/**
 * Packets that come in fragments (RFC 8200 4.5), with limits on how many there are and how long they wait.
 *
 * A fragment that is the whole packet is nobody else's business (RFC 6946). Fragments that overlap kill the packet, with those that are still to come (RFC 5722);
 * the same once more is passed over. The first fragment holds all headers (RFC 7112). Pieces are packets without headers, by nextpkt; where one begins is in `csumStart`.
 */
import { putU16be } from '@anykernel/lib-bytes';
import {
  FragmentHeader, ICMP6_PARAMPROB_FIRSTFRAGMENT, ICMP6_PARAMPROB_HEADER, ICMP6_PARAM_PROB, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY, IP6_FRAG_LEN,
  IP6_HDR_LEN, NH_ICMPV6, NH_NONE, parseFragment, upperLayer,
} from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import { Callout } from '@anykernel/rumpkern';
import { CSUM_NONE, CSUM_VALID, GSO_NONE, type Mbuf } from '@anykernel/rumpnet';
import { isMulticast } from './addr.js';
import type { Ip6 } from './ip6.js';

/** Pieces of one packet, and of all. */
const PIECES_MAX = 64;
const ALL_MAX = 2048;
/** RFC 8200 4.5: sixty seconds. */
const TTL_NS = 60e9;
const PAYLOAD_MAX = 65_535;
const ECN_CE = 3;

/** A packet of which pieces have come. */
class Partial {
  first: Mbuf | undefined = undefined;
  pieces = 0;
  /** Bytes that have come; of the whole fragmentable part, -1: the last piece has not. */
  bytes = 0;
  total = -1;
  /** The unfragmentable part of the first piece, and where in it the number of the next header stands. */
  header: Uint8Array | undefined = undefined;
  nextAt = 0;
  nextHeader = 0;
  ce = false;
  csumGood = true;
  /** Pieces overlapped: whatever else comes is dropped. */
  dead = false;

  constructor(
    readonly key: string,
    readonly until: number,
    readonly ifindex: number,
    readonly group: boolean,
  ) {}
}

export class FragQueues6 {
  /** The last insert() has made a packet whole. */
  joined = false;
  /** Of that packet: the length of its headers in front of what was cut, and where in them the number of the next header stands. */
  headerLen = 0;
  nextAt = 0;
  readonly #ip6: Ip6;
  /** The oldest first. */
  readonly #partials = new Map<string, Partial>();
  #pieces = 0;
  readonly #callout: Callout;
  readonly #fh = new FragmentHeader();
  /** The start of a first piece, within one call. */
  readonly #scratch = new Uint8Array(2048);

  constructor(ip6: Ip6) {
    this.#ip6 = ip6;
    this.#callout = new Callout(ip6.k, () => this.#expire());
    ip6.mbufs.onDrain(() => this.clear());
  }

  /** Packets that wait for more. */
  get count(): number {
    return this.#partials.size;
  }

  /**
   * A packet with a fragment header at `at`, whose number stands at `nextAt`; ip6.header is its header. Owns `m`. Returns the packet as it was if it is whole
   * by itself; without the fragment header, and `joined` set, when all pieces are there; undefined: it waits, or is gone.
   */
  insert(m: Mbuf, at: number, nextAt: number, ifp: Ifnet): Mbuf | undefined {
    const { stats, mbufs, conf, icmp } = this.#ip6;
    const fh = parseFragment(m.buf, m.off + at, m.off + m.len, this.#fh) as FragmentHeader;
    if (fh.offset === 0 && !fh.more) {
      stats.atomicfrag++;
      return m;
    }
    stats.fragments++;
    const len = m.pktlen - at - IP6_FRAG_LEN;
    if (fh.more && (len & 7) !== 0) return this.#refuse(() => icmp.error(m, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_HEADER, 4, ifp.index));
    if (fh.offset + len + at - IP6_HDR_LEN > PAYLOAD_MAX) {
      return this.#refuse(() => icmp.error(m, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_HEADER, at + 2, ifp.index));
    }
    if (len === 0 || conf.maxfragpackets === 0) return this.#refuse(() => mbufs.free(m));
    if (fh.offset === 0 && !wholeChain(this.#ip6, m, at, fh.nextHeader, this.#scratch)) {
      return this.#refuse(() => icmp.error(m, ICMP6_PARAM_PROB, ICMP6_PARAMPROB_FIRSTFRAGMENT, 0, ifp.index));
    }
    return this.#insert(m, at, nextAt, fh, ifp);
  }

  #refuse(what: () => void): undefined {
    this.#ip6.stats.fragdropped++;
    what();
  }

  #insert(m: Mbuf, at: number, nextAt: number, fh: FragmentHeader, ifp: Ifnet): Mbuf | undefined {
    const { mbufs } = this.#ip6;
    const partial = this.#partialOf(fh.id, ifp);
    if (partial.dead) return this.#refuse(() => mbufs.free(m));
    if (fh.offset === 0 && partial.header === undefined) {
      partial.header = m.buf.slice(m.off, m.off + at);
      partial.nextAt = nextAt;
      partial.nextHeader = fh.nextHeader;
    }
    // RFC 3168 5.3: a mark on one piece is a mark on the packet.
    if ((this.#ip6.header.trafficClass & 3) === ECN_CE) partial.ce = true;
    if (m.csum !== CSUM_VALID) partial.csumGood = false;
    mbufs.adj(m, at + IP6_FRAG_LEN);
    m.csum = CSUM_NONE;
    m.gsoType = GSO_NONE;
    m.csumStart = fh.offset;
    if (!this.#place(partial, m, fh.more)) {
      this.#ip6.stats.fragoverlap++;
      this.#empty(partial);
      partial.dead = true;
      return undefined;
    }
    if (partial.bytes === partial.total) return this.#join(partial);
    while (this.#pieces > ALL_MAX) this.#dropOldest();
    return undefined;
  }

  #partialOf(id: number, ifp: Ifnet): Partial {
    const h = this.#ip6.header;
    const key = `${h.s0},${h.s1},${h.s2},${h.s3},${h.d0},${h.d1},${h.d2},${h.d3},${id}`;
    const known = this.#partials.get(key);
    if (known !== undefined) return known;
    while (this.#partials.size >= this.#ip6.conf.maxfragpackets) this.#dropOldest();
    const until = this.#ip6.k.mono() + TTL_NS;
    const partial = new Partial(key, until, ifp.index, isMulticast(h.d0));
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
    const { mbufs } = this.#ip6;
    const end = m.csumStart + m.pktlen;
    let prev: Mbuf | undefined;
    let next = partial.first;
    while (next !== undefined && next.csumStart < m.csumStart) {
      prev = next;
      next = next.nextpkt;
    }
    if (next !== undefined && next.csumStart === m.csumStart && next.pktlen === m.pktlen && (more || end === partial.total)) {
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

  /** All pieces are there: the packet as if it had never been cut; ip6.header follows. */
  #join(partial: Partial): Mbuf | undefined {
    const { mbufs, header: h } = this.#ip6;
    const header = partial.header as Uint8Array;
    // The headers of the first piece may be longer than those of the last, which looked as if it would do.
    if (header.length - IP6_HDR_LEN + partial.total > PAYLOAD_MAX) {
      this.#drop(partial);
      return undefined;
    }
    this.#partials.delete(partial.key);
    this.#pieces -= partial.pieces;
    const whole = partial.first as Mbuf;
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
    header[partial.nextAt] = partial.nextHeader;
    if (partial.ce) {
      header[1] |= ECN_CE << 4;
      h.trafficClass |= ECN_CE;
    }
    h.payloadLen = m.pktlen - IP6_HDR_LEN;
    putU16be(header, 4, h.payloadLen);
    m.buf.set(header, m.off);
    m.csum = partial.csumGood ? CSUM_VALID : CSUM_NONE;
    m.csumStart = 0;
    this.joined = true;
    this.nextAt = partial.nextAt;
    this.headerLen = header.length;
    return m;
  }

  #empty(partial: Partial): void {
    const { mbufs, stats } = this.#ip6;
    this.#pieces -= partial.pieces;
    partial.pieces = 0;
    for (let m = partial.first; m !== undefined; ) {
      const next: Mbuf | undefined = m.nextpkt;
      m.nextpkt = undefined;
      stats.fragdropped++;
      mbufs.free(m);
      m = next;
    }
    partial.first = undefined;
  }

  #drop(partial: Partial): void {
    this.#partials.delete(partial.key);
    this.#empty(partial);
  }

  /** RFC 8200 4.5: with the first piece there, the sender is told that the time is over. */
  #expire(): void {
    const now = this.#ip6.k.mono();
    for (const partial of [...this.#partials.values()]) {
      if (partial.until > now) {
        this.#callout.scheduleAt(partial.until);
        return;
      }
      this.#ip6.stats.fragtimeout++;
      if (partial.header !== undefined && partial.first?.csumStart === 0) this.#timeout(partial, partial.header);
      this.#drop(partial);
    }
  }

  #timeout(partial: Partial, header: Uint8Array): void {
    const first = partial.first as Mbuf;
    partial.first = first.nextpkt;
    first.nextpkt = undefined;
    partial.pieces--;
    this.#pieces--;
    const m = this.#ip6.mbufs.prepend(first, header.length);
    if (m === undefined) return;
    header[partial.nextAt] = partial.nextHeader;
    m.buf.set(header, m.off);
    if (partial.group) this.#ip6.mbufs.free(m);
    else this.#ip6.icmp.error(m, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY, 0, partial.ifindex);
  }

  /** All are dropped: memory is short, or the protocol leaves. */
  clear(): void {
    for (const partial of [...this.#partials.values()]) this.#drop(partial);
    this.#callout.stop();
  }
}

/** RFC 7112 3: whether the first fragment holds all headers, with the start of the upper one. */
function wholeChain(ip6: Ip6, m: Mbuf, at: number, nextHeader: number, scratch: Uint8Array): boolean {
  const some = ip6.mbufs.copydata(m, at + IP6_FRAG_LEN, Math.min(m.pktlen - at - IP6_FRAG_LEN, scratch.length), scratch);
  const upper = upperLayer(nextHeader, scratch, 0, some);
  if (upper === undefined || upper.later) return false;
  const need = upper.nextHeader === NH_NONE ? 0 : upper.nextHeader === 6 ? 20 : upper.nextHeader === 17 || upper.nextHeader === NH_ICMPV6 ? 8 : 0;
  return upper.off + need <= some;
}
