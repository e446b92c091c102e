/**
 * Mbufs: the bytes of packets and of socket buffers, in pieces.
 *
 * A packet is a chain of mbufs (`next`); packets and records are queued through `nextpkt`. An mbuf is a window on a storage (Ext) that several
 * mbufs may share: the bytes are `buf[off .. off+len)`, and may be written only where `ext.refs` is 1. What is in front of `off` is headroom for
 * headers. The fields of the packet header count in the first mbuf of a chain only.
 *
 * Mbufs and storages come from a kernel's pool (mbufs.ts) and go back to it: nobody else makes one, and nobody looks at one that was freed.
 */
import type { Slab } from './mbufstore.js';

/** Kinds of contents. */
export const MT_FREE = 0;
export const MT_DATA = 1;
export const MT_HEADER = 2;
/** The address at the start of a record. */
export const MT_SONAME = 3;
/** Ancillary data. */
export const MT_CONTROL = 6;
export const MT_OOBDATA = 7;

/** Flags of a packet. */
export const M_EOR = 0x0004;
/** Of one protocol each, while the packet is its. */
export const M_PROTO1 = 0x0008;
export const M_PROTO2 = 0x0010;
export const M_PROTO3 = 0x0020;
/** It came as a link-level broadcast or multicast, or is to go as one. */
export const M_BCAST = 0x0100;
export const M_MCAST = 0x0200;
/** It never left this kernel. */
export const M_LOOP = 0x0400;

/** Nothing is known of the transport checksum: it is in the packet. */
export const CSUM_NONE = 0;
/**
 * To be completed: the one's complement sum of the bytes from csumStart to the end goes to csumStart + csumOff, where the sum of the pseudo header
 * already is (the convention of virtio_net_hdr).
 */
export const CSUM_PARTIAL = 1;
/** Verified, or never left memory. */
export const CSUM_VALID = 2;

/** One segment, or a large one to be cut into TCP segments of gsoSize bytes of payload. */
export const GSO_NONE = 0;
export const GSO_TCPV4 = 1;
export const GSO_TCPV6 = 4;

/** Bytes that are counted for an mbuf object, beside its storage. */
export const MSIZE = 192;
/** Headroom of a packet: for all headers that are put in front of its payload. */
export const MAXHDR = 128;

const NO_BYTES = new Uint8Array(0);

/** A storage. The pool's. */
export class Ext {
  buf: Uint8Array = NO_BYTES;
  /** Mbufs on it. */
  refs = 0;
  /** What it was cut from; undefined: it is a chunk of the kernel's memory. */
  slab: Slab | undefined = undefined;
  /** The next free one. */
  next: Ext | undefined = undefined;
}

/** The storage of no mbuf. */
export const NO_EXT: Ext = Object.freeze(new Ext());

export class Mbuf {
  buf: Uint8Array = NO_BYTES;
  off = 0;
  len = 0;
  /** The rest of this packet. */
  next: Mbuf | undefined = undefined;
  /** The next packet or record of a queue. */
  nextpkt: Mbuf | undefined = undefined;
  type: number = MT_FREE;
  ext: Ext = NO_EXT;
  /** What a socket buffer counts for it. */
  charged = 0;

  // -- the packet header

  /** Bytes of the chain. */
  pktlen = 0;
  /** M_*. */
  flags = 0;
  /** Index of the interface that it came by; 0: none. */
  rcvif = 0;
  /** CSUM_*. */
  csum = 0;
  /** Relative to the first byte of the packet; see CSUM_PARTIAL. */
  csumStart = 0;
  csumOff = 0;
  gsoType = 0;
  gsoSize = 0;
  /** MT_CONTROL: open files or credentials in flight; otherwise a tag of the layer that has the packet. */
  aux: unknown = undefined;

  /** Whether its bytes may be written. */
  get writable(): boolean {
    return this.ext.refs === 1;
  }

  /** Bytes that fit in front of its own, and behind them; 0 where the storage is shared. */
  get headroom(): number {
    return this.ext.refs === 1 ? this.off : 0;
  }

  get tailroom(): number {
    return this.ext.refs === 1 ? this.buf.length - this.off - this.len : 0;
  }
}

/** The last mbuf of a chain. */
export function lastOf(m: Mbuf): Mbuf {
  while (m.next !== undefined) m = m.next;
  return m;
}

/** Bytes of a chain, counted. */
export function lengthOf(m: Mbuf | undefined): number {
  let len = 0;
  for (; m !== undefined; m = m.next) len += m.len;
  return len;
}

/** A queue of packets, first in, first out, with a limit. */
export class Pktq {
  head: Mbuf | undefined = undefined;
  #tail: Mbuf | undefined = undefined;
  /** Packets in it, the most that it takes, and those that it did not take. */
  len = 0;
  drops = 0;

  constructor(public maxlen: number = Infinity) {}

  /** Puts a packet at the end. False, and a drop is counted: the queue is full, and the packet still the caller's. */
  enqueue(m: Mbuf): boolean {
    if (this.len >= this.maxlen) {
      this.drops++;
      return false;
    }
    m.nextpkt = undefined;
    if (this.#tail === undefined) this.head = m;
    else this.#tail.nextpkt = m;
    this.#tail = m;
    this.len++;
    return true;
  }

  /** Puts a packet back in front, whether there is room or not. */
  prepend(m: Mbuf): void {
    m.nextpkt = this.head;
    this.head = m;
    this.#tail ??= m;
    this.len++;
  }

  /** The oldest packet, taken out. */
  dequeue(): Mbuf | undefined {
    const m = this.head;
    if (m === undefined) return undefined;
    this.head = m.nextpkt;
    if (this.head === undefined) this.#tail = undefined;
    m.nextpkt = undefined;
    this.len--;
    return m;
  }
}
