/**
 * Transfers between a caller and a block driver, outside of every cache: those of block nodes at any alignment, those of raw devices in whole
 * sectors.
 */
import { ERR, MAXPHYS } from '@anykernel/lib-sys';
import type { Bdevsw } from './devsw.js';
import type { Lwp } from './proc.js';
import { transfer } from './rawio.js';
import type { Uio } from './uio.js';

/** From uio.offset up to the end of the device, at any alignment. */
export function readBlocks(sw: Bdevsw, dev: number, uio: Uio, l: Lwp): void {
  const size = sw.psize(dev);
  const secsize = sw.secsize(dev);
  while (uio.resid > 0 && uio.offset < size) {
    const off = uio.offset;
    const start = off - (off % secsize);
    const end = Math.min(start + MAXPHYS, Math.ceil((off + uio.resid) / secsize) * secsize, size);
    const data = transfer(l, end - start, off, undefined, (buf, done) => sw.readv(dev, [buf], start, done));
    if (data.length <= off - start) return;
    uio.move(data, off - start, data.length - (off - start));
  }
}

/** At uio.offset, at any alignment: what is part of a sector is read before. ENOSPC: beyond the end of the device. */
export function writeBlocks(sw: Bdevsw, dev: number, uio: Uio, l: Lwp): void {
  const size = sw.psize(dev);
  const secsize = sw.secsize(dev);
  while (uio.resid > 0) {
    const off = uio.offset;
    if (off >= size) {
      if (uio.moved > 0) return;
      throw ERR.ENOSPC;
    }
    const start = off - (off % secsize);
    const src = uio.peek(Math.min(start + MAXPHYS, size) - off);
    if (src === undefined) return;
    const end = Math.min(Math.ceil((off + src.length) / secsize) * secsize, size);
    const fill = (buf: Uint8Array): void => {
      const whole = off === start && off + src.length === end;
      if (!whole) buf.set(transfer(l, end - start, off, undefined, (b, done) => sw.readv(dev, [b], start, done)));
      buf.set(src, off - start);
    };
    const moved = transfer(l, end - start, -1 - off, fill, (buf, done) => sw.writev(dev, [buf], start, done)).length - (off - start);
    if (moved <= 0) throw ERR.EIO;
    uio.skip(Math.min(moved, src.length));
  }
}

/**
 * A transfer on a raw (character) device, for drivers of disks: straight to and from the block driver. EINVAL: the position or the length is not
 * in whole sectors. Reads end at the end of the device; writes there are refused with ENOSPC.
 */
export function physio(sw: Bdevsw, dev: number, uio: Uio, l: Lwp): void {
  const secsize = sw.secsize(dev);
  const size = sw.psize(dev);
  if (uio.offset % secsize !== 0) throw ERR.EINVAL;
  if (uio.offset < size && uio.resid % secsize !== 0 && uio.offset + uio.resid !== size) throw ERR.EINVAL;
  if (uio.rw === 'read') readBlocks(sw, dev, uio, l);
  else writeBlocks(sw, dev, uio, l);
}
