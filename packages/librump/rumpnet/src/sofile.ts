/**
 * A socket as an open file: read, write, ioctl, poll, kqueue, fstat, close.
 */
import {
  ERR, EVFILT_READ, EVFILT_WRITE, EV_EOF, FIOGETOWN, FIONREAD, FIONSPACE, FIONWRITE, FIOSETOWN, F_GETOWN, F_SETOWN, type Flock, IOCGROUP, MSG_NBIO, MSG_NOSIGNAL,
  NOTE_LOWAT, O_ASYNC, O_NONBLOCK, O_NOSIGPIPE, POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDBAND, POLLRDNORM, SIOCATMARK, SIOCGPGRP, SIOCSPGRP, SO_ACCEPTCONN, S_IFSOCK,
  type Stat,
} from '@anykernel/lib-sys';
import { type Cred, FREAD, FWRITE, File, type Fileops, type Knote, type Lwp, type Uio, getInt, knoteAttach, putInt, selrecord } from '@anykernel/rumpkern';
import { PR_CONNREQUIRED } from './protosw.js';
import { SS_ASYNC, SS_CANTRCVMORE, SS_CANTSENDMORE, SS_ISCONNECTED, SS_RCVATMARK, type Socket } from './socket.js';
import { soclose } from './soops.js';
import { soreceive } from './soreceive.js';
import { sosend } from './sosend.js';

const GROUP_INTERFACES = 0x69;
const GROUP_ROUTES = 0x72;
const READ_EVENTS: number = POLLIN | POLLRDNORM;
const URGENT_EVENTS: number = POLLPRI | POLLRDBAND;
const CLOSED: number = SS_CANTRCVMORE | SS_CANTSENDMORE;

/** Whether a call that receives, or accepts, would not wait. */
export function soreadable(so: Socket): boolean {
  return (
    (so.rcv.head !== undefined && (so.rcv.cc >= so.rcv.lowat || so.rcv.cc === 0)) ||
    (so.state & SS_CANTRCVMORE) !== 0 ||
    (so.q !== undefined && so.q.len > 0) ||
    so.error !== undefined
  );
}

/** Whether a call that sends would not wait. */
export function sowritable(so: Socket): boolean {
  if ((so.state & SS_CANTSENDMORE) !== 0 || so.error !== undefined) return true;
  if ((so.proto.flags & PR_CONNREQUIRED) !== 0 && (so.state & SS_ISCONNECTED) === 0) return false;
  return so.snd.space >= so.snd.lowat;
}

/** MSG_NBIO and MSG_NOSIGNAL, as the open file says. */
export function flagsOf(f: File): number {
  return ((f.flag & O_NONBLOCK) !== 0 ? MSG_NBIO : 0) | ((f.flag & O_NOSIGPIPE) !== 0 ? MSG_NOSIGNAL : 0);
}

export function socketOf(f: File): Socket {
  return f.data as Socket;
}

const socketFileops: Fileops = {
  name: 'socket',
  read(f: File, uio: Uio, l: Lwp): void {
    const so = socketOf(f);
    soreceive(so, uio, flagsOf(f), l, so.net.received.init(false, 0));
  },
  write(f: File, uio: Uio, l: Lwp): void {
    sosend(socketOf(f), undefined, uio, undefined, flagsOf(f), l);
  },
  ioctl: (f, cmd, data, l) => soioctl(socketOf(f), cmd, data, l),
  poll: (f, events, l) => sopoll(socketOf(f), events, l),
  stat(f: File, st: Stat): void {
    const so = socketOf(f);
    st.mode = S_IFSOCK | 0o666;
    st.uid = so.cred.euid;
    st.gid = so.cred.egid;
    st.size = so.rcv.cc;
    st.blksize = so.snd.hiwat;
    so.proto.usrreqs.stat(so, st);
  },
  close(f: File, l: Lwp): void {
    soclose(socketOf(f), (f.flag & O_NONBLOCK) !== 0, l);
  },
  kqfilter(f: File, kn: Knote): void {
    const so = socketOf(f);
    if (kn.filter === EVFILT_READ) knoteAttach(kn, so.rcv.sel.klist, (note) => readEvent(so, note));
    else if (kn.filter === EVFILT_WRITE) knoteAttach(kn, so.snd.sel.klist, (note) => writeEvent(so, note));
    else throw ERR.EINVAL;
  },
  id: (f) => socketOf(f).id,
  setflags(f: File, flags: number): void {
    const so = socketOf(f);
    so.state = (flags & O_ASYNC) !== 0 ? so.state | SS_ASYNC : so.state & ~SS_ASYNC;
  },
  /** EINVAL: another command than F_GETOWN and F_SETOWN. Then what setOwner() says. */
  fcntl(f: File, cmd: number, arg: number | Flock | Uint8Array | undefined, l: Lwp): number {
    const so = socketOf(f);
    if (cmd === F_GETOWN) return so.pgid;
    if (cmd !== F_SETOWN || typeof arg !== 'number') throw ERR.EINVAL;
    return setOwner(so, arg, l);
  },
};

