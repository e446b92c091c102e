/** Holes of a file: which pages are there, where the next one is, and giving pages up. */
import { PAGE_SHIFT, PAGE_SIZE } from '@anykernel/rumpkern';
import { CLUSTER_SIZE } from './cluster.js';
import type { Pager, Uobj } from './uobj.js';
import { Run } from './vnode.js';

/** Whether the page at `off` is there. */
export function uobjHas(u: Uobj, off: number): boolean {
  const c = u.find(Math.floor(off / CLUSTER_SIZE));
  return c !== undefined && ((c.valid >> ((off % CLUSTER_SIZE) >> PAGE_SHIFT)) & 1) === 1;
}

/**
 * The first byte of [off, size) that lies in a page which is there (or is not, where `there` is false); `size` where there is none. Of a file on a device its
 * blocks say it, not what is in memory. EIO; sleeps.
 */
export function uobjSeek(u: Uobj, off: number, size: number, there: boolean): number {
  if (u.pager !== undefined) return seekBlocks(u.pager, off, size, there);
  for (let at = off; at < size; ) {
    if (uobjHas(u, at) === there) return at;
    const index = Math.floor(at / CLUSTER_SIZE);
    const page = at - (at % PAGE_SIZE) + PAGE_SIZE;
    at = u.find(index) === undefined ? indexAfter(u, index) * CLUSTER_SIZE : page;
  }
  return size;
}

function seekBlocks(pager: Pager, off: number, size: number, there: boolean): number {
  const bsize = 2 ** pager.bshift;
  const run = new Run();
  for (let at = off; at < size; ) {
    const lbn = Math.floor(at / bsize);
    pager.bmap(lbn, run);
    if ((run.blkno !== -1) === there) return at;
    at = (lbn + run.count) * bsize;
  }
  return size;
}

/** The next cluster that is there; Infinity: none. */
function indexAfter(u: Uobj, index: number): number {
  for (let i = index + 1; i < u.list.length; i++) if (u.list[i] !== undefined) return i;
  let next = Infinity;
  if (u.far !== undefined) for (const i of u.far.keys()) if (i > index && i < next) next = i;
  return next;
}

/** Bytes [off, off+len) have no blocks any more: a hole. Never sleeps. */
export function uobjDiscard(u: Uobj, off: number, len: number): void {
  const end = off + len;
  for (const c of u.from(Math.floor(off / CLUSTER_SIZE))) {
    const base = c.index * CLUSTER_SIZE;
    if (base >= end) continue;
    if (off <= base && base + CLUSTER_SIZE <= end) u.forget(c);
    else u.cut(c, Math.max(off - base, 0), Math.min(end - base, CLUSTER_SIZE));
  }
}
