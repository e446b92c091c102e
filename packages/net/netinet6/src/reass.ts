/**
 * Packets that come in fragments (RFC 8200 4.5): what of it is IPv6's own.
 *
 * A fragment that is the whole packet is nobody else's business (RFC 6946). Fragments that overlap kill the packet, with those that are still to come (RFC 5722).
 * The first fragment holds all headers (RFC 7112).
 */
import { putU16be } from '@anykernel/lib-bytes';
import {
  FragmentHeader, ICMP6_PARAMPROB_FIRSTFRAGMENT, ICMP6_PARAMPROB_HEADER, ICMP6_PARAM_PROB, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY, IP6_FRAG_LEN,
  IP6_HDR_LEN, NH_ICMPV6, NH_NONE, parseFragment, upperLayer,
} from '@anykernel/lib-wire';
import type { Ifnet } from '@anykernel/net';
import { type Partial, Pieces } from '@anykernel/netinet';
import type { Mbuf } from '@anykernel/rumpnet';
import { isMulticast } from './addr.js';
import type { Ip6 } from './ip6.js';

/** RFC 8200 4.5: sixty seconds. */
const TTL_NS = 60e9;
const PAYLOAD_MAX = 65_535;
const ECN_CE = 3;

interface Own {
  readonly ifindex: number;
  readonly group: boolean;
  /** Where in the headers of the first piece the number of the next header stands. */
  nextAt: number;
  ce: boolean;
  /** Pieces overlapped: whatever else comes is dropped. */
  dead: boolean;
}

export class FragQueues6 {
  /** The last insert() has made a packet whole. */
  joined = false;
  /** Of that packet: the length of its headers in front of what was cut, and where in them the number of the next header stands. */
  headerLen = 0;
  nextAt = 0;
  readonly #ip6: Ip6;
  readonly #pieces: Pieces<Own>;
  readonly #fh = new FragmentHeader();
  /** The start of a first piece, within one call. */
  readonly #scratch = new Uint8Array(2048);

  constructor(ip6: Ip6) {
    this.#ip6 = ip6;
    this.#pieces = new Pieces<Own>(ip6.k, ip6.mbufs, {
      ttlNs: TTL_NS,
      max: () => ip6.conf.maxfragpackets,
      dropped: () => void ip6.stats.fragdropped++,
      timedOut: (partial) => this.#timedOut(partial),
    });
    ip6.mbufs.onDrain(() => this.clear());
  }

  /** Packets that wait for more. */
  get count(): number {
    return this.#pieces.count;
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
    const { mbufs, header: h } = this.#ip6;
    const key = `${h.s0},${h.s1},${h.s2},${h.s3},${h.d0},${h.d1},${h.d2},${h.d3},${fh.id}`;
    const partial = this.#pieces.find(key, () => ({ ifindex: ifp.index, group: isMulticast(h.d0), nextAt: 0, ce: false, dead: false }));
    const { own } = partial;
    if (own.dead) return this.#refuse(() => mbufs.free(m));
    if (fh.offset === 0 && partial.header === undefined) {
      // As if there had been no fragment header.
      partial.header = m.buf.slice(m.off, m.off + at);
      partial.header[nextAt] = fh.nextHeader;
      own.nextAt = nextAt;
    }
    // RFC 3168 5.3: a mark on one piece is a mark on the packet.
    if ((h.trafficClass & 3) === ECN_CE) own.ce = true;
    if (!this.#pieces.place(partial, m, at + IP6_FRAG_LEN, fh.offset, fh.more)) {
      this.#ip6.stats.fragoverlap++;
      this.#pieces.empty(partial);
      own.dead = true;
      return undefined;
    }
    if (partial.complete) return this.#join(partial);
    this.#pieces.trim();
    return undefined;
  }

  /** All pieces are there: the packet as if it had never been cut; ip6.header follows. */
  #join(partial: Partial<Own>): Mbuf | undefined {
    const { header: h } = this.#ip6;
    const { own } = partial;
    const header = partial.header as Uint8Array;
    const payloadLen = header.length - IP6_HDR_LEN + partial.total;
    // The headers of the first piece may be longer than those of the last, which looked as if it would do.
    if (payloadLen > PAYLOAD_MAX) {
      this.#pieces.drop(partial);
      return undefined;
    }
    if (own.ce) header[1] |= ECN_CE << 4;
    putU16be(header, 4, payloadLen);
    const m = this.#pieces.join(partial);
    if (m === undefined) return undefined;
    if (own.ce) h.trafficClass |= ECN_CE;
    h.payloadLen = payloadLen;
    this.joined = true;
    this.nextAt = own.nextAt;
    this.headerLen = header.length;
    return m;
  }

  /** RFC 8200 4.5: with the first piece there, the sender is told that the time is over. */
  #timedOut(partial: Partial<Own>): void {
    this.#ip6.stats.fragtimeout++;
    const m = this.#pieces.takeFirst(partial);
    if (m === undefined) return;
    if (partial.own.group) this.#ip6.mbufs.free(m);
    else this.#ip6.icmp.error(m, ICMP6_TIME_EXCEEDED, ICMP6_TIME_EXCEED_REASSEMBLY, 0, partial.own.ifindex);
  }

  clear(): void {
    this.#pieces.clear();
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
