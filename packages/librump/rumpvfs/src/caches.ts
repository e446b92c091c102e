/** The caches of names and vnodes, and what keeps them small: for file systems whose vnodes are made when they are asked for. */
import { getU32le } from '@anykernel/lib-bytes';
import type { Kernel } from '@anykernel/rumpkern';
import { Namecache } from './namecache.js';
import { Reclaimer } from './reclaim.js';
import { Vcache } from './vcache.js';
import type { Vfs } from './vfs.js';

export function attachCaches(vfs: Vfs): void {
  vfs.vcache = new Vcache();
  vfs.namecache = new Namecache(vfs.maxvnodes * 2, () => randomWord(vfs.k));
  vfs.reclaimer = new Reclaimer(vfs);
}

function randomWord(k: Kernel): number {
  const b = new Uint8Array(4);
  k.host.getrandom(b);
  return getU32le(b, 0) | 0;
}
