/**
 * Files whose bytes are on a device: the cache of file data, and how pages come and go. A kernel whose file systems keep their files in memory
 * has none of it.
 */
import type { Kernel } from '@anykernel/rumpkern';
import { FileCache } from './filecache.js';
import { loadPage, readAbsent, readMore } from './pagein.js';
import { pageout } from './pageout.js';
import { type Pager, type Paging, Uobj } from './uobj.js';

const paging: Paging = { cacheOf: (k) => FileCache.of(k), readAbsent, readMore, loadPage, pageout };

/** The bytes of a file that `pager` brings in and writes. */
export function pagedUobj(k: Kernel, pager: Pager): Uobj {
  return new Uobj(k, pager, paging);
}