/** ENOTTY: no command of sockets, interfaces or the protocol. */
function soioctl(so: Socket, cmd: number, data: Uint8Array | undefined, l: Lwp): number {
  switch (cmd) {
    case FIONREAD:
      return putInt(data, so.rcv.cc);
    case FIONWRITE:
      return putInt(data, (so.snd.via ?? so.snd).cc);
    case FIONSPACE:
      return putInt(data, so.snd.space);
    case SIOCATMARK:
      return putInt(data, (so.state & SS_RCVATMARK) !== 0 ? 1 : 0);
    case SIOCSPGRP:
    case FIOSETOWN:
      return setOwner(so, getInt(data), l);
    case SIOCGPGRP:
    case FIOGETOWN:
      return putInt(data, so.pgid);
  }
  const group = IOCGROUP(cmd);
  if (so.net.ifioctl !== undefined && (group === GROUP_INTERFACES || group === GROUP_ROUTES)) return so.net.ifioctl(so, cmd, data, l);
  return so.proto.usrreqs.ioctl(so, cmd, data, l);
}

/**
 * Who gets the signals of the socket: a process, with its negative a group, nobody with 0. ESRCH: there is none. EPERM: it is of another session, and no
 * process of it may be sent signals by the caller (kill(2)).
 */
function setOwner(so: Socket, pgid: number, l: Lwp): number {
  let found = pgid === 0;
  let may = found;
  for (const p of l.k.procs) {
    if (pgid > 0 ? p.pid !== pgid : pgid === 0 || p.pgid !== -pgid) continue;
    found = true;
    may ||= p.sid === l.proc.sid || maySignal(l.proc.cred, p.cred);
  }
  if (!found) throw ERR.ESRCH;
  if (!may) throw ERR.EPERM;
  so.pgid = pgid;
  return 0;
}

function maySignal(from: Cred, to: Cred): boolean {
  return from.isRoot || from.euid === to.euid || from.euid === to.ruid || from.ruid === to.euid || from.ruid === to.ruid;
}

/** The events that hold; if none, `l` is told of changes. */
function sopoll(so: Socket, events: number, l: Lwp): number {
  let revents = 0;
  if ((events & READ_EVENTS) !== 0 && soreadable(so)) revents |= events & READ_EVENTS;
  if ((events & POLLOUT) !== 0 && sowritable(so)) revents |= POLLOUT;
  if ((events & URGENT_EVENTS) !== 0 && (so.oobmark > 0 || (so.state & SS_RCVATMARK) !== 0)) revents |= events & URGENT_EVENTS;
  if ((so.state & CLOSED) === CLOSED) revents |= POLLHUP;
  if (so.error !== undefined) revents |= POLLERR;
  if (revents !== 0) return revents;
  selrecord(l, so.rcv.sel);
  if ((events & (READ_EVENTS | URGENT_EVENTS)) !== READ_EVENTS) selrecord(l, so.snd.sel);
  return 0;
}

function readEvent(so: Socket, kn: Knote): boolean {
  if ((so.options & SO_ACCEPTCONN) !== 0) {
    kn.data = so.q?.len ?? 0;
    return kn.data > 0 || ended(so, kn, SS_CANTRCVMORE);
  }
  kn.data = so.rcv.cc;
  if (ended(so, kn, SS_CANTRCVMORE) || so.error !== undefined) return true;
  if ((kn.sfflags & NOTE_LOWAT) !== 0) return kn.data >= kn.sdata;
  return so.rcv.head !== undefined && (kn.data >= so.rcv.lowat || kn.data === 0);
}

function writeEvent(so: Socket, kn: Knote): boolean {
  kn.data = so.snd.space;
  if (ended(so, kn, SS_CANTSENDMORE) || so.error !== undefined) return true;
  if ((so.proto.flags & PR_CONNREQUIRED) !== 0 && (so.state & SS_ISCONNECTED) === 0) return false;
  return kn.data >= ((kn.sfflags & NOTE_LOWAT) !== 0 ? kn.sdata : so.snd.lowat);
}

/** EV_EOF, with the error, if that side has ended. */
function ended(so: Socket, kn: Knote, side: number): boolean {
  if ((so.state & side) === 0) {
    kn.flags &= ~EV_EOF;
    return false;
  }
  kn.flags |= EV_EOF;
  kn.fflags = so.error?.errno ?? 0;
  return true;
}

/** An open file for a socket. `flags`: O_NONBLOCK, O_NOSIGPIPE. */
export function socketFile(so: Socket, flags: number, l: Lwp): File {
  return new File('socket', socketFileops, so, FREAD | FWRITE | flags, l.proc.cred);
}

/** The socket of a descriptor. EBADF. ENOTSOCK. */
export function socketFd(l: Lwp, fd: number): File {
  const f = l.file(fd, 0);
  if (f.type !== 'socket') throw ERR.ENOTSOCK;
  return f;
}
