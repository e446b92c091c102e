/**
 * Who may change a directory: the checks of the layer before an operation that makes or takes a name.
 *
 * The order is that of the conditions: the file system can be written, the directory is there, the credentials may write it.
 */
import { ERR, MNT_RDONLY, S_ISVTX } from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import { type Componentname, VWRITE, type Vnode } from './vnode.js';

/** EROFS: `vp`'s file system is mounted read-only. ENOENT: it is gone. */
export function checkWritable(vp: Vnode): void {
  const mp = vp.mp;
  if (mp === undefined) throw ERR.ENOENT;
  if ((mp.flags & MNT_RDONLY) !== 0) throw ERR.EROFS;
}

/** A name may be made in `dvp`. EROFS, ENOENT (the directory was removed), EINVAL (a NUL in the name), EACCES, EPERM. */
export function checkMayAdd(dvp: Vnode, cnp: Componentname): void {
  checkWritable(dvp);
  if (dvp.removed) throw ERR.ENOENT;
  if (cnp.name.includes('\0')) throw ERR.EINVAL;
  dvp.ops.access(dvp, VWRITE, cnp.cred);
}

/** The name `cnp` of `vp` in `dvp` may be taken. EROFS, EACCES, EPERM (in a sticky directory it belongs to somebody else). */
export function checkMayTake(dvp: Vnode, vp: Vnode, cred: Cred): void {
  checkWritable(dvp);
  dvp.ops.access(dvp, VWRITE, cred);
  if (cred.euid !== 0) checkSticky(dvp, vp, cred);
}

function checkSticky(dvp: Vnode, vp: Vnode, cred: Cred): void {
  const st = (dvp.mp as NonNullable<Vnode['mp']>).vfs.scratch;
  dvp.ops.getattr(dvp, st);
  if ((st.mode & S_ISVTX) === 0 || st.uid === cred.euid) return;
  vp.ops.getattr(vp, st);
  if (st.uid !== cred.euid) throw ERR.EPERM;
}
