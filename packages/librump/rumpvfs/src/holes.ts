/** Where a file has data and where holes: FIOSEEKDATA and FIOSEEKHOLE. */
import { ERR } from '@anykernel/lib-sys';
import { uobjSeek } from './uobjholes.js';
import type { Vnode } from './vnode.js';

/**
 * The first byte from `off` on, of a file of `size` bytes, which is data, or in a hole if that is what is wanted; its end is one. A file of which nothing is
 * known here is all data. ENXIO: `off` is not in the file, or no data follows. EIO; sleeps.
 */
export function seekData(vp: Vnode, size: number, off: number, hole: boolean): number {
  if (!(off >= 0 && off < size)) throw ERR.ENXIO;
  const at = vp.uobj === undefined ? (hole ? size : off) : uobjSeek(vp.uobj, off, size, !hole);
  if (at >= size && !hole) throw ERR.ENXIO;
  return at;
}
