/**
 * /dev: a node for every device that a driver announces, for as long as it does. It is the root file system's /dev, whatever has been mounted over the
 * root since: an image has its own.
 */
import { ERR, Errno, strerror } from '@anykernel/lib-sys';
import type { DevNode, Kernel } from '@anykernel/rumpkern';
import { NAMEI_MAKEDIR, Nameidata, namei } from './namei.js';
import type { Vfs } from './vfs.js';
import { VBLK, VCHR, VDIR, type Vnode } from './vnode.js';
import { attrOfNew, vopMkdir, vopMknod, vopRemove } from './vops.js';

/** Makes nodes from now on, and for what was announced before. */
export function listenForDevices(vfs: Vfs): void {
  const nd = new Nameidata();
  vfs.k.devsw.listen({
    made: (node) => quietly(vfs.k, node, () => makeNode(vfs, nd, node)),
    gone: (node) => quietly(vfs.k, node, () => removeNode(vfs, nd, node)),
  });
}

/** A device without a name is a device all the same. */
function quietly(k: Kernel, node: DevNode, fn: () => void): void {
  try {
    fn();
  } catch (e) {
    if (!(e instanceof Errno)) throw e;
    if (e !== ERR.EEXIST) k.printf(`/dev/${node.name}: ${strerror(e.code)}`);
  }
}

function makeNode(vfs: Vfs, nd: Nameidata, node: DevNode): void {
  for (let at = node.name.indexOf('/'); at > 0; at = node.name.indexOf('/', at + 1)) makeDir(vfs, nd, `dev/${node.name.slice(0, at)}`);
  const l = vfs.k.proc0.lwp;
  namei(l, nd, 'create', 0, `dev/${node.name}`, firstRoot(vfs));
  if (nd.vp !== undefined) throw ERR.EEXIST;
  const va = attrOfNew(nd.dvp as Vnode, node.kind === 'blk' ? VBLK : VCHR, node.mode, l.proc.cred);
  va.rdev = node.dev;
  vopMknod(nd.dvp as Vnode, nd.cnp, va);
}

function firstRoot(vfs: Vfs): Vnode {
  return vfs.mounts[0].rootvp as Vnode;
}

/** The directory `path`, absolute or from the first root, made if it is not there. */
export function makeDir(vfs: Vfs, nd: Nameidata, path: string, mode = 0o755): void {
  const l = vfs.k.proc0.lwp;
  namei(l, nd, 'create', NAMEI_MAKEDIR, path, firstRoot(vfs));
  if (nd.vp === undefined) vopMkdir(nd.dvp as Vnode, nd.cnp, attrOfNew(nd.dvp as Vnode, VDIR, mode, l.proc.cred));
}

function removeNode(vfs: Vfs, nd: Nameidata, node: DevNode): void {
  namei(vfs.k.proc0.lwp, nd, 'delete', 0, `dev/${node.name}`, firstRoot(vfs));
  if (nd.vp !== undefined && nd.vp.rdev === node.dev) vopRemove(nd.dvp as Vnode, nd.vp, nd.cnp);
}
