/**
 * One open of the device: the interface that it listens to, its filters, and two buffers. Packets go into one of them (store); when it is full, or nobody wants
 * to wait longer, it is the one that is read (hold). While both are full packets are dropped, and counted.
 */
import { putU16le, putU32le, putU64le } from '@anykernel/lib-bytes';
import {
  AF_INET, AF_INET6, BPF_D_IN, BPF_D_INOUT, BPF_D_OUT, BPF_DFLTBUFSIZE, BPF_HDR_LEN, BPF_WORDALIGN, DLT_EN10MB, DLT_NULL, DLT_RAW, ERR, IFT_ETHER,
} from '@anykernel/lib-sys';
import { type Ifnet, promiscuous, type Tap } from '@anykernel/net';
import { Callout, type Lwp, Selinfo, type Uio } from '@anykernel/rumpkern';
import type { Mbuf } from '@anykernel/rumpnet';
import type { Bpf } from './device.js';
import type { Filter } from './filter.js';

const NO_BYTES = new Uint8Array(0);
const NULL_HDR_LEN = 4;

export class Descriptor {
  readonly #bpf: Bpf;
  readonly sel: Selinfo = new Selinfo();
  ifp: Ifnet | undefined = undefined;
  dlt = DLT_EN10MB;
  /** Bytes of each buffer. */
  bufsize = BPF_DFLTBUFSIZE;
  filter: Filter | undefined = undefined;
  writeFilter: Filter | undefined = undefined;
  /** A packet that has come is read at once. */
  immediate = false;
  /** The source address of what is written is the program's. */
  headerComplete = false;
  direction: number = BPF_D_INOUT;
  /** What is written comes in as well. */
  feedback = false;
  /** Nothing can be changed any more. */
  locked = false;
  /** ns that a reader waits for a full buffer; 0: as long as it takes. */
  timeoutNs = 0;
  received = 0;
  dropped = 0;
  captured = 0;
  #store = NO_BYTES;
  #hold = NO_BYTES;
  #storeLen = 0;
  #holdLen = 0;
  #promiscuous = false;
  /** For who waits by poll(2): the time is up. */
  readonly #timer: Callout;
  #timedOut = false;
  readonly #tap: Tap = (m, out) => this.#seen(m, out);

