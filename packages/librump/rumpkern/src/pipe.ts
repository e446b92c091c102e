/**
 * Pipes: a ring of bytes between writers and readers. pipe(2) makes nameless ones; a file system's FIFOs use the same class.
 *
 * The ring comes from the kernel's memory when the first byte does, and grows to 64 KiB. A write of at most PIPE_BUF bytes is kept
 * together. Readers and writers are woken one at a time, and each wakes the next if it leaves something.
 */
import {
  ERR, EVFILT_READ, EVFILT_WRITE, EV_EOF, FIONREAD, FIONSPACE, FIONWRITE, NOTE_LOWAT, O_NONBLOCK, O_NOSIGPIPE, PIPE_BUF, POLLHUP, POLLIN, POLLOUT,
  POLLRDNORM, SIGPIPE, S_IFIFO, type Stat,
} from '@anykernel/lib-sys';
import type { WallTime } from '@anykernel/host-rumpuser';
import { putInt } from './ioctl.js';
import { File, type Fileops, FREAD, FWRITE } from './filedesc.js';
import type { Kernel } from './kernel.js';
import { type Knote, knoteAttach } from './kqueue.js';
import { CHUNK_MAX, PAGE_SIZE } from './mem.js';
import type { Lwp } from './proc.js';
import { Selinfo, selrecord } from './select.js';
import type { Uio } from './uio.js';

/** Bytes that a pipe holds. */
export const PIPE_SIZE: number = CHUNK_MAX;

export class Pipe {
  /** Open ends. */
  readers = 0;
  writers = 0;
  /** Bytes inside. */
  len = 0;
  /** Changes that interest readers, and writers; also what they sleep on. */
  readonly rsel: Selinfo = new Selinfo();
  readonly wsel: Selinfo = new Selinfo();
  #ring: Uint8Array | undefined;
  #head = 0;

  constructor(readonly k: Kernel) {}

  /** Room for a write. */
  get space(): number {
    return PIPE_SIZE - this.len;
  }

  /** Moves what there is; nothing at the end, when all writers are gone. Sleeps while there is nothing; EAGAIN with `nonblock`. */
  read(uio: Uio, nonblock: boolean): void {
    if (uio.resid === 0) return;
    if (this.len === 0) {
      if (this.writers === 0) return;
      if (nonblock) throw ERR.EAGAIN;
      this.k.sleep(this.rsel);
    }
    const n = Math.min(uio.resid, this.len);
    this.#out(uio, n);
    if (this.len > 0) this.k.sleepq.wakeupOne(this.rsel);
    this.k.sleepq.wakeupOne(this.wsel);
    this.wsel.notify();
  }

  /**
   * Moves all that `uio` has. Sleeps while there is no room; EAGAIN with `nonblock`, or the part that there was room for. EPIPE, and SIGPIPE
   * unless `quiet`: nobody reads.
   */
  write(uio: Uio, nonblock: boolean, l: Lwp, quiet = false): void {
    const atomic = uio.moved + uio.resid <= PIPE_BUF;
    for (;;) {
      if (this.readers === 0) {
        if (!quiet) this.k.raise(l, SIGPIPE);
        throw ERR.EPIPE;
      }
      if (uio.resid === 0) return;
      const n = this.#in(uio, Math.min(uio.resid, this.space), atomic);
      if (n > 0) {
        this.k.sleepq.wakeupOne(this.rsel);
        this.rsel.notify();
      }
      if (uio.resid === 0) {
        if (this.space > 0) this.k.sleepq.wakeupOne(this.wsel);
        return;
      }
      if (n > 0) continue;
      if (!nonblock) this.k.sleep(this.wsel);
      if (uio.moved > 0) return;
      throw ERR.EAGAIN;
    }
  }

