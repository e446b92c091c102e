/**
 * FIFOs: pipes with a name. A file system spreads `...fifofs` over its own table for them.
 *
 * An open for reading waits for one for writing, and the other way round (IEEE Std 1003.1, open()). The bytes are in rumpkern's Pipe;
 * they go with the last open file.
 */
import { ERR, EVFILT_VNODE, FIONREAD, O_NONBLOCK } from '@anykernel/lib-sys';
import { FREAD, FWRITE, type Kernel, type Knote, type Lwp, Pipe, type Uio, putInt } from '@anykernel/rumpkern';
import { fileKqfilter } from './fileknotes.js';
import type { Mount } from './mount.js';
import { IO_NDELAY, IO_NOSIGPIPE, type Vnode, type VnodeOps } from './vnode.js';

/** Those who wait to open one side. */
class Waiters {
  readonly lwps = new Set<Lwp>();
  /** Opens of the other side so far. */
  arrivals = 0;

  /** Whether somebody waits. */
  get any(): boolean {
    for (const l of this.lwps) {
      if (l.parked && l.wchan === this) return true;
      this.lwps.delete(l);
    }
    return false;
  }
}

class Fifo {
  readonly pipe: Pipe;
  readonly toRead = new Waiters();
  readonly toWrite = new Waiters();

  constructor(k: Kernel) {
    this.pipe = new Pipe(k);
  }
}

/** What a waiting open remembers: how many of the other side had come before it. */
interface Waiting {
  readonly fifo: Fifo;
  readonly arrivals: number;
}

function fifoOf(vp: Vnode): Fifo {
  return vp.special as Fifo;
}

/** Waits until the other side has come since this call began. */
function awaitOther(fifo: Fifo, side: Waiters, l: Lwp): void {
  const memo = l.memo as Waiting | undefined;
  if (memo?.fifo === fifo) {
    if (memo.arrivals !== side.arrivals) {
      side.lwps.delete(l);
      return;
    }
  } else l.memo = { fifo, arrivals: side.arrivals } satisfies Waiting;
  side.lwps.add(l);
  l.k.sleep(side);
}

function arrive(side: Waiters, k: Kernel): void {
  side.arrivals++;
  k.wakeup(side);
}

export const fifofs: Pick<VnodeOps, 'open' | 'close' | 'read' | 'write' | 'ioctl' | 'poll' | 'kqfilter' | 'fsync' | 'abandon'> = {
  /** ENXIO: for writing, without waiting, and nobody reads. EINTR. */
  open(vp: Vnode, flag: number, l: Lwp): void {
    const fifo = ((vp.special as Fifo | undefined) ??= new Fifo(l.k));
    const { pipe } = fifo;
    const mode = flag & (FREAD | FWRITE);
    if (mode === FWRITE && pipe.readers === 0 && !fifo.toRead.any) {
      if ((flag & O_NONBLOCK) !== 0) throw ERR.ENXIO;
      awaitOther(fifo, fifo.toWrite, l);
    }
    if (mode === FREAD && pipe.writers === 0 && !fifo.toWrite.any && (flag & O_NONBLOCK) === 0) awaitOther(fifo, fifo.toRead, l);
    if ((mode & FREAD) !== 0) {
      pipe.readers++;
      arrive(fifo.toWrite, l.k);
    }
    if ((mode & FWRITE) !== 0) {
      pipe.writers++;
      arrive(fifo.toRead, l.k);
    }
  },

  close(vp: Vnode, flag: number): void {
    const { pipe } = fifoOf(vp);
    if ((flag & FREAD) !== 0) pipe.readers--;
    if ((flag & FWRITE) !== 0) pipe.writers--;
    pipe.closed();
  },

  read(vp: Vnode, uio: Uio, ioflag: number): void {
    fifoOf(vp).pipe.read(uio, (ioflag & IO_NDELAY) !== 0);
  },

  /** EPIPE, and SIGPIPE: nobody reads. */
  write(vp: Vnode, uio: Uio, ioflag: number, l: Lwp): void {
    fifoOf(vp).pipe.write(uio, (ioflag & IO_NDELAY) !== 0, l, (ioflag & IO_NOSIGPIPE) !== 0);
  },

  ioctl(vp: Vnode, cmd: number, data: Uint8Array | undefined): number {
    if (cmd !== FIONREAD) throw ERR.ENOTTY;
    return putInt(data, fifoOf(vp).pipe.len);
  },

  poll(vp: Vnode, events: number, l: Lwp, flag: number): number {
    return fifoOf(vp).pipe.poll(flag & (FREAD | FWRITE), events, l);
  },

  kqfilter(vp: Vnode, kn: Knote): void {
    if (kn.filter === EVFILT_VNODE || vp.special === undefined) fileKqfilter(vp, kn);
    else fifoOf(vp).pipe.kqfilter(kn);
  },

  fsync(): void {
    // There is nothing to keep.
  },

  /** Who waits for the other side hears that there is none. */
  abandon(vp: Vnode): void {
    const fifo = vp.special as Fifo | undefined;
    if (fifo === undefined) return;
    const { k } = (vp.mp as Mount).vfs;
    fifo.pipe.readers = fifo.pipe.writers = 0;
    fifo.pipe.closed();
    k.wakeup(fifo.toRead);
    k.wakeup(fifo.toWrite);
  },
};

/** Whether somebody waits for the other side: the node must stay, though nobody has it open. */
export function fifoAwaited(vp: Vnode): boolean {
  const fifo = vp.special as Fifo | undefined;
  return fifo !== undefined && (fifo.toRead.any || fifo.toWrite.any);
}