  constructor(bpf: Bpf) {
    this.#bpf = bpf;
    this.#timer = new Callout(bpf.k, () => {
      this.#timedOut = true;
      if (this.#storeLen > 0) this.#wakeup();
    });
  }

  // -- the interface

  /** The link layers that the interface can be read in. */
  get dlts(): readonly number[] {
    return this.ifp === undefined ? [] : dltsOf(this.ifp);
  }

  /** Listens to an interface from now on. ENOMEM. */
  attach(ifp: Ifnet): void {
    if (this.#store.length !== this.bufsize) {
      this.#bpf.k.mem.charge(2 * this.bufsize);
      this.#store = new Uint8Array(this.bufsize);
      this.#hold = new Uint8Array(this.bufsize);
    }
    this.#leave();
    this.ifp = ifp;
    [this.dlt] = dltsOf(ifp);
    ifp.taps.push(this.#tap);
    this.reset();
  }

  /** The interface is gone; what came from it can still be read. */
  gone(): void {
    this.#leave();
    this.#wakeup();
  }

  #leave(): void {
    const { ifp } = this;
    if (ifp === undefined) return;
    const at = ifp.taps.indexOf(this.#tap);
    if (at >= 0) ifp.taps.splice(at, 1);
    if (this.#promiscuous) promiscuous(ifp, false);
    this.#promiscuous = false;
    this.ifp = undefined;
  }

  setPromiscuous(ifp: Ifnet): void {
    if (!this.#promiscuous) promiscuous(ifp, true);
    this.#promiscuous = true;
  }

  close(): void {
    this.#leave();
    this.#timer.stop();
    this.#bpf.k.mem.uncharge(2 * this.#store.length);
    this.#store = this.#hold = NO_BYTES;
    this.#storeLen = this.#holdLen = 0;
  }

  /** What was captured is forgotten, and the counts. */
  reset(): void {
    this.#storeLen = this.#holdLen = 0;
    this.received = this.dropped = this.captured = 0;
  }

  // -- packets

  #seen(m: Mbuf, out: boolean): void {
    if (this.direction !== BPF_D_INOUT && out !== (this.direction === BPF_D_OUT)) return;
    this.received++;
    this.#bpf.stats.recv++;
    const bpf = this.#bpf;
    let { buf, off, len } = m;
    if (m.next !== undefined || this.dlt === DLT_NULL) {
      buf = bpf.linear(m, this.dlt === DLT_NULL ? NULL_HDR_LEN : 0);
      off = 0;
      len = m.pktlen;
      if (this.dlt === DLT_NULL) {
        len += NULL_HDR_LEN;
        putU32le(buf, 0, buf[NULL_HDR_LEN] >>> 4 === 6 ? AF_INET6 : AF_INET);
      }
    }
    const snaplen = this.filter === undefined ? len : bpf.machine.run(this.filter, buf, off, len);
    if (snaplen > 0) this.#capture(buf, off, snaplen < len ? snaplen : len, len);
  }

  #capture(buf: Uint8Array, off: number, snaplen: number, len: number): void {
    this.captured++;
    this.#bpf.stats.capt++;
    const linkLen = this.dlt === DLT_EN10MB ? 14 : this.dlt === DLT_NULL ? NULL_HDR_LEN : 0;
    // The network header begins at a word.
    const hdrlen = BPF_WORDALIGN(BPF_HDR_LEN + linkLen) - linkLen;
    const caplen = Math.min(snaplen, Math.max(this.bufsize - hdrlen, 0));
    let at = BPF_WORDALIGN(this.#storeLen);
    if (at + hdrlen + caplen > this.bufsize) {
      if (this.#holdLen > 0 || hdrlen > this.bufsize) {
        this.dropped++;
        this.#bpf.stats.drop++;
        return;
      }
      this.#rotate();
      this.#wakeup();
      at = 0;
    }
    const { now } = this.#bpf;
    this.#bpf.k.wall(now);
    const store = this.#store;
    store.fill(0, this.#storeLen, at + hdrlen);
    putU64le(store, at, now.sec);
    putU64le(store, at + 8, Math.floor(now.nsec / 1000));
    putU32le(store, at + 16, caplen);
    putU32le(store, at + 20, len);
    putU16le(store, at + 24, hdrlen);
    store.set(buf.subarray(off, off + caplen), at + hdrlen);
    this.#storeLen = at + hdrlen + caplen;
    if (this.immediate || this.#timedOut) this.#wakeup();
  }

  #rotate(): void {
    [this.#hold, this.#store] = [this.#store, this.#hold];
    this.#holdLen = this.#storeLen;
    this.#storeLen = 0;
  }

  #wakeup(): void {
    this.#bpf.k.wakeup(this);
    this.sel.notify();
  }

  // -- programs

  /** Bytes that a reader gets. */
  get readable(): number {
    return this.#holdLen > 0 ? this.#holdLen : this.immediate || this.#timedOut ? this.#storeLen : 0;
  }

  /** All that is captured and was not read. */
  get pending(): number {
    return this.#holdLen + this.#storeLen;
  }

  /** Who waits by poll(2) waits no longer than the timeout. */
  startTimer(): void {
    if (this.timeoutNs > 0 && !this.#timer.pending && !this.#timedOut) this.#timer.schedule(this.timeoutNs);
  }

  /** Gives a buffer of whole records, or with a timeout nothing. EINVAL: not the size of the buffers. EAGAIN. ENXIO: there is no interface. */
  read(uio: Uio, nonblock: boolean, l: Lwp): void {
    if (uio.resid !== this.bufsize) throw ERR.EINVAL;
    if (this.#holdLen === 0 && !this.#fill(nonblock, l)) return;
    uio.move(this.#hold, 0, this.#holdLen);
    this.#holdLen = 0;
    this.#timedOut = false;
    this.#timer.stop();
  }

  /** Has something in the buffer that is read, or sleeps; false: the time is up, and there is nothing. */
  #fill(nonblock: boolean, l: Lwp): boolean {
    const { k } = this.#bpf;
    if (this.#storeLen > 0 && (this.immediate || nonblock || this.#timedOut || this.ifp === undefined)) {
      this.#rotate();
      return true;
    }
    if (this.ifp === undefined) throw ERR.ENXIO;
    if (nonblock) throw ERR.EAGAIN;
    if (this.timeoutNs === 0) k.sleep(this);
    const deadline = l.deadline(this.timeoutNs);
    if (k.mono() < deadline) k.sleep(this, deadline);
    if (this.#storeLen === 0) return false;
    this.#rotate();
    return true;
  }

  /** Sends a frame. ENXIO: there is no interface. EMSGSIZE: too long, or shorter than its header. EPERM: the write filter. ENETDOWN, ENOBUFS, EAFNOSUPPORT. */
  write(uio: Uio): void {
    const { ifp } = this;
    if (ifp === undefined) throw ERR.ENXIO;
    const linkLen = this.dlt === DLT_EN10MB ? 14 : this.dlt === DLT_NULL ? NULL_HDR_LEN : 0;
    const len = uio.resid;
    if (len === 0) return;
    if (len < linkLen || len > linkLen + ifp.mtu) throw ERR.EMSGSIZE;
    if (!ifp.up) throw ERR.ENETDOWN;
    const frame = new Uint8Array(len);
    uio.move(frame, 0, len);
    try {
      if (this.writeFilter !== undefined && this.#bpf.machine.run(this.writeFilter, frame, 0, len) === 0) throw ERR.EPERM;
      this.#bpf.send(ifp, frame, this.dlt, { headerComplete: this.headerComplete, feedback: this.feedback });
    } catch (e) {
      // Nothing of it was written.
      uio.rewind();
      throw e;
    }
  }
}

function dltsOf(ifp: Ifnet): readonly [number, ...number[]] {
  return ifp.type === IFT_ETHER ? [DLT_EN10MB] : [DLT_NULL, DLT_RAW];
}

/** EINVAL: no direction. */
export function directionOf(value: number): number {
  if (value !== BPF_D_IN && value !== BPF_D_INOUT && value !== BPF_D_OUT) throw ERR.EINVAL;
  return value;
}