  /** Takes `n` bytes out, in at most two pieces. */
  #out(uio: Uio, n: number): void {
    const ring = this.#ring as Uint8Array;
    const first = Math.min(n, ring.length - this.#head);
    uio.move(ring, this.#head, first);
    if (first < n) uio.move(ring, 0, n - first);
    this.len -= n;
    this.#head = this.len === 0 ? 0 : (this.#head + n) & (ring.length - 1);
  }

  /** Puts up to `n` bytes in, or with `whole` all that `uio` has, or none. Returns how many; ENOMEM when there is no memory at all. */
  #in(uio: Uio, n: number, whole: boolean): number {
    if (n === 0 || (whole && n < uio.resid)) return 0;
    const ring = this.#room(n);
    const fits = Math.min(n, ring.length - this.len);
    if (whole && fits < n) return 0;
    const tail = (this.#head + this.len) & (ring.length - 1);
    const first = Math.min(fits, ring.length - tail);
    uio.move(ring, tail, first);
    if (first < fits) uio.move(ring, 0, fits - first);
    this.len += fits;
    return fits;
  }

  /** The ring, large enough for `n` more bytes, or as large as memory allows. ENOMEM: there is none, and none to be had. */
  #room(n: number): Uint8Array {
    const old = this.#ring;
    if (old !== undefined && old.length - this.len >= n) return old;
    let size = PAGE_SIZE;
    while (size < this.len + n && size < PIPE_SIZE) size *= 2;
    const ring = this.#largest(size, old?.length ?? 0);
    if (ring === undefined) {
      if (old === undefined) throw ERR.ENOMEM;
      return old;
    }
    if (old !== undefined) this.#unroll(old, ring);
    this.#head = 0;
    return (this.#ring = ring);
  }

  /** A chunk of at most `size` bytes that has more than `least`. */
  #largest(size: number, least: number): Uint8Array | undefined {
    for (let len = size; len > least && len >= PAGE_SIZE; len /= 2) {
      try {
        return this.k.mem.alloc(len);
      } catch (e) {
        this.k.ignoreErrno(e);
      }
    }
    return undefined;
  }

