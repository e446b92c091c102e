/**
 * The mbufs of a kernel: where they come from, and what is done with chains of them.
 *
 * No operation but get(), getlong() and fromBytes() throws: where there is no memory, or the packet is too short, the result is undefined and the
 * packet that was given is freed, so that a caller on the way of a packet drops it by returning. Shortage asks the protocols for what they can
 * spare (onDrain), a little later.
 */
import { ERR } from '@anykernel/lib-sys';
import { CHUNK_MAX, type Kernel, type Softint, copy } from '@anykernel/rumpkern';
import { CSUM_NONE, CSUM_PARTIAL, GSO_NONE, MAXHDR, MSIZE, MT_DATA, MT_FREE, Mbuf, NO_EXT, lastOf } from './mbuf.js';
import { MCLBYTES, MbufStore } from './mbufstore.js';

/** Clusters in use at once (kern.mbuf.nmbclusters), where nobody says otherwise. */
const NMBCLUSTERS = 65_536;
export class Mbufs {
  readonly #k: Kernel;
  readonly store: MbufStore;
  #free: Mbuf | undefined;
  /** Mbufs in use, and made so far. */
  used = 0;
  made = 0;
  /** Requests that could not be met, and calls for what protocols can spare. */
  drops = 0;
  drains = 0;
  readonly #drain: Set<() => void> = new Set<() => void>();
  readonly #drainer: Softint;

  constructor(k: Kernel) {
    this.#k = k;
    this.store = new MbufStore(k, NMBCLUSTERS * MCLBYTES);
    this.#drainer = k.softint(() => {
      this.drains++;
      for (const fn of this.#drain) fn();
    });
    k.mem.onPressure(() => this.#pressed());
  }

  // -- from the pool, and back

  /** A packet of one mbuf of `len` bytes, 0..65536, behind `headroom` bytes (as far as 64 KiB have them). ENOBUFS. */
  get(len: number, headroom: number = MAXHDR): Mbuf {
    const m = this.tryGet(len, headroom);
    if (m === undefined) throw ERR.ENOBUFS;
    return m;
  }

  /** The same; undefined where there is none. */
  tryGet(len: number, headroom: number = MAXHDR): Mbuf | undefined {
    let room = len + headroom;
    if (room > CHUNK_MAX && len <= CHUNK_MAX) room = CHUNK_MAX;
    const ext = this.store.alloc(room);
    if (ext === undefined) return this.#shortage();
    const m = this.#object();
    if (m === undefined) {
      this.store.release(ext);
      return this.#shortage();
    }
    m.ext = ext;
    m.buf = ext.buf;
    m.off = room - len;
    m.len = m.pktlen = len;
    return m;
  }

  /** A packet of `len` bytes, in as many mbufs as it takes. ENOBUFS. */
  getlong(len: number, headroom: number = MAXHDR): Mbuf {
    if (len + headroom <= CHUNK_MAX) return this.get(len, headroom);
    const m = this.get(Math.min(len, CHUNK_MAX - headroom), headroom);
    let last = m;
    for (let left = len - m.len; left > 0; left -= last.len) {
      const n = this.tryGet(Math.min(left, CHUNK_MAX), 0);
      if (n === undefined) {
        this.free(m);
        throw ERR.ENOBUFS;
      }
      last = last.next = n;
    }
    m.pktlen = len;
    return m;
  }

