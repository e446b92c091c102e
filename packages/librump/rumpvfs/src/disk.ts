/**
 * An open block device, as file systems use it.
 *
 * A transfer on a synchronous device ends at once. On an asynchronous one it returns -1, and `done` is called later, as an interrupt.
 * Transfers that touch the same bytes take effect in the order in which they were asked for; others may pass each other.
 * A transfer that moves less than it was asked to has failed: file systems do not read past the end of their device.
 */
import type { Completion } from '@anykernel/host-rumpuser';
import { ERR, Errno } from '@anykernel/lib-sys';
import { type Bdevsw, FREAD, FWRITE, type Kernel, type Lwp } from '@anykernel/rumpkern';

/** A transfer on its way. */
class Transfer {
  /** Those that touch the same bytes and wait for this one. */
  waiting: (() => void)[] | undefined = undefined;
  constructor(
    readonly off: number,
    readonly end: number,
    readonly write: boolean,
  ) {}
}

export class Disk {
  readonly k: Kernel;
  readonly dev: number;
  /** Bytes. */
  readonly size: number;
  /** Bytes of a sector: offsets and lengths of transfers are multiples of it. */
  readonly secsize: number;
  readonly readonly: boolean;
  /** Whether the last transfer of each direction completed by interrupt; undefined before the first. */
  asyncRead: boolean | undefined = undefined;
  asyncWrite: boolean | undefined = undefined;
  /** Metadata transactions that are open: what they allocated may be taken back, and so no file data is written. */
  openTxns = 0;
  /** The file system's: called with what was read at `off`, before anybody sees it, to change what it knows better (a journal that may not be replayed). */
  patch: ((data: readonly Uint8Array[], off: number) => void) | undefined = undefined;
  /** Called when it is closed. */
  onClose: (() => void) | undefined = undefined;
  readonly #sw: Bdevsw;
  readonly #flag: number;
  #unclaim: (() => void) | undefined = undefined;
  readonly #active = new Set<Transfer>();
  /** Writes that have ended, and how many of them the last flush covered. */
  #written = 0;
  #flushed = 0;
  #flushing = false;
  #flushError: Errno | undefined;

  constructor(k: Kernel, dev: number, sw: Bdevsw, flag: number) {
    this.k = k;
    this.dev = dev;
    this.size = sw.psize(dev);
    this.secsize = sw.secsize(dev);
    this.readonly = (flag & FWRITE) === 0;
    this.#sw = sw;
    this.#flag = flag;
  }

  /** Opens device `dev`. ENXIO: there is none. EROFS, EBUSY: what its driver says, or another kernel writes there. */
  static open(k: Kernel, dev: number, forWrite: boolean, l: Lwp): Disk {
    const sw = k.devsw.bdev(dev);
    const flag = forWrite ? FREAD | FWRITE : FREAD;
    sw.open(dev, flag, l);
    try {
      const disk = new Disk(k, dev, sw, flag);
      if (forWrite) disk.#unclaim = sw.claim?.(dev, 0, disk.size);
      return disk;
    } catch (e) {
      sw.close(dev, flag, l);
      throw e;
    }
  }

  /** Fills the buffers, one after another, from `off`. Returns their length, or -1: `done` will be called. EIO. */
  read(data: readonly Uint8Array[], off: number, done: Completion): number {
    const moved = this.#transfer(data, off, false, done);
    this.asyncRead = moved === -1;
    return moved;
  }

  /** Writes the buffers, one after another, at `off`. Returns their length, or -1: they are the host's until `done` is called. EIO, EROFS. */
  write(data: readonly Uint8Array[], off: number, done: Completion): number {
    if (this.readonly) throw ERR.EROFS;
    const moved = this.#transfer(data, off, true, done);
    this.asyncWrite = moved === -1;
    if (moved !== -1) this.#written++;
    return moved;
  }

  #transfer(data: readonly Uint8Array[], off: number, write: boolean, done: Completion): number {
    let len = 0;
    for (const b of data) len += b.length;
    if (!(off >= 0) || off + len > this.size) throw ERR.EIO;
    const t = new Transfer(off, off + len, write);
    return this.#inOrder(t, data, done) ? -1 : this.#start(t, data, done);
  }

  /** Whether `t` has to wait for its turn; then it is arranged that it gets it. */
  #inOrder(t: Transfer, data: readonly Uint8Array[], done: Completion): boolean {
    if (this.#active.size === 0) return false;
    const before = this.#conflict(t);
    if (before === undefined) return false;
    (before.waiting ??= []).push(() => this.#retry(t, data, done));
    this.#active.add(t);
    return true;
  }

  #start(t: Transfer, data: readonly Uint8Array[], done: Completion): number {
    const len = t.end - t.off;
    const ended: Completion = (error, moved) =>
      this.k.intr(() => {
        if (!t.write && error === undefined) this.patch?.(data, t.off);
        this.#end(t, error ?? (moved === len ? undefined : ERR.EIO), done);
      });
    const moved = t.write ? this.#sw.writev(this.dev, data, t.off, ended) : this.#sw.readv(this.dev, data, t.off, ended);
    if (moved === -1) this.#active.add(t);
    else if (moved !== len) throw ERR.EIO;
    else if (!t.write) this.patch?.(data, t.off);
    return moved;
  }

  /** The last transfer that was asked for before `t`, is not at its end, and touches the same bytes. */
  #conflict(t: Transfer): Transfer | undefined {
    let last: Transfer | undefined;
    for (const a of this.#active) {
      if (a === t) break;
      if (a.off < t.end && t.off < a.end && (a.write || t.write)) last = a;
    }
    return last;
  }

  /** What `t` waited for has ended. */
  #retry(t: Transfer, data: readonly Uint8Array[], done: Completion): void {
    if (this.#inOrder(t, data, done)) return;
    try {
      if (this.#start(t, data, done) !== -1) this.#end(t, undefined, done);
    } catch (e) {
      if (!(e instanceof Errno)) throw e;
      this.#end(t, e, done);
    }
  }

  #end(t: Transfer, error: Errno | undefined, done: Completion): void {
    this.#active.delete(t);
    if (t.write) this.#written++;
    done(error, error === undefined ? t.end - t.off : 0);
    if (t.waiting !== undefined) for (const start of t.waiting) start();
  }

  /** All that was written is on stable storage on return. Sleeps on an asynchronous device, and is then asked again. EIO. */
  flush(): void {
    const error = this.#flushError;
    this.#flushError = undefined;
    if (error !== undefined) throw error;
    if (this.#flushing) this.k.sleep(this.#active);
    if (this.#flushed === this.#written) return;
    const covers = this.#written;
    const moved = this.#sw.flush(this.dev, (e) => this.k.intr(() => this.#flushEnd(covers, e)));
    if (moved !== -1) {
      this.#flushed = covers;
      return;
    }
    this.#flushing = true;
    this.k.sleep(this.#active);
  }

  #flushEnd(covers: number, error: Errno | undefined): void {
    this.#flushing = false;
    this.#flushError = error;
    if (error === undefined) this.#flushed = covers;
    this.k.wakeup(this.#active);
  }

  /** Transfers on their way. */
  get inflight(): number {
    return this.#active.size;
  }

  ioctl(cmd: number, data: Uint8Array | undefined, l: Lwp): number {
    return this.#sw.ioctl(this.dev, cmd, data, l);
  }

  close(l: Lwp): void {
    this.onClose?.();
    this.#unclaim?.();
    this.#sw.close(this.dev, this.#flag, l);
  }
}
