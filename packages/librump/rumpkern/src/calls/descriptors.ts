/** System calls on descriptors, whatever they are open on: transfers, duplicates, flags. */
import {
  ERR, FD_CLOEXEC, FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, F_CLOSEM, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_GETFL, F_GETNOSIGPIPE, F_MAXFD, F_SETFD, F_SETFL,
  F_SETNOSIGPIPE, type Handlers, O_ALT_IO, O_APPEND, O_ASYNC, O_CLOEXEC, O_DIRECT, O_DSYNC, O_NONBLOCK, O_NOSIGPIPE, O_RSYNC, O_SYNC, Stat,
  oflags, type rumpkernCalls,
} from '@anykernel/lib-sys';
import { type File, FREAD, FWRITE } from '../filedesc.js';
import { getInt } from '../ioctl.js';
import type { Lwp } from '../proc.js';
import type { Uio } from '../uio.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

/** Status flags that fcntl(F_SETFL) changes. */
const SETTABLE: number = O_APPEND | O_ASYNC | O_SYNC | O_NONBLOCK | O_DSYNC | O_RSYNC | O_ALT_IO | O_DIRECT | O_NOSIGPIPE;

/** Reads at the file's position, which moves on by what was read; the entry layer sees to it when the call is cut short. */
function readAt(f: File, uio: Uio, l: Lwp): number {
  l.seeks = true;
  f.ops.read(f, uio, l);
  f.offset = uio.offset;
  return uio.moved;
}

function writeAt(f: File, uio: Uio, l: Lwp): number {
  l.seeks = true;
  f.ops.write(f, uio, l);
  f.offset = uio.offset;
  return uio.moved;
}

/** EINVAL: an empty list. (One that is too long is not even copied in.) */
function checkVector(bufs: readonly Uint8Array[]): void {
  if (bufs.length === 0) throw ERR.EINVAL;
}

/** Makes `to` name what `from` names. */
function duplicate(l: Lwp, from: number, to: number, cloexec: boolean): number {
  const { fd, limits } = l.proc;
  const f = fd.get(from);
  if (to < fd.base || to >= fd.base + limits.nofile) throw ERR.EBADF;
  if (to !== from) fd.replace(to, f, cloexec, l);
  return to;
}

function setStatus(f: File, bit: number, on: boolean): void {
  f.flag = on ? f.flag | bit : f.flag & ~bit;
  f.ops.setflags?.(f, f.flag);
}

export const descriptorCalls: Pick<
  Calls,
  'read' | 'write' | 'readv' | 'writev' | 'close' | 'dup' | 'dup2' | 'dup3' | 'fcntl' | 'ioctl' | 'fstat'
> = {
  read(l, fd, buf) {
    const f = l.file(fd, FREAD);
    return readAt(f, l.uioOf(buf, f.offset, 'read'), l);
  },
  write(l, fd, buf) {
    const f = l.file(fd, FWRITE);
    return writeAt(f, l.uioOf(buf, f.offset, 'write'), l);
  },
  readv(l, fd, bufs) {
    const f = l.file(fd, FREAD);
    checkVector(bufs);
    return readAt(f, l.uioOfv(bufs, f.offset, 'read'), l);
  },
  writev(l, fd, bufs) {
    const f = l.file(fd, FWRITE);
    checkVector(bufs);
    return writeAt(f, l.uioOfv(bufs, f.offset, 'write'), l);
  },

  close: (l, fd) => l.proc.fd.close(fd, l),

  dup: (l, fd) => l.proc.fd.alloc(l.proc.fd.get(fd), l.proc.limits.nofile),
  dup2: (l, from, to) => duplicate(l, from, to, false),
  /** EINVAL: unknown flags, or the same descriptor twice. */
  dup3(l, from, to, flags) {
    if ((flags & ~(O_CLOEXEC | O_NONBLOCK | O_NOSIGPIPE)) !== 0 || from === to) throw ERR.EINVAL;
    duplicate(l, from, to, (flags & O_CLOEXEC) !== 0);
    const f = l.proc.fd.get(to);
    if ((flags & O_NONBLOCK) !== 0) setStatus(f, O_NONBLOCK, true);
    if ((flags & O_NOSIGPIPE) !== 0) setStatus(f, O_NOSIGPIPE, true);
    return to;
  },

  fcntl: (l, fd, cmd, arg) => fcntl(l, fd, cmd, arg),

  ioctl(l, fd, cmd, data) {
    const f = l.file(fd, 0);
    switch (cmd) {
      case FIOCLEX:
      case FIONCLEX:
        l.proc.fd.setCloexec(fd, cmd === FIOCLEX);
        return 0;
      case FIONBIO:
      case FIOASYNC:
        setStatus(f, cmd === FIONBIO ? O_NONBLOCK : O_ASYNC, getInt(data) !== 0);
        return 0;
    }
    return f.ops.ioctl(f, cmd, data, l);
  },

  fstat(l, fd, into) {
    const f = l.file(fd, 0);
    const st = into ?? new Stat();
    f.ops.stat(f, st, l);
    return st;
  },
};

function fcntl(l: Lwp, fd: number, cmd: number, arg: Parameters<Calls['fcntl']>[3]): number {
  const table = l.proc.fd;
  if (cmd === F_MAXFD || cmd === F_CLOSEM) return many(l, fd, cmd);
  const f = l.file(fd, 0);
  const n = typeof arg === 'number' ? arg : 0;
  switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (n < 0 || n >= l.proc.fd.base + l.proc.limits.nofile) throw ERR.EINVAL;
      return table.alloc(f, l.proc.limits.nofile, n, cmd === F_DUPFD_CLOEXEC);
    case F_GETFD:
      return table.getCloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      table.setCloexec(fd, (n & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return oflags(f.flag);
    case F_SETFL: {
      // O_RDONLY..O_RDWR of the argument are passed over.
      f.flag = (f.flag & ~SETTABLE) | (n & SETTABLE);
      f.ops.setflags?.(f, f.flag);
      return 0;
    }
    case F_GETNOSIGPIPE:
      return (f.flag & O_NOSIGPIPE) !== 0 ? 1 : 0;
    case F_SETNOSIGPIPE:
      setStatus(f, O_NOSIGPIPE, n !== 0);
      return 0;
  }
  if (f.ops.fcntl === undefined) throw ERR.EINVAL;
  return f.ops.fcntl(f, cmd, arg, l);
}

/** The commands that are about all descriptors: the largest one in use, and closing those from `fd` on. */
function many(l: Lwp, fd: number, cmd: number): number {
  const table = l.proc.fd;
  if (cmd === F_MAXFD) {
    for (let max = table.end - 1; max >= table.base; max--) if (table.peek(max) !== undefined) return max;
    return -1;
  }
  if (fd < 0) throw ERR.EBADF;
  for (let n = table.end - 1; n >= fd; n--) if (table.peek(n) !== undefined) table.close(n, l);
  return 0;
}