  /** A packet with a copy of `b`. ENOBUFS. */
  fromBytes(b: Uint8Array, headroom: number = MAXHDR): Mbuf {
    const m = this.getlong(b.length, headroom);
    let at = 0;
    for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) {
      copy(n.buf, n.off, b, at, n.len);
      at += n.len;
    }
    return m;
  }

  /** Frees a packet: all mbufs of the chain. */
  free(m: Mbuf): void {
    for (let n: Mbuf | undefined = m; n !== undefined; ) n = this.freeOne(n);
  }

  /** Frees one mbuf. Returns the one behind it. */
  freeOne(m: Mbuf): Mbuf | undefined {
    const { next } = m;
    this.store.release(m.ext);
    m.ext = NO_EXT;
    m.buf = NO_EXT.buf;
    m.type = MT_FREE;
    m.nextpkt = undefined;
    m.aux = undefined;
    m.next = this.#free;
    this.#free = m;
    this.used--;
    return next;
  }

  /** Registers `fn`, which frees what a protocol can do without (incomplete packets). It runs as a soft interrupt. The result takes it out. */
  onDrain(fn: () => void): () => void {
    this.#drain.add(fn);
    return () => this.#drain.delete(fn);
  }

  /** Gives what is not in use back to the kernel's memory. */
  reclaim(): void {
    this.store.reclaim();
    let count = 0;
    for (let m = this.#free; m !== undefined; m = m.next) count++;
    this.#free = undefined;
    this.made -= count;
    this.#k.mem.uncharge(count * MSIZE);
  }

  #object(): Mbuf | undefined {
    let m = this.#free;
    if (m === undefined) {
      m = this.#make();
      if (m === undefined) return undefined;
    } else this.#free = m.next;
    this.used++;
    m.next = undefined;
    m.type = MT_DATA;
    m.charged = 0;
    m.flags = 0;
    m.rcvif = 0;
    m.csum = CSUM_NONE;
    m.csumStart = m.csumOff = 0;
    m.gsoType = GSO_NONE;
    m.gsoSize = 0;
    return m;
  }

  #make(): Mbuf | undefined {
    try {
      this.#k.mem.charge(MSIZE);
    } catch (e) {
      this.#k.ignoreErrno(e);
      return undefined;
    }
    this.made++;
    return new Mbuf();
  }

  #shortage(): undefined {
    this.drops++;
    if (this.#drain.size > 0) this.#drainer.schedule();
    return undefined;
  }

  #pressed(): void {
    this.reclaim();
    if (this.#drain.size > 0) this.#drainer.schedule();
  }

  // -- at the front

  /**
   * Puts `len` bytes (at most MAXHDR), to be written by the caller, in front of a packet. They are the first of the mbuf returned, which is a new one
   * where the storage is shared or has no headroom.
   */
  prepend(m: Mbuf, len: number): Mbuf | undefined {
    if (m.ext.refs === 1 && m.off >= len) {
      m.off -= len;
      m.len += len;
      m.pktlen += len;
      if (m.csum === CSUM_PARTIAL) m.csumStart += len;
      return m;
    }
    const first = this.tryGet(len);
    if (first === undefined) return this.#refuse(m);
    moveHeader(first, m);
    first.next = m;
    first.pktlen += len;
    if (first.csum === CSUM_PARTIAL) first.csumStart += len;
    return first;
  }

  /** Makes the first `len` bytes contiguous. They may be shared; see own(). undefined: the packet is shorter. */
  pullup(m: Mbuf, len: number): Mbuf | undefined {
    if (m.len >= len) return m;
    return this.#gather(m, len);
  }

  /** Makes the first `len` bytes contiguous, and nobody else's: they may be written. undefined: the packet is shorter. */
  own(m: Mbuf, len: number): Mbuf | undefined {
    if (m.len >= len && m.ext.refs === 1) return m;
    return this.#gather(m, len);
  }

  /** Moves the first `len` bytes into one mbuf. */
  #gather(m: Mbuf, len: number): Mbuf | undefined {
    if (m.pktlen < len) return this.#refuse(m);
    if (m.ext.refs === 1 && m.buf.length - m.off >= len) {
      this.#takeInto(m, m.next, len - m.len);
      return m;
    }
    const first = this.tryGet(len);
    if (first === undefined) return this.#refuse(m);
    moveHeader(first, m);
    first.len = 0;
    this.#takeInto(first, m, len);
    return first;
  }

  /** Moves `left` bytes from the chain `n` to the end of `m`; what remains of the chain follows `m`. */
  #takeInto(m: Mbuf, n: Mbuf | undefined, left: number): void {
    while (left > 0 && n !== undefined) {
      const some = left < n.len ? left : n.len;
      copy(m.buf, m.off + m.len, n.buf, n.off, some);
      m.len += some;
      n.off += some;
      n.len -= some;
      left -= some;
      if (n.len === 0) n = this.freeOne(n);
    }
    m.next = n;
  }

  #refuse(m: Mbuf): undefined {
    this.free(m);
    return undefined;
  }

  /** Cuts `len` bytes off the front, or with `len` < 0 off the end; no more than there are. The first mbuf stays, if empty. */
  adj(m: Mbuf, len: number): void {
    if (len < 0) {
      this.trim(m, Math.max(0, m.pktlen + len));
      return;
    }
    let left = len < m.pktlen ? len : m.pktlen;
    m.pktlen -= left;
    if (m.csum === CSUM_PARTIAL) m.csumStart -= left;
    const some = left < m.len ? left : m.len;
    m.off += some;
    m.len -= some;
    left -= some;
    while (left > 0) {
      const n = m.next as Mbuf;
      if (n.len > left) {
        n.off += left;
        n.len -= left;
        return;
      }
      left -= n.len;
      m.next = this.freeOne(n);
    }
  }

  /** Makes a packet `len` bytes long, if it is longer. */
  trim(m: Mbuf, len: number): void {
    if (len >= m.pktlen) return;
    m.pktlen = len;
    let n = m;
    while (len > n.len) {
      len -= n.len;
      n = n.next as Mbuf;
    }
    n.len = len;
    if (n.next !== undefined) this.free(n.next);
    n.next = undefined;
  }

  // -- parts and wholes

  /**
   * A packet of the bytes [off, off+len) of `m`, or of as many as there are, that shares its storage. It has the flags and the interface of `m`, and
   * from `off` 0 on its checksum and segmentation, too. `m` stays what it is.
   */
  copym(m: Mbuf, off: number, len: number): Mbuf | undefined {
    let n: Mbuf | undefined = m;
    let skip = off;
    while (n !== undefined && skip >= n.len) {
      skip -= n.len;
      n = n.next;
    }
    const first = this.#shareFrom(n, skip, len);
    if (first === undefined) return undefined;
    first.flags = m.flags;
    first.rcvif = m.rcvif;
    if (off === 0) copyOffload(first, m);
    return first;
  }

  /** A new chain that shares `len` bytes from `skip` of `n`. */
  #shareFrom(n: Mbuf | undefined, skip: number, len: number): Mbuf | undefined {
    if (n === undefined || len <= 0) return this.tryGet(0);
    let first: Mbuf | undefined;
    let last: Mbuf | undefined;
    let total = 0;
    while (n !== undefined && total < len) {
      const one = this.#object();
      if (one === undefined) {
        if (first !== undefined) this.free(first);
        return this.#shortage();
      }
      one.type = n.type;
      one.ext = n.ext;
      one.buf = n.buf;
      n.ext.refs++;
      one.off = n.off + skip;
      one.len = Math.min(n.len - skip, len - total);
      total += one.len;
      skip = 0;
      if (last === undefined) first = one;
      else last.next = one;
      last = one;
      n = n.next;
    }
    (first as Mbuf).pktlen = total;
    return first;
  }

  /** Appends packet `n` to `m`: it is part of it from then on. */
  cat(m: Mbuf, n: Mbuf): void {
    lastOf(m).next = n;
    m.pktlen += n.pktlen;
  }

  /**
   * Cuts a packet in two at `off`, 0..pktlen: `m` keeps what is before, the result has the rest, the flags and the interface. undefined: no memory;
   * nothing has changed.
   */
  split(m: Mbuf, off: number): Mbuf | undefined {
    const rest = m.pktlen - off;
    const n = this.copym(m, off, rest);
    if (n === undefined) return undefined;
    if (off === 0) n.csum = n.gsoType = 0;
    this.trim(m, off);
    return n;
  }

  // -- bytes

  /** Copies the bytes [off, off+len) of a packet to `into` at `at`. Returns how many there were. */
  copydata(m: Mbuf, off: number, len: number, into: Uint8Array, at = 0): number {
    let n: Mbuf | undefined = m;
    while (n !== undefined && off >= n.len) {
      off -= n.len;
      n = n.next;
    }
    let left = len;
    while (n !== undefined && left > 0) {
      const some = Math.min(left, n.len - off);
      copy(into, at, n.buf, n.off + off, some);
      at += some;
      left -= some;
      off = 0;
      n = n.next;
    }
    return len - left;
  }

  /** The bytes of a packet, in a new array. */
  toBytes(m: Mbuf): Uint8Array {
    const b = new Uint8Array(m.pktlen);
    this.copydata(m, 0, b.length, b);
    return b;
  }

  /**
   * Writes `len` bytes of `b` from `at` into a packet at `off`, 0..pktlen; it grows where they go beyond its end. Storage that is shared is replaced
   * by a copy. False: no memory; what was written is.
   */
  copyback(m: Mbuf, off: number, b: Uint8Array, at = 0, len: number = b.length - at): boolean {
    const inside = Math.min(len, m.pktlen - off);
    let n: Mbuf | undefined = m;
    let left = inside;
    while (n !== undefined && left > 0) {
      if (off < n.len) {
        if (n.ext.refs > 1 && !this.#unshare(n)) return false;
        const some = Math.min(left, n.len - off);
        copy(n.buf, n.off + off, b, at, some);
        at += some;
        left -= some;
        off += some;
      }
      off -= n.len;
      n = n.next;
    }
    return this.append(m, b, at, len - inside);
  }

  /** Adds `len` bytes of `b` from `at` to the end of a packet. False: no memory; nothing has changed. */
  append(m: Mbuf, b: Uint8Array, at = 0, len: number = b.length - at): boolean {
    const last = lastOf(m);
    const here = Math.min(len, last.tailroom);
    let rest: Mbuf | undefined;
    if (len > here) {
      rest = this.#appendix(b, at + here, len - here);
      if (rest === undefined) return false;
    }
    copy(last.buf, last.off + last.len, b, at, here);
    last.len += here;
    last.next = rest;
    m.pktlen += len;
    return true;
  }

  #appendix(b: Uint8Array, at: number, len: number): Mbuf | undefined {
    let first: Mbuf | undefined;
    let last: Mbuf | undefined;
    for (let left = len; left > 0; left -= (last as Mbuf).len) {
      const n = this.tryGet(Math.min(left, CHUNK_MAX), 0);
      if (n === undefined) return first === undefined ? undefined : this.#refuse(first);
      copy(n.buf, n.off, b, at, n.len);
      at += n.len;
      if (last === undefined) first = n;
      else last.next = n;
      last = n;
    }
    return first;
  }

  /** Gives an mbuf a storage of its own, with the same bytes at the same offset. */
  #unshare(m: Mbuf): boolean {
    const ext = this.store.alloc(m.buf.length);
    if (ext === undefined) {
      this.#shortage();
      return false;
    }
    copy(ext.buf, m.off, m.buf, m.off, m.len);
    this.store.release(m.ext);
    m.ext = ext;
    m.buf = ext.buf;
    return true;
  }
}

/** The packet header of `from` becomes that of `to`. */
export function moveHeader(to: Mbuf, from: Mbuf): void {
  to.pktlen = from.pktlen;
  to.flags = from.flags;
  to.rcvif = from.rcvif;
  to.type = from.type;
  to.nextpkt = from.nextpkt;
  to.aux = from.aux;
  from.nextpkt = undefined;
  from.aux = undefined;
  copyOffload(to, from);
}

function copyOffload(to: Mbuf, from: Mbuf): void {
  to.csum = from.csum;
  to.csumStart = from.csumStart;
  to.csumOff = from.csumOff;
  to.gsoType = from.gsoType;
  to.gsoSize = from.gsoSize;
}

const KEY: object = {};

/** The mbufs of kernel `k`. */
export function mbufsOf(k: Kernel): Mbufs {
  return k.specific(KEY, () => new Mbufs(k));
}
