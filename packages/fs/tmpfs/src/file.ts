/**
 * The bytes of tmpfs files: read, write, truncate. Ranges are ranges.ts.
 *
 * A file's bytes are in a memory object. A file without one is all hole. A limit on the size of the file system counts the pages which files
 * really have, and a write goes as far as there is room.
 */
import { APPEND, ERR } from '@anykernel/lib-sys';
import type { Uio } from '@anykernel/rumpkern';
import { IO_APPEND, Uobj, type Vnode } from '@anykernel/rumpvfs';
import { ATIME, CTIME, MTIME, type Node } from './node.js';
import { nodeOf, tmountOf } from './of.js';
import type { Tmount } from './tmount.js';

/** The largest file: offsets up to here are exact, with room to add a transfer. */
export const MAX_FILE_SIZE: number = 2 ** 52;

export function read(vp: Vnode, uio: Uio): void {
  if (uio.resid === 0) return;
  const node = nodeOf(vp);
  if (uio.offset < node.size) {
    if (node.uobj === undefined) uio.moveZeros(node.size - uio.offset);
    else node.uobj.read(uio, node.size);
  }
  accessed(vp, node);
}

/** Marks the access time, unless the mount does not want it. */
export function accessed(vp: Vnode, node: Node): void {
  const tm = tmountOf(vp);
  if (tm.wantsAtime) node.touch(ATIME, tm.now());
}

export function write(vp: Vnode, uio: Uio, ioflag: number): void {
  if (uio.resid === 0) return;
  const node = nodeOf(vp);
  if ((ioflag & IO_APPEND) !== 0) uio.offset = node.size;
  // fcntl(2) may have taken O_APPEND away.
  else if ((node.flags & APPEND) !== 0 && uio.offset !== node.size) throw ERR.EPERM;
  const from = uio.offset;
  const len = Math.min(uio.resid, MAX_FILE_SIZE - from);
  if (len <= 0) throw ERR.EFBIG;
  const tm = tmountOf(vp);
  try {
    tm.put(tm, uobjOf(vp, node, tm), uio, len, node.size);
  } finally {
    if (uio.offset > from) written(tm, node, uio.offset);
  }
}

function written(tm: Tmount, node: Node, end: number): void {
  if (end > node.size) node.size = end;
  node.touch(MTIME | CTIME, tm.now());
}

export function uobjOf(vp: Vnode, node: Node, tm: Tmount): Uobj {
  return (node.uobj ??= vp.uobj = new Uobj(tm.k));
}

/** EFBIG. The change of times is whoever's that sets the attribute, but for the modification time. */
export function truncate(vp: Vnode, node: Node, size: number): void {
  if (size > MAX_FILE_SIZE) throw ERR.EFBIG;
  const tm = tmountOf(vp);
  const uobj = node.uobj;
  if (uobj !== undefined && size < node.size) {
    const before = uobj.pages;
    uobj.truncate(size);
    tm.recount(uobj, before);
  }
  node.size = size;
  node.touch(MTIME | CTIME, tm.time);
}
