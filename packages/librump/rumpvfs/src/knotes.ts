/** Kernel events of vnodes: EVFILT_VNODE, and EVFILT_READ and WRITE of files that are always ready. */
import { ERR, EVFILT_READ, EVFILT_VNODE, EVFILT_WRITE, EV_EOF, EntryNames, NOTE_REVOKE, NOTE_WRITE } from '@anykernel/lib-sys';
import { Klist, type Knote, knoteAttach } from '@anykernel/rumpkern';
import type { Mount } from './mount.js';
import { VREG, type Vnode } from './vnode.js';

/** Attaches a knote to a vnode. EINVAL: not a filter for files. */
export function vnodeKqfilter(vp: Vnode, kn: Knote): void {
  const klist = (vp.knotes ??= new Klist());
  if (kn.filter === EVFILT_VNODE) knoteAttach(kn, klist, vnodeEvent);
  else if (kn.filter === EVFILT_READ) knoteAttach(kn, klist, (it) => readEvent(vp, it));
  else if (kn.filter === EVFILT_WRITE) knoteAttach(kn, klist, writeEvent);
  else throw ERR.EINVAL;
}

function vnodeEvent(kn: Knote, hint: number, name?: string): boolean {
  if (name !== undefined && kn.udata instanceof EntryNames && (kn.sfflags & NOTE_WRITE) !== 0) kn.udata.add(name);
  kn.fflags |= kn.sfflags & hint;
  if (hint === NOTE_REVOKE) kn.flags |= EV_EOF;
  return kn.fflags !== 0 || hint === NOTE_REVOKE;
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
