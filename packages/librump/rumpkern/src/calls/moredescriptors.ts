/** System calls on descriptors that files do without: duplicates, flags of descriptors, and what is about all of them. */
import {
  ERR, FD_CLOEXEC, FIOASYNC, FIOCLEX, FIONBIO, FIONCLEX, F_CLOSEM, F_GETFD, F_GETNOSIGPIPE, F_MAXFD, F_SETFD, F_SETNOSIGPIPE, type Handlers, O_ASYNC, O_CLOEXEC,
  O_NONBLOCK, O_NOSIGPIPE, type rumpkernCalls,
} from '@anykernel/lib-sys';
import { getCloexec, replace, setCloexec } from '../cloexec.js';
import type { File } from '../filedesc.js';
import { getInt } from '../ioctl.js';
import type { Lwp } from '../proc.js';
import { descriptorCalls, fcntl } from './descriptors.js';

type Calls = Handlers<typeof rumpkernCalls, Lwp>;

/** An argument that is not a number counts as 0. */
function intOf(arg: unknown): number {
  return typeof arg === 'number' ? arg : 0;
}

function setStatus(f: File, bit: number, on: boolean): void {
  f.flag = on ? f.flag | bit : f.flag & ~bit;
  f.ops.setflags?.(f, f.flag);
}

/** Makes `to` name what `from` names. */
function duplicate(l: Lwp, from: number, to: number, cloexec: boolean): number {
  const { fd, limits } = l.proc;
  const f = fd.get(from);
  if (to < fd.base || to >= fd.base + limits.nofile) throw ERR.EBADF;
  if (to !== from) replace(fd, to, f, cloexec, l);
  return to;
}

export const moreDescriptorCalls: Pick<Calls, 'dup' | 'dup2' | 'dup3' | 'fcntl' | 'ioctl'> = {
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

  fcntl(l, fd, cmd, arg) {
    const table = l.proc.fd;
    switch (cmd) {
      case F_MAXFD:
      case F_CLOSEM:
        return many(l, fd, cmd);
      case F_GETFD:
        return getCloexec(table, fd) ? FD_CLOEXEC : 0;
      case F_SETFD:
        setCloexec(table, fd, (intOf(arg) & FD_CLOEXEC) !== 0);
        return 0;
      case F_GETNOSIGPIPE:
        return (l.file(fd, 0).flag & O_NOSIGPIPE) !== 0 ? 1 : 0;
      case F_SETNOSIGPIPE:
        setStatus(l.file(fd, 0), O_NOSIGPIPE, intOf(arg) !== 0);
        return 0;
    }
    return fcntl(l, fd, cmd, arg);
  },

  ioctl(l, fd, cmd, data) {
    switch (cmd) {
      case FIOCLEX:
      case FIONCLEX:
        setCloexec(l.proc.fd, fd, cmd === FIOCLEX);
        return 0;
      case FIONBIO:
      case FIOASYNC:
        setStatus(l.file(fd, 0), cmd === FIONBIO ? O_NONBLOCK : O_ASYNC, getInt(data) !== 0);
        return 0;
    }
    return descriptorCalls.ioctl(l, fd, cmd, data);
  },
};

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
