/**
 * Socket buffers: what has come and was not taken, and what was sent and has not gone.
 *
 * A buffer is a queue of records (through nextpkt). A record is a chain: an address (MT_SONAME) if the protocol has addresses, ancillary data (MT_CONTROL),
 * then data. A stream has one record, except where ancillary data begins a new one. Two limits hold: `hiwat` on the bytes, and `mbmax` on the memory that they
 * occupy, so that small messages cannot pin large storages.
 */
import { CHUNK_MAX, Selinfo, copy } from '@anykernel/rumpkern';
import { MSIZE, MT_CONTROL, MT_DATA, MT_SONAME, M_EOR, type Mbuf, lastOf } from './mbuf.js';
import type { Mbufs } from './mbufs.js';
import type { Socket } from './socket.js';

/** Somebody sleeps on the buffer. */
export const SB_WAIT = 0x04;
/** The user has set its size: the protocol does not grow it. */
export const SB_FIXED = 0x10;

/** Bytes that are copied to the end of the last mbuf rather than linked. */
const COMPRESS_MAX = 1024;

export class Sockbuf {
  /** Bytes of data. */
  cc = 0;
  /** Bytes of addresses and ancillary data. */
  ctl = 0;
  /** Most bytes, and fewest for a wakeup. */
  hiwat = 0;
  lowat = 1;
  /** Memory that is occupied, and the most of it. */
  mbcnt = 0;
  mbmax = 0;
  /** SB_*. */
  flags = 0;
  /** How long a call waits, ns; Infinity: for ever. */
  timeoNs = Infinity;
  /** The first and the last record. */
  head: Mbuf | undefined = undefined;
  lastrecord: Mbuf | undefined = undefined;
  /** The last mbuf of the last record. */
  mbtail: Mbuf | undefined = undefined;
  /** Records that did not fit. */
  overflowed = 0;
  /** Of a send buffer: where what is sent goes at once, if that is another socket's receive buffer; what waits there counts here. */
  via: Sockbuf | undefined = undefined;
  /** Who is told of changes. */
  readonly sel: Selinfo = new Selinfo();
  readonly #mb: Mbufs;

  constructor(readonly so: Socket, mb: Mbufs) {
    this.#mb = mb;
  }

  /** Bytes that fit. */
  get space(): number {
    const held = this.via ?? this;
    const bytes = this.hiwat - held.cc - held.ctl;
    const memory = this.mbmax - held.mbcnt;
    const least = bytes < memory ? bytes : memory;
    return least > 0 ? least : 0;
  }

  /** Bytes that fit where so many may go beyond the limits. */
  room(beyond: number): number {
    const held = this.via ?? this;
    const least = Math.min(this.hiwat - held.cc - held.ctl, this.mbmax - held.mbcnt) + beyond;
    return least > 0 ? least : 0;
  }

  /** Sets the limits for `len` bytes. False: that is more than anybody may have (`max`, kern.sbmax). */
  reserve(len: number, max: number): boolean {
    if (len <= 0 || len > max) return false;
    this.hiwat = len;
    this.mbmax = Math.min(2 * len, 2 * max) + CHUNK_MAX;
    if (this.lowat > this.hiwat) this.lowat = this.hiwat;
    return true;
  }

  // -- in

  /** Adds data to a stream: to the last record. */
  appendstream(m: Mbuf): void {
    if (this.mbtail === undefined) this.appendrecord(m);
    else this.#compress(m);
  }

  /** Begins a record with the data of `m`. */
  appendrecord(m: Mbuf): void {
    this.#link(m);
  }

  /**
   * Adds a message with the address that it is from, and ancillary data. False: there is no room, or no memory, and nothing was taken;
   * `overflowed` counts it.
   */
  appendaddr(nam: Uint8Array, m: Mbuf | undefined, control: Mbuf | undefined): boolean {
    const len = nam.length + (m === undefined ? 0 : m.pktlen) + (control === undefined ? 0 : control.pktlen);
    const name = len <= this.space ? this.#mb.tryGet(nam.length, 0) : undefined;
    if (name === undefined) {
      this.overflowed++;
      return false;
    }
    copy(name.buf, name.off, nam, 0, nam.length);
    name.type = MT_SONAME;
    name.next = control ?? m;
    if (control !== undefined) lastOf(control).next = m;
    this.#link(name);
    return true;
  }

