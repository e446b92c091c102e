/**
 * Receiving: from the receive buffer into a caller's buffers.
 *
 * A message is taken as a whole, and what does not fit is lost (MSG_TRUNC). A stream gives what there is, up to the next ancillary data or the urgent mark. A call
 * with MSG_WAITALL that sleeps keeps in its uio what it has.
 */
import {
  ERR, MSG_CTRUNC, MSG_DONTWAIT, MSG_EOR, MSG_NBIO, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL,
} from '@anykernel/lib-sys';
import type { Lwp, Uio } from '@anykernel/rumpkern';
import { MT_CONTROL, MT_OOBDATA, MT_SONAME, M_EOR, type Mbuf } from './mbuf.js';
import { PR_ATOMIC, PR_CONNREQUIRED, PR_WANTRCVD } from './protosw.js';
import { SS_CANTRCVMORE, SS_ISCONNECTED, SS_ISCONNECTING, SS_RCVATMARK, type Socket } from './socket.js';
import { sbwait, sotellerror } from './sosend.js';

const NO_BYTES = new Uint8Array(0);
const CONNECTION = SS_ISCONNECTED | SS_ISCONNECTING;

/** What a receiving call wants beside the data, and gets. One for a kernel, used again for each call. */
export class Received {
  wantName = false;
  /** The most bytes of ancillary data. */
  controlMax = 0;
  name: Uint8Array | undefined = undefined;
  control: Uint8Array = NO_BYTES;
  /** MSG_EOR, MSG_TRUNC, MSG_CTRUNC, MSG_OOB. */
  flags = 0;
  /** A record has ended, or the urgent mark was reached. */
  stopped = false;

  /** For a new call. */
  init(wantName: boolean, controlMax: number): this {
    this.wantName = wantName;
    this.controlMax = controlMax;
    this.name = undefined;
    this.control = NO_BYTES;
    this.flags = 0;
    return this;
  }
}

/**
 * Receives into `uio`. `flags`: MSG_PEEK, MSG_OOB, MSG_WAITALL, MSG_DONTWAIT, MSG_CMSG_CLOEXEC, and MSG_NBIO for a descriptor that does not block.
 * Nothing is moved at the end of what will ever come. In the order of checking, where there is nothing to receive: the socket's pending error,
 * ENOTCONN, EAGAIN. With MSG_OOB: EINVAL, EOPNOTSUPP, and what the protocol says.
 */
export function soreceive(so: Socket, uio: Uio, flags: number, l: Lwp, msg: Received): void {
  if ((flags & MSG_OOB) !== 0) {
    receiveUrgent(so, uio, flags, msg);
    return;
  }
  for (;;) {
    const m = waitForData(so, uio, flags, l);
    if (m === undefined) return;
    if ((flags & MSG_PEEK) !== 0) {
      peek(so, m, uio, msg);
      return;
    }
    if (!take(so, m, uio, flags, l, msg)) return;
  }
}

/** The first mbuf to receive; undefined: there is nothing, and nothing to wait for. */
function waitForData(so: Socket, uio: Uio, flags: number, l: Lwp): Mbuf | undefined {
  const { rcv } = so;
  const m = rcv.head;
  const ended = (so.state & SS_CANTRCVMORE) !== 0;
  if (m !== undefined) {
    if ((so.proto.flags & PR_ATOMIC) !== 0 || rcv.cc >= uio.resid || m.nextpkt !== undefined) return m;
    if (ended || so.error !== undefined || enough(so, m, uio, flags)) return m;
  } else {
    if (uio.moved > 0 && (ended || so.error !== undefined)) return undefined;
    if (so.error !== undefined) {
      if ((flags & MSG_PEEK) !== 0) throw so.error;
      sotellerror(so);
    }
    if (ended) return undefined;
    if ((so.state & CONNECTION) === 0 && (so.proto.flags & PR_CONNREQUIRED) !== 0) throw ERR.ENOTCONN;
  }
  if (uio.resid === 0) return undefined;
  if ((flags & (MSG_DONTWAIT | MSG_NBIO)) !== 0) throw ERR.EAGAIN;
  return sbwait(rcv, l);
}

/** Whether a stream that has less than was asked for gives it. */
function enough(so: Socket, first: Mbuf, uio: Uio, flags: number): boolean {
  const { rcv } = so;
  if ((flags & MSG_DONTWAIT) !== 0) return true;
  if (rcv.cc >= rcv.lowat && ((flags & (MSG_WAITALL | MSG_NBIO)) !== MSG_WAITALL || uio.resid > rcv.hiwat)) return true;
  if (so.oobmark > 0 || (so.state & SS_RCVATMARK) !== 0) return true;
  for (let m: Mbuf | undefined = first; m !== undefined; m = m.next) if (m.type !== first.type || (m.flags & M_EOR) !== 0 || m.type === MT_OOBDATA) return true;
  return false;
}

/** Takes what there is. Returns whether the call wants more of it. */
function take(so: Socket, first: Mbuf, uio: Uio, flags: number, l: Lwp, msg: Received): boolean {
  const { proto, rcv } = so;
  const atomic = (proto.flags & PR_ATOMIC) !== 0;
  const data = takeFront(so, first, flags, l, msg);
  const rest = takeData(so, data, uio, msg);
  if (atomic && rest !== undefined) dropRest(so, rest, msg);
  if ((proto.flags & PR_WANTRCVD) !== 0 && so.pcb !== undefined) proto.usrreqs.rcvd(so, flags);
  return (flags & MSG_WAITALL) !== 0 && uio.resid > 0 && !atomic && data === first && !msg.stopped && rcv.head === undefined;
}

