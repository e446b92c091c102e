/**
 * The file behind a disk: transfers are reads and writes of its vnode, as the kernel's own. One that has to wait ends later.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import { ERR, Errno } from '@anykernel/lib-sys';
import { FREAD, FWRITE, type Kernel, type Lwp, Uio } from '@anykernel/rumpkern';
import type { Vnode } from '@anykernel/rumpvfs';

export class Backing {
  /** Transfers under way. */
  #active = 0;

  private constructor(
    readonly k: Kernel,
    readonly vp: Vnode,
    readonly write: boolean,
  ) {}

  /** Opens the file, and holds it. What the file system says; may sleep. */
  static open(k: Kernel, vp: Vnode, write: boolean, l: Lwp): Backing {
    const file = new Backing(k, vp, write);
    vp.ops.open(vp, file.#flag, l);
    vp.hold();
    if (write) vp.writecount++;
    return file;
  }

  get #flag(): number {
    return this.write ? FREAD | FWRITE : FREAD;
  }

  /** Bytes moved, or -1: `done` will be called. EIO: the file has become shorter. ENOSPC and what else the file system says. */
  move(data: readonly Uint8Array[], off: number, rw: 'read' | 'write', done: Completion): number {
    const { vp } = this;
    const uio = new Uio().initv(data, off, rw);
    return this.#run((l) => {
      if (rw === 'read') vp.ops.read(vp, uio, 0, l);
      else vp.ops.write(vp, uio, 0, l);
      if (uio.resid > 0) throw ERR.EIO;
      return uio.moved;
    }, done);
  }

  flush(done: Completion): number {
    const { vp } = this;
    return this.#run((l) => {
      vp.ops.fsync(vp, true, 0, 0, l);
      return 0;
    }, done);
  }

  #run(fn: (l: Lwp) => number, done: Completion): number {
    let starts = true;
    let early: number | Errno | undefined;
    this.#active++;
    this.k.kthread(fn, (error, moved) => {
      this.#active--;
      this.k.wakeup(this);
      const outcome = error === undefined ? (moved as number) : error;
      if (typeof outcome !== 'number' && !(outcome instanceof Errno)) throw outcome;
      if (starts) early = outcome;
      else if (typeof outcome === 'number') done(undefined, outcome);
      else done(outcome, 0);
    });
    starts = false;
    if (early instanceof Errno) throw early;
    return early ?? -1;
  }

  /** All transfers have ended, and what was written is on stable storage. Sleeps. EIO; with `force` that does not matter. */
  sync(l: Lwp, force: boolean): void {
    if (this.#active > 0) l.k.sleep(this);
    if (!this.write) return;
    try {
      this.vp.ops.fsync(this.vp, false, 0, 0, l);
    } catch (e) {
      if (!force) throw e;
      l.k.ignoreErrno(e);
    }
  }

  /** Lets go of it. */
  close(l: Lwp): void {
    const { vp } = this;
    if (this.write) vp.writecount--;
    try {
      vp.ops.close(vp, this.#flag, l);
    } catch (e) {
      l.k.ignoreErrno(e);
    } finally {
      vp.rele();
    }
  }
}
