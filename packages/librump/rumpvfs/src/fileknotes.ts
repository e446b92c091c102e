/** Kernel events of open files that are always ready: EVFILT_READ and EVFILT_WRITE. */
import { EVFILT_READ, EVFILT_WRITE, EV_EOF } from '@anykernel/lib-sys';
import { Klist, type Knote, knoteAttach } from '@anykernel/rumpkern';
import { vnodeKqfilter } from './knotes.js';
import type { Mount } from './mount.js';
import { VREG, type Vnode } from './vnode.js';

/** Attaches a knote to a vnode, or to an open file of it. EINVAL: not a filter for files. */
export function fileKqfilter(vp: Vnode, kn: Knote): void {
  if (kn.filter === EVFILT_READ) knoteAttach(kn, (vp.knotes ??= new Klist()), (it) => readEvent(vp, it));
  else if (kn.filter === EVFILT_WRITE) knoteAttach(kn, (vp.knotes ??= new Klist()), writeEvent);
  else vnodeKqfilter(vp, kn);
}

/** What is left of a regular file beyond the descriptor's position. */
function readEvent(vp: Vnode, kn: Knote): boolean {
  if (vp.mp === undefined) {
    kn.flags |= EV_EOF;
    return true;
  }
  if (vp.type !== VREG) return true;
  const st = (vp.mp as Mount).vfs.scratch;
  vp.ops.getattr(vp, st);
  kn.data = st.size - (kn.file?.offset ?? 0);
  return kn.data !== 0;
}

function writeEvent(kn: Knote): boolean {
  kn.data = 0;
  return true;
}
