/** Kernel events of vnodes: EVFILT_VNODE. The filters of descriptors are fileknotes.ts. */
import { ERR, EVFILT_VNODE, EV_EOF, EntryNames, NOTE_REVOKE, NOTE_WRITE } from '@anykernel/lib-sys';
import { Klist, type Knote, knoteAttach } from '@anykernel/rumpkern';
import type { Vnode } from './vnode.js';

/** Attaches a knote to a vnode. EINVAL: not a filter for vnodes. */
export function vnodeKqfilter(vp: Vnode, kn: Knote): void {
  if (kn.filter !== EVFILT_VNODE) throw ERR.EINVAL;
  knoteAttach(kn, (vp.knotes ??= new Klist()), vnodeEvent);
}

function vnodeEvent(kn: Knote, hint: number, name?: string): boolean {
  if (name !== undefined && kn.udata instanceof EntryNames && (kn.sfflags & NOTE_WRITE) !== 0) kn.udata.add(name);
  kn.fflags |= kn.sfflags & hint;
  if (hint === NOTE_REVOKE) kn.flags |= EV_EOF;
  return kn.fflags !== 0 || hint === NOTE_REVOKE;
}
