/** Where a file has data and where holes: FIOSEEKDATA and FIOSEEKHOLE. */
import { ERR } from '@anykernel/lib-sys';
import type { Uobj } from './uobj.js';
import { Run, type Vnode } from './vnode.js';

/**
 * The first byte from `off` on, of a file of `size` bytes, which is data, or in a hole if that is what is wanted; its end is one. A file of which nothing is
 * known here is all data. ENXIO: `off` is not in the file, or no data follows. EIO; sleeps.
 */
export function seekData(vp: Vnode, size: number, off: number, hole: boolean): number {
  if (!(off >= 0 && off < size)) throw ERR.ENXIO;
  if (vp.uobj === undefined) return hole ? size : off;
  const { pager } = vp.uobj;
  if (pager === undefined) return inMemory(vp.uobj, size, off, hole);
  const bsize = 2 ** pager.bshift;
  const run = new Run();
  for (let at = off; at < size; ) {
    const lbn = Math.floor(at / bsize);
    pager.bmap(lbn, run);
    if ((run.blkno === -1) === hole) return at;
    at = (lbn + run.count) * bsize;
  }
  if (hole) return size;
  throw ERR.ENXIO;
}

function inMemory(uobj: Uobj, size: number, off: number, hole: boolean): number {
  const at = uobj.seek(off, size, !hole);
  if (at >= size && !hole) throw ERR.ENXIO;
  return at;
}
