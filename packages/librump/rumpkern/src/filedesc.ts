/**
 * Open files and descriptor tables.
 *
 * A File is counted: by the descriptors that name it, and by whoever keeps it past a call (a message in flight). The last drop closes it.
 * A table may be shared by processes (rfork) and is counted in the same way. The lowest free descriptor is always taken.
 */
import { ERR, type Flock, FREAD, FWRITE, type Stat } from '@anykernel/lib-sys';
import type { Cred } from './cred.js';
import type { Kqueue, Knote } from './kqueue.js';
import type { Lwp } from './proc.js';
import { SLEEP } from './sleep.js';
import type { Uio } from './uio.js';

export { FREAD, FWRITE };

export type FileType = 'vnode' | 'socket' | 'pipe' | 'kqueue' | 'misc' | 'sem';

/** What a kind of open file can do. `read` and `write` move bytes by `uio`; a position is taken from and kept in uio.offset. */
export interface Fileops {
  readonly name: string;
  /** Moves what it can, from `uio.offset`. Sleeps, or EAGAIN with FNONBLOCK, when there is nothing yet. */
  read(f: File, uio: Uio, l: Lwp): void;
  write(f: File, uio: Uio, l: Lwp): void;
  /** ENOTTY: not an operation of this file. `data` is the argument structure, changed in place. */
  ioctl(f: File, cmd: number, data: Uint8Array | undefined, l: Lwp): number;
  /** The events of `events` (POLLIN ...) that hold now; if none, records `l` to be notified. */
  poll(f: File, events: number, l: Lwp): number;
  stat(f: File, st: Stat, l: Lwp): void;
  /** The last reference is gone. */
  close(f: File, l: Lwp): void;
  /** Attaches a knote for its filter. EINVAL: the file has no such filter. */
  kqfilter(f: File, kn: Knote): void;
  /** Descriptor flags changed by fcntl (O_NONBLOCK, O_ASYNC). */
  setflags?(f: File, flags: number): void;
  /** A number that tells what it is open on from others of its kind, for lists. */
  id?(f: File): number;
  /** fcntl commands that are the file's: record locks, F_GETPATH. EINVAL: none of its own. */
  fcntl?(f: File, cmd: number, arg: number | Flock | Uint8Array | undefined, l: Lwp): number;
}

export class File {
  /** References: descriptors, and other holders. */
  count = 0;
  /** Position, for files that have one. */
  offset = 0;
  /** Parked calls that work on it. */
  sleepers = 0;
  constructor(
    readonly type: FileType,
    readonly ops: Fileops,
    /** What the file is: a vnode, a pipe end, a socket. Belongs to `ops`. */
    readonly data: unknown,
    /** FREAD, FWRITE (the values are O_RDONLY..O_RDWR plus one) and the O_* status flags. */
    public flag: number,
    readonly cred: Cred,
  ) {}

  hold(): this {
    this.count++;
    return this;
  }

  /** Drops a reference; the last one closes the file. Where closing has to wait, nothing has been dropped yet. */
  drop(l: Lwp): void {
    if (this.count === 1) {
      try {
        this.ops.close(this, l);
      } catch (e) {
        if (e !== SLEEP) this.count = 0;
        throw e;
      }
    }
    this.count--;
  }
}

export class Filedesc {
  /** Processes that share this table. */
  refs = 1;
  #files: (File | undefined)[] = [];
  /** Which descriptors are closed by exec, from `base` on. */
  readonly cloexec: boolean[] = [];
  /** No descriptor below this one is free. */
  #freeFrom = 0;
  #open = 0;
  /** Kernel event queues whose descriptors are of this table. */
  kqueues: Set<Kqueue> | undefined = undefined;

  /** Descriptors begin at `base`: beside another system's descriptors, they are told apart by their numbers. */
  constructor(readonly base: number = 0) {}

  /** Descriptors in use. */
  get count(): number {
    return this.#open;
  }

  /** One more than the largest descriptor that was ever used; `base` where none was. */
  get end(): number {
    return this.base + this.#files.length;
  }

  /** The open file of `fd`. EBADF. */
  get(fd: number): File {
    const f = this.#files[fd - this.base];
    if (f === undefined) throw ERR.EBADF;
    return f;
  }

  /** The open file, or undefined. */
  peek(fd: number): File | undefined {
    return this.#files[fd - this.base];
  }

  /** Gives `f` the lowest free descriptor that is not below `min`. EMFILE: `limit` (a count from `base`) is reached. */
  alloc(f: File, limit: number, min = 0, cloexec = false): number {
    let index = Math.max(min - this.base, this.#freeFrom);
    while (this.#files[index] !== undefined) index++;
    if (index >= limit) throw ERR.EMFILE;
    if (index === this.#freeFrom) this.#freeFrom = index + 1;
    this.put(index, f, cloexec);
    return this.base + index;
  }

  /** Puts `f` in its place, counted. */
  put(index: number, f: File, cloexec: boolean): void {
    while (this.#files.length < index) this.#files.push(undefined);
    this.#files[index] = f;
    this.cloexec[index] = cloexec;
    this.#open++;
    f.count++;
  }

  /** EBADF. An error of the file's own close is thrown, and the descriptor is free all the same. */
  close(fd: number, l: Lwp): void {
    const f = this.get(fd);
    const hooks = l.k.onFdClose;
    for (let i = 0; i < hooks.length; i++) hooks[i](fd, f, l);
    if (this.kqueues !== undefined) for (const kq of this.kqueues) kq.fdClosed(fd);
    try {
      f.drop(l);
    } catch (e) {
      if (e !== SLEEP) this.#forget(fd, f, l);
      throw e;
    }
    this.#forget(fd, f, l);
  }

  #forget(fd: number, f: File, l: Lwp): void {
    const index = fd - this.base;
    this.#files[index] = undefined;
    this.#open--;
    if (index < this.#freeFrom) this.#freeFrom = index;
    if (f.sleepers > 0) this.#restart(f, l);
  }

  /** Calls of this table that sleep on the file look at their descriptor again, and find it closed. */
  #restart(f: File, l: Lwp): void {
    for (const p of l.k.procs) if (p.fd === this) for (const sleeper of p.lwps) if (sleeper.parked && sleeper.fp === f) l.k.sleepq.unsleep(sleeper);
  }

  /** A copy for a child: the same open files under the same descriptors. A kqueue is not inherited. */
  copy(): Filedesc {
    const t = new Filedesc(this.base);
    this.#files.forEach((f, index) => {
      if (f !== undefined && f.type !== 'kqueue') t.put(index, f, this.cloexec[index]);
    });
    while (t.#files[t.#freeFrom] !== undefined) t.#freeFrom++;
    return t;
  }

  /** A process leaves; the last one closes everything. */
  release(l: Lwp): void {
    if (--this.refs > 0) return;
    for (let fd = this.base; fd < this.end; fd++) if (this.peek(fd) !== undefined) this.quietClose(fd, l);
  }

  /** Nobody is there to hear of an error, nor to wait: what has to wait is closed by the kernel itself, a little later. */
  quietClose(fd: number, l: Lwp): void {
    const f = this.get(fd);
    try {
      this.close(fd, l);
    } catch (e) {
      if (e === SLEEP) {
        this.#forget(fd, f, l);
        l.k.closeLater(f);
      } else l.k.ignoreErrno(e);
    }
  }
}
