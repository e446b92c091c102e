/**
 * Operations that make and take names, with all that goes along: the attributes of a new file, the name cache, kernel events, and the end of
 * a file that lost its last name.
 *
 * The caller has looked up and checked (permission.ts). Each returns or throws as the file system's operation does, and then nothing
 * has changed.
 */
import { NOTE_DELETE, NOTE_LINK, NOTE_RENAME, NOTE_WRITE, S_ISGID, S_ISVTX } from '@anykernel/lib-sys';
import type { Cred } from '@anykernel/rumpkern';
import type { Mount } from './mount.js';
import { type Componentname, VDIR, type Vattr, type Vnode, type Vtype, vinactive } from './vnode.js';

/**
 * The attributes of a file to be made in `dvp`: it belongs to the caller, and to the directory's group. A directory in one with the set-group-id bit
 * has it too; other files do not get one for a group that the caller is not in, nor the sticky bit, unless he is the superuser.
 */
export function attrOfNew(dvp: Vnode, type: Vtype, mode: number, cred: Cred): Vattr {
  const { vfs } = dvp.mp as Mount;
  const st = vfs.scratch;
  const va = vfs.va.clear();
  dvp.ops.getattr(dvp, st);
  va.type = type;
  va.uid = cred.euid;
  va.gid = st.gid;
  va.mode = mode & 0o7777;
  if (type === VDIR) va.mode |= st.mode & S_ISGID;
  else if (cred.euid !== 0) {
    va.mode &= ~S_ISVTX;
    if (!cred.inGroup(st.gid)) va.mode &= ~S_ISGID;
  }
  return va;
}

/** The name stands for `vp` from now on, or for nothing. */
function enter(dvp: Vnode, name: string, vp: Vnode | undefined): void {
  if (dvp.names >= 0) (dvp.mp as Mount).vfs.namecache.enter(dvp, name, vp);
}

function made(dvp: Vnode, cnp: Componentname, vp: Vnode): Vnode {
  enter(dvp, cnp.name, vp);
  dvp.knotes?.note(NOTE_WRITE, cnp.name);
  return vp;
}

export function vopCreate(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return made(dvp, cnp, dvp.ops.create(dvp, cnp, va));
}

export function vopMknod(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  return made(dvp, cnp, dvp.ops.mknod(dvp, cnp, va));
}

export function vopMkdir(dvp: Vnode, cnp: Componentname, va: Vattr): Vnode {
  const vp = made(dvp, cnp, dvp.ops.mkdir(dvp, cnp, va));
  dvp.knotes?.note(NOTE_LINK);
  return vp;
}

export function vopSymlink(dvp: Vnode, cnp: Componentname, va: Vattr, target: string): Vnode {
  return made(dvp, cnp, dvp.ops.symlink(dvp, cnp, va, target));
}

export function vopLink(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  dvp.ops.link(dvp, vp, cnp);
  made(dvp, cnp, vp);
  vp.knotes?.note(NOTE_LINK);
}

export function vopRemove(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  dvp.ops.remove(dvp, vp, cnp);
  enter(dvp, cnp.name, undefined);
  dvp.knotes?.note(NOTE_WRITE, cnp.name);
  vp.knotes?.note(NOTE_DELETE);
  vinactive(vp);
}

export function vopRmdir(dvp: Vnode, vp: Vnode, cnp: Componentname): void {
  dvp.ops.rmdir(dvp, vp, cnp);
  enter(dvp, cnp.name, undefined);
  dvp.knotes?.note(NOTE_WRITE | NOTE_LINK, cnp.name);
  ended(vp);
}

/** A file, or directory, has lost a name to rmdir or rename. */
function ended(vp: Vnode): void {
  if (vp.type === VDIR) {
    vp.removed = true;
    if (vp.names >= 0) (vp.mp as Mount).vfs.namecache.purge(vp);
  }
  vp.knotes?.note(NOTE_DELETE);
  vinactive(vp);
}

export function vopRename(fdvp: Vnode, fvp: Vnode, fcnp: Componentname, tdvp: Vnode, tvp: Vnode | undefined, tcnp: Componentname): void {
  fdvp.ops.rename(fdvp, fvp, fcnp, tdvp, tvp, tcnp);
  enter(fdvp, fcnp.name, undefined);
  enter(tdvp, tcnp.name, fvp);
  if (fvp.names >= 0 && fdvp !== tdvp) (fvp.mp as Mount).vfs.namecache.remove(fvp, '..');
  const linked = fvp.type === VDIR && fdvp !== tdvp ? NOTE_LINK : 0;
  fdvp.knotes?.note(NOTE_WRITE | linked, fcnp.name);
  tdvp.knotes?.note(NOTE_WRITE | linked, tcnp.name);
  fvp.knotes?.note(NOTE_RENAME);
  if (tvp !== undefined) ended(tvp);
}
