/**
 * Sending: from a caller's buffers through mbufs to the protocol, as much as the send buffer has room for.
 *
 * A call that sleeps has progressed as far as its uio says. Bytes count as moved when the protocol has taken them.
 */
import { ERR, MSG_DONTWAIT, MSG_EOR, MSG_NBIO, MSG_NOSIGNAL, MSG_OOB, SIGPIPE, SO_NOSIGPIPE } from '@anykernel/lib-sys';
import { CHUNK_MAX, type Lwp, SLEEP, type Uio } from '@anykernel/rumpkern';
import { MAXHDR, MT_CONTROL, M_EOR, type Mbuf, lastOf } from './mbuf.js';
import { PR_ATOMIC, PR_CONNREQUIRED } from './protosw.js';
import { SB_WAIT, type Sockbuf } from './sockbuf.js';
import { SS_CANTSENDMORE, SS_ISCONNECTED, type Socket } from './socket.js';

/** Urgent data may go beyond the buffer's limit. */
const OOB_SLACK = 1024;

/** Waits for a change of `sb`, as long as its time limit says. EAGAIN: the time is over. Never returns. */
export function sbwait(sb: Sockbuf, l: Lwp): never {
  const { k } = l;
  if (sb.timeoNs === Infinity) {
    sb.flags |= SB_WAIT;
    return k.sleep(sb);
  }
  const deadline = l.deadline(sb.timeoNs);
  if (k.mono() >= deadline) throw ERR.EAGAIN;
  sb.flags |= SB_WAIT;
  return k.sleep(sb, deadline);
}

/** Throws the socket's error, which has been told then. */
export function sotellerror(so: Socket): never {
  const { error } = so;
  so.error = undefined;
  throw error;
}

/**
 * Sends what `uio` has left, to `nam` or the peer, with the ancillary data `control` (cmsghdrs). `flags`: MSG_*, with MSG_NBIO for a descriptor that does not
 * block. In the order of checking:
 *
 * EPIPE, and SIGPIPE unless MSG_NOSIGNAL or SO_NOSIGPIPE: it was shut down. The socket's pending error. ENOTCONN; EDESTADDRREQ: neither connected nor an
 * address. EMSGSIZE: a message longer than the send buffer. EAGAIN. ENOBUFS. Then what the protocol says.
 */
export function sosend(so: Socket, nam: Uint8Array | undefined, uio: Uio, control: Uint8Array | undefined, flags: number, l: Lwp): void {
  const atomic = (so.proto.flags & PR_ATOMIC) !== 0;
  do {
    const clen = control === undefined || uio.moved > 0 ? 0 : control.length;
    check(so, nam, uio, flags, l);
    const space = roomFor(so, uio.resid, clen, atomic, flags, l);
    if (uio.resid === 0 && clen === 0 && !atomic) return;
    const len = atomic ? uio.resid : Math.min(uio.resid, space - clen, CHUNK_MAX);
    const m = atomic ? so.net.mbufs.getlong(len, MAXHDR) : so.net.mbufs.get(len, 0);
    const moved = uio.moved;
    fill(so, m, uio);
    if ((flags & MSG_EOR) !== 0 && uio.resid === 0) lastOf(m).flags |= M_EOR;
    uio.moved = moved;
    hand(so, m, len, nam, clen === 0 ? undefined : control, uio, flags, l);
    uio.moved = moved + len;
  } while (uio.resid > 0);
}

/** Whether anything can be sent now. */
function check(so: Socket, nam: Uint8Array | undefined, uio: Uio, flags: number, l: Lwp): void {
  if ((so.state & SS_CANTSENDMORE) !== 0) {
    if (uio.moved === 0) tellPipe(so, flags, l);
    throw ERR.EPIPE;
  }
  if (so.error !== undefined) sotellerror(so);
  if ((so.state & SS_ISCONNECTED) === 0) {
    if ((so.proto.flags & PR_CONNREQUIRED) !== 0) throw ERR.ENOTCONN;
    if (nam === undefined) throw ERR.EDESTADDRREQ;
  }
}

/** Room in the send buffer for all of a message, or for some of a stream; otherwise it waits. */
function roomFor(so: Socket, resid: number, clen: number, atomic: boolean, flags: number, l: Lwp): number {
  const { snd } = so;
  if ((atomic && resid > snd.hiwat) || clen > snd.hiwat) throw ERR.EMSGSIZE;
  const space = (flags & MSG_OOB) !== 0 ? snd.room(OOB_SLACK) : snd.space;
  // A message takes room even where it has no bytes.
  const fits = space >= resid + clen && (space > 0 || !atomic);
  if (fits || (!atomic && space >= snd.lowat && space >= clen)) return space;
  if ((flags & (MSG_DONTWAIT | MSG_NBIO)) !== 0) throw ERR.EAGAIN;
  return sbwait(snd, l);
}

/** Moves the caller's bytes into `m`. EFAULT: they are gone; then `m` is, too. */
function fill(so: Socket, m: Mbuf, uio: Uio): void {
  try {
    for (let n: Mbuf | undefined = m; n !== undefined; n = n.next) uio.move(n.buf, n.off, n.len);
  } catch (e) {
    so.net.mbufs.free(m);
    throw e;
  }
}

/** Gives a message of `len` bytes to the protocol. Where that sleeps, it begins again. */
function hand(
  so: Socket, m: Mbuf, len: number, nam: Uint8Array | undefined, control: Uint8Array | undefined, uio: Uio, flags: number, l: Lwp,
): void {
  const { usrreqs } = so.proto;
  try {
    const c = control === undefined ? undefined : controlMbuf(so, m, control);
    if ((flags & MSG_OOB) !== 0) usrreqs.sendoob(so, m, c, l);
    else usrreqs.send(so, m, nam, c, flags, l);
  } catch (e) {
    if (e === SLEEP) {
      uio.moved += len;
      uio.rewind();
    }
    if (e === ERR.EPIPE && uio.moved === 0) tellPipe(so, flags, l);
    throw e;
  }
}

/** ENOBUFS: then `m` is freed. */
function controlMbuf(so: Socket, m: Mbuf, control: Uint8Array): Mbuf {
  const { mbufs } = so.net;
  const c = mbufs.tryGet(control.length, 0);
  if (c === undefined) {
    mbufs.free(m);
    throw ERR.ENOBUFS;
  }
  c.buf.set(control, c.off);
  c.type = MT_CONTROL;
  return c;
}

function tellPipe(so: Socket, flags: number, l: Lwp): void {
  if ((flags & MSG_NOSIGNAL) === 0 && (so.options & SO_NOSIGPIPE) === 0) l.k.raise(l, SIGPIPE);
}
