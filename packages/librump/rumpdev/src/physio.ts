/**
 * Transfers on the raw device of a disk: between the caller and the block driver, in whole sectors.
 *
 * A transfer that ends later is found in l.memo when the call is restarted. Its bytes are in a buffer of the kernel's, so that a call which
 * is interrupted can leave while the device still works.
 */
import { ERR, type Errno } from '@anykernel/lib-sys';
import type { Bdevsw, Kernel, Lwp, Uio } from '@anykernel/rumpkern';

/** The longest transfer, in bytes. */
export const MAXPHYS = 65536;

class Transfer {
  ended = false;
  error: Errno | undefined = undefined;
  constructor(
    readonly buf: Uint8Array,
    readonly off: number,
  ) {}
}

/** Moves bytes at uio.offset. EINVAL: the position, or a buffer's length, is not in whole sectors. Reads end where the device does; a write there is ENOSPC. */
export function physio(sw: Bdevsw, dev: number, uio: Uio, l: Lwp): void {
  const secsize = sw.secsize(dev);
  const size = sw.psize(dev);
  if (uio.offset < 0 || uio.offset % secsize !== 0 || uio.resid % secsize !== 0) throw ERR.EINVAL;
  if (uio.rw === 'write' && uio.resid > 0 && uio.offset >= size) throw ERR.ENOSPC;
  while (uio.resid > 0 && uio.offset < size) {
    const len = Math.min(uio.resid, MAXPHYS, size - uio.offset);
    if (uio.rw === 'read') uio.move(read(sw, dev, uio.offset, len, l), 0, len);
    else write(sw, dev, uio, len, l);
  }
}

function read(sw: Bdevsw, dev: number, off: number, len: number, l: Lwp): Uint8Array {
  const late = pending(l, off);
  if (late !== undefined) return late.buf;
  const t = new Transfer(new Uint8Array(len), off);
  if (sw.readv(dev, [t.buf], off, (error) => end(l.k, t, error)) === -1) wait(l, t);
  return t.buf;
}

/** One buffer of the caller's, which is in whole sectors too. Its bytes count as moved when they have arrived. */
function write(sw: Bdevsw, dev: number, uio: Uio, len: number, l: Lwp): void {
  const part = uio.peek(len)!;
  if (part.length % sw.secsize(dev) !== 0) throw ERR.EINVAL;
  if (pending(l, uio.offset) === undefined) {
    const t = new Transfer(part.slice(), uio.offset);
    if (sw.writev(dev, [t.buf], t.off, (error) => end(l.k, t, error)) === -1) wait(l, t);
  }
  uio.skip(part.length);
}

/** The transfer of this call that has ended meanwhile. Its error is thrown. */
function pending(l: Lwp, off: number): Transfer | undefined {
  const t = l.memo;
  if (!(t instanceof Transfer) || t.off !== off) return undefined;
  if (!t.ended) l.k.sleep(t);
  l.memo = undefined;
  if (t.error !== undefined) throw t.error;
  return t;
}

function wait(l: Lwp, t: Transfer): never {
  l.memo = t;
  return l.k.sleep(t);
}

function end(k: Kernel, t: Transfer, error: Errno | undefined): void {
  k.intr(() => {
    t.ended = true;
    t.error = error;
    k.wakeup(t);
  });
}