  /** Moves the contents to the start of a larger ring. */
  #unroll(old: Uint8Array, ring: Uint8Array): void {
    const first = Math.min(this.len, old.length - this.#head);
    ring.set(old.subarray(this.#head, this.#head + first), 0);
    ring.set(old.subarray(0, this.len - first), first);
    this.k.mem.free(old);
  }

  /** POLLIN ..., as far as the ends `mode` (FREAD, FWRITE) have them now; if none, `l` is told of changes. */
  poll(mode: number, events: number, l: Lwp): number {
    let revents = 0;
    if ((mode & FREAD) !== 0) {
      if (this.len > 0 || this.writers === 0) revents |= events & (POLLIN | POLLRDNORM);
      if (this.writers === 0) revents |= POLLHUP;
    }
    if ((mode & FWRITE) !== 0) {
      if (this.space >= PIPE_BUF || this.readers === 0) revents |= events & POLLOUT;
      if (this.readers === 0) revents |= POLLHUP;
    }
    if (revents !== 0) return revents;
    if ((mode & FREAD) !== 0 && (events & (POLLIN | POLLRDNORM)) !== 0) selrecord(l, this.rsel);
    if ((mode & FWRITE) !== 0 && (events & POLLOUT) !== 0) selrecord(l, this.wsel);
    if ((events & (POLLIN | POLLRDNORM | POLLOUT)) === 0) selrecord(l, (mode & FREAD) !== 0 ? this.rsel : this.wsel);
    return 0;
  }

  /** EVFILT_READ and EVFILT_WRITE, with a low water mark if asked for. EINVAL: another filter. */
  kqfilter(kn: Knote): void {
    if (kn.filter === EVFILT_READ) knoteAttach(kn, this.rsel.klist, (note) => active(note, this.len, this.writers === 0, 1));
    else if (kn.filter === EVFILT_WRITE) knoteAttach(kn, this.wsel.klist, (note) => active(note, this.space, this.readers === 0, PIPE_BUF));
    else throw ERR.EINVAL;
  }

  /** An end is gone: the other side hears of it; with the last one the memory goes. */
  closed(): void {
    this.k.wakeup(this.rsel);
    this.k.wakeup(this.wsel);
    this.rsel.notify();
    this.wsel.notify();
    if (this.readers === 0 && this.writers === 0) this.reset();
  }

  /** What is inside is dropped. */
  reset(): void {
    if (this.#ring !== undefined) this.k.mem.free(this.#ring);
    this.#ring = undefined;
    this.len = this.#head = 0;
  }
}

function active(kn: Knote, data: number, eof: boolean, lowat: number): boolean {
  kn.data = data;
  if (eof) kn.flags |= EV_EOF;
  else kn.flags &= ~EV_EOF;
  return eof || data >= ((kn.sfflags & NOTE_LOWAT) !== 0 ? kn.sdata : lowat);
}

/** One end of a nameless pipe. */
interface PipeEnd {
  readonly pipe: Pipe;
  readonly mode: number;
  readonly born: WallTime;
}

function endOf(f: File): PipeEnd {
  return f.data as PipeEnd;
}

const pipeFileops: Fileops = {
  name: 'pipe',
  read(f: File, uio: Uio): void {
    endOf(f).pipe.read(uio, (f.flag & O_NONBLOCK) !== 0);
  },
  write(f: File, uio: Uio, l: Lwp): void {
    endOf(f).pipe.write(uio, (f.flag & O_NONBLOCK) !== 0, l, (f.flag & O_NOSIGPIPE) !== 0);
  },
  ioctl(f: File, cmd: number, data: Uint8Array | undefined): number {
    const { pipe, mode } = endOf(f);
    if (cmd === FIONREAD) return putInt(data, mode === FREAD ? pipe.len : 0);
    if (cmd === FIONWRITE) return putInt(data, mode === FWRITE ? pipe.len : 0);
    if (cmd === FIONSPACE) return putInt(data, mode === FWRITE ? pipe.space : 0);
    throw ERR.ENOTTY;
  },
  poll(f: File, events: number, l: Lwp): number {
    return endOf(f).pipe.poll(endOf(f).mode, events, l);
  },
  stat(f: File, st: Stat): void {
    const { pipe, born } = endOf(f);
    st.mode = S_IFIFO | 0o600;
    st.uid = f.cred.euid;
    st.gid = f.cred.egid;
    st.size = pipe.len;
    st.blksize = PAGE_SIZE;
    st.blocks = Math.ceil(pipe.len / 512);
    st.atime = st.mtime = st.ctime = st.birthtime = born.sec;
    st.atimeNsec = st.mtimeNsec = st.ctimeNsec = st.birthtimeNsec = born.nsec;
  },
  close(f: File): void {
    const { pipe, mode } = endOf(f);
    if (mode === FREAD) pipe.readers--;
    else pipe.writers--;
    pipe.closed();
  },
  kqfilter(f: File, kn: Knote): void {
    const { pipe, mode } = endOf(f);
    if (kn.filter !== (mode === FREAD ? EVFILT_READ : EVFILT_WRITE)) throw ERR.EINVAL;
    pipe.kqfilter(kn);
  },
};

/** A nameless pipe: the end to read from, and the one to write to. `flags`: O_NONBLOCK, O_NOSIGPIPE. */
export function newPipe(l: Lwp, flags: number): [File, File] {
  const pipe = new Pipe(l.k);
  pipe.readers = pipe.writers = 1;
  const born: WallTime = { sec: 0, nsec: 0 };
  l.k.wall(born);
  const status = flags & (O_NONBLOCK | O_NOSIGPIPE);
  const end = (mode: number): File => new File('pipe', pipeFileops, { pipe, mode, born } satisfies PipeEnd, mode | status, l.proc.cred);
  return [end(FREAD), end(FWRITE)];
}
