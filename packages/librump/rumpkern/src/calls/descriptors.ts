/** System calls on descriptors, whatever they are open on: transfers and flags. */
import {
  ERR, F_DUPFD, F_DUPFD_CLOEXEC, F_GETFL, F_SETFL, type Handlers, O_ALT_IO, O_APPEND, O_ASYNC, O_DIRECT, O_DSYNC, O_NONBLOCK, O_NOSIGPIPE, O_RSYNC, O_SYNC,
  Stat, oflags, type rumpkernCalls,
} from '@anykernel/lib-sys';
import { type File, FREAD, FWRITE } from '../filedesc.js';
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

export const descriptorCalls: Pick<
  Calls,
  'read' | 'write' | 'readv' | 'writev' | 'close' | 'fcntl' | 'ioctl' | 'fstat'
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

  fcntl: (l, fd, cmd, arg) => fcntl(l, fd, cmd, arg),

  ioctl(l, fd, cmd, data) {
    const f = l.file(fd, 0);
    return f.ops.ioctl(f, cmd, data, l);
  },

  fstat(l, fd, into) {
    const f = l.file(fd, 0);
    const st = into ?? new Stat();
    f.ops.stat(f, st, l);
    return st;
  },
};

export function fcntl(l: Lwp, fd: number, cmd: number, arg: Parameters<Calls['fcntl']>[3]): number {
  const f = l.file(fd, 0);
  const n = typeof arg === 'number' ? arg : 0;
  switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (n < 0 || n >= l.proc.fd.base + l.proc.limits.nofile) throw ERR.EINVAL;
      return l.proc.fd.alloc(f, l.proc.limits.nofile, n, cmd === F_DUPFD_CLOEXEC);
    case F_GETFL:
      return oflags(f.flag);
    case F_SETFL: {
      // O_RDONLY..O_RDWR of the argument are passed over.
      f.flag = (f.flag & ~SETTABLE) | (n & SETTABLE);
      f.ops.setflags?.(f, f.flag);
      return 0;
    }
  }
  if (f.ops.fcntl === undefined) throw ERR.EINVAL;
  return f.ops.fcntl(f, cmd, arg, l);
}
