/** System calls on sockets. */
import {
  ERR, Errno, type Handlers, MSG_CMSG_CLOEXEC, MSG_DONTROUTE, MSG_DONTWAIT, MSG_EOR, MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_WAITALL, MSG_WAITFORONE, type Mmsghdr,
  type Msghdr, O_NONBLOCK, O_NOSIGPIPE, SOCK_CLOEXEC, SOCK_DGRAM, SOCK_FLAGS_MASK, SOCK_NONBLOCK, SOCK_NOSIGPIPE, type SocketName, type Timespec, type rumpnetCalls,
} from '@anykernel/lib-sys';
import { type File, type Lwp, SLEEP, durationOf, masked } from '@anykernel/rumpkern';
import { SS_ISCONNECTED, type Socket } from './socket.js';
import type { Rumpnet } from './rumpnet.js';
import { flagsOf, socketFd, socketFile, socketOf } from './sofile.js';
import { sogetopt, sosetopt } from './sockopt.js';
import { soaccepted, soclose, soconnect, solisten, sonextconn, soshutdown } from './soops.js';
import { soreceive } from './soreceive.js';
import { sosend } from './sosend.js';

type Calls = Handlers<typeof rumpnetCalls, Lwp>;
type DataCalls = 'sendto' | 'recvfrom' | 'sendmsg' | 'recvmsg' | 'sendmmsg' | 'recvmmsg';

const SEND_FLAGS: number = MSG_OOB | MSG_DONTROUTE | MSG_EOR | MSG_DONTWAIT | MSG_NOSIGNAL;
const RECV_FLAGS: number = MSG_OOB | MSG_PEEK | MSG_WAITALL | MSG_DONTWAIT | MSG_CMSG_CLOEXEC | MSG_NOSIGNAL;
/** The most ancillary data of one message. */
const CONTROL_MAX = 65_536;
const SOCKADDR_MAX = 255;

/** EINVAL: it is not an address: shorter than 2 bytes, or longer than 255. */
function address(nam: Uint8Array): Uint8Array {
  if (nam.length < 2 || nam.length > SOCKADDR_MAX) throw ERR.EINVAL;
  return nam;
}

// -- descriptors

/** SOCK_NONBLOCK and SOCK_NOSIGPIPE as flags of an open file. */
function fileFlags(type: number): number {
  return ((type & SOCK_NONBLOCK) !== 0 ? O_NONBLOCK : 0) | ((type & SOCK_NOSIGPIPE) !== 0 ? O_NOSIGPIPE : 0);
}

/** A descriptor for a socket. EMFILE: then the socket is as it was. */
function install(so: Socket, flags: number, cloexec: boolean, l: Lwp): number {
  return l.proc.fd.alloc(socketFile(so, flags, l), l.proc.limits.nofile, 0, cloexec);
}

function socket(net: Rumpnet, l: Lwp, family: number, typeAndFlags: number, protocol: number): number {
  const so = net.socreate(family, typeAndFlags & ~SOCK_FLAGS_MASK, protocol, l);
  try {
    return install(so, fileFlags(typeAndFlags), (typeAndFlags & SOCK_CLOEXEC) !== 0, l);
  } catch (e) {
    soclose(so, true, l);
    throw e;
  }
}

/** Connects two new sockets. Where that fails, both are closed. */
function socketpair(net: Rumpnet, l: Lwp, family: number, type: number, protocol: number): [number, number] {
  const fd = socket(net, l, family, type, protocol);
  let fd2 = -1;
  try {
    fd2 = socket(net, l, family, type, protocol);
    const [so, so2] = [socketOf(l.proc.fd.get(fd)), socketOf(l.proc.fd.get(fd2))];
    so.proto.usrreqs.connect2(so, so2);
    if (so.type === SOCK_DGRAM) so.proto.usrreqs.connect2(so2, so);
    return [fd, fd2];
  } catch (e) {
    if (fd2 >= 0) l.proc.fd.close(fd2, l);
    l.proc.fd.close(fd, l);
    throw e;
  }
}

