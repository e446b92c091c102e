/**
 * Descriptors in flight: open files that a message carries (SCM_RIGHTS).
 *
 * A message holds its files until it is received, or dropped. Files are closed from a soft interrupt, one after another, since a file that goes may be a socket with
 * more of them inside. Sockets that only messages hold, which only they themselves could receive, are found by collect() (gc.ts).
 */
import { CMSG_HDR_LEN, CMSG_LEN, ERR, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOL_SOCKET, parseCmsgs, rightsCmsg } from '@anykernel/lib-sys';
import { getI32le } from '@anykernel/lib-bytes';
import { Callout, Fifo, type File, type Lwp, type Softint } from '@anykernel/rumpkern';
import { MT_CONTROL, type Mbuf } from '@anykernel/rumpnet';
import { collect } from './gc.js';
import type { Local } from './state.js';

/** Sockets that may be looked at for each reason, and when that is too few. */
const LOOKS_PER_REASON = 16;
const LATER_NS = 100e6;
/** The most descriptors in flight in a kernel. */
const INFLIGHT_MAX = 16_384;

export class Rights {
  readonly #local: Local;
  /** Files in flight, and in how many messages each is. */
  readonly inflight: Map<File, number> = new Map<File, number>();
  /** All of them, counted as often as they are. */
  count = 0;
  readonly #closing: Fifo<File> = new Fifo<File>();
  readonly #closer: Softint;
  readonly #collector: Softint;
  readonly #later: Callout;
  /** Reasons to look since the last look, and how many sockets that one looked at. */
  #reasons = 0;
  #looked = 0;

  constructor(local: Local) {
    this.#local = local;
    this.#closer = local.k.softint(() => this.#closeAll());
    this.#collector = local.k.softint(() => {
      this.#reasons = 0;
      this.#looked = collect(local);
    });
    this.#later = new Callout(local.k, () => this.#collector.schedule(), true);
  }

  /**
   * Ancillary data of a message that is being sent, with the descriptors in it held. Owns `control`, also where it throws. EINVAL: it is not well-formed, or
   * something else than descriptors. EBADF. EOPNOTSUPP: a kernel event queue. EAGAIN: too many are in flight.
   */
  internalize(control: Mbuf, l: Lwp): Mbuf {
    try {
      const files = this.#filesOf(control, l);
      for (const f of files) this.#hold(f);
      control.aux = files;
      control.len = control.pktlen = Math.min(control.len, CMSG_LEN(4 * files.length));
      return control;
    } catch (e) {
      this.#local.net.mbufs.free(control);
      throw e;
    }
  }

  #filesOf(control: Mbuf, l: Lwp): File[] {
    const messages = parseCmsgs(control.buf.subarray(control.off, control.off + control.len));
    if (messages === undefined || messages.length === 0) throw ERR.EINVAL;
    const files: File[] = [];
    for (const { level, type, data } of messages) {
      if (level !== SOL_SOCKET || type !== SCM_RIGHTS) throw ERR.EINVAL;
      for (let at = 0; at + 4 <= data.length; at += 4) files.push(l.proc.fd.get(getI32le(data, at)));
    }
    if (files.some((f) => f.type === 'kqueue')) throw ERR.EOPNOTSUPP;
    if (this.count + files.length > INFLIGHT_MAX) throw ERR.EAGAIN;
    return files;
  }

  /**
   * The descriptors of a message become the receiver's. Returns their control message, of at most `room` bytes; those for which there is no room, in it or
   * in the process (EMFILE), are closed.
   */
  externalize(m: Mbuf, l: Lwp, room: number, flags: number): Uint8Array {
    const files = m.aux as readonly File[];
    m.aux = undefined;
    const most = Math.floor((room - CMSG_HDR_LEN) / 4);
    const fds: number[] = [];
    for (const f of files) {
      const fd = fds.length < most ? install(f, l, (flags & MSG_CMSG_CLOEXEC) !== 0) : undefined;
      if (fd !== undefined) fds.push(fd);
      this.#release(f);
    }
    if (room < CMSG_HDR_LEN || (fds.length === 0 && files.length > 0)) return new Uint8Array(0);
    return rightsCmsg(...fds).subarray(0, CMSG_LEN(4 * fds.length));
  }

  /** A message with descriptors is dropped. */
  dispose(m: Mbuf): void {
    const files = m.aux as readonly File[];
    m.aux = undefined;
    for (const f of files) this.#release(f);
  }

  /** Drops the descriptors in a chain that is not sent after all, and frees it. */
  free(control: Mbuf): void {
    for (let m: Mbuf | undefined = control; m !== undefined; m = m.next) if (m.type === MT_CONTROL && m.aux !== undefined) this.dispose(m);
    this.#local.net.mbufs.free(control);
  }

  /**
   * Descriptor `f` is being closed, or a message with it dropped. If messages alone hold it now, there may be sockets that nobody can reach: they are looked
   * for at once, or where that has been much work for its reasons, a little later.
   */
  suspect(f: File, references: number): void {
    if (this.inflight.get(f) !== references) return;
    this.#reasons++;
    if (this.#reasons * LOOKS_PER_REASON >= this.#looked) this.#collector.schedule();
    else if (!this.#later.pending) this.#later.schedule(LATER_NS);
  }

  #hold(f: File): void {
    f.hold();
    this.count++;
    this.inflight.set(f, (this.inflight.get(f) ?? 0) + 1);
  }

  /** A message lets go of `f`. The last reference is dropped a little later. */
  #release(f: File): void {
    const left = (this.inflight.get(f) as number) - 1;
    this.count--;
    if (left === 0) this.inflight.delete(f);
    else this.inflight.set(f, left);
    if (f.count > 1) {
      f.count--;
      this.suspect(f, f.count);
      return;
    }
    this.#closing.push(f);
    this.#closer.schedule();
  }

  #closeAll(): void {
    for (let f = this.#closing.shift(); f !== undefined; f = this.#closing.shift()) this.#local.k.closeLater(f);
  }
}

/** A descriptor for `f`; undefined: the process has as many as it may have. */
function install(f: File, l: Lwp, cloexec: boolean): number | undefined {
  try {
    return l.proc.fd.alloc(f, l.proc.limits.nofile, 0, cloexec);
  } catch (e) {
    l.k.ignoreErrno(e);
    return undefined;
  }
}