  /** Adds a message with ancillary data in front. False: there is no room, and nothing was taken. */
  appendcontrol(m: Mbuf | undefined, control: Mbuf): boolean {
    if (control.pktlen + (m === undefined ? 0 : m.pktlen) > this.space) {
      this.overflowed++;
      return false;
    }
    lastOf(control).next = m;
    this.#link(control);
    return true;
  }

  /** A new record. */
  #link(m: Mbuf): void {
    m.nextpkt = undefined;
    if (this.lastrecord === undefined) this.head = m;
    else this.lastrecord.nextpkt = m;
    this.lastrecord = m;
    let last = m;
    for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) {
      this.#count(n);
      last = n;
    }
    this.mbtail = last;
  }

  /** Joins a chain to the last record; what is short is copied, so that a stream of small writes does not use up memory. */
  #compress(m: Mbuf): void {
    let eor = 0;
    for (let n: Mbuf | undefined = m; n !== undefined; ) {
      const tail = this.mbtail as Mbuf;
      eor |= n.flags & M_EOR;
      if (n.len === 0 && (eor === 0 || n.next !== undefined)) {
        n = this.#mb.freeOne(n);
        continue;
      }
      if (n.len <= COMPRESS_MAX && tail.type === n.type && (tail.flags & M_EOR) === 0 && n.len <= tail.tailroom) {
        copy(tail.buf, tail.off + tail.len, n.buf, n.off, n.len);
        tail.len += n.len;
        if (n.type === MT_DATA) this.cc += n.len;
        else this.ctl += n.len;
        tail.flags |= n.flags & M_EOR;
        n = this.#mb.freeOne(n);
        continue;
      }
      const next: Mbuf | undefined = n.next;
      n.next = undefined;
      tail.next = this.mbtail = n;
      this.#count(n);
      n = next;
    }
  }

  #count(m: Mbuf): void {
    if (m.type === MT_SONAME || m.type === MT_CONTROL) this.ctl += m.len;
    else this.cc += m.len;
    // Of a storage that is shared, each pays for its part.
    m.charged = MSIZE + (m.ext.refs === 1 ? m.buf.length : m.len);
    this.mbcnt += m.charged;
  }

  // -- out

  /** Frees `m`, the first mbuf of the first record: it has been taken. */
  shift(m: Mbuf): void {
    this.unlink(m);
    this.#mb.freeOne(m);
  }

  /**
   * Takes `m`, the first mbuf of the first record, out without freeing it. Returns the first mbuf of what is left of the record; undefined: that was its
   * last one, and the next record is the first.
   */
  unlink(m: Mbuf): Mbuf | undefined {
    this.#uncount(m);
    const { next, nextpkt } = m;
    if (next !== undefined) {
      next.nextpkt = nextpkt;
      if (this.lastrecord === m) this.lastrecord = next;
      this.head = next;
    } else {
      this.head = nextpkt;
      if (nextpkt === undefined) this.lastrecord = this.mbtail = undefined;
    }
    m.next = m.nextpkt = undefined;
    return next;
  }

  /** `len` bytes have been taken from the front of `m`, which has more. */
  shorten(m: Mbuf, len: number): void {
    m.off += len;
    m.len -= len;
    if (m.type === MT_SONAME || m.type === MT_CONTROL) this.ctl -= len;
    else this.cc -= len;
  }

  #uncount(m: Mbuf): void {
    if (m.type === MT_SONAME || m.type === MT_CONTROL) this.ctl -= m.len;
    else this.cc -= m.len;
    this.mbcnt -= m.charged;
    m.charged = 0;
  }

  /** Drops `len` bytes from the front: of a stream, without addresses and ancillary data. */
  drop(len: number): void {
    while (len > 0) {
      const m = this.head as Mbuf;
      if (m.len > len) {
        this.shorten(m, len);
        return;
      }
      len -= m.len;
      this.shift(m);
    }
    while (this.head !== undefined && this.head.len === 0) this.shift(this.head);
  }

  /** Drops the first record. */
  droprecord(): void {
    const first = this.head;
    if (first === undefined) return;
    for (let m: Mbuf | undefined = first; m !== undefined; ) {
      const rest = this.unlink(m);
      this.#mb.freeOne(m);
      m = rest;
    }
  }

  /** Drops everything. */
  flush(): void {
    while (this.head !== undefined) this.droprecord();
  }
}