/** `flags` are those of the new open file. */
function accept(l: Lwp, listener: File, name: SocketName | undefined, flags: number, cloexec: boolean): number {
  const so = sonextconn(socketOf(listener), (listener.flag & O_NONBLOCK) !== 0, l);
  const fd = install(so, flags, cloexec, l);
  try {
    const nam = soaccepted(so);
    if (name !== undefined) name.addr = nam;
    return fd;
  } catch (e) {
    l.proc.fd.close(fd, l);
    throw e;
  }
}

// -- messages

/** EOPNOTSUPP: unknown flags. EMSGSIZE: too much ancillary data. EINVAL: not an address. */
function sendmsg(l: Lwp, f: File, hdr: Msghdr, flags: number): number {
  if ((flags & ~SEND_FLAGS) !== 0) throw ERR.EOPNOTSUPP;
  if (hdr.control !== undefined && hdr.control.length > CONTROL_MAX) throw ERR.EMSGSIZE;
  const control = hdr.control === undefined || hdr.control.length === 0 ? undefined : hdr.control;
  const nam = hdr.name === undefined ? undefined : address(hdr.name);
  const uio = l.uioOfv(hdr.iov, 0, 'write');
  sosend(socketOf(f), nam, uio, control, flags | flagsOf(f), l);
  return uio.moved;
}

/** Fills `hdr`. EOPNOTSUPP: unknown flags. */
function recvmsg(net: Rumpnet, l: Lwp, f: File, hdr: Msghdr, flags: number): number {
  if ((flags & ~RECV_FLAGS) !== 0) throw ERR.EOPNOTSUPP;
  const uio = l.uioOfv(hdr.iov, 0, 'read');
  const msg = net.received.init(true, Math.max(0, Math.min(hdr.controlMax ?? 0, CONTROL_MAX)));
  soreceive(socketOf(f), uio, flags | flagsOf(f), l, msg);
  hdr.name = msg.name;
  hdr.control = msg.control.length > 0 ? msg.control : undefined;
  hdr.flags = msg.flags;
  return uio.moved;
}

/** How far sendmmsg or recvmmsg has come, over restarts. */
interface Progress {
  count: number;
  /** The next message has not begun. */
  fresh: boolean;
  /** When recvmmsg begins no more messages, monotonic ns. */
  readonly deadline: number;
}

function progressOf(l: Lwp, ns: number): Progress {
  return ((l.memo as Progress | undefined) ??= l.memo = { count: 0, fresh: true, deadline: ns === Infinity ? ns : l.k.mono() + ns });
}

/** One message after another; what has been done counts where a later one fails, or would wait and cannot. */
function each(l: Lwp, msgs: readonly Mmsghdr[], done: Progress, one: (msg: Mmsghdr, index: number) => boolean): number {
  try {
    while (done.count < msgs.length) {
      if (done.fresh) {
        l.restarts = 0;
        done.fresh = false;
      }
      const more = one(msgs[done.count], done.count);
      done.count++;
      done.fresh = true;
      l.uio.moved = 0;
      if (!more) break;
    }
  } catch (e) {
    if (done.count === 0 || (e === SLEEP ? l.resume !== undefined : !(e instanceof Errno))) throw e;
  }
  return done.count;
}

/** After `timeout` no more messages are begun; it does not end the waiting for one. */
function recvmmsg(net: Rumpnet, l: Lwp, fd: number, msgs: readonly Mmsghdr[], flags: number, timeout: Timespec | undefined): number {
  const f = socketFd(l, fd);
  const done = progressOf(l, timeout === undefined ? Infinity : durationOf(timeout));
  return each(l, msgs, done, (msg, index) => {
    const dontwait = (flags & MSG_WAITFORONE) !== 0 && index > 0 ? MSG_DONTWAIT : 0;
    msg.len = recvmsg(net, l, f, msg.hdr, (flags & ~MSG_WAITFORONE) | dontwait);
    return done.deadline === Infinity || l.k.mono() < done.deadline;
  });
}

