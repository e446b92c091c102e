/** Ranges of tmpfs files: pages for them, and holes. */
import { APPEND, ERR, IMMUTABLE } from '@anykernel/lib-sys';
import { CHUNK_MAX, PAGE_SIZE, Uio } from '@anykernel/rumpkern';
import { type Uobj, type Vnode, uobjDiscard, uobjHas } from '@anykernel/rumpvfs';
import { MAX_FILE_SIZE, uobjOf } from './file.js';
import { CTIME, MTIME } from './node.js';
import { nodeOf, tmountOf } from './of.js';

/** Gives the range pages of its own, zeros where there were none, and the file at least that length. ENOSPC, ENOMEM, EFBIG. */
export function fallocate(vp: Vnode, off: number, len: number): void {
  const node = nodeOf(vp);
  const end = off + len;
  if (end > MAX_FILE_SIZE) throw ERR.EFBIG;
  const tm = tmountOf(vp);
  const uobj = uobjOf(vp, node, tm);
  const least = Math.floor(len / PAGE_SIZE) - uobj.pages;
  if (least > tm.maxPages - tm.pages) throw ERR.ENOSPC;
  if (least * PAGE_SIZE > tm.k.mem.limit) throw ERR.ENOMEM;
  const holes = holesIn(uobj, off, end, tm.maxPages - tm.pages);
  const before = uobj.pages;
  try {
    for (const hole of holes) fill(uobj, hole, node.size);
  } catch (e) {
    for (const hole of holes) uobjDiscard(uobj, hole.from, hole.to - hole.from);
    throw e;
  } finally {
    tm.recount(uobj, before);
  }
  if (end > node.size) node.size = end;
  node.touch(CTIME, tm.now());
}

/** Bytes [from, to), whole pages, that a file has no pages for. */
interface Hole {
  readonly from: number;
  to: number;
}

/** The holes in a range. ENOSPC: they take more than `room` pages. */
function holesIn(uobj: Uobj, off: number, end: number, room: number): Hole[] {
  const holes: Hole[] = [];
  let last: Hole | undefined;
  let pages = 0;
  for (let at = Math.floor(off / PAGE_SIZE) * PAGE_SIZE; at < end; at += PAGE_SIZE) {
    if (uobjHas(uobj, at)) continue;
    if (++pages > room) throw ERR.ENOSPC;
    if (last?.to === at) last.to = at + PAGE_SIZE;
    else holes.push((last = { from: at, to: at + PAGE_SIZE }));
  }
  return holes;
}

/** Gives a hole pages of zeros. ENOMEM. */
function fill(uobj: Uobj, hole: Hole, size: number): void {
  const uio = new Uio();
  const zeros = new Uint8Array(CHUNK_MAX);
  for (let at = hole.from; at < hole.to; at += CHUNK_MAX) {
    const len = Math.min(CHUNK_MAX, hole.to - at);
    uobj.write(uio.init(zeros, at, 'write'), len, size);
  }
}

/** Whole pages in the range go, the rest of it becomes zeros. Length stays. EPERM. */
export function fdiscard(vp: Vnode, off: number, len: number): void {
  const node = nodeOf(vp);
  if ((node.flags & (IMMUTABLE | APPEND)) !== 0) throw ERR.EPERM;
  const tm = tmountOf(vp);
  const uobj = node.uobj;
  const end = Math.min(off + len, node.size);
  if (uobj === undefined || off >= end) return;
  const before = uobj.pages;
  uobjDiscard(uobj, off, end - off);
  tm.recount(uobj, before);
  node.touch(MTIME | CTIME, tm.now());
}