/** The address and the ancillary data of a record. Returns its data. */
function takeFront(so: Socket, first: Mbuf, flags: number, l: Lwp, msg: Received): Mbuf | undefined {
  let m: Mbuf | undefined = first;
  if (m.type === MT_SONAME) {
    if (msg.wantName) msg.name = bytesOf(m);
    m = dropFirst(so, m);
  }
  while (m !== undefined && m.type === MT_CONTROL) {
    takeControl(so, m, flags, l, msg);
    m = dropFirst(so, m);
  }
  return m;
}

/** Moves data of one record, to its end, or to the urgent mark. Returns what is left of it. */
function takeData(so: Socket, m: Mbuf | undefined, uio: Uio, msg: Received): Mbuf | undefined {
  msg.stopped = false;
  while (m !== undefined && uio.resid > 0 && !msg.stopped) {
    let len = m.len < uio.resid ? m.len : uio.resid;
    so.state &= ~SS_RCVATMARK;
    if (so.oobmark > 0 && len > so.oobmark) len = so.oobmark;
    uio.move(m.buf, m.off, len);
    if (len < m.len) so.rcv.shorten(m, len);
    else {
      if ((m.flags & M_EOR) !== 0) {
        msg.flags |= MSG_EOR;
        msg.stopped = true;
      }
      m = dropFirst(so, m);
    }
    if (so.oobmark > 0 && (so.oobmark -= len) === 0) {
      so.state |= SS_RCVATMARK;
      msg.stopped = true;
    }
  }
  return m;
}

/** The rest of a message that was too long is lost. */
function dropRest(so: Socket, rest: Mbuf, msg: Received): void {
  for (let m: Mbuf | undefined = rest; m !== undefined; m = dropFirst(so, m)) {
    if (m.len > 0) msg.flags |= MSG_TRUNC;
    if ((m.flags & M_EOR) !== 0) msg.flags |= MSG_EOR;
  }
}

/** Frees the first mbuf of the buffer; what is left of its record. */
function dropFirst(so: Socket, m: Mbuf): Mbuf | undefined {
  const rest = so.rcv.unlink(m);
  so.net.mbufs.freeOne(m);
  return rest;
}

function bytesOf(m: Mbuf): Uint8Array {
  return m.buf.slice(m.off, m.off + m.len);
}

/** Ancillary data becomes the caller's, as far as he has room for it. */
function takeControl(so: Socket, m: Mbuf, flags: number, l: Lwp, msg: Received): void {
  const room = msg.controlMax - msg.control.length;
  if (m.aux !== undefined && so.domain.externalize !== undefined) addControl(msg, so.domain.externalize(m, l, room, flags), m.len);
  else addControl(msg, bytesOf(m).subarray(0, Math.max(0, room)), m.len);
}

function addControl(msg: Received, data: Uint8Array, whole: number): void {
  if (data.length < whole && msg.controlMax > 0) msg.flags |= MSG_CTRUNC;
  if (msg.control.length === 0) {
    msg.control = data;
    return;
  }
  const both = new Uint8Array(msg.control.length + data.length);
  both.set(msg.control);
  both.set(data, msg.control.length);
  msg.control = both;
}

/** The same, and all stays. Descriptors are not passed: they can be passed once. */
function peek(so: Socket, first: Mbuf, uio: Uio, msg: Received): void {
  let m: Mbuf | undefined = first;
  if (m.type === MT_SONAME) {
    if (msg.wantName) msg.name = bytesOf(m);
    m = m.next;
  }
  for (; m !== undefined && m.type === MT_CONTROL; m = m.next) {
    if (m.aux === undefined) addControl(msg, bytesOf(m).subarray(0, Math.max(0, msg.controlMax - msg.control.length)), m.len);
  }
  const mark = so.oobmark > 0 ? so.oobmark : Infinity;
  let seen = 0;
  let ended = false;
  for (; m !== undefined && uio.resid > 0 && !ended && seen < mark; m = m.next) {
    const len = Math.min(m.len, uio.resid, mark - seen);
    uio.move(m.buf, m.off, len);
    seen += len;
    if (len < m.len) break;
    ended = (m.flags & M_EOR) !== 0;
  }
  if (ended) msg.flags |= MSG_EOR;
  if ((so.proto.flags & PR_ATOMIC) !== 0 && uio.resid === 0) {
    let left = -seen;
    for (let n: Mbuf | undefined = first; n !== undefined; n = n.next) if (n.type !== MT_SONAME && n.type !== MT_CONTROL) left += n.len;
    if (left > 0) msg.flags |= MSG_TRUNC;
  }
}

function receiveUrgent(so: Socket, uio: Uio, flags: number, msg: Received): void {
  const m = so.proto.usrreqs.recvoob(so, flags);
  try {
    for (let n: Mbuf | undefined = m; n !== undefined && uio.resid > 0; n = n.next) uio.move(n.buf, n.off, n.len);
    msg.flags |= MSG_OOB;
  } finally {
    so.net.mbufs.free(m);
  }
}