/** Calls that make sockets, connect them and look at them. */
function connectionCalls(net: Rumpnet): Omit<Calls, DataCalls> {
  return {
    socket: (l, family, type, protocol) => socket(net, l, family, type, protocol),
    socketpair: (l, family, type, protocol) => socketpair(net, l, family, type, protocol),

    bind(l, fd, nam) {
      const so = socketOf(socketFd(l, fd));
      so.proto.usrreqs.bind(so, address(nam), l);
    },
    listen: (l, fd, backlog) => solisten(socketOf(socketFd(l, fd)), backlog, l),
    accept(l, fd, name) {
      const f = socketFd(l, fd);
      return accept(l, f, name, f.flag & (O_NONBLOCK | O_NOSIGPIPE), false);
    },
    /** EINVAL: unknown flags. The new descriptor blocks, unless they say otherwise. */
    paccept(l, fd, name, mask, flags = 0) {
      if ((flags & ~SOCK_FLAGS_MASK) !== 0) throw ERR.EINVAL;
      const f = socketFd(l, fd);
      return masked(l, mask, () => accept(l, f, name, (f.flag & O_NOSIGPIPE) | fileFlags(flags), (flags & SOCK_CLOEXEC) !== 0));
    },
    connect(l, fd, nam) {
      const f = socketFd(l, fd);
      soconnect(socketOf(f), address(nam), (f.flag & O_NONBLOCK) !== 0, l);
    },
    shutdown: (l, fd, how) => soshutdown(socketOf(socketFd(l, fd)), how),

    /** ENOTCONN. */
    getpeername(l, fd) {
      const so = socketOf(socketFd(l, fd));
      if ((so.state & SS_ISCONNECTED) === 0) throw ERR.ENOTCONN;
      return so.proto.usrreqs.peeraddr(so);
    },
    getsockname(l, fd) {
      const so = socketOf(socketFd(l, fd));
      return so.proto.usrreqs.sockaddr(so);
    },
    setsockopt: (l, fd, level, name, value) => sosetopt(socketOf(socketFd(l, fd)), level, name, value, l),
    getsockopt(l, fd, level, name, buf) {
      const value = sogetopt(socketOf(socketFd(l, fd)), level, name, buf, l);
      const len = Math.min(value.length, buf.length);
      buf.set(len === value.length ? value : value.subarray(0, len));
      return len;
    },
  };
}

/** Calls that move data. */
function dataCalls(net: Rumpnet): Pick<Calls, DataCalls> {
  return {
    /** EOPNOTSUPP: unknown flags. */
    sendto(l, fd, buf, flags, nam) {
      const f = socketFd(l, fd);
      if ((flags & ~SEND_FLAGS) !== 0) throw ERR.EOPNOTSUPP;
      const uio = l.uioOf(buf, 0, 'write');
      sosend(socketOf(f), nam === undefined ? undefined : address(nam), uio, undefined, flags | flagsOf(f), l);
      return uio.moved;
    },
    recvfrom(l, fd, buf, flags, name) {
      const f = socketFd(l, fd);
      if ((flags & ~RECV_FLAGS) !== 0) throw ERR.EOPNOTSUPP;
      const uio = l.uioOf(buf, 0, 'read');
      const msg = net.received.init(name !== undefined, 0);
      soreceive(socketOf(f), uio, flags | flagsOf(f), l, msg);
      if (name !== undefined) name.addr = msg.name;
      return uio.moved;
    },
    sendmsg: (l, fd, hdr, flags) => sendmsg(l, socketFd(l, fd), hdr, flags),
    recvmsg: (l, fd, hdr, flags) => recvmsg(net, l, socketFd(l, fd), hdr, flags),
    sendmmsg(l, fd, msgs, flags) {
      const f = socketFd(l, fd);
      return each(l, msgs, progressOf(l, Infinity), (msg) => {
        msg.len = sendmsg(l, f, msg.hdr, flags);
        return true;
      });
    },
    recvmmsg: (l, fd, msgs, flags, timeout) => recvmmsg(net, l, fd, msgs, flags, timeout),
  };
}

/** The calls of kernel `net.k`. */
export function netCalls(net: Rumpnet): Calls {
  return { ...connectionCalls(net), ...dataCalls(net) };
}
